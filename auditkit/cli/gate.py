"""auditkit gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from auditkit.cli.options import gate_options, narrowing, narrowing_options, opened, run_argument


@click.command(short_help="Exit status for CI, from an assessed run.")
@run_argument
@click.option(
    "--against",
    "against",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="RUN0",
    help="Count only findings that RUN0 does not have.",
)
@narrowing_options
@gate_options
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON.")
def gate(run_path: Path, against: Path | None, *, fail_on: str, inconclusive: str, as_json: bool, **narrow: Any) -> int:
    """Decide whether a change may pass: 0 yes, 1 findings, 3 could not conclude.

    \b
    Examples:
      auditkit gate reports/today --fail-on high
      auditkit gate reports/today --against reports/yesterday --json
    """
    from auditkit.audit.gate import decide

    decision = decide(
        opened(run_path),
        fail_on,
        inconclusive=inconclusive,
        narrowing=narrowing(**narrow),
        against=opened(against) if against else None,
    )
    if as_json:
        click.echo(json.dumps(decision.as_json(), indent=1, sort_keys=True))
    else:
        for line in decision.lines():
            click.echo(line)
    return decision.status
