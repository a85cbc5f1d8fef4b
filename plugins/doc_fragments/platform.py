# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
from typing import Any

import yaml
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS

# As a path, by which the choice of the tests to run sees that this file depends on the folder.
_FOLDER = "plugins/doc_fragments"
_FRAGMENTS = f"ansible_collections.shipping.code.{_FOLDER.replace('/', '.')}"


def _of_platforms(part: str) -> list[dict[str, Any]]:
    """Return a part of the documentation of each platform that has it."""
    fragments = [
        importlib.import_module(f"{_FRAGMENTS}.{name}").ModuleDocFragment
        for name in PLATFORMS.names
    ]
    texts = [getattr(fragment, part, "") for fragment in fragments]
    return [yaml.safe_load(text) for text in texts if text]


def _joined(common: str) -> str:
    """Return the common documentation with what each platform adds to it."""
    result = yaml.safe_load(common)
    for own in _of_platforms("DOCUMENTATION"):
        choice = own["options"].pop("platform")
        result["options"]["platform"]["description"] += choice["description"]
        result["options"].update(own["options"])
        result["requirements"] += own["requirements"]
    result["options"]["platform"].update(choices=PLATFORMS.names, default=PLATFORMS.default)
    return yaml.safe_dump(result, sort_keys=False, allow_unicode=True)


def _release() -> str:
    """Return the options that only modules have that make releases."""
    options: dict[str, Any] = {}
    for own in _of_platforms("RELEASE"):
        options.update(own["options"])
    return yaml.safe_dump({"options": options}, sort_keys=False, allow_unicode=True)


_COMMON = r"""
options:
  app:
    description:
      - The name of the app, whose services are released together.
      - From 1 to 40 of C(a-z), C(0-9), C(-) and C(_); it begins and ends with a letter or digit. On
        Kubernetes without C(_).
      - On Swarm it begins the names of everything that belongs to the app, as the name of a stack
        does.
      - On Kubernetes workloads and Services are called as the services are, so an app is best alone
        in its O(namespace).
    type: str
    required: true
  platform:
    description:
      - Where the services run.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the engine or of the API server must be valid for its address.
    type: bool
    default: true
    aliases: [tls_verify, verify_ssl]
  ca_path:
    description:
      - The path of the certificate authority that the certificate of the engine or API server must
        come from.
      - The path is one on the host that runs the module.
      - "Swarm: by default the authorities of the Python package C(certifi) are trusted."
      - "Kubernetes: by default E(K8S_AUTH_SSL_CA_CERT), else what the kubeconfig says, else the
        system's authorities, or those that E(SSL_CERT_FILE) and E(SSL_CERT_DIR) name."
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path, ssl_ca_cert]
  client_cert:
    description:
      - The path of the certificate to log in with, on the host that runs the module.
      - "Kubernetes: by default E(K8S_AUTH_CERT_FILE), else what the kubeconfig says."
    type: path
    aliases: [tls_client_cert, cert_path, cert_file]
  client_key:
    description:
      - The path of the key of O(client_cert), on the host that runs the module.
      - "Kubernetes: by default E(K8S_AUTH_KEY_FILE), else what the kubeconfig says."
    type: path
    aliases: [tls_client_key, key_path, key_file]
  timeout:
    description:
      - For how many seconds one answer of the engine or API server may take.
    type: int
    default: 60
  registry_auths:
    description:
      - Credentials for private registries. They are sent with each request that needs them, and
        never written down.
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
      - The path of a Docker client's C(config.json) on the host that runs the module, with
        C(auths), C(credHelpers) or C(credsStore).
      - By default C(config.json) in the folder that E(DOCKER_CONFIG) names, else
        C(~/.docker/config.json), of the user there.
      - On Kubernetes the nodes get the credentials of the registries that they pull from, as a
        Secret of the type C(kubernetes.io/dockerconfigjson).
    type: path
  insecure_registries:
    description:
      - "Kubernetes: registries, such as V(registry.example.com:5000), that are asked without TLS,
        or with a certificate that nobody vouches for."
      - Those on the loopback address always are. The nodes' container runtime has a setting of
        its own for this.
    type: list
    elements: str
    default: []
requirements:
  - Python 3.9 or newer on the host that runs the module
"""


class ModuleDocFragment:
    # With annotations, since ansible-test's yamllint only takes assignments of plain strings.
    DOCUMENTATION: str = _joined(_COMMON)

    RELEASE: str = _release()

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
      - Fewer failures that a service recovers from are warnings. Failures that trying again cannot
        mend count at once.
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
    details: The rollout goes on in a process of its own where the connection is lost;
      O(rollout_timeout) limits it.
notes:
  - The rollout is done by a process on the host that runs the module. It comes to its end, or goes
    back, also where the play is stopped or the connection is lost; the next run waits for it or
    takes over.
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
      - Who releases, for the history and for runs that wait for this one. By default the user and
        name of the control node.
    type: str
  commit:
    description:
      - The commit that the release was made from, for the history.
    type: str
"""

    INTERNAL = r"""
options:
  _run:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
  _sent:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
"""
