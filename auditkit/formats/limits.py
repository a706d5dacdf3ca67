"""What flow logs cannot tell, whatever was read: every report prints it."""

from __future__ import annotations

NEVER_RECORDED = (
    ("Amazon DNS", "Queries to the Amazon-provided DNS server. An own DNS server's traffic is recorded."),
    ("Instance metadata", "Traffic to and from 169.254.169.254."),
    ("Time sync", "Traffic to and from 169.254.169.123, the Amazon Time Sync Service."),
    ("Windows licences", "Traffic of a Windows instance for Amazon's licence activation."),
    ("DHCP", "Address assignment."),
    ("Mirrored traffic", "At the source of the mirror; the target is recorded."),
    ("VPC router", "Traffic to the reserved address of the default VPC router."),
    ("Endpoint to NLB", "Traffic between an endpoint's interface and a Network Load Balancer's interface."),
)
"""What AWS documents as never recorded: "Flow log limitations" in the Amazon VPC user guide."""
NEVER_KNOWN = (
    ("Payload", "Who said what: a record counts packets and bytes of a flow, nothing inside them."),
    ("User identity", "Which person or role was behind a flow. Addresses are not people."),
    ("ICMP types", "Which ICMP message it was: a record has the protocol only."),
    ("Names", "Which DNS name was asked for, or which certificate was shown."),
    ("Success", "Whether the host answered: ACCEPT says that security groups and network ACLs let the packet through."),
)
"""What a record has no field for."""
SILENCE = (
    "Silence is not innocence. An interface without any record of its own on a day, not even NODATA, was not observed on that day; "
    "nothing is concluded from its silence. SKIPDATA marks records that AWS could not capture."
)
