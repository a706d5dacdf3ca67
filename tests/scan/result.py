"""What one scan gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.model.inventory import Call
from auditkit.scan import Wanted
from tests import aws

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALL = Wanted(role_name=aws.ROLE, external_id="ext-1", accounts=None, excluded=(), regions=None)


@dataclass
class Result:
    """What one scan gave."""

    meta: dict[str, Any]
    files: list[list[Call]]
    ticks: list[tuple[str, int, int]]

    @property
    def calls(self) -> list[Call]:
        """All of them."""
        return [call for calls in self.files for call in calls]

    def of(self, operation: str, **where: str) -> list[Call]:
        """The calls of an operation."""
        return [c for c in self.calls if c.operation == operation and all(getattr(c, k) == v for k, v in where.items())]

    def rows(self, operation: str, key: str, **where: str) -> list[dict[str, Any]]:
        """The rows in the answers of an operation."""
        return [row for call in self.of(operation, **where) if call.answer for row in call.answer[key]]

    @property
    def errors(self) -> list[Call]:
        """Calls refused, less what S3 says of a setting that is not there, and CloudWatch Logs of a group."""
        missing = [call for call in self.of("DescribeLogStreams", resource="/vpc/missing") if call.error]
        return [
            call
            for call in self.calls
            if call.error and call.service not in ("s3", "s3control") and call not in missing
        ]
