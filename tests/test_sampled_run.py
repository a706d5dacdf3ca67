"""A run that reads a sample: the plan comes first and stays, what it draws is read whole, and a pass says no more than it may."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditkit.audit import drawing
from auditkit.cli import run as command
from auditkit.dumps.commands import COMMANDS, REGION
from auditkit.run import Run
from auditkit.sampling import needed

A, HERE = "222233334444", "eu-west-1"
START, DAYS, VPCS, EACH = datetime(2026, 9, 21, tzinfo=UTC), 2, 6, 4
N, PART = DAYS * VPCS * EACH, DAYS * 2 * EACH
CONFIDENCE, RATE = 0.9, 0.2
EVERY = timedelta(minutes=15)
HEADER = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags flow-direction"
DOCS = Path(__file__).parent.parent / "docs" / "sampling.md"
POLICY = """
controls:
  - {id: rate, title: no telnet, severity: high, table: flow_records, fail_where: {action: ACCEPT, local_port: 23, initiator: remote}, rationale: r, remediation: r, undecidable_when: r}
  - {id: zero, title: no ssh, severity: high, table: flow_records, fail_where: {action: ACCEPT, local_port: 22, initiator: remote}, tolerance: zero, rationale: r, remediation: r, undecidable_when: r}
  - {id: large, title: not much, severity: high, table: flow_records, fail_where: {local_port: 443}, having: {bytes: {gt: 1GiB}, per: 1d}, rationale: r, remediation: r, undecidable_when: r}
  - {id: some, title: in one part, severity: high, table: flow_records, where: {vpc_tags: {part: one}}, fail_where: {local_port: 3389}, rationale: r, remediation: r, undecidable_when: r}
  - {id: days, title: nothing was skipped, severity: high, table: interface_days, fail_where: {minutes_skipdata: {gt: 0}}, rationale: r, remediation: r, undecidable_when: r}
"""


def vpc(n: int) -> str:
    return f"vpc-{n:017x}"


def eni(n: int, k: int) -> str:
    return f"eni-{n:08x}{k:09x}"


def log(n: int) -> str:
    return f"fl-{n:017x}"


def put(root: Path, word: str, what: Any) -> None:
    path = root / "answers" / A / HERE / f"{word}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(what), encoding="utf-8")


def answers(root: Path) -> None:
    """One account and region: six VPCs with a flow log and four interfaces each."""
    for one in COMMANDS:
        if one.place == REGION and one.service == "ec2":
            put(root, one.word, {one.key: []})
    put(
        root,
        "describe-vpc-block-public-access-options",
        {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}},
    )
    put(root, "describe-vpcs", {"Vpcs": [
        {"VpcId": vpc(n), "OwnerId": A, "CidrBlock": f"10.{n}.0.0/16", "Tags": [{"Key": "part", "Value": "one" if n < 2 else "two"}]} for n in range(VPCS)
    ]})  # fmt: skip
    put(
        root,
        "describe-subnets",
        {
            "Subnets": [
                {"SubnetId": f"subnet-{n:017x}", "VpcId": vpc(n), "OwnerId": A, "CidrBlock": f"10.{n}.0.0/24"}
                for n in range(VPCS)
            ]
        },
    )
    put(root, "describe-flow-logs", {"FlowLogs": [
        {"FlowLogId": log(n), "ResourceId": vpc(n), "FlowLogStatus": "ACTIVE", "TrafficType": "ALL", "DeliverLogsStatus": "SUCCESS", "CreationTime": "2026-01-01T00:00:00Z",
         "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b", "MaxAggregationInterval": 600, "LogFormat": " ".join(f"${{{f}}}" for f in HEADER.split())} for n in range(VPCS)
    ]})  # fmt: skip
    put(root, "describe-network-interfaces", {"NetworkInterfaces": [
        {"NetworkInterfaceId": eni(n, k), "VpcId": vpc(n), "SubnetId": f"subnet-{n:017x}", "OwnerId": A, "Status": "in-use", "InterfaceType": "interface", "PrivateIpAddress": f"10.{n}.0.{10 + k}",
         "PrivateIpAddresses": [{"PrivateIpAddress": f"10.{n}.0.{10 + k}", "Primary": True}], "Groups": [], "TagSet": [],
         "Attachment": {"AttachTime": "2026-01-01T00:00:00Z", "Status": "attached", "InstanceId": f"i-{n:08x}{k:09x}"}} for n in range(VPCS) for k in range(EACH)
    ]})  # fmt: skip
    (root / "answers" / "about.json").write_text('{"as_of": "2026-09-24T00:00:00Z"}')


def line(n: int, k: int, at: datetime, port: int = 443, action: str = "ACCEPT") -> str:
    start = int(at.timestamp())
    return f"2 {A} {eni(n, k)} 203.0.113.9 10.{n}.0.{10 + k} 51000 {port} 6 3 180 {start} {start + 59} {action} OK 2 ingress"


def objects(root: Path, extra: dict[tuple[int, int], list[str]]) -> None:
    """Every fifteen minutes an object of each flow log, with a record of each interface; `extra` at noon of VPC and day."""
    for n in range(VPCS):
        for step in range(int(timedelta(days=DAYS) / EVERY)):
            at = START + step * EVERY
            lines = [line(n, k, at) for k in range(EACH)]
            if at.hour == 12 and at.minute == 0:
                lines += extra.get((n, (at - START).days), [])
            name = f"{A}_vpcflowlogs_{HERE}_{log(n)}_{at:%Y%m%dT%H%MZ}_{n:04x}{step:04x}.log.gz"
            path = root / "logs" / "AWSLogs" / A / "vpcflowlogs" / HERE / f"{at:%Y/%m/%d}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress("\n".join([HEADER, *lines, ""]).encode(), 1, mtime=0))


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing is wrong with it but for one telnet record, one SKIPDATA and one interface that is gone."""
    root = tmp_path_factory.mktemp("sampled")
    answers(root)
    noon = START + timedelta(hours=12)
    skipped = f"2 {A} {eni(4, 1)} - - - - - - - {int((noon).timestamp())} {int((noon + timedelta(minutes=1)).timestamp())} - SKIPDATA - -"
    objects(
        root,
        {
            (3, 1): [line(3, 0, noon + timedelta(days=1), 23)],
            (4, 0): [skipped],
            (2, 1): [line(2, 9, noon + timedelta(days=1))],
        },
    )
    (root / "policy").mkdir()
    (root / "policy" / "p.yaml").write_text(POLICY)
    return root


Go = Callable[..., Run]


def configured(
    root: Path, folder: Path, mode: str = "random", seed: int = 1, numbers: tuple[float, float] = (CONFIDENCE, RATE)
) -> Path:
    path = folder / f"{mode}-{seed}.yaml"
    sample = f"{{seed: {seed}, confidence: {numbers[0]}, tolerable_rate: {numbers[1]}}}"
    path.write_text(
        f"snapshot: {root}/answers\nperiod: {{start: 2026-09-21, end: 2026-09-23}}\npolicies: [{root}/policy]\n"
        f"records: {{local: [{root}/logs], mode: {mode}, sample: {sample}}}\n"
    )
    return path


def audited(config: Path, out: Path, *flags: str) -> Run:
    assert command(["audit", "-c", str(config), "-o", str(out), "-f", "json", "-q", *flags]) in (0, 1, 3)
    return Run(out)


@pytest.fixture(scope="module")
def whole(estate: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All of it read."""
    folder = tmp_path_factory.mktemp("whole")
    return audited(configured(estate, folder, "all"), folder / "run")


@pytest.fixture(scope="module")
def sampled(estate: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A sample read."""
    folder = tmp_path_factory.mktemp("one")
    return audited(configured(estate, folder), folder / "run")


def results(run: Run) -> dict[str, Any]:
    return {c.id: c.results[0] for c in run.assessment().controls}


def test_all_of_it_read_is_the_truth(whole: Run) -> None:
    found = results(whole)
    assert {name: r.status for name, r in found.items()} == {
        "rate": "fail",
        "zero": "inconclusive",
        "large": "inconclusive",
        "some": "pass",
        "days": "fail",
    }
    assert whole.assessment().sampling is None
    assert all(r.basis == "all" and r.sample is None for r in found.values())


def test_a_sample_says_no_more_than_it_may(sampled: Run) -> None:
    facts = sampled.assessment().sampling
    assert facts is not None
    assert (facts["population"], facts["seed"], facts["confidence"], facts["tolerable_rate"]) == (
        N,
        1,
        CONFIDENCE,
        RATE,
    )
    (stratum,) = facts["strata"]
    assert (stratum["account_id"], stratum["region"], stratum["sampled"]) == (A, HERE, needed(N, CONFIDENCE, RATE))
    assert stratum["parts"] == [{"controls": ["some"], "population": PART, "sampled": needed(PART, CONFIDENCE, RATE)}]
    found = results(sampled)
    assert found["zero"].status == "inconclusive"
    assert "tolerance: zero" in found["zero"].reasons[-1]
    assert found["large"].status == "inconclusive"
    assert "a sample can only fail" in found["large"].reasons[-1]
    for name in ("zero", "large"):
        assert found[name].basis == "sample"
    some = found["some"].sample
    assert (some["population"], some["sampled"]) == (PART, needed(PART, CONFIDENCE, RATE))
    days = sampled.assessment().population["interface_days"]
    assert days["sampled_out"] == facts["not_drawn"]
    assert facts["not_drawn"] - (N - facts["drawn"]) in (
        0,
        1,
    )  # whether a record of the interface that is gone was read
    objects = sampled.assessment().population["log_objects"]
    assert 0 < objects["not_read"] < objects["in_scope"] == VPCS * DAYS * 96


@pytest.mark.parametrize("seed", [2, 3])
def test_a_pass_is_true_at_the_rate_stated(estate: Path, whole: Run, tmp_path: Path, seed: int) -> None:
    """Every interface-day that deviates is known: there are never more of them than the limit says."""
    run = audited(configured(estate, tmp_path, seed=seed), tmp_path / "run")
    truth, found = results(whole), results(run)
    true = {"rate": 2, "zero": 1, "large": 1, "some": 0, "days": 1}
    for name, r in found.items():
        if truth[name].status == "pass" or r.status != "pass":
            continue
        assert r.basis == "sample"
        assert r.sample["deviations"] == 0
        assert true[name] <= r.sample["limit"] <= RATE * r.sample["population"]
        assert r.reasons[-1].startswith(
            f"no deviation in {r.sample['sampled']} of {r.sample['population']} interface-days: at most "
        )
        assert r.reasons[-1].endswith("at 90 %, one-sided")
    assert found["zero"].status == found["large"].status == "inconclusive"
    assert found["some"].status == "pass"
    drawn = {(r["unit"], r["day"]) for r in pq.read_table(run.path / "records" / "sample.parquet").to_pylist()}
    everywhere = {(r["interface_id"], f"{r['day']:%Y-%m-%d}"): r for r in whole.rows("interface_days")}
    for row in run.rows("interface_days"):
        key = (row["interface_id"], f"{row['day']:%Y-%m-%d}")
        if key in drawn:  # as if everything had been read
            assert row == everywhere[key]
        elif row["interface_id"] != eni(2, 9):
            assert row["observed"] == "sampled_out"
    if (eni(3, 0), "2026-09-22") in drawn:
        assert found["rate"].status == "fail"


def test_the_draw_can_be_made_again_by_hand(sampled: Run) -> None:
    """As docs/sampling.md shows it."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"RUN": str(sampled.path)}
    exec(code, names)  # the snippet of the page
    assert names["drawn"] == names["redone"]
    assert len(names["redone"]) == needed(N, CONFIDENCE, RATE)


def test_a_plan_once_written_stays(
    estate: Path, sampled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """Killed before a record was read: it goes on with its plan, and ends with the same bytes as one that was not."""
    config = configured(estate, tmp_path)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("auditkit.audit.collect.Fetching.rows", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            raise SystemExit(command(["collect", "-c", str(config), "-o", str(tmp_path / "run"), "-q"]))
    run = Run(tmp_path / "run")
    plan = run.state["sampling"]
    path = run.path / "records" / "sample.parquet"
    assert plan["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not list((run.path / "records" / "kept").rglob("*.gz"))
    with monkeypatch.context() as patched:
        patched.setattr(drawing, "plan", killed)
        audited(config, run.path)
    assert run.state["sampling"] == plan
    for name in ("assessment.json", "records/sample.parquet", "records/index.parquet", "tables/interface_days.parquet"):
        assert (sampled.path / name).read_bytes() == (run.path / name).read_bytes(), name
    other = configured(estate, tmp_path, seed=9)
    assert command(["collect", "-c", str(other), "-o", str(run.path), "-q"]) == 2
    assert "was begun with another auditkit.yaml" in capsys.readouterr().err


def test_a_draw_that_was_changed_is_refused(estate: Path, sampled: Run, tmp_path: Path, capsys) -> None:
    import shutil

    shutil.copytree(sampled.path, tmp_path / "run")
    path = tmp_path / "run" / "records" / "sample.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert command(["assess", str(tmp_path / "run"), "-q"]) == 2
    assert "is not the sample that run.json tells of" in capsys.readouterr().err


def test_missing_objects_of_what_was_drawn_deviate(estate: Path, sampled: Run, tmp_path: Path) -> None:
    """Half a day of a drawn interface-day's flow log is gone: in words, and in the limit."""
    import shutil

    root = tmp_path / "estate"
    shutil.copytree(estate, root)
    unit, day = next(
        (r["unit"], r["day"])
        for r in pq.read_table(sampled.path / "records" / "sample.parquet").to_pylist()
        if r["unit"] < eni(2, 0)
    )
    n = int(unit[4:12], 16)
    for path in (root / "logs").rglob(f"*_{log(n)}_{day.replace('-', '')}T1*"):
        path.unlink()
    run = audited(configured(root, tmp_path), tmp_path / "run")
    found = results(run)["some"]
    assert found.status == "inconclusive"
    assert found.sample["deviations"] >= 1
    assert "log objects of it are missing" in found.reasons[-1]
    assert found.sample["limit_rate"] > RATE


def test_a_plan_says_what_would_be_drawn(estate: Path, sampled: Run, tmp_path: Path, capsys) -> None:
    config = configured(estate, tmp_path)
    assert command(["collect", "--plan", "-c", str(config), "-o", str(tmp_path / "run"), "-q"]) == 0
    said = capsys.readouterr().out
    facts = sampled.assessment().sampling
    assert f"{facts['drawn']} of {N} interface-days of 1 accounts and regions" in said
    assert "a clean sample would let 3 controls pass at ≤ 20 % at 90 %" in said
    assert "1 with tolerance: zero and 1 with having would stay inconclusive" in said
    assert command(["collect", "--plan", "--json", "-c", str(config), "-o", str(tmp_path / "run"), "-q"]) == 0
    plan = json.loads(capsys.readouterr().out)
    counts = sampled.assessment().population["log_objects"]
    assert plan["log_objects"]["objects"] == counts["read"]
    assert plan["records"]["not_drawn_objects"] == counts["not_read"]
    assert not (tmp_path / "run").exists()
    none = configured(estate, tmp_path, "none")
    assert command(["collect", "--plan", "-c", str(none), "-o", str(tmp_path / "run"), "-q"]) == 0
    assert "5 controls on traffic would be inconclusive" in capsys.readouterr().out


def test_everything_drawn_is_no_sample(estate: Path, whole: Run, tmp_path: Path) -> None:
    """Where one in ten thousand matters every interface-day is needed: then there is no sample."""
    run = audited(configured(estate, tmp_path, numbers=(0.9999, 0.0001)), tmp_path / "run")
    truth, found = results(whole), results(run)
    assert run.assessment().sampling["drawn"] == N
    for name, r in found.items():
        assert (r.basis, r.sample) == ("all", None)
        # Whoever is gone nobody could draw: of him nothing is sure.
        assert r.status == ("inconclusive" if truth[name].status == "pass" else truth[name].status)
        assert r.status == "fail" or "it was not drawn (1)" in r.reasons[0]


def test_samples_of_disjoint_runs_are_one(sampled: Run, tmp_path: Path) -> None:
    one = drawing.load(sampled)
    assert one is not None
    other = "333344445555"
    rows = [{**row, "account_id": other} for row in one.table.to_pylist()]
    facts = {**one.facts, "strata": [{**stratum, "account_id": other} for stratum in one.facts["strata"]]}
    two = drawing.Sample(facts, one.table.from_pylist(rows, one.table.schema))
    both = drawing.write(Run(tmp_path / "run"), drawing.joined([two, one]))
    again = drawing.load(Run(tmp_path / "run"))
    assert again is not None
    assert again.table.equals(both.table)
    assert both.facts["drawn"] == 2 * one.facts["drawn"] == len(both.table)
    assert [stratum["account_id"] for stratum in both.facts["strata"]] == [A, other]
    assert both.days == one.days | two.days
    assert both.facts["sha256"] != one.facts["sha256"]
