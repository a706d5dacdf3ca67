"""auditkit top: against a count by hand, and what is shown of it."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditkit
from auditkit.cli import run as command
from auditkit.engines.duckdb import DuckDB
from auditkit.engines.talkers import METRICS, Talkers, key_of, keys_of, talkers
from auditkit.model.errors import AuditkitError
from auditkit.run import Run
from tests.cli.saved import SAVED
from tests.oracles.effort import bounded

NUMBERS = st.one_of(st.none(), st.integers(0, 3), st.just(2**62))
FLOWS = st.lists(
    st.fixed_dictionaries(
        {
            "srcaddr": st.sampled_from([None, "-", "10.0.0.1", "10.0.0.2", "::1"]),
            "dstport": st.sampled_from([None, 22, 443]),
            "vpc_tags": st.sampled_from([None, {}, {"env": "prod"}, {"env": ""}, {"own'er": "x"}]),
            "action": st.sampled_from([None, "-", "ACCEPT", "REJECT"]),
            "bytes": NUMBERS,
            "packets": NUMBERS,
        }
    ),
    max_size=25,
)
SCHEMA = pa.schema(
    [
        ("srcaddr", pa.string()),
        ("dstport", pa.int32()),
        ("vpc_tags", pa.map_(pa.string(), pa.string())),
        ("action", pa.string()),
        ("bytes", pa.int64()),
        ("packets", pa.int64()),
    ]
)
KEYS = ["srcaddr", "dstport", "vpc_tags.env", "vpc_tags.own'er", "action"]


@pytest.fixture(scope="module")
def engine():
    made = DuckDB()
    yield made
    made.close()


def value(row, key):
    column, _, tag = key.partition(".")
    if not tag or row[column] is None:
        return row[column]
    return row[column].get(tag, "")


def amount(rows):
    return {
        "bytes": sum(r["bytes"] or 0 for r in rows),
        "packets": sum(r["packets"] or 0 for r in rows),
        "flows": len(rows),
    }


@bounded(60)
@given(
    rows=FLOWS,
    by=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    metric=st.sampled_from(METRICS),
    action=st.sampled_from(["", "ACCEPT", "REJECT"]),
    most=st.integers(1, 4),
)
def test_lists_are_what_a_count_by_hand_gives(engine, rows, by, metric, action, most):
    table = [{**r, "vpc_tags": None if r["vpc_tags"] is None else list(r["vpc_tags"].items())} for r in rows]
    engine.add("flow_records", pa.Table.from_pylist(table, SCHEMA))
    found = talkers(engine, by, action, metric, most=most)

    meant = [r for r in rows if not action or r["action"] == action]
    groups = defaultdict(list)
    for row in meant:
        groups[tuple(value(row, key) for key in by)].append(row)
    hidden = [row for key, some in groups.items() if None in key for row in some]
    known = {key: amount(some) for key, some in groups.items() if None not in key}
    ranked = sorted(known, key=lambda key: (-known[key][metric], key))
    told = found.as_json()
    assert [(t.keys, t.amount.as_json()) for t in found.items] == [(key, known[key]) for key in ranked[:most]]
    others = [known[key] for key in ranked[most:]]
    assert told["others"] == {name: sum(o[name] for o in others) for name in METRICS} | {"groups": len(others)}
    assert told["not_known"] == amount(hidden)
    assert told["total"] == amount(meant)
    assert told["undecided"] == amount([r for r in rows if action and r["action"] is None])
    assert told["flows_without_the_metric"] == sum(metric != "flows" and r[metric] is None for r in meant)
    assert Talkers.of_json(json.loads(json.dumps(told))) == found


def test_words_of_people_are_columns():
    assert keys_of(["source", "port"]) == (("srcaddr", "dstport"), "")
    assert keys_of(["rejected-source"]) == (("srcaddr",), "REJECT")
    assert keys_of(["AWS-service", "remote-vpc", "remote_vpc_id"]) == (("remote_aws_service", "remote_vpc_id"), "")
    assert key_of("service") == ("service", False)
    assert key_of("vpc_tags.a.b") == ("vpc_tags.a.b", False)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sorce", "there is no key 'sorce'; did you mean 'source'?"),
        ("vpc_tags", "the key 'vpc_tags' cannot be counted by"),
        ("srcaddr.x", "the key 'srcaddr.x' cannot be counted by"),
        ('srcaddr"; drop table x', "there is no key"),
        ("", "there is no key ''"),
        ("bytes; --", "there is no key"),
        ("rejected-", "there is no key 'rejected-'"),
    ],
)
def test_what_is_no_key_is_refused(word, said):
    with pytest.raises(AuditkitError) as error:
        key_of(word)
    assert said in error.value.message
    assert error.value.hint


# -- the command ---------------------------------------------------------------------------------------------------------

HEAD = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction\n"
START = 1_782_864_000  # 2026-07-01T00:00:00Z
HOSTILE = "eni-\x1b[31m"
LINES = [
    "2 111111111111 eni-1 10.0.0.5 198.51.100.7 40000 443 6 10 1000 {s} {e} ACCEPT OK egress",
    "2 111111111111 eni-1 10.0.0.5 198.51.100.8 40001 443 6 20 500 {s} {e} ACCEPT OK egress",
    "2 111111111111 eni-1 203.0.113.9 10.0.0.5 50000 22 6 1 40 {s} {e} REJECT OK ingress",
    "2 111111111111 eni-2 203.0.113.9 10.0.0.6 50001 22 6 2 80 {s} {e} REJECT OK ingress",
    "2 111111111111 eni-2 203.0.113.10 10.0.0.6 50002 23 6 1 40 {s} {e} REJECT OK -",
    "2 111111111111 " + HOSTILE + " 203.0.113.10 10.0.0.6 50002 23 17 1 40 {s} {e} ACCEPT OK ingress",
]


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> Path:
    """A folder for what is collected once."""
    return tmp_path_factory.mktemp("once") / "run"


@pytest.fixture
def collected(saved: Path, once: Path) -> Path:
    if not once.exists():
        shutil.rmtree(saved / "logs")
        (saved / "logs").mkdir()
        log = saved / "logs" / "111111111111_vpcflowlogs_us-east-1_fl-1234abcd_20260701T0005Z_aa.log.gz"
        lines = "\n".join(LINES).format(s=START + 60, e=START + 120)
        log.write_bytes(gzip.compress((HEAD + lines + "\n").encode()))
        (saved / "auditkit.yaml").write_text(SAVED)
        assert command(["collect", "-c", str(saved / "auditkit.yaml"), "-o", str(once), "-q"]) == 0
    shutil.copytree(once, saved / "run")
    return saved / "run"


def lists(run: Path, capsys, *options: str) -> list[dict]:
    assert command(["top", str(run), "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["sampled"]) == ("auditkit/top/1", False)
    return told["lists"]


def test_a_collected_run_is_counted(collected, capsys):
    source, pair, rejected = lists(
        collected, capsys, "--by", "source", "--by", "srcaddr,dstport", "--by", "rejected-source", "--limit", "2"
    )
    assert [(i["key"], i["bytes"], i["flows"]) for i in source["items"]] == [
        ({"srcaddr": "10.0.0.5"}, 1500, 2),
        ({"srcaddr": "203.0.113.9"}, 120, 2),
    ]
    assert source["others"] == {"bytes": 80, "packets": 2, "flows": 2, "groups": 1}
    assert source["total"] == {"bytes": 1700, "packets": 35, "flows": 6}
    assert source["items"][0]["share"] == 1500 / 1700
    assert pair["items"][0]["key"] == {"srcaddr": "10.0.0.5", "dstport": 443}
    assert (rejected["action"], rejected["items"][0]["bytes"], rejected["total"]["flows"]) == ("REJECT", 120, 3)

    only, far = (
        lists(collected, capsys, "--by", one, "--where", where, "--metric", "flows")[0]
        for one, where in (("dstport", "{srcaddr: 203.0.113.0/24}"), ("remote", "{direction: egress}"))
    )
    assert [(i["key"]["dstport"], i["flows"]) for i in only["items"]] == [(22, 2), (23, 2)]  # equals by key
    assert [i["key"]["remote_address"] for i in far["items"]] == ["198.51.100.7", "198.51.100.8"]

    assert command(["top", str(collected), "--by", "source", "--account", "222222222222", "-q"]) == 0
    assert "No such flow was read." in capsys.readouterr().out


def test_hostile_text_is_shown_and_nothing_is_written(collected, capsys):
    before = {p: p.read_bytes() for p in collected.rglob("*") if p.is_file()}
    assert command(["top", str(collected), "--by", "interface", "--by", "direction", "-q"]) == 0
    assert {p: p.read_bytes() for p in collected.rglob("*") if p.is_file()} == before
    out, err = capsys.readouterr()
    assert not err
    assert "\x1b" not in out
    assert r"eni-\x1b[31m" in out
    assert "flows by interface_id, most bytes first" in out
    assert [line.split()[:2] for line in out.splitlines() if line.strip().startswith("all")] == [["all", "1,700"]] * 2


def test_the_lists_of_the_report_are_shown_at_once(collected, capsys):
    assert command(["assess", str(collected), "--table", "interface_days", "-q"]) in (0, 1, 3)
    capsys.readouterr()
    shown = lists(collected, capsys)
    assert [one["by"] for one in shown] == [
        ["remote_address"], ["subject"], ["local_port"], ["remote_aws_service"], ["remote_vpc_id"], ["remote_address"],
    ]  # fmt: skip
    assert shown == list(Run(collected).assessment().top)
    shutil.rmtree(collected / "records" / "kept")
    assert lists(collected, capsys) == shown
    assert command(["top", str(collected), "--by", "source"]) == 2
    said = capsys.readouterr().err
    assert "1 of 1 log objects that were read are not in" in said
    assert "records.keep" in said


def test_flows_that_were_not_read_are_not_none(saved, capsys):
    (saved / "auditkit.yaml").write_text(SAVED.replace("local: [logs]", "local: [logs], mode: none"))
    assert command(["collect", "-c", str(saved / "auditkit.yaml"), "-o", str(saved / "run"), "-q"]) == 0
    assert command(["top", str(saved / "run"), "--by", "source"]) == 2
    assert "were listed, not read (records.mode: none)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--by", "nope"], "there is no key 'nope'"),
        (["--by", ""], "there is no key ''"),
        (["--by", "rejected-source", "--action", "ACCEPT"], "there are none"),
        (["--where", "{nope: 1}"], "--where: nope: unknown column 'nope'"),
        (["--where", "{srcaddr: nowhere}"], "unknown network 'nowhere'"),
        (["--where", "{{"], "--where:1: is not YAML"),
        (["--where", "5"], "--where: a condition is a mapping of columns"),
        (["--where", ""], "--where: a condition is a mapping of columns"),
        (["--account", "1"], "'1' is not an account id"),
    ],
)
def test_wrong_options_are_one_error(options, said, collected, capsys):
    assert command(["top", str(collected), "-q", *options]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert said in err
    assert "Traceback" not in err


def test_all_flows_come_as_a_data_frame(collected):
    run = auditkit.open_run(collected)
    frame = run.table("flow_records", ["srcaddr", "bytes", "direction"], {"action": "REJECT"}, whole=True)
    assert frame.to_numpy().tolist() == [
        ["203.0.113.9", 40, "ingress"], ["203.0.113.9", 80, "ingress"], ["203.0.113.10", 40, "ingress"],
    ]  # fmt: skip
    assert str(frame["bytes"].dtype) == "Int64"
    assert len(run.table("flow_records", where={"remote_address": {"in": "198.51.100.0/29"}}, whole=True)) == 1
    assert len(run.table("interface_days", whole=True)) == 3
    with pytest.raises(AuditkitError, match="cannot be rebuilt whole"):
        run.table("coverage", whole=True)
