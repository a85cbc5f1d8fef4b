# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a service that Compose lets one write in a short and a long way."""

from __future__ import annotations

import ipaddress
import posixpath
import re

from .._core.parsing import (
    Parser,
    SpecReader,
    Written,
    boolean,
    integer,
    kind_of,
    mapping,
    octal,
    pairs,
    refused_value,
    size,
    text,
    word,
    words,
)
from .job_services import COMPLETED

_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\&|;<>])+""", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", re.DOTALL)
_PORT = re.compile(
    r"(?:(?:(?P<host>.*):)?(?P<published>[\d-]*):)?(?P<target>[\d-]+)(?:/(?P<protocol>\w+))?",
    re.ASCII,
)
_PROTOCOLS = ("tcp", "udp", "sctp")
_PORT_DEFAULTS = {"host_ip": "", "mode": "ingress", "target": "", "protocol": "tcp"}
_EVERYWHERE = ("", "0.0.0.0", "::")
_NO_ADDRESS = "{!r} is no IP address; write one, or leave it out to publish on all"
_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)
_VOLUME_FLAGS: dict[str, dict[str, object]] = {
    "rw": {},
    "ro": {"read_only": True},
    "nocopy": {"volume": {"nocopy": True}},
}
_PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
# What a relative path of a bind mount is, and what to write where it cannot be used.
OF_CONTROL_NODE = "is a path of the control node"
INSTEAD_OF_RELATIVE = (
    "ship the file under configs or secrets, set bind_mounts: as_configs for files with :ro, write"
    " an absolute path that exists on the nodes, or set bind_mounts: everywhere if all nodes have"
    " it at this path"
)
# Consistency of the folders that Docker Desktop shares; no effect anywhere else.
_LOCAL_FLAGS = ("cached", "delegated", "consistent")


def command(value: object, reader: SpecReader) -> object:
    """Read a command line: a list, or a text split as a shell does; empty is the image's own."""
    if not isinstance(value, str):
        return words(value, reader) or None
    rest = _WORD.sub("", value).split()
    if rest and rest[0][0] in "'\"\\":
        return reader.problem(
            f"{value!r} cannot be split into words: {rest[0][0]} has no counterpart"
        )
    if rest:
        return reader.problem(
            f"{value!r} has {rest[0]} outside quotes, and no shell reads it; quote it, or write"
            ' ["sh", "-c", "..."]'
        )
    return [_QUOTED.sub(_unquoted, item) for item in _WORD.findall(value)] or None


def _unquoted(match: re.Match[str]) -> str:
    """Return a quoted piece of a word without its quotes.

    A backslash makes any character literal, as in ``docker compose``.
    """
    single, double, escaped = match.groups()
    if double is not None:
        return re.sub(r"\\(.)", r"\1", double, flags=re.DOTALL)
    return str(escaped if single is None else single)


def entrypoint(value: object, reader: SpecReader) -> object:
    """Read a command line that is not empty, since that would have to clear the image's own."""
    if value == [] or (isinstance(value, str) and not value.strip()):
        return reader.refuse_value("entrypoint")
    return command(value, reader)


def ports(value: object, reader: SpecReader) -> object:
    """Read published ports; ranges are spread, the result is sorted."""
    if not isinstance(value, list):
        return reader.problem(f"must be a list, not {kind_of(value)}")
    result: list[dict[str, object]] = []
    for index, item in enumerate(value):
        parse = _long_port if isinstance(item, dict) else _short_port
        # A port that is written twice is published once; merged files may repeat it.
        result.extend(port for port in parse(item, reader.at(index)) if port not in result)
    return sorted(
        result,
        key=lambda port: (
            port["target"],
            port["protocol"],
            port.get("published", 0),
            port["mode"],
            port.get("host_ip", ""),
        ),
    )


def _short_port(value: object, reader: SpecReader) -> list[dict[str, object]]:
    match = _PORT.fullmatch(str(value))
    # `80:80:80` has a port where an address belongs.
    if not match or (match["host"] or "").isdigit():
        reader.problem(f'{value!r} is no port; write for example "8080:80" or "53:53/udp"')
        return []
    if _address(match["host"] or "", "ingress", reader) is None:
        return []
    protocol = word(*_PROTOCOLS)((match["protocol"] or "tcp").lower(), reader)
    return (
        _spread(match["target"], match["published"], protocol, "ingress", reader)
        if protocol
        else []
    )


def _long_port(value: object, reader: SpecReader) -> list[dict[str, object]]:
    fields = mapping(
        {
            "target": text,
            "published": text,
            "protocol": word(*_PROTOCOLS),
            "mode": word("ingress", "host"),
            "host_ip": text,
            "name": text,
            "app_protocol": text,
        }
    )(value, reader)
    if not isinstance(fields, dict):
        return []
    mode = fields.get("mode", "ingress")
    address = _address(fields.get("host_ip", ""), mode, reader.at("host_ip"))
    if "target" not in fields:
        reader.problem("needs target, the container's port")
        return []
    ports = _spread(
        fields["target"], fields.get("published"), fields.get("protocol", "tcp"), mode, reader
    )
    return [{**port, "host_ip": address} for port in ports] if address else ports


def _address(written: str, mode: object, reader: SpecReader) -> str | None:
    """Return the address to publish on, empty for all; None if it is rejected."""
    address = written.strip("[]")
    # The wildcard addresses publish everywhere, which is what a platform does without one.
    if address in _EVERYWHERE:
        return ""
    if mode == "host":
        # A service's own check knows whether the platform can.
        return address if is_address(address) else reader.problem(_NO_ADDRESS.format(written))
    reader.refuse_value("loopback_ip" if is_loopback(address) else "host_ip", address)
    return None


def is_address(text_of_address: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text_of_address)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Return whether only the node itself reaches an address."""
    return is_address(address) and ipaddress.ip_address(address).is_loopback


def written_port(item: object) -> dict[str, str]:
    """Return the address, mode, target and protocol that a port is written with."""
    if isinstance(item, dict):
        written = item
    else:
        match = _PORT.fullmatch(str(item))
        written = {**match.groupdict(), "host_ip": match["host"]} if match else {}
    port = {key: str(written.get(key) or default) for key, default in _PORT_DEFAULTS.items()}
    return {**port, "host_ip": port["host_ip"].strip("[]")}


def _spread(
    target: object, published: object, protocol: object, mode: object, reader: SpecReader
) -> list[dict[str, object]]:
    targets, publisheds = _range(target), _range(published)
    if targets is None or publisheds is None or (publisheds and len(publisheds) != len(targets)):
        several = (
            f"published {published!r} and target {target!r} must be ports or ranges of equal"
            " length, from 1 to 65535"
        )
        reader.problem(
            several if published else f"{target!r} must be a port or a range, from 1 to 65535"
        )
        return []
    result = []
    for index, number in enumerate(targets):
        port: dict[str, object] = {"target": number, "protocol": protocol, "mode": mode}
        if publisheds:
            port["published"] = publisheds[index]
        result.append(port)
    return result


def _range(value: object) -> list[int] | None:
    """Return the ports of ``80`` or ``80-82``; none for nothing, None for what is no range."""
    if value in (None, ""):
        return []
    match = _RANGE.fullmatch(str(value))
    if not match:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return list(range(first, last + 1)) if 0 < first <= last < 65536 else None


def volume(value: object, reader: SpecReader) -> object:
    """Read one mount of a service."""
    return _long_volume(value, reader) if isinstance(value, dict) else _short_volume(value, reader)


def _short_volume(value: object, reader: SpecReader) -> object:
    pieces = str(value).split(":")
    source, target, flags = (
        "" if len(pieces) == 1 else pieces[0],
        pieces[:2][-1],
        ":".join(pieces[2:]),
    )
    if not target.startswith("/"):
        return reader.problem(f"{value!r}: the path in the container must begin with /")
    if "" in pieces:
        return reader.problem(
            f"{value!r} has nothing between its colons; write for example data:/data or"
            " data:/data:ro"
        )
    result: dict[str, object] = {"type": "volume", "target": _clean(target)}
    if source:
        result["source"] = source
        # 05-services.md, volumes: a source that looks like a path is a bind mount, else a name.
        result["type"] = "bind" if source[0] in "/.~" else "volume"
    for flag in flags.split(","):
        _apply_flag(flag, result, reader)
    return _checked_source(result, reader)


def _clean(path: str) -> str:
    """Return an absolute path without doubled slashes, dots and a slash at its end."""
    # normpath keeps two leading slashes, to which POSIX leaves a meaning of their own.
    return posixpath.normpath("/" + path.lstrip("/"))


def _apply_flag(flag: str, mount: dict[str, object], reader: SpecReader) -> None:
    if flag in _VOLUME_FLAGS:
        mount.update(_VOLUME_FLAGS[flag])
    elif flag in _PROPAGATION and mount["type"] == "bind":
        _bind_options(mount)["propagation"] = flag
    elif flag in ("z", "Z"):
        # Engines and kubelets label volumes by themselves (moby, daemon/volumes_unix.go:
        # setBindModeIfNull), so that the flag matters for directories of nodes only.
        if mount["type"] == "bind":
            _bind_options(mount)["selinux"] = flag
    elif flag and flag not in _LOCAL_FLAGS:
        reader.problem(f"unknown flag {flag!r}; use ro, rw or nocopy")


def _bind_options(mount: dict[str, object]) -> dict[str, object]:
    options = mount.setdefault("bind", {})
    return options if isinstance(options, dict) else {}


def _subpath(value: object, reader: SpecReader) -> object:
    """Read a path in a volume; the volume itself is as good as none."""
    path = posixpath.normpath(str(text(value, reader)))
    if path.startswith("/") or path.split("/")[0] == "..":
        return reader.problem(f"{value!r} must be a path in the volume, without / at its begin")
    return None if path == "." else path


_long_volume_fields = mapping(
    {
        "type": word("volume", "bind", "tmpfs"),
        "source": text,
        "target": text,
        "read_only": boolean,
        "volume": mapping(
            {"nocopy": boolean, "subpath": _subpath},
            {"labels": "write them under volumes.<name>.labels"},
        ),
        "bind": mapping(
            {"propagation": word(*_PROPAGATION), "selinux": word("z", "Z")},
            {"recursive": "not supported yet; leave it out"},
            ignored=frozenset({"create_host_path"}),
        ),
        "tmpfs": mapping({"size": size, "mode": octal}),
    },
    ignored=frozenset({"consistency"}),
)


def _long_volume(value: dict[str, object], reader: SpecReader) -> object:
    mount = _long_volume_fields({**value, "type": value.get("type") or "volume"}, reader)
    if not isinstance(mount, dict) or "type" not in mount:
        return None
    if not str(mount.get("target", "")).startswith("/"):
        return reader.at("target").problem("needs the path in the container, beginning with /")
    mount["target"] = _clean(str(mount["target"]))
    if mount.get("read_only") is False:
        del mount["read_only"]
    for kind in ("volume", "bind", "tmpfs"):
        options = _without_unlimited(mount.pop(kind, {}))
        if options and kind != mount["type"]:
            reader.at(kind).problem(f"is for type {kind}, not for type {mount['type']}")
        elif options:
            mount[kind] = options
    return _checked_source(mount, reader)


def _without_unlimited(options: dict[str, object]) -> dict[str, object]:
    """Return the options of a mount without those that change nothing, such as a size of 0."""
    return {key: item for key, item in options.items() if item not in (False, 0, "0")}


def _checked_source(mount: dict[str, object], reader: SpecReader) -> object:
    source = str(mount.get("source", ""))
    if mount["type"] == "bind" and not source.startswith("/"):
        return reader.problem(
            f"{source or 'a bind without source'} {OF_CONTROL_NODE}, and a service runs on any"
            f" node; {INSTEAD_OF_RELATIVE}"
        )
    if "subpath" in mount.get("volume", {}) and not source:  # type: ignore[operator]
        return reader.problem("has a subpath, and a new volume is empty; write source, its name")
    if mount["type"] == "tmpfs" and source:
        return reader.problem("a tmpfs has no source; leave it out")
    return mount


def tmpfs(value: object, reader: SpecReader) -> object:
    """Read the service's ``tmpfs`` key as mounts of type tmpfs."""
    items = value if isinstance(value, list) else [value]
    mounts = [_tmpfs_mount(str(item), reader.at(index)) for index, item in enumerate(items)]
    return [mount for mount in mounts if mount]


def _tmpfs_mount(value: str, reader: SpecReader) -> dict[str, object] | None:
    target, _colon, flags = value.partition(":")
    options: dict[str, object] = {}
    for flag in filter(None, flags.split(",")):
        name, _equals, amount = flag.partition("=")
        if name == "size":
            options["size"] = size(amount, reader)
        elif name == "mode":
            options["mode"] = octal(amount, reader)
        elif name != "rw":
            reader.refuse_value("tmpfs", name)
    if not target.startswith("/"):
        return reader.problem(f"{value!r}: the path in the container must begin with /")
    mount: dict[str, object] = {"type": "tmpfs", "target": _clean(target)}
    options = _without_unlimited(options)
    return {**mount, "tmpfs": options} if options else mount


def service_networks(value: object, reader: SpecReader) -> object:
    """Read the networks of a service with its aliases there."""
    if isinstance(value, list):
        value = dict.fromkeys(_names(value, reader))
    if not isinstance(value, dict):
        return reader.problem(f"must be a list or a mapping, not {kind_of(value)}")
    addresses = dict.fromkeys(
        ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"),
        refused_value("addresses"),
    )
    not_yet = dict.fromkeys(("driver_opts", "interface_name"), "not supported yet; leave it out")
    parse = mapping(
        {"aliases": words, **addresses}, not_yet, ignored=frozenset({"priority", "gw_priority"})
    )
    result: dict[str, object] = {}
    for name, settings in value.items():
        parsed = parse(settings or {}, reader.at(name))
        aliases = parsed.get("aliases", []) if isinstance(parsed, dict) else []
        # The order of aliases means nothing; sorted lists do not differ.
        result[str(name)] = {"aliases": sorted(set(aliases))} if aliases else {}
    return result


def _names(value: object, reader: SpecReader) -> list[str]:
    names = words(value, reader)
    return [str(name) for name in names] if isinstance(names, list) else []


def grant(folder: str) -> Parser:
    """Return a parser of one entry of a service's ``secrets`` or ``configs``.

    ``folder`` is where the file appears.
    """
    parse_fields = mapping(
        {"source": text, "target": text, "uid": text, "gid": text, "mode": octal}
    )

    def parse(value: object, reader: SpecReader) -> object:
        fields = parse_fields(value, reader) if isinstance(value, dict) else {"source": str(value)}
        if not isinstance(fields, dict):
            return None
        if "source" not in fields:
            return reader.problem("needs source, the name it is declared under")
        target = fields.get("target") or fields["source"]
        absolute = target if str(target).startswith("/") else f"{folder}/{target}"
        # 05-services.md, secrets and configs: readable by every user unless a mode is written.
        return {"uid": "0", "gid": "0", "mode": 0o444, **fields, "target": absolute}

    return parse


def dependencies(value: object, reader: SpecReader) -> object:
    """Read ``depends_on`` as service to condition and whether it is required."""
    if isinstance(value, list):
        value = dict.fromkeys(_names(value, reader))
    if not isinstance(value, dict):
        return reader.problem(f"must be a list or a mapping, not {kind_of(value)}")
    parse = mapping({"condition": _condition, "required": boolean}, ignored=frozenset({"restart"}))
    result: dict[str, object] = {}
    for name, settings in value.items():
        parsed = parse(settings or {}, reader.at(name))
        if isinstance(parsed, dict):
            result[str(name)] = {"condition": "service_started", "required": True, **parsed}
    return result


def _condition(value: object, reader: SpecReader) -> object:
    return word("service_started", "service_healthy", COMPLETED)(value, reader)


def extra_hosts(value: object, reader: SpecReader) -> object:
    """Read host names as ``name=address``, sorted."""
    lines = host_lines(value) if isinstance(value, dict) else value
    places: dict[str, Written] = {}
    for index, line in enumerate(_names(lines, reader)):
        # 05-services.md, extra_hosts: `=`, and formerly `:`; an IPv6 address may be in brackets.
        name, _separator, addresses = re.sub(r"^([^:=]+)[:=]", r"\1=", line).partition("=")
        place = reader.at(name if isinstance(value, dict) else index)
        if not name or not all(addresses.split(",")):
            place.problem(f"{line!r} is no host; write name=address")
        for address in addresses.split(","):
            places.setdefault(f"{name}={address.strip('[]')}", Written(place.path))
    result = sorted(places)
    reader.ordered([places[entry] for entry in result])
    return result


def host_lines(hosts: dict[object, object]) -> list[str]:
    """Return a mapping of names to one or several addresses as ``name=address``."""
    lines = []
    for name, addresses in hosts.items():
        for address in addresses if isinstance(addresses, list) else [addresses]:
            lines.append(f"{name}={address or ''}")
    return lines


def capabilities(value: object, reader: SpecReader) -> object:
    """Read capabilities as ``CAP_…``, sorted; ``ALL`` stays."""
    # Docker takes capabilities with and without CAP_, in any order; one form compares equal.
    return sorted({_capability(name) for name in _names(value, reader)})


def _capability(name: str) -> str:
    name = name.upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def ulimits(value: object, reader: SpecReader) -> object:
    """Read limits as name to soft and hard."""
    if not isinstance(value, dict):
        return reader.problem(f"must be a mapping, not {kind_of(value)}")
    result: dict[str, object] = {}
    for name, limit in value.items():
        place = reader.at(name)
        if not isinstance(limit, dict):
            limit = {"soft": limit, "hard": limit}
        result[str(name)] = mapping({"soft": integer(-1), "hard": integer(-1)})(limit, place)
        if limit.get("soft") is None or limit.get("hard") is None:
            place.problem("needs soft and hard, or one number for both")
    return result


def platform(value: object, reader: SpecReader) -> object:
    """Read ``os/arch`` or ``os/arch/variant``; a bare word is an architecture on linux.

    An empty text, which a variable without a value leaves, is any platform, as in Compose.
    """
    if value == "":
        return None
    pieces = str(value).lower().split("/")
    if not all(pieces) or len(pieces) > 3:
        return reader.problem(f"{value!r} is no platform; write for example linux/arm64")
    # The variant is left out: engines place tasks by operating system and architecture only.
    return "/".join(["linux", *pieces] if len(pieces) == 1 else pieces[:2])


def logging(value: object, reader: SpecReader) -> object:
    """Read a log driver and its options; without a driver it is each node's default one."""
    parsed = mapping({"driver": text, "options": pairs})(value, reader)
    if not isinstance(parsed, dict):
        return None
    return {key: item for key, item in parsed.items() if item not in ({}, [])}
