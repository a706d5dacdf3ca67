"""What the clients can do at all: botocore's service models, less every operation that the audit never asks."""

from __future__ import annotations

from typing import Any

from auditkit.scan.actions import ACTIONS


class Models:
    """A loader of botocore's data whose services have the operations of `actions.ACTIONS` and no others.

    No client made with it has a method that writes. It also makes a client in a fifth of the time: EC2 has 830
    operations, each a method of every client.
    """

    def __init__(self, loader: Any) -> None:
        """Take botocore's loader."""
        self._loader = loader
        self._lean: dict[str, Any] = {}

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """Return a service's model, paginators or endpoints."""
        model = self._loader.load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        if service_name not in self._lean:
            asked = {action.operation for action in ACTIONS if action.service == service_name}
            operations = {name: told for name, told in model["operations"].items() if name in asked}
            self._lean[service_name] = {**model, "operations": operations}
        return self._lean[service_name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
