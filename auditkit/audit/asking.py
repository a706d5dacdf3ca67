"""A first look at AWS, for a plan: who is in scope, which regions there are, and where flow logs go. Nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from auditkit.audit.ahead import ahead
from auditkit.audit.options import Tick
from auditkit.audit.scoping import Scoping
from auditkit.model.inventory import Call
from auditkit.run import iso

_TOGETHER = 16


def look(scoping: Scoping, session: Any, tick: Tick) -> tuple[dict[str, Any], list[Call], str]:
    """Ask the few calls that a plan needs.

    Returns:
        what snapshot.json would say, the calls, and the caller's region.

    Raises:
        AuditkitError: the caller or the accounts cannot be known.
        NothingInScope: no account is left.
    """
    from auditkit.scan.calls import refused  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without
    from auditkit.scan.doors import Doors  # noqa: PLC0415
    from auditkit.scan.network import enabled  # noqa: PLC0415
    from auditkit.scan.network import regions as ask_regions  # noqa: PLC0415
    from auditkit.scan.organization import in_scope  # noqa: PLC0415

    wanted = scoping.wanted()
    doors = Doors(session, wanted.role_name, wanted.external_id, scoping.now)
    scope = in_scope(doors, wanted)

    def enter(account: str) -> tuple[list[Call], list[str]]:
        calls = doors.enter(account)
        if refused(calls):
            return calls, []
        if wanted.regions is not None:
            found = sorted(set(wanted.regions))
        else:
            listed = ask_regions(doors, account)
            calls, found = calls + listed, enabled(listed)
        return calls, [region for region in found if not wanted.only_regions or region in wanted.only_regions]

    def flow_logs(account: str, region: str) -> list[Call]:
        return doors.line(account, "ec2", region).ask("DescribeFlowLogs", needs="FlowLogs")

    calls = [doors.identity, *scope.calls]
    regions: dict[str, list[str]] = {}
    entered = ahead((partial(enter, account) for account in scope.accounts), _TOGETHER)
    for account, (told, found) in _counted(
        zip(scope.accounts, entered, strict=True), "accounts", len(scope.accounts), tick
    ):
        calls += told
        regions[account] = found
    places = [(account, region) for account, found in regions.items() for region in found]
    listed = ahead((partial(flow_logs, *place) for place in places), _TOGETHER)
    for _, told in _counted(zip(places, listed, strict=True), "flow logs", len(places), tick):
        calls += told
    meta = {
        "as_of": iso(scoping.now()),
        "identity": {"account_id": doors.account_id, "arn": doors.arn},
        "scope": {
            "accounts": scope.accounts,
            "regions": regions,
            "excluded": [{"account": account} for account in wanted.excluded],
        },
    }
    return scoping.scoped(meta), calls, doors.home


def _counted(pairs: Any, what: str, total: int, tick: Tick) -> Iterator[Any]:
    for done, pair in enumerate(pairs, 1):
        yield pair
        tick(what, done, total)
