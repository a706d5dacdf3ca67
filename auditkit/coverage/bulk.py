"""Interfaces by the million: those that nothing tells apart are judged once, and the verdict stands for all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.config.schema import Baseline
from auditkit.coverage.estate import Estate
from auditkit.model.columnar import Rows, combinations, taken
from auditkit.model.condition import tests
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import NetworkInterface
from auditkit.model.tables import columns_of

_SHAPE = ("account_id", "region", "vpc_id", "subnet_id", "seen_in")
"""What always tells interfaces apart; beside it a flow log of their own does, and what the baselines match by."""
_OWN = {
    "resource_id": "interface_id",
    "resource_arn": "interface_arn",
    "service": "service",
    "subject": "subject",
    "interface_tags": "interface_tags",
}
"""Columns that each interface has for itself: in coverage and in the inventory."""
_TYPE = "network-interface"


class Told(NamedTuple):
    """What the verdict on an interface may depend on; a row of the inventory holds twice as much."""

    interface_id: str
    """Interface id."""
    interface_arn: str
    """ARN."""
    account_id: str
    """Owner."""
    region: str
    """Region."""
    vpc_id: str
    """VPC."""
    subnet_id: str
    """Subnet."""
    service: str
    """What it belongs to."""
    subject: str
    """The lasting owner."""
    interface_tags: dict[str, str] | None
    """Its tags."""


def interfaces(estate: Estate, judge: Callable[[Told], Coverage]) -> tuple[list[Coverage], pa.Table]:
    """Judge the interfaces of the inventory.

    Args:
        estate: the inventory, indexed.
        judge: judges one interface; two of one shape differ in nothing but `_OWN`.

    Returns:
        a row for each shape, and the coverage table of the interfaces of accounts in scope, sorted.
    """
    rows = Rows.made_of(NetworkInterface, estate.inventory.network_interfaces)
    codes, firsts = combinations(_shapes(estate, rows.table))
    shown = Rows(NetworkInterface, rows.table.select(Told._fields).take(firsts))
    judged = [judge(Told(*one)) for one in zip(*map(shown.column, Told._fields), strict=True)]
    order = _order(rows.table)
    shapes = codes.to_numpy()[order]
    if estate.scope:
        kept = np.array([row.account_id in estate.scope for row in judged], bool)[shapes]
        order, shapes = order[kept], shapes[kept]
    shared = taken(Rows.made_of(Coverage, judged).table.drop_columns(list(_OWN)), pa.array(shapes))
    own = taken(rows.table.select(list(_OWN.values())).rename_columns(list(_OWN)), pa.array(order))
    columns = dict(zip(_OWN, own.columns, strict=True)) | {name: shared[name] for name in shared.column_names}
    return judged, pa.table({column.name: columns[column.name] for column in columns_of(Coverage)})


def _shapes(estate: Estate, table: pa.Table) -> pa.Table:
    """What tells interfaces apart, in text columns."""
    own = pc.is_in(table["interface_id"], pa.array(sorted(estate.logs), pa.string()))
    shape = {name: table[name] for name in _SHAPE}
    shape["its own logs"] = pc.if_else(own, table["interface_id"], "")
    for column, key in sorted(_asked(estate.baselines), key=repr):
        given = table[_OWN[column]]
        if column != "interface_tags":
            shape[column] = given
        elif key is not None:
            shape[f"{column} {key}"] = pc.map_lookup(given, pa.scalar(key), "first")
        else:
            shape[column] = pa.array(list(map(repr, given.to_pylist())), pa.string())
    return pa.table(shape)


def _asked(baselines: Iterable[Baseline]) -> set[tuple[str, str | None]]:
    """Columns of an interface itself, and keys of its tags, that baselines match by."""
    return {(test.column, test.key) for b in baselines for test in tests(b.match) if test.column in _OWN}


def joined(of_interfaces: pa.Table, others: Iterable[Coverage], accounts: set[str]) -> Rows[Coverage]:
    """Put the rows of the accounts in scope together, sorted by resource type, account, region and id.

    Args:
        of_interfaces: coverage table of the interfaces, as `interfaces` gives it.
        others: all other rows.
        accounts: in scope; empty for all.
    """
    rows = [row for row in others if row.account_id in accounts or not accounts]
    rows.sort(key=lambda r: (r.resource_type, r.account_id, r.region, r.resource_id))
    at = bisect_left(rows, _TYPE, key=lambda r: r.resource_type)
    before, after = (Rows.made_of(Coverage, some).table for some in (rows[:at], rows[at:]))
    return Rows(Coverage, pa.concat_tables([before, of_interfaces, after]))


def _order(table: pa.Table) -> Any:
    """The order by account, region and id; places are few, so they are sorted as numbers."""
    ids, count = table["interface_id"], len(table)
    given = np.arange(count)
    if count and pc.all(pc.less_equal(ids.slice(0, count - 1), ids.slice(1))).as_py() is False:
        given = pc.sort_indices(ids).to_numpy()
    codes, firsts = combinations(table.select(["account_id", "region"]))
    names = (table[name].take(firsts).to_pylist() for name in ("account_id", "region"))
    places: list[Any] = list(zip(*names, strict=True))
    rank = np.empty(len(places), np.int32)
    rank[sorted(range(len(places)), key=places.__getitem__)] = np.arange(len(places))
    return given[np.argsort(rank[codes.to_numpy()[given]], kind="stable")]
