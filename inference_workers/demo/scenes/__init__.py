"""The four demo cameras. Each scene draws the picture for any moment of its loop."""
