"""Names of colours that both planes use: the eleven basic colour terms (Berlin and Kay, 1969)."""

from enum import StrEnum


class Colour(StrEnum):
    BLACK = "black"
    WHITE = "white"
    GRAY = "gray"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    PINK = "pink"
    BROWN = "brown"
