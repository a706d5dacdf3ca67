"""Network interfaces by the million: read by column from pages whose every value has the type that AWS documents.

`network.network_interface` says what an answer means. Here the same is said of a whole page at once, several times
faster; a page with anything odd in it is left to that function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.inventory.answers import Malformed, moment
from auditkit.inventory.classify import Facts, classify
from auditkit.inventory.network import sound_block
from auditkit.model.columnar import ARROW, Rows, array, taken
from auditkit.model.inventory import Call, NetworkInterface
from auditkit.model.tables import columns_of

COLUMNS = tuple(c for c in columns_of(NetworkInterface) if c.name != "seen_from")
"""What one view of an interface holds; who saw it is added when all views are there."""
_NAMES = tuple(c.name for c in COLUMNS)
_SCHEMA = pa.schema([*((c.name, ARROW[c.type]) for c in COLUMNS), ("_by", pa.string()), ("_at", pa.string())])


class _Shape(msgspec.Struct, gc=False):
    """A structure of an answer; keys that are not named are passed over."""


class _Attachment(_Shape):
    InstanceId: str | None = None
    InstanceOwnerId: str | None = None
    AttachTime: Any = None


class _Association(_Shape):
    PublicIp: str | None = None
    CarrierIp: str | None = None


class _Private(_Shape):
    PrivateIpAddress: str | None = None
    Association: _Association | None = None


class _Address(_Shape):
    Ipv6Address: str | None = None


class _Prefix4(_Shape):
    Ipv4Prefix: str | None = None


class _Prefix6(_Shape):
    Ipv6Prefix: str | None = None


class _Group(_Shape):
    GroupId: str | None = None


class _Tag(_Shape):
    Key: str | None = None
    Value: str | None = None


class _Operator(_Shape):
    Managed: bool | None = None
    Principal: str | None = None


class _Interface(_Shape):
    NetworkInterfaceId: str
    OwnerId: str | None = None
    InterfaceType: str | None = None
    Description: str | None = None
    RequesterId: str | None = None
    RequesterManaged: bool | None = None
    Status: str | None = None
    VpcId: str | None = None
    SubnetId: str | None = None
    PrivateIpAddress: str | None = None
    PrivateIpAddresses: list[_Private] | None = None
    Ipv6Addresses: list[_Address] | None = None
    Ipv4Prefixes: list[_Prefix4] | None = None
    Ipv6Prefixes: list[_Prefix6] | None = None
    Association: _Association | None = None
    Attachment: _Attachment | None = None
    Operator: _Operator | None = None
    Groups: list[_Group] | None = None
    TagSet: list[_Tag] | None = None
    Tags: list[_Tag] | None = None


class _Answer(_Shape):
    NetworkInterfaces: list[_Interface]
    NextToken: Any = None
    nextToken: Any = None  # noqa: N815  # AWS's spelling


class _Page(_Shape, forbid_unknown_fields=True):
    """A line of a snapshot: the fields of a `Call`."""

    service: str
    operation: str
    account_id: str
    region: str
    at: str
    answer: _Answer
    resource: str = ""
    asked: dict[str, str] | None = None
    page: int = 1
    endpoint: Any = ""
    request_id: Any = ""
    error: None = None


_DECODER = msgspec.json.Decoder(_Page)
Batch = pa.RecordBatch
"""Views of interfaces, in columns."""
View = tuple[Any, ...]
"""One view of an interface: values of `COLUMNS`, the account that saw it, and when."""


def page(line: str, partition: str, as_of: datetime) -> tuple[Call, list[View]] | None:
    """Read a line of a snapshot that is a page of interfaces.

    Returns:
        the call without its interfaces, and a view of each; None where the line is something else, or odd.
    """
    if '"NetworkInterfaces"' not in line:
        return None
    try:
        told = _DECODER.decode(line)
        if (told.service, told.operation) != ("ec2", "DescribeNetworkInterfaces"):
            return None
        views = list(_views(told, partition, as_of))
    except (msgspec.MsgspecError, Malformed, UnicodeError, RecursionError):
        return None
    answer = {"NetworkInterfaces": [], "NextToken": told.answer.NextToken or told.answer.nextToken}
    return Call(
        service="ec2", operation=told.operation, account_id=told.account_id, region=told.region, resource=told.resource,
        asked=told.asked, page=told.page, at=told.at, answer=answer,
    ), views  # fmt: skip


def _views(told: _Page, partition: str, as_of: datetime) -> Iterator[View]:
    region, by, at = told.region, told.account_id, told.at
    for one in told.answer.NetworkInterfaces:
        owner, attached, operator = one.OwnerId or by, one.Attachment, one.Operator
        pairs = one.TagSet or one.Tags
        groups = tuple(sorted([g.GroupId for g in one.Groups if g.GroupId])) if one.Groups else ()
        facts = Facts(
            _required(one.NetworkInterfaceId),
            owner,
            one.InterfaceType or "",
            one.Description or "",
            one.RequesterId or "",
            one.RequesterManaged or False,
            (attached.InstanceId or "") if attached else "",
            (attached.InstanceOwnerId or "") if attached else "",
            one.Status or "",
            groups,
            (operator.Managed or False) if operator else False,
            (operator.Principal or "") if operator else "",
            {t.Key or "": t.Value or "" for t in pairs} if pairs else {},
        )
        service, subject, subject_type, evidence = classify(facts)
        private, public = _addresses(one)
        yield (
            facts.interface_id,
            f"arn:{partition}:ec2:{region}:{owner}:network-interface/{facts.interface_id}",
            owner,
            region,
            one.VpcId or "",
            one.SubnetId or "",
            service,
            evidence,
            subject,
            subject_type,
            facts.interface_type,
            facts.description,
            facts.status,
            facts.instance_id,
            moment({"AttachTime": attached.AttachTime}, "AttachTime", as_of) if attached else None,
            private,
            public,
            groups,
            facts.tags,
            "inventory",
            by,
            at,
        )


def _required(interface_id: str) -> str:
    if not interface_id:
        raise Malformed("NetworkInterfaceId is missing")
    return interface_id


def _addresses(one: _Interface) -> tuple[Sequence[str], Sequence[str]]:
    """Private addresses and delegated prefixes of both families; public addresses."""
    private, public = [one.PrivateIpAddress], _public(one.Association)
    for inner in one.PrivateIpAddresses or ():
        private.append(inner.PrivateIpAddress)
        if inner.Association:
            public += _public(inner.Association)
    if one.Ipv6Addresses:
        private += [inner.Ipv6Address for inner in one.Ipv6Addresses]
    private += [sound_block(inner.Ipv4Prefix) for inner in one.Ipv4Prefixes or () if inner.Ipv4Prefix]
    private += [sound_block(inner.Ipv6Prefix) for inner in one.Ipv6Prefixes or () if inner.Ipv6Prefix]
    return [p for p in dict.fromkeys(private) if p], [p for p in dict.fromkeys(public) if p] if public else ()


def _public(association: _Association | None) -> list[str | None]:
    return [association.PublicIp, association.CarrierIp] if association else []


def view(one: NetworkInterface, call: Call) -> View:
    """What a call that was read row by row showed of an interface."""
    return (*(getattr(one, name) for name in _NAMES), call.account_id, call.at)


def batch(views: Sequence[View]) -> pa.RecordBatch:
    """Put views into columns."""
    columns = list(zip(*views, strict=True)) or [()] * len(_SCHEMA)
    types = [*(c.type for c in COLUMNS), "text", "text"]
    return pa.record_batch([array(t, c) for t, c in zip(types, columns, strict=True)], schema=_SCHEMA)


def merged(batches: Iterable[pa.RecordBatch]) -> Rows[NetworkInterface]:
    """Make one row of all views of an interface, sorted by id and region.

    The owner's own view wins, then the first account by id, then the latest answer, as in `merge.Merged`.
    """
    table = pa.Table.from_batches(batches, _SCHEMA).combine_chunks()
    order = pc.sort_indices(table, [(name, "ascending") for name in ("interface_id", "region", "_by")])
    keys = table.select(["interface_id", "region", "_by"]).take(order)
    begins = _differs(keys, "interface_id", "region")
    told = begins | _differs(keys, "_by")
    seen_by = keys["_by"] if told.all() else keys["_by"].filter(pa.array(told))
    ends: Any = np.cumsum(told)[[*(np.flatnonzero(begins)[1:] - 1), -1]] if len(table) else []
    seen_from = pa.ListArray.from_arrays(pa.array(np.array([0, *ends], np.int32)), seen_by.combine_chunks())
    best = taken(table.select(_NAMES), order if begins.all() else _best(table, order.to_numpy(), begins))
    columns = {name: best[name] for name in _NAMES} | {"seen_from": seen_from}
    return Rows(NetworkInterface, pa.table({c.name: columns[c.name] for c in columns_of(NetworkInterface)}))


def _differs(table: pa.Table, *names: str) -> Any:
    """Which rows differ from the row before in one of the columns; the first does."""
    out = np.zeros(len(table), bool)
    out[:1] = True
    for name in names:
        out[1:] |= pc.not_equal(table[name].slice(1), table[name].slice(0, max(len(table) - 1, 0))).to_numpy()
    return out


def _best(table: pa.Table, order: Any, begins: Any) -> pa.Array:
    """The best view of each interface."""
    starts = np.flatnonzero(begins)
    best = order[starts]
    sizes = np.diff(starts, append=len(table))
    several = np.flatnonzero(sizes > 1)
    rows = order[np.concatenate([np.arange(starts[one], starts[one] + sizes[one]) for one in several])]
    some = table.select(["account_id", "_by", "_at"]).take(pa.array(rows))
    views = zip(rows.tolist(), *(some[name].to_pylist() for name in some.column_names), strict=True)
    for one in several.tolist():
        best[one] = _first(table, [next(views) for _ in range(int(sizes[one]))])
    return pa.array(best)


def _first(table: pa.Table, views: list[tuple[int, str, str, str]]) -> int:
    nearest = min((owner != by, by) for _, owner, by, _ in views)
    near = [(row, at) for row, owner, by, at in views if (owner != by, by) == nearest]
    latest = max(at for _, at in near)
    rows = [row for row, at in near if at == latest]
    # What they hold only decides between different answers of one moment.
    return rows[0] if len(rows) == 1 else min(rows, key=lambda row: repr(table.slice(row, 1).to_pylist()))
