"""The hosts that have a part in the story, and the security groups that let the wrong people in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class HostPlan:
    """One EC2 instance with a part in the story."""

    vpc: str
    """Where."""
    groups: str
    """Security groups, by name."""
    public: bool = True
    """It has a public address, and stands in a public subnet where there is one."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags of the interface beside Name."""


HOSTS: dict[str, HostPlan] = {
    "bastion-old": HostPlan(
        vpc="core-migration-eu", groups="bastion-temp", tags={"owner": "left-2024", "project": "dc-exit"}
    ),
    "builder-1": HostPlan(vpc="core-build-eu", groups="app"),
    "win-jump": HostPlan(vpc="core-shared-eu", groups="win-jump", tags={"os": "windows"}),
    "console-1": HostPlan(vpc="core-build-eu", groups="console"),
    "web-legacy": HostPlan(vpc="core-shared-eu", groups="web-legacy"),
    "v2-admin": HostPlan(vpc="core-app-eu", groups="admin-open"),
    "cache-debug": HostPlan(vpc="lake-warehouse-eu", groups="cache-debug"),
    "export-1": HostPlan(vpc="lake-warehouse-eu", groups="app"),
    "mailer-1": HostPlan(vpc="core-shared-eu", groups="app"),
    "win-dev": HostPlan(vpc="lake-dev-eu", groups="app", tags={"os": "windows"}),
    "sync-1": HostPlan(vpc="core-shared-eu", groups="app", public=False),
    "dev-db": HostPlan(vpc="lake-dev-eu", groups="db", public=False, tags={"tier": "db"}),
    "ldap-cde": HostPlan(vpc="pay-cde-eu", groups="app", public=False),
    "probe-logged": HostPlan(vpc="core-probe-eu", groups="app", public=False),
}


@dataclass(frozen=True, kw_only=True)
class RulePlan:
    """One security group that is part of the story: who may reach what."""

    vpc: str
    """Where."""
    port: tuple[int, int]
    """First and last port, TCP."""
    peers: tuple[str, ...]
    """CIDRs let in."""
    says: str
    """Description of the rule."""


RULES: dict[str, RulePlan] = {
    "bastion-temp": RulePlan(
        vpc="core-migration-eu", port=(22, 22), peers=("0.0.0.0/0",), says="temp - remove after migration"
    ),
    "partner-db": RulePlan(
        vpc="pay-edge-eu", port=(5432, 5432), peers=("203.0.113.77/32",), says="partner settlement feed, until March"
    ),
    "win-jump": RulePlan(
        vpc="core-shared-eu", port=(3389, 3389), peers=("0.0.0.0/0",), says="vendor support, see SEC-1207"
    ),
    "console": RulePlan(vpc="core-build-eu", port=(23, 23), peers=("0.0.0.0/0",), says="serial consoles of the lab"),
    "web-legacy": RulePlan(
        vpc="core-shared-eu",
        port=(1024, 65535),
        peers=("0.0.0.0/0", "::/0"),
        says="ephemeral ports, copied from the ACL",
    ),
    "admin-open": RulePlan(vpc="core-app-eu", port=(22, 22), peers=("0.0.0.0/0",), says="admin"),
    "cache-debug": RulePlan(
        vpc="lake-warehouse-eu", port=(6379, 6379), peers=("0.0.0.0/0",), says="debugging from home"
    ),
}
