# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of GitHub Actions and GitLab CI, by act and gitlab-ci-local on this host.

Both run one job at a time for the commit that is checked out. What GitHub and GitLab do with runs
that wait is checked by their published schemas only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed import ci_tools

from .project_repository import SECRET, TEMPLATES, ProjectRepository, run, until

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Runner:
    """A program that runs a job as a CI does, and where the CI looks for the template."""

    template: str
    place: str
    schema: str
    needs: tuple[str, ...]
    command: Callable[[ProjectRepository], list[str]]
    masks: bool


def act(repository: ProjectRepository) -> list[str]:
    """Run the workflow with this host as the runner."""
    return [
        *(str(ci_tools.act()), "push", "--rm", "--platform", "ship=-self-hosted"),
        *("--platform", "self-hosted=-self-hosted", "--secret", f"VAULT_PASSWORD={SECRET}"),
    ]


def gitlab(repository: ProjectRepository) -> list[str]:
    """Run the pipeline in a shell of this host."""
    password = repository.folder / "password"
    password.write_text(SECRET)
    variable = f"VAULT_PASSWORD_FILE={password}"
    return [*ci_tools.gitlab_ci_local(), "--force-shell-executor", "--variable", variable]


RUNNERS = {
    "github": Runner(
        "github-actions.yml",
        ".github/workflows/ship.yml",
        "vendor.github-workflows",
        ("go",),
        act,
        masks=True,
    ),
    # It shows what GitLab masks, so the job must not print a secret by itself.
    "gitlab": Runner(
        "gitlab-ci.yml",
        ".gitlab-ci.yml",
        "vendor.gitlab-ci",
        ("npm", "rsync"),
        gitlab,
        masks=False,
    ),
}


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest) -> Runner:
    """Return each CI whose program can be installed here."""
    found = RUNNERS[request.param]
    if reason := ci_tools.lacks(*found.needs):
        pytest.skip(reason)
    return found


def job(runner: Runner, repository: ProjectRepository, commit: str) -> subprocess.Popen[str]:
    """Start the job of a commit, in a clone of its own, as a CI has it."""
    clone = repository.folder / f"job-{len(list(repository.folder.glob('job-*')))}"
    run(["git", "clone", "--quiet", repository.bare, clone])
    run(["git", "-C", clone, "reset", "--quiet", "--hard", commit])
    return subprocess.Popen(
        runner.command(repository),
        cwd=clone,
        env=repository.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit status and the output of a job."""
    output = process.communicate(timeout=300)[0]
    return process.returncode, output


def test_jobs(runner: Runner, repository: ProjectRepository) -> None:
    """Good, failing, older, and two in both orders at once."""
    template = repository.clone / runner.place
    template.parent.mkdir(parents=True, exist_ok=True)
    template.write_text((TEMPLATES / runner.template).read_text())
    good, _printed = repository.push("good")
    status, output = ended(job(runner, repository, good))
    assert status == 0 and repository.live == good, output
    (play,) = repository.plays
    assert (play["commit"], play["branch"], play["shallow"]) == (good, "main", "false")
    assert play["passwords"] == [SECRET]
    assert play["words"][:3] == ["shipping.code.ship", "-i", "deploy/inventory.yml"]
    assert not runner.masks or (SECRET not in output and "the play prints ***" in output), output

    bad, _printed = repository.push("bad")
    status, output = ended(job(runner, repository, bad))
    assert status == 1 and "the test failed" in output and repository.live == good

    slow, _printed = repository.push("slow")
    newest, _printed = repository.push("newest")
    first = job(runner, repository, slow)
    until(lambda: slow in repository.started)
    assert ended(job(runner, repository, newest))[0] == 0
    repository.release()
    status, output = ended(first)
    assert status == 1 and "it is older than the deployed commit" in output
    status, output = ended(job(runner, repository, good))
    assert status == 1 and "it is older than the deployed commit" in output
    assert repository.live == newest


@pytest.mark.parametrize("name", RUNNERS)
def test_templates_are_as_the_published_schemas(name: str, tmp_path: Path) -> None:
    """Also what the programs above ignore, such as the groups of jobs that wait."""
    chosen = RUNNERS[name]
    check = Path(sys.executable).parent / "check-jsonschema"
    words = [check, "--builtin-schema", chosen.schema]
    run([*words, TEMPLATES / chosen.template])
    wrong = tmp_path / "wrong.yml"
    text = (TEMPLATES / chosen.template).read_text()
    wrong.write_text(text.replace("resource_group: ", "interruptible: no #").replace("push:", "x:"))
    done = subprocess.run([*words, wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
