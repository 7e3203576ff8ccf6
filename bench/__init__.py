"""Measures Sealdesk side by side with the programs that people use by hand, and with the bare primitives.

`make bench` runs it and writes `RESULTS.md`. It measures and never judges: ratios are for people to read, since a
busy machine would fail any bound.
"""
