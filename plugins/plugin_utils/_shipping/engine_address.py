# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the engine that builds: from options, else from the variables of Docker's client. Pure.

Variables: https://docs.docker.com/reference/cli/docker/#environment-variables
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import ShippingError

_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class EngineAddress:
    """The address of an engine as Docker's client writes it, and the files of TLS."""

    host: str
    tls: bool = False
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""


def engine_address(
    options: Mapping[str, Any], environment: Mapping[str, str], home: str
) -> EngineAddress:
    """Return the address that the options name, else that of the environment."""
    host = options.get("docker_host")
    if not host:
        return _checked(_of_environment(environment, home))
    tls = options.get("tls")
    return _checked(
        EngineAddress(
            host,
            not host.startswith("unix:") if tls is None else bool(tls),
            options.get("ca_path") or "",
            options.get("client_cert") or "",
            options.get("client_key") or "",
        )
    )


def _of_environment(environment: Mapping[str, str], home: str) -> EngineAddress:
    host = environment.get("DOCKER_HOST") or _SOCKET
    # Docker's client takes any text, also 0, for yes.
    if not environment.get("DOCKER_TLS_VERIFY") or host.startswith("unix:"):
        return EngineAddress(host)
    folder = environment.get("DOCKER_CERT_PATH") or os.path.join(home, ".docker")
    files = (os.path.join(folder, name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return EngineAddress(host, True, *files)


def _checked(address: EngineAddress) -> EngineAddress:
    if address.host.startswith("ssh:"):
        raise ShippingError(
            f"cannot use docker_host {address.host}",
            "the module opens no SSH connection itself",
            "Forward the socket, such as with ssh -L /run/build.sock:/var/run/docker.sock HOST, and"
            " write unix:///run/build.sock",
        )
    if bool(address.client_cert) != bool(address.client_key):
        given, missing = (
            ("client_cert", "client_key") if address.client_cert else ("client_key", "client_cert")
        )
        raise ShippingError(
            f"{given} is set without {missing}",
            "one is of no use without the other",
            f"Set {missing}, too",
        )
    return address
