"""What every test of the desk relies on: no network, quick passwords, and the cast."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_FACTORIES = "sealdesk_factories"


def _load_factories():
    """Tests import it by this name; the folder of tests is no package, so that no name of it can clash."""
    specification = importlib.util.spec_from_file_location(_FACTORIES, Path(__file__).with_name("factories.py"))
    module = importlib.util.module_from_spec(specification)
    sys.modules[_FACTORIES] = module
    specification.loader.exec_module(module)
    return module


factories = _load_factories()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Nothing leaves this process, unless a test says that it talks to servers on loopback."""
    talks = item.get_closest_marker("e2e") or item.get_closest_marker("sockets")
    item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]) if talks else pytest.mark.disable_socket)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def cast():
    return factories.cast()


@pytest.fixture
def support(db):
    return factories.support()


@pytest.fixture
def sales(db):
    return factories.sales()


@pytest.fixture
def alice(support):
    return factories.alice(support)


@pytest.fixture
def bob(sales):
    return factories.bob(sales)


@pytest.fixture
def administrator(db):
    return factories.administrator()
