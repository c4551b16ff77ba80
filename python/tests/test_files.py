"""Files, bytes, pickles and copies."""

import copy
import pickle

import numpy as np
import pytest

import knear


def same(a, b):
    assert type(a) is type(b) and (a.spec, a.metric, a.d) == (b.spec, b.metric, b.d)
    assert a.ids().tolist() == b.ids().tolist()
    assert a.get(a.ids()).tobytes() == b.get(b.ids()).tobytes()
    return True


@pytest.mark.parametrize("mmap", [True, False])
def test_what_is_saved_is_loaded(index, tmp_path, mmap, rows):
    path = tmp_path / "rows.knear"
    index.metadata["made"] = "today"
    index.save(path)
    loaded = knear.load(path, mmap=mmap, verify=True)
    assert same(index, loaded) and dict(loaded.metadata) == {"made": "today"}
    loaded.add(rows[:2])
    assert len(loaded) == 102 and len(knear.load(str(path))) == 100


def test_the_fields_names_for_files(index, tmp_path):
    path = str(tmp_path / "rows.index")
    knear.write_index(index, path)
    assert same(index, knear.read_index(path)) and same(index, knear.read_index(path, mmap=False))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8", "uint8"])
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine", "l1", "linf"])
def test_every_kind_survives_bytes(dtype, metric, rows):
    index = knear.IndexFlat(8, metric, dtype=dtype)
    index.add((rows * 100).round(), ids=np.arange(100) * 3)
    loaded = knear.from_bytes(index.to_bytes())
    assert loaded.dtype == dtype and loaded.metric == metric
    assert loaded.get(loaded.ids()).tobytes() == index.get(index.ids()).tobytes()


def test_bytes_come_in_several_forms(index):
    array = knear.serialize_index(index)
    assert array.dtype == np.uint8 and array.tobytes() == index.to_bytes()
    for form in (array, array.tobytes(), bytearray(array), memoryview(array.tobytes())):
        assert same(index, knear.deserialize_index(form))


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_pickles_and_copies_are_independent(rows, again):
    index = knear.IndexFlatIP(8, on_duplicate="replace")
    index.add(rows)
    other = again(index)
    assert same(index, other) and other.on_duplicate == "replace"
    other.remove([0])
    assert len(index) == 100 and len(other) == 99


def test_a_class_of_the_user_survives_a_pickle(rows):
    index = Tagged(8)
    index.add(rows)
    index.tag = "mine"
    other = pickle.loads(pickle.dumps(index))
    assert type(other) is Tagged and other.tag == "mine" and len(other) == 100


class Tagged(knear.IndexFlatL2):
    pass


def test_a_file_tells_about_itself(index, tmp_path):
    path = tmp_path / "rows.knear"
    index.metadata["a"] = "b"
    index.save(path)
    info = knear.inspect(path)
    assert (info.spec, info.metric, info.dim, info.ntotal) == ("Flat", "l2", 8, 100)
    assert info.metadata == {"a": "b"} and info.file_bytes == path.stat().st_size
    assert sum(section.length for section in info.sections) <= info.file_bytes
    assert knear.verify_file(path).ok


def test_damage_is_reported_and_refused(index, tmp_path):
    path = tmp_path / "rows.knear"
    index.save(path)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"not an index" * 50):
        path.write_bytes(damaged)
        assert not knear.verify_file(path).ok
        with pytest.raises(knear.CorruptFile) as caught:
            knear.load(path)
        assert isinstance(caught.value, OSError)
        with pytest.raises(knear.CorruptFile):
            knear.from_bytes(damaged)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    path.write_bytes(flipped)
    assert not knear.verify_file(path).ok
    with pytest.raises(knear.CorruptFile):
        knear.load(path, mmap=False)


def test_a_path_that_cannot_be_is_an_os_error(index, tmp_path):
    with pytest.raises(OSError, match="nothing"):
        knear.load(tmp_path / "nothing")
    with pytest.raises(OSError):
        index.save(tmp_path / "no" / "such" / "folder")
    with pytest.raises(OSError):
        index.save(tmp_path)
    with pytest.raises(TypeError):
        index.save(3)


@pytest.mark.parametrize("bad", ["text", 3, None, np.zeros(8), np.zeros((2, 8), "uint8")], ids=repr)
def test_what_is_no_bytes_is_a_type_error(bad):
    with pytest.raises(TypeError):
        knear.from_bytes(bad)


@pytest.mark.parametrize("name", ["x.npy", "x.fvecs", "x.fbin"])
def test_vector_files_round_trip(tmp_path, rows, name):
    knear.write_vectors(tmp_path / name, rows)
    assert knear.read_vectors(tmp_path / name).tobytes() == rows.tobytes()
    file = knear.open_vectors(tmp_path / name)
    assert (file.shape, file.rows, file.dim, file.dtype, len(file)) == ((100, 8), 100, 8, "float32", 100)
    first = file[:30]
    assert file.read(30, 5).tolist() == rows[30:35].tolist() and first.tolist() == rows[:30].tolist()
    assert file[95:200].shape == (5, 8)
    with pytest.raises(ValueError, match="90 to 120"):
        file.read(90, 30)
    with pytest.raises(ValueError, match="steps"):
        file[::2]


def test_vector_files_of_bytes(tmp_path):
    x = np.arange(24, dtype="uint8").reshape(4, 6)
    for name in ("x.npy", "x.bvecs", "x.u8bin"):
        knear.write_vectors(tmp_path / name, x)
        read = knear.read_vectors(tmp_path / name)
        assert read.dtype == np.uint8 and read.tolist() == x.tolist()
    with pytest.raises(TypeError):
        knear.write_vectors(tmp_path / "x.fvecs", x)


def test_id_files_are_read(tmp_path):
    ids = np.arange(12, dtype="int32").reshape(3, 4)
    np.save(tmp_path / "ids.npy", ids)
    read = knear.read_ids(tmp_path / "ids.npy")
    assert read.dtype == np.int64 and read.tolist() == ids.tolist()
