"""The camera processes: leases in, decoders supervised, redacted pictures and results out."""
