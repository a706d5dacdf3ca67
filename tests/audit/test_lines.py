"""What is known beforehand of records in files of any name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.audit.lines import shape_of
from auditkit.config.schema import FromModel
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Inventory

NOTHING = Inventory(as_of=datetime(2026, 7, 11, tzinfo=UTC), accounts=(), regions={})


def entry(log_format: str) -> FromModel:
    return FromModel.model_validate(
        {"local": ["hose"], "format": log_format, "account": "111122223333", "region": "eu-west-1"}
    )


def test_records_that_do_not_say_when_they_began_have_no_day():
    """The name of the file, and its time, may be those of whoever copied it."""
    with pytest.raises(AuditkitError, match="without the field start"):
        shape_of(entry("${version} ${interface-id} ${srcaddr} ${dstaddr} ${end} ${log-status}"), NOTHING)
    told = shape_of(entry("${version} ${interface-id} ${srcaddr} ${dstaddr} ${start} ${end} ${log-status}"), NOTHING)
    assert told.account_id == "111122223333"
