"""Every table that a control may judge, with its columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from auditkit.model import flow_logs, inventory, routing
from auditkit.model.coverage import Coverage
from auditkit.model.delivery import Delivery
from auditkit.model.records import FIELDS, UNKNOWABLE
from auditkit.model.tables import Column, columns_of

OBSERVED = ("all", "accept", "reject", "part", "none", "sampled_out")


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    """Its name in policies and in tables/."""
    row: str
    """What one row is."""
    columns: tuple[Column, ...]
    """In order."""
    group_by: tuple[str, ...]
    """What a finding is when the control does not say."""
    reads: tuple[str, ...]
    """Listings that it rests on: when one is unread in an account and region, so is this table there."""

    def column(self, name: str) -> Column | None:
        """Return a column by name."""
        return next((c for c in self.columns if c.name == name), None)


_TAGS = (
    Column("vpc_tags", "tags", "Tags of the VPC", null="VPC not read"),
    Column("subnet_tags", "tags", "Tags of the subnet", null="subnet not read"),
    Column("interface_tags", "tags", "Tags of the interface", null="interface not in the inventory"),
    Column("account_tags", "tags", "Tags of the account", null="not read"),
)

_WHOSE = (
    Column(
        "resource_type",
        "text",
        "network-interface, transit-gateway-attachment or nat-gateway",
        values=("network-interface", "transit-gateway-attachment", "nat-gateway"),
    ),
    Column("baseline", "text", "Baseline of the interface", null="undecided, or not in the inventory"),
    Column("service", "text", "What the interface belongs to", null="not in the inventory"),
    Column("subject", "text", "The lasting owner of the interface"),
    Column("subject_type", "text", "What the subject is"),
)

_NOT_OURS = (
    "remote_address or the interface's own VPC is not known, several VPCs have the address, or it was not found and not "
    "everything was read"
)
_NOT_THERE = f"{_NOT_OURS}; or the VPC is known and it is not one interface that has the address now"

_REMOTE = (
    Column(
        "remote_account_id", "aws", "Account of the VPC that the other side lies in; - if none of ours", null=_NOT_OURS
    ),
    Column("remote_vpc_id", "aws", "VPC that the other side lies in; - if none of ours", null=_NOT_OURS),
    Column(
        "remote_interface_id", "aws", "Interface that has the other side's address; - if none of ours", null=_NOT_THERE
    ),
    Column("remote_service", "aws", "What that interface belongs to; - if none of ours", null=_NOT_THERE),
    Column("remote_subject", "aws", "The lasting owner of that interface; - if none of ours", null=_NOT_THERE),
    Column("remote_subject_type", "aws", "What that subject is; - if none of ours", null=_NOT_THERE),
    Column("remote_vpc_tags", "tags", "Tags of the other side's VPC", null=_NOT_OURS),
    Column(
        "remote_subnet_tags", "tags", "Tags of the other side's subnet", null=f"{_NOT_OURS}; or its subnet is not known"
    ),
    Column("remote_interface_tags", "tags", "Tags of the other side's interface", null=_NOT_THERE),
    Column(
        "remote_account_tags", "tags", "Tags of the account of the other side's VPC", null=f"{_NOT_OURS}; or not read"
    ),
)

RAW_ONLY = ("log-status", "resource-type")
"""Fields that are no columns: every flow record has log-status OK, and resource_type says what the record is of."""

_FIELD_COLUMNS = tuple(
    Column(
        f.column,
        f.type,
        f"Field {f.name} (version {f.since})",
        "flow log record",
        "the object's format does not have the field" + (", or the record says -" if f.name in UNKNOWABLE else ""),
        values={
            "action": ("ACCEPT", "REJECT"),
            "flow_direction": ("ingress", "egress"),
            "type": ("IPv4", "IPv6", "EFA"),
        }.get(f.column, ()),
    )
    for f in FIELDS
    if f.name not in RAW_ONLY
)

FLOW_RECORDS = (
    *(
        Column(c.name, c.type, c.doc, "flow log record, else inventory", "not told by either", c.values)
        if c.name in ("vpc_id", "subnet_id", "instance_id", "region", "account_id")
        else c
        for c in _FIELD_COLUMNS
    ),
    Column(
        "direction",
        "aws",
        "ingress or egress at the interface; - for transit gateways",
        null="neither flow-direction nor the interface's addresses tell",
        values=("ingress", "egress"),
    ),
    Column("local_address", "address", "The interface's side", null="direction not known"),
    Column("local_port", "port", "Its port", null="direction not known"),
    Column(
        "remote_address",
        "address",
        "The other side: pkt-* where the record has it, else src or dst",
        null="direction not known, or it belongs to an intermediary (NAT, transit gateway, NLB, GWLB) and nothing tells more",
    ),
    Column("remote_port", "port", "Its port", null="direction not known"),
    Column(
        "remote_aws_service",
        "aws",
        "AWS service that the other side's address belongs to: pkt-src-aws-service or pkt-dst-aws-service",
        null="direction not known, or the object's format does not have the field",
    ),
    *_REMOTE,
    Column(
        "initiator",
        "aws",
        "local or remote: who opened the flow; - for transit gateways",
        null="flags do not tell, here or in an earlier interval",
        values=("local", "remote"),
    ),
    Column(
        "initiator_basis",
        "aws",
        "flags, earlier_flags, ports (accuses only), or none",
        values=("flags", "earlier_flags", "ports", "none"),
    ),
    *_WHOSE,
    *_TAGS,
    Column("other_fields", "tags", "Fields that this version does not know, by name", "flow log record"),
    Column("flow_log_id", "text", "Flow log that carried it", "object key"),
    Column("day", "time", "UTC day of start"),
    Column("object", "text", "URI of the log object"),
    Column("line", "integer", "Line in the object, 1-based, the header is 1"),
)

INTERFACE_DAYS = (
    Column("interface_id", "text", "Interface, attachment or regional NAT gateway"),
    Column("day", "time", "UTC day"),
    Column("account_id", "text", "Owner"),
    Column("region", "text", "Region"),
    Column("vpc_id", "text", "VPC", null="not told"),
    Column("subnet_id", "text", "Subnet", null="not told"),
    Column("observed", "text", "all, accept, reject, part, none or sampled_out", values=OBSERVED),
    Column("flow_log_id", "text", "The one flow log read for it (for ACCEPT, where two share it); empty when none"),
    Column("reject_flow_log_id", "text", "The one flow log read for REJECT; empty when none"),
    Column("minutes_ok", "integer", "Minutes that records with traffic span"),
    Column("minutes_nodata", "integer", "Minutes that NODATA records span"),
    Column("minutes_skipdata", "integer", "Minutes that SKIPDATA records span"),
    Column(
        "skipdata_rate",
        "integer",
        "Minutes that SKIPDATA records span, of a thousand that any record spans, begun ones whole",
        null="no record tells of it",
    ),
    Column(
        "neighbours",
        "text",
        "spoke or silent: whether a flow log of it told of another interface, half an hour or more after it was attached; - without a flow log",
        null="nothing was read of any flow log that applies to it, or not all that may were listed",
        values=("spoke", "silent", "-"),
    ),
    Column("reason", "text", "Why it was not observed whole"),
    *_WHOSE,
    *_TAGS,
)

_NETWORK = ("vpcs", "subnets", "network_interfaces")


def _inventory(name: str, row: str, cls: type, key: str, reads: tuple[str, ...] = ()) -> Table:
    return Table(name, row, columns_of(cls), ("account_id", "region", key), reads or (name,))


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "coverage",
            "VPC, subnet, interface, transit gateway, attachment, regional NAT gateway",
            columns_of(Coverage),
            ("account_id", "region", "resource_type", "resource_id"),
            (*_NETWORK, "transit_gateways", "transit_gateway_attachments", "nat_gateways"),
        ),
        Table(
            "destinations",
            "distinct destination in use",
            columns_of(flow_logs.Destination),
            ("account_id", "region", "log_destination"),
            ("flow_logs",),
        ),
        Table(
            "delivery",
            "flow log (from the API, and from keys) × UTC day",
            columns_of(Delivery),
            ("account_id", "region", "flow_log_id"),
            ("flow_logs",),
        ),
        Table(
            "flow_records",
            "flow, once (log-status OK only)",
            FLOW_RECORDS,
            ("account_id", "region", "subject", "local_port", "protocol"),
            ("network_interfaces", "transit_gateway_attachments", "nat_gateways"),
        ),
        Table(
            "interface_days",
            "interface × UTC day in use",
            INTERFACE_DAYS,
            ("account_id", "region", "interface_id"),
            ("network_interfaces", "transit_gateway_attachments", "nat_gateways"),
        ),
        _inventory("flow_logs", "flow log", flow_logs.FlowLog, "flow_log_id"),
        _inventory("vpcs", "VPC", inventory.Vpc, "vpc_id"),
        _inventory("subnets", "subnet", inventory.Subnet, "subnet_id"),
        _inventory("network_interfaces", "network interface", inventory.NetworkInterface, "interface_id"),
        _inventory("transit_gateways", "transit gateway", inventory.TransitGateway, "transit_gateway_id"),
        _inventory(
            "transit_gateway_attachments",
            "transit gateway attachment",
            inventory.TransitGatewayAttachment,
            "transit_gateway_attachment_id",
        ),
        _inventory("nat_gateways", "NAT gateway", inventory.NatGateway, "nat_gateway_id"),
        _inventory(
            "security_group_rules",
            "security group rule, one peer",
            routing.SecurityGroupRule,
            "group_id",
            ("security_groups",),
        ),
        _inventory("network_acl_entries", "network ACL entry", routing.NetworkAclEntry, "network_acl_id"),
        _inventory("routes", "route", routing.Route, "route_table_id"),
        _inventory("prefix_lists", "prefix list", routing.PrefixList, "prefix_list_id"),
        _inventory("vpc_endpoints", "VPC endpoint", routing.VpcEndpoint, "vpc_endpoint_id"),
        _inventory("vpc_peering_connections", "VPC peering", routing.VpcPeeringConnection, "vpc_peering_connection_id"),
    )
}
"""The tables that a control may name."""

INVENTORY = (
    "destinations",
    "flow_logs",
    "vpcs",
    "subnets",
    "network_interfaces",
    "transit_gateways",
    "transit_gateway_attachments",
    "nat_gateways",
    "security_group_rules",
    "network_acl_entries",
    "routes",
    "prefix_lists",
    "vpc_endpoints",
    "vpc_peering_connections",
)
"""The tables that are a field of `Inventory` of the same name."""

MATCH_COLUMNS: dict[str, Column] = {
    c.name: c
    for c in chain(
        (
            c
            for c in TABLES["coverage"].columns
            if c.name
            in ("resource_type", "resource_id", "account_id", "region", "vpc_id", "subnet_id", "service", "subject")
        ),
        _TAGS,
    )
}
"""What the match of a baseline may use."""
