"""Controls on flow records from the text of the policy to groups and counts, against judging each row by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.config.conditions import Parser
from auditkit.evaluate import evaluate
from auditkit.model.addresses import Networks
from auditkit.model.condition import TRUE
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from tests.oracles.effort import bounded
from tests.oracles.flows import engine_of
from tests.oracles.kleene import Kleene, both

FLOWS = TABLES["flow_records"]
COLUMNS = {c.name: c for c in FLOWS.columns}
CONFIGURED = {"corporate": ["198.51.100.0/24"]}
VPCS = {"vpc-1": ["10.0.0.0/16"]}
NETWORKS = Networks.of_run(CONFIGURED, VPCS)
ORACLE = Kleene(
    {c.name: c.type for c in FLOWS.columns}, {n: (list(c), True) for n, c in CONFIGURED.items()}, {k: list(v) for k, v in VPCS.items()}
)  # fmt: skip
KEY = ("account_id", "region", "subject", "local_port", "protocol")

WISHES: dict[str, tuple[Any, ...]] = {
    "action": ("ACCEPT", "REJECT", {"exists": "false"}), "initiator": ("remote", "local", {"not_in": "local"}, {"exists": "true"}), "protocol": ("tcp", ["udp", "6"]),
    "local_port": ("22", ["22", "3000-4000"], {"ge": "1024"}), "remote_address": ("internet", {"in": "internet", "not_in": "corporate"}, {"not_in": "vpc"}, "pl-63a5400a"),
    "bytes": ({"gt": "1KiB"}, {"between": ["1", "9"]}), "vpc_tags": ({"scope": "pci"}, {"scope": {"exists": "false"}}), "subject": ({"like": "i-%"}, "i-1"),
    "remote_vpc_tags": ({"scope": {"not_in": "pci"}},), "remote_aws_service": ("S3", {"not_in": ["S3", "-"]}), "remote_service": ("nat-gateway",),
}  # fmt: skip
CELLS: dict[str, tuple[Any, ...]] = {
    "account_id": ("1", "1", "2"), "region": ("r",), "subject": ("i-1", "i-2", "lb-1"), "action": ("ACCEPT", "ACCEPT", "REJECT", "-", None),
    "initiator": ("local", "remote", "remote", "-", None, None), "initiator_by_ports": ("local", "remote", None), "protocol": (6, 6, 17, None), "local_port": (22, 3500, 70, 0, None),
    "remote_address": ("8.8.8.8", "8.8.8.8", "198.51.100.7", "10.0.0.9", "-", None), "bytes": (0, 5, 4000, None), "vpc_tags": ({}, {"scope": "pci"}, None),
    "remote_vpc_tags": ({}, {"scope": "pci"}, None), "vpc_id": ("vpc-1", "vpc-9", None), "remote_aws_service": ("-", "S3", "EC2", None), "remote_service": ("-", "nat-gateway", None),
}  # fmt: skip
ROWS = st.lists(st.fixed_dictionaries({c: st.sampled_from(v) for c, v in CELLS.items()}), min_size=1, max_size=14)


@st.composite
def conditions(draw: Any, depth: int = 2) -> Any:
    """A mapping or a list, with `initiator` more often than not."""
    if depth and draw(st.integers(0, 4)) == 0:
        return draw(st.lists(conditions(depth - 1), min_size=1, max_size=2))
    columns = draw(st.lists(st.sampled_from((*WISHES, "initiator", "initiator")), min_size=1, max_size=3, unique=True))
    out = {column: draw(st.sampled_from(WISHES[column])) for column in columns}
    if depth and draw(st.integers(0, 2)) == 0:
        word = draw(st.sampled_from(("not", "any", "all")))
        out[word] = (
            draw(conditions(depth - 1))
            if word == "not"
            else draw(st.lists(conditions(depth - 1), min_size=1, max_size=2))
        )
    return out


def tree(data: Any) -> Any:
    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    return TRUE if data is None else Parser(COLUMNS, ("corporate",), refuse).condition(data, ())


def judged(where: Any, fail_where: Any, row: dict[str, Any]) -> bool | None:
    """By what is known; where that leaves the initiator open, by ports, if these accuse."""

    def verdict(row: dict[str, Any]) -> bool | None:
        return both([ORACLE.judge(one, row) for one in (where, fail_where) if one is not None])

    if (
        row["initiator"] is None
        and row["initiator_by_ports"] is not None
        and verdict({**row, "initiator": row["initiator_by_ports"]})
    ):
        return True
    return verdict(row)


def compare(where: Any, fail_where: Any, rows: list[dict[str, Any]]) -> None:
    engine = engine_of(rows)
    control = Control("c", "C", "low", "flow_records", tree(fail_where), tree(where), group_by=KEY)
    outcome = evaluate(control, engine, NETWORKS)
    engine.close()
    verdicts = [judged(where, fail_where, row) for row in rows]
    keys = [tuple(row[k] for k in KEY) for row in rows]
    failing = Counter(key for key, v in zip(keys, verdicts, strict=True) if v)
    assert {tuple(g.key[k] for k in KEY): g.facts["rows"] for g in outcome.groups if g.fails} == failing
    undecided = Counter(
        row["account_id"] for row, key, v in zip(rows, keys, verdicts, strict=True) if v is None and key not in failing
    )
    told: Counter[str] = Counter()
    for group in outcome.groups:
        if not group.fails:
            told[group.account_id] += group.facts["rows"]
    assert told == undecided
    examined = Counter(row["account_id"] for row in rows if where is None or ORACLE.judge(where, row) is not False)
    assert {a: c.examined for (a, _), c in outcome.cells.items() if c.examined} == examined


@given(st.none() | conditions(1), conditions(), ROWS)
@bounded(25)
def test_every_row_counts_as_its_evidence_says(where, fail_where, rows):
    """No row that NULL keeps is lost on the way: each breaks the control, is undecided, or is cleared."""
    compare(where, fail_where, rows)


@pytest.mark.parametrize("wish", ["initiator: remote", "not initiator"])
@pytest.mark.parametrize("by_ports", ["remote", "local", None])
def test_ports_accuse_and_never_acquit(wish, by_ports):
    """TRUE where they say so, undecided in every other case."""
    asked = {"initiator": "remote"} if wish == "initiator: remote" else {"not": {"initiator": "local"}}
    row = {c: v[0] for c, v in CELLS.items()} | {"initiator": None, "initiator_by_ports": by_ports}
    assert judged(None, asked, row) is (True if by_ports == "remote" else None)
    compare(None, asked, [row])
    compare(asked, {"action": "ACCEPT"}, [row])


def test_what_rests_on_ports_can_be_asked_for():
    """The schema names `ports` among the values of initiator_basis, so a control may ask for it."""
    row = {c: v[0] for c, v in CELLS.items()} | {
        "initiator": None,
        "initiator_by_ports": "remote",
        "initiator_basis": "none",
    }
    engine = engine_of([row])
    control = Control(
        "c", "C", "low", "flow_records", tree({"initiator": "remote", "initiator_basis": "ports"}), group_by=KEY
    )
    groups = evaluate(control, engine, NETWORKS).groups
    engine.close()
    assert [g.fails for g in groups] == [True]
