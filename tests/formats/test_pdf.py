"""report.pdf, opened again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from types import ModuleType

import pypdfium2 as pdfium
import pytest
from pypdf import PdfReader
from weasyprint.urls import FatalURLFetchingError

from auditkit.formats import build
from auditkit.formats import pdf as module

CHAPTERS = (
    "Contents", "Conclusion", "Executive summary", "Scope and denominator", "Coverage by account and region", "Controls", "Findings", "What arrived, day by day",
        "Destinations",
    "Waivers", "What was not read", "Sampling", "Top talkers", "Limitations", "Evidence index", "Provenance", "Assessor and sign-off",
)  # fmt: skip


@pytest.fixture(scope="module")
def text(pdf: PdfReader) -> str:
    """All its text."""
    return "\n".join(page.extract_text() for page in pdf.pages)


def test_says_what_it_must(text: str, invented: ModuleType) -> None:
    """Every control, every account, every chapter, the verdict and the report's id."""
    joined = re.sub(r"\s+", "", text)
    for spec in invented.CONTROLS:
        assert spec[0] in joined
    for account, name in invented.ACCOUNTS:
        assert account in joined
        assert name in joined
    assert "could not be concluded" in text
    assert "Left blank by the tool" in text
    assert "opinion" in text
    assert "169.254.169.254" in text
    assert "User identity" in text
    assert "temporary,removeaftermigration" in joined
    assert "E-001" in text
    assert "F-001" in text


def test_bookmarks_lead_to_every_chapter(pdf: PdfReader) -> None:
    """In order, on rising pages."""
    top = [item for item in pdf.outline if not isinstance(item, list)]
    assert [item.title for item in top][1:] == list(CHAPTERS)
    pages = [pdf.get_destination_page_number(item) for item in top]
    assert pages == sorted(pages)


def test_is_tagged_and_titled(pdf: PdfReader) -> None:
    """Marked, with a structure tree, a language and a title; PDF/A-3a stands in its metadata."""
    catalog = pdf.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/StructTreeRoot"]
    assert catalog["/Lang"] == "en"
    assert pdf.metadata is not None
    assert pdf.metadata.title == "VPC Flow Logs audit: Example Corp"
    xmp = catalog["/Metadata"].get_data().decode()
    assert 'part="3"' in xmp
    assert 'conformance="A"' in xmp


def test_acts_on_nothing_and_carries_nothing(pdf: PdfReader) -> None:
    """No link out, no script, no attachment: log text is an attacker's."""
    for page in pdf.pages:
        for annotation in page.get("/Annots", ()):
            assert "/A" not in annotation.get_object() or annotation.get_object()["/A"]["/S"] == "/GoTo"
    assert not pdf.attachments
    names = pdf.trailer["/Root"].get("/Names", {})
    assert "/JavaScript" not in names
    assert "/OpenAction" not in pdf.trailer["/Root"]


def test_fonts_travel_inside(pdf: PdfReader) -> None:
    """Ours, all embedded, and no other: a missing font would be boxes."""
    found = set()
    for page in pdf.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = descendant["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)
            found.add(re.sub(r"^/[A-Z]{6}\+", "", descriptor["/FontName"]))
    assert found == {"Inter", "Inter-Semi-Bold", "JetBrains-Mono", "Auditkit-Fallback", "Auditkit-CJK"}


def test_hostile_names_are_escapes(text: str) -> None:
    """Shown as they are, turned around by nothing, hidden by nothing."""
    joined = re.sub(r"\s+", "", text)
    assert r"invoice\u202egnp.exe" in joined
    assert "<script>alert(1)</script>" in joined
    assert not set("\u202e\x1b\x07\u2066") & set(text)
    assert "xx…" in joined
    assert r"\U0001f3e6" in joined


def test_foreign_names_can_be_read(pdf: PdfReader) -> None:
    """Chinese and Arabic are drawn, not boxes."""
    document = pdfium.PdfDocument(pdf.stream)
    everything = "".join(document[n].get_textpage().get_text_range() for n in range(len(document)))
    assert "支付网关" in everything
    assert "بوابة" in everything
    document.close()


def test_every_date_is_the_one_given(pdf: PdfReader) -> None:
    """The document's clock is the caller's."""
    assert pdf.metadata is not None
    assert pdf.metadata.creation_date == pdf.metadata.modification_date == datetime(2026, 10, 2, 9, 30, tzinfo=UTC)


def test_same_inputs_give_the_same_text(text: str, invented: ModuleType) -> None:
    """Built twice; the file's id is the same as well."""
    again = PdfReader(BytesIO(build("pdf", *invented.sample(5), invented.MADE)))
    assert "\n".join(page.extract_text() for page in again.pages) == text


def test_shows_a_thousand_at_most_and_says_how_many_more(invented: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are plain, and so is the file."""
    monkeypatch.setattr(module, "MAX_FINDINGS", 20)
    monkeypatch.setattr(module, "IN_FULL", 3)
    assessment, tables = invented.sample(4)
    markup = module.markup(assessment, tables, invented.MADE)
    total = sum(
        max(assessment.findings_total.get(c.id, 0), sum(f.control_id == c.id for f in assessment.findings))
        for c in assessment.controls
    )
    full = markup.count('<article class="finding')
    more = re.findall(r'<p class="line" id="F-.*?<b>F-\d+(?: and (\d+) more)?</b>', markup)
    lines = sum(1 + int(n or 0) for n in more)
    assert full + lines == 20
    assert lines > 0
    assert (
        f"{total:,} findings, the most severe first: {full} in full, {lines} in lines that name all which say the same, and {total - 20:,} not in this document"
        in markup
    )
    assert "All of them stand in tables/findings.parquet" in markup


def test_fetches_packaged_files_and_nothing_else() -> None:
    """Neither the network nor the disk."""
    fetcher = module.Packaged()
    for url in ("http://127.0.0.1/x", "file:///etc/passwd", "auditkit:../../auditkit/data.py", "auditkit:report.js"):
        with pytest.raises(FatalURLFetchingError):
            fetcher.fetch(url)
    assert fetcher.fetch("auditkit:Inter-Regular.woff").read()[:4] == b"wOFF"


def test_an_empty_assessment_makes_a_document(invented: ModuleType) -> None:
    """Nothing in scope, nothing found."""
    document = PdfReader(BytesIO(build("pdf", invented.nothing(), invented.Rows({}), invented.MADE)))
    assert "nothing was concluded" in re.sub(r"\s+", " ", document.pages[0].extract_text())
