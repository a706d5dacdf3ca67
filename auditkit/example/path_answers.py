"""EC2's answers about where packets may go: route tables, prefix lists, endpoints, peerings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from auditkit.example.accounts import EU, US
from auditkit.example.group_answers import group_id
from auditkit.example.ids import digest, resource_id
from auditkit.example.network_answers import tags
from auditkit.example.things import Estate, Interface, Subnet, Vpc

Answer = dict[str, Any]
CREATED = "2024-11-05T10:00:00Z"

GATEWAY_ENDPOINTS = ("archive-siem-eu", "lake-archive-eu", "lake-ml-us")
"""VPCs without a way to the internet that reach S3 by a gateway endpoint."""
AWS_LISTS = {
    EU: {"s3": ("3.5.64.0/21", "52.92.0.0/17", "52.218.0.0/17"), "dynamodb": ("52.119.240.0/21",)},
    US: {"s3": ("3.5.0.0/19", "52.216.0.0/15", "54.231.0.0/16"), "dynamodb": ("3.218.180.0/22",)},
}
"""Region → service → entries of AWS's own prefix list."""
SERVICES = ("ssm", "logs", "kms", "sts", "ecr.api", "monitoring", "secretsmanager", "ec2messages", "sqs")
"""Services of a VPC's interface endpoints, in turn."""


class PeeringPlan(NamedTuple):
    """One peering."""

    requester: str
    """VPC that asked for it."""
    accepter: str
    """VPC that accepted it."""


PEERINGS = {"build-to-dev": PeeringPlan("core-build-eu", "lake-dev-eu")}
"""Peerings: build hosts deploy to development."""


def prefix_list_id(region: str, service: str) -> str:
    """Id of AWS's own prefix list."""
    return f"pl-{digest('pl', region, service, length=8)}"


def _of(estate: Estate, account: str, region: str) -> Iterator[Vpc]:
    return (vpc for vpc in estate.vpcs.values() if (vpc.plan.account, vpc.plan.region) == (account, region))


def _subnets(estate: Estate, vpc: Vpc) -> list[Subnet]:
    return [subnet for subnet in estate.subnets.values() if subnet.vpc is vpc]


def _interfaces(estate: Estate, vpc: Vpc) -> list[Interface]:
    return [interface for interface in estate.interfaces.values() if interface.vpc is vpc]


def vpc_endpoints(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeVpcEndpoints: one for each endpoint that has interfaces, and the gateway endpoints."""
    return "VpcEndpoints", (
        endpoint for vpc in _of(estate, account, region) for endpoint in (*_served(estate, vpc), *_gateway(vpc))
    )


def _served(estate: Estate, vpc: Vpc) -> Iterator[Answer]:
    found: dict[str, list[Interface]] = {}
    for interface in _interfaces(estate, vpc):
        if interface.kind in ("vpce", "gwlbe"):
            found.setdefault(interface.description.rpartition(" ")[2], []).append(interface)
    for at, (endpoint, interfaces) in enumerate(found.items()):
        gwlb = interfaces[0].kind == "gwlbe"
        service = f"vpce.{vpc.plan.region}.{resource_id('vpce-svc', 'inspection')}" if gwlb else ""
        groups = [] if gwlb else [{"GroupId": group_id(vpc.name, "endpoint"), "GroupName": "endpoint"}]
        yield _endpoint(vpc, endpoint, service or f"{vpc.plan.region}.{SERVICES[at % len(SERVICES)]}") | {
            "VpcEndpointType": "GatewayLoadBalancer" if gwlb else "Interface",
            "NetworkInterfaceIds": [one.id for one in interfaces],
            "SubnetIds": [one.subnet.id for one in interfaces],
            "Groups": groups,
            "PrivateDnsEnabled": not gwlb,
        }


def _gateway(vpc: Vpc) -> Iterator[Answer]:
    if vpc.name in GATEWAY_ENDPOINTS:
        yield _endpoint(vpc, _gateway_id(vpc), f"{vpc.plan.region}.s3") | {
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [_table_id(vpc, "main")],
        }


def _gateway_id(vpc: Vpc) -> str:
    return resource_id("vpce", f"{vpc.name}-s3")


def _endpoint(vpc: Vpc, endpoint: str, service: str) -> Answer:
    return {
        "VpcEndpointId": endpoint,
        "VpcId": vpc.id,
        "ServiceName": f"com.amazonaws.{service}",
        "State": "available",
        "OwnerId": vpc.plan.account,
        "RequesterManaged": False,
        "NetworkInterfaceIds": [],
        "RouteTableIds": [],
        "SubnetIds": [],
        "Groups": [],
        "CreationTimestamp": CREATED,
        "Tags": tags({"Name": f"{vpc.name} {service.rpartition('.')[2]}"}),
    }


def vpc_peering_connections(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeVpcPeeringConnections: both sides see a peering."""
    sides = {name: (estate.vpcs[plan.requester], estate.vpcs[plan.accepter]) for name, plan in PEERINGS.items()}
    return "VpcPeeringConnections", (
        {
            "VpcPeeringConnectionId": resource_id("pcx", name),
            "RequesterVpcInfo": _side(pair[0]),
            "AccepterVpcInfo": _side(pair[1]),
            "Status": {"Code": "active", "Message": "Active"},
            "Tags": tags({"Name": name}) if account == pair[0].plan.account else [],
        }
        for name, pair in sides.items()
        if any((vpc.plan.account, vpc.plan.region) == (account, region) for vpc in pair)
    )


def _side(vpc: Vpc) -> Answer:
    return {
        "OwnerId": vpc.plan.account,
        "VpcId": vpc.id,
        "Region": vpc.plan.region,
        "CidrBlock": vpc.cidr,
        "CidrBlockSet": [{"CidrBlock": vpc.cidr}],
    }


def route_tables(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeRouteTables: each VPC's main table, and one for the subnets that face the internet."""
    return "RouteTables", (table for vpc in _of(estate, account, region) for table in _tables(estate, vpc))


def _tables(estate: Estate, vpc: Vpc) -> Iterator[Answer]:
    outward = {one.subnet.id for one in _interfaces(estate, vpc) if one.public_ip}
    public = [s for s in _subnets(estate, vpc) if s.tier == "public" or s.id in outward]
    internet = [_route("0.0.0.0/0", GatewayId=resource_id("igw", vpc.name))]
    if vpc.ipv6:
        internet.append(_route("::/0", GatewayId=resource_id("igw", vpc.name)))
    # The main table of a default VPC leads to the internet: AWS makes it so.
    yield _table(vpc, "main", [*_ways(estate, vpc), *(internet if vpc.plan.default else _private(estate, vpc))], [])
    if public and not vpc.plan.default:
        yield _table(vpc, "public", [*_ways(estate, vpc), *internet], public)


def _table_id(vpc: Vpc, name: str) -> str:
    return resource_id("rtb", f"{vpc.name}/{name}")


def _table(vpc: Vpc, name: str, routes: list[Answer], subnets: list[Subnet]) -> Answer:
    table = _table_id(vpc, name)
    used: list[Answer] = [{"Main": False, "SubnetId": subnet.id} for subnet in subnets] or [{"Main": True}]
    return {
        "RouteTableId": table,
        "VpcId": vpc.id,
        "OwnerId": vpc.plan.account,
        "Associations": [
            {
                **one,
                "RouteTableId": table,
                "RouteTableAssociationId": resource_id("rtbassoc", f"{table}/{one.get('SubnetId', 'main')}"),
                "AssociationState": {"State": "associated"},
            }
            for one in used
        ],
        "PropagatingVgws": [],
        "Routes": routes,
        "Tags": tags({"Name": f"{vpc.name}-{name}"}),
    }


def _ways(estate: Estate, vpc: Vpc) -> Iterator[Answer]:
    """The routes of every table of a VPC: itself, the transit gateway, peerings."""
    for cidr in filter(None, (vpc.cidr, vpc.ipv6)):
        yield _route(cidr, GatewayId="local") | {"Origin": "CreateRouteTable"}
    for attachment in estate.attachments.values():
        if attachment.vpc is vpc:
            yield _route("10.0.0.0/8", TransitGatewayId=attachment.gateway.id)
    for name, plan in PEERINGS.items():
        if vpc.name in plan:
            (other,) = {*plan} - {vpc.name}
            yield _route(estate.vpcs[other].cidr, VpcPeeringConnectionId=resource_id("pcx", name))


def _private(estate: Estate, vpc: Vpc) -> Iterator[Answer]:
    """The ways out of subnets that nobody outside can reach."""
    nats = [nat for nat in estate.nats.values() if nat.vpc is vpc]
    if nats:
        zonal = [nat for nat in nats if nat.interface]
        yield _route("0.0.0.0/0", NatGatewayId=(zonal or nats)[0].id)
    if vpc.ipv6:
        yield _route("::/0", EgressOnlyInternetGatewayId=resource_id("eigw", vpc.name))
    if vpc.name in GATEWAY_ENDPOINTS:
        yield {
            "DestinationPrefixListId": prefix_list_id(vpc.plan.region, "s3"),
            "GatewayId": _gateway_id(vpc),
            "Origin": "CreateRoute",
            "State": "active",
        }


def _route(cidr: str, **target: str) -> Answer:
    key = "DestinationIpv6CidrBlock" if ":" in cidr else "DestinationCidrBlock"
    return {key: cidr, **target, "Origin": "CreateRoute", "State": "active"}


def managed_prefix_lists(_estate: Estate, _account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeManagedPrefixLists: AWS's own, the same for everyone."""
    return "PrefixLists", (
        {
            "PrefixListId": prefix_list_id(region, service),
            "PrefixListName": f"com.amazonaws.{region}.{service}",
            "PrefixListArn": f"arn:aws:ec2:{region}:aws:prefix-list/{prefix_list_id(region, service)}",
            "AddressFamily": "IPv4",
            "State": "create-complete",
            "OwnerId": "AWS",
            "Tags": [],
        }
        for service in AWS_LISTS[region]
    )


def prefix_list_entries(estate: Estate, account: str, region: str) -> dict[str, list[Answer]]:
    """GetManagedPrefixListEntries: prefix list → its entries, of those that a route of the account and region names."""
    if not any(vpc.name in GATEWAY_ENDPOINTS for vpc in _of(estate, account, region)):
        return {}
    return {prefix_list_id(region, "s3"): [{"Cidr": cidr} for cidr in AWS_LISTS[region]["s3"]]}
