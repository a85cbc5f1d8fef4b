# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of docs/ci: the hook of a bare repository, and what all of them have.

The play is a stand-in. tests/ci runs the other templates.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.ci.project_repository import TEMPLATES, ProjectRepository, run, until


@pytest.fixture
def repository(tmp_path: Path) -> ProjectRepository:
    """A repository whose hook is the template, with an inventory of the test."""
    found = ProjectRepository(tmp_path)
    hook = found.bare / "hooks" / "post-receive"
    hook.write_text((TEMPLATES / "post-receive").read_text())
    hook.chmod(0o755)
    return found


def push_in_background(repository: ProjectRepository) -> subprocess.Popen[str]:
    """Push the clone's commit as it is now, beside another push."""
    words = ["git", "-C", str(repository.clone), "push", "origin", "HEAD:main"]
    return subprocess.Popen(
        words,
        env=repository.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_hook_deploys_what_is_good_and_newest(repository: ProjectRepository) -> None:
    good, printed = repository.push("good")
    assert "the play prints deployed" in printed
    (play,) = repository.plays
    assert (play["commit"], play["branch"], play["repository"]) == (
        good,
        "main",
        str(repository.bare),
    )
    assert play["words"][:3] == ["shipping.code.ship", "-i", "/etc/ship/inventory.yml"]

    bad, printed = repository.push("bad")
    assert "the test failed" in printed and f"ship: {bad} was not deployed." in printed
    newer, _printed = repository.push("newer")
    assert repository.live == newer
    printed = repository.git("push", "--quiet", "--force", "origin", f"{good}:main")
    assert "it is older than the deployed commit" in printed
    assert repository.live == newer


def test_the_hook_ignores_other_branches_tags_and_deletions(repository: ProjectRepository) -> None:
    """A name of a branch may be a template of Ansible."""
    repository.commit("good")
    for name in ("feature", "{{lookup('pipe','id')}}"):
        repository.git("push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
    repository.git("push", "--quiet", "origin", "HEAD:refs/tags/main")
    repository.git("push", "--quiet", "origin", ":refs/heads/feature")
    assert repository.started == []
    repository.git("push", "--quiet", "origin", "main", "HEAD:refs/heads/later")
    assert len(repository.plays) == 1
    run(["git", "-C", repository.bare, "config", "receive.denyDeleteCurrent", "ignore"])
    repository.git("push", "--quiet", "origin", ":refs/heads/main")
    assert len(repository.plays) == 1


def test_of_the_pushes_that_wait_only_the_newest_is_deployed(
    repository: ProjectRepository,
) -> None:
    first = repository.commit("slow")
    pushes = [push_in_background(repository)]
    until(lambda: repository.started == [first])
    second, third = "", ""
    for page in ("second", "third"):
        second, third = third, repository.commit(page)
        pushes.append(push_in_background(repository))
        tip = ["git", "-C", repository.bare, "rev-parse", "main"]
        until(lambda tip=tip, commit=third: run(tip) == commit)
    repository.release()
    printed = [push.communicate(timeout=60)[0] for push in pushes]
    assert [play["commit"] for play in repository.plays] == [first, third]
    assert repository.live == third
    assert f"ship: {second} is not deployed: main has a newer push." in printed[1]
