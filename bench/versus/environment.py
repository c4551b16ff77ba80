"""The harness's own Python environment, under build/versus-env: rivals from PyPI, knear from the repository.

Standard library only: this runs before anything is installed. What fails to install is remembered with its
reason and reported with the results.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "versus-env"
PYTHON = FOLDER / "bin" / "python"
STATE = FOLDER / "state.json"
TOOLS = ("numpy", "matplotlib", "threadpoolctl")
RIVALS = {
    "faiss": "faiss-cpu",
    "hnswlib": "hnswlib",
    "usearch": "usearch",
    "rabitqlib": "rabitqlib",
    "svs": "scalable-vs",
    "scann": "scann",
}
SOURCES = ("CMakeLists.txt", "cmake", "include", "src", "python", "pyproject.toml")


def is_inside() -> bool:
    return Path(sys.prefix).resolve() == FOLDER.resolve()


def failure(name: str) -> str:
    """Why the rival could not be installed, or ""."""
    return _state().get("failures", {}).get(name.split("_")[0], "")


def prepare(update: bool = False) -> None:
    """Makes the environment, or brings it up to date: knear when its sources changed, all rivals on `update`."""
    if not PYTHON.exists():
        print(f"making {FOLDER.relative_to(ROOT)} (once)", file=sys.stderr)
        venv.create(FOLDER, with_pip=True)
        update = True
    state = _state()
    if update:
        state = {"failures": {}}
        _must(_pip("--upgrade", *TOOLS))
        for name, package in RIVALS.items():
            _note(state, name, _pip("--upgrade", package))
    sources = _fingerprint()
    if state.get("knear") != sources:
        _note(state, "knear", _pip("--config-settings=build-dir=build/versus-knear", str(ROOT)))
        state["knear"] = sources
    STATE.write_text(json.dumps(state, indent=1))


def enter(arguments: list[str]) -> None:
    """Starts the program again with the environment's Python; does not return."""
    os.execv(PYTHON, [str(PYTHON), *arguments])


def _pip(*arguments: str) -> str:
    """Installs; returns "" or the reason why not."""
    print(f"installing {arguments[-1] if arguments[0] == '--upgrade' else 'knear'}", file=sys.stderr)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
    return lines[-1] if lines else f"pip ended with {done.returncode}"


def _note(state: dict, name: str, reason: str) -> None:
    state["failures"].pop(name, None)
    if reason:
        state["failures"][name] = reason


def _must(reason: str) -> None:
    if reason:
        sys.exit(f"cannot install {', '.join(TOOLS)}: {reason}")


def _state() -> dict:
    return json.loads(STATE.read_text()) if STATE.exists() else {"failures": {}}


def _fingerprint() -> str:
    """Changes when a file that the Python package is built from changes."""
    mark = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                mark.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return mark.hexdigest()
