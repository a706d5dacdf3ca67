"""Pages of answers → an `Inventory`: who reads which call, and how the pieces come together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, replace
from itertools import chain
from typing import Any

from auditkit.inventory import cloudtrail, flow_logs, interfaces, network, security_groups
from auditkit.inventory.accounts import accounts
from auditkit.inventory.answers import Malformed, Row, part, required, tags, text
from auditkit.inventory.destinations import Destinations, LogGroups, place
from auditkit.inventory.log_streams import Streams
from auditkit.inventory.merge import Merged
from auditkit.inventory.paths import Paths
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
from auditkit.inventory.writers import Organization
from auditkit.model.flow_logs import Approved, FlowLog
from auditkit.model.garbage import no_search
from auditkit.model.inventory import Account, Call, Inventory, TransitGatewayAttachment, Unread

_TAGS_OF_ACCOUNT = "organizations:ListTagsForResource"
_ACCOUNTS = "organizations:ListAccounts"


def read(
    meta: dict[str, Any], calls: Iterable[Call | interfaces.Batch], approved: Mapping[str, Approved] = {}
) -> Inventory:
    """Read the inventory out of a snapshot.

    The order of the calls does not matter. Whatever is not as AWS writes it becomes an `Unread` of the table it would
    have filled, never an exception and never an empty table.

    Args:
        meta: snapshot.json.
        calls: every page that AWS answered or refused; read once. Batches stand for interfaces that were taken out of
            their pages before (`auditkit.reading`).
        approved: name → approved destination, in the order of auditkit.yaml: the first that accepts names it.

    Raises:
        AuditkitError: snapshot.json itself has another shape.
    """
    reader = _Reader(scope(meta))
    with no_search():
        for call in calls:
            if isinstance(call, Call):
                reader.take(call)
            else:
                reader.interfaces.append(call)
        return reader.inventory(approved)


class _Reader:
    """Takes calls one by one, in any order."""

    def __init__(self, asked: Scope) -> None:
        self._scope = asked
        self._listings = Listings()
        self._unread: set[Unread] = set()
        self._heard: set[str] = set()
        self._tables = {table: Merged() for table in ("accounts", *LISTINGS.values())}
        self.interfaces: list[interfaces.Batch] = []
        self._views: list[interfaces.View] = []
        self._transport: dict[tuple[str, str], str] = {}
        self._account_tags: dict[str, dict[str, str]] = {}
        self._tag_calls: list[Call] = []
        self._groups = LogGroups(self._listings)
        self._destinations = Destinations(asked.as_of, self._groups)
        self._organization_ids: set[str] = set()
        self._paths = Paths(self._listings)
        self._streams = Streams(asked.as_of)
        self._history = cloudtrail.History(asked.as_of, self._listings)
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
            _ACCOUNTS: ("Accounts", self._account),
            _TAGS_OF_ACCOUNT: ("Tags", self._account_tag),
            cloudtrail.LOOKUP: ("Events", self._history.note),
            **self._paths.readers,
        }
        # Call → who takes note of each of its pages as such, be it empty.
        self._pages: dict[str, Callable[[Call], None]] = {
            _TAGS_OF_ACCOUNT: self._tag_calls.append,
            cloudtrail.LOOKUP: self._history.asked,
            **self._paths.pages,
        }
        # Call whose answer is no list of rows → who reads it whole, and returns what is wrong with it.
        self._wholes: dict[str, Callable[[Call], Iterable[str]]] = {
            "logs:DescribeLogStreams": self._streams.note,
            "organizations:DescribeOrganization": self._organization,
            **self._paths.wholes,
        }

    def take(self, call: Call) -> None:
        """Read one call."""
        if wrong := damage(call):
            self._unread.add(damaged(call, wrong))
        elif note := self._destinations.readers.get(call.service):
            note(call)
        elif call.error is not None and not is_answer(call):
            self._listings.note(call, failed=True)
            self._unread.add(refused(call))
        elif call.name in self._wholes:
            self._whole(call)
        elif call.error is not None:
            self._listings.note(call, failed=True)
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
        if note := self._pages.get(call.name):
            note(call)

    def _whole(self, call: Call) -> None:
        try:
            wrongs = set(self._wholes[call.name](call))
        except Malformed as error:
            wrongs = {str(error)}
        self._unread.update(unread(call, f"not as AWS writes it: {wrong}") for wrong in wrongs)
        self._listings.note(call, failed=bool(wrongs))

    def _vpc(self, row: Row, call: Call) -> None:
        one = network.vpc(row, call, self._scope.partition)
        self._tables["vpcs"].add((one.vpc_id, one.region), one.account_id, call, one)

    def _subnet(self, row: Row, call: Call) -> None:
        one = network.subnet(row, call, self._scope.partition)
        self._tables["subnets"].add((one.subnet_id, one.region), one.account_id, call, one)

    def _network_interface(self, row: Row, call: Call) -> None:
        one = network.network_interface(row, call, self._scope.partition, self._scope.as_of)
        self._views.append(interfaces.view(one, call))

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

    def _organization(self, call: Call) -> Iterable[str]:
        if name := text(part(call.answer or {}, "Organization"), "Id"):
            self._organization_ids.add(name)
        return ()

    def _account_tag(self, row: Row, call: Call) -> None:
        known = self._account_tags.setdefault(call.resource, {})
        for key, value in tags({"Tags": [row]}).items():
            known[key] = min(value, known.get(key, value))

    def inventory(self, approved: Mapping[str, Approved]) -> Inventory:
        """Bring together what was taken."""
        asked, tables = self._scope, self._tables
        listed, whole = {account_id for account_id, _ in tables["accounts"].rows()}, self._listings.anywhere(_ACCOUNTS)
        ids = self._organization_ids
        organization = Organization(
            asked.partition, min(ids) if len(ids) == 1 else "", frozenset(listed), frozenset(asked.accounts), whole
        )
        logs, where = self._destinations.rows(tables["flow_logs"].rows(), approved, organization)
        missed = self._missed(logs)
        return Inventory(
            as_of=asked.as_of,
            accounts=self._accounts(missed),
            regions=asked.regions,
            vpcs=self._paths.vpcs(tables["vpcs"].rows_with_viewers()),
            subnets=self._paths.subnets(tables["subnets"].rows_with_viewers()),
            network_interfaces=interfaces.merged([*self.interfaces, interfaces.batch(self._views)]),
            transit_gateways=tables["transit_gateways"].rows_with_viewers(),
            transit_gateway_attachments=self._attachments(),
            nat_gateways=tables["nat_gateways"].rows_with_viewers(),
            flow_logs=logs,
            destinations=where,
            security_group_rules=tuple(chain.from_iterable(tables["security_groups"].rows())),
            **self._paths.tables(listed, whole=whole),
            log_streams=self._streams.rows(),
            flow_log_events=self._history.events(),
            events_since=self._history.since(),
            unread=missed,
            identity=asked.identity,
        )

    def _missed(self, logs: tuple[FlowLog, ...]) -> tuple[Unread, ...]:
        missed = {*self._unread, *self._listings.unread(), *self._destinations.unread()}
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
        whole = self._listings.anywhere(_ACCOUNTS)
        return accounts(self._scope, listed, told, self._heard, missed, whole=whole)

    def _attachments(self) -> tuple[TransitGatewayAttachment, ...]:
        rows: tuple[TransitGatewayAttachment, ...] = self._tables["transit_gateway_attachments"].rows_with_viewers()
        return tuple(one if one.transport_attachment_id is not None else self._carried(one) for one in rows)

    def _carried(self, one: TransitGatewayAttachment) -> TransitGatewayAttachment:
        by = self._transport.get((one.transit_gateway_attachment_id, one.region))
        return replace(one, transport_attachment_id=by)
