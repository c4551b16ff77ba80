"""Indexes with cells: what a search looks into, and how full the lists are."""

import unittest

from program import BAD_DATA, USAGE, ProgramTest, nearest, random_rows, write_npy

ROWS = 400
NLIST = 16


class CellsTest(ProgramTest):
    def build_cells(self, spec=f"IVF{NLIST},nprobe=2,Flat", *flags):
        return self.build(ROWS, 4, "--index", spec, *flags)


class Build(CellsTest):
    def test_learns_from_enough_rows_for_its_cells(self):
        write_npy(self.path("base.npy"), random_rows(ROWS, 4))
        told = self.succeed_json("build", "base.npy", "-o", "x", "--index", f"IVF{NLIST},Flat")
        self.assertEqual((told["spec"], told["ntotal"], told["train_rows"]), (f"IVF{NLIST},Flat", ROWS, ROWS))
        told = self.succeed_json("build", "base.npy", "-o", "x", "--index", f"IVF{NLIST},Flat", "--train-rows", 50)
        self.assertEqual(told["train_rows"], 50)
        self.assertIn("from 400 rows", self.succeed("build", "base.npy", "-o", "x", "--index", f"IVF{NLIST},Flat"))

    def test_draws_64_rows_for_each_of_many_cells(self):
        self.succeed("generate", "large.npy", "--rows", 140_000, "--dim", 2, "-q")
        for nlist, rows in ((4, 131_072), (2100, 2100 * 64)):
            told = self.succeed_json("build", "large.npy", "-o", "x", "--index", f"IVF{nlist},Flat")
            self.assertEqual(told["train_rows"], rows)

    def test_more_cells_than_rows_are_refused(self):
        write_npy(self.path("base.npy"), random_rows(20, 4))
        self.assertIn("21 cells", self.fail(BAD_DATA, "build", "base.npy", "-o", "x", "--index", "IVF21,Flat"))
        self.assertIn("IVF0", self.fail(USAGE, "build", "base.npy", "-o", "x", "--index", "IVF0,Flat"))

    def test_cells_that_are_combinations(self):
        write_npy(self.path("base.npy"), random_rows(ROWS, 4))
        told = self.succeed_json("build", "base.npy", "-o", "x", "--index", "IMI2x3,Flat")
        self.assertEqual((told["spec"], told["ntotal"]), ("IMI2x3,Flat", ROWS))
        told = self.succeed_json("info", "x", "--lists")
        self.assertEqual((told["nlist"], sum(told["list_sizes"])), (64, ROWS))
        self.succeed("build", "base.npy", "-o", "x", "--index", "IVF16(RCQ2x2),SQ8")
        self.assertIn("IVF16(RCQ2x2)", self.succeed("info", "x"))
        self.assertIn("100 cells", self.fail(USAGE, "build", "base.npy", "-o", "x", "--index", "IVF100(RCQ2x2),Flat"))

    def test_help_names_the_grammar(self):
        self.assertIn("IVF<n>[(coarse)][,nprobe=N][,by_residual=on|off]", self.succeed("build", "--help"))
        for command in ("search", "eval"):
            text = self.succeed(command, "--help")
            self.assertIn("--nprobe", text)
            self.assertIn("--max-codes", text)


class Search(CellsTest):
    def test_finds_all_in_all_cells_and_less_in_one(self):
        base = self.build_cells()
        queries = random_rows(20, 4, seed=2)
        write_npy(self.path("q.npy"), queries)
        truth = [[i for _, i in nearest(query, base, 10)] for query in queries]
        search = ("search", "base.knear", "q.npy", "-k", 10)
        self.assertEqual(self.succeed_json(*search, "--nprobe", NLIST)["ids"], truth)
        self.assertEqual(self.succeed_json(*search, "--nprobe", 1000)["ids"], truth)
        self.assertNotEqual(self.succeed_json(*search, "--nprobe", 1)["ids"], truth)
        self.assertEqual(self.succeed_json(*search)["ids"], self.succeed_json(*search, "--nprobe", 2)["ids"])

    def test_stops_after_enough_rows(self):
        self.build_cells()
        search = ("search", "base.knear", "base.npy", "-k", 10)
        one = self.succeed_json(*search, "--nprobe", 1)["ids"]
        self.assertEqual(self.succeed_json(*search, "--nprobe", NLIST, "--max-codes", 1)["ids"], one)
        self.assertNotEqual(self.succeed_json(*search, "--nprobe", NLIST, "--max-codes", ROWS)["ids"], one)

    def test_looks_for_a_range_in_the_same_cells(self):
        base = self.build_cells()
        write_npy(self.path("q.npy"), base[:5])
        search = ("search", "base.knear", "q.npy", "--range", 1000)
        truth = [[i for d, i in nearest(query, base, ROWS) if d < 1000] for query in base[:5]]
        all_cells = self.succeed_json(*search, "--nprobe", NLIST)
        self.assertEqual(all_cells["ids"], truth)
        one = self.succeed_json(*search, "--nprobe", 1)
        self.assertLess(one["results"], all_cells["results"])
        self.assertEqual(self.succeed_json(*search, "--nprobe", NLIST, "--max-codes", 1)["ids"], one["ids"])

    def test_flags_for_cells_need_cells(self):
        self.build()
        write_npy(self.path("t.npy"), [[0]] * 60, "<i8")
        for flag in ("--nprobe", "--max-codes"):
            for command in (("search", "base.knear", "base.npy"), ("search", "base.knear", "base.npy", "--range", 1),
                            ("eval", "base.knear", "base.npy", "--truth", "t.npy", "-k", 1)):
                self.assertIn("indexes with cells", self.fail(BAD_DATA, *command, flag, 3))

    def test_values_are_checked(self):
        for command in (("search", "a", "b"), ("eval", "a", "b", "-t", "c")):
            for flag in ("--nprobe", "--max-codes"):
                for value in ("0", "-1", "x", "1.5"):
                    self.assertIn(f"'{value}'", self.fail(USAGE, *command, flag, value))
        self.assertIn("'0'", self.fail(USAGE, "eval", "a", "b", "-t", "c", "--nprobe", "1,0"))
        self.fail(USAGE, "search", "a", "b", "--nprobe", "1,2")


class Eval(CellsTest):
    def setUp(self):
        super().setUp()
        self.build_cells()
        write_npy(self.path("q.npy"), random_rows(20, 4, seed=4))
        self.succeed("groundtruth", "base.npy", "q.npy", "-k", 10, "-o", "t.ivecs")

    def eval(self, *flags):
        return self.succeed_json("eval", *flags, "base.knear", "q.npy", "--truth", "t.ivecs", "--repeats", 1)

    def test_measures_one_number_of_cells(self):
        own = self.eval()
        self.assertEqual((own["nprobe"], own["lists_per_query"]), (2, 2))
        everything = self.eval("--nprobe", NLIST)
        self.assertEqual((everything["recall"], everything["rows_per_query"]), (1, ROWS))
        self.assertEqual(everything["lists_per_query"], NLIST)
        text = self.succeed("eval", "base.knear", "q.npy", "--truth", "t.ivecs", "--nprobe", 3)
        self.assertRegex(text, r"lists visited +3\.0 a query")

    def test_measures_several_numbers_in_turn(self):
        told = self.eval("--nprobe", f"1,4,{NLIST}")
        self.assertEqual([run["nprobe"] for run in told["runs"]], [1, 4, NLIST])
        self.assertEqual([run["lists_per_query"] for run in told["runs"]], [1, 4, NLIST])
        for name in ("recall", "rows_per_query"):
            values = [run[name] for run in told["runs"]]
            self.assertEqual(values, sorted(values))
            self.assertLess(values[0], values[-1])
        self.assertEqual(told["runs"][-1]["recall"], 1)
        self.assertGreater(told["runs"][0]["qps"], 0)
        self.assertNotIn("recall", told)
        text = self.succeed("eval", "base.knear", "q.npy", "--truth", "t.ivecs", "--nprobe", "1,4")
        self.assertRegex(text, r"(?m)^nprobe 1 .*recall@10 .* rows scored, 1\.0 lists visited a query$")
        self.assertRegex(text, r"(?m)^nprobe 4 ")

    def test_stops_after_enough_rows(self):
        told = self.eval("--nprobe", NLIST, "--max-codes", 1)
        self.assertEqual((told["lists_per_query"], told["max_codes"]), (1, 1))


class Info(CellsTest):
    def test_tells_how_full_lists_are(self):
        self.build_cells()
        told = self.succeed_json("info", "base.knear")
        self.assertEqual((told["nlist"], told["nprobe"]), (NLIST, 2))
        sizes = told["list_sizes"]
        self.assertEqual((len(sizes), sum(sizes)), (NLIST, ROWS))
        self.assertAlmostEqual(told["imbalance"], NLIST * sum(s * s for s in sizes) / ROWS**2, 9)
        self.assertEqual(told["stages"]["cells"], f"IVF{NLIST},nprobe=2")
        self.assertEqual(told["stages"]["code_bytes"], 16)
        text = self.succeed("info", "base.knear")
        self.assertRegex(text, rf"(?m)^lists +{NLIST}, {sizes.count(0)} empty$")
        ordered = sorted(sizes)
        self.assertIn(f"smallest {ordered[0]}, median {ordered[NLIST // 2 - 1]}, largest {ordered[-1]}", text)

    def test_lists_cells_one_a_line(self):
        self.build_cells()
        sizes = self.succeed_json("info", "base.knear", "--lists")["list_sizes"]
        lines = self.succeed("info", "base.knear", "--lists").splitlines()
        self.assertEqual(lines, [f"{cell}\t{size}" for cell, size in enumerate(sizes)])

    def test_finds_the_partition_inside_of_others(self):
        for spec in ("PCA2,IVF8,Flat", "IVF8,PQ2x4,RFlat", "PCA2,IVF8,nprobe=3,Flat,RFlat"):
            self.build_cells(spec)
            told = self.succeed_json("info", "base.knear")
            self.assertEqual((told["nlist"], sum(told["list_sizes"])), (8, ROWS), spec)
            self.assertEqual(len(self.succeed("info", "base.knear", "--lists").splitlines()), 8)
            self.succeed("search", "base.knear", "base.npy", "-k", 1, "--nprobe", 8, "--max-codes", 100)

    def test_counts_empty_lists(self):
        rows = [[float(i % 3), 0.0] for i in range(30)]
        write_npy(self.path("base.npy"), rows)
        self.succeed("build", "base.npy", "-o", "base.knear", "--index", "IVF5,Flat")
        self.assertEqual(self.succeed_json("info", "base.knear")["list_sizes"].count(0), 2)
        self.assertRegex(self.succeed("info", "base.knear"), r"(?m)^lists +5, 2 empty$")

    def test_indexes_without_cells_have_no_lists(self):
        self.build()
        self.assertNotIn("nlist", self.succeed_json("info", "base.knear"))
        for file in ("base.knear", "base.npy"):
            self.assertIn(file, self.fail(BAD_DATA, "info", file, "--lists"))
            self.fail(BAD_DATA, "info", file, "--lists", "--json")


if __name__ == "__main__":
    unittest.main()
