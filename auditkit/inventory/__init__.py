"""What AWS answered, page by page → the typed tables of an organization's network.

Pure: no clock, no network, no files.
"""

from __future__ import annotations

from auditkit.inventory.read import read

__all__ = ["read"]
