"""Lists and answers that openssl made, lists from RFC 4134, and how both come in through the reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sealmail.keys import Anchor, Key, MemoryKeyStore
from sealmail.keys.certificate import key_from_certificate
from sealmail.keys.found import Found
from sealmail.keys.reader import read
from sealmail.paths import PathFacts, judge_path
from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState

from .conftest import NOW, Program

CONFIGURATION = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 365
default_crl_days = 7
policy = any
crl_extensions = list
unique_subject = no
[any]
commonName = supplied
[list]
authorityKeyIdentifier = keyid:always
[leaf]
subjectAltName = email:carol@customer.example
keyUsage = digitalSignature
[responder]
extendedKeyUsage = OCSPSigning
keyUsage = digitalSignature
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A CA of openssl's in a folder: three leaves, one of them revoked for its key and one on hold, one responder."""

    folder: Path
    openssl: Program

    def run(self, *arguments: str) -> bytes:
        return self.openssl(*arguments, folder=self.folder)

    def key(self, name: str) -> Key:
        pem = x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes())
        return key_from_certificate(pem.public_bytes(Encoding.DER))

    def issue(self, name: str, section: str = "leaf") -> None:
        self.run(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self.run(
            *("ca", "-config", "ca.cnf", "-batch", "-notext", "-extensions", section),
            *("-in", f"{name}.csr", "-out", f"{name}.pem"),
        )

    def list(self, *more: str) -> bytes:
        return self.run("ca", "-config", "ca.cnf", "-gencrl", *more)

    def answer(self, *names: str, digest: str = "-sha1", signer: str = "ca", more: tuple[str, ...] = ()) -> bytes:
        certificates = [word for name in names for word in (digest, "-cert", f"{name}.pem")]
        self.run("ocsp", "-issuer", "ca.pem", *certificates, "-reqout", "request.der")
        self.run(
            *("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key"),
            *("-reqin", "request.der", "-respout", "answer.der", "-ndays", "7", *more),
        )
        return (self.folder / "answer.der").read_bytes()

    def asked(self, name: str, found: Found) -> PathFacts:
        store = MemoryKeyStore(revocations=found.revocations)
        return judge_path(self.key(name), (), store, [Anchor(key=self.key("ca"))], Policy(), datetime.now(UTC))


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, openssl: Program) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("office"), openssl=openssl)
    (office.folder / "ca.cnf").write_text(CONFIGURATION)
    (office.folder / "index.txt").write_text("")
    (office.folder / "serial").write_text("01\n")
    (office.folder / "crlnumber").write_text("01\n")
    office.run(
        *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=Office", "-days", "3650"),
        *("-keyout", "ca.key", "-out", "ca.pem", "-addext", "keyUsage=keyCertSign,cRLSign"),
    )
    for name in ("kept", "lost", "held"):
        office.issue(name)
    office.issue("responder", "responder")
    office.run("ca", "-config", "ca.cnf", "-revoke", "lost.pem", "-crl_reason", "keyCompromise")
    office.run("ca", "-config", "ca.cnf", "-revoke", "held.pem", "-crl_reason", "certificateHold")
    return office


EXPECTED = {"kept": RevocationState.GOOD, "lost": RevocationState.REVOKED, "held": RevocationState.REVOKED}


PSS = "rsa_padding_mode:pss"


@pytest.mark.mission("B11")
@pytest.mark.parametrize("more", [(), ("-md", "sha512"), ("-sigopt", PSS)])
def test_a_list_of_openssl_is_read_and_believed(office: Office, more: tuple[str, ...]) -> None:
    found = read(office.list(*more))

    assert {name: office.asked(name, found).revocation for name in EXPECTED} == EXPECTED
    assert office.asked("lost", found).revocation_reason == "keyCompromise"


@pytest.mark.mission("B11")
@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
@pytest.mark.parametrize("signer", ["ca", "responder"])
@pytest.mark.parametrize("more", [(), ("-resp_key_id",), ("-rmd", "sha384")])
def test_one_answer_of_openssl_about_three_certificates_is_filed_and_believed(
    office: Office, digest: str, signer: str, more: tuple[str, ...]
) -> None:
    """With the CA's certificate beside it, as in a folder of the command."""
    answer = office.answer(*EXPECTED, digest=digest, signer=signer, more=more)

    found = read(office.key("ca").material + answer)

    assert {name: office.asked(name, found).revocation for name in EXPECTED} == EXPECTED
    assert office.asked("lost", found).findings == {Finding.REVOKED_HARD}


@pytest.mark.parametrize(
    ("signer", "more"), [("ca", ()), ("ca", ("-resp_no_certs",)), ("responder", ()), ("responder", ("-resp_key_id",))]
)
def test_an_answer_read_alone_finds_its_ca_by_what_it_carries(
    office: Office, signer: str, more: tuple[str, ...]
) -> None:
    """A name in the answer counts only where it has the hash that the answer is about."""
    found = read(office.answer("kept", signer=signer, more=more))

    assert found.problems == ()
    assert office.asked("kept", found).revocation is RevocationState.GOOD


def test_an_answer_signed_with_pss_is_believed(office: Office) -> None:
    found = read(office.answer("kept", "lost", more=("-rsigopt", PSS)))

    assert office.asked("kept", found).revocation is RevocationState.GOOD
    assert office.asked("lost", found).revocation is RevocationState.REVOKED


@pytest.mark.mission("B14")
def test_an_answer_of_openssl_signed_with_sha1_is_believed_only_where_it_says_revoked(office: Office) -> None:
    found = read(office.answer("kept", "lost", more=("-rmd", "sha1")))

    assert office.asked("kept", found).revocation is RevocationState.UNKNOWN
    assert office.asked("lost", found).findings == {Finding.REVOKED_HARD}


def test_an_answer_that_carries_no_name_says_what_is_missing(office: Office) -> None:
    found = read(office.answer("kept", more=("-resp_key_id", "-resp_no_certs")))

    assert found.revocations == ()
    assert [problem.code for problem in found.problems] == ["unknown_issuer"]


def test_a_certificate_that_the_ca_does_not_know_is_unknown(office: Office) -> None:
    office.run("req", "-new", "-key", "kept.key", "-subj", "/CN=stranger", "-out", "stranger.csr")
    office.run(
        *("x509", "-req", "-in", "stranger.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x7777"),
        *("-days", "30", "-out", "stranger.pem"),
    )

    found = read(office.answer("stranger"))

    assert office.asked("stranger", found).revocation is RevocationState.UNKNOWN


@pytest.mark.vectors
@pytest.mark.parametrize(
    ("listed", "certificate", "state"),
    [
        ("CarlRSACRLForAll", "AliceRSASignByCarl", RevocationState.REVOKED),
        ("CarlRSACRLForAll", "BobRSASignByCarl", RevocationState.REVOKED),
        ("CarlDSSCRLForAll", "AliceDSSSignByCarlNoInherit", RevocationState.REVOKED),
        ("CarlRSACRLForCarl", "AliceRSASignByCarl", RevocationState.UNKNOWN),
        ("CarlRSACRLEmpty", "AliceRSASignByCarl", RevocationState.UNKNOWN),
        ("CarlDSSCRLEmpty", "AliceDSSSignByCarlNoInherit", RevocationState.UNKNOWN),
    ],
)
def test_lists_of_rfc4134_revoke_and_vouch_for_nobody(
    vectors: Path, listed: str, certificate: str, state: RevocationState
) -> None:
    """They are signed with MD5 and SHA-1 (RFC 4134 §2.4): enough to be warned, not enough to be sure."""
    folder = vectors / "rfc4134" / "rfc4134"
    ca = "CarlRSASelf" if "RSA" in listed else "CarlDSSSelf"
    anchor, key = (key_from_certificate((folder / f"{name}.cer").read_bytes()) for name in (ca, certificate))
    store = MemoryKeyStore(revocations=read((folder / f"{listed}.crl").read_bytes()).revocations)

    facts = judge_path(key, (), store, [Anchor(key=anchor)], Policy(), NOW)

    assert facts.revocation is state
    assert (Finding.REVOKED_HARD in facts.findings) is (state is RevocationState.REVOKED)
