#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Makes an app be at a version
version_added: 0.1.0
description:
  - Ships the services of a Compose file to a platform, all together, and succeeds only when exactly
    what was sent runs and is healthy.
  - Where a service fails, all services go back to the last good release, and the failure says which
    task failed where and why.
  - A service that does not change is not restarted. A second run changes nothing.
  - Files are read on the control node; the module itself runs on the host of the task, which
    needs to reach the platform.
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
options:
  version:
    description:
      - What this release is called in the history. Needed where O(state=present).
      - The same version with other content becomes a new release, with a warning; see
        O(immutable_versions).
    type: str
  state:
    description:
      - V(present) brings the app to the version.
      - V(absent) removes its services, networks, secrets, configs and history, and returns when
        they are gone. Volumes stay and are listed.
    type: str
    choices: [present, absent]
    default: present
  compose:
    description:
      - The path of a Compose file, or of several that are merged as C(docker compose -f a -f b)
        merges them, with C(!reset) and C(!override).
      - Relative paths are looked for beside the playbook or role and in its C(files). Files may be
        encrypted by Ansible Vault.
      - The files are YAML 1.2 and no templates; C(${VARIABLE}) is replaced from O(values).
      - Exactly one of O(compose), O(spec) and O(manifests) is needed where O(state=present).
    type: list
    elements: path
  spec:
    description:
      - The content of a Compose file, inline.
      - Ansible reads it as YAML 1.1, so quote ports, dates, and texts such as V(on) and V(no). What
        cannot have been meant as it was read is rejected.
      - Ansible reads it as a template, so write C(!unsafe) before texts with braces.
    type: dict
  manifests:
    description:
      - "Kubernetes: manifests as they are, in place of a Compose file. Each is the path of a file
        with manifests, of a directory with such files, of a kustomization or of a Helm chart, on
        the control node, where C(kustomize) or C(kubectl), or C(helm), renders it."
      - Each object is a service of the app, called by its kind and name, such as V(Deployment/web).
        All are released, watched, remembered and brought back together; objects that left are
        removed, but for claims of volumes, namespaces and definitions of custom resources.
      - With V(resolve_image=always) images are pinned to digests; otherwise they stay as they are
        written.
    type: list
    elements: path
  helm_values:
    description:
      - Values for Helm charts in O(manifests). They are stronger than those in
        O(helm_values_files).
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
      - What to do with hooks of Helm in O(manifests), which are not run. V(fail) names them,
        V(skip) passes them over. Hooks for tests are always passed over.
    type: str
    choices: [fail, skip]
    default: fail
  manifests_labels:
    description:
      - Whether the pods of O(manifests) get a label with the hash of what they are. With V(none)
        the controllers' own hashes tell them apart.
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
        O(values) is stronger.
    type: bool
    default: false
  secret_values:
    description:
      - Values that must not be seen. They may stand below C(secrets) only, as C(content) or named
        by C(environment).
    type: dict
    default: {}
  allow_secret_environment:
    description:
      - Lets O(secret_values) stand anywhere. They are then readable by everybody who can inspect
        the service or its release.
    type: bool
    default: false
  env_file:
    description:
      - Paths of files with C(KEY=value) lines on the control node that give values as C(docker
        compose --env-file) does.
      - O(values) is stronger.
      - List a file C(.env) beside the Compose file here, too. C(docker compose) reads it by itself,
        C(docker stack deploy) does not.
    type: list
    elements: path
    default: []
  images:
    description:
      - The image of services by name, as CI built it. Takes the place of what the Compose file
        says, also where that only has C(build).
    type: dict
    default: {}
  resolve_image:
    description:
      - V(auto) asks the registry once for the digest of each image and pins it. Where the registry
        has not got the image or does not answer within 20 s, an image of the connected engine is
        taken with a warning, if no other node may run the service. On Kubernetes that fails.
      - V(always) fails where the registry has no digest.
      - V(never) sends references as they are written.
    type: str
    choices: [auto, always, never]
    default: auto
  adopt:
    description:
      - "Swarm: takes over the services, networks, secrets and configs of a stack of this name that
        C(docker stack deploy) made. What does not change is not restarted. The content of a stack's
        secrets cannot be read, so services with secrets change once."
      - "Kubernetes: takes over Deployments, DaemonSets and other objects of these names that
        C(kubectl) or Helm made. What does not change is not restarted, selectors stay, and what the
        spec declares is no longer theirs."
    type: bool
    default: false
  recreate:
    description:
      - Names of services and networks that may be removed and created again where they cannot
        change in place, which interrupts them.
      - "Swarm: also allows that a service is removed first where two services swap published
        ports. Volumes are never removed."
      - An object of manifests is named by kind and name, such as V(StatefulSet/db). Without this
        option, a change of what cannot change in place is an error that names the field.
      - A Job of manifests needs no such permission. It runs once for each content of its C(spec),
        and a changed one is removed and created again. If a Job has run and was removed, it runs
        again only if it is named here.
    type: list
    elements: str
    default: []
  immutable_versions:
    description:
      - Whether it is an error to release a version again with other content.
    type: bool
    default: false
seealso:
  - module: shipping.code.rollback
  - module: shipping.code.release_info
  - name: The spec of an app
    description: Which keys of a Compose file are honoured, and how.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_spec.rst
"""

EXAMPLES = r"""
- name: Ship version 1.4.2 of the shop
  shipping.code.release:
    app: shop
    version: 1.4.2
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.4.2

- name: Ship what CI has just built, with a secret from Ansible Vault, and say who did it
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

- name: See what a release would change, without changing it
  shipping.code.release:
    app: shop
    version: 1.5.0
    compose: shop/compose.yml
    values:
      REGISTRY: registry.example.com
      VERSION: 1.5.0
  check_mode: true
  diff: true

- name: Tell the chat why a release was refused
  block:
    - name: Ship version 1.5.0 of the shop
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
          ansible_failed_result.failures[0].text }}"

- name: A small app, described inline, on an engine reached by mutual TLS
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

- name: Ship the same file to Kubernetes
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

- name: Ship a Helm chart and a few manifests, with the account that CI has in the namespace
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

- name: Remove the app; its volumes stay
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
  description: The version that was asked for.
  returned: O(state=present)
  type: str
  sample: 1.5.0
verdict:
  description:
    - What the rollout came to.
    - V(live) means that exactly what was sent runs and is healthy.
    - V(rolled_back) means that it failed, and the former release runs and is healthy.
    - V(failed) means that it failed, and there was no former release, or it could not be brought
      back.
  returned: when there was something to do
  type: str
  sample: rolled_back
reason:
  description: Why it failed, and what runs now.
  returned: when it failed
  type: str
  sample: "1.4.2 (release 7) serves: rolled back and healthy. task web.1 on node-b: ended with exit
    code 1; the engine paused the update. Its last
    lines: DATABASE_URL is missing: cannot start. Read its last lines, correct the application or
      its settings, then release again"
failures:
  description: Each service that failed.
  returned: when it failed after it had begun
  type: list
  elements: dict
  contains:
    service:
      description: The name of the service in the Compose file.
      type: str
      sample: web
    kind:
      description: The kind of failure, for conditions in C(rescue). The guide on troubleshooting
        lists all of them.
      type: str
      sample: crash
    text:
      description: The cause in words.
      type: str
      sample: exited with code 1; the engine paused the update
    remedy:
      description: What to do.
      type: str
      sample: Read its last lines, correct the application or its settings, then release again
    task:
      description: The service and the number of the task.
      type: str
      sample: web.1
    node:
      description: The node that the task was on.
      type: str
      sample: node-b
    exit_code:
      description: The exit code of its container, where it ran.
      type: int
      sample: 1
    health:
      description: What the last failed health check said.
      type: str
      sample: ""
    logs:
      description: The last lines that the task wrote.
      type: list
      elements: str
      sample: ["DATABASE_URL is missing: cannot start"]
plan:
  description: What is to be done, or would be in check mode.
  returned: O(state=present)
  type: dict
  contains:
    services:
      description: Each service of the spec, and those that leave.
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
          description: Whether its tasks are replaced.
          type: bool
          sample: true
        interruption:
          description: V(without interruption), V(new), or V(interrupted) with the reason.
          type: str
          sample: without interruption
        changes:
          description: What changes, as C(path), C(before) and C(after).
          type: list
          elements: dict
          sample:
            - path: environment.LOG_LEVEL
              before: info
              after: debug
    create:
      description: Names of networks, secrets and configs that are made, by kind.
      type: dict
      sample: {"secrets": ["shop_database_1f0c8a44b9d2"]}
    remove:
      description: Names of networks that go, by kind.
      type: dict
      sample: {}
release:
  description: The release that runs now, or was tried.
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
    verdict:
      description: What it came to, V(pending) while it is under way.
      type: str
      sample: rolled_back
    reason:
      description: Why.
      type: str
      sample: ""
    by:
      description: Who released it.
      type: str
      sample: alice@ci-7
    commit:
      description: The commit it was made from.
      type: str
      sample: 9f2b1c7
    started:
      description: When it was begun, in UTC.
      type: str
      sample: "2026-11-23T09:10:18Z"
    ended:
      description: When its verdict was given, in UTC.
      type: str
      sample: "2026-11-23T09:10:23Z"
    rollback_of:
      description: The number of the release that it brought back, if it is a rollback.
      type: int
      sample: 5
    services:
      description: The image of each service, as it is pinned and as it was written.
      type: dict
      sample:
        web:
          image:
            registry.example.com/shop-web:1.5.0@sha256:a260690efe838bc6ca29200df1308a03e225f9cbfc6fe7d93724404461491322
          reference: registry.example.com/shop-web:1.5.0
seconds:
  description: How long the rollout took.
  returned: when there was something to do
  type: float
  sample: 12.3
removed:
  description: Names of everything that was removed, by kind.
  returned: O(state=absent)
  type: dict
  sample: {"services": ["shop_web"], "networks": ["shop_default"], "secrets": [], "configs":
    ["shipping.code.shop.release.1"]}
volumes_kept:
  description: Names of the app's volumes, which stay.
  returned: O(state=absent)
  type: list
  elements: str
  sample: ["shop_data"]
notes:
  description: What in the spec was passed over, since it only concerns local development.
  returned: O(state=present)
  type: list
  elements: str
  sample: ["passed over, for local work only: services.web.build"]
problems:
  description: What in the spec or on the platform stands in the way, each with C(path) and C(text).
  returned: when nothing was touched because of them
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
