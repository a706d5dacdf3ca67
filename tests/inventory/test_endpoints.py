"""VPC endpoints, peerings and prefix lists."""

from __future__ import annotations

import pytest

from auditkit.inventory import read

OWNER = "111122223333"
GUEST = "444455556666"
STRANGER = "999988887777"
ENDPOINT = {
    "VpcEndpointId": "vpce-0a1b2c3d",
    "VpcEndpointType": "Interface",
    "VpcId": "vpc-1",
    "OwnerId": OWNER,
    "ServiceName": "com.amazonaws.eu-central-1.logs",
    "State": "available",
    "NetworkInterfaceIds": ["eni-2", "eni-1"],
    "RouteTableIds": [],
}


def test_endpoints(inventory):
    gateway = {
        "VpcEndpointId": "vpce-2",
        "VpcEndpointType": "Gateway",
        "State": "Pending",
        "RouteTableIds": ["rtb-2", "rtb-1"],
    }
    first, second = inventory(VpcEndpoints=[gateway, ENDPOINT]).vpc_endpoints
    assert (first.vpc_endpoint_id, first.account_id, first.vpc_id) == ("vpce-0a1b2c3d", OWNER, "vpc-1")
    assert (first.vpc_endpoint_type, first.service_name) == ("Interface", "com.amazonaws.eu-central-1.logs")
    assert (first.state, first.interface_ids, first.route_table_ids) == ("available", ("eni-1", "eni-2"), ())
    assert (second.state, second.route_table_ids) == ("pending", ("rtb-1", "rtb-2"))


def test_an_endpoint_of_before_there_were_types_is_a_gateway(inventory):
    assert inventory(VpcEndpoints=[{"VpcEndpointId": "vpce-1"}]).vpc_endpoints[0].vpc_endpoint_type == "Gateway"


@pytest.mark.parametrize("state", ["Deleted", "deleting", "rejected", "Failed", "expired"])
def test_an_endpoint_that_is_gone_is_left_out(inventory, state):
    built = inventory(VpcEndpoints=[ENDPOINT | {"State": state}])
    assert (built.vpc_endpoints, built.unread) == ((), ())


@pytest.mark.parametrize("broken", [{"VpcEndpointId": None}, {"NetworkInterfaceIds": "eni-1"}, {"RouteTableIds": [1]}])
def test_an_endpoint_of_another_shape_is_unread(inventory, broken):
    built = inventory(VpcEndpoints=[ENDPOINT | broken, ENDPOINT | {"VpcEndpointId": "vpce-9"}])
    assert [one.table for one in built.unread] == ["vpc_endpoints"]
    assert [one.vpc_endpoint_id for one in built.vpc_endpoints] == ["vpce-9"]


def peering(requester=OWNER, accepter=GUEST, region="eu-central-1", **more):
    return {
        "VpcPeeringConnectionId": "pcx-1",
        "RequesterVpcInfo": {"OwnerId": requester, "VpcId": "vpc-1", "Region": "eu-central-1"},
        "AccepterVpcInfo": {"OwnerId": accepter, "VpcId": "vpc-2", "Region": region},
        "Status": {"Code": "active", "Message": "Active"},
    } | more


def organization(aws, *accounts, **more):
    rows = [{"Id": one, "State": "ACTIVE"} for one in accounts]
    return aws.call("ListAccounts", {"Accounts": rows} | more, service="organizations", region="global")


def test_a_peering_across_regions_and_accounts_is_one_row(aws):
    """AWS shows it in both regions to both sides; the row is the requester's."""
    calls = [
        *aws.listings(OWNER, VpcPeeringConnections=[peering(region="eu-west-1")]),
        *aws.listings(GUEST, "eu-west-1", VpcPeeringConnections=[peering(region="eu-west-1")]),
        organization(aws, OWNER, GUEST),
    ]
    for some in (calls, calls[::-1]):
        built = read(aws.meta(OWNER, GUEST, regions={OWNER: ["eu-central-1"], GUEST: ["eu-west-1"]}), some)
        (row,) = built.vpc_peering_connections
        assert (row.account_id, row.region, row.vpc_id) == (OWNER, "eu-central-1", "vpc-1")
        assert (row.peer_account_id, row.peer_region, row.peer_vpc_id) == (GUEST, "eu-west-1", "vpc-2")
        assert (row.status, row.seen_from, row.peer_in_organization) == ("active", (OWNER, GUEST), True)
        assert built.unread == ()


@pytest.mark.parametrize(
    ("accepter", "listing", "expected"),
    [
        (GUEST, {"accounts": [OWNER, GUEST]}, True),
        (GUEST, {"accounts": [OWNER, GUEST], "NextToken": "more"}, True),
        (STRANGER, {"accounts": [OWNER, GUEST]}, False),
        (STRANGER, {"accounts": [OWNER, GUEST], "NextToken": "more"}, None),
        (STRANGER, None, None),
        (OWNER, None, True),
    ],
)
def test_whether_both_sides_are_of_the_organization(aws, accepter, listing, expected):
    """Only a whole list of accounts proves that one is not in it; an account is always with itself."""
    calls = aws.listings(VpcPeeringConnections=[peering(accepter=accepter)])
    if listing:
        calls.append(organization(aws, *listing["accounts"], **{k: v for k, v in listing.items() if k != "accounts"}))
    (row,) = read(aws.meta(OWNER), calls).vpc_peering_connections
    assert row.peer_in_organization is expected


def test_an_account_list_that_was_refused_proves_nothing(aws):
    refused = aws.call("ListAccounts", service="organizations", region="global", error="AccessDeniedException")
    built = read(aws.meta(OWNER), [*aws.listings(VpcPeeringConnections=[peering(accepter=STRANGER)]), refused])
    assert built.vpc_peering_connections[0].peer_in_organization is None


def test_a_peering_of_before_regions_is_within_one(inventory):
    old = {"OwnerId": OWNER, "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}
    rows = [{"VpcPeeringConnectionId": "pcx-1", "RequesterVpcInfo": old, "AccepterVpcInfo": old}]
    (row,) = inventory(VpcPeeringConnections=rows).vpc_peering_connections
    assert (row.region, row.peer_region, row.status) == ("eu-central-1", "eu-central-1", "")


@pytest.mark.parametrize("code", ["deleted", "deleting", "rejected", "failed", "expired"])
def test_a_peering_that_is_gone_is_left_out(inventory, code):
    assert inventory(VpcPeeringConnections=[peering(Status={"Code": code})]).vpc_peering_connections == ()


@pytest.mark.parametrize(
    "broken", [{"RequesterVpcInfo": None}, {"AccepterVpcInfo": {"VpcId": "vpc-2"}}, {"Status": "active"}]
)
def test_a_peering_of_another_shape_is_unread(inventory, broken):
    built = inventory(VpcPeeringConnections=[peering(**broken)])
    assert [one.table for one in built.unread] == ["vpc_peering_connections"]


AWS_LIST = {
    "PrefixListId": "pl-0a1b2c3d",
    "PrefixListName": "com.amazonaws.eu-central-1.s3",
    "OwnerId": "AWS",
    "State": "create-complete",
}


def entries(aws, *cidrs, pl="pl-0a1b2c3d", token=None, **more):
    answer = {"Entries": [{"Cidr": one} for one in cidrs]} | ({"NextToken": token} if token else {})
    return aws.call("GetManagedPrefixListEntries", answer, resource=pl, **more)


def test_a_prefix_list_has_the_entries_that_were_asked(aws, inventory):
    pages = [
        entries(aws, "52.218.0.0/17", "3.5.0.0/19", token="2"),
        entries(aws, "2a05:d070::/40", page=2),
    ]
    built = inventory(*pages, PrefixLists=[AWS_LIST, AWS_LIST | {"PrefixListId": "pl-2", "OwnerId": OWNER}])
    first, second = built.prefix_lists
    assert (first.account_id, first.prefix_list_name, first.seen_from) == (
        "AWS",
        "com.amazonaws.eu-central-1.s3",
        (OWNER,),
    )
    assert first.cidrs == ("3.5.0.0/19", "52.218.0.0/17", "2a05:d070::/40")
    assert (second.account_id, second.cidrs) == (OWNER, None)
    assert built.unread == ()


def test_a_list_without_entries_is_not_a_list_whose_entries_were_not_read(aws, inventory):
    assert inventory(entries(aws), PrefixLists=[AWS_LIST]).prefix_lists[0].cidrs == ()
    refused = aws.call("GetManagedPrefixListEntries", resource="pl-0a1b2c3d", error="UnauthorizedOperation")
    built = inventory(refused, PrefixLists=[AWS_LIST])
    assert built.prefix_lists[0].cidrs is None
    assert [(one.table, one.resource) for one in built.unread] == [("prefix_lists", "pl-0a1b2c3d")]
    assert not built.is_unread("prefix_lists", OWNER, "eu-central-1"), "one list's entries, not the listing"


@pytest.mark.parametrize("wrong", [{"token": "more"}, {"cidr": "everywhere"}])
def test_entries_that_are_not_whole_are_none(aws, inventory, wrong):
    page = entries(aws, wrong.get("cidr", "3.5.0.0/19"), token=wrong.get("token"))
    built = inventory(page, PrefixLists=[AWS_LIST])
    assert built.prefix_lists[0].cidrs is None
    assert [one.table for one in built.unread] == ["prefix_lists"]


def test_the_owners_entries_count_and_else_anybodys(aws):
    mine = AWS_LIST | {"PrefixListId": "pl-1", "OwnerId": GUEST}
    lists = [*aws.listings(OWNER, PrefixLists=[mine]), *aws.listings(GUEST, PrefixLists=[mine])]
    theirs, own = entries(aws, "10.0.0.0/8", pl="pl-1"), entries(aws, "10.1.0.0/16", pl="pl-1", account_id=GUEST)
    meta = aws.meta(OWNER, GUEST)
    (row,) = read(meta, [*lists, theirs, own]).prefix_lists
    assert (row.cidrs, row.seen_from) == (("10.1.0.0/16",), (OWNER, GUEST))
    assert read(meta, [*lists, theirs]).prefix_lists[0].cidrs == ("10.0.0.0/8",)


def test_a_deleted_prefix_list_is_left_out(inventory):
    assert inventory(PrefixLists=[AWS_LIST | {"State": "delete-complete"}]).prefix_lists == ()
