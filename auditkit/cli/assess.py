"""auditkit assess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditkit.cli.options import (
    gate_options,
    narrowing,
    narrowing_options,
    opened,
    quiet_options,
    read_inputs,
    run_argument,
)
from auditkit.cli.progress import progress
from auditkit.cli.summary import conclude


@click.command(name="assess", short_help="Only assess: a collected run → assessment.json and tables.")
@run_argument
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=None,
    help="Judge by this auditkit.yaml, its policies and waivers instead of those saved in the run.",
)
@narrowing_options
@gate_options
@quiet_options
def assess(
    run_path: Path,
    config_path: Path | None,
    *,
    fail_on: str,
    inconclusive: str,
    quiet: bool,
    **narrow: Any,
) -> int:
    """Judge a collected run by its policies. Needs no AWS; the same run gives the same bytes."""
    from auditkit.audit import assess as assess_run
    from auditkit.audit import save_inputs

    run = opened(run_path)
    inputs = None
    if config_path is not None:
        inputs = read_inputs(config_path)
    with progress(quiet=quiet) as tick, run.lock():
        if inputs is not None:
            save_inputs(run, inputs)
        assessment = assess_run(run, inputs, narrowing(**narrow), tick)
    return conclude(run, assessment, [], fail_on=fail_on, inconclusive=inconclusive, quiet=quiet)
