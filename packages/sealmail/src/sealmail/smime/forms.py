"""Which signature a certificate of ours makes: scheme and hash, by its public key and the caller's wish.

Signs nothing itself. Asked by `signing`, and by whoever plans a mail and wants to say beforehand what it will bear.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.certificate import ML_DSA_KEYS, algorithm_text, outline_of, public_key
from sealmail.keys.model import Key
from sealmail.smime import algorithms, der
from sealmail.smime.algorithms import Hash
from sealmail.smime.cms import Algorithm, algorithm
from sealmail.smime.signatures import Scheme, scheme_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureForm:
    """A signature algorithm of ours with all that goes with it."""

    name: str
    """For people: "RSA", "RSA-PSS", "ECDSA", "Ed25519", "Ed448", "ML-DSA-65"."""
    digest: Hash
    identifier: bytes
    """AlgorithmIdentifier (DER) of the signature."""
    salt_bytes: int = 0
    """For RSA-PSS."""

    @property
    def micalg(self) -> str:
        """The name of the hash in a multipart/signed (RFC 8551 §3.5.3.2)."""
        return self.digest.micalg

    @property
    def digest_identifier(self) -> bytes:
        """AlgorithmIdentifier (DER) of the hash."""
        if self.digest is algorithms.SHAKE256:
            return der.algorithm(algorithms.SHAKE256_LEN, der.integer(512))  # RFC 8419 §3.1
        return der.algorithm(self.digest.oid)  # RFC 5754 §2: written without parameters


def form_of(key: Key, *, pss: bool = False) -> SignatureForm:
    """The signature that a certificate's key makes.

    `pss`: RSA signs by RSASSA-PSS, which a key that is bound to it does in any case (RFC 4055 §1.2).

    Raises InputError for a key that cannot sign, or is bound to a hash that is too weak for new mail.
    """
    match public_key(key.material):
        case rsa.RSAPublicKey():
            return _rsa(key, pss=pss)
        case ec.EllipticCurvePublicKey() as public:
            digest = _digest_for_curve(public.key_size)
            return SignatureForm(name="ECDSA", digest=digest, identifier=der.algorithm(_ECDSA[digest.oid]))
        case ed25519.Ed25519PublicKey():
            # RFC 8419 §3.1
            identifier = der.algorithm(algorithms.ED25519)
            return SignatureForm(name="Ed25519", digest=algorithms.SHA512, identifier=identifier)
        case ed448.Ed448PublicKey():
            identifier = der.algorithm(algorithms.ED448)
            return SignatureForm(name="Ed448", digest=algorithms.SHAKE256, identifier=identifier)
        case public if isinstance(public, ML_DSA_KEYS):
            name = algorithm_text(public)
            # RFC 9882 §3.3: the hash of the content that everybody reads beside it.
            return SignatureForm(name=name, digest=algorithms.SHA512, identifier=der.algorithm(_ML_DSA[name]))
        case _:
            raise InputError("The key cannot sign.")


_ML_DSA = {name: oid for oid, name in algorithms.ML_DSA.items()}
_ECDSA = {digest.oid: oid for oid, digest in algorithms.ECDSA_WITH_HASH.items()}


def _digest_for_curve(bits: int) -> Hash:
    """A hash as strong as the curve (RFC 5753 §8)."""
    if bits > 384:
        return algorithms.SHA512
    return algorithms.SHA384 if bits > 256 else algorithms.SHA256


def _rsa(key: Key, *, pss: bool) -> SignatureForm:
    bound = algorithm(ber.read(outline_of(key.material).public_key_info).fields().take())
    if bound.oid == algorithms.RSA_PSS and bound.parameters is not None:
        return _bound_pss([scheme for digest in _HASHES if (scheme := _scheme_or_none(bound, digest))])
    if pss or bound.oid == algorithms.RSA_PSS:
        return _pss(algorithms.SHA256)
    # The identifier that every reader knows: the digest stands beside it (RFC 5754 §3.2).
    identifier = der.algorithm(algorithms.RSA_ENCRYPTION, der.null())
    return SignatureForm(name="RSA", digest=algorithms.SHA256, identifier=identifier)


_HASHES = (algorithms.SHA256, algorithms.SHA384, algorithms.SHA512)


def _scheme_or_none(bound: Algorithm, digest: Hash) -> Scheme | None:
    try:
        return scheme_of(bound, digest)
    except InputError:
        return None


def _bound_pss(schemes: list[Scheme]) -> SignatureForm:
    """By the parameters in the certificate: hash and mask are fixed, the salt has a least length (RFC 4055 §3.1)."""
    for scheme in schemes:
        if scheme.mask is scheme.digest:
            return _pss(scheme.digest, least_salt=scheme.salt_bytes or 0)
    raise InputError("The certificate binds its key to a form of signature that Sealdesk does not write.")


def _pss(digest: Hash, least_salt: int = 0) -> SignatureForm:
    salt = max(digest.primitive.digest_size, least_salt)
    identifier = der.algorithm(algorithms.RSA_PSS, der.pss_parameters(digest.oid, salt))
    return SignatureForm(name="RSA-PSS", digest=digest, identifier=identifier, salt_bytes=salt)
