"""Stored log objects → typed batches: text with a header, Parquet, and records without a header in whatever they came in."""

from auditkit.engines.reading.again import stored
from auditkit.engines.reading.held import Batch, ObjectRead
from auditkit.engines.reading.reader import Reader
from auditkit.engines.reading.unpacking import unpack

__all__ = ["Batch", "ObjectRead", "Reader", "stored", "unpack"]
