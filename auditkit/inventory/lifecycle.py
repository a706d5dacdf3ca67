"""How long a bucket keeps flow log objects, from its lifecycle rules.

Amazon S3 User Guide, "Lifecycle configuration elements". Expiration of noncurrent versions is left aside: what it
removes was deleted or overwritten before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from auditkit.inventory.answers import Malformed, Row, instant, integer, items, part, text
from auditkit.model.tables import NEVER

_SERVICES = ("vpcflowlogs", "aws-service=vpcflowlogs", "service=vpcflowlogs")


def retention_days(lifecycle: Row, prefix: str, accounts: Iterable[str], as_of: datetime) -> int:
    """Return the days after which the first of the enabled rules expires flow log objects; NEVER when none does.

    A rule that asks for tags or sizes counts, since objects can come to fit it.

    Args:
        lifecycle: the answer of GetBucketLifecycleConfiguration.
        prefix: of the destination, without slashes at its ends.
        accounts: whose flow logs write there.
        as_of: from which a rule with a date is counted; a date that has passed expires every object at once.
    """
    owners = tuple(accounts)
    return min(
        (
            days
            for rule in items(lifecycle, "Rules")
            if _enabled(rule) and covers(_rule_prefix(rule), prefix, owners)
            if (days := _days(part(rule, "Expiration"), as_of)) is not None
        ),
        default=NEVER,
    )


def covers(rule_prefix: str, prefix: str, accounts: tuple[str, ...]) -> bool:
    """Tell whether a rule for keys that begin with `rule_prefix` can reach flow log objects below `prefix`."""
    top = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"
    if top.startswith(rule_prefix):
        return True
    if not rule_prefix.startswith(top):
        return False
    account, *below = rule_prefix.removeprefix(top).split("/", 2)
    # First comes `{account}`, or `aws-account-id={account}` with Hive-compatible prefixes; then the service.
    names = [*accounts, *(f"aws-account-id={one}" for one in accounts)]
    if not below:
        return any(name.startswith(account) for name in names)
    service, *regions = below
    fits = service in _SERVICES if regions else any(name.startswith(service) for name in _SERVICES)
    return account in names and fits


def _enabled(rule: Row) -> bool:
    status = text(rule, "Status")
    if status not in ("Enabled", "Disabled"):
        raise Malformed(f"Status is {status[:40]!r}, neither Enabled nor Disabled")
    return status == "Enabled"


def _rule_prefix(rule: Row) -> str:
    chosen = part(rule, "Filter")
    return text(chosen, "Prefix") or text(part(chosen, "And"), "Prefix") or text(rule, "Prefix")


def _days(expiration: Row, as_of: datetime) -> int | None:
    if "Days" in expiration:
        if (days := integer(expiration, "Days", 0)) < 1:
            raise Malformed("Days is less than one")
        return days
    if "Date" not in expiration:
        return None
    date = instant(expiration["Date"])
    if date is None:
        raise Malformed("Date is not a time")
    return max(0, (date - as_of).days)
