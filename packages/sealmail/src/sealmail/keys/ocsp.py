"""Which CA an OCSP response speaks for. Nothing is verified here; `revocation` does that."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from asn1crypto import ocsp

from sealmail.keys.model import KeyId, name_id
from sealmail.keys.pkcs12 import MALFORMED

MAXIMUM_ANSWERS = 1_000
"""In one response; more are not looked at."""


def issuers_answered_for(der: bytes, names: Collection[bytes]) -> frozenset[KeyId]:
    """The name ids of the CAs whose certificates the response is about.

    A response gives the hash of a CA's name (RFC 6960 §4.1.1). `names`: DER of the names that it may be; those in the
    response itself are tried too. Nothing where it is broken, refuses to answer, or speaks for a CA with another name.
    """
    try:
        response = ocsp.OCSPResponse.load(der)
        if response["response_status"].native != "successful":
            return frozenset()
        hashes = _issuer_hashes(response)
        candidates = {*names, *_own_names(response)}
    except MALFORMED:
        return frozenset()
    algorithms = {algorithm for algorithm, _ in hashes}
    return frozenset(
        name_id(name)
        for name in candidates
        if any((algorithm, _digest(algorithm, name)) in hashes for algorithm in algorithms)
    )


def _issuer_hashes(response: ocsp.OCSPResponse) -> set[tuple[str, bytes]]:
    answers = list(response.response_data["responses"])[:MAXIMUM_ANSWERS]
    identifiers = [answer["cert_id"] for answer in answers]
    hashes = {(one["hash_algorithm"]["algorithm"].native, one["issuer_name_hash"].native) for one in identifiers}
    return {one for one in hashes if one[0] in _ALGORITHMS}


_ALGORITHMS = {"sha1", "sha224", "sha256", "sha384", "sha512"}


def _own_names(response: ocsp.OCSPResponse) -> Iterator[bytes]:
    """The responder's, which may be the CA itself, and the issuers' of certificates that came along."""
    responder = response.response_data["responder_id"]
    if responder.name == "by_name":
        yield responder.chosen.untag().dump()
    for certificate in response.basic_ocsp_response["certs"] or ():
        yield certificate.issuer.dump()
        yield certificate.subject.dump()


def _digest(algorithm: str, name: bytes) -> bytes:
    return hashlib.new(algorithm, name, usedforsecurity=False).digest()
