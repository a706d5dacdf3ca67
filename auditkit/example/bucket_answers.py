"""What S3 answers about the four buckets: the good one, the careless one, the deleted one, the one that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import ARCHIVE, REFUSED, REFUSING
from auditkit.example.logging_plan import CENTRAL, FOREIGN, GONE, SCRATCH
from auditkit.example.things import Estate
from auditkit.model.inventory import GLOBAL

KEY = f"arn:aws:kms:eu-west-1:{ARCHIVE}:key/1f0c2a4e-6a51-4c1e-9d43-7d2b9a1c5e10"
_DENIED = ("AccessDenied", "Access Denied")

Line = tuple[str, str, str, str, str, int, Any]

ANSWERS: dict[str, dict[str, Any]] = {
    CENTRAL: {
        "HeadBucket": {"BucketRegion": "eu-west-1", "AccessPointAlias": False},
        "GetBucketEncryption": {
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
                        "BucketKeyEnabled": True,
                    }
                ]
            }
        },
        "GetBucketVersioning": {"Status": "Enabled"},
        "GetObjectLockConfiguration": {
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}},
            }
        },
        "GetPublicAccessBlock": {
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            )
        },
        "GetBucketLifecycleConfiguration": {
            "Rules": [
                {"ID": "keep-400-days", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 400}}
            ]
        },
    },
    SCRATCH: {
        "HeadBucket": {"BucketRegion": "us-east-1", "AccessPointAlias": False},
        "GetBucketEncryption": (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
        "GetBucketVersioning": {},
        "GetObjectLockConfiguration": (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        "GetPublicAccessBlock": (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        "GetBucketLifecycleConfiguration": {
            "Rules": [{"ID": "tidy", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 14}}]
        },
    },
    GONE: {"HeadBucket": ("404", "Not Found")},
    FOREIGN: {
        "HeadBucket": ("403", "Forbidden"),
        "GetBucketEncryption": _DENIED,
        "GetBucketVersioning": _DENIED,
        "GetObjectLockConfiguration": _DENIED,
        "GetPublicAccessBlock": _DENIED,
        "GetBucketLifecycleConfiguration": _DENIED,
    },
}


def buckets(estate: Estate) -> Iterator[Line]:
    """Yield the calls about each bucket, asked once, from the first account whose flow logs use it."""
    for bucket, answers in ANSWERS.items():
        asked = min(
            log.account
            for log in estate.flow_logs.values()
            if log.plan.bucket == bucket
            and log.account not in REFUSING
            and (log.account, log.region, "DescribeFlowLogs") not in REFUSED
        )
        for operation, answer in answers.items():
            yield "s3", operation, asked, GLOBAL, bucket, 1, answer
