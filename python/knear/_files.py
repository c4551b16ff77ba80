"""Files that are merged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

from ._errors import InvalidArgument, WrongState
from ._knear import Index, _become, _merge_files

if TYPE_CHECKING:
    from .typing import PathLike


@overload
def merge_ondisk(
    paths: Iterable[PathLike], out: PathLike, /, *, ids: str = "keep", on_duplicate: str = "error", progress: Any = None
) -> None: ...
@overload
def merge_ondisk(
    trained_index: Index, shard_fnames: Iterable[PathLike], ivfdata_fname: PathLike, shift_ids: bool = False
) -> None: ...
def merge_ondisk(*args: Any, **options: Any) -> None:
    """Merges index files of one training into one file, in little memory. The files stay as they are.

    merge_ondisk(paths, out): `out` is an index that load() opens, with the rows of each file behind those of the
    one before it. ids: "keep" them, or "shift" those of each file behind those before it; on_duplicate: what an id
    in two files means, "error", "replace" (the last wins) or "allow".

    merge_ondisk(trained_index, shard_fnames, ivfdata_fname, shift_ids=False): the field's form. The index, trained
    and empty, then is the merged one, searched from that file.

    Raises InvalidArgument (a ValueError) when the files do not go together, DuplicateId, IoFailure, CorruptFile.
    """
    if args and isinstance(args[0], Index) or "trained_index" in options:
        return _merge_into(*args, **options)
    return _merge(*args, **options)


def _merge(
    paths: Iterable[PathLike], out: PathLike, *, ids: str = "keep", on_duplicate: str = "error", progress: Any = None
) -> None:
    _merge_files(None, _listed(paths), out, ids, on_duplicate, progress)


def _merge_into(
    trained_index: Index, shard_fnames: Iterable[PathLike], ivfdata_fname: PathLike, shift_ids: bool = False
) -> None:
    if trained_index.ntotal:
        raise WrongState(f"the index holds {trained_index.ntotal} rows; merge_ondisk takes an empty one")
    ids = "shift" if shift_ids else "keep"
    _merge_files(trained_index, _listed(shard_fnames), ivfdata_fname, ids, "error", None)
    _become(trained_index, ivfdata_fname)


def _listed(paths: Iterable[PathLike]) -> list[PathLike]:
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise InvalidArgument(f"paths = {paths!r}; it must be several, as a list")
    return list(paths)
