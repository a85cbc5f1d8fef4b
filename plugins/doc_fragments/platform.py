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
    fragments = [_fragment(name) for name in PLATFORMS.names]
    texts = [getattr(fragment, part, "") for fragment in fragments]
    return [yaml.safe_load(text) for text in texts if text]


def _fragment(platform: str) -> Any:
    return importlib.import_module(f"{_FRAGMENTS}.{platform}").ModuleDocFragment


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


def _connection() -> str:
    """Return the same without the app, for modules that are about no single one."""
    result = yaml.safe_load(_joined(_COMMON))
    del result["options"]["app"]
    return yaml.safe_dump(result, sort_keys=False, allow_unicode=True)


def _access() -> str:
    """Return the options that reach the platform on which accounts for a CI are made."""
    result = yaml.safe_load(_COMMON)
    own = yaml.safe_load(_fragment(PLATFORMS.with_accounts.name).DOCUMENTATION)
    del own["options"]["platform"]
    common = {name: result["options"][name] for name in ("client_cert", "client_key", "timeout")}
    result["options"] = {**common, **own["options"]}
    result["requirements"] += own["requirements"]
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
      - The name of the app, whose services are deployed as one unit.
      - From 1 to 40 characters of C(a-z), C(A-Z), C(0-9), C(-) and C(_); the first and the last are
        letters or digits. On Kubernetes without C(A-Z) and C(_).
      - On Swarm it is the prefix of the names of all objects of the app, like the name of a stack.
      - On Kubernetes workloads and Services have the names of the services, so give each app its
        own O(namespace).
    type: str
    required: true
  platform:
    description:
      - The platform of the services.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the engine or of the API server must be valid for its address.
    type: bool
    default: true
    aliases: [tls_verify, verify_ssl]
  ca_path:
    description:
      - The path of the certificate authority that must have issued the certificate of the engine or
        API server, on the host that runs the module.
      - "Swarm: by default the authorities of the Python package C(certifi) are trusted."
      - "Kubernetes: by default E(K8S_AUTH_SSL_CA_CERT), else the kubeconfig, else the system's
        authorities, or those that E(SSL_CERT_FILE) and E(SSL_CERT_DIR) name."
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path, ssl_ca_cert]
  client_cert:
    description:
      - The path of the certificate to log in with, on the host that runs the module.
      - "Kubernetes: by default E(K8S_AUTH_CERT_FILE), else the kubeconfig."
    type: path
    aliases: [tls_client_cert, cert_path, cert_file]
  client_key:
    description:
      - The path of the key of O(client_cert), on the host that runs the module.
      - "Kubernetes: by default E(K8S_AUTH_KEY_FILE), else the kubeconfig."
    type: path
    aliases: [tls_client_key, key_path, key_file]
  timeout:
    description:
      - Timeout in seconds for one answer of the engine or API server.
    type: int
    default: 60
  registry_auths:
    description:
      - Credentials for private registries. They are sent with each request that needs them, and
        never stored.
      - For registries that are not listed, the module reads O(docker_config).
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: The registry as in the image references; V(docker.io) for Docker Hub.
        type: str
        required: true
      username:
        description: The name to log in with.
        type: str
      password:
        description: The password or access token.
        type: str
      identity_token:
        description: An identity token instead of a name and a password.
        type: str
  docker_config:
    description:
      - The path of a Docker client's C(config.json) on the host that runs the module, with
        C(auths), C(credHelpers) or C(credsStore).
      - By default C(config.json) in the folder that E(DOCKER_CONFIG) names, else
        C(~/.docker/config.json) of that user.
      - On Kubernetes the nodes get the credentials of the registries that they pull from, as a
        Secret of the type C(kubernetes.io/dockerconfigjson).
    type: path
  insecure_registries:
    description:
      - "Kubernetes: registries, such as V(registry.example.com:5000), that the module queries
        without TLS or with an unverified certificate."
      - Registries on the loopback address always count as such. The nodes' container runtime has
        its own setting for this.
    type: list
    elements: str
    default: []
requirements:
  - Python 3.9 or newer on the host that runs the module
"""


class ModuleDocFragment:
    # With annotations, since ansible-test's yamllint only takes assignments of plain strings.
    DOCUMENTATION: str = _joined(_COMMON)

    CONNECTION: str = _connection()

    ACCESS: str = _access()

    RELEASE: str = _release()

    KEYS = r"""
options:
  pki:
    description:
      - The folder of the control node with the keys of the router's control channel, which the role
        P(shipping.code.router#role) makes. Its files may be encrypted by Ansible Vault.
      - A relative path is below the folder of the playbook.
    type: path
    required: true
  node_addresses:
    description:
      - The address of nodes by their host names, for nodes that the host that runs the module
        reaches at another address than the platform has of them.
    type: dict
    default: {}
  _pki:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
"""

    EXPERIMENT = r"""
options:
  _experiment:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
"""

    RAMP = r"""
options:
  pki:
    description:
      - The folder of the control node with the keys of the router's control channel, by which a
        canary gets its share of the traffic. The role P(shipping.code.router#role) makes it. Its
        files may be encrypted by Ansible Vault.
      - A relative path is below the folder of the playbook.
    type: path
  node_addresses:
    description:
      - The address of nodes by their host names, for nodes that the host that runs the module
        reaches at another address than the platform has of them.
    type: dict
    default: {}
  _pki:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
"""

    ROLLOUT = r"""
options:
  rollout_timeout:
    description:
      - Seconds after which a rollout counts as failed.
      - Failures that cannot recover are reported much earlier, see O(max_crashes).
    type: int
    default: 600
  max_crashes:
    description:
      - Number of failures of one replica after which its service counts as failed.
      - Fewer failures that a service recovers from are warnings. Failures that cannot recover count
        at once.
    type: int
    default: 3
  monitor:
    description:
      - Seconds that a replica without a health check must run before it counts as healthy.
      - After an update the engine itself also watches it for C(update_config.monitor).
    type: float
    default: 5.0
  lease_ttl:
    description:
      - Seconds without a renewal of the lease after which another run may take the app over.
    type: float
    default: 30.0
  lease_timeout:
    description:
      - Seconds to wait for another run that holds the lease of the app.
    type: int
    default: 600
  progress:
    description:
      - Whether to show a line for each change. Each line begins with the name of the host.
      - V(auto) shows them unless the play's callback is machine-readable.
    type: str
    choices: [auto, always, never]
    default: auto
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: none
    details: The rollout continues in the background if the connection drops; O(rollout_timeout)
      limits it.
notes:
  - A worker process on the host that runs the module does the rollout. It finishes or rolls back
    also if the play stops or the connection drops. The next run waits for it or takes over.
"""

    RECORD = r"""
options:
  rollback_timeout:
    description:
      - Seconds that the rollback after a failed rollout may take.
    type: int
    default: 300
  keep:
    description:
      - Number of releases in the history. The live release and the one before it are always kept.
    type: int
    default: 10
  by:
    description:
      - The user of the run, for the history and for runs that wait for this one. By default the
        account and the host name of the control node.
    type: str
  commit:
    description:
      - The commit of the spec, for the history.
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
