"""Opens enveloped-data and authenticated-enveloped-data: who it was encrypted for, and the content.

Every way in which content can fail to open after a key was found has one outcome, DAMAGED, with nothing more said: a
sender must not learn from us what exactly was wrong (RFC 3218). Never raises on bad bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher as PrimitiveCipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sealmail.ber import Element, Malformed, context
from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import KeyId, SecretKey, Technology
from sealmail.keys.store import KeyStore
from sealmail.policy import Policy
from sealmail.report import Encryption, EncryptionFacts
from sealmail.results import DecryptionResult
from sealmail.smime import cms, secrets
from sealmail.smime.algorithms import CIPHERS, REFUSED_CIPHERS, Cipher
from sealmail.smime.cms import EnvelopedData, Recipient
from sealmail.smime.included import included_keys
from sealmail.smime.unwrapping import Unsupported, unwrap


def decrypt(message: bytes, keys: KeyStore, policy: Policy) -> DecryptionResult:
    """Opens one layer of CMS encryption with whatever secret key of ours it was made for; time plays no role."""
    try:
        envelope = _envelope(message)
    except InputError:
        if cms.kind(message) in {cms.CMSKind.ENVELOPED, cms.CMSKind.AUTH_ENVELOPED, None}:
            return _failed(Encryption.DAMAGED, why="malformed")
        return _failed(Encryption.UNSUPPORTED, why="not_enveloped")
    recipients = tuple(dict.fromkeys(one.key_id for one in envelope.recipients))
    if (refusal := _refusal(envelope, policy, recipients)) is not None:
        return refusal
    return _open(envelope, CIPHERS[envelope.cipher.oid], recipients, keys, policy)


def _envelope(message: bytes) -> EnvelopedData:
    content_type, content = cms.content_of(message, cms.ENVELOPED_DATA, cms.AUTH_ENVELOPED_DATA)
    return cms.enveloped_data(content, authenticated=content_type == cms.AUTH_ENVELOPED_DATA)


def _refusal(envelope: EnvelopedData, policy: Policy, recipients: tuple[KeyId, ...]) -> DecryptionResult | None:
    """The outcome where the structure already says that nothing will be opened."""
    oid = envelope.cipher.oid
    if (name := REFUSED_CIPHERS.get(oid)) is not None:
        return _failed(Encryption.REFUSED, why="weak_cipher", algorithm=name, recipients=recipients)
    cipher = CIPHERS.get(oid)
    # A cipher of one kind in the structure of the other would let a sender choose away the authentication.
    if cipher is None or cipher.is_authenticated != envelope.is_authenticated:
        return _failed(Encryption.UNSUPPORTED, why="unknown_cipher", recipients=recipients)
    if envelope.encrypted is None:
        return _failed(Encryption.DAMAGED, why="malformed", algorithm=cipher.name, recipients=recipients)
    if envelope.encrypted.size > policy.budget.payload_bytes:
        return _failed(Encryption.UNSUPPORTED, why="too_large", algorithm=cipher.name, recipients=recipients)
    return None


def _open(
    envelope: EnvelopedData, cipher: Cipher, recipients: tuple[KeyId, ...], keys: KeyStore, policy: Policy
) -> DecryptionResult:
    outcome, why = Encryption.NO_KEY, None
    for recipient, secret in _pairs(envelope.recipients, keys.secrets(recipients), policy):
        try:
            payload = _content(envelope, cipher, recipient, secret)
        except PassphraseError as error:
            if outcome is Encryption.NO_KEY:
                outcome, why = Encryption.LOCKED, str(error)
        except Unsupported:
            if outcome is not Encryption.DAMAGED:
                outcome, why = Encryption.UNSUPPORTED, "unknown_key_scheme"
        except InputError:
            outcome, why = Encryption.DAMAGED, None
        else:
            facts = EncryptionFacts(
                technology=Technology.SMIME,
                verdict=Encryption.DECRYPTED,
                algorithm=cipher.name,
                recipients=recipients,
                opened_with=secret.key.fingerprint,
                malleable=not cipher.is_authenticated,
                weak=cipher.is_weak,
            )
            seen = included_keys(envelope.certificates, policy)
            return DecryptionResult(facts=facts, payload=payload, keys_seen=seen)
    return _failed(outcome, why=why, algorithm=cipher.name, recipients=recipients, weak=cipher.is_weak)


def _pairs(
    recipients: Sequence[Recipient], ours: Sequence[SecretKey], policy: Policy
) -> Sequence[tuple[Recipient, SecretKey]]:
    """Recipient infos with the secret keys that go by their names, as many as the budget allows."""
    matching = [(one, secret) for one in recipients for secret in ours if one.key_id in secret.key.ids]
    return matching[: policy.budget.secret_keys_tried]


def _content(envelope: EnvelopedData, cipher: Cipher, recipient: Recipient, secret: SecretKey) -> bytes:
    """The plain text. Raises PassphraseError, Unsupported, or InputError for all else that does not fit."""
    private = secrets.load(secret)
    key = unwrap(recipient, private, key_bytes=cipher.key_bytes)
    if len(key) != cipher.key_bytes or envelope.encrypted is None:
        raise Malformed("the content key does not fit the cipher")
    encrypted = envelope.encrypted.octets(context(0, constructed=False))
    if cipher.is_authenticated:
        return _authenticated(envelope, encrypted, key)
    return _chained(cipher, _initial_vector(envelope.cipher.parameters, cipher), encrypted, key)


def _initial_vector(parameters: Element | None, cipher: Cipher) -> bytes:
    if parameters is None or len(vector := parameters.octets()) != cipher.block_bytes:
        raise Malformed("the initial vector does not fit the cipher")
    return vector


def _chained(cipher: Cipher, vector: bytes, encrypted: bytes, key: bytes) -> bytes:
    size = cipher.block_bytes
    if not encrypted or len(encrypted) % size:
        raise Malformed("no whole number of blocks")
    primitive = TripleDES(key) if cipher.is_weak else AES(key)
    decryptor = PrimitiveCipher(primitive, modes.CBC(vector)).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    padding = plain[-1]
    # RFC 5652 §6.3: each octet of the padding is its length.
    if not 1 <= padding <= size or plain[-padding:] != bytes((padding,)) * padding:
        raise Malformed("the padding does not fit")
    return plain[:-padding]


def _authenticated(envelope: EnvelopedData, encrypted: bytes, key: bytes) -> bytes:
    """AES-GCM (RFC 5084 §3.2): a code shorter than announced, or than twelve octets, is not accepted."""
    if envelope.cipher.parameters is None:
        raise Malformed("parameters are missing")
    fields = envelope.cipher.parameters.fields()
    nonce = fields.take().octets()
    announced = fields.optional()
    length = 12 if announced is None else announced.integer()
    code = envelope.authentication_code
    if len(code) != length or not 12 <= length <= 16 or not 8 <= len(nonce) <= 128:
        raise Malformed("the authentication code does not fit")
    decryptor = PrimitiveCipher(AES(key), modes.GCM(nonce, code, min_tag_length=12)).decryptor()
    decryptor.authenticate_additional_data(envelope.authenticated_attributes)
    try:
        return decryptor.update(encrypted) + decryptor.finalize()
    except InvalidTag:
        raise Malformed("the authentication code does not fit") from None


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
