"""A mapping whose keys are found at its first use, and each of whose values is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lazy(Mapping[K, V], Generic[K, V]):
    """index() gives key → what makes its value."""

    def __init__(self, index: Callable[[], Mapping[K, Callable[[], V]]]):
        self._index = index
        self._makers: Mapping[K, Callable[[], V]] | None = None
        self._made: dict[K, V] = {}

    def _keys(self) -> Mapping[K, Callable[[], V]]:
        if self._makers is None:
            self._makers = self._index()
        return self._makers

    def __getitem__(self, key: K) -> V:
        if key not in self._made:
            self._made[key] = self._keys()[key]()
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys()

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())
