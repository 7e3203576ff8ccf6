"""What forms of the administration share: refusals at their field, and secrets that never come back to the page."""

from __future__ import annotations

from django import forms

from sealdesk.core.errors import DeskError, Invalid

FILE_LIMIT = 8 * 1024 * 1024


def refused(form: forms.Form, error: DeskError) -> None:
    """Puts the sentences of a refusal where they belong; what has no field of its own stands on top."""
    fields = error.fields if isinstance(error, Invalid) else {"": (error.sentence,)}
    for name, sentences in fields.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


class Secretive(forms.Textarea):
    """A text area that never shows again what holds a private key."""

    def format_value(self, value: object) -> str | None:
        text = super().format_value(value)
        return None if text and "PRIVATE" in text.upper() else text


class MaterialForm(forms.Form):
    """A file or pasted text with certificates or keys."""

    file = forms.FileField(required=False, label="File")
    pasted = forms.CharField(
        required=False,
        strip=False,
        label="Or paste it",
        widget=Secretive(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, object]:
        """One of the two, and not more than anything with keys in it ever has."""
        cleaned: dict[str, object] = super().clean() or {}
        file, pasted = self.cleaned_data.get("file"), self.cleaned_data.get("pasted", "").strip()
        if file is not None and file.size > FILE_LIMIT:
            self.add_error("file", "The file is larger than 8 MB; no key or certificate is.")
        elif file is None and not pasted:
            self.add_error("file", "Choose a file, or paste the text below.")
        return cleaned

    def material(self) -> bytes:
        """The bytes that were given."""
        file = self.cleaned_data.get("file")
        return bytes(file.read()) if file is not None else str(self.cleaned_data["pasted"]).encode()
