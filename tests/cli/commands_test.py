"""Every command, end to end on small data, against the slow obvious way."""

import gzip
import json
import os
import unittest

from program import (BAD_DATA, NO, SANITIZED, USAGE, ProgramTest, nearest, random_rows, read_vecs, write_fvecs, write_npy)


class Search(ProgramTest):
    def test_finds_what_the_slow_way_finds(self):
        base = self.build(200, 5)
        queries = random_rows(30, 5, seed=2)
        write_fvecs(self.path("q.fvecs"), queries)
        self.succeed("search", "base.knear", "q.fvecs", "-k", 7, "-o", "i.ivecs", "--distances", "d.fvecs")
        truth = [nearest(query, base, 7) for query in queries]
        self.assertEqual(read_vecs(self.path("i.ivecs"), "i"), [[i for _, i in row] for row in truth])
        self.assertEqual(read_vecs(self.path("d.fvecs"), "f"), [[d for d, _ in row] for row in truth])

    def test_prints_a_table(self):
        base = self.build()
        write_npy(self.path("q.npy"), base[:2])
        lines = self.succeed("search", "base.knear", "q.npy", "-k", 3).splitlines()
        self.assertEqual(lines[0].split("\t"), ["query", "rank", "id", "distance"])
        self.assertEqual(lines[1].split("\t"), ["0", "1", "0", "0"])
        self.assertEqual(len(lines), 1 + 2 * 3)

    def test_prints_json(self):
        base = self.build()
        write_npy(self.path("q.npy"), base[:2])
        found = self.succeed_json("search", "base.knear", "q.npy", "-k", 3)
        self.assertEqual(found["ids"], [[i for _, i in nearest(base[q], base, 3)] for q in range(2)])
        self.assertEqual([row[0] for row in found["distances"]], [0, 0])
        self.assertGreater(found["qps"], 0)

    def test_reads_queries_as_text_from_standard_input(self):
        base = self.build()
        text = "# two rows\n" + " ".join(map(str, base[3])) + "\n\n" + ", ".join(map(str, base[5])) + "\n"
        self.assertEqual(self.succeed_json("search", "base.knear", "-", "-k", 1, stdin=text)["ids"], [[3], [5]])

    def test_pads_files_when_k_is_larger_than_the_index(self):
        self.build(rows=2)
        write_npy(self.path("q.npy"), random_rows(1, 4))
        self.succeed("search", "base.knear", "q.npy", "-k", 4, "-o", "i.ivecs")
        self.assertEqual(read_vecs(self.path("i.ivecs"), "i")[0][2:], [-1, -1])
        self.assertEqual(len(self.succeed_json("search", "base.knear", "q.npy", "-k", 4)["ids"][0]), 2)

    def test_range_finds_all_rows_strictly_closer(self):
        base = self.build()
        write_npy(self.path("q.npy"), base[:3])
        radius = nearest(base[0], base, 5)[4][0]
        found = self.succeed_json("search", "base.knear", "q.npy", "--range", radius)
        for query, ids in zip(base[:3], found["ids"]):
            self.assertEqual(ids, [i for d, i in nearest(query, base, len(base)) if d < radius])
        self.succeed("search", "base.knear", "q.npy", "--range", radius, "-o", "near.tsv")
        with open(self.path("near.tsv"), encoding="ascii") as file:
            self.assertEqual(len(file.readlines()), 1 + found["results"])

    def test_range_of_a_similarity_may_be_negative(self):
        base = self.build(60, 4, "--metric", "cosine")
        write_npy(self.path("q.npy"), base[:1])
        found = self.succeed_json("search", "base.knear", "q.npy", "--range", "-0.5")
        self.assertTrue(all(-0.5 < d <= 1 for d in found["distances"][0]))

    def test_answers_do_not_depend_on_threads(self):
        self.build(300, 6)
        write_npy(self.path("q.npy"), random_rows(70, 6, seed=3))
        tables = {self.succeed("search", "base.knear", "q.npy", "--threads", n) for n in (1, 2, 5)}
        self.assertEqual(len(tables), 1)


class Build(ProgramTest):
    def test_tells_what_it_built(self):
        write_npy(self.path("base.npy"), random_rows(60, 4))
        built = self.succeed_json("build", "base.npy", "-o", "base.knear", "--metric", "ip", "--dtype", "float16")
        self.assertEqual((built["ntotal"], built["dim"], built["metric"], built["dtype"]), (60, 4, "ip", "float16"))
        self.assertEqual(built["file_bytes"], os.path.getsize(self.path("base.knear")))
        self.assertGreaterEqual(built["build_seconds"], 0)
        self.assertGreater(built["bytes_per_vector"], 8)

    def test_stores_the_type_of_the_data_when_asked(self):
        write_npy(self.path("base.npy"), [[1, 2], [3, 4]], "|u1")
        self.assertEqual(self.succeed_json("build", "base.npy", "-o", "x", "--dtype", "same")["dtype"], "uint8")
        self.assertEqual(self.succeed_json("build", "base.npy", "-o", "x")["dtype"], "float32")

    def test_takes_ids_from_a_file(self):
        base = random_rows(5, 4)
        write_npy(self.path("base.npy"), base)
        write_npy(self.path("ids.npy"), [[2**40 + 7 * i] for i in range(5)], "<i8")
        self.succeed("build", "base.npy", "--ids", "ids.npy", "-o", "base.knear")
        found = self.succeed_json("search", "base.knear", "base.npy", "-k", 1)
        self.assertEqual(found["ids"], [[2**40 + 7 * i] for i in range(5)])

    def test_skips_or_keeps_rows_with_nan(self):
        base = random_rows(6, 3)
        base[2][1] = float("nan")
        write_npy(self.path("base.npy"), base)
        skipped = self.succeed_json("build", "base.npy", "--nan", "skip", "-o", "base.knear")
        self.assertEqual((skipped["ntotal"], skipped["skipped"]), (5, 1))
        write_npy(self.path("q.npy"), base[3:4])
        self.assertEqual(self.succeed_json("search", "base.knear", "q.npy", "-k", 1)["ids"], [[3]])
        self.assertEqual(self.succeed_json("build", "base.npy", "--nan", "keep", "-o", "base.knear")["ntotal"], 6)

    def test_reads_files_packed_with_gzip(self):
        base = random_rows(20, 3)
        write_npy(self.path("base.npy"), base)
        with open(self.path("base.npy"), "rb") as plain, gzip.open(self.path("base.npy.gz"), "wb") as packed:
            packed.write(plain.read())
        self.assertEqual(self.succeed_json("build", "base.npy.gz", "-o", "base.knear")["ntotal"], 20)

    def test_writes_the_same_bytes_for_any_number_of_threads(self):
        files = set()
        for threads in (1, 3):
            self.build(100, 4, "--threads", str(threads))
            with open(self.path("base.knear"), "rb") as file:
                files.add(file.read())
        self.assertEqual(len(files), 1)


class Eval(ProgramTest):
    def test_measures_recall_speed_and_latency(self):
        self.build(200, 5)
        write_npy(self.path("q.npy"), random_rows(20, 5, seed=4))
        self.succeed("groundtruth", "base.npy", "q.npy", "-k", 10, "-o", "t.ivecs")
        found = self.succeed_json("eval", "base.knear", "q.npy", "--truth", "t.ivecs", "-k", 10)
        self.assertEqual((found["recall"], found["recall_by_distance"]), (1, 1))
        self.assertLessEqual(found["p50_ms"], found["p99_ms"])
        self.assertGreater(found["qps"], 0)
        self.assertIn("recall@10 by id", self.succeed("eval", "base.knear", "q.npy", "--truth", "t.ivecs"))

    def test_counts_the_other_of_two_equal_rows_by_distance_only(self):
        base = random_rows(10, 4)
        base[7] = base[2]
        write_npy(self.path("base.npy"), base)
        write_npy(self.path("q.npy"), base[2:3])
        write_npy(self.path("t.npy"), [[7]], "<i8")
        self.succeed("build", "base.npy", "-o", "base.knear")
        found = self.succeed_json("eval", "base.knear", "q.npy", "--truth", "t.npy", "-k", 1)
        self.assertEqual((found["recall"], found["recall_by_distance"]), (0, 1))

    def test_counts_missing_neighbours(self):
        base = self.build(50, 4)
        write_npy(self.path("q.npy"), base[:2])
        truth = [[i for _, i in nearest(q, base, 4)] for q in base[:2]]
        truth[1][3] = nearest(base[1], base, 50)[49][1]  # the farthest of all
        write_npy(self.path("t.npy"), truth, "<i8")
        found = self.succeed_json("eval", "base.knear", "q.npy", "--truth", "t.npy", "-k", 4)
        self.assertEqual(found["recall"], 7 / 8)


class Groundtruth(ProgramTest):
    def test_agrees_with_the_slow_way(self):
        base = random_rows(150, 4)
        queries = random_rows(12, 4, seed=5)
        write_fvecs(self.path("base.fvecs"), base)
        write_npy(self.path("q.npy"), queries)
        told = self.succeed_json("groundtruth", "base.fvecs", "q.npy", "-k", 9, "-o", "t.ivecs", "--distances", "d.fvecs")
        truth = [nearest(query, base, 9) for query in queries]
        self.assertEqual(read_vecs(self.path("t.ivecs"), "i"), [[i for _, i in row] for row in truth])
        self.assertEqual(read_vecs(self.path("d.fvecs"), "f"), [[d for d, _ in row] for row in truth])
        self.assertEqual((told["queries"], told["k"], told["ntotal"]), (12, 9, 150))


class Codes(ProgramTest):
    def test_encodes_and_decodes(self):
        rows = self.build(60, 4, "--index", "SQ8_direct_signed")
        told = self.succeed_json("encode", "base.npy", "base.knear", "-o", "codes.npy")
        self.assertEqual((told["rows"], told["output"]), (60, "codes.npy"))
        self.assertEqual(os.path.getsize(self.path("codes.npy")), 128 + 60 * 4)
        self.succeed("decode", "codes.npy", "base.knear", "-o", "again.fvecs")
        self.assertEqual(read_vecs(self.path("again.fvecs"), "f"), rows)

    def test_refuses_codes_of_another_size(self):
        self.build(60, 4)
        self.assertIn("16 of uint8", self.fail(BAD_DATA, "decode", "base.npy", "base.knear", "-o", "x.npy"))
        self.fail(BAD_DATA, "encode", "base.npy", "nothing.knear", "-o", "x.npy")


class Refined(ProgramTest):
    def test_more_candidates_make_better_results(self):
        base = self.build(300, 8, "--index", "PQ2x4,RFlat,k_factor=1")
        found = self.succeed_json("search", "base.knear", "base.npy", "-k", "1", "--k-factor", "300")
        self.assertEqual(found["ids"], [[nearest(row, base, 1)[0][1]] for row in base])
        fewer = self.succeed_json("search", "base.knear", "base.npy", "-k", "1")
        self.assertNotEqual(fewer["ids"], found["ids"])

    def test_a_factor_for_nothing_is_an_error(self):
        self.build(60, 4)
        self.assertIn("rank again", self.fail(BAD_DATA, "search", "base.knear", "base.npy", "--k-factor", "2"))
        for wrong in ("0", "-1", "x", "nan"):
            self.fail(USAGE, "search", "base.knear", "base.npy", "--k-factor", wrong)


@unittest.skipIf(SANITIZED, "sanitizers keep what is freed")
class Memory(ProgramTest):
    def test_building_from_a_file_takes_no_memory_for_its_rows(self):
        peaks = []
        for rows in (1_000_000, 3_000_000):
            self.succeed("generate", "base.fbin", "--rows", rows, "--dim", "32", "-q")
            told = self.succeed_json("build", "base.fbin", "--index", "PCA16,PQ4x4fs", "-o", "base.knear",
                                     "--train-rows", "20000", "-q")
            peaks.append(told["peak_memory_bytes"])
            self.succeed("encode", "base.fbin", "base.knear", "-o", "codes.npy", "-q")
            os.remove(self.path("base.fbin"))
        # 2,000,000 rows more: 256 MB in the file, 4 MB of codes, which may be held twice while they grow.
        grown = peaks[1] - peaks[0]
        self.assertLess(grown, 60e6, peaks)


class InfoAndVerify(ProgramTest):
    def test_info_names_the_stages(self):
        self.build(300, 8, "--index", "PCA4,PQ2x4fs,RFlat,k_factor=3")
        told = self.succeed_json("info", "base.knear")["stages"]
        self.assertEqual(told["transforms"], ["PCA4"])
        self.assertEqual((told["codec"], told["code_bytes"], told["k_factor"]), ("PQ2x4fs", 1, 3))
        self.assertEqual(told["refine"], {"transforms": [], "codec": "Flat", "code_bytes": 32})
        text = self.succeed("info", "base.knear")
        for words in ("PCA4", "PQ2x4fs, 1 bytes a vector", "3 candidates", "Flat, 32 bytes a vector"):
            self.assertIn(words, text)

    def test_info_tells_what_an_index_is(self):
        self.build()
        told = self.succeed_json("info", "base.knear", "--sections")
        self.assertEqual((told["ntotal"], told["dim"], told["metric"], told["spec"]), (60, 4, "l2", "Flat"))
        self.assertGreater(len(told["sections"]), 0)
        self.assertIn("section", self.succeed("info", "base.knear", "--sections"))

    def test_info_tells_the_shape_of_vectors(self):
        self.build()
        told = self.succeed_json("info", "base.npy")
        self.assertEqual((told["rows"], told["dim"], told["dtype"]), (60, 4, "float32"))

    def test_verify_says_yes_or_no(self):
        self.build(5000, 16)
        self.assertEqual(self.succeed_json("verify", "base.knear"),
                         {"file": "base.knear", "file_bytes": os.path.getsize(self.path("base.knear")), "ok": True,
                          "problems": []})
        with open(self.path("base.knear"), "r+b") as file:
            file.seek(os.path.getsize(self.path("base.knear")) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        done = self.knear("verify", "base.knear", "--json")
        self.assertEqual((done.returncode, done.stderr), (NO, ""))
        told = json.loads(done.stdout)
        self.assertFalse(told["ok"])
        self.assertGreater(len(told["problems"]), 0)


class Convert(ProgramTest):
    def test_goes_round_through_every_format(self):
        rows = random_rows(25, 3)
        write_npy(self.path("a.npy"), rows)
        for before, after in (("a.npy", "b.fvecs"), ("b.fvecs", "c.fbin"), ("c.fbin", "d.npy")):
            self.succeed("convert", before, after)
        with open(self.path("a.npy"), "rb") as a, open(self.path("d.npy"), "rb") as d:
            data = 25 * 3 * 4
            self.assertEqual(a.read()[-data:], d.read()[-data:])

    def test_cuts_out_rows(self):
        rows = random_rows(25, 3)
        write_npy(self.path("a.npy"), rows)
        for asked, expected in (("5:9", rows[5:9]), (":2", rows[:2]), ("20:", rows[20:]), ("4:4", [])):
            self.assertEqual(self.succeed_json("convert", "a.npy", "b.fvecs", "--rows", asked)["rows"], len(expected))
            self.assertEqual(read_vecs(self.path("b.fvecs"), "f"), expected)

    def test_changes_the_element_type_and_tells_the_loss(self):
        write_npy(self.path("a.npy"), [[1.0, 2.25, 300.0]])
        told = self.succeed_json("convert", "a.npy", "b.npy", "--dtype", "uint8")
        self.assertEqual((told["dtype"], told["largest_change"]), ("uint8", 45))
        self.succeed("convert", "b.npy", "c.fvecs")
        self.assertEqual(read_vecs(self.path("c.fvecs"), "f"), [[1, 2, 255]])

    def test_reads_float64(self):
        write_npy(self.path("a.npy"), [[0.5, -1.5]], "<f8")
        self.succeed("convert", "a.npy", "b.fvecs")
        self.assertEqual(read_vecs(self.path("b.fvecs"), "f"), [[0.5, -1.5]])

    def test_carries_ids(self):
        write_npy(self.path("a.npy"), [[1, 2], [3, 4], [5, 6]], "<i8")
        self.succeed("convert", "a.npy", "b.ibin", "--rows", "1:3")
        self.succeed("convert", "b.ibin", "c.ivecs")
        self.assertEqual(read_vecs(self.path("c.ivecs"), "i"), [[3, 4], [5, 6]])


class Generate(ProgramTest):
    def test_makes_the_same_rows_in_parts(self):
        self.succeed("generate", "all.fvecs", "--rows", 20, "--dim", 6)
        self.succeed("generate", "end.fvecs", "--rows", 5, "--dim", 6, "--first-row", 15)
        rows = read_vecs(self.path("all.fvecs"), "f")
        self.assertEqual(read_vecs(self.path("end.fvecs"), "f"), rows[15:])


class Kmeans(ProgramTest):
    def test_finds_clear_clusters(self):
        rows = [[100.0 * (i % 3) + i % 2, -50.0 * (i % 3)] for i in range(300)]
        write_fvecs(self.path("rows.fvecs"), rows)
        told = self.succeed_json("kmeans", "rows.fvecs", "-k", 3, "--nredo", 5, "-o", "c.fvecs", "--assign", "a.ivecs")
        centroids = read_vecs(self.path("c.fvecs"), "f")
        self.assertEqual(sorted(centroids), [[0.5, 0.0], [100.5, -50.0], [200.5, -100.0]])
        cells = read_vecs(self.path("a.ivecs"), "i")
        self.assertEqual(cells, [[nearest(row, centroids, 1)[0][1]] for row in rows])
        self.assertEqual((told["ntotal"], told["k"], told["warnings"]), (300, 3, []))
        self.assertGreaterEqual(told["objective"], 75)  # of the last centroids but one
        self.assertIn("objective", self.succeed("kmeans", "rows.fvecs", "-k", 3, "-o", "c.fvecs"))

    def test_takes_its_options(self):
        write_npy(self.path("rows.npy"), random_rows(400, 3))
        common = ("kmeans", "rows.npy", "-k", 10, "-o", "c.fvecs")
        self.succeed(*common, "--balance", 1, "--assign", "a.ivecs")
        cells = [row[0] for row in read_vecs(self.path("a.ivecs"), "i")]
        self.assertEqual([cells.count(c) for c in range(10)], [40] * 10)
        self.succeed(*common, "--spherical", "--init", "k-means++", "--max-points-per-centroid", 20, "--seed", 7)
        for row in read_vecs(self.path("c.fvecs"), "f"):
            self.assertAlmostEqual(sum(x * x for x in row), 1, 5)
        self.assertEqual(self.succeed_json(*common, "--niter", 2)["iterations"], 2)
        self.assertLess(self.succeed_json(*common, "--early-stop", 0.5)["iterations"], 4)
        self.succeed(*common, "--two-level")
        self.assertEqual(len(read_vecs(self.path("c.fvecs"), "f")), 10)

    def test_does_not_depend_on_threads(self):
        write_npy(self.path("rows.npy"), random_rows(3000, 4))
        for threads in (1, 3):
            self.succeed("kmeans", "rows.npy", "-k", 20, "-o", f"{threads}.fvecs", "--threads", threads)
        self.assertEqual(read_vecs(self.path("1.fvecs"), "f"), read_vecs(self.path("3.fvecs"), "f"))

    def test_says_what_does_not_fit(self):
        write_npy(self.path("rows.npy"), random_rows(5, 3))
        self.assertIn("5", self.fail(BAD_DATA, "kmeans", "rows.npy", "-k", 6, "-o", "c.fvecs"))
        self.assertIn("k-means++", self.fail(USAGE, "kmeans", "rows.npy", "-k", 2, "-o", "c.fvecs", "--init", "best"))
        self.assertFalse(os.path.exists(self.path("c.fvecs")))


class Help(ProgramTest):
    def test_every_command_has_examples(self):
        overview = self.succeed("--help")
        for command in ("build", "search", "eval", "groundtruth", "info", "verify", "convert", "kmeans", "generate"):
            self.assertIn(command, overview)
            text = self.succeed(command, "--help")
            self.assertIn(f"knear {command} ", text)
            self.assertIn("Examples:", text)
            self.assertIn("--json", text)

    def test_version_names_compiler_and_instruction_set(self):
        told = json.loads(self.succeed("--version", "--json"))
        self.assertEqual(sorted(told), ["compiler", "cpu_level", "version"])
        self.assertIn(told["cpu_level"], self.succeed("--version"))


if __name__ == "__main__":
    unittest.main()
