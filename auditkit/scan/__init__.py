"""AWS → snapshot: every listing that the audit rests on, page by page, as AWS answered it.

Read only. A refusal, a timeout or a garbled answer becomes a `Call` with its error; nothing becomes an empty list.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call
from auditkit.scan.actions import ACTIONS, Action
from auditkit.scan.doors import Doors
from auditkit.scan.kept import Kept, nothing
from auditkit.scan.survey import Survey
from auditkit.scan.wanted import Wanted

__all__ = ["ACTIONS", "Action", "Kept", "Wanted", "logs_clients", "s3_clients", "scan", "session"]


def session() -> boto3.Session:
    """Make the session of the environment: AWS_PROFILE, AWS_ENDPOINT_URL and the rest work as everywhere.

    Raises:
        AuditkitError: the profile named does not exist, or the configuration files are damaged.
    """
    try:
        return boto3.Session()
    except BotoCoreError as error:
        raise AuditkitError(
            f"the AWS configuration cannot be used: {error}", "Look at AWS_PROFILE and ~/.aws/config."
        ) from None


def clock() -> datetime:
    """Return the time now, UTC."""
    return datetime.now(UTC)


def scan(
    session: boto3.Session,
    wanted: Wanted,
    keep: Callable[[list[Call]], None],
    tick: Callable[[str, int, int], None],
    *,
    now: Callable[[], datetime] = clock,
    have: Kept = nothing,
) -> dict[str, Any]:
    """Ask AWS everything that the audit needs to know of its accounts, networks and destinations.

    Args:
        session: of the caller; its endpoint, region, retry and proxy settings hold for the assumed roles too.
        wanted: the scope.
        keep: gets all calls of one file of the snapshot at a time, one file after the other.
        tick: progress: what ("accounts", "listings", "buckets", "keys", …), done, total.
        now: the clock.
        have: gives what an earlier scan, broken off, has handed to its `keep`. It is not asked again and not handed
            over again, unless something in it was refused; the roles are assumed again, and the calls about the
            organization and about destinations are made again.

    Returns:
        The snapshot's meta: provenance, started, as_of, identity, scope; `calls`, service:Operation → requests made
        this time, each page one; `organization`, where there is one.

    Raises:
        AuditkitError: the caller is not known to AWS, or the accounts cannot be known: nothing was audited.
        NothingInScope: no account or region is left.
    """
    return Survey(session, wanted, keep, tick, now, have).run()


def s3_clients(session: boto3.Session, wanted: Wanted, *, now: Callable[[], datetime] = clock) -> Callable[[str], Any]:
    """Return account id → S3 client that acts there: as the caller in its own account, through the role elsewhere.

    A role that is refused shows at the client's first request, as a ClientError.
    """
    doors = Doors(session, wanted.role_name, wanted.external_id, now)
    return lambda account_id: doors.client(account_id, "s3")


def logs_clients(
    session: boto3.Session, wanted: Wanted, *, now: Callable[[], datetime] = clock
) -> Callable[[str, str], Any]:
    """Return account id, region → client of CloudWatch Logs that acts there, like `s3_clients`."""
    doors = Doors(session, wanted.role_name, wanted.external_id, now)
    return lambda account_id, region: doors.client(account_id, "logs", region)
