"""What this machine lacks for an audit: nothing of it asks AWS, and nothing is left behind."""

from __future__ import annotations

import glob
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditkit import snapshot
from auditkit.audit.findings import human_bytes
from auditkit.config.schema import Config, RecordsModel
from auditkit.data import policies_dir, templates_dir
from auditkit.model.errors import AuditkitError

READY, MISSING, UNKNOWN, SKIPPED = "ready", "missing", "unknown", "skipped"
OLDEST = (3, 11)
"""The oldest Python on which auditkit runs."""
LEAST = 2**30
"""Bytes that any run should find free."""


@dataclass(frozen=True)
class Check:
    """One thing that an audit needs."""

    part: str
    """What it is a part of: machine, caller, organization, accounts, regions, calls, destinations."""
    name: str
    """What is needed."""
    state: str
    """ready, missing, unknown (it could not be told), or skipped (it was not asked)."""
    said: str = ""
    """What there is, or what AWS said."""
    next: str = ""
    """What to do about it; empty where nothing is to be done."""
    account_id: str = ""
    """The account asked about, or empty."""
    region: str = ""
    """The region asked about, or empty."""


def checks(config: Config, output: Path) -> Iterator[Check]:
    """Look at Python, the libraries, the files that ship, the output directory and its disk, and what is to be read here.

    Args:
        config: auditkit.yaml.
        output: where runs are to go; it need not exist.
    """
    yield _python(sys.version_info[:3])
    yield _engine()
    yield _pdf()
    yield _shipped()
    folder = nearest_folder(output)
    yield _writable(folder)
    yield _disk(config.model.records, folder, shutil.disk_usage(folder).free)
    yield from _local(config)


def _python(version: tuple[int, ...]) -> Check:
    said = ".".join(map(str, version))
    if version[:2] >= OLDEST:
        return Check("machine", "Python 3.11 or later", READY, said)
    return Check("machine", "Python 3.11 or later", MISSING, said, "Install it, and make the environment anew.")


def _engine() -> Check:
    name = "DuckDB, which reads the logs"
    try:
        from auditkit.engines.duckdb import DuckDB  # noqa: PLC0415 - whether it loads is what is asked

        engine = DuckDB()
        [row] = engine.rows("SELECT version() AS version")
        engine.close()
    except (ImportError, OSError) as error:
        return Check("machine", name, MISSING, str(error), "Install auditkit's requirements again, for this machine.")
    return Check("machine", name, READY, str(row["version"]))


def _pdf() -> Check:
    name = "Pango, for report.pdf"
    try:
        import weasyprint  # type: ignore[import-untyped]  # noqa: PLC0415 - loads the libraries, or fails; ships no types
    except (ImportError, OSError) as error:
        said = str(error).strip().partition("\n")[0]
        install = "On Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        return Check("machine", name, MISSING, said, f"{install}; or do without the PDF: -f html,json.")
    return Check("machine", name, READY, f"WeasyPrint {weasyprint.__version__}")


def _shipped() -> Check:
    """The documents embed their fonts, so that none of the system's are needed."""
    name = "Templates, fonts and policies"
    fonts = templates_dir() / "fonts"
    there = sorted(one.name for one in fonts.iterdir()) if fonts.is_dir() else []
    rules = sorted(one.name for one in policies_dir().iterdir()) if policies_dir().is_dir() else []
    counts = (sum(n.endswith(".woff") for n in there), sum(n.endswith(".yaml") for n in rules))
    if all(counts):
        return Check("machine", name, READY, f"{counts[0]} fonts, {counts[1]} policy files")
    return Check("machine", name, MISSING, "not installed whole", "Install auditkit again.")


def nearest_folder(path: Path) -> Path:
    """Return the folder that exists and in which the path lies or would be made."""
    here = path.absolute()
    while not here.is_dir() and here != here.parent:
        here = here.parent
    return here


def _writable(folder: Path) -> Check:
    name = "A directory for runs"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"auditkit")
            file.flush()
    except OSError as error:
        said = f"{folder}: {error.strerror or error}"
        return Check("machine", name, MISSING, said, "Name another directory with -o.")
    return Check("machine", name, READY, f"{folder} can be written to")


def _disk(records: RecordsModel, folder: Path, free: int) -> Check:
    """Log objects read are kept in the run; how many there are, the budget only limits."""
    name = "Free disk space"
    said = f"{human_bytes(free)} free in {folder}"
    if free < LEAST:
        return Check("machine", name, MISSING, said, "Free some, or name a directory on another disk with -o.")
    if records.mode == "none" or free >= records.budget.bytes:
        return Check("machine", name, READY, said)
    said += f"; records.budget allows {human_bytes(records.budget.bytes)} of log objects"
    if "budget" not in records.model_fields_set:
        return Check("machine", name, READY, said)
    return Check("machine", name, UNKNOWN, said, "Lower records.budget.bytes, or name a larger disk with -o.")


def _local(config: Config) -> Iterator[Check]:
    """The snapshot and the log objects that are to be read here instead of from AWS."""
    if config.model.snapshot is not None:
        path = config.local(config.model.snapshot)
        try:
            meta = snapshot.read_meta(path)
        except (AuditkitError, OSError) as error:
            yield Check("machine", "The saved snapshot", MISSING, str(error), "Look at snapshot: in auditkit.yaml.")
        else:
            yield Check("machine", "The saved snapshot", READY, f"{path}, of {meta.get('as_of', 'an unknown day')}")
    for text in config.model.records.local:
        given = config.local(text)
        there = given.exists() or any(glob.iglob(str(given), recursive=True))  # noqa: PTH207 - pathlib's takes no absolute pattern
        said, what = (text, "") if there else (f"{text} is not there", "Look at records.local in auditkit.yaml.")
        yield Check("machine", "Local log objects", READY if there else MISSING, said, what)
