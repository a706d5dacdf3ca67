"""A scan that was broken off goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit import snapshot
from auditkit.scan import scan
from tests import aws
from tests.scan.result import ALL, NOW, Result
from tests.wire import ec2_error, watched

EVENTS = replace(ALL, events_from=NOW - timedelta(days=2))


class Folder:
    """What was kept, by account and region; breaks off at the file of a number."""

    def __init__(self, breaks_at=None):
        self.files = {}
        self.handed_over = []
        self._breaks_at = breaks_at

    def keep(self, calls):
        if len(self.handed_over) == self._breaks_at:
            raise KeyboardInterrupt
        self.handed_over.append(snapshot.path_of(calls[0]))
        self.files[snapshot.path_of(calls[0])] = list(calls)

    def have(self, account_id, region):
        return self.files.get(f"accounts/{account_id}/{region}.jsonl.gz")

    @property
    def calls(self):
        return [call for _, calls in sorted(self.files.items()) for call in calls]


def go_on(folder, wanted=EVENTS, now=NOW):
    wire = watched()
    meta = scan(wire.session, wanted, folder.keep, lambda *_: None, now=lambda: now, have=folder.have)
    return Result(meta, list(folder.files.values()), []), wire


def told(calls):
    return [replace(call, request_id="", at="", answer=None) for call in calls]


def test_what_was_kept_is_not_asked_again(estate):
    folder = Folder()
    first, _ = go_on(folder)
    before, folder.handed_over = folder.calls, []
    second, wire = go_on(folder, now=NOW + timedelta(hours=1))
    assert told(folder.calls) == told(before)
    assert [name for name in wire.counts if name.startswith(("ec2:", "cloudwatch-logs:", "cloudtrail:"))] == []
    assert folder.handed_over == ["destinations.jsonl.gz", "organization.jsonl.gz"]
    # What belongs to no account's region is asked again, and found from what was kept.
    for name in ("sts:AssumeRole", "organizations:ListAccounts", "s3:HeadBucket", "kms:DescribeKey", "iam:GetRole"):
        assert wire.counts[name] == first.meta["calls"][name]
    assert not any(name.startswith(("ec2:", "logs:", "cloudtrail:")) for name in second.meta["calls"])
    assert second.meta["scope"] == first.meta["scope"]
    assert (second.meta["started"], second.meta["as_of"]) == (first.meta["started"], "2026-11-22T13:00:00Z")


@pytest.mark.parametrize("breaks_at", [0, 4, 7, 12, 13])
def test_a_scan_broken_off_anywhere_ends_as_one_that_was_not(estate, breaks_at):
    whole = Folder()
    go_on(whole)
    folder = Folder(breaks_at)
    with pytest.raises(KeyboardInterrupt):
        go_on(folder)
    assert len(folder.files) == breaks_at
    folder._breaks_at = None
    _, wire = go_on(folder)
    assert told(folder.calls) == told(whole.calls)
    assert len(whole.handed_over) == 4 + 8 + 2
    assert len(folder.handed_over) == 14 + max(0, breaks_at - 12)
    assert wire.counts["ec2:DescribeVpcs"] == 8 - max(0, min(breaks_at - 4, 8))
    assert wire.counts["ec2:DescribeRegions"] == 4 - min(breaks_at, 4)


def test_what_was_refused_is_asked_again(estate):
    folder = Folder()
    wire = watched()
    wire.fault("ec2:DescribeVpcs", lambda _: ec2_error("ExpiredToken"))
    one = replace(EVENTS, only_accounts=(aws.MANAGEMENT,))
    scan(wire.session, one, folder.keep, lambda *_: None, now=lambda: NOW, have=folder.have)
    found, again = go_on(folder, one)
    assert again.counts["ec2:DescribeVpcs"] == len(aws.REGIONS)
    assert again.counts["ec2:DescribeRegions"] == 0
    assert found.errors == []


def test_what_lacks_a_question_is_asked_again(estate):
    """A file of an earlier version, or of a scan that did not ask CloudTrail."""
    folder = Folder()
    one = replace(ALL, only_accounts=(aws.MANAGEMENT,), only_regions=("us-east-1",))
    go_on(folder, one)
    _, none = go_on(folder, one)
    assert none.counts["ec2:DescribeSubnets"] == 0
    _, events = go_on(folder, replace(one, events_from=EVENTS.events_from))
    assert events.counts["ec2:DescribeSubnets"] == 1
    path = f"accounts/{aws.MANAGEMENT}/us-east-1.jsonl.gz"
    folder.files[path] = [c for c in folder.files[path] if c.operation != "DescribeVpcEncryptionControls"]
    _, older = go_on(folder, one)
    assert older.counts["ec2:DescribeSubnets"] == 1


def test_an_account_whose_role_is_refused_now_is_unread_whatever_was_kept(estate, wire):
    folder = Folder()
    one = replace(ALL, only_accounts=(estate.web,), only_regions=("us-east-1",))
    go_on(folder, one)
    from tests.wire import sts_error

    wire.fault("sts:AssumeRole", lambda _: sts_error("AccessDenied"))
    meta = scan(wire.session, one, folder.keep, lambda *_: None, now=lambda: NOW, have=folder.have)
    assert meta["scope"]["regions"] == {estate.web: []}
