# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a membership record and the projects' manifests to what each user of a machine must have.

Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import checked_names
from .generation_model import Tool
from .installers import KINDS
from .installers.installer import Facts

LAYOUT = 1
"""Raised when objects of the store are laid out anew, so that old ones are not taken for new ones."""


class Wish(NamedTuple):
    """A user of the record, with the tools of all projects."""

    id: str
    name: str
    tools: tuple[Tool, ...] = ()


class Source(NamedTuple):
    """What an object is made of, and where in the catalogue the control machine finds it."""

    project: str
    tool: str
    kind: str
    variant: int
    details: Mapping[str, Any]
    commands: Mapping[str, str]


class Wanted(NamedTuple):
    """All wishes of a record, what their objects are made of.

    And tools that are not for this machine.
    """

    wishes: tuple[Wish, ...]
    sources: Mapping[str, Source]
    passed_over: tuple[str, ...] = ()


@dataclass
class _Offer:
    """What a project has for this machine."""

    tools: list[Tool] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)


def wanted(
    record: Mapping[str, Any], manifests: Iterable[Mapping[str, Any]], facts: Facts
) -> Wanted:
    """What the users of the record must have on a machine with these facts."""
    offers = {manifest["name"]: _offer(manifest, facts) for manifest in manifests}
    sources: dict[str, Source] = {}
    for offer in offers.values():
        sources.update(offer.sources)
    wishes = []
    for user in record["users"]:
        mine = [offers[name] for name in sorted(set(user["projects"])) if name in offers]
        wishes.append(
            Wish(user["id"], user["name"], tuple(tool for offer in mine for tool in offer.tools))
        )
    used = {tool.object for wish in wishes for tool in wish.tools}
    passed = sorted(
        {
            text
            for name in {name for user in record["users"] for name in user["projects"]}
            & set(offers)
            for text in offers[name].passed_over
        }
    )
    return Wanted(
        tuple(wishes),
        {key: source for key, source in sources.items() if key in used},
        tuple(passed),
    )


def _offer(manifest: Mapping[str, Any], facts: Facts) -> _Offer:
    offer = _Offer()
    for entry in manifest["tools"]:
        number = next(
            (number for number, variant in enumerate(entry["variants"]) if _is_for(variant, facts)),
            None,
        )
        if number is None:
            offer.passed_over.append(
                f"{manifest['name']} {entry['name']} is not for {facts.os} {facts.arch}"
            )
            continue
        _add(offer, manifest["name"], entry, number, facts)
    return offer


def _is_for(variant: Mapping[str, Any], facts: Facts) -> bool:
    return bool(
        variant.get("os", facts.os) == facts.os and variant.get("arch", facts.arch) == facts.arch
    )


def _add(offer: _Offer, project: str, entry: Mapping[str, Any], number: int, facts: Facts) -> None:
    kind, details = KINDS[entry["kind"]], entry["variants"][number]
    commands = dict(details.get("commands") or entry["commands"])
    if isinstance(details.get("commands"), list):
        commands = {path.rpartition("/")[2]: path for path in details["commands"]}
    if kind.name == "python":
        commands = {name: path if "/" in path else f"bin/{path}" for name, path in commands.items()}
    key = object_key(entry, details, commands, facts) if kind.stored else ""
    if key:
        offer.sources[key] = Source(project, entry["name"], kind.name, number, details, commands)
    offer.tools.append(
        Tool(
            project,
            entry["name"],
            kind.name,
            entry["version"],
            entry["description"],
            key,
            commands,
            entry["priority"],
            tuple(entry["self_test"]),
            dict(details.get("variables") or {}),
            details.get("as") or "",
        )
    )


def object_key(
    entry: Mapping[str, Any], details: Mapping[str, Any], commands: Mapping[str, str], facts: Facts
) -> str:
    """The name in the store.

    A hash of everything that goes into the object, and a name for people.
    """
    inputs = {
        "layout": LAYOUT,
        "kind": entry["kind"],
        "name": entry["name"],
        "as": details.get("as") or "",
        "targets": sorted(set(commands.values())),
        "inputs": KINDS[entry["kind"]].inputs(details, facts),
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]
    return "-".join(
        [
            digest,
            checked_names.slug(entry["name"]),
            *([checked_names.slug(entry["version"])] if entry["version"] else []),
        ]
    )
