"""The controls on traffic, looked at together: what each must have, whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from auditkit.config.yaml import load
from auditkit.inventory.classify import RULES
from auditkit.model import condition as conditions
from auditkit.model.condition import TRUE, All, Condition
from auditkit.model.control import Control
from auditkit.policy import load_policies, service_ports

POLICIES = Path(__file__).parent.parent / "policies"
CORPORATE = "corporate"
CONTROLS = load_policies([POLICIES])
TRAFFIC = [c for c in CONTROLS if c.table == "flow_records"]
EC2_19 = {21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080, 8088, 8888, 9200, 9300}  # fmt: skip
"""AWS Security Hub, EC2.19: the ports of high risk, less 20, from which FTP servers call."""


def each(check: Callable[[Control], None]) -> Callable[[], None]:
    """Make one test that looks at every control, and names those that are wrong."""

    def test() -> None:
        wrong = {}
        for control in TRAFFIC:
            try:
                check(control)
            except AssertionError as error:
                wrong[control.id] = str(error)
        assert not wrong

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test


def asked(control: Control, column: str) -> list[conditions.Test]:
    """Every test of a column."""
    return [t for t in (*conditions.tests(control.where), *conditions.tests(control.fail_where)) if t.column == column]


def required(control: Control) -> list[conditions.Test]:
    """The tests that a row must pass to break the control, one by one."""

    def parts(condition: Condition) -> list[conditions.Test]:
        if isinstance(condition, conditions.Test):
            return [condition]
        return [t for part in condition.parts for t in parts(part)] if isinstance(condition, All) else []

    return parts(control.where) + parts(control.fail_where)


def from_internet(control: Control) -> bool:
    """Whether it is about flows that somebody in the internet opened."""
    tested = required(control)
    remote = any(t.column == "initiator" and t.value == ("remote",) for t in tested)
    return remote and any(t.column == "remote_address" and t.op == "in" and "internet" in t.value for t in tested)


def test_there_is_a_library_of_them() -> None:
    """Enough to choose from."""
    assert len(TRAFFIC) >= 44
    assert sum(map(from_internet, TRAFFIC)) >= 25


@each
def test_it_names_no_port_of_clients(control: Control) -> None:
    """From 32768 up ports belong to clients: named, they would pass for a service's where flags are missing."""
    assert max(service_ports([control]), default=0) < 32768
    for port in (*asked(control, "local_port"), *asked(control, "remote_port")):
        highs = [item[1] if isinstance(item, tuple) else item for item in port.value]
        assert max(highs) < 32768


@each
def test_what_comes_from_the_internet_leaves_nat_gateways_out(control: Control) -> None:
    """Their flow logs say ACCEPT to what they drop; a control that names the services it is about needs no exception."""
    if not from_internet(control):
        return
    excluded = any(
        t.column == "subject_type" and t.op == "not_in" and "nat-gateway" in t.value for t in required(control)
    )
    services = [t for t in required(control) if t.column == "service" and t.op == "in"]
    assert excluded or (services and all("nat-gateway" not in t.value for t in services))


@each
def test_what_goes_to_the_internet_is_judged_at_the_sender(control: Control) -> None:
    """NAT gateways forward: they are left out, or the rationale says why not."""
    tested = required(control)
    internet = any(t.column == "remote_address" and t.op == "in" and "internet" in t.value for t in tested)
    if not internet or any(t.column == "service" for t in tested):
        return
    excluded = any(t.column == "subject_type" and t.op == "not_in" and "nat-gateway" in t.value for t in tested)
    assert excluded or "NAT gateways count" in control.rationale


@each
def test_doors_that_stand_open_are_not_held_against_calls_of_our_own(control: Control) -> None:
    """`corporate` is left out wherever an accepted call from the internet is the breach."""
    accepted = any(t.column == "action" and t.value == ("ACCEPT",) for t in required(control))
    if from_internet(control) and accepted and control.having is None:
        assert any(t.op == "not_in" and CORPORATE in t.value for t in asked(control, "remote_address")), control.id


@each
def test_severity_and_tolerance_agree(control: Control) -> None:
    """A breach by a single flow is critical or high; a threshold is never that, and what was turned away is no breach."""
    if control.severity == "critical":
        assert control.tolerance == "zero"
    if control.tolerance == "zero":
        assert control.severity in ("critical", "high")
        assert control.having is None
    if control.id.endswith("-seen") and not control.id.startswith("internal-"):
        assert control.severity == "info"


@each
def test_fields_that_few_formats_have_hold_nobody_up(control: Control) -> None:
    """Where a field of a late version is missing nothing is decided: the control is info, or a tag asks for it."""
    late = ("traffic_path", "reject_reason", "encryption_status", "remote_aws_service")
    if any(asked(control, column) for column in late):
        tagged = any(t.column == "vpc_tags" for t in conditions.tests(control.where))
        assert control.severity == "info" or tagged


@each
def test_services_and_words_are_those_that_exist(control: Control) -> None:
    """A service that no interface ever has would be a control that never finds anything."""
    known = {rule.service for rule in RULES} | {"ec2"}
    kinds = {rule.subject_type for rule in RULES} | {"instance", "network-interface", "security-group"}
    for test in asked(control, "service"):
        assert set(test.value) <= known
    for test in asked(control, "subject_type"):
        assert set(test.value) <= kinds


@each
def test_texts_and_mappings_are_whole(control: Control) -> None:
    """Id, title, and for each mapping a strength and a source; where only rules are looked at elsewhere, none is direct."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", control.id)
    assert not control.title.endswith(".")
    assert len(control.title) <= 110
    assert control.title[0].isupper()
    assert control.frameworks
    assert all(m.strength in ("supporting", "weak") and m.source for m in control.frameworks)
    assert len({(m.framework, m.id) for m in control.frameworks}) == len(control.frameworks)
    for text in (control.rationale, control.remediation, control.undecidable_when):
        assert text.endswith(".")
    assert control.where is TRUE or control.where_text


@each
def test_what_it_refers_to_exists(control: Control) -> None:
    """Texts name other controls by their ids."""
    ids = {c.id for c in CONTROLS}
    named = re.findall(r"\b(?:no-[a-z]+-[a-z0-9-]+|[a-z-]+-seen)\b", control.rationale + control.remediation)
    assert set(named) <= ids


@each
def test_the_asset_has_the_traps(control: Control) -> None:
    """Of what comes from or goes to the internet: a reply, IPv6, a private peer, and something that cannot be decided."""
    rows = load(POLICIES / "assets" / f"{control.id}.yaml").data
    assert rows["inconclusive"]
    tested = required(control)
    internet = any(t.column == "remote_address" and t.op == "in" and "internet" in t.value for t in tested)
    if not internet or control.having is not None:
        return
    address = [str(r.get("remote_address", "")) for r in rows["fail"]]
    assert any(":" in a for a in address), "IPv6 breaks it too"
    peers = [str(r.get("remote_address", "")) for r in rows["pass"]]
    assert any(a.startswith(("10.", "fd", "fe80")) for a in peers), "a private peer is fine"
    directions = [t for t in tested if t.column == "initiator"]
    for test in directions:
        other = "local" if test.value == ("remote",) else "remote"
        assert any(r.get("initiator") == other and r["action"] == "ACCEPT" for r in rows["pass"]), "a reply is fine"
    if any(CORPORATE in t.value for t in asked(control, "remote_address")):
        assert CORPORATE in rows["networks"]


def test_every_port_of_high_risk_is_judged_by_name() -> None:
    """AWS's own list, port by port, from the internet."""
    judged = {
        port
        for c in TRAFFIC
        if from_internet(c) or c.id == "no-cleartext-ftp"
        for t in asked(c, "local_port")
        if t.op == "in"
        for item in t.value
        for port in (range(item[0], item[1] + 1) if isinstance(item, tuple) else (item,))
    }
    assert judged >= EC2_19


def test_no_door_is_judged_twice_over_tcp() -> None:
    """One port, one control: two would be two findings about one thing."""
    owner: dict[int, str] = {}
    for c in TRAFFIC:
        protocols = {p for t in asked(c, "protocol") for p in t.value}
        shape = [t.column for t in required(c) if t.column not in ("subject_type", "protocol")]
        if not from_internet(c) or 6 not in protocols or sorted(shape) != sorted(DOOR):
            continue
        for t in asked(c, "local_port"):
            for item in t.value if t.op == "in" else ():
                for port in range(item[0], item[1] + 1) if isinstance(item, tuple) else (item,):
                    assert owner.setdefault(port, c.id) == c.id, port
    assert len(set(owner.values())) >= 20


DOOR = ("action", "initiator", "local_port", "remote_address", "remote_address")
