"""Files merged from parts, and built part by part; the field's program for databases larger than memory."""

import knear
import numpy as np
import pytest

DIM = 16
ROWS = 4000


@pytest.fixture()
def rows():
    return np.random.default_rng(5).normal(size=(ROWS, DIM)).astype("float32")


def trained(rows, spec="IVF32,Flat"):
    index = knear.index_factory(DIM, spec)
    index.train(rows)
    return index


def shards_of(index, rows, folder, count=4):
    paths = []
    step = len(rows) // count
    knear.write_index(index, str(folder / "trained.index"))
    for i in range(count):
        shard = knear.read_index(str(folder / "trained.index"))
        ids = np.arange(i * step, (i + 1) * step)
        shard.add_with_ids(rows[i * step : (i + 1) * step], ids)
        paths.append(str(folder / f"block_{i}.index"))
        knear.write_index(shard, paths[-1])
    return paths


@pytest.mark.parametrize("spec", ["IVF32,Flat", "IVF32,PQ4", "IVF32,PQ8x4fs", "IVF32,SQ8", "PCA8,IVF32,Flat"])
def test_the_fields_program_for_a_database_larger_than_memory(rows, tmp_path, spec):
    big = trained(rows, spec)
    paths = shards_of(big, rows, tmp_path)
    big.add(rows)
    index = knear.read_index(str(tmp_path / "trained.index"))
    knear.merge_ondisk(index, paths, str(tmp_path / "merged_index.ivfdata"))
    knear.write_index(index, str(tmp_path / "populated.index"))
    del index
    index = knear.read_index(str(tmp_path / "populated.index"))
    assert index.ntotal == ROWS
    params = knear.SearchParametersIVF(nprobe=8)
    if spec.startswith("PCA"):
        params = knear.SearchParametersPreTransform(index_params=params)
    D, I = index.search(rows[:100], 5, params=params)
    D_big, I_big = big.search(rows[:100], 5, params=params)
    np.testing.assert_array_equal(I, I_big)
    np.testing.assert_array_equal(D, D_big)


def test_the_merged_index_is_searched_from_its_file(rows, tmp_path):
    big = trained(rows)
    paths = shards_of(big, rows, tmp_path)
    index = knear.read_index(str(tmp_path / "trained.index"), mmap=False)
    assert index.stats.mapped_bytes == 0
    knear.merge_ondisk(index, paths, tmp_path / "merged")
    assert index.stats.mapped_bytes >= ROWS * DIM * 4
    assert isinstance(index, knear.IndexIVF)
    assert sum(index.list_sizes) == ROWS
    with pytest.raises(knear.WrongState, match="4000 rows"):
        knear.merge_ondisk(index, paths, tmp_path / "again")


def test_paths_to_one_path(rows, tmp_path):
    big = trained(rows)
    paths = shards_of(big, rows, tmp_path)
    assert knear.merge_ondisk(paths, tmp_path / "all") is None
    assert sorted(knear.load(tmp_path / "all").ids().tolist()) == list(range(ROWS))
    knear.merge_ondisk(paths, tmp_path / "shifted", ids="shift")
    assert max(knear.load(tmp_path / "shifted").ids()) == 1000 + 2000 + 3000 + 4000 - 1
    with pytest.raises(knear.DuplicateId, match="two of the parts"):
        knear.merge_ondisk([paths[0], paths[0]], tmp_path / "twice")
    knear.merge_ondisk([paths[0], paths[0]], tmp_path / "once", on_duplicate="replace")
    assert len(knear.load(tmp_path / "once")) == 1000
    with pytest.raises(ValueError, match="no files"):
        knear.merge_ondisk([], tmp_path / "none")
    with pytest.raises(ValueError, match="several"):
        knear.merge_ondisk(paths[0], tmp_path / "none")
    with pytest.raises(ValueError, match="ids"):
        knear.merge_ondisk(paths, tmp_path / "none", ids="move")
    with pytest.raises(OSError):
        knear.merge_ondisk([tmp_path / "nowhere"], tmp_path / "none")
    other = trained(rows[:2000])
    knear.write_index(other, tmp_path / "other")
    with pytest.raises(ValueError, match="different training"):
        knear.merge_ondisk([paths[0], tmp_path / "other"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_builder_puts_parts_away_and_merges_them(rows, tmp_path):
    big = trained(rows)
    index = trained(rows)
    with knear.FileBuilder(index, tmp_path / "built", memory=100_000) as builder:
        for first in range(0, ROWS, 500):
            assert builder.add(rows[first : first + 500]) == 500
        assert builder.parts > 0
    big.add(rows)
    built = knear.load(tmp_path / "built")
    np.testing.assert_array_equal(built.search(rows[:50], 5)[1], big.search(rows[:50], 5)[1])
    assert len(index) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["built"]


def test_a_builder_that_fails_leaves_nothing(rows, tmp_path):
    with pytest.raises(ZeroDivisionError), knear.FileBuilder(trained(rows), tmp_path / "b", memory=50_000) as builder:
        builder.add(rows)
        assert builder.parts
        raise ZeroDivisionError
    del builder
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(knear.WrongState):
        knear.FileBuilder(knear.index_factory(DIM, "IVF32,Flat"), tmp_path / "b")
    with pytest.raises(ValueError):
        knear.FileBuilder(trained(rows), tmp_path / "b", memory=-1)
    builder = knear.FileBuilder(trained(rows), tmp_path / "b", memory=50_000)
    builder.add(rows[:2000], ids=range(2000))
    builder.add(rows[:10], ids=range(10))
    with pytest.raises(knear.DuplicateId):
        builder.finish()
    with pytest.raises(ValueError, match="ids for"):
        builder.add(rows[:10], ids=[1])
