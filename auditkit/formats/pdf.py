"""report.pdf: the document to sign and file, built as PDF/A-3a with WeasyPrint."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import Any
from warnings import catch_warnings, simplefilter

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # fontTools ships no types
from weasyprint import CSS, HTML  # type: ignore[import-untyped]  # WeasyPrint ships no types
from weasyprint.text.fonts import FontConfiguration  # type: ignore[import-untyped]
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse  # type: ignore[import-untyped]

from auditkit.formats import Tables
from auditkit.formats.page import FONTS, asset, asset_bytes, environment
from auditkit.formats.text import escape
from auditkit.formats.view import Json, View, view
from auditkit.model.assessment import Assessment
from auditkit.model.garbage import no_search

MAX_FINDINGS = 1000
"""Findings shown at all; the rest is counted, and its file named."""
IN_FULL = 3
"""Findings of one control and severity shown with their evidence: what the next add is a line each."""
IN_LINES = 15
"""Lines of one control and severity after those: a line names the findings that say the same of one account region."""
IN_LINE = 20
"""Findings that one line names."""
SHARED = 3
"""Controls with the same reason from which on it is told once."""
EVIDENCE = 3
"""Lines of evidence of one finding."""
CAP = 200
"""Rows of a listing that is not the report's point."""
CELLS = 16
"""Account regions that a control names for one status."""
CJK = "DroidSansFallback-CJK.woff"
"""The one font that takes long to load: only where a text needs it."""


def build(assessment: Assessment, tables: Tables, made: datetime) -> bytes:
    """Make the PDF."""
    fonts = FontConfiguration()
    fetcher = Packaged()
    source, faces = drawable(markup(assessment, tables, made))
    style = CSS(string=_faces(faces) + asset("pdf.css"), font_config=fonts, url_fetcher=fetcher, base_url="auditkit:")
    document = HTML(string=source, url_fetcher=fetcher, base_url="auditkit:")
    with catch_warnings(), no_search():
        simplefilter("ignore", ResourceWarning)  # WeasyPrint 70 leaves its colour profile open
        pdf: bytes = document.write_pdf(
            stylesheets=[style], font_config=fonts, pdf_variant="pdf/a-3a", pdf_identifier=_identifier(assessment, made)
        )
    return pdf


def markup(assessment: Assessment, tables: Tables, made: datetime) -> str:
    """Write the HTML that WeasyPrint lays out."""
    v = view(assessment, tables, made)
    groups = select(v.findings)
    full = [f for group in groups for f in group["full"]]
    return (
        environment()
        .get_template("pdf.j2")
        .render(
            v=v,
            pdf=True,
            cap=CAP,
            cells=CELLS,
            groups=groups,
            full=full,
            brief=sum(group["brief"] for group in groups),
            labels={f["label"] for group in groups for f in group["full"] + group["lines"]},
            shared=shared(v.controls),
            controls={c["id"]: c for c in v.controls},
            evidence=index(full),
            vpcs=_vpcs(v),
        )
    )


def select(findings: list[Json]) -> list[Json]:
    """Group findings by severity and control, in their order, and choose how much of each group is shown.

    Returns:
        severity, control_id, total, full (findings), lines (findings, with `labels` and `resources` of those that say the same),
        brief (findings in lines), of each group.
    """
    chosen: list[Json] = []
    kinds = {(f["severity"], f["control_id"]): None for f in findings}
    for severity, control in kinds:
        mine = [f for f in findings if (f["severity"], f["control_id"]) == (severity, control)]
        left = MAX_FINDINGS - sum(len(g["full"]) + g["brief"] for g in chosen)
        full = [
            {**f, "evidence": f["evidence"][:EVIDENCE], "cited": len(f["evidence"])} for f in mine[: min(IN_FULL, left)]
        ]
        lines = _lines(mine[len(full) : left])
        brief = sum(len(line["labels"]) for line in lines)
        chosen.append(
            {
                "severity": severity,
                "control_id": control,
                "total": len(mine),
                "full": full,
                "lines": lines,
                "brief": brief,
            }
        )
    return chosen


def _lines(findings: list[Json]) -> list[Json]:
    """Gather findings that differ in nothing but the resource."""
    found: dict[tuple[str, ...], list[Json]] = {}
    for f in findings:
        found.setdefault((f["shown_status"], f["account_id"], f["region"], f["detail"]), []).append(f)
    return [
        {
            **same[0],
            "labels": [f["label"] for f in same[:IN_LINE]],
            "resources": [f["resource_id"] for f in same[:IN_LINE]],
        }
        for same in list(found.values())[:IN_LINES]
    ]


def shared(controls: list[Json]) -> dict[str, str]:
    """Number the reasons that several controls give, so that each is told once."""
    counted = Counter(why for c in controls for why in c["reasons"])
    return {why: f"R-{n}" for n, why in enumerate((w for w, times in counted.items() if times >= SHARED), 1)}


def index(findings: list[Json]) -> list[Json]:
    """Number the distinct sources of evidence in the order in which findings cite them; each citation gets its `label`."""
    found: dict[tuple[str, str], Json] = {}
    for f in findings:
        for e in f["evidence"]:
            entry = found.setdefault(
                (e["source"], e["sha256"]),
                {"label": f"E-{len(found) + 1:03}", "source": e["source"], "sha256": e["sha256"], "findings": []},
            )
            e["label"] = entry["label"]
            if f["label"] not in entry["findings"]:
                entry["findings"].append(f["label"])
    return list(found.values())


def _vpcs(v: View) -> list[Json]:
    rows = v.rows("coverage", [("resource_type", "==", "vpc")])
    return sorted(rows, key=lambda r: (r["state"] == "complete", r["account_id"], r["region"], r["resource_id"]))


def drawable(text: str) -> tuple[str, dict[str, tuple[str, int]]]:
    """Choose the fonts that a text needs, and escape what none of them can draw: an empty box would hide it.

    Returns:
        The text, and file → family and weight of the fonts to load.
    """
    foreign = (
        {ord(char) for char in set(text) if char > "\u024f"}
        - _characters("Inter-Regular.woff")
        - _characters("DejaVuSans-Fallback.woff")
    )
    if not foreign:
        return text, FONTS
    missing = foreign - _characters(CJK)
    return text.translate({code: escape(chr(code)) for code in missing}), FONTS | {
        CJK: ("Auditkit CJK", 400)
    } if foreign - missing else FONTS


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(TTFont(BytesIO(asset_bytes(f"fonts/{font}")), lazy=True).getBestCmap())


def _faces(faces: dict[str, tuple[str, int]]) -> str:
    return "".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("auditkit:{file}") }}\n'
        for file, (family, weight) in faces.items()
    )


def _identifier(assessment: Assessment, made: datetime) -> bytes:
    """Same inputs, same document id."""
    return f"{assessment.as_of} {made.astimezone(UTC).isoformat()} {assessment.tool.get('config_sha256', '')}".encode()


class Packaged(URLFetcher):  # type: ignore[misc]  # WeasyPrint ships no types
    """Fetches the packaged fonts and data: URIs; everything else, file: and http: alike, is refused."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
        """Answer one URL.

        Raises:
            FatalURLFetchingError: it is neither packaged nor data:; the document is not made.
        """
        if url.startswith("data:"):
            return super().fetch(url, headers)
        name = url.removeprefix("auditkit:")
        if name not in FONTS and name != CJK:
            raise FatalURLFetchingError(f"{url} is not part of the report")
        return URLFetcherResponse(url, asset_bytes(f"fonts/{name}"), {"Content-Type": "font/woff"})
