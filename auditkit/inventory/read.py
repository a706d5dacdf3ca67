"""Pages of answers → an `Inventory`: who reads which call, and how the pieces come together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, replace
from typing import Any

from auditkit.inventory import flow_logs, network, security_groups
from auditkit.inventory.accounts import accounts
from auditkit.inventory.answers import Malformed, Row, required, tags, text
from auditkit.inventory.destinations import Buckets, LogGroups, destinations, place
from auditkit.inventory.merge import Merged
from auditkit.inventory.scope import Scope, scope
from auditkit.inventory.unread import (
    LISTINGS,
    Listings,
    about_log_groups,
    damage,
    damaged,
    is_answer,
    refused,
    unread,
)
from auditkit.model.inventory import (
    Account,
    Approved,
    Call,
    FlowLog,
    Inventory,
    TransitGatewayAttachment,
    Unread,
)

_TAGS_OF_ACCOUNT = "organizations:ListTagsForResource"


def read(meta: dict[str, Any], calls: Iterable[Call], approved: Mapping[str, Approved] = {}) -> Inventory:
    """Read the inventory out of a snapshot.

    The order of the calls does not matter. Whatever is not as AWS writes it becomes an `Unread` of the table it would
    have filled, never an exception and never an empty table.

    Args:
        meta: snapshot.json.
        calls: every page that AWS answered or refused; read once.
        approved: name → approved destination, in the order of auditkit.yaml: the first that accepts names it.

    Raises:
        AuditkitError: snapshot.json itself has another shape.
    """
    reader = _Reader(scope(meta))
    for call in calls:
        reader.take(call)
    return reader.inventory(approved)


class _Reader:
    """Takes calls one by one, in any order."""

    def __init__(self, asked: Scope) -> None:
        self._scope = asked
        self._listings = Listings()
        self._unread: set[Unread] = set()
        self._heard: set[str] = set()
        self._tables = {table: Merged() for table in ("accounts", *LISTINGS.values())}
        self._transport: dict[tuple[str, str], str] = {}
        self._account_tags: dict[str, dict[str, str]] = {}
        self._tag_calls: list[Call] = []
        self._buckets = Buckets(asked.as_of)
        self._groups = LogGroups(self._listings)
        # Call → the list of its answer, and who reads one entry of it.
        self._readers: dict[str, tuple[str, Callable[[Row, Call], None]]] = {
            "ec2:DescribeVpcs": ("Vpcs", self._vpc),
            "ec2:DescribeSubnets": ("Subnets", self._subnet),
            "ec2:DescribeNetworkInterfaces": ("NetworkInterfaces", self._network_interface),
            "ec2:DescribeTransitGateways": ("TransitGateways", self._transit_gateway),
            "ec2:DescribeTransitGatewayAttachments": ("TransitGatewayAttachments", self._attachment),
            "ec2:DescribeTransitGatewayConnects": ("TransitGatewayConnects", self._connect),
            "ec2:DescribeNatGateways": ("NatGateways", self._nat_gateway),
            "ec2:DescribeFlowLogs": ("FlowLogs", self._flow_log),
            "ec2:DescribeSecurityGroups": ("SecurityGroups", self._security_group),
            "logs:DescribeLogGroups": ("logGroups", self._log_group),
            "organizations:ListAccounts": ("Accounts", self._account),
            _TAGS_OF_ACCOUNT: ("Tags", self._account_tag),
        }

    def take(self, call: Call) -> None:
        """Read one call."""
        if wrong := damage(call):
            self._unread.add(damaged(call, wrong))
        elif call.service == "s3":
            self._buckets.note(call)
        elif call.error is not None:
            self._listings.note(call, failed=True)
            if not is_answer(call):
                self._unread.add(refused(call))
        elif call.name in self._readers:
            self._page(call)

    def _page(self, call: Call) -> None:
        key, read_one = self._readers[call.name]
        wrongs = set()
        listed = (call.answer or {}).get(key)
        if not isinstance(listed, list):
            wrongs.add(f"{key} is not a list" if listed is not None else f"{key} is missing")
            listed = []
        for row in listed:
            try:
                if not isinstance(row, dict):
                    raise Malformed("not a structure")  # noqa: TRY301  # told in one place with what the row's reader finds
                read_one(row, call)
            except Malformed as error:
                wrongs.add(f"{key}[]: {error}")
        self._unread.update(unread(call, f"not as AWS writes it: {wrong}") for wrong in wrongs)
        self._listings.note(call, failed=bool(wrongs))
        if call.name in LISTINGS:
            self._heard.add(call.account_id)
        elif call.name == _TAGS_OF_ACCOUNT:
            self._tag_calls.append(call)

    def _vpc(self, row: Row, call: Call) -> None:
        one = network.vpc(row, call, self._scope.partition)
        self._tables["vpcs"].add((one.vpc_id, one.region), one.account_id, call, one)

    def _subnet(self, row: Row, call: Call) -> None:
        one = network.subnet(row, call, self._scope.partition)
        self._tables["subnets"].add((one.subnet_id, one.region), one.account_id, call, one)

    def _network_interface(self, row: Row, call: Call) -> None:
        one = network.network_interface(row, call, self._scope.partition, self._scope.as_of)
        self._tables["network_interfaces"].add((one.interface_id, one.region), one.account_id, call, one)

    def _transit_gateway(self, row: Row, call: Call) -> None:
        if one := network.transit_gateway(row, call, self._scope.partition):
            self._tables["transit_gateways"].add((one.transit_gateway_id, one.region), one.account_id, call, one)

    def _attachment(self, row: Row, call: Call) -> None:
        if one := network.attachment(row, call, self._scope.partition):
            # A peering has one id and two sides, each an attachment of its own gateway.
            key = (one.transit_gateway_attachment_id, one.region, one.transit_gateway_id)
            self._tables["transit_gateway_attachments"].add(key, one.account_id, call, one)

    def _connect(self, row: Row, call: Call) -> None:
        key = (required(row, "TransitGatewayAttachmentId"), call.region)
        transport = required(row, "TransportTransitGatewayAttachmentId")
        self._transport[key] = min(transport, self._transport.get(key, transport))

    def _nat_gateway(self, row: Row, call: Call) -> None:
        if one := network.nat_gateway(row, call, self._scope.partition):
            self._tables["nat_gateways"].add((one.nat_gateway_id, one.region), one.account_id, call, one)

    def _flow_log(self, row: Row, call: Call) -> None:
        one = flow_logs.flow_log(row, call, self._scope.as_of)
        self._tables["flow_logs"].add((one.flow_log_id, one.region), one.account_id, call, one)

    def _security_group(self, row: Row, call: Call) -> None:
        rules = security_groups.rules(row, call)
        owner = text(row, "OwnerId") or call.account_id
        self._tables["security_groups"].add((required(row, "GroupId"), call.region), owner, call, rules)

    def _log_group(self, row: Row, call: Call) -> None:
        self._groups.note(call, row)

    def _account(self, row: Row, call: Call) -> None:
        account_id = required(row, "Id")
        entry = {key: text(row, key) for key in ("Name", "State", "Status")}
        self._tables["accounts"].add(account_id, call.account_id, call, (account_id, entry))

    def _account_tag(self, row: Row, call: Call) -> None:
        known = self._account_tags.setdefault(call.resource, {})
        for key, value in tags({"Tags": [row]}).items():
            known[key] = min(value, known.get(key, value))

    def inventory(self, approved: Mapping[str, Approved]) -> Inventory:
        """Bring together what was taken."""
        asked, tables = self._scope, self._tables
        logs: tuple[FlowLog, ...] = tables["flow_logs"].rows()
        where = destinations(logs, approved, self._buckets, self._groups)
        missed = self._missed(logs)
        return Inventory(
            as_of=asked.as_of,
            accounts=self._accounts(missed),
            regions=asked.regions,
            vpcs=tables["vpcs"].rows_with_viewers(),
            subnets=tables["subnets"].rows_with_viewers(),
            network_interfaces=tables["network_interfaces"].rows_with_viewers(),
            transit_gateways=tables["transit_gateways"].rows_with_viewers(),
            transit_gateway_attachments=self._attachments(),
            nat_gateways=tables["nat_gateways"].rows_with_viewers(),
            flow_logs=logs,
            destinations=where,
            security_group_rules=tuple(rule for rules in tables["security_groups"].rows() for rule in rules),
            unread=missed,
            identity=asked.identity,
        )

    def _missed(self, logs: tuple[FlowLog, ...]) -> tuple[Unread, ...]:
        missed = {*self._unread, *self._listings.unread(), *self._buckets.unread()}
        unreadable = {one.account_id for one in missed if one.table == one.region == "*"}
        missed.update(self._listings.missing(self._scope.regions, unreadable))
        in_use = {(*place(one), one.log_group) for one in logs if one.log_group}
        return tuple(sorted(set(about_log_groups(missed, sorted(in_use))), key=astuple))

    def _accounts(self, missed: tuple[Unread, ...]) -> tuple[Account, ...]:
        listed = dict(self._tables["accounts"].rows())
        told: dict[str, dict[str, str]] = {call.resource: {} for call in self._tag_calls} | self._account_tags
        for call in self._tag_calls:
            if not self._listings.complete(call.name, call.account_id, call.region, call.resource):
                told.pop(call.resource, None)
        return accounts(self._scope, listed, told, self._heard, missed)

    def _attachments(self) -> tuple[TransitGatewayAttachment, ...]:
        rows: tuple[TransitGatewayAttachment, ...] = self._tables["transit_gateway_attachments"].rows_with_viewers()
        return tuple(one if one.transport_attachment_id is not None else self._carried(one) for one in rows)

    def _carried(self, one: TransitGatewayAttachment) -> TransitGatewayAttachment:
        by = self._transport.get((one.transit_gateway_attachment_id, one.region))
        return replace(one, transport_attachment_id=by)
