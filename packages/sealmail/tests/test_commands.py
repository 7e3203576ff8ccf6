"""The command contract: the three commands as other programs call them, checked against docs/contract."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from jsonschema import Draft202012Validator

from sealmail import openpgp, smime
from sealmail.addresses import Mailbox
from sealmail.keys.openpgp_making import generate
from sealmail.keys.openpgp_revoking import revoke_user_id
from sealmail.mime import Draft, DraftAttachment, build_entity, build_headers, build_message
from sealmail.testing import CA, export_armored, export_pem, export_pkcs12, openpgp_key

CONTRACT = Path(__file__).resolve().parents[3] / "docs" / "contract"
NOW = datetime.now(UTC)
CAROL, DAVE, DESK = "carol@bank.example", "dave@law.example", "support@desk.example"


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sealmail", *map(str, arguments)], input=stdin, capture_output=True, check=False
    )


def printed(result: subprocess.CompletedProcess[bytes], schema: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(json.loads((CONTRACT / schema).read_text())).validate(document)
    return document


def inspect(mail: bytes, *options: object) -> dict[str, Any]:
    result = run("inspect", "-", "--json", *options, stdin=mail)
    assert result.returncode == 0, result.stderr
    return printed(result, "inspect.schema.json")


class Folder:
    """Key files as an administrator has them."""

    def __init__(self, folder: Path) -> None:
        self.ca = CA.create()
        self.carol, self.desk = self.ca.issue(CAROL), self.ca.issue(DESK)
        self.dave, self.desk_pgp = openpgp_key(DAVE), openpgp_key(DESK, passphrase="tell nobody")
        self.keys, self.trust = folder / "keys", folder / "trust"
        self.keys.mkdir()
        self.trust.mkdir()
        (self.keys / "desk.p12").write_bytes(export_pkcs12(self.desk, "tell nobody"))
        (self.keys / "desk.asc").write_text(export_armored(self.desk_pgp))
        (self.keys / "notes.txt").write_text("no key at all")
        (self.trust / "ca.pem").write_text(export_armored(self.ca.certificate))
        (self.trust / "dave.asc").write_text(export_armored(self.dave.key))

    @property
    def options(self) -> tuple[object, ...]:
        return ("--keys", self.keys, "--trust", self.trust, "--passphrase", "tell nobody")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("material"))


def draft(sender: str) -> Draft:
    return Draft(
        from_=(Mailbox("Somebody", sender),),
        to=(Mailbox("", DESK),),
        subject="Kündigung",
        text="The words.\n",
        attachments=(DraftAttachment(name="x.pdf", content_type="application/pdf", data=b"%PDF-1.4"),),
    )


@pytest.mark.mission("S3")
def test_inspect_opens_smime_with_a_folder_of_keys(folder: Folder) -> None:
    inner = smime.sign(build_entity(draft(CAROL)), folder.carol, [folder.ca.certificate], NOW)
    mail = build_headers(draft(CAROL)) + smime.encrypt(inner, [folder.desk.key])

    document = inspect(mail, *folder.options)

    assert (document["from"], document["subject"], document["text"]) == ([CAROL], "Kündigung", "The words.\n")
    assert document["encryption"]["verdict"] == "decrypted"
    assert document["signature"]["verdict"] == "good"
    assert document["signature"]["signer"] == {
        "name": folder.carol.key.name,
        "addresses": [CAROL],
        "fingerprint": folder.carol.key.fingerprint,
    }
    assert document["attachments"] == [
        {
            "name": "x.pdf",
            "type": "application/pdf",
            "size": 8,
            "sha256": "e16fa5d9b51928755db85b917f0297babaf22c7a47e97d9212adab56e61ba04e",
        }
    ]


@pytest.mark.mission("P3")
def test_inspect_opens_openpgp_with_a_passphrase(folder: Folder, tmp_path: Path) -> None:
    mail = build_headers(draft(DAVE)) + openpgp.encrypt(
        build_entity(draft(DAVE)), [folder.desk_pgp.key], folder.dave, NOW
    )
    secret = tmp_path / "passphrase"
    secret.write_text("tell nobody\n")

    document = inspect(mail, "--keys", folder.keys, "--trust", folder.trust, "--passphrase-file", secret)
    locked = inspect(mail, "--keys", folder.keys, "--trust", folder.trust)

    assert (document["encryption"]["verdict"], document["signature"]["verdict"]) == ("decrypted", "good")
    assert (locked["encryption"]["verdict"], locked["text"]) == ("locked", "")


@pytest.mark.mission("A5")
def test_inspect_says_what_users_search_for(folder: Folder) -> None:
    signed = smime.sign(build_entity(draft(CAROL)), folder.carol, [], NOW)
    sealed = smime.encrypt(signed, [folder.desk.key])
    pgp_signed = openpgp.sign(build_entity(draft(DAVE)), folder.dave, NOW)

    assert inspect(build_headers(draft(CAROL)) + sealed)["encryption"]["detail"].startswith(
        "Unable to find private key to decrypt"
    )
    assert inspect(build_headers(draft(DAVE)) + pgp_signed)["signature"]["detail"].startswith(
        "Unable to find certificate for validation"
    )


@pytest.mark.parametrize("mail", [b"", b"\x00\xff" * 50, b"no header at all", b"From: a@b.example\r\n\r\nhello"])
def test_inspect_makes_a_report_of_any_bytes(mail: bytes) -> None:
    assert inspect(mail)["signature"]["verdict"] == "none"


def test_inspect_judges_at_the_time_given(folder: Folder) -> None:
    mail = build_headers(draft(CAROL)) + smime.sign(build_entity(draft(CAROL)), folder.carol, [], NOW)

    document = inspect(mail, *folder.options, "--at", "2001-01-01T00:00:00Z")

    assert document["signature"]["reason"] == "not_yet_valid"
    assert document["at"] == "2001-01-01T00:00:00Z"


def test_inspect_without_json_prints_a_summary_without_control_characters() -> None:
    result = run("inspect", "-", stdin=b"From: a@b.example\r\nSubject: x\x1b[2Jy\r\n\r\nhi \x1b]0;evil\x07\r\n")

    assert result.returncode == 0
    assert b"\x1b" not in result.stdout
    assert b"Signature:  none" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("inspect",),
        ("inspect", "/nowhere/mail.eml"),
        ("inspect", "-", "--at", "yesterday"),
        ("inspect", "-", "--keys", "/nowhere"),
        ("seal", "-", "--out", "/nowhere", "--technology", "rot13"),
        ("keys",),
    ],
)
def test_wrong_usage_exits_with_two(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.returncode == 2
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_stops_reading_ends_the_command_quietly(unbuffered: str) -> None:
    """Written at once it fails in the command, buffered not before the end."""
    reading, writing = os.pipe()
    os.close(reading)

    result = subprocess.run(
        [sys.executable, "-m", "sealmail", "inspect", "-", "--json"],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        input=b"From: a@b.example\r\n\r\nhello",
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (("--opaque", "--encrypt"), "--opaque needs --sign"),
        (("--rsa-signature", "pss"), "--rsa-signature needs --sign"),
        (("--cipher", "gcm", "--sign"), "--cipher needs --encrypt"),
        (("--key-transport", "oaep"), "--key-transport needs --encrypt"),
        (("--hide-subject",), "--hide-subject needs --encrypt"),
    ],
)
def test_seal_names_the_option_that_another_one_needs(tmp_path: Path, options: tuple[str, ...], missing: str) -> None:
    result = run("seal", "-", "--out", tmp_path / "out", *options, stdin=build_message(draft(CAROL)))

    assert (result.returncode, result.stderr.decode()) == (2, f"sealmail: {missing}\n")
    assert not (tmp_path / "out").exists()


def test_seal_removes_the_copies_of_the_plan_before_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    names = ("1.eml", "2.eml", "3.eml", "notes.eml")
    for path in (*(out / name for name in names), tmp_path / "4.eml"):
        path.write_text("before")
    listed = [{"file": name} for name in ("1.eml", "2.eml", "notes.eml", "../4.eml", str(tmp_path / "4.eml"), "9.eml")]
    (out / "plan.json").write_text(json.dumps({"copies": [*listed, {"file": 1}, "2.eml"]}))

    result = run("seal", "-", "--out", out, stdin=build_message(draft(CAROL)))

    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["1.eml", "3.eml", "notes.eml", "plan.json"]
    assert (out / "3.eml").read_text() == (tmp_path / "4.eml").read_text() == "before"
    assert (out / "1.eml").read_text() != "before"


@pytest.mark.parametrize("plan", [b"\xff", b"{", b"[]", b'{"copies": 1}', b"[" * 100_000])
def test_seal_replaces_what_is_no_plan(tmp_path: Path, plan: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(plan)

    result = run("seal", "-", "--out", tmp_path, stdin=build_message(draft(CAROL)))

    assert (result.returncode, result.stderr) == (0, b"")
    printed_file(tmp_path / "plan.json", "plan.schema.json")


@pytest.mark.mission("B3")
def test_seal_writes_a_copy_for_each_technology_and_the_plan(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "carol.pem").write_text(export_armored(folder.carol.key))
    expired = folder.ca.issue(CAROL, valid_from=NOW - timedelta(days=9), valid_until=NOW - timedelta(days=2))
    (tmp_path / "expired.pem").write_text(export_armored(expired.key))
    mail = build_message(Draft(from_=(Mailbox("Desk", DESK),), subject="Reply", text="Grüße.\n"))
    keys = (tmp_path / "carol.pem", tmp_path / "expired.pem")
    options = (*folder.options, "--keys", *keys, "--sign", "--encrypt", "--to", CAROL, DAVE)

    result = run("seal", "-", "--out", tmp_path / "out", *options, stdin=mail)

    assert result.returncode == 0, result.stderr
    plan = printed_file(tmp_path / "out" / "plan.json", "plan.schema.json")
    assert [(copy["recipients"], copy["technology"]) for copy in plan["copies"]] == [
        ([CAROL], "smime"),
        ([DAVE], "openpgp"),
    ]
    passed_over = [(one["fingerprint"], one["reasons"][0]["code"]) for one in plan["recipients"][0]["passed_over"]]
    assert passed_over == [(expired.key.fingerprint, "expired")]
    (tmp_path / "carol-key.pem").write_bytes(export_pem(folder.carol))
    copy = (tmp_path / "out" / "1.eml").read_bytes()
    opened = inspect(copy, "--keys", tmp_path / "carol-key.pem", "--trust", folder.trust / "ca.pem")
    assert (opened["text"], opened["to"]) == ("Grüße.\n", [CAROL, DAVE])
    assert (opened["encryption"]["verdict"], opened["signature"]["verdict"]) == ("decrypted", "good")


def printed_file(path: Path, schema: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    Draft202012Validator(json.loads((CONTRACT / schema).read_text())).validate(document)
    return document


def test_seal_takes_the_form_that_was_asked_for(folder: Folder, tmp_path: Path) -> None:
    rsa = folder.ca.issue("rsa@bank.example", key_type="rsa2048")
    (tmp_path / "rsa.pem").write_bytes(export_pem(rsa))
    mail = build_message(Draft(from_=(Mailbox("", "rsa@bank.example"),), to=(Mailbox("", DESK),), text="Words.\n"))
    form = ("--opaque", "--cipher", "gcm", "--key-transport", "oaep", "--rsa-signature", "pss")
    options = (*folder.options, "--keys", tmp_path / "rsa.pem", "--technology", "smime", "--sign", "--encrypt", *form)

    result = run("seal", "-", "--out", tmp_path / "out", *options, stdin=mail)

    assert result.returncode == 0, result.stderr
    (copy,) = printed_file(tmp_path / "out" / "plan.json", "plan.schema.json")["copies"]
    assert copy["signature"] == {"algorithm": "RSA-PSS", "micalg": "sha-256", "opaque": True}
    assert copy["cipher"] == "AES-256-GCM"
    assert [reason["code"] for reason in copy["cipher_reasons"]] == ["cipher_asked_for", "capabilities_unknown"]
    assert copy["key_transports"] == {folder.desk.key.fingerprint: "ECDH P-256", rsa.key.fingerprint: "RSA-OAEP"}
    opened = inspect((tmp_path / "out" / "1.eml").read_bytes(), *folder.options)
    assert (opened["encryption"]["verdict"], opened["signature"]["verdict"]) == ("decrypted", "good")
    assert opened["layers"][1]["signers"][0]["algorithm"] == "RSA-PSS"


def test_seal_reads_capabilities_out_of_good_mail_only(folder: Folder, tmp_path: Path) -> None:
    good = build_headers(draft(CAROL)) + smime.sign(build_entity(draft(CAROL)), folder.carol, [], NOW)
    (tmp_path / "good.eml").write_bytes(good)
    (tmp_path / "changed.eml").write_bytes(good.replace(b"The words.", b"The sword."))
    (tmp_path / "carol.pem").write_text(export_armored(folder.carol.key))
    mail = build_message(Draft(from_=(Mailbox("Desk", DESK),), to=(Mailbox("", CAROL),), text="Reply.\n"))
    options = (*folder.options, "--keys", tmp_path / "carol.pem", "--sign", "--encrypt", "--capabilities-from")

    result = run("seal", "-", "--out", tmp_path / "gcm", *options, tmp_path / "good.eml", stdin=mail)
    doubtful = run("seal", "-", "--out", tmp_path / "cbc", *options, tmp_path / "changed.eml", stdin=mail)

    assert (result.returncode, doubtful.returncode) == (0, 0), result.stderr
    assert b"changed.eml tells nothing by a good S/MIME signature" in doubtful.stderr
    ciphers = {
        name: printed_file(tmp_path / name / "plan.json", "plan.schema.json")["copies"][0]["cipher"]
        for name in ("gcm", "cbc")
    }
    assert ciphers == {"gcm": "AES-256-GCM", "cbc": "AES-256-CBC"}


def test_seal_writes_addresses_given_with_names(folder: Folder, tmp_path: Path) -> None:
    mail = build_message(Draft(from_=(Mailbox("", DESK),), text="Words.\n"))
    options = (*folder.options, "--technology", "smime", "--sign", "--to", "Jürgen <j@bücher.example>")

    result = run("seal", "-", "--out", tmp_path / "out", *options, stdin=mail)

    assert result.returncode == 0, result.stderr
    raw = (tmp_path / "out" / "1.eml").read_bytes()
    assert raw.isascii()
    assert inspect(raw, *folder.options)["to"] == ["j@xn--bcher-kva.example"]


@pytest.mark.mission("S12")
def test_seal_refuses_with_the_reasons_and_writes_no_mail(folder: Folder, tmp_path: Path) -> None:
    mail = build_message(Draft(from_=(Mailbox("Desk", DESK),), to=(Mailbox("", "erin@shop.example"),), text="secret\n"))

    result = run("seal", "-", "--out", tmp_path / "out", *folder.options, "--encrypt", stdin=mail)

    assert result.returncode == 1
    assert b"erin@shop.example was not found" in result.stderr
    plan = printed_file(tmp_path / "out" / "plan.json", "plan.schema.json")
    assert plan["copies"] == []
    assert {reason["code"] for reason in plan["refused"]} == {"no_key"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["plan.json"]


def test_keys_lists_what_may_be_done(folder: Folder) -> None:
    result = run("keys", folder.keys, folder.trust, "--json", "--passphrase", "tell nobody")

    assert result.returncode == 0, result.stderr
    document = printed(result, "keys.schema.json")
    by_fingerprint = {key["fingerprint"]: key for key in document["keys"]}
    desk = by_fingerprint[folder.desk.key.fingerprint]
    dave = by_fingerprint[folder.dave.key.fingerprint]
    assert {purpose: answer["allowed"] for purpose, answer in desk["may"].items()} == dict.fromkeys(
        ("sign", "encrypt", "verify", "decrypt"), True
    )
    assert dave["secret"] is False
    assert dave["may"]["sign"]["reasons"][0]["code"] == "no_secret"
    assert by_fingerprint[folder.ca.certificate.fingerprint]["ca"] is True
    assert b"notes.txt: skipped" in result.stderr


@pytest.mark.mission("P4")
def test_keys_tells_the_state_of_user_ids_and_parts_of_an_openpgp_key(tmp_path: Path) -> None:
    begin, until = (NOW.replace(microsecond=0) + timedelta(days=days) for days in (-30, 30))
    key = generate(name="Desk", addresses=[DESK, CAROL], at=begin, until=until).secret
    key = revoke_user_id(key, f"Desk <{CAROL}>".encode(), at=NOW - timedelta(days=1))
    (tmp_path / "desk.pgp").write_bytes(key.material)

    (listed,) = printed(run("keys", tmp_path, "--json"), "keys.schema.json")["keys"]
    text = run("keys", tmp_path).stdout.decode()

    told = listed["openpgp"]
    assert [(one["address"], one["state"]) for one in told["user_ids"]] == [(DESK, "valid"), (CAROL, "revoked")]
    assert [(one["algorithm"], one["uses"]) for one in told["parts"]] == [
        ("Ed25519", ["certify", "sign"]),
        ("Curve25519", ["encrypt"]),
    ]
    end = until.isoformat().replace("+00:00", "Z")
    assert (told["signing"], told["encrypting"]) == ({"usable": True, "until": end},) * 2
    assert (listed["addresses"], listed["secret"]) == ([DESK], True)
    assert f"Desk <{CAROL}>: revoked: the name or address no longer holds" in text


@pytest.mark.mission("S4")
def test_keys_lists_what_a_certificate_says_and_what_keeps_it_out(folder: Folder, tmp_path: Path) -> None:
    lame = folder.ca.issue(CAROL, uses=())
    (tmp_path / "lame.pem").write_text(export_armored(lame.key))
    (tmp_path / "ca.pem").write_text(export_armored(folder.ca.certificate))
    (tmp_path / "ca.crl").write_bytes(folder.ca.crl(at=NOW)[1])

    document = printed(run("keys", tmp_path, "--json"), "keys.schema.json")

    key = next(one for one in document["keys"] if not one["ca"])
    certificate = x509.load_der_x509_certificate(lame.key.material)
    assert (key["issuer"], key["serial"]) == ("CN=Sealdesk Test CA", f"{certificate.serial_number:x}")
    assert [reason["code"] for reason in key["import_problems"]] == ["wrong_key_usage"]
    assert [(one["kind"], one["issuer"]) for one in document["revocations"]] == [("crl", "Sealdesk Test CA")]
    assert document["choice"] is None


def test_keys_tells_which_key_would_be_used_and_why_not_the_others(folder: Folder, tmp_path: Path) -> None:
    old, new = (folder.ca.issue(CAROL, valid_from=NOW - timedelta(days=days)) for days in (20, 10))
    for name, secret in (("old", old), ("new", new)):
        (tmp_path / f"{name}.pem").write_text(export_armored(secret.key))
    options = (tmp_path, "--for", CAROL.title(), "--trust", folder.trust)

    choice = printed(run("keys", *options, "--json"), "keys.schema.json")["choice"]
    text = run("keys", *options).stdout.decode()

    assert (choice["address"], choice["key"], choice["technology"]) == (CAROL, new.key.fingerprint, "smime")
    smime, _ = choice["by_technology"]
    assert smime["trust"] == "by_ca"
    assert smime["passed_over"] == [
        {
            "technology": "smime",
            "fingerprint": old.key.fingerprint,
            "reasons": [{"code": "older", "sentence": "A newer one is used."}],
        }
    ]
    assert f"not {old.key.fingerprint}: A newer one is used." in text


@pytest.mark.mission("A5")
def test_keys_says_why_nothing_can_be_used(folder: Folder) -> None:
    untrusted = printed(run("keys", folder.trust / "dave.asc", "--for", DAVE, "--json"), "keys.schema.json")["choice"]
    signing = run("keys", folder.trust, "--for", DAVE, "--purpose", "sign")

    assert untrusted["key"] is None
    assert [one["reasons"][0]["code"] for one in untrusted["by_technology"]] == ["no_key", "untrusted_key"]
    assert f"There is no private key with a PGP key for {DAVE}." in signing.stdout.decode()


def test_no_output_of_the_commands_holds_a_secret(folder: Folder) -> None:
    result = run("keys", folder.keys, "--json", "--passphrase", "tell nobody")

    assert b"tell nobody" not in result.stdout + result.stderr
    assert b"PRIVATE" not in result.stdout + result.stderr
