"""Keys and certificates of both technologies: what they are, what they may do, who vouches for them."""

from sealmail.keys.capabilities import Capabilities, capabilities_from, capabilities_in
from sealmail.keys.model import Key, KeyId, SecretKey, Technology, Use
from sealmail.keys.store import KeyStore, MemoryKeyStore
from sealmail.keys.trust import Anchor, MemoryTrust, TrustBook, TrustLevel

__all__ = [
    "Anchor",
    "Capabilities",
    "Key",
    "KeyId",
    "KeyStore",
    "MemoryKeyStore",
    "MemoryTrust",
    "SecretKey",
    "Technology",
    "TrustBook",
    "TrustLevel",
    "Use",
    "capabilities_from",
    "capabilities_in",
]
