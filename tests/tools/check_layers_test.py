"""tools/check_layers passes on this tree and fails, naming file and line, when a violation is planted in a copy."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.copy = Path(self.scratch.name)
        for folder in ("include", "src"):
            shutil.copytree(ROOT / folder, self.copy / folder)

    def check(self, root):
        tool = ROOT / "tools/check_layers"
        return subprocess.run([sys.executable, tool, root], check=False, capture_output=True, text=True)

    def plant(self, path, text):
        target = self.copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def assert_caught(self, *words):
        result = self.check(self.copy)
        self.assertEqual(result.returncode, 1, result.stdout)
        for word in words:
            self.assertIn(word, result.stdout)

    def test_this_tree_passes(self):
        result = self.check(ROOT)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_an_unchanged_copy_passes(self):
        self.assertEqual(self.check(self.copy).returncode, 0)

    def test_an_include_of_a_lower_layer_is_caught(self):
        self.plant("src/core/planted.h", '// Planted.\n#include "scan/scan_index.h"\n')
        self.assert_caught("src/core/planted.h:2", "core may not include")

    def test_shapes_do_not_include_each_other(self):
        self.plant("src/partition/planted.cpp", '#include "scan/anything.h"\n')
        self.assert_caught("src/partition/planted.cpp:1")

    def test_kernels_are_sealed(self):
        self.plant("src/kernels/isa/planted.cpp", '#include "knear/matrix.h"\n')
        self.assert_caught("src/kernels/isa/planted.cpp:1", "sealed")

    def test_intrinsics_stay_in_kernels(self):
        self.plant("src/codec/planted.cpp", "#include <immintrin.h>\n")
        self.assert_caught("src/codec/planted.cpp:1", "kernels only")

    def test_a_new_dependency_is_caught(self):
        self.plant("src/core/planted.cpp", "#include <boost/any.hpp>\n")
        self.assert_caught("src/core/planted.cpp:1", "neither standard nor in the table")

    def test_an_unknown_folder_is_caught(self):
        self.plant("src/misc/planted.cpp", "\n")
        self.assert_caught("src/misc: not in the table")

    def test_a_public_header_sees_nothing_inside(self):
        self.plant("include/knear/planted.h", '#include "core/check.h"\n')
        self.assert_caught("include/knear/planted.h:1")

    def test_a_face_sees_public_headers_only(self):
        self.plant("cli/planted.cpp", '#include "core/check.h"\n')
        self.assert_caught("cli/planted.cpp:1", "sees only include/knear")

    def test_long_files_are_caught(self):
        self.plant("src/core/planted.h", "\n" * 401)
        self.assert_caught("src/core/planted.h:401", "400 lines")


if __name__ == "__main__":
    unittest.main()
