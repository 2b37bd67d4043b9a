"""Face detectors: decoders of CenterFace, YuNet and Ultra-Light graphs."""
