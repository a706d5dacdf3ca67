"""Options that several commands share, and what they become."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from auditkit.audit import Collector, Inputs, Narrowing
    from auditkit.config.schema import Config
    from auditkit.run import Run

F = TypeVar("F", bound=Callable[..., Any])
SEVERITY = click.Choice(["critical", "high", "medium", "low", "info"])


def several(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Join decorators, the first outermost."""

    def join(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return join


narrowing_options = several(
    click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account (may be repeated)."),
    click.option("--region", "regions", multiple=True, metavar="REGION", help="Only this region (may be repeated)."),
    click.option(
        "--table", "tables", multiple=True, metavar="TABLE", help="Only controls on this table (may be repeated)."
    ),
    click.option(
        "--control", "controls", multiple=True, metavar="CONTROL", help="Only this control (may be repeated)."
    ),
)
gate_options = several(
    click.option("--fail-on", type=SEVERITY, default="low", show_default=True, help="The least severity that counts for the exit status."),
    click.option("--inconclusive", type=click.Choice(["fail", "report"]), default="fail", show_default=True,
                 help="Whether inconclusive controls give exit status 3, or are only reported."),
)  # fmt: skip
config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("auditkit.yaml"),
    show_default=True,
    help="The configuration.",
)
run_argument = click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
quiet_options = several(
    click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
)
collect_options = several(
    config_option,
    click.option("-o", "--output", "output", type=click.Path(path_type=Path, file_okay=False), default=None,
                 help="The run directory.  [default: reports/PERIOD-TIME]"),
    click.option("--period", "period_text", metavar="PERIOD", default=None,
                 help="Instead of the configured one: 2026-Q3, 2026-07, 2026-07-01, or 2026-07-01..2026-10-01 (end exclusive)."),
    click.option("--interim", is_flag=True, help="Audit a period that has not ended yet; the report says so."),
)  # fmt: skip


def narrowing(
    accounts: tuple[str, ...], regions: tuple[str, ...], tables: tuple[str, ...], controls: tuple[str, ...]
) -> Narrowing:
    """Check and gather the narrowing flags."""
    from auditkit.audit import Narrowing
    from auditkit.model.errors import AuditkitError, nearest
    from auditkit.model.schema import TABLES

    for table in tables:
        if table not in TABLES:
            raise AuditkitError(f"there is no table {table!r}{nearest(table, TABLES)}", f"Tables: {', '.join(TABLES)}.")
    for account in accounts:
        if not (account.isascii() and account.isdecimal() and len(account) == 12):
            raise AuditkitError(f"{account!r} is not an account id of 12 digits")
    return Narrowing(accounts, regions, tables, controls)


def read_inputs(config_path: Path, period_text: str | None = None) -> Inputs:
    """Load and check auditkit.yaml and all it names; without the file named by default, the defaults hold."""
    from auditkit.audit import load_inputs
    from auditkit.config.schema import default_config, load_config

    given = click.get_current_context().get_parameter_source("config_path")
    missing = not config_path.exists() and given is click.core.ParameterSource.DEFAULT
    config: Config = default_config(config_path) if missing else load_config(config_path)
    if period_text is not None:
        config = with_period(config, period_text)
    return load_inputs(config)


def with_period(config: Config, text: str) -> Config:
    """Replace the period of a configuration."""
    from dataclasses import replace

    from pydantic import ValidationError

    from auditkit.config.schema import PeriodModel, period
    from auditkit.model.errors import AuditkitError

    try:
        model = PeriodModel.model_validate(period(text))
    except ValidationError as error:
        raise AuditkitError(f"--period: {error.errors()[0]['msg']}") from None
    except ValueError as error:
        raise AuditkitError(f"--period: {error}") from None
    return replace(config, model=config.model.model_copy(update={"period": model}))


def session() -> Any:
    """Make the boto3 session of the environment."""
    from auditkit.scan import session as of_environment

    return of_environment()


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def made() -> datetime:
    """The date that documents carry: SOURCE_DATE_EPOCH where it is set."""
    from auditkit.model.errors import AuditkitError

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return now().replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        raise AuditkitError(f"SOURCE_DATE_EPOCH is not a number of seconds: {epoch!r}") from None


def collector(inputs: Inputs, output: Path | None, chosen: Narrowing, tick: Any, *, interim: bool) -> Collector:
    """Make the collector of a command line."""
    from auditkit.audit import Collector
    from auditkit.run import Run

    placeholder = Collector(Run(Path()), inputs, chosen, interim, session, now, tick)
    path = output or Path("reports") / f"{_named(placeholder.period())}-{now():%Y%m%dT%H%M%SZ}"
    return Collector(Run(path), inputs, chosen, interim, session, now, tick, made())


@contextmanager
def resumable(command: str, run: Run) -> Iterator[None]:
    """Say, when a person stops a command, how to go on."""
    from auditkit.cli import say

    try:
        yield
    except KeyboardInterrupt:
        begun = run.state
        say(
            f"stopped. `auditkit {command} … -o {run.path}` goes on where this stopped."
            if begun
            else "stopped before anything was collected."
        )
        raise click.exceptions.Exit(130) from None


def _named(period: tuple[datetime, datetime]) -> str:
    return f"{period[0]:%Y-%m-%d}..{period[1]:%Y-%m-%d}"


def opened(path: Path) -> Run:
    """Open a run named on the command line."""
    from auditkit.run import open_run

    return open_run(path)
