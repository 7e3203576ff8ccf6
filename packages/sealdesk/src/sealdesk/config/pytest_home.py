"""For pytest: a home of its own for each test process, set before Django reads any setting.

Named in pyproject.toml, since a conftest is loaded too late for that. Nothing in the desk imports it.
"""

from __future__ import annotations

import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="sealdesk-tests-")
for _name in [name for name in os.environ if name.startswith("SEALDESK_")]:
    del os.environ[_name]  # what a developer runs a desk with is not what tests run with
os.environ["SEALDESK_HOME"] = _home


def pytest_unconfigure() -> None:
    """Removes the home."""
    shutil.rmtree(_home, ignore_errors=True)
