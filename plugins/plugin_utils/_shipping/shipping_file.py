# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a shipping file: the images to build and test, and the environments to deploy to. Pure.

The JSON schema and the table of the guide are generated from the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import ShippingError, SpecError, suggestion
from .._catalog.document_reader import DocumentNode, mapping
from .._sources.yaml_reader import tree
from .shipping_values import FORMS, FileKey, listed

FILE_NAME = "shipping.yml"
_BUILD_SECONDS, _TEST_SECONDS = 1800.0, 600.0

FILE_KEYS: dict[str, FileKey] = {
    "app": FileKey(FORMS["name"], "The name of the app.", required=True),
    "compose": FileKey(
        FORMS["paths"],
        "The path of a Compose file, or of several files to merge. `compose.yml` by default.",
    ),
}
IMAGE_KEYS: dict[str, FileKey] = {
    "repository": FileKey(
        FORMS["repository"],
        "The repository to push to, as `registry/name`, without a tag.",
        required=True,
    ),
    "context": FileKey(FORMS["path"], "The folder to build. `.` by default."),
    "dockerfile": FileKey(
        FORMS["path"], "The path of the Dockerfile below the context. `Dockerfile` by default."
    ),
    "args": FileKey(FORMS["build_args"], "The build arguments, by name."),
    "platform": FileKey(
        FORMS["build_platform"], "The system to build for. That of the engine by default."
    ),
    "services": FileKey(
        FORMS["names"], "The services that run the image. The service of its name by default."
    ),
    "timeout": FileKey(FORMS["duration"], "How long the build may take. `30m` by default."),
}
TEST_KEYS: dict[str, FileKey] = {
    "command": FileKey(
        FORMS["command"],
        "A command with its arguments, which runs in the built image and must exit with 0.",
        required=True,
    ),
    "timeout": FileKey(FORMS["duration"], "How long the test may take. `10m` by default."),
}
ENVIRONMENT_KEYS: dict[str, FileKey] = {
    "branch": FileKey(FORMS["text"], "The branch whose commits are deployed.", required=True),
    "hosts": FileKey(
        FORMS["text"], "The host or group of the inventory that deploys.", required=True
    ),
    "platform": FileKey(FORMS["name"], "The platform to deploy to. The default of `release`."),
    "app": FileKey(FORMS["name"], "The name of the app in this environment. `app` by default."),
    "values": FileKey(FORMS["values"], "Values for `${VARIABLE}` in the Compose files."),
}
TESTS_TEXT = "The tests of the image, in their order. It is pushed only if all of them pass."
PREVIEW_KEYS: dict[str, FileKey] = {
    "hosts": FileKey(
        FORMS["text"], "The host or group of the inventory that deploys.", required=True
    ),
    "branches": FileKey(
        FORMS["names"],
        "Patterns for names of branches, such as `feature/*`. Any branch that no environment has"
        " by default.",
    ),
    "limit": FileKey(FORMS["count"], "The largest number of previews. `5` by default."),
    "platform": FileKey(FORMS["name"], "The platform to deploy to. The default of `release`."),
    "app": FileKey(
        FORMS["name"], "The first part of the names of the apps. `app` of the file by default."
    ),
    "values": FileKey(
        FORMS["values"],
        "Values for `${VARIABLE}` in the Compose files. `${PREVIEW}` is the name of the preview.",
    ),
}
PREVIEWS_TEXT = "Which branches get an app of their own until they are deleted. None by default."
IMAGES_TEXT = "The images to build, by name."
ENVIRONMENTS_TEXT = "The environments, by name. Commits of other branches are not deployed."


@dataclass(frozen=True)
class ImageTest:
    """A command that runs in the built image, and its deadline in seconds."""

    command: tuple[str, ...]
    timeout: float = _TEST_SECONDS


@dataclass(frozen=True)
class ImageBuild:
    """An image to build; paths are below the folder of the file, ``timeout`` is in seconds."""

    name: str
    repository: str
    context: str = "."
    dockerfile: str = "Dockerfile"
    args: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    services: tuple[str, ...] = ()
    tests: tuple[ImageTest, ...] = ()
    timeout: float = _BUILD_SECONDS


@dataclass(frozen=True)
class Environment:
    """A branch, and where its commits are deployed."""

    name: str
    branch: str
    hosts: str
    app: str
    platform: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Previews:
    """Which branches get an app of their own, where, and how many at once."""

    hosts: str
    app: str
    branches: tuple[str, ...] = ("*",)
    limit: int = 5
    platform: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ShippingFile:
    """The content of a shipping file."""

    app: str
    compose: tuple[str, ...]
    images: tuple[ImageBuild, ...]
    environments: tuple[Environment, ...]
    previews: Previews | None = None


def read(text: str, file: str = FILE_NAME) -> ShippingFile:
    """Return the content of a shipping file.

    Raise :class:`SpecError` with all problems, each with its line and column.
    """
    node, plain = tree(text, file)
    if node is None:
        raise SpecError([], f"{file}: it is empty")
    place = DocumentNode(node, file, plain)
    parsers = {
        **{name: key.form.parse for name, key in FILE_KEYS.items()},
        "images": _images,
        "environments": _environments,
        "previews": _previews,
    }
    content = mapping(place, parsers, {"app", "environments"}, "a shipping file")
    if place.problems:
        raise SpecError(place.problems, file)
    app = content["app"]
    return ShippingFile(
        app,
        tuple(content.get("compose", ["compose.yml"])),
        tuple(content.get("images", ())),
        tuple(Environment(**{"app": app, **values}) for values in content["environments"]),
        _previews_of(app, content.get("previews")),
    )


def environment_of(content: ShippingFile, branch: str) -> Environment:
    """Return the environment of a branch; raise ShippingError if no environment has it."""
    name = branch.removeprefix("refs/heads/")
    branches = [environment.branch for environment in content.environments]
    if name not in branches:
        raise ShippingError(
            f"the branch {name} is not deployed",
            f"{FILE_NAME} has environments for {', '.join(branches)}{suggestion(name, branches)}",
            f"Push to one of them, or add an environment for {name}",
        )
    return content.environments[branches.index(name)]


def _images(place: DocumentNode) -> list[ImageBuild]:
    parsers = {
        **{name: key.form.parse for name, key in IMAGE_KEYS.items()},
        "tests": listed(_test),
    }
    images: list[ImageBuild] = []
    image_of_service: dict[str, str] = {}
    for name, _key, value in place.items():
        before = len(value.problems)
        entry = mapping(value, parsers, _required(IMAGE_KEYS), name)
        if len(value.problems) > before:
            continue
        services = tuple(entry.pop("services", [name]))
        for service in services:
            if service in image_of_service:
                value.problem(f"{service} has the image {image_of_service[service]} already")
            image_of_service[service] = name
        tests = tuple(entry.pop("tests", ()))
        images.append(ImageBuild(name, services=services, tests=tests, **entry))
    return images


def _previews(place: DocumentNode) -> dict[str, Any]:
    parsers = {name: key.form.parse for name, key in PREVIEW_KEYS.items()}
    return mapping(place, parsers, _required(PREVIEW_KEYS), "previews")


def _previews_of(app: str, entry: dict[str, Any] | None) -> Previews | None:
    if entry is None:
        return None
    values = {"app": app, **entry}
    if "branches" in entry:
        values["branches"] = tuple(entry["branches"])
    return Previews(**values)


def _test(place: DocumentNode) -> ImageTest | None:
    parsers = {name: key.form.parse for name, key in TEST_KEYS.items()}
    entry = mapping(place, parsers, _required(TEST_KEYS), "a test")
    if "command" not in entry:
        return None
    return ImageTest(tuple(entry["command"]), entry.get("timeout", _TEST_SECONDS))


def _environments(place: DocumentNode) -> list[dict[str, Any]]:
    parsers = {name: key.form.parse for name, key in ENVIRONMENT_KEYS.items()}
    environments: list[dict[str, Any]] = []
    name_of_branch: dict[str, str] = {}
    for name, _key, value in place.items():
        entry = mapping(value, parsers, _required(ENVIRONMENT_KEYS), name)
        branch = entry.get("branch", "")
        if branch in name_of_branch:
            value.problem(f"{branch} is the branch of {name_of_branch[branch]} already")
        name_of_branch[branch or name] = name
        environments.append({"name": name, **entry})
    if not environments and not place.problems:
        place.problem("must have at least one environment")
    return environments


def _required(keys: dict[str, FileKey]) -> set[str]:
    return {name for name, key in keys.items() if key.required}
