"""Block Public Access and encryption controls: what holds for each VPC and subnet, or that it cannot be told."""

from __future__ import annotations

import pytest

from auditkit.inventory import read

OWNER = "111122223333"
GUEST = "444455556666"
REGION = "eu-central-1"
VPC = {"VpcId": "vpc-1", "OwnerId": OWNER}
SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "OwnerId": OWNER}


def options(mode="block-bidirectional", state="update-complete", **more):
    return {"InternetGatewayBlockMode": mode, "State": state, "ManagedBy": "account"} | more


def exclusion(resource, mode="allow-bidirectional", state="create-complete"):
    kind = resource.partition("-")[0]
    return {
        "ExclusionId": f"vpcbpa-exclude-{resource}",
        "InternetGatewayExclusionMode": mode,
        "ResourceArn": f"arn:aws:ec2:{REGION}:{OWNER}:{kind}/{resource}",
        "State": state,
    }


def modes(inventory, *exclusions, **rows):
    rows = {"Vpcs": [VPC], "Subnets": [SUBNET], "VpcBlockPublicAccessOptions": options()} | rows
    built = inventory(VpcBlockPublicAccessExclusions=list(exclusions), **rows)
    return built.vpcs[0].internet_gateway_block_mode, built.subnets[0].internet_gateway_block_mode


@pytest.mark.parametrize("mode", ["off", "block-bidirectional", "block-ingress"])
def test_without_exclusion_the_accounts_mode_holds(inventory, mode):
    assert modes(inventory, VpcBlockPublicAccessOptions=options(mode)) == (mode, mode)


def test_what_aws_says_of_the_resource_itself_wins(inventory):
    own = {"BlockPublicAccessStates": {"InternetGatewayBlockMode": "block-ingress"}}
    assert modes(inventory, exclusion("vpc-1"), Vpcs=[VPC | own]) == ("block-ingress", "off")
    assert modes(inventory, exclusion("vpc-1"), Subnets=[SUBNET | own]) == ("off", "block-ingress")


# fmt: off
EXCLUDED = [
    ("block-bidirectional", [exclusion("vpc-1")], ("off", "off")),
    ("block-bidirectional", [exclusion("vpc-1", "allow-egress")], ("block-ingress", "block-ingress")),
    ("block-ingress", [exclusion("vpc-1", "allow-egress")], ("block-ingress", "block-ingress")),
    ("block-ingress", [exclusion("subnet-1")], ("block-ingress", "off")),
    ("block-bidirectional", [exclusion("subnet-1", "allow-egress")], ("block-bidirectional", "block-ingress")),
    # Of two, the one that blocks less: a subnet that is said to be closed must be.
    ("block-bidirectional", [exclusion("vpc-1"), exclusion("subnet-1", "allow-egress")], ("off", "off")),
    ("block-bidirectional", [exclusion("vpc-1", state="update-complete")], ("off", "off")),
    ("block-bidirectional", [exclusion("vpc-9")], ("block-bidirectional", "block-bidirectional")),
    ("off", [exclusion("vpc-1", state="create-in-progress")], ("off", "off")),
]
# fmt: on


@pytest.mark.parametrize(("mode", "exclusions", "expected"), EXCLUDED)
def test_an_exclusion_opens_its_vpc_or_subnet(inventory, mode, exclusions, expected):
    assert modes(inventory, *exclusions, VpcBlockPublicAccessOptions=options(mode)) == expected


@pytest.mark.parametrize("state", ["create-failed", "delete-complete", "disable-complete"])
def test_an_exclusion_that_does_not_hold_opens_nothing(inventory, state):
    assert modes(inventory, exclusion("vpc-1", state=state)) == ("block-bidirectional",) * 2


@pytest.mark.parametrize(
    "state",
    ["create-in-progress", "update-in-progress", "update-failed", "delete-in-progress", "disable-in-progress", "new"],
)
def test_while_an_exclusion_changes_nothing_is_told(inventory, state):
    assert modes(inventory, exclusion("vpc-1", state=state)) == (None, None)
    assert modes(inventory, exclusion("subnet-1", state=state)) == ("block-bidirectional", None)


@pytest.mark.parametrize("mode", ["", "allow-everything"])
def test_an_exclusion_of_an_unknown_kind_leaves_it_open(inventory, mode):
    assert modes(inventory, exclusion("vpc-1", mode)) == (None, None)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (options(None, "default-state"), "off"),
        (options("block-ingress", "update-in-progress"), None),
    ],
)
def test_the_account_may_be_on_its_way(inventory, told, expected):
    assert modes(inventory, VpcBlockPublicAccessOptions=told) == (expected, expected)


@pytest.mark.parametrize("told", [None, [], {}, "off", options(None), options("mostly"), options(7)])
def test_options_of_another_shape_are_unread(inventory, told):
    built = inventory(Vpcs=[VPC], VpcBlockPublicAccessOptions=told)
    assert [(one.table, one.call) for one in built.unread] == [
        ("block_public_access", "ec2:DescribeVpcBlockPublicAccessOptions")
    ]
    assert built.vpcs[0].internet_gateway_block_mode is None


@pytest.mark.parametrize("operation", ["DescribeVpcBlockPublicAccessOptions", "DescribeVpcBlockPublicAccessExclusions"])
def test_what_was_refused_is_not_off(aws, operation):
    calls = aws.listings(Vpcs=[VPC], VpcBlockPublicAccessOptions=options())
    calls = [one for one in calls if one.operation != operation]
    built = read(aws.meta(OWNER), [*calls, aws.call(operation, error="UnauthorizedOperation")])
    assert built.vpcs[0].internet_gateway_block_mode is None
    assert [one.table for one in built.unread] == ["block_public_access"]


def test_an_exclusion_that_cannot_be_read_leaves_all_open(inventory):
    """It may be the one that opens this very VPC."""
    assert modes(inventory, exclusion("vpc-9") | {"ResourceArn": 7}) == (None, None)


def test_two_answers_that_differ_tell_nothing(aws, inventory):
    """Asked twice, and changed between: neither is believed."""
    other = aws.call("DescribeVpcBlockPublicAccessOptions", {"VpcBlockPublicAccessOptions": options("off")})
    built = inventory(other, Vpcs=[VPC], VpcBlockPublicAccessOptions=options())
    assert built.vpcs[0].internet_gateway_block_mode is None


def test_a_shared_vpc_follows_its_owners_mode(aws):
    shared = [VPC | {"OwnerId": GUEST}]
    calls = [
        *aws.listings(OWNER, Vpcs=shared, VpcBlockPublicAccessOptions=options()),
        *aws.listings(GUEST, Vpcs=shared),
    ]
    assert read(aws.meta(OWNER, GUEST), calls).vpcs[0].internet_gateway_block_mode == "off"
    assert read(aws.meta(OWNER), calls[: len(calls) // 2]).vpcs[0].internet_gateway_block_mode is None


def test_an_unknown_state_of_a_vpc_does_not_lose_the_vpc(inventory):
    own = {"BlockPublicAccessStates": {"InternetGatewayBlockMode": "block-sideways"}}
    built = inventory(Vpcs=[VPC | own], VpcBlockPublicAccessOptions=options("block-ingress"))
    assert built.vpcs[0].internet_gateway_block_mode == "block-ingress"


def control(mode="enforce", state="available", vpc="vpc-1"):
    return {"VpcId": vpc, "VpcEncryptionControlId": "vpcec-1", "Mode": mode, "State": state}


# fmt: off
CONTROLS = [
    ([], "off"),
    ([control()], "enforce"),
    ([control("monitor")], "monitor"),
    ([control(vpc="vpc-9")], "off"),
    ([control(state="deleted")], "off"),
    ([control(state="creating")], None),
    ([control("monitor", "enforce-in-progress")], None),
    ([control("monitor", "enforce-failed")], None),
    ([control(state="deleting")], None),
    ([control("sometimes")], None),
    ([control(state=None)], None),
]
# fmt: on


@pytest.mark.parametrize(("controls", "expected"), CONTROLS)
def test_the_encryption_control_of_a_vpc(inventory, controls, expected):
    built = inventory(Vpcs=[VPC], VpcEncryptionControls=controls)
    assert (built.vpcs[0].encryption_control, built.unread) == (expected, ())


def test_what_a_vpc_says_of_its_encryption_wins(inventory):
    own = {"EncryptionControl": {"Mode": "monitor", "State": "available"}}
    built = inventory(Vpcs=[VPC | own], VpcEncryptionControls=[control()])
    assert built.vpcs[0].encryption_control == "monitor"


def test_encryption_controls_that_were_refused_are_not_off(aws):
    operation = "DescribeVpcEncryptionControls"
    calls = [one for one in aws.listings(Vpcs=[VPC]) if one.operation != operation]
    built = read(aws.meta(OWNER), [*calls, aws.call(operation, error="UnauthorizedOperation")])
    assert built.vpcs[0].encryption_control is None
    assert [one.table for one in built.unread] == ["encryption_controls"]


def test_a_control_of_another_shape_is_unread(inventory):
    built = inventory(Vpcs=[VPC], VpcEncryptionControls=[control(vpc=None)])
    assert built.vpcs[0].encryption_control is None
    assert [one.table for one in built.unread] == ["encryption_controls"]
