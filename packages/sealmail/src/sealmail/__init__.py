"""Opens, seals and judges signed and encrypted mail: bytes in, facts out. No sockets, no clock, no web framework."""
