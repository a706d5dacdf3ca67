"""What a run consists of: every file's SHA-256, in the form that `sha256sum -c` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditkit.lock import LOCK

MANIFEST = "MANIFEST.sha256"
_CHUNK = 1 << 20


def manifest(run: Path) -> str:
    """Hash every file of a run but the manifest itself and the lock of whoever writes it.

    Returns:
        one line per file, sorted by path: the hash, two spaces, the path below the run.
    """
    files = sorted(p for p in run.rglob("*") if p.is_file() and not p.is_symlink() and p.name not in (MANIFEST, LOCK))
    return "".join(f"{_sha256(path)}  {path.relative_to(run).as_posix()}\n" for path in files)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
