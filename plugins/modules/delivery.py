#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: delivery
short_description: Decides over removals from a whole fleet, and tells what was delivered
version_added: 0.1.0
description:
  - The part of the role P(shipping.code.delivery#role) that sees all hosts at once. It runs on
    the control node alone.
  - It holds what everybody is to have against what everybody had at the last delivery to the whole
    fleet, or, where that is not known, against the hosts' own receipts.
  - Where more would go than is likely to be meant, nothing is removed anywhere.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.reading
options:
  step:
    description:
      - V(select) says which hosts the play is about. These are those that have the users or
        projects of O(only), or had them when they were delivered to last; without O(only), all that
        have users. Where that is not the whole fleet, it also says what they may remove without
        being asked first, by what they were given last.
      - V(check) says which hosts may remove what they hold. Where none may, it goes on to
        V(report), since nothing more is to be done.
      - V(report) writes what was delivered below O(state_path), prints the table, and fails if
        removals are blocked.
    type: str
    choices: [select, check, report]
    required: true
  hosts:
    description: All hosts of the play, whatever has become of them. Their variables are read that
      O(users), O(results) and O(final_results) name.
    type: list
    elements: str
    required: true
  users:
    description: The variable of a host with its users, as the inventory has them. A host without it
      is not delivered to.
    type: str
    default: shipping_users
  only:
    description: Whom the play is about, for O(step=select).
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
    description: Further values of the role, which O(step=select) checks before any host is
      asked, once for all of them.
    type: dict
    suboptions:
      catalog:
        description: The folder with a file for each project.
        type: path
      options:
        description: Further options of M(shipping.code.toolbox).
        type: dict
      connect_timeout:
        description: Seconds after which a host that does not answer counts as off.
        type: int
      pipelining:
        description: Whether a module is sent through the connection that starts it.
        type: bool
  selection:
    description: What O(step=select) returned. Needed but for that.
    type: dict
  results:
    description: The variable of a host with what M(shipping.code.toolbox) returned with
      C(removals=block).
    type: str
    default: delivery_toolbox_result
  final_results:
    description: The variable of a host with what it returned, where it was asked a second time.
    type: str
    default: delivery_toolbox_final_result
  revision:
    description: The revision of the membership. Needed but for O(step=select).
    type: str
  complete:
    description:
      - Whether O(hosts) are the whole fleet, for O(step=select).
      - With V(false), the others count as they were last delivered.
    type: bool
    default: true
  state_path:
    description: A folder on the control node that remembers what was delivered. Without it, only
      the hosts' receipts are known.
    type: path
  metrics_path:
    description:
      - A file on the control node that says, in the text format of Prometheus, what the last
        delivery to the whole fleet came to. Its folder must be there.
      - "It has the times of the last run and of the last success in seconds since 1970, how many
        hosts are C(ready), C(waiting), C(failed), C(blocked) and C(incomplete), for how many
        seconds the one that has waited longest could not be reached, and whether the brake has held
        removals."
      - A delivery to some hosts only, or in check mode, leaves it as it is. It is replaced by
        one rename, and everybody may read it.
      - Since when a host is waiting is known with O(state_path) only.
    type: path
  max_shrink:
    description:
      - Which per cent of all memberships on hosts may go at once. Up to ten may in any case.
      - What has gone since the last delivery to the whole fleet counts as well.
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
- name: Choose the hosts that have something of a project
  shipping.code.delivery:
    step: select
    hosts: "{{ ansible_play_hosts_all }}"
    only: {projects: [atlas]}
    state_path: /var/lib/shipping
  run_once: true
  register: selection

- name: Decide what may be removed
  shipping.code.delivery:
    step: check
    revision: "{{ shipping_membership_revision }}"
    hosts: "{{ ansible_play_hosts_all }}"
    selection: "{{ selection }}"
    results: toolbox_result
    state_path: /var/lib/shipping
  run_once: true
  register: decision
"""

RETURN = r"""
selected:
  description: The hosts that the play is about.
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
  description: Who may lose which project without being asked for first, by host. With
    O(step=check), who may lose which project where RV(removals) is V(block).
  returned: O(step=select), and O(step=check) where RV(approved_hosts) is not empty
  type: dict
  sample:
    pc1.example.com:
      - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
        project: atlas
approved_hosts:
  description: The hosts that may remove what they hold; empty where nothing more is to be done.
  returned: O(step=check) and O(step=report)
  type: list
  elements: str
  sample: [pc1.example.com]
removals:
  description: How these hosts are to call M(shipping.code.toolbox). V(block) if only the removals
    of RV(approved_removals) may be done, since those that the catalog causes are blocked.
  returned: O(step=check) where RV(approved_hosts) is not empty
  type: str
  sample: apply
hosts:
  description: What came of each host, with its users' tools.
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
  description: Hosts that are not ready, and why.
  returned: as RV(hosts)
  type: dict
  sample: {}
catalog_errors:
  description: Errors of the catalog that concern any of the hosts, each once.
  returned: as RV(hosts)
  type: list
  elements: str
  sample: ["projects/atlas.yml:3:5: unknown key descripton; did you mean description?"]
catalog_error_message:
  description: The message with these errors; empty without any, and before the last part of a play
    with C(serial).
  returned: as RV(hosts)
  type: str
  sample: ""
waiting:
  description: Hosts that could not be reached; the next delivery brings them what they lack.
  returned: as RV(hosts)
  type: list
  elements: str
  sample: [pc3.example.com]
lost:
  description: Who would lose what, where the brake has stopped it, as C(host), C(user) and
    C(project). What has gone before is not in it.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - host: pc1.example.com
      user: ada
      project: atlas
dropped:
  description: Who would lose which tool because the catalog drops it, where that is blocked.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - host: pc1.example.com
      user: ada
      project: atlas
      tool: atlas-tiles
reasons:
  description: Why the brake has stopped it.
  returned: when it failed
  type: list
  elements: str
  sample: ["atlas would lose all of its 12 members (delivery_may_empty: [atlas])"]
"""
