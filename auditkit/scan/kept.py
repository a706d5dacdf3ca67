"""What an earlier scan, broken off, has left: files of the snapshot that need not be asked for again."""

from __future__ import annotations

from typing import Protocol

from auditkit.model.inventory import Call


class Kept(Protocol):
    """Gives the calls of a file of the snapshot that is whole already."""

    def __call__(self, account_id: str, region: str, /) -> list[Call] | None:
        """Return the calls of an account's region, or of what an account has in no region (`global`); None if none.

        Only what an earlier scan of the same scope handed to `keep` may be given: a file holds all of its calls.
        """


def nothing(account_id: str, region: str, /) -> list[Call] | None:  # noqa: ARG001 - the shape of Kept
    """Give nothing: a scan from the start."""
    return None
