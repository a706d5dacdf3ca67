"""auditkit collect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditkit.cli.options import (
    collect_options,
    collector,
    narrowing,
    narrowing_options,
    quiet_options,
    read_inputs,
    resumable,
)
from auditkit.cli.progress import progress


@click.command(short_help="Only collect: AWS → a run directory.")
@collect_options
@click.option("--plan", "only_plan", is_flag=True, help="Only say what collecting would ask, read, take and cost.")
@click.option("--json", "as_json", is_flag=True, help="With --plan: print it as JSON.")
@narrowing_options
@quiet_options
def collect(
    config_path: Path,
    output: Path | None,
    period_text: str | None,
    *,
    interim: bool,
    only_plan: bool,
    as_json: bool,
    quiet: bool,
    **narrow: Any,
) -> int:
    """Read what AWS says of accounts, networks, flow logs and destinations, and the log objects of the period.

    After it nothing needs AWS: the run can be assessed anywhere, as often as wanted, with the same result.
    What was broken off goes on when the same command is given again with the same -o.

    \b
    --plan reads no log object and writes no file. It asks AWS who there is and where logs lie
    (sts:GetCallerIdentity, sts:AssumeRole, organizations:DescribeOrganization and ListAccounts,
    ec2:DescribeRegions and DescribeFlowLogs), and lists the keys of the period (s3:ListObjectsV2), and the streams
    of log groups that are to be read (logs:DescribeLogGroups and DescribeLogStreams).
    """
    inputs = read_inputs(config_path, period_text)
    if as_json and not only_plan:
        raise click.UsageError("--json goes with --plan.")
    with progress(quiet=quiet) as tick:
        collecting = collector(inputs, output, narrowing(**narrow), tick, interim=interim)
        if only_plan:
            from auditkit.audit.plan import plan

            planned = plan(collecting)
        else:
            with resumable("collect", collecting.run):
                collecting.collect()
    if only_plan:
        from auditkit.cli.plan import show

        show(planned, as_json=as_json)
    elif not quiet:
        from auditkit.cli.summary import requests

        if asked := requests(collecting.run):
            click.echo(asked)
        click.echo(f"{collecting.run.path}  collected; now: auditkit assess {collecting.run.path}")
    return 0
