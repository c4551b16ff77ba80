"""index.metadata: a live mapping, so that index.metadata["model"] = "v2" does what it says."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Union

from ._knear import Index

Value = Union[str, bytes]


class Metadata(MutableMapping[str, Value]):
    """Facts of the user, saved with the index. Values are str; bytes that are no UTF-8 stay bytes."""

    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    def __getitem__(self, key: str) -> Value:
        return self._index._metadata()[key]

    def __setitem__(self, key: str, value: Value) -> None:
        self._index._set_metadata({**self._index._metadata(), key: value})

    def __delitem__(self, key: str) -> None:
        values = self._index._metadata()
        del values[key]
        self._index._set_metadata(values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index._metadata())

    def __len__(self) -> int:
        return len(self._index._metadata())

    def __repr__(self) -> str:
        return repr(self._index._metadata())
