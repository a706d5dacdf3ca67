"""auditkit.yaml, typed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from auditkit.config.conditions import Parser, reserved, size
from auditkit.config.typed import Strict, validate
from auditkit.config.yaml import Document, Loc, load
from auditkit.model.addresses import cidr
from auditkit.model.condition import TRUE, Condition
from auditkit.model.errors import AuditkitError, InvalidInput, Problem, nearest
from auditkit.model.records import BY_NAME
from auditkit.model.schema import MATCH_COLUMNS


def _account(value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise ValueError(f"{value!r} is not an account id of 12 digits")
    return value


def _cidr(value: str) -> str:
    cidr(value)
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise ValueError(f"{value!r} is not a day such as 2026-03-31")


def _size(value: Any) -> Any:
    return size(value) if isinstance(value, str) else value


AccountId = Annotated[str, AfterValidator(_account)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Day = Annotated[date, BeforeValidator(_day)]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d+$")]
LONGEST_WAIVER = 366
"""Days after approval on which a waiver or an exclusion must have ended."""


class Approval(Strict):
    """Who accepted something, and until when."""

    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)
    approved_on: Day
    expires: Day

    @model_validator(mode="after")
    def _sound(self) -> Approval:
        if self.approved_by == self.owner:
            raise ValueError("approved_by must be somebody else than owner")
        if self.expires <= self.approved_on:
            raise ValueError("expires must be after approved_on")
        if self.expires > self.approved_on + timedelta(days=LONGEST_WAIVER):
            raise ValueError(f"expires must be at most {LONGEST_WAIVER} days after approved_on")
        return self


class Exclusion(Approval):
    """An account that is not audited, by decision."""

    account: AccountId


class OrganizationModel(Strict):
    """Which accounts, and how they are entered."""

    role_name: str | None = Field(default=None, pattern=r"^[\w+=,.@/-]{1,128}$")
    external_id: str | None = None
    accounts: Literal["all"] | tuple[AccountId, ...] = "all"
    exclude: tuple[Exclusion, ...] = ()


class DestinationModel(Strict):
    """One approved destination."""

    type: Literal["s3", "cloud-watch-logs", "kinesis-data-firehose"]
    bucket: str = ""
    prefix: str = ""
    log_group: str = ""
    delivery_stream: str = ""
    account: Literal[""] | AccountId = ""

    @model_validator(mode="after")
    def _complete(self) -> DestinationModel:
        needs = {"s3": "bucket", "cloud-watch-logs": "log_group", "kinesis-data-firehose": "delivery_stream"}[self.type]
        allowed = {needs, "prefix"} if self.type == "s3" else {needs}
        if not getattr(self, needs):
            raise ValueError(f"a destination of type {self.type} needs {needs}")
        for key in ("bucket", "prefix", "log_group", "delivery_stream"):
            if getattr(self, key) and key not in allowed:
                raise ValueError(f"a destination of type {self.type} has no {key}")
        return self


class BaselineModel(Strict):
    """What is wanted of the flow logs of some resources."""

    name: str = Field(min_length=1)
    match: Any = None
    traffic: Literal["ALL", "ACCEPT", "REJECT"] = "ALL"
    destinations: tuple[str, ...] | None = None
    fields: tuple[str, ...] = ()
    max_aggregation_interval: Literal[60, 600] | None = Field(default=None)

    @model_validator(mode="before")
    @classmethod
    def _interval(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(given := data.get("max_aggregation_interval"), str):
            if given not in ("60", "600"):
                raise ValueError(f"max_aggregation_interval: {given!r} is not 60 or 600, the two that AWS has")
            return {**data, "max_aggregation_interval": int(given)}
        return data


class SampleModel(Strict):
    """How a sample is drawn."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    tolerable_rate: float = Field(default=0.05, gt=0, lt=1)
    seed: int = 0


class BudgetModel(Strict):
    """What reading may cost: over it, nothing is read."""

    bytes: Annotated[int, BeforeValidator(_size)] = 100 * 2**30
    objects: int = Field(default=1_000_000, ge=0)


class FromModel(Strict):
    """One place where log objects lie: a service, as a bare word, or files that somebody else than AWS has named."""

    service: Literal["s3", "cloud-watch-logs"] | None = None
    local: tuple[str, ...] = ()
    s3: str = ""
    flow_log: tuple[str, ...] = ()
    format: str = ""
    account: Literal[""] | AccountId = ""
    region: Literal[""] | Region = ""

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"service": data}
        if not isinstance(data, dict):
            return data
        return data | {key: _listed(data[key]) for key in ("local", "flow_log") if key in data}

    @model_validator(mode="after")
    def _complete(self) -> FromModel:
        told = [key for key in ("flow_log", "format", "account", "region") if getattr(self, key)]
        if sum(map(bool, (self.service, self.local, self.s3))) != 1:
            raise ValueError("say one of s3, cloud-watch-logs, {local: …} and {s3: s3://bucket/prefix, flow_log: fl-…}")
        if self.service and told:
            raise ValueError(f"{self.service} takes no {told[0]}: what AWS has named says it itself")
        if self.s3 and not re.fullmatch(r"s3://[A-Za-z0-9._-]{3,255}(/.*)?", self.s3, re.DOTALL):
            raise ValueError(f"s3: {self.s3!r} is not a place such as s3://bucket/prefix")
        if not self.flow_log and not self.format and (self.s3 or told):
            raise ValueError("lines without a header need flow_log: fl-… or format: '${version} …'")
        for one in self.flow_log:
            if not re.fullmatch(r"fl-[0-9a-f]{8,32}", one):
                raise ValueError(f"flow_log: {one!r} is not the id of a flow log")
        if self.format:
            _log_format(self.format)
            if len(self.flow_log) > 1:
                raise ValueError(
                    "format: stands for one flow log, and several are named; leave it out, they have their own"
                )
            if not self.flow_log and not (self.account and self.region):
                raise ValueError("format: without flow_log: needs account: and region: of the flow log")
        return self

    @property
    def lines(self) -> bool:
        """Whether it holds records without a header, in files of any name."""
        return bool(self.flow_log or self.format)


def _log_format(text: str) -> None:
    """Refuse what is no LogFormat."""
    names = text.split()
    for word in names:
        match = re.fullmatch(r"\$\{([a-z0-9]+(?:-[a-z0-9]+)*)\}", word)
        if not match:
            raise ValueError(f"format: {word[:60]!r} is not a field such as ${{srcaddr}}")
        if match[1] not in BY_NAME and (meant := nearest(match[1], BY_NAME)):
            raise ValueError(f"format: unknown field {match[1]!r}{meant}")
    if twice := next((word for word in names if names.count(word) > 1), ""):
        raise ValueError(f"format: {twice} stands in it twice")


class RecordsModel(Strict):
    """Where log objects lie and what is read of them."""

    given: tuple[FromModel, ...] = Field(default=(FromModel(service="s3"),), alias="from")
    local: tuple[str, ...] = ()
    mode: Literal["none", "random", "all"] = "all"
    sample: SampleModel = SampleModel()
    budget: BudgetModel = BudgetModel()
    keep: Literal["read", "matched", "none"] = "read"
    keep_limit: Annotated[int | None, BeforeValidator(_size), Field(ge=0)] = None
    max_damage: int = Field(default=0, ge=0)

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose own naming is followed: s3, cloud-watch-logs."""
        return tuple(dict.fromkeys(one.service for one in self.given if one.service))

    @property
    def lines(self) -> tuple[FromModel, ...]:
        """The places of records without a header."""
        return tuple(one for one in self.given if one.lines)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        entries = _listed(data.get("from"))
        local = [
            path for one in entries if isinstance(one, dict) and set(one) == {"local"} for path in _listed(one["local"])
        ]
        if local or data.get("local"):
            data["local"] = [*_listed(data.get("local")), *local]
            data["from"] = entries
        elif "from" in data:
            data["from"] = entries
        return data


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class ReportModel(Strict):
    """What stands on the cover, and how much inside."""

    organization: str = ""
    title: str | None = None
    classification: str = ""
    frameworks: tuple[str, ...] = ()
    max_findings: int = Field(default=1000, ge=1)


class PeriodModel(Strict):
    """The days audited, UTC; the end is exclusive."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _forward(self) -> PeriodModel:
        if self.end <= self.start:
            raise ValueError("end must be after start (it is exclusive)")
        return self


def _period(value: Any) -> Any:
    return period(value) if isinstance(value, str) else value


def period(text: str) -> dict[str, str]:
    """Read 2026-Q3, 2026-07, 2026-07-01 or 2026-07-01..2026-10-01 (end exclusive) into start and end.

    Raises:
        ValueError: it is none of them.
    """
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        year, month, months = int(match[1]), int(match[2]) * 3 - 2, 3
    elif match := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text):
        year, month, months = int(match[1]), int(match[2]), 1
    elif match := re.fullmatch(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", text):
        return {"start": match[1], "end": match[2]}
    elif re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return {"start": text, "end": (date.fromisoformat(text) + timedelta(days=1)).isoformat()}
    else:
        raise ValueError(f"{text!r} is not a period such as 2026-Q3, 2026-07, 2026-07-01 or 2026-07-01..2026-10-01")
    end = (year + (month + months - 1) // 12, (month + months - 1) % 12 + 1)
    return {"start": date(year, month, 1).isoformat(), "end": date(*end, 1).isoformat()}


class ConfigModel(Strict):
    """The whole file."""

    organization: OrganizationModel = OrganizationModel()
    regions: Literal["enabled"] | tuple[Region, ...] = "enabled"
    snapshot: str | None = None
    period: Annotated[PeriodModel | None, BeforeValidator(_period)] = None
    destinations: dict[str, DestinationModel] = {}
    baselines: tuple[BaselineModel, ...] = ()
    networks: dict[str, tuple[Cidr, ...]] = {}
    records: RecordsModel = RecordsModel()
    policies: tuple[str, ...] = ("builtin",)
    waivers: str | None = None
    previous: tuple[str, ...] | None = None
    report: ReportModel = ReportModel()


@dataclass(frozen=True)
class Baseline:
    """What is wanted of the flow logs of the resources that `match` fits."""

    name: str
    """As in auditkit.yaml."""
    match: Condition = TRUE
    """Which resources; the first baseline that fits counts."""
    traffic: str = "ALL"
    """ALL, ACCEPT or REJECT."""
    destinations: tuple[str, ...] | None = None
    """Names of approved destinations; None when none are configured: any will do."""
    fields: tuple[str, ...] = ()
    """Required fields, hyphenated."""
    max_aggregation_interval: int | None = None
    """Seconds at most, or None."""


@dataclass(frozen=True)
class Config:
    """auditkit.yaml, checked."""

    path: Path
    """The file; relative paths in it are seen from its folder."""
    model: ConfigModel
    """Typed content."""
    baselines: tuple[Baseline, ...]
    """In order; the last fits everything."""
    sha256: str
    """Of the file's bytes."""

    @property
    def networks(self) -> dict[str, Sequence[str]]:
        """Name → CIDRs."""
        return dict(self.model.networks)

    def local(self, text: str) -> Path:
        """Resolve a path of the file."""
        return self.path.parent / Path(text).expanduser()

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """Start and exclusive end, UTC; None when the file does not say."""
        given = self.model.period
        return None if given is None else (midnight(given.start), midnight(given.end))


def midnight(day: date) -> datetime:
    """The start of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def load_config(path: Path) -> Config:
    """Read and check auditkit.yaml.

    Raises:
        InvalidInput: every complaint, with file and line.
        AuditkitError: there is no such file.
    """
    if not path.exists():
        raise AuditkitError(
            f"there is no {path}", "Name one with -c, or run `auditkit example demo` and use demo/auditkit.yaml."
        )
    document = load(path)
    model, problems = validate(ConfigModel, document)
    data = document.data if isinstance(document.data, dict) else {}
    baselines = _baselines(document, data, problems)
    if model is None or problems:
        raise InvalidInput(problems)
    return Config(path, model, baselines, hashlib.sha256(path.read_bytes()).hexdigest())


def default_config(path: Path) -> Config:
    """What holds when there is no auditkit.yaml: the caller's account, any destination, yesterday."""
    return Config(path, ConfigModel(), (Baseline("default"),), hashlib.sha256(b"").hexdigest())


def _baselines(document: Document, data: dict[str, Any], problems: list[Problem]) -> tuple[Baseline, ...]:
    """Read what pydantic does not see: matches, names of destinations, fields and networks."""

    def complain(loc: Loc, message: str) -> None:
        problems.append(document.problem(loc, message))

    networks = data.get("networks") if isinstance(data.get("networks"), dict) else {}
    assert isinstance(networks, dict)
    for name, cidrs in networks.items():
        if reserved(name):
            complain(
                ("networks", name), f"the network name {name!r} is taken: it is built in, or that of a prefix list"
            )
        if not cidrs:
            complain(("networks", name), f"the network {name!r} is empty")
    destinations = data.get("destinations") if isinstance(data.get("destinations"), dict) else {}
    assert isinstance(destinations, dict)
    parser = Parser(MATCH_COLUMNS, tuple(networks), complain)
    out = []
    given = data.get("baselines")
    for at, one in enumerate(given if isinstance(given, list) else []):
        if isinstance(one, dict):
            out.append(_baseline(one, ("baselines", at), parser, destinations))
    names = [b.name for b in out]
    for at, name in enumerate(names):
        if name in names[:at]:
            complain(("baselines", at), f"two baselines have the name {name!r}")
    if out and out[-1].match != TRUE:
        complain(
            ("baselines", len(out) - 1),
            "the last baseline must fit everything: leave its match out, so that no resource goes unjudged",
        )
    return tuple(out) or (Baseline("default", destinations=tuple(destinations) or None),)


def _baseline(one: dict[str, Any], loc: Loc, parser: Parser, destinations: dict[str, Any]) -> Baseline:
    match = TRUE if one.get("match") in (None, {}) else parser.condition(one["match"], (*loc, "match"))
    named = one.get("destinations")
    for at, name in enumerate(named if isinstance(named, list) else []):
        if name not in destinations:
            parser.complain(
                (*loc, "destinations", at),
                f"unknown destination {name!r}{nearest(str(name), destinations)}; name it under destinations:",
            )
    if named == []:
        parser.complain(
            (*loc, "destinations"), "an empty list approves nothing; leave it out to approve every destination named"
        )
    wanted = one.get("fields")
    fields = tuple(str(f).strip("${}") for f in wanted) if isinstance(wanted, list) else ()
    for at, name in enumerate(fields):
        if name not in BY_NAME:
            parser.complain((*loc, "fields", at), f"unknown field {name!r}{nearest(name, BY_NAME)}")
    interval = one.get("max_aggregation_interval")
    return Baseline(
        name=str(one.get("name")),
        match=match,
        traffic=str(one.get("traffic") or "ALL"),
        destinations=tuple(map(str, named)) if isinstance(named, list) else (tuple(destinations) or None),
        fields=fields,
        max_aggregation_interval=int(interval) if isinstance(interval, str) and interval.isdecimal() else None,
    )
