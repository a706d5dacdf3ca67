"""Routes: the subnet's table, its most specific route to the other side, and what its target lets through.

Amazon VPC User Guide, "Route priority", "Example routing options" and "Internet gateways".
"""

from __future__ import annotations

from collections.abc import Sequence

from auditkit.attribution.estate import Estate
from auditkit.attribution.flow import Flow, holds
from auditkit.attribution.words import CANNOT_TELL, CONSISTENT, CONTRADICT, Said, Shown, agreed
from auditkit.model.inventory import NetworkInterface
from auditkit.model.routing import Route

_BEYOND = ("tgw-", "pcx-", "vgw-", "arn:")
"""Targets behind which other tables decide: transit gateway, peering, virtual private gateway, core network."""
_PROPAGATED = "EnableVgwRoutePropagation"


def route(estate: Estate, interface: NetworkInterface, flow: Flow) -> Said:
    """Tell whether the subnet's route table leads to the other side of a flow, and by which route."""
    table, why = _table(estate, interface)
    if not table:
        return Said(CANNOT_TELL, (why,))
    best, doubt = decide(estate, estate.tables[table], flow)
    shown = tuple(map(_shown, best))
    if doubt or flow.number is None:
        return Said(CANNOT_TELL, (doubt,), shown, table)
    if not best:
        return _lost(flow, f"{table} has no route to {flow.remote}", shown, table)
    (one,) = best
    if one.state == "blackhole":
        return _lost(flow, f"{one.destination} of {table} leads nowhere (blackhole)", shown, table)
    if one.state != "active":
        return Said(CANNOT_TELL, (f"{one.destination} of {table} is {one.state}",), shown, table)
    said = agreed(_through(estate, interface, flow, one, began) for began in flow.began)
    return Said(said.verdict, said.because, shown, table)


def _table(estate: Estate, interface: NetworkInterface) -> tuple[str, str]:
    """The table of the interface's subnet, or nothing and why."""
    subnet, region = interface.subnet_id, interface.region
    named = estate.tables_of_subnets.get(subnet, set())
    if len(named) == 1:
        return next(iter(named)), ""
    main = estate.main_tables.get(interface.vpc_id, set())
    if named or len(main) > 1:
        return "", f"several route tables name {subnet or interface.vpc_id}"
    # Without an association the main table counts, but only where no table can have been missed.
    if not subnet or not main or not all(estate.read("routes", owner, region) for _, owner in main):
        return "", f"the route table of {subnet or interface.interface_id} was not read"
    return next(iter(main))[0], ""


def decide(estate: Estate, routes: Sequence[Route], flow: Flow) -> tuple[list[Route], str]:
    """Return the route that counts, or none; where several may, all of them and the doubt.

    The longest prefix wins; of equal ones a static route of a CIDR, then a prefix list, then a propagated route.
    """
    found, unread = [], []
    for one in routes:
        if one.range is not None:
            if holds(one.destination, one.range, flow):
                found.append((_length(one.destination), 0 if one.origin == _PROPAGATED else 2, one))
            continue
        entries = estate.prefixes(one.destination, one.region)
        if entries is None:
            unread.append(one)
            continue
        lengths = [_length(cidr) for cidr, of in entries if holds(cidr, of, flow)]
        if lengths:
            found.append((max(lengths), 1, one))
    if unread and not any(length == (128 if flow.six else 32) and rank == 2 for length, rank, _ in found):
        return [*unread], f"the entries of {unread[0].destination} were not read"
    top = max(((length, rank) for length, rank, _ in found), default=None)
    best = [one for length, rank, one in found if (length, rank) == top]
    if len({(one.target, one.state) for one in best}) > 1:
        return best, f"several routes lead to {flow.remote}, and AWS chooses one"
    return best[:1], ""


def _length(cidr: str) -> int:
    return int(cidr.rpartition("/")[2]) if "/" in cidr else 128 if ":" in cidr else 32


def _through(estate: Estate, interface: NetworkInterface, flow: Flow, one: Route, began: str) -> Said:
    """What the target of a route makes of a flow that one side began."""
    target, outward = one.target, began == "local"
    if target == "local":
        return Said(CONSISTENT)
    if target.startswith(_BEYOND):
        return Said(CONSISTENT, (f"what lies behind {target} is not looked at",))
    if target in estate.edges:
        return Said(CANNOT_TELL, (f"{target} has a route table of its own, which is not looked at",))
    if target.startswith(("igw-", "eigw-")):
        blocked = _blocked(estate, interface, flow, outward=outward)
        if blocked is not None:
            return blocked
    if target.startswith("igw-") and _public(interface, flow):
        return Said(CONSISTENT)
    if target.startswith("igw-"):
        return _hidden(estate, interface, flow, f"{interface.interface_id} has no public address", outward=outward)
    gateway = target.startswith("vpce-") and _is_gateway(estate, target)
    if target.startswith(("eigw-", "nat-")) or gateway:
        if outward:
            return Said(CONSISTENT)
        return _hidden(estate, interface, flow, f"{target} lets nothing in that begins outside", outward=False)
    return Said(CANNOT_TELL, (f"what {target or 'the target'} does with it is not known",))


def _is_gateway(estate: Estate, target: str) -> bool:
    endpoint = estate.endpoints.get(target)
    return endpoint is not None and endpoint.vpc_endpoint_type == "Gateway"


def _public(interface: NetworkInterface, flow: Flow) -> bool:
    return (
        any(":" in one for one in interface.addresses)
        if flow.six
        else any("." in a for a in interface.public_addresses)
    )


def _blocked(estate: Estate, interface: NetworkInterface, flow: Flow, *, outward: bool) -> Said | None:
    """What VPC Block Public Access makes of it (VPC User Guide, "Block public access to VPCs and subnets")."""
    level = estate.subnets.get(interface.subnet_id) or estate.vpcs.get(interface.vpc_id)
    mode = level.internet_gateway_block_mode if level else None
    if mode is None:
        return Said(CANNOT_TELL, (f"whether public access to {interface.subnet_id} is blocked was not read",))
    if mode == "block-bidirectional" or (mode == "block-ingress" and not outward):
        return Said(CONTRADICT, (f"VPC Block Public Access ({mode}) keeps {flow.remote} away",))
    return None


def _hidden(estate: Estate, interface: NetworkInterface, flow: Flow, why: str, *, outward: bool) -> Said:
    """Of an interface that nobody outside can reach by itself: a load balancer may have handed on the client's address."""
    if _only_left(flow, outward=outward):
        return Said(CANNOT_TELL, (f"{why}; a packet is recorded before it is routed",))
    vpc = estate.vpcs.get(interface.vpc_id)
    seen = {(account, interface.region) for account in (*vpc.seen_from, vpc.account_id)} if vpc else set()
    if not seen or not all(estate.read("network_interfaces", *place) for place in seen):
        return Said(CANNOT_TELL, (f"{why}; what may hand on a client's address was not all read",))
    if interface.vpc_id in estate.keeping or interface.vpc_id in estate.peering_vpcs:
        return Said(CANNOT_TELL, (f"{why}; a load balancer may have handed on the client's address",))
    return Said(CONTRADICT, (why,))


def _lost(flow: Flow, why: str, shown: tuple[Shown, ...], table: str) -> Said:
    """No way to the other side: of a packet that only left, the record was made before it was routed."""
    if _only_left(flow, outward=flow.began == ("local",)):
        return Said(CANNOT_TELL, (f"{why}; a packet is recorded before it is routed",), shown, table)
    return Said(CONTRADICT, (why,), shown, table)


def _only_left(flow: Flow, *, outward: bool) -> bool:
    return outward and flow.direction == "egress"


def _shown(one: Route) -> Shown:
    return {
        "route_table_id": one.route_table_id,
        "destination": one.destination,
        "target": one.target,
        "state": one.state,
    }
