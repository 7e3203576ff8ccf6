"""Sealdesk: a help desk whose every mail can be signed and encrypted."""
