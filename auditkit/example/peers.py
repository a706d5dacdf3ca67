"""Who talks with the organization from outside: clients, services on the internet, and the planted ones."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

CORPORATE = "198.51.100.0/24"
"""The named network `corporate`."""
CORPORATE6 = "2001:db8:c0de::/48"

VISITORS = (*(f"203.0.113.{n}" for n in range(1, 65)), *(f"192.0.2.{n}" for n in range(1, 60)))
"""Browsers and partners on the internet (documentation ranges)."""
VISITORS6 = tuple(f"2001:db8:beef:{n:x}::{n * 7:x}" for n in range(1, 25))
SCANNERS = tuple(f"203.0.113.{n}" for n in range(200, 216))
"""The noise of the internet: it knocks everywhere and is turned away."""
NOISE_PORTS = (22, 23, 445, 1433, 2375, 3306, 3389, 5900, 6379, 8080, 9200)


@dataclass(frozen=True, slots=True)
class Service:
    """A service on the internet that hosts call."""

    address: str
    """Address."""
    port: int
    """Port."""
    protocol: int = 6
    """IANA number."""
    name: str = "-"
    """AWS's name of the range, or `-`."""


SERVICES = (
    *(Service(f"52.218.{n}.{n * 3}", 443, name="S3") for n in range(16, 28)),
    *(Service(f"52.119.{240 + n}.{n * 5}", 443, name="DYNAMODB") for n in range(1, 6)),
    *(Service(f"54.239.{30 + n}.{n * 9}", 443, name="AMAZON") for n in range(1, 9)),
    *(Service(f"18.202.{n}.{n * 2}", 443, name="EC2") for n in range(40, 48)),
    *(Service(f"13.224.{n}.{n}", 443, name="CLOUDFRONT") for n in range(60, 66)),
    *(Service(f"151.101.{n}.132", 443) for n in (1, 65, 129, 193)),
    Service("140.82.121.4", 443),
    Service("104.16.132.229", 443),
    Service("185.199.108.133", 443),
)
TIME = (Service("162.159.200.1", 123, 17), Service("162.159.200.123", 123, 17), Service("17.253.34.123", 123, 17))
AWS_SERVICE = {service.address: service.name for service in SERVICES}
"""Address → AWS's name of its range."""


def visitor(rng: Random) -> str:
    """A client, a few of them far busier than the rest."""
    return (
        VISITORS[min(int(rng.paretovariate(0.9)) - 1, len(VISITORS) - 1)]
        if rng.random() < 0.6
        else rng.choice(VISITORS)
    )


def colleague(rng: Random) -> str:
    """An address of the corporate network."""
    return f"198.51.100.{rng.randrange(10, 60)}"


def ephemeral(rng: Random) -> int:
    """A client's port (Linux's range)."""
    return rng.randrange(32768, 60999)
