"""What exists in the example: VPCs, interfaces, gateways, flow logs, with ids and addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditkit.example.ids import tick_of
from auditkit.example.logging_plan import FlowLogPlan, GatewayPlan
from auditkit.example.plan import VpcPlan
from auditkit.example.shapes import Shape

OFFSET = {"public": 0, "app": 64, "data": 128}
"""Third octet of the first subnet of each tier."""


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC."""

    name: str
    id: str
    plan: VpcPlan

    @property
    def cidr(self) -> str:
        """Its IPv4 block."""
        return f"10.{self.plan.net}.0.0/16"

    @property
    def ipv6(self) -> str:
        """Its IPv6 block, or empty."""
        return f"2600:1f18:{self.plan.net:x}00::/56" if self.plan.ipv6 else ""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet."""

    name: str
    id: str
    vpc: Vpc
    tier: str
    zone: int

    @property
    def cidr(self) -> str:
        """Its IPv4 block."""
        return f"10.{self.vpc.plan.net}.{OFFSET[self.tier] + 8 * self.zone}.0/21"

    @property
    def ipv6(self) -> str:
        """Its IPv6 block, or empty."""
        return f"2600:1f18:{self.vpc.plan.net:x}00:{OFFSET[self.tier] + self.zone:x}::/64" if self.vpc.plan.ipv6 else ""

    @property
    def zone_id(self) -> str:
        """AZ id."""
        return {"eu-west-1": "euw1", "us-east-1": "use1"}[self.vpc.plan.region] + f"-az{self.zone + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface."""

    name: str
    id: str
    kind: str
    shape: Shape
    account: str
    subnet: Subnet
    ip: str
    ipv6: str = ""
    public_ip: str = ""
    secondary: tuple[str, ...] = ()
    instance_id: str = ""
    description: str = ""
    requester: str = ""
    groups: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def in_use(self) -> bool:
        """It is attached."""
        return self.kind != "unattached"

    @property
    def vpc(self) -> Vpc:
        """Its VPC."""
        return self.subnet.vpc


@dataclass(frozen=True, slots=True)
class Attachment:
    """A transit gateway attachment."""

    name: str
    id: str
    gateway: Gateway
    type: str
    resource_id: str
    resource_account: str
    vpc: Vpc | None = None
    transport: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A transit gateway."""

    name: str
    id: str
    plan: GatewayPlan


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT gateway; a regional one has no interface."""

    name: str
    id: str
    vpc: Vpc
    interface: Interface | None
    public_ip: str


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log."""

    name: str
    id: str
    plan: FlowLogPlan
    resource_id: str
    account: str
    region: str

    @property
    def ticks(self) -> tuple[int, int]:
        """First step that it logs, and the first that it no longer does."""
        return max(0, tick_of(self.plan.created)), tick_of(self.plan.deleted or "2026-10-01T00:00:00Z")


@dataclass(slots=True)
class Estate:
    """Everything that exists, by name."""

    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    nats: dict[str, Nat] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    flow_logs: dict[str, FlowLog] = field(default_factory=dict)
    public: int = 0
    """Public addresses given out."""

    def next_public(self) -> str:
        """A public address of the organization, from the documentation ranges."""
        self.public += 1
        return f"192.0.2.{127 + self.public}"
