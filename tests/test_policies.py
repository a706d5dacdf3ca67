"""The controls that ship, and what the loader refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditkit.cli import run as command
from auditkit.model.errors import InvalidInput
from auditkit.policy import load_policies, service_ports

POLICIES = Path(__file__).parent.parent / "policies"
CONTROLS = load_policies([POLICIES])


def test_enough_controls_ship() -> None:
    """At least six on coverage and destinations, eight on traffic."""
    tables = [c.table for c in CONTROLS]
    assert sum(t in ("coverage", "destinations", "flow_logs") for t in tables) >= 6
    assert tables.count("flow_records") >= 8


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.id)
def test_each_control_judges_its_asset_as_it_must(control) -> None:
    """By the path of an audit."""
    from auditkit.audit.assets import asset_path, check

    assert check(control, asset_path(control, POLICIES)) == []


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.id)
def test_each_control_says_why_and_what_to_do(control) -> None:
    """And each mapping has a strength and a source."""
    assert control.title
    assert control.rationale
    assert control.remediation
    assert control.undecidable_when
    assert all(m.source for m in control.frameworks)


def write(folder: Path, text: str) -> Path:
    """Write one policy file."""
    path = folder / "p.yaml"
    path.write_text(text)
    return path


HEAD = "controls:\n  - id: x\n    title: X\n    severity: low\n    table: flow_records\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "    fail_where: {}\n", "fail_where is missing or empty"),
        (HEAD + "    fail_where: {not: {}}\n", "an empty mapping matches everything"),
        (HEAD + "    fail_where: {any: [{}]}\n", "an empty mapping matches everything"),
        (HEAD + "    fail_where: {local_port: []}\n", "an empty list matches nothing"),
        (HEAD + "    fail_where: {local_port: 70000}\n", "not a port"),
        (HEAD + "    fail_where: {local_port: {like: '2%'}}\n", "does not take the operator 'like'"),
        (HEAD + "    fail_where: {local_port: {inn: [22]}}\n", "unknown operator 'inn'; did you mean 'in'?"),
        (HEAD + "    fail_where: {protocol: tpc}\n", "not a protocol; did you mean 'tcp'?"),
        (HEAD + "    fail_where: {remote_address: {in: offices}}\n", "unknown network 'offices'"),
        (HEAD + "    fail_where: {remote_address: 10.0.0.1/8}\n", "has host bits set"),
        (HEAD + "    fail_where: {action: null}\n", "what is not decided cannot be asked for"),
        (HEAD + "    fail_where: {bytes: {between: [9, 3]}}\n", "the first value is the larger"),
        (HEAD + "    fail_where: {action: ACCEPT}\n    having: {bytes: {gt: 1GiB}}\n", "per: is required"),
        (HEAD + "    fail_where: {action: ACCEPT}\n    having: {bytes: {lt: 5}, per: 1d}\n", "takes gt or ge"),
        (HEAD + "    fail_where: {action: ACCEPT}\n    group_by: [sujbect]\n", "did you mean 'subject'?"),
        (HEAD + "    fail_where: {action: ACCEPT}\n    fial: x\n", "unknown key 'fial'"),
        (HEAD + "    fail_where: {action: ACCEPT}\n" + HEAD[10:] + "    fail_where: {action: REJECT}\n", "exists already"),
        ("controls: 7\n", "controls"),
        ("", "controls: is missing"),
    ],
)  # fmt: skip
def test_what_says_nothing_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """A rule that cannot match, or always does, is an error and not a pass."""
    path = write(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        load_policies([path])
    assert words in str(caught.value)
    assert all(problem.file == str(path) for problem in caught.value.problems)


def test_scalars_are_text_until_the_schema_types_them(tmp_path: Path) -> None:
    """4.10 stays 4.10, account ids keep their zeros, NO is a word."""
    body = "    where: {account_id: 001122334455, vpc_tags: {country: NO}}\n    fail_where: {action: ACCEPT}\n    frameworks: {cis: [{id: 4.10, strength: direct}]}\n"
    (control,) = load_policies([write(tmp_path, HEAD + body)])
    assert control.frameworks[0].id == "4.10"
    account, tag = control.where.parts
    assert account.value == ("001122334455",)
    assert tag.value == ("NO",)


def test_service_ports_are_those_that_controls_name(tmp_path: Path) -> None:
    """A range that is too wide to name a service is none."""
    (control,) = load_policies(
        [write(tmp_path, HEAD + "    fail_where: {local_port: [5432, 6000-6002, 1024-65535]}\n")]
    )
    assert service_ports([control]) == {5432, 6000, 6001, 6002}


def test_the_schema_is_json_schema_and_knows_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """For editors."""
    assert command(["policies", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["controls"]
    assert "remote_address" in json.dumps(schema)
    assert command(["policies", "schema", "--tables", "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)
    assert all(
        column["doc"] and column["null"] and column["source"] for columns in tables.values() for column in columns
    )


def test_no_table_has_a_column_twice() -> None:
    """Two of one name would be judged as one."""
    from auditkit.model.schema import TABLES

    for table in TABLES.values():
        names = [c.name for c in table.columns]
        assert len(set(names)) == len(names), table.name


def test_an_asset_that_is_judged_otherwise_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With file and line; the status is 2."""
    path = write(tmp_path, HEAD + "    fail_where: {action: ACCEPT, local_port: 22}\n")
    (tmp_path / "assets").mkdir()
    asset = tmp_path / "assets" / "x.yaml"
    asset.write_text("fail:\n  - {action: ACCEPT}\npass:\n  - {action: ACCEPT, local_port: 22}\n")
    assert command(["policies", "test", str(path)]) == 2
    said = capsys.readouterr().err
    assert "x.yaml:2: x: this row is undecided, but it stands under fail:" in said
    assert "x.yaml:4: x: this row breaks the control, but it stands under pass:" in said


def test_list_show_and_lint(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, one in full, and a clean bill."""
    assert command(["policies", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CONTROLS)
    assert command(["policies", "show", "no-public-ssh"]) == 0
    assert "remote_address" in capsys.readouterr().out
    assert command(["policies", "show", "no-public-shh"]) == 2
    assert "did you mean 'no-public-ssh'?" in capsys.readouterr().err
    assert command(["policies", "lint"]) == 0
