"""Keys, certificates and people for tests, demos and benchmarks: a small certificate authority, OpenPGP keys, exports,
and the cast.

Real keys, made quickly; never for real use. `MemoryKeyStore` and `MemoryTrust` complete the set. Elliptic curves are
the default because RSA keys take a tenth of a second to a second each.

    ca = CA.create("Test CA")
    carol = ca.issue("carol@customer.example", name="Carol")
    dave = openpgp_key("dave@customer.example", name="Dave", passphrase="tell nobody")
"""

from sealmail.keys import MemoryKeyStore, MemoryTrust
from sealmail.testing.cast import Cast, Person
from sealmail.testing.export import export_armored, export_pem, export_pkcs12
from sealmail.testing.pgp import openpgp_key
from sealmail.testing.pki import CA

__all__ = [
    "CA",
    "Cast",
    "MemoryKeyStore",
    "MemoryTrust",
    "Person",
    "export_armored",
    "export_pem",
    "export_pkcs12",
    "openpgp_key",
]
