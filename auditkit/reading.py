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
from importlib.abc import MetaPathFinder
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditkit import snapshot
from auditkit.inventory import interface_pages, interfaces
from auditkit.inventory.scope import Scope, scope
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call

_AT_ONCE = 1_000
"""Interfaces put into columns at once, at least: while they lie in the processor's cache."""
_BATCH = 20_000
"""Interfaces handed over at once, at least, sorted by id: what lies in order is merged with less jumping through memory."""
_LINES = 1000
"""Lines and pages handed over at once."""
_WORTH_IT = 8 * 2**20
"""Compressed bytes below which starting a process takes longer than it saves."""

Message = tuple[str, Any]
"""`page`: a call whose interfaces were taken out; `line`: path, number and bytes of any other line; `rows`: a batch, or how
many bytes of one follow; `failure`: path and error, the last of all."""


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
    rows = _Rows(asked)
    for path in files:
        try:
            for at, line in snapshot.lines(path):
                taken = interface_pages.page(line)
                if taken is None:
                    yield "line", (path, at, line)
                    continue
                yield "page", taken[0]
                if rows.add(taken):
                    yield "rows", rows.taken()
        except AuditkitError as error:
            yield "failure", (path, error)
            return
    yield "rows", rows.taken()


class _Rows:
    """Gathers pages of interfaces, as columns."""

    def __init__(self, asked: Scope) -> None:
        self._asked = asked
        self._pages: list[interface_pages.Page] = []
        self._columns: list[interfaces.Columns] = []
        self._size = self._total = 0

    def add(self, page: interface_pages.Page) -> bool:
        """Take a page; tell whether there is enough for a batch."""
        self._pages.append(page)
        self._size += len(page[1])
        if self._size >= _AT_ONCE:
            self._put()
        return self._total >= _BATCH

    def _put(self) -> None:
        self._columns.append(interface_pages.columns(self._pages, self._asked.partition, self._asked.as_of))
        self._total += self._size
        self._pages, self._size = [], 0

    def taken(self) -> interfaces.Batch:
        """Return what was gathered."""
        self._put()
        batch = interfaces.gathered(self._columns)
        self._columns, self._total = [], 0
        return batch


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
                told = [_received(worker, one) for one in worker.recv()]
            except (EOFError, OSError):
                hint = "Is there enough memory?"
                raise AuditkitError("a process that reads the snapshot has ended too early", hint) from None
            yield from told
            if not told:
                open_.remove(worker)


def _received(worker: Connection[Any, Any], message: Message) -> Message:
    """Take the bytes of a batch from the socket; they lie where the columns will."""
    kind, told = message
    if kind != "rows":
        return message
    buffer = pa.allocate_buffer(told)
    rest = memoryview(buffer)
    while rest:
        if not (got := os.readv(worker.fileno(), [rest])):
            raise EOFError
        rest = rest[got:]
    with pa.ipc.open_stream(buffer) as stream:
        return kind, stream.read_next_batch()


def _work(socket: Connection[Any, Any]) -> None:
    """Be a worker: tell lists of messages, of which the last may be a batch, and an empty one at the end."""
    files, asked = socket.recv()
    waiting: list[Message] = []
    for kind, told in _read(files, asked):
        if kind != "rows":
            waiting.append((kind, told))
            if len(waiting) < _LINES:
                continue
            socket.send(waiting)
        else:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, told.schema) as stream:
                stream.write_batch(told)
            rest = memoryview(sink.getvalue())
            socket.send([*waiting, ("rows", len(rest))])
            while rest:
                rest = rest[os.write(socket.fileno(), rest) :]
        waiting = []
    socket.send(waiting)
    if waiting:
        socket.send([])


class _WithoutPandas(MetaPathFinder):
    """Says that there is no pandas: pyarrow would load it, for half a second, to see that it is given nothing of pandas."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  # as it is called
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started it says what there is to say
    sys.meta_path.insert(0, _WithoutPandas())
    gc.disable()  # a short life, and no cycles
    with Connection(int(sys.argv[1])) as outside, suppress(BrokenPipeError):
        _work(outside)
