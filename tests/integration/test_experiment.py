# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A factorial experiment on a shop with effects built in, from the file to the release."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.client import Client
from tests.testbed.shoppers import Page, Shoppers

from .harness import PlayOutcome, until
from .test_router import APP, HOST, Router, replaced, routed, router

# Of tests/requirements-experiments.txt.
pytest.importorskip("ibis")
# Not run on a cluster yet: its store there has unit tests alone.
pytestmark = [pytest.mark.only("swarm"), pytest.mark.long]
__all__ = ["router"]

SHOP = """
import json, os, app

def setting(request, name, default):
    header = request.headers.get("X-" + name.title())
    return header or os.environ.get(name.upper(), default)

def do_get(self):
    page = {"button": setting(self, "button", "Buy"), "size": setting(self, "size", "10")}
    page["cache"] = os.environ.get("CACHE", "off")
    body = json.dumps(page).encode()
    self.send_response(503 if app.draining.is_set() and self.path == "/health" else 200)
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)

app.Shop.do_GET = do_get
app.main()
"""
EXPERIMENT = """
name: checkout
app: routed
service: web
factors:
  button:
    header: X-Button
    levels:
      buy: Buy
      now: {value: Buy now, promote: {environment: {BUTTON: Buy now}}}
  size:
    header: X-Size
    levels:
      small: "10"
      large: {value: "50", promote: {environment: {SIZE: "50"}}}
  cache:
    levels:
      off: {}
      on: {environment: {CACHE: "on"}}
responses:
  conversion: {rate: order, baseline: 0.1, smallest_effect: 0.1}
  revenue: {mean: order.value, cap: 100}
guardrails:
  errors: {ratio: [errors, requests], margin: 0.05}
sample: {min_units: 100}
deadline: 7d
"""


def probability(page: Page) -> float:
    """Button and size add to the orders, and more together. The cache adds nothing."""
    now, large = page["button"] == "Buy now", page["size"] == "50"
    return 0.1 + 0.1 * now + 0.05 * large + 0.15 * (now and large)


class Laboratory:
    """The shop and its experiment, by the playbook."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.folder = router.player.folder()
        self.data = self.folder / "data"
        spec = routed(router.platform)
        web = spec["services"]["web"]
        web["command"] = ["python3", "/experiment.py"]
        web["configs"] = [{"source": "shop", "target": "/experiment.py"}]
        web["x-shipping"]["routes"][0]["events"] = "100000/10s"
        del web["x-shipping"]["variants"]
        spec["configs"] = {"shop": {"content": SHOP.replace("$", "$$")}}
        (self.folder / "compose.yml").write_text(json.dumps(spec))
        self.write(EXPERIMENT)

    def write(self, text: str) -> None:
        """Write the experiment file."""
        (self.folder / "checkout.yml").write_text(text)

    def words(self, state: str, *flags: str, **variables: Any) -> list[str]:
        """The words of the playbook for a state."""
        values = {
            "target": "all",
            "experiment_file": str(self.folder / "checkout.yml"),
            "experiment_compose": [str(self.folder / "compose.yml")],
            "experiment_state": state,
            "experiment_pki": str(self.router.pki),
            "experiment_data": str(self.data),
            "experiment_report": str(self.folder / "report.html"),
            "experiment_node_addresses": self.router.addresses,
            "experiment_release": {
                "version": "1",
                "monitor": 1,
                "timeout": 240,
                **self.router.platform.options,
            },
            **variables,
        }
        (self.folder / "hosts.yml").write_text(
            json.dumps({"all": {"hosts": {"platform": self.router.player.connection}}})
        )
        return ["-i", "hosts.yml", "-e", json.dumps(values), *flags]

    def play(self, state: str, *flags: str, **variables: Any) -> PlayOutcome:
        """Bring the experiment to a state."""
        (self.folder / "results.jsonl").unlink(missing_ok=True)
        words = self.words(state, *flags, **variables)
        player = self.router.player
        return player.start_playbook(self.folder, "shipping.code.experiment", *words).wait()

    def info(self) -> dict[str, Any]:
        """Look without changing anything."""
        options = {
            "path": str(self.folder / "checkout.yml"),
            "data": str(self.data),
            "report": str(self.folder / "info.html"),
            "timeout": 240,
        }
        outcome = self.router.run("experiment_info", **options)
        assert outcome.ok, outcome.output
        return outcome.result


def of_experiment(outcome: PlayOutcome) -> dict[str, Any]:
    """The last result of the module experiment, which has cells."""
    return next(result for result in reversed(outcome.results) if "cells" in result)


def test_a_factorial_experiment(router: Router, platform: Any) -> None:
    """Eight cells; the best one is found and becomes the next release, and no GET is lost."""
    laboratory = Laboratory(router)
    assert router.play().ok
    reject_what_cannot_be(laboratory)
    start(laboratory)
    shoppers = Shoppers(platform.address, router.port, HOST, probability)
    url = f"http://{platform.address}:{router.port}/"
    with Client(url, every=0.1, host=HOST) as client:
        # One visitor: each request without a cookie would be another one, who never orders.
        client.headers["Cookie"] = f"shipping_visitor={uuid.UUID(int=7)}"
        shoppers.send(800)
        first = laboratory.play("running")
        assert first.ok, first.output
        assert of_experiment(first)["state"] == "running"
        kill_a_run(laboratory)
        assert client.lost == [] and shoppers.lost == []
        lost_meanwhile = restart_the_router(laboratory, client)
        shoppers.send(3200)
        find_the_effects(laboratory, shoppers)
        promote(laboratory)
        until(lambda: client.ask() == '{"button": "Buy now", "size": "50", "cache": "off"}', 30)
        assert client.lost[lost_meanwhile:] == [] and shoppers.lost == []
    end(laboratory)


def reject_what_cannot_be(laboratory: Laboratory) -> None:
    """Each is one clear error, before anything changes."""
    absent = laboratory.play("running", experiment_file="/nowhere.yml")
    assert not absent.ok and "there is no file /nowhere.yml" in absent.output, absent.output
    missing = laboratory.play("running", experiment_pki="/nowhere")
    assert not missing.ok and "incomplete" in missing.output, missing.output
    for old, new, text in (
        ("X-Button", "Cookie", "checkout.yml:7:13: has a meaning for connections"),
        ("deadline: 7d", "deadline: soon", "checkout.yml:26:11: 'soon' is no duration"),
        ("sample: {min_units: 100}", "sample: {units: 50}", "the experiment is under-powered"),
    ):
        assert old in EXPERIMENT
        laboratory.write(EXPERIMENT.replace(old, new))
        rejected = laboratory.play("planned")
        assert not rejected.ok and text in rejected.output, rejected.output
    laboratory.write(EXPERIMENT)


def start(laboratory: Laboratory) -> None:
    """Deploy the router and the shop; the same file twice changes nothing."""
    router, platform = laboratory.router, laboratory.router.platform
    planned = laboratory.play("planned")
    assert planned.ok and "now-large-on" in planned.output, planned.output
    options = {"app": APP, "version": "1", "compose": str(laboratory.folder / "compose.yml")}
    deployed = router.player.run("release", {**options, **platform.options})
    assert deployed.ok, deployed.output
    assert router.play().ok
    checked = laboratory.play("running", "--check")
    assert checked.ok, checked.output
    started = laboratory.play("running")
    assert started.ok, started.output
    assert of_experiment(started)["weights"]["control"] == 12.5
    # Four cells have settings of their own, and replicas for them.
    assert len([name for name in platform.services(APP) if name.startswith("web-")]) == 4
    again = laboratory.play("running")
    assert again.ok and "changed=0" in again.output, again.output
    changed = EXPERIMENT.replace("cap: 100", "cap: 10")
    laboratory.write(changed)
    rejected = laboratory.play("running")
    assert not rejected.ok and "its responses would differ" in rejected.output, rejected.output
    laboratory.write(EXPERIMENT)


def kill_a_run(laboratory: Laboratory) -> None:
    """A run that is killed leaves the record; the next one continues."""
    before = laboratory.info()
    words = laboratory.words("running")
    running = laboratory.router.player.start_playbook(
        laboratory.folder, "shipping.code.experiment", *words
    )
    running.until("Converge the experiment to its state", 120)
    running.kill_all()
    after = laboratory.info()
    assert (after["state"], after["started"]) == ("running", before["started"])


def restart_the_router(laboratory: Laboratory, client: Client) -> int:
    """Kill the only replica: what it has logged is kept by the look before it."""
    router = laboratory.router
    laboratory.info()
    task = router.run("router_info").result["replicas"][0]["replica"]
    router.platform.kill_replica("router", task)
    until(lambda: replaced(router, task), 60)
    until(lambda: not client.ask().startswith("lost"), 30)
    return len(client.lost)


def find_the_effects(laboratory: Laboratory, shoppers: Shoppers) -> None:
    """The best cell, the effects and their interaction are those that are built in."""
    until(lambda: sum(laboratory.info()["analysis"]["units"].values()) > 3800, 60)
    found = laboratory.info()
    assert found["decision"]["action"] == "ship", found["decision"]
    assert found["decision"]["cell"] in ("now-large-off", "now-large-on")
    assert (laboratory.folder / "info.html").stat().st_size > 1000
    assert sum(shoppers.orders.values()) > 500
    (conversion,) = (
        table for table in found["analysis"]["effects"] if table["response"] == "conversion"
    )
    effects = {tuple(effect["factors"]): effect for effect in conversion["effects"]}
    # Of the probability: an interaction is half of the difference of two effects.
    for factors, built_in in {
        ("button",): 0.175,
        ("size",): 0.125,
        ("cache",): 0.0,
        ("button", "size"): 0.075,
    }.items():
        effect = effects[factors]
        assert abs(effect["estimate"] - built_in) < 4 * effect["standard_error"], effect
        assert effect["low"] > 0 if built_in else abs(effect["statistic"]) < 4, effect


def promote(laboratory: Laboratory) -> None:
    """The cell is part of the next release, and the variants are gone."""
    promoted = laboratory.play("promoted", experiment_cell="now-large-off")
    assert promoted.ok, promoted.output
    platform = laboratory.router.platform
    assert platform.environment(APP, "web")["BUTTON"] == "Buy now"
    assert list(platform.services(APP)) == ["web"]
    again = laboratory.play("promoted", experiment_cell="now-large-off")
    assert again.ok and "changed=0" in again.output, again.output
    other = laboratory.play("promoted", experiment_cell="control")
    assert not other.ok and "was promoted already" in other.output, other.output
    rerun = laboratory.play("running")
    assert not rerun.ok and "Give the experiment another name" in rerun.output, rerun.output


def end(laboratory: Laboratory) -> None:
    """The record and the data leave."""
    gone = laboratory.play("absent")
    assert gone.ok, gone.output
    assert not list(Path(laboratory.data).rglob("*.jsonl"))
    assert laboratory.info()["state"] == "absent"
