"""Whole stories, and the peers that they are told with: real servers, real customers' tools, a real browser."""
