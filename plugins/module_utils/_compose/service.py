# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of a Compose file in its normal form: long syntax, one way to say each thing."""

from __future__ import annotations

import re
from typing import Any

from .._core import units
from .._core.image_references import Reference, is_image_id
from .._core.parsing import (
    Parser,
    SpecReader,
    boolean,
    cpus,
    duration,
    integer,
    kind_of,
    listing,
    mapping,
    pairs,
    ratio,
    size,
    text,
    word,
    words,
)
from . import devices, service_routes, short_syntax, variants
from .defaults import RESTART_DEFAULTS, UPDATE_DEFAULTS
from .job_services import JOB_MODES, RUN_IN_ROLLBACK
from .keys import LOCAL_KEYS
from .node_networks import NODE_NETWORKS
from .normal_form import Service
from .security_options import security_options
from .support import Support


def _image(value: object, reader: SpecReader) -> object:
    image = text(value, reader)
    if image is None or is_image_id(str(image)):
        return image
    try:
        Reference.parse(str(image))
    except ValueError as error:
        case = " in lower case" if str(image) != str(image).lower() else ""
        return reader.problem(f"{error}{case}")
    return image


def _mode(value: object, reader: SpecReader) -> object:
    return word("replicated", "global", *JOB_MODES)(value, reader)


def _test(value: object, reader: SpecReader) -> object:
    if isinstance(value, str):
        # 05-services.md, healthcheck: a text is run by the shell of the image.
        return ["CMD-SHELL", value]
    test = words(value, reader)
    if isinstance(test, list) and test[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"]):
        return reader.problem("a list must begin with CMD, CMD-SHELL or NONE")
    return test


def _healthcheck(value: object, reader: SpecReader) -> object:
    parsed = _healthcheck_fields(value, reader)
    if not isinstance(parsed, dict):
        return None
    if parsed.pop("disable", False) or parsed.get("test") == ["NONE"]:
        return {"test": ["NONE"]}
    # Docker's HealthConfig: a time of 0 is inherited from the image, as one that is left out is.
    return {key: item for key, item in parsed.items() if item != "0s"} or None


_healthcheck_fields = mapping(
    {
        "test": _test,
        "interval": duration,
        "timeout": duration,
        "retries": integer(1),
        "start_period": duration,
        "start_interval": duration,
        "disable": boolean,
    }
)


def _filled(fields: Parser, defaults: dict[str, object]) -> Parser:
    """Return a parser that fills in the default of each field that is not written.

    A monitor of 0s counts as not written.
    """

    def parse(value: object, reader: SpecReader) -> object:
        parsed = fields(value, reader)
        if not isinstance(parsed, dict):
            return None
        return {
            **defaults,
            **{key: item for key, item in parsed.items() if (key, item) != ("monitor", "0s")},
        }

    return parse


def _update_config(*actions: str) -> Parser:
    return _filled(
        mapping(
            {
                "parallelism": integer(0),
                "delay": duration,
                "failure_action": word(*actions),
                "monitor": duration,
                "max_failure_ratio": ratio,
                "order": word("start-first", "stop-first"),
            }
        ),
        UPDATE_DEFAULTS,
    )


_restart_policy = _filled(
    mapping(
        {
            "condition": word("any", "none", "on-failure"),
            "delay": duration,
            "max_attempts": integer(0),
            "window": duration,
        }
    ),
    RESTART_DEFAULTS,
)


def _restart(value: object, reader: SpecReader) -> object:
    name, _colon, attempts = str(value).partition(":")
    # Ansible reads an inline spec as YAML 1.1, in which an unquoted `no` is false.
    if value is False:
        name = "no"
    conditions = {
        "no": "none",
        "always": "any",
        # It differs from `always` only for a container that a user has stopped by hand.
        "unless-stopped": "any",
        "on-failure": "on-failure",
    }
    if name not in conditions or (attempts and name != "on-failure"):
        return reader.problem(
            f"{value!r} is not one of no, always, unless-stopped, on-failure, on-failure:N"
        )
    count = integer(0)(attempts, reader) if attempts else 0
    return {**RESTART_DEFAULTS, "condition": conditions[name], "max_attempts": count}


def _preferences(value: object, reader: SpecReader) -> object:
    parsed = _preference_list(value, reader)
    return (
        [item["spread"] for item in parsed if "spread" in item]
        if isinstance(parsed, list)
        else None
    )


_preference_list = listing(mapping({"spread": text}))


_DEPLOY: dict[str, Parser] = {
    "mode": _mode,
    "replicas": integer(0),
    "endpoint_mode": word("vip", "dnsrr"),
    "labels": pairs,
    "placement": mapping(
        {"constraints": words, "preferences": _preferences, "max_replicas_per_node": integer(0)}
    ),
    "resources": mapping(
        {
            "limits": mapping({"cpus": cpus, "memory": size, "pids": integer(0)}),
            "reservations": mapping(
                {
                    "cpus": cpus,
                    "memory": size,
                    "devices": devices.devices,
                    "generic_resources": devices.generic_resources,
                }
            ),
        }
    ),
    "restart_policy": _restart_policy,
    "update_config": _update_config("pause", "continue", "rollback"),
    "rollback_config": _update_config("pause", "continue"),
}
_deploy = mapping(_DEPLOY)


def _network_mode(value: object, reader: SpecReader) -> object:
    if value in NODE_NETWORKS:
        return value
    return reader.refuse_value("network_mode", repr(value))


def _some_words(value: object, reader: SpecReader) -> object:
    """Read words, each once and without empty ones, which variables without values leave."""
    parsed = words(value, reader)
    # Not sorted: a resolver queries name servers in their order (resolv.conf(5)).
    return [item for item in dict.fromkeys(parsed) if item] if isinstance(parsed, list) else None


def _swappiness(value: object, reader: SpecReader) -> object:
    # -1 is the node's default, as in the Docker client.
    return None if str(value) == "-1" else integer(0, 100)(value, reader)


def _swap(value: object, reader: SpecReader) -> object:
    # 05-services.md, memswap_limit: 0 is as if it were not written, -1 is without a limit.
    if str(value) in ("0", UNLIMITED):
        return None if str(value) == "0" else UNLIMITED
    return size(value, reader)


def _environment(value: object, reader: SpecReader) -> object:
    variables = pairs(value, reader)
    for name in variables if isinstance(variables, dict) else ():
        if not name or re.search(r"[\s=]", name):
            reader.at(name).problem(
                f"{name!r} is not a variable name; write KEY=value without spaces"
            )
    return variables


def _env_file(value: object, reader: SpecReader) -> object:
    return reader.problem(
        "is read on the control node, which did not happen here; write its lines under environment"
    )


def _profiles(value: object, reader: SpecReader) -> object:
    if not isinstance(value, list):
        return reader.problem(f"must be a list, not {kind_of(value)}")
    if not value:
        return None
    return reader.problem(
        "are chosen on the control node, which did not happen here; leave profiles out, or the"
        " service"
    )


_probe = mapping(
    {
        "http": mapping(
            {"path": text, "port": integer(1), "scheme": word("http", "https"), "host": text}
        ),
        "tcp": mapping({"port": integer(1)}),
    }
)


def _one_probe(value: object, reader: SpecReader) -> object:
    parsed = _probe(value, reader)
    if isinstance(parsed, dict) and (len(parsed) != 1 or "port" not in next(iter(parsed.values()))):
        return reader.problem("needs either http with path and port, or tcp with port")
    return parsed


def _shipping(support: Support) -> Parser:
    """Return the parser of what Compose has no word for."""
    fields = mapping(
        {
            "probe": _one_probe,
            "rollback": word(RUN_IN_ROLLBACK, "leave"),
            "overlay": _overlay(support),
            **_of_router(support),
        }
    )

    def parse(value: object, reader: SpecReader) -> object:
        return fields(value, reader) or None

    return parse


def _of_router(support: Support) -> dict[str, Parser]:
    """Return the parsers of routes and variants; a platform without a router rejects them."""
    if support.routed:
        return {"routes": service_routes.as_written, "variants": variants.parser(PARSERS, _DEPLOY)}
    return dict.fromkeys(("routes", "variants"), _no_router(support.platform))


def _no_router(platform: str) -> Parser:
    def parse(value: object, reader: SpecReader) -> object:
        return reader.problem(f"not supported yet on {platform}; leave it out") if value else None

    return parse


def _overlay(support: Support) -> Parser:
    """Return the parser of raw fields by platform; those for other platforms are not read."""
    by_platform = mapping(
        {**dict.fromkeys(support.platforms, _not_read), support.platform: support.read_overlay}
    )

    def parse(value: object, reader: SpecReader) -> object:
        fields = by_platform(value, reader)
        return fields.get(support.platform) if isinstance(fields, dict) else None

    return parse


def _not_read(_value: object, _reader: SpecReader) -> object:
    return None


# Of memory and swap together.
UNLIMITED = "-1"
# Key below services.<name> -> its parser. The extension's parser depends on the platform.
EXTENSION = variants.EXTENSION
PARSERS: dict[str, Parser] = {
    "image": _image,
    "command": short_syntax.command,
    "entrypoint": short_syntax.entrypoint,
    "environment": _environment,
    "env_file": _env_file,
    "working_dir": text,
    "user": text,
    "group_add": words,
    "hostname": text,
    "init": boolean,
    "tty": boolean,
    "stdin_open": boolean,
    "read_only": boolean,
    "stop_signal": text,
    "stop_grace_period": duration,
    "labels": pairs,
    "annotations": pairs,
    "ports": short_syntax.ports,
    "expose": words,
    "networks": short_syntax.service_networks,
    "network_mode": _network_mode,
    "volumes": listing(short_syntax.volume),
    "tmpfs": short_syntax.tmpfs,
    "secrets": listing(short_syntax.grant("/run/secrets")),
    "configs": listing(short_syntax.grant("")),
    "healthcheck": _healthcheck,
    "logging": short_syntax.logging,
    "extra_hosts": short_syntax.extra_hosts,
    "dns": _some_words,
    "dns_search": words,
    "dns_opt": words,
    "cap_add": short_syntax.capabilities,
    "cap_drop": short_syntax.capabilities,
    "privileged": boolean,
    "security_opt": security_options,
    "shm_size": size,
    "sysctls": pairs,
    "ulimits": short_syntax.ulimits,
    "platform": short_syntax.platform,
    "restart": _restart,
    "mem_limit": size,
    "memswap_limit": _swap,
    "mem_swappiness": _swappiness,
    "oom_score_adj": integer(-1000, 1000),
    "mem_reservation": size,
    "pids_limit": integer(0),
    "cpus": cpus,
    "gpus": devices.gpus,
    "runtime": text,
    "depends_on": short_syntax.dependencies,
    "links": words,
    "profiles": _profiles,
    "scale": integer(0),
    "deploy": _deploy,
}


def parsers_for(support: Support) -> dict[str, Parser]:
    """Return the parsers of the keys that a platform honors."""
    honored = {path.partition(".")[0] for path in support.keys}
    parsers = {**PARSERS, EXTENSION: _shipping(support)}
    return {key: parser for key, parser in parsers.items() if key in honored}


# A key that Compose has another place for -> that place below deploy, where its value moves.
_FOLDED = {
    "mem_limit": ("resources", "limits", "memory"),
    "pids_limit": ("resources", "limits", "pids"),
    "cpus": ("resources", "limits", "cpus"),
    "mem_reservation": ("resources", "reservations", "memory"),
    "scale": ("replicas",),
}


def read(value: object, reader: SpecReader, support: Support) -> Service | None:
    """Return one service in normal form, or None if it could not be read at all."""
    misplaced = _misplaced(value, reader.path.rpartition(".")[2])
    if misplaced:
        return reader.problem(misplaced)
    parsed = mapping(parsers_for(support), support.refused_keys, ignored=LOCAL_KEYS)(value, reader)
    if not isinstance(parsed, dict):
        return None
    service: Service = parsed
    deploy = service.setdefault("deploy", {})
    for key, path in _FOLDED.items():
        if key in service:
            _fold(service.pop(key), deploy, path, reader.at(key))
    if "memswap_limit" in service:
        _move_swap(service.pop("memswap_limit"), service, reader)
    devices.fold(service, support.device_kinds, reader)
    if "restart" in service:
        _move_restart(service.pop("restart"), deploy, reader)
    service["volumes"] = _with_tmpfs(service, value, reader)
    for key in ("volumes", "secrets", "configs"):
        service[key] = _once(service.get(key, []), reader.at(key))
    _check_modes(service, reader)
    if not support.host_mode_addresses:
        _refuse_addresses(service.get("ports", []), reader.at("ports"))
    result: Service = pruned(service)
    return result


def _refuse_addresses(ports: list[dict[str, Any]], reader: SpecReader) -> None:
    for port in ports:
        if "host_ip" in port:
            is_loopback = short_syntax.is_loopback(port["host_ip"])
            reader.refuse_value("loopback_ip" if is_loopback else "host_ip", port["host_ip"])


def _misplaced(value: object, name: str) -> str:
    """Return what a wrong indentation has made of a service, or of one of its keys."""
    if value is None:
        return "has no keys; indent its keys further than its name"
    if not isinstance(value, dict) and name in (*PARSERS, *LOCAL_KEYS):
        return "is a key of a service; indent it further than the service's name"
    return ""


def _fold(value: object, deploy: dict[str, Any], path: tuple[str, ...], reader: SpecReader) -> None:
    """Move a value below ``deploy``, unless something else is there already."""
    parent = deploy
    for key in path[:-1]:
        parent = parent.setdefault(key, {})
    if path[-1] not in parent:
        service = reader.path.rpartition(".")[0]
        reader.moved_to(".".join((service, "deploy", *path)))
    if parent.setdefault(path[-1], value) != value:
        reader.problem(
            f"says {value}, and deploy.{'.'.join(path)} says {parent[path[-1]]}; write one of them"
        )


def _move_swap(value: str, service: Service, reader: SpecReader) -> None:
    """Put the swap alone in place of memory and swap together; the memory must be limited."""
    place = reader.at("memswap_limit")
    memory = service["deploy"].get("resources", {}).get("limits", {}).get("memory", "0")
    place.moved_to(reader.at("swap_limit").path)
    if memory == "0":
        place.problem("needs a limit of memory; write mem_limit")
    elif value == UNLIMITED:
        service["swap_limit"] = UNLIMITED
    elif units.octets(value) < units.octets(memory):
        place.problem(f"is memory and swap together, so it must be at least {memory}, not {value}")
    else:
        service["swap_limit"] = units.size(units.octets(value) - units.octets(memory))


def _move_restart(value: object, deploy: dict[str, Any], reader: SpecReader) -> None:
    """Move ``restart`` below ``deploy``, whose own policy counts where it has one."""
    if "restart_policy" not in deploy:
        reader.at("restart").moved_to(reader.at("deploy.restart_policy").path)
        deploy["restart_policy"] = value


def _with_tmpfs(service: Service, written: Any, reader: SpecReader) -> list[Service]:
    """Return the mounts of a service with those of its key ``tmpfs``."""
    volumes: list[Service] = service.get("volumes", [])
    mounts: list[Service] = service.pop("tmpfs", [])
    place = reader.at("tmpfs")
    for index in range(len(mounts)):
        item = place.at(index) if isinstance(written["tmpfs"], list) else place
        item.moved_to(reader.at("volumes").at(len(volumes) + index).path)
    return [*volumes, *mounts]


def _once(items: list[Service], reader: SpecReader) -> list[Service]:
    """Return what is mounted: the same thing twice is once, two things at one path a problem."""
    result: dict[str, Service] = {}
    places = []
    for index, item in enumerate(items):
        if item["target"] not in result:
            places.append(reader.at(index).origin())
        if result.setdefault(item["target"], item) != item:
            reader.at(index).problem(f"{item['target']} is mounted twice; write one of them")
    reader.ordered(places)
    return list(result.values())


def mesh_ports(service: Service) -> list[dict[str, Any]]:
    """Return the ports that the routing mesh publishes on each node."""
    return [
        port
        for port in service.get("ports", [])
        if port["mode"] == "ingress" and "published" in port
    ]


def _check_modes(service: Service, reader: SpecReader) -> None:
    deploy = service["deploy"]
    if deploy.get("mode") == "global" and "replicas" in deploy:
        reader.at("deploy.replicas").problem(
            "a global service runs once on each node; leave replicas out, or the mode"
        )
    # The routing mesh forwards to a service's virtual address, which dnsrr does without.
    if deploy.get("endpoint_mode") == "dnsrr" and mesh_ports(service):
        reader.at("ports").problem(
            "endpoint_mode dnsrr has no virtual address to publish on; publish with mode: host, or"
            " leave endpoint_mode out"
        )
    if "network_mode" in service and service.get("networks"):
        reader.at("network_mode").problem("excludes networks; write one of them")


def pruned(value: Any, key: str = "") -> Any:
    """Return a value without empty mappings and lists, except a network without aliases."""
    if not isinstance(value, dict):
        return value
    inner = {name: pruned(part, name) for name, part in value.items()}
    # A network without aliases is empty, too, and yet the service joins it.
    return {name: part for name, part in inner.items() if part not in ({}, []) or key == "networks"}
