"""Log objects on this machine: copies of a bucket, or of a part of it, and files with lines and no header."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.sources import TABLE, Answer, Fetched, Put, SourceError, Unit
from auditkit.sources.layout import parse_name
from auditkit.sources.shape import Shape, is_data
from auditkit.sources.stream import CHUNK, save


class Local:
    """Log objects in directories, or matched by globs."""

    threads = 1
    """Waiting for S3 is worth threads; copying files is not."""
    listing = ""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Take directories, files or globs (`**` reaches any depth)."""
        self._paths = tuple(paths)

    def probes(self) -> Sequence[Unit]:
        """Return none: looking costs nothing."""
        return ()

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]] | None = None) -> Sequence[Unit]:
        """Return one unit for all paths: two copies of one object, wherever they lie, count once."""
        del found
        wanted = frozenset(days)
        return (Unit("local files", lambda put: self._list(wanted, put)),)

    def _list(self, days: frozenset[date], put: Put) -> Answer:
        """List the days' objects, each once, in the order of the paths given, then by path.

        A file is one of AWS's if its name is; where it lies matters only for the key. A link that leads outside of the
        path given is not followed.

        Raises:
            AuditkitError: a path does not exist, or a glob matches nothing.
        """
        seen: dict[str, tuple[str, int]] = {}
        foreign: set[str] = set()
        unread: list[Unread] = []
        for given in self._paths:
            for path, key in _files(given, unread.append, foreign.add):
                obj = _object(path, key, unread.append)
                if not obj or obj.slot.date() not in days:
                    continue
                uri, size = seen.get(obj.filename, ("", 0))
                if not uri:
                    seen[obj.filename] = (obj.uri, obj.size)
                    put([obj])
                elif size != obj.size:
                    unread.append(_unread(obj, f"Conflict: {uri} has the same name and another size"))
        return Answer(foreign=len(foreign), unread=tuple(unread))

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Copy a file."""
        sha256, size = save(_chunks(obj), to)
        if size != obj.size:
            to.unlink(missing_ok=True)
            raise SourceError(_unread(obj, f"Changed: {obj.size} bytes when listed, {size} when read"))
        return Fetched(sha256=sha256, size=size)


class LocalLines(Local):
    """Files of any name, with records and no header, of whose flow logs somebody told."""

    def __init__(self, paths: Iterable[Path], shape: Shape) -> None:
        """Take directories, files or globs, and what is known of the records in them."""
        super().__init__(paths)
        self._shape = shape

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]] | None = None) -> Sequence[Unit]:
        """Return one unit for all paths."""
        del found
        wanted = frozenset(days)
        name = f"local lines of {', '.join(map(str, self._paths))}"
        return (Unit(name, lambda put: self._list(wanted, put)),)

    def _list(self, days: frozenset[date], put: Put) -> Answer:
        """List the files, each once; those that a date in name or folder puts far from the days are left out."""
        seen: set[Path] = set()
        foreign: set[str] = set()
        unread: list[Unread] = []
        for given in self._paths:
            for path, key in _files(given, unread.append, foreign.add, is_data):
                if path in seen:
                    continue
                seen.add(path)
                try:
                    told = path.stat()
                except OSError as error:
                    unread.append(self._refused(path, error))
                    continue
                obj = self._shape.made(str(path), key, datetime.fromtimestamp(told.st_mtime, UTC), days)
                put([replace(obj, size=told.st_size)] if obj else [])
        return Answer(foreign=len(foreign), unread=tuple(unread))

    def _refused(self, path: Path, error: OSError) -> Unread:
        where = {"account_id": self._shape.account_id, "region": self._shape.region}
        return replace(_unread(None, f"{type(error).__name__}: {error.strerror}", str(path)), **where)


def _named_by_aws(name: str) -> bool:
    return parse_name(name) is not None


def _files(
    given: Path,
    unread: Callable[[Unread], None],
    foreign: Callable[[str], None],
    fits: Callable[[str], bool] = _named_by_aws,
) -> Iterator[tuple[Path, str]]:
    """Give every file below a path whose name fits, with its key; tell of the others."""
    if given.exists():
        tops, base = [given], given if given.is_dir() else given.parent
    else:
        # pathlib's glob takes no absolute pattern
        tops, base = sorted(Path(match) for match in glob.glob(str(given), recursive=True)), _fixed(given)  # noqa: PTH207
    if not tops:
        raise AuditkitError(f"{given} does not exist, or matches nothing", "Check records.from.local in auditkit.yaml.")
    found: Iterable[Path] = (path for top in tops for path in ([top] if top.is_file() else _walk(top, unread)))
    if len(tops) > 1:  # one may lie inside another
        found = dict.fromkeys(found)
    inside = base.resolve()
    walked = given.is_dir()  # a walk follows no link, so only the file itself can be one
    for path in found:
        if not fits(path.name):
            foreign(str(path))
        elif (not walked or path.is_symlink()) and not _within(path, inside):
            unread(_unread(None, "a link that leads outside is not followed", str(path)))
        else:
            yield path, _key(path.relative_to(base))


def _within(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except RuntimeError:  # a link to itself, until Python 3.13; reading it then says so
        return True


def _walk(top: Path, unread: Callable[[Unread], None]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        unread(_unread(None, f"{type(error).__name__}: {error.strerror}", str(error.filename)))

    for folder, folders, names in os.walk(top, onerror=refused):
        folders.sort()
        for name in folders:
            if (Path(folder) / name).is_symlink():
                unread(_unread(None, "a link to a folder is not followed", str(Path(folder) / name)))
        yield from (Path(folder) / name for name in sorted(names))


def _fixed(pattern: Path) -> Path:
    """Return the part of a glob before its first wildcard."""
    return Path(*takewhile(lambda part: not glob.has_magic(part), pattern.parent.parts))


def _key(relative: Path) -> str:
    """Return the key that the file had: from AWSLogs/ on, where it has kept its folders."""
    parts = relative.parts
    start = len(parts) - 1 - parts[::-1].index("AWSLogs") if "AWSLogs" in parts else 0
    return "/".join(parts[start:])


def _object(path: Path, key: str, unread: Callable[[Unread], None]) -> LogObject | None:
    parsed = parse_name(path.name)
    if not parsed:
        return None
    obj = LogObject(
        uri=str(path),
        key=key,
        account_id=parsed.account_id,
        region=parsed.region,
        flow_log_id=parsed.flow_log_id,
        slot=parsed.slot,
        size=0,
    )
    try:
        size = path.stat().st_size
    except OSError as error:
        unread(_unread(obj, f"{type(error).__name__}: {error.strerror}"))
        return None
    return replace(obj, size=size)


def _chunks(obj: LogObject) -> Iterator[bytes]:
    try:
        with Path(obj.uri).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise SourceError(_unread(obj, f"{type(error).__name__}: {error.strerror}")) from None


def _unread(obj: LogObject | None, error: str, folder: str = "") -> Unread:
    account_id, region, resource = (obj.account_id, obj.region, obj.uri) if obj else ("*", "*", folder)
    return Unread(account_id=account_id, region=region, table=TABLE, resource=resource, call="local:read", error=error)
