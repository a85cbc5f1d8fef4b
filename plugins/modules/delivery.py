#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: delivery
short_description: Check removals across all hosts and report the delivery
version_added: 0.1.0
description:
  - The part of the role P(shipping.code.delivery#role) that reads the results of all hosts at once.
    It runs on the controller only.
  - Compares the memberships that users must have with those of the last delivery to the whole
    fleet. If that is not known, it compares them with the installed state of the hosts.
  - If the removals exceed the removal limit, nothing is removed on any host.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.reading
options:
  step:
    description:
      - V(select) returns the hosts to deliver to. With O(only), these are the hosts that have the
        users or projects, or had them at their last delivery. Without it, these are all hosts with
        users. In a delivery to some hosts, it also returns the removals that are approved before
        the first call, by what the hosts were delivered last.
      - V(check) returns the hosts on which the blocked removals are approved. If there are none,
        it continues with V(report).
      - V(report) writes what was delivered below O(state_path), prints the table, and fails if
        removals are blocked.
    type: str
    choices: [select, check, report]
    required: true
  hosts:
    description: All hosts of the play, also those that failed or are unreachable. The module reads
      their variables that O(users), O(results) and O(final_results) name.
    type: list
    elements: str
    required: true
  users:
    description: The name of the host variable with the users, as the inventory has them. Hosts
      without it are skipped.
    type: str
    default: shipping_users
  only:
    description: The users and projects to deliver to, for O(step=select).
    type: dict
    default: {}
    suboptions:
      users:
        description: Login names.
        type: list
        elements: str
        default: []
      projects:
        description: Names of projects.
        type: list
        elements: str
        default: []
  settings:
    description: Other role variables. O(step=select) validates them once, before the first
      connection to a host.
    type: dict
    suboptions:
      catalog:
        description: The folder with a file for each project.
        type: path
      options:
        description: More options of M(shipping.code.toolbox).
        type: dict
      connect_timeout:
        description: The number of seconds after which a host counts as unreachable.
        type: int
      pipelining:
        description: Whether Ansible sends a module through the connection that starts it.
        type: bool
  selection:
    description: The result of O(step=select). Required for the other steps.
    type: dict
  results:
    description: The name of the host variable with the result of M(shipping.code.toolbox) with
      C(removals=block).
    type: str
    default: delivery_toolbox_result
  final_results:
    description: The name of the host variable with the result of the second call, for hosts that
      had one.
    type: str
    default: delivery_toolbox_final_result
  revision:
    description: The revision of the membership. Required except for O(step=select).
    type: str
  complete:
    description:
      - Whether O(hosts) are the whole fleet, for O(step=select).
      - With V(false), the other hosts count as they were last delivered.
    type: bool
    default: true
  state_path:
    description: A folder on the controller that stores what was delivered. Without it, only the
      installed state of the hosts is known.
    type: path
  metrics_path:
    description:
      - A file on the controller for the metrics of the last delivery to the whole fleet, in the
        text format of Prometheus. Its folder must exist.
      - "The metrics are: the times of the last run and of the last success in seconds since 1970;
        the number of hosts that are C(ready), C(waiting), C(failed), C(blocked) and C(incomplete);
        for how many seconds a host has been unreachable, at most; whether removals are blocked."
      - A delivery to some hosts only, or in check mode, does not change the file. The module
        replaces it by one rename. All users may read it.
      - The time since when a host is unreachable is only known with O(state_path).
    type: path
  max_shrink:
    description:
      - The percentage of all memberships on hosts that one delivery may remove. Up to ten may be
        removed in any case.
      - Memberships that were removed since the last delivery to the whole fleet count, too.
      - The same share of all users' tools, and of each project's, may be removed because the
        catalog drops them. With O(state_path), the tools of the whole fleet are counted.
    type: float
    default: 20
  may_empty:
    description: Projects of three or more members that may lose all of them, or all users of a
      tool.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Select the hosts of a project
  shipping.code.delivery:
    step: select
    hosts: "{{ ansible_play_hosts_all }}"
    only: {projects: [atlas]}
    state_path: /var/lib/shipping
  run_once: true
  register: selection

- name: Check the removals
  shipping.code.delivery:
    step: check
    revision: "{{ shipping_membership_revision }}"
    hosts: "{{ ansible_play_hosts_all }}"
    selection: "{{ selection }}"
    results: toolbox_result
    state_path: /var/lib/shipping
  run_once: true
  register: removals
"""

RETURN = r"""
selected:
  description: The hosts to deliver to.
  returned: O(step=select)
  type: list
  elements: str
  sample: [pc1.example.com]
complete:
  description: Whether these are the whole fleet.
  returned: O(step=select)
  type: bool
  sample: false
approved_removals:
  description: The removals that are approved before the first call, by host. With O(step=check),
    those that are approved although RV(removals) is V(block).
  returned: O(step=select), and O(step=check) where RV(approved_hosts) is not empty
  type: dict
  sample:
    pc1.example.com:
      - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
        project: atlas
approved_hosts:
  description: The hosts on which blocked removals are approved. If it is empty, no second call is
    needed.
  returned: O(step=check) and O(step=report)
  type: list
  elements: str
  sample: [pc1.example.com]
removals:
  description: The value of C(removals) for the second call of M(shipping.code.toolbox). It is
    V(block) if only RV(approved_removals) are approved, and those that the catalog causes are not.
  returned: O(step=check) where RV(approved_hosts) is not empty
  type: str
  sample: apply
hosts:
  description: The outcome on each host, with its users' tools.
  returned: O(step=report), and O(step=check) where RV(approved_hosts) is empty
  type: list
  elements: dict
  sample:
    - host: pc1.example.com
      state: ready
      reason: ""
      since: ""
      changed: true
      users: []
failed_hosts:
  description: Hosts that failed, with the reason.
  returned: as RV(hosts)
  type: dict
  sample: {}
catalog_errors:
  description: Errors of the catalog that concern any of the hosts, without duplicates.
  returned: as RV(hosts)
  type: list
  elements: str
  sample: ["projects/atlas.yml:3:5: unknown key descripton; did you mean description?"]
catalog_error_message:
  description: The message with these errors; empty if there are none, and before the last batch
    of a play with C(serial).
  returned: as RV(hosts)
  type: str
  sample: ""
waiting:
  description: Unreachable hosts. The next delivery updates them.
  returned: as RV(hosts)
  type: list
  elements: str
  sample: [pc3.example.com]
lost:
  description: The memberships whose removal is blocked, as C(host), C(user) and C(project), without
    those that were removed before.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - host: pc1.example.com
      user: ada
      project: atlas
dropped:
  description: The tools whose removal is blocked because the catalog drops them, with their users.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - host: pc1.example.com
      user: ada
      project: atlas
      tool: atlas-tiles
reasons:
  description: Why removals are blocked.
  returned: when it failed
  type: list
  elements: str
  sample: ["atlas would lose all of its 12 members (delivery_may_empty: [atlas])"]
"""
