# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app with every reference resolved: images by digest, objects by their platform names.

This is what a release's record holds, what is rendered for a platform and what is compared with
what runs. It is plain data: a record returns it unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._compose import service_routes, variants
from .._compose.model import Compose, Section
from .._compose.node_networks import HOST as HOST_NETWORK
from .._compose.node_networks import is_of_node
from .._core.content_ids import digest
from .naming import Naming

__all__ = ["HOST_NETWORK", "Resolutions", "Resolved", "references", "resolve"]


@dataclass(frozen=True)
class Resolved:
    """The full spec of an app; equal content means an equal app.

    ``secrets`` and ``configs`` map the object's name to its source in the Compose file and the id
    of its content; external ones have no id.
    """

    services: Section = field(default_factory=dict)
    networks: Section = field(default_factory=dict)
    secrets: Section = field(default_factory=dict)
    configs: Section = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for a record."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Resolved:
        """Read what :meth:`as_data` returned; unknown entries of newer versions are left out.

        Raise ValueError for other data.
        """
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        wrong = [
            name
            for name, entries in known.items()
            if not isinstance(entries, list if name == "volumes" else dict)
        ]
        if wrong:
            raise ValueError(f"no sections: {', '.join(wrong)}")
        return cls(**known)

    @property
    def hash(self) -> str:
        """Return a hash of the whole."""
        return digest(self.as_data())

    def object_for(self, section: str, described: Mapping[str, Any]) -> str | None:
        """Return the name of the object that holds the same already, if there is one."""
        for name, entry in getattr(self, section).items():
            if all(entry.get(key) == described.get(key) for key in ("source", "id", "name")):
                return str(name)
        return None


@dataclass(frozen=True)
class Resolutions:
    """The references of a spec, resolved on a platform.

    ``images`` maps a reference to its resolved form, ``ids`` has the content ids of the app's own
    secrets and configs. An object of ``before`` with the same content is used again, and so are
    those in ``adopted``, which maps sources to objects that others made.
    """

    images: Mapping[str, str]
    ids: Mapping[str, Mapping[str, str]]
    before: Resolved | None = None
    adopted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Names:
    """The platform's names by the spec's: of each section's objects, and of networks."""

    naming: Naming
    images: Mapping[str, str]
    objects: Mapping[str, Mapping[str, str]]
    networks: Mapping[str, str]


def resolve(naming: Naming, compose: Compose, resolutions: Resolutions) -> Resolved:
    """Put the platform's names in place of the spec's."""
    objects = {
        section: _objects(naming, section, compose, resolutions)
        for section in ("secrets", "configs")
    }
    networks = {name: _name(naming, name, entry) for name, entry in compose.networks.items()}
    compose = _with_slots(compose, resolutions.before)
    names = _Names(naming, resolutions.images, objects, networks)
    used: set[str] = set()
    for service in compose.services.values():
        used.update(service.get("networks", {}))
    return Resolved(
        services={
            name: _service(name, service, compose, names)
            for name, service in compose.services.items()
        },
        networks={
            networks[name]: _without_name(entry)
            for name, entry in compose.networks.items()
            if name in used and not is_of_node(entry)
        },
        secrets=_entries("secrets", compose, objects, resolutions.ids),
        configs=_entries("configs", compose, objects, resolutions.ids),
        volumes=sorted(_name(naming, name, entry) for name, entry in compose.volumes.items()),
    )


def _with_slots(compose: Compose, before: Resolved | None) -> Compose:
    former = before.services if before else {}
    services = {
        name: variants.with_slots(service, variants.slots_of(former.get(name, {})))
        for name, service in compose.services.items()
    }
    return replace(compose, services=services)


def _objects(
    naming: Naming, section: str, compose: Compose, resolutions: Resolutions
) -> dict[str, str]:
    """Return source name to object name."""
    adopted = resolutions.adopted.get(section, {})
    before = resolutions.before
    result = {}
    for source, entry in getattr(compose, section).items():
        if entry.get("external"):
            result[source] = entry["name"]
            continue
        content_id, prefix = resolutions.ids[section][source], entry.get("name", "")
        # The same object as before, which may bear the name that another tool gave it: a service
        # with another name in it restarts its tasks.
        described = {"source": source, "id": content_id, **_only(entry, "name")}
        known = before.object_for(section, described) if before else None
        # Those of other tools are texts: tasks would get the template itself.
        reused = "" if "template_driver" in entry else adopted.get(source)
        result[source] = known or reused or naming.content(source, content_id, prefix)
    return result


def _entries(
    section: str,
    compose: Compose,
    objects: Mapping[str, Mapping[str, str]],
    ids: Mapping[str, Mapping[str, str]],
) -> Section:
    used: set[str] = set()
    for service in compose.services.values():
        used.update(grant["source"] for grant in service.get(section, []))
    if section == "secrets":
        # The router mounts them, and they stay as long as a release needs them.
        used.update(
            secret for _name, _host, secret in service_routes.certificates(compose.services)
        )
    result: Section = {}
    for source, entry in getattr(compose, section).items():
        if source in used:
            described = (
                {"external": True}
                if entry.get("external")
                else {
                    "id": ids[section][source],
                    **_only(entry, "labels", "name", "template_driver"),
                }
            )
            result[objects[section][source]] = {"source": source, **described}
    return result


def _only(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: entry[key] for key in keys if key in entry}


def _name(naming: Naming, name: str, entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or naming.scoped(name))


def _without_name(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "name"}


def _service(
    name: str, service: Mapping[str, Any], compose: Compose, names: _Names
) -> dict[str, Any]:
    result = dict(service)
    result["image"] = names.images.get(service["image"], service["image"])
    # Beside the digest: users know a release by its tag.
    result["reference"] = service["image"]
    if "network_mode" in result:
        result["networks"] = {result.pop("network_mode"): {}}
    else:
        result["networks"] = {
            names.networks[network]: _joined(name, network, settings, compose, names.naming)
            for network, settings in service.get("networks", {}).items()
        }
    for section in ("secrets", "configs"):
        if section in service:
            result[section] = [
                _granted(grant, names.objects[section]) for grant in service[section]
            ]
    if "volumes" in service:
        result["volumes"] = [
            _mount(names.naming, mount, compose.volumes) for mount in service["volumes"]
        ]
    return result


def _joined(
    name: str, network: str, settings: Mapping[str, Any], compose: Compose, naming: Naming
) -> dict[str, Any]:
    """Return the aliases of a service on a network."""
    entry = compose.networks[network]
    if is_of_node(entry):
        return {}
    if service_routes.is_router_network(entry):
        # Services of all apps are on it: an alias of two of them would be both (moby #41532).
        base, slot = variants.slot_of(name, compose.services)
        return {"aliases": [naming.slot(base, slot)]} if slot else {}
    # In Compose a service is always reached by its own name as well.
    return {"aliases": sorted({name, *settings.get("aliases", [])})}


def _granted(grant: Mapping[str, Any], objects: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{key: value for key, value in grant.items() if key != "source"},
        "object": objects[grant["source"]],
    }


def _mount(naming: Naming, mount: Mapping[str, Any], volumes: Section) -> dict[str, Any]:
    """Return a mount with the volume's own settings.

    A volume is made by the first task that mounts it.
    """
    if mount["type"] != "volume" or "source" not in mount:
        return dict(mount)
    entry = volumes[mount["source"]]
    result = {
        **mount,
        "source": _name(naming, mount["source"], entry),
        **_only(entry, "driver", "driver_opts"),
    }
    return (
        result
        if entry.get("external")
        else {**result, "labels": {**entry.get("labels", {}), **naming.volume_labels}}
    )


def references(compose: Compose) -> Iterable[str]:
    """Return every image that the app's services name, once each."""
    # Each costs a request to a registry.
    return sorted({service["image"] for service in compose.services.values()})
