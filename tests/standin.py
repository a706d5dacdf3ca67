"""A stand-in for AWS: moto behind HTTP on the loopback, mended where it differs.

moto answers every listing on one page, knows no Connect attachments, forgets a flow log's DestinationOptions, and
refuses a prefix in its destination.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.responses import EC2Response
from moto.server import ThreadedMotoServer

REGIONS = ("eu-west-1", "us-east-1")
"""The regions that are enabled: two, so that a scan is short."""

PAGED = {
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_flow_logs": "FlowLogs",
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
    # AWS leaves these out unless AllRegions is set; should one come, it is no region to ask.
    return ActionResult({"Regions": [*rows, {"RegionName": "af-south-1", "OptInStatus": "not-opted-in"}]})


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
    for name, key in PAGED.items():
        setattr(EC2Response, name, _paged(getattr(EC2Response, name), key))
    EC2Response.describe_regions = _regions
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
