"""What was collected of groups, ACLs and routes, found by what a flow names; each index is made when first needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from auditkit.model.addresses import Range, cidr
from auditkit.model.columnar import Rows
from auditkit.model.inventory import Inventory, NetworkInterface, Subnet, Vpc
from auditkit.model.routing import NetworkAclEntry, Route, SecurityGroupRule, VpcEndpoint

KEEPS_ADDRESSES = ("elb-network", "elb-gateway", "gwlb-endpoint", "global-accelerator")
"""Services by which a client's own address may reach an interface that has no public one (client IP preservation:
Network Load Balancers guide; Global Accelerator guide)."""


@dataclass
class Estate:
    """An inventory, indexed."""

    inventory: Inventory
    """What was collected."""
    _lists: dict[tuple[str, str], tuple[tuple[str, Range], ...] | None] = field(default_factory=dict)

    @cached_property
    def interfaces(self) -> Mapping[str, NetworkInterface]:
        """Id → interface."""
        return Rows.made_of(NetworkInterface, self.inventory.network_interfaces).by("interface_id")

    @cached_property
    def vpcs(self) -> Mapping[str, Vpc]:
        """Id → VPC."""
        return {one.vpc_id: one for one in self.inventory.vpcs}

    @cached_property
    def subnets(self) -> Mapping[str, Subnet]:
        """Id → subnet."""
        return {one.subnet_id: one for one in self.inventory.subnets}

    @cached_property
    def groups(self) -> Mapping[str, tuple[SecurityGroupRule, ...]]:
        """Group → rules; a group that is not here was not read, or has no rule at all."""
        out: defaultdict[str, list[SecurityGroupRule]] = defaultdict(list)
        for rule in self.inventory.security_group_rules:
            out[rule.group_id].append(rule)
        return {group: tuple(rules) for group, rules in out.items()}

    @cached_property
    def acls(self) -> Mapping[str, tuple[tuple[NetworkAclEntry, ...], ...]]:
        """Network ACL → entries for ingress, entries for egress, each in their order."""
        found: defaultdict[str, list[NetworkAclEntry]] = defaultdict(list)
        for entry in self.inventory.network_acl_entries:
            found[entry.network_acl_id].append(entry)
        return {
            acl: tuple(
                tuple(sorted((e for e in entries if e.egress is way), key=lambda e: e.rule_number))
                for way in (False, True)
            )
            for acl, entries in found.items()
        }

    @cached_property
    def acls_of_subnets(self) -> Mapping[str, set[str]]:
        """Subnet → its network ACLs: one, unless the answers of two moments contradict each other."""
        out: defaultdict[str, set[str]] = defaultdict(set)
        for entry in self.inventory.network_acl_entries:
            for subnet in entry.subnet_ids:
                out[subnet].add(entry.network_acl_id)
        return out

    @cached_property
    def tables(self) -> Mapping[str, tuple[Route, ...]]:
        """Route table → routes."""
        out: defaultdict[str, list[Route]] = defaultdict(list)
        for route in self.inventory.routes:
            out[route.route_table_id].append(route)
        return {table: tuple(routes) for table, routes in out.items()}

    @cached_property
    def tables_of_subnets(self) -> Mapping[str, set[str]]:
        """Subnet → the tables that it is associated with explicitly."""
        out: defaultdict[str, set[str]] = defaultdict(set)
        for route in self.inventory.routes:
            for subnet in route.subnet_ids:
                out[subnet].add(route.route_table_id)
        return out

    @cached_property
    def main_tables(self) -> Mapping[str, set[tuple[str, str]]]:
        """VPC → its main table, and the table's owner."""
        out: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for route in self.inventory.routes:
            if route.is_main:
                out[route.vpc_id].add((route.route_table_id, route.account_id))
        return out

    @cached_property
    def edges(self) -> frozenset[str]:
        """Gateways that route what they let in by a table of their own."""
        return frozenset(gateway for route in self.inventory.routes for gateway in route.gateway_ids)

    @cached_property
    def endpoints(self) -> Mapping[str, VpcEndpoint]:
        """Id → VPC endpoint."""
        return {one.vpc_endpoint_id: one for one in self.inventory.vpc_endpoints}

    @cached_property
    def peered(self) -> frozenset[frozenset[str]]:
        """Pairs of VPCs with an active peering within one region."""
        return frozenset(
            frozenset((one.vpc_id, one.peer_vpc_id))
            for one in self.inventory.vpc_peering_connections
            if one.status == "active" and one.peer_region in ("", one.region)
        )

    @cached_property
    def peering_vpcs(self) -> frozenset[str]:
        """VPCs of any peering."""
        return frozenset(vpc for one in self.inventory.vpc_peering_connections for vpc in (one.vpc_id, one.peer_vpc_id))

    @cached_property
    def keeping(self) -> frozenset[str]:
        """VPCs with something that hands on a client's own address."""
        rows = Rows.made_of(NetworkInterface, self.inventory.network_interfaces)
        pairs = zip(rows.column("vpc_id"), rows.column("service"), strict=True)
        return frozenset(vpc for vpc, service in pairs if service in KEEPS_ADDRESSES)

    def read(self, table: str, account_id: str, region: str) -> bool:
        """Tell whether a listing was asked and read whole."""
        asked = region in self.inventory.regions.get(account_id, ())
        return asked and not self.inventory.is_unread(table, account_id, region)

    def prefixes(self, list_id: str, region: str) -> tuple[tuple[str, Range], ...] | None:
        """Return the entries of a prefix list, each with its addresses; None where they were not read."""
        if not self._lists:
            for one in self.inventory.prefix_lists:
                entries = None if one.cidrs is None else tuple((c, cidr(c)) for c in one.cidrs)
                self._lists[one.prefix_list_id, one.region] = entries
        return self._lists.get((list_id, region))

    def has(self, interface: NetworkInterface, number: int) -> bool:
        """Tell whether an interface has a private address."""
        return any(low <= number <= high for low, high in _ranges(interface.addresses))

    def inside(self, subnet: Subnet, number: int) -> bool:
        """Tell whether a subnet holds an address."""
        return any(low <= number <= high for low, high in _ranges(subnet.cidr_blocks))


def _ranges(texts: Iterable[str]) -> Iterator[Range]:
    for text in texts:
        with suppress(ValueError):  # an answer that is no address has none
            yield cidr(text)
