# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform that keeps a few services in the memory of the process."""

from __future__ import annotations

from dataclasses import replace

from ..._core.errors import Outdated
from ..._deploy.naming import Naming
from ..._deploy.plan import Change, Plan
from ..._deploy.ports import Observation, PinnedImages, Platform
from ..._deploy.service_diff import (
    Declared,
    Existing,
    raise_problems,
    removed_services,
    service_plan,
)
from ..._deploy.state import RUNNING, ServiceState, Task

_PLACES = {}


def connect(options):
    memory = Memory(_PLACES.setdefault(options["memory_place"], {}))
    return Platform(
        "memory", reader=memory, preview=memory, driver=memory, records=memory, leases=memory
    )


class Memory:
    """All ports that a platform must have."""

    def __init__(self, place):
        self.services = place.setdefault("services", {})
        self.records = place.setdefault("records", {})
        self.leases = place.setdefault("leases", {})
        self.app = ""

    def naming(self, app):
        return Naming(app)

    def salt(self, app):
        return app.encode()

    def observe(self, app):
        records = sorted(self.records.values(), key=lambda record: -record.number)
        return Observation(
            tuple(records),
            self.leases.get(app),
            self.states({}),
            inner=dict(self.services),
            warnings=("this memory is new",),
        )

    def states(self, revisions):
        return {name: _state(name, image) for name, image in self.services.items()}

    def watch(self, app, resolved):
        return self

    def wait(self, seconds):
        raise AssertionError("a service in memory is healthy at once")

    def belongings(self, app, seen):
        return {"services": sorted(self.services), "networks": []}

    def missing(self, records, seen, *, thorough=False):
        return [[] for _record in records]

    def resolve_images(self, references, mode, seen):
        return PinnedImages({reference: reference for reference in references})

    def plan(self, app, resolved, seen, wishes, contents):
        problems = []
        services = [
            service_plan(
                Declared(name, service), _existing(service, seen.inner.get(name)), (), problems
            )
            for name, service in resolved.services.items()
        ]
        removed = removed_services({name: set() for name in seen.inner}, resolved.services)
        raise_problems(app, problems)
        return Plan((*services, *removed), {"networks": ()}, {"networks": ()})

    def drift(self, app, resolved, seen):
        return self.plan(app, resolved, seen, None, None)

    def make_objects(self, app, resolved, contents, fence):
        assert not resolved.secrets and not resolved.configs

    def apply(self, app, name, record, seen, fence):
        fence.check()
        self.services[name] = record.resolved.services[name]["image"]
        return 0

    def remove_services(self, app, names, fence, deadline, *, originals=(), keeping=False):
        for name in names:
            fence.check()
            del self.services[name]
        return []

    def remove_networks(self, app, names, fence, deadline):
        assert not list(names)

    def sweep(self, app, needed, fence):
        fence.check()

    def write_record(self, app, record):
        kept = replace(record, id=str(record.number))
        self.records[record.number] = kept
        return kept

    def read_records(self, app):
        return self.observe(app).records

    def remove_record(self, record):
        del self.records[record.number]

    def read_lease(self, app):
        return self.leases.get(app)

    def write_lease(self, app, lease):
        known = self.leases.get(app)
        if (known.version if known else -1) != lease.version:
            raise Outdated("somebody was faster", "the lease has changed")
        self.leases[app] = replace(lease, id=app, version=lease.version + 1)
        return self.leases[app]


def _existing(service, image):
    if image is None:
        return None
    changes = (Change("image", image, service["image"]),) if image != service["image"] else ()
    return Existing(changes=changes, restarts=bool(changes))


def _state(name, image):
    task = Task(f"{name} {image}", name, "1", "", RUNNING, current=True, sent=True, wanted=True)
    return ServiceState(name, 1, (task,), checked=True)
