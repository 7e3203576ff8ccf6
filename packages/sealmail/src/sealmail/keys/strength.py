"""Whether a public key is too weak to be believed, whoever vouches for it. Knows numbers only, no certificates and no
time; called for each certificate of a path.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

MINIMUM_CURVE_BITS = 224
MINIMUM_RSA_EXPONENT = 65537
"""Smaller ones turned every sloppy check of the padding into a forgery; nobody has made such keys for years."""


def is_weak(public: CertificatePublicKeyTypes | None, minimum_rsa_bits: int) -> bool:
    """Whether there is a weakness of the key; see there."""
    return weakness(public, minimum_rsa_bits) is not None


def weakness(public: CertificatePublicKeyTypes | None, minimum_rsa_bits: int) -> str | None:
    """What makes the key too weak, for a sentence: it is short, RSA with a small exponent, or DSA. None: nothing.

    A key that cannot be read is not called weak: nothing fits it anyway.
    """
    match public:
        case rsa.RSAPublicKey() if public.key_size < minimum_rsa_bits:
            return f"RSA with {public.key_size} bits; {minimum_rsa_bits} are the least"
        case rsa.RSAPublicKey() if (exponent := public.public_numbers().e) < MINIMUM_RSA_EXPONENT:
            return f"RSA with the exponent {exponent}; {MINIMUM_RSA_EXPONENT} is the least"
        case dsa.DSAPublicKey():
            return "DSA"
        case ec.EllipticCurvePublicKey() if public.curve.key_size < MINIMUM_CURVE_BITS:
            return f"a curve of {public.curve.key_size} bits; {MINIMUM_CURVE_BITS} are the least"
        case _:
            return None
