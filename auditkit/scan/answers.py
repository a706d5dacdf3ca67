"""Answers that are none: botocore's parsers, made to say so in one way."""

from __future__ import annotations

from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory

_STUMBLES = (AttributeError, KeyError, TypeError, ValueError)
"""What botocore's parsers let through on an answer of another shape: a login page for STS is a KeyError."""


class Parsers(ResponseParserFactory):
    """Parsers whose every stumble over an answer is a ResponseParserError."""

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
