"""Answers that somebody saved with the AWS CLI: imported as a snapshot, never trusted further than they reach."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit import dumps, inventory, snapshot
from auditkit.cli import run as command
from auditkit.dumps import text as dump_text
from auditkit.dumps.commands import BUCKET, COMMANDS, ORGANIZATION, REGION, TAGS, WORLD
from auditkit.model.errors import AuditkitError, InvalidInput
from auditkit.model.inventory import Call
from tests.conftest import loaded
from tests.test_wrong_input import edit

A, B, HERE = "222233334444", "333344445555", "eu-west-1"
VPC, LOG = "vpc-0123456789abcdef0", "fl-0123456789abcdef0"
REFUSED = (
    "\nAn error occurred (UnauthorizedOperation) when calling the DescribeFlowLogs operation: You are not authorized.\n"
)
BLOCK = "describe-vpc-block-public-access-options"
FLOW_LOGS = {"FlowLogs": [{"FlowLogId": LOG, "ResourceId": VPC, "FlowLogStatus": "ACTIVE", "TrafficType": "ALL"}]}
DOCS = Path(__file__).parent.parent / "docs" / "offline.md"


def put(root: Path, name: str, what: Any) -> Path:
    """Write a file of a directory of answers: JSON, or what is given."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(what, bytes):
        path.write_bytes(what)
    else:
        path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """One account and region: a VPC with a flow log."""
    root = tmp_path / "dumps"
    for one in COMMANDS:
        if one.place == REGION and one.service == "ec2":
            put(root, f"{A}/{HERE}/{one.word}.json", {one.key: []})
    put(root, f"{A}/{HERE}/{BLOCK}.json", {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}})
    put(root, f"{A}/{HERE}/describe-vpcs.json", {"Vpcs": [{"VpcId": VPC, "OwnerId": A, "CidrBlock": "10.0.0.0/16"}]})
    put(root, f"{A}/{HERE}/describe-flow-logs.json", FLOW_LOGS)
    put(root, "about.json", {"as_of": "2026-10-01T06:00:00Z"})
    return root


def imported(root: Path) -> tuple[dict[str, Any], list[Call]]:
    """Read a directory of answers."""
    calls: list[Call] = []
    meta = dumps.read(root, calls.extend)
    return meta, calls


def of(calls: list[Call], operation: str) -> list[Call]:
    return [call for call in calls if call.operation == operation]


def errors(calls: list[Call]) -> dict[str, str]:
    """Operation → code of what could not be taken."""
    return {call.operation: call.error["code"] for call in calls if call.error}


def as_dumps(source: Path, root: Path) -> None:
    """Write a snapshot as the CLI would have answered."""
    folders = {
        REGION: "{a}/{r}", WORLD: "{a}/global", ORGANIZATION: "organizations", TAGS: "organizations/{a}", BUCKET: "buckets/{n}",
        "keys/NAME": "{a}/{r}/keys/{n}", "log-groups/NAME": "{a}/{r}/log-groups/{n}", "delivery-streams/NAME": "{a}/{r}/delivery-streams/{n}",
        "prefix-lists/NAME": "{a}/{r}/prefix-lists/{n}", "global/roles/NAME": "{a}/global/roles/{n}", "global/policies/NAME": "{a}/global/policies/{n}",
    }  # fmt: skip
    texts: dict[str, str] = {}
    for call in snapshot.read_calls(source):
        one = next((c for c in COMMANDS if c.name == call.name and c.resource in ("", call.resource)), None)
        if one is None:
            assert call.name == "sts:AssumeRole"
            continue
        name = call.resource.partition("/")[0] if call.operation == "GetRolePolicy" else call.resource
        name = name.rpartition("/")[2] if name.startswith("arn:") else quote(name, safe="")
        folder = folders[one.place].format(a=call.account_id, r=call.region, n=name)
        folder = "organizations" if one.word == "get-caller-identity" else folder
        refusal = (
            call.error
            and f"\nAn error occurred ({call.error['code']}) when calling the {call.operation} operation: {call.error['message']}\n"
        )
        path = f"{folder}/{one.word}.json"
        texts[path] = texts.get(path, "") + (refusal or json.dumps(call.answer, indent=4) + "\n")
    for path, text in texts.items():
        put(root, path, text)
    put(root, "about.json", {"as_of": snapshot.read_meta(source)["as_of"]})


def test_the_example_saved_by_the_cli_says_the_same(example_dir: Path, tmp_path: Path) -> None:
    """Every table of the inventory; only what no CLI prints is missing, an assumed role."""
    source = example_dir / "snapshot"
    as_dumps(source, tmp_path / "dumps")
    meta, calls = imported(tmp_path / "dumps")
    old = snapshot.read_meta(source)
    assert meta["provenance"] == "imported"
    assert meta["as_of"] == old["as_of"]
    assert set(meta["scope"]["accounts"]) >= set(old["scope"]["accounts"])
    one = inventory.read({**meta, "scope": old["scope"]}, calls)
    two = inventory.read(old, snapshot.read_calls(source))
    for table in (
        "vpcs",
        "subnets",
        "network_interfaces",
        "flow_logs",
        "nat_gateways",
        "transit_gateway_attachments",
        "security_group_rules",
    ):
        assert getattr(one, table) == getattr(two, table), table
    lost = {(u.call, u.resource) for u in one.unread} - {(u.call, u.resource) for u in two.unread}
    assert lost == {("ec2:DescribeRegions", "")}


@pytest.mark.parametrize(
    "how",
    [
        lambda d: json.dumps(d, indent=4).encode("utf-16"),
        lambda d: json.dumps(d).encode("utf-16-le"),
        lambda d: b"\xef\xbb\xbf" + json.dumps(d).encode(),
        lambda d: gzip.compress(json.dumps(d).encode()),
        lambda d: gzip.compress(json.dumps(d).encode()[:20]) + gzip.compress(json.dumps(d).encode()[20:]),
        lambda d: (json.dumps(d) + "\n") * 2,
        lambda d: json.dumps({"FlowLogs": [], "NextToken": "x"}) + "\r\n\r\n" + json.dumps(d),
        lambda d: json.dumps({**d, "ResponseMetadata": {"RetryAttempts": 0}}),
    ],
    ids=["powershell", "utf-16-without-mark", "utf-8-mark", "gzip", "two-gzips", "twice", "pages", "boto3"],
)
def test_what_people_really_have_is_taken(saved: Path, how: Callable[[Any], Any]) -> None:
    """The same answer, however it was written."""
    put(saved, f"{A}/{HERE}/describe-flow-logs.json", how(FLOW_LOGS))
    _, calls = imported(saved)
    assert errors(calls) == {}
    assert [call.answer["FlowLogs"] for call in of(calls, "DescribeFlowLogs")][-1] == FLOW_LOGS["FlowLogs"]
    assert [call.page for call in of(calls, "DescribeFlowLogs")] in ([1], [1, 2])


@pytest.mark.parametrize(
    "name",
    [
        "ec2-describe-flow-logs.json",
        "Describe-Flow-Logs.JSON",
        "describe-flow-logs.jsonl",
        "describe-flow-logs.json.gz",
    ],
)
def test_names_of_the_file(saved: Path, name: str) -> None:
    """As people write them."""
    (saved / A / HERE / "describe-flow-logs.json").rename(saved / A / HERE / name)
    meta, calls = imported(saved)
    assert [call.endpoint for call in of(calls, "DescribeFlowLogs")] == [f"file:{A}/{HERE}/{name}"]
    assert meta["ignored"] == []


DEEP = "[" * 100_000
WRONG = {
    "empty": (b"", "Empty", "is empty"),
    "blank": (b"\r\n\n", "Empty", "is empty"),
    "refused": (REFUSED, "UnauthorizedOperation", "not authorized"),
    "refused-in-powershell": (b"\xff\xfe" + "aws : \r\nAn error occurred\r\n(AccessDenied) when calling the DescribeFlowLogs\r\noperation: no\r\nAt line:1".encode("utf-16-le"), "AccessDenied", "no"),
    "refused-after-a-page": (json.dumps(FLOW_LOGS) + REFUSED, "UnauthorizedOperation", "not authorized"),
    "refused-something-else": (REFUSED.replace("FlowLogs", "Vpcs"), "WrongAnswer", "a refusal of DescribeVpcs, not of DescribeFlowLogs"),
    "no-credentials": ('\nUnable to locate credentials. You can configure credentials by running "aws configure".\n', "CliError", "Unable to locate"),
    "yaml": ("FlowLogs:\n- FlowLogId: fl-1\n", "NotJson", "--output json"),
    "table": ("-----------\n|DescribeFlowLogs|\n", "NotJson", "--output json"),
    "text": ("FLOWLOGS\t2026\tfl-1\n", "NotJson", "--output json"),
    "cut": (json.dumps(FLOW_LOGS)[:-3], "Damaged", "is not whole"),
    "cut-gzip": (gzip.compress(json.dumps(FLOW_LOGS).encode())[:-9], "Damaged", "unpacked"),
    "no-utf-8": (b'{"FlowLogs": [{"Tags": "\xfc"}]}', "Damaged", "decoded"),
    "half-a-character": ('{"FlowLogs": [{"FlowLogId": "\\ud800"}]}', "Damaged", "half a character"),
    "nan": ('{"FlowLogs": [NaN]}', "Damaged", "no JSON"),
    "twice-a-key": ('{"FlowLogs": [{}], "FlowLogs": []}', "Damaged", "stands twice"),
    "huge-number": ('{"FlowLogs": ' + "9" * 5000 + "}", "Damaged", ""),
    "another": ({"Vpcs": []}, "WrongAnswer", "an answer of ec2:DescribeVpcs, not of ec2:DescribeFlowLogs"),
    "none": ({}, "WrongAnswer", "holds no FlowLogs"),
    "queried": ([{"FlowLogId": LOG}], "WrongAnswer", "without --query"),
    "rows": (json.dumps(FLOW_LOGS["FlowLogs"][0]), "WrongAnswer", "holds no FlowLogs"),
    "torn": ({**FLOW_LOGS, "NextToken": "eyJ"}, "Torn", "ends with a NextToken"),
    "torn-after-whole": (json.dumps(FLOW_LOGS) + json.dumps({"FlowLogs": [], "NextToken": "eyJ"}), "Torn", "ends with a NextToken"),
    "differ": (json.dumps(FLOW_LOGS) + json.dumps({"FlowLogs": []}), "Contradiction", "whole answers that differ"),
    "overlap": (json.dumps({**FLOW_LOGS, "NextToken": "x"}) + json.dumps(FLOW_LOGS), "Contradiction", "overlap"),
    "deep": (DEEP, "TooDeep", "nested"),
    "deep-and-whole": (f'{{"FlowLogs": {"[" * 200}{"]" * 200}}}', "TooDeep", "nested"),
    "deep-objects": ('{"a":' * 50_000, "TooDeep", "nested"),
}  # fmt: skip


@pytest.mark.parametrize(("what", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_trusted_is_not_read_and_nothing_else_is_lost(
    saved: Path, what: Any, code: str, words: str
) -> None:
    """The listing is unread; every other one is whole."""
    put(saved, f"{A}/{HERE}/describe-flow-logs.json", what)
    meta, calls = imported(saved)
    assert errors(calls) == {"DescribeFlowLogs": code}
    wrong = next(call for call in calls if call.error)
    assert words in wrong.error["message"]
    if code not in ("UnauthorizedOperation", "AccessDenied"):
        assert "describe-flow-logs.json" in wrong.error["message"]
    estate = inventory.read(meta, calls)
    assert len(estate.vpcs) == 1
    assert {u.table for u in estate.unread} == {"flow_logs"}


def test_a_file_over_the_limit_and_a_bomb_are_not_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after unpacking."""
    monkeypatch.setattr(dump_text, "LIMIT", 1000)
    put(saved, f"{A}/{HERE}/describe-flow-logs.json", " " * 1001)
    put(saved, f"{A}/{HERE}/describe-subnets.json", gzip.compress(b" " * 100_000))
    _, calls = imported(saved)
    assert errors(calls) == {"DescribeFlowLogs": "TooLarge", "DescribeSubnets": "TooLarge"}


def test_links_and_pipes_are_not_followed(saved: Path, tmp_path: Path) -> None:
    """A link within is a file like others; one that leads out is unread; a pipe is not waited for."""
    here = saved / A / HERE
    (here / "describe-subnets.json").rename(here / "kept.txt")
    (here / "describe-subnets.json").symlink_to(here / "kept.txt")
    put(tmp_path, "outside.json", FLOW_LOGS)
    (here / "describe-flow-logs.json").unlink()
    (here / "describe-flow-logs.json").symlink_to(tmp_path / "outside.json")
    (here / "describe-vpcs.json").unlink()
    (here / "describe-vpcs.json").symlink_to(here / "gone")
    (here / "describe-nat-gateways.json").unlink()
    os.mkfifo(here / "describe-nat-gateways.json")
    _, calls = imported(saved)
    assert errors(calls) == {
        "DescribeFlowLogs": "Link",
        "DescribeNatGateways": "NotAFile",
        "DescribeVpcs": "Unreadable",
    }


MISTAKES = {
    "account": (f"{A[:-1]}/{HERE}/describe-vpcs.json", "not an account id of 12 digits"),
    "organization": ("organisations/list-accounts.json", "did you mean 'organizations'?"),
    "region": (f"{A}/eu-west/describe-vpcs.json", "not the name of a region"),
    "global": (f"{A}/globl/describe-regions.json", "did you mean 'global'?"),
    "no-region": (f"{A}/describe-vpcs.json", "belongs into a folder of its region"),
    "wrong-place": (f"{A}/{HERE}/describe-regions.json", "does not tell what it is about"),
    "no-bucket": ("buckets/get-bucket-policy.json", "belongs into a folder of its own"),
    "kind": (f"{A}/{HERE}/log-group/x/describe-log-streams.json", "did you mean 'log-groups'?"),
    "flat": ("describe-vpcs.json", "account_id is needed for answers that lie flat"),
    "about": (f"{A}/{HERE}/about.json", "unknown key 'event_from'; did you mean 'events_from'?"),
    "stray-about": (f"{A}/about.json", "tells nothing here"),
}


@pytest.mark.parametrize(("name", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_folder_that_would_be_lost_is_an_error(saved: Path, name: str, words: str) -> None:
    """Else a whole account could go missing from the scope, and the rest pass."""
    put(saved, name, {"event_from": "2026-10-01"})
    with pytest.raises(InvalidInput) as error:
        imported(saved)
    assert words in error.value.message


@pytest.mark.parametrize(
    "about",
    [
        '{"as_of": "9999-12-31"}',
        '{"as_of": "soon"}',
        '{"as_of": 5}',
        "[]",
        "{",
        DEEP,
        '{"as_of": "2026-10-01", "region": "Europe"}',
        "\x00",
    ],
)
def test_a_wrong_about_json_is_named(saved: Path, about: str) -> None:
    """A person wrote it, and can put it right."""
    put(saved, "about.json", about)
    with pytest.raises(InvalidInput) as error:
        imported(saved)
    assert "about.json" in error.value.message


def test_a_linked_folder_is_an_error(saved: Path, tmp_path: Path) -> None:
    """What it leads to may be anything."""
    (saved / B).symlink_to(saved / A)
    with pytest.raises(InvalidInput, match="link to a folder"):
        imported(saved)


def test_what_is_not_known_is_ignored_and_named(saved: Path) -> None:
    """With the nearest right word."""
    put(saved, f"{A}/{HERE}/describe-flowlogs.json", {})
    put(saved, "README.md", "hello")
    put(saved, "notes/todo.txt", "hello")
    meta, calls = imported(saved)
    assert meta["ignored"] == [
        f"{A}/{HERE}/describe-flowlogs.json; did you mean 'describe-flow-logs'?",
        "README.md",
        "notes/",
    ]
    assert any("ignored" in note for note in meta["notes"])
    assert errors(calls) == {}


def test_a_directory_of_yaml_is_one_clear_error(saved: Path) -> None:
    """Not a hundred unread listings."""
    for path in saved.rglob("describe-*.json"):
        path.write_text("Vpcs: []\n")
    with pytest.raises(AuditkitError) as error:
        imported(saved)
    assert "is not JSON" in error.value.message
    assert "--output json" in error.value.hint


def test_a_directory_of_something_else(tmp_path: Path) -> None:
    """Neither a snapshot nor answers."""
    put(tmp_path, "x.txt", "")
    with pytest.raises(AuditkitError, match="neither a snapshot nor"):
        imported(tmp_path)


def test_the_clock_is_told_or_the_newest_file_s(saved: Path) -> None:
    """And a directory without believable times must say it."""
    (saved / "about.json").unlink()
    for path in saved.rglob("*.json"):
        os.utime(path, (1_790_000_000, 1_790_000_000))
    os.utime(saved / A / HERE / "describe-vpcs.json", (1_790_003_600, 1_790_003_600))
    meta, calls = imported(saved)
    assert (meta["started"], meta["as_of"]) == ("2026-09-21T14:13:20Z", "2026-09-21T15:13:20Z")
    assert {call.at for call in calls} == {meta["started"], meta["as_of"]}
    assert any("times of the files" in note for note in meta["notes"])
    for path in saved.rglob("*.json"):
        os.utime(path, (0, 0))
    with pytest.raises(AuditkitError, match="lost their times"):
        imported(saved)


def test_one_region_may_lie_flat(saved: Path) -> None:
    """With about.json saying whose answers they are."""
    flat = saved.parent / "flat"
    (saved / A / HERE).rename(flat)
    put(flat, "about.json", {"account_id": A, "region": HERE, "as_of": "2026-10-01T06:00:00Z"})
    put(
        flat,
        "describe-regions.json",
        {"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "me-south-1", "OptInStatus": "not-opted-in"}]},
    )
    put(flat, "get-caller-identity.json", {"Account": A, "Arn": f"arn:aws:iam::{A}:user/giver", "UserId": "x"})
    put(flat, "log-groups/%2Fvpc%2Fflow/describe-log-streams.json", {"logStreams": [], "NextToken": "more"})
    meta, calls = imported(flat)
    assert meta["scope"]["regions"] == {A: [HERE, "us-east-1"]}
    assert meta["identity"]["arn"] == f"arn:aws:iam::{A}:user/giver"
    assert of(calls, "DescribeLogStreams")[0].resource == "/vpc/flow"
    assert of(calls, "DescribeLogStreams")[0].answer["nextToken"] == "more"
    assert errors(calls) == {}
    unread = inventory.read(meta, calls).unread
    assert {(u.account_id, u.region) for u in unread if u.error == "not in the snapshot"} == {(A, "us-east-1")}


def test_an_account_of_the_organization_without_a_folder_is_in_scope_and_not_read(saved: Path) -> None:
    """One that is suspended is not."""
    accounts = [
        {"Id": A, "State": "ACTIVE"},
        {"Id": B, "Status": "ACTIVE"},
        {"Id": "444455556666", "State": "SUSPENDED"},
    ]
    put(saved, "organizations/list-accounts.json", {"Accounts": accounts})
    meta, calls = imported(saved)
    assert meta["scope"]["accounts"] == [A, B]
    rows = {a.account_id: (a.status, a.read) for a in inventory.read(meta, calls).accounts}
    assert rows == {A: ("in_scope", "read"), B: ("in_scope", "unread"), "444455556666": ("suspended", "-")}


@pytest.mark.parametrize("where", [f"{A}/us-east-1", f"{B}/{HERE}"], ids=["region", "account"])
def test_the_same_flow_log_in_two_places_makes_both_unread(saved: Path, where: str) -> None:
    """A loop that did not change the region, or the credentials: what the second place holds is not known."""
    shutil.copytree(saved / A / HERE, saved / where)
    meta, calls = imported(saved)
    places = {(u.account_id, u.region) for u in inventory.read(meta, calls).unread if u.table == "flow_logs"}
    assert places == {(A, HERE), tuple(where.split("/"))}
    assert set(errors(calls).values()) == {"Contradiction"}


def test_another_account_s_identity_makes_everything_of_the_account_unread(saved: Path) -> None:
    """The credentials were somebody else's."""
    put(saved, f"{A}/global/get-caller-identity.json", {"Account": B, "Arn": f"arn:aws:iam::{B}:user/x", "UserId": "x"})
    _, calls = imported(saved)
    assert {c.operation for c in calls if c.error} == {c.operation for c in calls} - {"GetCallerIdentity"}


def test_the_partition_is_known_from_the_regions_where_nobody_knows_the_caller(saved: Path) -> None:
    """ARNs of China are not those of the rest."""
    (saved / A / HERE).rename(saved / A / "cn-north-1")
    meta, calls = imported(saved)
    assert inventory.read(meta, calls).vpcs[0].vpc_arn == f"arn:aws-cn:ec2:cn-north-1:{A}:vpc/{VPC}"


def test_times_of_the_first_cli_become_texts(saved: Path) -> None:
    """Seconds since 1970; CloudWatch Logs' milliseconds stay."""
    put(
        saved,
        "organizations/list-accounts.json",
        {"Accounts": [{"Id": A, "State": "ACTIVE", "JoinedTimestamp": 1557212400.0}]},
    )
    put(
        saved,
        f"{A}/{HERE}/describe-log-groups.json",
        {"logGroups": [{"logGroupName": "g", "creationTime": 1557212400000}]},
    )
    put(
        saved,
        f"{A}/{HERE}/lookup-events-CreateFlowLogs.json",
        {"Events": [{"EventTime": 1e300}, {"EventTime": 1557212400.5}]},
    )
    _, calls = imported(saved)
    assert of(calls, "ListAccounts")[0].answer["Accounts"][0]["JoinedTimestamp"] == "2019-05-07T07:00:00Z"
    assert of(calls, "DescribeLogGroups")[0].answer["logGroups"][0]["creationTime"] == 1557212400000
    assert [e["EventTime"] for e in of(calls, "LookupEvents")[0].answer["Events"]] == [1e300, "2019-05-07T07:00:00Z"]


def test_things_are_named_by_folder_and_answer(saved: Path) -> None:
    """Buckets with who was expected to own them, keys by ARN, roles with each policy, event histories with their span."""
    put(saved, "buckets/logs/about.json", {"expected_bucket_owner": B})
    put(saved, "buckets/logs/head-bucket.json", {})
    put(saved, "buckets/logs/get-bucket-versioning.json", {})
    put(
        saved,
        "buckets/logs/get-bucket-policy.json",
        "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none",
    )
    put(saved, "buckets/logs/get-bucket-logging.json", {"Vpcs": []})
    put(saved, f"{A}/{HERE}/keys/1234/describe-key.json", {"KeyMetadata": {"Arn": f"arn:aws:kms:{HERE}:{A}:key/1234"}})
    put(saved, f"{A}/{HERE}/keys/1234/get-key-policy.json", {"Policy": "{}"})
    one, two = ({"RoleName": "deliver", "PolicyName": name, "PolicyDocument": {}} for name in "ab")
    put(saved, f"{A}/global/roles/deliver/get-role-policy.json", json.dumps(one) + json.dumps(two))
    put(saved, f"{A}/global/roles/deliver/get-role.json", {"Role": {"RoleName": "another"}})
    put(saved, f"{A}/{HERE}/about.json", {"events_from": "2026-09-01", "events_until": "2026-10-01T05:00:00+00:00"})
    put(saved, f"{A}/{HERE}/cloudtrail-lookup-events-DeleteFlowLogs.json", {"Events": []})
    _, calls = imported(saved)
    head = of(calls, "HeadBucket")[0]
    assert (head.service, head.resource, head.asked, head.answer) == ("s3", "logs", {"ExpectedBucketOwner": B}, {})
    assert {c.resource for c in calls if c.service == "kms"} == {f"arn:aws:kms:{HERE}:{A}:key/1234"}
    assert [c.resource for c in of(calls, "GetRolePolicy")] == ["deliver/a", "deliver/b"]
    assert errors(calls) == {
        "GetBucketPolicy": "NoSuchBucketPolicy",
        "GetBucketLogging": "WrongAnswer",
        "GetRole": "WrongAnswer",
    }
    told = of(calls, "LookupEvents")[0]
    assert (told.resource, told.asked) == (
        "DeleteFlowLogs",
        {"StartTime": "2026-09-01T00:00:00Z", "EndTime": "2026-10-01T05:00:00Z"},
    )


def test_commands_are_those_of_aws() -> None:
    """The CLI's words and AWS's names belong together, as botocore writes them, and the answers hold the keys."""
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    for one in COMMANDS:
        model = session.get_service_model(one.service).operation_model(one.operation)
        assert one.word.removesuffix(f"-{one.resource}") == xform_name(one.operation, "-"), one
        assert not one.key or one.key in model.output_shape.members, one


def test_an_audit_of_saved_answers_says_that_they_were_imported(
    saved: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the command line; a file is no endpoint of AWS, and none that is not."""
    saved.rename(small / "dumps")
    edit(small, "snapshot: snapshot", "snapshot: dumps")
    status = command(
        [
            "audit",
            "-c",
            str(small / "auditkit.yaml"),
            "-o",
            str(small / "run"),
            "-f",
            "json,html",
            "-q",
            "--table",
            "coverage",
        ]
    )
    assert "rror" not in capsys.readouterr().err
    assert status in (1, 3)
    result = loaded(small / "run" / "assessment.json")
    assert any("imported" in note for note in result["notes"])
    assert not any("endpoint" in note for note in result["notes"])
    assert result["as_of"] == "2026-10-01T06:00:00Z"
    meta = loaded(small / "run" / "snapshot" / "snapshot.json")
    assert {file["path"] for file in meta["files"]} >= {f"{A}/{HERE}/describe-vpcs.json"}
    assert all(re.fullmatch("[0-9a-f]{64}", file["sha256"]) for file in meta["files"])
    assert command(["assess", str(small / "run"), "-q"]) in (1, 3)


def test_a_wrong_directory_is_exit_status_2(saved: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one sentence for each mistake."""
    (saved / A).rename(saved / A[:-1])
    saved.rename(small / "dumps")
    edit(small, "snapshot: snapshot", "snapshot: dumps")
    assert command(["audit", "-c", str(small / "auditkit.yaml"), "-o", str(small / "run"), "-q"]) == 2
    assert "not an account id of 12 digits" in capsys.readouterr().err


NAMES = sorted(f"{A}/{HERE}/{one.word}.json" for one in COMMANDS if one.place == REGION and one.service == "ec2")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), cut=st.integers(0, 400), junk=st.binary(max_size=12), at=st.integers(0, 400))
def test_damage_to_one_file_is_never_raised_and_touches_no_other(
    saved: Path, name: str, cut: int, junk: bytes, at: int
) -> None:
    """Cut anywhere, and overwritten anywhere."""
    path = saved / name
    whole = path.read_bytes()
    try:
        _, before = imported(saved)
        body = whole[:cut]
        path.write_bytes(body[:at] + junk + body[at + len(junk) :])
        meta, after = imported(saved)
        inventory.read(meta, after)
        spoiled = f"file:{name}"
        assert [c for c in after if c.endpoint != spoiled] == [c for c in before if c.endpoint != spoiled]
        assert any(c.endpoint == spoiled for c in after)
    finally:
        path.write_bytes(whole)


# -- the script of docs/offline.md ---------------------------------------------------------------------------------


def script() -> str:
    return re.search(r"```bash\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_script_asks_what_is_read_and_nothing_else() -> None:
    """Every command of the layout."""
    asked = {tuple(m) for m in re.findall(r"\bask \"[^\"]+\" \"?[\w$-]+\"? (\S+) (\S+)", script())}
    assert asked == {(one.cli, one.word.removesuffix(f"-{one.resource}")) for one in COMMANDS}
    said = {tuple(m) for m in re.findall(r"\bsay (?:'[^']+'|\S+) (\w+) ([\w-]+)", script())} - {("SERVICE", "COMMAND")}
    assert said <= asked


AWS = """#!/usr/bin/env bash
case "$2 $*" in
  get-caller-identity*--query*) echo 222233334444 ;;
  get-caller-identity*) echo '{"Account": "222233334444", "Arn": "arn:aws:iam::222233334444:user/x"}' ;;
  describe-regions*--query*) printf 'eu-west-1\\n' ;;
  describe-flow-logs*LogGroupName*) printf '/vpc/flow\\tNone\\n' ;;
  describe-flow-logs*LogDestination*) printf 'arn:aws:s3:::logs/prefix/\\tarn:aws:firehose:eu-west-1:222233334444:deliverystream/flow\\n' ;;
  describe-flow-logs*DeliverLogs*) echo arn:aws:iam::222233334444:role/path/deliver ;;
  *--query*PrefixListId*) echo pl-1 ;;
  *--query*PolicyNames*) printf 'a\\tb\\n' ;;
  *--query*PolicyArn*) echo arn:aws:iam::aws:policy/Wide ;;
  *--query*DefaultVersionId*) echo v3 ;;
  *--query*KMSMasterKeyID*) echo arn:aws:kms:eu-west-1:222233334444:key/1234 ;;
  *--query*) echo 222233334444 ;;
  head-bucket*|get-bucket-versioning*) ;;
  get-role-policy*) echo "{\\"RoleName\\": \\"deliver\\", \\"PolicyName\\": \\"${8}\\", \\"PolicyDocument\\": {}}" ;;
  *) echo "An error occurred (AccessDenied) when calling the $(sed -E 's/(^|-)([a-z])/\\U\\2/g' <<<"$2") operation: no" >&2; exit 254 ;;
esac
"""


def test_the_script_makes_a_directory_that_is_taken(tmp_path: Path) -> None:
    """With an `aws` that refuses nearly everything: one question of every kind, each answered or refused by its own file."""
    path = put(tmp_path, "bin/aws", AWS)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    put(tmp_path, "save.sh", script())
    assert subprocess.run(["bash", "-n", tmp_path / "save.sh"], check=False).returncode == 0
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", tmp_path / "save.sh", tmp_path / "dumps", "2026-09-01T00:00:00Z"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    meta, calls = imported(tmp_path / "dumps")
    assert meta["ignored"] == []
    assert meta["scope"]["regions"] == {A: [HERE]}
    assert {(c.service, c.operation) for c in calls} == {(one.service, one.operation) for one in COMMANDS}
    assert set(errors(calls).values()) == {"AccessDenied"}
    assert {c.resource for c in of(calls, "GetRolePolicy")} == {"deliver/a", "deliver/b"}
    assert of(calls, "HeadBucket")[0].asked == {"ExpectedBucketOwner": A}


@pytest.mark.parametrize("word", ["head-bucket", "get-bucket-versioning", "get-bucket-logging"])
@pytest.mark.parametrize(
    "document", [{"Code": "403", "Message": "Forbidden"}, {"Error": {"Code": "AccessDenied"}}, {"Policy": "{}"}]
)
def test_what_is_no_answer_where_an_answer_may_be_empty(saved: Path, word: str, document: Any) -> None:
    """A refusal as JSON would prove that the bucket is there, and whose it is."""
    put(saved, "buckets/logs/about.json", {"expected_bucket_owner": B})
    put(saved, f"buckets/logs/{word}.json", document)
    _, calls = imported(saved)
    assert set(errors(calls).values()) == {"WrongAnswer"}
