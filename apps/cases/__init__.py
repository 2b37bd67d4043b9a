"""Requests of data subjects: access, erasure, restriction, objection."""
