"""auditkit.open_run(RUN).table(…), and docs/python.md, which teaches it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import auditkit
from auditkit.audit.tables import OpenRun
from auditkit.engines.duckdb import arrow_table, write_parquet
from auditkit.model.errors import AuditkitError, InvalidInput
from auditkit.model.schema import TABLES
from auditkit.model.tables import Column
from auditkit.run import Run

DAY = datetime(2026, 7, 1, tzinfo=UTC)
ROWS = [
    {"resource_id": "vpc-1", "state": "none", "at_least": "none", "conforming": "NONE", "vpc_tags": {"scope": "pci"}, "flow_log_ids": [], "covered_from": None},
    {"resource_id": "vpc-2", "state": "unknown", "at_least": "failing", "conforming": None, "vpc_tags": None, "flow_log_ids": ["fl-1"], "covered_from": DAY},
    {"resource_id": "vpc-3", "state": "complete", "at_least": "complete", "conforming": "ALL", "vpc_tags": {"scope": ""}, "flow_log_ids": ["fl-1", "fl-2"], "covered_from": DAY},
]  # fmt: skip
BIG = 2**53 + 1
FLOWS = [
    {"control_id": "c", "subject": "a", "remote_address": "203.0.113.9", "remote_port": 443, "bytes": BIG, "direction": "egress", "day": DAY, "line": 1},
    {"control_id": "c", "subject": "b", "remote_address": "10.0.0.9", "remote_port": None, "bytes": None, "direction": None, "day": DAY, "line": 2},
    {"control_id": "c", "subject": "c", "remote_address": None, "remote_port": 0, "bytes": 0, "direction": "egress", "day": DAY, "line": 3},
    {"control_id": "c", "subject": "d", "remote_address": "-", "remote_port": 1, "bytes": 1, "direction": "-", "day": DAY, "line": 4},
]  # fmt: skip
FINDINGS = (Column("severity", "text", ""), Column("waived", "boolean", ""), Column("rows", "integer", ""))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables") / "reports" / "q3"
    run = Run(folder)
    flows = (Column("control_id", "text", ""), *TABLES["flow_records"].columns)
    for name, columns, rows in (
        ("coverage", TABLES["coverage"].columns, ROWS),
        ("flow_records", flows, FLOWS),
        ("findings", FINDINGS, [{"severity": "critical", "waived": False, "rows": 2}, {"severity": "low", "waived": True, "rows": 1}]),
        ("vpcs", TABLES["vpcs"].columns, [{"vpc_id": f"vpc-{n}", "is_default": d} for n, d in enumerate((False, None, True))]),
        ("subnets", TABLES["subnets"].columns, []),
    ):  # fmt: skip
        write_parquet(arrow_table(columns, rows), run.tables / f"{name}.parquet")
    run.inputs.mkdir()
    (run.inputs / "auditkit.yaml").write_text("networks: {partners: [203.0.113.0/24]}\n")
    run.note(done=["collect", "assess"])
    return folder


@pytest.fixture
def run(path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenRun:
    from auditkit.model.addresses import Networks

    networks = Networks.of_run({"partners": ["203.0.113.0/24"]}, {})
    monkeypatch.setattr(OpenRun, "_networks", lambda *_: networks)  # there is no snapshot here
    return auditkit.open_run(path)


def ids(run: OpenRun, where: object) -> list[str]:
    return run.table("coverage", ["resource_id"], where)["resource_id"].tolist()


def test_types_are_what_the_contract_says(run):
    frame = run.table("flow_records")
    assert str(frame["bytes"].dtype) == "Int64"
    assert frame["bytes"].tolist() == [BIG, pd.NA, 0, 1]
    assert str(frame["remote_port"].dtype) == "Int64"
    assert isinstance(frame["remote_address"].dtype, pd.StringDtype)
    assert frame["remote_address"].tolist() == ["203.0.113.9", "10.0.0.9", pd.NA, "-"]
    assert str(frame["day"].dtype) == "datetime64[us, UTC]"
    assert list(frame["vpc_tags"]) == [None] * 4

    coverage = run.table("coverage")
    assert coverage["conforming"].tolist() == ["NONE", pd.NA, "ALL"]
    assert coverage["vpc_tags"].tolist() == [{"scope": "pci"}, None, {"scope": ""}]
    assert coverage["flow_log_ids"].tolist() == [[], ["fl-1"], ["fl-1", "fl-2"]]
    assert coverage["covered_from"].tolist() == [pd.NaT, pd.Timestamp(DAY), pd.Timestamp(DAY)]
    assert str(run.table("vpcs")["is_default"].dtype) == "boolean"
    assert run.table("vpcs")["is_default"].tolist() == [False, pd.NA, True]
    assert len(run.table("subnets")) == 0
    assert {str(t) for t in run.table("subnets").dtypes} <= {"object", "string", "str", "boolean", "Int64", "datetime64[us, UTC]"}  # fmt: skip


def test_columns_come_in_the_order_asked_for_and_rows_up_to_the_limit(run):
    frame = run.table("coverage", ["state", "resource_id"], limit=2)
    assert frame.columns.tolist() == ["state", "resource_id"]
    assert frame["resource_id"].tolist() == ["vpc-1", "vpc-2"]
    assert len(run.table("coverage", limit=0)) == 0
    assert run.table("coverage", ["resource_id"], {"not": {"state": "complete"}}, 1)["resource_id"].tolist() == [
        "vpc-1"
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"state": "none"}, ["vpc-1"]),
        ({"state": ["none", "complete"]}, ["vpc-1", "vpc-3"]),
        ("state: complete", ["vpc-3"]),
        ({"vpc_tags": {"scope": "pci"}}, ["vpc-1"]),
        ({"not": {"vpc_tags": {"scope": "pci"}}}, ["vpc-3"]),  # of vpc-2 it is not known
        ({"conforming": "NONE"}, ["vpc-1"]),
        ([{"conforming": "ALL"}, {"resource_id": "vpc-2"}], ["vpc-2", "vpc-3"]),
        ({"covered_from": {"ge": DAY}}, ["vpc-2", "vpc-3"]),
        ({"flow_log_ids": {"in": ("fl-2",)}}, ["vpc-3"]),
        ({"resource_id": {"in": {"vpc-3", "vpc-1"}}}, ["vpc-1", "vpc-3"]),
        ({"resource_id": "x' OR '1'='1"}, []),
    ],
)
def test_only_rows_of_which_the_condition_is_true(run, where, expected):
    assert ids(run, where) == expected


def test_addresses_and_networks(run):
    def subjects(where):
        return run.table("flow_records", ["subject"], where)["subject"].tolist()

    assert subjects({"remote_address": "partners"}) == ["a"]
    assert subjects({"not": {"remote_address": "partners"}}) == ["b", "d"]
    assert subjects({"remote_address": {"in": ["10.0.0.0/8", "203.0.113.9"]}}) == ["a", "b"]
    assert subjects({"bytes": {"gt": BIG - 1}}) == ["a"]
    assert subjects({"remote_port": {"le": 1}}) == ["c", "d"]


def test_tables_that_no_control_judges_have_conditions_too(run):
    assert len(run.table("findings", where={"severity": ["critical", "high"], "waived": False})) == 1
    assert run.table("vpcs", ["vpc_id"], {"is_default": False})["vpc_id"].tolist() == ["vpc-0"]
    assert run.table("findings", where={"rows": {"ge": np.int64(2).item()}})["severity"].tolist() == ["critical"]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ({"name": "covrage"}, "has no table 'covrage'; did you mean 'coverage'?"),
        ({"name": "../run"}, "has no table '../run'"),
        ({"name": "coverage", "columns": ["stat"]}, "coverage has no column 'stat'; did you mean 'state'?"),
        ({"name": "coverage", "columns": "state"}, "is a text, not a list"),
        ({"name": "coverage", "limit": -1}, "limit: -1"),
        ({"name": "coverage", "whole": True}, "cannot be rebuilt whole"),
        ({"name": "flow_records", "whole": True, "columns": ["nope"]}, "has no column 'nope'"),
    ],
)
def test_wrong_questions_name_the_right_ones(run, ask, said):
    with pytest.raises(AuditkitError) as error:
        run.table(**ask)
    assert said in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"stat": "x"}, "where: stat: unknown column 'stat'"),
        ({"state": "covered"}, "state"),
        ({"state": None}, "a value is expected"),
        ({"resource_id": 1.5}, "float is no value of a condition"),
        ({"resource_id": b"x"}, "bytes is no value of a condition"),
        ({}, "an empty mapping matches everything"),
        ([], "an empty list matches nothing"),
        ("[", "is not YAML"),
    ],
)
def test_a_wrong_condition_is_refused(run, where, said):
    with pytest.raises(InvalidInput) as error:
        run.table("coverage", where=where)
    assert said in str(error.value)


def test_a_condition_without_end_is_refused(run):
    endless: dict[str, object] = {}
    endless["not"] = endless
    with pytest.raises(InvalidInput, match="nested too deeply"):
        run.table("coverage", where=endless)


def test_a_run_that_is_being_assessed_has_no_tables(run, monkeypatch):
    monkeypatch.setattr(OpenRun, "done", lambda _, stage: stage == "collect")
    with pytest.raises(AuditkitError) as error:
        run.table("coverage")
    assert "auditkit assess" in error.value.hint


def test_what_is_no_run_is_not_opened(tmp_path):
    with pytest.raises(AuditkitError, match="is not a run"):
        auditkit.open_run(tmp_path)


def test_the_examples_of_the_page_run(run, path, monkeypatch, capsys):
    text = Path("docs/python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3

    def rebuilt(self, name, columns, where, limit):
        return arrow_table([c for c in TABLES[name].columns if c.name in columns], FLOWS).select(list(columns))

    monkeypatch.setattr(OpenRun, "_rebuilt", rebuilt)
    monkeypatch.chdir(path.parent.parent)
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), scope)
    assert "vpc-1" in capsys.readouterr().out
    assert scope["cardholder"]["resource_id"].tolist() == ["vpc-1"]
    assert len(scope["critical"]) == 1
    assert scope["undecided"] == 1
