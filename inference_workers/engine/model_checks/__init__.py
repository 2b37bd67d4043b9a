"""Looking into model files of strangers: a process of its own, without network, secrets or a way to write."""
