"""The libraries that take part in an experiment, each in its process, and those that cannot, with the reason."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, Self

import environment
import rivals
from timing import Budget, interleave, more_rounds, ratio
from worker import RivalFailed, Worker

CLOSE = (0.9, 1.1)  # ratios that get as many rounds again before they are believed


class Lineup:
    """A worker for each name. Who fails, at the start or later, leaves, and `failed` tells why."""

    def __init__(self, names: list[str], threads: int) -> None:
        self.failed: dict[str, str] = {}
        self.workers: dict[str, Worker] = {}
        self.about: dict[str, Any] = {}
        for name in names:
            self._start(name, threads)

    def each(self, method: str, *args: Any) -> dict[str, Any]:
        """What the method of Bench returns, from every library that can do it."""
        results = {}
        for name, worker in list(self.workers.items()):
            try:
                results[name] = worker.ask(method, *args)
            except RivalFailed as failure:
                self.drop(name, str(failure))
        return results

    def race(self, nq: int, k: int, options: argparse.Namespace, budget: Budget) -> dict[str, list[float]]:
        """Seconds per search, in turns. A close race gets a second set of rounds, whoever leads, and all rounds count."""
        samples = {name: partial(worker.ask, "time", nq, k, options.clock) for name, worker in self.workers.items()}
        try:
            times = interleave(samples, budget)
            ours = times.get(options.subject)
            others = [theirs for who, theirs in times.items() if who != options.subject]
            if ours and any(CLOSE[0] < ratio(theirs, ours) < CLOSE[1] for theirs in others):
                more_rounds(samples, times, budget)
            return times
        except RivalFailed as failure:
            self.drop(str(failure).split(":")[0], str(failure))
            return self.race(nq, k, options, budget)

    def drop(self, name: str, reason: str) -> None:
        self.failed[name] = reason
        print(f"  {name} is out: {reason}", flush=True)
        self.workers.pop(name).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def _start(self, name: str, threads: int) -> None:
        if name not in rivals.KNOWN:
            raise SystemExit(f"unknown library {name}: know {', '.join(rivals.KNOWN)}")
        try:
            self.workers[name] = Worker(name, threads)
            self.about[name] = self.workers[name].ask("describe")
        except RivalFailed as failure:
            reason = environment.failure(name) if environment.is_inside() else ""
            self.failed[name] = f"not installed: {reason}" if reason else str(failure)
            print(f"  {name} cannot take part: {self.failed[name]}", flush=True)
            self.workers.pop(name, None)
