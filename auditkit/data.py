"""Where the files that ship beside the code lie: templates and policies.

Installed they are inside the package, under `auditkit/_data`; in a checkout at its top.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def templates_dir() -> Traversable:
    """Return the folder of the reports' templates, styles, script and fonts."""
    return _folder("templates")


def policies_dir() -> Traversable:
    """Return the folder of the controls that ship."""
    return _folder("policies")


def _folder(name: str) -> Traversable:
    installed = files("auditkit") / "_data" / name
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / name
