"""Flow logs, transit gateways, regional NAT gateways and buckets of the example organization, as tables."""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.example.accounts import CORE, EU, LAKE, PAYMENTS, US
from auditkit.model.records import VPC_DEFAULT

DEFAULT = " ".join(VPC_DEFAULT)
CDE = (
    "version account-id interface-id vpc-id subnet-id instance-id flow-direction srcaddr dstaddr pkt-srcaddr "
    "pkt-dstaddr srcport dstport protocol tcp-flags type packets bytes start end action log-status region az-id "
    "pkt-src-aws-service pkt-dst-aws-service traffic-path"
)
PLATFORM = (
    "version region az-id account-id vpc-id subnet-id instance-id interface-id type protocol pkt-srcaddr srcaddr "
    "srcport pkt-dstaddr dstaddr dstport tcp-flags flow-direction traffic-path packets bytes start end action "
    "log-status"
)
NAT = PLATFORM + " resource-id"
TGW = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
    "tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id "
    "tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
    "log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded "
    "packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service"
)
TGW_SHORT = (
    "version resource-type account-id tgw-id tgw-attachment-id srcaddr dstaddr srcport dstport protocol packets "
    "bytes start end log-status flow-direction"
)

CENTRAL, SCRATCH, GONE, FOREIGN = "org-flow-logs", "lake-scratch-logs", "core-old-flow-logs", "partner-drop-logs"
"""The approved bucket; one nobody approved; one that was deleted; one that answers 403."""
OPS = "/vpc/flow"
"""The approved log group."""


@dataclass(frozen=True, kw_only=True)
class GatewayPlan:
    """One transit gateway and what is attached."""

    account: str
    """Owner."""
    region: str
    """Region."""
    vpcs: tuple[str, ...]
    """VPCs attached."""
    peer: str = ""
    """Transit gateway that it is peered with."""
    connect: str = ""
    """VPC whose attachment carries a Connect attachment."""


GATEWAYS: dict[str, GatewayPlan] = {
    "tgw-core-eu": GatewayPlan(
        account=CORE,
        region=EU,
        peer="tgw-core-us",
        connect="core-net-eu",
        vpcs=("core-shared-eu", "core-net-eu", "core-app-eu", "pay-cde-eu", "lake-warehouse-eu", "lake-dev-eu"),
    ),
    "tgw-core-us": GatewayPlan(account=CORE, region=US, peer="tgw-core-eu", vpcs=("core-net-us", "core-app-us")),
    "tgw-pay-eu": GatewayPlan(account=PAYMENTS, region=EU, vpcs=("pay-legacy-eu", "pay-edge-eu")),
    "tgw-pay-us": GatewayPlan(account=PAYMENTS, region=US, vpcs=("pay-tools-us", "pay-vendor-us")),
    "tgw-lake-eu": GatewayPlan(account=LAKE, region=EU, vpcs=("lake-ingest-eu", "lake-split-eu")),
    "tgw-lake-us": GatewayPlan(account=LAKE, region=US, connect="lake-ml-us", vpcs=("lake-ml-us", "lake-subnets-us")),
}

REGIONAL_NATS = {
    "nat-net": "core-net-eu",
    "nat-app": "core-app-eu",
    "nat-legacy": "pay-legacy-eu",
    "nat-half": "lake-subnets-us",
    "nat-scratch": "core-probe-eu",
    "nat-stream": "lake-stream-us",
    "nat-dev": "lake-dev-us",
}
"""Regional NAT gateway → VPC: none of them has an interface."""


@dataclass(frozen=True, kw_only=True)
class FlowLogPlan:
    """One flow log."""

    on: str
    """Name of the VPC, subnet, interface, transit gateway, attachment or regional NAT gateway."""
    to: str = CENTRAL
    """Bucket, bucket/prefix, or a log group (starts with /)."""
    fields: str = DEFAULT
    """Names in order."""
    traffic: str = "ALL"
    """ALL, ACCEPT or REJECT."""
    interval: int = 600
    """Seconds."""
    status: str = "SUCCESS"
    """DeliverLogsStatus; empty leaves the key out."""
    error: str = ""
    """DeliverLogsErrorMessage."""
    created: str = "2025-03-11T09:20:14Z"
    """Creation time."""
    deleted: str = ""
    """Deleted since: its objects remain, DescribeFlowLogs is silent."""
    account: str = ""
    """Who created it, where not the resource's owner."""

    @property
    def log_group(self) -> str:
        """Log group, or empty."""
        return self.to if self.to.startswith("/") else ""

    @property
    def bucket(self) -> str:
        """Bucket, or empty."""
        return "" if self.log_group else self.to.partition("/")[0]

    @property
    def writes(self) -> bool:
        """Whether log objects of it exist."""
        return self.status == "SUCCESS" and self.bucket in (CENTRAL, SCRATCH)


FLOW_LOGS: dict[str, FlowLogPlan] = {
    "mgmt-identity-us": FlowLogPlan(on="mgmt-identity-us", fields=PLATFORM),
    "archive-siem-eu": FlowLogPlan(on="archive-siem-eu", fields=PLATFORM),
    "archive-siem-eu-again": FlowLogPlan(on="archive-siem-eu-app-a", fields=PLATFORM, created="2025-11-02T16:01:55Z"),
    "pay-cde-eu": FlowLogPlan(on="pay-cde-eu", fields=CDE, interval=60),
    "pay-cde-us": FlowLogPlan(on="pay-cde-us", fields=CDE, interval=60),
    "pay-edge-eu": FlowLogPlan(on="pay-edge-eu", fields=CDE, interval=60),
    "pay-legacy-eu": FlowLogPlan(on="pay-legacy-eu", created="2021-06-30T11:47:02Z"),
    "pay-tools-us": FlowLogPlan(on="pay-tools-us", to=OPS),
    "pay-vendor-us": FlowLogPlan(on="pay-vendor-us", fields=CDE, interval=60, traffic="ACCEPT"),
    "pay-guest-full": FlowLogPlan(on="core-shared-us-guest-app-1", to=OPS, account=PAYMENTS),
    "pay-guest-accept": FlowLogPlan(on="core-shared-us-guest-app-2", to=OPS, traffic="ACCEPT", account=PAYMENTS),
    "core-shared-eu": FlowLogPlan(on="core-shared-eu", fields=PLATFORM),
    "core-net-eu": FlowLogPlan(on="core-net-eu", fields=PLATFORM),
    "core-app-eu": FlowLogPlan(on="core-app-eu"),
    "core-build-eu-old": FlowLogPlan(
        on="core-build-eu", created="2024-02-05T08:00:31Z", deleted="2026-09-28T12:00:00Z"
    ),
    "core-build-eu": FlowLogPlan(on="core-build-eu", fields=PLATFORM, created="2026-09-28T12:10:00Z"),
    "core-migration-eu": FlowLogPlan(on="core-migration-eu", fields=PLATFORM),
    "core-probe-eu": FlowLogPlan(on="probe-logged", to=OPS),
    "core-app-us": FlowLogPlan(on="core-app-us", to=OPS),
    "lake-ingest-eu": FlowLogPlan(on="lake-ingest-eu"),
    "lake-warehouse-eu": FlowLogPlan(on="lake-warehouse-eu", fields=PLATFORM),
    "lake-dev-eu": FlowLogPlan(on="lake-dev-eu", fields=PLATFORM),
    "lake-split-eu-accept": FlowLogPlan(on="lake-split-eu", traffic="ACCEPT"),
    "lake-split-eu-reject": FlowLogPlan(on="lake-split-eu", traffic="REJECT"),
    "lake-archive-eu": FlowLogPlan(on="lake-archive-eu", status="", error="Access error"),
    "lake-ml-us": FlowLogPlan(on="lake-ml-us", to=f"{SCRATCH}/ml"),
    "lake-stream-us": FlowLogPlan(on="lake-stream-us", to=OPS, status="FAILED", error="Access error"),
    "lake-old-us": FlowLogPlan(on="lake-old-us", to=GONE, created="2022-01-19T10:12:44Z"),
    "lake-partner-us": FlowLogPlan(on="lake-partner-us", to=FOREIGN, status=""),
    "lake-subnets-us-1": FlowLogPlan(on="lake-subnets-us-app-a", to=OPS),
    "lake-subnets-us-2": FlowLogPlan(on="lake-subnets-us-app-b", to=OPS),
    "lake-subnets-us-3": FlowLogPlan(on="lake-subnets-us-data-a", to=OPS),
    "lake-subnets-us-4": FlowLogPlan(on="lake-subnets-us-data-b", to=OPS),
    "lake-dev-us-spare": FlowLogPlan(on="lake-dev-us-public-b", to=f"{SCRATCH}/ml"),
    "staging-app-eu": FlowLogPlan(on="staging-app-eu"),
    "tgw-core-eu": FlowLogPlan(on="tgw-core-eu", fields=TGW, interval=60),
    "tgw-core-us": FlowLogPlan(on="tgw-core-us", to=OPS, fields=TGW, interval=60),
    "tgw-pay-eu": FlowLogPlan(on="tgw-pay-eu", fields=TGW_SHORT, interval=60),
    "tgw-pay-us": FlowLogPlan(on="tgw-pay-us", to=OPS, fields=TGW, interval=60, status="FAILED", error="Rate limited"),
    "tgw-lake-eu-split": FlowLogPlan(on="tgw-lake-eu/lake-split-eu", to=OPS, fields=TGW, interval=60),
    "tgw-lake-us": FlowLogPlan(on="tgw-lake-us", to="/scratch/tgw", fields=TGW, interval=60),
    "nat-net": FlowLogPlan(on="nat-net", fields=NAT),
    "nat-legacy": FlowLogPlan(on="nat-legacy", fields=NAT, created="2026-09-30T17:51:00Z"),
    "nat-half": FlowLogPlan(on="nat-half", to=OPS, fields=NAT, traffic="ACCEPT"),
    "nat-scratch": FlowLogPlan(on="nat-scratch", to="/scratch/nat", fields=NAT),
    "nat-stream": FlowLogPlan(on="nat-stream", to=OPS, fields=NAT, status="FAILED", error="Access error"),
}
