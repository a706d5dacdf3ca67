"""What a value must be: addresses, tags, statuses and times, for single values and for whole columns."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.engines.reading.held import STATUSES
from auditkit.engines.reading.layout import FLOW, MILLISECONDS
from auditkit.model.addresses import MAPPED


def number(text: str) -> int | None:
    """Return the integer of an address, as `auditkit.model.addresses` numbers them; None where it is not one.

    The system's own parser: no leading zeros in IPv4, no scope ids, and ten times as fast as `ipaddress`.
    """
    try:
        if ":" in text:
            return int.from_bytes(socket.inet_pton(socket.AF_INET6, text))
        return int.from_bytes(socket.inet_pton(socket.AF_INET, text)) + MAPPED
    except (OSError, ValueError):  # ValueError: a NUL in it, or half a surrogate pair
        return None


_FEW = 8
"""So many times the addresses of a batch may be known for Arrow to look them up: it makes a table of them each time."""


class Addresses(dict[str, int | None]):
    """Every distinct address seen, parsed once; `-` has no number."""

    def __init__(self) -> None:
        super().__init__()
        self._known = pa.array([], pa.string())

    def sound(self, texts: pa.StringArray) -> bool:
        """Tell whether all of them are addresses or `-`."""
        known = self._known
        if len(known) <= _FEW * len(texts):
            texts = texts.filter(pc.invert(pc.is_in(texts, value_set=known)))
        new = [text for text in texts.to_pylist() if text not in self]
        if not all(map(self.one, new)):
            return False
        if new:
            self._known = pa.concat_arrays([known, pa.array(new, pa.string())])
        return True

    def one(self, text: str) -> bool:
        """Tell whether this is an address or `-`."""
        if text not in self:
            value = number(text)
            if value is None and text != "-":
                return False
            self[text] = value
        return True


def tag(text: str) -> str:
    """Decode a tag's value; one that would read as no tag is left as it is."""
    plain = unquote(text)
    return text if plain == "-" else plain


def decoded(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Decode a column of tags' values, each distinct one once."""
    texts = column.dictionary.to_pylist()
    plain = [tag(text) for text in texts]
    if plain == texts:
        return column
    one = pa.DictionaryArray.from_arrays(column.indices, pa.array(plain, pa.string()))
    return one if len(set(plain)) == len(plain) else one.dictionary_decode().dictionary_encode()


def seconds(column: pa.Array) -> pa.Array:
    """Make times seconds: AWS once wrote milliseconds."""
    highest = pc.max(column).as_py()
    if highest is None or highest <= MILLISECONDS:
        return column
    return pc.if_else(pc.greater(column, MILLISECONDS), pc.divide(column, 1000), column)


def status(columns: dict[str, pa.Array], rows: int) -> pa.DictionaryArray:
    """Make up log-status where the format lacks it.

    A record of nothing may stand for skipped records as well as for none: without the field nobody can tell.
    """
    told = [columns[c] for c in FLOW if c in columns]
    silent = np.full(rows, bool(told))
    for column in told:
        silent &= missing(column)
    return pa.DictionaryArray.from_arrays(pa.array(silent * np.int32(2), pa.int32()), pa.array(STATUSES, pa.string()))


def missing(column: pa.Array) -> np.ndarray[Any, Any]:
    """Tell where a column holds null or `-`."""
    told: np.ndarray[Any, Any] = np.asarray(
        pc.equal(column.indices, pc.index(column.dictionary, "-"))
        if isinstance(column, pa.DictionaryArray)
        else column.is_null()
    )
    return told
