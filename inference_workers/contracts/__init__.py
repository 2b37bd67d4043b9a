"""What the two planes say to each other: plain frozen dataclasses and names, standard library only."""
