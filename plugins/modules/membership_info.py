# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: membership_info
short_description: Tells who works where and why, and what is wrong on the way to the directory
version_added: 0.1.0
description:
  - Gives the same answer as the inventory P(shipping.code.ldap_projects#inventory), with its reasons.
    Who is a member of which project and through which groups, who has which machine, and why somebody does not get the tools of a project.
  - Compares it with a former answer, or with what has been delivered, and tells who gets and who loses what.
  - With O(check_connection) it goes the way into the directory step by step, and tells what worked, what did not, and what to do about it.
  - It fails rather than give a shorter answer, as the inventory does.
  - "It runs on the control machine, whatever the host. Write C(hosts: localhost) or C(run_once: true)."
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.directory
  - shipping.code.directory.login
attributes:
  check_mode:
    support: full
    details: Changes nothing.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
options:
  source_file:
    description:
      - The file of the inventory P(shipping.code.ldap_projects#inventory) whose options describe the directory.
      - What is written in the task goes before it.
      - A relative path begins at the folder of the playbook.
    type: str
  user:
    description:
      - The login names of those to tell about, as they are on machines or in the directory.
      - Somebody who is asked for is told about in any case, also who is not in the directory.
    type: list
    elements: str
    default: []
  project:
    description: The projects to tell about.
    type: list
    elements: str
    default: []
  machine:
    description: The machines to tell about, with or without the domain.
    type: list
    elements: str
    default: []
  former:
    description: A former result of this module, to compare with; it must have been asked about the same.
    type: dict
  state_path:
    description:
      - The folder of the state, to compare with what has been delivered to each machine.
      - A relative path begins at the folder of the playbook.
    type: str
  check_connection:
    description:
      - Whether to go the way into the directory step by step, rather than to answer.
      - The task fails where a step does, and RV(steps) has all of them in any case.
    type: bool
    default: false
seealso:
  - plugin: shipping.code.ldap_projects
    plugin_type: inventory
  - name: The guide on membership
    description: Who is a member, and what to do about each message.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_membership.rst
"""

EXAMPLES = r"""
- name: Look whether the way into the directory is free
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    check_connection: true

- name: Ask why Fay does not get the tools of alpha
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    user: fay
    project: alpha
  register: fay

- name: Show it
  ansible.builtin.debug:
    msg: "{{ fay.users[0].why }}"

- name: Tell who would get and lose what, if all machines were delivered to now
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    state_path: /var/lib/shipping/membership

- name: Compare with last week
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    former: "{{ lookup('ansible.builtin.file', 'membership-last-week.json') | from_json }}"

- name: Ask a directory without an inventory
  shipping.code.membership_info:
    uris: [ldaps://ldap1.example.com]
    bind_dn: cn=reader,dc=example,dc=com
    bind_password_file: /etc/shipping/ldap-password
    base: dc=example,dc=com
    layout: groupofnames
    machines:
      base: ou=devices,dc=example,dc=com
      domain: example.com
"""

RETURN = r"""
serial:
  description: How old the answer is, as C(kind:source:value).
  returned: when it answers
  type: str
  sample: csn:dc=example,dc=com:20261124161822.718391Z#000000#000#000000
"""
