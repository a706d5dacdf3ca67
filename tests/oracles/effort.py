"""How hard hypothesis tries: bounded, without a deadline per example (the machine may be busy)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings


def bounded(examples: int) -> settings:
    """Try so many examples, EFFORT times as many with that in the environment; with NO_SHRINK show a failure as found."""
    phases = [p for p in Phase if p not in (Phase.explain, *((Phase.shrink,) if os.environ.get("NO_SHRINK") else ()))]
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(
        deadline=None,
        max_examples=examples * int(os.environ.get("EFFORT", "1")),
        suppress_health_check=checks,
        phases=phases,
    )
