# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to an engine: mutual TLS, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    engine_address,
)

from tests.testbed.machine import Machine
from tests.testbed.proxy import Proxy
from tests.testbed.swarm_bed import SwarmBed
from tests.testbed.tls import Authority

from .harness import Player

pytestmark = [pytest.mark.only("swarm"), pytest.mark.long]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the engine's certificate and those of its users."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def engine_with_tls(authority: Authority, worker_id: str) -> Iterator[str]:
    """The address of an engine that lets in only whom the authority knows."""
    machine = Machine(f"tls-{worker_id}")
    machine.down()
    machine = Machine(f"tls-{worker_id}")
    machine.up()
    certificate, key = authority.issue("engine", f"IP:{machine.address}")
    tls = f"--tlsverify --tlscacert {authority.certificate} --tlscert {certificate} --tlskey {key}"
    try:
        SwarmBed(machine, f"-H tcp://{machine.address}:2376 {tls}").up()
        yield f"tcp://{machine.address}:2376"
    finally:
        machine.down()


@pytest.fixture(scope="module")
def client(authority: Authority) -> dict[str, str]:
    """The options of somebody whom the engine lets in."""
    certificate, key = authority.issue("alice")
    return {
        "ca_path": str(authority.certificate),
        "client_cert": str(certificate),
        "client_key": str(key),
    }


def info(player: Player, address: str, **options: Any) -> dict[str, Any]:
    """What release_info says by this connection."""
    outcome = player.run(
        "release_info", {"app": "nothing", "docker_host": address, "timeout": 5, **options}
    )
    assert "Traceback" not in outcome.output
    return outcome.result


def test_mutual_tls(player: Player, engine_with_tls: str, client: dict[str, str]) -> None:
    """The right certificate is accepted, also under the names that other collections use."""
    assert info(player, engine_with_tls, **client)["history"] == []
    others = {
        "ca_cert": client["ca_path"],
        "cert_path": client["client_cert"],
        "key_path": client["client_key"],
        "tls_verify": True,
    }
    assert info(player, engine_with_tls, **others)["history"] == []
    # The engine that builds is reached in the same way.
    address = engine_address({"docker_host": engine_with_tls, **client}, {}, "")
    assert BuildEngine(address, Credentials()).platform().startswith("linux/")
    stranger = replace(address, client_cert="", client_key="")
    with pytest.raises(ShippingError, match="the engine cannot be used: no answer of the engine"):
        BuildEngine(stranger, Credentials()).platform()


def test_variables_of_libraries_change_nothing(
    player: Player, engine_with_tls: str, client: dict[str, str], tmp_path: Path
) -> None:
    """requests prefers the bundles to the task's own authority, unless it is kept from them."""
    other = str(Authority(tmp_path / "other").certificate)
    for bundle, options, is_let_in in (
        (other, client, True),
        (other, {**client, "ca_path": None, "validate_certs": False}, True),
        (client["ca_path"], {**client, "ca_path": other}, False),
    ):
        outcome = player.run(
            "release_info",
            {"app": "nothing", "docker_host": engine_with_tls, "timeout": 5, **options},
            environment={"REQUESTS_CA_BUNDLE": bundle, "CURL_CA_BUNDLE": bundle},
        )
        assert ("history" in outcome.result) is is_let_in, outcome.output


def test_strangers_are_not_let_in(
    player: Player, engine_with_tls: str, client: dict[str, str], tmp_path: Path
) -> None:
    """No certificate, one of another authority, and an authority that is not the engine's."""
    nobody = info(player, engine_with_tls, ca_path=client["ca_path"])
    assert "no trusted connection" in nobody["msg"] and "client_cert" in nobody["msg"]
    other = Authority(tmp_path / "other")
    certificate, key = other.issue("mallory")
    stranger = info(
        player,
        engine_with_tls,
        **{**client, "client_cert": str(certificate), "client_key": str(key)},
    )
    assert "no trusted connection" in stranger["msg"]
    untrusted = info(player, engine_with_tls, **{**client, "ca_path": str(other.certificate)})
    assert (
        "no trusted connection" in untrusted["msg"]
        and "its certificate is not trusted" in untrusted["msg"]
    )


def test_another_name(player: Player, engine_with_tls: str, client: dict[str, str]) -> None:
    """The certificate must be of the address, unless it need not be valid."""
    host, _colon, port = engine_with_tls.removeprefix("tcp://").partition(":")
    elsewhere = Proxy((host, int(port)))
    wrong = info(player, elsewhere.host, **client)
    assert "no trusted connection" in wrong["msg"] and "127.0.0.1" in wrong["msg"]
    assert info(player, elsewhere.host, validate_certs=False, **client)["history"] == []
    elsewhere.close()


def test_files_that_are_not_there(
    player: Player, engine_with_tls: str, client: dict[str, str]
) -> None:
    """A path with a typo is told as such."""
    for option in client:
        told = info(player, engine_with_tls, **{**client, option: "/no/such/file.pem"})
        assert "/no/such/file.pem" in told["msg"], told["msg"]


def test_plain_where_tls_is_spoken(player: Player, engine_with_tls: str) -> None:
    """Neither side is left to guess."""
    told = info(player, engine_with_tls, tls=False)
    assert "engine" in told["msg"] and "HTTPS" in told["msg"], told["msg"]


NO_CONNECTION = [
    (
        "unix:///no/such.sock",
        "no connection to the engine at unix:///no/such.sock: no such file or directory",
    ),
    ("tcp://127.0.0.1:1", "no connection to the engine at tcp://127.0.0.1:1: connection refused"),
    (
        "tcp://no-such-host.invalid:2376",
        "no connection to the engine at tcp://no-such-host.invalid:2376",
    ),
    ("ftp://127.0.0.1", "cannot use docker_host ftp://127.0.0.1"),
    ("tcp://", "cannot use docker_host tcp://"),
]


@pytest.mark.parametrize(("address", "says"), NO_CONNECTION)
def test_no_connection(address: str, says: str, player: Player) -> None:
    """Where, why and what to do."""
    assert says in info(player, address)["msg"]


def test_no_manager(player: Player, worker_id: str) -> None:
    """An engine that is in no Swarm."""
    machine = Machine(f"alone-{worker_id}")
    machine.up()
    engine = SwarmBed(machine)
    try:
        engine.start()
        told = info(player, engine.host)
        assert "manages no Swarm" in told["msg"] and "docker swarm init" in told["msg"]
    finally:
        machine.down()


def test_a_key_newer_than_the_engine(player: Player, platform: Any, app: str) -> None:
    """It would be dropped silently, so it is an error that names the version."""
    if platform.api >= (1, 44):
        pytest.skip("this engine knows start_interval")
    spec = {
        "services": {
            "web": {
                "image": platform.image("tool:1"),
                "healthcheck": {"test": "true", "start_interval": "1s"},
                "security_opt": ["no-new-privileges"],
                "mem_limit": "64m",
                "memswap_limit": "64m",
                "volumes": [{"source": "data", "target": "/b", "volume": {"subpath": "c"}}],
            }
        },
        "volumes": {"data": {}},
    }
    told = player.run(
        "release", {"app": app, "version": "1", "spec": spec, **platform.options}
    ).result
    assert {problem["path"] for problem in told["problems"]} == {
        "services.web.healthcheck.start_interval",
        "services.web.security_opt.no_new_privileges",
        "services.web.memswap_limit",
        "services.web.volumes[0].volume.subpath",
    }
    assert "needs engine API 1.44 (Docker 25.0.1)" in told["msg"] and "API 1.41" in told["msg"]
