"""What DescribeNetworkInterfaces answers for the interfaces of each service: descriptions, requesters, owners.

The texts are those that AWS writes ("Requester-managed network interfaces", Amazon EC2 User Guide; recorded
answers).
"""

from __future__ import annotations

from dataclasses import dataclass

OWN = "{account}"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the interfaces of one kind look."""

    tier: str
    """Tier of the subnet they stand in: public, app or data."""
    description: str = ""
    """Description; `{…}` are filled with names and hash-derived ids."""
    requester: str = ""
    """RequesterId, or empty."""
    managed: bool = False
    """RequesterManaged."""
    owner: str = OWN
    """Attachment.InstanceOwnerId; empty when unattached."""
    type: str = "interface"
    """InterfaceType."""
    groups: str = ""
    """Security group, by name; empty for interfaces that have none."""
    per_zone: bool = False
    """One thing has an interface in every zone: they share `{name}`."""
    public: bool = False
    """Has a public address."""
    tag: str = ""
    """Value of the tag `tier`."""

    @property
    def is_instance(self) -> bool:
        """An EC2 instance of the account's own."""
        return self.owner == OWN and not self.description and self.type == "interface"


def _instance(tier: str, groups: str, tag: str, **more: bool) -> Shape:
    return Shape(tier, groups=groups, tag=tag, public=more.get("public", False))


SHAPES: dict[str, Shape] = {
    "app": _instance("app", "app", "app"),
    "web": _instance("app", "app", "web"),
    "proxy": _instance("app", "app", "app"),
    "bastion": _instance("public", "bastion", "admin", public=True),
    "node": _instance("app", "app", "app"),
    "opensearch": _instance("data", "db", "db"),
    "unattached": Shape("app", owner="", groups="app"),
    "pod": Shape("app", "aws-k8s-branch-eni", "{account}", owner="", type="branch", groups="app"),
    "alb": Shape(
        "public",
        "ELB app/{name}/{h16}",
        "amazon-elb",
        True,
        "amazon-elb",
        groups="web",
        per_zone=True,
        public=True,
        tag="web",
    ),
    "clb": Shape(
        "public", "ELB {name}", "amazon-elb", True, "amazon-elb", groups="web", per_zone=True, public=True, tag="web"
    ),
    "nlb": Shape(
        "public",
        "ELB net/{name}/{h16}",
        "amazon-elb",
        True,
        "amazon-aws",
        "network_load_balancer",
        "web",
        per_zone=True,
        public=True,
        tag="web",
    ),
    "nat": Shape(
        "public", "Interface for NAT Gateway {nat}", "{account}", True, "amazon-aws", "nat_gateway", public=True
    ),
    "tgw": Shape(
        "app",
        "Network Interface for Transit Gateway Attachment {attachment}",
        "",
        False,
        "amazon-aws",
        "transit_gateway",
    ),
    "vpce": Shape(
        "app",
        "VPC Endpoint Interface {vpce}",
        "{account}",
        True,
        "amazon-aws",
        "vpc_endpoint",
        "endpoint",
        per_zone=True,
    ),
    "gwlbe": Shape(
        "app", "VPC Endpoint Interface {vpce}", "{account}", True, "amazon-aws", "gateway_load_balancer_endpoint"
    ),
    "lambda": Shape(
        "app",
        "AWS Lambda VPC ENI-{name}-{uuid}",
        "AROAEXAMPLE{h8u}:{account}",
        False,
        "amazon-aws",
        "lambda",
        "app",
        per_zone=True,
        tag="app",
    ),
    "rds": Shape("data", "RDSNetworkInterface", "amazon-rds", True, "amazon-rds", groups="db", tag="db"),
    "cache": Shape(
        "data", "ElastiCache {name}", "amazon-elasticache", True, "amazon-elasticache", groups="cache", tag="db"
    ),
    "redshift": Shape(
        "data", "RedshiftNetworkInterface", "amazon-redshift", True, "amazon-redshift", groups="db", tag="db"
    ),
    "efs": Shape("data", "EFS mount target for {fs} ({fsmt})", "{account}", True, "amazon-aws", "efs", "db"),
    "dms": Shape("data", "DMSNetworkInterface", "amazon-dms", True, "amazon-dms", groups="app"),
    "directory": Shape(
        "app",
        "AWS created network interface for directory {d}",
        "{account}",
        True,
        "amazon-aws",
        groups="app",
        per_zone=True,
    ),
    "workspace": Shape(
        "app",
        "Created By Amazon Workspaces for AWS Account ID {account}",
        "AROAEXAMPLE{h8u}:WorkSpace-Creation",
        False,
        "amazon-aws",
        groups="app",
    ),
    "ecs": Shape(
        "app", "arn:aws:ecs:{region}:{account}:attachment/{uuid}", "{account}", True, OWN, groups="app", tag="app"
    ),
    "eks": Shape("app", "Amazon EKS {name}", "{account}", True, "089283506021", groups="app", per_zone=True),
    "resolver": Shape("app", "Route 53 Resolver: {rslvr}:{rni}", "{account}", True, "amazon-aws", groups="app"),
}
