# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: membership_info
short_description: Explain project membership, and check the connection to the directory
version_added: 0.1.0
description:
  - Returns the same answer as the inventory P(shipping.code.ldap_projects#inventory), with its
    reasons. For each project its members and the groups that lead to them, for each user the hosts,
    and the reason if a user does not get the tools of a project.
  - Compares the answer with an earlier answer, or with what was delivered, and lists the users who
    get or lose tools.
  - With O(check_connection), checks the connection to the directory step by step, and returns a
    hint for each step that fails.
  - Fails instead of returning an incomplete answer, as the inventory does.
  - "Runs on the controller for any host. Write C(hosts: localhost) or C(run_once: true)."
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
      - The inventory file of P(shipping.code.ldap_projects#inventory) whose options describe the
        directory.
      - Options of the task take precedence.
      - A relative path starts at the folder of the playbook.
    type: str
  user:
    description:
      - The login names of the users to report, in the form of the hosts or of the directory.
      - Each of these users is reported, even if the directory has no such user.
    type: list
    elements: str
    default: []
  project:
    description: The projects to report.
    type: list
    elements: str
    default: []
  host:
    description: The hosts to report, with or without the domain.
    type: list
    elements: str
    default: []
  former:
    description: An earlier result of this module to compare with, for the same O(user),
      O(project) and O(host).
    type: dict
  state_path:
    description:
      - The folder of the state, to compare with what was delivered to each host.
      - A relative path starts at the folder of the playbook.
    type: str
  check_connection:
    description:
      - Whether to check the connection to the directory step by step, instead of an answer.
      - If a step fails, the task fails. RV(steps) lists all steps in any case.
    type: bool
    default: false
seealso:
  - plugin: shipping.code.ldap_projects
    plugin_type: inventory
  - name: The guide on membership
    description: The rules of membership, and the messages.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_membership.rst
"""

EXAMPLES = r"""
- name: Check the connection to the directory
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    check_connection: true

- name: Explain why Fay does not get the tools of alpha
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    user: fay
    project: alpha
  register: fay

- name: Show the reason
  ansible.builtin.debug:
    msg: "{{ fay.users[0].why }}"

- name: List the changes that a delivery to all hosts would make now
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    state_path: /var/lib/shipping/membership

- name: Compare with last week
  shipping.code.membership_info:
    source_file: inventory/ldap_projects.yml
    former: "{{ lookup('ansible.builtin.file', 'membership-last-week.json') | from_json }}"

- name: Query a directory without an inventory
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
query:
  description: The users, projects and hosts of the task's options.
  returned: without O(check_connection)
  type: dict
  sample: {"user": ["cy"], "project": [], "host": []}
revision:
  description: The revision of the directory, as C(kind:source:value).
  returned: without O(check_connection)
  type: str
  sample: csn:dc=example,dc=com:20261124163745.734105Z#000000#000#000000
hosts:
  description: The selected hosts, each with all its users.
  returned: without O(check_connection)
  type: list
  elements: dict
  contains:
    host:
      description: The name of the host in the inventory.
      type: str
      sample: pc2.example.com
    projects:
      description: The projects of all its users.
      type: list
      elements: str
      sample: [alpha, beta]
    users:
      description: Its users, as in C(shipping_users).
      type: list
      elements: dict
      sample:
        - id: 1f27ad5a-7c71-1041-95ec-114053e92107
          name: cy
          projects: [beta]
          hints: {"uid": 1003, "home": "/home/cy"}
projects:
  description: The selected projects, or the projects of the selected users.
  returned: without O(check_connection)
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
      description: The login names of its members with enabled accounts, with or without hosts.
      type: list
      elements: str
      sample: [bob, cy, eve]
users:
  description: The selected users, or the users with a selected project or host.
  returned: without O(check_connection)
  type: list
  elements: dict
  contains:
    name:
      description: The login name on hosts.
      type: str
      sample: cy
    id:
      description: The permanent ID of the user. Empty if the entry is not among the users.
      type: str
      sample: 1f27ad5a-7c71-1041-95ec-114053e92107
    dn:
      description: The DN of the entry in the directory. Empty if there is no entry.
      type: str
      sample: cn=Cy,ou=users,dc=example,dc=com
    hosts:
      description: The user's hosts. A user with a disabled account has them here, but not in the
        inventory.
      type: list
      elements: str
      sample: [pc2.example.com]
    projects:
      description: The user's projects, and the groups that lead from each project to the group that
        names the user. If there are several paths, a shortest one.
      type: list
      elements: dict
      sample:
        - name: beta
          through: ["cn=beta,ou=projects,dc=example,dc=com", "cn=team,ou=teams,dc=example,dc=com"]
    gets_tools:
      description: Whether the user gets the tools of the selected projects on a selected host.
      type: bool
      sample: true
    cause:
      description:
        - The first reason that applies. V(member) if the user gets the tools.
        - V(unknown) if there is no entry, V(not_counted) if the entry is not among the users,
          V(disabled) if the account is disabled or has expired, V(no_login) without a login name.
        - V(no_project) if the project does not exist, V(not_a_member) if no group names the user.
        - V(no_host) if the user has no host, V(no_such_host) if the host does not exist,
          V(not_on_host) if the user has other hosts.
        - V(uncertain) if entries contradict each other, so that nothing is delivered to the hosts.
      type: str
      sample: member
    why:
      description: The reason as text, with the entries that decide.
      type: str
      sample: beta through cn=beta,ou=projects,dc=example,dc=com >
        cn=team,ou=teams,dc=example,dc=com; on pc2.example.com
remarks:
  description: The warnings of the inventory.
  returned: without O(check_connection)
  type: list
  elements: str
  sample: ["the project 'R & D' is the group project_R___D"]
changes:
  description:
    - The differences from O(former), or from what was delivered according to O(state_path).
    - Users are identified by C(id), so that a new login name is no difference.
  returned: with O(former) or O(state_path)
  type: dict
  contains:
    added:
      description: The tools that users get, by user, host and project.
      type: list
      elements: dict
      sample: [{"user": "ada", "host": "pc1.example.com", "project": "beta"}]
    removed:
      description: The tools that users lose.
      type: list
      elements: dict
      sample: []
steps:
  description: The steps of the check, for each server up to the first step that fails.
  returned: with O(check_connection)
  type: list
  elements: dict
  contains:
    step:
      description:
        - V(discovery) of the servers by DNS, V(name), V(tcp) or V(socket), V(tls), V(bind).
        - Then, on the first server that accepts the bind, V(projects), V(users), V(hosts), and
          V(membership) for the complete answer.
      type: str
      sample: tls
    server:
      description: The server.
      type: str
      sample: ldaps://ldap1.example.com
    ok:
      description: Whether the step succeeded.
      type: bool
      sample: true
    text:
      description: The check and its outcome.
      type: str
      sample: TLSv1.3 with TLS_AES_256_GCM_SHA384, with the certificate of CN=ldap1.example.com by
        CN=test authority, until 2026-12-24T16:37:45Z
    hint:
      description: What to do if the step failed. Otherwise empty.
      type: str
      sample: ""
    facts:
      description: The facts of the step. With V(tls), the certificate, even if it is not trusted.
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
