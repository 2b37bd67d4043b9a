"""Redaction of uploaded pictures and films: the ledger of its steps, its edits and its results."""
