"""The texts of the example that a person would write: auditkit.yaml and waivers.yaml."""

from __future__ import annotations

from auditkit.example.accounts import ARCHIVE, EXCLUDED
from auditkit.example.logging_plan import CENTRAL, OPS
from auditkit.example.peers import CORPORATE, CORPORATE6
from auditkit.example.things import Estate

CONFIG = f"""\
# auditkit.yaml: what is audited, and against what.
# This one belongs to the example organization that `auditkit example` wrote. Nothing in it exists:
# the ids are invented, the addresses come from documentation ranges. From this directory,
#
#     auditkit audit
#
# audits it without AWS. For an organization of your own, remove `snapshot:` and `records.local:`.

# Which accounts. In every member account this role is assumed; it only reads (`auditkit iam` prints its policy).
organization:
  role_name: AuditkitRead
  accounts: all                      # or a list of ids
  exclude:                           # left out on purpose: who says so, and until when
    - account: "{EXCLUDED}"
      reason: "sandbox: no production data, wiped every week"
      owner: platform
      approved_by: ciso
      approved_on: 2026-03-02
      expires: 2027-03-01

# Which regions: `enabled` asks each account which regions it has.
regions: enabled

# A saved snapshot instead of AWS. Leave it out, and auditkit collects one.
snapshot: snapshot

# The days audited, in UTC; the end is the first day that no longer counts. Also: 2026-Q3.
period: {{start: 2026-09-28, end: 2026-10-01}}

# Where flow logs may go. Logs that go elsewhere are `misdirected`.
destinations:
  central: {{type: s3, bucket: {CENTRAL}, prefix: "", account: "{ARCHIVE}"}}
  ops: {{type: cloud-watch-logs, log_group: {OPS}}}

# What good logging is. The first baseline whose `match` fits a resource judges it.
baselines:
  - name: cde                        # the cardholder data environment, known by its tag
    match: {{vpc_tags: {{scope: pci}}}}
    traffic: ALL                     # accepted and rejected
    destinations: [central]
    fields: [pkt-srcaddr, pkt-dstaddr, tcp-flags]
    max_aggregation_interval: 60     # seconds
  - name: default                    # everything else
    traffic: ALL
    destinations: [central, ops]

# Names for addresses, to be used in policies. `internet`, `private` and `vpc` always exist.
networks:
  corporate: [{CORPORATE}, "{CORPORATE6}"]

# Which flow records are read: here all that lie in `logs`, in the layout in which AWS delivers them to S3.
records:
  local: [logs]
  mode: all                          # none, random (a stated sample), all

# The rules: `builtin` is what ships; add directories of your own.
policies: [builtin]

# Findings that were accepted, for a while.
waivers: waivers.yaml

report:
  organization: Example Corp
  title: null
  classification: Confidential
  frameworks: [cis-aws-5.0.0, pci-dss-4.0.1]
"""

WAIVERS = """\
# Findings that were looked at and accepted. A waived finding stays in the report, marked; after
# `expires` it fails again. `resource` is the finding's resource: an id, an ARN, or a pattern with *.
waivers:
  # Valid: RDP from the internet to the Windows jump host.
  - control: no-public-rdp
    resource: {win_jump}
    reason: The vendor supports the host by RDP until its replacement in March; logins need a hardware token.
    owner: platform
    approved_by: ciso
    approved_on: 2026-05-04
    expires: 2027-03-31
    ticket: SEC-1207

  # Expired two weeks before the period: the finding fails again.
  - control: no-public-telnet
    resource: {console}
    reason: The console server is to be replaced.
    owner: build
    approved_by: ciso
    approved_on: 2025-09-15
    expires: 2026-09-15
    ticket: SEC-0988

  # Used for a default VPC in which nothing may be created.
  - control: vpc-flow-logs-complete
    resource: {default_vpc}
    reason: A service control policy denies creating anything in default VPCs; it is empty.
    owner: platform
    approved_by: ciso
    approved_on: 2026-02-10
    expires: 2027-02-10
    ticket: SEC-1101

  # Unused: what it accepted is gone.
  - control: no-public-caches
    resource: i-0decommissioned0000
    reason: Load test of the session cache.
    owner: data
    approved_by: ciso
    approved_on: 2026-06-01
    expires: 2026-12-31
    ticket: SEC-1222
"""


def waivers(estate: Estate) -> str:
    """The text of waivers.yaml."""
    return WAIVERS.format(
        win_jump=estate.interfaces["win-jump"].instance_id,
        console=estate.interfaces["console-1"].instance_id,
        default_vpc=estate.vpcs["mgmt-default-eu"].id,
    )
