"""Real `auditkit` processes that end at a chosen moment, and a wire to the stand-in that ends them from outside.

`python -m tests.killing` is a process that has imported everything and forks one child for each line it reads, so that
an attempt costs what the command costs and not its start. The child runs one command line and is killed, by SIGKILL or
another signal, at the n-th of one kind of moment; nothing in the product knows of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class _End:
    """The end of this process, when the n-th moment of a kind has come."""

    def __init__(self, moment: str, number: int, sent: int) -> None:
        self._moment = moment
        self._left = number
        self._sent = sent
        self._lock = threading.Lock()

    def due(self, *moments: str) -> bool:
        """Count a moment."""
        with self._lock:
            self._left -= self._moment in moments
            return self._left == 0 and self._moment in moments

    def come(self) -> None:
        """End."""
        os.kill(os.getpid(), self._sent)

    def now(self, moment: str) -> None:
        """End, if this is the moment that was meant."""
        if moment == self._moment:
            self.come()


def _moves(end: _End, log: int) -> None:
    """Before or after a file comes into place. `log` is told of every one that does."""

    def moved(function: Callable[..., Any]) -> Callable[..., Any]:
        def move(source: Any, target: Any, **more: Any) -> Any:
            due = end.due("before", "after")
            if due:
                end.now("before")
            out = function(source, target, **more)
            os.write(log, f"{os.fspath(target)}\n".encode())
            if due:
                end.now("after")
            return out

        return move

    os.replace = moved(os.replace)  # type: ignore[assignment]
    os.rename = moved(os.rename)  # type: ignore[assignment]


def _writes(end: _End) -> None:
    """When a file, or a line of a journal, is half written."""
    from auditkit.audit.journal import Journal

    def half(function: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: Path, data: Any, *args: Any, **more: Any) -> Any:
            if end.due("half a file"):
                function(self, data[: len(data) // 2], *args, **more)
                end.come()
            return function(self, data, *args, **more)

        return write

    Path.write_bytes = half(Path.write_bytes)  # type: ignore[method-assign]
    Path.write_text = half(Path.write_text)  # type: ignore[method-assign]
    whole = Journal.add

    def torn(self: Journal, entry: dict[str, Any]) -> None:
        if end.due("half a line"):
            line = json.dumps(entry).encode()
            self._file.write(line[: len(line) // 2])
            self._file.flush()
            end.come()
        whole(self, entry)

    Journal.add = torn  # type: ignore[method-assign]


def _child(job: dict[str, Any]) -> None:
    os.environ.update(job["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
    out = os.open(job["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    end = _End(job["moment"], job["number"], job["signal"])
    _moves(end, os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    _writes(end)
    from auditkit import cli

    sys.argv = ["auditkit", *job["arguments"]]
    cli.main()


def _serve() -> None:
    """Fork for each line; answer with the pid, then with the exit status (negative: the signal)."""
    import boto3  # noqa: F401
    import duckdb  # noqa: F401

    import auditkit.audit
    import auditkit.cli
    import auditkit.scan
    import auditkit.sources.s3  # noqa: F401

    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                _child(json.loads(line))
            except SystemExit as left:
                sys.stdout.flush()
                os._exit(int(left.code or 0))
            os._exit(99)
        _answer(pid)
        _answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


@dataclass
class Attempt:
    """What one process did."""

    status: int
    """Exit status; negative for the signal that ended it."""
    said: str
    """What it printed."""
    placed: list[str]
    """Files that came into place, in order."""


@dataclass
class Nursery:
    """The process that forks."""

    folder: Path
    process: Any = field(init=False)
    begun: Callable[[int], None] = field(default=lambda _pid: None)
    """Told of each child's process id."""

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str, moment: str = "", number: int = 0, sent: int = signal.SIGKILL) -> Attempt:
        """Run one command line to its end, whatever that is."""
        said, log = self.folder / "said.txt", self.folder / "log.txt"
        log.unlink(missing_ok=True)
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        job = {
            "arguments": arguments,
            "moment": moment,
            "number": number,
            "signal": sent,
            "said": str(said),
            "log": str(log),
            "environment": environment | {"SOURCE_DATE_EPOCH": "1790834400", "AWS_MAX_ATTEMPTS": "1"},
        }
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.begun(int(self.process.stdout.readline()))
        status = int(self.process.stdout.readline())
        placed = log.read_text().splitlines() if log.exists() else []
        return Attempt(status, said.read_text(), placed)

    def close(self) -> None:
        """End it."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Gate:
    """Stands before the stand-in for AWS: counts requests, and ends the process that makes the n-th of a kind."""

    def __init__(self, endpoint: str) -> None:
        self.counts: Counter[str] = Counter()
        """Kind and path → requests."""
        self.at: tuple[str, int] = ("", 0)
        """Kind and number of the request that ends the process."""
        self.pid = 0
        self.lock = threading.Lock()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    gate.forward(self, endpoint.removeprefix("http://"))

            do_GET = do_HEAD = do_POST = do_PUT = _forward  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A process that was ended leaves its connections."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def begun(self, pid: int) -> None:
        """Take the process to end."""
        self.pid = pid

    def total(self, kind: str) -> int:
        """How many requests of a kind came."""
        return sum(count for name, count in self.counts.items() if name.split()[0] == kind)

    def forward(self, handler: BaseHTTPRequestHandler, host: str) -> None:
        """Hand a request on, and its answer back."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        kind = _kind(handler.command, handler.path, body)
        with self.lock:
            self.counts[f"{kind} {handler.path}"] += 1
            due = self.at == (kind, self.total(kind))
        upstream = HTTPConnection(host)
        upstream.request(handler.command, handler.path, body, dict(handler.headers))
        answer = upstream.getresponse()
        data = answer.read()
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                handler.send_header(name, value)
        length = answer.getheader("Content-Length") if handler.command == "HEAD" else str(len(data))
        handler.send_header("Content-Length", length or "0")
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2])
        if due:
            os.kill(self.pid, signal.SIGKILL)
        handler.wfile.write(data[len(data) // 2 :])
        upstream.close()

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()


def _kind(method: str, path: str, body: bytes) -> str:
    if method == "GET" and "list-type=2" in path:
        return "ListObjectsV2"
    if method == "GET" and "AWSLogs/" in path:
        return "GetObject"
    return next(
        (word.partition("=")[2] for word in body.decode("latin-1").split("&") if word.startswith("Action=")), method
    )


if __name__ == "__main__":
    _serve()
