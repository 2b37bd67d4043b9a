"""Unmasking as a transaction: asked by one person, granted by another, shown once and for minutes."""
