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
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from isal import igzip_lib, isal_zlib

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call

SCHEMA = "auditkit/snapshot/1"
META = "snapshot.json"
_OF_DESTINATIONS = ("s3", "s3control", "kms", "firehose", "iam")
_GZIP = 16 + isal_zlib.MAX_WBITS
_BROKEN: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # its stub calls the class an instance
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
    partial = directory / "snapshot.json.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(directory / META)


def read_meta(directory: Path) -> dict[str, Any]:
    """Read snapshot.json.

    Raises:
        AuditkitError: the directory is no finished snapshot.
    """
    path = directory / META
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


def copy(source: Path, to: Path) -> int:
    """Copy a snapshot's files, snapshot.json last; what was copied before, and is the same since, is not copied again.

    Returns:
        how many files were copied.

    Raises:
        AuditkitError: a file of it is a link: what a snapshot says lies inside it.
    """
    copied = 0
    files = sorted(p for p in source.rglob("*") if not p.is_dir() and p.suffix != ".partial")
    for path in sorted(files, key=lambda p: p == source / META):
        if path.is_symlink():
            raise AuditkitError(f"{path} is a link, and a snapshot holds none", "Put the file itself there.")
        target = to / path.relative_to(source)
        if not _same(path, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.partial")
            shutil.copy2(path, partial)
            partial.replace(target)
            copied += 1
    return copied


def _same(path: Path, copied: Path) -> bool:
    """Tell by size and time of change, which a copy keeps."""
    try:
        one, other = path.stat(), copied.stat()
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def read_calls(directory: Path) -> Iterator[Call]:
    """Read every call of a snapshot, file by file in sorted order.

    Raises:
        AuditkitError: a file is damaged; names the file and the line.
    """
    for path in files(directory):
        for at, line in lines(path):
            yield parse(path, at, line)


def calls_of(directory: Path, account_id: str, region: str) -> list[Call] | None:
    """Read the calls of an account's region that a scan, broken off, has left; None where it had not come so far."""
    if not _NAME.fullmatch(account_id) or not _NAME.fullmatch(region):
        return None
    path = directory / "accounts" / account_id / f"{region}.jsonl.gz"
    return [parse(path, at, line) for at, line in lines(path)] if path.exists() else None


def files(directory: Path) -> list[Path]:
    """The files that hold calls, sorted."""
    return sorted(directory.rglob("*.jsonl.gz"))


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Read the lines of one file, UTF-8 each, with their numbers.

    Raises:
        AuditkitError: the file is damaged.
    """
    at, rest = 1, b""
    try:
        for piece in _unzipped(path):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield at, _utf8(line)
                at += 1
        if rest:
            yield at, _utf8(rest)
    except (OSError, EOFError, ValueError, _BROKEN) as error:
        raise _damaged(path, at, error) from None


def _utf8(line: bytes) -> bytes:
    """Raise UnicodeDecodeError where a line is not UTF-8: what is not asked for is not decoded later either."""
    if not line.isascii():
        line.decode()
    return line


def _unzipped(path: Path) -> Iterator[bytes]:
    """Decompress a file in large pieces: the module gzip does so in small ones, which takes twice as long."""
    unzip, ended = isal_zlib.decompressobj(_GZIP), False
    with path.open("rb") as file:
        while piece := file.read(2**18):
            while piece:
                yield unzip.decompress(piece)
                piece = unzip.unused_data
                if ended := unzip.eof:
                    unzip = isal_zlib.decompressobj(_GZIP)
    if not ended:
        raise EOFError("the file ends before its compressed stream does")


def parse(path: Path, at: int, line: bytes) -> Call:
    """Read one line of a file.

    Raises:
        AuditkitError: it is no call.
    """
    try:
        try:
            told = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeError):  # it knows no half surrogate pairs, and no NaN
            told = json.loads(line.decode())
        return Call(**told)
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(path, at, error) from None


def _damaged(path: Path, at: int, error: Exception) -> AuditkitError:
    return AuditkitError(f"{path}:{at}: the snapshot is damaged: {error}", "Collect again.")


def _lean(call: Call) -> dict[str, Any]:
    return {key: value for key, value in asdict(call).items() if value not in ("", None)}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
