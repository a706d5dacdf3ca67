"""Pages of network interfaces whose every value has the type that AWS documents, read by column.

`network.network_interface` says what an answer means. Here the same is said of many pages at once, several times
faster; a page with anything odd in it is left to that function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.inventory.answers import EC2_BEGAN, Malformed, moment
from auditkit.inventory.classify import Belongs, Facts, asks_more, classify, of_instance
from auditkit.inventory.interfaces import Columns
from auditkit.inventory.network import sound_block
from auditkit.model.columnar import array
from auditkit.model.inventory import Call


class _Shape(msgspec.Struct, gc=False):
    """A structure of an answer; keys that are not named are passed over."""


class _Attachment(_Shape):
    AttachTime: Any = None
    InstanceId: str | None = None
    InstanceOwnerId: str | None = None


class _Association(_Shape):
    CarrierIp: str | None = None
    PublicIp: str | None = None


class _Private(_Shape):
    Association: _Association | None = None
    PrivateIpAddress: str | None = None


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


class _Interface(_Shape, kw_only=True):
    # In the order of snapshots, which sort their keys: each is looked for first where the last was found.
    Association: _Association | None = None
    Attachment: _Attachment | None = None
    Description: str | None = None
    Groups: list[_Group] | None = None
    InterfaceType: str | None = None
    Ipv4Prefixes: list[_Prefix4] | None = None
    Ipv6Addresses: list[_Address] | None = None
    Ipv6Prefixes: list[_Prefix6] | None = None
    NetworkInterfaceId: str
    Operator: _Operator | None = None
    OwnerId: str | None = None
    PrivateIpAddress: str | None = None
    PrivateIpAddresses: list[_Private] | None = None
    RequesterId: str | None = None
    RequesterManaged: bool | None = None
    Status: str | None = None
    SubnetId: str | None = None
    TagSet: list[_Tag] | None = None
    Tags: list[_Tag] | None = None
    VpcId: str | None = None


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
_SECONDS = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\z"
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = EC2_BEGAN.replace(year=1970)
Page = tuple[Call, list[_Interface]]
"""A call without its interfaces, and these."""


def page(line: bytes) -> Page | None:
    """Read a line of a snapshot that is a page of interfaces; None where it is something else, or odd."""
    if b'"NetworkInterfaces"' not in line:
        return None
    try:
        told = _DECODER.decode(line)
        for one in told.answer.NetworkInterfaces:
            if not one.NetworkInterfaceId:
                return None
            if one.Ipv4Prefixes or one.Ipv6Prefixes:
                list(map(sound_block, _prefixes(one)))
    except (msgspec.MsgspecError, Malformed, UnicodeError, RecursionError):
        return None
    if (told.service, told.operation) != ("ec2", "DescribeNetworkInterfaces"):
        return None
    answer = {"NetworkInterfaces": [], "NextToken": told.answer.NextToken or told.answer.nextToken}
    return Call(
        service="ec2", operation=told.operation, account_id=told.account_id, region=told.region, resource=told.resource,
        asked=told.asked, page=told.page, at=told.at, answer=answer,
    ), told.answer.NetworkInterfaces  # fmt: skip


def columns(pages: Sequence[Page], partition: str, as_of: datetime) -> Columns:
    """Put pages into columns, those of `interfaces.SCHEMA`."""
    rows = [one for _, some in pages for one in some]
    owners = [one.OwnerId or call.account_id for call, some in pages for one in some]
    page_of = pa.array(np.repeat(np.arange(len(pages)), [len(some) for _, some in pages]))
    ids, account_id, region = (
        _text([one.NetworkInterfaceId for one in rows]),
        _text(owners),
        _text([call.region for call, _ in pages]).take(page_of),
    )
    attached = [one.Attachment for one in rows]
    service, subject, subject_type, evidence = zip(*map(_belongs, rows, owners), strict=True) if rows else ((),) * 4
    return {
        "interface_id": ids,
        "interface_arn": pc.binary_join_element_wise(
            f"arn:{partition}:ec2", region, account_id, pc.binary_join_element_wise("network-interface", ids, "/"), ":"
        ),
        "account_id": account_id,
        "region": region,
        "vpc_id": _text([one.VpcId or "" for one in rows]),
        "subnet_id": _text([one.SubnetId or "" for one in rows]),
        "service": _text(service),
        "service_evidence": _text(evidence),
        "subject": _text(subject),
        "subject_type": _text(subject_type),
        "interface_type": _text([one.InterfaceType or "" for one in rows]),
        "description": _text([one.Description or "" for one in rows]),
        "status": _text([one.Status or "" for one in rows]),
        "instance_id": _text([(one.InstanceId or "") if one else "" for one in attached]),
        "attach_time": _moments([one.AttachTime if one else None for one in attached], as_of),
        "addresses": _lists(list(map(_private, rows))),
        "public_addresses": _lists(list(map(_public, rows))),
        "security_group_ids": _groups([one.Groups or () for one in rows]),
        "interface_tags": _tags([one.TagSet or one.Tags or () for one in rows]),
        "seen_in": pa.repeat("inventory", len(rows)),
        "_by": _text([call.account_id for call, _ in pages]).take(page_of),
        "_at": _text([call.at for call, _ in pages]).take(page_of),
    }


def _belongs(one: _Interface, owner: str) -> Belongs:
    attached, operator = one.Attachment, one.Operator
    if attached and attached.InstanceId:
        return of_instance(attached.InstanceId)
    type_, description = one.InterfaceType or "", one.Description or ""
    more = asks_more(type_, description)
    facts = Facts(
        one.NetworkInterfaceId,
        owner,
        type_,
        description,
        one.RequesterId or "",
        one.RequesterManaged or False,
        "",
        (attached.InstanceOwnerId or "") if attached else "",
        one.Status or "",
        tuple(sorted([g.GroupId for g in one.Groups if g.GroupId])) if more and one.Groups else (),
        (operator.Managed or False) if operator else False,
        (operator.Principal or "") if operator else "",
        _mapping(one.TagSet or one.Tags or ()) if more else {},
    )
    return classify(facts)


def _mapping(tags: Sequence[_Tag]) -> dict[str, str]:
    return {t.Key or "": t.Value or "" for t in tags}


def _prefixes(one: _Interface) -> Iterator[str]:
    yield from (inner.Ipv4Prefix for inner in one.Ipv4Prefixes or () if inner.Ipv4Prefix)
    yield from (inner.Ipv6Prefix for inner in one.Ipv6Prefixes or () if inner.Ipv6Prefix)


def _private(one: _Interface) -> Sequence[str]:
    """Private addresses and delegated prefixes of both families."""
    first, inside = one.PrivateIpAddress, one.PrivateIpAddresses
    if not (one.Ipv6Addresses or one.Ipv4Prefixes or one.Ipv6Prefixes):
        if not inside:
            return (first,) if first else ()
        if len(inside) == 1 and first and inside[0].PrivateIpAddress == first:
            return (first,)
    given = [first, *(inner.PrivateIpAddress for inner in inside or ())]
    given += [inner.Ipv6Address for inner in one.Ipv6Addresses or ()]
    return [p for p in dict.fromkeys(chain(given, _prefixes(one))) if p]


def _public(one: _Interface) -> Sequence[str]:
    """Public addresses."""
    first, inside = one.Association, one.PrivateIpAddresses
    if not first and (not inside or (len(inside) == 1 and not inside[0].Association)):
        return ()
    known = (a for a in (first, *(inner.Association for inner in inside or ())) if a)
    return [p for p in dict.fromkeys(chain.from_iterable((a.PublicIp, a.CarrierIp) for a in known)) if p]


def _text(values: Sequence[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _offsets(sizes: Any) -> pa.Array:
    return pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(sizes, dtype=np.int32)]))


def _lists(values: Sequence[Sequence[str]]) -> pa.Array:
    sizes = np.fromiter(map(len, values), np.int32, len(values))
    return pa.ListArray.from_arrays(_offsets(sizes), _text(list(chain.from_iterable(values))))


def _groups(groups: Sequence[Sequence[_Group]]) -> pa.Array:
    """Ids of the groups, sorted."""
    ids = _text([g.GroupId or "" for some in groups for g in some])
    sizes = np.fromiter(map(len, groups), np.int32, len(groups))
    if pc.any(pc.equal(ids, "")).as_py():
        return _lists([sorted([g.GroupId for g in some if g.GroupId]) for some in groups])
    order, _ = _sorted(ids, sizes)
    return pa.ListArray.from_arrays(_offsets(sizes), ids.take(order))


def _tags(tags: Sequence[Sequence[_Tag]]) -> pa.Array:
    """Tags, sorted by key as in any column of tags."""
    keys = _text([t.Key or "" for some in tags for t in some])
    sizes = np.fromiter(map(len, tags), np.int32, len(tags))
    order, twice = _sorted(keys, sizes)
    if twice:
        return array("tags", list(map(_mapping, tags)))
    values = _text([t.Value or "" for some in tags for t in some])
    return pa.MapArray.from_arrays(_offsets(sizes), keys.take(order), values.take(order))


def _sorted(values: pa.Array, sizes: Any) -> tuple[pa.Array, bool]:
    """The order that sorts texts within each row, and whether a row has one of them twice."""
    numbered = values.dictionary_encode()
    ranks = pc.rank(numbered.dictionary, tiebreaker="dense").take(numbered.indices).to_numpy().astype(np.int64)
    places = np.repeat(np.arange(len(sizes)), sizes) * (len(numbered.dictionary) + 1) + ranks
    order = np.argsort(places, kind="stable")
    return pa.array(order), bool((np.diff(places[order]) == 0).any())


def _moments(values: list[Any], as_of: datetime) -> pa.Array:
    """Times of the past as `moment` tells them: together where all are written as AWS writes them."""
    type_ = pa.timestamp("us", tz="UTC")
    try:
        text = pa.array(values, pa.string())
        if pc.all(pc.match_substring_regex(text, _SECONDS)).as_py() is not False:
            times = text.cast(type_)
            told = times.cast(pa.int64())
            first, last = (one // _MICROSECOND for one in (EC2_BEGAN - _EPOCH, as_of - _EPOCH + timedelta(days=1)))
            past = pc.and_(pc.greater_equal(told, first), pc.less_equal(told, last))
            return pc.if_else(past, times, pa.scalar(None, type_))
    except (pa.ArrowException, TypeError):
        pass
    return pa.array([moment({"AttachTime": one}, "AttachTime", as_of) for one in values], type_)
