"""auditkit merge."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.cli.options import gate_options, made, opened, quiet_options
from auditkit.cli.progress import progress
from auditkit.cli.summary import conclude


@click.command(short_help="Join runs of different accounts or regions into one, and audit it.")
@click.argument(
    "run_paths", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option("-o", "--output", "output", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="The new run directory; it must not exist.")  # fmt: skip
@gate_options
@click.option(
    "-f", "--format", "formats", default="html,pdf", show_default=True, help="Documents to write: html, pdf, json."
)
@quiet_options
def merge(
    run_paths: tuple[Path, ...],
    output: Path,
    *,
    formats: str,
    fail_on: str,
    inconclusive: str,
    quiet: bool,
) -> int:
    """Join runs that were collected apart (one per account, region or business unit), then assess and report.

    The result is that of one run over everything: what one part alone could not decide, another may, as the flow logs
    of a shared VPC's owner.

    \b
    The runs must
      - be collected whole (`auditkit collect` is enough) for the same period,
      - with the same auditkit.yaml, policies and waivers, narrowed with --account or --region
        or made with each account's own credentials,
      - not read the same account and region twice.
    They stay as they are. Log objects are hard-linked, or copied where that cannot be.

    \b
    The new run's clock is the latest of the parts'. What arrived within a day of an earlier part may
    then be too old to show that a flow log delivers: it becomes undecided, never a pass.

    \b
    Examples:
      auditkit collect --period 2026-Q3 --account 111122223333 -o runs/network
      auditkit collect --period 2026-Q3 --account 222233334444 -o runs/payments
      auditkit merge runs/network runs/payments -o reports/q3
      auditkit merge runs/* -o reports/q3 -f html,json --fail-on high
    """
    from auditkit.audit import assess, report
    from auditkit.audit import merge as join
    from auditkit.run import Run

    with progress(quiet=quiet) as tick:
        run = join([opened(path) for path in run_paths], Run(output), tick)
        assessment = assess(run, tick=tick)
        paths = report(run, formats.split(","), made(), tick)
    return conclude(run, assessment, paths, fail_on=fail_on, inconclusive=inconclusive, quiet=quiet)
