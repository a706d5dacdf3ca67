"""Writes the parts of docs/ that the program knows best: tools/make_docs.py.

Each file has a part written by hand, then a line that says so, then what is generated from the program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from auditkit.audit.permissions import rows
from auditkit.cli import cli
from auditkit.config.schema import ConfigModel
from auditkit.data import policies_dir
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from auditkit.model.tables import Column
from auditkit.policy import load_policies

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- From here on written by `make docs-write`, out of the program itself. -->"


def main() -> None:
    """Write every generated part."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def generated() -> dict[Path, str]:
    """Return each file's text as it should be: its own head, and the part generated now."""
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "commands.md": commands,
        "controls.md": controls,
        "tables.md": tables,
        "auditkit-yaml.md": keys,
        "permissions.md": permissions,
    }
    return {ROOT / "docs" / name: _joined(ROOT / "docs" / name, build()) for name, build in parts.items()}


def _joined(path: Path, lines: Iterable[str]) -> str:
    head = path.read_text(encoding="utf-8").split(MARK)[0].rstrip()
    return "\n".join([head, "", MARK, "", *lines]).rstrip() + "\n"


def every_command(group: click.Group | None = None, path: str = "auditkit") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it: `auditkit policies list`."""
    group = cli if group is None else group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")


def commands() -> Iterator[str]:
    """The help of every command, as it prints it."""
    for words, command in every_command():
        usage = click.Context(command, info_name=words, max_content_width=100, terminal_width=100)
        yield from (f"## {words}", "", "```text", command.get_help(usage), "```", "")


def shipped() -> tuple[Control, ...]:
    """Return the controls that ship."""
    return load_policies([Path(str(policies_dir()))])


def controls() -> Iterator[str]:
    """Every control that ships: what it says, why, and what closes a finding."""
    yield from ("| control | severity | table |", "|---|---|---|")
    yield from (f"| [{c.id}](#{c.id}) | {c.severity} | {c.table} |" for c in shipped())
    for c in shipped():
        yield from ("", f"## {c.id}", "", f"**{_prose(c.title)}** ({c.severity}, on [{c.table}](tables.md#{c.table}))")
        for label, text in (
            ("Why", c.rationale),
            ("What closes it", c.remediation),
            ("Undecidable when", c.undecidable_when),
            ("Frameworks", "; ".join(f"{m.framework} {m.id} ({m.strength})" for m in c.frameworks)),
        ):
            if text:
                yield from ("", f"{label}: {_prose(text)}")


def tables() -> Iterator[str]:
    """Every table that a control may judge, with its columns."""
    for table in TABLES.values():
        yield from (f"## {table.name}", "", f"One row per {table.row}.", "")
        yield from ("| column | type | what | NULL when | from |", "|---|---|---|---|---|")
        yield from (_column(column) for column in table.columns)
        yield ""


def _column(c: Column) -> str:
    what = c.doc + (f" ({', '.join(c.values)})" if c.values and c.values[0] not in c.doc else "")
    return "| " + " | ".join(_cell(text) for text in (f"`{c.name}`", c.type, what, c.null, c.source)) + " |"


def keys() -> Iterator[str]:
    """Every key of auditkit.yaml."""
    schema = ConfigModel.model_json_schema(by_alias=True)
    yield from ("| key | value | default |", "|---|---|---|")
    for key, value, default in _keys(schema, schema, ""):
        yield f"| `{key}` | {_cell(value)} | {_cell(default)} |"


def permissions() -> Iterator[str]:
    """Every operation that is asked of AWS, and the IAM actions that it needs."""
    yield from ("| who | operation | IAM actions | why |", "|---|---|---|---|")
    yield from (f"| {who} | {operation} | {needs} | {_cell(why)} |" for who, operation, needs, why in rows())


def _keys(schema: dict[str, Any], node: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    required = node.get("required", [])
    for name, raw in node.get("properties", {}).items():
        inner, suffix = _inside(schema, raw)
        default = "" if name in required else _default(raw.get("default"))
        yield f"{path}{name}", _kind(schema, raw), "required" if name in required else default
        if inner is not None:
            yield from _keys(schema, inner, f"{path}{name}{suffix}.")


def _inside(schema: dict[str, Any], raw: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The mapping inside a value, and how a path to it is written."""
    if "$ref" in raw:
        return schema["$defs"][raw["$ref"].rsplit("/", 1)[-1]], ""
    if isinstance(raw.get("items"), dict) and "$ref" in raw["items"]:
        return _inside(schema, raw["items"])[0], "[]"
    if isinstance(raw.get("additionalProperties"), dict) and "$ref" in raw["additionalProperties"]:
        return _inside(schema, raw["additionalProperties"])[0], ".NAME"
    for option in raw.get("anyOf", []):
        inner, suffix = _inside(schema, option)
        if inner is not None:
            return inner, suffix
    return None, ""


def _kind(schema: dict[str, Any], raw: dict[str, Any]) -> str:
    if "$ref" in raw:
        return "mapping"
    if "anyOf" in raw:
        return " or ".join(dict.fromkeys(_kind(schema, option) for option in raw["anyOf"]))
    if "enum" in raw or "const" in raw:
        return " or ".join(str(value) or "empty" for value in raw.get("enum", [raw.get("const")]))
    if raw.get("type") == "array":
        return f"list of {_kind(schema, raw.get('items', {}))}"
    if raw.get("type") == "object":
        return f"NAME: {_kind(schema, raw.get('additionalProperties', {}))}"
    words = {"string": "text", "null": "null", "integer": "whole number", "number": "number"}
    return "day" if raw.get("format") == "date" else words.get(raw.get("type", ""), "condition")


def _default(value: Any) -> str:
    if isinstance(value, dict):
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "empty"
    return "empty" if value == "" else json.dumps(value).strip('"')


def _prose(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


if __name__ == "__main__":
    main()
