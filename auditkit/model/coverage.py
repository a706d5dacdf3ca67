"""One row of the coverage table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auditkit.model.condition import COVERAGE_STATES
from auditkit.model.tables import col

RESOURCE_TYPES = ("vpc", "subnet", "network-interface", "transit-gateway", "transit-gateway-attachment", "nat-gateway")
SETS = ("ALL", "ACCEPT", "REJECT", "NONE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How one resource is logged."""

    resource_type: str = col("text", "What the resource is", values=RESOURCE_TYPES)
    resource_id: str = col("text", "Its id")
    resource_arn: str = col("text", "Its ARN")
    account_id: str = col("text", "Owner")
    region: str = col("text", "Region")
    vpc_id: str = col("text", "Its VPC; empty for transit gateways", default="")
    subnet_id: str = col("text", "Its subnet; empty but for interfaces and subnets", default="")
    service: str = col("text", "For interfaces, what they belong to; else empty", default="")
    subject: str = col("text", "For interfaces, the lasting owner; else the resource itself", default="")
    baseline: str | None = col(
        "text", "Name of the baseline that it is judged by", "auditkit.yaml", "tags that decide the match were not read"
    )
    state: str = col(
        "state", "complete, malformed, misdirected, partial, failing, none, or unknown", values=COVERAGE_STATES
    )
    at_least: str = col("text", "The state when everything undecided is taken as absent", values=COVERAGE_STATES)
    delivered: str | None = col("text", "Traffic that flow logs deliver", null="undecided", values=SETS)
    approved: str | None = col("text", "Traffic delivered to an approved destination", null="undecided", values=SETS)
    conforming: str | None = col(
        "text", "Traffic approved with the fields and interval required", null="undecided", values=SETS
    )
    flow_log_ids: tuple[str, ...] = col("list", "All flow logs that apply")
    via: str | None = col(
        "text",
        "Nearest level that contributes",
        null="nothing contributes",
        values=("resource", "subnet", "vpc", "transit-gateway", "transport"),
    )
    members: str | None = col(
        "text",
        "VPC, subnet: worst state of the interfaces inside, or empty; `-` for others",
        null="undecided",
        values=("empty", "-", *COVERAGE_STATES),
    )
    redundant_flow_log_ids: tuple[str, ...] = col(
        "list", "Flow logs that add nothing to others with the same destination"
    )
    covered_from: datetime | None = col(
        "time",
        "Since when the present flow logs give this state",
        null="nothing delivers, or creation time not answered",
    )
    period_state: str = col(
        "open",
        "whole, partial or unknown: was this state so through the period",
        null="how it was all through the period is not proven (the column then says unknown)",
        values=("whole", "partial"),
    )
    reasons: tuple[str, ...] = col("list", "Why not complete, in words")
    vpc_tags: dict[str, str] | None = col(
        "tags", "Tags of the VPC (of the VPC attached, for attachments)", null="VPC not read", default=None
    )
    subnet_tags: dict[str, str] | None = col("tags", "Tags of the subnet", null="subnet not read", default=None)
    interface_tags: dict[str, str] | None = col("tags", "Tags of the interface", default=None)
    account_tags: dict[str, str] | None = col("tags", "Tags of the account", null="not read", default=None)
