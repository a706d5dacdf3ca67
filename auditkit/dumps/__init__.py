"""A directory of AWS CLI answers, saved by somebody, → calls and a snapshot's meta. docs/offline.md shows the layout.

What is imported is the giver's word, not AWS's: the snapshot says so, and keeps each file's SHA-256.
"""

from __future__ import annotations

from auditkit.dumps.layout import looks_like
from auditkit.dumps.read import as_of, read

__all__ = ["as_of", "looks_like", "read"]
