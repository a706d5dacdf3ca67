"""Interfaces that only flow records show."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.inventory import from_records

OWNER = "111122223333"
REGION = "eu-central-1"
SEEN = {
    "interface_id": "eni-0gone",
    "account_id": OWNER,
    "region": REGION,
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "instance_id": "i-1",
}


@pytest.fixture
def estate(inventory):
    return inventory(
        Vpcs=[{"VpcId": "vpc-1"}],
        Subnets=[{"SubnetId": "subnet-1", "VpcId": "vpc-1"}],
        NetworkInterfaces=[{"NetworkInterfaceId": "eni-0here"}],
    )


def test_what_records_tell_is_a_row(estate):
    (row,) = from_records(estate, [SEEN])
    assert (row.interface_id, row.account_id, row.region) == ("eni-0gone", OWNER, REGION)
    assert (row.vpc_id, row.subnet_id, row.instance_id) == ("vpc-1", "subnet-1", "i-1")
    assert row.interface_arn == f"arn:aws:ec2:{REGION}:{OWNER}:network-interface/eni-0gone"
    assert (row.service, row.subject, row.subject_type) == ("unknown", "eni-0gone", "network-interface")
    assert (row.seen_in, row.seen_from, row.interface_tags) == ("records", (), None)


def test_what_is_in_the_inventory_is_left_out(estate):
    assert from_records(estate, [SEEN | {"interface_id": "eni-0here"}]) == ()


@pytest.mark.parametrize("interface_id", [None, "", "-", "unknown", "nat-1", "tgw-attach-1", "eni-<b>", 7])
def test_what_is_no_interface_is_left_out(estate, interface_id):
    assert from_records(estate, [SEEN | {"interface_id": interface_id}]) == ()


def test_the_inventory_tells_what_the_records_do_not(estate):
    told = {"interface_id": "eni-0gone", "account_id": "unknown", "vpc_id": None, "subnet_id": "subnet-1"}
    (row,) = from_records(estate, [told])
    assert (row.account_id, row.interface_arn, row.vpc_id, row.region) == ("", "", "vpc-1", REGION)


def test_nothing_but_an_id(estate):
    (row,) = from_records(estate, [{"interface_id": "eni-0gone"}])
    assert (row.account_id, row.region, row.vpc_id, row.subnet_id, row.instance_id) == ("",) * 5


WORD = st.sampled_from([None, "", "-", "unknown", "a", "b", 7])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    rows=st.lists(
        st.fixed_dictionaries(
            {"interface_id": st.sampled_from(["eni-1", "eni-2"]), "account_id": WORD, "region": WORD, "vpc_id": WORD}
        )
    ),
)
def test_their_order_does_not_matter(estate, data, rows):
    expected = from_records(estate, rows)
    assert from_records(estate, data.draw(st.permutations(rows))) == expected
    assert [one.interface_id for one in expected] == sorted({one["interface_id"] for one in rows})
