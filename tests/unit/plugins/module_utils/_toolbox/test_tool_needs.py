# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that need others: their PATH, and what becomes of them where a need fails."""

from __future__ import annotations

from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._toolbox import deliver as toolbox

from .archives import Box, entry, project, script, sha256, user

NODE = "#!/bin/sh\necho node {version} $(basename $1)\n"
LINT = "#!/usr/bin/env node\n"
WORKS_WITH = '#!/bin/sh\ntest "$(node x)" = "node {version} x"\n'


def tool(box: Box, name: str, content: str, **more: Any) -> dict[str, Any]:
    box.contents["p", name] = {"content": content.encode()}
    return script(name, content.encode(), **more)


def node(box: Box, version: str, **more: Any) -> dict[str, Any]:
    return tool(box, "node", NODE.format(version=version), version=version, **more)


def deliver(box: Box, *tools: dict[str, Any]) -> dict[str, Any]:
    box.projects = [project("p", *tools)]
    return box.deliver(user("daemon", "p"))


def reasons(report: dict[str, Any]) -> dict[str, str]:
    return {failure["tool"]: failure["reason"] for failure in report["failures"]}


def test_a_command_finds_what_it_needs(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"], self_test=["lint"])
    # The need of a need is on the PATH, too.
    all_of_it = tool(box, "all", "#!/usr/bin/env lint\n", needs=["lint"])
    first = deliver(box, lint, all_of_it, node(box, "1"))
    assert first["ready"] and box.said("lint") == "node 1 lint", first["failures"]
    assert box.said("all").startswith("node 1")
    again = deliver(box, lint, all_of_it, node(box, "1"))
    assert not again["changed"]
    second = deliver(box, lint, all_of_it, node(box, "2"))
    assert second["changed"] and box.said("lint") == "node 2 lint"
    (box.view("daemon") / "bin" / "lint").write_text("")
    assert deliver(box, lint, all_of_it, node(box, "2"))["changed"]
    assert box.said("lint") == "node 2 lint"


def test_the_need_of_the_own_project_is_used(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"])
    box.contents["q", "node"] = {"content": NODE.format(version="other").encode()}
    other = script("node", NODE.format(version="other").encode(), priority=9)
    box.projects = [project("p", lint, node(box, "1")), project("q", other)]
    box.deliver(user("daemon", "p", "q"))
    assert box.said("node").startswith("node other") and box.said("lint") == "node 1 lint"


def test_a_need_that_fails(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"])
    broken = node(box, "1", self_test=["false"])
    report = deliver(box, lint, broken, tool(box, "free", "#!/bin/sh\n"))
    assert reasons(report)["lint"] == "it needs node, which is not ready"
    assert box.commands("daemon") == {"free"}


def test_a_need_that_is_not_for_this_host(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"])
    elsewhere = entry("script", "node", {"sha256": sha256(b""), "os": "macos"}, {"node": "node"})
    report = deliver(box, lint, elsewhere)
    assert reasons(report) == {"lint": "it needs node, which this user does not have on this host"}
    assert box.commands("daemon") == set() and not report["missing"]
    box.projects = [project("p", lint, elsewhere)]
    assert reasons(box.deliver(user("daemon", "p"), check_mode=True)) == reasons(report)


def test_a_need_that_breaks_what_was_ready_waits(box: Box) -> None:
    picky = tool(box, "picky", WORKS_WITH.format(version="1"), needs=["node"], self_test=["picky"])
    assert deliver(box, picky, node(box, "1"))["ready"]
    report = deliver(box, picky, node(box, "2"))
    assert reasons(report)["node"] == "picky, which needs it, fails with it"
    assert box.said("node").startswith("node 1") and box.said("picky") == ""
    # New users of picky alone have nothing that worked before.
    picky = tool(box, "picky", WORKS_WITH.format(version="2"), needs=["node"], self_test=["picky"])
    assert deliver(box, picky, node(box, "2"))["ready"] and box.said("node").startswith("node 2")


def test_a_tool_that_stays_keeps_its_need(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"])
    deliver(box, lint, node(box, "1"))
    # The catalog has a slip in lint, and no node any more.
    box.projects = [project("p", {**lint, "variants": [], "fault": "a slip"})]
    report = box.deliver(user("daemon", "p"))
    assert box.said("lint") == "node 1 lint" and not report["removals"]


def test_a_need_that_the_controller_cannot_get(box: Box) -> None:
    lint = tool(box, "lint", LINT, needs=["node"])
    all_of_it = tool(box, "all", "#!/usr/bin/env lint\n", needs=["lint"])
    box.projects = [project("p", all_of_it, lint, node(box, "1"), tool(box, "free", "#!/bin/sh\n"))]
    request = box.request(user("daemon", "p"), user("bin", "p"))
    missing = toolbox.deliver(request)["missing"]
    (absent,) = [lacking for lacking in missing if lacking["tool"] == "node"]
    others = [lacking for lacking in missing if lacking is not absent]
    unsent = {absent["object"]: "node cannot be downloaded"}
    report = toolbox.deliver(request._replace(bundle=box.bundle(others), unsent=unsent))
    # All hosts lack them for one reason, so they are faults of the catalog, which a run names once.
    assert report["catalog_errors"] == [
        {"project": "p", "tool": "node", "reason": "node cannot be downloaded"},
        {"project": "p", "tool": "all", "reason": "it needs lint, which is not ready"},
        {"project": "p", "tool": "lint", "reason": "it needs node, which is not ready"},
    ]
    assert report["failures"] == [] and not report["ready"]
    assert box.commands("daemon") == box.commands("bin") == {"free"}
    assert box.deliver(user("daemon", "p"), user("bin", "p"))["ready"]
    assert box.commands("bin") == {"all", "free", "lint", "node"}
