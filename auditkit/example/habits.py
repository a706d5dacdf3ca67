"""Who talks with whom on an ordinary day, as tables."""

from __future__ import annotations

from dataclasses import dataclass

INSTANCES = "app web proxy node ecs lambda opensearch"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One habit: some kinds of interfaces call some others."""

    clients: str
    """Kinds that call; empty for the internet or the corporate network."""
    servers: str
    """Kinds that are called; empty for services on the internet."""
    port: int
    """Port; 0 where the service has its own."""
    weight: float
    """How often, against the others."""
    up: tuple[int, int] = (800, 9_000)
    """Bytes a step, least and most."""
    down: tuple[int, int] = (2_000, 90_000)
    """Bytes a step back."""
    protocol: int = 6
    """IANA number."""
    steps: int = 3
    """Longest life in steps."""


WEB = Pattern("", "alb clb nlb", 443, 12, (900, 30_000), (8_000, 900_000), steps=2)
OFFICE = Pattern("", "bastion", 22, 1.0, (3_000, 40_000), (4_000, 90_000), steps=6)
OUTWARD = Pattern(INSTANCES + " workspace", "", 443, 7, (900, 60_000), (3_000, 400_000), steps=3)
CLOCK = Pattern("app web node", "", 123, 1, (76, 152), (76, 152), 17, 1)
INSIDE = (
    Pattern("alb clb nlb", "app web ecs", 8080, 12, (1_500, 60_000), (9_000, 800_000)),
    Pattern("app web ecs lambda", "rds opensearch", 5432, 7, (2_000, 60_000), (4_000, 600_000), steps=6),
    Pattern("app node", "redshift", 5439, 4, (4_000, 90_000), (60_000, 9_000_000), steps=6),
    Pattern("app web ecs", "cache", 6379, 5, (900, 20_000), (900, 60_000), steps=6),
    Pattern("app web", "efs", 2049, 2, (2_000, 200_000), (2_000, 200_000), steps=4),
    Pattern("app web ecs lambda node", "vpce", 443, 4, (900, 40_000), (2_000, 90_000)),
    Pattern("node", "eks", 443, 3, (900, 20_000), (2_000, 60_000), steps=6),
    Pattern("pod", "app node", 8443, 2),
    Pattern("app web ecs node", "resolver", 53, 4, (60, 240), (120, 900), 17, 1),
    Pattern("dms", "rds redshift", 5432, 2, (9_000, 90_000), (90_000, 4_000_000), steps=6),
    Pattern("app web node", "app web node", 443, 2),
)
ACROSS = (
    ("tgw-core-eu", "core-app-eu", "web app", "core-shared-eu", "app alb", 443, 2.1),
    ("tgw-core-eu", "core-shared-eu", "app", "core-net-eu", "resolver", 53, 0.8),
    ("tgw-core-eu", "pay-cde-eu", "app ecs", "core-net-eu", "resolver", 53, 0.8),
    ("tgw-core-eu", "core-shared-eu", "app", "lake-warehouse-eu", "redshift", 5439, 0.6),
    ("tgw-core-eu", "pay-cde-eu", "app", "core-shared-eu", "app", 443, 0.6),
    ("tgw-core-eu", "core-net-eu", "proxy", "core-app-eu", "web", 443, 0.4),
    ("tgw-pay-eu", "pay-legacy-eu", "app", "pay-edge-eu", "web", 443, 0.3),
)
"""Between VPCs: transit gateway, client VPC and kinds, server VPC and kinds, port, conversations a step at noon."""
