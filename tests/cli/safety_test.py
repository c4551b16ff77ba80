"""A kill at any moment leaves the old index or the new one."""

import os
import random
import subprocess
import time
import unittest

from program import PROGRAM, ProgramTest

# Moments to try; more for a long run.
KILLS = int(os.environ.get("KNEAR_KILLS", "15"))


class KillDuringBuild(ProgramTest):
    def test_leaves_a_whole_file(self):
        sizes = {}
        for rows in (20_000, 40_000):
            self.succeed("generate", f"{rows}.npy", "--rows", rows, "--dim", 64)
            started = time.monotonic()
            self.succeed("build", f"{rows}.npy", "-o", "base.knear")
            sizes[os.path.getsize(self.path("base.knear"))] = rows
        takes = time.monotonic() - started
        moments = random.Random(7)
        for _ in range(KILLS):
            rows = moments.choice((20_000, 40_000))
            process = subprocess.Popen([PROGRAM, "build", f"{rows}.npy", "-o", "base.knear"], cwd=self.folder,
                                       stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, takes))
            process.kill()
            process.wait()
            self.assertEqual(self.succeed_json("verify", "base.knear")["problems"], [])
            self.assertIn(os.path.getsize(self.path("base.knear")), sizes)


class TwoBuilds(ProgramTest):
    def test_of_one_file_leave_one_whole_index(self):
        self.succeed("generate", "a.npy", "--rows", 30_000, "--dim", 64)
        builds = [subprocess.Popen([PROGRAM, "build", "a.npy", "-o", "base.knear"], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        codes = [process.wait(timeout=60) for process in builds]
        self.assertIn(0, codes)
        self.assertLessEqual(set(codes), {0, 3})  # 3: the other one is writing
        self.succeed("verify", "base.knear")


if __name__ == "__main__":
    unittest.main()
