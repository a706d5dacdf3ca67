"""Thresholds: groups judged with bounds, so that what is not known never decides."""

from __future__ import annotations

from auditkit.evaluate.cells import Engine, keys_of
from auditkit.model.control import Control, Having
from auditkit.query import name

_WINDOWS = {"1h": '"start" // 3600', "1d": "epoch(day)::BIGINT", "period": "0"}


_OPERATORS = {"gt": ">", "ge": ">="}


def window(having: Having) -> str:
    """Return the columns that judging adds to rows for a threshold: their window, and whether one alone breaks it."""
    breaks = f"{_OPERATORS[having.op]} {having.threshold}"
    return f"{_WINDOWS[having.per]} AS _window, coalesce(verdict AND {_measured(having)[0]} {breaks}, FALSE) AS _alone"


def apply_having(control: Control, having: Having, engine: Engine) -> None:
    """Judge groups with bounds: low over rows that are TRUE, high over rows that are not FALSE.

    A row whose key is not known whole may be of any group that it does not contradict, or of one that nothing else is of:
    it counts for the high of all of them, and for the low of none; by itself it breaks a threshold that one row breaks.
    """
    breaks = f"{_OPERATORS[having.op]} {having.threshold}"
    _, low, high, open_, values = _measured(having)
    keys = (*control.group_by, "_window")
    told = engine.rows(
        f"SELECT {', '.join(f'coalesce(bool_or({name(k)} IS NULL), FALSE) AS {name(k)}' for k in keys)} FROM judged"
    )[0]
    unknown = " OR ".join(f"{name(k)} IS NULL" for k in keys)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE bounds AS SELECT *, row_number() OVER () AS _id, NOT ({unknown}) AS _known FROM "
        f"(SELECT {keys_of(keys)}, {low} AS _low, {high} AS _high, {open_} AS _open, "
        f"{values if any(told.values()) else 'NULL'} AS _values FROM judged GROUP BY ALL)"
    )
    # Keys that are known of every row are compared plainly, so that only what shares them is looked at.
    may = " AND ".join(
        f"(n.{name(k)} IS NULL OR b.{name(k)} IS NULL OR n.{name(k)} = b.{name(k)})"
        if told[k]
        else f"n.{name(k)} = b.{name(k)}"
        for k in keys
    )
    total = (
        "sum(n._high)"
        if having.measure != "distinct"
        else "len(list_distinct(flatten(list(n._values)))) + sum(n._high - len(n._values))"
    )
    # Its own, and that of all whose key is not known whole: what is known of others is theirs alone.
    parts = (
        "SELECT _id AS _of, _high, _open, _values FROM bounds UNION ALL SELECT b._id, n._high, n._open, n._values "
        f"FROM bounds b JOIN (SELECT * FROM bounds WHERE NOT _known) n ON {may} WHERE n._id <> b._id"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE more AS SELECT _of AS _id, {total} AS _high, bool_or(n._open) AS _open FROM ({parts}) n GROUP BY _of"
        if any(told.values())
        else "CREATE OR REPLACE TEMP TABLE more AS SELECT _id, _high, _open FROM bounds"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE windows AS SELECT {', '.join(f'b.{name(k)}' for k in keys)}, b._known, "
        f"CASE WHEN b._known AND b._low {breaks} THEN TRUE WHEN m._open OR m._high {breaks} THEN NULL ELSE FALSE END AS _breaks "
        "FROM bounds b JOIN more m USING (_id)"
    )
    same = " AND ".join(f"j.{name(k)} IS NOT DISTINCT FROM w.{name(k)}" for k in keys)
    certain = "(j.verdict AND w._breaks) OR (j._alone AND NOT w._known)"
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS "
        f"SELECT j.* EXCLUDE (_window, _alone) REPLACE (CASE WHEN {certain} THEN TRUE ELSE NULL END AS verdict) "
        f"FROM judged j JOIN windows w ON {same} WHERE {certain} OR w._breaks IS NULL"
    )


def _measured(having: Having) -> tuple[str, str, str, str, str]:
    """SQL of what one row counts for at least, and of a group: at least, at most, whether it may be any number, the values."""
    if having.measure == "flows":
        return "1", "count(*) FILTER (verdict)", "count(*)", "FALSE", "NULL"
    column = name(having.column if having.measure == "distinct" else having.measure)
    if having.measure == "distinct":  # a value that is not known is one all the same
        low = f"greatest(count(DISTINCT {column}) FILTER (verdict), (count(*) FILTER (verdict) > 0)::BIGINT)"
        high = f"count(DISTINCT {column}) + count(*) FILTER ({column} IS NULL)"
        return "1", low, high, "FALSE", f"coalesce(list(DISTINCT {column}) FILTER ({column} IS NOT NULL), [])"
    low = f"coalesce(sum({column}) FILTER (verdict), 0)"
    return f"coalesce({column}, 0)", low, f"coalesce(sum({column}), 0)", f"bool_or({column} IS NULL)", "NULL"
