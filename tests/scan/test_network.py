"""What the listings of an account's region lead on to, and how they are asked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditkit.model.inventory import Call
from auditkit.scan.doors import Doors
from auditkit.scan.found import Found, log_groups, prefix_lists
from auditkit.scan.network import EVENTS, LISTS
from tests import aws
from tests.scan.result import ALL
from tests.wire import answer, as_text, ec2_error

WEB = replace(ALL, regions=("us-east-1",))


def one(estate, **more):
    return replace(WEB, only_accounts=(estate.web,), **more)


def test_streams_are_asked_once_for_each_log_group_and_only_the_first_page(run, estate, wire):
    def more(parsed, **_):
        parsed["nextToken"] = "t"

    wire.session.events.register("after-call.cloudwatch-logs.DescribeLogStreams", more)
    found = run(one(estate))
    told = {(c.resource, c.page, (c.error or {}).get("code")) for c in found.of("DescribeLogStreams")}
    assert told == {(aws.GROUP, 1, None), ("/vpc/missing", 1, "ResourceNotFoundException")}
    (request,) = [
        r for name, r in wire.sent if name.endswith("DescribeLogStreams") and "missing" not in as_text(r.body)
    ]
    assert json.loads(as_text(request.body)) == {
        "logGroupName": aws.GROUP,
        "orderBy": "LastEventTime",
        "descending": True,
        "limit": 50,
    }


def test_the_entries_of_a_prefix_list_are_asked_where_something_refers_to_it(run, estate):
    found = run(replace(WEB, regions=None))
    (call,) = found.of("GetManagedPrefixListEntries")
    assert (call.account_id, call.region, call.resource) == (estate.web, "us-east-1", estate.ids["partners"])
    assert call.answer["Entries"] == [{"Cidr": "192.0.2.0/24", "Description": "partners"}]
    listed = found.rows("DescribeManagedPrefixLists", "PrefixLists", account_id=estate.web, region="us-east-1")
    assert estate.ids["partners"] in {row["PrefixListId"] for row in listed}


def test_the_entries_of_a_prefix_list_are_asked_where_a_control_names_it(run, estate):
    found = run(one(estate, prefix_lists=("com.amazonaws.us-east-1.s3", "pl-0123456789abcdef0")))
    listed = found.rows("DescribeManagedPrefixLists", "PrefixLists", account_id=estate.web, region="us-east-1")
    (ours,) = [row["PrefixListId"] for row in listed if row["PrefixListName"] == "com.amazonaws.us-east-1.s3"]
    assert {c.resource for c in found.of("GetManagedPrefixListEntries")} == {estate.ids["partners"], ours}


def test_events_are_asked_only_from_when_it_is_told(run, estate, wire):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    found = run(one(estate, events_from=start))
    calls = found.of("LookupEvents")
    asked = {"StartTime": "2026-11-01T00:00:00Z", "EndTime": "2026-11-22T12:00:00Z"}
    assert [(c.service, c.resource, c.asked, c.answer) for c in calls] == [
        ("cloudtrail", name, asked, {"Events": []}) for name in EVENTS
    ]
    sent = [json.loads(as_text(r.body)) for name, r in wire.sent if name == "cloudtrail:LookupEvents"]
    assert [body["LookupAttributes"] for body in sent] == [
        [{"AttributeKey": "EventName", "AttributeValue": name}] for name in EVENTS
    ]
    assert {body["MaxResults"] for body in sent} == {50}
    assert {body["StartTime"] for body in sent} == {start.timestamp()}
    assert run(one(estate)).of("LookupEvents") == []


def test_the_largest_pages_are_asked_for(run, estate, wire):
    run(one(estate))
    sizes = {name: wire.forms(f"ec2:{name}")[0].get("MaxResults", [""])[0] for name in LISTS}
    small = {"DescribeRouteTables": "100", "DescribeManagedPrefixLists": "100"}
    none = {"DescribeVpcBlockPublicAccessOptions": ""}
    assert sizes == dict.fromkeys(LISTS, "1000") | small | none


def test_pages_are_followed_where_botocore_knows_none(run, estate, monkeypatch):
    monkeypatch.setattr(aws.SWITCHES, "page_limit", 1)
    found = run(replace(ALL, only_accounts=(estate.data,), only_regions=("eu-west-1",)))
    pages = found.of("DescribeVpcEncryptionControls")
    assert [(c.page, len(c.answer["VpcEncryptionControls"]), bool(c.answer.get("NextToken"))) for c in pages] == [
        (1, 1, True),
        (2, 1, False),
    ]
    assert {row["VpcId"] for row in found.rows("DescribeVpcEncryptionControls", "VpcEncryptionControls")} == {
        estate.ids["eu"],
        estate.ids["lost"],
    }


@pytest.mark.parametrize("operation", ["DescribeVpcEncryptionControls", "DescribeVpcs"])
def test_a_page_that_leads_to_itself_is_an_error(run, estate, wire, operation):
    key, item = {
        "DescribeVpcEncryptionControls": ("vpcEncryptionControlSet", "VpcEncryptionControls"),
        "DescribeVpcs": ("vpcSet", "Vpcs"),
    }[operation]
    body = f"<R><requestId>r</requestId><{key}/><nextToken>t</nextToken></R>"
    wire.fault(f"ec2:{operation}", lambda _: answer(200, body))
    calls = run(one(estate)).of(operation)
    assert [c.answer[item] for c in calls[:-1]] == [[]] * (len(calls) - 1)
    assert calls[-1].error["code"] == "PaginationError"
    assert wire.counts[f"ec2:{operation}"] == 2


def test_regions_that_are_not_opted_in_are_told_and_not_asked(run, estate):
    found = run(one(estate, regions=None))
    (call,) = found.of("DescribeRegions")
    assert {row["RegionName"]: row["OptInStatus"] for row in call.answer["Regions"]}["af-south-1"] == "not-opted-in"
    assert found.meta["scope"]["regions"] == {estate.web: list(aws.REGIONS)}


@pytest.mark.parametrize("number", [1, 40])
def test_as_many_calls_for_one_resource_as_for_a_page_of_them(run, estate, wire, number):
    item = "<item><vpcId>vpc-{0}</vpcId></item>"
    rows = "".join(item.format(at) for at in range(number))
    wire.fault("ec2:DescribeVpcs", lambda _: answer(200, f"<R><requestId>r</requestId><vpcSet>{rows}</vpcSet></R>"))
    found = run(replace(WEB, only_accounts=(aws.MANAGEMENT,)))
    assert len(found.rows("DescribeVpcs", "Vpcs")) == number
    assert {k: n for k, n in found.meta["calls"].items() if k.startswith("ec2:")} == {
        f"ec2:{name}": 1 for name in LISTS
    }


def test_questions_of_a_region_share_one_client_and_so_one_pace(run, monkeypatch):
    made = Counter()
    client = Doors.client

    def counted(self, account_id, service, region=None):
        made[(account_id, service, region)] += 1
        return client(self, account_id, service, region)

    monkeypatch.setattr(Doors, "client", counted)
    run(replace(ALL, regions=("us-east-1", "eu-west-1")))
    regional = {where: n for where, n in made.items() if where[1] in ("ec2", "logs", "cloudtrail", "kms", "iam")}
    assert set(regional.values()) == {1}


def test_when_a_region_is_throttled_its_questions_slow_down_and_no_others(run, estate, wire, monkeypatch):
    monkeypatch.delenv("AWS_RETRY_MODE")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    waited = Counter()
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda self, *_: waited.update([id(self)]))
    refused = []

    def throttle(request):
        if not refused and b"/eu-west-1/" in request.headers["Authorization"]:
            refused.append(request)
            return ec2_error("RequestLimitExceeded", status=503)
        return None

    wire.fault("ec2:DescribeFlowLogs", throttle)
    found = run(replace(ALL, only_accounts=(estate.data,)))
    assert found.errors == []
    assert len(waited) == 1
    assert 1 <= waited.total() <= len(LISTS) + 1


# --- reading what was answered --------------------------------------------------------------------------------------


def call(operation, **answer):
    return Call(service="ec2", operation=operation, account_id="1" * 12, region="us-east-1", at="", answer=answer)


def test_log_groups_are_named_by_arn_or_name():
    rows = [
        {"LogDestinationType": "cloud-watch-logs", "LogDestination": "arn:aws:logs:us-east-1:1:log-group:/a/b:*"},
        {"LogDestinationType": "cloud-watch-logs", "LogGroupName": "by-name"},
        {"LogGroupName": "old"},
        {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b", "LogGroupName": "no"},
        {"LogDestinationType": "cloud-watch-logs"},
        {},
    ]
    assert log_groups([call("DescribeFlowLogs", FlowLogs=rows)]) == {"/a/b", "by-name", "old"}


def test_prefix_lists_are_those_of_rules_and_routes():
    rule = [{"PrefixListIds": [{"PrefixListId": "pl-1"}]}, {}]
    groups = [{"IpPermissions": rule}, {"IpPermissionsEgress": [{"PrefixListIds": [{"PrefixListId": "pl-2"}]}]}]
    tables = [{"Routes": [{"DestinationPrefixListId": "pl-1"}, {"DestinationPrefixListId": "pl-3"}, {}]}, {}]
    odd = [{"IpPermissions": [{"PrefixListIds": [{}, {"PrefixListId": "vpc-1"}]}]}]
    answers = [
        call("DescribeSecurityGroups", SecurityGroups=groups + odd),
        call("DescribeRouteTables", RouteTables=tables),
    ]
    assert prefix_lists(answers) == ["pl-1", "pl-2", "pl-3"]


@pytest.mark.parametrize(
    "row",
    [
        {"DeliverLogsPermissionArn": "arn:aws:iam::12:role/x"},
        {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/"},
        {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/x\n"},
        {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:user/x"},
        {"LogDestination": "arn:aws:firehose:us-east-1:123456789012:deliverystream/../x"},
        {"LogDestination": "arn:aws:firehose:us-east-1/x:123456789012:deliverystream/x"},
        {"LogDestination": "arn:aws:s3:::-x"},
        {"LogDestination": None},
    ],
)
def test_what_is_not_written_as_aws_writes_it_leads_nowhere(row):
    found = Found()
    found.add([call("DescribeFlowLogs", FlowLogs=[row])])
    assert (found.buckets, found.streams, found.roles, found.keys) == ({}, {}, {}, {})
