"""The forms Add Certificate, Add Private Key and Add Key. What they hold is never shown again where it is secret."""

from __future__ import annotations

import re
from typing import ClassVar

from django import forms

from sealdesk.keyring import actions
from sealdesk.people.models import Agent, Group
from sealdesk.web.admin.forms import MaterialForm
from sealmail.keys import Technology

_HOW = (
    ("not recorded", "Not recorded"),
    ("fingerprint by phone", "Fingerprint compared by phone"),
    ("fingerprint in person", "Fingerprint compared in person"),
    ("from a known place", "Taken from a place that I trust"),
)


class AddingForm(MaterialForm):
    """What the three forms share."""

    anchor: ClassVar[str]
    title: ClassVar[str]
    sentence: ClassVar[str]
    url: ClassVar[str]
    how_checked = forms.ChoiceField(choices=_HOW, label="How it was checked", required=False)

    def add(self, technology: Technology, *, by: Agent) -> list[str]:
        """Stores what was given; a sentence for each thing that was added."""
        raise TypeError(f"{type(self).__name__} adds nothing")


class CertificateForm(AddingForm):
    """Certificates of contacts, of our own, and of issuers."""

    anchor = "add-certificate"
    title = "Add Certificate"
    sentence = (
        "PEM, DER, PKCS#7 or PKCS#12; one file may hold many. A certificate added here is trusted for its own addresses."
    )
    url = "admin_add_certificate"
    vouches = forms.ChoiceField(
        label="If it is the certificate of an issuer (CA)",
        choices=(
            ("nobody", "It vouches for nobody; it only completes chains"),
            ("everybody", "It vouches for everybody: every certificate that it issued is trusted"),
            ("domains", "It vouches for addresses in these domains only"),
        ),
        initial="nobody",
        required=False,
        widget=forms.RadioSelect,
    )
    domains = forms.CharField(required=False, label="Domains", help_text="For example bank.example, law.example")

    def clean_domains(self) -> list[str]:
        """The domains, in lower case."""
        return [word.lower().removeprefix("@") for word in re.split(r"[,;\s]+", self.cleaned_data["domains"]) if word]

    def clean(self) -> dict[str, object]:
        """Domains are named where it vouches for domains."""
        cleaned = super().clean()
        if cleaned.get("vouches") == "domains" and not cleaned.get("domains"):
            self.add_error("domains", "Name at least one domain.")
        return cleaned


class SecretForm(AddingForm):
    """What forms for private keys share."""

    passphrase = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Where the key has one. It is checked, and kept encrypted.",
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        required=False,
        label="Groups that may use the private key",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: the groups whose sender address it names.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        self.fields["groups"].queryset = Group.objects.filter(is_active=True)  # type: ignore[attr-defined]  # rows


class PrivateKeyForm(SecretForm):
    """Our private keys for S/MIME."""

    anchor = "add-private-key"
    title = "Add Private Key"
    sentence = "PEM, DER or PKCS#12. It finds its certificate by itself; the certificate may come in the same file."
    url = "admin_add_private_key"


class PGPKeyForm(SecretForm):
    """Keys of OpenPGP, public or secret."""

    anchor = "add-key"
    title = "Add Key"
    sentence = "A file may be ASCII-armored or binary. Pasted text must be ASCII-armored: it begins with -----BEGIN PGP."
    url = "admin_add_pgp_key"
