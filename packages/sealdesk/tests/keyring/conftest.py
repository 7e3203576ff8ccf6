"""Short ways to add keys."""

import pytest

from sealdesk.keyring.actions import import_keys
from sealmail.testing.export import export_armored


@pytest.fixture
def add(db):
    """Adds keys, public or secret, as an administrator's file would."""

    def run(*keys, **options):
        blob = "\n".join(export_armored(key) for key in keys).encode()
        return import_keys(blob=blob, **({"by": None} | options))

    return run
