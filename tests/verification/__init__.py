"""Our peers and fakes against the real thing."""
