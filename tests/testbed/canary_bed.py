# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary on a real router without a platform: services, visitors, steps of weight and looks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ansible_collections.shipping.code.plugins.module_utils._deploy.measurements import (
    Compared,
    RouterMeasurements,
    new_measurements,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    RouterPlace,
    StoredTraffic,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Checks,
    RampLook,
    look,
    progress_line,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.route_checks import stored_of
from ansible_collections.shipping.code.plugins.module_utils._inference.verdicts import (
    PROMOTE,
    ROLL_BACK,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BucketTable,
    allocate,
    first_table,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import (
    joined_routes,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import Route, Unit
from ansible_collections.shipping.code.plugins.module_utils._routing.weight_change import (
    change_tables,
)

from .machine import free_port
from .router_process import NameServer, Router, router_settings, slot_name
from .visitors import Visitors, service_command

HOST = "shop.test"
_ADDRESSES = {"stable": "127.0.3.1", "canary": "127.0.3.2", "baseline": "127.0.3.3"}
_LOOK = 0.5


@dataclass(frozen=True)
class Moment:
    """One look: seconds since the begin, and the canary's share in percent."""

    second: float
    percent: float
    look: RampLook

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"second": self.second, "percent": self.percent, **self.look.as_data()}


@dataclass
class CanaryBed:
    """A router with a route to stable and to a canary; ``moments`` are all looks.

    It stands in for the platform of the router: its table and its log.
    """

    router: Router
    visitors: Visitors
    table: BucketTable
    measurements: RouterMeasurements
    checks: Checks
    began: float
    moments: list[Moment] = field(default_factory=list)

    def read_traffic(self) -> StoredTraffic:
        """Return the table, as the platform keeps it."""
        return stored_of(self.table.revision, [self.table])

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        """Return the lines of the router's log; a line may be later than its request."""
        lines = self.router.log.read_text().splitlines()
        return [line for line in lines if _time(line) >= since - 5][-most:]

    def share(self, **percents: float) -> None:
        """Share the traffic."""
        weights = {name: round(100 * percent) for name, percent in percents.items()}
        changed = allocate(self.table, {**weights, "stable": 10_000 - sum(weights.values())})
        self.table = replace(changed, revision=self.table.revision + 1)
        with self.router.channel() as channel:
            change_tables([channel], [self.table], self.router.settings.paths)
        self.measurements.refresh(cast(RouterPlace, self))

    def look(self) -> RampLook:
        """Return the answer at this time."""
        self.measurements.refresh(cast(RouterPlace, self))
        elapsed = time.time() - self.began
        seen = look(self.checks, self.measurements, elapsed=elapsed)
        percent = self.table.weights().get("canary", 0) / 100
        self.moments.append(Moment(round(elapsed, 2), percent, seen))
        return seen

    def ramp(self, steps: Mapping[float, float], seconds: float) -> RampLook:
        """Raise the canary's share by the second, and look until the canary is decided.

        It is promoted at its last share.
        """
        deadline, last = self.began + seconds, steps[max(steps)]
        while True:
            elapsed = time.time() - self.began
            percent = max(share for second, share in steps.items() if second <= elapsed)
            if percent != self.table.weights().get("canary", 0) / 100:
                self.share(canary=percent)
            seen = self.look()
            is_decided = seen.answer == ROLL_BACK or (seen.answer == PROMOTE and percent == last)
            if is_decided or time.time() > deadline:
                return seen
            time.sleep(_LOOK)

    def continue_from(self, state: Mapping[str, Any]) -> None:
        """Continue as the next run does after one that was killed."""
        kept = json.loads(json.dumps(state))
        self.measurements = new_measurements(self.measurements.compared, self.checks, kept)

    @property
    def progress(self) -> list[str]:
        """Return the lines of progress."""
        return [
            progress_line("web", "canary", moment.percent, moment.look) for moment in self.moments
        ]


def _time(line: str) -> float:
    try:
        return float(json.loads(line).get("time", 0))
    except ValueError:
        return 0.0


@contextlib.contextmanager
def canary_bed(
    folder: Path,
    checks: Checks,
    *,
    services: Mapping[str, Mapping[str, str]],
    unit: Unit = Unit("visitor", "shipping_visitor"),  # noqa: B008 - it is frozen
    control: str = "stable",
    **visitors: Any,
) -> Iterator[CanaryBed]:
    """Run a canary; ``services`` has the environment of each variant, as for service_command."""
    port = free_port()
    route = Route("shop", "web", HOST, "/", port, unit=unit)
    slots = {name: number for number, name in enumerate(("stable", "baseline", "canary"))}
    names = NameServer(
        {slot_name("shop", "web", slot): [_ADDRESSES[name]] for name, slot in slots.items()}
    )
    router = Router(folder, joined_routes([route]), router_settings(names))
    router.write()
    table = allocate(
        first_table("shop", "web", "salt"), {"stable": 10_000, "baseline": 0, "canary": 0}
    )
    with contextlib.ExitStack() as stack:
        stack.callback(names.close)
        for name, environment in services.items():
            stack.enter_context(_service(_ADDRESSES[name], port, environment))
        router.start()
        stack.callback(router.stop, signal.SIGKILL)
        router.wait_until_up(len(services))
        began = time.time()
        compared = Compared("shop", "web", "canary", unit.type, began, control)
        clients = Visitors(router.url, HOST, **visitors)
        bed = CanaryBed(router, clients, table, new_measurements(compared, checks), checks, began)
        yield stack.enter_context(_visited(bed))


@contextlib.contextmanager
def _visited(bed: CanaryBed) -> Iterator[CanaryBed]:
    if not bed.visitors.per_second:
        yield bed
        return
    with bed.visitors:
        yield bed


@contextlib.contextmanager
def _service(address: str, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    _python, *words = service_command()
    values = {**os.environ, "PORT": str(port), "ADDRESS": address, **environment}
    process = subprocess.Popen([sys.executable, *words], env=values)
    try:
        yield
    finally:
        process.kill()
        process.wait()
