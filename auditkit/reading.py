"""Reads the files of a snapshot for `inventory.read`: here, or in processes of its own where there is much to read.

    python -P -m auditkit.reading DESCRIPTOR      a worker: a socket brings its files and takes what they hold

What takes time is the interfaces: they are put into columns at once. Everything else is handed on call by call.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from operator import itemgetter
from pathlib import Path
from typing import Any

from auditkit import snapshot
from auditkit.inventory import interfaces
from auditkit.inventory.scope import Scope, scope
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call

_BATCH = 20_000
"""Interfaces put into columns at once, sorted by id: what lies in order is merged with less jumping through memory."""
_LINES = 200
"""Lines handed over at once."""
_WORTH_IT = 8 * 2**20
"""Compressed bytes below which starting a process takes longer than it saves."""

Message = tuple[str, Any]
"""`page`: a call whose interfaces were taken out; `line`: path, number and text of any other line; `rows`: a batch;
`failure`: path and error, the last of all."""


def calls(directory: Path, meta: dict[str, Any], workers: int | None = None) -> Iterator[Call | interfaces.Batch]:
    """Read every call of a snapshot; the interfaces come in batches, by column.

    Args:
        directory: the snapshot.
        meta: its snapshot.json.
        workers: processes to start, 0 for none; one for each core where there is much to read, unless said.

    Raises:
        AuditkitError: a file is damaged; names the file and the line.
    """
    asked, files = scope(meta), snapshot.files(directory)
    if workers is None:
        much = sys.executable and os.name == "posix" and sum(path.stat().st_size for path in files) > _WORTH_IT
        workers = _cores() if much else 0
    failures: list[tuple[Path, AuditkitError]] = []
    for kind, told in _elsewhere(files, asked, workers) if workers else _read(files, asked):
        if kind == "failure":
            failures.append(told)
        elif kind == "line":
            try:
                yield snapshot.parse(*told)
            except AuditkitError as error:
                failures.append((told[0], error))
        else:
            yield told
        if failures and not workers:
            break
    if failures:  # of several the first by file, whoever was faster
        raise min(failures, key=lambda failure: failure[0])[1]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(files: Iterable[Path], asked: Scope) -> Iterator[Message]:
    """Read files, one after the other."""
    views: list[interfaces.View] = []
    for path in files:
        try:
            for at, line in snapshot.lines(path):
                taken = interfaces.page(line, asked.partition, asked.as_of)
                if taken is None:
                    yield "line", (path, at, line)
                    continue
                call, seen = taken
                yield "page", call
                views += seen
                if len(views) >= _BATCH:
                    yield "rows", interfaces.batch(sorted(views, key=itemgetter(0)))
                    views = []
        except AuditkitError as error:
            yield "failure", (path, error)
            return
    if views:
        yield "rows", interfaces.batch(sorted(views, key=itemgetter(0)))


def _elsewhere(files: list[Path], asked: Scope, workers: int) -> Iterator[Message]:
    """Let workers read files, each about as many bytes."""
    shares: list[list[Path]] = [[] for _ in range(workers)]
    sizes = [0] * workers
    for path in sorted(files, key=lambda path: (-path.stat().st_size, path)):
        least = sizes.index(min(sizes))
        shares[least].append(path)
        sizes[least] += path.stat().st_size
    with ExitStack() as running:
        # A worker ends when nobody reads what it writes.
        yield from _heard([running.enter_context(_worker(sorted(share), asked, running)) for share in shares])


def _worker(files: list[Path], asked: Scope, running: ExitStack) -> Connection[Any, Any]:
    here, there = Pipe()
    with there:
        # -P: what lies in the working directory is no module of ours.
        command = [sys.executable, "-P", "-m", "auditkit.reading", str(there.fileno())]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        running.enter_context(subprocess.Popen(command, pass_fds=[there.fileno()], env=environment))  # noqa: S603  # ourselves
    here.send((files, asked))
    return here


def _heard(workers: list[Connection[Any, Any]]) -> Iterator[Message]:
    """What workers tell, until all have ended."""
    open_ = list(workers)
    while open_:
        for worker in wait(open_):
            assert isinstance(worker, Connection)
            try:
                told = worker.recv()
            except (EOFError, OSError):
                hint = "Is there enough memory?"
                raise AuditkitError("a process that reads the snapshot has ended too early", hint) from None
            if told:
                yield from told
            else:
                open_.remove(worker)


def _work(socket: Connection[Any, Any]) -> None:
    """Be a worker: tell lists of messages, and an empty one at the end."""
    files, asked = socket.recv()
    waiting: list[Message] = []
    for message in _read(files, asked):
        waiting.append(message)
        if len(waiting) >= _LINES or message[0] == "rows":
            socket.send(waiting)
            waiting = []
    if waiting:
        socket.send(waiting)
    socket.send([])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started it says what there is to say
    gc.disable()  # a short life, and no cycles
    with Connection(int(sys.argv[1])) as outside, suppress(BrokenPipeError):
        _work(outside)
