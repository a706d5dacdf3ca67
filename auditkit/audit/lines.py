"""The places of records without a header that auditkit.yaml names, with what the inventory knows of their flow logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from auditkit.audit.feeding import log_format
from auditkit.config.schema import FromModel
from auditkit.model.errors import AuditkitError, nearest
from auditkit.model.inventory import Inventory
from auditkit.sources import Source
from auditkit.sources.local import LocalLines
from auditkit.sources.shape import Shape

if TYPE_CHECKING:
    from auditkit.audit.scoping import Scoping


def sources(scoping: Scoping, estate: Inventory, session: Callable[[], Any]) -> Iterator[Source]:
    """Give a source for each place.

    Raises:
        AuditkitError: a flow log named is not in the inventory, and its format is not said.
    """
    for given in scoping.config.model.records.lines:
        shape = shape_of(given, estate)
        if given.local:
            yield LocalLines((scoping.config.local(one) for one in given.local), shape)
        elif scoping.config.model.snapshot is None:
            from auditkit.scan import s3_clients  # noqa: PLC0415 - boto3 is heavy, and local files do without
            from auditkit.sources.s3 import Place  # noqa: PLC0415
            from auditkit.sources.s3_lines import S3Lines  # noqa: PLC0415

            bucket, _, prefix = given.s3.removeprefix("s3://").partition("/")
            owner = scoping.owners().get(bucket, "")
            reader = scoping.reader(shape.account_id, owner)
            clients = s3_clients(session(), scoping.wanted(), now=scoping.now)
            yield S3Lines(clients, Place(bucket, prefix, shape.account_id, shape.region, reader, owner), shape)


def shape_of(given: FromModel, estate: Inventory) -> Shape:
    """Return what is known of the records of a place.

    Raises:
        AuditkitError: too little.
    """
    known = {log.flow_log_id: log for log in estate.flow_logs}
    logs = [known[one] for one in given.flow_log if one in known]
    missing = [one for one in given.flow_log if one not in known]
    if missing and not (given.format and given.account and given.region):
        raise AuditkitError(
            f"records.from names {missing[0]}, which is none of the flow logs that were read{nearest(missing[0], known)}",
            "Of one that is no more, or was not read, say format:, account: and region: too.",
        )
    unordered = [log.flow_log_id for log in logs if not given.format and not log_format(log)]
    if unordered:
        raise AuditkitError(
            f"the order of the fields of {unordered[0]} is not known: AWS told no LogFormat",
            "Say it with format: beside flow_log: in auditkit.yaml.",
        )
    places = {(given.account or log.account_id, given.region or log.region) for log in logs}
    if len(places) > 1:
        raise AuditkitError(
            f"the flow logs {', '.join(given.flow_log)} are of several accounts or regions",
            "Name those of one account and region in each entry of records.from.",
        )
    account_id, region = next(iter(places), (given.account, given.region))
    formats = (given.format,) if given.format else tuple(map(log_format, logs))
    if any("${start}" not in one for one in formats):
        raise AuditkitError(
            "records without the field start cannot be read from files of any name: nothing else tells their day",
            "Read them where AWS delivered them, or give the flow log's format a start.",
        )
    return Shape(account_id, region, formats, given.flow_log or ("",))
