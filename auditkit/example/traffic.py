"""The ordinary day: who talks with whom in each VPC, how much, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

from auditkit.example.habits import ACROSS, CLOCK, INSIDE, OFFICE, OUTWARD, WEB, Pattern
from auditkit.example.hosts import RULES
from auditkit.example.ids import TICK, TICKS
from auditkit.example.peers import NOISE_PORTS, SCANNERS, SERVICES, TIME, VISITORS6, colleague, ephemeral, visitor
from auditkit.example.talk import Side, Talk, Transit
from auditkit.example.things import Estate, Interface, Nat, Vpc


def volume(tick: int) -> float:
    """How busy a step is: quiet at four in the morning, full at two in the afternoon, UTC."""
    hour = tick * TICK / 3600 % 24
    return 0.25 + 0.75 * (0.5 - 0.5 * math.cos((hour - 2) / 24 * 2 * math.pi))


def ordinary(estate: Estate, rng: Random) -> Iterator[Talk]:
    """Yield the conversations of every VPC that is logged to a bucket, step by step."""
    towns = [Town(estate, vpc) for vpc in estate.vpcs.values() if vpc.plan.talks]
    roads = [Road(estate, *row) for row in ACROSS]
    for tick in range(TICKS):
        for town in towns:
            for _ in range(_count(town.vpc.plan.talks * volume(tick), rng)):
                yield from town.talk(tick, rng)
        for road in roads:
            for _ in range(_count(road.rate * volume(tick), rng)):
                yield road.talk(tick, rng)


def crossing(estate: Estate, source: str, target: str, gateway: str = "tgw-core-eu") -> Transit:
    """The way from one VPC to another."""
    return Transit(
        estate.attachments[f"{gateway}/{source}"],
        estate.attachments[f"{gateway}/{target}"],
        estate.interfaces[f"{source}-{gateway}-1"],
        estate.interfaces[f"{target}-{gateway}-1"],
    )


def _of(estate: Estate, vpc: str, kinds: str) -> list[Interface]:
    return [i for i in estate.interfaces.values() if i.vpc.name == vpc and i.kind in kinds.split()]


def _count(mean: float, rng: Random) -> int:
    return int(mean) + (rng.random() < mean % 1)


class Road:
    """What two VPCs have to say to each other over the transit gateway."""

    def __init__(
        self, estate: Estate, gateway: str, source: str, clients: str, target: str, servers: str, port: int, rate: float
    ) -> None:
        self.way = crossing(estate, source, target, gateway)
        self.clients = _of(estate, source, clients)
        self.servers = _of(estate, target, servers)
        self.pattern = Pattern(
            clients, servers, port, rate, (300, 9_000), (300, 90_000), 17 if port == 53 else 6, 1 if port == 53 else 3
        )
        self.rate = rate

    def talk(self, tick: int, rng: Random) -> Talk:
        """One conversation."""
        client, server = rng.choice(self.clients), rng.choice(self.servers)
        return make(self.pattern, Side(client.ip, client), Side(server.ip, server), tick, rng, via=self.way)


def make(
    pattern: Pattern,
    client: Side,
    server: Side,
    tick: int,
    rng: Random,
    *,
    port: int = 0,
    via: Nat | Transit | None = None,
) -> Talk:
    """A conversation after a pattern."""
    return Talk(
        client,
        server,
        ephemeral(rng),
        port or pattern.port,
        pattern.protocol,
        tick,
        min(rng.randint(1, pattern.steps), TICKS - tick),
        rng.randint(*pattern.up),
        rng.randint(*pattern.down),
        via=via,
        translated=ephemeral(rng),
    )


class Town:
    """One VPC: who is there, and what they are used to doing."""

    def __init__(self, estate: Estate, vpc: Vpc) -> None:
        self.vpc = vpc
        self.kinds: dict[str, list[Interface]] = {}
        for interface in estate.interfaces.values():
            if interface.vpc is vpc and interface.in_use:
                self.kinds.setdefault(interface.kind, []).append(interface)
        self.nats = [
            nat
            for nat in estate.nats.values()
            if nat.vpc is vpc and (nat.interface or nat.name in ("nat-net", "nat-legacy"))
        ]
        self.exposed = [i for i in estate.interfaces.values() if i.vpc is vpc and i.public_ip and i.kind != "nat"]
        habits: list[tuple[float, Callable[[int, Random], Iterator[Talk]]]] = []
        if self.of(WEB.servers):
            habits.append((WEB.weight, self._web))
        if self.of(OFFICE.servers):
            habits.append((OFFICE.weight, self._office))
        if self.nats and self.of(OUTWARD.clients):
            habits += [(OUTWARD.weight, self._outward), (CLOCK.weight, self._clock)]
        if self.exposed:
            habits.append((1.5, self._noise))
        habits += [(p.weight, self._inside(p)) for p in INSIDE if self.of(p.clients) and self.of(p.servers)]
        self.habits = [habit for _, habit in habits]
        self.weights = [weight for weight, _ in habits]

    def of(self, kinds: str) -> list[Interface]:
        """The interfaces of some kinds."""
        return [interface for kind in kinds.split() for interface in self.kinds.get(kind, ())]

    def talk(self, tick: int, rng: Random) -> Iterator[Talk]:
        """One conversation that begins in this step (or a few that belong together)."""
        return rng.choices(self.habits, self.weights)[0](tick, rng)

    def _web(self, tick: int, rng: Random) -> Iterator[Talk]:
        balancer = rng.choice(self.of(WEB.servers))
        six = balancer.ipv6 and rng.random() < 0.15
        client, server = (rng.choice(VISITORS6), balancer.ipv6) if six else (visitor(rng), balancer.ip)
        yield make(WEB, Side(client), Side(server, balancer), tick, rng)

    def _office(self, tick: int, rng: Random) -> Iterator[Talk]:
        bastion = rng.choice(self.of(OFFICE.servers))
        yield make(OFFICE, Side(colleague(rng)), Side(bastion.ip, bastion), tick, rng)

    def _outward(self, tick: int, rng: Random) -> Iterator[Talk]:
        client, service = rng.choice(self.of(OUTWARD.clients)), rng.choice(SERVICES)
        address = rng.choice((client.ip, *client.secondary))
        yield make(
            OUTWARD,
            Side(address, client),
            Side(service.address),
            tick,
            rng,
            port=service.port,
            via=rng.choice(self.nats),
        )

    def _clock(self, tick: int, rng: Random) -> Iterator[Talk]:
        clients = self.of(CLOCK.clients)
        if clients:
            client = rng.choice(clients)
            yield make(
                CLOCK,
                Side(client.ip, client),
                Side(rng.choice(TIME).address),
                tick,
                rng,
                port=123,
                via=rng.choice(self.nats),
            )

    def _noise(self, tick: int, rng: Random) -> Iterator[Talk]:
        target, port = rng.choice(self.exposed), rng.choice(NOISE_PORTS)
        if any(low <= port <= high for low, high in (RULES[group].port for group in target.groups if group in RULES)):
            return
        yield Talk(
            Side(rng.choice(SCANNERS)),
            Side(target.ip, target),
            ephemeral(rng),
            port,
            6,
            tick,
            1,
            rng.choice((40, 44, 60)),
            0,
            "REJECT",
            opening=True,
        )

    def _inside(self, pattern: Pattern) -> Callable[[int, Random], Iterator[Talk]]:
        clients, servers = self.of(pattern.clients), self.of(pattern.servers)

        def habit(tick: int, rng: Random) -> Iterator[Talk]:
            client, server = rng.choice(clients), rng.choice(servers)
            if client is not server:
                yield make(
                    pattern,
                    Side(client.ip, client),
                    Side(rng.choice((server.ip, *server.secondary)), server),
                    tick,
                    rng,
                )

        return habit
