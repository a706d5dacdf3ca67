"""Log objects in S3 buckets: listed by day, read as stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from auditkit.model.errors import discreet
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.sources import TABLE, Answer, Fetched, Put, SourceError, Unit
from auditkit.sources.layout import day_folder, parse_key, roots
from auditkit.sources.stream import CHUNK, save

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
LIST = "s3:ListObjectsV2"
_GET = "s3:GetObject"
NO_ANSWER = "MalformedAnswer: not a listing"
_CUT = "MalformedAnswer: the listing says that it goes on, and not how"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where the objects of one account's flow logs of one region lie."""

    bucket: str
    """Bucket."""
    prefix: str
    """Prefix of the flow logs' destination; empty for none."""
    account_id: str
    """Owner of the flow logs."""
    region: str
    """Region of the flow logs."""
    reader: str
    """The account whose credentials read the bucket."""
    owner: str = ""
    """The account that owns the bucket, where that is known: another's bucket of this name is refused."""

    @property
    def name(self) -> str:
        """What it is, in words that no other place has."""
        return f"s3://{self.bucket}/{self.prefix.strip('/')} of {self.account_id} {self.region}"

    @property
    def expected(self) -> dict[str, str]:
        """The parameter that names the owner."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}

    def unread(self, resource: str, call: str, error: str) -> Unread:
        """Return the row that says what could not be read here."""
        return Unread(
            account_id=self.account_id,
            region=self.region,
            table=TABLE,
            resource=f"s3://{self.bucket}/{resource}",
            call=call,
            error=error,
        )

    def failed(self, resource: str, call: str, error: Exception) -> Unread:
        """Return the row of a refusal, with what would have to be allowed."""
        told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        code = str(told.get("Code") or type(error).__name__)
        said = f"{code}: {discreet(str(told.get('Message') or error))}"
        return self.unread(resource, call, f"{said}{self._wanting(code, said, call)}")

    def _wanting(self, code: str, said: str, call: str) -> str:
        if "kms" in said.lower():
            return f" (account {self.reader} needs kms:Decrypt on the key that encrypts the object)"
        if code not in ("AccessDenied", "403", "AllAccessDisabled"):
            return ""
        needs = (
            "s3:ListBucket on the bucket"
            if call == LIST
            else "s3:GetObject on the object, and kms:Decrypt if it is encrypted by KMS"
        )
        owner = f", and the bucket has to belong to account {self.owner}" if self.owner else ""
        return f" (account {self.reader} needs {needs}{owner})"


class S3:
    """Log objects in buckets."""

    threads = 16
    listing = LIST

    def __init__(self, client_for: Callable[[str], Any], places: Iterable[Place]) -> None:
        """Take the clients and the places.

        Args:
            client_for: account id → S3 client that acts there; it follows a bucket to its region.
            places: where to look.
        """
        self._client_for = client_for
        self._places = sorted({place.name: place for place in sorted(places)}.values())
        self._at = {(place.bucket, place.account_id, place.region): place for place in self._places}
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.regions: dict[str, str] = {}
        """Bucket → region, of those that were listed and said it."""

    def probes(self) -> Sequence[Unit]:
        """Return one for each place: three short listings spare two thirds of those by day."""
        return [Unit(place.name, partial(self._probe, place)) for place in self._places]

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]]) -> Sequence[Unit]:
        """Return one for each day of each layout that a place has; only the folders of these days are listed."""
        wanted = sorted(set(days))
        return [
            Unit(f"s3://{place.bucket}/{folder}", partial(self._list, place, folder))
            for place in self._places
            for root in found.get(place.name, ())
            for folder in (day_folder(root, day) for day in wanted)
        ]

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Download an object as stored, if it still is what was listed."""
        bucket, _, key = obj.uri.removeprefix("s3://").partition("/")
        place = self._at[(bucket, obj.account_id, obj.region)]
        same = ({"VersionId": obj.version_id} if obj.version_id else {}) | (
            {"IfMatch": f'"{obj.etag}"'} if obj.etag else {}
        )
        try:
            answer = self._client(place.reader).get_object(Bucket=bucket, Key=key, **same, **place.expected)
            sha256, size = save(answer["Body"].iter_chunks(CHUNK), to)
        except FAILURES as error:
            raise SourceError(place.failed(key, _GET, error), _hint(error)) from None
        return Fetched(
            sha256=sha256, size=size, etag=answer.get("ETag", "").strip('"'), version_id=answer.get("VersionId", "")
        )

    def _probe(self, place: Place, _put: Put) -> Answer:
        """Find the layouts that a place has."""
        found: list[str] = []
        asked = 0
        for root in roots(place.prefix, place.account_id, place.region):
            try:
                answer = self._client(place.reader).list_objects_v2(
                    Bucket=place.bucket, Prefix=root, MaxKeys=1, **place.expected
                )
            except FAILURES as error:
                return Answer(inside=tuple(found), requests=asked, unread=(place.failed(root, LIST, error),))
            asked += 1
            if "Name" not in answer:
                unread = place.unread(root, LIST, NO_ANSWER)
                return Answer(inside=tuple(found), requests=asked, unread=(unread,))
            self._note_region(place.bucket, answer)
            if answer.get("Contents") or answer.get("IsTruncated"):
                found.append(root)
        return Answer(inside=tuple(found), requests=asked)

    def _object(self, place: Place, folder: str, row: dict[str, Any]) -> LogObject | None:
        """Return a key as a log object; None where AWS would not have written it there."""
        return _object(place, folder, row)

    def _list(self, place: Place, folder: str, put: Put, **more: str) -> Answer:
        """List a day's folder page by page; after a refusal the objects put before it stand."""
        foreign = asked = 0
        page: dict[str, Any] = {}
        unread: tuple[Unread, ...] = ()
        try:
            for page in self._pages(place, folder, **more):
                asked += 1
                rows = page.get("Contents", ())
                objects = [obj for row in rows if (obj := self._object(place, folder, row))]
                foreign += len(rows) - len(objects)
                put(objects)
        except FAILURES as error:
            unread = (place.failed(folder, LIST, error),)
        else:
            if "Name" not in page:
                unread = (place.unread(folder, LIST, NO_ANSWER),)
            elif page.get("IsTruncated"):
                unread = (place.unread(folder, LIST, _CUT),)
        return Answer(foreign=foreign, requests=asked, unread=unread)

    def _pages(self, place: Place, folder: str, **more: str) -> Iterator[dict[str, Any]]:
        """Give pages until one is none."""
        paginator = self._client(place.reader).get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=place.bucket, Prefix=folder, **more, **place.expected):
            yield page
            if "Name" not in page:
                return

    def _note_region(self, bucket: str, answer: dict[str, Any]) -> None:
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if region := headers.get("x-amz-bucket-region"):
            self.regions[bucket] = region

    def _client(self, account_id: str) -> Any:
        with self._lock:
            if account_id not in self._clients:
                self._clients[account_id] = self._client_for(account_id)
            return self._clients[account_id]


def _object(place: Place, folder: str, row: dict[str, Any]) -> LogObject | None:
    # Deeper than an hour below its day, a key belongs to another prefix, and is listed there.
    key = parse_key(row["Key"]) if row["Key"].count("/", len(folder)) <= 1 else None
    if not key:
        return None
    return LogObject(
        uri=f"s3://{place.bucket}/{row['Key']}",
        key=row["Key"],
        account_id=key.account_id,
        region=key.region,
        flow_log_id=key.flow_log_id,
        slot=key.slot,
        size=row["Size"],
        etag=row.get("ETag", "").strip('"'),
        last_modified=row.get("LastModified"),
    )


def _hint(error: Exception) -> str:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    return {
        "AccessDenied": "The role needs s3:GetObject there, and kms:Decrypt on the key of an encrypted bucket.",
        "InvalidObjectState": "The object is archived: restore it, then repeat.",
        "NoSuchKey": "It was deleted after it was listed: a lifecycle rule may have expired it.",
        "PreconditionFailed": "It was written again after it was listed.",
    }.get(code or "", "")
