"""Each cause why a signature is good, unverified or bad, as `sealmail inspect` tells it; made by gpg with its clock
set, or by a writer of our own where no program makes such."""

import json
import struct
from datetime import UTC, datetime, timedelta

import pytest

from sealmail import cli
from sealmail.keys.openpgp_key import key_from_openpgp, state_at
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.testing import openpgp_key

BOB, RAE = "bob@example.org", "rae@example.org"
MADE, SIGNED = "20200101T000000", "20200201T000000"
ARRIVED = datetime(2020, 2, 1, 12, tzinfo=UTC)
LATER = datetime(2020, 9, 1, tzinfo=UTC)


def said(document):
    """Verdict, reason and, of each signer, integrity, findings and the exact code."""
    (layer,) = document["layers"]
    statement = document["signature"]
    facts = [(one["integrity"], tuple(one["findings"]), one["why"]) for one in layer["signers"]]
    return statement["verdict"], statement["reason"], *facts


GOOD = ("good", None, ("intact", (), None))


def by_gpg(gpg, *options, who=RAE, when=SIGNED, content):
    faked = ("--faked-system-time", when + "!") if when else ()
    return gpg("--armor", *faked, *options, "--local-user", who, "--detach-sign", stdin=content)


@pytest.fixture
def rae(fresh_gpg):
    """Rae's gpg, with a key made at the beginning of 2020."""
    fresh_gpg.key(f"Rae <{RAE}>", "ed25519", when=MADE)
    return fresh_gpg


@pytest.fixture
def judged(rae, signed, inspected, entity):
    """What is said of a mail signed by Rae at the beginning of February 2020, judged with her key as it is now."""

    def judge(signature, at=ARRIVED, **further):
        key = key_from_openpgp(rae.public(RAE))
        return inspected(signed(signature, RAE), at, trusted=[key], **further)

    return judge


@pytest.mark.mission("P3")
def test_intact_and_by_whom(rae, signed, inspected, entity):
    primary = rae.fingerprint(RAE)
    rae("--faked-system-time", "20200102T000000!", "--quick-add-key", primary, "rsa2048", "sign", "never")
    key = key_from_openpgp(rae.public(RAE))

    document = inspected(signed(by_gpg(rae, "--digest-algo", "SHA384", content=entity), RAE), ARRIVED, trusted=[key])

    assert said(document) == GOOD
    (signer,) = document["layers"][0]["signers"]
    assert document["signature"]["signer"] == {"name": "Rae", "addresses": [RAE], "fingerprint": primary}
    assert (signer["signer"]["fingerprint"], len(signer["signing_fingerprint"])) == (primary, 40)
    assert signer["signing_fingerprint"] != primary
    assert (signer["algorithm"], signer["hash_algorithm"]) == ("RSA-2048", "sha384")
    assert signer["signed_at"] == "2020-02-01T00:00:00Z"


def test_the_command_tells_it_as_well(rae, signed, entity, tmp_path, capsys):
    (tmp_path / "mail.eml").write_bytes(signed(by_gpg(rae, content=entity), RAE))
    (tmp_path / "rae.asc").write_bytes(rae("--armor", "--export", RAE))
    mail, key, at = str(tmp_path / "mail.eml"), str(tmp_path / "rae.asc"), ARRIVED.isoformat()

    assert cli.main(["inspect", mail, "--json", "--trust", key, "--at", at]) == 0
    assert said(json.loads(capsys.readouterr().out)) == GOOD


def test_no_key(rae, signed, inspected, entity):
    document = inspected(signed(by_gpg(rae, content=entity), RAE), ARRIVED)

    assert said(document) == ("unverified", "unknown_signer", ("no_key", (), None))
    assert rae.fingerprint(RAE) in "".join(document["layers"][0]["signers"][0]["key_ids"])


def test_broken(rae, judged, entity):
    # Made for other data: the signature is true, but not of this text.
    other = by_gpg(rae, content=entity.replace(b"agree", b"refuse"))

    assert said(judged(other)) == ("bad", "content_changed", ("changed", (), None))


def test_malformed(judged):
    assert said(judged(packet(Tag.SIGNATURE, b"\4\0"))) == (
        "bad",
        "malformed",
        ("malformed", (), "signature_unreadable"),
    )
    assert said(judged(b"no signature at all"))[:2] == ("bad", "malformed")


def test_the_key_expired_at_that_time(fresh_gpg, signed, inspected, entity):
    fresh_gpg.key(f"Rae <{RAE}>", "ed25519", "2020-06-01", when=MADE)
    raw = signed(by_gpg(fresh_gpg, content=entity), RAE)
    key = key_from_openpgp(fresh_gpg.public(RAE))
    before, then = datetime(2019, 7, 1, tzinfo=UTC), ARRIVED

    found = [said(inspected(raw, at, trusted=[key])) for at in (before, then, LATER)]

    assert found == [
        ("unverified", "not_yet_valid", ("intact", ("not_yet_valid",), None)),
        GOOD,
        ("unverified", "expired", ("intact", ("expired",), None)),
    ]


def test_a_subkey_that_expired(rae, judged, entity):
    primary = rae.fingerprint(RAE)
    rae("--faked-system-time", "20200102T000000!", "--quick-add-key", primary, "ed25519", "sign", "2020-06-01")
    signature = by_gpg(rae, content=entity)

    assert said(judged(signature)) == GOOD
    assert said(judged(signature, LATER)) == ("unverified", "expired", ("intact", ("expired",), None))


def test_a_key_that_was_extended_is_judged_by_what_was_known_then(fresh_gpg, signed, inspected, entity):
    primary = fresh_gpg.key(f"Rae <{RAE}>", "ed25519", "2020-06-01", when=MADE)
    fresh_gpg("--faked-system-time", "20200520T000000!", "--quick-set-expire", primary, "20y")
    raw = signed(by_gpg(fresh_gpg, content=entity), RAE)
    key = key_from_openpgp(fresh_gpg.public(RAE))

    assert [said(inspected(raw, at, trusted=[key])) for at in (ARRIVED, LATER)] == [GOOD, GOOD]


REASONS = {"none_given": "0", "compromised": "1", "superseded": "2", "retired": "3"}


@pytest.mark.parametrize("reason", ["none_given", "compromised"])
def test_a_hard_revocation_counts_at_any_time(rae, judged, entity, reason):
    signature = by_gpg(rae, content=entity)
    _revoke(rae, REASONS[reason])

    for at in (ARRIVED, LATER):
        document = judged(signature, at)
        assert said(document) == ("bad", "revoked", ("intact", ("revoked_hard",), None))
        (signer,) = document["layers"][0]["signers"]
        assert (signer["revocation_reason"], signer["revoked_at"]) == (reason, "2020-05-01T00:00:00Z")


@pytest.mark.parametrize("reason", ["superseded", "retired"])
def test_a_soft_revocation_counts_from_its_time_on(rae, judged, entity, reason):
    before, after = by_gpg(rae, content=entity), by_gpg(rae, when="20200701T000000", content=entity)
    _revoke(rae, REASONS[reason])
    revoked = ("bad", "revoked", ("intact", ("revoked_soft",), None))

    assert said(judged(before)) == GOOD
    assert said(judged(before, datetime(2020, 4, 30, tzinfo=UTC))) == GOOD
    assert said(judged(before, LATER)) == revoked
    assert said(judged(after, LATER)) == revoked
    assert judged(after, LATER)["layers"][0]["signers"][0]["revocation_reason"] == reason


def _revoke(gpg, code):
    certificate = gpg.home / "revocation"
    faked = ("--faked-system-time", "20200501T000000!")
    command = ["--no-batch", *faked, "--command-fd", "0", "--output", str(certificate), "--gen-revoke", RAE]
    gpg(*command, stdin=f"y\n{code}\n\ny\n".encode())
    gpg("--import", str(certificate))


@pytest.mark.parametrize(("reason", "finding"), [("compromised", "revoked_hard"), ("superseded", "revoked_soft")])
def test_a_subkey_that_was_revoked(rae, judged, entity, reason, finding):
    primary = rae.fingerprint(RAE)
    rae("--faked-system-time", "20200102T000000!", "--quick-add-key", primary, "ed25519", "sign", "never")
    signature = by_gpg(rae, content=entity)
    commands = f"key 2\nrevkey\ny\n{REASONS[reason]}\n\ny\nsave\n".encode()
    rae("--no-batch", "--faked-system-time", "20200501T000000!", "--command-fd", "0", "--edit-key", primary,
        stdin=commands)  # fmt: skip

    assert said(judged(signature, LATER)) == ("bad", "revoked", ("intact", (finding,), None))
    assert said(judged(signature))[0] == ("good" if finding == "revoked_soft" else "bad")


def test_the_signature_expired(rae, judged, entity):
    signature = by_gpg(rae, "--default-sig-expire", "30d", content=entity)

    assert said(judged(signature)) == GOOD
    assert said(judged(signature, LATER)) == (
        "unverified",
        "signature_expired",
        ("intact", ("signature_expired",), None),
    )


@pytest.mark.parametrize("hash_id", [1, 2], ids=["md5", "sha1"])
def test_a_weak_hash(signed, inspected, write_signature, hash_id, now):
    # The collisions of both are bought for money: what is signed by them may be another text.
    signer = openpgp_key(RAE, cipher="rsa2048")

    document = inspected(signed(write_signature(signer, now, hash_id=hash_id), RAE), now, trusted=[signer.key])

    assert said(document) == ("bad", "weak_algorithm", ("intact", ("weak_algorithm",), None))


def test_a_weak_hash_by_gpg(rae, judged, entity):
    signature = by_gpg(rae, "--digest-algo", "SHA1", "--allow-weak-digest-algos", content=entity)

    assert said(judged(signature)) == ("bad", "weak_algorithm", ("intact", ("weak_algorithm",), None))


@pytest.mark.parametrize("algorithm", ["rsa1024", "dsa1024"])
def test_a_weak_key(fresh_gpg, signed, inspected, entity, algorithm):
    fresh_gpg("--faked-system-time", MADE + "!", "--quick-generate-key", f"<{RAE}>", algorithm, "sign", "never")
    raw = signed(by_gpg(fresh_gpg, content=entity), RAE)

    document = inspected(raw, ARRIVED, trusted=[key_from_openpgp(fresh_gpg.public(RAE))])

    assert said(document)[:2] == ("bad", "weak_algorithm")
    assert document["layers"][0]["signers"][0]["algorithm"] == algorithm.upper().replace("1024", "-1024")


def test_a_strong_subkey_of_a_weak_key(fresh_gpg, signed, inspected, entity):
    fresh_gpg("--faked-system-time", MADE + "!", "--quick-generate-key", f"<{RAE}>", "rsa1024", "cert", "never")
    fresh_gpg(
        "--faked-system-time", MADE + "!", "--quick-add-key", fresh_gpg.fingerprint(RAE), "ed25519", "sign", "never"
    )
    raw = signed(by_gpg(fresh_gpg, content=entity), RAE)

    document = inspected(raw, ARRIVED, trusted=[key_from_openpgp(fresh_gpg.public(RAE))])

    assert said(document)[:2] == ("bad", "weak_algorithm")


def test_several_signatures_of_which_some_hold(cast, gpg, now, signed, inspected, entity):
    def together(*pieces):
        return inspected(signed(b"".join(map(dearmor, pieces)), BOB), now, trusted=[cast.bob.key])

    good, changed = by_gpg(gpg, who=BOB, when=None, content=entity), by_gpg(gpg, who=BOB, when=None, content=b"other")
    unknown = by_gpg(gpg, who="alice@example.org", when=None, content=entity)

    assert said(together(good, unknown)) == ("good", None, ("intact", (), None), ("no_key", (), None))
    assert said(together(unknown, good))[:2] == ("good", None)
    assert together(good, unknown)["signature"]["signer"]["addresses"] == [BOB]
    assert said(together(good, changed)) == (
        "bad",
        "content_changed",
        ("intact", (), None),
        ("changed", (), None),
    )
    assert said(together(unknown, changed))[:2] == ("bad", "content_changed")


@pytest.mark.parametrize("kind", [0x02, 0x10, 0x13, 0x18, 0x1F, 0x20, 0x40, 0x50], ids=hex)
def test_a_signature_of_another_type(cast, now, signed, inspected, write_signature, kind):
    document = inspected(signed(write_signature(cast.bob, now, kind=kind), BOB), now, trusted=[cast.bob.key])

    assert said(document) == ("bad", "malformed", ("malformed", (), "signature_type"))


def test_a_certification_of_a_user_id_is_no_signature_of_a_mail(rae, judged):
    certification = next(one for one in walk(rae.public(RAE)) if one.tag == Tag.SIGNATURE)

    assert said(judged(packet(Tag.SIGNATURE, certification.body)))[:2] == ("bad", "malformed")


@pytest.mark.parametrize("critical", [False, True])
def test_a_notation_marked_critical_cannot_be_judged(rae, judged, entity, critical):
    mark = "!" if critical else ""
    signature = by_gpg(rae, "--sig-notation", f"{mark}purpose@example.org=jokes only", content=entity)

    unsupported = ("unverified", "unsupported", ("unsupported", (), "critical_subpacket"))
    assert said(judged(signature)) == (unsupported if critical else GOOD)


@pytest.mark.parametrize("kind", [20, 60, 100, 127])
def test_a_critical_subpacket_that_nobody_knows(cast, now, signed, inspected, write_signature, kind):
    def judge(marked):
        raw = signed(write_signature(cast.bob, now, hashed=[(marked, b"x")]), BOB)
        return said(inspected(raw, now, trusted=[cast.bob.key]))

    assert judge(kind) == GOOD
    assert judge(kind | 0x80) == ("unverified", "unsupported", ("unsupported", (), "critical_subpacket"))


def test_a_key_that_binds_its_addresses_under_unknown_conditions_names_none(
    fresh_gpg, signed, inspected, secret_of, write_signature
):
    # gpg 2.2 makes such a key and then refuses it itself, for its unknown critical bit.
    condition = ("--cert-notation", "!purpose@example.org=jokes only")
    fresh_gpg("--faked-system-time", MADE + "!", *condition, "--quick-generate-key", f"<{RAE}>", "ed25519", "sign")
    signer = secret_of(fresh_gpg.secret(RAE))

    document = inspected(signed(write_signature(signer, ARRIVED), RAE), ARRIVED, trusted=[signer.key])

    assert said(document) == ("unverified", "no_address", ("intact", (), None))


def test_intended_recipients_that_name_others(cast, now, signed, inspected, write_signature):
    names = [(35, b"\4" + bytes.fromhex(one.key.fingerprint)) for one in (cast.alice, cast.carol)]
    raw = signed(write_signature(cast.bob, now, hashed=names), BOB)

    others = inspected(raw, now, trusted=[cast.bob.key], keys=cast.everybody)
    ours = inspected(raw, now, trusted=[cast.bob.key], secrets=[cast.carol])

    assert said(others) == ("unverified", "other_recipient", ("intact", ("other_recipient",), None))
    assert said(ours) == GOOD
    assert others["layers"][0]["signers"][0]["intended_recipients"] == [
        cast.alice.key.fingerprint,
        cast.carol.key.fingerprint,
    ]


SOON_OVER = struct.pack(">I", 60)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "unhashed",
    [
        (2, struct.pack(">I", 0)),
        (3, SOON_OVER),
        (9, SOON_OVER),
        (27, b"\0"),
        (29, b"\2"),
        (35, b"\4" + bytes(20)),
        (20 | 0x80, b"\x80\0\0\0\0\0\0\0"),
        (100 | 0x80, b"?"),
        (16, bytes(8)),
    ],
    ids=["created", "expires", "key expires", "flags", "reason", "recipient", "notation", "unknown", "wrong issuer"],
)
def test_the_unhashed_area_changes_nothing(cast, now, signed, inspected, write_signature, unhashed):
    raw = signed(write_signature(cast.bob, now, unhashed=[unhashed]), BOB)

    document = inspected(raw, now + timedelta(days=2), trusted=[cast.bob.key])

    assert said(document) == GOOD
    assert document["layers"][0]["signers"][0]["signed_at"] == now.isoformat(timespec="seconds").replace("+00:00", "Z")


def test_a_creation_time_must_be_hashed(cast, now, signed, inspected, write_signature):
    issuer = (33, b"\4" + bytes.fromhex(cast.bob.key.fingerprint))
    created = (2, struct.pack(">I", int(now.timestamp())))
    raw = signed(write_signature(cast.bob, now, plain=True, hashed=[issuer], unhashed=[created]), BOB)

    document = inspected(raw, now, trusted=[cast.bob.key])

    assert said(document) == ("bad", "malformed", ("malformed", (), "no_creation_time"))


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_time_of_another_size_is_none(cast, now, signed, inspected, write_signature, size):
    raw = signed(write_signature(cast.bob, now, hashed=[(3, bytes(size))]), BOB)

    document = inspected(raw, now, trusted=[cast.bob.key])

    assert said(document) == ("bad", "malformed", ("malformed", (), "signature_unreadable"))


def test_an_issuer_may_stand_unhashed(cast, now, signed, inspected, write_signature):
    created = (2, struct.pack(">I", int(now.timestamp())))
    issuer = (16, bytes.fromhex(cast.bob.key.fingerprint[-16:]))
    raw = signed(write_signature(cast.bob, now, plain=True, hashed=[created], unhashed=[issuer]), BOB)

    assert said(inspected(raw, now, trusted=[cast.bob.key])) == GOOD


@pytest.mark.parametrize("subpacket", [b"\5\x09\0\0\0\1", b"\2\x1b\0", b"\2\x19\0"], ids=["expires", "flags", "main"])
def test_the_unhashed_area_of_a_self_signature_changes_nothing(gpg, now, subpacket):
    material = gpg.public(BOB)

    changed = b"".join(
        packet(one.tag, _with_unhashed(one.body, subpacket) if one.tag == Tag.SIGNATURE else one.body)
        for one in walk(material)
    )

    assert changed != material
    assert state_at(changed, now) == state_at(material, now)


def test_a_revocation_reason_must_be_hashed(rae):
    # Else anybody could turn "compromised" into "superseded".
    _revoke(rae, REASONS["none_given"])
    pieces = [(one.tag, one.body) for one in walk(rae.public(RAE))]
    softened = [(tag, _with_unhashed(body, b"\2\x1d\1") if _revokes(tag, body) else body) for tag, body in pieces]
    key = key_from_openpgp(b"".join(packet(tag, body) for tag, body in softened))

    assert softened != pieces
    assert state_at(key.material, LATER).revoked.is_hard


def _revokes(tag, body):
    return tag == Tag.SIGNATURE and body[1] == 0x20


def _with_unhashed(body, subpacket):
    start = 6 + int.from_bytes(body[4:6], "big")
    size = int.from_bytes(body[start : start + 2], "big") + len(subpacket)
    return body[:start] + struct.pack(">H", size) + subpacket + body[start + 2 :]


def test_a_self_signature_that_is_silent_does_not_lengthen_a_key(
    fresh_gpg, signed, inspected, secret_of, write_signature, entity
):
    # gpg makes such a direct key signature when somebody else may revoke the key ("addrevoker").
    fresh_gpg.key(f"Rae <{RAE}>", "ed25519", "2020-06-01", when=MADE)
    raw = signed(by_gpg(fresh_gpg, content=entity), RAE)
    signer = secret_of(fresh_gpg.secret(RAE))
    head, *others = walk(fresh_gpg.public(RAE))
    prefixed = b"\x99" + struct.pack(">H", len(head.body)) + head.body
    silent = write_signature(signer, datetime(2020, 3, 1, tzinfo=UTC), prefixed, kind=0x1F)
    material = packet(head.tag, head.body) + silent + b"".join(packet(one.tag, one.body) for one in others)
    fresh_gpg("--import", stdin=material)
    key = key_from_openpgp(material)

    assert [said(inspected(raw, at, trusted=[key]))[:2] for at in (ARRIVED, LATER)] == [
        ("good", None),
        ("unverified", "expired"),
    ]
    assert key.valid_until.date().isoformat() == "2020-06-01"
    assert fresh_gpg("--with-colons", "--list-keys", RAE).decode().split("\npub:")[1].startswith("e:")


def test_a_revocation_counts_whatever_it_says_beside(now, write_signature):
    signer = openpgp_key(RAE)
    head, *others = walk(signer.key.material)
    prefixed = b"\x99" + struct.pack(">H", len(head.body)) + head.body
    revocation = write_signature(signer, now, prefixed, kind=0x20, hashed=[(29, b"\2"), (100 | 0x80, b"?")])
    revoked = packet(head.tag, head.body) + revocation + b"".join(packet(one.tag, one.body) for one in others)

    assert state_at(revoked, now).revoked.is_hard
    assert state_at(signer.key.material, now).revoked is None
