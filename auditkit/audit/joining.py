"""The log objects of several runs, as if one had read them: each once, its bytes as they were read."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from auditkit.audit.index import INDEX, IndexWriter
from auditkit.audit.options import Tick
from auditkit.audit.parts import Part
from auditkit.run import Run, iso, parse_time
from auditkit.sources.layout import parse_name

_CHUNK = 1 << 20
_LATE = timedelta(minutes=15)
"""The last records of a day lie in objects of the next minutes."""
Row = dict[str, Any]


def objects(parts: Sequence[Part], out: Run, tick: Tick) -> list[dict[str, str]]:
    """Join the indexes and the kept objects.

    Returns:
        what could not be listed: what the parts say, and the days whose end a part was too early to see.
    """
    chosen: dict[str, tuple[Part, Row]] = {}
    unlisted = {str(sorted(u.items())): u for one in parts for u in one.state.get("unlisted", ())}
    latest = max(one.as_of for one in parts)
    end = min(latest, parse_time(parts[0].state["period"]["end"]) + _LATE)
    for one in parts:
        newest: dict[tuple[str, str, str], Row] = {}
        for row in _rows(one):
            name = _name(row)
            if name in chosen and chosen[name][0] is one:  # as this run has read it
                name = f"{name} {row['uri']} {row['version_id']}"
            there = chosen.get(name)
            chosen[name] = (one, row) if there is None else _better(there, (one, row))
            whose = (row["account_id"], row["region"], row["flow_log_id"])
            if whose not in newest or row["slot"] > newest[whose]["slot"]:
                newest[whose] = row
        if one.as_of < end:
            for row in newest.values():
                if row["slot"].date() >= (one.as_of - _LATE).date() and row["slot"].date() < end.date():
                    early = _early(row, one)
                    unlisted[str(sorted(early.items()))] = early
    _write(chosen, out, tick)
    return [unlisted[key] for key in sorted(unlisted)]


def _rows(one: Part) -> Iterator[Row]:
    with pq.ParquetFile(one.run.index) as index:
        for batch in index.iter_batches():
            yield from batch.to_pylist()


def _name(row: Row) -> str:
    """What tells an object: AWS's name of it, which no other has, wherever its copy lies."""
    name = str(row["uri"]).rsplit("/", 1)[-1]
    return name if parse_name(name) else f"{row['uri']} {row['version_id']}"


def _better(one: tuple[Part, Row], two: tuple[Part, Row]) -> tuple[Part, Row]:
    """Of two copies of one object: what was read, and if they are not the same, neither."""
    reads = [it for it in (one, two) if it[1]["status"] == "read"]
    if len(reads) == 1:
        return reads[0]
    if reads and one[1]["sha256"] != two[1]["sha256"]:
        return one[0], {
            **one[1],
            "status": "unread",
            "kept": "",
            "error": f"Conflict: {two[1]['uri']} has the same name and other bytes",
        }
    if "Conflict: " in str(two[1]["error"]):
        return two
    return one


def _early(row: Row, one: Part) -> dict[str, str]:
    return {
        "account_id": row["account_id"],
        "region": row["region"],
        "table": "flow_records",
        "resource": row["uri"],
        "call": "list",
        "error": f"collected at {iso(one.as_of)}, before the day had ended: what came after this object was not read",
    }


def _write(chosen: dict[str, tuple[Part, Row]], out: Run, tick: Tick) -> None:
    taken: set[str] = set()
    total = len(chosen)
    with IndexWriter(out.index) as index:
        for at, (one, row) in enumerate(sorted(chosen.values(), key=lambda it: (it[1]["uri"], it[1]["version_id"])), 1):
            kept = {**row, **_keep(one, row, out, taken)} if row["status"] == "read" else row
            whole = {"carrier": "aws-key", "formats": (), "flow_log_ids": ()} | kept
            index.add({name: whole[name] for name in INDEX.names})
            if at % 100 == 0 or at == total:
                tick("log objects joined", at, total)


def _keep(one: Part, row: Row, out: Run, taken: set[str]) -> Row:
    """Link or copy a kept object; one that is not as it was when it was read counts as not read."""
    source = one.run.kept / row["kept"]
    if (
        ".." in Path(row["kept"]).parts
        or Path(row["kept"]).is_absolute()
        or not source.resolve().is_relative_to(one.run.kept.resolve())
        or source.is_symlink()
    ):
        return _lost("a kept object lies outside of its run")
    try:
        if _sha256(source) != row["sha256"]:
            return _lost("the kept object has changed since it was read")
    except OSError as error:
        return _lost(f"the kept object cannot be read: {error.strerror}")
    name, folder, number = Path(row["kept"]).name, Path(row["kept"]).parent, 1
    while (folder / name).as_posix() in taken:
        number += 1
        name = f"{number}.{Path(row['kept']).name}"
    taken.add((folder / name).as_posix())
    target = out.kept / folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
    return {"kept": (folder / name).as_posix()}


def _lost(why: str) -> Row:
    return {"status": "unread", "kept": "", "error": why}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
