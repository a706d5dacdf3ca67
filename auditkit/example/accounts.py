"""The accounts of the example organization: who is in scope, who refuses, who is left out."""

from __future__ import annotations

EU, US = "eu-west-1", "us-east-1"
REGIONS = (EU, US)

MANAGEMENT, ARCHIVE, PAYMENTS, CORE, LAKE, STAGING = (
    "111122223333",
    "222233334444",
    "333344445555",
    "444455556666",
    "555566667777",
    "666677778888",
)
SUSPENDED, EXCLUDED = "777788889999", "888899990000"

ACCOUNTS = {
    MANAGEMENT: "management",
    ARCHIVE: "log-archive",
    PAYMENTS: "payments-prod",
    CORE: "core-prod",
    LAKE: "data-lake",
    STAGING: "staging",
    SUSPENDED: "old-marketing",
    EXCLUDED: "sandbox",
}
ACCOUNT_TAGS = {
    MANAGEMENT: {"owner": "platform", "env": "prod"},
    ARCHIVE: {"owner": "security", "env": "prod"},
    PAYMENTS: {"owner": "payments", "env": "prod", "scope": "pci"},
    CORE: {"owner": "platform", "env": "prod"},
    LAKE: {"owner": "data", "env": "prod"},
    STAGING: {"owner": "platform", "env": "dev"},
}
IN_SCOPE = (MANAGEMENT, ARCHIVE, PAYMENTS, CORE, LAKE, STAGING)
REFUSING = (STAGING,)
"""Accounts whose audit role does not trust the auditor."""
REFUSED = {(CORE, US, "DescribeFlowLogs")}
"""Calls that an otherwise readable account refuses."""
BLOCKED = {ARCHIVE: "block-ingress"}
"""Accounts whose VPCs the internet cannot reach, by VPC Block Public Access → its mode."""
