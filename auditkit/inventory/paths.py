"""Where a packet may go: routes, network ACLs, prefix lists, endpoints, peerings and Block Public Access, brought together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from auditkit.inventory import endpoints, public_access, routing
from auditkit.inventory.answers import Row, required, text
from auditkit.inventory.merge import Merged
from auditkit.inventory.prefix_lists import ENTRIES, PrefixLists
from auditkit.inventory.public_access import PublicAccess
from auditkit.inventory.unread import Listings
from auditkit.model.inventory import Call, Subnet, Vpc
from auditkit.model.routing import VpcPeeringConnection

ReadRow = Callable[[Row, Call], None]


class Paths:
    """What was answered of them, in any order."""

    def __init__(self, listings: Listings) -> None:
        self._acls, self._routes, self._endpoints, self._peerings = Merged(), Merged(), Merged(), Merged()
        self._prefix_lists = PrefixLists(listings)
        self._public_access = PublicAccess(listings)
        self.readers: dict[str, tuple[str, ReadRow]] = {
            "ec2:DescribeVpcEndpoints": ("VpcEndpoints", self._endpoint),
            "ec2:DescribeVpcPeeringConnections": ("VpcPeeringConnections", self._peering),
            "ec2:DescribeRouteTables": ("RouteTables", self._route_table),
            "ec2:DescribeNetworkAcls": ("NetworkAcls", self._network_acl),
            "ec2:DescribeManagedPrefixLists": ("PrefixLists", self._prefix_lists.note),
            ENTRIES: ("Entries", self._prefix_lists.note_entry),
            public_access.EXCLUSIONS: ("VpcBlockPublicAccessExclusions", self._public_access.exclusion),
            public_access.CONTROLS: ("VpcEncryptionControls", self._public_access.control),
        }
        """Call → the list of its answer, and who reads one entry of it."""
        self.pages: dict[str, Callable[[Call], None]] = {ENTRIES: self._prefix_lists.note_entries}
        """Call → who takes note of each of its pages, be it empty."""
        self.wholes: dict[str, Callable[[Call], Iterable[str]]] = {public_access.OPTIONS: self._public_access.options}
        """Call whose answer is no list of rows → who reads it whole."""

    def tables(self, listed: set[str], *, whole: bool) -> dict[str, tuple[Any, ...]]:
        """Return the fields of the inventory that these calls fill.

        Args:
            listed: accounts of the organization.
            whole: whether these are all.
        """
        peerings: tuple[VpcPeeringConnection, ...] = self._peerings.rows_with_viewers()
        return {
            "network_acl_entries": tuple(chain.from_iterable(self._acls.rows())),
            "routes": tuple(chain.from_iterable(self._routes.rows())),
            "prefix_lists": self._prefix_lists.rows(),
            "vpc_endpoints": self._endpoints.rows(),
            "vpc_peering_connections": tuple(
                replace(one, peer_in_organization=endpoints.in_organization(one, listed, whole=whole))
                for one in peerings
            ),
        }

    def vpcs(self, rows: Iterable[Vpc]) -> tuple[Vpc, ...]:
        """Return VPCs with what Block Public Access and encryption controls say of them."""
        return tuple(map(self._public_access.vpc, rows))

    def subnets(self, rows: Iterable[Subnet]) -> tuple[Subnet, ...]:
        """Return subnets with what Block Public Access says of them."""
        return tuple(map(self._public_access.subnet, rows))

    def _endpoint(self, row: Row, call: Call) -> None:
        if one := endpoints.endpoint(row, call):
            self._endpoints.add((one.vpc_endpoint_id, one.region), one.account_id, call, one)

    def _peering(self, row: Row, call: Call) -> None:
        if one := endpoints.peering(row, call):
            self._peerings.add((one.vpc_peering_connection_id, one.region), one.account_id, call, one)

    def _route_table(self, row: Row, call: Call) -> None:
        rows, owner = routing.routes(row, call), text(row, "OwnerId") or call.account_id
        self._routes.add((required(row, "RouteTableId"), call.region), owner, call, rows)

    def _network_acl(self, row: Row, call: Call) -> None:
        rows, owner = routing.acl_entries(row, call), text(row, "OwnerId") or call.account_id
        self._acls.add((required(row, "NetworkAclId"), call.region), owner, call, rows)
