"""Paths to trusted CAs: what is found, what is believed, and what speaks against it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealmail.keys import Anchor, Key, KeyId, KeyStore, MemoryKeyStore, SecretKey
from sealmail.keys.certificate import key_from_certificate
from sealmail.paths import PathFacts, judge_path
from sealmail.policy import Budget, Policy
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC).replace(microsecond=0)
ADDRESS = "carol@customer.example"


def _usage(**flags: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: flags.get(name, False) for name in (*names, *others)})


ISSUING = _usage(key_cert_sign=True, crl_sign=True)


@pytest.fixture(scope="session")
def root() -> CA:
    return CA.create("Root")


@pytest.fixture(scope="session")
def middle(root: CA) -> CA:
    return root.intermediate("Middle")


@pytest.fixture(scope="session")
def carol(middle: CA) -> Key:
    return middle.issue(ADDRESS).key


def judged(
    key: Key,
    *anchors: CA | Anchor,
    included: Sequence[Key] = (),
    keys: KeyStore | None = None,
    policy: Policy | None = None,
    at: datetime = NOW,
) -> PathFacts:
    known = [one if isinstance(one, Anchor) else one.anchor for one in anchors]
    return judge_path(key, included, keys or MemoryKeyStore(), known, policy or Policy(), at)


def sub_ca(parent: CA, name: str, *extra: x509.ExtensionType) -> CA:
    """A CA with extensions of its own making; `extra` replaces the usual ones."""
    fixed: list[x509.ExtensionType] = [x509.BasicConstraints(ca=True, path_length=None), ISSUING]
    replaced = {extension.oid for extension in extra}
    kept = [extension for extension in fixed if extension.oid not in replaced]
    return CA(secret=parent.issue(None, name=name, extra=[*kept, *extra]), parents=parent.chain)


def test_path_to_root_goes_through_the_included_intermediate(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, root, included=[middle.certificate])

    assert facts.chain == (carol, middle.certificate, root.certificate)
    assert (facts.anchor, facts.findings, facts.issuer_name) == (root.anchor, frozenset(), "Middle")
    assert facts.vouches_for(ADDRESS)


def test_path_to_root_goes_through_the_stored_intermediate(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, root, keys=MemoryKeyStore(keys=[middle.certificate]))

    assert facts.chain == (carol, middle.certificate, root.certificate)


def test_path_may_end_at_an_intermediate_that_is_trusted_itself(middle: CA, carol: Key) -> None:
    assert judged(carol, middle).chain == (carol, middle.certificate)


def test_path_without_the_intermediate_is_not_found(root: CA, carol: Key) -> None:
    facts = judged(carol, root)

    assert (facts.chain, facts.anchor, facts.findings) == ((), None, frozenset())
    assert not facts.vouches_for(ADDRESS)


def test_path_never_ends_at_a_root_that_the_mail_brought(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, CA.create("Another"), included=[middle.certificate, root.certificate])

    assert (facts.chain, facts.anchor) == ((), None)
    assert facts.issuer_name == "Middle"


def test_path_needs_the_issuers_signature_not_only_its_name(root: CA, carol: Key) -> None:
    impostor = CA.create("Root").intermediate("Middle")

    assert judged(carol, root, included=[impostor.certificate]).chain == ()
    assert judged(impostor.issue(ADDRESS).key, root, included=[impostor.certificate]).chain == ()


def test_anchor_under_the_same_name_with_another_key_does_not_vouch(carol: Key) -> None:
    assert judged(carol, CA.create("Middle")).anchor is None


def test_anchor_itself_is_its_own_path(root: CA) -> None:
    assert judged(root.certificate, root).chain == (root.certificate,)


def test_cross_signed_ca_leads_to_the_root_that_is_trusted(root: CA) -> None:
    """The same CA stands there signed by itself and by the root; only the second certificate leads on."""
    private = ec.generate_private_key(ec.SECP256R1())
    alone = _lone("Cross", private)
    crossed = _certificate(root, "Cross", private.public_key())
    leaf = alone.issue(ADDRESS).key

    facts = judged(leaf, root, included=[alone.certificate, crossed])

    assert facts.chain == (leaf, crossed, root.certificate)


@pytest.mark.parametrize(
    ("address", "domains", "vouches"),
    [
        (ADDRESS, None, True),
        (ADDRESS, ("customer.example",), True),
        (ADDRESS, ("example", "other.example"), False),
        (ADDRESS, (), False),
        ("bob@customer.example", None, False),
    ],
)
def test_anchor_vouches_only_for_its_domains_and_the_certificates_addresses(
    root: CA, address: str, domains: tuple[str, ...] | None, vouches: bool
) -> None:
    facts = judged(root.issue(ADDRESS).key, Anchor(key=root.certificate, domains=domains))

    assert facts.vouches_for(address) is vouches


def test_anchor_is_chosen_that_may_speak_for_the_address(root: CA, middle: CA, carol: Key) -> None:
    elsewhere = Anchor(key=middle.certificate, domains=("elsewhere.example",))

    facts = judged(carol, elsewhere, root, included=[middle.certificate])

    assert facts.anchor == root.anchor
    assert facts.vouches_for(ADDRESS)


@pytest.mark.parametrize(
    ("days", "findings"),
    [(-400, {Finding.NOT_YET_VALID}), (0, set()), (400, {Finding.EXPIRED})],
)
def test_validity_is_found_with_and_without_a_path(
    root: CA, middle: CA, carol: Key, days: int, findings: set[Finding]
) -> None:
    at = NOW + timedelta(days=days)

    assert judged(carol, root, included=[middle.certificate], at=at).findings == findings
    assert judged(carol, at=at).findings == findings


def test_expired_intermediate_is_found(root: CA) -> None:
    usual = root.intermediate("Old")
    old = CA(
        secret=root.issue(
            None,
            name="Old",
            valid_from=NOW - timedelta(days=90),
            valid_until=NOW - timedelta(days=1),
            extra=[x509.BasicConstraints(ca=True, path_length=None), ISSUING],
        ),
        parents=root.chain,
    )

    assert judged(old.issue(ADDRESS).key, root, included=[old.certificate]).findings == {Finding.EXPIRED}
    assert judged(usual.issue(ADDRESS).key, root, included=[usual.certificate]).findings == frozenset()


def test_valid_path_is_preferred_to_one_through_an_expired_intermediate(root: CA) -> None:
    valid = sub_ca(root, "Twice")
    public = loaded(valid.secret)
    expired = _certificate(root, "Twice", public.public_key(), until=NOW - timedelta(days=1))
    leaf = valid.issue(ADDRESS).key

    for included in ([expired, valid.certificate], [valid.certificate, expired]):
        facts = judged(leaf, root, included=included)
        assert (facts.chain, facts.findings) == ((leaf, valid.certificate, root.certificate), frozenset())
    assert judged(leaf, root, included=[expired]).findings == {Finding.EXPIRED}


def test_leaf_that_issues_breaks_the_rules(root: CA) -> None:
    mallory = CA(secret=root.issue("mallory@attacker.example"), parents=root.chain)
    forged = mallory.issue(ADDRESS).key

    facts = judged(forged, root, included=[mallory.certificate])

    assert facts.findings == {Finding.WRONG_USAGE}
    assert not facts.vouches_for(ADDRESS)


def test_path_length_is_kept(root: CA) -> None:
    first = root.intermediate("First", path_length=0)
    second = first.intermediate("Second")

    facts = judged(second.issue(ADDRESS).key, root, included=[first.certificate, second.certificate])

    assert facts.findings == {Finding.WRONG_USAGE}
    assert judged(first.issue(ADDRESS).key, root, included=[first.certificate]).findings == frozenset()


@pytest.mark.parametrize("of_anchor", [False, True], ids=["of an intermediate", "of the anchor"])
@pytest.mark.parametrize(
    ("permitted", "excluded", "findings"),
    [
        (["customer.example"], None, set()),
        ([ADDRESS], None, set()),
        (["other.example"], None, {Finding.WRONG_USAGE}),
        (None, ["customer.example"], {Finding.WRONG_USAGE}),
        (None, ["other.example"], set()),
    ],
)
def test_name_constraints_hold(
    root: CA,
    permitted: list[str] | None,
    excluded: list[str] | None,
    findings: set[Finding],
    of_anchor: bool,
) -> None:
    def trees(names: list[str] | None) -> list[x509.GeneralName] | None:
        return [x509.RFC822Name(name) for name in names] if names else None

    limited = sub_ca(root, "Limited", x509.NameConstraints(trees(permitted), trees(excluded)))
    leaf = limited.issue(ADDRESS).key

    facts = judged(leaf, limited if of_anchor else root, included=[limited.certificate])

    assert facts.findings == findings
    assert facts.vouches_for(ADDRESS) is (not findings)


def test_ca_for_other_purposes_breaks_the_rules(root: CA) -> None:
    web = sub_ca(root, "Web", x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))

    assert judged(web.issue(ADDRESS).key, root, included=[web.certificate]).findings == {Finding.WRONG_USAGE}


def test_ca_that_may_not_issue_breaks_the_rules(root: CA) -> None:
    wrong = sub_ca(root, "Wrong", _usage(digital_signature=True))

    assert judged(wrong.issue(ADDRESS).key, root, included=[wrong.certificate]).findings == {Finding.WRONG_USAGE}


@pytest.mark.parametrize("has_path", [True, False])
def test_unknown_critical_extension_forbids_use(root: CA, has_path: bool) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    key = _certificate(root, "Odd", private.public_key(), critical=odd)

    assert judged(key, *([root] if has_path else [])).findings == {Finding.WRONG_USAGE}


def test_small_key_of_a_ca_is_weak() -> None:
    small = CA.create("Small", key="rsa1024")

    facts = judged(small.issue(ADDRESS).key, small)

    assert facts.findings == {Finding.WEAK_ALGORITHM}
    assert not facts.vouches_for(ADDRESS)


@pytest.mark.parametrize("key_type", ["rsa2048", "ec", "ec-p384", "ed25519"])
def test_cas_of_each_kind_are_understood(key_type: str) -> None:
    authority = CA.create("Kind", key=key_type)

    assert judged(authority.issue(ADDRESS).key, authority).findings == frozenset()


def test_search_through_cas_that_certify_each_other_ends_at_the_budget(root: CA) -> None:
    """Eight CAs, each certified by every other one: more than ten thousand ways, and none leads to the root."""
    privates = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    crowd = [_lone(f"Member {number}", private) for number, private in enumerate(privates)]
    certificates = [
        _certificate(issuer, f"Member {number}", private.public_key())
        for number, private in enumerate(privates)
        for issuer in crowd
        if issuer is not crowd[number]
    ]
    store = CountingKeyStore()

    facts = judged(crowd[0].issue(ADDRESS).key, root, included=certificates, keys=store)

    assert (facts.chain, facts.findings) == ((), frozenset())
    assert store.questions <= 2 * Budget().certificates


class CountingKeyStore(MemoryKeyStore):
    """Counts how often it is asked for certificates."""

    questions = 0

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        self.questions += 1
        return super().keys(ids)


def test_path_longer_than_the_budget_is_not_found(root: CA) -> None:
    last, between = root, []
    for number in range(4):
        last = last.intermediate(f"Step {number}")
        between.append(last.certificate)
    leaf = last.issue(ADDRESS).key

    assert len(judged(leaf, root, included=between).chain) == 6
    assert judged(leaf, root, included=between, policy=Policy(budget=Budget(path_length=5))).chain == ()


def test_judging_works_inside_a_running_event_loop(root: CA) -> None:
    async def inside() -> PathFacts:
        return judged(root.issue(ADDRESS).key, root)

    assert asyncio.run(inside()).findings == frozenset()


HARD, SOFT = x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded


@pytest.mark.parametrize(
    ("reason", "days", "findings"),
    [
        (HARD, -10, {Finding.REVOKED_HARD}),
        (HARD, 10, {Finding.REVOKED_HARD}),
        (None, 10, {Finding.REVOKED_HARD}),
        (SOFT, -10, {Finding.REVOKED_SOFT}),
        (SOFT, 10, set()),
        (x509.ReasonFlags.certificate_hold, -10, {Finding.REVOKED_SOFT}),
        (x509.ReasonFlags.remove_from_crl, -10, set()),
    ],
)
def test_revoked_certificate_is_found(
    root: CA, reason: x509.ReasonFlags | None, days: int, findings: set[Finding]
) -> None:
    leaf = root.issue(ADDRESS).key
    since = NOW + timedelta(days=days)
    keys = MemoryKeyStore(revocations=[root.crl([leaf], reason=reason, revoked_at=since)])

    facts = judged(leaf, root, keys=keys)

    assert facts.findings == findings
    assert facts.vouches_for(ADDRESS) is (not findings)
    assert facts.revoked_at == (None if reason is x509.ReasonFlags.remove_from_crl else since)


def test_revocation_tells_its_reason(root: CA) -> None:
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(revocations=[root.crl([leaf], reason=HARD)])

    assert judged(leaf, root, keys=keys).revocation_reason == "keyCompromise"


def test_revoked_intermediate_is_found(root: CA, middle: CA, carol: Key) -> None:
    keys = MemoryKeyStore(revocations=[root.crl([middle.certificate], reason=HARD)])

    assert judged(carol, root, included=[middle.certificate], keys=keys).findings == {Finding.REVOKED_HARD}


def test_revocation_counts_where_nobody_trusts_the_issuer(root: CA) -> None:
    """A certificate that is trusted by hand needs no path, but its issuer may still take it back."""
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(keys=[root.certificate], revocations=[root.crl([leaf])])

    assert judged(leaf, keys=keys).findings == {Finding.REVOKED_HARD}


def test_revocation_list_of_an_impostor_is_ignored(root: CA) -> None:
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(revocations=[CA.create("Root").crl([leaf])])

    assert judged(leaf, root, keys=keys).findings == frozenset()


def test_revocation_list_of_a_ca_that_may_not_write_any_is_ignored(root: CA) -> None:
    extensions = x509.load_der_x509_certificate(root.certificate.material).extensions
    assert extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    mute = sub_ca(root, "Mute", _usage(key_cert_sign=True))
    leaf = mute.issue(ADDRESS).key

    facts = judged(leaf, mute, keys=MemoryKeyStore(revocations=[mute.crl([leaf])]))

    assert facts.findings == frozenset()


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"no list at all"])
def test_broken_revocation_data_is_ignored(root: CA, data: bytes) -> None:
    leaf = root.issue(ADDRESS).key
    name, _ = root.crl()

    assert judged(leaf, root, keys=MemoryKeyStore(revocations=[(name, data)])).findings == frozenset()


@pytest.mark.parametrize(
    ("made_days_ago", "findings"),
    [(1, set()), (30, {Finding.REVOCATION_UNKNOWN}), (None, {Finding.REVOCATION_UNKNOWN})],
)
def test_required_revocation_must_be_known_and_fresh(
    root: CA, made_days_ago: int | None, findings: set[Finding]
) -> None:
    lists = [] if made_days_ago is None else [root.crl(at=NOW - timedelta(days=made_days_ago))]

    facts = judged(
        root.issue(ADDRESS).key,
        root,
        keys=MemoryKeyStore(revocations=lists),
        policy=Policy(revocation_required=True),
    )

    assert facts.findings == findings


def test_required_revocation_must_be_known_for_each_certificate(root: CA, middle: CA, carol: Key) -> None:
    strict = Policy(revocation_required=True)
    one = MemoryKeyStore(revocations=[middle.crl()])
    both = MemoryKeyStore(revocations=[middle.crl(), root.crl()])

    assert judged(carol, root, included=[middle.certificate], keys=one, policy=strict).findings == {
        Finding.REVOCATION_UNKNOWN
    }
    assert judged(carol, root, included=[middle.certificate], keys=both, policy=strict).findings == frozenset()


@pytest.mark.parametrize(
    ("scope", "is_known"),
    [
        ({}, True),
        ({"only_contains_user_certs": True}, True),
        ({"only_contains_ca_certs": True}, False),
        ({"only_contains_attribute_certs": True}, False),
        ({"indirect_crl": True}, False),
        ({"only_some_reasons": frozenset({HARD})}, False),
        ({"full_name": [x509.UniformResourceIdentifier("http://ca.example/other.crl")]}, False),
    ],
)
def test_revocation_list_about_others_says_nothing(root: CA, scope: dict[str, object], is_known: bool) -> None:
    point = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **scope,
    }
    listed = _list(root, x509.IssuingDistributionPoint(**point)) if scope else root.crl()

    facts = judged(
        root.issue(ADDRESS).key,
        root,
        keys=MemoryKeyStore(revocations=[listed]),
        policy=Policy(revocation_required=True),
    )

    assert (Finding.REVOCATION_UNKNOWN not in facts.findings) is is_known


@pytest.mark.vectors
def test_rfc9216_paths_lead_through_the_cross_certificate(vectors: Path) -> None:
    folder = vectors / "rfc9216" / "pem"

    def read(name: str) -> Key:
        pem = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
        return key_from_certificate(pem.public_bytes(serialization.Encoding.DER))

    rsa, own, cross = read("ca.rsa"), read("ca.25519"), read("ca.25519.cross")
    carlos, alice = read("carlos.sign.25519"), read("alice.sign")
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert judged(alice, Anchor(key=rsa), at=at).chain == (alice, rsa)
    assert judged(carlos, Anchor(key=rsa), at=at, included=[own]).chain == ()
    assert judged(carlos, Anchor(key=rsa), at=at, included=[own, cross]).chain == (carlos, cross, rsa)


def _certificate(
    issuer: CA,
    name: str,
    public: ec.EllipticCurvePublicKey,
    *,
    until: datetime = NOW + timedelta(days=30),
    critical: x509.ExtensionType | None = None,
) -> Key:
    """A CA certificate for a key that is already there, which `CA` does not make."""
    above = x509.load_der_x509_certificate(issuer.certificate.material)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(above.subject)
        .serial_number(x509.random_serial_number())
        .public_key(public)
        .not_valid_before(NOW - timedelta(days=300))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    signed = builder.sign(loaded(issuer.secret), hashes.SHA256())
    return key_from_certificate(signed.public_bytes(serialization.Encoding.DER))


def _lone(name: str, private: ec.EllipticCurvePrivateKey) -> CA:
    """A CA that signs itself with this key."""
    starting = CA.create(name)
    material = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own = CA(secret=SecretKey(key=starting.certificate, material=material))
    return CA(secret=SecretKey(key=_certificate(own, name, private.public_key()), material=material))


def _list(issuer: CA, extension: x509.ExtensionType) -> tuple[str, bytes]:
    """An empty revocation list with a critical extension."""
    name, _ = issuer.crl()
    above = x509.load_der_x509_certificate(issuer.certificate.material)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(above.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=7))
        .add_extension(extension, critical=True)
    )
    signed = builder.sign(loaded(issuer.secret), hashes.SHA256())
    return name, signed.public_bytes(serialization.Encoding.DER)
