"""Graphs: how much of them a search looks at."""

import unittest

from program import BAD_DATA, USAGE, ProgramTest, random_rows, write_npy

ROWS = 3000


class Graphs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.build(ROWS, 16, "--index", "HNSW4,ef_construction=20,ef_search=8,Flat")
        write_npy(self.path("q.npy"), random_rows(50, 16, seed=2))
        self.succeed("groundtruth", "base.npy", "q.npy", "-k", 10, "-o", "truth.ivecs", "-q")

    def test_more_effort_finds_more(self):
        told = self.succeed_json("eval", "base.knear", "q.npy", "-t", "truth.ivecs", "--ef-search", "10,200")
        few, many = told["runs"]
        self.assertEqual((few["ef_search"], many["ef_search"]), (10, 200))
        self.assertLess(few["recall"], many["recall"])
        self.assertLess(few["rows_per_query"], many["rows_per_query"])
        one = self.succeed_json("eval", "base.knear", "q.npy", "-t", "truth.ivecs", "--ef-search", 200)
        self.assertEqual((one["ef_search"], one["recall"]), (200, many["recall"]))

    def test_the_edges_of_a_graph_are_told(self):
        self.build(ROWS, 16, "--index", "NSG8,Flat")
        told = self.succeed_json("info", "base.knear", "--graph")
        self.assertEqual(sum(told["degrees"]), ROWS)
        self.assertLessEqual(told["max_degree"], 8)
        self.assertEqual((told["orphans"], told["reachable"], told["top_level"]), (0, 1.0, 0))
        self.assertIn("reachable", self.succeed("info", "base.knear", "--graph"))
        self.assertNotIn("degrees", self.succeed_json("info", "base.knear"))
        self.build(ROWS, 16, "--index", "Flat")
        self.fail(BAD_DATA, "info", "base.knear", "--graph")

    def test_a_search_says_how_far_it_walks(self):
        search = ("search", "base.knear", "q.npy", "-k", 10)
        own = self.succeed_json(*search)["ids"]
        self.assertEqual(self.succeed_json(*search, "--ef-search", 8)["ids"], own)
        self.assertNotEqual(self.succeed_json(*search, "--ef-search", 500)["ids"], own)
        self.fail(USAGE, "eval", "base.knear", "q.npy", "-t", "truth.ivecs", "--ef-search", 8, "--nprobe", 2)
        self.assertIn("HNSW<M>", self.succeed("build", "--help"))


if __name__ == "__main__":
    unittest.main()
