"""VPC endpoints and peerings: the doors of a VPC that are no gateways.

Each function returns None for what carries no traffic any more, or never did, though AWS still lists it.
"""

from __future__ import annotations

from auditkit.inventory.answers import Row, part, required, text, words
from auditkit.model.inventory import Call
from auditkit.model.routing import VpcEndpoint, VpcPeeringConnection

_GONE = ("deleted", "deleting", "rejected", "failed", "expired")


def endpoint(row: Row, call: Call) -> VpcEndpoint | None:
    """Read one VPC endpoint; before there were others, all were gateways, and the answer names no type."""
    state = text(row, "State").lower()  # AWS writes `available`, its model `Available`
    if state in _GONE:
        return None
    return VpcEndpoint(
        vpc_endpoint_id=required(row, "VpcEndpointId"),
        account_id=text(row, "OwnerId") or call.account_id,
        region=call.region,
        vpc_id=text(row, "VpcId"),
        vpc_endpoint_type=text(row, "VpcEndpointType") or "Gateway",
        service_name=text(row, "ServiceName"),
        state=state,
        interface_ids=tuple(sorted(words(row, "NetworkInterfaceIds"))),
        route_table_ids=tuple(sorted(words(row, "RouteTableIds"))),
    )


def peering(row: Row, call: Call) -> VpcPeeringConnection | None:
    """Read one peering as its requester's; whether both sides are of the organization is not known here and left None."""
    status = text(part(row, "Status"), "Code")
    if status in _GONE:
        return None
    requester, accepter = part(row, "RequesterVpcInfo"), part(row, "AccepterVpcInfo")
    region = text(requester, "Region") or call.region
    return VpcPeeringConnection(
        vpc_peering_connection_id=required(row, "VpcPeeringConnectionId"),
        account_id=required(requester, "OwnerId"),
        region=region,
        vpc_id=text(requester, "VpcId"),
        peer_vpc_id=text(accepter, "VpcId"),
        peer_account_id=required(accepter, "OwnerId"),
        # Of before peerings could cross regions, an answer names none.
        peer_region=text(accepter, "Region") or region,
        status=status,
        seen_from=(call.account_id,),
    )


def in_organization(row: VpcPeeringConnection, listed: set[str], *, whole: bool) -> bool | None:
    """Tell whether both sides of a peering are accounts of the organization.

    Args:
        row: the peering.
        listed: accounts that the organization listed.
        whole: whether these are all.
    """
    sides = {row.account_id, row.peer_account_id}
    if len(sides) == 1 or sides <= listed:
        return True
    return False if whole else None
