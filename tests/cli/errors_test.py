"""What is wrong is said in one line that names it, and told by the exit code."""

import os
import resource
import signal
import unittest

from program import BAD_DATA, NO_ROOM, SANITIZED, USAGE, ProgramTest, random_rows, write_npy


class WrongUsage(ProgramTest):
    def test_misspelt_commands_and_flags_get_a_suggestion(self):
        self.assertIn("did you mean 'search'?", self.fail(USAGE, "serch", "a", "b"))
        self.assertIn("did you mean 'groundtruth'?", self.fail(USAGE, "ground-truth"))
        self.assertIn("did you mean '--metric'?", self.fail(USAGE, "build", "a.npy", "-o", "b", "--metrik", "l2"))
        self.assertIn("did you mean '--threads'?", self.fail(USAGE, "verify", "a", "--thread=2"))
        self.assertNotIn("did you mean", self.fail(USAGE, "frobnicate"))

    def test_missing_and_superfluous_arguments_are_named(self):
        self.assertIn("DATA", self.fail(USAGE, "build", "-o", "x"))
        self.assertIn("--output", self.fail(USAGE, "build", "a.npy"))
        self.assertIn("'c'", self.fail(USAGE, "verify", "a", "c"))

    def test_no_command_shows_the_help(self):
        done = self.knear()
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("Examples:", done.stdout)

    def test_values_out_of_range_are_named(self):
        for value in ("0", "-3", "ten", "1.5"):
            line = self.fail(USAGE, "search", "a.knear", "q.npy", "-k", value)
            self.assertIn(f"'{value}'", line)
        self.assertIn("at least 1", self.fail(USAGE, "verify", "a", "--threads", "0"))

    def test_unknown_spec_metric_and_dtype_are_quoted(self):
        for flag, value in (("--index", "Flot"), ("--metric", "l3"), ("--dtype", "float65"), ("--nan", "perhaps")):
            self.assertIn(value, self.fail(USAGE, "build", "a.npy", "-o", "b", flag, value))

    def test_unknown_formats_of_results_are_refused_before_the_work(self):
        self.assertIn(".ivecs", self.fail(USAGE, "search", "a", "q.npy", "-o", "found.csv"))
        self.assertIn(".tsv", self.fail(USAGE, "search", "a", "q.npy", "--range", "1", "-o", "found.ivecs"))
        self.assertIn("-o", self.fail(USAGE, "search", "a", "q.npy", "--distances", "d.npy"))
        self.fail(USAGE, "search", "a", "q.npy", "--range", "1", "-k", "3")

    def test_ranges_of_rows_are_checked(self):
        for rows in ("5", "a:b", "7:3"):
            self.fail(USAGE, "convert", "a.npy", "b.npy", "--rows", rows)

    def test_shapes_of_made_up_vectors_are_checked(self):
        self.fail(USAGE, "generate", "a.npy", "--dim", "4", "--intrinsic-dim", "5")


class BadData(ProgramTest):
    def test_missing_files_are_named(self):
        self.build()
        self.assertIn("absent.npy", self.fail(BAD_DATA, "build", "absent.npy", "-o", "x"))
        self.assertIn("absent.knear", self.fail(BAD_DATA, "search", "absent.knear", "base.npy"))
        self.assertIn("absent.npy", self.fail(BAD_DATA, "search", "base.knear", "absent.npy"))
        for command in ("info", "verify"):
            self.assertIn("absent.knear", self.fail(BAD_DATA, command, "absent.knear"))

    def test_files_of_another_kind_are_refused(self):
        self.build()
        with open(self.path("text.knear"), "w", encoding="ascii") as file:
            file.write("hello, this is no index\n" * 10)
        self.assertIn("text.knear", self.fail(BAD_DATA, "search", "text.knear", "base.npy"))
        self.assertIn("text.knear", self.fail(BAD_DATA, "info", "text.knear"))
        self.fail(BAD_DATA, "build", "text.knear", "-o", "x")
        self.fail(BAD_DATA, "search", self.folder, "base.npy")

    def test_truncated_files_are_refused(self):
        self.build()
        for name in ("base.knear", "base.npy"):
            size = os.path.getsize(self.path(name))
            for keep in (0, 1, size // 2, size - 1):
                with open(self.path(name), "rb") as file:
                    content = file.read(keep)
                with open(self.path("cut" + name[4:]), "wb") as file:
                    file.write(content)
                self.fail(BAD_DATA, "info", "cut" + name[4:])

    def test_other_dimensions_are_named(self):
        self.build(20, 4)
        write_npy(self.path("q.npy"), random_rows(2, 5))
        line = self.fail(BAD_DATA, "search", "base.knear", "q.npy")
        self.assertIn("4", line)
        self.assertIn("5", line)

    def test_rows_with_nan_are_named_by_their_number(self):
        rows = random_rows(30, 3)
        rows[17][2] = float("nan")
        write_npy(self.path("a.npy"), rows)
        line = self.fail(BAD_DATA, "build", "a.npy", "-o", "x")
        self.assertIn("row 17", line)
        self.assertIn("--nan", line)
        self.assertFalse(os.path.exists(self.path("x")))

    def test_a_row_with_nan_far_into_a_large_file_keeps_its_number(self):
        # 40 MiB, of which the program reads 32 at a time.
        rows = 10_000
        dim = 1024
        write_npy(self.path("a.npy"), [[0.0] * dim])
        with open(self.path("a.npy"), "r+b") as file:
            header = file.read(128).replace(b"(1, 1024)", b"(%d, 1024)" % rows)
            file.seek(0)
            file.write(header.rstrip() .ljust(127) + b"\n")
            file.truncate(128 + rows * dim * 4)
            file.seek(128 + (9_999 * dim + 5) * 4)
            file.write(b"\x00\x00\xc0\x7f")
        self.assertIn("row 9999 ", self.fail(BAD_DATA, "build", "a.npy", "-o", "x"))

    def test_ids_must_fit_the_rows(self):
        write_npy(self.path("a.npy"), random_rows(3, 2))
        write_npy(self.path("two.npy"), [[1], [2]], "<i8")
        line = self.fail(BAD_DATA, "build", "a.npy", "--ids", "two.npy", "-o", "x")
        self.assertIn("2 ids", line)
        self.assertIn("3 rows", line)
        write_npy(self.path("same.npy"), [[1], [2], [1]], "<i8")
        self.fail(BAD_DATA, "build", "a.npy", "--ids", "same.npy", "-o", "x")

    def test_truth_must_fit_the_queries(self):
        self.build(20, 4)
        write_npy(self.path("q.npy"), random_rows(3, 4))
        write_npy(self.path("short.npy"), [[1], [2]], "<i8")
        self.assertIn("2 rows", self.fail(BAD_DATA, "eval", "base.knear", "q.npy", "-t", "short.npy", "-k", 1))
        write_npy(self.path("narrow.npy"), [[1], [2], [3]], "<i8")
        self.assertIn("k = 5", self.fail(BAD_DATA, "eval", "base.knear", "q.npy", "-t", "narrow.npy", "-k", 5))
        write_npy(self.path("other.npy"), [[1], [2], [999]], "<i8")
        self.assertIn("999", self.fail(BAD_DATA, "eval", "base.knear", "q.npy", "-t", "other.npy", "-k", 1))

    def test_text_that_is_no_vector_is_named_by_its_line(self):
        self.build(20, 4)
        self.assertIn("line 2", self.fail(BAD_DATA, "search", "base.knear", "-", stdin="1 2 3 4\n1 x 3 4\n"))
        self.assertIn("line 2", self.fail(BAD_DATA, "search", "base.knear", "-", stdin="1 2 3 4\n1 2 3\n"))

    def test_results_that_cannot_be_written_are_refused_before_the_work(self):
        write_npy(self.path("a.npy"), random_rows(3, 2))
        self.assertIn("nowhere", self.fail(BAD_DATA, "build", "a.npy", "-o", "nowhere/x"))
        self.assertIn("regular", self.fail(BAD_DATA, "build", "a.npy", "-o", "/dev/null"))
        self.assertIn("regular", self.fail(BAD_DATA, "build", "a.npy", "-o", self.folder))

    def test_rows_beyond_the_file_are_named(self):
        write_npy(self.path("a.npy"), random_rows(3, 2))
        self.assertIn("3 rows", self.fail(BAD_DATA, "convert", "a.npy", "b.npy", "--rows", "1:9"))
        self.assertIn("3 rows", self.fail(BAD_DATA, "convert", "a.npy", "b.npy", "--rows", "9:"))


class NoRoom(ProgramTest):
    def test_a_full_standard_output_is_told(self):
        self.build()
        with open("/dev/full", "w", encoding="ascii") as full:
            self.assertIn("No space left", self.fail(NO_ROOM, "search", "base.knear", "base.npy", stdout=full))

    def test_a_file_that_may_not_grow_leaves_the_old_one(self):
        self.build(rows=10)
        with open(self.path("base.knear"), "rb") as file:
            before = file.read()
        write_npy(self.path("large.npy"), random_rows(20_000, 4))
        self.fail(NO_ROOM, "build", "large.npy", "-o", "base.knear",
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
        with open(self.path("base.knear"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(sorted(os.listdir(self.folder)), ["base.knear", "base.npy", "large.npy"])

    @unittest.skipIf(SANITIZED, "sanitizers reserve more address space than the limit of this test")
    def test_too_little_memory_is_told(self):
        self.succeed("generate", "a.npy", "--rows", 200_000, "--dim", 128, "--threads", 1)
        limit = 250 << 20  # the file is mapped: 98 MiB; the index would need as much again, and room to grow
        self.fail(NO_ROOM, "build", "a.npy", "-o", "x", "--threads", 1,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assertFalse(os.path.exists(self.path("x")))

    def test_a_reader_that_leaves_early_is_no_news(self):
        self.build(500, 4)
        for ignored in (False, True):
            reader, writer = os.pipe()
            os.close(reader)
            done = self.knear("search", "base.knear", "base.npy", stdout=writer,
                              preexec_fn=(lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) if ignored else None)
            os.close(writer)
            self.assertEqual(done.stderr, "")
            self.assertEqual(done.returncode, 141 if ignored else -signal.SIGPIPE)


if __name__ == "__main__":
    unittest.main()
