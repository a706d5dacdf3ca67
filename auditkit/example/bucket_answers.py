"""What S3 answers about the four buckets: the good one, the careless one, the deleted one, the one that is not ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import ARCHIVE, CORE, LAKE, MANAGEMENT, PAYMENTS
from auditkit.example.logging_plan import CENTRAL, FOREIGN, GONE, SCRATCH
from auditkit.model.inventory import GLOBAL

KEY = f"arn:aws:kms:eu-west-1:{ARCHIVE}:key/1f0c2a4e-6a51-4c1e-9d43-7d2b9a1c5e10"
ORGANIZATION_ID = "o-exampleorgid"
_DENIED = ("AccessDenied", "Access Denied")
_NO_BLOCK = ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
_ALL_BLOCKED = {
    "PublicAccessBlockConfiguration": dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
}
_DELIVERY = {"Service": "delivery.logs.amazonaws.com"}

Line = tuple[str, str, str, str, str, int, Any, dict[str, str] | None]
"""service, operation, account, region, resource, page, the answer (or the error's code and message), and asked."""


def policy(*statements: dict[str, Any]) -> str:
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


_CENTRAL_POLICY = policy(
    {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": _DELIVERY,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{CENTRAL}/AWSLogs/*",
        "Condition": {
            "StringEquals": {"aws:SourceOrgID": ORGANIZATION_ID, "s3:x-amz-acl": "bucket-owner-full-control"}
        },
    },
    {
        "Sid": "AWSLogDeliveryAclCheck",
        "Effect": "Allow",
        "Principal": _DELIVERY,
        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
        "Resource": f"arn:aws:s3:::{CENTRAL}",
        "Condition": {"StringEquals": {"aws:SourceOrgID": ORGANIZATION_ID}},
    },
    {
        "Sid": "SecureTransportOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{CENTRAL}", f"arn:aws:s3:::{CENTRAL}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    },
)
_SCRATCH_POLICY = policy(  # from before AWS wrote down for whom it delivers
    {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": _DELIVERY,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{SCRATCH}/*",
        "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    },
    {
        "Sid": "AWSLogDeliveryAclCheck",
        "Effect": "Allow",
        "Principal": _DELIVERY,
        "Action": "s3:GetBucketAcl",
        "Resource": f"arn:aws:s3:::{SCRATCH}",
    },
)

ANSWERS: dict[str, dict[str, Any]] = {
    CENTRAL: {
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
        "GetPublicAccessBlock": _ALL_BLOCKED,
        "GetBucketLifecycleConfiguration": {
            "Rules": [
                {"ID": "keep-400-days", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 400}}
            ]
        },
        "GetBucketPolicy": {"Policy": _CENTRAL_POLICY},
        "GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
        "GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        "GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "org-access-logs", "TargetPrefix": f"{CENTRAL}/"}},
    },
    SCRATCH: {
        "GetBucketEncryption": (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
        "GetBucketVersioning": {},
        "GetObjectLockConfiguration": (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        "GetPublicAccessBlock": _NO_BLOCK,
        "GetBucketLifecycleConfiguration": {
            "Rules": [{"ID": "tidy", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 14}}]
        },
        "GetBucketPolicy": {"Policy": _SCRATCH_POLICY},
        "GetBucketPolicyStatus": {"PolicyStatus": {"IsPublic": False}},
        "GetBucketOwnershipControls": (
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        "GetBucketLogging": {},
    },
    GONE: {},
    FOREIGN: dict.fromkeys(
        (
            "GetBucketEncryption",
            "GetBucketVersioning",
            "GetObjectLockConfiguration",
            "GetPublicAccessBlock",
            "GetBucketLifecycleConfiguration",
            "GetBucketPolicy",
            "GetBucketPolicyStatus",
            "GetBucketOwnershipControls",
            "GetBucketLogging",
        ),
        _DENIED,
    ),
}
"""Bucket → operation → the answer, as the owner gets it; as anybody does, where the owner is not known."""

_REGIONS = {CENTRAL: "eu-west-1", SCRATCH: "us-east-1"}
_OWNERS = {CENTRAL: ARCHIVE, SCRATCH: LAKE}
_CANDIDATES = {
    CENTRAL: (ARCHIVE,),
    SCRATCH: (LAKE,),
    GONE: (LAKE,),
    FOREIGN: (LAKE, MANAGEMENT, ARCHIVE, PAYMENTS, CORE),
}
"""Bucket → the accounts of which it was asked in turn whether they own it, each with its own credentials."""
_BLOCKS = {ARCHIVE: _ALL_BLOCKED, LAKE: _NO_BLOCK}


def buckets() -> Iterator[Line]:
    """Yield the calls about each bucket: whose it is, then its settings; then those of the accounts that own some."""
    for bucket, answers in ANSWERS.items():
        owner = _OWNERS.get(bucket)
        for candidate in _CANDIDATES[bucket]:
            yield "s3", "HeadBucket", candidate, GLOBAL, bucket, 1, _head(bucket), {"ExpectedBucketOwner": candidate}
        for operation, answer in answers.items():
            expected = {"ExpectedBucketOwner": owner} if owner else None
            yield "s3", operation, _CANDIDATES[bucket][0], GLOBAL, bucket, 1, answer, expected
    for account, answer in _BLOCKS.items():
        yield "s3control", "GetPublicAccessBlock", account, GLOBAL, account, 1, answer, None


def _head(bucket: str) -> Any:
    if bucket in _REGIONS:
        return {"BucketRegion": _REGIONS[bucket], "AccessPointAlias": False}
    return ("404", "Not Found") if bucket == GONE else ("403", "Forbidden")
