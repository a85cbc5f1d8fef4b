#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Deploy a version of an app
version_added: 0.1.0
description:
  - Deploys all services of a Compose file to a platform as one unit. The task succeeds only when
    all services run the release's spec and are healthy.
  - If a service fails, the module rolls all services back to the last good release. The message
    has the failed replica, its node, the cause and the last lines of its log.
  - A service without changes is not restarted. A second run changes nothing.
  - Files are read on the control node. The module runs on the host of the task, which must reach
    the platform.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.attributes.action_group
  - shipping.code.platform
  - shipping.code.platform.internal
  - shipping.code.platform.rollout
  - shipping.code.platform.record
  - shipping.code.platform.release
  - shipping.code.platform.ramp
options:
  version:
    description:
      - The name of this release in the history. Required with O(state=present).
      - The same version with another spec becomes a new release, with a warning; see
        O(immutable_versions).
    type: str
  state:
    description:
      - V(present) deploys the version.
      - V(absent) removes the app's services, networks, secrets, configs and history, and waits
        until they are removed. Volumes are kept and listed.
    type: str
    choices: [present, absent]
    default: present
  compose:
    description:
      - The path of a Compose file, or of several files to merge as C(docker compose -f a -f b)
        merges them, with C(!reset) and C(!override).
      - Relative paths are searched beside the playbook or role and in its C(files). Files may be
        encrypted with Ansible Vault.
      - The files are YAML 1.2 and not templates; C(${VARIABLE}) is replaced from O(values).
      - With O(state=present), set exactly one of O(compose), O(spec) and O(manifests).
    type: list
    elements: path
  spec:
    description:
      - The content of a Compose file, inline.
      - Ansible reads it as YAML 1.1, so quote ports, dates, and strings such as V(on) and V(no).
        Values that YAML 1.1 cannot have read as you meant them are rejected.
      - Ansible reads it as a template, so write C(!unsafe) before strings with braces.
    type: dict
  manifests:
    description:
      - "Kubernetes: manifests instead of a Compose file. Each entry is the path of a file with
        manifests, of a directory with such files, of a kustomization or of a Helm chart on the
        control node. C(kustomize) or C(kubectl), or C(helm), renders it there. Helm gets the
        version and the kinds of the cluster."
      - Each object is a service of the app, named by its kind and name, such as V(Deployment/web).
        All are deployed, watched, recorded and rolled back together. Objects that you remove from
        the manifests are removed, except claims of volumes, namespaces and definitions of custom
        resources.
      - With V(resolve_image=always) images are pinned to digests; otherwise they are deployed as
        written.
    type: list
    elements: path
  helm_values:
    description:
      - Values for Helm charts in O(manifests). They take precedence over O(helm_values_files).
    type: dict
    default: {}
  helm_values_files:
    description:
      - Paths of files with values for Helm charts in O(manifests), on the control node.
    type: list
    elements: path
    default: []
  hooks:
    description:
      - How to treat Helm hooks in O(manifests), which never run. V(fail) fails and names them,
        V(skip) ignores them. Hooks for tests are always ignored.
    type: str
    choices: [fail, skip]
    default: fail
  manifests_labels:
    description:
      - Whether the pods of O(manifests) get a label with the hash of their template. With V(none)
        the controllers' own hashes distinguish them.
    type: str
    choices: [hash, none]
    default: hash
  values:
    description:
      - Values for C(${VARIABLE}) in Compose files, and for keys of C(environment) that have no
        value there.
      - A variable without a value and without a default is an error.
    type: dict
    default: {}
  values_from_environment:
    description:
      - Whether variables also take their values from the environment of the control node.
        O(values) takes precedence.
    type: bool
    default: false
  secret_values:
    description:
      - Values that must stay secret. You can use them only below C(secrets), in C(content) or by
        name in C(environment).
    type: dict
    default: {}
  allow_secret_environment:
    description:
      - Allows O(secret_values) anywhere. Every user who can inspect the service or its release can
        then read them.
    type: bool
    default: false
  env_file:
    description:
      - Paths of files on the control node with C(KEY=value) lines, as for C(docker compose
        --env-file).
      - O(values) takes precedence.
      - List a file C(.env) beside the Compose file here, too. C(docker compose) reads it by itself,
        C(docker stack deploy) does not.
    type: list
    elements: path
    default: []
  bind_mounts:
    description:
      - Where bind mounts with relative paths are allowed. A relative path starts at the folder of
        the first Compose file on the control node, as with C(docker stack deploy).
      - C(one_node) allows them if the Swarm has one node. The path must exist on that node.
      - C(everywhere) states that all nodes have the files at this path, for example on a shared
        file system. On Kubernetes a relative path of a directory needs it.
      - C(as_configs) ships each file that is mounted read-only, as in
        C(./nginx.conf:/etc/nginx/nginx.conf:ro), as a config with the file's content. All services
        see it at the same path, and a change of it is a change of the service. Everyone who can
        inspect the app can read it. Other mounts are as with C(one_node).
    type: str
    choices: [one_node, everywhere, as_configs]
    default: one_node
  loopback_ports:
    description:
      - What happens to ports that the Compose file publishes on a loopback address, such as
        C(127.0.0.1:8080:80). Swarm publishes on all addresses of its nodes. Kubernetes does so with
        C(mode=ingress), and honors the address with C(mode=host).
      - C(rejected) fails the task.
      - C(unpublished) leaves these ports out and names them in a warning. Other services of the app
        still reach the container's port. A proxy that runs on the node itself does not.
    type: str
    choices: [rejected, unpublished]
    default: rejected
  images:
    description:
      - The image of services by name, as CI built it. It replaces C(image) in the Compose file,
        also if the file has only C(build).
    type: dict
    default: {}
  resolve_image:
    description:
      - V(auto) queries the registry once for the digest of each image and pins it. If the registry
        does not have the image or does not answer within 20 s, the module uses the image of the
        connected engine with a warning, if no other node may run the service. On Kubernetes the
        task fails instead.
      - V(always) fails if the registry has no digest.
      - V(never) uses references as written.
    type: str
    choices: [auto, always, never]
    default: auto
  adopt:
    description:
      - "Swarm: adopts the services, networks, secrets and configs of a stack of this name that
        C(docker stack deploy) created. Services without changes are not restarted, and a job that
        has completed with the same spec does not run again. The content of a stack's secrets cannot
        be read, so services with secrets change once."
      - "Kubernetes: adopts Deployments, DaemonSets and other objects of these names that C(kubectl)
        or Helm created. Workloads without changes are not restarted, and selectors are kept.
        C(kubectl) and Helm lose the ownership of the fields that the spec declares."
    type: bool
    default: false
  recreate:
    description:
      - Names of services and networks that the module may remove and create again if they cannot
        change in place. This interrupts them.
      - "Swarm: the module may also remove a service first if two services swap published ports.
        Volumes are never removed."
      - Name an object of manifests by kind and name, such as V(StatefulSet/db). Without this
        option, a change of a field that cannot change in place is an error that names the field.
      - A Job of manifests needs no such permission. It runs once for each content of its C(spec),
        and a changed one is recreated. If a Job has run and was removed, it runs again only if you
        name it here.
    type: list
    elements: str
    default: []
  immutable_versions:
    description:
      - Whether the task fails if the version exists with another spec.
    type: bool
    default: false
  branch:
    description: The branch of O(commit), for the history.
    type: str
  preview_of:
    description:
      - The app that this one is a preview of. M(shipping.code.apps_info) returns it, by which the
        role P(shipping.code.preview#role) finds the previews to remove.
    type: str
  after_release:
    description:
      - The number of the newest release that you know, 0 without any. If the history has a newer
        one, the task fails before it changes anything.
      - It is checked again while the run holds the lease of the app, so that a decision that
        depends on the history is still right. The role P(shipping.code.ship#role) sets it.
    type: int
  release_notes:
    description:
      - Notes of the release for the history, one line each, such as the subjects of its commits.
      - The history keeps the first ones, up to 4000 bytes.
    type: list
    elements: str
    default: []
  strategy:
    description:
      - How the new version replaces the former one.
      - V(rolling) replaces the replicas of each service in turn.
      - V(canary) deploys the new version of one service with routes beside the former one, gives it
        growing shares of the traffic, and promotes it or rolls it back by its checks. Everything
        else of the release is deployed when it is promoted.
      - V(blue_green) deploys the new version beside the former one, and then gives it all traffic
        at once.
      - V(canary) and V(blue_green) need the router and O(pki). They do not apply to a first
        release, nor to one that changes no service with routes.
    type: str
    choices: [rolling, blue_green, canary]
    default: rolling
  canary:
    description:
      - The steps and checks of O(strategy=canary).
      - C(steps) is a list of mappings with C(weight), a share in percent, and C(hold), the seconds
        until the next step or V(until promoted). The default is 10 % and 50 % for 300 s each.
      - C(service) names the service if several with routes change.
      - C(baseline) is whether the canary is compared with fresh replicas of the former version. The
        default is V(false).
      - C(checks), C(margin), C(alpha), C(warm_up) and C(min_units) are the rules of the decision.
        By default the error rate of the canary may not be shown to be higher, and must be shown to
        be less than one percentage point higher.
      - C(deadline) is the number of seconds after which C(on_deadline) applies, which is
        V(roll_back) or V(promote). The defaults are 86400 and V(roll_back). Without data, a canary
        is always rolled back.
    type: dict
  keep_warm:
    description:
      - Seconds for which O(strategy=blue_green) keeps the former version beside the new one.
        M(shipping.code.rollback) returns to it in about a second meanwhile. Afterwards the next
        run of M(shipping.code.progress) removes it.
    type: int
    default: 0
  abort_canary:
    description:
      - Whether the release ends a canary or a blue-green release of another version that has not
        ended. Without it, the task fails in such a case.
    type: bool
    default: false
seealso:
  - module: shipping.code.rollback
  - module: shipping.code.progress
  - module: shipping.code.release_info
  - name: The spec of an app
    description: Supported keys of a Compose file, and their meaning.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_spec.rst
"""

EXAMPLES = r"""
- name: Deploy version 1.4.2 of the shop
  shipping.code.release:
    app: shop
    version: 1.4.2
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.4.2

- name: Deploy the image that CI built, with a secret from Ansible Vault, and record the user
  shipping.code.release:
    app: shop
    version: "{{ lookup('env', 'CI_COMMIT_SHORT_SHA') }}"
    commit: "{{ lookup('env', 'CI_COMMIT_SHA') }}"
    by: "{{ lookup('env', 'GITLAB_USER_LOGIN') }}"
    compose:
      - shop/compose.yml
      - shop/compose.production.yml
    images:
      web: "registry.example.com/shop-web:{{ lookup('env', 'CI_COMMIT_SHORT_SHA') }}"
    secret_values:
      DATABASE_PASSWORD: "{{ vault_database_password }}"
    registry_auths:
      - registry: registry.example.com
        username: ci
        password: "{{ vault_registry_password }}"

- name: Give a canary a tenth of the visitors, then half, and promote it or roll it back
  shipping.code.release:
    app: shop
    version: 1.5.0
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.5.0
    strategy: canary
    canary:
      steps:
        - weight: 10
          hold: 300
        - weight: 50
          hold: 300
      margin: 1
    pki: router-pki

- name: Preview the changes of a release
  shipping.code.release:
    app: shop
    version: 1.5.0
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.5.0
  check_mode: true
  diff: true

- name: Handle the failure of a release
  block:
    - name: Deploy version 1.5.0 of the shop
      shipping.code.release:
        app: shop
        version: 1.5.0
        compose: shop/compose.yml
        values:
          REGISTRY: registry.example.com
          VERSION: 1.5.0
  rescue:
    - name: Show the first failure
      ansible.builtin.debug:
        msg: "{{ ansible_failed_result.failures[0].service }}: {{
          ansible_failed_result.failures[0].cause }}"

- name: Deploy an inline spec to an engine with mutual TLS
  shipping.code.release:
    app: hello
    version: "1"
    docker_host: tcp://swarm.example.com:2376
    ca_path: /etc/docker/ca.pem
    client_cert: /etc/docker/cert.pem
    client_key: /etc/docker/key.pem
    spec:
      services:
        web:
          image: registry.example.com/hello:1
          ports:
            - "8080:80"

- name: Deploy the same file to Kubernetes
  shipping.code.release:
    app: shop
    version: 1.4.2
    platform: kubernetes
    namespace: shop
    create_namespace: true
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.4.2

- name: Deploy a Helm chart and a few manifests with the service account of CI
  shipping.code.release:
    app: wiki
    version: "3"
    platform: kubernetes
    namespace: wiki
    host: https://cluster.example.com:6443
    ca_path: /etc/cluster/ca.pem
    api_key: "{{ vault_cluster_token }}"
    manifests:
      - wiki/chart
      - wiki/policies
    helm_values:
      image:
        tag: "3"

- name: Remove the app and keep its volumes
  shipping.code.release:
    app: hello
    state: absent
"""

RETURN = r"""
app:
  description: The app.
  returned: always
  type: str
  sample: shop
version:
  description: The version of the task.
  returned: O(state=present)
  type: str
  sample: 1.5.0
msg:
  description: "The failure as text: the outcome, each failed service with the end of its log, and
    what to do."
  returned: on failure
  type: str
  sample: |-
    shop 1.5.0 failed and was rolled back to 1.4.2 (release 7), which is healthy.
    web: replica web.1 on node node-b exited with code 1 (the engine paused the update)
      | DATABASE_URL is missing: cannot start
    Fix the application or its settings, then deploy again.
outcome:
  description:
    - The outcome of the rollout.
    - V(live) means that all services run the release's spec and are healthy.
    - V(rolled_back) means that the release failed, and the earlier release runs and is healthy.
    - V(standing) means that a canary waits for M(shipping.code.progress).
    - V(failed) means that the release failed, and there was no earlier release or it did not become
      healthy.
  returned: if there were changes
  type: str
  sample: rolled_back
reason:
  description: "The failures as short data: each service with its C(kind)."
  returned: on failure, after the rollout began
  type: str
  sample: "web: crash"
failures:
  description: Each service that failed.
  returned: on failure, after the rollout began
  type: list
  elements: dict
  contains:
    service:
      description: The name of the service in the Compose file.
      type: str
      sample: web
    kind:
      description: The kind of failure, for conditions in C(rescue). The guide on troubleshooting
        lists all kinds.
      type: str
      sample: crash
    cause:
      description: The cause, which continues a sentence about the replica or the service.
      type: str
      sample: exited with code 1 (the engine paused the update)
    hint:
      description: The action that mends it.
      type: str
      sample: Fix the application or its settings, then deploy again
    replica:
      description: The name of the replica; empty if the failure is not about one.
      type: str
      sample: web.1
    node:
      description: The node of the replica.
      type: str
      sample: node-b
    exit_code:
      description: The exit code of its container, if it ran.
      type: int
      sample: 1
    health_check:
      description: The output of the last failed health check.
      type: str
      sample: ""
    logs:
      description: The last lines of the replica's log.
      type: list
      elements: str
      sample: ["DATABASE_URL is missing: cannot start"]
rollback:
  description: The release that was restored after the failure.
  returned: on failure, if there was an earlier release
  type: dict
  contains:
    number:
      description: Its number.
      type: int
      sample: 7
    version:
      description: Its version.
      type: str
      sample: 1.4.2
    healthy:
      description: Whether all its services are healthy.
      type: bool
      sample: true
    failures:
      description: Each of its services that failed, as in RV(failures).
      type: list
      elements: dict
      sample: []
plan:
  description: The changes of the run; in check mode, the changes that a run would make.
  returned: O(state=present)
  type: dict
  contains:
    services:
      description: Each service of the spec, and those that are removed.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the service in the Compose file.
          type: str
          sample: web
        action:
          description: V(create), V(update), V(recreate), V(remove) or V(keep).
          type: str
          sample: update
        restarts:
          description: Whether its replicas are replaced.
          type: bool
          sample: true
        interruption:
          description: V(without interruption), V(new), or V(interrupted) with the reason.
          type: str
          sample: without interruption
        changes:
          description: The changes, as C(path), C(before) and C(after).
          type: list
          elements: dict
          sample:
            - path: environment.LOG_LEVEL
              before: info
              after: debug
    create:
      description: Names of networks, secrets and configs that are created, by kind.
      type: dict
      sample: {"secrets": ["shop_database_1f0c8a44b9d2"]}
    remove:
      description: Names of networks that are removed, by kind.
      type: dict
      sample: {}
release:
  description: The release of this run; without changes, the live release.
  returned: O(state=present)
  type: dict
  contains:
    number:
      description: Its number.
      type: int
      sample: 8
    version:
      description: Its version.
      type: str
      sample: 1.5.0
    outcome:
      description: Its outcome; V(pending) while the rollout runs.
      type: str
      sample: rolled_back
    reason:
      description: The failures as in RV(reason); M(shipping.code.release_info) returns the full
        text.
      type: str
      sample: "web: crash"
    by:
      description: The user who deployed it.
      type: str
      sample: alice@ci-7
    commit:
      description: The commit of its spec.
      type: str
      sample: 9f2b1c7
    branch:
      description: The branch of the commit.
      type: str
      sample: main
    preview_of:
      description: The app that this one is a preview of; empty if it is not a preview.
      type: str
      sample: ""
    release_notes:
      description: Its notes.
      type: list
      elements: str
      sample: ["9f2b1c7 Show prices with taxes"]
    started:
      description: The time of its start, in UTC.
      type: str
      sample: "2026-11-23T09:10:18Z"
    ended:
      description: The time of its outcome, in UTC.
      type: str
      sample: "2026-11-23T09:10:23Z"
    rollback_of:
      description: The number of the release that it restored, if it is a rollback.
      type: int
      sample: 5
    services:
      description: The image of each service, pinned and as written.
      type: dict
      sample:
        web:
          image:
            registry.example.com/shop-web:1.5.0@sha256:a260690efe838bc6ca29200df1308a03e225f9cbfc6fe7d93724404461491322
          reference: registry.example.com/shop-web:1.5.0
seconds:
  description: The duration of the rollout.
  returned: if there were changes
  type: float
  sample: 12.3
removed:
  description: Names of the removed objects, by kind.
  returned: O(state=absent)
  type: dict
  sample: {"services": ["shop_web"], "networks": ["shop_default"], "secrets": [], "configs":
    ["shipping.code.shop.release.1"]}
kept:
  description: Objects of manifests that are kept, since they have data or the annotation
    C(helm.sh/resource-policy=keep).
  returned: O(state=absent)
  type: list
  elements: str
  sample: []
volumes_kept:
  description: Names of the app's volumes, which are kept.
  returned: O(state=absent)
  type: list
  elements: str
  sample: ["shop_data"]
notes:
  description: Keys of the spec that were ignored, since they concern only local development.
    Calls of C(lookup) in Helm charts, which find nothing.
  returned: O(state=present)
  type: list
  elements: str
  sample: ["ignored, for local development only: services.web.build"]
problems:
  description: Problems of the spec or the platform, each with C(path) and C(text).
  returned: if they failed the task, before any change
  type: list
  elements: dict
  sample:
    - path: services.web.deploy.replica
      text: unknown key; did you mean replicas?
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    operations,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run import run_module
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    run_module(
        AnsibleModule(
            argument_specs.for_module(
                PLATFORMS.argument_spec(argument_specs.RELEASE, releases=True)
            ),
            supports_check_mode=True,
            **argument_specs.RELEASE_RULES,
        ),
        operations.release_or_absent,
        PLATFORMS,
    )


if __name__ == "__main__":
    main()
