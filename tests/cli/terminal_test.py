"""Progress bars show on terminals and only there; Ctrl-C stops long work."""

import os
import pty
import signal
import subprocess
import time
import unittest

from program import PROGRAM, STOPPED, ProgramTest


class OnTerminal:
    """The program with a terminal as its standard error."""

    def __init__(self, arguments, folder):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([PROGRAM, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=slave,
                                        env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        self.seen = ""

    def read_until(self, enough):
        """Collects what appears, until enough(seen) or the program ends."""
        while not enough(self.seen):
            try:
                self.seen += os.read(self.master, 4096).decode()
            except OSError:  # the program closed its end
                break

    def stop(self):
        """Ctrl-C; gives the exit code."""
        self.process.send_signal(signal.SIGINT)
        self.read_until(lambda seen: False)
        os.close(self.master)
        return self.process.wait(timeout=60)


class LongWork(ProgramTest):
    """Canberra distances of 30,000 x 30,000 rows take minutes; every test stops them early."""

    WORK = ("groundtruth", "long.npy", "long.npy", "-k", "3", "--metric", "canberra", "-o", "truth.ivecs")

    def setUp(self):
        super().setUp()
        self.succeed("generate", "long.npy", "--rows", 30_000, "--dim", 200)

    def test_a_bar_shows_on_a_terminal_until_ctrl_c(self):
        run = OnTerminal(self.WORK, self.folder)
        run.read_until(lambda seen: seen.count("\r") >= 3)
        self.assertEqual(run.stop(), STOPPED)
        self.assertRegex(run.seen, r"search  \[[#.]+\] +\d+%  \S+/s  [\d:]+ left")
        self.assertTrue(run.seen.endswith("\r\x1b[Kknear: stopped; no file was changed\r\n"), run.seen[-200:])
        self.assertEqual(os.listdir(self.folder), ["long.npy"])

    def test_quiet_shows_no_bar(self):
        run = OnTerminal((*self.WORK, "--quiet"), self.folder)
        time.sleep(1)
        self.assertEqual(run.stop(), STOPPED)
        self.assertEqual(run.seen, "knear: stopped; no file was changed\r\n")

    def test_piped_output_is_clean(self):
        process = subprocess.Popen([PROGRAM, *self.WORK], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, STOPPED)
        self.assertEqual((out, err), ("", "knear: stopped; no file was changed\n"))
        self.assertEqual(os.listdir(self.folder), ["long.npy"])


class Interrupt(ProgramTest):
    def test_ctrl_c_ends_the_wait_for_standard_input(self):
        self.build()
        process = subprocess.Popen([PROGRAM, "search", "base.knear", "-"], cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), STOPPED)
        process.communicate()


if __name__ == "__main__":
    unittest.main()
