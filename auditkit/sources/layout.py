"""The keys under which AWS writes flow log objects to S3.

Amazon VPC User Guide, "Publish flow logs to Amazon S3", flow log files; Transit Gateway guide, "Transit Gateway
Flow Logs records in Amazon S3": the same names, but `service=` where the VPC guide writes `aws-service=`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

SUFFIXES = (".log.gz", ".log.parquet")
"""Text, and Parquet."""

_ACCOUNT = r"\d{12}"
_REGION = r"[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}"
_NAME = re.compile(
    rf"(?P<account>{_ACCOUNT})_vpcflowlogs_(?P<region>{_REGION})_(?P<flow_log>fl-[0-9a-f]{{8,32}})"
    r"_(?P<slot>\d{8}T\d{4})Z_(?P<hash>[0-9A-Za-z]+)(?P<suffix>\.log\.gz|\.log\.parquet)",
    re.ASCII,
)
_FOLDER = re.compile(
    rf"(?:.*/)?AWSLogs/(?:"
    rf"(?P<account>{_ACCOUNT})/vpcflowlogs/(?P<region>{_REGION})/(?P<day>\d{{4}}/\d{{2}}/\d{{2}})(?:/\d{{2}})?"
    rf"|aws-account-id=(?P<h_account>{_ACCOUNT})/(?:aws-)?service=vpcflowlogs/aws-region=(?P<h_region>{_REGION})"
    r"/year=(?P<h_year>\d{4})/month=(?P<h_month>\d{2})/day=(?P<h_day>\d{2})(?:/hour=\d{2})?"
    r")",
    re.ASCII,
)


class Key(NamedTuple):
    """What a key tells."""

    account_id: str
    """Owner of the flow log, not of the bucket."""
    region: str
    """Region of the flow log."""
    flow_log_id: str
    """The flow log."""
    slot: datetime
    """Start of its five minutes, UTC."""
    suffix: str
    """.log.gz or .log.parquet."""


def parse_name(name: str) -> Key | None:
    """Read the last part of a key; None where AWS would not have written it."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    try:
        slot = datetime.strptime(match["slot"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Key(match["account"], match["region"], match["flow_log"], slot, match["suffix"])


def parse_key(key: str) -> Key | None:
    """Read a key of any of the layouts; None where name and folders are not AWS's, or contradict each other.

    Hive-compatible or not, by the hour or not; below any prefix.
    """
    folder, _, name = key.rpartition("/")
    parsed = parse_name(name)
    match = _FOLDER.fullmatch(folder)
    if not parsed or not match:
        return None
    day = match["day"] or f"{match['h_year']}/{match['h_month']}/{match['h_day']}"
    said = (match["account"] or match["h_account"], match["region"] or match["h_region"], day)
    return parsed if said == (parsed.account_id, parsed.region, f"{parsed.slot:%Y/%m/%d}") else None


def roots(prefix: str, account_id: str, region: str) -> tuple[str, ...]:
    """Return the folders, one per layout, below which one account's and region's objects lie."""
    top = f"{prefix.strip('/')}/AWSLogs/".lstrip("/")
    return (
        f"{top}{account_id}/vpcflowlogs/{region}/",
        f"{top}aws-account-id={account_id}/aws-service=vpcflowlogs/aws-region={region}/",
        f"{top}aws-account-id={account_id}/service=vpcflowlogs/aws-region={region}/",
    )


def day_folder(root: str, day: date) -> str:
    """Return the folder of a day below a root; the hourly ones lie inside."""
    return (
        f"{root}year={day:%Y}/month={day:%m}/day={day:%d}/"
        if "=" in root.rpartition("AWSLogs/")[2]
        else f"{root}{day:%Y/%m/%d}/"
    )


def day_prefixes(prefix: str, account_id: str, region: str, day: date) -> tuple[str, ...]:
    """Return every prefix under which a day's objects can lie, whatever the flow log's options."""
    return tuple(day_folder(root, day) for root in roots(prefix, account_id, region))
