"""What is wrong in the example, on purpose: each plant is a few conversations with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from auditkit.example.hosts import HOSTS
from auditkit.example.ids import tick
from auditkit.example.peers import SERVICES, colleague, ephemeral
from auditkit.example.talk import Side, Talk
from auditkit.example.things import Estate, Interface
from auditkit.example.traffic import crossing

MIB = 1 << 20
SCANNER = "203.0.113.250"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Conversations between one host of ours and the internet."""

    host: str
    """Our interface."""
    peers: tuple[str, ...]
    """The other ends."""
    port: int
    """Port called."""
    at: tuple[str, ...]
    """When each begins: `DD HH:MM`."""
    inward: bool = True
    """The internet calls us."""
    steps: int = 2
    """How long each lasts."""
    up: int = 9_000
    """Bytes a step from the caller."""
    down: int = 24_000
    """Bytes a step back; 0 when nothing answers."""
    times: int = 1
    """Connections at each time."""
    protocol: int = 6
    """IANA number."""
    sport: int = 0
    """The caller's port; 0 for an ordinary one."""


PLANTS: dict[str, Plant] = {
    "public SSH to a forgotten bastion": Plant(
        host="bastion-old",
        peers=("203.0.113.90", "192.0.2.61", "203.0.113.91", "192.0.2.62"),
        port=22,
        at=("28 03:10", "29 02:40", "29 14:20", "30 22:00"),
        times=4,
    ),
    "a database open to one partner": Plant(
        host="pay-edge-eu-rds-1",
        peers=("203.0.113.77",),
        port=5432,
        at=("28 02:00", "29 02:00", "30 02:00"),
        steps=4,
        up=30_000,
        down=4 * MIB,
    ),
    "outbound SSH from a build host": Plant(
        host="builder-1",
        peers=("140.82.121.3",),
        port=22,
        at=("28 15:10", "29 09:30", "29 16:40", "30 10:00"),
        inward=False,
        steps=3,
    ),
    "RDP on a Windows host (waived)": Plant(
        host="win-jump",
        peers=("203.0.113.120", "203.0.113.121"),
        port=3389,
        at=("28 08:20", "29 08:20", "30 13:00"),
        steps=5,
        down=3 * MIB,
    ),
    "telnet to a console server (waiver expired)": Plant(
        host="console-1", peers=("192.0.2.70",), port=23, at=("29 10:30", "30 11:10")
    ),
    "SSH under a version 2 log": Plant(
        host="v2-admin", peers=("192.0.2.80", "203.0.113.95"), port=22, at=("29 19:00", "30 07:50"), steps=3
    ),
    "mail sent straight to the internet": Plant(
        host="mailer-1",
        peers=("203.0.113.25",),
        port=25,
        at=("28 06:00", "29 06:00", "30 06:00"),
        inward=False,
        times=3,
    ),
    "a cache open to the internet": Plant(
        host="cache-debug", peers=("203.0.113.130",), port=6379, at=("29 20:10", "30 20:40"), steps=4
    ),
    "SMB to the internet": Plant(
        host="win-dev", peers=("203.0.113.145",), port=445, at=("29 12:00", "30 12:00"), inward=False
    ),
    "DNS past the resolver": Plant(
        host="win-dev",
        peers=("8.8.8.8",),
        port=53,
        at=("28 10:00", "29 10:00", "30 10:00"),
        inward=False,
        steps=1,
        up=140,
        down=400,
        protocol=17,
        times=3,
    ),
    "a large outbound transfer": Plant(
        host="export-1",
        peers=("203.0.113.222",),
        port=443,
        at=("30 00:00",),
        inward=False,
        steps=24,
        up=700 * MIB,
        down=6 * MIB,
    ),
    "a lone SYN from source port 443": Plant(
        host="web-legacy", peers=("203.0.113.140",), port=50123, at=("30 01:20",), steps=1, up=40, down=0, sport=443
    ),
}

TORN = {("pay-cde-us", tick("29 09:30"))}
"""Flow log and step of an object that was cut off."""
GARBLED = {("core-net-eu", tick("30 16:10"))}
"""Of an object whose second record lost its end."""
MISSING = {("lake-ingest-eu", step) for step in range(tick("29 02:00"), tick("29 05:00"))}
"""Of objects that never arrived."""
SKIPPED = ("pay-cde-eu", "pay-cde-eu-app-7", tick("29 13:40"))
"""Flow log, interface and step of the one SKIPDATA."""


def planted(estate: Estate, rng: Random) -> Iterator[Talk]:
    """Yield the conversations of every plant, and a little ordinary life for the hosts in it."""
    for plant in PLANTS.values():
        yield from _internet(estate.interfaces[plant.host], plant, rng)
    yield from _across(estate, rng)
    yield from _scan(estate, rng)
    yield from _daily(estate, rng)


def _internet(host: Interface, plant: Plant, rng: Random) -> Iterator[Talk]:
    ours = Side(host.ip, host)
    for at, moment in enumerate(plant.at):
        theirs = Side(plant.peers[at % len(plant.peers)])
        for _ in range(plant.times):
            client, server = (theirs, ours) if plant.inward else (ours, theirs)
            yield Talk(
                client,
                server,
                plant.sport or ephemeral(rng),
                plant.port,
                plant.protocol,
                tick(moment),
                plant.steps,
                plant.up,
                plant.down,
                opening=not plant.down,
            )


def _across(estate: Estate, rng: Random) -> Iterator[Talk]:
    """Production and development talk over the transit gateway, both ways; LDAP without TLS among cardholder data."""
    here = estate.interfaces
    for day in (28, 29, 30):
        yield Talk(
            Side(here["sync-1"].ip, here["sync-1"]),
            Side(here["dev-db"].ip, here["dev-db"]),
            ephemeral(rng),
            5432,
            6,
            tick(f"{day} 01:00"),
            3,
            60_000,
            9 * MIB,
            via=crossing(estate, "core-shared-eu", "lake-dev-eu"),
        )
        yield Talk(
            Side(here["lake-dev-eu-app-3"].ip, here["lake-dev-eu-app-3"]),
            Side(here["core-shared-eu-app-5"].ip, here["core-shared-eu-app-5"]),
            ephemeral(rng),
            443,
            6,
            tick(f"{day} 11:00"),
            2,
            via=crossing(estate, "lake-dev-eu", "core-shared-eu"),
        )
        for hour in (9, 12, 15):
            yield Talk(
                Side(here["pay-cde-eu-app-2"].ip, here["pay-cde-eu-app-2"]),
                Side(here["ldap-cde"].ip, here["ldap-cde"]),
                ephemeral(rng),
                389,
                6,
                tick(f"{day} {hour}:20"),
                2,
            )


def _scan(estate: Estate, rng: Random) -> Iterator[Talk]:
    """One source knocks on 120 ports of everything public in the payments edge, and is turned away everywhere."""
    ports = sorted(rng.sample([port for port in range(20, 10_000) if port not in (80, 443)], 120))
    for interface in estate.interfaces.values():
        if interface.vpc.name == "pay-edge-eu" and interface.public_ip:
            for at, port in enumerate(ports):
                yield Talk(
                    Side(SCANNER),
                    Side(interface.ip, interface),
                    40_000 + at,
                    port,
                    6,
                    tick("29 11:00") + at // 60,
                    1,
                    44,
                    0,
                    "REJECT",
                    opening=True,
                )


def _daily(estate: Estate, rng: Random) -> Iterator[Talk]:
    for name, plan in HOSTS.items():
        host = estate.interfaces[name]
        for day in (28, 29, 30) if plan.public else ():
            for hour in sorted(rng.sample(range(24), 4)):
                yield Talk(
                    Side(host.ip, host),
                    Side(rng.choice(SERVICES).address),
                    ephemeral(rng),
                    443,
                    6,
                    tick(f"{day} {hour}:30"),
                    2,
                    rng.randint(900, 9_000),
                    rng.randint(2_000, 90_000),
                )
    bastion = estate.interfaces["bastion-old"]  # colleagues use it too, which no rule forbids
    for day in (28, 29, 30):
        yield Talk(Side(colleague(rng)), Side(bastion.ip, bastion), ephemeral(rng), 22, 6, tick(f"{day} 09:00"), 3)
