"""The bar that progress=True shows: in a terminal on stderr, in a notebook as updating text."""

from __future__ import annotations

import sys
from typing import Any

from ._knear import Progress

WIDTH = 30


def make_bar() -> Bar | None:
    """A bar for where we are: None when nobody watches, so that piped output stays clean."""
    display = _notebook_display()
    if display is not None:
        return NotebookBar(display)
    return Bar() if sys.stderr is not None and sys.stderr.isatty() else None


def describe(progress: Progress) -> str:
    """One line: phase, bar, counts, rate and time left.

    >>> class Half:
    ...     phase, done, total, rate, eta = "add", 500, 1000, 250.0, 2.0
    >>> print(describe(Half))
    add   50% |###############               | 500/1000, 250/s, 2 s left
    """
    if not progress.total:
        return f"{progress.phase}  {progress.done}, {progress.rate:.3g}/s"
    share = min(progress.done / progress.total, 1.0)
    bar = "#" * int(share * WIDTH)
    left = f", {_duration(progress.eta)} left" if progress.eta and share < 1 else ""
    counts = f"{progress.done}/{progress.total}, {progress.rate:.3g}/s"
    return f"{progress.phase}  {share:4.0%} |{bar:<{WIDTH}}| {counts}{left}"


class Bar:
    """Rewrites one line of a terminal; the last line stays."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, progress: Progress) -> None:
        line = describe(progress)
        self._show(line, len(self._shown))
        self._shown = line

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _show(self, line: str, covered: int) -> None:
        sys.stderr.write("\r" + line.ljust(covered))
        sys.stderr.flush()


class NotebookBar(Bar):
    """Updates one piece of a notebook cell's output."""

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display
        self._handle: Any = None

    def close(self) -> None:
        pass

    def _show(self, line: str, covered: int) -> None:
        content = {"text/plain": line}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def _notebook_display() -> Any:
    """IPython's display function when a notebook's kernel runs this process, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def _duration(seconds: float) -> str:
    """
    >>> _duration(7.4), _duration(75), _duration(7500)
    ('7 s', '1:15', '2:05:00')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
