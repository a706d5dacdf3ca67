"""Whose a remote address is: held against an account of the rules in plain Python, on random small estates."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auditkit.audit import population
from auditkit.engines.duckdb import DuckDB
from auditkit.model.addresses import address, cidr
from auditkit.model.records import LogObject
from tests.oracles.effort import bounded

ACCOUNT, REGION = "111122223333", "us-east-1"
SLOT = datetime(2026, 7, 10, 12, tzinfo=UTC)
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
CIDRS = ("10.0.0.0/24", "10.1.0.0/24", "10.0.0.0/16")
HOSTS = ("10.0.0.5", "10.0.0.6", "10.1.0.5", "10.1.0.6", "10.0.9.9", "172.16.0.1", "203.0.113.7", "203.0.113.8")
COLUMNS = ("account_id", "vpc_id", "interface_id", "service", "subject", "subject_type")
TAGS = ("vpc_tags", "subnet_tags", "interface_tags", "account_tags")


@dataclass(frozen=True)
class Eni:
    name: str
    vpc: str
    ip: str
    public: str


@dataclass(frozen=True)
class Estate:
    vpcs: dict[str, str]  # VPC → CIDR
    enis: tuple[Eni, ...]
    whole: bool


@st.composite
def estates(draw: Any) -> Estate:
    vpcs = {f"vpc-{n}": cidr_ for n, cidr_ in enumerate(draw(st.lists(st.sampled_from(CIDRS), min_size=1, max_size=3)))}
    enis = draw(
        st.lists(
            st.builds(
                lambda n, vpc, ip, public: (n, vpc, ip, public),
                st.just(0), st.sampled_from(sorted(vpcs)), st.sampled_from(HOSTS[:5]), st.sampled_from(("", "", *HOSTS[6:])),
            ),
            min_size=1, max_size=4,
        )
    )  # fmt: skip
    return Estate(vpcs, tuple(Eni(f"eni-{at}", *one[1:]) for at, one in enumerate(enis)), draw(st.booleans()))


def unit(eni: Eni) -> dict[str, Any]:
    return {
        "unit": eni.name, "resource_type": "network-interface", "account_id": ACCOUNT, "region": REGION, "vpc_id": eni.vpc, "subnet_id": f"subnet-{eni.vpc}",
        "instance_id": "", "service": "ec2", "subject": f"i-{eni.name}", "subject_type": "instance", "baseline": "default", "silent": "", "attached": 0,
        "in_use": True, "logs_known": True, "flow_log_ids": ["fl-1"], "vpc_tags": {"of": eni.vpc}, "subnet_tags": {"of": f"subnet-{eni.vpc}"},
        "interface_tags": {"of": eni.name}, "account_tags": {},
    }  # fmt: skip


def number(text: str) -> str:
    return str(address(text))


def derived(estate: Estate) -> list[dict[str, Any]]:
    """One record of the first interface towards each host."""
    here = estate.enis[0]
    lines = [
        f"2 {ACCOUNT} {here.name} {here.ip} {host} 40000 443 6 1 40 {int(SLOT.timestamp())} {int(SLOT.timestamp())} ACCEPT OK"
        for host in HOSTS
        if host != here.ip
    ]
    engine = DuckDB()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.log.gz"
        path.write_bytes(gzip.compress("\n".join([HEADER, *lines]).encode()))
        uri = f"s3://logs/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/07/10/0.log.gz"
        engine.load(
            [
                (
                    LogObject(
                        uri=uri, key="", account_id=ACCOUNT, region=REGION, flow_log_id="fl-1", slot=SLOT, size=1
                    ),
                    path,
                )
            ]
        )
    ranges = {v: cidr(c) for v, c in estate.vpcs.items()}
    text = [(v, str(low), str(high)) for v, (low, high) in ranges.items()]
    p = population
    engine.derive(
        {
            "units": (p.UNITS, [unit(e) for e in estate.enis]),
            "log_ranks": (p.RANKS, ()), "log_born": (p.BORN, ()), "hurt_days": (p.HURT, ()), "intermediaries": (p.HIDDEN, ()),
            "log_traffic": (p.TRAFFICS, [{"flow_log_id": "fl-1", "accept": True, "reject": True}]),
            "own_ranges": (p.RANGES, [{"unit": e.name, "low": number(e.ip), "high": number(e.ip)} for e in estate.enis]),
            "vpc_ranges": (p.RANGES, [{"unit": v, "low": low, "high": high} for v, low, high in text]),
            "period_days": (p.DAYS, [{"day": "2026-07-10"}]),
            "own_public": (p.PUBLIC, [{"unit": e.name, "ip": number(e.public)} for e in estate.enis if e.public]),
            "known_vpcs": (p.VPCS, [{"vpc_id": v, "account_id": ACCOUNT, "vpc_tags": {"of": v}, "account_tags": {"name": "one"}} for v in estate.vpcs]),
            "known_subnets": (p.SUBNETS, [{"vpc_id": v, "low": low, "high": high, "subnet_tags": {"of": f"subnet-{v}"}} for v, low, high in text]),
        },
        (), whole=estate.whole,
    )  # fmt: skip
    rows = engine.rows("SELECT * FROM flow_records ORDER BY line")
    engine.close()
    return rows


def right(estate: Estate, host: str) -> dict[str, Any]:
    """The rules, one after the other."""
    here = estate.enis[0]
    unknown: dict[str, Any] = dict.fromkeys((*COLUMNS, *TAGS))
    holds = [v for v, c in estate.vpcs.items() if ip_address(host) in ip_network(c)]
    owners = [e for e in estate.enis if e.public == host]
    if here.vpc in holds:
        vpc, there = here.vpc, [e for e in estate.enis if e.ip == host and e.vpc == here.vpc]
    elif not estate.whole:
        return unknown
    elif holds:
        if len(holds) > 1:
            return unknown
        vpc, there = holds[0], [e for e in estate.enis if e.ip == host and e.vpc == holds[0]]
    elif owners:
        if len(owners) > 1:
            return unknown
        vpc, there = owners[0].vpc, owners
    else:
        return dict.fromkeys(COLUMNS, "-") | {c: {} for c in TAGS}
    out = unknown | {"vpc_id": vpc, "account_id": ACCOUNT, "vpc_tags": {"of": vpc}, "account_tags": {"name": "one"}}
    if here.vpc in holds or holds:
        out["subnet_tags"] = {"of": f"subnet-{vpc}"}
    if len(there) == 1:
        one = there[0]
        out |= {
            "interface_id": one.name,
            "service": "ec2",
            "subject": f"i-{one.name}",
            "subject_type": "instance",
            "interface_tags": {"of": one.name},
        }
        if not holds:
            out["subnet_tags"] = {"of": f"subnet-{vpc}"}
    return out


@given(estates())
@bounded(25)
def test_whose_a_remote_address_is(estate):
    """The own VPC first, then the only VPC that has it, then a public address; unknown where anybody else might have it."""
    for row in derived(estate):
        if row["direction"] != "egress":
            continue
        told = {c: row[f"remote_{c}"] for c in COLUMNS}
        told |= {c: None if (tags := row[f"remote_{c}"]) is None else dict(tags) for c in TAGS}
        assert told == right(estate, row["dstaddr"]), row["dstaddr"]


def test_an_address_nowhere_found_is_unknown_unless_everything_was_read():
    one = Eni("eni-0", "vpc-0", "10.0.0.5", "")
    for whole, word in ((True, "-"), (False, None)):
        rows = derived(Estate({"vpc-0": "10.0.0.0/24"}, (one,), whole))
        assert {r["dstaddr"]: r["remote_vpc_id"] for r in rows}["203.0.113.7"] == word


def test_where_the_own_vpc_is_not_known_a_private_address_may_lie_in_it():
    """The VPC is gone: an address that another VPC has, or that none has, may have been its own."""
    gone, other = Eni("eni-0", "vpc-gone", "10.0.0.5", ""), Eni("eni-1", "vpc-0", "10.0.0.6", "203.0.113.7")
    rows = {r["dstaddr"]: r for r in derived(Estate({"vpc-0": "10.0.0.0/24"}, (gone, other), whole=True))}
    assert {host: rows[host]["remote_vpc_id"] for host in rows} == {
        "10.0.0.6": None, "10.1.0.5": None, "10.1.0.6": None, "10.0.9.9": None, "172.16.0.1": None, "203.0.113.7": "vpc-0", "203.0.113.8": "-",
    }  # fmt: skip
    assert rows["10.0.0.6"]["remote_vpc_tags"] is None
