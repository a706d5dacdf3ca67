"""What lies under the resource of a flow log, and since when it is in use: what can have something to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from auditkit.model.columnar import Rows
from auditkit.model.inventory import Inventory, NetworkInterface

SLOT = 5
"""Minutes of a slot: AWS publishes to S3 every five minutes."""
UNIT = re.compile(r"(eni|nat|tgw-attach|tgw)-[0-9a-f]+")
"""What the name of a log stream begins with: what its events are of."""
_MINUTE = 60_000_000
ALWAYS = 0
"""In use whenever one looks: a gateway, or an interface whose attachment has no date."""


def minute(moment: datetime) -> int:
    """Return minutes since 1970, begun ones left out."""
    return int(moment.timestamp() // 60)


@dataclass(frozen=True, slots=True)
class Use:
    """Since when something under a resource is in use, as far as the inventory tells."""

    since: int | None
    """Minutes since 1970; None when nothing there is in use."""
    known: bool
    """Whether everything that could be there was listed."""


class Uses:
    """The inventory, indexed by what flow logs can be on; of its interfaces, those that somebody asks for."""

    def __init__(self, inventory: Inventory, units: Iterable[str] = ()) -> None:
        """Index the inventory.

        Args:
            inventory: what was collected.
            units: interfaces to know, beside those that flow logs are on and streams are named for.
        """
        self._inventory = inventory
        self.vpcs = {v.vpc_id: v for v in inventory.vpcs}
        self.subnets = {s.subnet_id: s for s in inventory.subnets}
        self.nats = {n.nat_gateway_id: n for n in inventory.nat_gateways}
        self.attachments = {a.transit_gateway_attachment_id: a for a in inventory.transit_gateway_attachments}
        asked = {*units, *_named(inventory)}
        table = Rows.made_of(NetworkInterface, inventory.network_interfaces).table
        table = table.filter(pc.equal(table["seen_in"], "inventory"))
        known = table.filter(pc.is_in(table["interface_id"], pa.array(sorted(asked), pa.string())))
        self.interfaces = {one.interface_id: one for one in Rows(NetworkInterface, known)}
        self._since: dict[str, int] = {}
        self._detached: set[str] = set()
        """What holds an interface that is attached to nothing today: until when it was, nothing tells."""
        for name, given in (("vpc_id", table), ("subnet_id", table), ("interface_id", known)):
            self._detached.update(given.filter(pc.equal(given["status"], "available"))[name].unique().to_pylist())
            for above, since in _since(given, name):
                self._since[above] = min(since, self._since.get(above, since))
        self.listed = lru_cache(maxsize=None)(self._listed)

    def of(self, resource_id: str) -> Use:
        """Tell since when something under a resource is in use.

        Transit gateways, attachments and regional NAT gateways count as in use; an unattached interface does not, but
        it may have been until yesterday.
        What a participant of a shared VPC has there counts where its listing was read.
        """
        if resource_id.startswith(("tgw-", "nat-")):
            return Use(ALWAYS, known=True)
        known = self._known(resource_id) and resource_id not in self._detached
        return Use(self._since.get(resource_id), known=known)

    def vpc_of(self, resource_id: str) -> str | None:
        """Return the VPC of a resource; empty for a transit gateway's, None where it is not known."""
        if resource_id.startswith("tgw-"):
            return ""
        if resource_id in self.vpcs:
            return resource_id
        one = self.subnets.get(resource_id) or self.interfaces.get(resource_id) or self.nats.get(resource_id)
        return one.vpc_id if one else None

    def is_under(self, unit: str, resource_id: str) -> bool | None:
        """Tell whether an interface, attachment or gateway lies at or under a resource; None where it is not known."""
        if unit == resource_id:
            return True
        if one := self.interfaces.get(unit):
            return resource_id in (one.subnet_id, one.vpc_id)
        if attachment := self.attachments.get(unit):
            return resource_id == attachment.transit_gateway_id
        if nat := self.nats.get(unit):  # whether a log of the VPC speaks of it is not documented
            return None if resource_id == nat.vpc_id else False
        return None

    def _known(self, resource_id: str) -> bool:
        one = self.vpcs.get(resource_id) or self.subnets.get(resource_id) or self.interfaces.get(resource_id)
        return one is not None and all(
            self.listed("network_interfaces", account_id, one.region) for account_id in {one.account_id, *one.seen_from}
        )

    def _listed(self, table: str, account_id: str, region: str) -> bool:
        asked = region in self._inventory.regions.get(account_id, ())
        return asked and not self._inventory.is_unread(table, account_id, region)


def _since(interfaces: pa.Table, name: str) -> Iterator[tuple[str, int]]:
    """Since when something is in use, by a column; by column too, for there may be a million interfaces."""
    used = interfaces.filter(pc.not_equal(interfaces["status"], "available"))
    at = pc.floor_temporal(used["attach_time"], unit="minute").cast(pa.int64())
    since = pc.fill_null(pc.divide(at, _MINUTE), ALWAYS)
    least = pa.table({name: used[name], "since": since}).group_by(name).aggregate([("since", "min")])
    yield from zip(least[name].to_pylist(), least["since_min"].to_pylist(), strict=True)


def _named(inventory: Inventory) -> Iterator[str]:
    """The interfaces that flow logs, events and streams name."""
    yield from (log.resource_id for log in inventory.flow_logs)
    yield from (resource for event in inventory.flow_log_events for resource in event.resource_ids)
    for group in inventory.log_streams:
        yield from (unit[0] for stream in group.streams if (unit := UNIT.match(stream[0])))


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without anything."""

    begin: int
    """First minute, since 1970."""
    end: int
    """The minute after the last."""
    leading: bool
    """Nothing is known from before it."""


def holes(came: Iterable[tuple[int, int]], lo: int, hi: int, longest: int) -> Iterator[Hole]:
    """Find the stretches of lo..hi without an object that are longer than what is normal.

    A hole is measured from the end of what came before it to the start of what came after it, also where these lie
    outside of lo..hi, over midnight or not.

    Args:
        came: stretches of slots that each have an object: first minute, and the one after the last; sorted.
        lo: first minute for which something is due.
        hi: the minute after the last.
        longest: minutes for which nothing may come.
    """
    before: int | None = None
    for slot, after in (*came, (None, None)):
        begin = lo if before is None else before
        end = hi if slot is None else slot
        if end - begin > longest and max(begin, lo) < min(end, hi):
            yield Hole(max(begin, lo), min(end, hi), leading=before is None)
        before = after
