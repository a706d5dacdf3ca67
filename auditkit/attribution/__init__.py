"""Why a flow was let through: the security group rules, network ACL entries and routes that allow it, as collected (pure).

Rules are those of the moment of collecting, flows those of the period: the words are consistent, contradict, cannot tell.
"""

from __future__ import annotations

from auditkit.attribution.explain import Rules
from auditkit.attribution.groups import described
from auditkit.attribution.opening import Opened, opened
from auditkit.attribution.words import CANNOT_TELL, CONSISTENT, CONTRADICT

__all__ = ["CANNOT_TELL", "CONSISTENT", "CONTRADICT", "Opened", "Rules", "described", "opened"]
