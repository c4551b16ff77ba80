"""Indexes in parts: built within a limit of memory, merged from files of one training."""

import os
import unittest

from program import BAD_DATA, USAGE, ProgramTest, random_rows, write_npy

ROWS = 4000


class PartsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.base = random_rows(ROWS, 8)
        write_npy(self.path("base.npy"), self.base)
        write_npy(self.path("q.npy"), random_rows(20, 8, seed=2))

    def found(self, index, *flags):
        told = self.succeed_json("search", index, "q.npy", "-k", 5, *flags)
        return told["ids"], told["distances"]

    def shards(self, spec):
        self.succeed("build", "base.npy", "-o", "whole.knear", "--index", spec)
        for i in range(4):
            part = slice(i * ROWS // 4, (i + 1) * ROWS // 4)
            write_npy(self.path(f"{i}.npy"), self.base[part])
            write_npy(self.path(f"{i}.ids.npy"), [[id] for id in range(ROWS)[part]], "<i8")
            self.succeed(
                "build", f"{i}.npy", "--trained", "whole.knear", "--ids", f"{i}.ids.npy", "-o", f"{i}.knear"
            )


class Build(PartsTest):
    def test_in_little_memory_gives_the_same_index(self):
        for spec in ("Flat", "IVF16,nprobe=4,Flat", "IVF16,nprobe=4,PQ4"):
            training = ("--train-rows", ROWS)
            self.succeed("build", "base.npy", "-o", "whole.knear", "--index", spec, *training)
            told = self.succeed_json(
                "build", "base.npy", "-o", "parts.knear", "--index", spec, "--memory", "60kB", *training
            )
            self.assertGreater(told["parts"], 1)
            self.assertEqual(told["ntotal"], ROWS)
            self.assertEqual(self.found("parts.knear"), self.found("whole.knear"))
            self.assertFalse([name for name in os.listdir(self.folder) if "parts" in name and name != "parts.knear"])

    def test_sizes_are_checked(self):
        self.fail(USAGE, "build", "base.npy", "-o", "x", "--memory", "much")
        self.fail(USAGE, "build", "base.npy", "-o", "x", "--memory", "-5MB")
        self.fail(USAGE, "build", "base.npy", "-o", "x", "--trained", "y", "--index", "Flat")

    def test_a_trained_index_lends_its_training(self):
        self.succeed("build", "base.npy", "-o", "whole.knear", "--index", "IVF16,SQ8", "--metric", "ip")
        told = self.succeed_json("build", "q.npy", "--trained", "whole.knear", "-o", "x.knear")
        self.assertEqual((told["spec"], told["metric"], told["ntotal"]), ("IVF16,SQ8", "ip", 20))
        self.fail(BAD_DATA, "build", "q.npy", "--trained", "nowhere.knear", "-o", "x.knear")


class Merge(PartsTest):
    def test_four_shards_are_one_big_index(self):
        for spec in ("IVF16,nprobe=4,Flat", "IVF16,nprobe=4,PQ4x4fs"):
            self.shards(spec)
            told = self.succeed_json("merge", *(f"{i}.knear" for i in range(4)), "-o", "all.knear")
            self.assertEqual((told["files"], told["ntotal"]), (4, ROWS))
            self.assertEqual(self.found("all.knear"), self.found("whole.knear"))
            self.assertTrue(self.succeed_json("verify", "all.knear")["ok"])

    def test_ids_that_clash(self):
        self.shards("Flat")
        clash = ("merge", "0.knear", "1.knear", "0.knear", "-o", "all.knear")
        self.assertIn("two of the parts", self.fail(BAD_DATA, *clash))
        self.assertFalse(os.path.exists(self.path("all.knear")))
        self.assertEqual(self.succeed_json(*clash, "--on-duplicate", "replace")["ntotal"], ROWS // 2)
        self.assertEqual(self.succeed_json(*clash, "--on-duplicate", "allow")["ntotal"], 3 * ROWS // 4)
        self.assertEqual(self.succeed_json(*clash, "--ids", "shift")["ntotal"], 3 * ROWS // 4)
        self.fail(USAGE, *clash, "--ids", "move")
        self.fail(USAGE, "merge", "-o", "all.knear")

    def test_what_does_not_go_together(self):
        self.shards("IVF16,Flat")
        self.succeed("build", "0.npy", "-o", "other.knear", "--index", "IVF16,Flat")
        self.assertIn("training", self.fail(BAD_DATA, "merge", "0.knear", "other.knear", "-o", "all.knear"))
        self.fail(BAD_DATA, "merge", "0.knear", "nowhere.knear", "-o", "all.knear")
        self.assertIn("merged", self.succeed("merge", "0.knear", "1.knear", "-o", "all.knear"))


if __name__ == "__main__":
    unittest.main()
