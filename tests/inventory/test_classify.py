"""Every class of interface, in the shapes that AWS answers, and the shapes that only look so."""

from __future__ import annotations

import re
import time

import pytest

from auditkit.inventory.classify import RULES, Facts, classify

OWN = "111122223333"
ENI = "eni-0a1b2c3d4e5f60718"
UUID = "1a2b3c4d-5e6f-4081-92a3-b4c5d6e7f809"
ECS = f"arn:aws:ecs:eu-central-1:{OWN}:attachment/{UUID}"
MANAGED = {"requester_managed": True, "requester_id": OWN, "instance_owner_id": "amazon-aws"}


def belongs(**told):
    one = classify(Facts(**{"interface_id": ENI, "owner_id": OWN, "status": "in-use"} | told))
    return one.service, one.subject, one.subject_type


# fmt: off
CASES = [
    ("instance",
     {"instance_id": "i-0123456789abcdef0", "instance_owner_id": OWN, "interface_type": "interface"},
     ("ec2", "i-0123456789abcdef0", "instance")),
    ("instance of EKS with a trunk",
     {"instance_id": "i-01234567", "interface_type": "trunk", "operator_managed": True, "operator_principal": "x"},
     ("ec2", "i-01234567", "instance")),
    ("NAT gateway as recorded",
     MANAGED | {"interface_type": "nat_gateway", "description": "Interface for NAT Gateway nat-0a1b2c3d4e5f60718"},
     ("nat-gateway", "nat-0a1b2c3d4e5f60718", "nat-gateway")),
    ("NAT gateway as in the API's enumeration, without description",
     {"interface_type": "natGateway"}, ("nat-gateway", ENI, "network-interface")),
    ("NAT gateway of before InterfaceType",
     MANAGED | {"description": "Interface for NAT Gateway nat-0a1b2c3d"}, ("nat-gateway", "nat-0a1b2c3d", "nat-gateway")),
    ("transit gateway: RequesterManaged is false",
     {"interface_type": "transit_gateway", "instance_owner_id": "amazon-aws",
      "description": "Network Interface for Transit Gateway Attachment tgw-attach-0a1b2c3d4e5f60718"},
     ("transit-gateway", "tgw-attach-0a1b2c3d4e5f60718", "transit-gateway-attachment")),
    ("transit gateway, told by its description and owner alone",
     {"interface_type": "interface", "instance_owner_id": "amazon-aws",
      "description": "Network Interface for Transit Gateway Attachment tgw-attach-0a1b2c3d4e5f60718"},
     ("transit-gateway", "tgw-attach-0a1b2c3d4e5f60718", "transit-gateway-attachment")),
    ("interface endpoint",
     MANAGED | {"interface_type": "vpc_endpoint", "description": "VPC Endpoint Interface vpce-0a1b2c3d4e5f60718"},
     ("vpc-endpoint", "vpce-0a1b2c3d4e5f60718", "vpc-endpoint")),
    ("interface endpoint, older, with colon",
     MANAGED | {"interface_type": "interface", "description": "VPC Endpoint Interface: vpce-0a1b2c3d"},
     ("vpc-endpoint", "vpce-0a1b2c3d", "vpc-endpoint")),
    ("GWLB endpoint",
     MANAGED | {"interface_type": "gateway_load_balancer_endpoint",
                "description": "VPC Endpoint Interface vpce-0a1b2c3d4e5f60718"},
     ("gwlb-endpoint", "vpce-0a1b2c3d4e5f60718", "vpc-endpoint")),
    ("NLB",
     MANAGED | {"interface_type": "network_load_balancer", "description": "ELB net/front/0123456789abcdef"},
     ("elb-network", "net/front/0123456789abcdef", "load-balancer")),
    ("NLB by description",
     {"requester_id": "amazon-elb", "description": "ELB net/front/0123456789abcdef"},
     ("elb-network", "net/front/0123456789abcdef", "load-balancer")),
    ("GWLB",
     MANAGED | {"interface_type": "gateway_load_balancer", "description": "ELB gwy/wall/0123456789abcdef"},
     ("elb-gateway", "gwy/wall/0123456789abcdef", "load-balancer")),
    ("GWLB by description",
     {"instance_owner_id": "amazon-elb", "description": "ELB gwy/wall/0123456789abcdef"},
     ("elb-gateway", "gwy/wall/0123456789abcdef", "load-balancer")),
    ("ALB",
     {"interface_type": "interface", "requester_managed": True, "requester_id": "amazon-elb",
      "instance_owner_id": "amazon-elb", "description": "ELB app/web/0123456789abcdef"},
     ("elb-application", "app/web/0123456789abcdef", "load-balancer")),
    ("classic ELB",
     {"interface_type": "interface", "requester_managed": True, "requester_id": "amazon-elb",
      "instance_owner_id": "amazon-elb", "description": "ELB my-old-elb"},
     ("elb-classic", "my-old-elb", "load-balancer")),
    ("classic ELB, requested by an account number",
     {"requester_id": "089818748426", "instance_owner_id": "amazon-elb", "description": "ELB my-old-elb"},
     ("elb-classic", "my-old-elb", "load-balancer")),
    ("ELB of an unknown kind",
     {"interface_type": "load_balancer"}, ("elb", ENI, "network-interface")),
    ("Lambda, RequesterManaged false",
     {"interface_type": "lambda", "requester_id": f"AROAEXAMPLE:{OWN}", "instance_owner_id": "amazon-aws",
      "description": f"AWS Lambda VPC ENI-orders-to-{UUID}-{UUID}"},
     ("lambda", f"orders-to-{UUID}", "function")),
    ("Lambda by description, requester is the function's role",
     {"interface_type": "interface", "requester_id": f"AROAEXAMPLE:{OWN}", "status": "available",
      "description": f"AWS Lambda VPC ENI-orders-{UUID}"},
     ("lambda", "orders", "function")),
    ("Lambda, old",
     {"interface_type": "interface", "requester_id": "AROAEXAMPLE:awslambda_123_20180101120000000",
      "description": f"AWS Lambda VPC ENI: {UUID}"},
     ("lambda", ENI, "network-interface")),
    ("RDS",
     {"interface_type": "interface", "requester_managed": True, "requester_id": "amazon-rds",
      "instance_owner_id": "amazon-rds", "description": "RDSNetworkInterface", "group_ids": ("sg-1", "sg-2")},
     ("rds", "rds:sg-1", "security-group")),
    ("RDS without group",
     {"requester_id": "amazon-rds", "description": "RDSNetworkInterface"}, ("rds", ENI, "network-interface")),
    ("ElastiCache",
     {"requester_managed": True, "requester_id": "amazon-elasticache", "description": "ElastiCache sessions-001"},
     ("elasticache", "sessions-001", "cluster")),
    ("ElastiCache with a plus",
     {"requester_managed": True, "requester_id": "amazon-elasticache", "description": "ElastiCache+sessions-001"},
     ("elasticache", "sessions-001", "cluster")),
    ("ElastiCache that names nothing",
     {"requester_id": "amazon-elasticache", "description": "ElastiCache", "group_ids": ("sg-7",)},
     ("elasticache", "elasticache:sg-7", "security-group")),
    ("Redshift",
     {"requester_managed": True, "requester_id": "amazon-redshift", "description": "RedshiftNetworkInterface",
      "group_ids": ("sg-9",)},
     ("redshift", "redshift:sg-9", "security-group")),
    ("EFS as recorded",
     {"interface_type": "efs", "requester_managed": True,
      "description": "EFS mount target for fs-0a1b2c3d (fsmt-0a1b2c3d)"},
     ("efs", "fs-0a1b2c3d", "file-system")),
    ("EFS of before its type",
     MANAGED | {"interface_type": "interface", "description": "EFS mount target for fs-0a1b2c3d (fsmt-0a1b2c3d)"},
     ("efs", "fs-0a1b2c3d", "file-system")),
    ("directory",
     MANAGED | {"description": "AWS created network interface for directory d-9a67012345"},
     ("directory-service", "d-9a67012345", "directory")),
    ("WorkSpace, RequesterManaged false",
     {"interface_type": "interface", "requester_id": "AROAEXAMPLE:WorkSpace-Creation", "instance_owner_id": "amazon-aws"},
     ("workspaces", ENI, "network-interface")),
    ("Fargate task",
     {"interface_type": "interface", "requester_managed": True, "instance_owner_id": OWN, "description": ECS},
     ("ecs", f"attachment/{UUID}", "task")),
    ("ECS task whose cluster is in the ARN",
     {"requester_managed": True, "description": ECS.replace(UUID, f"shop/{UUID}")}, ("ecs", "cluster/shop", "cluster")),
    ("ECS task tagged by ECS",
     {"requester_managed": True, "description": ECS,
      "tags": {"aws:ecs:clusterName": "shop", "aws:ecs:serviceName": "cart"}},
     ("ecs", "service/shop/cart", "service")),
    ("ECS task on a trunk",
     {"interface_type": "branch", "description": ECS}, ("ecs", f"attachment/{UUID}", "task")),
    ("EKS pod",
     {"interface_type": "branch", "description": "aws-k8s-branch-eni", "requester_id": "AROAEXAMPLE:eks"},
     ("eks-pod", ENI, "network-interface")),
    ("EKS pod, without InterfaceType",
     {"description": "aws-k8s-branch-eni"}, ("eks-pod", ENI, "network-interface")),
    ("trunk on its way to a node",
     {"interface_type": "trunk", "status": "available"}, ("eks-node", ENI, "network-interface")),
    ("secondary interface of the VPC CNI",
     {"interface_type": "interface", "requester_id": "AROAEXAMPLE:i-0123456789abcdef0",
      "description": "aws-K8S-i-0123456789abcdef0", "status": "available"},
     ("eks-node", "i-0123456789abcdef0", "instance")),
    ("EKS control plane, attached by an account of AWS",
     {"interface_type": "interface", "instance_owner_id": "999988887777", "description": "Amazon EKS prod"},
     ("eks-control-plane", "prod", "cluster")),
    ("DMS", MANAGED | {"description": "DMSNetworkInterface"}, ("dms", ENI, "network-interface")),
    ("DAX", MANAGED | {"description": "DAX orders"}, ("dax", "orders", "cluster")),
    ("EMR", MANAGED | {"description": "AWS ElasticMapReduce Service Access"}, ("emr", ENI, "network-interface")),
    ("CloudHSM", MANAGED | {"description": "CloudHSM Managed Interface"}, ("cloudhsm", ENI, "network-interface")),
    ("CloudHSM, older", MANAGED | {"description": "CloudHsm ENI 10.0.0.1"}, ("cloudhsm", ENI, "network-interface")),
    ("Route 53 Resolver",
     MANAGED | {"description": "Route 53 Resolver: rslvr-in-0a1b2c3d:rni-0a1b2c3d"},
     ("route53-resolver", "rslvr-in-0a1b2c3d", "resolver-endpoint")),
    ("resource gateway",
     MANAGED | {"description": "Resource Gateway Interface rgw-0a1b2c3d4e5f60718"},
     ("vpc-lattice", "rgw-0a1b2c3d4e5f60718", "resource-gateway")),
    ("SageMaker notebook",
     MANAGED | {"description": f"[Do not delete] ENI of arn:aws:sagemaker:eu-central-1:{OWN}:notebook-instance/nb-1"},
     ("sagemaker", "nb-1", "notebook-instance")),
    ("QuickSight", {"interface_type": "quicksight"}, ("quicksight", ENI, "network-interface")),
    ("Global Accelerator",
     {"interface_type": "global_accelerator_managed"}, ("global-accelerator", ENI, "network-interface")),
    ("API Gateway", {"interface_type": "api_gateway_managed"}, ("api-gateway", ENI, "network-interface")),
    ("IoT", {"interface_type": "iot_rules_managed"}, ("iot", ENI, "network-interface")),
    ("CodeStar",
     {"interface_type": "aws_codestar_connections_managed"}, ("codestar-connections", ENI, "network-interface")),
    ("managed by an operator",
     {"operator_managed": True, "operator_principal": "EKS.amazonaws.com", "requester_managed": True},
     ("eks.amazonaws.com", ENI, "network-interface")),
    ("managed by an operator without name", {"operator_managed": True}, ("aws-other", ENI, "network-interface")),
    ("managed by some service", {"requester_managed": True}, ("aws-other", ENI, "network-interface")),
    ("attached by an alias", {"instance_owner_id": "amazon-mq"}, ("aws-other", ENI, "network-interface")),
    ("attached by another account", {"instance_owner_id": "999988887777"}, ("aws-other", ENI, "network-interface")),
    ("idle EFA", {"interface_type": "efa", "status": "available"}, ("efa", ENI, "network-interface")),
    ("idle EFA only", {"interface_type": "efa-only", "status": "available"}, ("efa", ENI, "network-interface")),
    ("idle", {"status": "available"}, ("unattached", ENI, "network-interface")),
    ("nothing told", {}, ("other", ENI, "network-interface")),
]
# fmt: on


@pytest.mark.parametrize(("told", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_interfaces_are_classified_by_what_aws_says(told, expected):
    assert belongs(**told) == expected


def test_every_rule_has_a_case():
    """A rule that no case reaches might as well be wrong."""
    assert {rule.service for rule in RULES} <= {expected[0] for _, _, expected in CASES}


WRITTEN = [
    "Interface for NAT Gateway nat-0a1b2c3d",
    "Network Interface for Transit Gateway Attachment tgw-attach-0a1b2c3d",
    "VPC Endpoint Interface vpce-0a1b2c3d",
    "ELB net/front/0123456789abcdef",
    "ELB gwy/wall/0123456789abcdef",
    "ELB app/web/0123456789abcdef",
    "ELB my-old-elb",
    f"AWS Lambda VPC ENI-orders-{UUID}",
    f"AWS Lambda VPC ENI: {UUID}",
    "RDSNetworkInterface",
    "ElastiCache sessions",
    "RedshiftNetworkInterface",
    "EFS mount target for fs-0a1b2c3d (fsmt-0a1b2c3d)",
    "AWS created network interface for directory d-9a67012345",
    ECS,
    "aws-k8s-branch-eni",
    "aws-K8S-i-0123456789abcdef0",
    "Amazon EKS prod",
    "DMSNetworkInterface",
    "DAX orders",
    "AWS ElasticMapReduce",
    "CloudHSM Managed Interface",
    "Route 53 Resolver: rslvr-in-0a1b2c3d",
    "Resource Gateway Interface rgw-0a1b2c3d",
    f"arn:aws:sagemaker:eu-central-1:{OWN}:notebook-instance/nb",
]


@pytest.mark.parametrize("description", WRITTEN)
@pytest.mark.parametrize("requester_id", ["AIDAEXAMPLE", "AROAEXAMPLE:alice", "AROAEXAMPLE:999988887777", OWN, ""])
def test_a_users_own_words_are_not_believed(description, requester_id):
    """Anybody may write any description on an interface of his own; it stays an idle interface."""
    told = {"interface_type": "interface", "requester_id": requester_id, "status": "available"}
    assert belongs(description=description, **told)[0] == "unattached"
    assert belongs(description=description, **told, instance_id="i-01234567")[0] == "ec2"


def test_ecs_tags_of_a_user_do_not_name_a_service():
    """Only AWS can write tags that begin with aws:; others say nothing."""
    told = {"requester_managed": True, "description": ECS, "tags": {"ecs:clusterName": "x", "AWS:ecs:clusterName": "y"}}
    assert belongs(**told) == ("ecs", f"attachment/{UUID}", "task")


def test_the_first_rule_wins():
    """A managed description does not override what the interface is attached to, nor its type."""
    assert (
        belongs(interface_type="nat_gateway", description="RDSNetworkInterface", requester_managed=True)[0]
        == "nat-gateway"
    )


@pytest.mark.parametrize(
    "noise", ["x" * 10_000, "arn:aws:sagemaker:" * 600, "ELB app/" * 1300, "\n\r\0\u202e", "é" * 5000, ""]
)
@pytest.mark.parametrize("before", ["", *WRITTEN])
def test_hostile_descriptions_neither_crash_nor_stall(before, noise):
    start = time.perf_counter()
    service, subject, _ = belongs(description=before + noise, requester_managed=True)
    assert service
    assert subject
    assert time.perf_counter() - start < 1


def test_a_line_break_does_not_end_a_name():
    assert belongs(description="ELB my-old-elb\n", requester_managed=True)[0] == "aws-other"


def test_the_evidence_names_the_test_and_never_the_text():
    told = classify(
        Facts(interface_id=ENI, owner_id=OWN, description="ELB app/secret/0123456789abcdef", requester_id="amazon-elb")
    )
    assert told.evidence == "Description ELB app/…, RequesterId"
    assert classify(Facts(interface_id=ENI, owner_id=OWN, interface_type="efs")).evidence == "InterfaceType efs"


def test_service_names_are_stable_words():
    assert all(re.fullmatch(r"[a-z0-9-]+", rule.service) for rule in RULES)
