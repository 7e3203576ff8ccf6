"""What speaks against using a key, for each purpose."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest

from sealmail.keys import Use
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.usability import Purpose, problems, usable
from sealmail.testing import openpgp_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEW_MAIL = (Purpose.SIGN, Purpose.ENCRYPT, Purpose.VERIFY)


@pytest.fixture(scope="module")
def certificate(cast):
    return cast.ca.issue("carol@customer.example", valid_from=NOW - DAY, valid_until=NOW + DAY).key


@pytest.fixture(scope="module")
def openpgp():
    return openpgp_key("dave@customer.example", created=NOW - DAY, expires=NOW + 400 * DAY).key


def codes(key, purpose, at=NOW, **options):
    return [reason.code for reason in problems(key, purpose, at, **options)]


@pytest.mark.parametrize("purpose", Purpose)
def test_key_in_its_time_is_usable_for_everything(certificate, openpgp, purpose):
    assert usable(certificate, purpose, NOW)
    assert usable(openpgp, purpose, NOW)


@pytest.mark.parametrize("purpose", NEW_MAIL)
@pytest.mark.parametrize(("days", "code"), [(-2, "not_yet_valid"), (500, "expired")])
def test_key_out_of_its_time_is_not_used_for_new_mail(certificate, openpgp, purpose, days, code):
    assert codes(certificate, purpose, NOW + days * DAY) == [code]
    assert codes(openpgp, purpose, NOW + days * DAY) == [code]


@pytest.mark.parametrize("days", [-2, 500])
def test_key_out_of_its_time_still_decrypts(certificate, openpgp, days):
    assert usable(certificate, Purpose.DECRYPT, NOW + days * DAY)
    assert usable(openpgp, Purpose.DECRYPT, NOW + days * DAY)


def test_last_second_of_a_certificate_belongs_to_it(certificate):
    assert usable(certificate, Purpose.SIGN, NOW + DAY)
    assert codes(certificate, Purpose.SIGN, NOW + DAY + timedelta(seconds=1)) == ["expired"]


def test_sentences_hold_dates_for_people(certificate):
    late, early = (problems(certificate, Purpose.SIGN, NOW + days * DAY)[0].sentence for days in (3, -3))

    assert late == "It expired on 2 May 2026."
    assert early == "It is valid only from 30 April 2026 on."


def test_certificate_is_used_only_for_what_it_allows(cast):
    signing = cast.ca.issue("carol@customer.example", uses=[Use.SIGN]).key
    encrypting = cast.ca.issue("carol@customer.example", uses=[Use.ENCRYPT]).key

    assert [codes(signing, purpose) for purpose in Purpose] == [[], ["no_encryption_use"], [], ["no_encryption_use"]]
    assert [codes(encrypting, purpose) for purpose in Purpose] == [["no_signing_use"], [], ["no_signing_use"], []]


@pytest.mark.parametrize("purpose", [Purpose.SIGN, Purpose.DECRYPT])
def test_missing_secret_is_named_where_one_is_needed(certificate, openpgp, purpose):
    assert codes(certificate, purpose, has_secret=False) == ["no_secret"]
    assert codes(openpgp, purpose, has_secret=False) == ["no_secret"]


@pytest.mark.parametrize("purpose", [Purpose.ENCRYPT, Purpose.VERIFY])
def test_missing_secret_does_not_matter_elsewhere(certificate, purpose):
    assert usable(certificate, purpose, NOW, has_secret=False)


def test_weak_key_only_decrypts(cast):
    key = cast.ca.issue("carol@customer.example", key_type="rsa1024").key

    assert codes(key, Purpose.SIGN) == ["weak_key"]
    assert problems(key, Purpose.ENCRYPT, NOW)[0].sentence == "It is too weak: RSA with 1024 bits; 2048 are the least."
    assert usable(key, Purpose.DECRYPT, NOW)


@pytest.mark.parametrize(("algorithm", "code"), [("unknown", "unsupported_algorithm"), ("EC P-256", None)])
def test_key_of_an_unknown_kind_is_not_used_for_new_mail(certificate, algorithm, code):
    key = replace(certificate, algorithm=algorithm)

    assert [codes(key, purpose) for purpose in NEW_MAIL] == [[code] if code else []] * 3


def test_revoked_openpgp_key_only_decrypts():
    secret = openpgp_key("dave@customer.example")
    whole = pysequoia.Tsk.from_bytes(secret.material)
    public = whole.extract_certificate()
    revocation = public.revoke(whole.certifier())
    revoked = public.merge(pysequoia.Cert.from_bytes(bytes(public) + bytes(revocation)))
    key = key_from_openpgp(bytes(revoked))
    later = datetime.now(UTC) + DAY

    assert [codes(key, purpose, later) for purpose in NEW_MAIL] == [["revoked"]] * 3
    assert usable(key, Purpose.DECRYPT, later)
