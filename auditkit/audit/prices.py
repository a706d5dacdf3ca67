"""What AWS asks for requests and bytes, and how fast it answers: assumptions of a plan, each with its source.

They are for an estimate. Prices differ between regions and change; a plan prints them with their date.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "2026-11"
"""When the prices were looked at."""
SOURCE = (
    "list prices of us-east-1 on aws.amazon.com/s3/pricing (S3 Standard) and aws.amazon.com/ec2/pricing (data transfer)"
)


@dataclass(frozen=True)
class Assumption:
    """One number that an estimate rests on."""

    name: str
    """What it is."""
    value: float
    """How much."""
    unit: str
    """Of what."""


LIST = Assumption("S3 LIST requests", 0.005, "USD per 1,000")
GET = Assumption("S3 GET, HEAD and other requests", 0.0004, "USD per 1,000")
TRANSFER = Assumption("data transfer from a bucket's region to another region", 0.02, "USD per GB")
OUT = Assumption("data transfer from a bucket to the internet, if auditkit runs outside AWS", 0.09, "USD per GB")
PRICES = (LIST, GET, TRANSFER, OUT)

TOGETHER = Assumption("calls and listings under way at the same time", 16, "calls")
ANSWER = Assumption("time to an answer", 0.15, "seconds")
EC2 = Assumption(
    "EC2 Describe calls of one operation, account and region", 20, "per second (refill rate, EC2 developer guide)"
)
HISTORY = Assumption("cloudtrail:LookupEvents of one account and region", 2, "per second (CloudTrail API reference)")
TAGS = Assumption("organizations:ListTagsForResource, one after the other", 1 / ANSWER.value, "per second")
FETCHES = Assumption("log objects fetched at the same time", 8, "objects")
THROUGHPUT = Assumption("throughput", 50_000_000, "bytes per second")
RATES = (TOGETHER, ANSWER, EC2, HISTORY, FETCHES, THROUGHPUT)

FREE = "Calls of EC2, Organizations, STS, CloudTrail's event history, IAM and CloudWatch Logs' Describe calls are free."
NOT_COUNTED = (
    "Not counted: KMS decryption (0.03 USD per 10,000 requests) where a bucket encrypts by KMS without bucket keys, "
    "retrieval from archive classes, and taxes."
)
