"""Whatever AWS refuses, no verdict differs from the truth but towards unknown: the whole way from answers to verdicts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import snapshot
from auditkit.audit import Collector, Inputs, assess, load_inputs
from auditkit.config.schema import load_config
from auditkit.example import write
from auditkit.model.condition import COVERAGE_STATES
from auditkit.model.inventory import Call
from auditkit.run import Run
from tests.oracles.effort import bounded

REGION = "eu-west-1"
DAY = "2026-09-28"
NOW = datetime(2026, 10, 2, tzinfo=UTC)
REFUSALS = ("AccessDenied", "UnauthorizedOperation", "RequestLimitExceeded", "InternalError", "ReadTimeoutError")

Question = tuple[str, str, str, str, str]
"""service, operation, account, region, resource."""


@dataclass(repr=False)
class World:
    """Two accounts of the example in one region, with a few hours of their logs."""

    folder: Path
    meta: dict[str, Any]
    calls: list[Call]
    inputs: Inputs

    @property
    def questions(self) -> list[Question]:
        """Everything that can be refused: all but who asks and what the scope is."""
        known = {question(c) for c in self.calls}
        return sorted(q for q in known if q[1] not in ("GetCallerIdentity", "DescribeRegions", "AssumeRole"))

    def audit(self, refused: Iterable[Question], how: str, *, after: int = 0, absent: bool = False) -> Verdicts:
        """Audit what is left when some questions were refused.

        Args:
            refused: the questions.
            how: the error's code.
            after: pages that were answered before the refusal.
            absent: the question is not in the snapshot at all.
        """
        unheard = set(refused)
        kept = [c for c in self.calls if question(c) not in unheard or (c.page <= after and not absent)]
        if not absent:
            pages = {q: min(after, sum(question(c) == q for c in self.calls)) for q in unheard}
            samples = {question(c): c for c in self.calls}
            kept += [
                replace(samples[q], page=pages[q] + 1, answer=None, error={"code": how, "message": "not you"})
                for q in sorted(unheard)
            ]
            kept = [_followed(c) if question(c) in unheard and c.error is None else c for c in kept]
        shutil.rmtree(self.folder / "snapshot", ignore_errors=True)
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        snapshot.write(self.folder / "snapshot", self.meta, kept)
        run, inputs = Run(self.folder / "run"), self.inputs
        Collector(run, inputs, now=lambda: NOW).collect()
        assessment = assess(run, inputs)
        return Verdicts(
            {(c.id, r.account_id, r.region): r.status for c in assessment.controls for r in c.results},
            {name: run.rows(name) for name in ("coverage", "destinations", "delivery", "flow_logs")},
            {(u["call"], u["account_id"], u["region"]) for u in assessment.unread},
        )


@dataclass(repr=False)
class Verdicts:
    """What an audit concluded."""

    statuses: dict[tuple[str, str, str], str]
    tables: dict[str, list[dict[str, Any]]]
    unread: set[tuple[str, str, str]]


def question(call: Call) -> Question:
    """What a page is an answer to."""
    return call.service, call.operation, call.account_id, call.region, call.resource


def _followed(call: Call) -> Call:
    """A page that says that another follows."""
    return replace(call, answer={**(call.answer or {}), "NextToken": "more"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The example's payments and network accounts, in the first region, until two in the morning."""
    folder = tmp_path_factory.mktemp("refused")
    write(folder / "example")
    meta = snapshot.read_meta(folder / "example" / "snapshot")
    calls = list(snapshot.read_calls(folder / "example" / "snapshot"))
    accounts = _accounts(calls)
    scope = meta["scope"] | {"accounts": accounts, "regions": {a: [REGION] for a in accounts}, "excluded": []}
    there = [c for c in calls if (c.account_id in accounts and c.region in (REGION, "global")) or c.service in ("organizations", "s3", "s3control", "kms", "iam", "firehose")]  # fmt: skip
    for path in sorted((folder / "example" / "logs").rglob(f"*_{REGION}_*.log.gz")):
        token = path.name.split("_")
        if token[0] in accounts and token[4].startswith(DAY.replace("-", "")) and token[4][9:11] < "02":
            to = folder / "logs" / path.relative_to(folder / "example" / "logs")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
    text = (folder / "example" / "auditkit.yaml").read_text()
    (folder / "waivers.yaml").write_text("waivers: []\n")
    text = text.replace("{start: 2026-09-28, end: 2026-10-01}", f"{DAY}")
    head, _, tail = text.partition("  exclude:")
    (folder / "auditkit.yaml").write_text(head + tail[tail.index("\n# Which regions") :])
    shutil.rmtree(folder / "example")
    inputs = load_inputs(load_config(folder / "auditkit.yaml"))
    return World(folder, {k: v for k, v in meta.items() if k != "schema"} | {"scope": scope}, there, inputs)


def _accounts(calls: Iterable[Call]) -> list[str]:
    """The two accounts with the most flow logs: one shares a VPC with the other."""
    count: dict[str, int] = {}
    for call in calls:
        if call.operation == "DescribeFlowLogs" and call.region == REGION and call.answer:
            count[call.account_id] = count.get(call.account_id, 0) + len(call.answer["FlowLogs"])
    return sorted(sorted(count, key=lambda a: (-count[a], a))[:2])


@pytest.fixture(scope="module")
def truth(world: World) -> Verdicts:
    """What an audit concludes that was refused nothing."""
    return world.audit((), "")


def check(truth: Verdicts, got: Verdicts) -> None:
    """Nothing but towards unknown."""
    for place, status in got.statuses.items():
        allowed = {truth.statuses.get(place, "inconclusive"), "inconclusive"}
        if allowed == {"not_applicable", "inconclusive"}:
            # A destination's row stands with the first account whose flow logs use it, as far as these were read.
            allowed.add("pass")
        assert status in allowed, (place, status)
    # A bucket's row stands with its owner only where the owner is proven: places may go, no control may.
    assert {control for control, _, _ in truth.statuses} == {control for control, _, _ in got.statuses}
    _no_other_rows(truth, got)


def _no_other_rows(truth: Verdicts, got: Verdicts) -> None:
    was = {(r["resource_type"], r["resource_id"], r["account_id"]): r for r in truth.tables["coverage"]}
    for row in got.tables["coverage"]:
        true = was[row["resource_type"], row["resource_id"], row["account_id"]]
        assert row["state"] in (true["state"], "unknown"), row
        assert COVERAGE_STATES.index(row["at_least"]) <= max(_rank(true["at_least"]), _rank(true["state"])), row
        if row["period_state"] == "whole":
            assert true["period_state"] == "whole", row
    for name, key, free in (
        ("destinations", ("log_destination",), ("account_id", "region", "flow_log_ids", "refused_accounts", "ends_in", "last_arrival")),
        ("flow_logs", ("flow_log_id",), ("delivers_reason", "last_arrival")),
    ):  # fmt: skip
        known = {tuple(r[k] for k in key): r for r in truth.tables[name]}
        for row in got.tables[name]:
            true = known[tuple(row[k] for k in key)]
            wrong = {c: (v, true[c]) for c, v in row.items() if c not in free and v is not None and v != true[c]}
            assert not wrong, (name, row[key[0]], wrong)
    days = {(r["flow_log_id"], r["day"]): r["state"] for r in truth.tables["delivery"]}
    for row in got.tables["delivery"]:
        assert row["state"] in (days.get((row["flow_log_id"], row["day"]), "unknown"), "unknown"), row


def _rank(state: str) -> int:
    return COVERAGE_STATES.index(state) if state in COVERAGE_STATES else -1


@given(
    numbers=st.lists(st.integers(0, 999), min_size=1, max_size=12),
    how=st.sampled_from(REFUSALS),
    after=st.integers(0, 1),
    absent=st.booleans(),
)
@bounded(8)
def test_any_set_of_refused_calls_only_takes_certainty_away(
    world: World, truth: Verdicts, numbers: list[int], how: str, after: int, *, absent: bool
) -> None:
    """A random set of questions, refused at their first or second page, or not in the snapshot at all."""
    questions = world.questions
    got = world.audit({questions[n % len(questions)] for n in numbers}, how, after=after, absent=absent)
    check(truth, got)


OPERATIONS = (
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeNetworkInterfaces",
    "DescribeTransitGateways",
    "DescribeTransitGatewayAttachments",
    "DescribeNatGateways",
    "DescribeFlowLogs",
    "DescribeSecurityGroups",
    "DescribeLogGroups",
    "HeadBucket",
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_refused_everywhere_only_takes_certainty_away(
    world: World, truth: Verdicts, operation: str
) -> None:
    """As an SCP or a role's policy does it: one action, denied in every account; it stands among what was not read."""
    refused = [q for q in world.questions if q[1] == operation]
    assert refused
    got = world.audit(refused, "AccessDenied")
    check(truth, got)
    assert {q[1] for q in refused} == {operation}
    assert any(call.endswith(f":{operation}") for call, _, _ in got.unread)


NOT_NEEDED = (
    "DescribeRouteTables",
    "DescribeNetworkAcls",
    "DescribeManagedPrefixLists",
    "DescribeVpcEndpoints",
    "DescribeVpcPeeringConnections",
    "DescribeVpcEncryptionControls",
)


def test_what_no_control_rests_on_changes_no_verdict(world: World, truth: Verdicts) -> None:
    """Routes, ACLs and the like explain; their refusal is told, and no control becomes inconclusive by it."""
    refused = [q for q in world.questions if q[1] in NOT_NEEDED]
    got = world.audit(refused, "AccessDenied")
    assert got.statuses == truth.statuses
