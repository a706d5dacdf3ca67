"""VPC Block Public Access and encryption controls: what holds for each VPC and subnet.

What AWS says of the VPC or subnet itself is believed first. Answers of before that was told leave it to the account's
mode and its exclusions (API reference, VpcBlockPublicAccessOptions and VpcBlockPublicAccessExclusion).
"""

from __future__ import annotations

from dataclasses import replace

from auditkit.inventory.answers import Malformed, Row, part, required, text
from auditkit.inventory.unread import Listings
from auditkit.model.inventory import BLOCK_MODES, Call, Subnet, Vpc

OPTIONS = "ec2:DescribeVpcBlockPublicAccessOptions"
EXCLUSIONS = "ec2:DescribeVpcBlockPublicAccessExclusions"
CONTROLS = "ec2:DescribeVpcEncryptionControls"

_HOLDS = ("create-complete", "update-complete")
_HOLDS_NOT = ("create-failed", "delete-complete", "disable-complete")
_CHANGING = "changing"
_MODES = ("monitor", "enforce")


def block_mode(row: Row) -> str | None:
    """Return what DescribeVpcs and DescribeSubnets say of one VPC or subnet; None where they do not."""
    mode = text(part(row, "BlockPublicAccessStates"), "InternetGatewayBlockMode")
    return mode if mode in BLOCK_MODES else None


def encryption_mode(control: Row) -> str | None:
    """Return off, monitor or enforce; None while it changes, for then AWS does not say what holds."""
    mode, state = text(control, "Mode"), text(control, "State")
    if state == "deleted":
        return "off"
    return mode if state == "available" and mode in _MODES else None


class PublicAccess:
    """What was answered about Block Public Access and encryption controls."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._modes: dict[tuple[str, str], set[str | None]] = {}
        self._exclusions: dict[tuple[str, str], set[str]] = {}
        self._controls: dict[tuple[str, str], set[str | None]] = {}

    def options(self, call: Call) -> tuple[str, ...]:
        """Take note of the mode of an account and region.

        Returns:
            Nothing: what is wrong with it is raised.

        Raises:
            Malformed: it is no answer, or of a mode that is not known.
        """
        answer = call.answer or {}
        told = part(answer, "VpcBlockPublicAccessOptions")
        if not told:
            raise Malformed("VpcBlockPublicAccessOptions is missing")
        mode, state = text(told, "InternetGatewayBlockMode"), text(told, "State")
        if state == "default-state":
            mode = mode or "off"
        if mode not in BLOCK_MODES:
            raise Malformed(f"InternetGatewayBlockMode is {mode[:40]!r}")
        settled = mode if state != "update-in-progress" else None
        self._modes.setdefault((call.account_id, call.region), set()).add(settled)
        return ()

    def exclusion(self, row: Row, call: Call) -> None:
        """Take note of one exclusion, of a VPC or a subnet."""
        resource_id = required(row, "ResourceArn").rpartition("/")[2]
        state = text(row, "State")
        if state not in _HOLDS_NOT:
            mode = text(row, "InternetGatewayExclusionMode") if state in _HOLDS else _CHANGING
            self._exclusions.setdefault((resource_id, call.region), set()).add(mode)

    def control(self, row: Row, call: Call) -> None:
        """Take note of the encryption control of one VPC."""
        key = required(row, "VpcId"), call.region
        self._controls.setdefault(key, set()).add(encryption_mode(row))

    def vpc(self, one: Vpc) -> Vpc:
        """Return a VPC with the columns that it did not tell itself."""
        return replace(
            one,
            internet_gateway_block_mode=one.internet_gateway_block_mode
            or self._blocked(one.account_id, one.region, one.vpc_id),
            encryption_control=one.encryption_control or self._encrypted(one),
        )

    def subnet(self, one: Subnet) -> Subnet:
        """Return a subnet with the mode that it did not tell itself."""
        told = one.internet_gateway_block_mode or self._blocked(one.account_id, one.region, one.vpc_id, one.subnet_id)
        return replace(one, internet_gateway_block_mode=told)

    def _blocked(self, account_id: str, region: str, *resource_ids: str) -> str | None:
        """The mode of what belongs to an account, by its options and exclusions: where several fit, what blocks least."""
        mode = _only(self._modes.get((account_id, region), set()))
        if mode == "off" or not self._listings.complete(EXCLUSIONS, account_id, region):
            return mode if mode == "off" else None
        allowed = set().union(*(self._exclusions.get((one, region), set()) for one in resource_ids))
        if "allow-bidirectional" in allowed:
            return "off"
        if allowed - {"allow-egress"}:
            return None
        return "block-ingress" if allowed else mode

    def _encrypted(self, one: Vpc) -> str | None:
        told = self._controls.get((one.vpc_id, one.region))
        if told is not None:
            return _only(told)
        return "off" if self._listings.complete(CONTROLS, one.account_id, one.region) else None


def _only(told: set[str | None]) -> str | None:
    """The one thing told; None where there is nothing, or where two answers differ."""
    return next(iter(told)) if len(told) == 1 else None
