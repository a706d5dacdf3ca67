"""The interface-days that a control is about: observed for what it asks, not observed, or not drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditkit.evaluate.cells import BROKEN, MISSING, STANDING, Cell, Engine, Sampled
from auditkit.model.addresses import Networks
from auditkit.model.condition import All, truth
from auditkit.model.control import Control
from auditkit.model.records import FIELDS
from auditkit.model.schema import RAW_ONLY, TABLES
from auditkit.query import Compiler, name, text

ATTACHMENT = "transit-gateway-attachment"


def population(control: Control, engine: Engine, networks: Networks, cells: dict[tuple[str, str], Cell]) -> None:
    """Count the interface-days that the control is about, and those not observed for the actions it asks about."""
    for row in engine.again(
        f"SELECT account_id, region, CASE WHEN seen THEN '' ELSE reason END AS reason, count(*) AS days "
        f"FROM ({_in_scope(control, networks)}) GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.days += row["days"]
        if row["reason"]:
            cell.unobserved[row["reason"]] += row["days"]


def _in_scope(control: Control, networks: Networks) -> str:
    """Select the interface-days that a control on flow records is about, and whether they were `seen`; else, the `reason`.

    An interface-day is in scope unless what is known of it beforehand already makes the verdict FALSE.
    """
    both = All((control.where, control.fail_where))
    base = {c.name: name(c.name) if c.name in STANDING else "NULL" for c in TABLES["flow_records"].columns}

    def asks(columns: dict[str, str]) -> str:
        return f"({Compiler(networks, base | columns).sql(both)}) IS NOT FALSE"

    accept, reject, transit = asks({"action": "'ACCEPT'"}), asks({"action": "'REJECT'"}), asks(_of_transit_gateways())
    return f"""
  SELECT account_id, region, interface_id, day, CASE WHEN reason <> '' THEN reason WHEN observed = 'accept' THEN 'only ACCEPT is logged'
      WHEN observed = 'reject' THEN 'only REJECT is logged' ELSE 'not observed' END AS reason,
    observed = 'all' OR (observed = 'accept' AND NOT _reject) OR (observed = 'reject' AND NOT _accept) AS seen, observed
  FROM (
    SELECT *, resource_type <> '{ATTACHMENT}' AND {accept} AS _accept, resource_type <> '{ATTACHMENT}' AND {reject} AS _reject,
      resource_type = '{ATTACHMENT}' AND {transit} AS _transit
    FROM interface_days
  ) WHERE _accept OR _reject OR _transit"""


def _of_interface_days(control: Control, networks: Networks) -> str:
    """Select the interface-days that a control on interface_days is about: what it says of them is seen."""
    base = {c.name: name(c.name) if c.name in STANDING else "NULL" for c in TABLES["interface_days"].columns}
    both = Compiler(networks, base).sql(All((control.where, control.fail_where)))
    return f"SELECT account_id, region, interface_id, day, reason, TRUE AS seen, observed FROM interface_days WHERE ({both}) IS NOT FALSE"


def sample(control: Control, engine: Engine, networks: Networks, cells: dict[tuple[str, str], Cell]) -> None:
    """Count what was drawn of the interface-days that the control is about, and how many of these deviate.

    What nothing can tell of is known without a draw, and was not observed. Ranks among those that the control is about
    decide which of them are a sample of them.
    """
    flows = control.table == "flow_records"
    unit = "unit" if flows else "interface_id"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE broken AS SELECT DISTINCT {unit} AS interface_id, day FROM judged WHERE verdict"
    )
    engine.execute(f"""
CREATE OR REPLACE TEMP TABLE asked AS
SELECT d.account_id, d.region, coalesce(s.drawn, false) AS drawn, coalesce(s.base, false) AS base, s.rank IS NULL AS outside,
  CASE WHEN NOT d.seen AND (d.observed <> 'sampled_out' OR s.rank IS NULL) THEN d.reason WHEN b.interface_id IS NOT NULL THEN '{BROKEN}'
    WHEN s.drawn AND s.missing THEN '{MISSING}' ELSE '' END AS why,
  row_number() OVER (PARTITION BY d.account_id, d.region, s.rank IS NULL ORDER BY s.rank, d.interface_id, d.day) AS place
FROM ({_in_scope(control, networks) if flows else _of_interface_days(control, networks)}) d
LEFT JOIN sampled s ON s.interface_id = d.interface_id AND s.day = d.day
LEFT JOIN broken b ON b.interface_id = d.interface_id AND b.day = d.day""")
    for row in engine.rows(
        "SELECT account_id, region, count(*) AS population, count(*) FILTER (drawn) AS drawn, count(*) FILTER (base) AS base, "
        "coalesce(min(place) FILTER (NOT drawn) - 1, count(*)) AS first FROM asked WHERE NOT outside GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row.pop("account_id") or "", row.pop("region") or ""), Cell())
        cell.sampled = Sampled(**row)
        cell.days = row["population"]
    for row in engine.rows(
        "SELECT account_id, region, drawn, outside, why, count(*) AS days FROM asked WHERE outside OR why <> '' GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.sampled = cell.sampled or Sampled()
        if row["outside"]:
            cell.sampled.outside[row["why"]] += row["days"]
        elif row["drawn"]:
            cell.sampled.deviations[row["why"]] += row["days"]
        elif row["why"] != BROKEN:
            cell.unobserved[row["why"]] += row["days"]


def may_break(control: Control, unit: Mapping[str, Any]) -> bool:
    """Tell whether what is known of an interface, attachment or NAT gateway beforehand lets it break a control, in any record.

    Args:
        control: on flow_records or interface_days.
        unit: its columns, as `interface_days` has them.
    """
    both = All((control.where, control.fail_where))
    row = {column: unit.get(column) for column in STANDING}
    if control.table != "flow_records":
        return truth(both, row) is not False
    if unit["resource_type"] == ATTACHMENT:
        return truth(both, row | _TOLD_OF_GATEWAYS) is not False
    return any(truth(both, row | {"action": action}) is not False for action in ("ACCEPT", "REJECT"))


def _of_transit_gateways() -> dict[str, str]:
    """Columns that cannot apply to a transit gateway's record, as SQL."""
    out = {c: str(v) if isinstance(v, int) else text(v) for c, v in _TOLD_OF_GATEWAYS.items()}
    addresses = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "local_address", "remote_address")
    return out | {f"{a}_ip": "NULL::UHUGEINT" for a in addresses}


def of_gateways() -> dict[str, str | int]:
    """Return what stands in each column that says nothing of a transit gateway's record."""
    numbers = ("integer", "port", "protocol")
    out: dict[str, str | int] = {
        f.column: 0 if f.type in numbers else "-"
        for f in FIELDS
        if "transit-gateway" not in f.kinds and f.name not in RAW_ONLY
    }
    out |= dict.fromkeys(("direction", "local_address", "remote_address", "initiator", "initiator_basis"), "-")
    out |= {"local_port": 0, "remote_port": 0}
    return {column: value for column, value in out.items() if column not in STANDING} | {"interface_id": "-"}


_TOLD_OF_GATEWAYS = of_gateways()
"""Column → what stands in it where it cannot apply to a transit gateway's record."""
