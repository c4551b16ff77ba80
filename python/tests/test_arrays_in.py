"""What may be handed in as vectors, and what is read without a copy."""

import array

import numpy as np
import pytest

import knear
from knear._knear import _borrows

from conftest import nearest

WHOLE = np.arange(60).reshape(10, 6) % 17


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8"])
def test_row_types_are_borrowed(dtype):
    x = WHOLE.astype(dtype)
    assert _borrows(x)
    index = knear.IndexFlatL2(6)
    index.add(x)
    assert index.get(range(10)).tolist() == WHOLE.tolist()


OTHERS = ["float64", "int16", "int32", "int64", "uint16", "uint32", "uint64", ">f4", "longdouble"]


@pytest.mark.parametrize("dtype", OTHERS)
def test_other_numbers_are_copied_to_float32(dtype):
    x = WHOLE.astype(dtype)
    assert not _borrows(x)
    index = knear.IndexFlatL2(6)
    index.add(x)
    assert index.get(range(10)).tolist() == WHOLE.tolist()


def test_bfloat16_of_ml_dtypes_is_borrowed():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = WHOLE.astype(ml_dtypes.bfloat16)
    assert _borrows(x)
    index = knear.IndexFlatL2(6)
    index.add(x)
    assert index.get(range(10)).tolist() == WHOLE.tolist()


LAYOUTS = {
    "every other row": (lambda x: x[::2], True),
    "backwards": (lambda x: x[::-1], True),
    "a window": (lambda x: x[2:7, 1:4], True),
    "one row many times": (lambda x: np.broadcast_to(x[3], (5, 6)), True),
    "one column": (lambda x: x[:, 2:3], True),
    "every other column": (lambda x: x[:, ::2], False),
    "columns backwards": (lambda x: x[:, ::-1], False),
    "Fortran order": (np.asfortranarray, False),
    "transposed": (lambda x: x.T, False),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_gives_its_values(layout, dtype):
    view, borrowed = LAYOUTS[layout]
    x = view(WHOLE.astype(dtype))
    assert _borrows(x) is (borrowed and dtype != "float64")
    index = knear.IndexFlatL2(x.shape[1])
    index.add(x)
    assert index.get(range(len(x))).tolist() == x.tolist()


def test_unaligned_rows_are_copied():
    record = np.zeros(4, dtype=np.dtype([("tag", "u1"), ("v", "f4", 6)]))
    record["v"] = WHOLE[:4]
    index = knear.IndexFlatL2(6)
    index.add(record["v"])
    assert index.get(range(4)).tolist() == WHOLE[:4].tolist()


def test_lists_tuples_and_lists_of_arrays_are_rows():
    for x in ([[1, 2.5], [3, 4]], ((1, 2.5), (3, 4)), [np.array([1, 2.5]), np.array([3, 4])]):
        index = knear.IndexFlatL2(2)
        index.add(x)
        assert index.get([0, 1]).tolist() == [[1, 2.5], [3, 4]]


def test_buffers_and_capsules_are_rows():
    flat = array.array("f", range(6))
    view = memoryview(flat).cast("B").cast("f", (2, 3))
    for x in (view, np.asarray(view).__dlpack__()):
        index = knear.IndexFlatL2(3)
        index.add(x)
        assert index.get([0, 1]).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_object_with_array_is_rows():
    class Frame:
        def __array__(self, dtype=None, copy=None):
            return WHOLE.astype("float64")

    index = knear.IndexFlatL2(6)
    index.add(Frame())
    assert index.get(range(10)).tolist() == WHOLE.tolist()


def test_a_read_only_memmap_is_searched_where_it_lies(tmp_path, rng):
    base = rng.random((50, 4), dtype="float32")
    np.save(tmp_path / "base.npy", base)
    mapped = np.load(tmp_path / "base.npy", mmap_mode="r")
    assert not mapped.flags.writeable and not mapped.flags.owndata
    assert _borrows(mapped) and _borrows(mapped[5:40:3])
    D, I = knear.knn(mapped[:3], mapped, 4)
    assert I.tolist() == nearest(base[:3], base, 4).tolist()


def test_every_stored_type_finds_what_was_added(rng):
    x = rng.integers(-100, 100, (40, 5))
    for dtype in ("float32", "float16", "bfloat16", "int8"):
        index = knear.IndexFlat(5, dtype=dtype)
        index.add(x)
        assert index.dtype == dtype
        assert index.search(x, 1)[1].ravel().tolist() == nearest(x, x, 1).ravel().tolist()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 6), dtype=bool),
        np.zeros((2, 6), dtype="complex64"),
        np.zeros((2, 6), dtype=object),
        np.full((2, 6), "x"),
        np.zeros((2, 6), dtype="datetime64[s]"),
        "six numbers",
        3,
        {"a": 1},
        [["a"] * 6],
        [[True] * 6],
        [[None] * 6],
    ],
    ids=lambda bad: type(bad).__name__ + str(getattr(bad, "dtype", "")),
)
def test_what_is_no_vector_is_a_type_error(bad):
    index = knear.IndexFlatL2(6)
    for call in (index.add, lambda x: index.search(x, 1), lambda x: knear.knn(x, WHOLE, 1)):
        with pytest.raises(TypeError) as caught:
            call(bad)
        assert isinstance(caught.value, knear.WrongType)
    assert len(index) == 0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.zeros(6, "float32"), r"1 with shape \(6,\); for one row use x\[None, :\]"),
        (np.zeros((1, 2, 6), "float32"), r"3 with shape \(1, 2, 6\)"),
        (np.zeros((), "float32"), "0 with shape"),
        (np.zeros((2, 5), "float32"), "5.*6|6.*5"),
        (np.zeros((2, 0), "float32"), "0.*6|6.*0"),
        ([[1, 2], [3]], "row 0 has 2 numbers, row 1 has 1"),
        ([1, 2, 3, 4, 5, 6], "list of rows"),
        (b"123456", "1 with shape"),
    ],
    ids=str,
)
def test_the_wrong_shape_is_a_value_error_that_names_it(bad, says):
    index = knear.IndexFlatL2(6)
    for call in (index.add, lambda x: index.search(x, 1)):
        with pytest.raises(ValueError, match=says) as caught:
            call(bad)
        assert isinstance(caught.value, knear.InvalidArgument)


def test_no_rows_are_fine():
    index = knear.IndexFlatL2(6)
    assert index.add(np.empty((0, 6), "float32")) == 0
    D, I = index.search(np.empty((0, 6), "float32"), 3)
    assert D.shape == I.shape == (0, 3)
