"""auditkit: compliance audits of AWS VPC Flow Logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.audit.tables import OpenRun

__version__ = "0.1.0"


def open_run(path: str | Path) -> OpenRun:
    """Open a run directory: `auditkit.open_run("reports/q3").table("coverage")` is a pandas DataFrame.

    Raises:
        AuditkitError: there is no run at `path`.
    """
    from auditkit.audit import tables  # noqa: PLC0415 - `import auditkit` stays light

    return tables.open_run(Path(path))
