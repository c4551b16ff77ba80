"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WIDE = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "asimd", "sve")


def describe() -> dict[str, Any]:
    cpu = _cpuinfo()
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu.get("model name", platform.machine()),
        "cpu_family_model_stepping": [cpu.get(key) for key in ("cpu family", "model", "stepping")],
        "cpus": len(os.sched_getaffinity(0)),
        "vectors": [flag for flag in WIDE if flag in flags],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "revision": _revision(),
    }


def read_bandwidth(threads: int, now: Callable[[], float] = time.perf_counter, seconds: float = 1.0) -> float:
    """Bytes per second that so many threads can stream from memory: the best of three reductions, best of rounds."""
    block = np.ones(64 << 20, np.float32)  # 256 MB for each thread
    blocks = [block] + [block.copy() for _ in range(threads - 1)]
    ways = (lambda x: np.dot(x, x), np.max, lambda x: np.bitwise_or.reduce(x.view(np.uint64)))
    best = 0.0
    end = time.perf_counter() + seconds * threads
    while time.perf_counter() < end:
        for way in ways:
            best = max(best, threads * block.nbytes / _run_together(way, blocks, now))
    return best


def busy_seconds() -> float:
    """CPU time that all processes of the machine together have used so far."""
    user, nice, system, _, _, irq, softirq = (int(n) for n in Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _run_together(way: Any, blocks: list[np.ndarray], now: Callable[[], float]) -> float:
    """Seconds until every thread has read its block once."""
    gate = threading.Barrier(len(blocks) + 1)

    def read(block: np.ndarray) -> None:
        gate.wait()
        way(block)
        gate.wait()

    threads = [threading.Thread(target=read, args=(block,)) for block in blocks]
    for thread in threads:
        thread.start()
    gate.wait()
    start = now()
    gate.wait()
    took = now() - start
    for thread in threads:
        thread.join()
    return took


def _cpuinfo() -> dict[str, str]:
    pairs = (line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    first: dict[str, str] = {}
    for key, value in pairs:
        first.setdefault(key.strip(), value.strip())
    return first


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    said = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"
