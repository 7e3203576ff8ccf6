"""On what it was measured: processor, system, versions."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.peers.programs import program


def description() -> str:
    """Lines of Markdown."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in ("cryptography", "rpgp-py", "pysequoia", "django"))
    return "\n".join(
        (
            f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load at the end (1, 5, 15 minutes): {load}",
            f"- {_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
            f"- Python {platform.python_version()}; {packages}",
            f"- {_first_line('openssl', 'version')}; {_first_line('gpg', '--version')}",
        )
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _first_line(name: str, option: str) -> str:
    return subprocess.run([program(name), option], capture_output=True, check=True, text=True).stdout.splitlines()[0]
