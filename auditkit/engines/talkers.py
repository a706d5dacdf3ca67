"""Top contributors: who moved the most bytes or packets, or opened the most flows; exact, and nothing left out unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditkit.engines.duckdb import DuckDB
from auditkit.model.errors import AuditkitError, nearest
from auditkit.model.schema import TABLES
from auditkit.query import name, text

METRICS = ("bytes", "packets", "flows")
DEFAULT = (
    ("remote_address",),
    ("subject",),
    ("local_port",),
    ("remote_aws_service",),
    ("remote_vpc_id",),
    ("rejected-remote_address",),
)
"""The lists of the report."""
_TABLE = TABLES["flow_records"]
ALIASES = {
    "source": "srcaddr",
    "destination": "dstaddr",
    "source-port": "srcport",
    "port": "dstport",
    "destination-port": "dstport",
    "interface": "interface_id",
    "account": "account_id",
    "vpc": "vpc_id",
    "subnet": "subnet_id",
    "instance": "instance_id",
    "flow-log": "flow_log_id",
    "remote": "remote_address",
    "remote-vpc": "remote_vpc_id",
    "remote-account": "remote_account_id",
    "remote-interface": "remote_interface_id",
    "aws-service": "remote_aws_service",
}
"""What people say → the column."""
REJECTED = "rejected-"
"""Before a key: of the rejected flows only, as in rejected-source."""


@dataclass(frozen=True)
class Amount:
    """How much."""

    bytes: int = 0
    """Bytes."""
    packets: int = 0
    """Packets."""
    flows: int = 0
    """Flow log records: a flow of an hour is several, and one between two interfaces of yours is told by both."""

    def as_json(self) -> dict[str, int]:
        """For documents."""
        return {"bytes": self.bytes, "packets": self.packets, "flows": self.flows}


@dataclass(frozen=True)
class Talker:
    """One contributor."""

    keys: tuple[Any, ...]
    """A value for each key."""
    amount: Amount
    """Its part."""


@dataclass(frozen=True)
class Talkers:
    """The top contributors: the items, the others and what is not known are together the whole."""

    by: tuple[str, ...]
    """Keys: columns of flow_records, or a tag as in vpc_tags.env."""
    action: str
    """ACCEPT, REJECT, or empty for both."""
    metric: str
    """What they are ranked by."""
    items: tuple[Talker, ...]
    """The largest first, equals by key."""
    others: Amount
    """Of all that come after them."""
    groups: int
    """How many contributors there are, with these."""
    not_known: Amount
    """Of the flows of which a key is not known."""
    total: Amount
    """Of all."""
    untold: int
    """Flows that do not tell the metric: their formats lack it."""
    undecided: Amount
    """Of the flows of which it is not known whether they are asked for; they are not in the total."""

    def share(self, amount: Amount) -> float | None:
        """Tell which part of the whole an amount is, by the metric; None of nothing."""
        whole = getattr(self.total, self.metric)
        return getattr(amount, self.metric) / whole if whole else None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        rows = ((dict(zip(self.by, map(_json, t.keys), strict=True)), t.amount) for t in self.items)
        return {
            "by": list(self.by),
            "action": self.action or None,
            "metric": self.metric,
            "items": [{"key": key, **amount.as_json(), "share": self.share(amount)} for key, amount in rows],
            "others": {**self.others.as_json(), "groups": self.groups - len(self.items)},
            "not_known": self.not_known.as_json(),
            "total": self.total.as_json(),
            "flows_without_the_metric": self.untold,
            "undecided": self.undecided.as_json(),
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Talkers:
        """Read what `as_json` gave.

        Raises:
            KeyError: it is something else; TypeError and ValueError likewise.
        """
        by = tuple(data["by"])
        items = tuple(Talker(tuple(i["key"][key] for key in by), _amount(i)) for i in data["items"])
        others, untold = data["others"], data["flows_without_the_metric"]
        amounts = (_amount(data[name]) for name in ("not_known", "total", "undecided"))
        not_known, total, undecided = amounts
        groups = others["groups"] + len(items)
        return cls(
            by,
            data["action"] or "",
            data["metric"],
            items,
            _amount(others),
            groups,
            not_known,
            total,
            untold,
            undecided,
        )


def key_of(word: str) -> tuple[str, bool]:
    """Read a key as a person writes it.

    Returns:
        the column, or a tag as in vpc_tags.env; and whether only rejected flows are meant.

    Raises:
        AuditkitError: there is no such column.
    """
    rejected = word.startswith(REJECTED)
    asked = word.removeprefix(REJECTED)
    column, dot, tag = ALIASES.get(asked.lower(), asked).partition(".")
    column = column.replace("-", "_")
    found = _TABLE.column(column)
    if found is None:
        words = [*(c.name for c in _TABLE.columns), *ALIASES]
        raise AuditkitError(
            f"there is no key {word!r}{nearest(asked, words)}",
            f"Keys: the columns of flow_records (docs/tables.md), and {', '.join(ALIASES)}, {REJECTED}source.",
        )
    if (found.type == "tags") != bool(dot and tag):
        wanted = f"name one tag, as in {column}.env" if found.type == "tags" else f"{column} is not a column of tags"
        raise AuditkitError(f"the key {word!r} cannot be counted by", f"{wanted[0].upper()}{wanted[1:]}.")
    return f"{column}{dot}{tag}", rejected


def keys_of(words: Sequence[str], action: str = "") -> tuple[tuple[str, ...], str]:
    """Read keys that are counted together.

    Args:
        words: as a person writes them.
        action: ACCEPT, REJECT, or empty for both.

    Returns:
        the keys, each once, and the action.

    Raises:
        AuditkitError: there is no such key, or they contradict the action.
    """
    if not words:
        raise AuditkitError("no key is named", "Name one with --by, as in --by source.")
    found = [key_of(word) for word in words]
    if any(rejected for _, rejected in found):
        if action == "ACCEPT":
            raise AuditkitError(f"{words[0]!r} of accepted flows: there are none", "Leave --action out.")
        action = "REJECT"
    return tuple(dict.fromkeys(key for key, _ in found)), action


def shown(engine: DuckDB) -> tuple[dict[str, Any], ...]:
    """Make the lists of the report, as assessment.json has them."""
    return tuple(talkers(engine, *keys_of(words)).as_json() for words in DEFAULT)


def talkers(
    engine: DuckDB, by: Sequence[str], action: str = "", metric: str = "bytes", where: str = "TRUE", most: int = 10
) -> Talkers:
    """Count all flows by some keys; ties are broken by the keys.

    Args:
        engine: holds flow_records.
        by: keys as `keys_of` gives them.
        action: ACCEPT, REJECT, or empty for both.
        metric: one of METRICS.
        where: SQL of three values: flows of which it is TRUE are counted.
        most: items at most.
    """
    if action:
        where = f"({where}) AND action = {text(action)}"
    keys = [f"k{at}" for at in range(len(by))]
    columns = ", ".join(f"{_sql(key)} AS {k}" for key, k in zip(by, keys, strict=True))
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE talkers AS SELECT verdict, {', '.join(keys)}, "
        "coalesce(sum(bytes), 0)::HUGEINT AS bytes, coalesce(sum(packets), 0)::HUGEINT AS packets, count(*)::HUGEINT AS flows, "
        "(count(*) - count(bytes))::HUGEINT AS no_bytes, (count(*) - count(packets))::HUGEINT AS no_packets "
        f"FROM (SELECT {columns}, bytes, packets, ({where}) AS verdict FROM flow_records) "
        "WHERE verdict IS NOT FALSE GROUP BY ALL"
    )
    known = " AND ".join(f"{k} IS NOT NULL" for k in keys)
    order = ", ".join(keys)
    items = engine.rows(
        f"SELECT * EXCLUDE (verdict) FROM talkers WHERE verdict AND {known} ORDER BY {metric} DESC, {order} LIMIT {most:d}"
    )
    sums = {
        (r["verdict"], r["known"]): r
        for r in engine.rows(
            f"SELECT verdict, ({known}) AS known, sum(bytes)::HUGEINT AS bytes, sum(packets)::HUGEINT AS packets, sum(flows)::HUGEINT AS flows, "
            "sum(no_bytes)::HUGEINT AS no_bytes, sum(no_packets)::HUGEINT AS no_packets, count(*) AS groups FROM talkers GROUP BY ALL"
        )
    }
    engine.execute("DROP TABLE talkers")
    told, hidden = _amount(sums.get((True, True))), _amount(sums.get((True, False)))
    undecided = _add(_amount(sums.get((None, True))), _amount(sums.get((None, False))))
    found = tuple(Talker(tuple(row[k] for k in keys), _amount(row)) for row in items)
    shown = _add(*(t.amount for t in found))
    untold = 0 if metric == "flows" else sum(int(r[f"no_{metric}"]) for (verdict, _), r in sums.items() if verdict)
    others = Amount(told.bytes - shown.bytes, told.packets - shown.packets, told.flows - shown.flows)
    groups = int(sums[True, True]["groups"]) if (True, True) in sums else 0
    return Talkers(tuple(by), action, metric, found, others, groups, hidden, _add(told, hidden), untold, undecided)


def _sql(key: str) -> str:
    column, dot, tag = key.partition(".")
    if not dot:
        return name(column)
    return f"CASE WHEN {name(column)} IS NOT NULL THEN coalesce({name(column)}[{text(tag)}], '') END"


def _amount(row: Mapping[str, Any] | None) -> Amount:
    return Amount(int(row["bytes"]), int(row["packets"]), int(row["flows"])) if row else Amount()


def _add(*amounts: Amount) -> Amount:
    return Amount(sum(a.bytes for a in amounts), sum(a.packets for a in amounts), sum(a.flows for a in amounts))


def _json(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
