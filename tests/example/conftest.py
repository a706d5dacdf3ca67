"""One example for all tests of this folder, and a reader of its records that shares nothing with the writer."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from auditkit import snapshot
from auditkit.example import Summary, write
from auditkit.model.inventory import Call

NAME = re.compile(r"(\d{12})_vpcflowlogs_([a-z0-9-]+)_(fl-[0-9a-f]{17})_(\d{8}T\d{4})Z_[0-9a-f]{8}\.log\.gz")


@dataclass(frozen=True)
class Example:
    """The example as written."""

    path: Path
    summary: Summary
    calls: tuple[Call, ...]

    def listed(self, operation: str, key: str) -> dict[str, dict[str, Any]]:
        """Every item that an operation listed, by its id (the first `…Id` that names the item itself)."""
        found = {}
        for call in self.calls:
            if call.operation == operation and call.answer:
                for item in call.answer[key]:
                    found[item[IDS[key]]] = item
        return found


IDS = {
    "Vpcs": "VpcId",
    "Subnets": "SubnetId",
    "NetworkInterfaces": "NetworkInterfaceId",
    "FlowLogs": "FlowLogId",
    "NatGateways": "NatGatewayId",
    "SecurityGroups": "GroupId",
    "TransitGateways": "TransitGatewayId",
    "TransitGatewayAttachments": "TransitGatewayAttachmentId",
}


@dataclass(frozen=True)
class Line:
    """One record, by field name, and where it stands."""

    flow_log_id: str
    slot: int
    object: str
    number: int
    fields: dict[str, str]


def lines(directory: Path) -> Iterator[Line]:
    """Read every whole record below a directory; what is damaged is passed over."""
    for path in sorted(directory.rglob("*.log.gz")):
        match = NAME.fullmatch(path.name)
        try:
            text = gzip.decompress(path.read_bytes()).decode() if match else ""
        except EOFError:
            continue
        if match is None:
            continue
        header, *rest = text.splitlines()
        names = header.split(" ")
        slot = int(datetime.strptime(f"{match[4]}+0000", "%Y%m%dT%H%M%z").timestamp())
        for number, line in enumerate(rest, 2):
            values = line.split(" ")
            if len(values) == len(names):
                yield Line(match[3], slot, path.name, number, dict(zip(names, values, strict=True)))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example with the seed that ships."""
    path = tmp_path_factory.mktemp("example") / "demo"
    summary = write(path)
    return Example(path, summary, tuple(snapshot.read_calls(path / "snapshot")))


@pytest.fixture(scope="session")
def records(example: Example) -> tuple[Line, ...]:
    """Every whole record."""
    return tuple(lines(example.path / "logs"))
