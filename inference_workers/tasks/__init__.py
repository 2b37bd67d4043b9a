"""Bounded jobs on the inference worker: a micro-batch of frames, one uploaded picture."""
