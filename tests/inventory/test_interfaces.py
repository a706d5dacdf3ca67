"""Interfaces as DescribeNetworkInterfaces answers them → what they belong to, and by which evidence, kind by kind."""

from __future__ import annotations

import pytest

OWN = "111122223333"
ENI, OLD = "eni-0a1b2c3d4e5f60718", "eni-0a1b2c3d"
HEX = "0a1b2c3d4e5f60718"
UUID = "1a2b3c4d-5e6f-4081-92a3-b4c5d6e7f809"
AWS = {"RequesterManaged": True, "RequesterId": OWN}
ELB = {"RequesterManaged": True, "RequesterId": "amazon-elb"}


def eni(kind="interface", description="", owner=None, **more):
    """One answer: attached by `owner`, in use unless said otherwise; without InterfaceType where `kind` is None."""
    row = {
        "NetworkInterfaceId": ENI,
        "OwnerId": OWN,
        "Status": "in-use" if owner else "available",
        "RequesterManaged": False,
        "VpcId": "vpc-1",
        "SubnetId": "subnet-1",
        "Groups": [{"GroupId": "sg-2", "GroupName": "b"}, {"GroupId": "sg-1", "GroupName": "a"}],
        "TagSet": [],
    }
    if kind:
        row["InterfaceType"] = kind
    if description is not None:
        row["Description"] = description
    if owner:
        row["Attachment"] = {"InstanceOwnerId": owner, "Status": "attached", "DeviceIndex": 1}
    return row | more


def instance(**more):
    attached = {"InstanceId": f"i-{HEX}", "InstanceOwnerId": OWN, "Status": "attached"}
    return eni(owner=OWN, **more) | {"Attachment": attached}


ITSELF = (ENI, "network-interface")
FLEET = {"Operator": {"Managed": True, "Principal": "EKS.amazonaws.com", "HiddenByDefault": True}}

# One kind, a few lines: a table to be read beside the rules, in their order.
# fmt: off
ROWS = [
    # 1: attached to an instance, whatever else it says
    (instance(), ("ec2", f"i-{HEX}", "instance", "Attachment.InstanceId")),
    (instance(kind=None, description=None), ("ec2", f"i-{HEX}", "instance", "Attachment.InstanceId")),
    (instance(kind="trunk", **FLEET), ("ec2", f"i-{HEX}", "instance", "Attachment.InstanceId")),
    (instance(kind="efa"), ("ec2", f"i-{HEX}", "instance", "Attachment.InstanceId")),
    (instance(description=f"aws-K8S-i-{HEX}"), ("ec2", f"i-{HEX}", "instance", "Attachment.InstanceId")),
    # 2: NAT gateways: the wire says nat_gateway, the model natGateway; the requester is the own account
    (eni("nat_gateway", f"Interface for NAT Gateway nat-{HEX}", "amazon-aws", **AWS),
     ("nat-gateway", f"nat-{HEX}", "nat-gateway", "InterfaceType nat_gateway")),
    (eni("natGateway", "Interface for NAT Gateway nat-0a1b2c3d", "amazon-aws", **AWS),
     ("nat-gateway", "nat-0a1b2c3d", "nat-gateway", "InterfaceType natGateway")),
    (eni(None, "Interface for NAT Gateway nat-0a1b2c3d", "amazon-aws", **AWS),
     ("nat-gateway", "nat-0a1b2c3d", "nat-gateway", "Description Interface for NAT Gateway nat-…, RequesterManaged")),
    # 3: transit gateways: RequesterManaged is false, and there is no requester
    (eni("transit_gateway", f"Network Interface for Transit Gateway Attachment tgw-attach-{HEX}", "amazon-aws"),
     ("transit-gateway", f"tgw-attach-{HEX}", "transit-gateway-attachment", "InterfaceType transit_gateway")),
    (eni(None, f"Network Interface for Transit Gateway Attachment tgw-attach-{HEX}", "amazon-aws"),
     ("transit-gateway", f"tgw-attach-{HEX}", "transit-gateway-attachment",
      "Description Network Interface for Transit Gateway Attachment tgw-attach-…, Attachment.InstanceOwnerId")),
    # 4: interface endpoints, by type, and of before it
    (eni("vpc_endpoint", f"VPC Endpoint Interface vpce-{HEX}", "amazon-aws", **AWS),
     ("vpc-endpoint", f"vpce-{HEX}", "vpc-endpoint", "InterfaceType vpc_endpoint")),
    (eni("interface", "VPC Endpoint Interface: vpce-0a1b2c3d", "amazon-aws", **AWS),
     ("vpc-endpoint", "vpce-0a1b2c3d", "vpc-endpoint", "Description VPC Endpoint Interface vpce-…, RequesterManaged")),
    (eni("vpc_endpoint", None, "amazon-aws", **AWS), ("vpc-endpoint", *ITSELF, "InterfaceType vpc_endpoint")),
    # 5: Gateway Load Balancer endpoints describe themselves alike
    (eni("gateway_load_balancer_endpoint", f"VPC Endpoint Interface vpce-{HEX}", "amazon-aws", **AWS),
     ("gwlb-endpoint", f"vpce-{HEX}", "vpc-endpoint", "InterfaceType gateway_load_balancer_endpoint")),
    # 6: Network and Gateway Load Balancers
    (eni("network_load_balancer", "ELB net/front/0123456789abcdef", "amazon-aws", **ELB),
     ("elb-network", "net/front/0123456789abcdef", "load-balancer", "InterfaceType network_load_balancer")),
    (eni("interface", "ELB net/front/0123456789abcdef", "amazon-aws", **ELB),
     ("elb-network", "net/front/0123456789abcdef", "load-balancer", "Description ELB net/…, RequesterManaged")),
    (eni("gateway_load_balancer", "ELB gwy/wall/0123456789abcdef", "amazon-aws", **ELB),
     ("elb-gateway", "gwy/wall/0123456789abcdef", "load-balancer", "InterfaceType gateway_load_balancer")),
    # 7: Application Load Balancers have no type of their own
    (eni("interface", "ELB app/web/0123456789abcdef", "amazon-elb", **ELB),
     ("elb-application", "app/web/0123456789abcdef", "load-balancer", "Description ELB app/…, RequesterManaged")),
    # 8: Classic Load Balancers; once the requester was the number of an account of AWS
    (eni("interface", "ELB my-old-elb", "amazon-elb", **ELB),
     ("elb-classic", "my-old-elb", "load-balancer", "Description ELB …, RequesterManaged")),
    (eni(None, "ELB my-old-elb", "amazon-elb", RequesterId="089818748426"),
     ("elb-classic", "my-old-elb", "load-balancer", "Description ELB …, Attachment.InstanceOwnerId")),
    # 9: a load balancer of an unknown kind
    (eni("load_balancer", "", "amazon-elb", **ELB), ("elb", *ITSELF, "InterfaceType load_balancer")),
    # 10: Lambda: RequesterManaged is false, the requester the session of the function's role
    (eni("lambda", f"AWS Lambda VPC ENI-orders-{UUID}", "amazon-aws", RequesterId=f"AROAEXAMPLE:{OWN}"),
     ("lambda", "orders", "function", "InterfaceType lambda")),
    (eni("interface", f"AWS Lambda VPC ENI-orders-{UUID}", RequesterId=f"AROAEXAMPLE:{OWN}"),
     ("lambda", "orders", "function", "Description AWS Lambda VPC ENI-…, RequesterId")),
    (eni("interface", f"AWS Lambda VPC ENI: {UUID}", "amazon-aws", RequesterId="AROAEXAMPLE:awslambda_1_2018"),
     ("lambda", *ITSELF, "Description AWS Lambda VPC ENI-…, RequesterId")),
    (eni("interface", f"AWS Lambda VPC ENI-orders-{UUID}", RequesterId=f"{OWN}:awslambda_eu-central-1"),
     ("lambda", "orders", "function", "Description AWS Lambda VPC ENI-…, RequesterId")),
    (eni("lambda", "words of a user", "amazon-aws"), ("lambda", *ITSELF, "InterfaceType lambda")),
    # 11: RDS, Neptune and DocumentDB; the first group by id lasts longer than the interface
    (eni("interface", "RDSNetworkInterface", "amazon-rds", RequesterManaged=True, RequesterId="amazon-rds"),
     ("rds", "rds:sg-1", "security-group", "Description RDSNetworkInterface, RequesterManaged")),
    # 12: ElastiCache
    (eni("interface", "ElastiCache sessions-001", "amazon-elasticache", RequesterId="amazon-elasticache"),
     ("elasticache", "sessions-001", "cluster", "Description ElastiCache …, Attachment.InstanceOwnerId")),
    (eni("interface", "ElastiCache+sessions-001", None, RequesterId="amazon-elasticache"),
     ("elasticache", "sessions-001", "cluster", "Description ElastiCache …, RequesterId")),
    # 13: Redshift
    (eni("interface", "RedshiftNetworkInterface", "amazon-redshift", RequesterId="amazon-redshift"),
     ("redshift", "redshift:sg-1", "security-group",
      "Description RedshiftNetworkInterface, Attachment.InstanceOwnerId")),
    # 14: EFS, whose type no model names
    (eni("efs", "EFS mount target for fs-0a1b2c3d (fsmt-0a1b2c3d)", "amazon-aws", **AWS),
     ("efs", "fs-0a1b2c3d", "file-system", "InterfaceType efs")),
    (eni("interface", f"EFS mount target for fs-{HEX} (fsmt-{HEX})", "amazon-aws", **AWS),
     ("efs", f"fs-{HEX}", "file-system", "Description EFS mount target for fs-…, RequesterManaged")),
    # 15: directories
    (eni("interface", "AWS created network interface for directory d-9a67012345", "amazon-aws", **AWS),
     ("directory-service", "d-9a67012345", "directory",
      "Description AWS created network interface for directory d-…, RequesterManaged")),
    # 16: WorkSpaces: RequesterManaged is false
    (eni("interface", f"Created By Amazon Workspaces for AWS Account ID {OWN}", "amazon-aws",
         RequesterId="AROAEXAMPLE:WorkSpace-Creation"),
     ("workspaces", *ITSELF, "RequesterId …WorkSpace-Creation")),
    # 17: tasks of ECS and Fargate, attached by the own account
    (eni("interface", f"arn:aws-us-gov:ecs:us-gov-west-1:{OWN}:attachment/{UUID}", OWN, **AWS),
     ("ecs", f"attachment/{UUID}", "task", "Description arn:…:ecs:…:attachment/…, RequesterManaged")),
    (eni("branch", f"arn:aws:ecs:eu-central-1:{OWN}:attachment/{UUID}"),
     ("ecs", f"attachment/{UUID}", "task", "Description arn:…:ecs:…:attachment/…, InterfaceType branch")),
    (eni("interface", f"arn:aws:ecs:eu-central-1:{OWN}:attachment/{UUID}", OWN, **AWS,
         TagSet=[{"Key": "aws:ecs:clusterName", "Value": "shop"}, {"Key": "aws:ecs:serviceName", "Value": "cart"}]),
     ("ecs", "service/shop/cart", "service", "Description arn:…:ecs:…:attachment/…, RequesterManaged")),
    # 18: pods of EKS, and the trunks that carry them
    (eni("branch", "aws-k8s-branch-eni", RequesterId="AROAEXAMPLE:eks"),
     ("eks-pod", *ITSELF, "InterfaceType branch")),
    (eni(None, "aws-k8s-branch-eni"), ("eks-pod", *ITSELF, "Description aws-k8s-branch-eni, no InterfaceType")),
    (eni("trunk", "aws-k8s-trunk-eni"), ("eks-node", *ITSELF, "InterfaceType trunk")),
    # 19: secondary interfaces of the VPC CNI, made by the node itself
    (eni("interface", f"aws-K8S-i-{HEX}", RequesterId=f"AROAEXAMPLE:i-{HEX}"),
     ("eks-node", f"i-{HEX}", "instance", "Description aws-K8S-i-…, RequesterId")),
    # 20: control planes of EKS, attached by an account of AWS that has a number
    (eni("interface", "Amazon EKS prod", "089283506021"),
     ("eks-control-plane", "prod", "cluster", "Description Amazon EKS …, Attachment.InstanceOwnerId")),
    # 21: others that are told by their description
    (eni("interface", "DMSNetworkInterface", "amazon-dms", **AWS),
     ("dms", *ITSELF, "Description DMSNetworkInterface, RequesterManaged")),
    (eni("interface", "DAX orders", "amazon-dax", **AWS), ("dax", "orders", "cluster", "Description DAX …, RequesterManaged")),
    (eni("interface", "AWS ElasticMapReduce Service Access", "amazon-aws", **AWS),
     ("emr", *ITSELF, "Description AWS ElasticMapReduce …, RequesterManaged")),
    (eni("interface", "CloudHSM Managed Interface", "amazon-aws", **AWS),
     ("cloudhsm", *ITSELF, "Description CloudHSM …, RequesterManaged")),
    (eni("interface", "CloudHsm ENI 10.0.0.9", "amazon-aws", **AWS),
     ("cloudhsm", *ITSELF, "Description CloudHSM …, RequesterManaged")),
    (eni("interface", f"Route 53 Resolver: rslvr-out-{HEX}:rni-{HEX}", "amazon-aws", **AWS),
     ("route53-resolver", f"rslvr-out-{HEX}", "resolver-endpoint", "Description Route 53 Resolver: …, RequesterManaged")),
    (eni("interface", f"Resource Gateway Interface rgw-{HEX}", "amazon-aws", **AWS),
     ("vpc-lattice", f"rgw-{HEX}", "resource-gateway", "Description Resource Gateway Interface rgw-…, RequesterManaged")),
    (eni("interface", f"[Do not delete] ENI of arn:aws:sagemaker:eu-west-1:{OWN}:notebook-instance/nb-1", "amazon-aws",
         **AWS),
     ("sagemaker", "nb-1", "notebook-instance", "Description …:notebook-instance/…, RequesterManaged")),
    # 22: types that say it all
    (eni("quicksight"), ("quicksight", *ITSELF, "InterfaceType quicksight")),
    (eni("global_accelerator_managed"), ("global-accelerator", *ITSELF, "InterfaceType global_accelerator_managed")),
    (eni("api_gateway_managed"), ("api-gateway", *ITSELF, "InterfaceType api_gateway_managed")),
    (eni("iot_rules_managed"), ("iot", *ITSELF, "InterfaceType iot_rules_managed")),
    (eni("aws_codestar_connections_managed"),
     ("codestar-connections", *ITSELF, "InterfaceType aws_codestar_connections_managed")),
    # 23: an operator, before the flag that every managed interface has
    (eni("interface", "", "amazon-aws", RequesterManaged=True, **FLEET),
     ("eks.amazonaws.com", *ITSELF, "Operator.Managed")),
    # 24: managed by some service
    (eni("interface", "of a new service", "amazon-aws", **AWS), ("aws-other", *ITSELF, "RequesterManaged")),
    (eni("interface", "", "amazon-mq"), ("aws-other", *ITSELF, "Attachment.InstanceOwnerId")),
    (eni("interface", "", "999988887777"), ("aws-other", *ITSELF, "Attachment.InstanceOwnerId")),
    # 25: EFAs on the shelf
    (eni("efa"), ("efa", *ITSELF, "InterfaceType efa")),
    (eni("efa-only"), ("efa", *ITSELF, "InterfaceType efa-only")),
    # 26: unattached
    (eni("interface", "ELB app/web/0123456789abcdef", RequesterId="AIDAEXAMPLE"),
     ("unattached", *ITSELF, "Status available")),
    (eni(None, None, NetworkInterfaceId=OLD), ("unattached", OLD, "network-interface", "Status available")),
    (eni("interface", "", RequesterId="AROAEXAMPLE:WorkSpace-Creation"),
     ("unattached", *ITSELF, "Status available")),
    # 27: anything else
    (eni("interface", "ELB app/web/0123456789abcdef", OWN), ("other", *ITSELF, "no test matched")),
    (eni("of-next-year", "", OWN), ("other", *ITSELF, "no test matched")),
]
# fmt: on


@pytest.mark.parametrize(("row", "expected"), ROWS)
def test_what_an_interface_belongs_to(inventory, row, expected):
    built = inventory(NetworkInterfaces=[row])
    (one,) = built.network_interfaces
    assert (one.service, one.subject, one.subject_type, one.service_evidence) == expected
    assert built.unread == ()


def test_tags_of_an_interface_come_in_a_set_of_their_own(inventory):
    row = eni(TagSet=[{"Key": "team", "Value": "a"}], Tags=[{"Key": "team", "Value": "b"}])
    assert inventory(NetworkInterfaces=[row]).network_interfaces[0].interface_tags == {"team": "a"}


@pytest.mark.parametrize("session", [OWN, "WorkSpace-Creation", "awslambda_1"])
def test_a_user_who_names_a_session_after_a_service_hides_nothing_that_is_attached(inventory, session):
    """Who makes an interface can choose a session's name, but not to what EC2 says it is attached."""
    row = instance(description=f"AWS Lambda VPC ENI-orders-{UUID}", RequesterId=f"AROAEXAMPLE:{session}")
    assert inventory(NetworkInterfaces=[row]).network_interfaces[0].service == "ec2"
