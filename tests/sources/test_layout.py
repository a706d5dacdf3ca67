"""Keys as AWS writes them, and keys that only look like it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.sources.layout import day_prefixes, parse_key, parse_name
from tests.aws import folder, name

NAME = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"
SLOT = datetime(2018, 6, 20, 16, 20, tzinfo=UTC)
PLAIN = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20"
HIVE = "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20"


@pytest.mark.parametrize(
    "key",
    [
        f"{PLAIN}/{NAME}",
        f"{PLAIN}/16/{NAME}",
        f"{HIVE}/{NAME}",
        f"{HIVE}/hour=16/{NAME}",
        f"{HIVE.replace('aws-service', 'service')}/{NAME}",
        f"some/prefix/test.log.gz/{PLAIN}/{NAME}",
    ],
)
def test_every_layout_is_read(key):
    assert parse_key(key) == ("123456789012", "us-east-1", "fl-1234abcd", SLOT, ".log.gz")


def test_parquet_and_regions_of_four_parts_are_read():
    key = f"{PLAIN}/{NAME}".replace("us-east-1", "us-gov-east-1").replace(".log.gz", ".log.parquet")
    parsed = parse_key(key)
    assert (parsed.region, parsed.suffix) == ("us-gov-east-1", ".log.parquet")


@pytest.mark.parametrize(
    "key",
    [
        "",
        NAME,
        f"{PLAIN}/test_file.log.gz",
        f"{PLAIN}/{NAME}.bak",
        f"{PLAIN}/{NAME}\n",
        f"{PLAIN}/{NAME.removesuffix('.gz')}",
        f"{PLAIN}/{NAME.replace('.log.gz', '.json.gz')}",
        f"{PLAIN}/{NAME.replace('1620Z', '2520Z')}",
        f"{PLAIN}/{NAME.replace('1234abcd', '../../etc')}",
        f"{PLAIN}/x/{NAME}",
        f"my{PLAIN}/{NAME}",
        f"{PLAIN.replace('06/20', '06/21')}/{NAME}",
        f"{PLAIN.replace('us-east-1', 'us-west-1')}/{NAME}",
        f"{PLAIN.replace('9012', '9013')}/{NAME}",
        f"{PLAIN.replace('vpcflowlogs', 'CloudTrail')}/{NAME}",
        f"{HIVE.replace('aws-service', 'my-service')}/{NAME}",
        f"{PLAIN}/١٢٣٤٥٦٧٨٩٠١٢{NAME[12:]}",
    ],
)
def test_keys_that_aws_did_not_write_are_none(key):
    assert parse_key(key) is None


def test_a_name_is_enough_where_there_are_no_folders():
    assert parse_name(NAME) == ("123456789012", "us-east-1", "fl-1234abcd", SLOT, ".log.gz")


def test_the_prefixes_of_a_day():
    top = "pre/fix/AWSLogs/"
    hive = "aws-region=us-east-1/year=2018/month=06/day=20/"
    assert day_prefixes("/pre/fix/", "123456789012", "us-east-1", date(2018, 6, 20)) == (
        f"{top}123456789012/vpcflowlogs/us-east-1/2018/06/20/",
        f"{top}aws-account-id=123456789012/aws-service=vpcflowlogs/{hive}",
        f"{top}aws-account-id=123456789012/service=vpcflowlogs/{hive}",
    )
    assert day_prefixes("", "123456789012", "us-east-1", date(2018, 6, 20))[0].startswith("AWSLogs/123456789012/")


@given(
    account=st.from_regex(r"[0-9]{12}", fullmatch=True),
    region=st.sampled_from(["us-east-1", "us-gov-west-1", "ap-southeast-5", "eusc-de-east-1", "us-isob-east-1"]),
    flow_log=st.from_regex(r"fl-[0-9a-f]{8,17}", fullmatch=True),
    slot=st.datetimes(datetime(2015, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - hypothesis takes naive bounds
    prefix=st.sampled_from(["", "a", "a/b=c", "AWSLogs-old"]),
    hive=st.booleans(),
    hourly=st.booleans(),
)
def test_every_key_is_read_as_it_was_written_and_lies_below_a_prefix_of_its_day(
    account, region, flow_log, slot, prefix, hive, hourly
):
    at = slot.replace(second=0, microsecond=0, tzinfo=UTC)
    key = folder(account, region, at, prefix, hive=hive, hourly=hourly) + name(account, region, flow_log, at)
    assert parse_key(key) == (account, region, flow_log, at, ".log.gz")
    assert key.startswith(day_prefixes(prefix, account, region, at.date()))


@given(st.text())
def test_no_text_breaks_it(text):
    parse_key(text)
    parse_key(f"{PLAIN}/{text}")
    parse_key(f"{text}/{NAME}")
