"""The table of formats, the JSON copy, the conclusion and the matrix."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from auditkit.data import templates_dir
from auditkit.formats import FORMATS, build
from auditkit.formats.conclusion import conclude
from auditkit.formats.matrix import matrix
from auditkit.model.assessment import Assessment


def test_every_format_has_a_file_and_a_builder() -> None:
    """Names are what the command line takes."""
    assert {name: f.filename for name, f in FORMATS.items()} == {
        "html": "report.html",
        "pdf": "report.pdf",
        "json": "assessment.json",
    }


def test_importing_the_table_loads_no_renderer() -> None:
    """WeasyPrint and Jinja come when a document is made."""
    code = "import sys, auditkit.formats; print([m for m in ('weasyprint', 'jinja2', 'fontTools') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_json_is_the_assessment(estate: Any, invented: Any) -> None:
    """It reads back equal, hostile texts and all."""
    assessment, tables = estate
    assert (
        Assessment.from_json(build("json", assessment, tables, invented.MADE).decode()).to_json()
        == assessment.to_json()
    )


def test_templates_are_small_and_licensed() -> None:
    """Under 1.5 MB in all; every font family has its licence beside it."""
    fonts = templates_dir() / "fonts"
    names = {f.name for f in fonts.iterdir()}
    assert (
        sum(
            len(f.read_bytes())
            for folder in (templates_dir(), templates_dir() / "sections", fonts)
            for f in folder.iterdir()
            if f.is_file()
        )
        < 1_500_000
    )
    assert {
        "Inter-LICENSE.txt",
        "JetBrainsMono-LICENSE.txt",
        "DejaVuSans-LICENSE.txt",
        "DroidSans-LICENSE.txt",
    } <= names


@pytest.mark.parametrize(
    ("counts", "status", "headline"),
    [
        ((2, 0, 0, 3, 1), "fail", "2 of 5 controls fail."),
        ((1, 2, 0, 3, 1), "fail", "1 of 6 controls fails; 2 more could not be concluded."),
        ((0, 2, 1, 3, 0), "inconclusive", "No control fails, but 2 of 6 could not be concluded."),
        ((0, 0, 1, 3, 0), "excepted", "No control fails; 1 of 4 rest on waivers."),
        ((0, 0, 0, 4, 2), "pass", "All 4 controls that apply pass."),
        ((0, 0, 0, 0, 2), "not_applicable", "No control applied: nothing was concluded."),
    ],
)
def test_headline(counts: tuple[int, ...], status: str, headline: str, estate: Any) -> None:
    """The first sentence that anybody reads."""
    a = {"population": {}, "unread": (), "as_of": "2026-10-01T00:00:00Z", "controls": (), "waivers": {}, "period": {}}
    said = conclude(a, dict(zip(("fail", "inconclusive", "excepted", "pass", "not_applicable"), counts, strict=True)))
    assert (said.status, said.headline) == (status, headline)
    assert said.sentences == (
        "The conclusion rests on what AWS answered until 2026-10-01 00:00 UTC. No log object was read: nothing is said about traffic that was logged.",
    )


def test_matrix_never_calls_unread_fine() -> None:
    """A cell with a listing that failed is inconclusive, even where all that was seen is complete."""
    row = {"account_id": "1", "region": "r", "resource_type": "vpc", "state": "complete", "count": 2}
    unread = {"account_id": "1", "region": "r", "table": "network_interfaces", "resource": ""}

    def status(coverage: list[dict[str, Any]], failed: list[dict[str, Any]]) -> str:
        return matrix(coverage, ["1"], ["r"], failed)[0][0].status

    assert status([row], []) == "pass"
    assert status([row], [unread]) == "inconclusive"
    assert status([row], [{**unread, "table": "destinations"}]) == "pass"
    assert status([], [{**unread, "account_id": "*", "region": "*", "table": "*"}]) == "inconclusive"
    assert status([], []) == "not_applicable"
    assert status([row, {**row, "state": "unknown"}], []) == "inconclusive"
    assert status([row, {**row, "state": "none"}, {**row, "state": "unknown"}], []) == "fail"
