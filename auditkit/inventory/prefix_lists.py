"""Prefix lists and their entries, which are asked only of lists that something refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from auditkit.inventory.answers import Row, required, text
from auditkit.inventory.merge import Merged
from auditkit.inventory.security_groups import network
from auditkit.inventory.unread import Listings
from auditkit.model.inventory import Call
from auditkit.model.routing import PrefixList

ENTRIES = "ec2:GetManagedPrefixListEntries"


class PrefixLists:
    """What was answered about prefix lists; AWS's own have one id in a region, whoever asks."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._lists = Merged()
        self._entries: dict[tuple[str, str], dict[str, set[str]]] = {}

    def note(self, row: Row, call: Call) -> None:
        """Take note of one list."""
        if text(row, "State") == "delete-complete":
            return
        one = PrefixList(
            prefix_list_id=required(row, "PrefixListId"),
            prefix_list_name=text(row, "PrefixListName"),
            account_id=text(row, "OwnerId") or call.account_id,
            region=call.region,
            seen_from=(call.account_id,),
        )
        self._lists.add((one.prefix_list_id, one.region), one.account_id, call, one)

    def note_entries(self, call: Call) -> None:
        """Take note that the entries of a list were asked; there may be none."""
        self._entries.setdefault((call.resource, call.region), {}).setdefault(call.account_id, set())

    def note_entry(self, row: Row, call: Call) -> None:
        """Take note of one entry."""
        cidr = required(row, "Cidr")
        network(cidr)
        self.note_entries(call)
        self._entries[call.resource, call.region][call.account_id].add(cidr)

    def rows(self) -> tuple[PrefixList, ...]:
        """Return the lists, sorted, with the entries of those whose entries were read whole."""
        lists: tuple[PrefixList, ...] = self._lists.rows_with_viewers()
        return tuple(replace(one, cidrs=next(self._read(one), None)) for one in lists)

    def _read(self, one: PrefixList) -> Iterator[tuple[str, ...]]:
        """Every whole answer about the entries of a list: its owner's first, then by account."""
        told = self._entries.get((one.prefix_list_id, one.region), {})
        for account_id in sorted(told, key=lambda asked: (asked != one.account_id, asked)):
            if self._listings.complete(ENTRIES, account_id, one.region, one.prefix_list_id):
                yield tuple(sorted(told[account_id], key=lambda cidr: (network(cidr), cidr)))
