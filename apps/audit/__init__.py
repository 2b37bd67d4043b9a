"""Changes and accesses in one hash chain."""
