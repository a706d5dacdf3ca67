"""report.html in a real browser."""

from __future__ import annotations

import gzip
import json
import re
import time
from base64 import b64decode
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import expect

from auditkit.formats import build
from auditkit.formats import html as page_of

SECTIONS = (
    "conclusion",
    "summary",
    "matrix",
    "controls",
    "findings",
    "resources",
    "delivery",
    "destinations",
    "waivers",
    "unread",
    "scope",
    "sampling",
    "top",
    "limitations",
    "provenance",
)


def test_opens_without_a_complaint_and_asks_for_nothing(html: str, visit: Callable[..., Any]) -> None:
    """The one request is the file itself; the console stays empty; every section is there."""
    seen = visit(html)
    page = seen.go()
    assert page.locator("main > section").evaluate_all("all => all.map(x => x.id)") == list(SECTIONS)
    assert seen.complaints == []
    assert [r for r in seen.requests if not r.startswith(("about:", "data:font"))] == [seen.path.as_uri()]


def test_is_one_file_under_two_megabytes(html: str) -> None:
    """Nothing is loaded from elsewhere."""
    assert len(html) < 2_000_000
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", html)


def test_policy_blocks_what_is_not_ours(html: str, visit: Callable[..., Any]) -> None:
    """A script, a handler, a style and a request that somebody smuggled in do nothing."""
    bad = '<script>window.hit=1</script><img src=x onerror="window.hit=2"><b id=styled style="position:fixed">x</b>'
    seen = visit(html.replace("</main>", bad + "</main>"))
    page = seen.go()
    assert page.evaluate("window.hit") is None
    assert page.locator("#styled").evaluate("x => getComputedStyle(x).position") == "static"
    assert page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in c for c in seen.complaints)
    assert not [r for r in seen.requests if r.startswith("http")]


def test_hostile_names_stay_text(html: str, invented: ModuleType, visit: Callable[..., Any]) -> None:
    """No dialog, no element, in the table and in the details; overrides are shown as escapes."""
    seen = visit(html)
    page = seen.go("#findings?q=onerror")
    assert page.locator("#findings tbody tr").count() > 0
    page.locator("#findings .open").first.click()
    assert "<img src=x onerror=alert(2)>" in page.locator("dialog").inner_text()
    assert page.locator("img").count() == 0
    assert page.locator("script:not([type])").count() == 1
    assert seen.complaints == []
    assert not set("\u202e\x1b\x07") & set(html)
    assert r"invoice\u202egnp.exe" in seen.go("#waivers").locator("#waivers").inner_text()


def test_filters_narrow_and_stand_in_the_hash(html: str, estate: Any, visit: Callable[..., Any]) -> None:
    """Status, severity, account, region, control and text; the view can be sent to a colleague."""
    page = visit(html).go("#findings")
    page.select_option("#findings [name=status]", "fail")
    page.select_option("#findings [name=severity]", "critical")
    page.fill("#findings [name=q]", "tcp 22")
    wanted = [
        f for f in estate[0].findings if f.status == "fail" and not f.waived and f.severity == "critical" and f.cause
    ]
    expect(page.locator("#findings tbody tr")).to_have_count(len(wanted))
    assert page.evaluate("location.hash") == "#findings?q=tcp+22&status=fail&severity=critical"
    assert page.locator("#findings .found").inner_text() == f"{len(wanted)} of {len(estate[0].findings)} findings"
    page.click("#findings [type=reset]")
    assert page.evaluate("location.hash") == "#findings"


def test_hash_restores_filters_and_detail(html: str, estate: Any, visit: Callable[..., Any]) -> None:
    """A link to one finding opens it, with its evidence."""
    one = next(f for f in estate[0].findings if f.control_id == "no-public-ssh" and f.waived)
    page = visit(html).go(f"#findings?control=no-public-ssh&id={one.fingerprint}")
    text = page.locator("dialog[open]").inner_text()
    assert one.evidence[0].source in text
    assert one.evidence[0].sha256 in text
    assert f"line {one.evidence[0].line}" in text
    assert "tcp 22 from 0.0.0.0/0" in text
    assert "SEC-142" in text
    assert one.fingerprint in text
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#findings [name=control]").input_value() == "no-public-ssh"


def test_matrix_cell_leads_to_its_resources(html: str, visit: Callable[..., Any]) -> None:
    """From the picture to the rows behind it."""
    page = visit(html).go()
    page.click("#matrix .cell.fail a >> nth=0")
    expect(page).to_have_url(re.compile("#resources.account="))
    rows = page.locator("#resources tbody tr")
    assert rows.count() == 27
    assert set(page.locator("#resources tbody tr td:last-child").all_inner_texts()) == {"prod-web\neu-central-1"}


def test_control_filter_and_link(html: str, visit: Callable[..., Any]) -> None:
    """A tile filters the controls; a link to a control opens it."""
    page = visit(html).go()
    page.click(".tile.excepted")
    expect(page.locator("details.ctl:not([hidden])")).to_have_count(3)
    page = visit(html).go("#control-no-public-ssh")
    assert page.locator("#control-no-public-ssh dl").is_visible()
    assert "PCI" in page.locator("#control-no-public-ssh").inner_text().upper()


def test_works_by_keyboard(html: str, visit: Callable[..., Any]) -> None:
    """Slash searches, Enter opens, arrows turn, Escape closes and gives the focus back."""
    page = visit(html).go()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.locator("#findings .open").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert "F-002" in page.locator("dialog .dhead").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "F-001"


def test_without_script_the_first_hundred_stand(html: str, visit: Callable[..., Any]) -> None:
    """Nothing is hidden behind JavaScript but filters and details."""
    page = visit(html, java_script_enabled=False).go(script=False)
    assert page.locator("#findings tbody tr").count() == 100
    assert not page.locator("#findings form").is_visible()
    assert "The first 100 of" in page.locator("#findings .found").inner_text()


def test_twenty_thousand_findings_stay_quick(invented: ModuleType, visit: Callable[..., Any]) -> None:
    """About a hundred rows are in the page, whatever the number of findings."""
    assessment, tables = invented.sample(1250)
    assert len(assessment.findings) > 19_000
    document = build("html", assessment, tables, invented.MADE).decode()
    page = visit(document).go("#findings")
    assert page.locator("#findings tbody tr").count() == 100
    page.click("#findings [name=next]")
    assert page.locator("#findings tbody tr").first.locator(".open").inner_text() == "F-00101"
    assert page.evaluate("document.querySelectorAll('*').length") < 12_000
    began = time.monotonic()
    page.fill("#findings [name=q]", "no such text anywhere")
    expect(page.locator("#findings tbody tr")).to_have_count(0)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(html: str, scheme: str, visit: Callable[..., Any]) -> None:
    """Badges and muted text keep a contrast of 4.5 to 1 against what is behind them (WCAG 2.2, 1.4.3)."""
    page = visit(html, color_scheme=scheme).go()
    worst = page.evaluate("""() => {
      const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
      const lum = (c) => { const [r, g, b] = rgb(c).map((x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c; } return 'rgb(255,255,255)'; };
      let worst = [99, ''];
      for (const e of document.querySelectorAll('.badge, .muted, .sev, .mark, .small, .note, .legend, a, .tally span, .strength, .count')) {
        if (!e.checkVisibility() || !e.textContent.trim()) continue;
        const [a, b] = [lum(getComputedStyle(e).color), lum(behind(e))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 120)];
      }
      return worst; }""")
    assert worst[0] >= 4.5, worst


def test_badges_never_wrap(html: str, visit: Callable[..., Any]) -> None:
    """Not even on a telephone."""
    page = visit(html, viewport={"width": 360, "height": 700}).go("#findings")
    heights = page.locator(".badge").evaluate_all(
        "all => all.filter(x => x.checkVisibility()).map(x => x.getClientRects().length + ':' + (x.offsetHeight < 30))"
    )
    assert set(heights) == {"1:true"}


def test_same_inputs_give_the_same_bytes(html: str, invented: ModuleType) -> None:
    """Built twice from two equal assessments."""
    assert build("html", *invented.sample(), invented.MADE).decode() == html


def test_an_empty_assessment_makes_a_page(invented: ModuleType, visit: Callable[..., Any]) -> None:
    """Nothing in scope, nothing found: still a report, and it says so."""
    seen = visit(build("html", invented.nothing(), invented.Rows({}), invented.MADE).decode())
    page = seen.go()
    assert "nothing was concluded" in page.locator("#conclusion").inner_text()
    assert seen.complaints == []


def test_holds_only_so_many_resources_the_troubled_ones_first(
    monkeypatch: pytest.MonkeyPatch, invented: ModuleType
) -> None:
    """A page of a million rows opens nowhere: what is left out is counted and its file named."""
    monkeypatch.setattr(page_of, "RESOURCES", 40)
    page = build("html", *invented.sample(), invented.MADE).decode()
    packed = page.partition('id="data-resources">')[2].partition("<")[0]
    rows = json.loads(gzip.decompress(b64decode(packed)))["rows"]
    assert len(rows) == 40
    assert all(r["state"] != "complete" for r in rows[:20])
    assert "The page holds 40, those that are not complete first;" in page
    assert "tables/coverage.parquet" in page
