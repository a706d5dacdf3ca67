"""Work in a few threads at once, whose results come in the order of the work: what releases the GIL runs side by side."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 2
"""More would wait for each other: a fifth of the work holds the GIL."""
_TICK = 0.1
_DONE = object()


def ordered(given: Iterable[T], work: Callable[[T], Iterator[R]]) -> Iterator[R]:
    """Yield what `work` yields for each, one after the other, while others are worked on ahead.

    At most one result of each waits; whoever stops listening stops the work.
    """
    stop = threading.Event()
    waiting: deque[queue.Queue[Any]] = deque()
    rest = iter(given)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # Daemons: a traceback may keep this generator alive to the end of the process, which must not wait for it.
    threads = [threading.Thread(target=_serve, args=(work, tasks, stop), daemon=True) for _ in range(THREADS)]
    try:
        for thread in threads:
            thread.start()
        while True:
            while len(waiting) <= THREADS and (one := next(rest, _DONE)) is not _DONE:
                box: queue.Queue[Any] = queue.Queue(maxsize=1)
                waiting.append(box)
                tasks.put((one, box))
            if not waiting:
                return
            while (result := waiting[0].get()) is not _DONE:
                if isinstance(result, BaseException):
                    raise result
                yield result
            waiting.popleft()
    finally:
        stop.set()
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.join()


def _serve(work: Callable[[Any], Iterator[Any]], tasks: queue.SimpleQueue[Any], stop: threading.Event) -> None:
    while (task := tasks.get()) is not None and not stop.is_set():
        one, box = task
        try:
            for result in work(one):
                if not _put(box, result, stop):
                    return
            _put(box, _DONE, stop)
        except BaseException as error:  # noqa: BLE001 - raised again where the results are read
            _put(box, error, stop)


def _put(box: queue.Queue[Any], result: Any, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            box.put(result, timeout=_TICK)
        except queue.Full:
            continue
        return True
    return False
