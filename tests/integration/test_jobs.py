# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: migrations that run before the new version serves, once for each content."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Player, PlayOutcome
from .specs import Spec, tool

pytestmark = pytest.mark.long

APP = "jobs"
COMPLETED = {"condition": "service_completed_successfully"}


def spec(platform: Any, schema: str, *, code: int = 0) -> Spec:
    """A service that waits for a migration to a schema, which ends with this code.

    Beside it a job that a rollback runs.
    """
    script = f"echo migrating to {schema}; exit {code}"
    once = {"restart_policy": {"condition": "none"}}
    migrate = tool(platform, "sh", "-c", script, deploy=once)
    web = tool(platform, "sleep", "100000", stop_grace_period="1s", init=True)
    publish = tool(platform, "echo", schema, deploy={**once, "mode": "replicated-job"})
    return {
        "services": {
            "migrate": migrate,
            "publish": {**publish, "x-shipping": {"rollback": "run"}},
            "web": {**web, "depends_on": {"migrate": COMPLETED}},
        }
    }


def test_jobs(platform: Any, player: Player) -> None:
    """First, unchanged, failing, mended, rolled back, and released again."""

    def ship(version: str, described: Spec) -> PlayOutcome:
        options = {"app": APP, "version": version, "spec": described, **platform.options}
        return player.run("release", options)

    try:
        first = ship("1", spec(platform, "one"))
        assert first.ok, first.output
        one = platform.completed(APP, "migrate")
        assert len(one) == 1
        assert not ship("1", spec(platform, "one")).result["changed"]
        serving = platform.running(APP)["web"]
        published = platform.completed(APP, "publish")

        failed = ship("2", spec(platform, "two", code=3))
        assert not failed.ok and failed.result["outcome"] == "rolled_back"
        (failure,) = failed.result["failures"]
        assert failure["service"] == "migrate" and "migrating to two" in str(failure["logs"])
        assert platform.running(APP)["web"] == serving, "the former version was restarted"
        assert not ship("1", spec(platform, "one")).result["changed"], "a job counts as drift"
        again = platform.completed(APP, "publish")
        assert again - published, "the automatic rollback did not run the job that it shall run"

        mended = ship("2", spec(platform, "two"))
        assert mended.ok, mended.output
        two = platform.completed(APP, "migrate")
        assert two - one, "the mended job did not run"
        published = platform.completed(APP, "publish")

        back = player.run("rollback", {"app": APP, **platform.options})
        assert back.ok and back.result["version"] == "1", back.output
        assert platform.completed(APP, "migrate") <= two, "a rollback ran a job"
        assert platform.completed(APP, "publish") - published, "a rollback did not run its job"
        info = player.run("release_info", {"app": APP, **platform.options})
        assert info.result["drift"] == []
    finally:
        gone = player.run("release", {"app": APP, "state": "absent", **platform.options})
    assert gone.ok and platform.completed(APP, "migrate") == set(), gone.output
