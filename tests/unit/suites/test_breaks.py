# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break a file in a copy of the repository, and see which suites that wakes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core import tested_versions

from tests.suites.catalog import OTHER_VERSIONS, suites
from tests.suites.chosen_suites import all_suites
from tests.suites.dependencies import of_repository
from tests.testbed import __main__ as by_hand
from tests.testbed import downloaded_parts, engines, other_versions
from tests.testbed.versions import ENGINES, TODAYS_KUBERNETES

from .conftest import ROOT, git, listed_reasons, reasons

PLATFORMS = ("swarm", "kubernetes")
DELIVERIES = {f"delivery/test_{name}" for name in ("main_road", "changes", "types", "many")}
EVERYWHERE = {
    *(f"integration/test_keys on {platform}" for platform in PLATFORMS),
    "directory/test_oracle",
    "events/test_faults",
}
PLAYS = {"quickstart/test_quickstart", "molecule/test_scenarios"}

Breaks = dict[str, tuple[set[str], set[str]]]
# What is broken, the suites that must wake, and some that must not.
BREAKS: Breaks = {
    "tests/integration/harness.py": (
        {
            *(
                f"integration/test_{name} on swarm"
                for name in ("rollout", "keys", "release_history")
            ),
            *(
                f"integration/test_{name} on kubernetes"
                for name in ("rollout", "keys", "release_history")
            ),
        },
        {"delivery/test_changes", "directory/test_oracle", "schedule/test_systemd"},
    ),
    "tests/requirements.txt": (
        {*EVERYWHERE, "awx/test_awx", "unit", *DELIVERIES, *PLAYS},
        {"oldest"},
    ),
    "tests/testbed/machine.py": (
        {*EVERYWHERE, "schedule/test_cron", *DELIVERIES, *PLAYS},
        set(),
    ),
    # Modules of the names of playbooks are started by many suites, and the playbooks by few.
    "roles/services/tasks/main.yml": (
        {"integration/test_playbooks on swarm", *PLAYS},
        {
            "delivery/test_changes",
            "integration/test_keys on swarm",
            "integration/test_release_history on swarm",
            "directory/test_oracle",
        },
    ),
    "plugins/plugin_utils/_delivery/removal_limit.py": (
        {"events/test_rulebook", "schedule/test_cron", *DELIVERIES, *PLAYS},
        {"integration/test_keys on swarm", "directory/test_oracle"},
    ),
}
# Siblings: loaded inside of a function or by a name, started by a fixture, of one platform alone.
SIBLINGS: Breaks = {
    "plugins/module_utils/_platforms/kubernetes/planning.py": (
        {"integration/test_keys on kubernetes", "integration/test_manifest_apps on kubernetes"},
        {"integration/test_keys on swarm", "delivery/test_changes"},
    ),
    "plugins/module_utils/_toolbox/tool_store.py": (
        {"schedule/test_cron", "events/test_rulebook", *DELIVERIES},
        {"integration/test_keys on swarm"},
    ),
    "plugins/plugin_utils/_events/source.py": (
        {"events/test_faults", "events/test_directories"},
        {"delivery/test_changes"},
    ),
    "plugins/doc_fragments/platform.py": (
        {f"integration/test_keys on {platform}" for platform in PLATFORMS},
        {"delivery/test_changes"},
    ),
    "roles/membership_sync/files/membership_sync.py": (
        {"schedule/test_cron", "schedule/test_systemd"},
        {"integration/test_keys on swarm"},
    ),
    "tests/samples/queue/compose.yml": (
        {f"integration/test_samples on {platform}" for platform in PLATFORMS},
        {"integration/test_keys on swarm"},
    ),
    "tests/testbed/user_machine.py": (
        {"schedule/test_cron", "schedule/test_systemd", "events/test_rulebook", *DELIVERIES},
        {"integration/test_keys on swarm", "directory/test_oracle"},
    ),
    "tests/directory/conftest.py": (
        {"directory/test_oracle", "directory/test_check"},
        {"events/test_many", "delivery/test_changes"},
    ),
    "plugins/module_utils/_routing/startup_script.py": (
        {"routing/test_router", "integration/test_router on swarm"},
        {"delivery/test_changes"},
    ),
    "tests/testbed/awx.py": ({"awx/test_awx"}, {"delivery/test_changes"}),
    "molecule/delivery/side_effect.yml": ({"molecule/test_scenarios"}, {"delivery/test_changes"}),
}


def test_nothing_is_broken(copy: Path) -> None:
    listed = listed_reasons(copy)
    assert {"always", "unchanged"} <= set(listed.values())
    assert not [reason for reason in listed.values() if reason.startswith(("changed", "not in"))]
    # The other tests ask in this process, which reads only what is broken again.
    here = reasons(copy)
    assert {name: here[name] for name in listed} == listed
    # What the command leaves out, for want of its Python.
    assert set(here) - set(listed) <= {"oldest"}


@pytest.mark.parametrize("file", BREAKS)
def test_a_broken_file_wakes_the_suites_that_use_it(copy: Path, file: str) -> None:
    wakes, sleeps = BREAKS[file]
    path = copy / file
    before = path.read_bytes()
    path.write_text("{ this is broken")
    try:
        chosen = {name for name, because in reasons(copy).items() if because == f"changed: {file}"}
    finally:
        path.write_bytes(before)
    assert wakes <= chosen
    assert not sleeps & chosen


@pytest.fixture(scope="module")
def dependencies() -> dict[str, set[str]]:
    files = of_repository(ROOT)
    return {suite.name: suite.dependencies(files) for suite in suites(files)}


@pytest.mark.parametrize("file", SIBLINGS)
def test_a_changed_file_wakes_the_suites_that_use_it(
    dependencies: dict[str, set[str]], file: str
) -> None:
    wakes, sleeps = SIBLINGS[file]
    chosen = {name for name, files in dependencies.items() if file in files}
    assert wakes <= chosen
    assert not sleeps & chosen


def test_what_was_committed_since_wakes_too(copy: Path) -> None:
    path = copy / "plugins/plugin_utils/_delivery/removal_limit.py"
    before = git(copy, "rev-parse", "HEAD").strip()
    path.write_text(path.read_text() + "\n# changed\n")
    git(copy, "commit", "--quiet", "--all", "--message", "change")
    try:
        found = reasons(copy)
    finally:
        git(copy, "reset", "--quiet", "--hard", before)
    assert (
        found["delivery/test_changes"] == "changed: plugins/plugin_utils/_delivery/removal_limit.py"
    )
    assert found["directory/test_oracle"] == "always"


def test_without_the_commit_of_the_record_everything_counts_as_changed(copy: Path) -> None:
    path = copy / "tests" / "last-full-run.json"
    before = path.read_text()
    path.write_text(json.dumps({**json.loads(before), "commit": "0" * 40}))
    try:
        found = reasons(copy)
    finally:
        path.write_text(before)
    assert all(because.startswith("changed: ") for because in found.values())


@pytest.mark.parametrize("content", ["<<<<<<< ours", '{"commits": []}', "[]"])
def test_a_record_that_cannot_be_read_counts_as_none(
    copy: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "tests" / "last-full-run.json"
    before = path.read_text()
    path.write_text(content)
    try:
        found = reasons(copy)
    finally:
        path.write_text(before)
    notice = "tests/last-full-run.json cannot be read, so everything counts as changed: "
    printed = capsys.readouterr().out
    assert printed.startswith(notice) and printed.removeprefix(notice).strip()
    assert set(found.values()) == {"not in the last full run"}


def test_other_versions_of_the_platforms_run_in_full_runs_alone(copy: Path) -> None:
    names = {session.name for session in OTHER_VERSIONS}
    assert names == {"swarm-26", "swarm-29", "kubernetes-1.31", "kubernetes-1.37"}
    assert not names & set(reasons(copy))
    assert names <= {suite.name for suite, _choice in all_suites(copy)}


def test_engines_of_the_test_bed_bring_no_warning() -> None:
    for version in filter(None, ENGINES):
        assert tested_versions.newer_than_tested("engine", "Docker Engine", version) == ()
    assert TODAYS_KUBERNETES in tested_versions.TESTED["cluster"]


def test_the_main_road_consists_of_tests(copy: Path) -> None:
    for test in OTHER_VERSIONS[-1].tests:
        file, _separator, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (copy / file).read_text()


@pytest.mark.parametrize(
    ("lacks", "version", "named"),
    [
        (engines.lacks, "26", "Debian trixie"),
        (engines.lacks, "29", "moby-v2"),
        (downloaded_parts.lacks, "1.37", "kubernetes-v1.37"),
    ],
)
def test_what_is_not_built_is_named(
    lacks: Callable[[str], str],
    version: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert lacks("") == ""
    assert named in lacks(version) and lacks(version).endswith("make versions builds it")


@pytest.mark.parametrize(
    ("lacks", "known"),
    [(engines.lacks, "26, 29"), (downloaded_parts.lacks, "1.31, 1.36, 1.37")],
)
def test_an_unknown_version_is_an_error(lacks: Callable[[str], str], known: str) -> None:
    with pytest.raises(RuntimeError, match=f"no version 27: its versions are {known}$"):
        lacks("27")


def test_nothing_is_started_for_an_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(by_hand, "Machine", started.append)
    with pytest.raises(SystemExit, match="no version 27"):
        by_hand.main(["up", "a", "27"])
    assert started == []


def test_an_unknown_version_is_not_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert other_versions.main(["1.30"]) == 1
    assert "its versions are 26, 29, 1.31, 1.36, 1.37" in capsys.readouterr().out


def test_without_git_there_is_no_traceback(copy: Path) -> None:
    hidden = copy.parent / "hidden"
    (copy / ".git").rename(hidden)
    words = [sys.executable, "-m", "tests.suites", "list"]
    try:
        done = subprocess.run(words, cwd=copy, check=False, capture_output=True, text=True)
    finally:
        hidden.rename(copy / ".git")
    assert done.returncode == 2 and done.stderr == ""
    assert "git ls-files" in done.stdout and "not a git repository" in done.stdout
