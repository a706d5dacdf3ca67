"""auditkit audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditkit.cli.options import (
    collect_options,
    collector,
    gate_options,
    made,
    narrowing,
    narrowing_options,
    quiet_options,
    read_inputs,
    resumable,
)
from auditkit.cli.progress import progress
from auditkit.cli.summary import conclude


@click.command(short_help="Collect, assess and report in one go.")
@collect_options
@narrowing_options
@gate_options
@click.option(
    "-f", "--format", "formats", default="html,pdf", show_default=True, help="Documents to write: html, pdf, json."
)
@quiet_options
def audit(
    config_path: Path,
    output: Path | None,
    period_text: str | None,
    *,
    interim: bool,
    formats: str,
    fail_on: str,
    inconclusive: str,
    quiet: bool,
    **narrow: Any,
) -> int:
    """Audit an organization: collect from AWS (or a saved snapshot), assess, and write the reports.

    \b
    Without auditkit.yaml the caller's own account is audited for yesterday (UTC).
    A run that was broken off, at whatever moment, goes on when the same command is given again with the same -o.
    Policies and waivers may have changed by then: those of today judge, and are saved in the run.

    \b
    Examples:
      auditkit audit                                    # ./auditkit.yaml, everything in it
      auditkit audit --period 2026-Q3 -o reports/q3     # a quarter, into a directory of your choice
      auditkit audit --account 111122223333 --region eu-west-1 --interim
    """
    from auditkit.audit import assess, report

    inputs = read_inputs(config_path, period_text)
    chosen = narrowing(**narrow)
    with progress(quiet=quiet) as tick:
        collecting = collector(inputs, output, chosen, tick, interim=interim)
        run = collecting.run
        with resumable("audit", run), run.lock():
            if run.done("collect") and not quiet:
                click.echo(f"{run.path} was collected already: assessing it again (another -o collects anew)", err=True)
            collecting.collect()
            assessment = assess(run, inputs, chosen, tick)
            paths = report(run, formats.split(","), made(), tick)
    return conclude(run, assessment, paths, fail_on=fail_on, inconclusive=inconclusive, quiet=quiet)
