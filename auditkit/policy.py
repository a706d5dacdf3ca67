"""Policies and waivers: YAML → controls and waivers; every complaint has file:line, all come at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from auditkit.config import editors
from auditkit.config.conditions import Parser
from auditkit.config.literals import Wrong
from auditkit.config.schema import AccountId, Approval, Region
from auditkit.config.thresholds import threshold
from auditkit.config.typed import Strict, validate
from auditkit.config.yaml import Document, Loc, load
from auditkit.model.addresses import is_prefix_list
from auditkit.model.condition import TRUE, Condition, tests
from auditkit.model.control import SEVERITIES, Control, Having, Mapping, Waiver
from auditkit.model.errors import InvalidInput, Problem, nearest
from auditkit.model.schema import TABLES, Table

_LEAST_NAMED = 4
"""Letters of a name that a glob must hold beside its wildcards."""
_TYPE_PREFIX = re.compile(
    r"^(arn:(\w[\w-]*:){0,2}|eni-|vpc-|subnet-|i-|nat-|tgw-(attach-)?|fl-|s3://|rds:sg-|log-group:)"
)
_SERVICE_RANGE = 1000
"""A range of ports wider than this names no service."""


class MappingModel(Strict):
    """One line under a framework."""

    id: str = Field(min_length=1)
    strength: Literal["direct", "supporting", "weak"]
    source: str = ""


class ControlModel(Strict):
    """One control as written."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    title: str = Field(min_length=1)
    severity: str
    table: str
    where: Any = None
    fail_where: Any = None
    group_by: tuple[str, ...] = ()
    having: dict[str, Any] | None = None
    tolerance: Literal["rate", "zero"] = "rate"
    rationale: str = ""
    remediation: str = ""
    undecidable_when: str = ""
    frameworks: dict[str, tuple[MappingModel, ...]] = {}
    monitor: bool = False

    @field_validator("severity")
    @classmethod
    def _severity(cls, value: str) -> str:
        return _one_of("severity", value, SEVERITIES)

    @field_validator("table")
    @classmethod
    def _table(cls, value: str) -> str:
        return _one_of("table", value, TABLES)


class PolicyModel(Strict):
    """One policy file."""

    controls: tuple[ControlModel, ...]


class WaiverModel(Approval):
    """One waiver as written."""

    control: str = Field(min_length=1)
    resource: str = Field(min_length=1)
    ticket: str = ""
    account: Literal[""] | AccountId = ""
    region: Literal[""] | Region = ""

    @field_validator("resource")
    @classmethod
    def _not_all(cls, value: str) -> str:
        parts = re.split(r"\[[^\]]*\]|[*?]", _TYPE_PREFIX.sub("", value))
        if len(parts) > 1 and max(map(len, parts)) < _LEAST_NAMED:
            raise ValueError(f"a waiver names a resource: {value!r} would waive almost anything (a bare * everything)")
        return value


class WaiversModel(Strict):
    """waivers.yaml."""

    waivers: tuple[WaiverModel, ...] = ()


def _one_of(what: str, value: str, allowed: Iterable[str]) -> str:
    words = list(allowed)
    if value not in words:
        raise ValueError(f"{value!r} is not a {what}{nearest(value, words)} (one of {', '.join(words)})")
    return value


def policy_files(paths: Iterable[Path]) -> list[Path]:
    """Return the YAML files at the paths; a folder stands for its *.yaml (its subfolders hold assets, not policies)."""
    out: list[Path] = []
    for path in paths:
        out += sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    return out


def load_policies(paths: Iterable[Path], networks: Collection[str] = ()) -> tuple[Control, ...]:
    """Read the controls of some files and folders.

    Args:
        paths: files, or folders of *.yaml.
        networks: names of the networks of auditkit.yaml.

    Returns:
        Controls in the order of severity, then id.

    Raises:
        InvalidInput: every complaint of every file.
    """
    problems: list[Problem] = []
    controls: list[Control] = []
    given = list(paths)
    problems += [Problem(str(p), 0, "there is no such file or folder") for p in given if not p.exists()]
    for path in policy_files(p for p in given if p.exists()):
        try:
            document = load(path)
        except InvalidInput as error:
            problems += error.problems
            continue
        controls += _controls(document, networks, problems)
    seen: dict[str, Control] = {}
    for control in controls:
        if control.id in seen:
            first = seen[control.id]
            problems.append(
                Problem(
                    control.file, control.line, f"the control {control.id!r} exists already ({first.file}:{first.line})"
                )
            )
        seen.setdefault(control.id, control)
    if problems:
        raise InvalidInput(problems, "Run `auditkit policies schema` for the JSON Schema that editors understand.")
    return tuple(sorted(seen.values(), key=lambda c: (SEVERITIES.index(c.severity), c.id)))


def _controls(document: Document, networks: Collection[str], problems: list[Problem]) -> list[Control]:
    model, found = validate(PolicyModel, document)
    problems += found
    out = []
    data = document.data if isinstance(document.data, dict) else {}
    given = data.get("controls")
    for at, raw in enumerate(given if isinstance(given, list) else []):
        table = TABLES.get(raw.get("table", "")) if isinstance(raw, dict) else None
        if table is None:
            continue
        where, fail_where = _conditions(document, raw, ("controls", at), table, networks, problems)
        having = _having(document, raw, ("controls", at), table, problems)
        if model is not None:
            out.append(_control(document, model.controls[at], ("controls", at), table, raw, where, fail_where, having))
    return out


def _conditions(
    document: Document, raw: dict[str, Any], loc: Loc, table: Table, networks: Collection[str], problems: list[Problem]
) -> tuple[Condition, Condition]:
    def complain(where: Loc, message: str) -> None:
        problems.append(document.problem(where, message))

    parser = Parser({c.name: c for c in table.columns}, networks, complain)
    if not raw.get("fail_where"):
        complain(
            (*loc, "fail_where"),
            f"{raw.get('id', 'the control')}: fail_where is missing or empty: it says which rows break the control",
        )
    _group_by(raw.get("group_by"), (*loc, "group_by"), table, complain)
    if raw.get("where") is not None and not raw["where"]:
        complain((*loc, "where"), "where is empty: leave it out where the control is about every row")
    where = parser.condition(raw["where"], (*loc, "where")) if raw.get("where") else TRUE
    fail_where = parser.condition(raw["fail_where"], (*loc, "fail_where")) if raw.get("fail_where") else TRUE
    return where, fail_where


def _group_by(given: Any, loc: Loc, table: Table, complain: Callable[[Loc, str], None]) -> None:
    """Check the columns that make a finding; what is no list pydantic tells."""
    for at, name in enumerate(given if isinstance(given, list) else ()):
        column = table.column(str(name))
        if column is None:
            complain((*loc, at), f"unknown column {name!r}{nearest(str(name), [c.name for c in table.columns])}")
        elif column.type == "tags":
            complain(
                (*loc, at), f"{name} holds many tags, by which no group can be told; take the id of what bears them"
            )
        elif name in given[:at]:
            complain((*loc, at), f"{name} stands here twice")


def _key(model: ControlModel, table: Table) -> tuple[str, ...]:
    """The columns that make a finding: every result is told per account and region, so these belong to it."""
    return tuple(dict.fromkeys(("account_id", "region", *(model.group_by or table.group_by))))


def _having(document: Document, raw: dict[str, Any], loc: Loc, table: Table, problems: list[Problem]) -> Having | None:
    """Read a threshold; complaints leave None."""
    given = raw.get("having")
    if given is None:
        return None
    try:
        return threshold(given, table, raw.get("group_by") or table.group_by)
    except Wrong as wrong:
        problems.append(document.problem((*loc, "having"), str(wrong)))
        return None


def _control(
    document: Document,
    model: ControlModel,
    loc: Loc,
    table: Table,
    raw: dict[str, Any],
    where: Condition,
    fail_where: Condition,
    having: Having | None,
) -> Control:
    return Control(
        id=model.id,
        title=model.title,
        severity=model.severity,
        table=model.table,
        where=where,
        fail_where=fail_where,
        group_by=_key(model, table),
        having=having,
        tolerance=model.tolerance,
        rationale=" ".join(model.rationale.split()),
        remediation=" ".join(model.remediation.split()),
        undecidable_when=" ".join(model.undecidable_when.split()),
        frameworks=tuple(
            Mapping(name, m.id, m.strength, m.source)
            for name in sorted(model.frameworks)
            for m in model.frameworks[name]
        ),
        monitor=model.monitor,
        where_text=as_text(raw.get("where")),
        fail_where_text=as_text(raw.get("fail_where")) + (f"\nhaving {as_text(raw['having'])}" if having else ""),
        file=document.file,
        line=document.line((*loc, "id")),
    )


def as_text(data: Any) -> str:
    """Write a condition back as YAML on few lines, for people."""
    return (
        ""
        if not data
        else yaml.safe_dump(data, default_flow_style=None, sort_keys=False, width=100, allow_unicode=True)
        .replace("'", "")
        .strip()
    )


def load_waivers(path: Path | None, controls: Collection[str]) -> tuple[Waiver, ...]:
    """Read waivers.yaml.

    Args:
        path: the file, or None for no waivers.
        controls: ids of the controls that exist.

    Raises:
        InvalidInput: every complaint; a waiver of a control that does not exist is one.
    """
    if path is None:
        return ()
    document = load(path)
    model, problems = validate(WaiversModel, document)
    if model is not None:
        problems += [
            document.problem(("waivers", at, "control"), f"unknown control {w.control!r}{nearest(w.control, controls)}")
            for at, w in enumerate(model.waivers)
            if w.control not in controls
        ]
    if model is None or problems:
        raise InvalidInput(problems)
    return tuple(
        Waiver(**w.model_dump(), file=document.file, line=document.line(("waivers", at)))
        for at, w in enumerate(model.waivers)
    )


def expired(waiver: Waiver, on: date) -> bool:
    """Tell whether a waiver has ended, or has not begun."""
    return not waiver.approved_on <= on < waiver.expires


def service_ports(controls: Iterable[Control]) -> frozenset[int]:
    """The ports that loaded controls name: together with those below 1024 they are service ports."""
    out: set[int] = set()
    for control in controls:
        for test in (*tests(control.where), *tests(control.fail_where)):
            if test.type == "port" and test.op in ("in", "not_in"):
                for item in test.value:
                    low, high = item if isinstance(item, tuple) else (item, item)
                    out.update(range(low, high + 1) if high - low < _SERVICE_RANGE else ())
    return frozenset(out)


def prefix_lists(controls: Iterable[Control]) -> tuple[str, ...]:
    """The prefix lists that controls name, by id or by AWS's name, sorted."""
    named = {
        item
        for control in controls
        for test in (*tests(control.where), *tests(control.fail_where))
        if test.type == "address"
        for item in test.value
    }
    return tuple(sorted(item for item in named if isinstance(item, str) and is_prefix_list(item)))


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the contents of the policy files, in order."""
    total = hashlib.sha256()
    for path in policy_files(paths):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of policy files, for editors."""
    schema = PolicyModel.model_json_schema()
    control = schema["$defs"]["ControlModel"]["properties"]
    control["severity"]["enum"] = list(SEVERITIES)
    control["table"]["enum"] = list(TABLES)
    control["where"] = {"description": "The rows it is about: a mapping is AND, a list is OR; also all:, any:, not:"}
    control["fail_where"] = {"description": "The rows that break it"}
    control["having"] = editors.having(TABLES["flow_records"])
    schema["$defs"]["ControlModel"]["required"] = ["id", "title", "severity", "table", "fail_where"]
    schema["$defs"]["ControlModel"]["allOf"] = [_of_table(table) for table in TABLES.values()]
    schema["$defs"] |= editors.conditions(TABLES.values())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "auditkit policy", **schema}


def _of_table(table: Table) -> dict[str, Any]:
    """What a control on a table may say."""
    here = {"$ref": f"#/$defs/{editors.of(table.name)}"}
    key = {"items": {"enum": [c.name for c in table.columns if c.type != "tags"]}, "uniqueItems": True}
    then: dict[str, Any] = {"where": here, "fail_where": here, "group_by": key}
    if table.name != "flow_records":
        then["having"] = False
    return {"if": {"properties": {"table": {"const": table.name}}}, "then": {"properties": then}}
