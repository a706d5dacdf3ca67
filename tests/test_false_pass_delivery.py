"""Ways in which a flow log once seemed to deliver, or to have delivered, that had not been shown to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit.coverage import with_delivery
from auditkit.model.inventory import Inventory
from tests.coverage.made import AS_OF, LONG_AGO, event, streams, to_group, unread, world

HOUR = timedelta(hours=1)
QUIET = to_group(deliver_logs_status="")
"""AWS says nothing of its delivery."""


def delivers(estate: Inventory) -> bool | None:
    return with_delivery(estate, {}).flow_logs[0].delivers


def heard(ago: timedelta) -> dict[str, object]:
    """The stream of the one interface, with something that came in some time ago."""
    return {"log_streams": (streams(("eni-1-all", LONG_AGO, AS_OF - ago)),)}


def test_an_event_tells_of_the_only_flow_log_that_can_have_written_it() -> None:
    assert delivers(world(QUIET, **heard(HOUR))) is True


def test_an_event_may_be_of_a_flow_log_that_was_not_listed() -> None:
    estate = world(QUIET, **heard(HOUR), unread=(unread("flow_logs", call="ec2:DescribeFlowLogs"),))
    assert delivers(estate) is None


@pytest.mark.parametrize(("age", "verdict"), [(2 * HOUR, None), (20 * HOUR, True)])
def test_an_event_soon_after_its_creation_may_be_the_last_of_the_one_before(
    age: timedelta,
    verdict: bool | None,  # noqa: FBT001
) -> None:
    log = replace(QUIET, creation_time=AS_OF - age)
    assert delivers(world(log, **heard(HOUR + timedelta(minutes=30)))) is verdict


@pytest.mark.parametrize(("ago", "verdict"), [(2 * HOUR, None), (20 * HOUR, True)])
def test_an_event_soon_after_a_deletion_may_be_the_last_of_what_was_deleted(
    ago: timedelta,
    verdict: bool | None,  # noqa: FBT001
) -> None:
    gone = event("DeleteFlowLogs", AS_OF - ago, "fl-9")
    estate = world(QUIET, **heard(HOUR + timedelta(minutes=30)), flow_log_events=(gone,))
    assert delivers(estate) is verdict
