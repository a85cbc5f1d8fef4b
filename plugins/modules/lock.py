#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lock
short_description: Lock the tools of a catalog
version_added: 0.1.0
description:
  - Pins the content of the tools that project files declare, so that P(shipping.code.delivery#role)
    can deliver them.
  - For tools of the type C(python), resolves C(requirements) to a lock with hashes, and fetches the
    wheels for all systems and versions of Python that the tool is for.
  - For tools of the types C(binary) and C(archive), writes the C(sha256) of their URL or file.
  - For tools of the type C(git), writes the C(commit) of their C(tag) or C(branch).
  - It runs on the controller alone and connects to no host.
  - In check mode it changes nothing and fails if a tool is not locked. Each message has the file,
    the line and the column.
  - A tool that cannot be locked stays as it was. The others are locked, and the task fails at its
    end.
  - Comments and the layout of project files stay as they are. A project's file that only points to
    a repository of its own is left out; lock it there.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
requirements:
  - uv on the controller, for tools of the type C(python)
  - git on the controller, for tools of the type C(git)
options:
  catalog:
    description: The folder with a file for each project. A relative path starts at the playbook or
      role, or at its C(files).
    type: path
    required: true
  state:
    description:
      - V(locked) locks the tools.
      - V(outdated) changes nothing, prints a table of locked and newest versions, and returns
        RV(versions). For tools of the type C(python) these are the packages that C(requirements)
        names, for tools of the type C(git) its C(tag) or C(branch). The newest version behind a URL
        is not known.
    type: str
    choices: [locked, outdated]
    default: locked
  projects:
    description: Names of projects. All of the catalog by default.
    type: list
    elements: str
    default: []
  tools:
    description: Names of tools, as V(TOOL) or V(PROJECT/TOOL). All by default.
    type: list
    elements: str
    default: []
  platforms:
    description: The systems for which wheels are fetched if a tool has no C(platforms), each as
      V(OS/ARCH).
    type: list
    elements: str
    default: [linux/x86_64, linux/aarch64]
  upgrade:
    description:
      - Whether to update what is locked already.
      - The lock then gets the newest versions that C(requirements) permits, a branch its newest
        commit, and a URL or file whose content has changed its new checksum.
      - With V(false), a lock is made again only if C(requirements) or C(python_versions) have
        changed. Content that differs from its checksum is an error.
    type: bool
    default: false
  index_url:
    description:
      - The simple API of the package index. A tool's own C(index_url) has precedence.
      - It may have a user and a password, which only this server gets.
    type: str
    default: https://pypi.org/simple
  index_username:
    description: The user of O(index_url).
    type: str
  index_password:
    description: The password of O(index_url).
    type: str
  uv_path:
    description: The path of C(uv). By default it is found on the PATH.
    type: path
"""

EXAMPLES = r"""
- name: Lock all tools of a catalog
  shipping.code.lock:
    catalog: projects

- name: Fail if the catalog is not locked, in the catalog's CI
  shipping.code.lock:
    catalog: projects
  check_mode: true

- name: Update one tool
  shipping.code.lock:
    catalog: projects
    tools: [atlas/ruff]
    upgrade: true

- name: Show which tools have newer versions
  shipping.code.lock:
    catalog: projects
    state: outdated
"""

RETURN = r"""
tools:
  description: The selected tools that have something to lock. Their C(state) is C(locked),
    C(changed), C(failed), or in check mode C(not locked).
  returned: O(state=locked)
  type: list
  elements: dict
  sample:
    - project: atlas
      tool: ruff
      type: python
      state: changed
files:
  description: Paths of the files that were written or removed; in check mode with C(--diff), of
    those that would be.
  returned: O(state=locked)
  type: list
  elements: str
  sample:
    - /srv/catalog/projects/atlas/ruff.txt
    - /srv/catalog/projects/atlas/wheels/ruff-0.6.9-py3-none-musllinux_1_2_x86_64.whl
findings:
  description: What was not locked, each with its place.
  returned: O(state=locked)
  type: list
  elements: str
  sample: ["/srv/catalog/projects/atlas.yml:7:5: ruff is not locked: atlas/ruff.txt is not there"]
catalog_errors:
  description: What could not be locked or read, each with its place.
  returned: always
  type: list
  elements: str
  sample:
    - "/srv/catalog/projects/atlas.yml:27:5: maps: https://git.example.com/maps.git has no tag v1.4.
      Correct its name."
versions:
  description: Locked and newest versions. The C(state) is C(current), C(outdated) or C(unknown).
  returned: O(state=outdated)
  type: list
  elements: dict
  sample:
    - project: atlas
      tool: ruff
      type: python
      package: ruff
      locked: 0.6.9
      newest: 0.17.6
      state: outdated
outdated:
  description: The tools that have a newer version, as C(PROJECT/TOOL).
  returned: O(state=outdated)
  type: list
  elements: str
  sample: [atlas/ruff]
"""
