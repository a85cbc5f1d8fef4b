# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout on a platform that is only imagined."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.shipping.code.plugins.module_utils._core.errors import Unreachable
from ansible_collections.shipping.code.plugins.module_utils._deploy import state as words
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    RECREATE,
    REMOVE,
    Plan,
    ServicePlan,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import ServiceState, Task
from ansible_collections.shipping.code.plugins.module_utils._deploy.strategy.rolling import Rollout


def running(name):
    task = Task("1", "", name, "", words.RUNNING, current=True, sent=True, wanted=True)
    return ServiceState(name, 1, (task,), checked=True, passive=True)


class Imagined:
    """Keeps what is written and removed; ``away`` is how often a service is not taken."""

    def __init__(self, plan, *, there=(), away=None):
        self.planned, self.away = plan, away or {}
        self.there, self.removed = {name: running(name) for name in there}, []
        self.reader = self.preview = self.driver = self
        self.diagnoser = self.unblocker = None

    def observe(self, app):
        return SimpleNamespace(states=dict(self.there))

    def plan(self, *_args):
        return self.planned

    def watch(self, *_args):
        return SimpleNamespace(states=lambda _revisions: self.there, wait=lambda _seconds: None)

    def apply(self, app, name, *_args):
        self.away[name] = self.away.get(name, 0) - 1
        if self.away[name] >= 0:
            raise Unreachable("refused", "the webhook is away")
        self.there[name] = running(name)
        return 1

    def remove_services(self, app, names, fence, deadline, *, originals):
        self.removed.append((list(names), originals))


def rollout(platform, names=("a", "b"), timeout=5.0, **keys):
    services = {name: {"depends_on": {}} for name in names}
    lines = []
    job = SimpleNamespace(app="shop", wishes=Wishes(), limits=SimpleNamespace(max_crashes=3))
    record = Record(number=1, version="1", resolved=Resolved(services=services))
    result = Rollout(platform, job, record, None, lines.append, timeout, **keys)
    return [failure.statement() for failure in result.run()], lines


def plan_of(*services):
    networks = {"networks": ()}
    return Plan(services=services, create=networks, remove=networks)


NEW = plan_of(ServicePlan("a", CREATE), ServicePlan("b", CREATE))


def test_what_is_not_taken_yet_is_tried_again_and_said_once():
    failures, lines = rollout(Imagined(NEW, away={"a": 3}))
    told = [line for line in lines if "retrying" in line]
    assert not failures and told == ["a is not accepted yet (the webhook is away), retrying"]


def test_what_is_never_taken_is_a_failure_of_its_own():
    failures, _lines = rollout(Imagined(NEW, away={"a": 10**6}), timeout=0.2)
    assert failures == ["a: was not accepted before the timeout (the webhook is away)"]


def test_what_was_taken_over_is_not_put_back_where_it_is_recreated():
    plan = plan_of(ServicePlan("a", RECREATE), ServicePlan("c", REMOVE, early=True))
    platform = Imagined(plan)
    failures, _lines = rollout(platform, names=("a",), originals=("original",))
    assert not failures and platform.removed == [(["c"], ("original",)), (["a"], ())]


def test_a_service_that_is_removed_and_stays_done_is_not_written():
    platform = Imagined(plan_of(ServicePlan("a", REMOVE, early=True)), there=["a"])
    failures, _lines = rollout(platform, names=("a",))
    assert not failures and platform.away == {} and platform.removed
