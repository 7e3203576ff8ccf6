"""Sealdesk, openssl and gpgsm behind one face: `seal` a letter as a recipe says, `open` what another one sealed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from sealmail.errors import SealmailError
from sealmail.keys import Anchor, MemoryKeyStore, MemoryTrust, SecretKey, Technology
from sealmail.keys.reader import read
from sealmail.mime import parse
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.sealing import Letter as OurLetter
from sealmail.sealing import SealRequest, plan, seal
from sealmail.sealing.model import ContentCipher, KeyTransport, RsaSignature, SmimeForm
from tests.matrix.crossing import Stays, Words
from tests.matrix.recipes import Cipher, Form, Recipe
from tests.peers.cms import CMSProgram
from tests.peers.mail import Letter, smime_enveloped, smime_opaque, smime_signed, smime_signed_inside_enveloped
from tests.peers.openssl import KeyKind, OpenSSLCustomer
from tests.peers.programs import PeerError
from tests.peers.reading import Layer, Reader

DIGESTS = {KeyKind.EC_P384: "sha384", KeyKind.ED25519: "sha512"}  # RFC 5753 §8, RFC 8419 §3.1
CIPHERS = {Cipher.CBC: "-aes256", Cipher.GCM: "-aes-256-gcm"}
OUR_CIPHERS = {Cipher.CBC: ContentCipher.CBC, Cipher.GCM: ContentCipher.GCM}
LAYERS = {
    Form.SIGNED: (Layer.SMIME_SIGNED,),
    Form.OPAQUE: (Layer.SMIME_SIGNED,),
    Form.ENCRYPTED: (Layer.SMIME_ENVELOPED,),
    Form.BOTH: (Layer.SMIME_ENVELOPED, Layer.SMIME_SIGNED),
}


class Sealer(Protocol):
    """Somebody who seals. What his program cannot do raises PeerError."""

    def seal(self, letter: Letter, recipe: Recipe, sender: OpenSSLCustomer, to: Sequence[OpenSSLCustomer]) -> bytes:
        """The letter, sealed by the sender's key to these recipients as the recipe says."""


class Opener(Protocol):
    """Somebody who opens; what stays closed raises Stays."""

    def open(self, raw: bytes, form: Form) -> Words:
        """What is inside."""


class PeerSealer:
    """A program of others. `pss` and `oaep`: options by which it is asked for them; None: it cannot be asked."""

    def __init__(
        self,
        program_of: Callable[[OpenSSLCustomer], CMSProgram],
        *,
        pss: Sequence[str] | None,
        oaep: Sequence[str] | None,
    ) -> None:
        self._program_of, self._pss, self._oaep = program_of, pss, oaep

    def seal(self, letter: Letter, recipe: Recipe, sender: OpenSSLCustomer, to: Sequence[OpenSSLCustomer]) -> bytes:
        who = self._program_of(sender)
        pss, oaep = _asked(self._pss, wanted=recipe.pss), _asked(self._oaep, wanted=recipe.oaep)
        digest = DIGESTS.get(recipe.signer, "sha256") if recipe.signer else "sha256"
        cipher = CIPHERS[recipe.cipher or Cipher.CBC]
        certificates = [one.certificate for one in to]
        match recipe.form:
            case Form.SIGNED:
                return smime_signed(letter, who, digest=digest, options=pss)
            case Form.OPAQUE:
                return smime_opaque(letter, who, digest=digest, options=pss)
            case Form.ENCRYPTED:
                return smime_enveloped(letter, who, certificates, cipher=cipher, options=oaep)
            case Form.BOTH:
                return smime_signed_inside_enveloped(
                    letter, who, certificates, cipher=cipher, digest=digest, options=oaep
                )


def _asked(options: Sequence[str] | None, *, wanted: bool) -> Sequence[str]:
    if wanted and options is None:
        raise PeerError("there is no option for this")
    return options or () if wanted else ()


class PeerOpener:
    """A program of others, with one person's key."""

    def __init__(self, program: CMSProgram) -> None:
        self._reader = Reader(smime=program)

    def open(self, raw: bytes, form: Form) -> Words:
        try:
            reading = self._reader.read(raw)
        except PeerError as error:
            raise Stays from error
        if reading.layers != LAYERS[form]:
            raise Stays
        if not reading.signatures:
            return Words(text=reading.text, signer=None)
        if not reading.good_signers:
            raise Stays
        (signer,) = reading.good_signers
        return Words(text=reading.text, signer=signer)


class OurSealer:
    """Sealdesk's library: a plan, and what comes of it."""

    def seal(self, letter: Letter, recipe: Recipe, sender: OpenSSLCustomer, to: Sequence[OpenSSLCustomer]) -> bytes:
        now = datetime.now(UTC)
        keys, trust = _keys_of(sender, to)
        signs = recipe.signer is not None
        request = SealRequest(
            sender=sender.address,
            to=tuple(one.address for one in to) or ("anybody@desk.example",),
            sign=signs,
            encrypt=bool(recipe.recipients),
            technology=Technology.SMIME,
            smime=SmimeForm(
                opaque=recipe.form is Form.OPAQUE,
                cipher=OUR_CIPHERS[recipe.cipher] if recipe.cipher else None,
                key_transport=KeyTransport.OAEP if recipe.oaep else KeyTransport.PKCS1,
                rsa_signature=RsaSignature.PSS if recipe.pss else RsaSignature.PKCS1,
            ),
        )
        headers = parse(letter.wrapped(b"\r\n")).headers.without("mime-version")
        try:
            planned = plan(request, keys, trust, Policy(), now)
            (copy,) = seal(planned, OurLetter(headers=headers, entity=letter.entity()), keys, now)
        except SealmailError as error:
            raise PeerError(str(error)) from error
        return copy.raw


def _keys_of(sender: OpenSSLCustomer, to: Sequence[OpenSSLCustomer]) -> tuple[MemoryKeyStore, MemoryTrust]:
    """What the sender knows: his key, whom he writes to, and the CAs that he trusts."""
    authorities = {one.authority for one in (sender, *to)}
    anchors = [Anchor(key=key) for authority in authorities for key in read(authority.read_bytes()).keys]
    recipients = [key for one in to for key in read(one.certificate.read_bytes()).keys]
    return MemoryKeyStore(keys=recipients, secrets=[secret_of(sender)]), MemoryTrust(anchors=anchors)


class OurOpener:
    """Sealdesk's library, with one person's key, and a CA that it trusts."""

    def __init__(self, owner: OpenSSLCustomer) -> None:
        (ca,) = read(owner.authority.read_bytes()).keys
        self._keys = MemoryKeyStore(keys=[ca], secrets=[secret_of(owner)])
        self._trust = MemoryTrust(anchors=[Anchor(key=ca)])

    def open(self, raw: bytes, form: Form) -> Words:
        opened = open_message(raw, self._keys, self._trust, Policy(), datetime.now(UTC))
        encryption, signature = opened.report.encryption, opened.report.signature
        is_signed, is_encrypted = Layer.SMIME_SIGNED in LAYERS[form], Layer.SMIME_ENVELOPED in LAYERS[form]
        if encryption.verdict is not (Encryption.DECRYPTED if is_encrypted else Encryption.NONE):
            raise Stays
        if signature.verdict is not (Signature.GOOD if is_signed else Signature.NONE):
            raise Stays
        signer = opened.headers.from_.address if is_signed and opened.headers.from_ else None
        return Words(text=opened.content.text, signer=signer)


def secret_of(customer: OpenSSLCustomer) -> SecretKey:
    """A customer's certificate and key, as our reader takes them in."""
    (secret,) = read(customer.certificate.read_bytes() + customer.key.read_bytes()).secrets
    return secret
