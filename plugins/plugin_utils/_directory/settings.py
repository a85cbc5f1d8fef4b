# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the settings of a directory; all mistakes are reported at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from ...module_utils._core.errors import Problem, SpecError, suggestion
from .distinguished_names import dn_key, host_name
from .layouts import LAYOUTS, DirectoryLayout, inner_groups_filter

BINDS = ("anonymous", "simple", "external", "gssapi")
SCOPES = ("one", "subtree")
NESTED = ("recursive", "in_chain", "none")
UNRESOLVED = ("error", "warn")
_PORTS = {"ldap": 389, "ldaps": 636, "ldapi": 0}
# A global catalog lacks the members of most groups.
_GLOBAL_CATALOG_PORTS = (3268, 3269)
NOBODY = frozenset([dn_key("")])
"""The DN that is empty, which no entry of a tree has."""
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True)
class Server:
    """One server of the list."""

    uri: str
    scheme: str
    host: str
    port: int


@dataclass(frozen=True)
class ConnectionSettings:
    """The servers of the directory, and the bind."""

    servers: tuple[Server, ...]
    bind: str = "anonymous"
    bind_dn: str = ""
    password: str = field(default="", repr=False)
    start_tls: bool = False
    validate_certs: bool = True
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    allow_clear_text: bool = False
    timeout: int = 10
    total_timeout: int = 600
    page_size: int = 500
    srv_domain: str = ""
    rejection_hold: int = 900
    """The seconds for which a rejected password is not sent again."""
    state_path: str = ""
    srv_name: str = ""
    """The name of the SRV records, if there are no ``servers``."""


@dataclass(frozen=True)
class SearchArea:
    """A part of the tree, and the filter for its entries."""

    base: str
    filter: str
    scope: str = "subtree"

    def contains(self, key: str) -> bool:
        """Return whether an entry is below the base, in the scope; ``key`` is its DN."""
        base = dn_key(self.base) if self.base else ""
        if base and key != base and not key.endswith(f",{base}"):
            return False
        depth = len(key) - len(base) - 1
        # dn_key() writes a comma within a value as ``\,``, which is no level.
        return self.scope != "one" or (depth > 0 and "," not in key[:depth].replace("\\,", ""))


@dataclass(frozen=True)
class Settings:
    """All settings that affect an answer."""

    connection: ConnectionSettings
    base: str
    layout: DirectoryLayout
    projects: SearchArea
    users: SearchArea
    hosts: SearchArea | None
    netgroups: SearchArea | None = None
    prefix: str = ""
    nested: str = "recursive"
    login_format: str = "{name}"
    domain: str = ""
    host_attribute: str = ""
    host_map: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batch_size: int = 100
    unresolved: str = "error"
    placeholders: frozenset[str] = NOBODY
    """Placeholders of groups that cannot be empty, as DNs in normal form."""
    allow_empty: bool = False


def read(options: Mapping[str, Any], origin: str) -> Settings:
    """Return the settings in the options of a plugin, as its documentation has them.

    Raises SpecError with all mistakes.
    """
    reader = _Reader()
    layout = reader.layout(options)
    base = reader.text(options, "base")
    if not base:
        reader.problem(
            "base",
            "is missing; write the DN below which projects and users are searched, such as"
            " dc=example,dc=com",
        )
    settings = Settings(
        connection=reader.connection(options),
        base=base,
        layout=layout,
        projects=reader.area(options, "projects", base, layout.projects_filter),
        users=reader.area(options, "users", base, layout.users_filter),
        hosts=(
            reader.area(options, "hosts", base, layout.hosts_filter)
            if options.get("hosts") is not None
            else None
        ),
        netgroups=(
            reader.area(options, "netgroups", base, "(objectClass=nisNetgroup)")
            if options.get("netgroups") is not None
            else None
        ),
        prefix=reader.text(reader.section(options, "projects"), "prefix", "projects"),
        nested=reader.choice(
            reader.section(options, "projects"), "nested", NESTED, "recursive", "projects"
        ),
        login_format=reader.login_format(options),
        domain=reader.text(reader.section(options, "hosts"), "domain", "hosts"),
        host_attribute=reader.attribute(reader.section(options, "users"), "hosts", "users", ""),
        host_map=reader.host_map(options),
        batch_size=reader.number(options, "batch_size", 100, 1, 1000),
        unresolved=reader.choice(options, "unresolved", UNRESOLVED, layout.unresolved),
        placeholders=reader.placeholders(options),
        allow_empty=reader.flag(options, "allow_empty", default=False),
    )
    reader.check(settings)
    if reader.problems:
        raise SpecError(reader.problems, origin)
    return settings


# The options that describe a directory. The plugins have further options.
OPTIONS = (
    "uris",
    "srv_domain",
    "srv_site",
    "timeout",
    "total_timeout",
    "bind",
    "bind_dn",
    "bind_password",
    "bind_password_file",
    "bind_password_command",
    "start_tls",
    "validate_certs",
    "ca_file",
    "client_certificate",
    "client_key",
    "allow_clear_text",
    "page_size",
    "batch_size",
    "base",
    "layout",
    "projects",
    "users",
    "hosts",
    "netgroups",
    "host_map",
    "unresolved",
    "placeholders",
    "allow_empty",
    "rejection_hold",
)
# The keys of each section; the documentation of the plugin explains them.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "projects": (
        "base",
        "filter",
        "scope",
        "name",
        "prefix",
        "members",
        "member_logins",
        "member_of",
        "primary_group",
        "nested",
        "empty_groups",
    ),
    "users": ("base", "filter", "scope", "login", "login_format", "id", "hosts"),
    "hosts": ("base", "filter", "scope", "name", "domain", "owners", "owner_logins"),
    "netgroups": ("base", "filter", "scope"),
}
_OF_LAYOUT: Mapping[str, Mapping[str, str]] = {
    "projects": {
        "filter": "projects_filter",
        "name": "projects_name",
        "members": "member_dns",
        "member_logins": "member_logins",
        "member_of": "member_of",
        "primary_group": "primary_group",
        "empty_groups": "empty_groups",
    },
    "users": {"filter": "users_filter", "login": "users_login", "id": "users_id"},
    "hosts": {
        "filter": "hosts_filter",
        "name": "hosts_name",
        "owners": "hosts_owners",
        "owner_logins": "hosts_owner_logins",
    },
}


class _Reader:
    """Read the options one by one, and collect the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, path: str, text: str) -> None:
        self.problems.append(Problem(path, text))

    def section(self, options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = options.get(name)
        if value is None:
            return {}
        return value if isinstance(value, Mapping) else {}

    def text(self, options: Mapping[str, Any], name: str, within: str = "") -> str:
        value = options.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problem(_path(within, name), f"must be a string, not {value!r}")
            return ""
        return str(value).strip()

    def choice(
        self,
        options: Mapping[str, Any],
        name: str,
        choices: Sequence[str],
        default: str,
        within: str = "",
    ) -> str:
        value = str(options.get(name) or default)
        if value not in choices:
            self.problem(
                _path(within, name),
                f"is {value!r}, not one of {', '.join(choices)}{suggestion(value, choices)}",
            )
            return default
        return value

    def number(
        self, options: Mapping[str, Any], name: str, default: int, least: int, most: int
    ) -> int:
        value = options.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(name, f"is {value!r}; write a whole number from {least} to {most}")
            return default
        return int(value)

    def flag(
        self, options: Mapping[str, Any], name: str, within: str = "", *, default: bool
    ) -> bool:
        value = options.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(_path(within, name), f"is {value!r}; write true or false")
            return default
        return value

    def attribute(self, options: Mapping[str, Any], name: str, within: str, default: str) -> str:
        value = self.text(options, name, within)
        if value and not _ATTRIBUTE.fullmatch(value):
            self.problem(_path(within, name), f"is {value!r}, which is not an attribute name")
        return value or default

    def attributes(
        self, options: Mapping[str, Any], name: str, within: str, default: tuple[str, ...]
    ) -> tuple[str, ...]:
        value = options.get(name)
        if value is None:
            return default
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, Sequence) or not all(
            isinstance(item, str) and _ATTRIBUTE.fullmatch(item) for item in names
        ):
            self.problem(_path(within, name), f"is {value!r}; write a list of attribute names")
            return default
        return tuple(str(item) for item in names)

    def placeholders(self, options: Mapping[str, Any]) -> frozenset[str]:
        value = options.get("placeholders")
        if value is None:
            return NOBODY
        dns = [value] if isinstance(value, str) else value
        if not isinstance(dns, Sequence) or not all(isinstance(dn, str) for dn in dns):
            self.problem("placeholders", f"is {value!r}; write a list of DNs")
            return NOBODY
        return NOBODY | {dn_key(dn) for dn in dns}

    def area(
        self, options: Mapping[str, Any], name: str, base: str, default_filter: str
    ) -> SearchArea:
        given = options.get(name)
        if given is not None and not isinstance(given, Mapping):
            self.problem(name, f"is {given!r}; write base, filter and the like below it")
        section = self.section(options, name)
        for key in section:
            if key not in SECTIONS[name]:
                self.problem(f"{name}.{key}", f"is unknown{suggestion(key, SECTIONS[name])}")
        text = self.text(section, "filter", name) or default_filter
        if not _is_filter(text):
            why = (
                "is missing; with layout custom, write a filter"
                if not text
                else f"is {text!r}; write an LDAP filter in parentheses"
            )
            self.problem(f"{name}.filter", why)
        return SearchArea(
            self.text(section, "base", name) or base,
            text,
            self.choice(section, "scope", SCOPES, "subtree", name),
        )

    def layout(self, options: Mapping[str, Any]) -> DirectoryLayout:
        """Return the preset with the changes of the user."""
        if not options.get("layout"):
            self.problem("layout", f"is missing; write one of {', '.join(LAYOUTS)}")
        preset = LAYOUTS[self.choice(options, "layout", tuple(LAYOUTS), "custom")]
        layout = replace(
            preset,
            **dict(self._changes(options, preset)),
        )
        if preset.projects_filter:
            layout = replace(layout, groups_filter=inner_groups_filter(layout.member_dns))
        names_members = (layout.member_dns, layout.member_logins, layout.member_of)
        if not any((*names_members, layout.primary_group)):
            self.problem(
                "projects",
                "has no attribute that names members; write members, member_logins or member_of",
            )
        return layout

    def _changes(
        self, options: Mapping[str, Any], preset: DirectoryLayout
    ) -> Iterator[tuple[str, Any]]:
        """Yield the fields of a layout that the user has set, with their values."""
        for section, names in _OF_LAYOUT.items():
            values = self.section(options, section)
            for key, name in names.items():
                if key != "filter" and values.get(key) is not None:
                    yield name, self._as(getattr(preset, name), values, key, section)

    def _as(self, default: Any, values: Mapping[str, Any], key: str, section: str) -> Any:
        """Return a value of the type that the default has."""
        if isinstance(default, bool):
            return self.flag(values, key, section, default=default)
        if isinstance(default, tuple):
            return self.attributes(values, key, section, default)
        return self.attribute(values, key, section, default)

    def connection(self, options: Mapping[str, Any]) -> ConnectionSettings:
        domain = self.domain_name(options, "srv_domain")
        servers = () if domain and not options.get("uris") else tuple(self._servers(options))
        if domain and servers:
            self.problem("srv_domain", "and uris exclude each other; write one of them")
        bind = self.choice(
            options, "bind", BINDS, "simple" if options.get("bind_dn") else "anonymous"
        )
        texts = {
            name: self.text(options, name) or None
            for name in ("ca_file", "client_certificate", "client_key")
        }
        return ConnectionSettings(
            servers=servers,
            bind=bind,
            bind_dn=self.text(options, "bind_dn"),
            password=str(options.get("bind_password") or ""),
            start_tls=self.flag(options, "start_tls", default=False),
            validate_certs=self.flag(options, "validate_certs", default=True),
            allow_clear_text=self.flag(options, "allow_clear_text", default=False),
            timeout=self.number(options, "timeout", 10, 1, 600),
            total_timeout=self.number(options, "total_timeout", 600, 1, 86_400),
            page_size=self.number(options, "page_size", 500, 1, 100_000),
            rejection_hold=self.number(options, "rejection_hold", 900, 0, 86_400),
            state_path=str(options.get("state_path") or ""),
            srv_domain=domain,
            srv_name=self._srv_name(options, domain),
            **texts,
        )

    def domain_name(self, options: Mapping[str, Any], name: str) -> str:
        """Return a DNS domain, in lower case and without a dot at its end."""
        text = self.text(options, name)
        domain = host_name(text, "") if text else ""
        if domain is None:
            self.problem(name, f"is {text!r}; write a domain such as ad.example.com")
        return domain or ""

    def _srv_name(self, options: Mapping[str, Any], domain: str) -> str:
        site = self.text(options, "srv_site")
        if site and (options.get("layout") != "ad" or not domain):
            self.problem("srv_site", "requires layout ad and srv_domain")
        if site and not host_name(site, ""):
            self.problem("srv_site", f"is {site!r}; write the name of a site as it is in DNS")
        if not domain:
            return ""
        where = f"{site.lower()}._sites." if site else ""
        return (
            # Below dc._msdcs there are only domain controllers (MS-ADTS 6.3.2.3).
            f"_ldap._tcp.{where}dc._msdcs.{domain}"
            if options.get("layout") == "ad"
            else f"_ldap._tcp.{domain}"
        )

    def _servers(self, options: Mapping[str, Any]) -> Iterator[Server]:
        uris = options.get("uris")
        if not uris or not isinstance(uris, (list, tuple)):
            self.problem(
                "uris",
                "is missing; write a list such as [ldaps://ldap1.example.com,"
                " ldaps://ldap2.example.com], or srv_domain",
            )
            return
        for uri in uris:
            server = _server(str(uri))
            if server is None:
                self.problem(
                    "uris",
                    f"{uri!r} is not one of ldap://HOST[:PORT], ldaps://HOST[:PORT] and"
                    " ldapi://%2Fpath%2Fof%2Fsocket",
                )
            elif server.port in _GLOBAL_CATALOG_PORTS:
                self.problem(
                    "uris",
                    f"{uri!r} is a global catalog, which lacks members of groups; write"
                    f" ldaps://{server.host}",
                )
            else:
                yield server

    def login_format(self, options: Mapping[str, Any]) -> str:
        text = self.text(self.section(options, "users"), "login_format", "users") or "{name}"
        if text.count("{name}") != 1 or set(text.replace("{name}", "")) & set("{}"):
            self.problem(
                "users.login_format",
                f"is {text!r}; write {{name}} once in place of the login name, as in"
                " {name}@example.com",
            )
            return "{name}"
        return text

    def host_map(self, options: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        given = options.get("host_map")
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            self.problem(
                "host_map",
                "is to hold one host a line, with a list of login names: pc1.example.com: [ada,"
                " bob]",
            )
            return {}
        users_of_hosts: dict[str, tuple[str, ...]] = {}
        for host, users in given.items():
            names = [users] if isinstance(users, str) else users or []
            if not isinstance(names, (list, tuple)) or not all(
                isinstance(name, str) for name in names
            ):
                self.problem(f"host_map.{host}", f"is {users!r}; write a list of login names")
                continue
            users_of_hosts[str(host)] = tuple(str(name) for name in names)
        return users_of_hosts

    def check(self, settings: Settings) -> None:
        """Note a problem for each pair of options that do not fit together."""
        self._check_clear_text(settings.connection)
        self._check_credentials(settings.connection)
        if settings.hosts is None and not settings.host_map:
            self.problem(
                "hosts",
                "is missing; write the base and the filter of all hosts, so that one without"
                " users stays, or a host_map",
            )
        # LDAP_MATCHING_RULE_IN_CHAIN, MS-ADTS 3.1.1.3.4.4.3. To others a filter with it is
        # Undefined (RFC 4511 4.5.1.7), and matches no entry.
        if settings.nested == "in_chain" and settings.layout.dn_attribute != "distinguishedName":
            self.problem(
                "projects.nested", "in_chain is supported by Active Directory only; write recursive"
            )
        if settings.host_attribute and settings.hosts is None:
            self.problem(
                "users.hosts",
                "requires hosts, or a host would leave the inventory with its last user",
            )
        if settings.netgroups and settings.hosts is None:
            self.problem(
                "netgroups",
                "requires hosts, or a host would leave the inventory with its last triple",
            )

    def _check_clear_text(self, connection: ConnectionSettings) -> None:
        if connection.start_tls:
            return
        without_tls = [server.uri for server in connection.servers if server.scheme == "ldap"]
        if not without_tls:
            return
        if connection.bind == "simple" and not connection.allow_clear_text:
            self.problem(
                "bind",
                f"simple would send the password in clear text to {without_tls[0]}; write ldaps://"
                " or start_tls: true",
            )
        # ldap3 has no security layer for GSSAPI: without TLS the whole session would be in clear
        # text.
        if connection.bind == "gssapi":
            self.problem(
                "bind",
                f"gssapi works inside TLS only, and {without_tls[0]} has none; write ldaps:// or"
                " start_tls: true",
            )

    def _check_credentials(self, connection: ConnectionSettings) -> None:
        certificate = connection.client_certificate
        if connection.bind == "simple" and not connection.bind_dn:
            self.problem("bind_dn", "is missing; simple needs the DN of an account that may read")
        if connection.bind == "simple" and not connection.password:
            self.problem(
                "bind_password",
                "is missing; write bind_password_file or bind_password_command, or set"
                " SHIPPING_LDAP_PASSWORD",
            )
        needs_certificate = any(server.scheme != "ldapi" for server in connection.servers)
        if connection.bind == "external" and not certificate and needs_certificate:
            self.problem(
                "client_certificate",
                "is missing; external needs a certificate, or only ldapi:// servers",
            )
        if bool(certificate) != bool(connection.client_key):
            self.problem("client_key", "and client_certificate go together")


def _server(uri: str) -> Server | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme == "ldapi":
        # The path is in the host's place, with %2F (draft-chu-ldap-ldapi); the default is
        # OpenLDAP's.
        return Server(uri, scheme, unquote(parts.netloc + parts.path) or "/var/run/slapd/ldapi", 0)
    if scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.username:
        return None
    return Server(uri, scheme, parts.hostname, port or _PORTS[scheme])


def _path(within: str, name: str) -> str:
    return f"{within}.{name}" if within else name


def _is_filter(text: str) -> bool:
    """Return whether the parentheses match; the server reports other mistakes."""
    depth = 0
    for position, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 1 and position < len(text) - 1:
            return False
    return depth == 0 and text.startswith("(")


def fingerprint(settings: Settings) -> str:
    """Return a text that distinguishes the answers of two settings; no secret is in it."""
    connection = replace(settings.connection, password="", state_path="", rejection_hold=0)
    shown = {
        item.name: getattr(settings, item.name)
        for item in fields(settings)
        if item.name != "connection"
    }
    return repr((connection, sorted(shown.items())))
