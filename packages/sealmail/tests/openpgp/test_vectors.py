"""Messages of other projects: KDE's and those of the draft on protected headers."""

from datetime import UTC, datetime

import pytest

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore
from sealmail.keys.openpgp_key import is_secret, key_from_openpgp, split_keys
from sealmail.policy import Policy
from sealmail.report import Encryption, Finding, Integrity

pytestmark = pytest.mark.vectors

AT = datetime(2026, 1, 1, tzinfo=UTC)
KDE = "kde-mimetreeparser/autotests/testdata"
DRAFT = "protected-headers-draft"
KEY_FILES = [
    "kde-mimetreeparser/keys-derived/pgp-public-all.asc",
    "kde-mimetreeparser/keys-derived/pgp-secret.asc",
    f"{DRAFT}/alice@openpgp.example.pub.asc",
    f"{DRAFT}/bob@openpgp.example.sec.asc",
]


@pytest.fixture(scope="module")
def their_keys(vectors, secret_of):
    materials = [one for name in KEY_FILES for one in split_keys((vectors / name).read_bytes())]
    return MemoryKeyStore(
        keys=[key_from_openpgp(one) for one in materials],
        secrets=[secret_of(one) for one in materials if is_secret(one)],
    )


def opened(path, keys):
    # The armor stands in the mail as it is, so no MIME is needed to find it.
    return openpgp.decrypt(path.read_bytes(), keys, Policy(), AT)


@pytest.mark.parametrize(
    "name",
    ["openpgp-encrypted", "openpgp-encrypted-enigmail1.6", "inlinepgpencrypted"],
)
def test_kde_encrypted_mails_open_unsigned(vectors, their_keys, name):
    result = opened(vectors / KDE / f"{name}.mbox", their_keys)

    assert (result.facts.verdict, result.signers) == (Encryption.DECRYPTED, ())
    assert result.payload


@pytest.mark.parametrize("name", ["openpgp-encrypted+signed", "openpgp-inline-charset-encrypted"])
def test_kde_encrypted_and_signed_mails_open_signed(vectors, their_keys, name):
    result = opened(vectors / KDE / f"{name}.mbox", their_keys)

    assert result.facts.verdict is Encryption.DECRYPTED
    assert [(one.integrity, one.findings - {Finding.WEAK_ALGORITHM}) for one in result.signers] == [
        (Integrity.INTACT, set())
    ]
    assert result.signers[0].key.addresses == ("test@kolab.org",)


@pytest.mark.parametrize("name", ["inlinepgpencrypted-error", "inlinepgpgencrypted-error"])
def test_kde_mails_for_others_do_not_open(vectors, their_keys, name):
    result = opened(vectors / KDE / f"{name}.mbox", their_keys)

    assert (result.facts.verdict, result.payload, len(result.facts.recipients)) == (Encryption.NO_KEY, None, 2)


@pytest.mark.parametrize("name", ["sign+enc", "sign+enc+legacy-disp"])
def test_draft_mails_signed_in_one_pass_open_to_their_inner_text(vectors, their_keys, name):
    result = opened(vectors / DRAFT / f"pgpmime-{name}.eml", their_keys)

    expected = (vectors / DRAFT / f"pgpmime-{name}.inner").read_bytes()
    assert result.payload.replace(b"\r\n", b"\n") == expected.replace(b"\r\n", b"\n")
    assert [(one.integrity, one.findings, one.key.addresses) for one in result.signers] == [
        (Integrity.INTACT, set(), ("alice@openpgp.example",))
    ]


def test_draft_signed_mail_verifies(vectors, their_keys):
    raw = (vectors / DRAFT / "pgpmime-signed.eml").read_bytes()
    boundary = raw.split(b'boundary="', 1)[1].split(b'"', 1)[0]
    _, content, signature, _ = raw.split(b"--" + boundary)
    line_end = b"\r\n" if b"\r\n" in raw else b"\n"

    result = openpgp.verify(signature, content.removeprefix(line_end).removesuffix(line_end), their_keys, Policy(), AT)

    assert [(one.integrity, one.findings) for one in result.signers] == [(Integrity.INTACT, set())]
