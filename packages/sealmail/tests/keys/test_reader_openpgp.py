"""Reading OpenPGP keys as gpg exports them, and as the cast has them."""

import pytest

from sealmail.errors import InputError
from sealmail.keys.found import Lock
from sealmail.keys.reader import read
from sealmail.testing import export_armored, export_pem, openpgp_key


def made_by_gpg(gpg, *addresses, passphrase=""):
    for address in addresses:
        gpg("--quick-generate-key", f"Somebody <{address}>", "future-default", "default", "2y", passphrase=passphrase)
    return sorted(
        line.split(b":")[9].decode().lower()
        for line, before in _pairs(gpg("--list-keys", "--with-colons").splitlines())
        if line.startswith(b"fpr") and before.startswith(b"pub")
    )


def _pairs(lines):
    return zip(lines[1:], lines, strict=False)


@pytest.mark.mission("P2")
@pytest.mark.parametrize("armor", [("--armor",), ()])
def test_several_public_keys_of_gpg_are_read(gpg, armor):
    fingerprints = made_by_gpg(gpg, "a@example.org", "b@example.org")

    found = read(gpg("--export", *armor))

    assert sorted(key.fingerprint for key in found.keys) == fingerprints
    assert sorted(key.addresses for key in found.keys) == [("a@example.org",), ("b@example.org",)]
    assert (found.secrets, found.locked) == ((), ())


@pytest.mark.mission("P2", "P4")
@pytest.mark.parametrize("armor", [("--armor",), ()])
def test_secret_key_of_gpg_is_opened_by_the_fitting_passphrase(gpg, armor):
    fingerprints = made_by_gpg(gpg, "a@example.org", passphrase="open")
    data = gpg("--export-secret-keys", *armor, passphrase="open")

    found = read(data, ("wrong", "open"))

    assert [(secret.key.fingerprint, secret.passphrases) for secret in found.secrets] == [(fingerprints[0], ("open",))]
    assert [key.fingerprint for key in found.keys] == fingerprints
    assert found.locked == ()


@pytest.mark.mission("P2")
def test_secret_key_of_gpg_without_passphrase_is_read(gpg):
    fingerprints = made_by_gpg(gpg, "a@example.org")

    found = read(gpg("--export-secret-keys"))

    assert [(secret.key.fingerprint, secret.passphrases) for secret in found.secrets] == [(fingerprints[0], ())]


@pytest.mark.mission("P2")
@pytest.mark.parametrize(("passphrases", "why"), [((), Lock.MISSING), (("wrong",), Lock.WRONG)])
def test_secret_key_of_gpg_stays_locked_without_its_passphrase(gpg, passphrases, why):
    fingerprints = made_by_gpg(gpg, "a@example.org", passphrase="open")
    data = gpg("--export-secret-keys", "--armor", passphrase="open")

    found = read(data, passphrases)

    assert [(locked.fingerprint, locked.why) for locked in found.locked] == [(fingerprints[0], why)]
    assert [(secret.key.fingerprint, secret.passphrases) for secret in found.secrets] == [
        (fingerprints[0], passphrases)
    ]


@pytest.mark.mission("P4")
def test_public_part_of_a_secret_key_holds_no_secret(cast):
    secret = cast.dave.openpgp

    found = read(export_armored(secret).encode())
    again = read(found.keys[0].material)

    assert len(found.secrets) == 1
    assert (len(again.keys), again.secrets) == (1, ())


def test_both_technologies_in_one_text_are_read(cast):
    text = "Our keys:\n" + export_armored(cast.dave.openpgp.key) + "\nand\n"

    found = read(text.encode() + export_pem(cast.carol.smime) + export_armored(cast.frank.openpgp).encode())

    expected = {cast.dave.openpgp, cast.carol.smime, cast.frank.openpgp}
    assert {key.fingerprint for key in found.keys} == {secret.key.fingerprint for secret in expected}
    assert {secret.key.fingerprint for secret in found.secrets} == {
        cast.carol.smime.key.fingerprint,
        cast.frank.openpgp.key.fingerprint,
    }


def test_message_or_signature_in_armor_is_named():
    text = "-----BEGIN PGP {0}-----\n\nwwA=\n-----END PGP {0}-----\n"

    problems = [read(text.format(label).encode()).problems for label in ("MESSAGE", "SIGNATURE")]

    assert [[problem.sentence for problem in one] for one in problems] == [
        ["A block “PGP MESSAGE” is not a key."],
        ["A block “PGP SIGNATURE” is not a key."],
    ]


def test_damaged_armor_is_a_problem_and_damaged_binary_an_error(cast):
    material = cast.dave.openpgp.key.material[:50]
    armor = export_armored(cast.dave.openpgp.key)

    with pytest.raises(InputError):
        read(material)
    damaged = read((armor[:200] + "!" + armor[201:]).encode())

    assert (damaged.keys, len(damaged.problems)) == ((), 1)


@pytest.mark.parametrize("passphrase", [None, "pass phrase"])
@pytest.mark.parametrize("cipher", ["cv25519", "rsa2048"])
def test_gpg_reads_and_uses_what_testing_makes(gpg, passphrase, cipher):
    secret = openpgp_key("dave@customer.example", name="Dave", passphrase=passphrase, cipher=cipher)
    gpg("--import", given=secret.material, passphrase=passphrase or "")
    to = ("--trust-model", "always", "-r", secret.key.fingerprint)

    sealed = gpg("--sign", "--encrypt", *to, given=b"hello", passphrase=passphrase or "")

    assert gpg("--decrypt", given=sealed, passphrase=passphrase or "") == b"hello"
