# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the content of tools comes from: files beside the catalogue, downloads, git, wheels.

What is asked for with each run is cheap: small files are hashed, large ones have their checksum in
the catalogue, git has its commit. Only what a machine says is missing is fetched, verified and
bundled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import Problem, ShippingError, SpecError, innermost
from ...module_utils._toolbox import checked_names
from ...module_utils._toolbox.installers.installer import sha256_of, verify
from ...module_utils._toolbox.unpack import unpack
from . import project_file as reading
from . import wheels
from .compute_once import turn

_TIMEOUT = 60
_WHEEL = re.compile(r"[A-Za-z0-9_.+-]+\.whl")
_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class Catalogue:
    """A folder with a file for each project."""

    folder: str
    downloads: str
    """Where downloads and git objects are kept on the control machine."""
    checkouts: dict[str, str] = field(default_factory=dict)
    """Where projects are that have a repository of their own, by name."""

    def manifests(self, projects: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """What machines need to know of these projects.

        And the names of those that have no file.
        """
        problems: list[Problem] = []
        found, without = [], []
        for name in projects:
            path = self._path(name)
            if path is None:
                without.append(name)
                continue
            try:
                found.append(self._manifest(path, name))
            except SpecError as error:
                problems += error.problems
        if problems:
            raise SpecError(problems, f"the catalogue {self.folder}")
        return found, without

    def _path(self, name: str) -> str | None:
        """The file of a project.

        The name comes from the directory: it is a path only when it is a plain name.
        """
        if not checked_names.is_name(name):
            return None
        paths = (os.path.join(self.folder, f"{name}{suffix}") for suffix in _SUFFIXES)
        return next((path for path in paths if os.path.isfile(path)), None)

    def _manifest(self, path: str, name: str) -> dict[str, Any]:
        project = _read(path, name)
        if isinstance(project, reading.Pointer):
            return self._manifest_of_checkout(project, path, name)
        problems: list[Problem] = []
        tools = [self._pinned(tool, path, problems) for tool in project.tools]
        if problems:
            raise SpecError(problems, path)
        return {"name": name, "description": project.description, "tools": tools}

    def _manifest_of_checkout(
        self, pointer: reading.Pointer, path: str, name: str
    ) -> dict[str, Any]:
        folder = self._checkout(pointer, name)
        inner = os.path.join(folder, pointer.path)
        if not os.path.isfile(inner) or isinstance(_read(inner, name), reading.Pointer):
            raise SpecError(
                [
                    Problem(
                        path, f"commit {pointer.commit[:12]} has no project's file {pointer.path}"
                    )
                ],
                path,
            )
        self.checkouts[name] = os.path.dirname(inner)
        return Catalogue(self.checkouts[name], self.downloads)._manifest(inner, name)

    def _checkout(self, pointer: reading.Pointer, name: str) -> str:
        """The files of the commit, unpacked once."""
        folder = os.path.join(self.downloads, pointer.commit)
        with self._turn(pointer.commit):
            if not os.path.isdir(folder):
                archive = self._commit(pointer.repository, pointer.commit, name)
                partial = tempfile.mkdtemp(dir=self.downloads)
                unpack(archive, partial, name)
                try:
                    os.rename(partial, folder)
                except OSError:
                    shutil.rmtree(partial)
                    if not os.path.isdir(folder):
                        raise
        return folder

    @contextlib.contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """What many machines lack is fetched for the first, and is there for the others."""
        locks = f"{self.downloads}.locks"
        for folder in (self.downloads, locks):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with turn(os.path.join(locks, name)):
            yield

    def of(self, project: str) -> Catalogue:
        """Where the files of a project are."""
        return (
            Catalogue(self.checkouts[project], self.downloads)
            if project in self.checkouts
            else self
        )

    def _pinned(self, tool: dict[str, Any], path: str, problems: list[Problem]) -> dict[str, Any]:
        """The tool with the checksums of the small files that it names."""
        variants = []
        for variant in tool["variants"]:
            try:
                variants.append(self._with_checksums(tool, variant))
            except _Lacking as error:
                problems.append(Problem(path, f"{tool['name']}: {error}"))
            except OSError as error:
                problems.append(
                    Problem(
                        path, f"{tool['name']}: {error.filename} cannot be read: {innermost(error)}"
                    )
                )
        return {**tool, "variants": variants}

    def _with_checksums(self, tool: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
        if tool["kind"] == "python":
            if variant.get("wheels"):
                self._refuse_lacking(variant, os.listdir(self._beside(variant["wheels"])))
            return {
                **_without(variant, "wheels"),
                "wheels": bool(variant.get("wheels")),
                "lock_sha256": sha256_of(self._beside(variant["lock"])),
            }
        if tool["kind"] == "file":
            return {
                **variant,
                "sha256": sha256_of(self._beside(variant["file"])),
                "as": variant.get("path") or tool["name"],
            }
        if variant.get("file") and "sha256" not in variant:
            return {**variant, "sha256": sha256_of(self._beside(variant["file"]))}
        if variant.get("file"):
            os.stat(self._beside(variant["file"]))
        return variant

    def _refuse_lacking(self, variant: dict[str, Any], names: list[str]) -> None:
        """A lock without a wheel for a system that the catalogue names.

        Hashes are compared when something is sent.
        """
        system = wheels.declared(variant.get("os"), variant.get("arch"), variant.get("python"))
        with open(self._beside(variant["lock"]), encoding="utf-8") as stream:
            lacking = wheels.lacking(stream.read(), names, system)
        if lacking:
            raise _Lacking(
                f"{variant['wheels']} has no wheel of {', '.join(lacking)} for {system};"
                f" {variant['lock']} pins it"
            )

    def _beside(self, path: str) -> str:
        return os.path.join(self.folder, path)

    def contents(
        self, tool: Mapping[str, Any], variant: Mapping[str, Any], system: wheels.System
    ) -> Iterator[tuple[str, str]]:
        """Names and paths of the files that a machine needs to install a tool."""
        kind = tool["kind"]
        if kind == "git":
            yield "archive", self._commit(variant["repository"], variant["commit"], tool["name"])
        elif kind == "python":
            yield "lock", self._beside(variant["lock"])
            if variant.get("wheels"):
                yield from self._wheels(tool["name"], variant, system)
        elif kind in ("archive", "binary"):
            path = (
                self._beside(variant["file"])
                if variant.get("file")
                else self._download(variant["url"], variant["sha256"], tool["name"])
            )
            verify(path, variant["sha256"], tool["name"])
            yield ("archive" if kind == "archive" else "content"), path
        else:
            yield "content", self._beside(variant["file"])

    def _wheels(
        self, name: str, variant: Mapping[str, Any], system: wheels.System
    ) -> Iterator[tuple[str, str]]:
        folder = self._beside(str(variant["wheels_folder"]))
        found = sorted(entry for entry in os.listdir(folder) if _WHEEL.fullmatch(entry))
        with open(self._beside(variant["lock"]), encoding="utf-8") as stream:
            lock = stream.read()
        locked = set(re.findall(r"sha256:([0-9a-f]{64})", lock))
        kept = [entry for entry in found if sha256_of(os.path.join(folder, entry)) in locked]
        lacking = wheels.lacking(lock, kept, system)
        if lacking or not kept:
            raise ShippingError(
                f"{name} cannot be installed",
                f"no wheel in {folder} is for {system} and has a hash of {variant['lock']}:"
                f" {', '.join(lacking) or 'there is none at all'}",
                "Make the lock anew with the wheels of all systems and Pythons, or name those that"
                " the tool is for under platforms",
            )
        for entry in kept:
            yield f"wheels/{entry}", os.path.join(folder, entry)

    def _download(self, url: str, sha256: str, name: str) -> str:
        """The file with this checksum, from the cache or from its URL."""
        path = os.path.join(self.downloads, sha256)
        with self._turn(sha256):
            if not os.path.exists(path) or sha256_of(path) != sha256:
                descriptor, partial = tempfile.mkstemp(dir=self.downloads)
                try:
                    _fetch(url, descriptor, name)
                    verify(partial, sha256, name)
                    os.rename(partial, path)
                finally:
                    if os.path.exists(partial):
                        os.unlink(partial)
        return path

    def _commit(self, repository: str, commit: str, name: str) -> str:
        """The files of a commit as a tar. git itself holds content against the commit's id."""
        path = os.path.join(self.downloads, f"{commit}.tar")
        with self._turn(f"{commit}.tar"):
            if not os.path.exists(path):
                mirror = os.path.join(
                    self.downloads, f"git-{hashlib.sha256(repository.encode()).hexdigest()[:16]}"
                )
                source = (
                    self._beside(repository)
                    if not re.match(r"[\w+.-]+:|/|[\w.-]+@", repository)
                    else repository
                )
                git = _Git(name, commit)
                if not os.path.isdir(mirror):
                    git("init", "--quiet", "--bare", mirror)
                if not git.has(mirror):
                    git("-C", mirror, "fetch", "--quiet", "--no-tags", "--", source, commit)
                partial = f"{path}.{os.getpid()}"
                git("-C", mirror, "archive", "--format=tar", f"--output={partial}", commit)
                os.rename(partial, path)
        return path


def _fetch(url: str, descriptor: int, name: str) -> None:
    # Ansible's part for URLs takes as long to import as all else; most runs fetch nothing.
    from http.client import HTTPException

    from ansible.module_utils.urls import open_url

    try:
        with os.fdopen(descriptor, "wb") as file, open_url(url, timeout=_TIMEOUT) as answer:
            shutil.copyfileobj(answer, file)
    except (OSError, HTTPException) as error:
        raise ShippingError(
            f"{name} cannot be downloaded from {url}",
            innermost(error),
            "See whether the control machine reaches it",
        ) from error


class _Lacking(Exception):
    """A lock has no wheel for a system."""


def _read(path: str, name: str) -> reading.Project | reading.Pointer:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return reading.read(stream.read(), path, name)


class _Git:
    """git without a terminal and without anybody's configuration of aliases."""

    def __init__(self, name: str, commit: str) -> None:
        self.name, self.commit = name, commit

    def has(self, mirror: str) -> bool:
        """Whether the commit is there already."""
        return (
            self._run("-C", mirror, "cat-file", "-e", f"{self.commit}^{{commit}}").returncode == 0
        )

    def __call__(self, *words: str) -> None:
        done = self._run(*words)
        if done.returncode:
            raise ShippingError(
                f"commit {self.commit[:12]} of {self.name} cannot be had",
                f"git {words[0] if words[0] != '-C' else words[2]}: {done.stderr.strip()}",
                "See whether the repository can be read from the control machine, and has that"
                " commit on a branch or tag",
            )

    @staticmethod
    def _run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            ["git", *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )


def _without(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {
        **{name: value for name, value in data.items() if name != key},
        f"{key}_folder": data.get(key),
    }
