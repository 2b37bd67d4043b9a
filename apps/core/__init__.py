"""Ids, errors, clock, pagination: what every app may use."""
