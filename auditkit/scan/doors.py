"""The doors into the accounts: who the caller is, and clients that act as the role in each account."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import boto3
from botocore.credentials import DeferredRefreshableCredentials

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import Line, Now, once, refused
from auditkit.scan.models import Models
from auditkit.scan.sessions import at_an_address, config, refresher, twin

SESSION_NAME = "auditkit"
"""What CloudTrail shows of the audit's roles."""

_ALWAYS = {
    "aws": ("us-east-1", "eu-west-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
"""Partition → regions that no account can turn off."""

_HINTS = (
    (
        ("NoCredentials", "PartialCredentials", "CredentialRetrieval"),
        "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    (
        ("Expired", "SSO", "TokenRetrieval", "TokenLoad", "LoginRefresh"),
        "The credentials have expired: log in again (`aws sso login`), then repeat.",
    ),
    (
        ("Connect", "Timeout", "Proxy", "SSL", "HTTPClient", "Malformed", "ResponseParser"),
        "Check the network, the proxy, AWS_ENDPOINT_URL and AWS_REGION.",
    ),
    (("",), "Check the credentials and AWS_REGION: `aws sts get-caller-identity` must work."),
)


class Doors:
    """Clients for every account: the caller's own with its credentials, the others' with the role's.

    Those of the role are renewed before they end.
    """

    def __init__(self, session: boto3.Session, role_name: str | None, external_id: str | None, now: Now) -> None:
        """Ask who the caller is.

        Raises:
            AuditkitError: no credentials, expired ones, or AWS cannot be reached.
        """
        self.account_id: str = ""
        """The caller's account."""
        # boto3 has no public way to its botocore session, whose settings and hooks ours must share.
        self._core: Any = session._session  # noqa: SLF001
        self._models = Models(self._core.get_component("data_loader"))
        self._caller = twin(self._core, self._models, self._core.get_credentials)
        self._config = config(self._core)
        self._role_name = role_name
        self._external_id = external_id
        self.now = now
        """The clock."""
        self._lock = threading.Lock()
        self._sts = once(lambda: self.client(self.account_id, "sts"))
        self._roles: dict[str, Any] = {}
        self.home = session.region_name or _ALWAYS["aws"][0]
        """The region for questions that belong to none."""
        self.identity = self._identify()
        """The answer to sts:GetCallerIdentity."""
        answer = self.identity.answer or {}
        self.account_id = str(answer["Account"])
        self.arn = str(answer["Arn"])
        """The caller."""
        self.partition = self.arn.split(":")[1]
        """aws, aws-cn, aws-us-gov, …"""
        self.always = _ALWAYS.get(self.partition, ())
        """Regions that no account can turn off."""
        self.home = session.region_name or next(iter(self.always), self.home)

    def _identify(self) -> Call:
        call = self.line("", "sts").ask("GetCallerIdentity", needs="Account")[0]
        if call.error:
            raise not_known(call)
        return replace(call, account_id=str((call.answer or {})["Account"]))

    def client(self, account_id: str, service: str, region: str | None = None) -> Any:
        """Make a client that acts in an account.

        An account that `enter` has not asked for yet is entered by the client's first request.
        """
        with self._lock:
            session = self._caller if account_id == self.account_id else self._role(account_id)
            client = session.create_client(service, region_name=region or self.home, config=self._config)
        return at_an_address(client)

    def line(self, account_id: str, service: str, region: str = GLOBAL) -> Line:
        """Return a line to a service; its client is made when first used, and once."""
        place = None if region == GLOBAL else region
        return Line(once(lambda: self.client(account_id, service, place)), service, account_id, region, self.now)

    def accepts(self, service: str, operation: str, member: str) -> bool:
        """Tell whether the installed botocore knows a parameter of an operation."""
        model = self._models.load_service_model(service, "service-2")
        shape = model["operations"].get(operation, {}).get("input", {}).get("shape")
        return member in model["shapes"].get(shape, {}).get("members", {})

    def enter(self, account_id: str) -> list[Call]:
        """Assume the role in an account, and keep its credentials.

        Returns:
            The sts:AssumeRole call without the credentials; none for the caller's own account.
        """
        if account_id == self.account_id:
            return []
        line = Line(self._sts, "sts", account_id, GLOBAL, self.now)
        (call,) = line.ask("AssumeRole", needs="Credentials", **self._params(account_id))
        if refused([call]):
            return [call]
        answer = dict(call.answer or {})
        first = answer.pop("Credentials")
        with self._lock:
            self._role(account_id, first)
        return [replace(call, answer=answer)]

    def _role(self, account_id: str, first: dict[str, str] | None = None) -> Any:
        """Return the botocore session of the role; the lock is held."""
        if account_id not in self._roles:
            params = self._params(account_id)
            refresh = refresher(self._sts, params, first)
            credentials = partial(DeferredRefreshableCredentials, refresh, "assume-role")
            self._roles[account_id] = twin(self._core, self._models, credentials)
        return self._roles[account_id]

    def _params(self, account_id: str) -> dict[str, Any]:
        arn = f"arn:{self.partition}:iam::{account_id}:role/{self._role_name}"
        return {"RoleArn": arn, "RoleSessionName": SESSION_NAME} | (
            {"ExternalId": self._external_id} if self._external_id else {}
        )


def not_known(call: Call) -> AuditkitError:
    """Return the error of a caller whom AWS does not know, with the next step."""
    error = call.error or {}
    hint = next(hint for words, hint in _HINTS if any(word in error["code"] for word in words))
    return AuditkitError(
        f"sts:GetCallerIdentity failed, so nothing was audited: {error['code']}: {error['message']}", hint
    )
