"""Whether the signature on a list or an answer fits, be its hash weak or not: weak ones are believed in part."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from sealmail import ber
from sealmail.keys.certificate import ML_DSA_KEYS, algorithm_text, public_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Signed bytes as they came, with their signature."""

    content: bytes
    algorithm: bytes
    """DER of the AlgorithmIdentifier."""
    signature: bytes


def signed_certificate(der: bytes) -> Signed:
    """A certificate's signed bytes (RFC 5280 §4.1). Raises InputError where it is none."""
    fields = ber.read(der).fields()
    content, algorithm, signature = fields.take(ber.SEQUENCE), fields.take(ber.SEQUENCE), fields.take()
    return Signed(content=content.raw, algorithm=algorithm.raw, signature=signature.bits())


def signing_hash(signed: Signed, signer: bytes) -> str | None:
    """The name of the hash under a signature that fits the key of this certificate (DER); None: it does not fit.

    Edwards curves and ML-DSA have their hash built in; it goes by their own name.
    """
    try:
        algorithm = algos.SignedDigestAlgorithm.load(signed.algorithm, strict=True)
        match public_key(signer), _scheme(algorithm):
            case (ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()) as key, "ed25519" | "ed448" as name:
                key.verify(signed.signature, signed.content)
                return name
            case key, scheme if isinstance(key, ML_DSA_KEYS) and scheme == algorithm_text(key):
                # RFC 9881 §3: over the list or certificate itself, without a context.
                key.verify(signed.signature, signed.content)
                return scheme.lower()
            case key, scheme:
                hash_name = _hash_name(algorithm)
                _verify(key, scheme, signed, _HASHES[hash_name], algorithm)
                return hash_name
    except (ValueError, TypeError, KeyError, InvalidSignature, UnsupportedAlgorithm):
        return None


def _scheme(algorithm: algos.SignedDigestAlgorithm) -> str:
    """The library has no word for ML-DSA as a kind of signature."""
    return _ML_DSA.get(algorithm["algorithm"].dotted) or str(algorithm.signature_algo)


_ML_DSA = {f"2.16.840.1.101.3.4.3.{arc}": f"ML-DSA-{size}" for arc, size in ((17, 44), (18, 65), (19, 87))}


def _hash_name(algorithm: algos.SignedDigestAlgorithm) -> str:
    if algorithm.signature_algo == "ecdsa":
        return str(algorithm["algorithm"].native).removesuffix("_ecdsa")
    return str(algorithm.hash_algo)


def _verify(
    key: object, scheme: str, signed: Signed, digest: hashes.HashAlgorithm, algorithm: algos.SignedDigestAlgorithm
) -> None:
    match key, scheme:
        case rsa.RSAPublicKey(), "rsassa_pkcs1v15":
            key.verify(signed.signature, signed.content, padding.PKCS1v15(), digest)
        case rsa.RSAPublicKey(), "rsassa_pss":
            key.verify(signed.signature, signed.content, _pss(algorithm["parameters"]), digest)
        case ec.EllipticCurvePublicKey(), "ecdsa":
            key.verify(signed.signature, signed.content, ec.ECDSA(digest))
        case dsa.DSAPublicKey(), "dsa":
            key.verify(signed.signature, signed.content, digest)
        case _:
            raise ValueError("key and algorithm do not belong together")


def _pss(parameters: algos.RSASSAPSSParams) -> padding.PSS:
    """RFC 4055 §3.1."""
    mask = _HASHES[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    return padding.PSS(padding.MGF1(mask), parameters["salt_length"].native)


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 -- believed only where it says "revoked"
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
