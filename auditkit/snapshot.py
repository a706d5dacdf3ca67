"""The snapshot's files: what AWS answered, as it answered, one page a line, with provenance.

    snapshot.json                          schema, provenance, started, as_of, identity, scope
    organization.jsonl.gz                  calls without an account of their own
    accounts/<account id>/<region>.jsonl.gz  calls of one account and region
    destinations.jsonl.gz                  calls about buckets, keys, streams and roles

Every line of a .jsonl.gz is a `Call`.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call

SCHEMA = "auditkit/snapshot/1"
_OF_DESTINATIONS = ("s3", "s3control", "kms", "firehose", "iam")
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def path_of(call: Call) -> str:
    """Return the file, below the snapshot, that a call belongs to."""
    if call.service in _OF_DESTINATIONS:
        return "destinations.jsonl.gz"
    if (
        call.service in ("organizations", "sts")
        or not _NAME.fullmatch(call.account_id)
        or not _NAME.fullmatch(call.region)
    ):
        return "organization.jsonl.gz"
    return f"accounts/{call.account_id}/{call.region}.jsonl.gz"


def write_calls(path: Path, calls: Iterable[Call]) -> None:
    """Write calls to one file; the same calls give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(
        json.dumps(_lean(call), separators=(",", ":"), sort_keys=True, default=_plain) + "\n" for call in calls
    )
    partial = path.with_suffix(".partial")
    partial.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
    partial.replace(path)


def write(directory: Path, meta: dict[str, Any], calls: Iterable[Call]) -> None:
    """Write a whole snapshot.

    Args:
        directory: made if missing.
        meta: provenance (`collected` or `imported`), started, as_of (ISO 8601), identity
            {account_id, arn, endpoint}, scope {accounts: [ids in scope], regions: {account: [regions]}}.
        calls: in any order.
    """
    by_path: dict[str, list[Call]] = {}
    for call in calls:
        by_path.setdefault(path_of(call), []).append(call)
    for name in sorted(by_path):
        write_calls(directory / name, by_path[name])
    write_meta(directory, meta)


def write_meta(directory: Path, meta: dict[str, Any]) -> None:
    """Write snapshot.json, last of all: a snapshot without it is not finished."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": SCHEMA, **meta}, indent=1, sort_keys=True, default=_plain) + "\n"
    (directory / "snapshot.json").write_text(text, encoding="utf-8")


def read_meta(directory: Path) -> dict[str, Any]:
    """Read snapshot.json.

    Raises:
        AuditkitError: the directory is no finished snapshot.
    """
    path = directory / "snapshot.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AuditkitError(
            f"{directory} is not a snapshot: {error.strerror} ({path.name})", "Run `auditkit collect` first."
        ) from None
    except ValueError as error:
        raise AuditkitError(f"{path} is damaged: {error}", "Collect again.") from None
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        raise AuditkitError(f"{path} is not an {SCHEMA}", "It may come from another version of auditkit.")
    return meta


def read_calls(directory: Path) -> Iterator[Call]:
    """Read every call of a snapshot, file by file in sorted order.

    Raises:
        AuditkitError: a file is damaged; names the file and the line.
    """
    for path in sorted(directory.rglob("*.jsonl.gz")):
        at = 1
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield Call(**json.loads(line))
                    at += 1
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise AuditkitError(f"{path}:{at}: the snapshot is damaged: {error}", "Collect again.") from None


def _lean(call: Call) -> dict[str, Any]:
    return {key: value for key, value in asdict(call).items() if value not in ("", None)}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
