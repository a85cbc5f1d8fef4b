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
      - V(swarm) is a Docker Swarm, reached through any of its managers.
      - V(kubernetes) is one namespace of a Kubernetes cluster.
    type: str
    choices: [swarm, kubernetes]
    default: swarm
  docker_host:
    description:
      - "Swarm: the address of the engine of a manager, for example V(unix:///var/run/docker.sock)
        or V(tcp://swarm.example.com:2376)."
      - The environment variable E(DOCKER_HOST) of the host that runs the module is used where the
        option is not given.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls:
    description:
      - "Swarm: whether to use TLS. By default a C(tcp) address is used with TLS and a unix socket
        without."
      - V(false) is for an engine that speaks no TLS. Whoever reaches such an engine is root on its
        machine.
    type: bool
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
      - "Kubernetes: by default E(K8S_AUTH_SSL_CA_CERT), else what the kubeconfig says."
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
  kubeconfig:
    description:
      - "Kubernetes: the path of a kubeconfig on the host that runs the module; several are
        separated by C(:), of which the first one that says
        something counts."
      - By default E(K8S_AUTH_KUBECONFIG), then E(KUBECONFIG), then C(~/.kube/config). Inside a pod
        without any of them, the pod's own account.
      - Exec plugins and OpenID Connect in it are used as the official client does.
    type: path
  context:
    description:
      - "Kubernetes: the context of the kubeconfig, by default its current one."
      - E(K8S_AUTH_CONTEXT) is used where the option is not given.
    type: str
  host:
    description:
      - "Kubernetes: the address of the API server, such as V(https://cluster.example.com:6443). No
        kubeconfig is read then."
      - E(K8S_AUTH_HOST) is used where the option is not given.
    type: str
  api_key:
    description:
      - "Kubernetes: the token to log in with, such as that of a service account."
      - E(K8S_AUTH_API_KEY) is used where the option is not given.
    type: str
  proxy:
    description:
      - "Kubernetes: the address of a proxy to the API server. E(K8S_AUTH_PROXY) is used where the
        option is not given."
    type: str
  no_proxy:
    description:
      - "Kubernetes: host names and domains, separated by commas, that O(proxy) is not for."
      - E(K8S_AUTH_NO_PROXY) is used where the option is not given.
    type: str
  impersonate_user:
    description:
      - "Kubernetes: the user to act as. E(K8S_AUTH_IMPERSONATE_USER) is used where the option is
        not given."
    type: str
  impersonate_groups:
    description:
      - "Kubernetes: the groups to act as a member of. E(K8S_AUTH_IMPERSONATE_GROUPS) is used where
        the option is not given."
    type: list
    elements: str
  namespace:
    description:
      - "Kubernetes: the namespace of the app, by default that of the kubeconfig's context, else
        V(default)."
    type: str
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
      - By default the file that the Docker client of the user there would use.
      - On Kubernetes the machines get the credentials of the registries that they pull from, as a
        Secret of the type
        C(kubernetes.io/dockerconfigjson).
    type: path
  insecure_registries:
    description:
      - "Kubernetes: registries, such as V(registry.example.com:5000), that are asked without TLS,
        or with a certificate that nobody vouches for."
      - Those on the loopback address always are. The machines' container runtime has a setting of
        its own for this.
    type: list
    elements: str
    default: []
requirements:
  - Python 3.9 or newer on the host that runs the module
  - "Swarm: the Python package C(docker), at least 7.1 and below 8, on that host"
  - "Swarm: Docker Engine 20.10 or newer (API 1.41)"
  - "Kubernetes: the Python package C(kubernetes), at least 34 and below 38, on that host, which
    then needs Python 3.10; for Python 3.9 the last
    one is 35"
  - "Kubernetes: 1.31 or newer; tried on 1.36"
"""

    KUBERNETES = r"""
options:
  create_namespace:
    description:
      - "Kubernetes: whether to make the namespace where it is missing. Namespaces are never
        removed."
    type: bool
    default: false
  conflicts:
    description:
      - "Kubernetes: what to do where somebody else holds a field that the spec declares."
      - V(take) takes back what people changed by C(kubectl), Helm and the like, and fails where a
        controller holds it, such as an autoscaler.
      - V(fail) fails in both cases.
    type: str
    choices: [take, fail]
    default: take
  pod_security:
    description:
      - "Kubernetes: how much the pods are held down."
      - V(auto) gives them no token of the API, the runtime's default seccomp profile and no way to
        more privileges; where C(user) is not root also
        C(runAsNonRoot) and no capabilities. In a namespace that enforces the Pod Security Standard
        C(restricted) it is as V(restricted).
      - V(restricted) does all of it for every service.
      - V(none) sets nothing but what the spec says.
    type: str
    choices: [auto, restricted, none]
    default: auto
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
    back, also where the play is stopped or the
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
