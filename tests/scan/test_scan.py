"""A scan of the whole organization, over HTTP."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest
from botocore.config import Config

from auditkit import snapshot
from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.scan import ACTIONS, s3_clients, scan
from auditkit.scan.buckets import SETTINGS
from auditkit.scan.doors import Doors
from auditkit.scan.network import LISTS
from tests import aws
from tests.scan.result import ALL, NOW
from tests.wire import answer


def test_meta_says_who_when_and_what_was_in_scope(run, estate):
    meta = run(replace(ALL, excluded=(estate.data,))).meta
    assert meta == {
        "provenance": "collected",
        "started": "2026-11-22T12:00:00Z",
        "as_of": "2026-11-22T12:00:00Z",
        "identity": {
            "account_id": estate.management,
            "arn": f"arn:aws:sts::{estate.management}:user/moto",
            "endpoint": estate.endpoint,
        },
        "scope": {
            "accounts": sorted([estate.management, estate.archive, estate.web]),
            "regions": {a: ["eu-west-1", "us-east-1"] for a in (estate.management, estate.archive, estate.web)},
            "excluded": [{"account": estate.data}],
        },
        "calls": meta["calls"],
        "organization": {
            "id": meta["organization"]["id"],
            "management_account": estate.management,
            "resting": [],
            "not_listed": [],
        },
    }
    assert meta["organization"]["id"].startswith("o-")


def test_meta_counts_what_was_asked_page_by_page(whole):
    found, wire = whole
    sent = {
        name.replace("cloudwatch-logs:", "logs:").replace("s3-control:", "s3control:"): n
        for name, n in wire.counts.items()
    }
    assert found.meta["calls"] == sent


def test_accounts_that_the_organization_does_not_list_stay_in_scope_and_are_noted(run, estate):
    found = run(replace(ALL, accounts=(estate.web, "999999999999"), only_regions=("us-east-1",)))
    assert found.meta["scope"]["accounts"] == sorted([estate.web, "999999999999"])
    assert found.meta["organization"]["not_listed"] == ["999999999999"]


def test_each_hand_over_is_one_file_and_no_file_comes_twice(whole):
    found, _ = whole
    files = [{snapshot.path_of(call) for call in calls} for calls in found.files]
    assert all(len(paths) == 1 for paths in files)
    assert len({*map(min, files)}) == len(files)


def test_everything_that_was_built_is_found_where_it_is(whole, estate):
    found, _ = whole
    for operation, key, id_key, names in (
        ("DescribeVpcs", "Vpcs", "VpcId", ("pci", "bare", "eu", "lost")),
        ("DescribeTransitGateways", "TransitGateways", "TransitGatewayId", ("tgw",)),
        (
            "DescribeTransitGatewayAttachments",
            "TransitGatewayAttachments",
            "TransitGatewayAttachmentId",
            ("attachment",),
        ),
        ("DescribeNatGateways", "NatGateways", "NatGatewayId", ("nat",)),
        (
            "DescribeFlowLogs",
            "FlowLogs",
            "FlowLogId",
            ("pci-log", "subnet-log", "eni-log", "tgw-log", "eu-log", "lost-log"),
        ),
    ):
        assert {row[id_key] for row in found.rows(operation, key)} == {estate.ids[name] for name in names}
    assert [row["VpcId"] for row in found.rows("DescribeVpcs", "Vpcs", account_id=estate.web)] == [estate.ids["pci"]]
    west = found.rows("DescribeVpcs", "Vpcs", account_id=estate.data, region="eu-west-1")
    assert {row["VpcId"] for row in west} == {estate.ids["eu"], estate.ids["lost"]}
    assert {row["Key"]: row["Value"] for row in found.rows("ListTagsForResource", "Tags", resource=estate.web)} == {
        "tier": "web"
    }
    assert found.errors == []


def test_the_same_calls_are_made_for_every_account_and_region_whatever_it_holds(whole, estate):
    """Log groups are listed only where a flow log writes to one; all else is constant."""
    found, wire = whole
    made = Counter((c.account_id, c.region) for c in found.calls if c.service == "ec2" and c.operation in LISTS)
    assert made == {(account, region): len(LISTS) for account in estate.accounts for region in aws.REGIONS}
    assert [(c.account_id, c.region) for c in found.of("DescribeLogGroups")] == [(estate.web, "us-east-1")]
    assert {name: wire.counts[f"ec2:{name}"] for name in LISTS} == dict.fromkeys(LISTS, 8)
    others = {name: count for name, count in wire.counts.items() if name.partition(":")[2] not in LISTS}
    assert others == {
        "sts:GetCallerIdentity": 1,
        "sts:AssumeRole": 3,
        "organizations:DescribeOrganization": 1,
        "organizations:ListAccounts": 1,
        "organizations:ListTagsForResource": 4,
        "ec2:DescribeRegions": 4,
        "ec2:GetManagedPrefixListEntries": 1,
        "cloudwatch-logs:DescribeLogGroups": 1,
        "cloudwatch-logs:DescribeLogStreams": 2,
        # The accounts that write to the bucket, the caller's, then the others: the last of them owns it.
        "s3:HeadBucket": wire.counts["s3:HeadBucket"],
        **{f"s3:{name}": 2 for name in SETTINGS},
        "s3-control:GetPublicAccessBlock": 1,
        **dict.fromkeys(("kms:DescribeKey", "kms:GetKeyPolicy"), 1),
        **dict.fromkeys(
            ("iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"), 1
        ),
        **dict.fromkeys(("iam:GetPolicy", "iam:GetPolicyVersion"), 1),
    }
    assert wire.counts["s3:HeadBucket"] <= 1 + len(estate.accounts)


def test_every_page_is_a_call_of_its_own(run, estate, monkeypatch):
    monkeypatch.setattr(aws.SWITCHES, "page_limit", 1)
    found = run(replace(ALL, only_accounts=(estate.web,), only_regions=("us-east-1",)))
    pages = found.of("DescribeSubnets")
    assert [(call.page, len(call.answer["Subnets"])) for call in pages] == [(1, 1), (2, 1)]
    assert {row["SubnetId"] for row in found.rows("DescribeSubnets", "Subnets")} == {
        estate.ids["pci-subnet-0"],
        estate.ids["pci-subnet-1"],
    }
    assert len(found.of("DescribeFlowLogs")) == 3


def test_a_bucket_is_asked_once_with_the_credentials_of_its_account(run, estate, wire):
    owners = {aws.BUCKET: estate.archive, "not-in-use": estate.archive}
    found = run(replace(ALL, bucket_accounts=owners))
    heads = {(c.resource, c.account_id): (c.error or {}).get("code") for c in found.of("HeadBucket")}
    assert heads == {(aws.BUCKET, estate.archive): None, (aws.GONE, estate.data): "404"}
    expected = {
        r.headers.get("x-amz-expected-bucket-owner", b"").decode() for name, r in wire.sent if name == "s3:HeadBucket"
    }
    assert expected == {estate.archive, estate.data}
    assert found.rows("GetBucketEncryption", "ServerSideEncryptionConfiguration") != []


def test_the_account_of_a_bucket_is_entered_even_if_it_is_not_in_scope(run, estate):
    found = run(replace(ALL, excluded=(estate.archive,), bucket_accounts={aws.BUCKET: estate.archive}))
    assert [c.account_id for c in found.of("HeadBucket", resource=aws.BUCKET)] == [estate.archive]
    assert estate.archive in {c.account_id for c in found.of("AssumeRole")}
    assert found.of("DescribeVpcs", account_id=estate.archive) == []


def test_answers_are_plain_and_survive_the_snapshot(whole, tmp_path):
    found, _ = whole
    snapshot.write(tmp_path, found.meta, found.calls)
    read = list(snapshot.read_calls(tmp_path))
    where = attrgetter("service", "operation", "account_id", "region", "resource", "page")
    assert sorted(read, key=where) == sorted(found.calls, key=where)
    created = found.rows("DescribeFlowLogs", "FlowLogs")[0]["CreationTime"]
    assert datetime.fromisoformat(created).tzinfo is not None
    assert created.endswith("Z")


def test_two_scans_say_the_same_in_the_same_order(run, whole):
    def told(found):
        return [[replace(call, request_id="", answer=None) for call in calls] for calls in found.files]

    assert told(run()) == told(whole[0])


def test_no_key_and_no_token_is_kept(whole):
    found, wire = whole
    text = repr(found.calls)
    tokens = {request.headers.get("X-Amz-Security-Token", b"").decode() for _, request in wire.sent} - {""}
    assert len(tokens) == 3
    keys = {request.headers["Authorization"].decode().split("Credential=")[1].split("/")[0] for _, request in wire.sent}
    assert len(keys) == 4
    # moto answers the example key as its UserId; AWS answers an id that is no secret
    for secret in (tokens | keys | {aws.SECRET}) - {aws.KEY}:
        assert secret not in text
    assert "Credentials" not in text
    assert "SecretAccessKey" not in text


def test_the_role_is_assumed_as_told(whole, estate):
    _, wire = whole
    asked = wire.forms("sts:AssumeRole")
    members = (estate.archive, estate.web, estate.data)
    assert {form["RoleArn"][0] for form in asked} == {f"arn:aws:iam::{account}:role/{aws.ROLE}" for account in members}
    assert {(form["RoleSessionName"][0], form["ExternalId"][0]) for form in asked} == {("auditkit", "ext-1")}


def test_the_credentials_of_a_role_are_renewed_before_they_end(run, wire):
    ending = datetime.now(UTC) + timedelta(seconds=30)
    seen: list[str] = []

    def shorten(parsed, **_):
        if len(seen) < 3:
            parsed["Credentials"]["Expiration"] = ending
        seen.append(parsed["AssumedRoleUser"]["Arn"])

    wire.session.events.register("after-call.sts.AssumeRole", shorten)
    found = run()
    assert found.errors == []
    assert Counter(seen) == dict.fromkeys(seen, 2)
    assert len(found.of("AssumeRole")) == 3


def test_managed_interfaces_are_asked_for(whole):
    _, wire = whole
    asked = wire.forms("ec2:DescribeNetworkInterfaces")
    assert {form["IncludeManagedResources"][0] for form in asked} == {"true"}
    assert {form["MaxResults"][0] for form in asked} == {"1000"}


def test_progress_is_told_for_accounts_listings_and_buckets(whole):
    ticks = whole[0].ticks
    assert {(what, total) for what, _, total in ticks} == {
        ("accounts", 4),
        ("listings", 8),
        ("buckets", 2),
        *((what, 1) for what in ("accounts of buckets", "keys", "roles", "policies")),
    }
    assert [done for what, done, _ in ticks if what == "listings"] == list(range(9))


def test_without_a_role_only_the_callers_account_is_read(run, estate, wire):
    found = run(replace(ALL, role_name=None))
    assert found.meta["scope"]["accounts"] == [estate.management]
    assert not any(name.startswith("organizations") or name == "sts:AssumeRole" for name in wire.counts)
    with pytest.raises(AuditkitError, match=f"only account {estate.management} can be entered, not {estate.web}"):
        run(replace(ALL, role_name=None, accounts=(estate.web,)))


def test_named_regions_are_not_asked_for(run, estate, wire):
    found = run(replace(ALL, regions=("us-east-1",)))
    assert wire.counts["ec2:DescribeRegions"] == 0
    assert found.meta["scope"]["regions"] == {account: ["us-east-1"] for account in estate.accounts}


def test_narrowing_leaves_what_is_named(run, estate):
    meta = run(replace(ALL, only_accounts=(estate.web,), only_regions=("eu-west-1",))).meta
    assert meta["scope"]["regions"] == {estate.web: ["eu-west-1"]}


def test_narrowing_to_what_is_not_there_is_said(run, estate):
    with pytest.raises(NothingInScope, match="No account is in scope: 000000000000"):
        run(replace(ALL, only_accounts=("000000000000",)))
    with pytest.raises(AuditkitError, match="Not in scope: account 000000000000"):
        run(replace(ALL, only_accounts=("000000000000", estate.web)))
    with pytest.raises(NothingInScope, match="No region is in scope"):
        run(replace(ALL, only_regions=("mars-east-1",)))
    with pytest.raises(NothingInScope, match="No account is in scope"):
        run(replace(ALL, excluded=tuple(estate.accounts)))


def test_keep_that_fails_ends_the_scan(wire, estate):
    def full(_calls):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        scan(wire.session, ALL, full, lambda *_: None, now=lambda: NOW)


def test_s3_clients_act_in_the_account_named(estate, wire):
    client_for = s3_clients(wire.session, ALL)
    assert wire.counts["sts:AssumeRole"] == 0
    mine = {"Bucket": aws.BUCKET, "ExpectedBucketOwner": estate.archive}
    assert client_for(estate.archive).head_bucket(**mine)["BucketRegion"] == "us-east-1"
    assert client_for(estate.management).head_bucket(**mine)["BucketRegion"] == "us-east-1"
    assert wire.counts["sts:AssumeRole"] == 1
    tokens = ["X-Amz-Security-Token" in request.headers for name, request in wire.sent if name == "s3:HeadBucket"]
    assert tokens == [True, False]


def test_no_client_can_do_what_the_audit_does_not_ask(estate, wire):
    client = s3_clients(wire.session, ALL)(estate.archive)
    assert sorted(client.meta.method_to_api_mapping.values()) == sorted(
        a.operation for a in ACTIONS if a.service == "s3"
    )
    with pytest.raises(AttributeError, match="no attribute 'put_object'"):
        client.put_object(Bucket=aws.BUCKET, Key="x", Body=b"")


def test_timeouts_are_set_and_the_callers_own_settings_win(wire, estate, monkeypatch):
    configured = s3_clients(wire.session, ALL)(estate.web).meta.config
    assert (configured.retries["mode"], configured.retries["total_max_attempts"]) == ("standard", 1)
    monkeypatch.delenv("AWS_RETRY_MODE")
    ours = s3_clients(wire.session, ALL)(estate.web).meta.config
    assert (ours.connect_timeout, ours.read_timeout, ours.retries["mode"]) == (10, 60, "adaptive")
    wire.session._session.set_default_client_config(Config(read_timeout=5, retries={"total_max_attempts": 3}))
    theirs = s3_clients(wire.session, ALL)(estate.web).meta.config
    assert (theirs.connect_timeout, theirs.read_timeout, theirs.retries["total_max_attempts"]) == (10, 5, 3)


def test_the_session_handed_in_is_left_as_it_was(wire, estate):
    core = wire.session._session
    before = (core.get_component("response_parser_factory"), core.get_component("data_loader"), core.get_credentials())
    s3_clients(wire.session, ALL)(estate.web).head_bucket(Bucket=aws.BUCKET)
    assert before == (
        core.get_component("response_parser_factory"),
        core.get_component("data_loader"),
        core.get_credentials(),
    )


def test_roles_are_of_the_callers_partition(run, wire, estate):
    arn = f"arn:aws-us-gov:sts::{estate.management}:assumed-role/audit/me"
    identity = f"<Arn>{arn}</Arn><UserId>u</UserId><Account>{estate.management}</Account>"
    said = f"<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>"
    meta = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    body = f"<GetCallerIdentityResponse>{said}{meta}</GetCallerIdentityResponse>"
    wire.fault("sts:GetCallerIdentity", lambda _: answer(200, body))
    found = run(replace(ALL, only_accounts=(estate.web,), regions=("us-gov-west-1",)))
    assert found.meta["identity"]["arn"] == arn
    assert [form["RoleArn"][0] for form in wire.forms("sts:AssumeRole")] == [
        f"arn:aws-us-gov:iam::{estate.web}:role/{aws.ROLE}"
    ]


def test_an_older_botocore_is_not_asked_for_what_it_does_not_know(run, wire, monkeypatch):
    monkeypatch.setattr(Doors, "accepts", lambda *_: False)
    run(replace(ALL, role_name=None, regions=("us-east-1",)))
    assert "IncludeManagedResources" not in wire.forms("ec2:DescribeNetworkInterfaces")[0]
