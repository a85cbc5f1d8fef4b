# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read commits, their order and their files from a git repository of the controller."""

from __future__ import annotations

import os
import re
import subprocess

from ...module_utils._core.errors import ShippingError, os_words
from ...module_utils._core.slow_calls import waiting_for
from .._catalog.git_process import run_git
from .._catalog.tool_sources import without_login
from .ancestry import Relation

_TIMEOUT = 600
_REMOTE = "origin"
_SHOWN = 12
# The mode of a submodule in a tree (gitrevisions: a commit of another repository).
_SUBMODULE = "160000"
_NOTES = 100


class GitRepository:
    """A repository on the controller: a clone of CI, a bare one, or a fresh clone of a URL."""

    def __init__(self, git_folder: str) -> None:
        self.git_folder = git_folder
        self.is_shallow = self._output("rev-parse", "--is-shallow-repository") == "true"

    def tip(self, branch: str) -> str:
        """Return the commit of a branch: that of the remote, where the repository has one."""
        name = branch.removeprefix("refs/heads/")
        _check_name(name, "branch")
        reference = f"refs/heads/{name}"
        if _REMOTE in self._output("remote").splitlines():
            reference = f"refs/remotes/{_REMOTE}/{name}"
            self._fetch(name, reference)
        commit = self._commit_of(reference)
        if not commit:
            raise ShippingError(
                f"the branch {name} cannot be read",
                f"{self.git_folder} has no {reference}",
                "Correct branch, or push the branch first",
            )
        return commit

    def branches(self) -> frozenset[str]:
        """Return all branches: those of the remote, where the repository has one."""
        words = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"]
        if _REMOTE in self._output("remote").splitlines():
            words = ["ls-remote", "--heads", _REMOTE]
        with waiting_for("git, which lists the branches"):
            lines = self._output(*words).splitlines()
        references = [line.split(maxsplit=1)[1] for line in lines]
        return frozenset(name.removeprefix("refs/heads/") for name in references)

    def commit_id(self, revision: str) -> str:
        """Return the full ID of a commit."""
        _check_name(revision, "commit")
        commit = self._commit_of(revision)
        if not commit:
            raise ShippingError(
                f"commit {revision[:_SHOWN]} cannot be read",
                f"{self.git_folder} does not have it",
                "Correct commit, or push it first",
            )
        return commit

    def relation(self, commit: str, other: str) -> Relation:
        """Return the relation of a commit to another one, which may be missing."""
        if commit == other:
            return Relation.SAME
        if not self._has(other):
            return Relation.SHALLOW if self.is_shallow else Relation.MISSING
        if self.is_ancestor(other, commit):
            return Relation.DESCENDANT
        if self.is_ancestor(commit, other):
            return Relation.ANCESTOR
        # In a part of the history, only a positive answer is sure.
        if self.is_shallow:
            return Relation.SHALLOW
        has_base = self._run("merge-base", commit, other).returncode == 0
        return Relation.DIVERGED if has_base else Relation.UNRELATED

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether a commit is another one, or one of its ancestors."""
        return self._run("merge-base", "--is-ancestor", older, newer).returncode == 0

    def file_text(self, commit: str, path: str) -> str:
        """Return the text of a file of a commit."""
        done = self._run("cat-file", "blob", f"{commit}:{path}")
        if done.returncode:
            raise ShippingError(
                f"{path} cannot be read",
                f"commit {commit[:_SHOWN]} has no such file",
                f"Add {path} to the root of the repository",
            )
        return done.stdout

    def check_out(self, commit: str, folder: str) -> None:
        """Write the files of a commit into an empty folder; the repository stays as it is."""
        self._refuse_submodules(commit)
        # An index of its own: that of a clone belongs to its user, and a bare one has none.
        index = {"GIT_INDEX_FILE": os.path.join(folder, ".shipping-index")}
        self._output("read-tree", commit, variables=index)
        self._output("--work-tree", folder, "checkout-index", "--all", variables=index)
        os.unlink(index["GIT_INDEX_FILE"])

    def author(self, commit: str) -> str:
        """Return the author of a commit."""
        return _as_unicode(self._output("log", "-1", "--format=%an <%ae>", commit))

    def time(self, commit: str) -> int:
        """Return the time of a commit, in seconds since 1970."""
        return int(self._output("log", "-1", "--format=%ct", commit))

    def notes(self, commit: str, since: str) -> list[str]:
        """Return the commits after ``since``, newest first, each as its ID and subject."""
        span = f"{since}..{commit}" if since and self._has(since) else commit
        limit = _NOTES if since else 1
        listed = self._output("log", f"--max-count={limit}", "--format=%h %s", span)
        return _as_unicode(listed).splitlines()

    def _fetch(self, name: str, reference: str) -> None:
        words = ["fetch", "--quiet", "--no-tags"]
        target = f"+refs/heads/{name}:{reference}"
        if self.is_shallow and not self._fetched(*words, "--unshallow", _REMOTE, target).returncode:
            self.is_shallow = False
            return
        done = self._fetched(*words, _REMOTE, target)
        if done.returncode:
            raise _failure(f"the branch {name} cannot be fetched", done.stderr)

    def _fetched(self, *words: str) -> subprocess.CompletedProcess[str]:
        with waiting_for(f"git, which fetches from {_REMOTE}"):
            return self._run(*words)

    def _refuse_submodules(self, commit: str) -> None:
        listed = self._output("ls-tree", "-r", "-z", commit)
        entries = [entry for entry in listed.split("\0") if entry.startswith(f"{_SUBMODULE} ")]
        if entries:
            names = ", ".join(entry.partition("\t")[2] for entry in entries)
            raise ShippingError(
                f"commit {commit[:_SHOWN]} cannot be built",
                f"the files of its submodules are not in it ({names})",
                "Put the files into the repository, or build the image in your CI",
            )

    def _commit_of(self, reference: str) -> str:
        """Return the full ID of the commit of a reference; empty without one."""
        return self._run(
            "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}"
        ).stdout.strip()

    def _has(self, commit: str) -> bool:
        # A release by hand may have any text as its commit.
        is_id = re.fullmatch(r"[0-9a-f]{7,64}", commit)
        return bool(is_id) and self._run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def _output(self, *words: str, variables: dict[str, str] | None = None) -> str:
        done = self._run(*words, variables=variables)
        if done.returncode:
            raise _failure(f"the repository {self.git_folder} cannot be read", done.stderr)
        return done.stdout.strip("\n")

    def _run(
        self, *words: str, variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return _git("--git-dir", self.git_folder, *words, variables=variables)


def open_repository(repository: str, folder: str) -> GitRepository:
    """Return the repository at a path; one at a URL is cloned into ``folder`` first."""
    if os.path.isdir(repository):
        done = _git("-C", repository, "rev-parse", "--absolute-git-dir")
        if done.returncode:
            raise _failure(f"the repository {repository} cannot be read", done.stderr)
        return GitRepository(done.stdout.strip())
    target = os.path.join(folder, "repository.git")
    if not os.path.isdir(target):
        with waiting_for("git, which clones the repository"):
            done = _git("clone", "--quiet", "--bare", "--", repository, target)
        if done.returncode:
            raise _failure("the repository cannot be cloned", done.stderr)
    return GitRepository(target)


def _git(*words: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return run_git(words, _TIMEOUT, variables)
    except subprocess.TimeoutExpired as error:
        raise _failure("the repository cannot be read", f"git did not end in {_TIMEOUT} s") from (
            error
        )
    except OSError as error:
        raise ShippingError(
            "git does not start", os_words(error), "Install git on the controller"
        ) from error


def _check_name(text: str, option: str) -> None:
    """Reject what git would read as an option or as an expression."""
    if not re.fullmatch(r"[\w][\w./+@-]*", text) or ".." in text or "@{" in text:
        raise ShippingError(
            f"{option} cannot be used",
            f"{text!r} is not the name of a {option}",
            f"Write the name of a {option}",
        )


def _as_unicode(text: str) -> str:
    """Return a text for JSON: a commit may be in any encoding."""
    return text.encode(errors="replace").decode()


def _failure(what: str, stderr: str) -> ShippingError:
    cause = without_login(stderr.strip()) or "git failed"
    return ShippingError(what, cause, "Check that the controller can read the repository")
