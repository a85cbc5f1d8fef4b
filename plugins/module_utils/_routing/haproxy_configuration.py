# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of HAProxy as a pure function of the table of routes.

Each route has ``1 + slots`` prepared backends. The network name of the replicas of a slot is
prepared, too, and resolves once a variant is in the slot. So variants and weights change maps only.

Rules about one route are in its backends, so that a request does not evaluate those of all others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from .._core import content_ids
from .buckets import BUCKETS, HEADER_VARIANTS, STABLE, VARIANT_SLOTS
from .control_channel import SERVER_NAME
from .exposures import EVENTS
from .route_table import RouteTable, owner, prefix, route_id
from .routes import DEFAULT_EVENTS, HEADER, REQUEST, VISITOR, RateLimit, Route, Unit
from .runtime_commands import CELLS, NO_TABLE
from .startup_script import (
    ACTION,
    HEADERS_ACTION,
    HEADERS_SCRIPT,
    NO_LENGTH,
    TOO_LARGE,
    Startup,
    startup_script,
)

SlotName = Callable[[str, str, int], str]
"""(app, service, slot) -> DNS name whose A records are the replicas of the variant in the slot.

Slot 0 is ``stable``. Swarm: slot 0 ``tasks.<app>_<service>``; slot N ``tasks.<alias>``, with the
full alias ``<app>_<service>-slot<N>`` of the variant's service on the network shipping-router.
Kubernetes: a headless Service of each slot.
"""

TESTER_KEY_HEADER = "x-shipping-tester"
TESTER_VARIANT_HEADER = "x-shipping-variant"
TESTER_KEY_FILE = "router-tester-key"
EXPOSURE_KEY_FILE = "router-exposure-key"
SERVER_IDENTITY_FILE = "router-server.pem"
CONTROL_CA_FILE = "router-ca.pem"
PEERS_CA_FILE = "router-peers-ca.pem"
CONFIGURATION_FILE = "haproxy.cfg"
SCRIPT_FILE = "startup.lua"
HEADERS_SCRIPT_FILE = "headers.lua"
PEER_BACKEND = "peers"
EVENTS_PATH = ".shipping/events"

_ONE_YEAR = 365 * 24 * 3600
# A longer value of a visitor's cookie was not made by the router.
_LONGEST_COOKIE = 128
_EVENTS_RATE = "events-rate"
_LARGEST_EVENT = 8192
# RFC 3986 calls these characters unreserved, so that no client encodes them.
_EVENT_WORD = "^[A-Za-z0-9_.-]{1,64}$"
_EVENT_NUMBER = "^-?[0-9]{1,12}([.][0-9]{1,6})?$"
# Slot, dot and name of a variant.
_LONGEST_CHOICE = 40
# After the first bytes were sent, a request with one of these may have been carried out.
_REPEATABLE_METHODS = "GET HEAD OPTIONS TRACE PUT DELETE"


@dataclass(frozen=True)
class RouterPaths:
    """Paths of the router's files inside of its container.

    ``configuration`` is the folder of RouterFiles, ``secrets`` that of certificates and keys.
    ``state`` is written by the router: states of servers, newest tables; a volume keeps it.
    ``socket`` is the folder of the unix socket of the runtime API.
    """

    configuration: str = "/usr/local/etc/haproxy"
    secrets: str = "/run/secrets"
    state: str = "/var/lib/haproxy"
    socket: str = "/var/run/haproxy"


@dataclass(frozen=True)
class Control:
    """The listener by which controllers reach the runtime API.

    With ``mutual_tls`` it demands a client certificate, and needs the secrets
    ``router-server.pem`` (certificate and key), ``router-ca.pem`` (the authorities of clients) and
    ``router-peers-ca.pem`` (those of other replicas). Without it the runtime API
    listens at ``port`` of the pod's loopback, in plain text, for port-forwards.
    """

    port: int = 9443
    mutual_tls: bool = True


@dataclass(frozen=True)
class RouterSettings:
    """Settings that the configuration depends on in addition to the routes.

    ``resolver`` is ``address:port`` of the DNS server, empty for that of the container.
    ``servers`` is the largest number of replicas of a variant.
    ``bots``: words in the User-Agent of clients that get ``stable``.
    ``peers`` is a DNS name whose A records are all replicas of the router: a replica that starts
    takes the newest tables from them, over the mutual TLS of ``control``. Without it, and without
    a volume for ``RouterPaths.state``, it starts with all traffic at ``stable``.
    ``most_peers`` is the largest number of replicas. ``drain`` is how many seconds connections have
    to end when a replica stops. ``extra``: raw lines of HAProxy's configuration, at the end.
    Secrets as files in ``RouterPaths.secrets``: ``router-exposure-key``, a map file with the line
    ``key <base64>``; with ``tester_key`` also ``router-tester-key``, a line with the value of the
    header x-shipping-tester, which lets x-shipping-variant name the variant.
    """

    slot_name: SlotName
    resolver: str = "127.0.0.11:53"
    address: str = "*"
    http_port: int = 80
    https_port: int = 443
    metrics_port: int = 8404
    slots: int = VARIANT_SLOTS
    servers: int = 10
    control: Control = Control()
    paths: RouterPaths = RouterPaths()
    bots: tuple[str, ...] = ()
    tester_key: bool = False
    peers: str = ""
    most_peers: int = 8
    drain: int = 60
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class MountedCertificate:
    """A secret of an app that must be mounted as a file of ``RouterPaths.secrets``."""

    app: str
    secret: str
    file: str


@dataclass(frozen=True)
class RouterFiles:
    """The files of a router: name below ``RouterPaths.configuration`` -> content.

    The main file is ``haproxy.cfg``. The tables have revision 0, where all traffic is that of
    ``stable``, so that a change of weights changes no file.
    """

    files: Mapping[str, str]
    certificates: tuple[MountedCertificate, ...] = field(default=())

    def content_name(self) -> str:
        """Return a short hash of all files: same routes and settings, same name."""
        return content_ids.digest(dict(self.files))


def router_files(table: RouteTable, settings: RouterSettings) -> RouterFiles:
    """Return the files of a router; same routes and settings, same bytes."""
    certificates = tuple(sorted(_certificates(table.routes), key=lambda mounted: mounted.file))
    files = {
        CONFIGURATION_FILE: _configuration(table, settings),
        "routes.map": _lines(_route_rows(table)),
        SCRIPT_FILE: startup_script(_startup(table, settings)),
        HEADERS_SCRIPT_FILE: HEADERS_SCRIPT,
        **{_table_file(*service): _FIRST_TABLE for service in table.services()},
    }
    if certificates:
        files["certificates.list"] = _lines(_certificate_rows(table.routes, settings.paths))
    if settings.bots:
        files["bots.list"] = _lines(settings.bots)
    return RouterFiles(files, certificates)


def _startup(table: RouteTable, settings: RouterSettings) -> Startup:
    paths = settings.paths
    return Startup(
        maps=[map_path(*service, paths) for service in table.services()],
        routes=[route_id(route) for route in table.routes],
        slots=settings.slots,
        peers=[f"unix@{path}" for path in _peer_sockets(settings)],
        peer_backend=PEER_BACKEND,
        socket=socket_path(paths),
        state=paths.state,
    )


def _peer_sockets(settings: RouterSettings) -> list[str]:
    """Return the unix socket of each place for a peer."""
    has_peers = settings.peers and settings.control.mutual_tls
    count = settings.most_peers if has_peers else 0
    return [f"{settings.paths.socket}/peer{number}.sock" for number in range(1, count + 1)]


def map_path(app: str, service: str, paths: RouterPaths) -> str:
    """Return the name of a service's map in the runtime API."""
    return f"{paths.configuration}/{_table_file(app, service)}"


def socket_path(paths: RouterPaths) -> str:
    """Return the path of the unix socket of the runtime API."""
    return f"{paths.socket}/control.sock"


def _table_file(app: str, service: str) -> str:
    return f"table-{app}_{service}.map"


# Entries as in runtime_commands.map_entries; without buckets all of them are those of `stable`.
_FIRST_TABLE = f"table {NO_TABLE}\nvariants 0.{STABLE}\nvariant:{STABLE} 0.{STABLE}\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _route_rows(table: RouteTable) -> list[str]:
    """Return the map from a request's place to its route, service, and numbers of rules."""
    numbers = {service: number for number, service in enumerate(table.services())}
    sources = _sources(table.routes)
    rows = []
    for route in table.routes:
        name = route_id(route)
        rules = f"{numbers[route.app, route.service]}|{sources.index(route.unit)}"
        rows.append(f"{prefix(route)} {name}|{owner(route)}|{rules}")
        if route.events:
            # By a row of its own, no other request is compared with the path of events.
            place = f"{prefix(route)}{EVENTS_PATH}/"
            rows.append(f"{place} {name}.{EVENTS}|{owner(route)}|{rules}")
    return rows


def _sources(routes: Iterable[Route]) -> list[Unit]:
    """Return the units of all routes, sorted, each once."""
    return sorted({route.unit for route in routes}, key=lambda unit: (unit.type, unit.name))


def _certificate_file(route: Route) -> str:
    return f"{route.app}_{route.certificate}.pem"


def _certificates(routes: Iterable[Route]) -> set[MountedCertificate]:
    return {
        MountedCertificate(route.app, route.certificate, _certificate_file(route))
        for route in routes
        if route.certificate
    }


def _certificate_rows(routes: Iterable[Route], paths: RouterPaths) -> list[str]:
    """Return the lines of the list of certificates, one a host."""
    rows = {}
    for route in routes:
        if route.certificate:
            protocols = "h2,http/1.1" if route.http2 else "http/1.1"
            file = f"{paths.secrets}/{_certificate_file(route)}"
            rows[route.host] = f"{file} [alpn {protocols}] {route.host}"
    return [rows[host] for host in sorted(rows)]


def _configuration(table: RouteTable, settings: RouterSettings) -> str:
    sections = [
        _global(settings),
        _DEFAULTS,
        _resolvers(settings),
        _frontend(table, settings),
        *chain.from_iterable(_route_sections(route, settings) for route in table.routes),
        *_control(settings),
        *_peers(settings),
        _metrics(settings),
        # For sections of raw lines: no section may use `router` without naming it.
        ["defaults others from router"],
        *([[*settings.extra]] if settings.extra else []),
    ]
    return "\n".join(_lines(section) for section in sections)


def _global(settings: RouterSettings) -> list[str]:
    paths, control = settings.paths, settings.control
    loopback = f"    stats socket ipv4@127.0.0.1:{control.port} level admin"
    return [
        "global",
        # The id of the replica, by which controllers recognize it.
        '    node "${SHIPPING_REPLICA-unknown}"',
        # More than the default of 1024, which cuts lines; longer ones than this do not occur.
        "    log stdout len 4096 format raw local0 info",
        f"    stats socket unix@{socket_path(paths)} mode 600 level admin",
        *([] if control.mutual_tls else [loopback]),
        "    stats timeout 1m",
        f"    server-state-file {paths.state}/servers",
        # Connections follow from the limit of open files, which containers often do not have.
        "    fd-hard-limit 65536",
        f"    hard-stop-after {settings.drain}s",
        "    ssl-default-bind-options ssl-min-ver TLSv1.2",
        # Once, rather than for each request.
        f"    set-var proc.key str(key),map({paths.secrets}/{EXPOSURE_KEY_FILE})",
        f"    lua-load {paths.configuration}/{SCRIPT_FILE}",
        # The other one has a lock that all threads share.
        f"    lua-load-per-thread {paths.configuration}/{HEADERS_SCRIPT_FILE}",
    ]


_DEFAULTS = [
    "defaults router",
    "    mode http",
    "    log global",
    "    option dontlognull",
    "    load-server-state-from-file global",
    "    timeout http-request 10s",
    "    timeout http-keep-alive 60s",
    "    timeout connect 5s",
    "    timeout client 1m",
    "    timeout server 1m",
]


def _resolvers(settings: RouterSettings) -> list[str]:
    return [
        "resolvers replicas",
        f"    nameserver dns {settings.resolver}" if settings.resolver else "    parse-resolv-conf",
        # A truncated answer would empty the backend: HAProxy does not repeat the query over TCP.
        "    accepted_payload_size 8192",
        "    resolve_retries 3",
        "    timeout resolve 1s",
        "    timeout retry 1s",
        "    hold valid 1s",
        "    hold nx 1s",
        # A replica that stops is left at once.
        "    hold obsolete 0s",
    ]


# The status, length and bytes are numbers; all texts have no character that JSON escapes.
# Whole variables: each part of one would cost a processor as much as three of them.
_EXPOSURE = (
    '{"shipping":"exposure","time":%Ts.%ms,"row":"%[var(txn.row)]","table":"%[var(txn.table)]",'
    '"choice":"%[var(txn.choice)]","unit":"%[var(txn.unit),hmac(sha256,proc.key),hex]",'
    '"bucket":"%[var(txn.bucket)]","status":%ST,"ms":%Ta,"bytes":%B,"end":"%ts"EVENT}'
)
_EVENT = ',"event":"%[var(txn.event)]"'


def _log_format(routes: Iterable[Route]) -> str:
    has_events = any(route.events for route in routes)
    return _EXPOSURE.replace("EVENT", _EVENT if has_events else "")


def _frontend(table: RouteTable, settings: RouterSettings) -> list[str]:
    return [
        "frontend router from router",
        *_binds(table.routes, settings),
        *_proxy_protocol(table.routes),
        f"    log-format '{_log_format(table.routes)}'",
        *_find_route(table, settings.paths),
        *_find_unit(table.routes, settings),
        *_choose_variant(table, settings),
        *_remember_visitor(table.routes),
        "    use_backend %[var(txn.row),field(1,|)].%[var(txn.choice),field(1,.)]",
    ]


def _binds(routes: Iterable[Route], settings: RouterSettings) -> list[str]:
    folder, address = settings.paths.configuration, settings.address
    tls = (
        f"    bind {address}:{settings.https_port} ssl crt-list {folder}/certificates.list"
        " strict-sni"
    )
    has_tls = any(route.certificate for route in routes)
    return [f"    bind {address}:{settings.http_port}", *([tls] if has_tls else [])]


def _proxy_protocol(routes: Iterable[Route]) -> list[str]:
    senders = (route.trusted_proxies for route in routes if route.proxy_protocol)
    networks = {*chain.from_iterable(senders)}
    return [
        f"    tcp-request connection expect-proxy layer4 if {{ src {network} }}"
        for network in sorted(networks)
    ]


def _find_route(table: RouteTable, paths: RouterPaths) -> list[str]:
    routes = f"map_beg({paths.configuration}/routes.map)"
    unknown = "!{ var(txn.row) -m found }"
    return [
        f"    http-request lua.{ACTION} unless {{ var(proc.ready) -m found }}",
        # By the slash at its end, /api does not match /apix; the longest beginning wins.
        f"    http-request set-var(txn.row) base,concat(/),{routes}",
        # The same in the one form of a host, which most clients send by themselves.
        f"    http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.) if {unknown}",
        f"    http-request set-var(txn.path) path if {unknown}",
        f"    http-request set-var(txn.row) var(txn.host),concat(,txn.path,/),{routes}"
        f" if {unknown}",
        "    http-request return status 404 content-type text/plain string"
        f' "No route has this host and path.\\n" if {unknown}',
        # Numbers: a comparison of one costs a third of that of a text.
        *_number("number", 3, len(table.services())),
        *_number("source", 4, len(_sources(table.routes))),
    ]


def _number(name: str, field_number: int, count: int) -> list[str]:
    """Return the rule that reads a number of the row, where rules depend on it."""
    text = f"    http-request set-var(txn.{name}) var(txn.row),field({field_number},|),add(0)"
    return [text] if count > 1 else []


def _equals(name: str, numbers: Sequence[int], count: int) -> str:
    """Return the condition for some of ``count`` numbers; nothing where it is always true."""
    if len(numbers) == count:
        return ""
    return f"{{ var(txn.{name}) -m int {' '.join(map(str, numbers))} }}"


def _if(*conditions: str) -> str:
    """Return the end of a rule for conditions, of which empty ones are always true."""
    text = " ".join(filter(None, conditions))
    return f" if {text}" if text else ""


def _find_unit(routes: Iterable[Route], settings: RouterSettings) -> list[str]:
    """Return the rules that read the unit; a bot has none."""
    sources = _sources(routes)
    lines = []
    if settings.bots:
        bots = f"{settings.paths.configuration}/bots.list"
        lines.append(
            "    http-request set-var(txn.bot) bool(true)"
            f" if {{ req.hdr(user-agent) -i -m sub -f {bots} }}"
        )
    for number, unit in enumerate(sources):
        fetch = {VISITOR: f"req.cook({unit.name})", HEADER: f"req.fhdr({unit.name})"}
        if unit.type in fetch:
            condition = _if(_equals("source", [number], len(sources)), _no_bot(settings))
            lines.append(f"    http-request set-var(txn.unit) {fetch[unit.type]}{condition}")
    return [
        *lines,
        *_new_visitor(sources, settings),
        "    http-request unset-var(txn.unit) if { var(txn.unit) -m len 0 }",
    ]


def _no_bot(settings: RouterSettings) -> str:
    return "!{ var(txn.bot) -m found }" if settings.bots else ""


def _no_tester(settings: RouterSettings) -> str:
    return "!{ var(txn.tester) -m found }" if settings.tester_key else ""


def _of_type(sources: Sequence[Unit], unit_type: str) -> list[int]:
    return [number for number, unit in enumerate(sources) if unit.type == unit_type]


def _new_visitor(sources: Sequence[Unit], settings: RouterSettings) -> list[str]:
    visitors = _of_type(sources, VISITOR)
    if not visitors:
        return []
    condition = _if(
        _equals("source", visitors, len(sources)),
        f"!{{ var(txn.unit) -m len 1:{_LONGEST_COOKIE} }}",
        _no_bot(settings),
    )
    return [
        f"    http-request set-var(txn.new) bool(true){condition}",
        "    http-request set-var(txn.unit) uuid() if { var(txn.new) -m found }",
    ]


def _choose_variant(table: RouteTable, settings: RouterSettings) -> list[str]:
    """Return the rules that set the slot and name of the variant: ``1.green``."""
    # Each request evaluates these of all services.
    services = table.services()
    maps = [
        (_equals("number", [number], len(services)), map_path(*service, settings.paths))
        for number, service in enumerate(services)
    ]
    sources = _sources(table.routes)
    requests = _of_type(sources, REQUEST)
    each_request = _if(
        _equals("source", requests, len(sources)), _no_bot(settings), _no_tester(settings)
    )
    # Nor has a service a table before its first change of weights.
    has_unit = _if(
        "{ var(txn.unit) -m found }",
        _no_tester(settings),
        f"!{{ var(txn.table) -m str {NO_TABLE} }}",
    )
    return [
        *(
            f"    http-request set-var(txn.table) str(table),map({file}){_if(of_service)}"
            for of_service, file in maps
        ),
        *(_tester(maps, settings) if settings.tester_key else []),
        # The one chain that agrees with buckets.bucket_of.
        "    http-request set-var(txn.bucket) var(txn.table),field(3,.),concat(:,txn.unit),"
        f"sha2(256),hex,bytes(0,8),hex2i,mod({BUCKETS}){has_unit}",
        *(
            [f"    http-request set-var(txn.bucket) rand({BUCKETS}){each_request}"]
            if requests
            else []
        ),
        *(
            f"    http-request set-var(txn.choice) var(txn.bucket),map({file},0.{STABLE})"
            f"{_if(of_service)}"
            for of_service, file in maps
        ),
        f"    http-request set-var(txn.choice) str(0.{STABLE}) if !{{ var(txn.choice) -m found }}",
        *(
            f"    http-request set-var(txn.headers) str(headers:),concat(,txn.choice),map({file})"
            f"{_if('{ var(txn.table) -m end .headers }', of_service)}"
            for of_service, file in maps
        ),
        f"    http-request lua.{HEADERS_ACTION} if {{ var(txn.headers) -m found }}",
    ]


def _tester(maps: Iterable[tuple[str, str]], settings: RouterSettings) -> list[str]:
    """Return the rules for testers, whose secret header lets them choose the variant."""
    is_tester = "{ var(txn.tester) -m found }"
    return [
        "    http-request set-var(txn.tester) bool(true)"
        f" if {{ req.fhdr({TESTER_VARIANT_HEADER}) -m found }}"
        f" {{ req.fhdr({TESTER_KEY_HEADER}) -m str"
        f" -f {settings.paths.secrets}/{TESTER_KEY_FILE} }}",
        f"    http-request set-var(txn.wanted) req.fhdr({TESTER_VARIANT_HEADER}) if {is_tester}",
        *(
            f"    http-request set-var(txn.choice) str(variant:),concat(,txn.wanted),map({file})"
            f"{_if(is_tester, of_service)}"
            for of_service, file in maps
        ),
        "    http-request return status 404 content-type text/plain string"
        f' "The service has no such variant.\\n" if {is_tester}'
        " !{ var(txn.choice) -m found }",
        f"    http-request del-header {TESTER_KEY_HEADER}",
    ]


def _remember_visitor(routes: Iterable[Route]) -> list[str]:
    """Return the rules that give a new visitor its cookie."""
    sources = _sources(routes)
    lines = []
    for number in _of_type(sources, VISITOR):
        cookie = sources[number].name
        is_new = ("{ var(txn.new) -m found }", _equals("source", [number], len(sources)))
        value = f"{cookie}=%[var(txn.unit)]; Path=/; Max-Age={_ONE_YEAR}; HttpOnly; SameSite=Lax"
        lines += [
            f'    http-response add-header Set-Cookie "{value}; Secure"'
            f"{_if(*is_new, '{ var(txn.scheme) -m str https }')}",
            f'    http-response add-header Set-Cookie "{value}"'
            f"{_if(*is_new, '!{ var(txn.scheme) -m str https }')}",
        ]
    return lines


def _route_sections(route: Route, settings: RouterSettings) -> list[list[str]]:
    name = route_id(route)
    return [
        *([_rate_table(route.rate_limit, name)] if route.rate_limit else []),
        _cells_table(name),
        _route_rules(route, name),
        *(_backend(route, name, slot, settings) for slot in range(settings.slots + 1)),
        *_events(route, name, settings.slots),
    ]


def _rate_table(limit: RateLimit, name: str, use: str = "rate") -> list[str]:
    return [
        f"backend {name}.{use} from router",
        # Keys of type string end after 31 characters; addresses of both families fit here.
        f"    stick-table type ipv6 size 100k expire {limit.period}ms"
        f" store http_req_rate({limit.period}ms)",
    ]


def _cells_table(name: str) -> list[str]:
    """Return the counters of variants by headers alone, which share the backend of stable."""
    return [
        f"backend {name}.{CELLS} from router",
        f"    stick-table type string len {_LONGEST_CHOICE} size {2 * HEADER_VARIANTS} store"
        " http_req_cnt,http_err_cnt,http_fail_cnt,bytes_in_cnt,bytes_out_cnt",
    ]


def _route_rules(route: Route, name: str) -> list[str]:
    """Return the settings and rules that all backends of a route share."""
    timeouts = route.timeouts
    return [
        f"defaults {name} from router",
        f"    timeout connect {timeouts.connect}ms",
        f"    timeout server {timeouts.server}ms",
        f"    timeout tunnel {timeouts.tunnel}ms",
        f"    http-request track-sc1 var(txn.choice) table {name}.{CELLS}"
        f" if {{ var(txn.headers) -m found }} {{ var(txn.choice) -m beg 0. }}"
        f" !{{ var(txn.choice) -m str 0.{STABLE} }}",
        *_client_address(route),
        *_limits(route),
        *_streams(route),
        "    retries 3",
        "    option redispatch 1",
        "    retry-on conn-failure empty-response",
        f"    http-request disable-l7-retry unless {{ method {_REPEATABLE_METHODS} }}",
        *_affinity(route),
    ]


def _backend(route: Route, name: str, slot: int, settings: RouterSettings) -> list[str]:
    host = settings.slot_name(route.app, route.service, slot)
    return [
        f"backend {name}.{slot} from {name}",
        # Weights of 100: a half of the default of 1 would be 0.
        f"    server-template replica {settings.servers} {host}:{route.port} weight 100"
        " check inter 500ms fall 2 rise 1 resolvers replicas resolve-prefer ipv4"
        " init-addr last,none",
    ]


def _events(route: Route, name: str, slots: int) -> list[list[str]]:
    """Return the backends that answer events; a slot has one, since requests name it."""
    if not route.events:
        return []
    rules = f"{name}.{EVENTS}"
    return [
        _rate_table(route.events, name, _EVENTS_RATE),
        [f"defaults {rules} from router", *_client_address(route), *_event_rules(route, name)],
        *([f"backend {rules}.{slot} from {rules}"] for slot in range(slots + 1)),
    ]


def _event_rules(route: Route, name: str) -> list[str]:
    limit = route.events or DEFAULT_EVENTS
    too_many = f"{{ sc0_http_req_rate gt {limit.requests} }}"
    has_value, has_id = "{ url_param(value) -m found }", "{ url_param(id) -m found }"
    seconds = max(limit.period // 1000, 1)
    return [
        f"    http-request track-sc0 src table {name}.{_EVENTS_RATE}",
        f"    http-request use-service lua.{TOO_LARGE}"
        f" if {{ req.hdr(content-length) -m int gt {_LARGEST_EVENT} }}",
        # Over HTTP/2, a response before the end of the body would reset the stream.
        "    http-request wait-for-body time 1s if { method POST }",
        _answer(429, "Too many events.", f"hdr Retry-After {seconds} if {too_many}"),
        _answer(404, "Events have no paths.", f"if !{{ path_end /{EVENTS_PATH} }}"),
        _answer(405, "Send an event by POST.", "hdr Allow POST if !{ method POST }"),
        # The unit is never one of the query or the body: no client can send events of others.
        _answer(
            400,
            "An event needs the cookie or header that this route assigns by.",
            "if !{ var(txn.unit) -m found } || { var(txn.new) -m found }",
        ),
        _answer(
            400,
            "An event needs a name of letters, digits, '-', '_' and '.'.",
            f"if !{{ url_param(name) -m reg {_EVENT_WORD} }}",
        ),
        _answer(
            400,
            "The value of an event is a number such as -12.5.",
            f"if {has_value} !{{ url_param(value) -m reg {_EVENT_NUMBER} }}",
        ),
        _answer(
            400,
            "The id of an event has letters, digits, '-', '_' and '.'.",
            f"if {has_id} !{{ url_param(id) -m reg {_EVENT_WORD} }}",
        ),
        "    http-request set-var(txn.value) url_param(value)",
        "    http-request set-var(txn.event_id) url_param(id)",
        "    http-request set-var(txn.event)"
        " url_param(name),concat(|,txn.value),concat(|,txn.event_id)",
        "    http-request return status 204",
    ]


def _answer(status: int, text: str, rest: str) -> str:
    return (
        f'    http-request return status {status} content-type text/plain string "{text}\\n" {rest}'
    )


def _client_address(route: Route) -> list[str]:
    """Return the rules by which X-Forwarded headers are those of trusted proxies, or our own."""
    believes = bool(route.trusted_proxies) and not route.proxy_protocol
    scheme = "    http-request set-var(txn.scheme) str(https) if { ssl_fc }"
    redirect = (
        "    http-request redirect scheme https code 308 if !{ var(txn.scheme) -m str https }"
    )
    is_needed = route.certificate or route.unit.type == VISITOR
    return [
        *([] if believes or not is_needed else [scheme]),
        *(_believed_headers(" ".join(route.trusted_proxies)) if believes else _OWN_HEADERS),
        *([redirect] if route.certificate else []),
    ]


_OWN_HEADERS = (
    "    http-request del-header Forwarded",
    "    http-request set-header X-Forwarded-For %[src]",
    "    http-request set-header X-Forwarded-Host %[req.hdr(host)]",
    "    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]",
)


def _believed_headers(networks: str) -> list[str]:
    trusted = "{ var(txn.trusted) -m found }"
    return [
        f"    http-request set-var(txn.trusted) bool(true) if {{ src {networks} }}",
        *(
            f"    http-request del-header {name} if !{trusted}"
            for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
        ),
        "    http-request set-header X-Forwarded-Proto https if { ssl_fc }"
        " !{ req.hdr(x-forwarded-proto) -m found }",
        "    http-request set-header X-Forwarded-Proto http"
        " if !{ req.hdr(x-forwarded-proto) -m found }",
        "    http-request set-header X-Forwarded-Host %[req.hdr(host)]"
        " if !{ req.hdr(x-forwarded-host) -m found }",
        "    http-request set-var(txn.scheme) req.hdr(x-forwarded-proto)",
        "    http-request add-header X-Forwarded-For %[src]",
        *_believed_address(networks),
    ]


def _believed_address(networks: str) -> list[str]:
    """Return the rules that take the last address that is not a trusted proxy's."""
    # The last one is that of the proxy itself, which the rule before has added.
    return [
        f"    http-request set-src req.hdr_ip(x-forwarded-for,-{place})"
        f" if {{ var(txn.trusted) -m found }} {{ src {networks} }}"
        f" {{ req.hdr_ip(x-forwarded-for,-{place}) -m found }}"
        for place in (2, 3, 4)
    ]


def _limits(route: Route) -> list[str]:
    lines = []
    if route.rate_limit:
        too_many = f"{{ sc0_http_req_rate gt {route.rate_limit.requests} }}"
        seconds = max(route.rate_limit.period // 1000, 1)
        lines += [
            f"    http-request track-sc0 src table {route_id(route)}.rate",
            # Over HTTP/2, a response before the end of the body would reset the stream.
            f"    http-request wait-for-body time 1s if {too_many} {{ method POST PUT PATCH }}",
            "    http-request return status 429 content-type text/plain string"
            f' "Too many requests.\\n" hdr Retry-After {seconds}'
            f" if {too_many}",
        ]
    if route.largest_body:
        has_no_length = "!{ req.hdr(content-length) -m found }"
        no_length = f"    http-request use-service lua.{NO_LENGTH} if {has_no_length}"
        lines += [
            f"    http-request use-service lua.{TOO_LARGE}"
            f" if {{ req.hdr(content-length) -m int gt {route.largest_body} }}",
            # Of a body without a length, HAProxy counts no more than a buffer.
            f"{no_length} {{ req.hdr(transfer-encoding) -m found }}",
            f"{no_length} {{ method POST PUT PATCH }}",
        ]
    return lines


def _streams(route: Route) -> list[str]:
    lines = []
    if route.server_sent_events:
        lines.append(
            f"    http-request set-timeout server {route.timeouts.tunnel}ms"
            " if { req.hdr(accept) -m sub text/event-stream }"
        )
    if not route.websocket:
        refused = (
            "    http-request return status 403 content-type text/plain string"
            ' "This route takes no WebSocket connections.\\n"'
        )
        # RFC 8441: over HTTP/2 the method is CONNECT.
        lines += [f"{refused} if {{ req.hdr(upgrade) -m found }}", f"{refused} if METH_CONNECT"]
    return lines


def _affinity(route: Route) -> list[str]:
    if not route.replica_affinity:
        return []
    # No secret: it only makes values differ between routes, and agree between router replicas.
    key = hashlib.sha256(route_id(route).encode()).hexdigest()[:16]
    return [
        # Without `dynamic`, all servers of a template have one value.
        "    cookie shipping_replica insert indirect nocache httponly dynamic",
        f"    dynamic-cookie-key {key}",
    ]


def _control(settings: RouterSettings) -> list[list[str]]:
    paths, control = settings.paths, settings.control
    if not control.mutual_tls:
        return []
    # TLS options on the `stats socket` line pass the check of the configuration without effect.
    return [
        [
            "listen control from router",
            "    mode tcp",
            "    no log",
            f"    bind {settings.address}:{control.port} ssl"
            f" crt {paths.secrets}/{SERVER_IDENTITY_FILE}"
            f" ca-file {paths.secrets}/{CONTROL_CA_FILE} verify required",
            f"    server api unix@{socket_path(paths)}",
        ]
    ]


def _peers(settings: RouterSettings) -> list[list[str]]:
    """Return the section that leads from a socket each to the control of the other replicas."""
    sockets = _peer_sockets(settings)
    if not sockets:
        return []
    identity = f"{settings.paths.secrets}/{SERVER_IDENTITY_FILE}"
    trusted = f"{settings.paths.secrets}/{PEERS_CA_FILE}"
    numbers = range(1, len(sockets) + 1)
    return [
        [
            f"listen {PEER_BACKEND} from router",
            "    mode tcp",
            "    no log",
            # One that does not answer must not let requests wait.
            "    timeout connect 1s",
            "    retries 0",
            *(
                f"    bind unix@{path} mode 600 id {number}"
                for number, path in zip(numbers, sockets)
            ),
            *(f"    use-server peer{number} if {{ so_id {number} }}" for number in numbers),
            f"    server-template peer {len(sockets)} {settings.peers}:{settings.control.port}"
            f" ssl crt {identity} ca-file {trusted} verify required verifyhost {SERVER_NAME}"
            " resolvers replicas resolve-prefer ipv4 init-addr none",
        ]
    ]


def _metrics(settings: RouterSettings) -> list[str]:
    return [
        "frontend metrics from router",
        f"    bind {settings.address}:{settings.metrics_port}",
        "    no log",
        "    monitor-uri /healthz",
        "    http-request use-service prometheus-exporter if { path /metrics }",
        "    http-request return status 404",
    ]
