"""The engine: a pure library from frames to detections, tracks, readings and redacted frames."""
