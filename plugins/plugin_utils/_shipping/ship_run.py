# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a commit to images that are built, tested and pushed, ready for a release."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils._core.errors import ShippingError
from ...module_utils._core.image_references import Reference
from . import ancestry, dockerfile, previews
from .build_context import BuildContext, read_context
from .build_engine import BuildEngine
from .build_key import build_key, tag_of
from .git_repository import GitRepository
from .shipping_file import (
    FILE_NAME,
    Environment,
    ImageBuild,
    ShippingFile,
    environment_of,
    read,
)

_VERSION = 12
Report = Callable[[str], None]


@dataclass(frozen=True)
class ShippedCommit:
    """A commit of a branch that is deployed, and what its shipping file declares."""

    id: str
    content: ShippingFile
    environment: Environment
    preview_of: str = ""

    @property
    def version(self) -> str:
        """Return the name of its release."""
        return self.id[:_VERSION]

    def summary(self) -> dict[str, Any]:
        """Return it in the form of a module's result."""
        environment = self.environment
        return {
            "commit": self.id,
            "version": self.version,
            "environment": {
                "name": environment.name,
                "branch": environment.branch,
                "hosts": environment.hosts,
                "app": environment.app,
                "platform": environment.platform,
            },
            "preview_of": self.preview_of,
        }


@dataclass(frozen=True)
class PlannedImage:
    """An image with its key; ``digest`` is empty unless it is built and tested already."""

    image: ImageBuild
    context: BuildContext
    bases: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    digest: str = ""
    needs_buildkit: bool = False

    @property
    def reference(self) -> str:
        """Return the reference of the image."""
        name = f"{self.image.repository}:{self.tag}"
        return f"{name}@{self.digest}" if self.digest else name

    def summary(self, state: str) -> dict[str, Any]:
        """Return it in the form of a module's result."""
        tests = [" ".join(test.command) for test in self.image.tests]
        return {
            "name": self.image.name,
            "image": self.reference,
            "services": list(self.image.services),
            "tests": tests,
            "state": state,
        }


def read_commit(
    repository: GitRepository, revision: str, branch: str, preview: str | None = None
) -> ShippedCommit:
    """Return a commit with its environment; raise ShippingError if its branch has none.

    With ``preview`` it is that of a preview of this name; empty for that of the branch.
    """
    commit, content = read_content(repository, revision, branch)
    if preview is None:
        return ShippedCommit(commit, content, environment_of(content, branch))
    environment = previews.preview_environment(content, branch, preview)
    return ShippedCommit(commit, content, environment, preview_of=content.app)


def read_content(repository: GitRepository, revision: str, branch: str) -> tuple[str, ShippingFile]:
    """Return the ID of a commit and its shipping file; raise ShippingError if not on the branch."""
    tip = repository.tip(branch)
    commit = repository.commit_id(revision)
    if not repository.is_ancestor(commit, tip):
        raise ShippingError(
            f"commit {commit[:_VERSION]} is not deployed",
            f"the branch {branch} does not contain it",
            "Push it to the branch, or correct commit or branch",
        )
    return commit, read(repository.file_text(commit, FILE_NAME))


def check_newest(
    repository: GitRepository, shipped: ShippedCommit, history: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Check that a preview's commit is the newest one of its branch; return the commits since.

    Nothing else counts: the branch of a preview may be rebased, and may fail again and again.
    """
    branch = shipped.environment.branch
    if repository.tip(branch) != shipped.id:
        raise ShippingError(
            f"commit {shipped.version} is not deployed",
            f"{branch} has a newer one",
            "Deploy that one",
            reason="ancestor",
        )
    releases = ancestry.past_releases(history)
    live = ancestry.newest_with_commit(releases, ancestry.LIVE)
    return repository.notes(shipped.id, live.commit if live else "")


def check_order(
    repository: GitRepository,
    commit: str,
    history: Iterable[Mapping[str, Any]],
    permissions: ancestry.Permissions,
) -> list[str]:
    """Check a commit against the history of the app; return the commits since the live one."""
    releases = ancestry.past_releases(history)
    relations = {
        other: repository.relation(commit, other) for other in ancestry.commits_to_compare(releases)
    }
    ancestry.check_order(commit, releases, relations, permissions)
    live = ancestry.newest_with_commit(releases, ancestry.LIVE)
    return repository.notes(commit, live.commit if live else "")


def plan_images(
    images: Iterable[ImageBuild], checkout: str, engine: BuildEngine
) -> list[PlannedImage]:
    """Return the images with their keys, and those that the registry has already."""
    # All files first, so that a mistake in them needs no registry.
    contexts = [(image, read_context(checkout, image)) for image in images]
    parsed = [(image, context, dockerfile.parse(context.dockerfile)) for image, context in contexts]
    system = engine.platform() if parsed else ""
    # Images of a commit often have a base in common, which takes one request to its registry.
    bases: dict[str, str] = {}
    planned = []
    for image, context, file in parsed:
        names = file.base_images(image.args, image.platform or system, system)
        bases |= {name: _base_digest(name, image, engine) for name in names if name not in bases}
        entry = PlannedImage(image, context, {name: bases[name] for name in names})
        planned.append(_with_key(entry, file, engine, system))
    return planned


def build_all(
    planned: Iterable[PlannedImage], engine: BuildEngine, time: int, report: Report
) -> list[PlannedImage]:
    """Build, test and push the images that the registry does not have."""
    built = [(entry, _tested(entry, engine, time, report)) for entry in planned]
    # Only after the tests of all images: a tag is the proof that a later run relies on.
    return [_pushed(entry, image_id, engine, report) for entry, image_id in built]


def compose_paths(content: ShippingFile, checkout: str) -> list[str]:
    """Return the paths of the Compose files; raise ShippingError for one outside of the commit."""
    root = os.path.realpath(checkout)
    paths = [os.path.join(root, path) for path in content.compose]
    for name, path in zip(content.compose, paths, strict=True):
        # A link may lead to any file of the controller.
        if os.path.realpath(path) != path or not os.path.isfile(path):
            raise ShippingError(
                f"{name} cannot be read",
                "the commit has no such file, or a link",
                f"Correct compose in {FILE_NAME}",
            )
    return paths


def release_options(
    shipped: ShippedCommit, compose: list[str], images: Iterable[PlannedImage]
) -> dict[str, Any]:
    """Return the options of the release of a commit."""
    environment = shipped.environment
    by_service: dict[str, str] = {}
    to_build = False
    for entry in images:
        by_service.update(dict.fromkeys(entry.image.services, entry.reference))
        to_build = to_build or not entry.digest
    return {
        "app": environment.app,
        "version": shipped.version,
        "commit": shipped.id,
        "branch": environment.branch,
        "preview_of": shipped.preview_of,
        "compose": compose,
        "images": by_service,
        "values": environment.values,
        **({"platform": environment.platform} if environment.platform else {}),
        # In check mode, an image that is still to be built has no digest.
        **({"resolve_image": "never"} if to_build else {}),
    }


def ordered(
    shipped: ShippedCommit, built: Mapping[str, Any], order: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a former result of the commit, with the order by a newer history."""
    if built.get("commit") != shipped.id or "release" not in built:
        raise ShippingError(
            "built cannot be used",
            f"it is not the result of a build of {shipped.version}",
            "Register the result of shipping.code.ship for this commit, and pass it",
        )
    return {
        **shipped.summary(),
        "notes": order["release_notes"],
        "changed": False,
        "images": built["images"],
        "release": {**built["release"], **order},
    }


def outcome(planned: Iterable[PlannedImage], images: Iterable[PlannedImage]) -> dict[str, Any]:
    """Return the images as the result of a module; ``images`` are the planned ones afterwards."""
    summaries = []
    for before, after in zip(planned, images, strict=True):
        state = "present" if before.digest else "built"
        summaries.append(after.summary(state if after.digest else "to build"))
    changed = any(summary["state"] != "present" for summary in summaries)
    return {"changed": changed, "images": summaries}


def _with_key(
    entry: PlannedImage, file: dockerfile.Dockerfile, engine: BuildEngine, system: str
) -> PlannedImage:
    image, context = entry.image, entry.context
    tag = tag_of(build_key(image, context.dockerfile, context.entries, entry.bases, system))
    digest = engine.digest(f"{image.repository}:{tag}") or ""
    needs_buildkit = bool(file.needs_of_buildkit())
    # An image that the registry has needs no builder.
    if needs_buildkit and not digest:
        path = os.path.normpath(f"{image.context}/{image.dockerfile}")
        dockerfile.check_buildkit(file, path, engine.lacks_buildkit())
    return replace(entry, tag=tag, digest=digest, needs_buildkit=needs_buildkit)


def _base_digest(base: str, image: ImageBuild, engine: BuildEngine) -> str:
    """Return the digest of a base image, or the ID of one that only the engine has."""
    try:
        Reference.parse(base)
    except ValueError as error:
        raise ShippingError(
            f"the image {image.name} cannot be built",
            f"its base image has no valid name ({base!r})",
            "Correct FROM in its Dockerfile, or set the build argument in args",
        ) from error
    digest = engine.digest(base)
    found = digest or engine.local_id(base)
    if found is None:
        raise ShippingError(
            f"the image {image.name} cannot be built",
            f"neither the registry nor the engine has its base image {base}",
            "Correct FROM in its Dockerfile, or push the base image",
        )
    return found if digest else f"local:{found}"


def _tested(entry: PlannedImage, engine: BuildEngine, time: int, report: Report) -> str:
    """Build and test an image; return its ID, or nothing if the registry has it already."""
    name = entry.image.name
    if entry.digest:
        report(f"{name} is built and tested already")
        return ""
    for base, digest in entry.bases.items():
        if not digest.startswith("local:"):
            engine.pull(base, digest)
    report(f"{name} is being built")
    with entry.context.pack(entry.image, time) as packed:
        build = engine.build_by_client if entry.needs_buildkit else engine.build
        image_id = build(entry.image, packed)
    for test in entry.image.tests:
        report(f"{name} is being tested: {' '.join(test.command)}")
        engine.test(image_id, entry.image, test)
    return image_id


def _pushed(
    entry: PlannedImage, image_id: str, engine: BuildEngine, report: Report
) -> PlannedImage:
    if not image_id:
        return entry
    digest = engine.push(image_id, entry.image, entry.tag)
    report(f"{entry.image.name} is pushed as {entry.image.repository}@{digest}")
    return replace(entry, digest=digest)
