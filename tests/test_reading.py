"""Whole pages into columns, in this process or in others, against reading call by call and row by row."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit import reading, snapshot
from auditkit.inventory import interface_pages, interfaces, read
from auditkit.inventory.merge import Merged
from auditkit.inventory.network import network_interface
from auditkit.inventory.scope import scope
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call, NetworkInterface

OWNER, GUEST, REGION = "111122223333", "222233334444", "eu-central-1"
META = {
    "provenance": "collected",
    "as_of": "2026-10-01T00:00:00Z",
    "identity": {"account_id": OWNER, "arn": f"arn:aws:sts::{OWNER}:assumed-role/audit/x", "endpoint": ""},
    "scope": {"accounts": [OWNER, GUEST], "regions": {OWNER: [REGION], GUEST: [REGION]}},
}
AS_OF = datetime(2026, 10, 1, tzinfo=UTC)

WORDS = st.sampled_from(
    [
        "",
        "a",
        "i-1",
        "sg-1",
        "10.0.0.1",
        "ELB app/x/1",
        "amazon-elb",
        "RDSNetworkInterface",
        "ü",
        "\ud800",
        "eni-1",
        OWNER,
    ]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    WORDS,
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([{}]),
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Good values, and now and then another."""
    return st.one_of(good, good, good, good, good, good, good, good, ODD)


def structure(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: mostly(one) for key, one in keys.items()})


def several(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(structure(**keys), max_size=2)


ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1"])
PUBLIC = structure(PublicIp=ADDRESSES, CarrierIp=ADDRESSES, IpOwnerId=WORDS)
TAGS = several(Key=st.sampled_from("ab"), Value=WORDS)
ENI = st.builds(
    lambda id_, rest: {"NetworkInterfaceId": id_} | rest,
    st.sampled_from([f"eni-{n}" for n in range(6)]),
    structure(
        NetworkInterfaceId=st.sampled_from(["eni-1", "eni-2"]),
        OwnerId=st.sampled_from([OWNER, GUEST]),
        InterfaceType=st.sampled_from(["interface", "lambda", "nat_gateway", "branch"]),
        Description=WORDS, RequesterId=WORDS, RequesterManaged=st.booleans(), Status=st.sampled_from(["in-use", "available"]), VpcId=WORDS, SubnetId=WORDS,
        PrivateIpAddress=ADDRESSES, PrivateIpAddresses=several(PrivateIpAddress=ADDRESSES, Association=PUBLIC),
        Ipv6Addresses=several(Ipv6Address=ADDRESSES), Ipv4Prefixes=several(Ipv4Prefix=st.sampled_from(["10.0.0.0/28", "10.0.0.1/28"])),
        Ipv6Prefixes=several(Ipv6Prefix=st.just("2001:db8::/80")), Association=PUBLIC,
        Attachment=structure(InstanceId=WORDS, InstanceOwnerId=WORDS, AttachTime=st.sampled_from(["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+02:00", "1999-01-01", "x"])),
        Operator=structure(Managed=st.booleans(), Principal=WORDS), Groups=several(GroupId=WORDS, GroupName=WORDS), TagSet=TAGS, Tags=TAGS,
    ),
)  # fmt: skip
ANSWER = st.fixed_dictionaries({"NetworkInterfaces": mostly(st.lists(ENI, max_size=4))}, optional={"NextToken": ODD})


def call(account: str, answer: Any, **more: Any) -> Call:
    given = {"service": "ec2", "operation": "DescribeNetworkInterfaces", "at": "2026-09-30T12:00:00Z"} | more
    return Call(account_id=account, region=REGION, answer=answer, **given)


CALLS = st.lists(
    st.builds(
        call,
        st.sampled_from([OWNER, GUEST]),
        ANSWER,
        page=st.sampled_from([1, 2]),
        at=st.sampled_from(["2026-09-30T12:00:00Z", "2026-09-30T13:00:00Z"]),
        operation=st.sampled_from(["DescribeNetworkInterfaces"] * 6 + ["DescribeVpcs"]),
        resource=st.sampled_from(["", "", "", "x"]),
    ),
    max_size=4,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(calls=CALLS)
def test_pages_read_at_once_say_what_they_say_row_by_row(tmp_path_factory: Any, calls: list[Call]) -> None:
    """Whatever is in them: the same rows, the same unread."""
    directory = tmp_path_factory.mktemp("snapshot")
    snapshot.write(directory, META, calls)
    meta = snapshot.read_meta(directory)
    by_row = read(meta, snapshot.read_calls(directory))
    at_once = read(meta, reading.calls(directory, meta, workers=0))
    assert list(at_once.network_interfaces) == list(by_row.network_interfaces)
    assert at_once == by_row


def test_each_interface_is_what_its_own_reader_says() -> None:
    """A page that is in order is read at once, to the same values."""
    row = {
        "NetworkInterfaceId": "eni-1", "OwnerId": GUEST, "InterfaceType": "interface", "Description": "ELB app/x/1", "RequesterManaged": True, "Status": "in-use",
        "VpcId": "vpc-1", "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.1", "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1", "Association": {"PublicIp": "1.2.3.4"}}],
        "Attachment": {"InstanceOwnerId": "amazon-elb", "AttachTime": "2026-01-02T03:04:05Z"}, "Groups": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}], "TagSet": [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}],
    }  # fmt: skip
    one = call(OWNER, {"NetworkInterfaces": [row]})
    line = json.dumps(
        {
            "service": "ec2",
            "operation": one.operation,
            "account_id": OWNER,
            "region": REGION,
            "at": one.at,
            "answer": one.answer,
        }
    )
    taken = interface_pages.page(line.encode())
    assert taken is not None
    (made,) = interfaces.merged([interfaces.gathered([interface_pages.columns([taken], "aws", AS_OF)])])
    assert made == network_interface(row, one, "aws", AS_OF)


VIEWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["r1", "r2"]),
        st.sampled_from("123"),
        st.sampled_from("123"),
        st.sampled_from("123"),
        st.sampled_from("xy"),
    ),
    unique_by=lambda v: (v[0], v[1], v[3], v[4]),
    max_size=12,
)


@settings(deadline=None)
@given(views=VIEWS, turned=st.randoms())
def test_views_of_one_interface_become_one_row_as_those_of_any_resource(views: list[Any], turned: Any) -> None:
    """By column as by row, whatever came first."""
    bare = {
        "interface_arn": "",
        "vpc_id": "",
        "subnet_id": "",
        "service": "",
        "service_evidence": "",
        "subject": "",
        "subject_type": "",
        "interface_tags": {},
    }
    rows = [
        (NetworkInterface(interface_id=i, region=r, account_id=o, description=d, seen_from=(by,), **bare), replace(call(by, {}), at=at, region=r))
        for i, r, o, by, at, d in views
    ]  # fmt: skip
    merged = Merged()
    for row, seen in rows:
        merged.add((row.interface_id, row.region), row.account_id, seen, row)
    expected = merged.rows_with_viewers()
    turned.shuffle(rows)
    assert interfaces.merged([interfaces.batch([interfaces.view(*one) for one in rows])]) == expected


def estate(directory: Path) -> dict[str, Any]:
    """Two accounts that see each other's interfaces, forty pages, one of them odd."""
    eni = {
        "OwnerId": OWNER,
        "VpcId": "vpc-1",
        "SubnetId": "subnet-1",
        "Status": "in-use",
        "Groups": [{"GroupId": "sg-1"}],
    }
    calls = []
    for page in range(1, 21):
        more = {"NextToken": "x"} if page < 20 else {}
        rows = [
            eni | {"NetworkInterfaceId": f"eni-{page:02}{n:02}", "TagSet": [{"Key": "n", "Value": str(n)}]}
            for n in range(20)
        ]
        calls.append(call(OWNER, {"NetworkInterfaces": rows, **more}, page=page))
        odd = [{"NetworkInterfaceId": 7}] if page == 3 else []
        calls.append(call(GUEST, {"NetworkInterfaces": rows[:5] + odd, **more}, page=page))
    calls.append(call(OWNER, {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}, operation="DescribeVpcs"))
    snapshot.write(directory, META, calls)
    return snapshot.read_meta(directory)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_reads_the_same(tmp_path: Path, workers: int) -> None:
    meta = estate(tmp_path)
    alone = read(meta, snapshot.read_calls(tmp_path))
    assert len(alone.network_interfaces) == 400
    assert read(meta, reading.calls(tmp_path, meta, workers)) == alone


@pytest.mark.parametrize("body", [b"{", b'{"service": "ec2"}\n', b"\xff\n", b'"' + b"[" * 100_000])
@pytest.mark.parametrize("workers", [0, 2])
def test_damage_is_named_by_file_and_line(tmp_path: Path, workers: int, body: bytes) -> None:
    """However many read: the first file that is damaged."""
    meta = estate(tmp_path)
    for account in (OWNER, GUEST):
        (tmp_path / "accounts" / account / f"{REGION}.jsonl.gz").write_bytes(gzip.compress(body))
    with pytest.raises(AuditkitError, match=rf"{OWNER}/{REGION}\.jsonl\.gz:1: the snapshot is damaged"):
        list(reading.calls(tmp_path, meta, workers))


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_file_cut_short_or_changed_is_damage(tmp_path: Path, cut: int) -> None:
    """Also where the compressed stream itself is wrong."""
    meta = estate(tmp_path)
    path = tmp_path / "accounts" / OWNER / f"{REGION}.jsonl.gz"
    whole = path.read_bytes()
    for body in (whole[:-cut], whole[: len(whole) - cut] + bytes(b ^ 255 for b in whole[len(whole) - cut :])):
        path.write_bytes(body)
        with pytest.raises(AuditkitError, match="the snapshot is damaged"):
            list(reading.calls(tmp_path, meta, 0))


def test_what_stands_in_the_working_directory_is_no_module_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot may lie beside anything."""
    meta = estate(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert len(read(meta, reading.calls(tmp_path, meta, 1)).network_interfaces) == 400


def test_the_scope_that_workers_are_given_can_be_sent() -> None:
    """It goes through a socket, as the files do."""
    assert scope(META).partition == "aws"
