"""Bytes to a file, and what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20


def save(chunks: Iterable[bytes], to: Path) -> tuple[str, int]:
    """Write chunks to a file that is there whole or not at all; return SHA-256 and size."""
    digest = hashlib.sha256()
    size = 0
    partial = to.with_name(f"{to.name}.partial")
    try:
        with _opened(partial) as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        partial.replace(to)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def _opened(path: Path) -> BinaryIO:
    """Open a file to write, making its folder only when it is missing: most folders take hundreds of files."""
    try:
        return path.open("wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
