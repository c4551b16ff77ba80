"""What this process holds, from /proc (Linux)."""

from __future__ import annotations

import ctypes
from pathlib import Path


def resident_bytes() -> int:
    return _field("VmRSS")


def peak_bytes() -> int:
    """The largest resident size since the start or the last reset_peak()."""
    return _field("VmHWM")


def anonymous_bytes() -> int:
    """Memory that no file backs and that is in use: what malloc keeps for later is given back first."""
    ctypes.CDLL(None).malloc_trim(0)
    return _field("RssAnon")


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _field(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0
