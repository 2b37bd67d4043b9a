"""Redaction of files: pictures and films of any length, in steps that may be repeated at any time."""
