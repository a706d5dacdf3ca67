"""pydantic's complaints, said with file, line and the nearest right word."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from auditkit.config.yaml import Document, Loc
from auditkit.model.errors import InvalidInput, Problem, nearest

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


def validate(model: type[M], document: Document, at: Loc = ()) -> tuple[M | None, list[Problem]]:
    """Type a document, or a part of it, by a model.

    Returns:
        the model, or None, and every complaint.
    """
    data = document.data
    for part in at:
        data = data[part]
    try:
        return model.model_validate({} if data is None else data), []
    except ValidationError as error:
        return None, [_problem(model, document, at, one) for one in error.errors(include_url=False)]


def check(model: type[M], document: Document) -> M:
    """Like `validate`, raising InvalidInput."""
    typed, problems = validate(model, document)
    if typed is None:
        raise InvalidInput(problems)
    return typed


def _problem(model: type[BaseModel], document: Document, at: Loc, error: Any) -> Problem:
    loc: Loc = (*at, *error["loc"])
    words = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            message = f"unknown key {loc[-1]!r}{nearest(str(loc[-1]), _keys(model, error['loc'][:-1]))}"
        case "missing":
            message = f"{words}: is missing"
        case "model_type" | "dict_type" | "model_attributes_type":
            message = f"{words or 'the file'}: a mapping is expected"
        case "value_error":
            message = f"{words}: {error['ctx']['error']}" if words else str(error["ctx"]["error"])
        case _:
            shown = error["input"] if isinstance(error["input"], str) else type(error["input"]).__name__
            message = f"{words}: {error['msg'][:1].lower()}{error['msg'][1:]} (not {str(shown)[:80]!r})"
    return document.problem(loc, message)


def _keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that the model at `loc` knows."""
    current: Any = model
    for part in loc:
        if isinstance(part, str) and isinstance(current, type) and issubclass(current, BaseModel):
            found = next((f for n, f in current.model_fields.items() if part in (n, f.alias)), None)
            current = found.annotation if found else current  # else a key of a mapping of models
        current = _model_in(current)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """Unwrap lists, mappings and unions down to the model inside, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg)) is not None), None)
