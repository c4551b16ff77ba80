"""The program under test, and small vector files for it, made with the standard library alone."""

import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("KNEAR_PROGRAM") or shutil.which("knear") or "knear"
SANITIZED = bool(os.environ.get("KNEAR_SANITIZE"))

FINE, NO, USAGE, BAD_DATA, NO_ROOM, STOPPED = 0, 1, 2, 3, 4, 130


def random_rows(rows, dim, seed=1):
    generator = random.Random(seed)
    # Whole numbers: every distance is exact, so that the slow version below agrees to the last bit.
    return [[float(generator.randrange(-50, 50)) for _ in range(dim)] for _ in range(rows)]


def write_npy(path, rows, code="<f4"):
    """Writes a matrix of '<f4', '<f8', '|u1' or '<i8'."""
    letter = {"<f4": "f", "<f8": "d", "|u1": "B", "<i8": "q"}[code]
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }" % (code, len(rows), len(rows[0]))
    header = header.ljust(117) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in rows:
            file.write(struct.pack("<%d%s" % (len(row), letter), *row))


def write_fvecs(path, rows):
    with open(path, "wb") as file:
        for row in rows:
            file.write(struct.pack("<i%df" % len(row), len(row), *row))


def read_vecs(path, letter):
    """Rows of an .fvecs ('f') or .ivecs ('i') file."""
    with open(path, "rb") as file:
        data = file.read()
    rows = []
    at = 0
    while at < len(data):
        (dim,) = struct.unpack_from("<i", data, at)
        rows.append(list(struct.unpack_from("<%d%s" % (dim, letter), data, at + 4)))
        at += 4 + 4 * dim
    return rows


def nearest(query, base, k):
    """The k nearest rows by squared L2: [(distance, row number), …], the slow way."""
    distances = [(sum((a - b) ** 2 for a, b in zip(query, row)), i) for i, row in enumerate(base)]
    return sorted(distances)[:k]


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own as the working directory of the program."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def knear(self, *arguments, stdin="", **options):
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, input=stdin, text=True,
                              stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, timeout=120,
                              **options)

    def succeed(self, *arguments, **options):
        """Runs the program, expects it to work in silence, and gives its standard output."""
        done = self.knear(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (FINE, ""))
        return done.stdout

    def succeed_json(self, *arguments, **options):
        return json.loads(self.succeed(*arguments, "--json", **options))

    def fail(self, code, *arguments, **options):  # shadows TestCase.fail, which these tests do not use
        """Runs the program, expects this exit code and one line of complaint, and gives the line."""
        done = self.knear(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Aknear: [^\n]+\n\Z")
        self.assertNotIn("\x1b", done.stderr)
        return done.stderr

    def build(self, rows=60, dim=4, *flags):
        """Writes base.npy, builds base.knear, and gives the rows."""
        base = random_rows(rows, dim)
        write_npy(self.path("base.npy"), base)
        self.succeed("build", "base.npy", "-o", "base.knear", *flags)
        return base
