"""Disjoint runs joined: the same result as one run over everything, and never more than the parts knew."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditkit import inventory, snapshot
from auditkit.audit import merge
from auditkit.audit.parts import part
from auditkit.cli import run as command
from auditkit.example.accounts import IN_SCOPE
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call
from auditkit.run import Run, iso
from tests.conftest import Audited, loaded

A, B, HERE = "222233334444", "333344445555", "eu-west-1"
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def parts(example_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The example, collected for each account by itself."""
    folder = tmp_path_factory.mktemp("parts")
    for account in IN_SCOPE:
        assert (
            command(
                [
                    "collect",
                    "-c",
                    str(example_dir / "auditkit.yaml"),
                    "-o",
                    str(folder / account),
                    "--account",
                    account,
                    "-q",
                ]
            )
            == 0
        )
    return {account: folder / account for account in IN_SCOPE}


@pytest.mark.parametrize("seed", [1])
def test_parts_in_any_grouping_and_order_are_one_run(
    audited: Audited, parts: dict[str, Path], tmp_path: Path, seed: int
) -> None:
    """Joined step by step at random: the verdicts, findings and counts of the one run; the notes say how it came about."""
    rng = random.Random(seed)
    left = list(parts.values())
    while len(left) > 1:
        rng.shuffle(left)
        number = rng.randint(2, len(left))
        some, rest = left[:number], left[number:]
        out = tmp_path / f"joined-{len(rest)}"
        merge([Run(path) for path in some], Run(out))
        left = [*rest, out]
    assert command(["assess", str(left[0]), "-q"]) == audited.status
    one, two = audited.assessment, Run(left[0]).assessment()
    assert any("joined from 6 runs" in note for note in two.notes)
    assert replace(two, notes=one.notes) == one
    for name in ("coverage", "interface_days", "findings", "flow_records", "log_objects"):
        assert pq.read_table(left[0] / "tables" / f"{name}.parquet").equals(
            pq.read_table(audited.run.tables / f"{name}.parquet")
        ), name


def test_the_command_joins_assesses_and_reports(
    parts: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status and documents as `audit`; the parts stay as they are."""
    before = {p: p.stat().st_mtime_ns for path in parts.values() for p in path.rglob("*")}
    out = tmp_path / "q3"
    some = [str(parts[account]) for account in list(parts)[:2]]
    status = command(["merge", *some, "-o", str(out), "-f", "json,html", "--fail-on", "critical"])
    said = capsys.readouterr()
    assert "joined from 2 runs" in said.out.replace("\n", " ")
    assert (out / "reports" / "report.html").exists()
    assert (out / "MANIFEST.sha256").exists()
    assert loaded(out / "run.json")["done"] == ["collect", "assess", "report"]
    assert {p: p.stat().st_mtime_ns for path in parts.values() for p in path.rglob("*")} == before
    kept = next((out / "records" / "kept").rglob("*.log.gz"))
    assert kept.stat().st_nlink > 1
    assert command(["merge", *some, "-o", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert status == command(["gate", str(out), "--fail-on", "critical"])


# -- two small runs, made by hand ----------------------------------------------------------------------------------

Make = Callable[..., Run]


def calls_of(account: str, region: str = HERE, at: str = "", **rows: Any) -> list[Call]:
    """Whole listings of one account and region, empty but for the rows given."""
    out = []
    for name in inventory.unread.LISTINGS:
        service, operation = name.split(":")
        key = operation.removeprefix("Describe").removeprefix("Managed")
        answer = rows.get(key, {"InternetGatewayBlockMode": "off"} if key.endswith("Options") else [])
        said: Any = {"service": service, "operation": operation, "account_id": account, "region": region}
        out.append(Call(**said, at=at or iso(NOON), answer={key: answer}))
    return out


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """Make a collected run without log objects."""

    def make(
        name: str,
        account: str = A,
        *,
        as_of: datetime = NOON,
        calls: Iterable[Call] = (),
        text: str = "{}\n",
        **meta: Any,
    ) -> Run:
        run = Run(tmp_path / name)
        period = meta.pop("period", {"start": "2026-09-28T00:00:00Z", "end": "2026-10-01T00:00:00Z"})
        narrowed = meta.pop("narrowed", {})
        base = {
            "provenance": "collected", "started": iso(as_of - timedelta(hours=1)), "as_of": iso(as_of),
            "identity": {"account_id": account, "arn": f"arn:aws:iam::{account}:user/x", "endpoint": "https://ec2.eu-west-1.amazonaws.com"},
            "scope": {"accounts": [account], "regions": {account: [HERE]}, "excluded": []},
        }  # fmt: skip
        listed = calls_of(
            account, **{key: meta.pop(key) for key in ("Vpcs", "NetworkInterfaces", "FlowLogs") if key in meta}
        )
        snapshot.write(run.snapshot, {**base, **meta}, [*listed, *calls])
        (run.inputs / "policies").mkdir(parents=True)
        (run.inputs / "auditkit.yaml").write_text(text)
        (run.inputs / "policies" / "00-a.yaml").write_text("controls: []\n")
        index(run, [])
        run.note(options={"config_sha256": "x", "narrowed": narrowed, "period": period}, period=period, started=base["started"],
                 interim=False, as_of=iso(as_of), identity=base["identity"], unlisted=[], done=["collect"])  # fmt: skip
        return run

    return make


def index(run: Run, rows: list[dict[str, Any]]) -> None:
    """Write the index of a run, and what it kept."""
    import hashlib

    from auditkit.audit.index import IndexWriter

    with IndexWriter(run.index) as writer:
        for given in rows:
            row = {"version_id": "", "etag": "", "status": "read", "error": "", **given}
            body = row.pop("body", b"x")
            row["sha256"] = hashlib.sha256(body).hexdigest()
            name = row["uri"].rsplit("/", 1)[-1]
            row.setdefault("kept", f"{row['account_id']}/{name}")
            (run.kept / row["kept"]).parent.mkdir(parents=True, exist_ok=True)
            if row["kept"] and not row["kept"].startswith(".."):
                (run.kept / row["kept"]).write_bytes(body)
            writer.add({**row, "key": row["uri"], "size": len(body), "last_modified": None})


def obj(account: str, slot: datetime, log: str = "fl-0123456789abcdef0", **more: Any) -> dict[str, Any]:
    """A row of the index."""
    name = f"{account}_vpcflowlogs_{HERE}_{log}_{slot:%Y%m%dT%H%M}Z_{more.pop('token', 'aa')}.log.gz"
    return {
        "uri": f"{more.pop('top', 's3://b')}/{name}",
        "account_id": account,
        "region": HERE,
        "flow_log_id": log,
        "slot": slot,
        **more,
    }


def rows(run: Run) -> list[dict[str, Any]]:
    return pq.read_table(run.index).to_pylist()


def both(one: Run, two: Run, out: Path) -> Run:
    return merge([one, two], Run(out))


def test_the_same_place_read_twice_is_refused(made: Make, tmp_path: Path) -> None:
    """Also where one of them could not ask for the account's regions."""
    blind = {"accounts": [A], "regions": {A: []}, "excluded": []}
    for two in (made("b"), made("c", scope=blind)):
        with pytest.raises(AuditkitError, match="both read 222233334444"):
            both(made("a" + two.path.name), two, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_regions_of_one_account_may_be_apart(made: Make, tmp_path: Path) -> None:
    """The account's global calls come twice, and are fine."""
    scope = {"accounts": [A], "regions": {A: [HERE, "us-east-1"]}, "excluded": []}
    world = Call(
        service="ec2", operation="DescribeRegions", account_id=A, region="global", at="t", answer={"Regions": []}
    )
    one = made("a", scope=scope, narrowed={"region": [HERE]}, calls=[world, *calls_of(A, "us-east-1", at="old")])
    two = made(
        "b",
        scope=scope,
        narrowed={"region": ["us-east-1"]},
        calls=[replace(world, at="u"), *calls_of(A, "us-east-1", at="new")],
    )
    joined = both(one, two, tmp_path / "out")
    meta, calls = snapshot.read_meta(joined.snapshot), list(snapshot.read_calls(joined.snapshot))
    assert meta["scope"]["regions"] == {A: [HERE, "us-east-1"]}
    assert {call.at for call in calls if call.region == "us-east-1"} == {"new"}
    assert inventory.read(meta, calls).unread == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: (run.inputs / "policies" / "00-a.yaml").write_text("controls: [] #\n"), "policies"),
        (lambda run: (run.inputs / "waivers.yaml").write_text("waivers: []\n"), "waivers"),
        (lambda run: (run.inputs / "auditkit.yaml").write_text("{} #\n"), "auditkit.yaml"),
        (lambda run: run.note(period={"start": "2026-09-01T00:00:00Z", "end": "2026-10-01T00:00:00Z"}), "periods"),
    ],
)
def test_runs_made_differently_are_refused(
    made: Make, tmp_path: Path, change: Callable[[Run], Any], words: str
) -> None:
    """And it is said in what they differ."""
    one, two = made("a"), made("b", B)
    change(two)
    with pytest.raises(AuditkitError, match=f"made with different {words}$"):
        both(one, two, tmp_path / "out")


def test_what_is_no_collected_run_is_refused(made: Make, tmp_path: Path) -> None:
    """Nothing, a run begun, a single one, a place inside a part."""
    one, two = made("a"), made("b", B)
    with pytest.raises(AuditkitError, match="is not a run"):
        both(one, Run(tmp_path / "none"), tmp_path / "out")
    with pytest.raises(AuditkitError, match="lies in"):
        both(one, two, one.path / "out")
    with pytest.raises(AuditkitError, match="two runs or more"):
        merge([one], Run(tmp_path / "out"))
    two.note(done=[])
    with pytest.raises(AuditkitError, match="not been collected whole"):
        both(one, two, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a", "b"] or sorted(p.name for p in tmp_path.iterdir()) == [
        "a",
        "b",
    ]


def test_what_was_imported_stays_so_and_a_strange_endpoint_is_told(made: Make, tmp_path: Path) -> None:
    """One part is enough."""
    strange = {"account_id": B, "arn": f"arn:aws:iam::{B}:user/y", "endpoint": "http://localhost:5000"}
    joined = both(
        made("a"),
        made("b", B, provenance="imported", identity=strange, notes=["told"], as_of=NOON + timedelta(days=2)),
        tmp_path / "out",
    )
    meta = snapshot.read_meta(joined.snapshot)
    assert meta["provenance"] == "imported"
    assert [one["provenance"] for one in meta["merged"]] == ["collected", "imported"]
    assert meta["identity"]["endpoint"].startswith("http://localhost:5000")
    assert meta["notes"] == ["told"]
    assert (meta["as_of"], joined.state["as_of"]) == (iso(NOON + timedelta(days=2)),) * 2
    assert command(["assess", str(joined.path), "-q"]) in (2, 3)


def test_the_order_of_the_parts_does_not_matter(made: Make, tmp_path: Path) -> None:
    """The same bytes."""
    one, two = made("a"), made("b", B, as_of=NOON + timedelta(hours=3))
    merge([one, two], Run(tmp_path / "x"))
    merge([two, one], Run(tmp_path / "y"))
    files = [p.relative_to(tmp_path / "x") for p in sorted((tmp_path / "x").rglob("*")) if p.is_file()]
    assert [(tmp_path / "x" / p).read_bytes() for p in files] == [(tmp_path / "y" / p).read_bytes() for p in files]


def head(account: str, *, ok: bool, at: datetime = NOON) -> Call:
    """An answer, or refusal, about one bucket."""
    told = {"answer": {"Status": "Enabled"}} if ok else {"error": {"code": "AccessDenied", "message": "no"}}
    return Call(
        service="s3",
        operation="GetBucketVersioning",
        account_id=account,
        region="global",
        resource="b",
        at=iso(at),
        **told,
    )


def test_of_answers_about_one_bucket_the_newest_holds(made: Make, tmp_path: Path) -> None:
    """An older one may be better than the truth; refusals are kept, and count where nobody was answered."""
    old = replace(head(A, ok=True), answer={"Status": "Enabled"})
    new = replace(head(B, ok=True), answer={"Status": "Suspended"})
    one, two = made("a", calls=[old]), made("b", B, as_of=NOON + timedelta(days=1), calls=[new, head(B, ok=False)])
    joined = both(one, two, tmp_path / "out")
    told = [call for call in snapshot.read_calls(joined.snapshot) if call.service == "s3"]
    assert [call.answer for call in told if call.answer] == [{"Status": "Suspended"}]
    assert len(told) == 2


def flow_log(account: str) -> dict[str, Any]:
    return {"FlowLogId": "fl-0123456789abcdef0", "ResourceId": "vpc-0123456789abcdef0", "FlowLogStatus": "ACTIVE", "TrafficType": "ALL",
            "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b", "CreationTime": "2026-01-01T00:00:00Z"}  # fmt: skip


def delivers(run: Run) -> bool | None:
    """Whether the run's one flow log delivers."""
    assert command(["assess", str(run.path), "-q"]) in (0, 1, 3)
    return next(iter(run.rows("flow_logs")))["delivers"]


def test_what_arrived_in_the_last_day_of_an_earlier_part_is_undecided_then(made: Make, tmp_path: Path) -> None:
    """The clock is the latest: an arrival gets older, never younger."""
    policy = "controls:\n  - {id: a, title: A, severity: low, table: flow_logs, fail_where: {delivers: false}}\n"
    arrival = NOON - timedelta(hours=11, minutes=50)
    runs = {}
    for name, later in (("same", timedelta(minutes=20)), ("later", timedelta(days=2))):
        one = made(f"{name}-a", FlowLogs=[flow_log(A)])
        index(one, [obj(A, arrival)])
        two = made(f"{name}-b", B, as_of=NOON + later)
        for run in (one, two):
            (run.inputs / "policies" / "00-a.yaml").write_text(policy)
        runs[name] = (one, both(one, two, tmp_path / name))
    assert delivers(runs["same"][0]) is True
    assert delivers(runs["same"][1]) is True
    assert delivers(runs["later"][1]) is None


def test_what_the_owner_of_a_shared_vpc_logs_is_decided_when_joined(made: Make, tmp_path: Path) -> None:
    """The participant's run sees the VPC, not its flow logs."""
    vpc = {"VpcId": "vpc-0123456789abcdef0", "OwnerId": B, "CidrBlock": "10.0.0.0/16"}
    eni = {
        "NetworkInterfaceId": "eni-0123456789abcdef0",
        "OwnerId": A,
        "VpcId": vpc["VpcId"],
        "SubnetId": "subnet-1",
        "Status": "in-use",
    }
    good = flow_log(B) | {"DeliverLogsStatus": "SUCCESS"}
    one, two = made("a", Vpcs=[vpc], NetworkInterfaces=[eni]), made("b", B, Vpcs=[vpc], FlowLogs=[good])
    policy = "controls:\n  - {id: a, title: A, severity: low, table: coverage, fail_where: {state: none}}\n"
    for run in (one, two):
        (run.inputs / "policies" / "00-a.yaml").write_text(policy)
    states = []
    for run in (one, both(one, two, tmp_path / "out")):
        assert command(["assess", str(run.path), "-q"]) in (0, 1, 3)
        states.append({row["resource_id"]: row["state"] for row in run.rows("coverage")}[eni["NetworkInterfaceId"]])
    assert states[0] in ("unknown", "none")
    assert states[1] == "complete"


def test_the_last_day_of_a_part_collected_before_the_others_is_not_whole(made: Make, tmp_path: Path) -> None:
    """An interim run's day that had not ended, and had ended for another part: what came after was not looked for."""
    period = {"start": "2026-09-28T00:00:00Z", "end": "2026-10-08T00:00:00Z"}
    one, two = made("a", period=period), made("b", B, period=period, as_of=NOON + timedelta(days=2))
    index(one, [obj(A, NOON - timedelta(hours=1)), obj(A, NOON - timedelta(days=2), log="fl-00000000000000001")])
    index(two, [obj(B, NOON - timedelta(hours=1), log="fl-00000000000000002")])
    unlisted = both(one, two, tmp_path / "out").state["unlisted"]
    assert [(u["account_id"], "20261001T1100Z" in u["resource"]) for u in unlisted] == [(A, True)]


def test_an_object_of_several_parts_counts_once(made: Make, tmp_path: Path) -> None:
    """The same bytes once; other bytes of the same name are not read; what one could not read, the other has."""
    one, two = made("a"), made("b", B)
    slots = [NOON - timedelta(days=1, hours=h) for h in range(3)]
    index(
        one, [obj(A, slots[0]), obj(A, slots[1], body=b"one"), obj(A, slots[2], status="unread", kept="", error="gone")]
    )
    index(two, [obj(A, slots[0], top="/mnt"), obj(A, slots[1], top="/mnt", body=b"two"), obj(A, slots[2], top="/mnt")])
    found = {row["slot"]: (row["status"], row["error"][:8]) for row in rows(both(one, two, tmp_path / "out"))}
    assert found == {slots[0]: ("read", ""), slots[1]: ("unread", "Conflict"), slots[2]: ("read", "")}


def test_kept_objects_that_changed_or_lie_elsewhere_are_not_read(made: Make, tmp_path: Path) -> None:
    """A run may come from anybody."""
    one, two = made("a"), made("b", B)
    (tmp_path / "secret").write_bytes(b"x")
    slots = [NOON - timedelta(days=1, hours=h) for h in range(4)]
    strange = {slots[0]: "changed", slots[1]: "../../../secret", slots[2]: "link", slots[3]: "gone"}
    index(one, [obj(A, slot, kept=kept) for slot, kept in strange.items()])
    (one.kept / "changed").write_bytes(b"y")
    (one.kept / "link").unlink()
    (one.kept / "link").symlink_to(tmp_path / "secret")
    (one.kept / "gone").unlink()
    joined = both(one, two, tmp_path / "out")
    assert {row["status"] for row in rows(joined)} == {"unread"}
    assert not joined.kept.exists()


def test_copied_where_links_cannot_be(made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file system."""

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    one, two = made("a"), made("b", B)
    index(one, [obj(A, NOON - timedelta(days=1))])
    joined = both(one, two, tmp_path / "out")
    kept = joined.kept / rows(joined)[0]["kept"]
    assert (kept.read_bytes(), kept.stat().st_nlink) == (b"x", 1)


def test_a_damaged_line_of_a_part_stays_a_damaged_line(made: Make, tmp_path: Path) -> None:
    """Where nobody can tell whose it was, nothing is certain, in the joined run too."""
    one, two = made("a"), made("b", B)
    line = {"service": "ec2", "operation": "DescribeVpcs", "account_id": 5, "region": None, "at": "t", "answer": {}}
    import gzip

    (one.snapshot / "zz.jsonl.gz").write_bytes(gzip.compress(json.dumps(line).encode()))
    joined = both(one, two, tmp_path / "out")
    meta, calls = snapshot.read_meta(joined.snapshot), snapshot.read_calls(joined.snapshot)
    assert "*" in {u.account_id for u in inventory.read(meta, calls).unread}


def test_a_run_that_was_broken_off_leaves_nothing(made: Make, tmp_path: Path) -> None:
    """It is built beside its place."""
    one, two = made("a"), made("b", B)
    shutil.rmtree(two.path / "records")
    with pytest.raises(FileNotFoundError):
        both(one, two, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_places_of_a_narrowed_run(made: Make) -> None:
    """What it was narrowed not to read, it did not."""
    scope = {"accounts": [A, B], "regions": {A: [HERE, "us-east-1"], B: []}, "excluded": []}
    assert part(made("a", scope=scope)).places == {(A, HERE), (A, "us-east-1"), (B, "*")}
    assert part(made("b", scope=scope, narrowed={"account": [A], "region": [HERE]})).places == {(A, HERE)}


def test_what_no_part_read_is_told(made: Make, tmp_path: Path) -> None:
    """Each part said of itself how it was narrowed; the joined run is not, and must not look as if it had read it all."""
    scope = {"accounts": [A, B], "regions": {A: [HERE, "us-east-1", "us-west-2"], B: []}, "excluded": []}
    one = made("a", scope=scope, narrowed={"account": [A], "region": [HERE]})
    two = made("b", scope=scope, narrowed={"account": [A], "region": ["us-east-1"]})
    joined = both(one, two, tmp_path / "joined")
    (note,) = snapshot.read_meta(joined.snapshot)["notes"]
    assert note == f"No part read {A}/us-west-2, {B}: nothing is said of them."
    third = made("c", scope=scope, narrowed={"account": [A], "region": ["us-west-2"]})
    whole = both(joined, both(third, made("d", B), tmp_path / "others"), tmp_path / "whole")
    assert snapshot.read_meta(whole.snapshot).get("notes", []) == []


def test_an_object_kept_under_an_absolute_path_is_not_read(made: Make, tmp_path: Path) -> None:
    one, two = made("a"), made("b", B)
    index(one, [obj(A, NOON - timedelta(days=1), kept=str((one.kept / "here").resolve()))])
    assert [row["status"] for row in rows(both(one, two, tmp_path / "out"))] == ["unread"]
    assert (one.kept / "here").read_bytes() == b"x"
