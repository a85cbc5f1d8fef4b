# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git knows of commits, in whole and in shallow clones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.git_process import run_git
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ancestry import Relation
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.git_repository import (
    GitRepository,
    open_repository,
)

from tests.ci.project_repository import AUTHOR

AUTHOR_AND_DATE = {
    **AUTHOR,
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


def git(folder: Path, *words: str) -> str:
    done = run_git(["-C", str(folder), *words], 60, AUTHOR_AND_DATE)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@dataclass
class Project:
    """A bare repository, and a clone with two commits on main, one beside them, one unrelated."""

    bare: Path
    clone: Path
    commits: dict[str, str]

    def opened(self, path: Path | str) -> GitRepository:
        return open_repository(str(path), str(self.clone.parent))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("git")
    bare, clone = folder / "shop.git", folder / "shop"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(folder, "clone", "--quiet", str(bare), str(clone))
    git(clone, "checkout", "--quiet", "-b", "main")
    commits = {}
    for name in ("one", "two"):
        (clone / "file").write_text(name)
        (clone / "run").write_text("#!/bin/sh\n")
        (clone / "run").chmod(0o755)
        git(clone, "add", ".")
        git(clone, "commit", "--quiet", "-m", name)
        commits[name] = git(clone, "rev-parse", "HEAD")
    git(clone, "checkout", "--quiet", "-b", "side", "HEAD~1")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "side")
    commits["side"] = git(clone, "rev-parse", "HEAD")
    git(clone, "checkout", "--quiet", "--orphan", "other")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "other")
    commits["other"] = git(clone, "rev-parse", "HEAD")
    git(clone, "push", "--quiet", "origin", "main", "side", "other")
    return Project(bare, clone, {**commits, "gone": "f" * 40, "by hand": "v1 by hand"})


@pytest.mark.parametrize(
    ("commit", "other", "relation"),
    [
        ("two", "two", Relation.SAME),
        ("two", "one", Relation.DESCENDANT),
        ("one", "two", Relation.ANCESTOR),
        ("two", "side", Relation.DIVERGED),
        ("two", "other", Relation.UNRELATED),
        ("two", "gone", Relation.MISSING),
        ("two", "by hand", Relation.MISSING),
    ],
)
def test_relations(project: Project, commit: str, other: str, relation: Relation) -> None:
    repository = project.opened(project.bare)
    assert repository.relation(project.commits[commit], project.commits[other]) is relation


def shallow_clone(project: Project, folder: Path) -> Path:
    """A clone as CI makes it."""
    git(folder, "clone", "--quiet", "--depth=1", f"file://{project.bare}", "ci")
    return folder / "ci"


def test_a_shallow_clone_is_deepened(project: Project, tmp_path: Path) -> None:
    repository = project.opened(shallow_clone(project, tmp_path))
    one, two = project.commits["one"], project.commits["two"]
    assert repository.is_shallow and repository.relation(two, one) is Relation.SHALLOW
    assert repository.tip("main") == two
    assert not repository.is_shallow and repository.relation(two, one) is Relation.DESCENDANT


def test_a_shallow_clone_without_its_remote(project: Project, tmp_path: Path) -> None:
    clone = shallow_clone(project, tmp_path)
    git(clone, "remote", "remove", "origin")
    repository = project.opened(clone)
    assert repository.tip("main") == project.commits["two"]
    assert repository.relation(project.commits["two"], project.commits["one"]) is Relation.SHALLOW


def test_a_remote_that_does_not_answer(project: Project, tmp_path: Path) -> None:
    clone = shallow_clone(project, tmp_path)
    git(clone, "remote", "set-url", "origin", "/no/such/folder")
    with pytest.raises(ShippingError, match="the branch main cannot be fetched"):
        project.opened(clone).tip("main")


def test_a_url_is_cloned(project: Project, tmp_path: Path) -> None:
    repository = open_repository(f"file://{project.bare}", str(tmp_path))
    assert repository.tip("refs/heads/side") == project.commits["side"]
    with pytest.raises(ShippingError, match="the repository cannot be cloned"):
        open_repository(f"file://{project.bare}/none", str(tmp_path / "none"))


def test_what_is_not_there(project: Project) -> None:
    repository = project.opened(project.bare)
    with pytest.raises(ShippingError, match="has no refs/heads/none"):
        repository.tip("none")
    with pytest.raises(ShippingError, match="does not have it"):
        repository.commit_id("f" * 40)
    with pytest.raises(ShippingError, match=r"shipping\.yml cannot be read: commit .* has no such"):
        repository.file_text(project.commits["two"], "shipping.yml")


@pytest.mark.parametrize("text", ["--output=x", "a..b", "a b", "", "main@{1}", "$(x)", ":file"])
def test_names_that_git_would_understand_otherwise(project: Project, text: str) -> None:
    for read in (project.opened(project.bare).tip, project.opened(project.bare).commit_id):
        with pytest.raises(ShippingError, match="cannot be used"):
            read(text)


def test_check_out(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a hook, whose variables name another repository."""
    monkeypatch.setenv("GIT_DIR", "/no/such/folder")
    monkeypatch.setenv("GIT_INDEX_FILE", "/no/such/index")
    before = git(project.clone, "status", "--porcelain", "--branch")
    for path in (project.bare, project.clone):
        folder = tmp_path / path.name
        folder.mkdir()
        project.opened(path).check_out(project.commits["one"], str(folder))
        assert sorted(entry.name for entry in folder.iterdir()) == ["file", "run"]
        assert (folder / "file").read_text() == "one"
        assert (folder / "run").stat().st_mode & 0o100
    assert git(project.clone, "status", "--porcelain", "--branch") == before


def test_notes_author_and_time(project: Project) -> None:
    repository = project.opened(project.bare)
    one, two = project.commits["one"], project.commits["two"]
    assert repository.notes(two, one) == [f"{two[:7]} two"]
    assert repository.notes(two, "") == [f"{two[:7]} two"]
    assert repository.notes(two, "f" * 40) == [f"{two[:7]} two", f"{one[:7]} one"]
    assert repository.author(two) == "Ann <ann@example.com>"
    assert repository.time(two) == 1767323045


def test_submodules_are_an_error(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch=main", str(project.bare), str(clone))
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(clone, "commit", "--quiet", "-m", "submodule")
    with pytest.raises(ShippingError, match=r"files of its submodules are not in it \(lib\)"):
        project.opened(clone).check_out(git(clone, "rev-parse", "HEAD"), str(tmp_path))


def test_a_folder_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(ShippingError, match="cannot be read: fatal: not a git repository"):
        open_repository(str(tmp_path), str(tmp_path))


def test_branches_are_those_of_the_remote(project: Project) -> None:
    """A clone of CI has one branch, and the remote all of them."""
    branches = project.opened(project.bare).branches()
    assert "main" in branches and len(branches) > 1
    git(project.clone, "branch", "only-here", "main")
    assert project.opened(project.clone).branches() == branches


def test_a_remote_that_does_not_answer_has_no_branches_to_compare(
    project: Project, tmp_path: Path
) -> None:
    """No answer must not look like a repository whose branches were all deleted."""
    git(tmp_path, "clone", "--quiet", str(project.bare), str(tmp_path / "clone"))
    git(tmp_path / "clone", "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(ShippingError, match="cannot be read"):
        project.opened(tmp_path / "clone").branches()
