"""An index ten times as large as the memory that its builder and its searchers may take.

Needs Linux and the right to make a control group (root). Rows are made up by `knear generate`.

Usage: beyond_memory.py KNEAR [--rows N] [--dim D] [--index SPEC] [--limit MB]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

GROUP = "knear-beyond-memory"


class Group:
    """A control group whose processes together take no more than so many bytes, page cache included."""

    def __init__(self, limit):
        first = Path("/sys/fs/cgroup/memory")
        self.old = first.is_dir()  # version 1
        self.path = (first if self.old else Path("/sys/fs/cgroup")) / GROUP
        self.path.mkdir(exist_ok=True)
        (self.path / ("memory.limit_in_bytes" if self.old else "memory.max")).write_text(str(limit))
        if not self.old and (self.path / "memory.swap.max").exists():
            (self.path / "memory.swap.max").write_text("0")

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        self.path.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("knear")
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--index", default="IVF2048,nprobe=16,Flat")
    parser.add_argument("--limit", type=int, default=260, help="MB for each process [%(default)s]")
    arguments = parser.parse_args()
    group = Group(arguments.limit * 1_000_000)

    def knear(*words, limited=False):
        command = [os.path.abspath(arguments.knear), *map(str, words), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=group.enter if limited else None)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}")
        return json.loads(done.stdout)

    def forget_files():
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")

    with tempfile.TemporaryDirectory(dir=".") as folder:
        os.chdir(folder)
        shape = ("--dim", arguments.dim, "--clusters", 2000)
        knear("generate", "base.fbin", "--rows", arguments.rows, *shape)
        knear("generate", "many.fbin", "--rows", 1000, "--first-row", arguments.rows, *shape)
        knear("generate", "one.fbin", "--rows", 1, "--first-row", arguments.rows, *shape)
        memory = f"{arguments.limit * 4 // 10}MB"
        built = knear("build", "base.fbin", "--index", arguments.index, "--memory", memory, "-o", "i", limited=True)
        size = built["file_bytes"] / 1e6
        print(f"index        {size:.0f} MB, {size / arguments.limit:.1f} times the limit of {arguments.limit} MB")
        print(f"trained      {built['train_seconds']:.1f} s on {built['train_rows']} rows")
        print(f"filled       {built['build_seconds']:.1f} s, in {built['parts']} parts")
        print(f"merged       {built['save_seconds']:.1f} s")
        forget_files()
        told = knear("search", "i", "one.fbin", "-k", 10, "-o", "o.ivecs", limited=True)
        print(f"first query  {1000 * told['seconds']:.1f} ms, no page of the file in memory")
        for words in ("cold", "again"):
            told = knear("search", "i", "many.fbin", "-k", 10, "-o", "within.ivecs", limited=True)
            print(f"1,000        {told['seconds']:.2f} s, {words}")
        knear("search", "i", "many.fbin", "-k", 10, "-o", "without.ivecs")
        told = knear("search", "i", "many.fbin", "-k", 10, "-o", "without.ivecs")
        same = Path("within.ivecs").read_bytes() == Path("without.ivecs").read_bytes()
        print(f"no limit     {told['seconds']:.2f} s, {'the same' if same else 'OTHER'} results")
        print(f"verify       {'intact' if knear('verify', 'i', limited=True)['ok'] else 'DAMAGED'}")
        os.chdir("..")
    group.remove()


if __name__ == "__main__":
    main()
