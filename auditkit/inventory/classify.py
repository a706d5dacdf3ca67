"""What a network interface belongs to: service, lasting owner, and the test that told.

The rules are applied in order; the first that matches wins. Two facts are AWS's own and are believed: InterfaceType,
and who attached the interface to what. A Description is not: anyone can write "ELB app/x/1" on an interface of his own,
so a description counts only together with a sign that AWS made the interface. RequesterManaged is such a sign, but not
the only one: AWS says false for transit gateways, Lambda, EKS pods and WorkSpaces, which have their own tests.

Shapes: Amazon EC2 User Guide, "Requester-managed network interfaces"; API reference, NetworkInterface.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple


@dataclass(slots=True)
class Facts:
    """What AWS answered about one interface, as far as it tells whose it is."""

    interface_id: str
    """Interface id."""
    owner_id: str
    """Account that owns it."""
    interface_type: str = ""
    """InterfaceType; absent in old answers."""
    description: str = ""
    """Description: possibly a user's words."""
    requester_id: str = ""
    """RequesterId: amazon-…, an account number, or the id of a user or role session."""
    requester_managed: bool = False
    """RequesterManaged."""
    instance_id: str = ""
    """Attachment.InstanceId."""
    instance_owner_id: str = ""
    """Attachment.InstanceOwnerId: an account number or an alias as amazon-aws."""
    status: str = ""
    """Status."""
    group_ids: tuple[str, ...] = ()
    """Its security groups, sorted."""
    operator_managed: bool = False
    """Operator.Managed."""
    operator_principal: str = ""
    """Operator.Principal."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags; those that begin with `aws:` only AWS can write."""


class Belongs(NamedTuple):
    """To what an interface belongs."""

    service: str
    """Our stable name of the service."""
    subject: str
    """The lasting owner."""
    subject_type: str
    """What the subject is."""
    evidence: str
    """The test that decided."""


def _by_aws(facts: Facts, _told: str) -> str:
    """Name the sign that AWS made the interface, or return nothing."""
    if facts.requester_managed:
        return "RequesterManaged"
    if facts.instance_owner_id.startswith(("amazon-", "aws-")):
        return "Attachment.InstanceOwnerId"
    return "RequesterId" if facts.requester_id.startswith(("amazon-", "aws-")) else ""


def _by_endpoint(facts: Facts, told: str) -> str:
    # Gateway Load Balancer endpoints have the same description, and a type of their own.
    return _by_aws(facts, told) if facts.interface_type in ("", "interface") else ""


def _by_lambda(facts: Facts, told: str) -> str:
    # RequesterManaged is false; the requester is Lambda's session of the function's role, named after the account, or
    # awslambda_… in older answers, of a role or of the account.
    session = _ROLE_SESSION.fullmatch(facts.requester_id)
    if session and (session[1] == facts.owner_id or session[1].startswith("awslambda_")):
        return "RequesterId"
    return _by_aws(facts, told)


def _by_workspaces(facts: Facts) -> str:
    # RequesterManaged is false, and anyone can name a session so: what made a real one has attached it too.
    if not facts.requester_id.endswith(_WORKSPACES):
        return ""
    return f"RequesterId …{_WORKSPACES}" if _by_aws(facts, "") or facts.status != "available" else ""


def _by_branch(facts: Facts, told: str) -> str:
    # Made by EKS's controller, RequesterManaged false: believed where an old answer has no InterfaceType to contradict.
    return _by_aws(facts, told) or ("no InterfaceType" if not facts.interface_type else "")


def _by_node(facts: Facts, told: str) -> str:
    # Made by the node itself: the requester is the session of the node's role, which EC2 names after the instance.
    return _by_aws(facts, told) or ("RequesterId" if facts.requester_id.endswith(f":{told}") else "")


def _by_ecs(facts: Facts, told: str) -> str:
    return _by_aws(facts, told) or ("InterfaceType branch" if facts.interface_type == "branch" else "")


def _by_eks(facts: Facts, told: str) -> str:
    # The control plane runs in an account of AWS that has a number, not an alias.
    other = facts.instance_owner_id.isdigit() and facts.instance_owner_id != facts.owner_id
    return _by_aws(facts, told) or ("Attachment.InstanceOwnerId" if other else "")


Subject = tuple[str, str]


def _of_ecs(facts: Facts, told: str) -> Subject:
    cluster = facts.tags.get("aws:ecs:clusterName") or (told.partition("/")[0] if "/" in told else "")
    if cluster and (service := facts.tags.get("aws:ecs:serviceName")):
        return f"service/{cluster}/{service}", "service"
    return (f"cluster/{cluster}", "cluster") if cluster else (f"attachment/{told}", "task")


class Rule(NamedTuple):
    """One row of the table: matches by InterfaceType, or by a Description that can be believed."""

    service: str
    subject_type: str
    types: tuple[str, ...] = ()
    says: str = ""
    """How the description reads, for people."""
    pattern: re.Pattern[str] | None = None
    """The whole description; its group is the subject."""
    believe: Callable[[Facts, str], str] = _by_aws
    """Names the sign by which the description is believed, or returns nothing."""
    subject: Callable[[Facts, str], Subject] | None = None
    """Finds another subject than the pattern's group."""
    by_group: bool = False
    """Whether a security group is the lasting owner where no name can be told."""


def _rule(service: str, subject_type: str, *types: str, says: str = "", pattern: str = "", **more: object) -> Rule:
    compiled = re.compile(pattern, re.DOTALL) if pattern else None
    return Rule(service, subject_type, types, says, compiled, **more)  # type: ignore[arg-type]  # believe, subject, by_group


_ROLE_SESSION = re.compile(r"(?:AROA[A-Z0-9]+|[0-9]{12}):(.+)", re.DOTALL)
_WORKSPACES = "WorkSpace-Creation"
_PLAIN = re.compile(r"(?:[A-Za-z0-9 ](?![?*{|]))*")
_GROUP = re.compile(r"\([^()]*\)")
_BEGINNING = 4
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# One rule, one or two lines: this is a table to be read.
# fmt: off
RULES: tuple[Rule, ...] = (
    _rule("nat-gateway", "nat-gateway", "nat_gateway", "natGateway",
          says="Interface for NAT Gateway nat-…", pattern=r"Interface for NAT Gateway (nat-[0-9a-f]+).*"),
    _rule("transit-gateway", "transit-gateway-attachment", "transit_gateway",
          says="Network Interface for Transit Gateway Attachment tgw-attach-…",
          pattern=r"Network Interface for Transit Gateway Attachment (tgw-attach-[0-9a-f]+).*"),
    _rule("vpc-endpoint", "vpc-endpoint", "vpc_endpoint",
          says="VPC Endpoint Interface vpce-…", pattern=r"VPC Endpoint Interface:? (vpce-[0-9a-f]+).*",
          believe=_by_endpoint),
    _rule("gwlb-endpoint", "vpc-endpoint", "gateway_load_balancer_endpoint", pattern=r".*?(vpce-[0-9a-f]+).*"),
    _rule("elb-network", "load-balancer", "network_load_balancer",
          says="ELB net/…", pattern=r"ELB (net/[^/\s]+/[0-9a-f]+)"),
    _rule("elb-gateway", "load-balancer", "gateway_load_balancer",
          says="ELB gwy/…", pattern=r"ELB (gwy/[^/\s]+/[0-9a-f]+)"),
    _rule("elb-application", "load-balancer", says="ELB app/…", pattern=r"ELB (app/[^/\s]+/[0-9a-f]+)"),
    _rule("elb-classic", "load-balancer", says="ELB …", pattern=r"ELB ([A-Za-z0-9-]+)"),
    _rule("elb", "load-balancer", "load_balancer", pattern=r"ELB (\S+)"),
    _rule("lambda", "function", "lambda",
          says="AWS Lambda VPC ENI-…", pattern=rf"AWS Lambda VPC ENI(?:-(.+)-{_UUID}|: .*)", believe=_by_lambda),
    _rule("rds", "security-group", says="RDSNetworkInterface", pattern=r"RDSNetworkInterface()", by_group=True),
    _rule("elasticache", "cluster", says="ElastiCache …", pattern=r"ElastiCache(?:[ +](\S*).*)?", by_group=True),
    _rule("redshift", "security-group",
          says="RedshiftNetworkInterface", pattern=r"RedshiftNetworkInterface()", by_group=True),
    _rule("efs", "file-system", "efs",
          says="EFS mount target for fs-…", pattern=r"EFS mount target for (fs-[0-9a-f]+).*"),
    _rule("directory-service", "directory", says="AWS created network interface for directory d-…",
          pattern=r"AWS created network interface for directory (d-[0-9a-z]+).*"),
    _rule("workspaces", "network-interface"),  # by RequesterId: see _matches
    _rule("ecs", "task", says="arn:…:ecs:…:attachment/…",
          pattern=r"arn:aws[-a-z]*:ecs:[^:]*:[^:]*:attachment/(.+)", believe=_by_ecs, subject=_of_ecs),
    _rule("eks-pod", "network-interface", "branch",
          says="aws-k8s-branch-eni", pattern=r"aws-k8s-branch-eni()", believe=_by_branch),
    _rule("eks-node", "network-interface", "trunk"),
    _rule("eks-node", "instance", says="aws-K8S-i-…", pattern=r"aws-K8S-(i-[0-9a-f]+)", believe=_by_node),
    _rule("eks-control-plane", "cluster", says="Amazon EKS …", pattern=r"Amazon EKS (\S+).*", believe=_by_eks),
    _rule("dms", "network-interface", says="DMSNetworkInterface", pattern=r"DMSNetworkInterface()"),
    _rule("dax", "cluster", says="DAX …", pattern=r"DAX (\S+).*"),
    _rule("emr", "network-interface", says="AWS ElasticMapReduce …", pattern=r"AWS ElasticMapReduce().*"),
    _rule("cloudhsm", "network-interface",
          says="CloudHSM …", pattern=r"(?:CloudHSM Managed Interface|CloudHsm ENI)().*"),
    _rule("route53-resolver", "resolver-endpoint", says="Route 53 Resolver: …",
          pattern=r"Route 53 Resolver: *(rslvr-(?:in|out)-[0-9a-f]+)?.*"),
    _rule("vpc-lattice", "resource-gateway", says="Resource Gateway Interface rgw-…",
          pattern=r"Resource Gateway Interface (rgw-[0-9a-f]+).*"),
    _rule("sagemaker", "notebook-instance", says="…:notebook-instance/…",
          pattern=r".*?arn:aws[-a-z]*:sagemaker:[^:]*:[^:]*:notebook-instance/([A-Za-z0-9-]+).*"),
    _rule("quicksight", "network-interface", "quicksight"),
    _rule("global-accelerator", "network-interface", "global_accelerator_managed"),
    _rule("api-gateway", "network-interface", "api_gateway_managed"),
    _rule("iot", "network-interface", "iot_rules_managed"),
    _rule("codestar-connections", "network-interface", "aws_codestar_connections_managed"),
)
# fmt: on
"""Applied after "attached to an instance" and before what `_rest` says."""


def classify(facts: Facts) -> Belongs:
    """Tell to what an interface belongs.

    The subject is what lasts when interfaces come and go: load balancer, function, gateway, endpoint, file system,
    directory, cluster, instance. RDS, Redshift and ElastiCache interfaces often name nothing; their subject is then
    `<service>:<security group id>` (the first in the order of ids), because a group outlives the interfaces in it. An
    interface that names nothing and has no group is its own subject.
    """
    if facts.instance_id:
        return of_instance(facts.instance_id)
    for rule in _candidates(facts.interface_type, facts.description[:_BEGINNING]):
        found = _matches(rule, facts)
        if found is not None:
            told, evidence = found
            return Belongs(rule.service, *_subject(rule, facts, told), evidence)
    return _rest(facts)


def of_instance(instance_id: str) -> Belongs:
    """What an interface belongs to that is attached to an instance, whatever else is said of it."""
    return Belongs("ec2", instance_id, "instance", "Attachment.InstanceId")


def asks_more(interface_type: str, description: str) -> bool:
    """Tell whether `classify` may look at the groups or tags of an interface."""
    return _looks_at_more(interface_type, description[:_BEGINNING])


@lru_cache(maxsize=4096)
def _looks_at_more(interface_type: str, beginning: str) -> bool:
    return any(rule.by_group or rule.subject for rule in _candidates(interface_type, beginning))


@lru_cache(maxsize=4096)
def _candidates(interface_type: str, beginning: str) -> tuple[Rule, ...]:
    """The rules that may match, told by what is quick to tell: most descriptions begin as no pattern does."""
    return tuple(rule for rule in RULES if _may_match(rule, interface_type, beginning))


def _may_match(rule: Rule, interface_type: str, beginning: str) -> bool:
    if rule.service == "workspaces" or interface_type in rule.types:
        return True
    return bool(rule.says) and rule.pattern is not None and beginning.startswith(_head(rule.pattern.pattern))


def _head(pattern: str) -> str:
    """How every text that a pattern matches begins: its first plain characters, but for one that may be left out."""
    outside = pattern
    while (less := _GROUP.sub("", outside)) != outside:
        outside = less
    plain = None if "|" in outside else _PLAIN.match(pattern)
    return plain[0][:_BEGINNING] if plain else ""


def _matches(rule: Rule, facts: Facts) -> tuple[str, str] | None:
    """Return what the description tells of the subject, and the evidence; None where the rule does not match."""
    if rule.service == "workspaces":
        return ("", sign) if (sign := _by_workspaces(facts)) else None
    by_type = facts.interface_type in rule.types
    match = rule.pattern.fullmatch(facts.description) if rule.pattern and (by_type or rule.says) else None
    told = (match[1] or "") if match else ""
    if by_type:
        return told, f"InterfaceType {facts.interface_type}"
    sign = rule.believe(facts, told) if match else ""
    return (told, f"Description {rule.says}, {sign}") if sign else None


def _subject(rule: Rule, facts: Facts, told: str) -> Subject:
    if told:
        return rule.subject(facts, told) if rule.subject else (told, rule.subject_type)
    if rule.by_group and facts.group_ids:
        return f"{rule.service}:{facts.group_ids[0]}", "security-group"
    return facts.interface_id, "network-interface"


def _rest(facts: Facts) -> Belongs:
    """What remains: managed by some service, an idle EFA, idle, or anything else."""
    itself = (facts.interface_id, "network-interface")
    if facts.operator_managed:
        return Belongs(facts.operator_principal.lower() or "aws-other", *itself, "Operator.Managed")
    if sign := _managed(facts):
        return Belongs("aws-other", *itself, sign)
    if facts.interface_type in ("efa", "efa-only"):
        return Belongs("efa", *itself, f"InterfaceType {facts.interface_type}")
    if facts.status == "available":
        return Belongs("unattached", *itself, "Status available")
    return Belongs("other", *itself, "no test matched")


def _managed(facts: Facts) -> str:
    if facts.requester_managed:
        return "RequesterManaged"
    return "Attachment.InstanceOwnerId" if facts.instance_owner_id not in ("", facts.owner_id) else ""
