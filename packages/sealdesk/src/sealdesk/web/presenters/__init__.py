"""Codes to words: one entry for every code of the report and of the desk's states, in one file per topic.

Nothing here reads the database or decides anything; a test walks every enum and fails where an entry is missing.
"""
