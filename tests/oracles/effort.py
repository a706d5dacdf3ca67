"""How hard hypothesis tries: bounded, without a deadline per example (the machine may be busy)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings


def bounded(examples: int) -> settings:
    """Try so many examples. With NO_SHRINK in the environment a failure is shown as found, at once."""
    phases = [p for p in Phase if p not in (Phase.explain, *((Phase.shrink,) if os.environ.get("NO_SHRINK") else ()))]
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(deadline=None, max_examples=examples, suppress_health_check=checks, phases=phases)
