"""What is built where in the example organization: one row per VPC. Edit here to change it.

`estate.py` turns these rows into resources with ids and addresses; `story.py` says what traffic was planted in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from auditkit.example.accounts import ARCHIVE, CORE, EU, LAKE, MANAGEMENT, PAYMENTS, STAGING, US

PCI, PROD, DEV = {"scope": "pci", "env": "prod"}, {"env": "prod"}, {"env": "dev"}


@dataclass(frozen=True, kw_only=True)
class VpcPlan:
    """One VPC."""

    account: str
    """Owner."""
    region: str
    """Region."""
    net: int
    """Second octet of its 10.x.0.0/16."""
    holds: str = ""
    """Interfaces as `kind:count`; kinds are those of `shapes.SHAPES`."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags beside Name."""
    azs: int = 2
    """Zones used."""
    tiers: str = "public app data"
    """One subnet per tier and zone."""
    guests: tuple[str, str] = ("", "")
    """A participant account of a shared VPC, and what it holds."""
    ipv6: bool = False
    """Dual stack."""
    default: bool = False
    """The default VPC: nothing in it."""
    talks: float = 0.0
    """New conversations per ten minutes at noon."""


VPCS: dict[str, VpcPlan] = {
    "mgmt-default-eu": VpcPlan(account=MANAGEMENT, region=EU, net=10, tiers="public", default=True),
    "mgmt-identity-us": VpcPlan(
        account=MANAGEMENT,
        region=US,
        net=11,
        tags={**PROD, "owner": "platform"},
        tiers="app data",
        holds="directory:2 app:6 vpce:2",
    ),
    "archive-siem-eu": VpcPlan(
        account=ARCHIVE,
        region=EU,
        net=12,
        tags={**PROD, "owner": "security"},
        tiers="app data",
        holds="app:14 opensearch:2 vpce:4 unattached:1",
    ),
    "pay-cde-eu": VpcPlan(
        account=PAYMENTS,
        region=EU,
        net=20,
        tags={**PCI, "owner": "payments"},
        azs=3,
        talks=18.5,
        holds="nat:2 alb:3 app:42 ecs:24 lambda:10 vpce:9 rds:9 cache:8 efs:3 dms:2 resolver:2 unattached:3",
    ),
    "pay-cde-us": VpcPlan(
        account=PAYMENTS,
        region=US,
        net=21,
        tags={**PCI, "owner": "payments"},
        azs=2,
        talks=9.2,
        holds="nat:1 alb:2 app:26 ecs:10 vpce:6 rds:6 cache:4 efs:2 resolver:2 unattached:2",
    ),
    "pay-edge-eu": VpcPlan(
        account=PAYMENTS,
        region=EU,
        net=22,
        tags={**PCI, "owner": "payments"},
        azs=2,
        ipv6=True,
        talks=10.9,
        holds="alb:6 clb:2 web:18 rds:2 cache:2 vpce:4 bastion:1",
    ),
    "pay-legacy-eu": VpcPlan(
        account=PAYMENTS, region=EU, net=23, tags={**PCI, "owner": "payments"}, talks=2.1, holds="alb:2 app:8 rds:2"
    ),
    "pay-tools-us": VpcPlan(
        account=PAYMENTS,
        region=US,
        net=24,
        tags={**PROD, "owner": "payments"},
        holds="alb:2 app:34 lambda:8 workspace:8 directory:2 rds:2 vpce:4 unattached:1",
    ),
    "pay-vendor-us": VpcPlan(
        account=PAYMENTS,
        region=US,
        net=25,
        tags={**PCI, "owner": "payments"},
        tiers="app data",
        talks=2.5,
        holds="app:16 rds:2 vpce:2",
    ),
    "pay-default-us": VpcPlan(account=PAYMENTS, region=US, net=10, tiers="public", default=True),
    "core-shared-eu": VpcPlan(
        account=CORE,
        region=EU,
        net=30,
        tags={**PROD, "owner": "platform"},
        azs=2,
        ipv6=True,
        talks=10.1,
        holds="alb:2 app:18 node:6 eks:2 pod:4 vpce:6 lambda:4 rds:2",
        guests=(PAYMENTS, "app:14 alb:2 ecs:4"),
    ),
    "core-net-eu": VpcPlan(
        account=CORE,
        region=EU,
        net=31,
        tags={**PROD, "owner": "network"},
        talks=3.8,
        tiers="public app",
        holds="nat:2 resolver:4 gwlbe:2 proxy:6 vpce:6",
    ),
    "core-app-eu": VpcPlan(
        account=CORE,
        region=EU,
        net=32,
        tags={**PROD, "owner": "platform"},
        azs=3,
        talks=8.4,
        holds="vpce:1 alb:3 web:28 app:14 rds:4 cache:4 efs:3 lambda:4 unattached:2",
    ),
    "core-build-eu": VpcPlan(
        account=CORE,
        region=EU,
        net=33,
        tags={**DEV, "owner": "build"},
        talks=4.2,
        tiers="public app",
        holds="nat:1 app:24 lambda:2 vpce:4 unattached:1",
    ),
    "core-migration-eu": VpcPlan(
        account=CORE, region=EU, net=34, tags={**PROD, "owner": "nobody"}, tiers="public app", talks=0.6, holds="app:4"
    ),
    "core-probe-eu": VpcPlan(
        account=CORE, region=EU, net=35, tags={**PROD, "owner": "network"}, tiers="app", holds="app:4"
    ),
    "core-net-us": VpcPlan(
        account=CORE,
        region=US,
        net=36,
        tags={**PROD, "owner": "network"},
        tiers="public app",
        holds="nat:2 resolver:2 vpce:6",
    ),
    "core-app-us": VpcPlan(
        account=CORE, region=US, net=37, tags={**PROD, "owner": "platform"}, holds="alb:3 app:24 rds:3 lambda:4"
    ),
    "core-shared-us": VpcPlan(
        account=CORE,
        region=US,
        net=38,
        tags={**PROD, "owner": "platform"},
        tiers="app data",
        holds="app:6 vpce:2",
        guests=(PAYMENTS, "app:6"),
    ),
    "core-default-us": VpcPlan(account=CORE, region=US, net=10, tiers="public", default=True),
    "lake-ingest-eu": VpcPlan(
        account=LAKE,
        region=EU,
        net=40,
        tags={**PROD, "owner": "data"},
        talks=8.4,
        holds="nlb:3 web:34 app:8 lambda:6 rds:4 vpce:6 efs:3 unattached:1",
    ),
    "lake-warehouse-eu": VpcPlan(
        account=LAKE,
        region=EU,
        net=41,
        tags={**PROD, "owner": "data"},
        azs=2,
        talks=6.7,
        holds="nat:1 redshift:6 app:28 rds:6 cache:4 vpce:6 dms:2",
    ),
    "lake-dev-eu": VpcPlan(
        account=LAKE, region=EU, net=42, tags={**DEV, "owner": "data"}, talks=3.8, holds="app:22 rds:2 node:4 eks:2"
    ),
    "lake-split-eu": VpcPlan(
        account=LAKE,
        region=EU,
        net=43,
        tags={**PROD, "owner": "data"},
        tiers="public app",
        talks=2.1,
        holds="alb:2 web:10 lambda:2",
    ),
    "lake-archive-eu": VpcPlan(
        account=LAKE, region=EU, net=44, tags={**PROD, "owner": "data"}, tiers="app data", holds="app:8 rds:2"
    ),
    "lake-ml-us": VpcPlan(
        account=LAKE,
        region=US,
        net=45,
        tags={**PROD, "owner": "ml"},
        tiers="app data",
        talks=2.9,
        holds="app:20 vpce:2 efs:2",
    ),
    "lake-stream-us": VpcPlan(
        account=LAKE,
        region=US,
        net=46,
        tags={**PROD, "owner": "data"},
        tiers="public app",
        holds="app:10 nlb:2 lambda:2",
    ),
    "lake-old-us": VpcPlan(
        account=LAKE, region=US, net=47, tags={**PROD, "owner": "data"}, tiers="app", holds="app:7 unattached:1"
    ),
    "lake-partner-us": VpcPlan(
        account=LAKE, region=US, net=48, tags={**PROD, "owner": "data"}, tiers="app", holds="app:8 vpce:2"
    ),
    "lake-dev-us": VpcPlan(
        account=LAKE, region=US, net=49, tags={**DEV, "owner": "data"}, tiers="public app", holds="app:16"
    ),
    "lake-subnets-us": VpcPlan(
        account=LAKE, region=US, net=50, tags={**PROD, "owner": "data"}, tiers="app data", holds="app:14 rds:2 cache:2"
    ),
    "lake-default-us": VpcPlan(account=LAKE, region=US, net=10, tiers="public", default=True),
    "staging-app-eu": VpcPlan(
        account=STAGING, region=EU, net=60, tags={**DEV, "owner": "platform"}, talks=1.3, holds="alb:2 app:6"
    ),
}
