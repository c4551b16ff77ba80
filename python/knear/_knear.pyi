"""The compiled part of knear; import knear instead."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import knear._metadata
import knear.typing


class Progress:
    """
    Where a long call stands; a progress function receives one ten times a second.
    """

    @property
    def phase(self) -> str:
        """What is going on: "add", "search", "read", ..."""

    @property
    def done(self) -> int:
        """Rows or queries done."""

    @property
    def total(self) -> int | None:
        """Rows or queries in all; None when unknown."""

    @property
    def rate(self) -> float:
        """Rows or queries per second since the start."""

    @property
    def eta(self) -> float | None:
        """Seconds left at that rate; None when unknown."""

    def __repr__(self) -> str: ...

class SearchStats:
    """What one search did, summed over its queries."""

    @property
    def queries(self) -> int:
        """Queries searched."""

    @property
    def rows_scored(self) -> int:
        """Pairs of query and stored row that were looked at."""

    @property
    def bytes_scored(self) -> int:
        """Bytes of their codes."""

    @property
    def rows_reranked(self) -> int:
        """Of these, pairs ranked by the exact float64 distance."""

    @property
    def lists_visited(self) -> int:
        """Pairs of query and cell, of indexes with cells."""

    @property
    def coarse_seconds(self) -> float:
        """Of the wall time, what it took to choose cells."""

    @property
    def scan_seconds(self) -> float:
        """Of the wall time, what it took to look into lists."""

    @property
    def seconds(self) -> float:
        """Wall time in seconds."""

    def __repr__(self) -> str: ...

class IndexStats:
    """The size of an index."""

    @property
    def ntotal(self) -> int:
        """Live vectors."""

    @property
    def distinct_rows(self) -> int:
        """
        Rows that are stored, where equal ones are stored once; 0: each vector is.
        """

    @property
    def removed_slots(self) -> int:
        """Removed vectors whose space is not yet reused."""

    @property
    def code_bytes(self) -> int:
        """Bytes per vector."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of heap held, without mapped files."""

    @property
    def mapped_bytes(self) -> int:
        """Bytes of mapped files."""

    @property
    def shadow_bytes(self) -> int:
        """
        Bytes per vector of what exact searches compare first; 0: the vectors themselves.
        """

    @property
    def shadow(self) -> str:
        """What that is and how it fares, in words; empty without."""

    def __repr__(self) -> str: ...

class Capabilities:
    """Which operations have a fast path; all of them work."""

    @property
    def exact(self) -> bool:
        """Answers are provably the nearest."""

    @property
    def needs_training(self) -> bool:
        """train() comes before add()."""

    @property
    def fast_remove(self) -> bool: ...

    @property
    def fast_range_search(self) -> bool: ...

    @property
    def fast_filter(self) -> bool: ...

    @property
    def mmap(self) -> bool:
        """Searchable straight from a mapped file."""

    @property
    def keeps_rows(self) -> bool:
        """get() gives vectors as they were added, rounded to dtype at most."""

    def __repr__(self) -> str: ...

class Report:
    """The outcome of a health check."""

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""

    @property
    def problems(self) -> list[str]:
        """One sentence for each thing that is."""

    def __repr__(self) -> str: ...

class FileSection:
    """One section of an index file."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def offset(self) -> int:
        """Bytes from the start of the file."""

    @property
    def length(self) -> int:
        """Bytes."""

    def __repr__(self) -> str: ...

class FileInfo:
    """What an index file says of itself."""

    @property
    def format_version(self) -> int: ...

    @property
    def file_bytes(self) -> int: ...

    @property
    def spec(self) -> str:
        """The string that rebuilds the index."""

    @property
    def metric(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def ntotal(self) -> int:
        """Vectors."""

    @property
    def metadata(self) -> dict[str, str | bytes]:
        """The user's own facts."""

    @property
    def sections(self) -> list[FileSection]: ...

    def __repr__(self) -> str: ...

METRIC_INNER_PRODUCT: int = 0

METRIC_L2: int = 1

METRIC_L1: int = 2

METRIC_Linf: int = 3

METRIC_Lp: int = 4

METRIC_Canberra: int = 20

METRIC_BrayCurtis: int = 21

METRIC_JensenShannon: int = 22

METRIC_Jaccard: int = 23

METRIC_NaNEuclidean: int = 24

METRIC_GOWER: int = 25

METRIC_COSINE: int = 100

class IDSelector:
    """
    A set of ids: which vectors a search or a removal may touch. Base of the IDSelector classes.
    """

    def is_member(self, id: int) -> bool:
        """Is this id in the set?"""

    def __contains__(self, id: int) -> bool: ...

    def __invert__(self) -> IDSelector: ...

    def __and__(self, arg: IDSelector, /) -> IDSelector: ...

    def __or__(self, arg: IDSelector, /) -> IDSelector: ...

    def __xor__(self, arg: IDSelector, /) -> IDSelector: ...

class IDSelectorRange(IDSelector):
    """
    Ids with imin <= id < imax. `assume_sorted` is accepted and ignored: no promise is needed.
    """

    def __init__(self, imin: int, imax: int, assume_sorted: bool = False) -> None: ...

class IDSelectorArray(IDSelector):
    """These ids, few of them."""

    def __init__(self, ids: knear.typing.IdsLike) -> None: ...

class IDSelectorBatch(IDSelector):
    """These ids, any number of them."""

    def __init__(self, ids: knear.typing.IdsLike) -> None: ...

class IDSelectorBitmap(IDSelector):
    """
    Ids whose bit is set: bit id % 8 of bits[id // 8], `bits` being uint8 of any length (numpy.packbits(mask, bitorder="little")).
    """

    def __init__(self, bits: knear.typing.ArrayLike) -> None: ...

class IDSelectorAll(IDSelector):
    """Every id."""

    def __init__(self) -> None: ...

class IDSelectorNot(IDSelector):
    """The ids that are not in `sel`. Also spelled ~sel."""

    def __init__(self, sel: IDSelector) -> None: ...

class IDSelectorAnd(IDSelector):
    """The ids in both. Also spelled a & b."""

    def __init__(self, lhs: IDSelector, rhs: IDSelector) -> None: ...

class IDSelectorOr(IDSelector):
    """The ids in either. Also spelled a | b."""

    def __init__(self, lhs: IDSelector, rhs: IDSelector) -> None: ...

class IDSelectorXOr(IDSelector):
    """The ids in exactly one. Also spelled a ^ b."""

    def __init__(self, lhs: IDSelector, rhs: IDSelector) -> None: ...

class SearchParameters:
    """
    What travels with one search: index.search(x, k, params=SearchParameters(sel=...)).

    sel: any filter that `search` takes, usually an IDSelector.
    """

    def __init__(self, *, sel: knear.typing.FilterLike = None) -> None: ...

    @property
    def sel(self) -> knear.typing.FilterLike:
        """The filter, or None."""

    @sel.setter
    def sel(self, sel: knear.typing.FilterLike, /) -> None: ...

class IndexRefineSearchParameters(SearchParameters):
    """
    For IndexRefine. k_factor: candidates for each result; base_index_params: parameters of the base.
    """

    def __init__(self, *, k_factor: float | None = None, base_index_params: SearchParameters | None = None, sel: knear.typing.FilterLike = None) -> None: ...

    @property
    def k_factor(self) -> float | None:
        """
        Candidates of the base for each result; None: as many as the index says.
        """

    @k_factor.setter
    def k_factor(self, value: float | None) -> None: ...

    @property
    def base_index_params(self) -> SearchParameters | None:
        """Parameters of the base, or None."""

    @base_index_params.setter
    def base_index_params(self, value: SearchParameters | None, /) -> None: ...

class SearchParametersPreTransform(SearchParameters):
    """For IndexPreTransform. index_params: parameters of the index inside."""

    def __init__(self, *, index_params: SearchParameters | None = None, sel: knear.typing.FilterLike = None) -> None: ...

    @property
    def index_params(self) -> SearchParameters | None:
        """Parameters of the index inside, or None."""

    @index_params.setter
    def index_params(self, value: SearchParameters | None, /) -> None: ...

class SearchParametersIVF(SearchParameters):
    """
    For indexes with cells. nprobe: cells to look into; max_codes: no further cell after so many vectors; None: as
    the index says. quantizer_params must be None: cells are always the nearest ones.
    """

    def __init__(self, *, sel: knear.typing.FilterLike = None, nprobe: int | None = None, max_codes: int | None = None, quantizer_params: None = None) -> None: ...

    @property
    def nprobe(self) -> int | None:
        """Cells to look into, or None."""

    @nprobe.setter
    def nprobe(self, value: int | None) -> None: ...

    @property
    def max_codes(self) -> int | None:
        """Vectors after which no further cell is looked into, or None."""

    @max_codes.setter
    def max_codes(self, value: int | None) -> None: ...

class SearchParametersHNSW(SearchParameters):
    """
    For graphs of any kind. efSearch: how many of the nearest a walk keeps; None: as the index says.
    check_relative_distance and bounded_queue are accepted and mean nothing here.
    """

    def __init__(self, *, sel: knear.typing.FilterLike = None, efSearch: int | None = None, check_relative_distance: bool = True, bounded_queue: bool = True) -> None: ...

    @property
    def efSearch(self) -> int | None:
        """How many of the nearest a walk keeps, or None."""

    @efSearch.setter
    def efSearch(self, value: int | None) -> None: ...

    @property
    def ef_search(self) -> int | None:
        """The same."""

    @ef_search.setter
    def ef_search(self, value: int | None) -> None: ...

class SearchParametersPQ(SearchParameters):
    """
    For IndexPQ. search_type: IndexPQ.ST_PQ, ST_SDC or ST_polysemous; polysemous_ht: codes that differ from the
    query's in fewer bits are looked at; 0 is 27 of 64 bits.
    """

    def __init__(self, *, search_type: int = 0, polysemous_ht: int = 0, sel: knear.typing.FilterLike = None) -> None: ...

    @property
    def search_type(self) -> int:
        """IndexPQ.ST_PQ, ST_SDC or ST_polysemous."""

    @search_type.setter
    def search_type(self, arg: int, /) -> None: ...

    @property
    def polysemous_ht(self) -> int:
        """Codes that differ in fewer bits are looked at."""

    @polysemous_ht.setter
    def polysemous_ht(self, arg: int, /) -> None: ...

class Index:
    """
    Vectors in, nearest vectors out. knear.index() and the classes named Index... build one.

    Every call checks its arguments and raises a knear.Error that names the numbers; a call that raises leaves
    the index as it was. Searches run safely from many threads, also while others add or remove. Vectors are
    any array of shape (n, dim): numpy, torch, JAX or another DLPack or buffer object, or lists. float32,
    float16, bfloat16, int8 and uint8 with consecutive elements in each row are read where they lie; other
    numbers and layouts are copied to float32 first.
    """

    def __init__(self, spec: str, dim: int, metric: knear.typing.MetricLike = 'l2', *, dtype: str | None = None, on_duplicate: str = 'error') -> None:
        """See knear.index()."""

    def __repr__(self) -> str: ...

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles and copies by to_bytes(), together with `on_duplicate`."""

    @property
    def ntotal(self) -> int:
        """Number of vectors; also len(index)."""

    def __len__(self) -> int: ...

    @property
    def d(self) -> int:
        """Number of dimensions."""

    @property
    def dim(self) -> int:
        """Number of dimensions."""

    @property
    def spec(self) -> str:
        """The factory string that rebuilds the index empty."""

    @property
    def metric(self) -> str:
        """Name of the metric: "l2", "ip", "cosine", ..."""

    @property
    def metric_type(self) -> int:
        """The metric as a METRIC_ constant."""

    @property
    def metric_arg(self) -> float:
        """The metric's argument, e.g. p of METRIC_Lp."""

    @property
    def dtype(self) -> str:
        """
        Element type of the stored rows: "float32", "float16", "bfloat16", "int8" or "uint8".
        """

    @property
    def is_trained(self) -> bool:
        """May vectors be added?"""

    @property
    def stats(self) -> IndexStats:
        """Counters and bytes, as an IndexStats."""

    def capabilities(self) -> Capabilities:
        """Which operations are fast, as a Capabilities; all of them work."""

    def verify(self) -> Report:
        """Checks the index against itself and gives a Report."""

    @property
    def on_duplicate(self) -> str:
        """
        What add() does with an id that is there already, unless it says so itself: "error", "replace" or
        "allow". Belongs to this object: copies and pickles keep it, files do not.
        """

    @on_duplicate.setter
    def on_duplicate(self, arg: str, /) -> None: ...

    @property
    def metadata(self) -> knear._metadata.Metadata:
        """
        The user's own facts, saved with the index: a live mapping of str to str or bytes.

            >>> index = knear.IndexFlatL2(8)
            >>> index.metadata["model"] = "resnet50"
            >>> dict(index.metadata)
            {'model': 'resnet50'}
        """

    def _metadata(self) -> dict[str, str | bytes]: ...

    def _set_metadata(self, values: dict[str, str | bytes]) -> None: ...

    def train(self, x: knear.typing.ArrayLike, *, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> None:
        """
        Learns from rows x of shape (n, dim) what the index needs: ranges, centroids, rotations. An exact index needs
        nothing. An index with vectors is trained again only after clear(). Raises InvalidArgument when the rows are
        too few.
        """

    def add(self, x: knear.typing.ArrayLike, ids: knear.typing.IdsLike | None = None, *, on_duplicate: str | None = None, nan_policy: str = 'reject', progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> int:
        """
        Adds rows x of shape (n, dim); gives how many were stored.

        ids: n integers, any but -1; without them the rows get the largest id so far plus 1, 2, ...
        on_duplicate: for an id that is there already "error", "replace" or "allow"; the index's own when not said.
        nan_policy: for rows that hold NaN or infinity "reject" (an error), "skip" or "keep" (stored but never found; an error
            with a codec that would round them to codes of other rows).
        progress: True for a bar, or a callable that takes a Progress and may return False to stop.
        Raises DuplicateId, InvalidArgument (ValueErrors), WrongType (a TypeError); the index is then as it was.

            >>> index = knear.IndexFlatL2(2)
            >>> index.add([[0.0, 1.0], [2.0, 3.0]], ids=[10, 20])
            2
            >>> 20 in index
            True
        """

    def add_with_ids(self, x: knear.typing.ArrayLike, ids: knear.typing.IdsLike) -> None:
        """The field's name for add(x, ids)."""

    def update(self, ids: knear.typing.IdsLike, x: knear.typing.ArrayLike, *, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> None:
        """
        Puts the rows x of shape (n, dim) in the place of those with the given n ids. Raises NotFound when one is
        not there; nothing is changed then.
        """

    def ids(self) -> knear.typing.IdArray:
        """
        The ids of all vectors, int64 of shape (ntotal,), in the order they are stored.
        """

    def __contains__(self, id: object) -> bool:
        """Is there a vector with this id?"""

    def get(self, ids: knear.typing.IdsLike) -> knear.typing.FloatArray:
        """
        The vectors of n ids as float32 of shape (n, dim), or of one id as shape (dim,).

        Raises NotFound (a KeyError) that names the first id which is not there.

            >>> index = knear.IndexFlatL2(2)
            >>> index.add([[0.0, 1.0], [2.0, 3.0]])
            2
            >>> index.get([1, 0]).tolist()
            [[2.0, 3.0], [0.0, 1.0]]
        """

    def reconstruct(self, key: int, x: knear.typing.ArrayLike | None = None) -> knear.typing.FloatArray:
        """The vector of one id, float32 of shape (dim,); into x when given."""

    def reconstruct_batch(self, keys: knear.typing.IdsLike) -> knear.typing.FloatArray:
        """The field's name for get(keys)."""

    def reconstruct_n(self, n0: int = 0, ni: int = -1) -> knear.typing.FloatArray:
        """
        ni vectors (-1: all the rest) from the n0-th on, in the order of ids(): float32 of shape (ni, dim).
        """

    def remove(self, ids: knear.typing.FilterLike) -> int:
        """
        Removes the vectors of these ids and gives how many went; ids that are not there are ignored.

        ids: integers, an IDSelector, a callable, or bools, one for each of index.ids(). The other ids stay as they are.

            >>> index = knear.IndexFlatL2(1)
            >>> index.add([[5], [6], [7]])
            3
            >>> index.remove([0, 99])
            1
            >>> index.ids().tolist()
            [1, 2]
        """

    def remove_ids(self, sel: knear.typing.FilterLike) -> int:
        """The field's name for remove(sel)."""

    def reset(self) -> None:
        """Removes all vectors."""

    def clear(self) -> None:
        """Removes all vectors."""

    def merge(self, other: Index, *, ids: str = 'keep', on_duplicate: str | None = None, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> None:
        """
        Adds all vectors of another index, which stays as it was.

        ids: "keep" them (a clash follows on_duplicate) or "shift" them past this index's largest id.
        """

    def merge_from(self, other: Index, add_id: int = 0) -> None:
        """
        The field's name for merge(other, ids="shift"). Unlike there, `other` keeps its vectors.
        """

    @overload
    def search(self, x: knear.typing.NumpyLike, k: int, *, return_stats: Literal[False] = False, filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, k_factor: float | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None, D: knear.typing.AnyArray | None = None, I: knear.typing.AnyArray | None = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray]:
        """
        The k nearest vectors of each row of x, shape (nq, dim), as (D, I), nearest first.

        D: float32 of shape (nq, k), the metric's own values: squared distances under l2, similarities under ip and cosine.
        I: int64 of shape (nq, k), the ids; where fewer than k are found, -1 with the largest float (for similarities the
        lowest) in D. Both are numpy arrays, or torch or JAX arrays when x is one. Equal distances come in ascending id.

        filter: which ids may be found: integers, bools (one for each of index.ids()), an IDSelector, a callable that takes
        an id and gives a bool, or a list with one of these or None for each query.
        num_threads: for this call; 0 or None is the process-wide default.
        timeout: seconds, after which Timeout (a TimeoutError) is raised.
        progress: True for a bar, or a callable that takes a Progress and may return False to stop.
        params: SearchParameters(sel=...), the field's spelling of filter; SearchParametersIVF(nprobe=...),
        SearchParametersHNSW(efSearch=...), IndexRefineSearchParameters(k_factor=...) and SearchParametersPQ(search_type=...)
        carry more.
        return_stats: a third result, SearchStats.
        k_factor: of an index that ranks again: candidates for each result; the index's own when not said.
        nprobe, max_codes: of an index with cells: how many it looks into, and after how many vectors no further one; the
        index's own nprobe, and no limit, when not said.
        ef_search: of a graph: how many of the nearest a walk keeps; the index's own when not said.
        D, I: packed arrays of the result's shape and type to fill instead of new ones.
        Raises InvalidArgument (a ValueError) for shapes and k that do not fit, WrongType (a TypeError) for element types
        that are no numbers. A query that holds NaN finds nothing.

            >>> index = knear.IndexFlatL2(2)
            >>> index.add([[0, 0], [3, 4], [6, 8]])
            3
            >>> D, I = index.search([[0, 0]], 2)
            >>> D.tolist(), I.tolist()
            ([[0.0, 25.0]], [[0, 1]])
            >>> index.search([[0, 0]], 1, filter=[1, 2])[1].tolist()
            [[1]]
        """

    @overload
    def search(self, x: knear.typing.NumpyLike, k: int, *, return_stats: Literal[True], filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, k_factor: float | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None, D: knear.typing.AnyArray | None = None, I: knear.typing.AnyArray | None = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray, SearchStats]: ...

    @overload
    def search(self, x: knear.typing.ArrayLike, k: int, *, return_stats: Literal[False] = False, filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, k_factor: float | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None, D: knear.typing.AnyArray | None = None, I: knear.typing.AnyArray | None = None) -> tuple[Any, Any]: ...

    @overload
    def search(self, x: knear.typing.ArrayLike, k: int, *, return_stats: Literal[True], filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, k_factor: float | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None, D: knear.typing.AnyArray | None = None, I: knear.typing.AnyArray | None = None) -> tuple[Any, Any, SearchStats]: ...

    def assign(self, x: knear.typing.ArrayLike, k: int = 1, labels: knear.typing.AnyArray | None = None) -> knear.typing.IdArray:
        """
        The ids that search(x, k) finds, without their distances: int64 of shape (nq, k).
        """

    @overload
    def range_search(self, x: knear.typing.NumpyLike, thresh: float, *, filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None) -> tuple[knear.typing.IdArray, knear.typing.FloatArray, knear.typing.IdArray]:
        """
        All vectors strictly closer than `thresh` to each row of x, shape (nq, dim), as (lims, D, I).

        thresh is in the metric's own value: a squared distance under l2; under similarities, results are larger. The results
        of query i, nearest first, are D[lims[i]:lims[i + 1]] (float32) and I[lims[i]:lims[i + 1]] (int64); lims is int64 of
        shape (nq + 1,). The other arguments are those of search().

            >>> index = knear.IndexFlatL2(1)
            >>> index.add([[0], [1], [5]])
            3
            >>> lims, D, I = index.range_search([[0], [5]], 2.0)
            >>> lims.tolist(), D.tolist(), I.tolist()
            ([0, 2, 3], [0.0, 1.0, 0.0], [0, 1, 2])
        """

    @overload
    def range_search(self, x: knear.typing.ArrayLike, thresh: float, *, filter: knear.typing.FilterLike = None, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None, params: SearchParameters | None = None, nprobe: int | None = None, max_codes: int | None = None, ef_search: int | None = None) -> tuple[Any, Any, Any]: ...

    def search_and_reconstruct(self, x: knear.typing.ArrayLike, k: int, *, params: SearchParameters | None = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray, knear.typing.FloatArray]:
        """
        search(x, k) and the vectors found: (D, I, R), R being float32 of shape (nq, k, dim), NaN where there is none.
        """

    def save(self, path: knear.typing.PathLike, *, progress: knear.typing.ProgressLike | None = None) -> None:
        """
        Writes the index to one file. Killed at any moment, the old file or the new one is there.
        Raises IoFailure or Conflict (OSErrors).
        """

    def to_bytes(self) -> bytes:
        """What save() would write, as bytes."""

    @property
    def code_size(self) -> int:
        """Bytes of one stored code."""

    def sa_code_size(self) -> int:
        """
        Bytes of one code of sa_encode(): with the cell's number where there are cells.
        """

    def sa_encode(self, x: knear.typing.ArrayLike, *, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> knear.typing.ByteArray:
        """
        The codes of rows x of shape (n, dim), uint8 of shape (n, code_size). Nothing is stored.

            >>> index = knear.index("Flat", 2, dtype="uint8")
            >>> index.sa_encode([[1, 2], [3, 4.4]]).tolist()
            [[1, 2], [3, 4]]
        """

    def sa_decode(self, codes: knear.typing.ArrayLike, *, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> knear.typing.FloatArray:
        """
        The rows that codes, uint8 of shape (n, code_size), stand for: float32 of shape (n, dim).
        """

def index(spec: str, dim: int, metric: knear.typing.MetricLike = 'l2', *, dtype: str | None = None, on_duplicate: str = 'error') -> Index:
    """
    Builds an empty index.

    spec: what it is made of, e.g. "Flat" (exact search) or "Flat,dtype=float16".
        "Flat,exact=fp32" keeps no shadows of one byte a dimension beside the rows.
    dim: number of dimensions, 1 to 65536.
    metric: "l2" (squared), "ip", "cosine", "l1", ... or a METRIC_ constant.
    dtype: how rows are stored: "float32" (default), "float16", "bfloat16", "int8", "uint8".
    on_duplicate: what add() does with an id that is there already: "error", "replace" or "allow".
    Raises InvalidArgument (a ValueError) for a spec, dim or metric that does not exist.

        >>> index = knear.index("Flat", 3, "cosine")
        >>> index.add([[1, 0, 0], [0, 1, 0]])
        2
        >>> index.search([[0, 2, 0]], 1)[1].tolist()
        [[1]]
    """

def index_factory(d: int, description: str, metric: knear.typing.MetricLike = 1) -> Index:
    """The field's name for index(description, d, metric)."""

def _restore(arg0: object, arg1: bytes, arg2: str, /) -> Index: ...

def load(path: knear.typing.PathLike, *, mmap: bool = True, verify: bool = False, progress: knear.typing.ProgressLike | None = None) -> Index:
    """
    The index in a file that save() wrote.

    mmap: True searches straight from the file, which opens in milliseconds at any size; False reads it into memory.
    verify: checks every checksum first (reading into memory always does).
    Raises IoFailure (an OSError) when the file cannot be read, CorruptFile (an OSError) when it is not an intact index.
    """

def read_index(path: knear.typing.PathLike, mmap: bool = True) -> Index:
    """The field's name for load(path)."""

def write_index(index: Index, path: knear.typing.PathLike) -> None:
    """The field's name for index.save(path)."""

def inspect(path: knear.typing.PathLike) -> FileInfo:
    """
    What an index file says of itself, as a FileInfo, without loading its vectors.
    """

def verify_file(path: knear.typing.PathLike, *, progress: knear.typing.ProgressLike | None = None) -> Report:
    """
    Checks every checksum and cross-reference of an index file and gives a Report; damage does not raise.
    """

def from_bytes(data: knear.typing.ArrayLike) -> Index:
    """
    The index in bytes that to_bytes() or serialize_index() gave. Raises CorruptFile when it is not intact.
    """

def deserialize_index(data: knear.typing.ArrayLike) -> Index:
    """The field's name for from_bytes(data)."""

def serialize_index(index: Index) -> knear.typing.ByteArray:
    """The bytes of the index's file as a uint8 array."""

def _merge_files(first: Index | None, files: Sequence[knear.typing.PathLike], to: knear.typing.PathLike, ids: str, on_duplicate: str, progress: knear.typing.ProgressLike | None) -> None: ...

def _become(index: Index, file: knear.typing.PathLike) -> None: ...

class FileBuilder:
    """
    Builds the file of an index that memory does not hold.

    Rows that take more memory than they may go to parts beside the file, which become the file in the end.

        with knear.FileBuilder(index, "all.knear", memory=1 << 30) as builder:
            for block in blocks:
                builder.add(block)
        index = knear.load("all.knear")

    index: trained and empty; it is empty again afterwards.
    memory: bytes that rows may take, about; 0: half of what there is.
    on_duplicate: what an id that comes twice means, "error", "replace" or "allow"; the end of a with block tells.
    """

    def __init__(self, index: Index, path: knear.typing.PathLike, *, memory: int = 0, on_duplicate: str = 'error') -> None: ...

    def add(self, x: knear.typing.ArrayLike, ids: knear.typing.IdsLike | None = None, *, progress: knear.typing.ProgressLike | None = None) -> int:
        """
        Adds rows, n x d, with these ids or the next ones; gives how many were stored.
        """

    def finish(self, *, progress: knear.typing.ProgressLike | None = None) -> None:
        """
        Writes the file. Killed at any moment, the old file or the new one is there.
        """

    @property
    def parts(self) -> int:
        """Parts written so far."""

    def __enter__(self) -> FileBuilder: ...

    def __exit__(self, type: object, value: object, traceback: object) -> None:
        """Finishes, unless something was raised."""

class VectorFile:
    """A file of vectors, read by block; open_vectors() gives one."""

    def __len__(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def dim(self) -> int: ...

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dim)."""

    @property
    def dtype(self) -> str: ...

    def read(self, first: int = 0, count: int | None = None) -> knear.typing.AnyArray:
        """
        Rows first to first + count (all the rest when not said) as a new array of shape (count, dim).
        """

    def __getitem__(self, rows: slice) -> knear.typing.AnyArray:
        """file[a:b]: rows a to b as a new array."""

def open_vectors(path: knear.typing.PathLike, dataset: str = '') -> VectorFile:
    """
    Opens a file of vectors (.fvecs, .bvecs, .npy, .fbin, .u8bin, .i8bin) to be read by block.

    dataset: which part of a file that holds several.
    Raises IoFailure or CorruptFile (OSErrors), Unsupported for another kind of file.
    """

def read_vectors(path: knear.typing.PathLike, dataset: str = '') -> knear.typing.AnyArray:
    """
    A whole file of vectors as an array of shape (rows, dim). See open_vectors().
    """

def read_ids(path: knear.typing.PathLike, dataset: str = '') -> knear.typing.IdArray:
    """
    A whole file of ids (.ivecs, .ibin, .npy of integers), e.g. a ground truth: int64 of shape (rows, k).
    """

def write_vectors(path: knear.typing.PathLike, x: knear.typing.ArrayLike) -> None:
    """
    Writes rows x of shape (n, dim) as .fvecs, .bvecs, .npy, .fbin, .u8bin or .i8bin. Raises WrongType when the
    format cannot hold the element type.
    """

@overload
def knn(xq: knear.typing.NumpyLike, xb: knear.typing.ArrayLike, k: int, metric: knear.typing.MetricLike = 1, metric_arg: float = 0.0, *, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray]:
    """
    The k rows of xb, shape (n, dim), nearest to each row of xq, shape (nq, dim), exactly, without an index.

    Gives (D, I) as Index.search() does; ids are row numbers of xb. Nothing is copied.

        >>> D, I = knear.knn([[1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0], [1.0, 0.5]], 2)
        >>> D.tolist(), I.tolist()
        ([[0.25, 1.0]], [[2, 0]])
    """

@overload
def knn(xq: knear.typing.ArrayLike, xb: knear.typing.ArrayLike, k: int, metric: knear.typing.MetricLike = 1, metric_arg: float = 0.0, *, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None) -> tuple[Any, Any]: ...

@overload
def knn_graph(x: knear.typing.NumpyLike, k: int, metric: knear.typing.MetricLike = 1, metric_arg: float = 0.0, *, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray]:
    """
    The k rows of x, shape (n, dim), nearest to each of its rows, itself left out: nearly all of them, by NN-descent.

    Gives (D, I) as Index.search() does, each of shape (n, k); ids are row numbers. Exact for up to 2000 rows, and under
    inner product, which takes longer. The same for any number of threads.

        >>> D, I = knear.knn_graph([[0.0], [1.0], [3.0]], 1)
        >>> D.tolist(), I.tolist()
        ([[1.0], [1.0], [4.0]], [[1], [0], [1]])
    """

@overload
def knn_graph(x: knear.typing.ArrayLike, k: int, metric: knear.typing.MetricLike = 1, metric_arg: float = 0.0, *, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None) -> tuple[Any, Any]: ...

def normalize_L2(x: knear.typing.ArrayLike) -> None:
    """
    Scales each row of a writable float32 array of shape (n, dim) to unit length, in place; zero rows stay.
    """

def recall(found: knear.typing.ArrayLike, truth: knear.typing.ArrayLike, k: int) -> float:
    """
    recall@k of found ids against true ones, both integers of shape (nq, at least k): the mean share of each
    query's k true neighbours among its first k found.

        >>> import numpy
        >>> knear.recall(numpy.array([[1, 2]]), numpy.array([[2, 3]]), 2)
        0.5
    """

def _borrows(x: knear.typing.ArrayLike) -> bool:
    """Would a call read these rows where they lie?"""

def set_num_threads(n: int) -> None:
    """
    Threads that calls use when they do not say; 0 goes back to the automatic number.
    """

def num_threads() -> int:
    """
    Threads that calls use when they do not say: KNEAR_THREADS, else the CPUs this process may run on.
    """

def cpu_level() -> str:
    """
    The instruction set in use: "portable", "avx2", "avx512", "avx512_vnni", "neon" or "neon_dot"; KNEAR_ISA forces one.
    """

def version() -> str:
    """The version of the library, e.g. "0.1.0"."""

def _kmeans(x: knear.typing.ArrayLike, k: int, *, niter: int, nredo: int, seed: int, spherical: bool, int_centroids: bool, min_points_per_centroid: int, max_points_per_centroid: int, frozen_centroids: bool, init: str, early_stop: float, balance: float, resumable: bool, two_level: bool, weights: knear.typing.ArrayLike | None = None, init_centroids: knear.typing.ArrayLike | None = None, on_iteration: Any = None, done: Any = (), progress: knear.typing.ProgressLike = None, num_threads: int | None = None) -> tuple[knear.typing.FloatArray, float, list[dict[str, float]], list[str]]: ...

def _balanced_assign(x: knear.typing.ArrayLike, centroids: knear.typing.ArrayLike, *, balance: float, spherical: bool, progress: knear.typing.ProgressLike = None, num_threads: int | None = None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray]: ...

def kmeans_1d(x: knear.typing.ArrayLike, k: int, weights: knear.typing.ArrayLike | None = None, *, num_threads: int | None = None, timeout: float | None = None, progress: knear.typing.ProgressLike = None) -> tuple[knear.typing.FloatArray, float, knear.typing.IdArray]:
    """
    The best clustering of numbers: no other has a smaller sum of squared distances to the centroids.

    Gives (centroids, objective, cells): float32 in ascending order, the weighted sum of squared distances to the
    cells' means, and the cell of each number. Equal numbers share a cell, so fewer different numbers than k give
    as many centroids as there are numbers. weights: one per number.

    >>> knear.kmeans_1d([1, 2, 10, 11, 12], 2)[0].tolist()
    [1.5, 11.0]
    """

class VectorTransform:
    """
    Vector to vector, before it is coded. The classes PCAMatrix, OPQMatrix, ... make one.
    """

    def __init__(self, spec: str, d_in: int) -> None:
        """spec: its stage of a factory string, e.g. "PCA64"."""

    @property
    def d_in(self) -> int:
        """Dimensions of the rows."""

    @property
    def d_out(self) -> int:
        """Dimensions of the images."""

    @property
    def spec(self) -> str:
        """Its stage of a factory string."""

    @property
    def is_trained(self) -> bool:
        """Can it be applied?"""

    def __repr__(self) -> str: ...

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles and copies with what it has learned."""

    def train(self, x: knear.typing.ArrayLike, *, progress: knear.typing.ProgressLike | None = None, num_threads: int | None = None) -> None:
        """
        Learns from rows x of shape (n, d_in); nothing to learn is fine. Raises InvalidArgument when the rows are too
        few or hold NaN.
        """

    def apply(self, x: knear.typing.ArrayLike, *, num_threads: int | None = None) -> knear.typing.FloatArray:
        """
        The images of rows x of shape (n, d_in): float32 of shape (n, d_out). Raises WrongState before training.
        """

    def apply_py(self, x: knear.typing.ArrayLike, *, num_threads: int | None = None) -> knear.typing.FloatArray:
        """The field's name for apply(x)."""

    def reverse_transform(self, y: knear.typing.ArrayLike, *, num_threads: int | None = None) -> knear.typing.FloatArray:
        """
        The rows of shape (n, d_in) whose images are y of shape (n, d_out), but for what the transform took away.
        """

    def _to_bytes(self) -> bytes: ...

    def _matrix(self) -> knear.typing.FloatArray: ...

    def _bias(self) -> knear.typing.FloatArray: ...

    def _is_orthonormal(self) -> bool: ...

    def _become(self, spec: str) -> None: ...

    def _set_matrix(self, A: knear.typing.ArrayLike, b: knear.typing.ArrayLike | None) -> None:
        """b: a row, or None."""

def _restore_transform(arg0: object, arg1: bytes, /) -> VectorTransform: ...

def write_VectorTransform(transform: VectorTransform, path: knear.typing.PathLike) -> None:
    """Writes a transform, with what it has learned, to a file of its own."""

def read_VectorTransform(path: knear.typing.PathLike) -> VectorTransform:
    """The transform in a file that write_VectorTransform() wrote."""

def _init_refine(self: object, base: Index, fine: Index, k_factor: float) -> None: ...

def _base_of(arg: Index, /) -> Index: ...

def _fine_of(arg: Index, /) -> Index: ...

def _k_factor_of(arg: Index, /) -> float: ...

def _set_k_factor(arg0: Index, arg1: float, /) -> None: ...

def _search_type_of(arg: Index, /) -> int: ...

def _polysemous_ht_of(arg: Index, /) -> int: ...

def _set_pq_search(arg0: Index, arg1: int, arg2: int, /) -> None: ...

def _init_chain(self: object, transforms: list[VectorTransform], inner: Index) -> None: ...

def _inner_of(arg: Index, /) -> Index: ...

def _transforms_of(self: Index) -> list[VectorTransform]: ...

def _prepend(arg0: Index, arg1: VectorTransform, /) -> None: ...

def _images(arg0: Index, arg1: knear.typing.ArrayLike, /) -> knear.typing.FloatArray: ...

def _init_ivf(self: object, quantizer: Index, spec: str, metric: knear.typing.MetricLike, on_duplicate: str, vt: VectorTransform | None = None) -> None: ...

def _init_independent(self: object, quantizer: Index, index_ivf: Index, vt: VectorTransform | None, by_residual: bool | None, on_duplicate: str) -> None: ...

def _quantizer_of(arg: Index, /) -> Index: ...

def _nlist_of(arg: Index, /) -> int: ...

def _nprobe_of(arg: Index, /) -> int: ...

def _set_nprobe(arg0: Index, arg1: int, /) -> None: ...

def _by_residual_of(arg: Index, /) -> bool: ...

def _list_sizes_of(arg: Index, /) -> knear.typing.IdArray: ...

def _drift_of(arg: Index, /) -> float: ...

def _imbalance_of(arg: Index, /) -> float: ...

def _list_ids_of(arg0: Index, arg1: int, /) -> knear.typing.IdArray: ...

def _list_codes_of(arg0: Index, arg1: int, /) -> knear.typing.ByteArray: ...

def _search_preassigned(self: Index, x: knear.typing.ArrayLike, k: int, assign: knear.typing.IdsLike, params: SearchParameters | None) -> tuple[knear.typing.FloatArray, knear.typing.IdArray]: ...

class GraphStats:
    """
    The edges of a graph on its lowest level. Vectors with equal codes share a place in it.
    """

    @property
    def degrees(self) -> knear.typing.IdArray:
        """
        How many vectors have no edge, one, two, ...: int64 of shape (max_degree + 1,).
        """

    @property
    def mean_degree(self) -> float:
        """Edges of a vector."""

    @property
    def max_degree(self) -> int:
        """The most edges that one has."""

    @property
    def orphans(self) -> int:
        """Vectors to which no edge leads, but for the one where walks begin."""

    @property
    def reachable(self) -> float:
        """Share of the vectors that edges lead to from there: 1.0."""

    @property
    def top_level(self) -> int:
        """Levels above the lowest."""

    @property
    def entry(self) -> int:
        """Id of the vector where walks begin; -1 when there is none."""

def _M_of(arg: Index, /) -> int: ...

def _ef_search_of(arg: Index, /) -> int: ...

def _set_ef_search(arg0: Index, arg1: int, /) -> None: ...

def _ef_construction_of(arg: Index, /) -> int: ...

def _set_ef_construction(arg0: Index, arg1: int, /) -> None: ...

def _alpha_of(arg: Index, /) -> float: ...

def _near_rows_of(arg: Index, /) -> int: ...

def _graph_stats_of(arg: Index, /) -> GraphStats: ...
