"""The roles by which flow logs deliver: does the service that delivers get in, and may the role do what it has to?

VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs", and CloudWatch Logs User Guide, "Logs sent to
Firehose" across accounts. Policies of the organization are not read; a permissions boundary is not either, so a role
that has one is never said to work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auditkit.inventory.answers import Malformed, flag, part, required, text, texts
from auditkit.inventory.grants import Caller, Request, allows
from auditkit.inventory.patterns import Context, Text
from auditkit.inventory.statements import Policy, read_policy
from auditkit.inventory.told import Told
from auditkit.inventory.writers import Organization, delivering, delivery, of_service, service
from auditkit.model.condition import kleene_and, kleene_or
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Call, Unread

_ROLE = re.compile(r"arn:[^:]*:iam::(\d{12}):role/(?:.*/)?([^/]+)", re.DOTALL)
_ASSUME = "sts:AssumeRole"
_WRITE = ("logs:CreateLogStream", "logs:PutLogEvents")


class Roles:
    """What IAM said of each role."""

    def __init__(self) -> None:
        self._told = Told()

    def note(self, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._told.note((call.account_id, call.resource), call)

    def unread(self) -> Iterator[Unread]:
        """Every question about a role that nobody was answered."""
        return self._told.unread()

    def verdict(self, flow_log: FlowLog, organization: Organization, *, group_exists: bool | None) -> str | None:
        """Tell whether the role of a flow log can deliver: works, absent, untrusted, unpermitted; - where it needs none.

        Args:
            flow_log: whose role.
            organization: what is known of it.
            group_exists: whether its log group is there: where it is, nobody has to create it.
        """
        if flow_log.log_destination_type == "cloud-watch-logs":
            worlds = (True, False) if group_exists is None else (group_exists,)
            verdicts = {self._to_group(flow_log, organization, group_exists=exists) for exists in worlds}
            return verdicts.pop() if len(verdicts) == 1 else None
        if flow_log.log_destination_type == "kinesis-data-firehose" and flow_log.deliver_cross_account_role:
            return self._across(flow_log, organization)
        if flow_log.delivery_stream and flow_log.destination_account_id not in ("", flow_log.account_id):
            return None  # it needs a role, which was not told
        # To a bucket, and to a stream of the same account, AWS delivers by itself or by its service-linked role.
        return "-"

    def _to_group(self, flow_log: FlowLog, organization: Organization, *, group_exists: bool) -> str | None:
        partition, account_id = organization.partition, flow_log.account_id
        itself = Text(f"arn:{partition}:ec2:{flow_log.region}:{account_id}:vpc-flow-log/{flow_log.flow_log_id}")
        caller = service("vpc-flow-logs.amazonaws.com", partition)
        trust = Request(caller, _ASSUME, None, of_service(account_id, itself, organization))
        needs = _logs_needs(flow_log, partition, group_exists=group_exists)
        return self._role(flow_log.deliver_logs_permission_arn, trust, needs)

    def _across(self, flow_log: FlowLog, organization: Organization) -> str | None:
        own, other = flow_log.deliver_logs_permission_arn, flow_log.deliver_cross_account_role
        named = _ROLE.fullmatch(own)
        if named is None:
            return None
        context = delivering(flow_log.account_id, flow_log.region, organization)
        trust = Request(delivery(organization.partition), _ASSUME, None, context)
        first = self._role(own, trust, [[Request(None, _ASSUME, Text(other), _of_role(own, flow_log.region))]])
        there = Request(Caller(arn=own, account=named[1]), _ASSUME, None, _of_role(own, flow_log.region))
        second = self._role(other, there, [])
        wrong = [one for one in (first, second) if one not in ("works", None)]
        return wrong[0] if wrong else None if None in (first, second) else "works"

    def _role(self, arn: str, trust: Request, needs: Iterable[Iterable[Request]]) -> str | None:
        """Judge a role.

        Args:
            arn: of the role.
            trust: who assumes it.
            needs: what it has to be allowed: of each, any of several spellings of the resource.
        """
        named = _ROLE.fullmatch(arn)
        call = self._told.settled((named[1], named[2])).get("GetRole") if named else None
        if named is None or call is None:
            return None
        if call.error:
            return "absent"
        try:
            role = part(call.answer or {}, "Role")
            trusted = allows([read_policy(role.get("AssumeRolePolicyDocument"))], trust)
            bounded = bool(part(role, "PermissionsBoundary"))
            is_it = text(role, "Arn") in ("", arn)
            if not is_it and text(role, "Arn").rpartition("/")[2] != named[2]:
                raise Malformed("it tells of another role")  # noqa: TRY301  # told where all of its faults are
        except Malformed as error:
            self._told.malformed(call, error)
            return None
        if not is_it:  # made anew under another path: IAM finds roles by name, a flow log has the ARN
            return "absent"
        if trusted is False:
            return "untrusted"
        policies, whole = self._policies(named[1], named[2])
        verdicts = [kleene_or(_may(policies, request, whole=whole) for request in spellings) for spellings in needs]
        permitted = kleene_and(verdicts)
        if permitted is False:
            return "unpermitted"
        return "works" if trusted and permitted and not (bounded and verdicts) else None

    def _policies(self, account_id: str, role: str) -> tuple[list[Policy], bool]:
        """The policies of a role, and whether these are all."""
        inline, whole = self._names(account_id, role, "ListRolePolicies")
        attached, more = self._names(account_id, role, "ListAttachedRolePolicies")
        read = [self._inline(account_id, f"{role}/{name}") for name in inline]
        read += [self._managed(account_id, arn) for arn in attached]
        known = [policy for policy in read if policy is not None]
        return known, whole and more and len(known) == len(read)

    def _names(self, account_id: str, role: str, operation: str) -> tuple[list[str], bool]:
        """What a listing names, and whether its pages are all there."""
        names: set[str] = set()
        pages: dict[int, bool] = {}
        calls = self._told.asked((account_id, role), operation)
        for call in calls:
            if call.answer is None:
                continue
            try:
                names |= set(_listed(call))
                pages[call.page] = flag(call.answer, "IsTruncated")
            except Malformed as error:
                self._told.malformed(call, error)
        whole = bool(pages) and sorted(pages) == list(range(1, len(pages) + 1)) and not pages[len(pages)]
        if pages and not whole and all(call.error is None for call in calls):
            self._told.malformed(calls[0], "the snapshot lacks pages of it")
        return sorted(names), whole

    def _inline(self, account_id: str, name: str) -> Policy | None:
        call = self._told.settled((account_id, name)).get("GetRolePolicy")
        if call is None or call.error:
            return None
        try:
            return read_policy((call.answer or {}).get("PolicyDocument"), of_role=True)
        except Malformed as error:
            self._told.malformed(call, error)
            return None

    def _managed(self, account_id: str, arn: str) -> Policy | None:
        settled = self._told.settled((account_id, arn))
        current, versions = settled.get("GetPolicy"), self._told.asked((account_id, arn), "GetPolicyVersion")
        if current is None or current.error:
            return None
        call = current
        try:
            default = required(part(current.answer or {}, "Policy"), "DefaultVersionId")
            for call in versions:
                version = part(call.answer or {}, "PolicyVersion")
                if call.error is None and text(version, "VersionId") == default:
                    return read_policy(version.get("Document"), of_role=True)
        except Malformed as error:
            self._told.malformed(call, error)
        return None


def _listed(call: Call) -> list[str]:
    answer = call.answer or {}
    if call.operation == "ListAttachedRolePolicies":
        if "AttachedPolicies" not in answer:
            raise Malformed("AttachedPolicies is missing")
        return texts(answer, "AttachedPolicies", "PolicyArn")
    names = answer.get("PolicyNames")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Malformed("PolicyNames is not a list of texts")
    return names


def _may(policies: list[Policy], request: Request, *, whole: bool) -> bool | None:
    """Where some policy of the role was not read, it may allow more, and it may deny."""
    verdict = allows(policies, request)
    if whole:
        return verdict
    # A Deny that is known wins over whatever the others say: then not even a policy that allows everything helps.
    return False if allows([*policies, _ALL], request) is False else None


_ALL = read_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, of_role=True
)


def _of_role(arn: str, region: str) -> Context:
    """Return what a role's own requests are known to say."""
    account = arn.split(":")[4] if arn.count(":") > 4 else ""
    return {
        "aws:principalaccount": (Text(account),),
        "aws:principalarn": (Text(arn),),
        "aws:requestedregion": (Text(region),),
        "aws:securetransport": (Text("true"),),
    }


def _logs_needs(flow_log: FlowLog, partition: str, *, group_exists: bool) -> list[list[Request]]:
    """What AWS says that the role must be allowed, on the group as CloudWatch Logs names it in each request."""
    account = flow_log.destination_account_id or flow_log.account_id
    region = flow_log.log_destination.split(":")[2] if flow_log.log_destination.count(":") > 2 else flow_log.region
    groups = f"arn:{partition}:logs:{region}:{account}:log-group:"
    group = groups + flow_log.log_group
    context = _of_role(flow_log.deliver_logs_permission_arn, region)

    def spelled(action: str, *resources: Text) -> list[Request]:
        return [Request(None, action, resource, context) for resource in resources]

    streams = Text(f"{group}:log-stream:", open=True, without=":*")
    # Of the others AWS's page says only that they act on groups, and refusals have shown several spellings.
    either = (Text(group), Text(f"{group}:*"), streams)
    needs = [spelled(action, streams) for action in _WRITE]
    needs.append(spelled("logs:DescribeLogStreams", *either))
    needs.append(spelled("logs:DescribeLogGroups", *either, Text(f"{groups}*"), Text(f"{groups}:log-stream:")))
    if not group_exists:
        needs.append(spelled("logs:CreateLogGroup", *either))
    return needs
