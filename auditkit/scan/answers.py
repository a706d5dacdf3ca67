"""Answers that are none: botocore's parsers, made to say so in one way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory
from botocore.utils import parse_timestamp

_STUMBLES = (AttributeError, KeyError, TypeError, ValueError)
"""What botocore's parsers let through on an answer of another shape: a login page for STS is a KeyError."""


def moment(value: Any) -> datetime:
    """Read a time as AWS writes it; ISO 8601 in a fiftieth of the time, which a million keys are worth."""
    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    parsed: datetime = parse_timestamp(value)
    return parsed


class Parsers(ResponseParserFactory):
    """Parsers whose every stumble over an answer is a ResponseParserError."""

    def __init__(self) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=moment)

    def create_parser(self, protocol_name: str) -> Any:
        """Return the parser of a protocol."""
        parser: Any = super().create_parser(protocol_name)
        parse = parser.parse

        def strict(response: Any, shape: Any) -> Any:
            try:
                return parse(response, shape)
            except _STUMBLES as error:
                raise ResponseParserError(f"The answer has another shape ({type(error).__name__}: {error})") from error

        parser.parse = strict
        return parser
