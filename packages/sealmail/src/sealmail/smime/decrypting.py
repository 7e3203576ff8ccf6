"""Opens enveloped-data and authenticated-enveloped-data: who it was encrypted for, and the content.

Every way in which content can fail to open after a key was found has one outcome, DAMAGED, with nothing more said: a
sender must not learn from us what exactly was wrong (RFC 3218). Never raises on bad bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sealmail.ber import SET, Element, Malformed
from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import KeyId, SecretKey, Technology
from sealmail.keys.store import KeyStore
from sealmail.policy import Policy
from sealmail.report import Encryption, EncryptionFacts
from sealmail.results import DecryptionResult
from sealmail.smime import cms, secrets
from sealmail.smime.algorithms import REFUSED_CIPHERS, Cipher, Unsupported
from sealmail.smime.ciphers import NamedCipher, named_cipher, plain_text
from sealmail.smime.cms import EnvelopedData, Recipient
from sealmail.smime.included import included_keys
from sealmail.smime.plausible import may_be_mail
from sealmail.smime.unwrapping import key_scheme, unwrap


def decrypt(message: bytes, keys: KeyStore, policy: Policy) -> DecryptionResult:
    """Opens one layer of CMS encryption with whatever secret key of ours it was made for; time plays no role.

    Read: AES in CBC, GCM and CCM mode, ChaCha20-Poly1305, 3DES with a mark; keys sent with RSA, agreed on curves, or
    encapsulated with ML-KEM.
    """
    try:
        envelope = _envelope(message)
        named = named_cipher(envelope.cipher)
    except InputError:
        if cms.kind(message) in {cms.CMSKind.ENVELOPED, cms.CMSKind.AUTH_ENVELOPED, None}:
            return _failed(Encryption.DAMAGED, why="malformed")
        return _failed(Encryption.UNSUPPORTED, why="not_enveloped")
    recipients = tuple(dict.fromkeys(one.key_id for one in envelope.recipients))
    cipher = named.cipher
    if (refusal := _refusal(envelope, named, policy, recipients)) is not None or cipher is None:
        return refusal or _failed(Encryption.UNSUPPORTED, why="unknown_cipher", recipients=recipients)
    return _open(_Locked(envelope=envelope, named=named, cipher=cipher, recipients=recipients), keys, policy)


def _envelope(message: bytes) -> EnvelopedData:
    content_type, content = cms.content_of(message, cms.ENVELOPED_DATA, cms.AUTH_ENVELOPED_DATA)
    return cms.enveloped_data(content, authenticated=content_type == cms.AUTH_ENVELOPED_DATA)


def _refusal(
    envelope: EnvelopedData, named: NamedCipher, policy: Policy, recipients: tuple[KeyId, ...]
) -> DecryptionResult | None:
    """The outcome where the structure already says that nothing will be opened."""
    if (name := REFUSED_CIPHERS.get(named.oid)) is not None:
        return _failed(Encryption.REFUSED, why="weak_cipher", algorithm=name, recipients=recipients)
    cipher = named.cipher
    # A cipher of one kind in the structure of the other would let a sender choose away the authentication.
    if cipher is None or cipher.is_authenticated != envelope.is_authenticated:
        return _failed(Encryption.UNSUPPORTED, why="unknown_cipher", recipients=recipients)
    if cms.as_mail(envelope.content_type, b"") is None:
        return _failed(Encryption.UNSUPPORTED, why="content_type", algorithm=cipher.name, recipients=recipients)
    if envelope.encrypted is None or not _is_type_protected(envelope):
        return _failed(Encryption.DAMAGED, why="malformed", algorithm=cipher.name, recipients=recipients)
    if envelope.encrypted.size > policy.budget.payload_bytes:
        return _failed(Encryption.UNSUPPORTED, why="too_large", algorithm=cipher.name, recipients=recipients)
    return None


def _is_type_protected(envelope: EnvelopedData) -> bool:
    """Whether the authenticated attributes agree with the content type that stands outside of them.

    RFC 5083 §2.1: they may be missing for plain data only. RFC 5652 §11.1: one content type, with one value.
    """
    attributes = envelope.authenticated_attributes
    if attributes is None:
        return not envelope.is_authenticated or envelope.content_type == cms.DATA
    try:
        types = list(_content_types(attributes))
    except InputError:
        return False
    return types == [[envelope.content_type]] or (not types and envelope.content_type == cms.DATA)


def _content_types(attributes: Element) -> Iterator[list[bytes]]:
    """The values of each content-type attribute."""
    for attribute in attributes.children():
        fields = attribute.fields()
        if fields.take().oid() == cms.CONTENT_TYPE:
            yield [value.oid() for value in fields.take(SET).children()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    """A message that waits for a key."""

    envelope: EnvelopedData
    named: NamedCipher
    cipher: Cipher
    recipients: tuple[KeyId, ...]


def _open(locked: _Locked, keys: KeyStore, policy: Policy) -> DecryptionResult:
    outcome, why = Encryption.NO_KEY, None
    for recipient, secret in _pairs(locked.envelope.recipients, keys.secrets(locked.recipients), policy):
        try:
            return _opened(locked, recipient, secret, policy)
        except PassphraseError as error:
            if outcome is Encryption.NO_KEY:
                outcome, why = Encryption.LOCKED, str(error)
        except Unsupported:
            if outcome is not Encryption.DAMAGED:
                outcome, why = Encryption.UNSUPPORTED, "unknown_key_scheme"
        except InputError:
            outcome, why = Encryption.DAMAGED, None
    cipher = locked.cipher
    return _failed(outcome, why=why, algorithm=cipher.name, recipients=locked.recipients, weak=cipher.is_weak)


def _opened(locked: _Locked, recipient: Recipient, secret: SecretKey, policy: Policy) -> DecryptionResult:
    """The plain text. Raises PassphraseError, Unsupported, or InputError for all else that does not fit."""
    cipher = locked.cipher
    private = secrets.load(secret)
    key = unwrap(recipient, private, key_bytes=cipher.key_bytes)
    payload = cms.as_mail(locked.envelope.content_type, plain_text(locked.envelope, locked.named, cipher, key))
    if payload is None or not (cipher.is_authenticated or may_be_mail(payload)):
        raise Malformed("what came out is no mail")
    facts = EncryptionFacts(
        technology=Technology.SMIME,
        verdict=Encryption.DECRYPTED,
        algorithm=cipher.name,
        key_scheme=key_scheme(recipient, private),
        recipients=locked.recipients,
        opened_with=secret.key.fingerprint,
        malleable=not cipher.is_authenticated,
        weak=cipher.is_weak,
    )
    return DecryptionResult(facts=facts, payload=payload, keys_seen=included_keys(locked.envelope.certificates, policy))


def _pairs(
    recipients: Sequence[Recipient], ours: Sequence[SecretKey], policy: Policy
) -> Sequence[tuple[Recipient, SecretKey]]:
    """Recipient infos with the secret keys that go by their names, as many as the budget allows."""
    matching = [(one, secret) for one in recipients for secret in ours if one.key_id in secret.key.ids]
    return matching[: policy.budget.secret_keys_tried]


def _failed(
    verdict: Encryption,
    *,
    why: str | None = None,
    algorithm: str | None = None,
    recipients: tuple[KeyId, ...] = (),
    weak: bool = False,
) -> DecryptionResult:
    facts = EncryptionFacts(
        technology=Technology.SMIME,
        verdict=verdict,
        algorithm=algorithm,
        recipients=recipients,
        weak=weak,
        why=why,
    )
    return DecryptionResult(facts=facts)
