# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a Helm chart by ``helm template``, for the cluster of the release.

``helm template`` has no cluster: without the options below a chart sees the version of Kubernetes
that Helm was built with and none of the cluster's own kinds, and ``lookup`` finds nothing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, zip_longest
from typing import Any

from ...module_utils._core.errors import Problem, SpecError
from ...module_utils._core.tested_versions import newer_than_tested
from . import chart_functions, external_tools
from .yaml_reader import parse_all

_ABSENT = object()


@dataclass(frozen=True)
class Capabilities:
    """The version and the kinds of a cluster; empty for those that Helm was built with."""

    version: str = ""
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """The inputs to render a Helm chart; ``capabilities`` is called only where there is one."""

    app: str
    namespace: str
    values: Mapping[str, Any] = field(default_factory=dict)
    values_files: tuple[str, ...] = ()
    capabilities: Callable[[], Capabilities] = Capabilities


@dataclass(frozen=True)
class RenderedChart:
    """The documents of a chart, the calls that find nothing, and warnings of Helm's version."""

    documents: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def render(path: str, chart: Chart) -> RenderedChart:
    """Return a chart's objects; raise SpecError where they differ each time."""
    program = shutil.which("helm")
    if not program:
        raise external_tools.missing("helm", path)
    words = _words(program, path, chart)
    values = json.dumps(dict(chart.values))
    event = f"helm cannot render {path}"
    rendered = external_tools.run(words, event, values)
    documents = parse_all(rendered, path)
    called = chart_functions.called(path, (values, *map(_text, chart.values_files)))
    changing = called & chart_functions.CHANGING
    if changing:
        # Times are rendered by the second.
        if chart_functions.TIMES & changing:
            time.sleep(1.0 - time.time() % 1.0)
        again = external_tools.run(words, event, values)
        _check_equal(path, documents, parse_all(again, path), changing)
    return RenderedChart(tuple(documents), tuple(_notes(path, called)), _warnings(program))


def _words(program: str, path: str, chart: Chart) -> list[str]:
    # `helm template` leaves out the folder crds/, which `helm install` would apply.
    words = [program, "template", chart.app, path, "--namespace", chart.namespace, "--include-crds"]
    capabilities = chart.capabilities()
    if capabilities.version:
        words += ["--kube-version", capabilities.version]
    # Helm adds them to the versions that it was built with, of which it leaves out none.
    words += [f"--api-versions={api}" for api in capabilities.apis]
    for name in chart.values_files:
        words += ["--values", name]
    # Through standard input: every user of a host can read the arguments of a process. Last, since
    # Helm lets the last values win over those of files.
    return [*words, "--values", "-"]


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _notes(path: str, called: Iterable[str]) -> Iterable[str]:
    if chart_functions.LOOKUP in called:
        yield (
            f"{path} calls lookup, which finds nothing: helm renders it without the cluster. Set"
            " helm_values for what the chart would look up"
        )


# Once for all charts of a run.
@cache
def _warnings(program: str) -> tuple[str, ...]:
    version = external_tools.run(
        [program, "version", "--template", "{{.Version}}"], "cannot read the version of helm"
    )
    return newer_than_tested("helm", "Helm", version.strip())


def _check_equal(path: str, first: list[Any], second: list[Any], called: Iterable[str]) -> None:
    """Raise SpecError with every field in which two renderings of a chart differ."""
    pairs = zip_longest(first, second, fillvalue=_ABSENT)
    # Hooks are not part of a release.
    places = list(
        chain.from_iterable(
            _differing(_title(one), one, other) for one, other in pairs if not _is_hook(one)
        )
    )
    if places:
        text = (
            "differs each time Helm renders the chart, which calls"
            f" {', '.join(sorted(called))}; set it in helm_values, or name a Secret of your own"
            " there, which charts often take as existingSecret"
        )
        raise SpecError([Problem(f"{path}, {place}", text) for place in places], "the manifests")


def _mapping(value: Any, key: str) -> dict[str, Any]:
    """Return a mapping inside of another one; empty for anything else, which is reported later."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _is_hook(document: Any) -> bool:
    return "helm.sh/hook" in _mapping(_mapping(document, "metadata"), "annotations")


def _title(document: Any) -> str:
    kind = document.get("kind") if isinstance(document, dict) else "a document"
    return f"{kind}/{_mapping(document, 'metadata').get('name')}"


def _differing(place: str, one: Any, other: Any) -> Iterable[str]:
    """Yield the places of the values that differ, never the values: they may be passwords."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from _differing(f"{place}.{key}", one.get(key, _ABSENT), other.get(key, _ABSENT))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differing(f"{place}.{number}", *pair)
    elif one != other:
        yield place
