"""Thresholds of controls: what a group of flows must come to before it breaks one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from auditkit.config.literals import PER, Wrong, size
from auditkit.model.control import Having
from auditkit.model.errors import nearest
from auditkit.model.schema import Table
from auditkit.model.tables import NEVER


def threshold(given: Any, table: Table, key: Collection[str]) -> Having:
    """Read what a group must come to.

    Args:
        given: as written: {bytes: {gt: 10GiB}, per: 1d}.
        table: the control's.
        key: the columns that make a group.

    Raises:
        Wrong: it says nothing, or no group can ever come to it.
    """
    if not isinstance(given, dict):
        raise Wrong("having: takes a mapping such as {bytes: {gt: 10GiB}, per: 1d}")
    if table.name != "flow_records":
        raise Wrong("having: counts flows, so it belongs to controls on flow_records")
    per = given.get("per")
    if per not in PER:
        raise Wrong(f"per: is required, one of {', '.join(PER)}" + (nearest(per, PER) if isinstance(per, str) else ""))
    measures = [key for key in given if key != "per"]
    if len(measures) != 1 or measures[0] not in ("bytes", "packets", "flows", "distinct"):
        raise Wrong("having: takes exactly one of bytes, packets, flows, distinct")
    measure, column, limit = measures[0], "", given[measures[0]]
    if measure == "distinct":
        column, limit = _distinct(limit, table)
    if not isinstance(limit, dict) or len(limit) != 1 or next(iter(limit)) not in ("gt", "ge"):
        raise Wrong(f"{measure}: takes gt or ge and a number, such as {{gt: 10GiB}}")
    op, text = next(iter(limit.items()))
    try:
        threshold = size(str(text))
    except ValueError as error:
        raise Wrong(str(error)) from None
    if op == "ge" and threshold == 0:
        raise Wrong(f"{measure}: every group has as many; leave having out")
    most = _most(table, column, key, per) if measure == "distinct" else NEVER
    if threshold + (op == "gt") > most:
        raise Wrong(f"{measure}: no group can have more than {most}" + (f" of {column}" if column else ""))
    return Having(measure, op, threshold, per, column)


def _distinct(limit: Any, table: Table) -> tuple[str, Any]:
    if not isinstance(limit, dict) or len(limit) != 1:
        raise Wrong("distinct: takes one column, such as {local_port: {ge: 100}}")
    column, inner = next(iter(limit.items()))
    found = table.column(column)
    if found is None:
        raise Wrong(f"unknown column {column!r}{nearest(column, [c.name for c in table.columns])}")
    if found.type == "tags":
        raise Wrong(f"distinct: {column} holds many tags, which cannot be counted")
    return column, inner


def _most(table: Table, name: str, key: Collection[str], per: str) -> int:
    """How many values of a column one group can have: a rule that asks for more could never match."""
    column = table.column(name)
    if name in key or name in ("account_id", "region") or column is None or (name == "day" and per != "period"):
        return 1
    return len(column.values) + 1 if column.values else {"port": 2**16, "protocol": 2**8}.get(column.type, NEVER)
