# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks by name; each raises CheckFailed with its findings."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

from ansible_test._internal.host_configs import NativePythonConfig
from ansible_test._internal.python_requirements import get_venv_packages

from . import words
from .place import CheckFailed, CheckSkipped, CollectionCopy

HEADER = [line.removeprefix("# ") for line in Path(__file__).read_text().splitlines()[:3]]
OLDEST_PYTHON = "python3.9"
TYPED = ("testbed", "suites", "lint", "docs", "benchmarks")


def command(line: str) -> Callable[[CollectionCopy], object]:
    """Return a check that is one command."""
    return lambda place: place.run(*line.split())


def sanity(place: CollectionCopy) -> None:
    """Run all tests of ansible-test sanity, on all Pythons of this host."""
    pip = get_venv_packages(NativePythonConfig(version="3.13"))["pip"].replace(".", "_")
    script = Path.home() / f".ansible/test/cache/get_pip_{pip}.py"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(place.collection / "tests/lint/get_pip.py", script)
    # Compose files as others write them, with tags that Ansible's YAML does not know.
    shutil.rmtree(place.collection / "tests/samples", ignore_errors=True)
    place.run("ansible-test", "sanity", "--color", "no")


def oldest_python(place: CollectionCopy) -> None:
    """Compile what runs on managed hosts with the oldest Python that they may have."""
    if not shutil.which(OLDEST_PYTHON):
        raise CheckSkipped(f"there is no {OLDEST_PYTHON} here")
    place.run(OLDEST_PYTHON, "-m", "compileall", "-q", "plugins/modules", "plugins/module_utils")


def headers(place: CollectionCopy) -> None:
    """Check that files have the license header, except empty ones and those in REUSE.toml."""
    annotations = tomllib.loads((place.collection / "REUSE.toml").read_text())["annotations"]
    exempt = [
        "COPYING",
        "LICENSES/*",
        *chain.from_iterable(annotation["path"] for annotation in annotations),
    ]
    expected = [
        file for file in place.files if not any(fnmatch(str(file), glob) for glob in exempt)
    ]
    without = [str(file) for file in expected if not has_header(place.collection / file)]
    if without:
        raise CheckFailed("without the license header:\n" + "\n".join(without))


def has_header(file: Path) -> bool:
    """Return whether the header is in the first lines, if there are any."""
    beginning = file.read_text(errors="replace").splitlines()[:8]
    return not beginning or all(line in "\n".join(beginning) for line in HEADER)


def shell(place: CollectionCopy) -> None:
    """Check shell scripts, whatever their names."""
    scripts = [
        file
        for file in place.files
        if (place.collection / file)
        .read_bytes()
        .startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))
    ]
    place.run("shellcheck", "--external-sources", *scripts)


def build(place: CollectionCopy) -> Path:
    """Return the collection as users get it."""
    artifact = place.top / "artifact"
    without_warning(place.run("ansible-galaxy", "collection", "build", "--output-path", artifact))
    return next(artifact.glob("*.tar.gz"))


def install(place: CollectionCopy) -> None:
    """Build and install the collection into an empty folder, without a warning."""
    artifact, folder = build(place), place.top / "installed"
    without_warning(
        place.run(
            "ansible-galaxy",
            "collection",
            "install",
            "--offline",
            artifact,
            ANSIBLE_COLLECTIONS_PATH=folder,
        )
    )


def galaxy_importer(place: CollectionCopy) -> None:
    """Check that Galaxy accepts the collection. Running ansible-lint is a check of its own."""
    environment = Path(
        place.run(
            "tests/testbed/setup.sh", "python", "tests/lint/requirements-importer.txt"
        ).strip()
    )
    artifact = build(place)
    settings = {
        "PATH": f"{environment}:{os.environ['PATH']}",
        "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "no",
    }
    without_warning(
        place.run(environment / "python", "-m", "galaxy_importer.main", artifact, **settings)
    )


def execution_environment(place: CollectionCopy) -> None:
    """Check that ansible-builder finds what an execution environment needs.

    It must also be able to create the one of the documentation.
    """
    found = place.run("ansible-builder", "introspect", place.top)
    names = ("meta/ee-requirements.txt", "meta/ee-bindep.txt")
    needed = "\n".join((place.collection / name).read_text() for name in names).splitlines()
    missing = [
        line
        for line in needed
        if line and not line.startswith("#") and line.split()[0] not in found
    ]
    if missing:
        raise CheckFailed("ansible-builder does not find:\n" + "\n".join(missing))
    place.run(
        "ansible-builder",
        "create",
        "--file",
        "docs/execution-environment.yml",
        "--context",
        place.top / "context",
    )


def word_list(place: CollectionCopy) -> None:
    """Check that no text for readers has a word that the glossary replaces."""
    place.run("python", "-m", "tests.lint.words")


def spelling(place: CollectionCopy) -> None:
    """Check that text is spelled correctly, in American English."""
    words_of_ours = words.read_words()
    unread = [*words.UNREAD, *(entry["path"] for entry in words_of_ours.unchecked)]
    place.run(
        "codespell",
        "--builtin=clear,rare,en-GB_to_en-US",
        f"--ignore-words-list={','.join(entry['word'] for entry in words_of_ours.spelling)}",
        f"--skip={','.join(f'./{glob}' for glob in unread)}",
        ".",
    )


def without_warning(output: str) -> None:
    """Fail on a warning of a tool that succeeded."""
    if "WARNING" in output or "ERROR" in output:
        raise CheckFailed(output.strip())


# The longest first, so that the others run beside them.
CHECKS: dict[str, Callable[[CollectionCopy], object]] = {
    "ansible-test": sanity,
    "ansible-lint": command("ansible-lint --offline --strict"),
    "antsibull-docs": command(
        "antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs all"
        " --check-extra-docs-refs ."
    ),
    "galaxy-importer": galaxy_importer,
    "mypy": command(
        "mypy -p ansible_collections.shipping.code.plugins -m tests.plays"
        f" {' '.join(f'-p tests.{name}' for name in TYPED)}"
    ),
    "ansible-builder": execution_environment,
    "antsibull-changelog": command("antsibull-changelog lint"),
    "build": install,
    "reuse": command("reuse lint"),
    "ruff-check": command("ruff check --output-format concise ."),
    "ruff-format": command("ruff format --check --output-format concise ."),
    "yamllint": command("yamllint --strict ."),
    "density": command("python -m tests.lint.density plugins extensions roles tests"),
    "shellcheck": shell,
    "headers": headers,
    "python3.9": oldest_python,
    "words": word_list,
    "codespell": spelling,
}
