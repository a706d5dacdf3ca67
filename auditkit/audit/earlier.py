"""What earlier runs tell of flow logs that are gone: what they were on, what they carried, and where to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from auditkit.model.errors import AuditkitError
from auditkit.model.flow_logs import FlowLog
from auditkit.run import Run, open_run, parse_time, write_text

FILE = "earlier.json"
"""In records/: kept with the run, so that the assessment can be repeated without the earlier ones."""
_TIMES = ("creation_time", "last_arrival")
_LISTS = ("fields",)


def keep_earlier(run: Run, previous: Iterable[Path], as_of: datetime) -> None:
    """Copy the flow logs of earlier runs into this one.

    Args:
        run: where to.
        previous: run directories, as auditkit.yaml names them.
        as_of: when this run's collecting ended: a later run is no earlier one.

    Raises:
        AuditkitError: one is no run, was not assessed, or is not earlier.
    """
    kept = []
    for path in previous:
        other = open_run(path)
        when = other.assessment().as_of
        if parse_time(when) >= as_of:
            raise AuditkitError(
                f"{path} was collected until {when}, not before this run", "Take it out of previous: in auditkit.yaml."
            )
        kept.append({"as_of": when, "flow_logs": [_plain(row) for row in other.rows("flow_logs")]})
    if kept:
        write_text(run.path / "records" / FILE, json.dumps(kept, indent=1, sort_keys=True) + "\n")


def earlier(run: Run) -> tuple[FlowLog, ...]:
    """Read them back: each flow log as the latest of the earlier runs saw it.

    Raises:
        AuditkitError: the file was changed and is not what was written.
    """
    path = run.path / "records" / FILE
    if not path.exists():
        return ()
    found: dict[tuple[str, str, str], FlowLog] = {}
    try:
        for one in sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda one: one["as_of"]):
            for row in one["flow_logs"]:
                log = _flow_log(row)
                found[log.account_id, log.region, log.flow_log_id] = log
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuditkitError(f"{path} is damaged: {error}", "Collect again.") from None
    return tuple(found[key] for key in sorted(found))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


def _flow_log(row: dict[str, Any]) -> FlowLog:
    known = {f.name for f in fields(FlowLog)}
    told = {k: v for k, v in row.items() if k in known}
    for name in _TIMES:
        told[name] = datetime.fromisoformat(told[name]) if told.get(name) else None
    for name in _LISTS:
        told[name] = tuple(told.get(name) or ())
    told["flow_log_tags"] = dict(told.get("flow_log_tags") or {})
    # What it delivered then proves nothing now: only its keys do.
    return FlowLog(**{**told, "delivers": None, "delivers_reason": "", "last_arrival": None})
