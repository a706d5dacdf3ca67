"""auditkit collect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditkit.cli.options import collect_options, collector, narrowing, narrowing_options, quiet_options, read_inputs
from auditkit.cli.progress import progress


@click.command(short_help="Only collect: AWS → a run directory.")
@collect_options
@narrowing_options
@quiet_options
def collect(
    config_path: Path,
    output: Path | None,
    period_text: str | None,
    *,
    interim: bool,
    quiet: bool,
    **narrow: Any,
) -> int:
    """Read what AWS says of accounts, networks, flow logs and destinations, and the log objects of the period.

    After it nothing needs AWS: the run can be assessed anywhere, as often as wanted, with the same result.
    """
    inputs = read_inputs(config_path, period_text)
    with progress(quiet=quiet) as tick:
        collecting = collector(inputs, output, narrowing(**narrow), tick, interim=interim)
        collecting.collect()
    if not quiet:
        click.echo(f"{collecting.run.path}  collected; now: auditkit assess {collecting.run.path}")
    return 0
