"""A stand-in for AWS: moto behind HTTP on the loopback, mended where it differs.

moto answers every listing on one page, knows no Connect attachments, no VPC Block Public Access, no encryption controls
and no events of CloudTrail, forgets a flow log's DestinationOptions, refuses a prefix in its destination, and does not
care whose bucket the caller expects.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.responses import EC2Response
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

REGIONS = ("eu-west-1", "us-east-1")
"""The regions that are enabled: two, so that a scan is short."""

PAGED = {
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_flow_logs": "FlowLogs",
    "describe_route_tables": "RouteTables",
    "describe_network_acls": "NetworkAcls",
    "describe_managed_prefix_lists": "PrefixLists",
    "describe_vpc_encryption_controls": "VpcEncryptionControls",
}
"""moto's EC2 answers everything at once; these are cut to MaxResults, or to `page_limit`."""


@dataclass
class Switches:
    """What the tests turn on and off in the server."""

    page_limit: int = 1000


SWITCHES = Switches()


def _paged(answer: Any, key: str) -> Any:
    def describe(self: Any) -> ActionResult:
        rows = list(answer(self).result[key])
        start = int(self._get_param("NextToken") or 0)
        end = start + min(int(self._get_param("MaxResults") or 1000), SWITCHES.page_limit)
        return ActionResult({key: rows[start:end]} | ({"NextToken": str(end)} if end < len(rows) else {}))

    return describe


def _regions(self: Any) -> ActionResult:
    rows = [
        {"RegionName": name, "OptInStatus": "opt-in-not-required", "Endpoint": f"ec2.{name}.amazonaws.com"}
        for name in REGIONS
    ]
    more = [{"RegionName": "af-south-1", "OptInStatus": "not-opted-in"}] if self._get_bool_param("AllRegions") else []
    return ActionResult({"Regions": rows + more})


def _blocked(self: Any) -> ActionResult:
    told = {"AwsAccountId": self.current_account, "AwsRegion": self.region, "State": "default-state"}
    return ActionResult({"VpcBlockPublicAccessOptions": {**told, "InternetGatewayBlockMode": "off"}})


def _exclusions(_: Any) -> ActionResult:
    return ActionResult({"VpcBlockPublicAccessExclusions": []})


def _controls(self: Any) -> ActionResult:
    vpcs = sorted(self.ec2_backend.vpcs)
    return ActionResult({"VpcEncryptionControls": [{"VpcId": vpc, "Mode": "monitor"} for vpc in vpcs]})


def _events(_: Any) -> str:
    return json.dumps({"Events": []})


def _of_its_owner(head: Any) -> Any:
    def head_bucket(self: Any) -> Any:
        answer = head(self)
        expected = self.headers.get("x-amz-expected-bucket-owner")
        if answer[0] == 200 and expected and expected != self.backend.get_bucket(self.bucket_name).account_id:
            return 403, {}, ""
        return answer

    return head_bucket


def _connects(self: Any) -> ActionResult:
    return ActionResult({"TransitGatewayConnects": []})


def _with_prefix(create: Any) -> Any:
    def create_flow_logs(self: Any, **params: Any) -> Any:
        destination = params["log_destination"]
        if params["log_destination_type"] == "s3":
            params["log_destination"] = destination.split("/", 1)[0]
        made, errors = create(self, **params)
        for flow_log in made:
            flow_log.log_destination = destination
        return made, errors

    return create_flow_logs


def _with_options(create: Any) -> Any:
    def create_flow_logs(self: Any) -> Any:
        answer = create(self)
        options = self._get_param("DestinationOptions")
        for flow_log_id in answer.result["FlowLogIds"]:
            self.ec2_backend.flow_logs[flow_log_id].destination_options = options
        return answer

    return create_flow_logs


@cache
def mend() -> None:
    """Patch moto, once."""
    EC2Response.describe_vpc_encryption_controls = _controls
    for name, key in PAGED.items():
        setattr(EC2Response, name, _paged(getattr(EC2Response, name), key))
    EC2Response.describe_regions = _regions
    EC2Response.describe_vpc_block_public_access_options = _blocked
    EC2Response.describe_vpc_block_public_access_exclusions = _exclusions
    CloudTrailResponse.lookup_events = _events
    S3Response.head_bucket = _of_its_owner(S3Response.head_bucket)
    EC2Response.describe_transit_gateway_connects = _connects
    EC2Response.create_flow_logs = _with_options(EC2Response.create_flow_logs)
    FlowLogsBackend.create_flow_logs = _with_prefix(FlowLogsBackend.create_flow_logs)


@cache
def server() -> str:
    """Start moto on the loopback, once, and return its URL. It ends with the process."""
    mend()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    return f"http://{host}:{port}"
