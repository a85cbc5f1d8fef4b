# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a split costs beside a plain proxy, and how long a change of weights takes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.shipping.code.plugins.module_utils._routing.buckets import (
    allocate,
    first_table,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.control_channel import (
    ClientIdentity,
    connect_tls,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    Control,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.route_table import (
    joined_routes,
)
from ansible_collections.shipping.code.plugins.module_utils._routing.routes import Route, Unit
from ansible_collections.shipping.code.plugins.module_utils._routing.weight_change import (
    change_tables,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing.pki import new_pki

from tests.testbed.machine import free_port, run
from tests.testbed.router_process import (
    HAPROXY,
    NameServer,
    Router,
    router_settings,
    slot_name,
    wait_for,
)

OURS, PLAIN = "shipping.code router, two variants by header", "HAProxy, one backend, no log"
NGINX, CADDY = "nginx, split_clients by header", "Caddy, two upstreams by hash of a header"
HOST, HEADER = "shop.test", "x-user"
STABLE, GREEN = "127.0.1.1", "127.0.1.2"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class RouterSize:
    """Numbers of requests in a round, of rounds, and of changes of weights."""

    requests: int
    rounds: int
    changes: int


SIZE, QUICK = RouterSize(60_000, 7, 100), RouterSize(2_000, 1, 5)


@dataclass
class ProxyRuns:
    """Requests a second of each round, and a processor's microseconds for each request."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the median of the requests a second."""
        return statistics.median(self.rates)

    @property
    def cost(self) -> float:
        """Return the median of a processor's microseconds for each request."""
        return statistics.median(self.costs)


@dataclass
class RouterFigures:
    """The proxies by their names, and the seconds of changes of weights on two replicas."""

    proxies: dict[str, ProxyRuns]
    changes: list[float]


@dataclass
class _Process:
    port: int
    pids: Callable[[], list[int]]


class RouterBench:
    """Proxies as processes on loopback, before one server that answers at once."""

    def __init__(self, folder: Path, size: RouterSize) -> None:
        self.size = size
        self._folder = folder
        self._port = free_port()
        self._proxies: dict[str, _Process] = {}
        self._stops: list[Callable[[], None]] = []
        self._routers: list[Router] = []

    def up(self) -> None:
        """Start the server and all proxies that are installed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._start_server()
        names = NameServer(
            {
                slot_name("shop", "web", 0): [STABLE],
                slot_name("shop", "web", 1): [GREEN],
            }
        )
        self._stops.append(names.close)
        self._start_routers(names)
        self._proxies[PLAIN] = self._plain()
        if shutil.which("nginx"):
            self._proxies[NGINX] = self._nginx()
        if shutil.which("caddy"):
            self._proxies[CADDY] = self._caddy()

    def down(self) -> None:
        """Stop everything."""
        for stop in reversed(self._stops):
            stop()

    def measure(self) -> RouterFigures:
        """Return the figures: the proxies by turns in each round, then the changes."""
        runs = {name: ProxyRuns() for name in self._proxies}
        for number in range(self.size.rounds):
            # Each is first in some rounds.
            names = [*self._proxies]
            for name in names[number % len(names) :] + names[: number % len(names)]:
                self._round(self._proxies[name], runs[name])
        return RouterFigures(runs, self._changes())

    def _round(self, proxy: _Process, runs: ProxyRuns) -> None:
        before = _processor_seconds(proxy.pids())
        options = ("-q", "-k", "-c", "32", "-n", str(self.size.requests))
        url = f"http://127.0.0.1:{proxy.port}/"
        answer = run("ab", *options, "-H", f"Host: {HOST}", "-H", f"{HEADER}: ada", url)
        text = str(answer)
        if "Non-2xx" in text or not re.search(r"Failed requests:\s+0\b", text):
            raise AssertionError(text)
        rate = re.search(r"Requests per second:\s+([0-9.]+)", text)
        runs.rates.append(float(rate[1]) if rate else 0.0)
        spent = _processor_seconds(proxy.pids()) - before
        runs.costs.append(spent / self.size.requests * 1e6)

    def _changes(self) -> list[float]:
        """Return the seconds from the first connection to the last table that was read back."""
        identity = ClientIdentity(str(self._folder / "ca.pem"), str(self._folder / "client.pem"))
        paths = self._routers[0].settings.paths
        table = self._table
        seconds = []
        for number in range(self.size.changes):
            green = 1_000 + 4_000 * (number % 2)
            table = allocate(table, {"stable": 10_000 - green, "green": green})
            begin = time.perf_counter()
            deadline = time.monotonic() + 30
            channels = [
                connect_tls(
                    router.name,
                    (router.settings.address, router.settings.control.port),
                    identity,
                    deadline,
                )
                for router in self._routers
            ]
            change_tables(channels, [table], paths)
            seconds.append(time.perf_counter() - begin)
            for channel in channels:
                channel.close()
        return seconds

    def _start_server(self) -> None:
        text = f"""
defaults
    mode http
    timeout client 1m
    timeout server 1m
    timeout connect 1s
frontend web
    bind {STABLE}:{self._port}
    bind {GREEN}:{self._port}
    http-request return status 200 content-type text/plain string hello
"""
        self._haproxy("server", text)

    def _haproxy(self, name: str, text: str) -> subprocess.Popen[bytes]:
        path = self._folder / f"{name}.cfg"
        path.write_text(text)
        return self._start(HAPROXY, "-f", path)

    def _start(self, *command: str | Path, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )

        def stop() -> None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)

        self._stops.append(stop)
        return process

    def _start_routers(self, names: NameServer) -> None:
        pki = new_pki(datetime.now(UTC))
        (self._folder / "ca.pem").write_bytes(pki.ca)
        (self._folder / "client.pem").write_bytes(pki.client)
        route = Route("shop", "web", HOST, "/", self._port, unit=Unit("header", HEADER))
        settings = router_settings(names, control=Control(free_port()))
        for number in (1, 2):
            folder = self._folder / f"router{number}"
            folder.mkdir()
            own = replace(settings, address=f"127.0.2.{number}" if number > 1 else "127.0.0.1")
            router = Router(folder, joined_routes([route]), own, f"replica{number}")
            router.write()
            (router.secrets / "router-ca.pem").write_bytes(pki.ca)
            (router.secrets / "router-peers-ca.pem").write_bytes(pki.ca)
            (router.secrets / "router-server.pem").write_bytes(pki.server)
            router.start()
            self._stops.append(router.stop)
            router.wait_until_up(2)
            self._routers.append(router)
        first = self._routers[0]
        self._table = allocate(
            first_table("shop", "web", "bench"), {"stable": 5_000, "green": 5_000}
        )
        for router in self._routers:
            with router.channel() as channel:
                change_tables([channel], [self._table], settings.paths)

        def pids() -> list[int]:
            return [first.process.pid] if first.process else []

        self._proxies[OURS] = _Process(settings.http_port, pids)

    def _plain(self) -> _Process:
        port = free_port()
        process = self._haproxy(
            "plain",
            f"""
defaults
    mode http
    timeout client 1m
    timeout server 1m
    timeout connect 1s
frontend web
    bind 127.0.0.1:{port}
    default_backend web
backend web
    server one {STABLE}:{self._port}
""",
        )
        return self._ready(port, process)

    def _nginx(self) -> _Process:
        port = free_port()
        path = self._folder / "nginx.conf"
        path.write_text(
            f"""
daemon off;
worker_processes 2;
pid {self._folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {self._folder}/nginx-body;
    proxy_temp_path {self._folder}/nginx-proxy;
    fastcgi_temp_path {self._folder}/nginx-fastcgi;
    uwsgi_temp_path {self._folder}/nginx-uwsgi;
    scgi_temp_path {self._folder}/nginx-scgi;
    upstream stable {{ server {STABLE}:{self._port}; keepalive 64; }}
    upstream green {{ server {GREEN}:{self._port}; keepalive 64; }}
    split_clients "salt$http_x_user" $variant {{ 50% green; * stable; }}
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://$variant;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
        )
        return self._ready(port, self._start("nginx", "-c", path))

    def _caddy(self) -> _Process:
        port = free_port()
        path = self._folder / "Caddyfile"
        path.write_text(
            f"""
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port}, http://{HOST}:{port} {{
    bind 127.0.0.1
    reverse_proxy {STABLE}:{self._port} {GREEN}:{self._port} {{
        lb_policy header {HEADER}
    }}
}}
"""
        )
        command = ("caddy", "run", "--config", path, "--adapter", "caddyfile")
        return self._ready(port, self._start(*command, HOME=str(self._folder)))

    def _ready(self, port: int, process: subprocess.Popen[bytes]) -> _Process:
        wait_for(lambda: _listens(port), "the proxy")
        return _Process(port, lambda: _family(process.pid))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _family(pid: int) -> list[int]:
    """Return a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def _processor_seconds(pids: list[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / _TICK


def measure(bench: RouterBench) -> RouterFigures:
    """Return the figures of a bench."""
    return bench.measure()
