# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HAProxy with the configuration that routes result in, and services behind it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Denied,
    PlatformError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._routing import runtime_commands
from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    BucketTable,
    VariantBuckets,
    allocate,
    bucket_of,
    first_table,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.control_channel import (
    ClientIdentity,
    ControlChannel,
    connect_tls,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.exposures import (
    read_events,
    read_exposures,
    sums_by_variant,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    Control,
    map_path,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import (
    joined_routes,
    route_id,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import (
    RateLimit,
    Route,
    Timeouts,
    Unit,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.weight_change import (
    change_tables,
    tables_on_replicas,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing.pki import new_pki

from tests.testbed.machine import free_port, run
from tests.testbed.router_process import (
    HAPROXY,
    TESTER_KEY,
    NameServer,
    Router,
    Service,
    router_settings,
    slot_name,
    wait_for,
)
from tests.testbed.tls import Authority

pytestmark = pytest.mark.skipif(not Path(HAPROXY).exists(), reason="needs the package haproxy")

PORT = free_port()
WEB = Route("shop", "web", "shop.test", "/", PORT, unit=Unit("header", "x-user"))
API = Route("shop", "api", "shop.test", "/api", PORT, unit=Unit("request", ""))


def limited(place: str, **keys: Any) -> Route:
    """Return a route of its own host to the service web."""
    return replace(WEB, host=f"{place}.test", **keys)


ROUTES = [
    WEB,
    API,
    limited("visitor", unit=Unit("visitor", "uid")),
    limited("rate", rate_limit=RateLimit(5, 60_000)),
    limited("body", largest_body=1000),
    limited("plain", websocket=False, server_sent_events=False, timeouts=Timeouts(500, 400, 900)),
    limited("events", timeouts=Timeouts(500, 400, 9000)),
    limited("believing", trusted_proxies=("127.0.0.1/32", "192.0.2.0/24")),
    limited("sticky", replica_affinity=True, unit=Unit("request", "")),
    limited("proxied", proxy_protocol=True, trusted_proxies=("127.0.9.0/24",)),
    limited("secure", certificate="tls", largest_body=1000),
    limited("old", certificate="old", http2=False),
    limited("counted", unit=Unit("visitor", "uid"), events=RateLimit(20, 60_000)),
]
ADDRESSES = {"stable": "127.0.1.1", "green": "127.0.1.2", "blue": "127.0.1.3", "api": "127.0.1.4"}
EMPTY = first_table("shop", "web", "salt-1")
PERCENT_10 = allocate(EMPTY, {"stable": 9000, "green": 1000, "blue": 0})


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    server = NameServer(
        {
            slot_name("shop", "web", 0): [ADDRESSES["stable"]],
            slot_name("shop", "web", 1): [ADDRESSES["blue"]],
            slot_name("shop", "web", 2): [ADDRESSES["green"]],
            slot_name("shop", "api", 0): [ADDRESSES["api"]],
        }
    )
    yield server
    server.close()


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Service]]:
    found = {name: Service(name, address, PORT) for name, address in ADDRESSES.items()}
    yield found
    for service in found.values():
        service.close()


@pytest.fixture(scope="module")
def router(
    names: NameServer, services: dict[str, Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Router]:
    folder = tmp_path_factory.mktemp("router")
    settings = router_settings(
        names,
        bots=("Googlebot",),
        tester_key=True,
        extra=(*PROBE,),
    )
    found = Router(folder, joined_routes(ROUTES), settings)
    found.write()
    authority = Authority(folder / "ca")
    for secret, host in (("tls", "secure.test"), ("old", "old.test")):
        certificate, key = authority.issue(host)
        file = found.secrets / f"shop_{secret}.pem"
        file.write_bytes(certificate.read_bytes() + key.read_bytes())
    add_probe(found)
    found.start()
    try:
        found.wait_until_up(13 + 2 * 12 - 1)
        yield found
    finally:
        found.stop(signal.SIGKILL)


PROBE = ("# the probe of buckets",)


def add_probe(router: Router) -> None:
    """Add a listener that answers the bucket, by the very line of the routers' frontend."""
    file = router.configuration / "haproxy.cfg"
    text = file.read_text()
    chain = re.search(r"set-var\(txn\.bucket\) (var\(txn\.table\)\S+)", text)
    assert chain
    probe = (
        "frontend probe from router",
        f"    bind unix@{router.folder}/probe.sock",
        "    no log",
        f"    http-request set-var(txn.table) str(0.1.{EMPTY.salt})",
        "    http-request set-var(txn.unit) req.fhdr(x-user)",
        f"    http-request set-var(txn.bucket) {chain[1]}",
        '    http-request return status 200 content-type text/plain lf-string "%[var(txn.bucket)]"',
    )
    assert PROBE[0] in text
    file.write_text(text.replace(PROBE[0], "\n".join(probe)))


def ask(
    router: Router, host: str, path: str = "/", method: str = "GET", **options: Any
) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of a request; ``options``: headers, body."""
    connection = http.client.HTTPConnection(*router.url, timeout=10)
    headers = {"Host": host, **options.pop("headers", {})}
    connection.request(method, path, headers=headers, **options)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    is_json = body.startswith(b"{")
    fields = {key.lower(): value for key, value in response.getheaders()}
    return response.status, fields, json.loads(body) if is_json else body.decode()


def set_tables(router: Router, *tables: BucketTable) -> None:
    """Give one replica these tables, whatever it has."""
    with router.channel() as channel:
        change_tables([channel], tables, router.settings.paths)


def newest(router: Router) -> BucketTable:
    """Return the table that the router has."""
    with router.channel() as channel:
        return tables_on_replicas([channel], [EMPTY], router.settings.paths)[0].table


def changed(router: Router, weights: dict[str, int]) -> BucketTable:
    """Give the router other weights; return the table."""
    table = replace(allocate(EMPTY, {**weights}), revision=newest(router).revision + 1)
    set_tables(router, table)
    return table


def test_the_configuration_is_valid(router: Router) -> None:
    assert router.check() == ""


IDS: list[Callable[[int], str]] = [
    str,
    lambda number: str(uuid.uuid5(uuid.NAMESPACE_DNS, str(number))),
    lambda number: f"user{number}@example.com",
    lambda number: f"Zoë Ünal {number} 漢字",
    lambda number: f'{number}, "a"; b=%C3 ',
]


def test_buckets_agree_for_100_000_ids(router: Router) -> None:
    ids = [IDS[number % len(IDS)](number).strip().encode() for number in range(100_000)]
    answers = answered_buckets(router, ids)
    assert len(answers) == len(ids)
    # A few of them: pytest takes minutes to compare two long lists.
    pairs = zip(ids, answers, strict=True)
    others = [unit for unit, bucket in pairs if bucket != bucket_of(unit, EMPTY.salt)]
    assert others[:5] == []


def answered_buckets(router: Router, ids: list[bytes]) -> list[int]:
    """Return the buckets that HAProxy computes, from requests that do not wait for each other."""
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: %s\r\nx-user: %s\r\n\r\n"
    found: list[int] = []
    # As many as the buffers of a connection take while the answers are not read.
    for start in range(0, len(ids), 100):
        some = [request % (b"keep-alive", unit) for unit in ids[start : start + 100]]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{router.folder}/probe.sock")
            connection.sendall(b"".join([*some, request % (b"close", b"")]))
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        buckets = re.findall(rb"\r\n\r\n([0-9]+)", received)
        found.extend(int(bucket) for bucket in buckets[: len(some)])
    return found


def test_variants_by_header(router: Router) -> None:
    table = changed(router, {"stable": 5000, "green": 2500, "blue": 2500})
    units = [IDS[number % len(IDS)](number).strip() for number in range(300)]
    answers = {
        unit: ask(router, "shop.test", headers={"x-user": unit.encode()})[2]["name"]
        for unit in units
    }
    assert answers == {unit: table.variant_of(unit.encode()) for unit in units}
    # Without the header there is no unit.
    assert ask(router, "shop.test")[2]["name"] == "stable"


def test_a_visitor_keeps_the_variant(router: Router) -> None:
    table = changed(router, {"stable": 5000, "green": 5000, "blue": 0})
    seen = set()
    for _number in range(20):
        _status, headers, first = ask(router, "visitor.test")
        cookie, _semicolon, attributes = headers["set-cookie"].partition(";")
        assert cookie.startswith("uid=")
        assert "HttpOnly" in attributes
        assert first["name"] == table.variant_of(cookie[4:].encode())
        _status, headers, again = ask(router, "visitor.test", headers={"Cookie": f"a=b; {cookie}"})
        assert again["name"] == first["name"]
        assert "set-cookie" not in headers
        seen.add(first["name"])
    assert seen == {"stable", "green"}


def test_bots_get_stable_and_no_cookie(router: Router) -> None:
    changed(router, {"stable": 0, "green": 10_000, "blue": 0})
    agent = {"User-Agent": "Mozilla/5.0 (compatible; googlebot/2.1)"}
    _status, headers, body = ask(router, "visitor.test", headers=agent)
    assert body["name"] == "stable"
    assert "set-cookie" not in headers


def test_testers_choose_the_variant(router: Router) -> None:
    changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    chosen = {"x-shipping-variant": "green", "x-shipping-tester": TESTER_KEY}
    body = ask(router, "shop.test", headers=chosen)[2]
    assert body["name"] == "green"
    assert "x-shipping-tester" not in body["headers"]
    wrong = {**chosen, "x-shipping-tester": "guess"}
    assert ask(router, "shop.test", headers=wrong)[2]["name"] == "stable"
    status, _headers, text = ask(
        router, "shop.test", headers={**chosen, "x-shipping-variant": "other"}
    )
    assert (status, text) == (404, "The service has no such variant.\n")


def test_requests_as_units(router: Router) -> None:
    changed(router, {"stable": 5000, "green": 5000, "blue": 0})
    found = {ask(router, "sticky.test")[2]["name"] for _number in range(40)}
    assert found == {"stable", "green"}


@pytest.mark.parametrize(
    ("host", "path", "answer"),
    [
        ("shop.test", "/", "stable"),
        ("SHOP.test.:80", "/x", "stable"),
        ("shop.test", "/api", "api"),
        ("shop.test", "/api/x?y=1", "api"),
        ("shop.test", "/apix", "stable"),
        ("other.test", "/", None),
    ],
)
def test_the_longest_prefix_wins(router: Router, host: str, path: str, answer: str | None) -> None:
    status, _headers, body = ask(router, host, path)
    assert (status, body["name"] if answer else None) == (200 if answer else 404, answer)


def test_rate_limit(router: Router) -> None:
    answers = [ask(router, "rate.test") for _number in range(7)]
    assert [status for status, _headers, _body in answers] == [200] * 5 + [429] * 2
    assert answers[-1][1]["retry-after"] == "60"


def test_largest_body(router: Router) -> None:
    assert ask(router, "body.test", method="POST", body=b"x" * 1000)[2]["received"] == 1000
    assert ask(router, "body.test", method="POST", body=b"x" * 1001)[0] == 413
    with socket.create_connection(router.url, 5) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: body.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n"
        )
        assert connection.recv(4096).split()[1] == b"411"
    assert ask(router, "body.test")[0] == 200


def test_websocket(router: Router) -> None:
    for host, status in (("shop.test", b"101"), ("plain.test", b"403")):
        with socket.create_connection(router.url, 5) as connection:
            connection.sendall(
                b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                % host.encode()
            )
            assert connection.recv(4096).split()[1] == status
            if status == b"101":
                connection.sendall(b"hello")
                assert connection.recv(100) == b"hello"


def test_timeouts(router: Router) -> None:
    stream = {"Accept": "text/event-stream"}
    assert ask(router, "plain.test", "/slow=2")[0] == 504
    assert ask(router, "plain.test", "/slow=2", headers=stream)[0] == 504
    assert ask(router, "events.test", "/slow=2", headers=stream)[0] == 200


def test_only_repeatable_requests_are_repeated(
    router: Router, services: dict[str, Service]
) -> None:
    changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    for method in ("GET", "POST"):
        assert ask(router, "shop.test", f"/silent-{method}", method=method)[0] in (502, 503)
    paths = [path for _method, path in services["stable"].requests]
    assert paths.count("/silent-GET") > 1
    assert paths.count("/silent-POST") == 1


def test_the_client_address(router: Router) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    own = ask(router, "shop.test", headers=forged)[2]["headers"]
    assert own["x-forwarded-for"] == "127.0.0.1"
    assert own["x-forwarded-proto"] == "http"
    assert own["x-forwarded-host"] == "shop.test"
    believed = ask(router, "believing.test", headers=forged)[2]["headers"]
    assert believed["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert believed["x-forwarded-proto"] == "https"


def test_the_proxy_protocol(router: Router) -> None:
    with socket.create_connection(router.url, 5, ("127.0.9.1", 0)) as connection:
        connection.sendall(
            b"PROXY TCP4 203.0.113.7 127.0.0.1 4000 80\r\n"
            b"GET / HTTP/1.1\r\nHost: proxied.test\r\nConnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert (
        json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]["x-forwarded-for"] == "203.0.113.7"
    )


def test_tls(router: Router) -> None:
    status, headers, _body = ask(router, "secure.test", "/a?b=c")
    assert (status, headers["location"]) == (308, "https://secure.test/a?b=c")
    protocols = {host: tls_protocol(router, host) for host in ("secure.test", "old.test")}
    assert protocols == {"secure.test": "h2", "old.test": "http/1.1"}
    with pytest.raises(ssl.SSLError):
        tls_protocol(router, "shop.test")


@pytest.mark.parametrize(("size", "status"), [(0, "200"), (1000, "200"), (1_000_000, "413")])
def test_http2(router: Router, tmp_path: Path, size: int, status: str) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"x" * size)
    port = router.settings.https_port
    words = ("--cacert", router.folder / "ca/ca.pem", "--resolve", f"secure.test:{port}:127.0.0.1")
    sent = ("--data-binary", f"@{body}") if size else ()
    answer = run(
        "curl",
        *("--silent", "--http2", "--output", "/dev/null"),
        *("--write-out", "%{http_version} %{http_code}"),
        *words,
        *sent,
        f"https://secure.test:{port}/",
    )
    assert answer == f"2 {status}"


def tls_protocol(router: Router, host: str) -> str | None:
    """Return the protocol that a TLS connection to a host gets; its certificate is checked."""
    context = ssl.create_default_context(cafile=str(router.folder / "ca/ca.pem"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["h2", "http/1.1"])
    address = ("127.0.0.1", router.settings.https_port)
    with (
        socket.create_connection(address, 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as stream,
    ):
        return stream.selected_alpn_protocol()


def test_a_client_keeps_its_replica(router: Router, names: NameServer) -> None:
    changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    second = Service("second", "127.0.1.9", PORT)
    name = slot_name("shop", "web", 0)
    names.records[name].append("127.0.1.9")
    try:
        router.wait_until_up(2, f"{route_id(ROUTES[8])}.0")
        first = {ask(router, "sticky.test")[2]["name"] for _number in range(6)}
        assert first == {"stable", "second"}
        _status, headers, body = ask(router, "sticky.test")
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        kept = {ask(router, "sticky.test", headers=cookie)[2]["name"] for _number in range(6)}
        assert kept == {body["name"]}
    finally:
        names.records[name].remove("127.0.1.9")
        time.sleep(2.5)
        second.close()


def test_metrics(router: Router) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", router.settings.metrics_port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    assert f'haproxy_backend_http_responses_total{{proxy="{route_id(WEB)}.0",code="2xx"}}' in text
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200


def test_exposures(router: Router) -> None:
    table = changed(router, {"stable": 5000, "green": 5000, "blue": 0})
    begin = router.log.stat().st_size
    for number in range(20):
        unit = f"exposed{number % 4}"
        answer = {"x-user": unit, "x-answer-status": "500" if number % 4 == 0 else "200"}
        ask(router, "shop.test", headers=answer)
    ask(
        router, "shop.test", headers={"x-shipping-variant": "blue", "x-shipping-tester": TESTER_KEY}
    )
    wait_for(lambda: len(new_exposures(router, begin)) == 21, "the log")
    exposures = new_exposures(router, begin)
    assert {item.revision for item in exposures} == {table.revision}
    assert [item.is_assigned for item in exposures] == [True] * 20 + [False]
    sums = sums_by_variant(exposures)
    assert sums["shop", "web", "blue"].requests == 1
    units = {
        name: [f"exposed{n}" for n in range(4) if table.variant_of(b"exposed%d" % n) == name]
        for name in ("stable", "green")
    }
    for name, members in units.items():
        if members:
            assert sums["shop", "web", name].requests == 5 * len(members)
            assert len(sums["shop", "web", name].units) == len(members)
            assert sums["shop", "web", name].responses_5xx == 5 * ("exposed0" in members)
    assert "exposed1" not in router.log.read_text()


def new_exposures(router: Router, begin: int) -> list[Any]:
    """Return the exposures that were logged since a place in the log."""
    return read_exposures(router.log.read_bytes()[begin:].decode().splitlines())


def cells_of(router: Router, number: int) -> BucketTable:
    """Give the router a table with variants by headers alone; return it."""
    size = 9_000 // number
    headers = {f"cell{n}": (("x-button", f"buy {n}%"), ("x-size", str(n))) for n in range(number)}
    buckets = {n: range(n * size, (n + 1) * size) for n in range(number)}
    variants = {
        name: VariantBuckets(0, tuple(buckets[n]), headers[name]) for n, name in enumerate(headers)
    }
    rest = VariantBuckets(0, tuple(range(number * size, 10_000)))
    table = replace(EMPTY, revision=newest(router).revision + 1)
    table = replace(table, variants={"stable": rest, **variants})
    set_tables(router, table)
    return table


def test_variants_by_request_headers(router: Router) -> None:
    """64 cells need no slot: stable serves them, with the headers that no client can send."""
    table = cells_of(router, 64)
    forged = {"X-Button": "free", "x-size": "9", "x_size": "8"}
    begin = router.log.stat().st_size
    with router.channel() as channel:
        before = runtime_commands.cells(channel.send([f"show table {route_id(WEB)}.cells"])[0])
    assert before == ()
    counts: Counter[str] = Counter()
    for number in range(300):
        unit = f"shopper{number}"
        _status, _headers, body = ask(router, "shop.test", headers={"x-user": unit, **forged})
        variant = table.variant_of(unit.encode())
        headers = dict(table.variants[variant].headers)
        assert body["name"] == "stable"
        assert body["headers"].get("x-button") == headers.get("x-button"), variant
        assert body["headers"].get("x-size") == headers.get("x-size"), variant
        counts[variant] += 1
    assert len(counts) > 50
    wait_for(lambda: len(new_exposures(router, begin)) == 300, "the log")
    assert Counter(item.variant for item in new_exposures(router, begin)) == counts
    with router.channel() as channel:
        answer = channel.send([runtime_commands.show_cells(route_id(WEB))])[0]
    cells = runtime_commands.cells(answer)
    assert {cell.variant: cell.requests for cell in cells} == {
        name: count for name, count in counts.items() if name != "stable"
    }
    assert all(cell.bytes_out > 100 and not cell.responses_5xx for cell in cells)
    chosen = {"x-shipping-variant": "cell63", "x-shipping-tester": TESTER_KEY}
    assert ask(router, "shop.test", headers=chosen)[2]["headers"]["x-size"] == "63"
    changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    # Without such variants, a header is the client's own again.
    assert ask(router, "shop.test", headers=forged)[2]["headers"]["x-button"] == "free"


def test_failures_of_variants_by_headers(router: Router) -> None:
    table = cells_of(router, 2)
    unit = next(name for name in map(str, range(99)) if table.variant_of(name.encode()) == "cell1")
    for status in ("200", "404", "500"):
        ask(router, "shop.test", headers={"x-user": unit, "x-answer-status": status})
    with router.channel() as channel:
        answer = channel.send([runtime_commands.show_cells(route_id(WEB))])[0]
    (cell,) = [cell for cell in runtime_commands.cells(answer) if cell.variant == "cell1"]
    assert (cell.responses_4xx, cell.responses_5xx) == (1, 1)


def send_event(router: Router, query: str, cookie: str = "uid=ada", **options: Any) -> Any:
    """Return status and body of an event; ``options``: method, path, body."""
    path = options.pop("path", "/.shipping/events")
    headers = {"Cookie": cookie} if cookie else {}
    method = options.pop("method", "POST")
    status, _headers, body = ask(
        router, "counted.test", path + query, method, headers=headers, **options
    )
    return status, body


def test_events(router: Router, services: dict[str, Service]) -> None:
    """The unit is that of the cookie, and the service does not see events."""
    table = changed(router, {"stable": 5000, "green": 5000, "blue": 0})
    begin, seen = router.log.stat().st_size, len(services["stable"].requests)
    assert ask(router, "counted.test", headers={"Cookie": "uid=ada"})[0] == 200
    assert send_event(router, "?name=order&value=-12.50&id=a-1")[0] == 204
    assert send_event(router, "?name=seen&unit=eve&uid=eve", body=b"unit=eve")[0] == 204
    rejected = {
        "?value=1": "needs a name",
        "?name=a%20b": "needs a name",
        '?name=a"b': "needs a name",
        f"?name={65 * 'a'}": "needs a name",
        "?name=a&value=1e9": "is a number",
        "?name=a&value=": "is a number",
        "?name=a&id=a|b": "The id of an event",
    }
    for query, text in rejected.items():
        status, body = send_event(router, query)
        assert status == 400 and text in body, (query, status, body)
    # A visitor without a cookie has seen nothing yet.
    assert send_event(router, "?name=order", cookie="")[0] == 400
    assert send_event(router, "?name=order", method="GET")[0] == 405
    assert send_event(router, "?name=order", path="/.shipping/events/x")[0] == 404
    assert send_event(router, "?name=order", body=b"x" * 9000)[0] == 413
    wait_for(lambda: '"status":413' in router.log.read_bytes()[begin:].decode(), "the log")
    lines = router.log.read_bytes()[begin:].decode().splitlines()
    (exposure,) = read_exposures(lines)
    order, other = read_events(lines)
    assert exposure.variant == order.variant == table.variant_of(b"ada")
    assert exposure.unit == order.unit == other.unit != ""
    assert (exposure.route, exposure.revision) == (order.route, order.revision)
    assert (order.name, order.value, order.event_id) == ("order", -12.5, "a-1")
    assert (other.name, other.value, other.event_id) == ("seen", None, "")
    assert abs(order.time - time.time()) < 60 and order.is_assigned
    assert not [path for _method, path in services["stable"].requests[seen:] if "ship" in path]
    answers = [send_event(router, "?name=more")[0] for _number in range(20)]
    assert answers[0] == 204 and answers[-1] == 429


def test_counters_by_variant(router: Router) -> None:
    with router.channel() as channel:
        stat, info, state = channel.send(["show stat", "show info", "show servers state"])
    web = {
        item.slot: item for item in runtime_commands.counters(stat) if item.route == route_id(WEB)
    }
    assert sorted(web) == [0, 1, 2, 3, 4]
    assert web[0].requests > 100
    assert web[0].healthy_servers == 1
    assert web[3].healthy_servers == 0
    replica = runtime_commands.replica_info(info)
    assert (replica.name, replica.dropped_logs) == ("replica1", 0)
    servers = [
        item for item in runtime_commands.servers(state) if item.backend == f"{route_id(WEB)}.2"
    ]
    assert [item.address for item in servers if item.is_up] == [ADDRESSES["green"]]
    assert {item.weight for item in servers} == {100}


class Clients:
    """Clients that send GETs all along, each unit always by the same header."""

    def __init__(self, router: Router, units: list[str]) -> None:
        self.answers: list[tuple[float, float, str, str]] = []
        self.lost: list[str] = []
        self._router = router
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(units[number::4],)) for number in range(4)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _send(self, units: list[str]) -> None:
        connection = http.client.HTTPConnection(*self._router.url, timeout=10)
        while not self._end.is_set():
            for unit in units:
                begin = time.monotonic()
                try:
                    connection.request("GET", "/", headers={"Host": "shop.test", "x-user": unit})
                    response = connection.getresponse()
                    name = json.loads(response.read())["name"]
                    self.answers.append((begin, time.monotonic(), unit, name))
                except (OSError, ValueError, http.client.HTTPException) as error:
                    self.lost.append(f"{unit}: {error!r}")
                    connection.close()


def test_a_ramp_under_load(router: Router) -> None:
    units = [f"user{number}" for number in range(200)]
    table = changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    history: list[tuple[float, float, BucketTable]] = [(0.0, time.monotonic(), table)]
    with Clients(router, units) as clients, router.channel(240) as channel:
        for step in range(100):
            green, blue = step * 50, (step % 7) * 300
            table = allocate(table, {"stable": 10_000 - green - blue, "green": green, "blue": blue})
            begin = time.monotonic()
            change_tables([channel], [table], router.settings.paths)
            history.append((begin, time.monotonic(), table))
    assert not clients.lost
    assert len(clients.answers) > 200
    assert not [answer for answer in clients.answers if not is_explained(answer, history)]


def test_a_rolled_service_loses_no_request(
    router: Router, names: NameServer, services: dict[str, Service]
) -> None:
    changed(router, {"stable": 10_000, "green": 0, "blue": 0})
    name = slot_name("shop", "web", 0)
    backend = f"{route_id(WEB)}.0"
    next_one = Service("next", "127.0.1.10", PORT)
    with Clients(router, [f"user{number}" for number in range(8)]) as clients:
        # As platforms do: the next replica is in the DNS first, then the former is not, and ends.
        names.records[name].append("127.0.1.10")
        router.wait_until_up(2, backend)
        names.records[name].remove(ADDRESSES["stable"])
        wait_for(lambda: addresses_of(router, backend) == {"127.0.1.10"}, "the removal")
        services["stable"].close()
        time.sleep(1)
        services["stable"] = Service("stable", ADDRESSES["stable"], PORT)
        names.records[name].append(ADDRESSES["stable"])
        router.wait_until_up(2, backend)
        names.records[name].remove("127.0.1.10")
        wait_for(lambda: addresses_of(router, backend) == {ADDRESSES["stable"]}, "the return")
        next_one.close()
        time.sleep(0.5)
    assert not clients.lost
    assert {answer[3] for answer in clients.answers} == {"stable", "next"}


def addresses_of(router: Router, backend: str) -> set[str]:
    """Return the addresses of a backend's servers that are up."""
    with router.channel() as channel:
        state = channel.send(["show servers state"])[0]
    servers = [item for item in runtime_commands.servers(state) if item.backend == backend]
    return {item.address for item in servers if item.is_up}


def is_explained(
    answer: tuple[float, float, str, str], history: list[tuple[float, float, BucketTable]]
) -> bool:
    """Return whether a table that was in force during the request assigns its unit so."""
    begin, end, unit, name = answer
    bucket = bucket_of(unit.encode(), EMPTY.salt)
    last_before = max(
        index for index, (_start, done, _table) in enumerate(history) if done <= begin or index == 0
    )
    candidates = [table for start, _done, table in history[last_before:] if start <= end]
    return any(owner_of(table, bucket) == name for table in candidates)


def owner_of(table: BucketTable, bucket: int) -> str:
    """Return the variant of a bucket."""
    owning = [name for name, variant in table.variants.items() if bucket in variant.buckets]
    return owning[0]


@pytest.fixture
def second(router: Router, names: NameServer, tmp_path: Path) -> Iterator[Router]:
    """Start another replica, with the same table as the first."""
    found = Router(tmp_path, joined_routes([WEB]), router_settings(names), "replica2")
    found.write()
    found.start()
    yield found
    found.stop(signal.SIGKILL)


class EndsBeforeCommit:
    """A channel whose replica ends at the moment at which it should commit."""

    def __init__(self, channel: ControlChannel, router: Router) -> None:
        self.replica = channel.replica
        self._channel = channel
        self._router = router

    def send(self, commands: list[str]) -> list[str]:
        if commands[0].startswith("commit"):
            self._router.stop(signal.SIGKILL)
        return self._channel.send(commands)

    def extend(self, deadline: float) -> None:
        self._channel.extend(deadline)


def test_all_replicas_or_none(router: Router, second: Router) -> None:
    before = changed(router, {"stable": 9000, "green": 1000, "blue": 0})
    with router.channel(20) as one, second.channel(20) as other:
        change_tables([one, other], [before], router.settings.paths)
        after = allocate(before, {"stable": 2000, "green": 8000, "blue": 0})
        with pytest.raises(Unreachable, match="replica2") as caught:
            change_tables([one, EndsBeforeCommit(other, second)], [after], router.settings.paths)
        # It may have committed before it ended.
        assert caught.value.facts["not_restored"] == ["replica2"]
        found = tables_on_replicas([one], [before], router.settings.paths)
        assert [item.is_current for item in found] == [True]
        # Nor is a version left that was begun and not committed.
        name = map_path("shop", "web", router.settings.paths)
        line = next(text for text in one.send(["show map"])[0].splitlines() if name in text)
        assert "entry_cnt=1005" in line


def test_weights_set_by_hand_are_drift(router: Router) -> None:
    table = changed(router, {"stable": 9000, "green": 1000, "blue": 0})
    path = map_path("shop", "web", router.settings.paths)
    with router.channel() as channel:
        channel.send([f"set map {path} 0 1.blue"])
        (found,) = tables_on_replicas([channel], [table], router.settings.paths)
        assert not found.is_current
        assert found.table.weights() == {"stable": 9000, "green": 999, "blue": 1}
        change_tables([channel], [table], router.settings.paths)
        (found,) = tables_on_replicas([channel], [table], router.settings.paths)
        assert found.is_current


def test_a_newer_table_is_not_replaced_by_an_older_one(router: Router) -> None:
    table = changed(router, {"stable": 9000, "green": 1000, "blue": 0})
    with pytest.raises(Exception, match="is newer than"):
        set_tables(router, replace(table, revision=table.revision - 1))


def test_a_service_without_a_route(router: Router) -> None:
    with pytest.raises(PlatformError, match="Unknown map"):
        set_tables(router, first_table("shop", "other", "salt"))


@pytest.fixture
def guarded(names: NameServer, tmp_path: Path) -> Iterator[Router]:
    """Start a router whose control demands a client certificate."""
    settings = router_settings(names, control=Control(free_port()))
    found = Router(tmp_path, joined_routes([WEB]), settings)
    found.write()
    for folder in ("pki", "other"):
        pki = new_pki(datetime.now(UTC))
        (tmp_path / folder).mkdir()
        for name in ("ca", "client", "server"):
            (tmp_path / folder / f"{name}.pem").write_bytes(getattr(pki, name))
    for name in ("ca", "server"):
        text = (tmp_path / "pki" / f"{name}.pem").read_bytes()
        (found.secrets / f"router-{name}.pem").write_bytes(text)
    (found.secrets / "router-peers-ca.pem").write_bytes((tmp_path / "pki/ca.pem").read_bytes())
    found.start()
    yield found
    found.stop(signal.SIGKILL)


def test_control_demands_a_certificate(guarded: Router) -> None:
    address = ("127.0.0.1", guarded.settings.control.port)

    def connect(ca: str, client: str) -> ControlChannel:
        files = ClientIdentity(
            str(guarded.folder / ca / "ca.pem"), str(guarded.folder / client / "client.pem")
        )
        return connect_tls("replica1", address, files, time.monotonic() + 5)

    assert guarded.check() == ""
    with connect("pki", "pki") as channel:
        change_tables([channel], [PERCENT_10], guarded.settings.paths)
        info = runtime_commands.replica_info(channel.send(["show info"])[0])
    assert info.name == "replica1"
    with pytest.raises(Denied, match="do not trust each other"):
        connect("other", "pki")
    with pytest.raises(Denied, match="do not trust each other"):
        connect("pki", "other")
    with socket.create_connection(address, 5) as plain:
        plain.sendall(b"show info\n")
        assert b"Name" not in plain.recv(100)


def test_an_answer_that_never_comes_is_an_error(guarded: Router) -> None:
    assert guarded.process
    channel = guarded.channel(1.5)
    guarded.process.send_signal(signal.SIGSTOP)
    state = Path(f"/proc/{guarded.process.pid}/stat")
    wait_for(lambda: ") T " in state.read_text(), "the stop")
    begin = time.monotonic()
    with pytest.raises(Unreachable, match="router replica replica1 did not answer"):
        channel.send(["show info"])
    assert time.monotonic() - begin < 3


def test_a_large_payload_is_sent_in_chunks(guarded: Router) -> None:
    table = allocate(EMPTY, {"stable": 0, "a-variant-with-a-long-name": 10_000})
    with guarded.channel(10) as channel:
        change_tables([channel], [table], guarded.settings.paths)
        (found,) = tables_on_replicas([channel], [table], guarded.settings.paths)
    assert found.is_current


def test_a_restart_keeps_the_table(second: Router) -> None:
    table = allocate(EMPTY, {"stable": 0, "green": 10_000})
    with second.channel() as channel:
        change_tables([channel], [table], second.settings.paths)
    saved = second.folder / "state/table-shop_web.map"
    wait_for(lambda: saved.exists() and saved.read_text().startswith("1.1.salt-1"), "the table")
    wait_for(lambda: ADDRESSES["stable"] in saved.with_name("servers").read_text(), "the servers")
    second.stop(signal.SIGKILL)
    second.start()
    # The first request waits for the table and for servers.
    assert ask(second, "shop.test", headers={"x-user": "ada"})[2]["name"] == "blue"
    with second.channel() as channel:
        (found,) = tables_on_replicas([channel], [table], second.settings.paths)
    assert found.is_current


def test_a_restart_keeps_variants_by_headers(second: Router) -> None:
    table = cells_of(second, 64)
    wide = {
        name: replace(variant, headers=variant.headers and (("x-cell", name + 240 * "%"),))
        for name, variant in table.variants.items()
    }
    table = replace(table, revision=table.revision + 1, variants=wide)
    set_tables(second, table)
    saved = second.folder / "state/table-shop_web.map"
    wait_for(lambda: saved.exists() and saved.read_text().startswith("2.1.salt-1"), "the table")
    second.stop(signal.SIGKILL)
    second.start()
    ask(second, "shop.test")
    with second.channel() as channel:
        (found,) = tables_on_replicas([channel], [table], second.settings.paths)
    assert found.is_current


def test_a_damaged_file_of_a_table_is_ignored(second: Router) -> None:
    second.stop(signal.SIGKILL)
    saved = second.folder / "state/table-shop_web.map"
    saved.write_text("7.1.salt-1\n0.stable,1.green\n" + "1" * 5000)
    second.start()
    assert ask(second, "shop.test", headers={"x-user": "ada"})[2]["name"] == "stable"


def test_a_new_replica_takes_the_newest_table_of_its_peers(
    names: NameServer, services: dict[str, Service], tmp_path: Path
) -> None:
    addresses = [f"127.0.2.{number}" for number in (1, 2, 3)]
    names.records["router.test"] = addresses
    settings = router_settings(names, control=Control(free_port()), peers="router.test")
    pki = new_pki(datetime.now(UTC))
    client = tmp_path / "client.pem"
    ca = tmp_path / "ca.pem"
    client.write_bytes(pki.client)
    ca.write_bytes(pki.ca)
    routers = []
    for number, address in enumerate(addresses):
        folder = tmp_path / address
        folder.mkdir()
        one = Router(
            folder, joined_routes([WEB]), replace(settings, address=address), f"replica{number}"
        )
        one.write()
        (one.secrets / "router-ca.pem").write_bytes(pki.ca)
        (one.secrets / "router-peers-ca.pem").write_bytes(pki.ca)
        (one.secrets / "router-server.pem").write_bytes(pki.server)
        routers.append(one)
    tables = [allocate(EMPTY, {"stable": 5000, "green": 5000})]
    blue = allocate(tables[0], {"stable": 0, "green": 10_000})
    cells = {f"cell{n}": VariantBuckets(0, (), (("x-n", n * "%"),)) for n in range(60, 124)}
    tables.append(replace(blue, variants={**blue.variants, **cells}))
    try:
        for one, table in zip(routers, tables, strict=False):
            one.start()
            identity = ClientIdentity(str(ca), str(client))
            address = (one.settings.address, settings.control.port)
            with connect_tls(one.name, address, identity, time.monotonic() + 9) as channel:
                change_tables([channel], [table], settings.paths)
        assert routers[2].check() == ""
        routers[2].start()
        assert ask(routers[2], "shop.test", headers={"x-user": "ada"})[2]["name"] == "blue"
        with routers[2].channel() as channel:
            (found,) = tables_on_replicas([channel], [tables[1]], settings.paths)
        assert found.is_current
    finally:
        for one in routers:
            one.stop(signal.SIGKILL)


def test_replicas_before_and_after_a_rotation_trust_each_other(
    names: NameServer, services: dict[str, Service], tmp_path: Path
) -> None:
    """As between the two releases: a client of new keys, and a peer that still has the former."""
    addresses = [f"127.0.2.{number}" for number in (11, 12)]
    names.records["rotated.test"] = addresses
    settings = router_settings(names, control=Control(free_port()), peers="rotated.test")
    former, new = new_pki(datetime.now(UTC)), new_pki(datetime.now(UTC))
    both = former.ca + new.ca
    (tmp_path / "ca.pem").write_bytes(both)
    routers = []
    for address, pki, clients in ((addresses[0], former, both), (addresses[1], new, new.ca)):
        folder = tmp_path / address
        folder.mkdir()
        own = replace(settings, address=address)
        one = Router(folder, joined_routes([WEB]), own, f"replica-{address}")
        one.write()
        (one.secrets / "router-ca.pem").write_bytes(clients)
        (one.secrets / "router-peers-ca.pem").write_bytes(both)
        (one.secrets / "router-server.pem").write_bytes(pki.server)
        routers.append(one)

    def connect(router: Router, pki: Any) -> ControlChannel:
        (tmp_path / "client.pem").write_bytes(pki.client)
        identity = ClientIdentity(str(tmp_path / "ca.pem"), str(tmp_path / "client.pem"))
        address = (router.settings.address, settings.control.port)
        return connect_tls(router.name, address, identity, time.monotonic() + 9)

    table = allocate(EMPTY, {"stable": 0, "green": 10_000})
    try:
        routers[0].start()
        with connect(routers[0], new) as channel:
            change_tables([channel], [table], settings.paths)
        routers[1].start()
        # It has the table of a peer with the former keys.
        assert ask(routers[1], "shop.test", headers={"x-user": "ada"})[2]["name"] == "blue"
        with connect(routers[1], new) as channel:
            assert tables_on_replicas([channel], [table], settings.paths)[0].is_current
        with pytest.raises(Denied, match="do not trust each other"):
            connect(routers[1], former)
    finally:
        for one in routers:
            one.stop(signal.SIGKILL)
