"""Saved answers → calls, as if AWS had just given them; what cannot be trusted is refused, file by file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditkit.dumps.answers import calls
from auditkit.dumps.commands import BUCKET, KEY, POLICY
from auditkit.dumps.layout import Dump, Layout, looks_like, moment, scan
from auditkit.dumps.text import Saved, load
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import GLOBAL, Call

_ENABLED = ("opted-in", "opt-in-not-required")
_IDS = {"DescribeVpcs": "VpcId", "DescribeFlowLogs": "FlowLogId"}
_LONG = re.compile(r"[a-z]+-[0-9a-f]{17}")
_FIRST = (
    "describe-vpcs",
    "describe-flow-logs",
    "get-caller-identity",
    "list-accounts",
    "describe-regions",
    "describe-key",
    "get-policy",
)
_OF_PLACES = ("ec2", "logs", "cloudtrail")
_NOBODY = {"account_id": "", "arn": "", "endpoint": ""}
_HINT = "docs/offline.md shows how such a directory is laid out."

Keep = Callable[[list[Call]], None]


def read(root: Path, keep: Keep) -> dict[str, Any]:
    """Read a directory of answers that the AWS CLI gave and somebody saved.

    Args:
        root: laid out as docs/offline.md says.
        keep: gets the calls of one account and region at a time, and at last all others.

    Returns:
        The snapshot's meta: provenance `imported`, as_of, identity, scope, and of each file its SHA-256.

    Raises:
        AuditkitError: the directory holds no saved answers, or none that is JSON.
        InvalidInput: folders or about.json are wrong; nothing was read.
    """
    if not looks_like(root):
        raise AuditkitError(f"{root} is neither a snapshot nor a directory of saved answers", _HINT)
    return _Reader(scan(root), keep).read()


def as_of(root: Path) -> datetime:
    """Return when the answers were saved: as about.json says, else when the newest file was written.

    Raises:
        AuditkitError: there is no answer, or its file has no believable time.
        InvalidInput: as `read`.
    """
    return _as_of(scan(root))


def _as_of(found: Layout) -> datetime:
    if told := moment(found.about.get("", {}).get("as_of", "")):
        return told
    if not found.dumps:
        raise AuditkitError(f"{found.root} holds no saved answer", _HINT)
    newest = max(map(_written, found.dumps))
    if newest.year < 2010:
        raise AuditkitError(
            f"the files of {found.root} have lost their times, so nobody knows when they were saved",
            'Say it in about.json: {"as_of": "2026-10-01T06:00:00Z"}.',
        )
    return newest


def _written(dump: Dump) -> datetime:
    try:
        return datetime.fromtimestamp(int(dump.path.lstat().st_mtime), UTC)
    except (OSError, ValueError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Reader:
    def __init__(self, found: Layout, keep: Keep) -> None:
        self.found, self.keep = found, keep
        self.as_of = _as_of(found)
        self.told = "as_of" in found.about.get("", {})
        self._early: dict[str, Saved] = {}
        self._files: list[dict[str, Any]] = []
        self._json = False
        self._not_json = ""
        self._doubts: dict[tuple[str, str], str] = {}
        self._arns: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        for dump in self.found.dumps:
            if dump.command.word in _FIRST:
                self._early[dump.name] = self._load(dump)
        identity, self._arns = self._identity(), self._find_arns()
        self._repeated()
        scope = {"accounts": self._accounts(), "regions": self._regions(), "excluded": []}
        rest: list[Call] = []
        for group in _groups(self.found.dumps, lambda dump: (dump.account_id, dump.region)):
            calls = [call for asked in _groups(group, _question) for call in self._calls(asked)]
            if own := [call for call in calls if call.service in _OF_PLACES]:
                self.keep(own)
            rest += [call for call in calls if call.service not in _OF_PLACES]
        if rest:
            self.keep(rest)
        if self._not_json and not self._json:
            raise AuditkitError(
                f"{self._not_json} is not JSON, nor is any other file of {self.found.root}",
                "Save the answers again with --output json; docs/offline.md has a script that does.",
            )
        return self._meta(identity, scope)

    def _meta(self, identity: dict[str, str], scope: dict[str, Any]) -> dict[str, Any]:
        oldest = min(map(_written, self.found.dumps), default=self.as_of)
        return {
            "provenance": "imported",
            "started": _iso(self.as_of if self.told else min(oldest, self.as_of)),
            "as_of": _iso(self.as_of),
            "identity": identity,
            "scope": scope,
            "files": sorted(self._files, key=lambda file: str(file["path"])),
            "ignored": sorted(self.found.ignored),
            "notes": list(self._notes(scope)),
        }

    # -- files ---------------------------------------------------------------------------------------------------

    def _load(self, dump: Dump) -> Saved:
        if dump.name in self._early:
            return self._early.pop(dump.name)
        if dump.outside:
            return Saved(code="Link", message="is a link that leads out of the directory, which is not followed")
        saved = load(dump.path)
        self._files.append({"path": dump.name, "size": saved.size, "sha256": saved.sha256})
        self._json |= bool(saved.documents)
        self._not_json = self._not_json or (dump.name if saved.code == "NotJson" else "")
        return saved

    def _early_of(self, word: str) -> Iterator[tuple[Dump, dict[str, Any]]]:
        for dump in self.found.dumps:
            if dump.command.word == word:
                for document in self._early[dump.name].documents:
                    if isinstance(document, dict):
                        yield dump, document

    # -- who and what --------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, str]:
        """The caller: as the organization's folder or the only answer says; doubts where an account's own differs."""
        callers = []
        for dump, document in self._early_of("get-caller-identity"):
            account_id, arn = (_text(document.get(key)) for key in ("Account", "Arn"))
            callers.append((bool(dump.account_id), account_id, arn))
            if dump.account_id and account_id != dump.account_id:
                why = f"{dump.name} says that account {account_id!r} was asked, not {dump.account_id}"
                self._doubts[dump.account_id, "*"] = why
        callers = sorted(set(callers))
        sure = callers and (not callers[0][0] or len(callers) == 1)
        return {"account_id": callers[0][1], "arn": callers[0][2], "endpoint": ""} if sure else _NOBODY.copy()

    def _repeated(self) -> None:
        """Doubt places that show the same VPC or flow log: the region or the credentials were not changed between them."""
        seen: dict[tuple[str, str], tuple[str, str]] = {}
        for word in ("describe-vpcs", "describe-flow-logs"):
            for dump, document in self._early_of(word):
                here = (dump.account_id, dump.region)
                rows = document.get(dump.command.key)
                for row in rows if isinstance(rows, list) else ():
                    one = _text(row.get(_IDS[dump.command.operation])) if isinstance(row, dict) else ""
                    if not _LONG.fullmatch(one):  # short ids were unique within a region only
                        continue
                    # A shared VPC is seen from several accounts, in one region; a flow log from its own alone.
                    key = (one, dump.account_id if word == "describe-vpcs" else "")
                    there = seen.setdefault(key, here)
                    if there != here:
                        for place, other in ((here, there), (there, here)):
                            why = f"{one} stands in the answers of {'/'.join(other)} too: one of them was asked twice"
                            self._doubts.setdefault(place, why)

    def _accounts(self) -> list[str]:
        accounts = {account_id for account_id, _ in self.found.places}
        for _, document in self._early_of("list-accounts"):
            rows = document.get("Accounts")
            for row in rows if isinstance(rows, list) else ():
                state = (row.get("State") or row.get("Status") or "ACTIVE") if isinstance(row, dict) else "-"
                if state == "ACTIVE" and re.fullmatch(r"[0-9]{12}", _text(row.get("Id"))):
                    accounts.add(row["Id"])
        return sorted(accounts)

    def _regions(self) -> dict[str, list[str]]:
        regions: dict[str, set[str]] = {account_id: set() for account_id in self._accounts()}
        for account_id, region in self.found.places:
            regions[account_id] |= {region} - {GLOBAL}
        for dump, document in self._early_of("describe-regions"):
            rows = document.get("Regions")
            for row in rows if isinstance(rows, list) else ():
                if (
                    isinstance(row, dict)
                    and _text(row.get("RegionName"))
                    and row.get("OptInStatus", "opted-in") in _ENABLED
                ):
                    regions.setdefault(dump.account_id, set()).add(row["RegionName"])
        return {account_id: sorted(found) for account_id, found in regions.items() if account_id}

    def _notes(self, scope: dict[str, Any]) -> Iterator[str]:
        words = {(dump.account_id, dump.command.word) for dump in self.found.dumps}
        if not any(word == "list-accounts" for _, word in words):
            yield "The organization's accounts were not saved (list-accounts): only those with a folder were audited."
        asked = {account_id for account_id, region in self.found.places if region != GLOBAL}
        if blind := sorted(account_id for account_id in asked if (account_id, "describe-regions") not in words):
            yield f"Which regions are enabled was not saved (describe-regions) for {_some(blind)}: only those with a folder were audited."
        if empty := sorted(account_id for account_id, regions in scope["regions"].items() if account_id not in asked):
            yield f"No region's answers were saved for {_some(empty)}."
        if not self.told:
            yield "When the answers were saved is told only by the times of the files."
        if self.found.ignored:
            yield f"What is not known was ignored: {_some(sorted(self.found.ignored))}."

    # -- calls ---------------------------------------------------------------------------------------------------

    def _calls(self, dumps: list[Dump]) -> Iterator[Call]:
        """All that is known of one question."""
        first = dumps[0]
        files = [(dump, self._load(dump)) for dump in dumps]
        if first.command.word == "get-caller-identity":  # who asked: without it nothing else is less certain
            yield from (call for call in calls(files, self._stamp) if call.error is None)
        else:
            why = self._doubts.get((first.account_id, first.region)) or self._doubts.get((first.account_id, "*"), "")
            yield from calls(files, self._stamp, why)

    def _stamp(self, dump: Dump) -> Call:
        """The call of a file, without what it said."""
        command = dump.command
        return Call(
            service=command.service, operation=command.operation, account_id=self._whose(dump), region=dump.region, resource=self._resource(dump),
            asked=self._asked(dump), at=_iso(self.as_of if self.told else _written(dump)), endpoint=f"file:{dump.name}",
        )  # fmt: skip

    def _whose(self, dump: Dump) -> str:
        if dump.account_id:
            return dump.account_id
        about = self._about(dump)
        return about.get("account_id") or about.get("expected_bucket_owner") or "*"

    def _about(self, dump: Dump) -> dict[str, str]:
        return self.found.about.get(dump.name.rpartition("/")[0], {})

    def _asked(self, dump: Dump) -> dict[str, str] | None:
        about = self._about(dump)
        if dump.command.place == BUCKET:
            owner = about.get("expected_bucket_owner")
            return {"ExpectedBucketOwner": owner} if owner else None
        if dump.command.operation == "LookupEvents" and about.get("events_from"):
            since, until = moment(about["events_from"]), moment(about.get("events_until", "")) or self.as_of
            return {"StartTime": _iso(since), "EndTime": _iso(until)} if since else None
        return {"PolicyName": "default"} if dump.command.operation == "GetKeyPolicy" else None

    def _resource(self, dump: Dump) -> str:
        if dump.command.service == "s3control":
            return dump.account_id
        if dump.command.place in (KEY, POLICY):
            return self._arns.get(_folder(dump), dump.folder)
        return dump.command.resource or dump.folder

    def _find_arns(self) -> dict[str, str]:
        """Folder of a key or policy → its ARN, as the answer says."""
        arns = {}
        for word, part in (("describe-key", "KeyMetadata"), ("get-policy", "Policy")):
            for dump, document in self._early_of(word):
                inner = document.get(part)
                if isinstance(inner, dict) and (arn := _text(inner.get("Arn"))):
                    arns[_folder(dump)] = arn
        return arns


def _folder(dump: Dump) -> str:
    return dump.name.rpartition("/")[0]


def _question(dump: Dump) -> tuple[str, ...]:
    command = dump.command
    return command.place, dump.folder, command.name, command.resource


def _groups(dumps: Iterable[Dump], key: Callable[[Dump], tuple[str, ...]]) -> Iterator[list[Dump]]:
    groups: dict[tuple[str, ...], list[Dump]] = {}
    for dump in dumps:
        groups.setdefault(key(dump), []).append(dump)
    for found in sorted(groups):
        yield groups[found]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _some(words: list[str]) -> str:
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return ", ".join(words[:5]) + more
