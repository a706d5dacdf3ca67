"""Log objects in S3 buckets: listed by day, read as stored."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from auditkit.model.errors import discreet
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.sources import TABLE, Fetched, SourceError
from auditkit.sources.layout import day_folder, parse_key, roots
from auditkit.sources.stream import CHUNK, save

_FAILURES = (ClientError, BotoCoreError, ResponseParserError)
_THREADS = 16
_LIST = "s3:ListObjectsV2"
_GET = "s3:GetObject"
_NO_ANSWER = "MalformedAnswer: not a listing"

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one listing gave, and what broke it off."""

    objects: list[LogObject]
    roots: list[str]
    unread: Unread | None


class S3:
    """Log objects in buckets."""

    def __init__(self, client_for: Callable[[str], Any], wanted: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Take the clients and the places.

        Args:
            client_for: account id → S3 client that acts there.
            wanted: (bucket, prefix, flow log account, region, account whose credentials read the bucket).
        """
        self._client_for = client_for
        self._places = sorted({Place(*place) for place in wanted})
        self._at = {(place.bucket, place.account_id, place.region): place for place in self._places}
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def list(self, days: Iterable[date], unread: Callable[[Unread], None]) -> Iterator[LogObject]:
        """List the days' objects, each once, in the order of place, layout, day and key.

        Only the folders of these days are listed, and only in the layouts that the place has. Foreign keys are passed
        over. After a refusal the objects listed before it stand.
        """
        wanted = sorted(set(days))
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="list")
        try:
            for listed in _ahead(pool, self._questions(pool, wanted, unread)):
                if listed.unread:
                    unread(listed.unread)
                yield from listed.objects
        finally:
            pool.shutdown(cancel_futures=True)

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Download an object as stored, if it still is what was listed."""
        bucket, _, key = obj.uri.removeprefix("s3://").partition("/")
        place = self._at[(bucket, obj.account_id, obj.region)]
        same = ({"VersionId": obj.version_id} if obj.version_id else {}) | (
            {"IfMatch": f'"{obj.etag}"'} if obj.etag else {}
        )
        try:
            answer = self._client(place.reader).get_object(Bucket=bucket, Key=key, **same)
            sha256, size = save(answer["Body"].iter_chunks(CHUNK), to)
        except _FAILURES as error:
            raise SourceError(place.unread(key, _GET, _said(error)), _hint(error)) from None
        return Fetched(
            sha256=sha256, size=size, etag=answer.get("ETag", "").strip('"'), version_id=answer.get("VersionId", "")
        )

    def _questions(
        self, pool: ThreadPoolExecutor, days: Sequence[date], unread: Callable[[Unread], None]
    ) -> Iterator[Callable[[], _Listed]]:
        probes = _ahead(pool, (partial(self._probe, place) for place in self._places if days))
        for place, probed in zip(self._places, probes, strict=False):
            if probed.unread:
                unread(probed.unread)
            for root in probed.roots:
                for day in days:
                    yield partial(self._list_day, place, root, day)

    def _probe(self, place: Place) -> _Listed:
        """Find the layouts that a place has: three short listings spare two thirds of those by day."""
        found: list[str] = []
        for root in roots(place.prefix, place.account_id, place.region):
            try:
                answer = self._client(place.reader).list_objects_v2(Bucket=place.bucket, Prefix=root, MaxKeys=1)
            except _FAILURES as error:
                return _Listed([], found, place.unread(root, _LIST, _said(error)))
            if "Name" not in answer:
                return _Listed([], found, place.unread(root, _LIST, _NO_ANSWER))
            if answer.get("Contents") or answer.get("IsTruncated"):
                found.append(root)
        return _Listed([], found, None)

    def _list_day(self, place: Place, root: str, day: date) -> _Listed:
        objects: list[LogObject] = []
        folder = day_folder(root, day)
        try:
            for page in (
                self._client(place.reader).get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=folder)
            ):
                if "Name" not in page:
                    return _Listed(objects, [], place.unread(folder, _LIST, _NO_ANSWER))
                objects += (obj for row in page.get("Contents", ()) if (obj := _object(place, row)))
        except _FAILURES as error:
            return _Listed(objects, [], place.unread(folder, _LIST, _said(error)))
        return _Listed(objects, [], None)

    def _client(self, account_id: str) -> Any:
        with self._lock:
            if account_id not in self._clients:
                self._clients[account_id] = self._client_for(account_id)
            return self._clients[account_id]


def _object(place: Place, row: dict[str, Any]) -> LogObject | None:
    key = parse_key(row["Key"])
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


def _ahead(pool: ThreadPoolExecutor, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Run jobs at the same time, a few ahead of whoever takes the results; give them in order."""
    waiting: deque[Future[T]] = deque()
    for job in jobs:
        waiting.append(pool.submit(job))
        if len(waiting) > _THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _said(error: Exception) -> str:
    told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return f"{told.get('Code') or type(error).__name__}: {discreet(str(told.get('Message') or error))}"


def _hint(error: Exception) -> str:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    return {
        "AccessDenied": "The role needs s3:GetObject there, and kms:Decrypt on the key of an encrypted bucket.",
        "InvalidObjectState": "The object is archived: restore it, then repeat.",
        "NoSuchKey": "It was deleted after it was listed: a lifecycle rule may have expired it.",
        "PreconditionFailed": "It was written again after it was listed.",
    }.get(code or "", "")
