"""OpenPGP as bytes: armor, packets, signatures, keys (RFC 9580). Knows no message, no trust and no store.

Cryptography is done by OpenSSL through `cryptography`; this package reads and writes the structures around it, so that
each self-signature, each subpacket and each time can be looked at by itself.
"""
