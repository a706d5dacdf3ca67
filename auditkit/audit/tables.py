"""A run as Python users see it: its tables as DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit import inventory, reading, run, snapshot
from auditkit.audit.flows import networks_of
from auditkit.audit.inputs import saved_inputs
from auditkit.audit.rebuilt import ready, rebuilt
from auditkit.config.asked import asked
from auditkit.config.schema import load_config
from auditkit.engines.frames import frame, narrowed, picked, those
from auditkit.model.addresses import Networks
from auditkit.model.condition import Condition, tests
from auditkit.model.errors import AuditkitError, nearest
from auditkit.model.schema import TABLES, Table
from auditkit.model.tables import Column
from auditkit.query import Compiler

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = {"string": "text", "int64": "integer", "int32": "integer", "bool": "boolean", "map<string, string>": "tags"}
_WHOLE = ("flow_records", "interface_days")


@dataclass(frozen=True)
class OpenRun(run.Run):
    """One run directory, and its tables as pandas DataFrames."""

    def table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        where: Any = None,
        limit: int | None = None,
        *,
        whole: bool = False,
    ) -> pd.DataFrame:
        """Read a table into a DataFrame.

        Args:
            name: of the table; flow_records holds the records that broke a control.
            columns: only these, in this order.
            where: only rows of which this is true: a condition as under `where:` of a policy, in Python's mappings
                and lists, or as YAML. Rows of which it is not known are left out.
            limit: so many rows at most.
            whole: flow_records: all flows that were read, rebuilt from the log objects that were kept.

        Returns:
            Int64, boolean, string, and times in UTC; tags as dicts, lists as lists. What is not known is NA.

        Raises:
            AuditkitError: the run has no such table or column, or it is to be rebuilt and its objects were not kept.
            InvalidInput: the condition cannot be read.
        """
        if limit is not None and limit < 0:
            raise AuditkitError(f"limit: {limit} is less than none")
        if whole:
            return frame(self._rebuilt(name, columns, where, limit))
        path = self._path(name)
        known = TABLES.get(name) or _table_of(name, pq.read_schema(path))
        chosen = _chosen(known, columns, pq.read_schema(path).names)
        if where is None:
            return frame(narrowed(pq.read_table(path, columns=chosen), chosen, limit))
        condition = asked(where, _columns(known, pq.read_schema(path).names), self._names())
        found = those(known, pq.read_table(path), condition, self._networks(condition))
        return frame(narrowed(found, chosen, limit))

    def _path(self, name: str) -> Path:
        there = sorted(p.stem for p in self.tables.glob("*.parquet")) if self.done("assess") else []
        if name not in there:
            hint = f"It has: {', '.join(there)}." if there else f"Run `auditkit assess {self.path}` first."
            raise AuditkitError(f"{self.path} has no table {name!r}{nearest(name, there)}", hint)
        return self.tables / f"{name}.parquet"

    def _names(self) -> Collection[str]:
        return tuple(load_config(self.inputs / "auditkit.yaml").networks)

    def _networks(self, condition: Condition) -> Networks:
        """The networks of the run; they are only looked up for a condition on addresses."""
        if not any(test.type == "address" for test in tests(condition)):
            return Networks({}, {})
        inputs, meta = saved_inputs(self), snapshot.read_meta(self.snapshot)
        estate = inventory.read(meta, reading.calls(self.snapshot, meta), inputs.approved)
        return networks_of(inputs.config, estate)

    def _rebuilt(self, name: str, columns: Sequence[str] | None, where: Any, limit: int | None) -> pa.Table:
        if name not in _WHOLE:
            raise AuditkitError(f"{name!r} cannot be rebuilt whole", f"{' and '.join(_WHOLE)} can.")
        table = TABLES[name]
        chosen = _chosen(table, columns, [c.name for c in table.columns])
        inputs = ready(self)
        condition = None if where is None else asked(where, table.columns, tuple(inputs.config.networks))
        with rebuilt(self, inputs) as flows:
            holds = "TRUE" if condition is None else Compiler(flows.networks).sql(condition)
            order = ["object", "line"] if name == "flow_records" else ["account_id", "region", "interface_id", "day"]
            return picked(flows.engine, name, chosen, holds, order, limit)


def open_run(path: Path) -> OpenRun:
    """Open a run that exists.

    Raises:
        AuditkitError: there is none.
    """
    return OpenRun(run.open_run(path).path)


def _chosen(table: Table, columns: Sequence[str] | None, there: Sequence[str]) -> list[str]:
    if columns is None:
        return list(there)
    if isinstance(columns, str):
        raise AuditkitError(f"columns: {columns!r} is a text, not a list", f"Write columns=[{columns!r}].")
    for column in columns:
        if column not in there:
            raise AuditkitError(
                f"{table.name} has no column {column!r}{nearest(str(column), there)}", f"It has: {', '.join(there)}."
            )
    return list(columns)


def _columns(table: Table, there: Sequence[str]) -> list[Column]:
    return [c for c in table.columns if c.name in there]


def _table_of(name: str, schema: pa.Schema) -> Table:
    """A contract for a table that no control judges: accounts, findings, log_objects, unread."""
    columns = tuple(
        Column(field.name, "time" if pa.types.is_timestamp(field.type) else _PLAIN[str(field.type)], "")
        for field in schema
        if pa.types.is_timestamp(field.type) or str(field.type) in _PLAIN
    )
    return Table(name, "row", columns, (), ())
