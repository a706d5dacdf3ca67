"""Delivery streams of Firehose: are they there, do they run, are they encrypted, and where do they end?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.inventory.answers import Malformed, Row, items, part, required, text
from auditkit.inventory.told import Told
from auditkit.model.inventory import Call, Unread

_BUCKETS = ("ExtendedS3DestinationDescription", "S3DestinationDescription")
_ENDS = {
    "RedshiftDestinationDescription": "redshift",
    "ElasticsearchDestinationDescription": "elasticsearch",
    "AmazonopensearchserviceDestinationDescription": "opensearch",
    "AmazonOpenSearchServerlessDestinationDescription": "opensearch-serverless",
    "SplunkDestinationDescription": "splunk",
    "HttpEndpointDestinationDescription": "http-endpoint",
    "SnowflakeDestinationDescription": "snowflake",
    "IcebergDestinationDescription": "iceberg",
}


class DeliveryStreams:
    """What Firehose said of each stream."""

    def __init__(self) -> None:
        self._told = Told()

    def note(self, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._told.note((call.account_id, call.region, call.resource), call)

    def unread(self) -> Iterator[Unread]:
        """Every stream of which nobody was told."""
        return self._told.unread()

    def columns(self, account_id: str, region: str, name: str) -> dict[str, Any]:
        """Return what is known of a stream; nothing where that could not be read."""
        call = self._told.settled((account_id, region, name)).get("DescribeDeliveryStream")
        if call is None:
            return {}
        if call.error:
            return {"exists": False}
        try:
            stream = part(call.answer or {}, "DeliveryStreamDescription")
            if text(stream, "DeliveryStreamName") not in ("", name):
                raise Malformed("it tells of another stream")  # noqa: TRY301  # told where all of its faults are
            told = {"delivery_stream_status": required(stream, "DeliveryStreamStatus"), "ends_in": _ends(stream)}
            return {"exists": True} | told | _encryption(part(stream, "DeliveryStreamEncryptionConfiguration"))
        except Malformed as error:
            self._told.malformed(call, error)
            return {"exists": True}


def _encryption(configuration: Row) -> dict[str, Any]:
    # While it is being enabled, or that failed, records lie there as they came (API reference of Firehose, Status).
    if text(configuration, "Status") != "ENABLED":
        return {"encryption": "none", "kms_key_id": ""}
    return {"encryption": "aws:kms", "kms_key_id": text(configuration, "KeyARN")}


def _ends(stream: Row) -> tuple[str, ...]:
    out = set()
    for end in items(stream, "Destinations"):
        bucket = next((part(end, key) for key in _BUCKETS if end.get(key)), None)
        # Redshift and the like also hold a bucket, for what they stage or could not deliver: it is not the end.
        others = {name for key, name in _ENDS.items() if end.get(key)}
        if others:
            out |= others
        elif bucket is not None:
            name = required(bucket, "BucketARN").rpartition(":")[2]
            out.add(f"s3://{name}/{text(bucket, 'Prefix').strip('/')}".rstrip("/"))
    return tuple(sorted(out))
