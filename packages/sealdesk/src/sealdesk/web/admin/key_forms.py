"""The forms Add Certificate, Add Private Key and Add Key. What they hold is never shown again where it is secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import ClassVar

from django import forms

from sealdesk.core.errors import DeskError, Invalid
from sealdesk.keyring import actions
from sealdesk.keyring.actions import Vouching
from sealdesk.keyring.importing import ImportItem, Outcome, preview
from sealdesk.people.models import Agent, Group
from sealdesk.web.admin.forms import MaterialForm, refused
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.key_names import short
from sealdesk.web.presenters.keys import OUTCOMES
from sealdesk.web.presenters.revocation import revocation_news

_HOW = (
    ("not recorded", "Not recorded"),
    ("fingerprint by phone", "Fingerprint compared by phone"),
    ("fingerprint in person", "Fingerprint compared in person"),
    ("from a known place", "Taken from a place that I trust"),
)


class AddingForm(MaterialForm):
    """What the three forms share. Rules and sentences are those of `keyring.actions.import_keys`."""

    anchor: ClassVar[str]
    title: ClassVar[str]
    sentence: ClassVar[str]
    url: ClassVar[str]
    how_checked = forms.ChoiceField(choices=_HOW, label="How it was checked", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        # Several of these forms stand on one page; a label must not point into another form.
        super().__init__(*args, auto_id=f"{self.anchor}-%s", **kwargs)  # type: ignore[arg-type, misc]  # passed through

    def add(self, *, by: Agent) -> list[str]:
        """Stores what was given, all or nothing; a sentence for each thing in it."""
        blob = self.material()
        vouching = self.vouching(blob)
        result = actions.import_keys(
            blob=blob,
            passphrases=self.passphrases(),
            groups=self.chosen_groups(),
            vouching=vouching,
            how_checked=self.cleaned_data.get("how_checked") or actions.NOT_RECORDED,
            by=by,
        )
        items = [_done(item, vouching) for item in result.preview.items]
        news = [revocation_news(one) for one in result.preview.revocations]
        return [*items, *news, *result.preview.notes] or ["Added."]

    def refuse(self, error: DeskError) -> None:
        """Puts a refusal at the field that it is about: the pasted text where nothing was uploaded."""
        fields = dict(error.fields) if isinstance(error, Invalid) else {"": (error.sentence,)}
        place = {"file": "file" if self.cleaned_data.get("file") else "pasted", "vouching": "vouches"}
        refused(self, Invalid({place.get(name, name): sentences for name, sentences in fields.items()}))

    def passphrases(self) -> list[str]:
        """Those to try."""
        passphrase = self.cleaned_data.get("passphrase")
        return [passphrase] if passphrase else []

    def chosen_groups(self) -> list[Group] | None:
        """The groups of a private key; None: those whose address it names."""
        return list(self.cleaned_data.get("groups") or ()) or None

    def vouching(self, blob: bytes) -> dict[str, Vouching]:  # noqa: ARG002 -- only the form for certificates confirms
        """The issuers that are confirmed to vouch, by fingerprint."""
        return {}


class CertificateForm(AddingForm):
    """Certificates of contacts, of our own, and of issuers."""

    anchor = "add-certificate"
    title = "Add Certificate"
    sentence = (
        "PEM, DER, PKCS#7; one file may hold many. A certificate added here is trusted for its own addresses. "
        "Revocation lists (CRL) and OCSP answers are added here too, and count at once."
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

    def vouching(self, blob: bytes) -> dict[str, Vouching]:
        """The one issuer of the file, where it was confirmed: several at once would be one click too few."""
        chosen = self.cleaned_data.get("vouches") or "nobody"
        if chosen == "nobody":
            return {}
        items = preview(blob).items
        issuers = [item.key for item in items if item.may_vouch]
        if not issuers and any(item.is_bundled for item in items):
            raise Invalid({"vouches": [actions.BUNDLED]})
        if len(issuers) != 1:
            found = "several certificates of issuers" if issuers else "no certificate of an issuer that could vouch"
            raise Invalid({"vouches": [f"There is {found} in it. Add the one that shall vouch alone."]})
        domains = tuple(self.cleaned_data["domains"]) if chosen == "domains" else None
        return {issuers[0].fingerprint: Vouching(domains=domains)}

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
        super().__init__(*args, **kwargs)
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
    sentence = (
        "A file may be ASCII-armored or binary. Pasted text must be ASCII-armored: it begins with -----BEGIN PGP."
    )
    url = "admin_add_pgp_key"

    def clean(self) -> dict[str, object]:
        """Pasted text is armored."""
        cleaned = super().clean()
        pasted = self.cleaned_data.get("pasted", "").strip()
        if pasted and not self.cleaned_data.get("file") and "-----BEGIN PGP" not in pasted:
            self.add_error(
                "pasted", "Pasted text must be ASCII-armored, with the line -----BEGIN PGP. Upload a file instead."
            )
        return cleaned


def _done(item: ImportItem, vouching: Mapping[str, Vouching]) -> str:
    """What became of it; of a CA that was here already and is confirmed now, that this changed."""
    confirmed = vouching.get(item.key.fingerprint)
    if item.outcome is not Outcome.ALREADY_THERE or confirmed is None:
        return f"{OUTCOMES[item.outcome]}: {_described(item, vouching)}"
    whom = "everybody" if confirmed.domains is None else f"addresses in {', '.join(confirmed.domains)}"
    return (
        f"{item.key.name or 'The issuer'} ({short(item.key.fingerprint)}) is already here; it now vouches for {whom}."
    )


def _described(item: ImportItem, vouching: Collection[str]) -> str:
    key = item.key
    who = ", ".join(key.addresses) or key.name or "without a name"
    secret = " with its private key" if item.secret is not None else ""
    reasons = f". {' '.join(item.sentences)}" if item.sentences else ""
    is_silent = key.is_ca and item.outcome.is_stored and key.fingerprint not in vouching
    alone = "; to let it, add it on its own and confirm it" if item.is_bundled else ""
    about = f". It vouches for nobody{alone}" if is_silent else ""
    return f"{TECHNOLOGIES[key.technology]} {who} ({short(key.fingerprint)}){secret}{about}{reasons}"
