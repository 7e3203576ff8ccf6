"""System checks: each wrong setting is found by its id."""

import pytest
from django.core.checks import run_checks


def ids():
    return sorted(message.id for message in run_checks() if message.id.startswith("sealdesk."))


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.ALLOWED_HOSTS = ["localhost"]  # the test runner adds one of its own


@pytest.fixture
def places(settings, tmp_path):
    settings.MASTER_KEY_FILE = tmp_path / "key" / "master.key"
    settings.DATA_FOLDER = tmp_path / "data"
    for path in (settings.MASTER_KEY_FILE.parent, settings.DATA_FOLDER):
        path.mkdir(mode=0o700)
    settings.MASTER_KEY_FILE.touch(mode=0o600)
    return settings


def test_shipped_settings_are_fine():
    assert ids() == []


def test_key_inside_the_data_folder_is_an_error(places):
    places.MASTER_KEY_FILE = places.DATA_FOLDER / "key"

    assert ids() == ["sealdesk.E001"]


def test_missing_data_folder_is_an_error(places):
    places.DATA_FOLDER = places.DATA_FOLDER / "missing"

    assert ids() == ["sealdesk.E002"]


def test_open_key_and_open_data_folder_are_warned_of(places):
    places.MASTER_KEY_FILE.chmod(0o644)
    places.DATA_FOLDER.chmod(0o755)

    assert ids() == ["sealdesk.W001", "sealdesk.W002"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAIL_SIZE_LIMIT", 50, "sealdesk.E003"),
        ("FILE_UPLOAD_HANDLERS", ["django.core.files.uploadhandler.TemporaryFileUploadHandler"], "sealdesk.E004"),
        ("DEBUG", True, "sealdesk.W003"),
        ("ALLOWED_HOSTS", ["*"], "sealdesk.W004"),
        ("ALLOWED_HOSTS", ["desk.example"], "sealdesk.W005"),
    ],
)
def test_settings_that_put_secrets_at_risk_are_found(settings, name, value, expected):
    setattr(settings, name, value)

    assert ids() == [expected]


def test_every_message_says_what_to_do(places):
    places.MASTER_KEY_FILE.chmod(0o644)

    assert all(message.hint for message in run_checks() if message.id.startswith("sealdesk."))
