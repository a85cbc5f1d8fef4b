# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connections trust, and by what they log in, with variables and files that say otherwise.

The table is in docs/docsite/rst/guide_connections.rst.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx import awx_api
from ansible_collections.shipping.code.plugins.module_utils._core import environment_proxy
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Denied,
    ShippingError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    cluster_access,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Cluster,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.engine import (
    Connection,
    Engine,
)
from ansible_collections.shipping.code.plugins.module_utils._registry.registry_answers import (
    NoAnswer,
)
from ansible_collections.shipping.code.plugins.module_utils._registry.registry_http import (
    RegistryHttp,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.tool_sources import ToolSources
from ansible_collections.shipping.code.plugins.plugin_utils._directory import connection
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    DirectoryError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.settings import (
    ConnectionSettings,
    Server,
)

from tests.testbed.tls import Authority

from .module_utils._registry.registry_server import Stub, stub

# What an engine answers, and AWX: where a list is.
VERSION = json.dumps(
    {"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "25", "ping": "/api/v2/ping/"}
).encode()
_OF_LIBRARIES = ("REQUESTS_", "CURL_", "SSL_", "AWXKIT_", "DOCKER_", "LDAP", "NETRC", "GIT_")


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Authority]:
    return {name: Authority(tmp_path_factory.mktemp(name)) for name in ("ours", "other")}


@pytest.fixture
def ours(authorities: dict[str, Authority]) -> str:
    return str(authorities["ours"].certificate)


@pytest.fixture
def other(authorities: dict[str, Authority]) -> str:
    return str(authorities["other"].certificate)


@pytest.fixture
def server(authorities: dict[str, Authority], tmp_path: Path) -> Iterator[Stub]:
    """A server with a certificate of our own authority."""
    certificate, key = authorities["ours"].issue("localhost", "IP:127.0.0.1")
    (tmp_path / "both.pem").write_text(certificate.read_text() + key.read_text())
    with stub(tmp_path / "both.pem") as here:
        here.answer = lambda _asked: (200, {"Content-Type": "application/json"}, VERSION)
        yield here


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables and no files of the user who runs the tests."""
    for name in list(os.environ):
        if name.startswith(_OF_LIBRARIES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def hostile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed_port: int
) -> Callable[[str], None]:
    """Set everything that libraries look for: a bundle, a proxy to nowhere, and logins."""

    def setting(bundle: str) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "LDAPTLS_CACERT"):
            monkeypatch.setenv(name, bundle)
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
        monkeypatch.setenv("LDAPTLS_REQCERT", "never")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "")
        monkeypatch.setenv("DOCKER_CERT_PATH", "/no/such/folder")
        monkeypatch.setenv("AWXKIT_CREDENTIAL_FILE", "/no/such/file")
        monkeypatch.setenv("AWXKIT_CLIENT_CONNECTION_ATTEMPTS", "many")
        netrc = tmp_path / ".netrc"
        netrc.write_text("machine 127.0.0.1 login root password sesame\n")
        netrc.chmod(0o600)

    return setting


def without_login(server: Stub) -> None:
    assert server.asked and set(server.authorizations) == {""}


# The engine


def engine(server: Stub, **options: Any) -> Engine:
    return Engine(Connection(f"tcp://{server.address}", timeout=5, **options))


def test_an_engine_with_the_authority_of_the_task(server, hostile, ours, other):
    hostile(other)
    assert engine(server, ca_path=ours).api == (1, 44)
    without_login(server)


def test_an_engine_of_another_authority(server, hostile, ours, other):
    hostile(ours)
    with pytest.raises(Denied, match="no trusted connection to the engine"):
        engine(server, ca_path=other)
    with pytest.raises(Denied, match="no trusted connection to the engine"):
        engine(server)
    assert not server.asked


def test_an_engine_that_need_not_be_trusted(server, hostile, other):
    hostile(other)
    assert engine(server, validate_certs=False).api == (1, 44)


# AWX


def test_awx(server, hostile, ours, other):
    address = f"https://{server.address}"
    hostile(other)
    awx_api.connect(address, "a-token", ours, 5)
    awx_api.connect(address, "a-token", False, 5)
    assert set(server.authorizations) == {"Bearer a-token"}
    hostile(ours)
    for verify in (other, True):
        with pytest.raises(Unreachable, match="certificate"):
            awx_api.connect(address, "a-token", verify, 5)
    assert "AWXKIT_CREDENTIAL_FILE" in os.environ


def test_an_answer_that_is_not_awxs(server, ours):
    server.answer = lambda _asked: (200, {"Content-Type": "text/html"}, b"<html>log in</html>")
    with pytest.raises(ShippingError, match=r"AWX at https://.* is not that of AWX"):
        awx_api.connect(f"https://{server.address}", "a-token", ours, 5)


def test_an_awx_without_a_list(server, ours):
    awx = awx_api.connect(f"https://{server.address}", "a-token", ours, 5)
    with pytest.raises(ShippingError, match="AWX has no projects"):
        awx.find("projects")


# The cluster


def cluster(server: Stub, **options: Any) -> Cluster:
    options = {"host": f"https://{server.address}", "timeout": 5, **options}
    return Cluster(cluster_access.access(options))


def test_a_cluster(server, hostile, ours, other):
    hostile(other)
    assert cluster(server, ca_path=ours).raw("/version")
    assert cluster(server, validate_certs=False).raw("/version")
    without_login(server)
    hostile(ours)
    with pytest.raises(Denied, match="no trusted connection to the cluster"):
        cluster(server, ca_path=other).raw("/version")


def test_a_cluster_trusts_the_systems_authorities(server, hostile, ours, other):
    """They are where OpenSSL is told to look for them, which the documentation names."""
    hostile(ours)
    assert cluster(server).raw("/version")
    hostile(other)
    with pytest.raises(Denied):
        cluster(server).raw("/version")


def test_a_users_plugin_gets_no_proxy_of_the_environment(monkeypatch, closed_port):
    pytest.importorskip("kubernetes")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")

    def load(_config: Any, target: Any) -> None:
        target.host = "https://cluster.example.com:6443"

    assert cluster_access._by_client(load, "default").proxy == ""


# Registries


def test_a_registry(server, hostile, ours, other, monkeypatch):
    http = RegistryHttp(frozenset(), 5)
    # The loopback address is trusted in any case.
    monkeypatch.setattr(RegistryHttp, "_is_insecure", lambda _self, _address: False)
    hostile(ours)
    assert http.fetch(server.address, "GET", f"https://{server.address}/v2/", {}).status == 200
    without_login(server)
    hostile(other)
    with pytest.raises(NoAnswer) as caught:
        RegistryHttp(frozenset(), 5).fetch(
            server.address, "GET", f"https://{server.address}/v2/", {}
        )
    assert "its certificate is not trusted" in caught.value.why


# The directory


def directory(port: int, ca_file: str | None) -> str:
    server = Server(f"ldaps://127.0.0.1:{port}", "ldaps", "127.0.0.1", port)
    with pytest.raises(DirectoryError) as caught:
        connection.connect(ConnectionSettings((server,), ca_file=ca_file, timeout=5))
    return str(caught.value)


def test_a_directory(authorities, hostile, ours, other):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authorities["ours"].issue("localhost", "IP:127.0.0.1"))
    received = []

    def serve() -> None:
        for _time in range(2):
            client, _address = listening.accept()
            try:
                with context.wrap_socket(client, server_side=True) as secure:
                    received.append(secure.recv(64))
            except OSError as error:
                received.append(type(error).__name__)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        hostile(other)
        # It is let in, and closes: no certificate is at fault.
        assert "certificate" not in directory(port, ours)
        hostile(ours)
        assert "its certificate is not trusted" in directory(port, other)
        thread.join(5)
    assert received[0].startswith(b"0") and received[1] != received[0]


# Downloads


@pytest.fixture
def download(tmp_path: Path) -> Callable[[str], str]:
    sources = ToolSources(str(tmp_path), str(tmp_path / "downloads"))
    return lambda url: sources.download(url, hashlib.sha256(VERSION).hexdigest(), "tool")


def test_a_download_logs_in_by_netrc_at_that_server_alone(download, hostile, ours, monkeypatch):
    """Both are documented: nothing else in the catalog could hold a password."""
    with stub() as plain, stub() as elsewhere:
        hostile(ours)
        monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
        port = elsewhere.address.rpartition(":")[2]
        elsewhere.answer = lambda _asked: (200, {}, VERSION)
        plain.answer = lambda _asked: (302, {"Location": f"http://localhost:{port}/tool"}, b"")
        download(f"http://{plain.address}/tool")
        assert plain.authorizations[0].startswith("Basic ")
        assert elsewhere.authorizations == [""]


def test_a_download_by_the_proxy_of_the_environment(download, hostile, ours, closed_port):
    with stub() as plain:
        hostile(ours)
        with pytest.raises(ShippingError, match="tool cannot be downloaded"):
            download(f"http://{plain.address}/tool")


def test_a_netrc_that_is_none(download, server, tmp_path):
    (tmp_path / ".netrc").write_text("nonsense {\n")
    (tmp_path / ".netrc").chmod(0o600)
    with pytest.raises(ShippingError, match="the netrc of the user cannot be read"):
        download(f"https://{server.address}/tool")


# git


def test_git_works_in_no_repository_that_a_hook_names(tmp_path, monkeypatch):
    """git sets GIT_DIR for its hooks, and it comes before -C."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hook.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "work"))
    sources = ToolSources(str(tmp_path), str(tmp_path / "downloads"))
    with pytest.raises(ShippingError, match="cannot be fetched"):
        sources.commit(str(tmp_path / "none"), "a" * 40, "tool")
    assert not (tmp_path / "hook.git").exists()
    assert list((tmp_path / "downloads").glob("git-*/HEAD"))


def test_git_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sources = ToolSources(str(tmp_path), str(tmp_path / "downloads"))
    with pytest.raises(ShippingError, match=r"git does not start, .*Install git"):
        sources.commit("https://git.example.com/a.git", "a" * 40, "tool")


# The proxy of the environment


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({"https_proxy": "http://p:3128"}, "https://e.example:2376", "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "https://e.example:2376", "http://p:3128"),
        ({"all_proxy": "http://p:3128"}, "https://e.example", "http://p:3128"),
        ({"http_proxy": "http://p:3128"}, "https://e.example", ""),
        ({"https_proxy": "http://p:3128", "no_proxy": "e.example"}, "https://e.example", ""),
        ({"https_proxy": "http://p:3128"}, "https://127.0.0.1:2376", ""),
        ({"https_proxy": "http://p:3128"}, "https://LOCALHOST", ""),
        ({"https_proxy": "http://p:3128"}, "https://[::1]:2376", ""),
        ({"https_proxy": "http://p:3128"}, "http+docker://localhost", ""),
        ({"https_proxy": "http://p:3128"}, "https://[bad", ""),
    ],
)
def test_the_proxy_of_the_environment(monkeypatch, variables, url, proxy):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy.environment_proxy(url) == proxy


def test_an_engine_is_reached_by_the_proxy_of_the_environment(monkeypatch):
    received = []

    def serve() -> None:
        client, _address = proxy.accept()
        with client:
            received.append(client.recv(1024))

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(Unreachable):
            Engine(Connection("tcp://engine.invalid:2376", timeout=5))
        thread.join(5)
    assert received[0].startswith(b"CONNECT engine.invalid:2376 ")
