"""What processes need, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def status(process: int | str, field: str) -> int:
    """A size from /proc/PID/status in octets: VmRSS, VmHWM (the most it ever was), VmPeak (address space)."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def children(process: int | str = "self") -> list[int]:
    """The child processes of a process, of all of its threads."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text(encoding="ascii").split()]
