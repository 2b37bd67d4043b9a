"""What cameras recorded: redacted segments, who watches them, and the keys of sealed originals."""
