"""The data plane: decode, detect, read and redact. It imports neither Django nor `apps`."""
