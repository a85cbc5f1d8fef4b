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
  - The part of the role P(shipping.code.delivery#role) that sees all machines at once. It runs on
    the control machine alone.
  - It holds what everybody is to have against what everybody had at the last delivery to the whole
    fleet, or, where that is not known, against the machines' own receipts.
  - Where more would go than is likely to be meant, nothing is removed anywhere.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.reading
options:
  step:
    description:
      - V(select) says which machines the play is about. These are those that have the users or
        projects of O(only), or had them when they were delivered to last; without O(only), all that
        have users. Where that is not the whole fleet, it also says what they may remove without
        being asked first, by what they were given last.
      - V(decide) says which machines may remove what they hold. Where none may, it goes on to
        V(tell), since nothing more is to be done.
      - V(tell) writes what was delivered below O(state_path), prints the table, and fails where the
        brake has stopped removals.
    type: str
    choices: [select, decide, tell]
    required: true
  machines:
    description: All hosts of the play, whatever has become of them. Their variables are read that
      O(users), O(answers) and O(final_answers) name.
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
    description: Further values of the role, which O(step=select) checks before any machine is
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
        description: Seconds after which a machine that does not answer counts as off.
        type: int
      pipelining:
        description: Whether a module is sent through the connection that starts it.
        type: bool
  selection:
    description: What O(step=select) returned. Needed but for that.
    type: dict
  answers:
    description: The variable of a host with what M(shipping.code.toolbox) returned with
      C(removals=hold).
    type: str
    default: delivery_answer
  final_answers:
    description: The variable of a host with what it returned, where it was asked a second time.
    type: str
    default: delivery_final_answer
  revision:
    description: The revision of the membership. Needed but for O(step=select).
    type: str
  complete:
    description:
      - Whether O(machines) are the whole fleet, for O(step=select).
      - With V(false), the others count as they were last delivered.
    type: bool
    default: true
  state_path:
    description: A folder on the control machine that remembers what was delivered. Without it, only
      the machines' receipts are known.
    type: path
  metrics_path:
    description:
      - A file on the control machine that says, in the text format of Prometheus, what the last
        delivery to the whole fleet came to. Its folder must be there.
      - "It has the times of the last run and of the last success in seconds since 1970, how many
        machines are C(ready), C(waiting), C(failed), C(held) and C(incomplete), for how many
        seconds the one that has waited longest could not be reached, and whether the brake has held
        removals."
      - A delivery to some machines only, or in check mode, leaves it as it is. It is replaced by
        one rename, and everybody may read it.
      - Since when a machine is waiting is known with O(state_path) only.
    type: path
  max_shrink:
    description:
      - Which per cent of all memberships on machines may go at once. Up to ten may in any case.
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
- name: Choose the machines that have something of a project
  shipping.code.delivery:
    step: select
    machines: "{{ ansible_play_hosts_all }}"
    only: {projects: [atlas]}
    state_path: /var/lib/shipping
  run_once: true
  register: selection

- name: Decide what may be removed
  shipping.code.delivery:
    step: decide
    revision: "{{ shipping_membership_revision }}"
    machines: "{{ ansible_play_hosts_all }}"
    selection: "{{ selection }}"
    answers: answer
    state_path: /var/lib/shipping
  run_once: true
  register: decision
"""

RETURN = r"""
selected:
  description: The machines that the play is about.
  returned: O(step=select)
  type: list
  elements: str
  sample: [pc1.example.com]
complete:
  description: Whether these are the whole fleet.
  returned: O(step=select)
  type: bool
  sample: false
may_remove:
  description: Who may lose which project without being asked for first, by machine. With
    O(step=decide), who may lose which project where RV(removals) is V(hold).
  returned: O(step=select), and O(step=decide) where RV(apply) is not empty
  type: dict
  sample:
    pc1.example.com:
      - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
        project: atlas
apply:
  description: The machines that may remove what they hold; empty where nothing more is to be done.
  returned: O(step=decide) and O(step=tell)
  type: list
  elements: str
  sample: [pc1.example.com]
removals:
  description: How these machines are to call M(shipping.code.toolbox). V(hold) if only the removals
    of RV(may_remove) may be done, since those that the catalog causes are blocked.
  returned: O(step=decide) where RV(apply) is not empty
  type: str
  sample: apply
machines:
  description: What came of each machine, with its users' tools.
  returned: O(step=tell), and O(step=decide) where RV(apply) is empty
  type: list
  elements: dict
  sample:
    - machine: pc1.example.com
      state: ready
      why: ""
      since: ""
      changed: true
      users: []
failed_machines:
  description: Machines that are not ready, and why.
  returned: as RV(machines)
  type: dict
  sample: {}
catalog_faults:
  description: Errors of the catalog that concern any of the machines, each once.
  returned: as RV(machines)
  type: list
  elements: str
  sample: ["projects/atlas.yml:3:5: unknown key descripton; did you mean description?"]
catalog_failure:
  description: The message with these errors; empty without any, and before the last part of a play
    with C(serial).
  returned: as RV(machines)
  type: str
  sample: ""
waiting:
  description: Machines that could not be reached; the next delivery brings them what they lack.
  returned: as RV(machines)
  type: list
  elements: str
  sample: [pc3.example.com]
lost:
  description: Who would lose what, where the brake has stopped it, as C(machine), C(user) and
    C(project). What has gone before is not in it.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - machine: pc1.example.com
      user: ada
      project: atlas
dropped:
  description: Who would lose which tool because the catalog drops it, where that is blocked.
  returned: when it failed
  type: list
  elements: dict
  sample:
    - machine: pc1.example.com
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
