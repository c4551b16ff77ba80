"""Facts about this process."""

from __future__ import annotations

import os
import warnings

from ._knear import cpu_level


def get_mem_usage_kb() -> int:
    """Resident memory of this process in units of 1024 bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def warn_of_unmet_wishes() -> None:
    """Says so when KNEAR_ISA names an instruction set that this machine or build does not have."""
    wish = os.environ.get("KNEAR_ISA", "")
    level = {"scalar": "portable"}.get(wish, wish)
    if level and level != cpu_level():
        warnings.warn(f"KNEAR_ISA={wish} is not available here; using {cpu_level()}", RuntimeWarning, stacklevel=3)
