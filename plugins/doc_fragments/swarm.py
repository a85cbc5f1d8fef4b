# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  platform:
    description:
      - V(swarm) is a Docker Swarm, through any of its managers.
  docker_host:
    description:
      - "Swarm: the address of the engine of a manager, for example V(unix:///var/run/docker.sock)
        or V(tcp://swarm.example.com:2376)."
      - An address with C(ssh) is rejected, since the modules open no SSH connections. Run the task
        on the manager, so that Ansible connects, and use the unix socket there.
      - If the option is not set, the module uses the environment variable E(DOCKER_HOST) of the
        host that it runs on.
      - A TCP address is reached through the proxy that E(HTTPS_PROXY), or E(HTTP_PROXY) with
        O(tls=false), or E(ALL_PROXY) names on that host, unless E(NO_PROXY) lists it.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls:
    description:
      - "Swarm: whether to use TLS. By default a C(tcp) address is used with TLS and a unix socket
        without."
      - V(false) is for an engine without TLS. Every client that reaches such an engine has root
        rights on its node.
    type: bool
requirements:
  - "Swarm: the Python package C(docker), at least 7.1 and below 8, on that host"
  - "Swarm: Docker Engine 20.10 or newer (API 1.41); tested with 20.10, 26 and 29"
"""
