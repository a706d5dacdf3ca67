"""Bytes to a file, and what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

CHUNK = 1 << 20


def save(chunks: Iterable[bytes], to: Path) -> tuple[str, int]:
    """Write chunks to a file that is there whole or not at all; return SHA-256 and size."""
    digest = hashlib.sha256()
    size = 0
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f"{to.name}.partial")
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest(), size
