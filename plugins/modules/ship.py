#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ship
short_description: Build, test and push the images of a commit
version_added: 0.1.0
description:
  - Reads C(shipping.yml) of a commit, checks that the commit may be deployed, builds its images,
    runs their tests in the built images and pushes the images that passed.
  - Use the role P(shipping.code.ship#role), which deploys the result with
    M(shipping.code.release).
  - An image is pushed under the tag C(key-HASH). The hash is that of all inputs - the files of the
    context that C(.dockerignore) keeps, the Dockerfile, the build arguments, the digests of base
    images, the system and the tests. If the registry has the tag, nothing is built and tested, also
    in another job on another host.
  - "The older never wins: the commit must contain what is live and what is being deployed, whatever
    the order in which jobs run. A commit that failed or was rolled back is not deployed again by
    itself."
  - The classic builder builds, by the API of the engine. A Dockerfile that needs BuildKit is an
    error that names the lines.
  - It runs on the controller alone. In check mode it builds, tests and pushes nothing, and returns
    what a run would build.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
requirements:
  - git on the controller
  - a Docker engine that the controller reaches
  - docker (Python package) >= 7.1 on the controller
options:
  repository:
    description:
      - The path or the URL of the git repository. At a path it is a clone, as CI makes it, or a
        bare repository. A URL is cloned into O(folder).
      - If it has the remote C(origin), the branch is fetched from there, and a shallow clone gets
        its whole history.
      - Required if O(state) is V(read), V(built) or V(previews).
    type: str
  commit:
    description: The commit to deploy, which the branch must contain. Required as O(repository) is.
    type: str
  branch:
    description: The branch that was pushed. An environment in C(shipping.yml) must name it, except
      with O(preview) or O(state=previews). Required as O(repository) is.
    type: str
  folder:
    description:
      - An existing folder on the controller, which gets the files of the commit. Remove it after
        the release, which reads the Compose files from there.
      - With O(state=read) a new temporary folder by default, which RV(folder) returns.
    type: path
  state:
    description:
      - V(built) checks, builds, tests and pushes.
      - V(read) only returns the environment of the branch.
      - V(previews) returns the previews to remove. With O(preview), it also checks whether that
        preview may be deployed.
      - V(cleaned) removes the O(folder) that V(read) made.
    type: str
    choices: [read, built, previews, cleaned]
    default: built
  preview:
    description:
      - The name of a preview, such as V(mr-17). The environment is then that of C(previews) in
        C(shipping.yml), with an app of this name. V(auto) for the name of the branch.
      - The commit of a preview must be the newest one of its branch. It needs no O(retry) and no
        O(allow_older).
    type: str
  apps:
    description: The live apps, RV(shipping.code.apps_info#module:apps). For O(state=previews).
    type: list
    elements: dict
    default: []
  failed:
    description: The previews without a live release,
      RV(shipping.code.apps_info#module:failed_previews). They are removed with their branch, and do
      not count against the limit. For O(state=previews).
    type: list
    elements: dict
    default: []
  history:
    description: The releases of the app, RV(shipping.code.release_info#module:history).
    type: list
    elements: dict
    default: []
  retry:
    description: Whether a commit that failed or was rolled back may be deployed again.
    type: bool
    default: false
  allow_older:
    description: Whether a commit that is older than the live one may be deployed.
    type: bool
    default: false
  by:
    description: The user of the run, for the history. The author of the commit by default.
    type: str
  built:
    description:
      - A former result of this module for the same commit. The commit is compared with O(history)
        again, and nothing is built.
      - Use it before the release, since another run may have released during a build.
    type: dict
  docker_host:
    description:
      - The address of the engine that builds, as the Docker client writes it. The nodes of the
        platform need no engine.
      - By default that of E(DOCKER_HOST), with E(DOCKER_TLS_VERIFY) and E(DOCKER_CERT_PATH), else
        V(unix:///var/run/docker.sock).
    type: str
  tls:
    description: Whether to connect to O(docker_host) with TLS. By default for each address that is
      not a unix socket.
    type: bool
  ca_path:
    description: The path of the certificate authority that must have issued the certificate of the
      engine. By default the authorities of the Python package C(certifi).
    type: path
  client_cert:
    description: The path of the certificate to log in to the engine with.
    type: path
  client_key:
    description: The path of the key of O(client_cert).
    type: path
  registry_auths:
    description: Credentials for registries. By default those of the Docker client's configuration.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: The registry as image references name it.
        type: str
        required: true
      username:
        description: The user name.
        type: str
      password:
        description: The password.
        type: str
      identity_token:
        description: An identity token instead of a user name and a password.
        type: str
  docker_config:
    description: The path of a Docker client's configuration on the controller, with credentials.
    type: path
seealso:
  - module: shipping.code.release
"""

EXAMPLES = r"""
- name: Read the history of the shop
  shipping.code.release_info:
    app: shop
  register: shop

- name: Read the environment of the branch
  shipping.code.ship:
    repository: /srv/git/shop.git
    commit: 9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2
    branch: main
    state: read
  register: project

- name: Build, test and push the images of a commit
  shipping.code.ship:
    repository: /srv/git/shop.git
    commit: 9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2
    branch: main
    folder: "{{ project.folder }}"
    history: "{{ shop.history }}"
  register: ship

- name: Deploy the commit
  shipping.code.release: "{{ ship.release }}"

- name: Remove the files of the commit
  shipping.code.ship:
    folder: "{{ project.folder }}"
    state: cleaned
"""

RETURN = r"""
commit:
  description: The full ID of the commit.
  returned: O(state=read), O(state=built) or O(state=previews)
  type: str
  sample: 9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2
version:
  description: The version of its release.
  returned: O(state=read), O(state=built) or O(state=previews)
  type: str
  sample: 9f2b1c7d3a5e
folder:
  description: The folder of the run.
  returned: O(state=read)
  type: str
  sample: /tmp/shipping-x7k2m9qp
environment:
  description: The environment of the branch.
  returned: O(state=read), O(state=built) or O(state=previews)
  type: dict
  sample: {"name": "production", "branch": "main", "hosts": "production", "app": "shop"}
preview_of:
  description: The app that this one is a preview of; empty without O(preview).
  returned: O(state=read), O(state=built) or O(state=previews)
  type: str
  sample: ""
remove:
  description: The apps of previews whose branch was deleted.
  returned: O(state=previews)
  type: list
  elements: str
  sample: [shop-mr-12]
notes:
  description: The commits since the live one, newest first; at most 100, and only the commit itself
    if nothing is live.
  returned: O(state=built)
  type: list
  elements: str
  sample: ["9f2b1c7 Show prices with taxes"]
images:
  description: The images. Their C(state) is V(built), V(present) if the registry had the image, or
    V(to build) in check mode.
  returned: O(state=built)
  type: list
  elements: dict
  sample:
    - name: web
      image: registry.example.com/shop/web:key-1f0c…@sha256:a2606…
      services: [web]
      tests: ["python3 -m unittest"]
      state: built
release:
  description: The options of M(shipping.code.release) that deploy the commit.
  returned: O(state=built)
  type: dict
  sample: {"app": "shop", "version": "9f2b1c7d3a5e", "after_release": 8}
log:
  description: The last lines of a build or test that failed.
  returned: a build or test failed
  type: list
  elements: str
  sample: ["AssertionError: 404 != 200"]
reason:
  description: Why the commit is not deployed - V(ancestor), V(diverged), V(unrelated), V(missing),
    V(shallow) or V(tried).
  returned: the commit is not deployed
  type: str
  sample: ancestor
"""
