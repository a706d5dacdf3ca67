"""Listings that were refused, and resources that were not there in the period: neither may turn silence into a pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auditkit.audit.verdicts import Scope, result
from auditkit.config.conditions import Parser
from auditkit.engines.duckdb import DuckDB, arrow_table, of_rows
from auditkit.evaluate import Cell, Outcome, evaluate
from auditkit.model.addresses import Networks
from auditkit.model.control import Control
from auditkit.model.inventory import Account, Inventory, Unread, Vpc
from auditkit.model.schema import TABLES

HERE, OTHER, REGION = "111122223333", "222233334444", "eu-central-1"
ATTACHMENTS, GATEWAYS = "transit_gateway_attachments", "nat_gateways"


def control(fail_where: dict[str, Any], where: dict[str, Any] | None = None, table: str = "flow_records") -> Control:
    """A control, as a policy file would give it."""

    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    parser = Parser({c.name: c for c in TABLES[table].columns}, (), refuse)
    tree = parser.condition(fail_where, ())
    about = {"where": parser.condition(where, ())} if where else {}
    return Control("test", "test", "high", table, tree, group_by=TABLES[table].group_by, **about)


def estate(*refused: str, by: str = HERE, **more: Any) -> Inventory:
    """Two accounts with one region each, of which some listings were refused."""
    accounts = tuple(Account(account_id=a, name=a, status="in_scope", account_tags={}) for a in (HERE, OTHER))
    unread = tuple(
        Unread(account_id=by, region=REGION, table=table, call=f"ec2:Describe {table}", error="denied")
        for table in refused
    )
    as_of = datetime(2026, 8, 1, tzinfo=UTC)
    return Inventory(as_of=as_of, accounts=accounts, regions={HERE: (REGION,), OTHER: (REGION,)}, unread=unread, **more)


def everywhere(*_: str) -> bool:
    """Nothing is narrowed away."""
    return True


def status(one: Control, scope: Scope, *, examined: int = 5, account: str = HERE) -> str:
    """The verdict on an account whose rows are all fine."""
    outcome = Outcome(one, {(HERE, REGION): Cell(examined, examined), (OTHER, REGION): Cell(1, 1)}, ())
    if not examined:
        outcome = Outcome(one, {}, ())
    return {r.account_id: r.status for r in result(one, outcome, [], scope, "all").results}[account]


# -- transit gateway attachments and NAT gateways ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "touched"),
    [
        (control({"bytes": {"gt": "1"}}), {ATTACHMENTS, GATEWAYS}),
        (control({"action": "ACCEPT"}), {GATEWAYS}),
        (control({"local_port": "22", "initiator": "remote"}), {GATEWAYS}),
        (control({"bytes": {"gt": "1"}}, {"vpc_id": "vpc-1"}), {ATTACHMENTS, GATEWAYS}),
        (control({"bytes": {"gt": "1"}}, {"vpc_tags": {"scope": "pci"}}), {ATTACHMENTS, GATEWAYS}),
        (control({"bytes": {"gt": "1"}}, {"resource_type": "network-interface"}), set()),
        (control({"bytes": {"gt": "1"}}, {"resource_type": "nat-gateway"}), {GATEWAYS}),
        (control({"observed": "none"}, table="interface_days"), {ATTACHMENTS, GATEWAYS}),
        (control({"observed": "none"}, {"vpc_id": "vpc-1"}, "interface_days"), {ATTACHMENTS, GATEWAYS}),
        (control({"observed": "none"}, {"resource_type": "network-interface"}, "interface_days"), set()),
    ],
    ids=[
        "bytes", "action", "initiator", "vpc", "vpc-tags", "interfaces-only", "nat-only", "days", "days-of-vpc", "days-of-interfaces",
    ],
)  # fmt: skip
@pytest.mark.parametrize("refused", [ATTACHMENTS, GATEWAYS])
def test_an_unread_listing_leaves_open_what_could_be_about_it(one: Control, touched: set[str], refused: str) -> None:
    """And nothing else: a transit gateway has no sides and no actions, but its attachments belong to VPCs."""
    scope = Scope(estate(refused), everywhere)
    assert status(one, scope) == ("inconclusive" if refused in touched else "pass")
    assert status(one, scope, account=OTHER) == "pass"


def test_an_unread_listing_is_named() -> None:
    scope = Scope(estate(GATEWAYS), everywhere)
    assert scope.unread(control({"action": "ACCEPT"}), HERE, REGION) == [
        f"ec2:Describe {GATEWAYS} was not read: denied"
    ]


def attachment_day() -> DuckDB:
    """An engine with one attachment that was there for a day and never spoke."""
    day = {
        "interface_id": "tgw-attach-1", "day": datetime(2026, 7, 10, tzinfo=UTC), "account_id": HERE, "region": REGION, "resource_type": "transit-gateway-attachment",
        "vpc_id": "vpc-1", "subnet_id": "-", "observed": "none", "reason": "no record of it was found", "vpc_tags": {"scope": "pci"},
    }  # fmt: skip
    engine = of_rows(TABLES["flow_records"], [])
    engine.add("interface_days", arrow_table(TABLES["interface_days"].columns, [day]))
    return engine


@pytest.mark.parametrize(
    ("one", "open_days"),
    [
        (control({"bytes": {"gt": "1"}}), 1),
        (control({"bytes": {"gt": "1"}}, {"vpc_id": "vpc-1"}), 1),
        (control({"bytes": {"gt": "1"}}, {"vpc_id": "vpc-2"}), 0),
        (control({"bytes": {"gt": "1"}}, {"vpc_tags": {"scope": "pci"}}), 1),
        (control({"local_port": "22"}), 0),
        (control({"action": "ACCEPT"}), 0),
    ],
    ids=["any", "its-vpc", "another-vpc", "its-tags", "no-ports", "no-actions"],
)
def test_an_attachment_that_never_spoke_is_not_observed(one: Control, open_days: int) -> None:
    """For every control that a transit gateway's record could break, those about the VPC attached among them."""
    cells = evaluate(one, attachment_day(), Networks.of_run({}, {})).cells
    assert sum(cell.unobserved.total() for cell in cells.values()) == open_days


# -- the neighbours in a shared VPC ------------------------------------------------------------------------------------


def shared(region: str = REGION) -> tuple[Vpc, ...]:
    """A VPC of the account that another account uses."""
    vpc = Vpc(
        vpc_id="vpc-1", vpc_arn="", account_id=HERE, region=region, cidr_blocks=(), vpc_tags={}, seen_from=(HERE, OTHER)
    )
    return (vpc,)


PEER = control({"remote_address": {"in": ["203.0.113.0/24"]}, "action": "ACCEPT"})


def test_unread_interfaces_of_a_neighbour_leave_open_who_a_peer_is() -> None:
    """Its NAT gateway or load balancer may stand in the same VPC, and hide the peers behind it."""
    scope = Scope(estate("network_interfaces", by=OTHER, vpcs=shared()), everywhere)
    assert status(PEER, scope) == "inconclusive"
    assert "shares a VPC" in scope.unread(PEER, HERE, REGION)[0]
    assert status(control({"action": "ACCEPT"}), scope) == "pass"


def test_an_account_that_shares_nothing_here_is_no_neighbour() -> None:
    refused = estate("network_interfaces", by=OTHER)
    alone = tuple(replace(v, seen_from=(HERE,)) for v in shared())
    for vpcs in ((), shared("eu-west-1"), alone):
        assert status(PEER, Scope(replace(refused, vpcs=vpcs), everywhere)) == "pass"


# -- what is there today -----------------------------------------------------------------------------------------------


def unit(**more: Any) -> dict[str, Any]:
    """An interface that is there today, as `population.units` gives it."""
    return {
        "unit": "eni-1", "resource_type": "network-interface", "account_id": HERE, "region": REGION, "vpc_id": "vpc-1", "subnet_id": "subnet-1", "instance_id": "i-1",
        "service": "ec2", "subject": "i-1", "subject_type": "instance", "baseline": "default", "silent": "", "attached": 1_785_000_000, "in_use": True,
        "vpc_tags": {"scope": "pci"}, "subnet_tags": {}, "interface_tags": {}, "account_tags": {}, **more,
    }  # fmt: skip


SSH = control({"local_port": "22", "action": "ACCEPT"}, {"vpc_tags": {"scope": "pci"}})


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([unit()], "inconclusive"),
        ([], "not_applicable"),
        ([unit(in_use=False)], "not_applicable"),
        ([unit(vpc_tags={"scope": "dev"})], "not_applicable"),
        ([unit(vpc_tags=None)], "inconclusive"),
        ([unit(account_id=OTHER)], "not_applicable"),
        ([unit(region="eu-west-1")], "not_applicable"),
        ([unit(resource_type="transit-gateway-attachment", unit="tgw-attach-1")], "not_applicable"),
        ([unit(resource_type="nat-gateway", unit="nat-1")], "inconclusive"),
    ],
    ids=[
        "in-use",
        "none",
        "unattached",
        "other-tags",
        "unknown-tags",
        "other-account",
        "other-region",
        "transit",
        "nat",
    ],
)
def test_what_was_not_yet_in_use_proves_nothing_of_the_period(units: list[dict[str, Any]], expected: str) -> None:
    """All interfaces were attached after the period and no record tells of earlier ones: that is not "nothing there"."""
    assert status(SSH, Scope(estate(), everywhere, units), examined=0) == expected


def test_days_of_what_was_not_yet_in_use_prove_nothing_either() -> None:
    """On interface_days as on flow records, and on no other table."""
    scope = Scope(estate(), everywhere, [unit()])
    assert status(control({"observed": "none"}, table="interface_days"), scope, examined=0) == "inconclusive"
    assert status(control({"is_default": "true"}, table="vpcs"), scope, examined=0) == "not_applicable"
