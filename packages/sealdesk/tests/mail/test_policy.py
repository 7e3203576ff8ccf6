"""What the settings say of revocation reaches opening, planning and lists."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from sealdesk.config import env
from sealdesk.keyring.actions import Vouching, import_keys
from sealdesk.mail.policy import desk_policy
from sealmail.report import Reason, Signature


@pytest.mark.parametrize(("setting", "required"), [("soft", False), ("hard", True)])
def test_policy_asks_for_known_revocation_where_the_setting_does(settings, setting, required):
    settings.REVOCATION = setting

    assert desk_policy().revocation_required is required


def test_setting_is_one_of_its_words(monkeypatch):
    monkeypatch.delenv("SEALDESK_REVOCATION", raising=False)
    assert env.choice("SEALDESK_REVOCATION", ("soft", "hard")) == "soft"
    monkeypatch.setenv("SEALDESK_REVOCATION", "HARD")
    assert env.choice("SEALDESK_REVOCATION", ("soft", "hard")) == "hard"
    monkeypatch.setenv("SEALDESK_REVOCATION", "maybe")
    with pytest.raises(ImproperlyConfigured, match="soft, hard"):
        env.choice("SEALDESK_REVOCATION", ("soft", "hard"))


@pytest.mark.mission("B11")
@pytest.mark.django_db
def test_hard_fail_asks_for_a_list_and_is_content_with_it(settings, support, cast, write, take_in):
    settings.REVOCATION = "hard"
    import_keys(blob=cast.ca.certificate.material, vouching={cast.ca.certificate.fingerprint: Vouching()}, by=None)
    unknown = take_in(write(cast.carol, sign=True)).article
    import_keys(blob=cast.ca.crl()[1], by=None)
    known = take_in(write(cast.carol, sign=True)).article

    assert (unknown.signature, unknown.signature_reason) == (Signature.UNVERIFIED, Reason.REVOCATION_UNKNOWN)
    assert known.signature == Signature.GOOD
