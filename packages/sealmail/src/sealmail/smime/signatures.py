"""Checks one signature value with one public key: which scheme, which hash, does it fit. Called by `verifying`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from sealmail import ber
from sealmail.ber import Malformed, context
from sealmail.keys.certificate import ML_DSA_KEYS, algorithm_text
from sealmail.smime import algorithms
from sealmail.smime.algorithms import Hash, Unsupported
from sealmail.smime.cms import Algorithm, algorithm
from sealmail.smime.unwrapping import hash_of, mask_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A signature algorithm with its parameters."""

    name: str
    digest: Hash
    salt_bytes: int | None = None
    """For RSA-PSS."""
    mask: Hash | None = None


def scheme_of(identifier: Algorithm, digest: Hash) -> Scheme:
    """The scheme that a signer names. Raises Unsupported, and Malformed where it contradicts the signer's digest.

    A signature made with another hash than the one announced would let an attacker choose the weaker of two.
    """
    if identifier.oid == algorithms.RSA_PSS:
        return _pss(identifier, digest)
    if identifier.oid in {algorithms.ED25519, algorithms.ED448}:
        return Scheme(name="Ed25519" if identifier.oid == algorithms.ED25519 else "Ed448", digest=digest)
    if (pure := algorithms.ML_DSA.get(identifier.oid)) is not None:
        return Scheme(name=pure, digest=digest)
    for name, table in _TABLES.items():
        if identifier.oid in table:
            expected = table[identifier.oid]
            if expected is not None and expected is not digest:
                raise Malformed("algorithm_mismatch")
            return Scheme(name=name, digest=digest)
    raise Unsupported("signature algorithm")


_TABLES: Mapping[str, Mapping[bytes, Hash | None]] = {
    "RSA": algorithms.RSA_WITH_HASH,
    "ECDSA": algorithms.ECDSA_WITH_HASH,
    "DSA": algorithms.DSA_WITH_HASH,
}


def _pss(identifier: Algorithm, digest: Hash) -> Scheme:
    scheme = _pss_scheme(identifier)
    if scheme.digest is not digest:
        raise Malformed("algorithm_mismatch")
    return scheme


def _pss_scheme(identifier: Algorithm) -> Scheme:
    """RSASSA-PSS-params (RFC 4055 §3.1): everything left out is SHA-1 and a salt of 20 octets."""
    own = mask = algorithms.SHA1
    salt = 20
    if identifier.parameters is not None and identifier.parameters.size:
        fields = identifier.parameters.fields()
        if given := fields.optional(context(0)):
            own = hash_of(algorithm(given.fields(given.tag).take()))
        if given := fields.optional(context(1)):
            mask = mask_hash(algorithm(given.fields(given.tag).take()))
        if given := fields.optional(context(2)):
            salt = given.fields(given.tag).take().integer()
        if (given := fields.optional(context(3))) and given.fields(given.tag).take().integer() != 1:
            raise Malformed("algorithm_mismatch")
    if not 0 <= salt <= 512:
        raise Malformed("algorithm_mismatch")
    return Scheme(name="RSA-PSS", digest=own, salt_bytes=salt, mask=mask)


def key_allows(scheme: Scheme, public_key_info: bytes) -> bool:
    """Whether a certificate lets its key sign in this way, given its SubjectPublicKeyInfo.

    A key that is for RSA-PSS signs with nothing else, and its parameters are minimums (RFC 4055 §1.2, §3.3). Raises
    Unsupported, Malformed.
    """
    identifier = algorithm(ber.read(public_key_info).fields().take())
    if identifier.oid != algorithms.RSA_PSS:
        return True
    if scheme.name != "RSA-PSS":
        return False
    if identifier.parameters is None or identifier.parameters.tag == ber.NULL:
        return True
    least = _pss_scheme(identifier)
    return (
        scheme.digest is least.digest
        and scheme.mask is least.mask
        and (scheme.salt_bytes or 0) >= (least.salt_bytes or 0)
    )


def fits(scheme: Scheme, public: CertificatePublicKeyTypes | None, signature: bytes, signed: bytes) -> bool:
    """Whether the signature over these bytes was made by the owner of the key. Raises Unsupported."""
    try:
        _verify(scheme, public, signature, signed)
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm:
        raise Unsupported("signature algorithm") from None
    return True


def _verify(scheme: Scheme, public: CertificatePublicKeyTypes | None, signature: bytes, signed: bytes) -> None:
    primitive = scheme.digest.primitive
    match scheme.name, public:
        case "RSA", rsa.RSAPublicKey():
            public.verify(signature, signed, padding.PKCS1v15(), primitive)
        case "RSA-PSS", rsa.RSAPublicKey():
            mask = padding.MGF1((scheme.mask or scheme.digest).primitive)
            public.verify(signature, signed, padding.PSS(mask, scheme.salt_bytes or 0), primitive)
        case "ECDSA", ec.EllipticCurvePublicKey():
            public.verify(signature, signed, ec.ECDSA(primitive))
        case "Ed25519", ed25519.Ed25519PublicKey():
            public.verify(signature, signed)
        case "Ed448", ed448.Ed448PublicKey():
            public.verify(signature, signed)
        case "DSA", dsa.DSAPublicKey():
            public.verify(signature, signed, primitive)
        case name, _ if isinstance(public, ML_DSA_KEYS) and algorithm_text(public) == name:
            # RFC 9882 §3.1: the message itself, and no context.
            public.verify(signature, signed)
        case _, None:
            raise Unsupported("public key")
        case _:
            raise InvalidSignature
