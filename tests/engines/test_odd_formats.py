"""Formats that lack what tells connections apart, or that carry addresses nowhere else: nothing is decided by it."""

from __future__ import annotations

from typing import Any

from auditkit.config.conditions import Parser
from auditkit.evaluate import evaluate
from auditkit.model.addresses import Networks
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from tests.oracles.harness import NOON, V5, control, flow_log, line, objects, see

ME, PEER, OTHER = "10.0.0.5", "203.0.113.9", "198.51.100.7"


def seen(header: str, *lines: Any) -> Any:
    return see(objects(*lines, header=header), logs=(flow_log(fields=header),))


def test_connections_whose_ports_are_not_known_tell_nothing_of_each_other():
    """What one of them began does not make the other a reply."""
    header = V5.replace(" srcport dstport", "")
    found = seen(header, line(f"{ME}:50000", f"{PEER}:443", 2), line(f"{PEER}:51000", f"{ME}:22", 0, at=NOON + 600))
    assert [(r["initiator"], r["initiator_basis"]) for r in found.records] == [("local", "flags"), (None, "none")]
    asked = control({"action": "ACCEPT", "protocol": "tcp", "initiator": "remote", "remote_address": "internet"})
    assert found.verdicts(asked) == [False, None]


def test_connections_whose_addresses_are_not_known_tell_nothing_of_each_other():
    header = V5.replace(" srcaddr dstaddr", "").replace(" pkt-srcaddr pkt-dstaddr", "")
    first = line(f"{ME}:443", f"{PEER}:50000", 2, flow_direction="egress")
    second = line(f"{OTHER}:50000", f"{ME}:443", 0, at=NOON + 600, flow_direction="ingress")
    assert [r["initiator"] for r in seen(header, first, second).records] == ["local", None]


def test_packet_addresses_alone_tell_the_other_side():
    header = "version account-id interface-id pkt-srcaddr pkt-dstaddr srcport dstport protocol packets bytes start end action tcp-flags flow-direction log-status"
    [row] = seen(header, line(f"{PEER}:51000", f"{ME}:22", 2, flow_direction="ingress")).records
    assert (row["remote_address"], row["initiator"], row["local_address"]) == (PEER, "remote", None)


def test_flags_tell_who_began_whatever_other_formats_have():
    """Only TCP has flags, so a format without the protocol says it all the same, alone or beside others: nothing."""
    header = V5.replace(" protocol", "")
    alone = seen(header, line(f"{PEER}:51000", f"{ME}:22", 2)).records[0]
    both = see(
        objects(line(f"{PEER}:51000", f"{ME}:22", 2), header=header),
        objects(line(f"{PEER}:51000", f"{ME}:80", 2)),
        logs=(flow_log(fields=header),),
    ).records[0]
    assert alone["initiator"] == both["initiator"]


def test_counts_are_asked_again_where_a_network_means_something_else():
    """The name of a network stays, what it holds does not."""
    found = seen(V5, line(f"{PEER}:51000", f"{ME}:22", 2))
    table = TABLES["flow_records"]

    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    parser = Parser({c.name: c for c in table.columns}, ("x",), refuse)
    where, fails = parser.condition({"remote_address": "x"}, ()), parser.condition({"action": "ACCEPT"}, ())
    one = Control("t", "t", "high", "flow_records", fails, where=where, group_by=table.group_by)
    vpcs = {"vpc-1": ("10.0.0.0/16",)}
    for inside in (True, False, True):
        networks = Networks.of_run({"x": [f"{PEER if inside else OTHER}/32"]}, vpcs)
        outcome = evaluate(one, found.engine, networks)
        assert sum(cell.examined for cell in outcome.cells.values()) == inside
        assert len(outcome.groups) == inside
