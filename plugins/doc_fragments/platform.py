# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  app:
    description:
      - The name of the app, whose services are released together.
      - From 1 to 40 of C(a-z), C(0-9), C(-) and C(_); it begins and ends with a letter or digit.
      - On Swarm it begins the names of everything that belongs to the app, as the name of a stack does.
    type: str
    required: true
  platform:
    description:
      - Where the services run.
      - V(swarm) is a Docker Swarm, reached through any of its managers.
    type: str
    choices: [swarm]
    default: swarm
  docker_host:
    description:
      - "Swarm: the address of the engine of a manager, for example V(unix:///var/run/docker.sock) or V(tcp://swarm.example.com:2376)."
      - The environment variable E(DOCKER_HOST) of the host that runs the module is used where the option is not given.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls:
    description:
      - "Swarm: whether to use TLS. By default a C(tcp) address is used with TLS and a unix socket without."
      - V(false) is for an engine that speaks no TLS. Whoever reaches such an engine is root on its machine.
    type: bool
  validate_certs:
    description:
      - "Swarm: whether the engine's certificate must be valid for its address."
    type: bool
    default: true
    aliases: [tls_verify]
  ca_path:
    description:
      - "Swarm: the path of the certificate authority that the engine's certificate must come from."
      - The path is one on the host that runs the module.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - "Swarm: the path of the certificate to log in with, on the host that runs the module."
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - "Swarm: the path of the key of O(client_cert), on the host that runs the module."
    type: path
    aliases: [tls_client_key, key_path]
  timeout:
    description:
      - "Swarm: for how many seconds one answer of the engine may take."
    type: int
    default: 60
  registry_auths:
    description:
      - Credentials for private registries. They are sent with each request that needs them, and never written down.
      - Where a registry is not named here, O(docker_config) is looked into.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: The registry as it stands in the image references, V(docker.io) for Docker Hub.
        type: str
        required: true
      username:
        description: The name to log in with.
        type: str
      password:
        description: The password or access token.
        type: str
      identity_token:
        description: An identity token, in place of a name and a password.
        type: str
  docker_config:
    description:
      - The path of a Docker client's C(config.json) on the host that runs the module, with C(auths), C(credHelpers) or C(credsStore).
      - By default the file that the Docker client of the user there would use.
    type: path
requirements:
  - Python 3.9 or newer on the host that runs the module
  - "Swarm: the Python package C(docker), at least 7.1 and below 8, on that host"
  - "Swarm: Docker Engine 20.10 or newer (API 1.41)"
"""

    ROLLOUT = r"""
options:
  rollout_timeout:
    description:
      - For how many seconds a rollout may take before it counts as failed.
      - What is hopeless is told much earlier, see O(max_crashes).
    type: int
    default: 600
  max_crashes:
    description:
      - How often one task may fail and be started again before its service counts as failed.
      - Fewer failures that a service recovers from are warnings. Failures that trying again cannot mend count at once.
    type: int
    default: 3
  monitor:
    description:
      - For how many seconds a task without a health check must run before it counts as healthy.
      - After an update the engine itself watches for C(update_config.monitor), too.
    type: float
    default: 5.0
  lease_ttl:
    description:
      - After how many seconds without a sign of life another run may take the app over.
    type: float
    default: 30.0
  lease_timeout:
    description:
      - For how many seconds to wait for another run that works on the app.
    type: int
    default: 600
  progress:
    description:
      - Whether to show a line whenever something changes, each beginning with the name of the host.
      - V(auto) shows them unless the callback that prints the play is a machine-readable one.
    type: str
    choices: [auto, always, never]
    default: auto
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: none
    details: The rollout goes on in a process of its own where the connection is lost; O(rollout_timeout) limits it.
notes:
  - The rollout is done by a process on the host that runs the module. It comes to its end, or goes back, also where the play is stopped or the
    connection is lost; the next run waits for it or takes over.
"""

    RECORD = r"""
options:
  rollback_timeout:
    description:
      - For how many seconds going back to the former release may take, after a rollout that failed.
    type: int
    default: 300
  keep:
    description:
      - How many releases the history keeps. The one that runs and the one before it always stay.
    type: int
    default: 10
  by:
    description:
      - Who releases, for the history. By default the user and name of the control machine.
    type: str
  commit:
    description:
      - The commit that the release was made from, for the history.
    type: str
"""

    INTERNAL = r"""
options:
  _job:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
  _data:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
  _mask:
    description: For the action plugin of the same name; not for use in playbooks.
    type: list
    elements: str
"""
