# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of files, directories, kustomizations and Helm charts, as plain documents.

They are read on the control node. Kustomizations and charts are rendered by the official
tools, which have to be on the PATH.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from ...module_utils._core.errors import Problem, ShippingError, SpecError, os_words
from . import external_tools, helm_charts
from .helm_charts import Chart
from .yaml_reader import parse_all

_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True)
class ManifestFile:
    """The documents of one file, kustomization or chart; and what the run shows about a chart."""

    name: str
    documents: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def has(self, title: str) -> bool:
        """Return whether an object such as ``ConfigMap/web`` is among the documents."""
        return any(title in _titles(document) for document in self.documents)


def _titles(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return []
    if isinstance(document.get("items"), list):
        return list(chain.from_iterable(map(_titles, document["items"])))
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return [f"{document.get('kind')}/{name}"]


def documents(
    paths: Iterable[str], read: Callable[[str], bytes], chart: Chart
) -> list[ManifestFile]:
    """Return the documents of every path, in order; raise SpecError with all broken files."""
    files: list[ManifestFile] = []
    problems: list[Problem] = []
    for load in chain.from_iterable(_loaders(path, read, chart) for path in paths):
        try:
            files.append(load())
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems, "the manifests")
    return files


def all_documents(files: Iterable[ManifestFile]) -> list[Any]:
    """Return the documents of all files."""
    return list(chain.from_iterable(file.documents for file in files))


def check_files(files: Sequence[ManifestFile], check: Callable[[list[Any]], None]) -> None:
    """Raise SpecError with what ``check`` reports of the documents, and the file of each problem.

    Some problems are of several files together, such as an object in two of them.
    """
    problems = []
    for file in files:
        # A file may be empty as long as another one has objects.
        alone = _reported(check, file.documents) if any(file.documents) else []
        problems += [Problem(f"{file.name}, {each.path}", each.text) for each in alone]
    if not problems:
        together = _reported(check, all_documents(files))
        problems = [_with_names(problem, files) for problem in together]
    if problems:
        raise SpecError(problems, "the manifests")


def _reported(check: Callable[[list[Any]], None], parts: Iterable[Any]) -> list[Problem]:
    try:
        check(list(parts))
    except SpecError as error:
        return error.problems
    return []


def _with_names(problem: Problem, files: Sequence[ManifestFile]) -> Problem:
    names = [file.name for file in files if file.has(problem.path)]
    return Problem(f"{' and '.join(names)}, {problem.path}", problem.text) if names else problem


def _loaders(
    path: str, read: Callable[[str], bytes], chart: Chart
) -> Iterable[Callable[[], ManifestFile]]:
    """Return what loads each file of a path."""
    if not os.path.isdir(path):
        is_chart = path.endswith((".tgz", ".tar.gz"))
        return [partial(_chart, path, chart) if is_chart else partial(_file, path, read)]
    if any(os.path.exists(os.path.join(path, name)) for name in _KUSTOMIZATIONS):
        return [partial(_kustomization, path)]
    if os.path.exists(os.path.join(path, "Chart.yaml")):
        return [partial(_chart, path, chart)]
    # Sorted: the order in which a file system lists its entries differs from host to host.
    names = sorted(entry for entry in os.listdir(path) if entry.endswith(_ENDINGS))
    if not names:
        raise ShippingError(
            f"{path} has no manifests",
            "it has no file that ends with .yaml, .yml or .json",
            "Correct manifests",
        )
    return [partial(_file, os.path.join(path, name), read) for name in names]


def _file(path: str, read: Callable[[str], bytes]) -> ManifestFile:
    return ManifestFile(path, tuple(parse_all(_decoded(path, read), path)))


def _chart(path: str, chart: Chart) -> ManifestFile:
    rendered = helm_charts.render(path, chart)
    return ManifestFile(path, rendered.documents, rendered.notes, rendered.warnings)


def _kustomization(path: str) -> ManifestFile:
    return ManifestFile(path, tuple(parse_all(_kustomized(path), path)))


def _decoded(path: str, read: Callable[[str], bytes]) -> str:
    try:
        return read(path).decode()
    except OSError as error:
        raise ShippingError(f"cannot read {path}", os_words(error), "Correct manifests") from error
    except UnicodeDecodeError as error:
        raise ShippingError(
            f"cannot read {path}", "it is no text in UTF-8", "Correct manifests"
        ) from error


def _kustomized(path: str) -> str:
    for tool, words in (("kustomize", ["build"]), ("kubectl", ["kustomize"])):
        program = shutil.which(tool)
        if program:
            return external_tools.run([program, *words, path], f"{tool} cannot render {path}")
    raise external_tools.missing("kustomize or kubectl", path)


def secret_words(manifests: Iterable[Any]) -> list[str]:
    """Return what must not be shown: everything inside Secrets."""
    words: list[str] = []
    for document in manifests:
        if isinstance(document, dict) and document.get("kind") == "Secret":
            words += [str(value) for value in (document.get("stringData") or {}).values()]
            for value in (document.get("data") or {}).values():
                # A diff would show the base64, a log what is inside of it.
                words += [str(value), *_plain(str(value))]
        # A document of kind List has others in it, also Secrets.
        elif isinstance(document, dict) and isinstance(document.get("items"), list):
            words += secret_words(document["items"])
    return words


def _plain(value: str) -> list[str]:
    try:
        return [base64.b64decode(value, validate=True).decode()]
    except ValueError:
        return []
