"""Whole stories with real servers and a real browser."""
