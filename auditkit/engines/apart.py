"""A statement run in a process of its own, which can be ended whatever it is doing, and which opens no file and no socket.

One value of a statement may be gigabytes, and one function call may take hours without looking up: only a process has
an end. After it has read the tables, the operating system refuses it every new file, socket and process (setrlimit(2):
RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_AS). Of the environment it sees nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.model.errors import AuditkitError

MEMORY = 4 * 2**30
"""Bytes that tables and a statement may take, where nothing else is said."""
_ROOM = 3 * 2**30
"""Address space of Python, its libraries and its threads, beside that."""
_LARGEST = 512 * 2**20
"""Bytes of an answer."""
_THREADS = 2
_START = "from auditkit.engines.apart import serve; serve()"


def ask(sql: str, tables: Mapping[str, Path], limit: int = 1000, timeout: float = 60, memory: int = MEMORY) -> pa.Table:
    """Run one SELECT over some tables, apart from this process.

    Args:
        sql: the statement.
        tables: name → Parquet file; those that the statement names are read.
        limit: rows at most.
        timeout: seconds; then it is ended.
        memory: bytes.

    Raises:
        AuditkitError: it is refused, fails, needs too much, or takes too long.
    """
    from auditkit.engines.locked import HINT, TOO_MUCH  # noqa: PLC0415 - heavy, and this process may do without

    request = {
        "sql": sql, "tables": {name: str(path.absolute()) for name, path in tables.items()},
        "limit": limit, "memory": memory, "seconds": timeout,
    }  # fmt: skip
    # -P: nothing of the current directory is imported. A session of its own: Ctrl-C reaches this process alone.
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-P", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(one for one in sys.path if one), "PYTHONUTF8": "1"},
        start_new_session=True,
    ) as child:
        try:
            out, _ = child.communicate(json.dumps(request).encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            raise AuditkitError(
                f"the statement took longer than {timeout:g} seconds", "Give it more with --timeout."
            ) from None
        finally:
            child.kill()
    told, _, body = out.partition(b"\n")
    if child.returncode != 0 or not told:
        raise AuditkitError(TOO_MUCH, HINT)
    said: dict[str, str] = json.loads(told)
    if "message" in said:
        raise AuditkitError(said["message"], said["hint"])
    with pa.ipc.open_stream(body) as reader:
        table: pa.Table = reader.read_all()
    return table


def serve() -> None:
    """Read one request, answer it, and end: the other side of `ask`."""
    import duckdb  # noqa: F401, PLC0415 - loaded before new files are refused

    from auditkit.engines import locked  # noqa: PLC0415

    request = json.loads(sys.stdin.buffer.read())
    out = sys.stdout.buffer
    paths: dict[str, str] = request["tables"]
    _limit_memory(request["memory"], request["seconds"])

    def read(name: str) -> pa.Table:
        with pq.ParquetFile(paths[name]) as file:  # read_table loads much that is not needed here
            return file.read()

    try:
        named = locked.named(request["sql"], tuple(paths))
        tables = {name: read(name) for name in sorted(named)}
        table = locked.select(request["sql"], tables, request["limit"], request["memory"], _THREADS, ready=_limit_files)
        if table.nbytes > _LARGEST:
            _send(out, {"message": f"the answer has {table.nbytes:,} bytes", "hint": "Ask for fewer rows or columns."})
        else:
            _send(out, {}, table)
    except AuditkitError as error:
        _send(out, {"message": error.message, "hint": error.hint})
    except (MemoryError, pa.ArrowMemoryError):
        _send(out, {"message": locked.TOO_MUCH, "hint": locked.HINT})
    except (OSError, pa.ArrowException) as error:
        _send(out, {"message": f"a table cannot be read: {str(error)[:300]}", "hint": "Assess the run again."})
    out.flush()
    os._exit(0)  # at once: nothing is left to be done


def _send(out: BinaryIO, said: dict[str, Any], table: pa.Table | None = None) -> None:
    out.write(json.dumps(said).encode() + b"\n")
    if table is not None:
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)


def _limit_memory(memory: int, seconds: float) -> None:
    import resource  # noqa: PLC0415 - of Unix

    _lower(resource.RLIMIT_AS, memory + _ROOM)
    _lower(resource.RLIMIT_CPU, int(seconds * _THREADS) + 10)
    _lower(resource.RLIMIT_CORE, 0)


def _limit_files() -> None:
    """No new file, socket or process from here on."""
    import resource  # noqa: PLC0415

    _lower(resource.RLIMIT_NOFILE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)


def _lower(which: int, to: int) -> None:
    import resource  # noqa: PLC0415

    most = resource.getrlimit(which)[1]
    value = to if most == resource.RLIM_INFINITY else min(to, most)
    resource.setrlimit(which, (value, value))
