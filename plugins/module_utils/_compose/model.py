# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A merged, interpolated Compose file in its normal form, or all of its problems at once.

Specification: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .._core.errors import SpecError, suggestion
from .._core.parsing import (
    Parser,
    SpecReader,
    boolean,
    mapping,
    pairs,
    text,
    word,
)
from . import node_networks, service_routes, variants
from . import service as services
from .ipam import ipam
from .job_services import make_jobs
from .keys import LOCAL_KEYS, below
from .links import follow_links
from .normal_form import Compose, Section
from .support import Support

__all__ = ["APP_NAME", "DEFAULT_NETWORK", "Compose", "Section", "SpecError", "read"]

_SERVICE_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?")
_OBJECT_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
APP_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,38}[a-zA-Z0-9])?")
DEFAULT_NETWORK = "default"
_SECTIONS = ("services", "networks", "volumes", "secrets", "configs")


def read(
    content: Mapping[str, Any], support: Support, images: Mapping[str, str] | None = None
) -> Compose:
    """Read a Compose file's content for a platform.

    ``images`` sets the image of services by name. Raises :class:`SpecError` with every problem.
    """
    reader = SpecReader(refused_values=support.refused_values)
    app = _read(content, dict(images or {}), reader, support)
    if reader.problems or app is None:
        raise SpecError(reader.problems)
    return support.as_honored(app)


def _read(
    content: Mapping[str, Any], images: dict[str, str], reader: SpecReader, support: Support
) -> Compose | None:
    if {"apiVersion", "kind"} <= set(map(str, content)):
        return reader.problem(
            "has apiVersion and kind, so it is a manifest and no Compose file; give it by the"
            " option manifests"
        )
    unindented = _unindented(content)
    for name in unindented:
        reader.at(str(name)).problem("is a service; indent it below services:")
    content = {name: value for name, value in content.items() if name not in unindented}
    top = mapping(
        dict.fromkeys(_SECTIONS, _as_is),
        {
            "include": "list the file under compose",
            "jobs": "not supported yet; leave it out",
            "models": "not supported yet; leave it out",
        },
        # The Compose Specification calls `version` obsolete; the name of an app is an option.
        ignored=frozenset({"name", "version"}),
    )(dict(content), reader)
    if not isinstance(top, dict):
        return None
    written = _with_images(top.get("services"), images, reader.at("services"))
    app = Compose(
        services=_services(written, reader.at("services"), support),
        networks=_objects("networks", top, reader, support),
        volumes=_objects("volumes", top, reader, support),
        secrets=_objects("secrets", top, reader, support),
        configs=_objects("configs", top, reader, support),
    )
    variants.expand(app.services, reader.at("services"))
    _join_default_network(app)
    service_routes.join_router(app, reader)
    follow_links(app, reader.at("services"))
    for name, service in app.services.items():
        _check_references(service, app, reader.at("services").at(name))
    node_networks.check(app, support.node_networks, reader)
    make_jobs(app, reader.at("services"))
    service_routes.read(app, reader)
    _check_cycles(app.services, reader.at("services"))
    _check_published_once(app.services, reader.at("services"))
    unlabeled = _without_selinux(app.services, reader.at("services"))
    for check in support.checks:
        check(app, reader)
    app.notes = [*_notes(written), *unlabeled, *reader.notes]
    return app


def _unindented(content: Mapping[str, Any]) -> list[str]:
    """Return the services that are beside ``services`` instead of below it."""
    return [
        name
        for name, value in content.items()
        if isinstance(value, dict)
        and {"image", "build"} & set(value)
        and not (name in _SECTIONS or str(name).startswith("x-"))
    ]


def _as_is(value: object, reader: SpecReader) -> object:
    return value if isinstance(value, dict) else reader.problem("must be a mapping")


def _with_images(written: Any, images: dict[str, str], reader: SpecReader) -> dict[str, Any]:
    """Return the services of the file with the images that were set from outside."""
    if not isinstance(written, dict) or not written:
        reader.problem("an app needs at least one service; write one below services:")
        return {}
    result = {str(name): value for name, value in written.items()}
    for name, image in images.items():
        if name not in result:
            reader.elsewhere(f"images.{name}").problem(f"no such service{suggestion(name, result)}")
        elif isinstance(result[name], dict):
            result[name] = {**result[name], "image": image}
            place = reader.elsewhere("images").at(name)
            place.moved_to(reader.at(name).at("image").path)
    return result


def _services(written: dict[str, Any], reader: SpecReader, support: Support) -> Section:
    result = {}
    for name, value in written.items():
        place = reader.at(name)
        if not _SERVICE_NAME.fullmatch(name):
            place.problem(
                "a service's name must have letters, digits, '-' and '_' only, and begin and end"
                " with a letter or digit"
            )
        service = services.read(value, place, support)
        if service is not None and value.get("image") is None:
            place.problem(
                f"has no image; set it by images: {{{name}: <reference>}}, as CI built and"
                " pushed it"
                if "build" in value
                else "needs an image; write image: registry/name:tag"
            )
        result[name] = service or {}
    return result


def _notes(services_of_file: dict[str, Any]) -> list[str]:
    """Return one line for all keys that concern only local work."""
    local = []
    for name, service in services_of_file.items():
        if isinstance(service, dict):
            local += [f"services.{name}.{key}" for key in service if key in LOCAL_KEYS]
    return [f"ignored, for local development only: {', '.join(local)}"] if local else []


def _without_selinux(services_of_app: Section, reader: SpecReader) -> list[str]:
    """Remove the SELinux flags of bind mounts, and return one line that names them."""
    places = []
    for name, service in services_of_app.items():
        for index, mount in enumerate(service.get("volumes", [])):
            options = mount.get("bind", {})
            if options.pop("selinux", None):
                places.append(reader.at(name).at("volumes").at(index).place())
                if not options:
                    del mount["bind"]
    if not places:
        return []
    return [
        f"ignored, the SELinux flag of {', '.join(places)}; label these directories on the nodes"
        " that enforce SELinux"
    ]


def _external(value: object, reader: SpecReader) -> object:
    """Read ``external: true``, or the old ``external: {name: …}``."""
    return (
        mapping({"name": text})(value, reader)
        if isinstance(value, dict)
        else boolean(value, reader)
    )


_OBJECT_PARSERS: dict[str, Parser] = {
    "name": text,
    "external": _external,
    "driver": text,
    "driver_opts": pairs,
    "attachable": boolean,
    "internal": boolean,
    "ipam": ipam,
    "labels": pairs,
    "file": text,
    "content": text,
    "environment": text,
    "template_driver": word("golang"),
}


def _always(value: object, reader: SpecReader) -> object:
    """Read a setting that is always on: it may be written, but not switched off."""
    return reader.refuse_value("ipv4") if boolean(value, reader) is False else None


def _objects(section: str, top: Mapping[str, Any], reader: SpecReader, support: Support) -> Section:
    """Return the entries of ``networks``, ``volumes``, ``secrets`` or ``configs``."""
    parsers = {key: _OBJECT_PARSERS[key] for key in below(section, support.object_keys)}
    if section == "networks":
        # `bridge` is for one host, as in docker compose; the same file has to serve here as well.
        parsers["driver"] = word("overlay", "bridge", "default")
        parsers["enable_ipv4"] = _always
    parse = mapping(parsers, below(section, support.refused_object_keys))
    result: Section = {}
    for key, value in (top.get(section) or {}).items():
        name, place = str(key), reader.at(section).at(key)
        _check_name(name, place)
        entry = parse({} if value is None else value, place)
        result[name] = (
            _normal_object(section, name, entry, place) if isinstance(entry, dict) else {}
        )
    return result


def _normal_object(
    section: str, name: str, entry: dict[str, Any], reader: SpecReader
) -> dict[str, Any]:
    external = entry.pop("external", False)
    if isinstance(external, dict):
        entry["name"], external = external.get("name", name), True
    if external:
        return _external_object(section, name, entry, reader)
    if section in ("secrets", "configs"):
        _check_content(entry, reader)
    if section == "networks" and entry.get("name") in node_networks.NODE_NETWORKS:
        reader.at("name").problem(
            f"each node has a network {entry['name']}; write external: true to join it"
        )
    # Drivers that mean the default of one host: here the platform's own default serves.
    if entry.get("driver") in ("bridge", "default", "local"):
        del entry["driver"]
    return {key: value for key, value in entry.items() if value not in ({}, False)}


# Settings of a network that its owner chose. Not among them: `internal`, on whose isolation an app
# may rely.
_OF_THE_OWNER = ("attachable", "driver", "driver_opts", "ipam", "labels")


def _external_object(
    section: str, name: str, entry: dict[str, Any], reader: SpecReader
) -> dict[str, Any]:
    # Stack files repeat the settings of networks that others own.
    owned = _OF_THE_OWNER if section == "networks" else ()
    repeated = [key for key in owned if key in entry]
    if repeated:
        reader.note(f"{', '.join(repeated)} ignored, since the network is external")
    extra = sorted(set(entry) - {"name", *owned})
    if extra:
        reader.problem(f"is external, so {', '.join(extra)} cannot be set here")
    return {"external": True, "name": entry.get("name", name)}


def _check_content(entry: dict[str, Any], reader: SpecReader) -> None:
    sources = [key for key in ("file", "content", "environment") if key in entry]
    if len(sources) != 1:
        reader.problem(
            "needs exactly one of file, content, environment or"
            f" external{'; it has ' + ' and '.join(sources) if sources else ''}"
        )
    if "name" in entry:
        _check_name(entry["name"], reader.at("name"))


def _check_name(name: str, place: SpecReader) -> None:
    if not _OBJECT_NAME.fullmatch(name):
        place.problem("a name must have letters, digits, '-', '_' and '.' only")


def _join_default_network(app: Compose) -> None:
    """Let a service that names no network join the app's default one, as in Compose."""
    for service in app.services.values():
        if "networks" not in service and "network_mode" not in service:
            service["networks"] = {DEFAULT_NETWORK: {}}
    if any(DEFAULT_NETWORK in service.get("networks", {}) for service in app.services.values()):
        app.networks.setdefault(DEFAULT_NETWORK, {})


def _check_references(service: dict[str, Any], app: Compose, reader: SpecReader) -> None:
    """Check that every name that a service uses is declared."""
    _check_declared(service.get("networks", {}), app.networks, reader.at("networks"), "network")
    for section, declared in (("secrets", app.secrets), ("configs", app.configs)):
        granted = [grant["source"] for grant in service.get(section, [])]
        _check_declared(granted, declared, reader.at(section), section[:-1])
    sources = [
        mount["source"]
        for mount in service.get("volumes", [])
        if mount["type"] == "volume" and "source" in mount
    ]
    _check_declared(sources, app.volumes, reader.at("volumes"), "volume")
    # 05-services.md, depends_on: with `required: false` the other service may be absent.
    written = service.pop("depends_on", {})
    conditions = {
        name: dependency["condition"]
        for name, dependency in written.items()
        if name in app.services or dependency["required"]
    }
    _check_declared(conditions, app.services, reader.at("depends_on"), "service")
    if conditions:
        service["depends_on"] = conditions


def _check_declared(
    names: Iterable[str], declared: Mapping[str, Any], reader: SpecReader, noun: str
) -> None:
    for name in names:
        if name not in declared:
            reader.problem(
                f"no {noun} {name} is"
                f" declared{suggestion(name, declared) or f'; declare it under {noun}s'}"
            )


def _check_published_once(services_of_app: Section, reader: SpecReader) -> None:
    """Check that a port that all nodes publish belongs to one service."""
    owners: dict[tuple[Any, Any], str] = {}
    for name, service in services_of_app.items():
        for port in service.get("ports", []):
            # In host mode two services may publish one port, each on hosts of its own.
            if port["mode"] == "ingress" and "published" in port:
                owner = owners.setdefault((port["published"], port["protocol"]), name)
                if owner != name:
                    reader.at(name).at("ports").problem(
                        f"{port['published']}/{port['protocol']} is published by {owner} already;"
                        " publish another port"
                    )


def _check_cycles(services_of_app: Section, reader: SpecReader) -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            reader.at(name).at("depends_on").problem(
                f"depends on itself: {' → '.join((*trail[trail.index(name) :], name))}"
            )
        elif name in services_of_app and name not in done:
            # Rollouts follow depends_on: services in a circle would wait for each other.
            for needed in services_of_app[name].get("depends_on", {}):
                visit(needed, (*trail, name))
        done.add(name)

    for name in services_of_app:
        visit(name, ())
