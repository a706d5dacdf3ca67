"""auditkit report."""

from __future__ import annotations

from pathlib import Path

import click

from auditkit.cli.options import made, opened, quiet_options, run_argument
from auditkit.cli.progress import progress


@click.command(short_help="Only report: an assessed run → documents.")
@run_argument
@click.option(
    "-f", "--format", "formats", default="html,pdf", show_default=True, help="html, pdf, json; several with commas."
)
@quiet_options
def report(run_path: Path, formats: str, *, quiet: bool) -> int:
    """Write the documents of an assessed run into RUN/reports."""
    from auditkit.audit import report as write

    with progress(quiet=quiet) as tick:
        paths = write(opened(run_path), formats.split(","), made(), tick)
    if not quiet:
        for path in paths:
            click.echo(path)
    return 0
