"""The summary on the terminal, and the exit status that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

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
        for line in decision.lines():
            click.echo(line)
    return decision.status


def requests(run: Run) -> str:
    """Say what collecting asked of AWS, by operation and for each account and region; empty where it asked nothing."""
    from auditkit import snapshot

    meta = snapshot.read_meta(run.snapshot)
    calls = {str(name): int(n) for name, n in (meta.get("calls") or {}).items()}
    if not calls:
        return ""
    places = sum(len(regions) for regions in meta["scope"]["regions"].values()) or 1
    total = sum(calls.values())
    most = ", ".join(f"{name} {n:,}" for name, n in sorted(calls.items(), key=lambda one: (-one[1], one[0]))[:5])
    return f"{total:,} requests to AWS, {total / places:.1f} for each of {places:,} account regions: {most}" + (
        f" and {len(calls) - 5} more operations" if len(calls) > 5 else ""
    )


def _print(run: Run, assessment: Assessment, paths: Sequence[Path]) -> None:
    from rich.console import Console
    from rich.text import Text

    from auditkit.formats.text import visible

    console = Console()
    if not console.is_terminal:
        console.width = 120

    def line(text: str, style: str = "") -> None:
        console.print(Text(visible(text, 400), style), soft_wrap=True)

    period = assessment.period
    line(assessment.scope["organization"] or "AWS account", "bold")
    line(
        f"{period['start'][:10]} to {period['end'][:10]} (UTC, end exclusive)"
        + (", interim" if period["interim"] else ""),
        "dim",
    )
    console.print()
    console.print(_population(assessment))
    console.print()
    console.print(_controls(assessment))
    console.print()
    if asked := requests(run):
        line(asked, "dim")
    for note in assessment.notes:
        line(f"note: {note}", "dim")
    foreign = run.state.get("foreign_keys", 0)
    if foreign and not assessment.population["log_objects"]["in_scope"]:
        line(
            f"note: none of the {foreign:,} files or keys found has a name that AWS gives log objects; "
            "if they hold records all the same, say flow_log: or format: beside them in records.from",
            "yellow",
        )
    for path in (*paths, run.path / "assessment.json"):
        line(str(path))


def _population(assessment: Assessment) -> Table:
    """What was judged, and how much of it is in order."""
    from rich.table import Table

    population = assessment.population
    accounts, days, records = population["accounts"], population["interface_days"], population["records"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify)
    unread = accounts["not_read"] + accounts["partial"]
    table.add_row("accounts", f"{accounts['in_scope']:,}", "in scope", f"{unread} not read whole" if unread else "")
    for kind, states in population["resources"].items():
        rest = [f"{n:,} {s}" for s, n in sorted(states.items()) if s not in ("in_scope", "complete")]
        table.add_row(kind, f"{states.get('complete', 0):,}", f"of {states['in_scope']:,} complete", ", ".join(rest))
    table.add_row(
        "interface-days",
        f"{days['observed']:,}",
        f"of {days['in_scope']:,} observed",
        f"{days['part']:,} in part, {days['none']:,} not at all",
    )
    rest = [f"{records[key]:,} {key.upper() if key != 'damaged' else key}" for key in ("nodata", "skipdata", "damaged")]
    table.add_row("flow records", f"{records['ok']:,}", "read", ", ".join(rest))
    return table


def _controls(assessment: Assessment) -> Table:
    """One row per control, worst first."""
    from rich.table import Table
    from rich.text import Text

    from auditkit.formats.text import visible

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", min_width=14)
    table.add_column("control", no_wrap=True)
    table.add_column("severity")
    for name in ("failed", "undecided", "waived"):
        table.add_column(name, justify="right")
    for control in sorted(assessment.controls, key=lambda c: list(STYLE).index(c.status)):
        table.add_row(
            Text(f"{SYMBOL[control.status]} {control.status.replace('_', ' ')}", STYLE[control.status]),
            Text(visible(control.id, 60)),
            control.severity,
            *(f"{n:,}" if n else "" for n in (control.failed, control.inconclusive, control.waived)),
        )
    return table
