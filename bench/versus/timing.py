"""Interleaved timing: A B A B, so that whatever slows the machine slows both."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Sample = Callable[[int], float]  # seconds per call, over so many calls


@dataclass(frozen=True)
class Budget:
    """How long to stay at one point. A point ends after `rounds` rounds and `min_seconds`, whichever is
    later, but never goes on past `max_seconds` once it has `few_rounds`."""

    rounds: int = 5
    few_rounds: int = 3
    sample_seconds: float = 0.01  # fast calls are repeated to fill this
    min_seconds: float = 0.15
    max_seconds: float = 6.0


QUICK = Budget(rounds=3, min_seconds=0.05, max_seconds=2.0)


def interleave(samples: Mapping[str, Sample], budget: Budget) -> dict[str, list[float]]:
    """Seconds per call of each, one entry a round. The first call of each warms up and is not counted."""
    calls = {name: _calls_to_fill(sample, budget.sample_seconds) for name, sample in samples.items()}
    times: dict[str, list[float]] = {name: [] for name in samples}
    start = time.perf_counter()
    done = 0
    while not _enough(done, time.perf_counter() - start, budget):
        for name, sample in samples.items():
            times[name].append(sample(calls[name]))
        done += 1
    return times


def more_rounds(samples: Mapping[str, Sample], times: dict[str, list[float]], budget: Budget) -> None:
    """Appends as many rounds as another interleave() would do."""
    for name, seconds in interleave(samples, budget).items():
        times[name].extend(seconds)


def ratio(rival: list[float], subject: list[float]) -> float:
    """How many times faster the subject is, by medians."""
    return median(rival) / median(subject)


def _calls_to_fill(sample: Sample, seconds: float) -> int:
    once = sample(1)
    if once < seconds:
        once = sample(max(1, min(16, int(seconds / 4 / max(once, 1e-7)))))
    return max(1, min(100_000, math.ceil(seconds / max(once, 1e-7))))


def _enough(done: int, elapsed: float, budget: Budget) -> bool:
    if done >= budget.few_rounds and elapsed >= budget.max_seconds:
        return True
    return done >= budget.rounds and elapsed >= budget.min_seconds
