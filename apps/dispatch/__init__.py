"""Leases out, results in, and the ledger of durable work."""
