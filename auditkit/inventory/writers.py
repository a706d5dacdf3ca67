"""Who writes flow logs, and what its requests are known to say.

CloudWatch Logs User Guide, "Logs sent to Amazon S3": the service principal, its conditions, and the canned ACL that it
sends, which AWS's own policies ask for whatever the object ownership of the bucket is. Whether it sends headers of
encryption, from which address it comes, and by which endpoint, is not documented: what asks for them stays undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditkit.inventory.grants import Caller
from auditkit.inventory.patterns import Context, Text
from auditkit.model.flow_logs import FlowLog

_DELIVERY = "delivery.logs.amazonaws.com"
_TLS = (Text("1.2"), Text("1.3"))  # AWS's endpoints take nothing older since 2024


@dataclass(frozen=True, slots=True)
class Organization:
    """What is known of the organization."""

    partition: str = "aws"
    """aws, aws-cn, aws-us-gov."""
    id: str = ""
    """o-…, or empty."""
    members: frozenset[str] = frozenset()
    """Accounts that it lists."""
    asked: frozenset[str] = frozenset()
    """Accounts that the audit was asked for."""
    whole: bool = False
    """Whether it listed all of its accounts."""

    def has(self, account_id: str) -> bool | None:
        """Tell whether an account belongs to it, be it only by the word of whoever asked for the audit."""
        if self.whole or account_id in self.members:
            return account_id in self.members
        return True if account_id in self.asked else None


@dataclass(frozen=True, slots=True, order=True)
class Writer:
    """Flow logs of one account and region, writing to a bucket below one kind of key."""

    account_id: str
    """Their owner."""
    region: str
    """Their region."""
    below: str
    """What follows AWSLogs/ in their keys, as far as it is the same for all."""


def writer(flow_log: FlowLog) -> Writer:
    """Tell as whom a flow log writes."""
    account_id, region = flow_log.account_id, flow_log.region
    below = f"{account_id}/vpcflowlogs/{region}/"
    if flow_log.hive_compatible_partitions:
        # AWS's pages on transit gateways spell the service's folder in another way than those on VPCs.
        service = "" if flow_log.kind == "transit-gateway" else f"aws-service=vpcflowlogs/aws-region={region}/"
        below = f"aws-account-id={account_id}/{service}"
    return Writer(account_id, region, below)


def service(name: str, partition: str) -> Caller:
    """Return a service principal; in China some are written with the suffix of the country."""
    return Caller(frozenset({name, f"{name}.cn"} if partition == "aws-cn" else {name}))


def delivery(partition: str) -> Caller:
    """Return the service that delivers logs to buckets."""
    return service(_DELIVERY, partition)


def of_service(account_id: str, source_arn: Text, organization: Organization) -> dict[str, tuple[Text, ...]]:
    """Return what a service says when it acts for a resource of an account."""
    context: dict[str, tuple[Text, ...]] = {
        "aws:sourceaccount": (Text(account_id),),
        "aws:sourcearn": (source_arn,),
        "aws:securetransport": (Text("true"),),
        "aws:principalisawsservice": (Text("true"),),
        # A service is in no organization: AWS says so for both keys.
        "aws:principalorgid": (),
        "aws:principalorgpaths": (),
    }
    if organization.id and account_id in organization.members:
        context["aws:sourceorgid"] = (Text(organization.id),)
    return context


def delivering(account_id: str, region: str, organization: Organization) -> Context:
    """Return the context of log delivery for the flow logs of an account and region."""
    source = Text(f"arn:{organization.partition}:logs:{region}:{account_id}:", open=True)
    return of_service(account_id, source, organization) | {"aws:principalservicename": (Text(_DELIVERY),)}


def putting(context: Context) -> Context:
    """Add what S3 sees of a log object being put."""
    return {**context, "s3:x-amz-acl": (Text("bucket-owner-full-control"),), "s3:tlsversion": _TLS}
