"""Asking AWS one operation: every page becomes one `Call`, a refusal becomes one too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import botocore
from botocore.exceptions import BotoCoreError, ClientError, PaginationError
from botocore.parsers import ResponseParserError

from auditkit.model.errors import discreet
from auditkit.model.inventory import Call
from auditkit.scan.actions import check

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""AWS refused, could not be reached, or answered what is not an answer. Nothing else is ever caught."""

MALFORMED = "MalformedAnswer"
"""The code of an answer without request id, or without the list that was asked for."""

PAGE_SIZES = {"ec2": 1000, "logs": 50, "cloudtrail": 50}
"""The largest pages that AWS gives: unpaged DescribeNetworkInterfaces can fail in large accounts."""
SMALLER_PAGES = {"DescribeRouteTables": 100, "DescribeManagedPrefixLists": 100, "GetManagedPrefixListEntries": 100}
"""Operations with smaller ones."""

Now = Callable[[], datetime]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """A line to one service of one account and region."""

    client: Callable[[], Any]
    """Gives the boto3 client; what fails in making it is recorded like a refusal."""
    service: str
    """boto3's name of the service."""
    account_id: str
    """The account asked about."""
    region: str
    """The region asked, or `global`."""
    now: Now
    """The clock."""

    def about(self, account_id: str, region: str | None = None) -> Line:
        """Return the same line, for a question about another account or region than the one that answers."""
        return replace(self, account_id=account_id, region=region or self.region)

    def failed(self, operation: str, code: str, message: str, resource: str = "") -> Call:
        """Return the call of a question that cannot be asked at all."""
        return Call(
            service=self.service,
            operation=operation,
            account_id=self.account_id,
            region=self.region,
            resource=resource,
            at=stamp(self.now()),
            error={"code": code, "message": message},
        )

    def ask(
        self,
        operation: str,
        *,
        resource: str = "",
        needs: str = "",
        asked: dict[str, str] | None = None,
        all_pages: bool = True,
        **params: Any,
    ) -> list[Call]:
        """Ask an operation, all its pages.

        Args:
            operation: AWS's name of it: DescribeVpcs.
            resource: the one thing asked about, for the record.
            needs: the member that every true answer has; an answer without it is none (a proxy's
                login page parses as an answer with nothing in it).
            asked: what else changes the meaning of the answer, for the record.
            all_pages: False to leave it at the first page.
            params: of the operation.

        Returns:
            One call per page. After a failure the pages before it stand, and the last call is the error.

        Raises:
            LookupError: the operation is not in `actions.ACTIONS`.
        """
        check(self.service, operation)
        calls: list[Call] = []

        def add(**what: Any) -> None:
            calls.append(
                Call(
                    service=self.service,
                    operation=operation,
                    account_id=self.account_id,
                    region=self.region,
                    resource=resource,
                    asked=asked,
                    page=len(calls) + 1,
                    at=stamp(self.now()),
                    **what,
                )
            )

        endpoint = ""
        try:
            client = self.client()
            endpoint = str(client.meta.endpoint_url)
            pages = _pages(client, self.service, operation, params) if all_pages else [_one(client, operation, params)]
            for page in pages:
                said = page.get("ResponseMetadata", {})
                request_id = str(said.get("RequestId", ""))
                # A structure with nothing in it is what a parser makes of a page that has another shape.
                if not request_id or (needs and page.get(needs, {}) == {}):
                    missing = needs if request_id else "request id"
                    add(
                        endpoint=endpoint,
                        request_id=request_id,
                        error={"code": MALFORMED, "message": f"HTTP {said.get('HTTPStatusCode')} without {missing}"},
                    )
                    break
                add(
                    endpoint=endpoint,
                    request_id=request_id,
                    answer=plain({k: v for k, v in page.items() if k != "ResponseMetadata"}),
                )
        except FAILURES as error:
            add(endpoint=endpoint, request_id=_request_id(error), error=said_of(error))
        return calls


def _one(client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    page: dict[str, Any] = getattr(client, botocore.xform_name(operation))(**params)
    return page


def _pages(client: Any, service: str, operation: str, params: dict[str, Any]) -> Iterable[dict[str, Any]]:
    method: str = botocore.xform_name(operation)
    if not client.can_paginate(method):
        return _by_token(client, operation, params)
    size = SMALLER_PAGES.get(operation, PAGE_SIZES.get(service))
    pages: Iterable[dict[str, Any]] = client.get_paginator(method).paginate(
        PaginationConfig={"PageSize": size}, **params
    )
    return pages


def _by_token(client: Any, operation: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the pages of an operation that has pages, but no paginator in botocore."""
    page = _one(client, operation, params)
    yield page
    while token := page.get("NextToken"):
        page = _one(client, operation, params | {"NextToken": token})
        if page.get("NextToken") == token:
            raise PaginationError(message=f"The same next token was received twice: {token}")
        yield page


def refused(calls: Iterable[Call]) -> bool:
    """Tell whether some page was refused: what was listed is then not all."""
    return any(call.error for call in calls)


def said_of(error: Exception) -> dict[str, str]:
    """Return `code` and `message` of a failure, without anything secret."""
    response = getattr(error, "response", None)
    told = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(told.get("Code") or type(error).__name__)
    return {"code": code, "message": discreet(str(told.get("Message") or error))}


def _request_id(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("ResponseMetadata", {}).get("RequestId", "")) if isinstance(response, dict) else ""


def plain(value: Any) -> Any:
    """Return an answer as JSON can hold it: times as ISO 8601 in UTC."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return stamp(value) if isinstance(value, datetime) else value


def stamp(at: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that makes its thing on the first call only, whatever the threads."""
    lock = threading.Lock()
    made: list[T] = []

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get
