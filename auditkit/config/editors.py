"""The JSON Schema of conditions, so that an editor knows columns, operators and values while a policy is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditkit.config.conditions import OPERATORS
from auditkit.config.literals import CORPORATE, NETWORKS, PER
from auditkit.model.records import PROTOCOLS
from auditkit.model.schema import Table
from auditkit.model.tables import Column

Schema = dict[str, Any]

_PLAIN: Schema = {"type": ["string", "number", "boolean"]}
_MEANS = {
    "in": "One of these", "not_in": "None of these", "gt": "Greater", "ge": "Greater or equal", "lt": "Less", "le": "Less or equal", "between": "From the first to the second, both included",
    "like": "SQL's LIKE: % any text, _ one character", "exists": "Whether there is a value other than absence",
}  # fmt: skip
_SCALARS: dict[str, Schema] = {
    "integer": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*[0-9]+\s*([KMGTkmgt][Ii]?)?[Bb]?\s*$"}]},
    "port": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, {"type": "string", "pattern": r"^[0-9]{1,5}(\s*-\s*[0-9]{1,5})?$"}]},
    "protocol": {"anyOf": [{"enum": list(PROTOCOLS)}, {"type": "integer", "minimum": 0, "maximum": 255}, {"type": "string"}]},
    "address": {"anyOf": [{"enum": [*NETWORKS, CORPORATE]}, {"type": "string", "minLength": 1}]},
    "boolean": {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]},
    "time": {"type": "string", "description": "2026-07-01 or 2026-07-01T12:00:00Z"},
}  # fmt: skip


def conditions(tables: Iterable[Table]) -> Schema:
    """Return the definitions of conditions, by the name that `of` gives each."""
    out: Schema = {f"asked_of_{type_}": _asked(type_, ()) for type_ in OPERATORS}
    for table in tables:
        here = {"$ref": f"#/$defs/{of(table.name)}"}
        some = {"type": "array", "minItems": 1, "items": here}
        words = {
            "all": {**some, "description": "Every one of these holds"}, "any": {**some, "description": "At least one of these holds"},
            "not": {**here, "description": "This does not hold"},
        }  # fmt: skip
        properties = {c.name: {**_column(c), "description": c.doc} for c in table.columns} | words
        mapping = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}
        out[of(table.name)] = {"anyOf": [mapping, some]}
    return out


def of(table: str) -> str:
    """Name the definition of a table's conditions."""
    return f"condition_on_{table}"


def having(table: Table) -> Schema:
    """Return the schema of thresholds."""
    limit = {
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
        "properties": {op: {**_SCALARS["integer"], "description": _MEANS[op]} for op in ("gt", "ge")},
    }  # fmt: skip
    columns = {c.name: limit for c in table.columns if c.type != "tags"}
    distinct = {**limit, "properties": columns}
    measures = {"bytes": limit, "packets": limit, "flows": limit, "distinct": distinct}
    return {
        "type": "object", "required": ["per"], "minProperties": 2, "maxProperties": 2, "additionalProperties": False,
        "properties": {**measures, "per": {"enum": list(PER), "description": "Over an hour, a UTC day, or the whole period"}},
        "description": "How much a group must come to before it breaks the control",
    }  # fmt: skip


def _column(column: Column) -> Schema:
    return _asked(column.type, column.values) if column.values else {"$ref": f"#/$defs/asked_of_{column.type}"}


def _asked(type_: str, values: tuple[str, ...]) -> Schema:
    """What may stand beside a column of a type."""
    if type_ == "tags":
        return {"type": "object", "minProperties": 1, "additionalProperties": _wish(_PLAIN, OPERATORS["tags"])}
    return _wish({"enum": list(values)} if values else _SCALARS.get(type_, _PLAIN), OPERATORS[type_])


def _wish(scalar: Schema, operators: Iterable[str]) -> Schema:
    """A value, a list of values, or a mapping of operators."""
    some = {"type": "array", "minItems": 1, "items": scalar}
    given: dict[str, Schema] = {
        "in": {"anyOf": [scalar, some]}, "not_in": {"anyOf": [scalar, some]}, "like": {"type": "string"}, "exists": _SCALARS["boolean"],
        "between": {**some, "minItems": 2, "maxItems": 2},
    }  # fmt: skip
    properties = {op: {**given.get(op, scalar), "description": _MEANS[op]} for op in operators}
    mapping = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}
    return {"anyOf": [*([scalar, some] if "in" in properties else []), mapping]}
