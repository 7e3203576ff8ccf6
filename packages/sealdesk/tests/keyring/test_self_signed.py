"""Certificates as `openssl req -x509` makes them: self-signed, with an address, and calling themselves a CA."""

from __future__ import annotations

import subprocess

import pytest

from sealdesk.core.clock import now
from sealdesk.keyring.actions import import_keys
from sealdesk.keyring.store import DeskKeys, DeskTrust
from sealmail.policy import Policy
from sealmail.sealing import SealRequest, plan


@pytest.mark.django_db
@pytest.mark.mission("S2")
def test_a_self_signed_certificate_is_trusted_for_the_address_it_names(tmp_path, support):
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
    ]
    name = ["-subj", "/CN=Grace", "-addext", "subjectAltName=email:grace@garden.example"]
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"]
    subprocess.run([*request, *name, *files], check=True, capture_output=True)

    import_keys(blob=(tmp_path / "certificate.pem").read_bytes(), by=None)

    asked = SealRequest(sender="support@desk.example", to=("grace@garden.example",), sign=False, encrypt=True)
    made = plan(asked, DeskKeys([support]), DeskTrust(), Policy(), now())
    assert (made.refusals, made.recipients[0].encryptable) == ((), True)
