"""What is handed over: each format is a pure function from an assessment to a document's bytes.

Adding one is one module with `build(assessment, tables, made)` and one line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

from auditkit.model.assessment import Assessment


class Tables(Protocol):
    """The run's tables, read when a document asks for them."""

    def rows(
        self, name: str, keep: Sequence[tuple[str, str, Any]] = (), limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return a table's rows; none where the run has no such table.

        Args:
            name: `coverage`, `destinations`, `delivery`, `flow_logs`, `accounts` or `unread`.
            keep: conditions that all hold: column, operator (==, !=, in), value.
            limit: so many rows at most.
        """
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document."""

    filename: str
    """The name it gets in the run's reports/ folder."""
    builder: str
    """The module whose `build` makes it, imported on use: WeasyPrint is heavy."""

    def build(self, assessment: Assessment, tables: Tables, made: datetime) -> bytes:
        """Make the document."""
        document: bytes = import_module(self.builder).build(assessment, tables, made)
        return document


FORMATS: dict[str, Format] = {
    "html": Format("report.html", "auditkit.formats.html"),
    "pdf": Format("report.pdf", "auditkit.formats.pdf"),
    "json": Format("assessment.json", "auditkit.formats.json"),
}
"""Name → format."""


def build(name: str, assessment: Assessment, tables: Tables, made: datetime) -> bytes:
    """Make one document.

    Args:
        name: A key of FORMATS.
        assessment: What was found.
        tables: The run's tables.
        made: The document's date, UTC; the one clock of a document.

    Raises:
        KeyError: there is no such format.
    """
    return FORMATS[name].build(assessment, tables, made)
