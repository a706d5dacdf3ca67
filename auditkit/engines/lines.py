"""Batches of records → tables of numbers, one for each format: what `flows` and `interface_days` are made of.

A text is its number in `texts`, an address its number in `addresses`; what a format lacks takes no room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.engines.codes import Codes, Origins
from auditkit.engines.reading import Batch, ObjectRead
from auditkit.model.records import FIELDS, UNKNOWABLE, Field

NUMBERS = {"integer": "BIGINT", "port": "USMALLINT", "protocol": "UTINYINT"}
"""Type of a numeric field → SQL."""
_OF_GATEWAYS = frozenset(f.column for f in FIELDS if f.kinds == ("transit-gateway",))
STORED = tuple(f for f in FIELDS if f.name != "log-status")
"""The fields that are kept of a line: every line kept here has log-status OK."""


def kind_of(present: Collection[str]) -> str:
    """Tell what a format is of: any field that only transit gateways have says so."""
    return "vpc" if _OF_GATEWAYS.isdisjoint(present) else "transit-gateway"


def absent(field: Field, kind: str) -> str | None:
    """Return what stands for a field that a format lacks: absence where logs of the kind never have it, else NULL."""
    if kind in field.kinds:
        return None
    return "'-'" if field.column == "action" else "0"


def sql_type(field: Field) -> str:
    """Return the SQL type that a field is kept in."""
    return "VARCHAR" if field.column == "action" else NUMBERS.get(field.type, "INTEGER")


@dataclass(frozen=True)
class Format:
    """One format, and the table of its lines."""

    number: int
    """Its number."""
    columns: frozenset[str]
    """Fields that it has."""
    others: bool
    """Whether it has fields that this version does not know."""

    @property
    def table(self) -> str:
        """Name of the table."""
        return f"lines_{self.number}"

    @property
    def kind(self) -> str:
        """Vpc or transit-gateway."""
        return kind_of(self.columns)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields kept."""
        return tuple(f for f in STORED if f.column in self.columns)

    def create(self) -> str:
        """Return the statement that makes the table."""
        fields = "".join(f', "{f.column}" {sql_type(f)}' for f in self.fields)
        others = ", other_fields MAP(VARCHAR, VARCHAR)" if self.others else ""
        return f"CREATE TABLE {self.table} (obj UINTEGER, line UINTEGER, origin INTEGER, unit INTEGER{fields}{others})"

    def insert(self) -> str:
        """Return the statement that puts `_batch` there: `-` that says "does not apply" becomes 0 in numbers."""
        values = "".join(
            f', coalesce("{f.column}", 0)' if f.type in NUMBERS and f.name not in UNKNOWABLE else f', "{f.column}"'
            for f in self.fields
        )
        others = ", other_fields" if self.others else ""
        return f"INSERT INTO {self.table} SELECT obj, line, origin, {self.unit}{values}{others} FROM _batch WHERE log_status = 'OK'"

    def silent(self) -> str:
        """Return the statement that keeps what NODATA and SKIPDATA lines of `_batch` say."""
        optional = ", ".join(
            f'"{c}"' if c in self.columns else "NULL" for c in ("account_id", "vpc_id", "subnet_id", "start", "end")
        )
        return (
            f"INSERT INTO silent SELECT obj, line, origin, {self.kind != 'vpc'}, {self.unit}, log_status, {optional} "
            "FROM _batch WHERE log_status <> 'OK'"
        )

    @property
    def unit(self) -> str:
        """What a line speaks of: interface, attachment, or the regional NAT gateway that has no interface."""
        if self.kind != "vpc":
            return '"tgw_attachment_id"' if "tgw_attachment_id" in self.columns else "NULL::INTEGER"
        parts = [f'nullif("{c}", 0)' for c in ("interface_id", "resource_id") if c in self.columns]
        return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0] if parts else "NULL::INTEGER"

    def select(self, columns: Collection[str], *, others: bool) -> str:
        """Select its lines with some fields of all formats, whether it has them or not."""
        parts = ["obj", "line", "origin", "unit", f"{self.kind != 'vpc'} AS tgw"]
        for f in STORED:
            if f.column in columns:
                value = f'"{f.column}"' if f.column in self.columns else absent(f, self.kind) or "NULL"
                parts.append(f'{value}::{sql_type(f)} AS "{f.column}"')
        if others:
            parts.append("other_fields" if self.others else "MAP {}::MAP(VARCHAR, VARCHAR) AS other_fields")
        return f"SELECT {', '.join(parts)} FROM {self.table}"


SILENT = (
    "CREATE OR REPLACE TABLE silent (obj UINTEGER, line UINTEGER, origin INTEGER, tgw BOOLEAN, unit INTEGER, log_status VARCHAR, "
    'account_id INTEGER, vpc_id INTEGER, subnet_id INTEGER, "start" BIGINT, "end" BIGINT)'
)


class Lines:
    """The formats seen, and the numbers of what their lines name."""

    def __init__(self) -> None:
        self.texts = Codes()
        self.addresses = Codes()
        self.origins = Origins()
        self.formats: dict[tuple[frozenset[str], bool], Format] = {}

    def statements(self, batch: Batch, objects: Sequence[ObjectRead]) -> tuple[pa.Table, Iterator[str]]:
        """Turn a batch into numbers.

        Returns:
            the table to register as `_batch`, and the statements that put it away.
        """
        present = frozenset(batch.table.column_names)
        others = "other_fields" in present
        columns = frozenset(f.column for f in STORED if f.column in present)
        new = (columns, others) not in self.formats
        one = self.formats.setdefault((columns, others), Format(len(self.formats), columns, others))
        made = {"obj": batch.table["obj"], "line": batch.table["line"], "origin": self._origin(batch.table, objects)}
        made["log_status"] = _plain(batch.table["log_status"])
        for f in one.fields:
            column = batch.table[f.column]
            made[f.column] = (
                column if f.type in NUMBERS
                else _plain(column) if f.column == "action"
                else (self.addresses if f.type == "address" else self.texts).of(column)
            )  # fmt: skip
        if others:
            made["other_fields"] = batch.table["other_fields"]
        return pa.table(made), iter([*([one.create()] if new else []), one.insert(), one.silent()])

    def _origin(self, table: pa.Table, objects: Sequence[ObjectRead]) -> pa.Array:
        """The origin of each line: of its object, or, where several flow logs share a stream, as the line was told apart."""
        numbers = table["obj"].to_numpy()
        if "flow_log_id" not in table.column_names:
            first, last = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
            of_object = [
                self.origins.one(o.object.flow_log_id, o.object.account_id, o.object.region)
                for o in objects[first : last + 1]
            ]
            return pa.array(np.array(of_object, np.int32)[numbers - first] if len(numbers) else [], pa.int32())
        made = []
        for number, flow_log_id in zip(numbers.tolist(), table["flow_log_id"].to_pylist(), strict=True):
            o = objects[number].object
            made.append(self.origins.one(flow_log_id or "", o.account_id, o.region))
        return pa.array(made, pa.int32())

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields that any format has."""
        return tuple(f.column for f in STORED if any(f.column in one.columns for one in self.formats.values()))

    @property
    def others(self) -> bool:
        """Whether any format has fields that this version does not know."""
        return any(one.others for one in self.formats.values())

    def all(self, columns: Collection[str] | None = None) -> str:
        """Select the lines of all formats with some fields, or with those that any format has."""
        wanted = self.columns if columns is None else columns
        some = [one.select(wanted, others=columns is None and self.others) for one in self.formats.values()]
        return " UNION ALL ".join(some) if some else _nothing(wanted)

    def shown(self) -> str:
        """Select every line with every field, as its record has it."""
        kind = "CASE WHEN l.tgw THEN 'transit-gateway' ELSE 'vpc' END AS kind"
        values, joins = ["l.obj", "l.line", kind, "w.text AS unit"], ["LEFT JOIN texts w ON w.code = l.unit"]
        for f in STORED:
            if f.type in NUMBERS or f.column == "action":
                values.append(f'l."{f.column}"')
            else:
                joins.append(
                    f'LEFT JOIN {"addresses" if f.type == "address" else "texts"} t_{f.column} ON t_{f.column}.code = l."{f.column}"'
                )
                values.append(f't_{f.column}.text AS "{f.column}"')
        columns = [f.column for f in STORED]
        return f"SELECT {', '.join(values)} FROM ({self.all(columns)}) l {' '.join(joins)}"


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, pa.string()) if pa.types.is_dictionary(column.type) else column


def _nothing(columns: Collection[str]) -> str:
    fields = "".join(f', NULL::{sql_type(f)} AS "{f.column}"' for f in STORED if f.column in columns)
    return f"SELECT 0::UINTEGER AS obj, 0::UINTEGER AS line, 0 AS origin, NULL::INTEGER AS unit, false AS tgw{fields} LIMIT 0"
