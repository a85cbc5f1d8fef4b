# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites: files of tests, each on one platform, and the sessions of pytest that they run in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.versions import ENGINES, KUBERNETES_VERSIONS, TODAYS_KUBERNETES

from .dependencies import Files

# The statement has one line, or is a list with an indented line for each mark.
_OF_ALL_TESTS = r"^pytestmark = (?:.|\n(?= ))*?\bmark"
_ONLY = re.compile(rf"{_OF_ALL_TESTS}\.only\(\"(\w+)\"\)", re.MULTILINE)
_LONG = re.compile(r"\bmark\.long\b")
_LONG_ALONE = re.compile(rf"{_OF_ALL_TESTS}\.long\b", re.MULTILINE)
_REQUIREMENTS = "tests/requirements.txt"
# Also what experiments are analyzed with.
_EXPERIMENTS = "tests/requirements-experiments.txt"


@dataclass(frozen=True)
class PytestSession:
    """Tests that share an environment, options and a bed, and run in one pytest.

    ``load`` is how many processors it keeps busy by itself, as measured on two of them;
    ``is_in_order`` if its tests come in the order of their file;
    ``without`` matches files that its suites import and never use. ``tests`` are the only ones of
    the folder that it runs. ``is_for_full_runs`` if make test never runs it.
    """

    name: str
    folder: str
    load: float
    requirements: str = _REQUIREMENTS
    python: str = ""
    workers: int = 1
    options: tuple[str, ...] = ()
    without: re.Pattern[str] | None = None
    uses: tuple[str, ...] = ()
    is_one_suite: bool = False
    is_in_order: bool = False
    tests: tuple[str, ...] = ()
    is_for_full_runs: bool = False


# A platform's suites load the other platform's drivers, and never call them.
_NOT_ON_SWARM = re.compile(
    r"_platforms/kubernetes/|integration/kubernetes_platform\.py"
    r"|testbed/(kubernetes_|downloaded_parts|issuer)"
)
_NOT_ON_KUBERNETES = re.compile(r"_platforms/swarm/|integration/swarm_platform\.py")

MAIN_ROAD = (
    "test_rollout.py::test_case[good]",
    "test_rollout.py::test_case[exit-at-start]",
    "test_rollout.py::test_case[failing-health-check]",
    "test_jobs.py",
    "test_secrets.py::test_unchanged_secrets_change_nothing",
    "test_ownership.py::test_absent_leaves_only_volumes",
)
"""First release, change, failures that are rolled back, no changes, secrets, job, removal."""


MORE = {
    "kubernetes": ("test_manifest_apps.py::test_kustomization_and_chart",),
    "swarm": (
        "test_private_registries.py::test_local_image",
        "test_keys.py::test_keys_of_newer_engines",
    ),
}
"""What is beside it on each version of a platform: Helm, the store of images, newer keys."""


def _main_road(platform: str, version: str) -> PytestSession:
    """Return a session on another version of a platform than that of all other tests."""
    folder = "tests/integration"
    return PytestSession(
        f"{platform}-{version}",
        folder,
        0.6,
        options=("--platform", platform, "--platform-version", version),
        is_one_suite=True,
        tests=tuple(f"{folder}/{test}" for test in (*MAIN_ROAD, *MORE[platform])),
        is_for_full_runs=True,
    )


OTHER_VERSIONS = (
    *(_main_road("swarm", version) for version in ENGINES if version),
    *(
        _main_road("kubernetes", version)
        for version in KUBERNETES_VERSIONS
        if version != TODAYS_KUBERNETES
    ),
)
"""Sessions that are skipped with their reason where ``make versions`` has not built the version."""

SESSIONS = (
    PytestSession(
        "kubernetes",
        "tests/integration",
        1.3,
        requirements=_EXPERIMENTS,
        workers=2,
        options=("--platform", "kubernetes"),
        without=_NOT_ON_KUBERNETES,
    ),
    PytestSession("unit", "tests/unit", 0.9, workers=2, is_one_suite=True),
    PytestSession(
        "swarm",
        "tests/integration",
        1.4,
        requirements=_EXPERIMENTS,
        workers=3,
        without=_NOT_ON_SWARM,
    ),
    PytestSession("delivery", "tests/delivery", 0.6),
    PytestSession(
        "directory", "tests/directory", 0.8, requirements="tests/requirements-directory.txt"
    ),
    PytestSession("schedule", "tests/schedule", 0.3, is_in_order=True),
    PytestSession("events", "tests/events", 0.6, requirements="tests/requirements-events.txt"),
    PytestSession(
        "quickstart",
        "tests/quickstart",
        0.8,
        uses=(
            *("tests/testbed/quickstart.py", "tests/testbed/setup.sh"),
            *("playbooks", "inventories", "docs/ci/post-receive"),
        ),
    ),
    # Its programs are built or installed once; act alone takes a minute.
    PytestSession(
        "ci",
        "tests/ci",
        0.6,
        requirements="tests/requirements-ci.txt",
        uses=("docs/ci", "roles/ship_command"),
        is_for_full_runs=True,
    ),
    PytestSession(
        "experiments",
        "tests/experiments",
        0.8,
        requirements=_EXPERIMENTS,
        uses=("tests/simulations",),
    ),
    PytestSession("molecule", "tests/molecule", 0.8, uses=("molecule", ".ansible-lint")),
    PytestSession("awx", "tests/awx", 0.8),
    PytestSession("routing", "tests/routing", 0.9),
    PytestSession(
        "oldest",
        "tests/unit/plugins/module_utils",
        0.8,
        is_one_suite=True,
        python="3.9",
        requirements="tests/requirements-oldest.txt",
    ),
    *OTHER_VERSIONS,
)
"""The longest first, so that the others fill the time that is left."""


@dataclass(frozen=True)
class Suite:
    """One file of tests in one session, or all files of a session; ``path`` is what pytest takes.

    ``is_long`` if some of its tests are, ``is_long_alone`` if all are.
    """

    session: PytestSession
    path: str
    is_long: bool = False
    is_long_alone: bool = False

    @property
    def name(self) -> str:
        """Return how it is called in tables and in the record."""
        if self.session.is_one_suite:
            return self.session.name
        place = self.path.removeprefix("tests/").removesuffix(".py")
        if self.session.folder == "tests/integration":
            place += f" on {self.session.name}"
        # What has passed on the stand-in has not passed on an AWX.
        return (
            f"{place} on a real AWX"
            if self.session.name == "awx" and "AWX_URL" in os.environ
            else place
        )

    def dependencies(self, files: Files) -> set[str]:
        """Return all files that can change the outcome of its tests."""
        around = [f"{parent}/conftest.py" for parent in Path(self.path).parents]
        beside = ("tests/pytest.ini", self.session.requirements, *self.session.uses)
        return files.closure([self.path, *around, *beside], self.session.without)


def suites(files: Files) -> Iterator[Suite]:
    """Yield all suites, in the order of the sessions."""
    for session in SESSIONS:
        if session.is_one_suite:
            yield Suite(session, session.folder)
            continue
        for path in sorted(files.under(session.folder)):
            text = files.read(path) if Path(path).name.startswith("test_") else ""
            only = _ONLY.search(text)
            if text and not (only and only[1] != session.name):
                yield Suite(session, path, bool(_LONG.search(text)), bool(_LONG_ALONE.search(text)))
