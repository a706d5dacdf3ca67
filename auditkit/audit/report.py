"""Report: the run's assessment and tables → documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from auditkit.audit.options import Tick, silent
from auditkit.evidence import MANIFEST, manifest
from auditkit.formats import FORMATS, build
from auditkit.model.errors import AuditkitError, nearest
from auditkit.run import Run, write_bytes, write_text, writes


@writes
def report(run: Run, formats: Sequence[str], made: datetime, tick: Tick = silent) -> list[Path]:
    """Write documents into the run's reports folder.

    Args:
        run: assessed.
        formats: names of `auditkit.formats.FORMATS`.
        made: the date that the documents carry, UTC.
        tick: progress.

    Returns:
        their paths.

    Raises:
        AuditkitError: a format does not exist, or the run was not assessed.
    """
    for name in formats:
        if name not in FORMATS:
            raise AuditkitError(
                f"there is no format {name!r}{nearest(name, FORMATS)}", f"Formats: {', '.join(FORMATS)}."
            )
    assessment = run.assessment()
    paths = []
    for at, name in enumerate(formats, 1):
        tick(f"report ({name})", at, len(formats))
        path = run.reports / FORMATS[name].filename
        write_bytes(path, build(name, assessment, run, made))
        paths.append(path)
    run.mark("report")
    write_text(run.path / MANIFEST, manifest(run.path))
    return paths
