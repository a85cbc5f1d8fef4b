# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the content of tools: files beside the catalog, downloads, git.

Only content that a host reports as missing is fetched and verified.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from ...module_utils._core.errors import ShippingError, innermost, os_words
from ...module_utils._core.slow_calls import waiting_for
from ...module_utils._toolbox.installers.installer import digest_of, is_checksum, verify
from .compute_once import single_flight
from .git_process import run_git
from .open_urls import opened

_CHANGING_ATTRIBUTES = (
    "export-ignore",
    "export-subst",
    "text",
    "ident",
    "filter",
    "working-tree-encoding",
)
_SUBMODULE = "160000"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
# Seconds.
_GIT_TIMEOUT = 1800


class Probed(Exception):
    """Content can be fetched, as far as that is known without a download."""


@dataclass(frozen=True)
class ToolSources:
    """The places of the content of one project's tools."""

    folder: str
    """The folder of the project's file."""
    downloads: str
    """The folder for downloads and git objects on the controller."""
    only_probes: bool = False
    """Whether to raise :class:`Probed` instead of downloading."""

    def beside(self, path: str) -> str:
        """Return the path of a file that the catalog names."""
        return os.path.join(self.folder, path)

    def read(self, path: str) -> str:
        """Return the text of a file that the catalog names."""
        with open(self.beside(path), encoding="utf-8") as stream:
            return stream.read()

    @contextlib.contextmanager
    def first_alone(self, name: str) -> Iterator[None]:
        """Let the first process fetch what many hosts lack; the others find it."""
        # Beside the downloads: one that is rejected leaves nothing among them.
        locks = f"{self.downloads}.locks"
        for folder in (self.downloads, locks):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with single_flight(os.path.join(locks, name)):
            yield

    def download(self, url: str, checksum: str, name: str) -> str:
        """Return the file with this sha256 or sha512, from the cache or from its URL."""
        path = os.path.join(self.downloads, checksum)
        with self.first_alone(checksum):
            if not os.path.exists(path) or not is_checksum(path, checksum):
                self._replace(
                    path,
                    lambda file: self._fetch(url, file, name),
                    lambda file: verify(file, checksum, name),
                )
        return path

    def probe_all(self, urls: Iterable[str], name: str) -> None:
        """Raise ShippingError if one of the URLs that are not empty cannot be downloaded."""
        for url in filter(None, urls):
            _probe(url, name)

    def download_accepted(
        self, url: str, checksum: str, name: str, accept: Callable[[str], None]
    ) -> None:
        """Fetch a file that belongs to the content with this checksum, and keep it if accepted.

        It has no checksum of its own: ``accept`` gets its path, and raises ShippingError for one
        that is not right. One that was kept is accepted again before it is used.
        """
        file_name = f"{checksum}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
        path = os.path.join(self.downloads, file_name)
        with self.first_alone(file_name):
            if not _is_accepted(path, accept):
                self._replace(path, lambda file: self._fetch(url, file, name), accept)

    def derived(self, file_name: str, make: Callable[[str], None]) -> str:
        """Return a file of the cache, which ``make`` writes to a path where it is missing."""
        path = os.path.join(self.downloads, file_name)
        with self.first_alone(file_name):
            if not os.path.exists(path):
                self._replace(path, make, lambda file: None)
        return path

    def _fetch(self, url: str, path: str, name: str) -> None:
        if self.only_probes:
            _probe(url, name)
            raise Probed
        with _opened(url, name) as answer, open(path, "wb") as file:
            shutil.copyfileobj(answer, file)

    def _replace(
        self, path: str, make: Callable[[str], None], accept: Callable[[str], None]
    ) -> None:
        with self._partial_file() as partial:
            make(partial)
            accept(partial)
            os.rename(partial, path)

    @contextlib.contextmanager
    def _partial_file(self) -> Iterator[str]:
        """Yield the path of a new file, which is removed where it is not renamed."""
        # In the folder of the result, since rename(2) does not cross file systems.
        descriptor, partial = tempfile.mkstemp(dir=self.downloads)
        os.close(descriptor)
        try:
            yield partial
        finally:
            if os.path.exists(partial):
                os.unlink(partial)

    def latest(self, url: str, algorithm: str, name: str) -> tuple[str, str]:
        """Return the path of what a URL has now, and its checksum, by which deliveries find it."""
        with (
            self.first_alone(hashlib.sha256(url.encode()).hexdigest()),
            self._partial_file() as partial,
        ):
            self._fetch(url, partial, name)
            checksum = digest_of(partial, algorithm).hex()
            path = os.path.join(self.downloads, checksum)
            os.rename(partial, path)
        return path, checksum

    def commit(self, repository: str, commit: str, name: str) -> str:
        """Return the files of a commit as a tar; git itself checks content against its id.

        The tar has exactly its files: attributes that change or leave out files have no effect.
        Submodules are rejected, since their files are not in the commit.
        """
        path = os.path.join(self.downloads, f"{commit}-files.tar")
        with self.first_alone(f"{commit}-files.tar"):
            if not os.path.exists(path):
                mirror = os.path.join(
                    self.downloads, f"git-{hashlib.sha256(repository.encode()).hexdigest()[:16]}"
                )
                source = self._repository(repository)
                git = _Git(f"commit {commit[:12]} of {name}")
                if not os.path.isdir(mirror):
                    git("init", "--quiet", "--bare", mirror)
                if not git.has(mirror, commit):
                    if self.only_probes:
                        git("ls-remote", "--quiet", "--", source, "HEAD")
                        raise Probed
                    # After --, so that git does not read a repository with a hyphen as an option.
                    with waiting_for(f"git, which fetches {name}"):
                        git("-C", mirror, "fetch", "--quiet", "--no-tags", "--", source, commit)
                _refuse_submodules(git("-C", mirror, "ls-tree", "-r", "-z", commit), name, commit)
                # They override those of the commit (gitattributes(5)). By those, git archive would
                # leave out files, insert IDs, change line ends, and run the filter of LFS.
                attributes = os.path.join(mirror, "info", "attributes")
                os.makedirs(os.path.dirname(attributes), exist_ok=True)
                with open(attributes, "w", encoding="utf-8") as file:
                    file.write(f"* {' '.join(f'-{name}' for name in _CHANGING_ATTRIBUTES)}\n")
                partial = f"{path}.{os.getpid()}"
                git(
                    *("-C", mirror, "-c", "tar.umask=0022"),
                    *("archive", "--format=tar", f"--output={partial}", commit),
                )
                os.rename(partial, path)
        return path

    def references(self, repository: str, name: str) -> dict[str, str]:
        """Return the commits of the branches and tags of a repository, by their full names."""
        git = _Git(f"the branches and tags of {name}")
        with waiting_for(f"git, which lists the tags of {name}"):
            listed = git(
                *("ls-remote", "--quiet", "--heads", "--tags", "--", self._repository(repository))
            )
        commits = {}
        for line in listed.splitlines():
            commit, _tab, reference = line.partition("\t")
            # An annotated tag is an object of its own; the line behind it has the commit.
            commits[reference.removesuffix("^{}")] = commit
        return commits

    def _repository(self, repository: str) -> str:
        """Return a repository as git reads it: a URL, an absolute path, or HOST:PATH of SSH.

        All else is a path below the folder of the catalog.
        """
        is_absolute = re.match(r"[\w+.-]+:|/|[\w.-]+@", repository)
        return repository if is_absolute else self.beside(repository)


def without_login(text: str) -> str:
    """Return a text without the logins of its URLs, for messages."""
    return re.sub(r"(https?://)[^/@\s]*@", r"\1", text)


def _is_accepted(path: str, accept: Callable[[str], None]) -> bool:
    if not os.path.exists(path):
        return False
    try:
        accept(path)
    except ShippingError:
        return False
    return True


def is_lfs_pointer(file: IO[bytes]) -> bool:
    """Return whether a file begins as a pointer of Git LFS, which replaces the content.

    https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    return file.read(len(_LFS_POINTER)) == _LFS_POINTER


def refuse_lfs_pointers(path: str, name: str) -> None:
    """Raise ShippingError for a tar with pointers of Git LFS in place of files."""
    with tarfile.open(path) as content:
        pointers = [member.name for member in content if _is_lfs_pointer_in(content, member)]
    if pointers:
        raise ShippingError(
            f"{name} cannot be delivered",
            f"Git LFS has the content of {', '.join(pointers)}, and the commit has a pointer to it",
            "Deliver those files as a tool of the type binary or archive",
        )


def _is_lfs_pointer_in(content: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    file = content.extractfile(member) if member.isfile() else None
    return file is not None and is_lfs_pointer(file)


def _refuse_submodules(listed: str, name: str, commit: str) -> None:
    """Raise ShippingError if ``git ls-tree -z`` lists a submodule."""
    paths = [
        entry.partition("\t")[2]
        for entry in listed.split("\0")
        if entry.startswith(f"{_SUBMODULE} ")
    ]
    if paths:
        raise ShippingError(
            f"commit {commit[:12]} of {name} cannot be delivered",
            f"the files of its submodules are not in it ({', '.join(paths)})",
            "Deliver their repositories as tools of their own",
        )


def _probe(url: str, name: str) -> None:
    """Request one byte.

    Not by HEAD, which signed URLs of object stores reject. A server that does not know ranges sends
    all, of which nothing is read.
    """
    with _opened(url, name, {"Range": "bytes=0-0"}):
        pass


@contextlib.contextmanager
def _opened(url: str, name: str, headers: dict[str, str] | None = None) -> Iterator[Any]:
    def failure(error: Exception) -> ShippingError:
        return _failed_download(url, name, error)

    with waiting_for(f"the download of {name}"), opened(url, failure, headers=headers) as answer:
        yield answer


def _failed_download(url: str, name: str, error: Exception) -> ShippingError:
    from netrc import NetrcParseError

    # The message is in each call: the documentation's table of errors is read from them.
    if isinstance(error, NetrcParseError):
        return ShippingError(
            f"{name} cannot be downloaded from {without_login(url)}",
            # Not its own text, which quotes a word of the file.
            f"the netrc of the user cannot be read: {error.filename}, line {error.lineno}",
            "Correct ~/.netrc or the file that NETRC names",
        )
    return ShippingError(
        f"{name} cannot be downloaded from {without_login(url)}",
        without_login(innermost(error)),
        "Check that the controller can reach it",
    )


class _Git:
    """Runs git without a terminal."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose

    def has(self, mirror: str, commit: str) -> bool:
        """Return whether a commit is there already."""
        return self._run("-C", mirror, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def __call__(self, *words: str) -> str:
        """Run a command of git, and return its output."""
        done = self._run(*words)
        if done.returncode:
            options = itertools.takewhile(lambda word: word.startswith("-"), words[::2])
            raise self._failure(
                f"git {words[2 * len(list(options))]} failed, {without_login(done.stderr.strip())}",
                "Check that the controller can read the repository, and that a branch or tag has"
                " the commit",
            )
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return run_git(words, _GIT_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise self._failure(
                f"git did not end within {_GIT_TIMEOUT} s",
                "Check that the controller can reach the repository",
            ) from error
        except OSError as error:
            raise self._failure(
                f"git does not start, {os_words(error)}", "Install git on the controller"
            ) from error

    def _failure(self, cause: str, hint: str) -> ShippingError:
        return ShippingError(f"{self.purpose} cannot be fetched", cause, hint)
