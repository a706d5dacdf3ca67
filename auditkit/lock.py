"""One writer at a time: an advisory lock on a run directory, which the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from auditkit.model.errors import AuditkitError

LOCK = ".lock"
"""Name of the lock file; it holds the writer's process id, and goes when the writer has finished."""

_HELD: dict[tuple[Path, int], int] = {}
"""(directory, thread) → how often it is held: a stage may run inside another that holds the lock."""


@contextmanager
def held(directory: Path) -> Iterator[bool]:
    """Hold the lock of a directory, which is made if missing; a thread may hold it several times.

    Yields:
        whether a holder died before this one, and may have left something half written.

    Raises:
        AuditkitError: another process or thread holds it, or the file system knows no locks.
    """
    mine = (directory.resolve(), threading.get_ident())
    if mine in _HELD:
        _HELD[mine] += 1
        try:
            yield False
        finally:
            _HELD[mine] -= 1
        return
    made = not directory.exists()
    lock, died = _take(directory)
    _HELD[mine] = 1
    try:
        yield died
    finally:
        del _HELD[mine]
        (directory / LOCK).unlink(missing_ok=True)  # still held, so it is ours
        os.close(lock)
        if made:
            with suppress(OSError):
                directory.rmdir()  # nothing was begun


def _take(directory: Path) -> tuple[int, bool]:
    path = directory / LOCK
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:  # who held it has just removed the directory
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise _taken(directory) from None
        except OSError as error:
            os.close(lock)
            raise AuditkitError(
                f"{directory} cannot be locked: {error.strerror}", "Put the run on a local disk, with -o."
            ) from None
        if _is(lock, path):
            died = os.fstat(lock).st_size > 0
            os.truncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            return lock, died
        os.close(lock)  # removed by its holder between opening and locking


def _is(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _taken(directory: Path) -> AuditkitError:
    path = directory / LOCK
    try:
        pid = path.read_text(encoding="utf-8").strip()
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError):
        pid = ""
    told = f" (process {pid}, since {since:%Y-%m-%dT%H:%M:%SZ})" if pid.isdecimal() else ""
    return AuditkitError(
        f"{directory} is being written by another auditkit{told}",
        "Wait until it has finished, or name another directory with -o.",
    )
