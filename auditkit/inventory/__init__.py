"""What AWS answered, page by page → the typed tables of an organization's network.

Pure: no clock, no network, no files.
"""

from __future__ import annotations

from auditkit.inventory.read import read
from auditkit.inventory.records import from_records

__all__ = ["from_records", "read"]
