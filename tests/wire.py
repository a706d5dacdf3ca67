"""The wire between a client and AWS: every request counted, and answered wrongly on purpose."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests import aws


class Raw:
    """The body of an answer made here, as botocore wants to read it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body


def answer(status: int, body: str, **headers: str) -> AWSResponse:
    """Return an answer that no server gave."""
    return AWSResponse("http://injected/", status, HTTPHeaders.from_pairs(list(headers.items())), Raw(body.encode()))


def as_text(body: Any) -> str:
    """Return the body of a request as text."""
    return body.decode() if isinstance(body, bytes) else str(body or "")


def ec2_error(code: str, message: str = "no", status: int = 403) -> AWSResponse:
    """Return an error as EC2 writes it."""
    errors = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    return answer(status, f"<Response>{errors}<RequestID>r-1</RequestID></Response>")


def sts_error(code: str, message: str = "no") -> AWSResponse:
    """Return an error as STS writes it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return answer(403, f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")


def s3_error(code: str, status: int = 403) -> AWSResponse:
    """Return an error as S3 writes it."""
    error = f"<Error><Code>{code}</Code><Message>no</Message><RequestId>r-1</RequestId></Error>"
    return answer(status, error, **{"x-amz-request-id": "r-1"})


def json_error(code: str, message: str = "no") -> AWSResponse:
    """Return an error as the JSON services write it."""
    return answer(400, f'{{"__type": "{code}", "Message": "{message}"}}', **{"x-amzn-RequestId": "r-1"})


@dataclass
class Wire:
    """Every request on its way out: counted, and answered here where a fault says so."""

    session: boto3.Session
    counts: Counter[str] = field(default_factory=Counter)
    """service:Operation → requests."""
    sent: list[tuple[str, Any]] = field(default_factory=list)
    """(service:Operation, request)."""
    lock: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.session.events.register_first("before-send", self._seen)

    def _seen(self, event_name: str, request: Any, **_: Any) -> None:
        _, service, operation = event_name.split(".")
        with self.lock:
            self.counts[f"{service}:{operation}"] += 1
            self.sent.append((f"{service}:{operation}", request))

    def forms(self, call: str) -> list[dict[str, list[str]]]:
        """Return the parameters sent, for services that take a form (ec2, sts)."""
        bodies = [request.body for name, request in self.sent if name == call]
        return [parse_qs(body.decode() if isinstance(body, bytes) else body) for body in bodies]

    def fault(self, call: str, make: Callable[[Any], AWSResponse | None]) -> None:
        """Let `make` answer an operation; None lets the request pass."""
        self.session.events.register(f"before-send.{call.replace(':', '.')}", lambda request, **_: make(request))


def isolate(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Make `endpoint` the only AWS that can be reached, one attempt a request, with no configuration from outside."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_MAX_ATTEMPTS": "1",
        # The default mode waits before the next request once AWS has throttled one.
        "AWS_RETRY_MODE": "standard",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def watched() -> Wire:
    """Return the caller's session, watched."""
    return Wire(boto3.Session(**aws.CREDENTIALS, region_name="us-east-1"))
