"""filter=: every form that a set of ids may have."""

import numpy as np
import pytest

import knear

from conftest import nearest

ALLOWED = [5, 17, 18, 60, 99]

FORMS = {
    "list": ALLOWED,
    "tuple": tuple(ALLOWED),
    "set": set(ALLOWED),
    "ids": np.array(ALLOWED),
    "narrow ids": np.array(ALLOWED, "uint8"),
    "strided ids": np.repeat(ALLOWED, 3)[::3],
    "mask": np.isin(np.arange(100), ALLOWED),
    "list of bools": [i in ALLOWED for i in range(100)],
    "list of numpy ids": list(np.array(ALLOWED)),
    "list of numpy bools": list(np.isin(np.arange(100), ALLOWED)),
    "callable": lambda id: id in ALLOWED,
    "IDSelectorArray": knear.IDSelectorArray(ALLOWED),
    "IDSelectorBatch": knear.IDSelectorBatch(np.array(ALLOWED)),
    "IDSelectorBitmap": knear.IDSelectorBitmap(np.packbits(np.isin(np.arange(100), ALLOWED), bitorder="little")),
    "Not": knear.IDSelectorNot(knear.IDSelectorBatch([i for i in range(100) if i not in ALLOWED])),
    "And": knear.IDSelectorAnd(knear.IDSelectorArray([1, *ALLOWED]), knear.IDSelectorArray([2, *ALLOWED])),
    "Or": knear.IDSelectorOr(knear.IDSelectorArray(ALLOWED[:2]), knear.IDSelectorArray(ALLOWED[2:])),
    "XOr": knear.IDSelectorXOr(knear.IDSelectorArray([7, *ALLOWED]), knear.IDSelectorArray([7])),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_filter_gives_the_allowed_rows(index, rows, rng, form):
    queries = rng.random((6, 8), dtype="float32")
    want = np.array(ALLOWED)[nearest(queries, rows[ALLOWED], 5)]
    assert index.search(queries, 5, filter=FORMS[form])[1].tolist() == want.tolist()
    params = knear.SearchParameters(sel=FORMS[form])
    assert index.search(queries, 5, params=params)[1].tolist() == want.tolist()
    lims, _, I = index.range_search(queries, 1e9, filter=FORMS[form])
    assert I.reshape(6, 5).tolist() == want.tolist()


def test_ranges_are_filters(index, rows):
    for form in (range(20, 30), knear.IDSelectorRange(20, 30)):
        I = index.search(rows[:3], 12, filter=form)[1]
        assert sorted(I[0][:10].tolist()) == list(range(20, 30)) and I[0][10:].tolist() == [-1, -1]
    I = index.search(rows[:1], 10, filter=range(20, 40, 2))[1]
    assert sorted(I[0].tolist()) == list(range(20, 40, 2))


def test_many_ids_far_and_near(rng):
    x = rng.random((3000, 2), dtype="float32")
    near, far = knear.IndexFlatL2(2), knear.IndexFlatL2(2)
    near.add(x)
    far.add(x, ids=np.arange(3000) * 10**12 - 5)
    chosen = rng.permutation(3000)[:900]
    want = chosen[nearest(x[:4], x[chosen], 3)]
    assert near.search(x[:4], 3, filter=chosen)[1].tolist() == want.tolist()
    assert far.search(x[:4], 3, filter=chosen * 10**12 - 5)[1].tolist() == (want * 10**12 - 5).tolist()


def test_a_mask_speaks_of_rows_not_of_ids(rows):
    index = knear.IndexFlatL2(8)
    index.add(rows[:4], ids=[40, 30, 20, 10])
    I = index.search(rows[:4], 2, filter=np.array([True, False, False, True]))[1]
    assert set(I.ravel().tolist()) == {40, 10}


def test_each_query_may_have_its_own_filter(index, rows):
    filters = [None, [50], np.arange(100) > 97, lambda id: id == 3, knear.IDSelectorAll()]
    I = index.search(rows[:5], 1, filter=filters)[1]
    assert I.ravel().tolist()[:2] == [0, 50] and I[2, 0] in (98, 99) and I[3:].ravel().tolist() == [3, 4]


def test_an_empty_filter_allows_nothing(index, rows):
    for nothing in ([], np.array([], int), np.zeros(100, bool), set()):
        assert (index.search(rows[:2], 3, filter=nothing)[1] == -1).all()


def test_selectors_answer_and_combine():
    even = knear.IDSelectorBatch(range(0, 100, 2))
    low = knear.IDSelectorRange(0, 10)
    assert 4 in even and 5 not in even and even.is_member(4)
    assert 5 in ~even and 4 in (even & low) and 12 not in (even & low)
    assert 3 in (even | low) and 4 not in (even ^ low)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (np.ones(99, bool), ValueError, "100 rows, not 99"),
        ([True] * 3, ValueError, "100 rows, not 3"),
        ([None], ValueError, "2 queries, not 1"),
        (np.ones((2, 100), bool), (TypeError, ValueError), "."),
        (np.ones(100), TypeError, "float64"),
        ("abc", TypeError, "filter"),
        (7, TypeError, "filter"),
        ([1.5, 2.5], TypeError, "."),
    ],
)
def test_what_is_no_filter_is_refused(index, rows, bad, error, says):
    with pytest.raises(error, match=says):
        index.search(rows[:2], 1, filter=bad)


def test_two_spellings_at_once_are_refused(index, rows):
    with pytest.raises(ValueError, match="not both"):
        index.search(rows[:2], 1, filter=[1], params=knear.SearchParameters(sel=[1]))
    with pytest.raises(TypeError, match="SearchParameters"):
        index.search(rows[:2], 1, params={"sel": [1]})


def test_an_exception_of_a_filter_comes_home(index, rows):
    def broken(id):
        raise LookupError(f"no row {id}")

    with pytest.raises(LookupError, match="no row"):
        index.search(rows, 3, filter=broken)
    assert len(index.search(rows, 3)[1]) == 100


def test_selectors_outlive_what_they_were_made_of(index, rows):
    ids = np.arange(0, 100, 2)
    sel = knear.IDSelectorNot(knear.IDSelectorBatch(ids))
    ids[:] = 1
    del ids
    params = knear.SearchParameters(sel=sel)
    del sel
    assert (index.search(rows, 10, params=params)[1] % 2 == 1).all()


@pytest.mark.parametrize("bits", [np.ones(3, bool), np.ones(3, "int64"), np.ones((2, 2), "uint8"), None])
def test_bitmaps_are_bytes(bits):
    with pytest.raises((TypeError, ValueError)):
        knear.IDSelectorBitmap(bits)
