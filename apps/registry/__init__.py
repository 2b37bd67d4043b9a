"""Model versions as the data plane announces them, and which of them serves which stage."""
