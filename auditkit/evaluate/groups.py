"""Judged rows → the groups that findings are, each with its facts and a few of its rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditkit.evaluate.cells import STANDING, Engine, Group, keys_of
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from auditkit.query import name

EVIDENCE_ROWS = 5


PEERS = 5


_SHOWN = (
    "object", "line", "account_id", "region", "vpc_id", "subnet_id", "interface_id", "subject", "subject_type", "service", "action", "protocol", "tcp_flags",
    "flow_direction", "direction", "srcaddr", "dstaddr", "srcport", "dstport", "pkt_srcaddr", "pkt_dstaddr", "local_address", "local_port", "remote_address",
    "remote_port", "remote_interface_id", "remote_vpc_id", "initiator", "initiator_by_ports", "initiator_basis", "traffic_path", "type", "start", "end", "bytes", "packets",
)  # fmt: skip
"""Columns of the flows that a finding shows and explains."""
_NAMED = ("object", "line", "account_id", "region", "interface_id", "subject", "subject_type")
"""Columns of flows that nothing explains: what is undecided."""


def groups_of(control: Control, engine: Engine) -> Iterable[Group]:
    """Groups that break the control, then those that are only undecided.

    Undecided flows are told once for each resource, not for each port: what is missing is the same for all of them.
    """
    flows = control.table == "flow_records"
    [there] = engine.rows(
        "SELECT count(*) FILTER (verdict) > 0 AS broken, count(*) FILTER (verdict IS NULL) > 0 AS undecided FROM judged"
    )
    if there["broken"]:
        yield from _fold(control, engine, control.group_by, "(SELECT * FROM judged WHERE verdict)", fails=True)
    if not there["undecided"]:
        return
    source = "(SELECT * FROM judged WHERE verdict IS NULL)"
    if there["broken"]:
        same = " AND ".join(f"j.{name(k)} IS NOT DISTINCT FROM f.{name(k)}" for k in control.group_by)
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE undecided AS SELECT j.* FROM judged j "
            f"ANTI JOIN (SELECT DISTINCT {keys_of(control.group_by)} FROM judged WHERE verdict) f ON {same} WHERE j.verdict IS NULL"
        )
        source = "undecided"
    standing = tuple(k for k in control.group_by if k in STANDING) or ("account_id", "region")
    yield from _fold(control, engine, standing if flows else control.group_by, source, fails=False)


def _fold(control: Control, engine: Engine, by: tuple[str, ...], source: str, *, fails: bool) -> Iterable[Group]:
    keys = keys_of(by)
    flows = control.table == "flow_records"
    texts = (name(c.name) for c in TABLES[control.table].columns if c.type in ("text", "aws", "time"))
    order = '"start", obj, line' if flows else ", ".join(texts)
    facts = _FLOW_FACTS if flows else ""
    rows = engine.rows(
        f"SELECT {keys}, count(*) AS _rows, min(account_id) AS _account, min(region) AS _region{facts} "
        f"FROM {source} GROUP BY {keys} ORDER BY {keys}"
    )
    if not rows:
        return
    picked = f"FROM {source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) <= {EVIDENCE_ROWS}"
    if flows:
        engine.execute(
            f'CREATE OR REPLACE TEMP TABLE picked AS SELECT _id, {keys}, obj AS _obj, line AS _line, "start" AS _start {picked}'
        )
        columns = dict.fromkeys((*(_SHOWN if fails else _NAMED), *by))
        shown = engine.relation(control.table, tuple(columns), "SELECT _id FROM picked")
        found = engine.rows(
            f"SELECT w.* FROM picked p JOIN ({shown}) w ON w._id = p._id ORDER BY {', '.join(f'p.{name(k)}' for k in by)}, p._start, p._obj, p._line"
        )
    else:
        found = engine.rows(f"SELECT * {picked} ORDER BY {keys}, {order}")
    samples = _by_group(by, found)
    peers = _peers(by, engine, source) if flows else {}
    for row in rows:
        key = {k: row[k] for k in by}
        same = _hashable(key)
        yield Group(
            key,
            row["_account"] or "",
            row["_region"] or "",
            fails,
            _facts(row, peers.get(same, [])),
            tuple(samples[same]),
        )


_FLOW_FACTS = (
    ', min("start") AS _first, max("end") AS _last, sum(bytes)::HUGEINT AS _bytes, sum(packets)::HUGEINT AS _packets, '
    "count(*) FILTER (initiator IS NULL AND initiator_by_ports IS NOT NULL) AS _ports, "
    "count(*) FILTER (initiator_basis = 'flags') AS _flags, count(*) FILTER (initiator_basis = 'earlier_flags') AS _earlier"
)


def _facts(row: dict[str, Any], peers: list[dict[str, Any]]) -> dict[str, Any]:
    facts: dict[str, Any] = {"rows": row["_rows"]}
    if "_first" in row:
        basis = {"flags": row["_flags"], "earlier_flags": row["_earlier"], "ports": row["_ports"]}
        facts |= {
            "first": row["_first"],
            "last": row["_last"],
            "bytes": int(row["_bytes"] or 0),
            "packets": int(row["_packets"] or 0),
            "basis": {k: v for k, v in basis.items() if v},
            "peers": peers,
        }
    return facts


def _peers(by: tuple[str, ...], engine: Engine, source: str) -> dict[Any, list[dict[str, Any]]]:
    keys = keys_of(by)
    rows = engine.rows(
        f"SELECT {keys}, remote_address AS _peer, count(*) AS _rows, coalesce(sum(bytes), 0)::HUGEINT AS _bytes FROM {source} "
        f"WHERE remote_address IS NOT NULL GROUP BY {keys}, _peer "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _bytes DESC, _peer) <= {PEERS} ORDER BY {keys}, _bytes DESC, _peer"
    )
    return {
        same: [{"address": r["_peer"], "rows": r["_rows"], "bytes": int(r["_bytes"])} for r in some]
        for same, some in _by_group(by, rows).items()
    }


def _by_group(by: tuple[str, ...], rows: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    out: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        out.setdefault(_hashable({k: row[k] for k in by}), []).append(row)
    return out


def _hashable(key: dict[str, Any]) -> Any:
    return tuple(tuple(v) if isinstance(v, list) else v for v in key.values())
