"""botocore sessions like the caller's, with other credentials, and what all their clients have in common."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import CredentialProvider, CredentialResolver, create_assume_role_refresher
from botocore.exceptions import CredentialRetrievalError
from botocore.utils import parse_timestamp

from auditkit.scan.answers import Parsers
from auditkit.scan.models import Models

THREADS = 16
"""Questions asked at the same time."""
ATTEMPTS = 8
"""Attempts of one request, unless the caller has configured another number."""


def twin(core: Any, models: Models, credentials: Callable[[], Any]) -> Any:
    """Return a session like `core`, with other credentials, that can ask what the audit asks and nothing else.

    Its retries are adaptive unless the caller has configured others: a client that AWS throttles slows down by itself,
    and speeds up again. Each account, service and region has a client, as AWS counts the requests of each apart.
    """
    session = botocore.session.Session(
        event_hooks=core.get_component("event_emitter"), include_builtin_handlers=False, profile=core.profile
    )
    # Reading the models again would cost 0.2 s an account.
    session.register_component("data_loader", models)
    session.register_component("response_parser_factory", Parsers())
    session.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
    session.set_default_client_config(core.get_default_client_config())
    # A bucket's name, which is anybody's text, would else decide whether s3:CreateSession is called first.
    session.set_config_variable("s3_disable_express_session_auth", True)  # noqa: FBT003 - botocore's signature
    _default(session, "retry_mode", "adaptive")
    return session


def _default(session: Any, name: str, value: str) -> None:
    """Set what holds where neither the environment nor the profile says anything, as botocore's defaults mode does."""
    store = session.get_component("config_store")
    provider = store.get_config_provider(name)
    provider.set_default_provider(ConstantProvider(value))
    store.set_config_provider(name, provider)


class _Given(CredentialProvider):
    """A credential provider, as botocore names it, for credentials of our choice."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, credentials: Callable[[], Any]) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Any:
        """Return them."""
        return self._credentials()


def refresher(
    sts: Callable[[], Any], params: dict[str, str], first: dict[str, str] | None
) -> Callable[[], dict[str, str]]:
    """Return a refresher that gives what is at hand once, and asks from then on."""
    at_hand = [first] if first else []

    def refresh() -> dict[str, str]:
        if at_hand:
            given = at_hand.pop()
            names = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "token": "SessionToken"}
            got = {ours: given[theirs] for ours, theirs in names.items()} | {"expiry_time": given["Expiration"]}
        else:
            got = create_assume_role_refresher(sts(), params)()
        # botocore holds its own clock against them, and would raise a bare RuntimeError.
        if parse_timestamp(got["expiry_time"]) <= datetime.now(UTC):
            said = f"the credentials ended on {got['expiry_time']}: is this machine's clock right?"
            raise CredentialRetrievalError(provider="assume-role", error_msg=said)
        return got

    return refresh


def config(core: Any) -> Config:
    """Return timeouts and attempts; whatever the caller has configured wins."""
    retries: Any = None
    if core.get_config_variable("max_attempts") is None:
        retries = {"total_max_attempts": ATTEMPTS}
    ours = Config(
        connect_timeout=10, read_timeout=60, max_pool_connections=THREADS, tcp_keepalive=True, retries=retries
    )
    theirs = core.get_default_client_config()
    return ours.merge(theirs) if theirs else ours


def at_an_address(client: Any) -> Any:
    """Return a client whose requests go where its endpoint says, even if that is a bare IP address.

    S3 Control writes the account id before the host's name, which a host without a name cannot have.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""

    def mend(request: Any, **_: Any) -> None:
        asked = urlsplit(request.url)
        account, _dot, rest = (asked.hostname or "").partition(".")
        if account.isdigit() and rest == host:
            request.url = asked._replace(netloc=asked.netloc.split(".", 1)[1]).geturl()

    if client.meta.service_model.service_name == "s3control" and _is_address(host):
        client.meta.events.register_first("request-created.s3-control", mend)
    return client


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
