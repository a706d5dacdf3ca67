"""The summary on the terminal, and the exit status that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.model.assessment import Assessment
    from auditkit.run import Run

STYLE = {"fail": "bold red", "inconclusive": "yellow", "excepted": "magenta", "pass": "green", "not_applicable": "dim"}
SYMBOL = {"fail": "✕", "inconclusive": "?", "excepted": "◐", "pass": "✓", "not_applicable": "–"}


def conclude(
    run: Run, assessment: Assessment, paths: Sequence[Path], *, fail_on: str, inconclusive: str, quiet: bool
) -> int:
    """Print the summary and return the exit status."""
    from auditkit.audit.gate import decide

    decision = decide(run, fail_on, inconclusive=inconclusive)
    if not quiet:
        _print(run, assessment, paths)
        from rich.console import Console

        for line in decision.lines():
            Console(soft_wrap=True).print(line, markup=False, highlight=False)
    return decision.status


def _print(run: Run, assessment: Assessment, paths: Sequence[Path]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from auditkit.formats.text import visible

    console = Console(soft_wrap=False)
    scope, population = assessment.scope, assessment.population
    title = visible(scope["organization"] or "AWS account", 80)
    console.print(
        Text.assemble(
            (title, "bold"),
            f"   {assessment.period['start'][:10]} to {assessment.period['end'][:10]} (end exclusive, UTC)",
        )
    )
    accounts, days, records = population["accounts"], population["interface_days"], population["records"]
    unread = accounts["not_read"] + accounts["partial"]
    console.print(
        f"  accounts        {accounts['in_scope']:,} in scope"
        + (f", {unread} of them not read whole" if unread else ""),
        highlight=False,
    )
    for kind, states in population["resources"].items():
        total = states["in_scope"]
        rest = ", ".join(
            f"{n:,} {state}" for state, n in sorted(states.items()) if state not in ("in_scope", "complete")
        )
        console.print(
            f"  {kind:<28}{states.get('complete', 0):>6,} of {total:,} complete" + (f"; {rest}" if rest else ""),
            highlight=False,
        )
    console.print(
        f"  {'interface-days':<28}{days['observed']:>6,} of {days['in_scope']:,} observed; {days['part']:,} in part, {days['none']:,} not at all",
        highlight=False,
    )
    console.print(
        f"  {'flow records':<28}{records['ok']:>6,} read; {records['nodata']:,} NODATA, {records['skipdata']:,} SKIPDATA, {records['damaged']:,} damaged",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    for name, kwargs in (
        ("", {"width": 15}),
        ("control", {}),
        ("severity", {}),
        ("failed", {"justify": "right"}),
        ("undecided", {"justify": "right"}),
        ("waived", {"justify": "right"}),
    ):
        table.add_column(name, **kwargs)
    for control in sorted(assessment.controls, key=lambda c: list(STYLE).index(c.status)):
        table.add_row(
            Text(f"{SYMBOL[control.status]} {control.status.replace('_', ' ')}", STYLE[control.status]),
            Text(visible(control.id, 60)),
            control.severity,
            *(str(n) if n else "" for n in (control.failed, control.inconclusive, control.waived)),
        )
    console.print()
    console.print(table)
    console.print()
    for note in assessment.notes:
        console.print(Text(f"  note: {visible(note, 300)}"))
    for path in paths:
        console.print(Text(f"  {path}"))
    console.print(Text(f"  {run.path / 'assessment.json'}"))
