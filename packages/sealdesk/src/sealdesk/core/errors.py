"""Errors that people see: each carries the sentence to show, and where it belongs to a form, at which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class DeskError(Exception):
    """Something cannot be done; the message is a sentence for the person who asked."""

    @property
    def sentence(self) -> str:
        return str(self)


class NotAllowed(DeskError):
    """The person who asked has no right to it."""


class Invalid(DeskError):
    """What was filled in cannot be used: for each field, its sentences. The empty name is for the form as a whole."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = {name: tuple(sentences) for name, sentences in fields.items()}
        super().__init__(" ".join(sentence for sentences in self.fields.values() for sentence in sentences))
