"""auditkit doctor."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditkit.cli.options import config_option, now, quiet_options, read_inputs, session
from auditkit.cli.progress import progress

if TYPE_CHECKING:
    from auditkit.audit.machine import Check

_STYLE = {"ready": ("✓", "ok", "green"), "missing": ("✕", "no", "red"), "unknown": ("?", "?", "yellow"), "skipped": ("–", "-", None)}  # fmt: skip
"""State → its sign, the same in ASCII, and its colour."""


@click.command(short_help="What is missing on this machine, or in this role.")
@config_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where runs are to go.",
)
@click.option("--offline", is_flag=True, help="Look at this machine only, and ask AWS nothing.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account (may be repeated).")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only this region (may be repeated).")
@click.option(
    "--all", "everywhere", is_flag=True, help="Try every call in every account and region, instead of in one."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every single call.")
@quiet_options  # fmt: skip
def doctor(
    config_path: Path,
    output: Path,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    *,
    offline: bool,
    everywhere: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say what an audit needs and lacks: libraries, disk, credentials, roles, permissions.

    Every call that an audit makes is tried once, as a dry run where AWS has one. Nothing is changed, and no log object is
    read, so that kms:Decrypt alone stays untried.

    Exit status: 0 everything is there · 2 wrong usage or configuration · 3 something is missing, or could not be told.
    """
    inputs = read_inputs(config_path)
    with progress(quiet=quiet or as_json) as tick:
        from auditkit.audit.machine import SKIPPED, Check, checks

        found = list(checks(inputs.config, output))
        if inputs.config.model.snapshot is not None or offline:
            why = "--offline" if offline else "auditkit.yaml names a saved snapshot"
            found.append(Check("caller", "AWS", SKIPPED, f"not asked: {why}"))
        else:
            from auditkit.audit.doctor import Doctor

            found += Doctor(
                inputs.config.model, session, now, accounts, regions, everywhere=everywhere, tick=tick
            ).checks()
    if as_json:
        click.echo(json.dumps({"ready": _status(found) == 0, "checks": [asdict(one) for one in found]}, indent=1))
    elif not quiet:
        _print(found)
    return _status(found)


def _status(found: Sequence[Check]) -> int:
    return 3 if any(one.state in ("missing", "unknown") for one in found) else 0


def _print(found: Sequence[Check]) -> None:
    from auditkit.formats.text import visible

    for sign, colour, where, text, todo in _lines(found):
        click.echo(f"{_coloured(sign, colour)} {where:<26} {visible(text, 400)}")
        if todo:
            click.echo(f"  {'':<26} → {visible(todo, 400)}")
    counts = Counter(one.state for one in found)
    if _status(found):
        click.echo(f"\n{counts['missing']} missing, {counts['unknown']} could not be told, {counts['ready']} ready")
    else:
        click.echo(f"\nReady: {counts['ready']} checks found nothing missing")


def _lines(found: Sequence[Check]) -> Iterator[tuple[str, str | None, str, str, str]]:
    """One line for each check; calls that are allowed share one for each account and region."""
    ascii_only = not _encodes("".join(sign for sign, _, _ in _STYLE.values()) + "→")
    folded: Counter[tuple[str, str, str]] = Counter(_place(one) for one in found if _folds(one))
    for one in found:
        sign, plain, colour = _STYLE[one.state]
        where = " ".join(filter(None, (one.account_id, one.region))) or one.part
        if not _folds(one):
            text = f"{one.name}: {one.said}" if one.said else one.name
            yield (plain if ascii_only else sign), colour, where, text, one.next
        elif count := folded.pop(_place(one), 0):
            text = f"{count} calls allowed" if one.part != "destinations" else f"{count} calls on log buckets allowed"
            yield (plain if ascii_only else sign), colour, where, text, ""


def _folds(one: Check) -> bool:
    return one.state == "ready" and one.part in ("calls", "destinations")


def _place(one: Check) -> tuple[str, str, str]:
    return one.part, one.account_id, one.region


def _coloured(text: str, colour: str | None) -> str:
    """Colour on a terminal only, and never against NO_COLOR."""
    return text if not colour or os.environ.get("NO_COLOR") or not sys.stdout.isatty() else click.style(text, fg=colour)


def _encodes(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
