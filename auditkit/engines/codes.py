"""Texts as numbers: each distinct text is kept once, and columns of millions of rows hold its number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

ABSENT = 0
"""The number of `-`, in every space of numbers."""


class Codes:
    """Numbers for texts, in the order in which they came; `-` is always 0."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {"-": ABSENT}

    def of(self, column: pa.ChunkedArray | pa.Array) -> pa.Array:
        """Give the numbers of a column of texts, plain or dictionary-encoded; NULL stays NULL."""
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        parts = [self._numbers(chunk) for chunk in chunks]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.int32())

    def _numbers(self, chunk: pa.Array) -> pa.Array:
        if not pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_encode()
        known = self._codes
        numbers = [
            None if text is None else known.setdefault(text, len(known)) for text in chunk.dictionary.to_pylist()
        ]
        return pa.array(numbers, pa.int32()).take(chunk.indices)

    def one(self, text: str) -> int:
        """Give the number of one text."""
        return self._codes.setdefault(text, len(self._codes))

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def table(self) -> pa.Table:
        """Every text with its number: `code` and `text`."""
        texts = pa.array(list(self._codes), pa.string())
        return pa.table({"code": pa.array(np.arange(len(texts), dtype=np.int32)), "text": texts})


class Origins:
    """Who wrote a line: the flow log, and the account and region under which its objects lie."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], int] = {}

    def one(self, flow_log_id: str, account_id: str, region: str) -> int:
        """Give the number of one."""
        return self._known.setdefault((flow_log_id, account_id, region), len(self._known))

    def rows(self) -> list[dict[str, Any]]:
        """Each with its number."""
        names = ("flow_log_id", "account_id", "region")
        return [{"origin": number, **dict(zip(names, one, strict=True))} for one, number in self._known.items()]
