"""What decides where a packet may go: security group rules, network ACL entries, routes, prefix lists, endpoints, peerings."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.model.addresses import Range
from auditkit.model.tables import col


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroupRule:
    """One permission of a security group, one source or destination."""

    group_id: str = col("text", "Security group", "ec2:DescribeSecurityGroups")
    group_name: str = col("text", "Its name", "ec2:DescribeSecurityGroups")
    vpc_id: str = col("text", "Its VPC", "ec2:DescribeSecurityGroups", default="")
    account_id: str = col("text", "Owner", "ec2:DescribeSecurityGroups OwnerId")
    region: str = col("text", "Region")
    ingress: bool = col("boolean", "True for ingress", "ec2:DescribeSecurityGroups")
    protocol: int = col("integer", "IANA number; -1 for all", "ec2:DescribeSecurityGroups IpProtocol")
    from_port: int = col("integer", "First port; 0 for all", "ec2:DescribeSecurityGroups FromPort")
    to_port: int = col("integer", "Last port; 65535 for all", "ec2:DescribeSecurityGroups ToPort")
    peer: str = col("text", "CIDR, prefix list id or security group id", "ec2:DescribeSecurityGroups")
    range: Range | None
    """The peer's addresses; None where it is not a CIDR."""
    description: str = col("text", "Description of the entry", "ec2:DescribeSecurityGroups", default="")
    icmp_type: int | None = col(
        "integer",
        "ICMP and ICMPv6: the type, -1 for all; -1 for other protocols",
        "ec2:DescribeSecurityGroups FromPort",
        "ICMP without a type",
        default=-1,
    )
    open_to_internet: bool | None = col(
        "boolean",
        "Whether its peer holds addresses of the internet: not private, of no known VPC, not of the network corporate",
        null="the entries of its prefix list, or of one of corporate, were not read",
        default=None,
    )
    used: str = col(
        "open",
        "Ingress open to the internet: used, unused or unknown in the period, by the interfaces that have the group now; empty for others",
        null="what was read of the interfaces' flows does not tell (the column then says unknown)",
        values=("used", "unused"),
        default="",
    )
    used_reason: str = col("text", "Why", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAclEntry:
    """One entry of a network ACL."""

    network_acl_id: str = col("text", "Network ACL", "ec2:DescribeNetworkAcls")
    vpc_id: str = col("text", "Its VPC", "ec2:DescribeNetworkAcls")
    account_id: str = col("text", "Owner", "ec2:DescribeNetworkAcls OwnerId")
    region: str = col("text", "Region")
    subnet_ids: tuple[str, ...] = col("list", "Subnets that it is associated with", "ec2:DescribeNetworkAcls")
    is_default: bool = col("boolean", "Whether it is the VPC's default", "ec2:DescribeNetworkAcls", default=False)
    egress: bool = col("boolean", "True for egress", "ec2:DescribeNetworkAcls")
    rule_number: int = col(
        "integer", "Order; the first that matches decides; 32767 is the last", "ec2:DescribeNetworkAcls"
    )
    rule_action: str = col("text", "allow or deny", "ec2:DescribeNetworkAcls", values=("allow", "deny"))
    protocol: int = col("integer", "IANA number; -1 for all", "ec2:DescribeNetworkAcls")
    from_port: int = col("integer", "First port; 0 for all", "ec2:DescribeNetworkAcls PortRange", default=0)
    to_port: int = col("integer", "Last port; 65535 for all", "ec2:DescribeNetworkAcls PortRange", default=65535)
    cidr_block: str = col("text", "The peers, of either family", "ec2:DescribeNetworkAcls CidrBlock, Ipv6CidrBlock")
    range: Range | None
    """Its addresses; None where it is not a CIDR."""
    icmp_type: int | None = col(
        "integer",
        "ICMP and ICMPv6: the type, -1 for all; -1 for other protocols",
        "ec2:DescribeNetworkAcls IcmpTypeCode",
        "ICMP without a type",
        default=-1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of a route table."""

    route_table_id: str = col("text", "Route table", "ec2:DescribeRouteTables")
    vpc_id: str = col("text", "Its VPC", "ec2:DescribeRouteTables")
    account_id: str = col("text", "Owner", "ec2:DescribeRouteTables OwnerId")
    region: str = col("text", "Region")
    subnet_ids: tuple[str, ...] = col("list", "Subnets associated with it explicitly", "ec2:DescribeRouteTables")
    is_main: bool = col(
        "boolean", "Whether subnets without an association use it", "ec2:DescribeRouteTables", default=False
    )
    destination: str = col("text", "CIDR of either family, or prefix list id", "ec2:DescribeRouteTables Destination*")
    range: Range | None
    """Its addresses; None for a prefix list."""
    target: str = col(
        "text", "Where it leads: igw-…, nat-…, tgw-…, pcx-…, vpce-…, eni-…, local, or empty", "ec2:DescribeRouteTables"
    )
    state: str = col("text", "active or blackhole", "ec2:DescribeRouteTables", default="active")
    origin: str = col(
        "text", "CreateRouteTable, CreateRoute or EnableVgwRoutePropagation", "ec2:DescribeRouteTables", default=""
    )
    gateway_ids: tuple[str, ...] = col(
        "list",
        "Gateways that route by this table what they let in (edge associations)",
        "ec2:DescribeRouteTables",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixList:
    """One prefix list."""

    prefix_list_id: str = col("text", "Prefix list id", "ec2:DescribeManagedPrefixLists")
    prefix_list_name: str = col(
        "text", "Name: com.amazonaws.REGION.s3, or the customer's", "ec2:DescribeManagedPrefixLists"
    )
    account_id: str = col("text", "Owner; AWS for AWS's own", "ec2:DescribeManagedPrefixLists OwnerId")
    region: str = col("text", "Region")
    cidrs: tuple[str, ...] | None = col(
        "list",
        "Its entries",
        "ec2:GetManagedPrefixListEntries",
        "not read: nothing refers to it, or refused",
        default=None,
    )
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcEndpoint:
    """One VPC endpoint."""

    vpc_endpoint_id: str = col("text", "Endpoint id", "ec2:DescribeVpcEndpoints")
    account_id: str = col("text", "Owner", "ec2:DescribeVpcEndpoints OwnerId")
    region: str = col("text", "Region")
    vpc_id: str = col("text", "VPC", "ec2:DescribeVpcEndpoints")
    vpc_endpoint_type: str = col("text", "Interface, Gateway, GatewayLoadBalancer, …", "ec2:DescribeVpcEndpoints")
    service_name: str = col("text", "com.amazonaws.REGION.SERVICE, or the provider's", "ec2:DescribeVpcEndpoints")
    state: str = col("text", "available, pending, …", "ec2:DescribeVpcEndpoints", default="")
    interface_ids: tuple[str, ...] = col("list", "Its interfaces", "ec2:DescribeVpcEndpoints", default=())
    route_table_ids: tuple[str, ...] = col(
        "list", "Route tables that lead to it", "ec2:DescribeVpcEndpoints", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcPeeringConnection:
    """One VPC peering."""

    vpc_peering_connection_id: str = col("text", "Peering id", "ec2:DescribeVpcPeeringConnections")
    account_id: str = col("text", "Requester's account", "ec2:DescribeVpcPeeringConnections")
    region: str = col("text", "Requester's region")
    vpc_id: str = col("text", "Requester's VPC", "ec2:DescribeVpcPeeringConnections")
    peer_vpc_id: str = col("text", "Accepter's VPC", "ec2:DescribeVpcPeeringConnections")
    peer_account_id: str = col("text", "Accepter's account", "ec2:DescribeVpcPeeringConnections")
    peer_region: str = col("text", "Accepter's region", "ec2:DescribeVpcPeeringConnections", default="")
    peer_in_organization: bool | None = col(
        "boolean", "Whether both accounts are of the organization", null="the accounts were not listed", default=None
    )
    status: str = col("text", "active, pending-acceptance, …", "ec2:DescribeVpcPeeringConnections", default="")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it", default=())
