"""Demo footage: clips drawn by this package, so that the product shows itself without any camera.

The one face in them is the picture of an astronaut that scikit-image carries (NASA, public domain).
"""
