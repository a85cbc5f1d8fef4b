#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: awx_objects
short_description: Makes AWX have organizations, credentials, projects, inventories, templates and
  schedules
version_added: 0.1.0
description:
  - Makes a set of objects of AWX be as they are written down, by AWX's official client awxkit.
    Objects name each other, and are made in the right order.
  - Everything is read and compared first. What cannot work ends the run before anything is changed.
    An option that is left out is left as it is in AWX.
  - Objects of its making have a mark at the end of their description. Those of others are not
    changed unless O(adopt), and never removed.
  - A project that was made or changed is waited for until AWX has fetched it.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
options:
  url:
    description:
      - The URL of AWX, such as V(https://awx.example.com).
      - AWX is reached through the proxy that E(HTTPS_PROXY), E(HTTP_PROXY) or E(ALL_PROXY) names on
        the host that runs the module, unless E(NO_PROXY) lists it.
      - E(AWXKIT_API_BASE_PATH) names the path of the API where it is not V(/api/).
    type: str
    required: true
  token:
    description:
      - A token of a user who may write these objects.
      - AWX lets only system administrators make an organization, and make, change or remove a
        credential type. The module checks this before it writes anything.
    type: str
    required: true
  validate_certs:
    description: Whether the certificate of AWX is verified.
    type: bool
    default: true
  ca_file:
    description: A file with the authorities that may have signed it; by default those of the
      Python package C(certifi).
    type: path
  state:
    description:
      - V(present) makes and changes.
      - V(absent) removes the objects of this module's making that O(objects) names, the last made
        first, and waits until they are removed. It waits while jobs use an object, and until AWX
        has stored the events of these jobs.
      - V(absent) reports and keeps an organization that has other objects, or in which other users
        have a role, and a credential type that other credentials use.
    type: str
    choices: [present, absent]
    default: present
  objects:
    description: The objects by their kinds, called as in AWX's API.
    type: dict
    required: true
    suboptions:
      organizations:
        description: Organizations. One that is there already and was made by somebody else is used
          as it is.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          max_hosts:
            description: How many hosts it may have; 0 is no limit.
            type: int
      credential_types:
        description: Types of credentials.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          kind:
            description: What AWX takes it for.
            type: str
            choices: [cloud, net]
            default: cloud
          inputs:
            description: The fields that its credentials have, as AWX takes them. AWX rejects
              another list once there are credentials. Values of fields with C(secret) are hidden in
              all output.
            type: dict
          injectors:
            description: What jobs get of them, as environment variables, files or variables.
            type: dict
      credentials:
        description: Credentials.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to.
            type: str
            required: true
          credential_type:
            description: "Its type: one of O(objects.credential_types), or one that AWX has, such as
              V(Machine) or V(Source Control)."
            type: str
            required: true
          inputs:
            description: Its values by the fields of its type. AWX never answers those that are
              secret, see O(update_secrets).
            type: dict
      execution_environments:
        description: Execution environments.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called. The name is unique in all of AWX.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to. AWX moves it to no other one.
            type: str
            required: true
          image:
            description: The image, with its registry.
            type: str
            required: true
          pull:
            description: When the image is fetched.
            type: str
            choices: [always, missing, never]
          credential:
            description: The credential for the registry.
            type: str
      projects:
        description: Projects.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to.
            type: str
            required: true
          scm_type:
            description: How the project is fetched.
            type: str
            choices: [git]
            default: git
          scm_url:
            description: The URL of its repository.
            type: str
            required: true
          scm_branch:
            description: Its branch.
            type: str
          credential:
            description: The credential for the repository.
            type: str
          default_environment:
            description: The execution environment of its jobs.
            type: str
          scm_clean:
            description: Whether local changes are thrown away.
            type: bool
          scm_update_on_launch:
            description: Whether it is fetched before each job.
            type: bool
          allow_override:
            description: Whether job templates may take another branch.
            type: bool
          scm_update_cache_timeout:
            description: For how many seconds it is not fetched again before a job.
            type: int
          timeout:
            description: Seconds after which a run is ended; 0 is never.
            type: int
      inventories:
        description: Inventories.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to.
            type: str
            required: true
          variables:
            description: The inventory's variables.
            type: dict
      notification_templates:
        description: Notification templates.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to.
            type: str
            required: true
          notification_type:
            description: How it notifies, such as V(webhook), V(email) or V(slack).
            type: str
            required: true
          notification_configuration:
            description: Its settings, as AWX takes them for the type. AWX never answers those that
              are secret, see O(update_secrets).
            type: dict
            required: true
      inventory_sources:
        description: Sources of inventories.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          inventory:
            description: The inventory that it fills.
            type: str
            required: true
          source:
            description: Where the hosts come from; V(scm) is a file of a project.
            type: str
            choices: [scm]
            default: scm
          source_project:
            description: The project with the file.
            type: str
            required: true
          source_path:
            description: The inventory file in the project, such as one for
              P(shipping.code.ldap_projects#inventory).
            type: str
            required: true
          credential:
            description: The credential that its runs get.
            type: str
          execution_environment:
            description: The execution environment of its runs.
            type: str
          overwrite:
            description: Whether hosts and groups go that the source does not have any more.
            type: bool
          overwrite_vars:
            description: Whether variables go that the source does not have any more.
            type: bool
          update_on_launch:
            description: Whether it runs before each job.
            type: bool
          update_cache_timeout:
            description: For how many seconds it does not run again before a job.
            type: int
          timeout:
            description: Seconds after which a run is ended; 0 is never.
            type: int
          verbosity:
            description: How much its runs say, from 0 to 2.
            type: int
          source_vars:
            description: The environment of its runs.
            type: dict
          notification_templates_started:
            description: Who is notified when it begins, all of them.
            type: list
            elements: str
          notification_templates_success:
            description: Who is notified when it ends well, all of them.
            type: list
            elements: str
          notification_templates_error:
            description: Who is notified when it fails, all of them.
            type: list
            elements: str
      job_templates:
        description: Job templates.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          organization:
            description: The organization that it belongs to, which is that of its project.
            type: str
            required: true
          job_type:
            description: Whether jobs do something or run in check mode.
            type: str
            choices: [run, check]
            default: run
          inventory:
            description: The inventory of its jobs.
            type: str
            required: true
          project:
            description: The project with the playbook.
            type: str
            required: true
          playbook:
            description: The playbook, by its path in the project.
            type: str
            required: true
          limit:
            description: To which hosts its jobs are limited.
            type: str
          execution_environment:
            description: The execution environment of its runs.
            type: str
          forks:
            description: How many hosts are worked on at once; 0 is as Ansible is set.
            type: int
          timeout:
            description: Seconds after which a run is ended; 0 is never.
            type: int
          verbosity:
            description: How much its runs say, from 0 to 5.
            type: int
          ask_limit_on_launch:
            description: Whether a limit may be given at launch.
            type: bool
          ask_variables_on_launch:
            description: Whether variables may be given at launch.
            type: bool
          allow_simultaneous:
            description: Whether jobs of it may run at the same time.
            type: bool
          become_enabled:
            description: Whether its jobs become another user.
            type: bool
          extra_vars:
            description: Variables of its jobs. They are no place for secrets.
            type: dict
          credentials:
            description: Its credentials, all of them.
            type: list
            elements: str
          notification_templates_started:
            description: Who is notified when it begins, all of them.
            type: list
            elements: str
          notification_templates_success:
            description: Who is notified when it ends well, all of them.
            type: list
            elements: str
          notification_templates_error:
            description: Who is notified when it fails, all of them.
            type: list
            elements: str
      schedules:
        description: Schedules.
        type: list
        elements: dict
        suboptions:
          name:
            description: What it is called.
            type: str
            required: true
          description:
            description: About it. A mark is added by which the object is known to be of this
              module's making.
            type: str
          unified_job_template:
            description: The job template that it runs.
            type: str
            required: true
          rrule:
            description:
              - When it runs, such as V(DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=5).
              - C(DTSTART) has a C(Z) at its end or a C(TZID). Each C(RRULE) has C(FREQ), from
                C(MINUTELY) to C(YEARLY), and C(INTERVAL), from 1 to 99999.
              - C(COUNT) (up to 999), C(UNTIL), C(BYDAY) (such as C(MO,WE)), C(BYMONTH),
                C(BYMONTHDAY), C(BYHOUR), C(BYMINUTE), C(BYSETPOS) and C(WKST) are supported.
              - Rules that AWX rejects or that may have no occurrence end the run before anything is
                sent, since AWX searches without an end for the next occurrence.
            type: str
            required: true
          enabled:
            description: Whether it runs.
            type: bool
          extra_data:
            description: Variables for the jobs.
            type: dict
  adopt:
    description: Whether objects that somebody else has made are taken over, which makes them this
      module's own.
    type: bool
    default: false
  update_secrets:
    description:
      - AWX does not answer secrets. The mark has a salted, slow hash of them, by which another
        secret is seen.
      - V(changed) sends secrets that are others than those that were sent last.
      - V(always) sends them every time, since somebody may have changed them in AWX. That counts as
        a change.
    type: str
    choices: [changed, always]
    default: changed
  request_timeout:
    description: Seconds that AWX may take for an answer.
    type: int
    default: 30
  timeout:
    description: Seconds that a project may take to be fetched, or an object to be gone.
    type: int
    default: 300
requirements:
  - awxkit
notes:
  - Runs where AWX can be reached, which is the control machine in most cases.
seealso:
  - plugin: shipping.code.ldap_projects
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Deliver from AWX every five minutes
  shipping.code.awx_objects:
    url: https://awx.example.com
    token: "{{ lookup('ansible.builtin.env', 'AWX_TOKEN') }}"
    objects:
      organizations:
        - name: Tools
      projects:
        - name: tools
          organization: Tools
          scm_url: https://git.example.com/tools.git
      inventories:
        - name: people
          organization: Tools
      inventory_sources:
        - name: directory
          inventory: people
          source_project: tools
          source_path: inventories/directory/ldap_projects.yml
          overwrite: true
          update_on_launch: true
      job_templates:
        - name: deliver
          organization: Tools
          project: tools
          inventory: people
          playbook: deliver.yml
      schedules:
        - name: every five minutes
          unified_job_template: deliver
          rrule: DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=5
"""

RETURN = r"""
objects:
  description:
    - What was done about each object. C(outcome) is C(made), C(changed) or C(unchanged), and with
      O(state=absent) C(removed), C(absent) or C(left).
    - C(id) is null where an object is not there.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: organizations
      name: Tools
      id: 2
      outcome: made
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._awx.object_sync import ARGUMENTS, run
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    # The argument spec hides all values of credentials, also from the log of the system. Those that
    # are no secrets are shown in messages, where a user name such as `r` would hide each r.
    disclose = module.no_log_values.difference_update
    answer(module, lambda options: run(options, check_mode=module.check_mode, disclose=disclose))


if __name__ == "__main__":
    main()
