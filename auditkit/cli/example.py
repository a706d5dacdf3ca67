"""auditkit example."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Write an example organization to try everything on, without AWS.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--seed",
    type=int,
    default=20260930,
    show_default=True,
    help="Another seed gives another organization with the same story.",
)
def example(directory: Path, seed: int) -> int:
    """Write auditkit.yaml, waivers, a snapshot and three days of flow logs of an invented organization into DIR."""
    from auditkit.example import write

    made = write(directory, seed=seed)
    click.echo(
        f"{directory}: {made.accounts} accounts, {made.vpcs} VPCs, {made.subnets} subnets, {made.interfaces} interfaces, "
        f"{made.flow_logs} flow logs, {made.records:,} records in {made.objects:,} log objects"
    )
    click.echo(f"Now: auditkit audit -c {directory / 'auditkit.yaml'} -o {directory.parent / 'run'}")
    return 0
