"""Mail that goes out: asked for by agents, sealed as planned, sent copy by copy."""
