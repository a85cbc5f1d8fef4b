# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: membership_info
short_description: Tells who works where and why, and what is wrong on the way to the directory
version_added: 0.1.0
description:
  - Gives the same answer as the inventory P(shipping.code.ldap_projects#inventory), with its
    reasons. Who is a member of which project and through which groups, who has which host, and
    why somebody does not get the tools of a project.
  - Compares it with a former answer, or with what has been delivered, and tells who gets and who
    loses what.
  - With O(check_connection) it goes the way into the directory step by step, and tells what worked,
    what did not, and what to do about it.
  - It fails rather than give a shorter answer, as the inventory does.
  - "It runs on the controller, whatever the host. Write C(hosts: localhost) or C(run_once:
    true)."
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
      - The file of the inventory P(shipping.code.ldap_projects#inventory) whose options describe
        the directory.
      - What is written in the task goes before it.
      - A relative path begins at the folder of the playbook.
    type: str
  user:
    description:
      - The login names of those to tell about, as they are on hosts or in the directory.
      - Somebody who is asked for is told about in any case, also who is not in the directory.
    type: list
    elements: str
    default: []
  project:
    description: The projects to tell about.
    type: list
    elements: str
    default: []
  host:
    description: The hosts to tell about, with or without the domain.
    type: list
    elements: str
    default: []
  former:
    description: A former result of this module, to compare with; it must have been asked about the
      same.
    type: dict
  state_path:
    description:
      - The folder of the state, to compare with what has been delivered to each host.
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

- name: Tell who would get and lose what, if all hosts were delivered to now
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
    hosts:
      base: ou=devices,dc=example,dc=com
      domain: example.com
"""

RETURN = r"""
asked:
  description: Whom, which projects and which hosts it was asked about.
  returned: when it answers
  type: dict
  sample: {"user": ["cy"], "project": [], "host": []}
revision:
  description: How old the answer is, as C(kind:source:value).
  returned: when it answers
  type: str
  sample: csn:dc=example,dc=com:20261124163745.734105Z#000000#000#000000
hosts:
  description: The hosts that were asked about, each with all its users.
  returned: when it answers
  type: list
  elements: dict
  contains:
    host:
      description: The name of the host, which is that of its host in the inventory.
      type: str
      sample: pc2.example.com
    projects:
      description: The projects of all its users.
      type: list
      elements: str
      sample: [alpha, beta]
    users:
      description: Its users, as C(shipping_users) of the host has them.
      type: list
      elements: dict
      sample:
        - id: 1f27ad5a-7c71-1041-95ec-114053e92107
          name: cy
          projects: [beta]
          hints: {"uid": 1003, "home": "/home/cy"}
projects:
  description: The projects that were asked about, or that those who were asked about are in.
  returned: when it answers
  type: list
  elements: dict
  contains:
    name:
      description: The name of the project.
      type: str
      sample: beta
    group:
      description: Its group in the inventory.
      type: str
      sample: project_beta
    dn:
      description: Its group in the directory.
      type: str
      sample: cn=beta,ou=projects,dc=example,dc=com
    members:
      description: The login names of its members whose accounts are open, with or without hosts.
      type: list
      elements: str
      sample: [bob, cy, eve]
users:
  description: Those who were asked about, or who have something of what was asked about.
  returned: when it answers
  type: list
  elements: dict
  contains:
    name:
      description: The login name on hosts.
      type: str
      sample: cy
    id:
      description: What identifies somebody for ever; empty for who is not among the users.
      type: str
      sample: 1f27ad5a-7c71-1041-95ec-114053e92107
    dn:
      description: The entry in the directory; empty where there is none.
      type: str
      sample: cn=Cy,ou=people,dc=example,dc=com
    hosts:
      description: The hosts, also of somebody whose account is disabled, who is on none in the
        inventory.
      type: list
      elements: str
      sample: [pc2.example.com]
    projects:
      description: The projects, and the groups that lead from each of them to the one that names
        the user; a shortest way where there are several.
      type: list
      elements: dict
      sample:
        - name: beta
          through: ["cn=beta,ou=projects,dc=example,dc=com", "cn=team,ou=teams,dc=example,dc=com"]
    gets_tools:
      description: Whether the user gets the tools of what was asked about, on a host that was
        asked about.
      type: bool
      sample: true
    cause:
      description:
        - The first reason that was found, V(member) where the user gets the tools.
        - V(unknown), V(not_counted) for an entry that is not among the users, V(disabled) also for
          an account that has expired, V(no_login),
          V(no_project) for a project that does not exist, V(not_a_member), V(no_host),
          V(no_such_host), V(not_on_host), V(uncertain) where entries contradict each
          other, so that nothing is delivered to the hosts.
      type: str
      sample: member
    why:
      description: The same in words, with the entries that decide.
      type: str
      sample: beta through cn=beta,ou=projects,dc=example,dc=com >
        cn=team,ou=teams,dc=example,dc=com; on pc2.example.com
remarks:
  description: What is odd and no error, as the inventory warns of it.
  returned: when it answers
  type: list
  elements: str
  sample: ["the project 'R & D' is the group project_R___D"]
changes:
  description:
    - What is different from O(former), or from what has been delivered as O(state_path) has it.
    - Somebody is the same as long as the C(id) is, whatever the login name.
  returned: with O(former) or O(state_path)
  type: dict
  contains:
    added:
      description: Who gets the tools of which project on which host.
      type: list
      elements: dict
      sample: [{"user": "ada", "host": "pc1.example.com", "project": "beta"}]
    removed:
      description: Who loses them.
      type: list
      elements: dict
      sample: []
steps:
  description: The steps of the way into the directory, of each server up to the first one that
    fails.
  returned: with O(check_connection)
  type: list
  elements: dict
  contains:
    step:
      description:
        - V(discovery) of the servers by DNS, V(name), V(tcp) or V(socket), V(tls), V(bind).
        - Then, at the first server that lets in, V(projects), V(users), V(hosts), and
          V(membership) for the whole answer.
      type: str
      sample: tls
    server:
      description: The server.
      type: str
      sample: ldaps://ldap1.example.com
    ok:
      description: Whether it worked.
      type: bool
      sample: true
    text:
      description: What was tried and what came of it.
      type: str
      sample: TLSv1.3 with TLS_AES_256_GCM_SHA384, with the certificate of CN=ldap1.example.com by
        CN=test authority, until 2026-12-24T16:37:45Z
    remedy:
      description: What to do where it did not work, else empty.
      type: str
      sample: ""
    facts:
      description: What was found, by names that depend on the step; with V(tls) the certificate,
        also one that is not to be trusted.
      type: dict
      sample:
        cipher: TLS_AES_256_GCM_SHA384
        days_left: 29
        issuer: CN=test authority
        names: [ldap1.example.com]
        not_after: "2026-12-24T16:37:45Z"
        not_before: "2026-11-24T16:37:45Z"
        subject: CN=ldap1.example.com
        version: TLSv1.3
"""
