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
    """Whether the key is short, RSA with a small exponent, or DSA.

    A key that cannot be read is not called weak: nothing fits it anyway.
    """
    if isinstance(public, rsa.RSAPublicKey):
        return public.key_size < minimum_rsa_bits or public.public_numbers().e < MINIMUM_RSA_EXPONENT
    if isinstance(public, dsa.DSAPublicKey):
        return True
    return isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size < MINIMUM_CURVE_BITS
