"""assessment.json, as the run has it."""

from __future__ import annotations

from datetime import datetime

from auditkit.formats import Tables
from auditkit.model.assessment import Assessment


def build(assessment: Assessment, tables: Tables, made: datetime) -> bytes:  # noqa: ARG001  # every format has this signature
    """Return the assessment's bytes; half a surrogate pair in somebody's tag becomes its JSON escape, which means the same."""
    return assessment.to_json().encode("utf-8", "backslashreplace")
