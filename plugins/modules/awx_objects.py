#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: awx_objects
short_description: Manage AWX organizations, credentials, projects, inventories, templates and
  schedules
version_added: 0.1.0
description:
  - Creates, changes or removes a set of objects in AWX, through AWX's official client awxkit.
    Objects reference each other by name. The module creates them in the right order.
  - Reads and compares all objects first. Mistakes end the run before any change. Options that you
    leave out keep their value in AWX.
  - Marks its objects at the end of their description. Unmanaged objects are not changed unless
    O(adopt) is set, and are never removed.
  - After a project was created or changed, waits until AWX has fetched it.
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
      - E(AWXKIT_API_BASE_PATH) names the path of the API if it is not V(/api/).
    type: str
    required: true
  token:
    description:
      - A token of a user who may write these objects.
      - Only system administrators of AWX may create an organization, and create, change or remove a
        credential type. The module checks this before any change.
    type: str
    required: true
  validate_certs:
    description: Whether to verify the certificate of AWX.
    type: bool
    default: true
  ca_file:
    description: A file with the CAs of the certificate. By default those of the Python package
      C(certifi).
    type: path
  state:
    description:
      - V(present) creates and changes objects.
      - V(absent) removes the managed objects in O(objects), in reverse order, and waits until they
        are removed. It waits while jobs use an object, and until AWX has stored the events of these
        jobs.
      - V(absent) reports and keeps an organization with unmanaged objects or with other users'
        roles, and a credential type that unmanaged credentials use.
    type: str
    choices: [present, absent]
    default: present
  objects:
    description: The objects by type, with the names of AWX's API.
    type: dict
    required: true
    suboptions:
      organizations:
        description: Organizations. An existing unmanaged organization is used as it is.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          max_hosts:
            description: The maximum number of hosts. 0 means no limit.
            type: int
      credential_types:
        description: Credential types.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          kind:
            description: The kind of the credential type in AWX.
            type: str
            choices: [cloud, net]
            default: cloud
          inputs:
            description: The fields of its credentials, in the form of AWX. AWX rejects another
              list once credentials exist. Values of fields with C(secret) are hidden in all output.
            type: dict
          injectors:
            description: The environment variables, files or variables that jobs receive.
            type: dict
      credentials:
        description: Credentials.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization.
            type: str
            required: true
          credential_type:
            description: "One of O(objects.credential_types), or a credential type of AWX, such as
              V(Machine) or V(Source Control)."
            type: str
            required: true
          inputs:
            description: The values by the fields of the type. The AWX API never returns secret
              values, see O(update_secrets).
            type: dict
      execution_environments:
        description: Execution environments.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name, which is unique in AWX.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization. AWX cannot move it to another one.
            type: str
            required: true
          image:
            description: The image, with its registry.
            type: str
            required: true
          pull:
            description: When to fetch the image.
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
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization.
            type: str
            required: true
          scm_type:
            description: The source control of the project.
            type: str
            choices: [git]
            default: git
          scm_url:
            description: The URL of the repository.
            type: str
            required: true
          scm_branch:
            description: The branch.
            type: str
          credential:
            description: The credential for the repository.
            type: str
          default_environment:
            description: The execution environment of the jobs.
            type: str
          scm_clean:
            description: Whether to discard local changes.
            type: bool
          scm_update_on_launch:
            description: Whether to fetch it before each job.
            type: bool
          allow_override:
            description: Whether job templates may use another branch.
            type: bool
          scm_update_cache_timeout:
            description: The seconds for which it is not fetched again before a job.
            type: int
          timeout:
            description: The seconds after which a run is ended. 0 means never.
            type: int
      inventories:
        description: Inventories.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization.
            type: str
            required: true
          variables:
            description: The variables of the inventory.
            type: dict
      notification_templates:
        description: Notification templates.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization.
            type: str
            required: true
          notification_type:
            description: The type of the notification, such as V(webhook), V(email) or V(slack).
            type: str
            required: true
          notification_configuration:
            description: The settings of the type, in the form of AWX. The AWX API never returns
              secret values, see O(update_secrets).
            type: dict
            required: true
      inventory_sources:
        description: Inventory sources.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          inventory:
            description: The inventory to fill.
            type: str
            required: true
          source:
            description: The origin of the hosts. V(scm) is a file of a project.
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
            description: The credential of its runs.
            type: str
          execution_environment:
            description: The execution environment of its runs.
            type: str
          overwrite:
            description: Whether to remove hosts and groups that are missing in the source.
            type: bool
          overwrite_vars:
            description: Whether to remove variables that are missing in the source.
            type: bool
          update_on_launch:
            description: Whether to run it before each job.
            type: bool
          update_cache_timeout:
            description: The seconds for which it does not run again before a job.
            type: int
          timeout:
            description: The seconds after which a run is ended. 0 means never.
            type: int
          verbosity:
            description: The verbosity of its runs, from 0 to 2.
            type: int
          source_vars:
            description: The environment of its runs.
            type: dict
          notification_templates_started:
            description: The complete list of notification templates for the start.
            type: list
            elements: str
          notification_templates_success:
            description: The complete list of notification templates for success.
            type: list
            elements: str
          notification_templates_error:
            description: The complete list of notification templates for failures.
            type: list
            elements: str
      job_templates:
        description: Job templates.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          organization:
            description: The organization, which is the one of its project.
            type: str
            required: true
          job_type:
            description: Whether jobs make changes or run in check mode.
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
            description: The limit of its jobs.
            type: str
          execution_environment:
            description: The execution environment of its runs.
            type: str
          forks:
            description: The number of hosts in parallel. 0 means the default of Ansible.
            type: int
          timeout:
            description: The seconds after which a run is ended. 0 means never.
            type: int
          verbosity:
            description: The verbosity of its jobs, from 0 to 5.
            type: int
          ask_limit_on_launch:
            description: Whether to accept a limit at launch.
            type: bool
          ask_variables_on_launch:
            description: Whether to accept variables at launch.
            type: bool
          allow_simultaneous:
            description: Whether several of its jobs may run at the same time.
            type: bool
          become_enabled:
            description: Whether its jobs use privilege escalation.
            type: bool
          extra_vars:
            description: The variables of its jobs. Do not put secrets here.
            type: dict
          credentials:
            description: The complete list of its credentials.
            type: list
            elements: str
          notification_templates_started:
            description: The complete list of notification templates for the start.
            type: list
            elements: str
          notification_templates_success:
            description: The complete list of notification templates for success.
            type: list
            elements: str
          notification_templates_error:
            description: The complete list of notification templates for failures.
            type: list
            elements: str
      schedules:
        description: Schedules.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          description:
            description: The description. The module adds its mark.
            type: str
          unified_job_template:
            description: The job template to run.
            type: str
            required: true
          rrule:
            description:
              - The recurrence rule, such as
                V(DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=5).
              - C(DTSTART) has a C(Z) at its end or a C(TZID). Each C(RRULE) has C(FREQ), from
                C(MINUTELY) to C(YEARLY), and C(INTERVAL), from 1 to 99999.
              - C(COUNT) (up to 999), C(UNTIL), C(BYDAY) (such as C(MO,WE)), C(BYMONTH),
                C(BYMONTHDAY), C(BYHOUR), C(BYMINUTE), C(BYSETPOS) and C(WKST) are supported.
              - Rules that AWX rejects or that may have no occurrence end the run before any change,
                because AWX searches without an end for the next occurrence.
            type: str
            required: true
          enabled:
            description: Whether the schedule is enabled.
            type: bool
          extra_data:
            description: Variables for the jobs.
            type: dict
  adopt:
    description: Whether to take over unmanaged objects of the same names. The module manages them
      from then on.
    type: bool
    default: false
  update_secrets:
    description:
      - The AWX API never returns secrets. The mark contains a salted, slow hash of them, by which
        the module detects a changed secret.
      - V(changed) sends secrets that have changed since the last run.
      - V(always) sends secrets in each run, which overwrites changes made in AWX. It counts as a
        change.
    type: str
    choices: [changed, always]
    default: changed
  request_timeout:
    description: The timeout for an answer of AWX, in seconds.
    type: int
    default: 30
  timeout:
    description: The timeout for fetching a project or removing an object, in seconds.
    type: int
    default: 300
requirements:
  - awxkit
notes:
  - Run it where AWX can be reached, usually on the controller.
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
        - name: hosts
          organization: Tools
      inventory_sources:
        - name: directory
          inventory: hosts
          source_project: tools
          source_path: inventories/directory/ldap_projects.yml
          overwrite: true
          update_on_launch: true
      job_templates:
        - name: deliver
          organization: Tools
          project: tools
          inventory: hosts
          playbook: deliver.yml
      schedules:
        - name: every five minutes
          unified_job_template: deliver
          rrule: DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=5
"""

RETURN = r"""
objects:
  description:
    - The outcome for each object. C(outcome) is C(created), C(changed) or C(unchanged), and with
      O(state=absent) C(removed), C(absent) or C(kept).
    - C(id) is null if the object does not exist.
  returned: success
  type: list
  elements: dict
  sample:
    - type: organizations
      name: Tools
      id: 2
      outcome: created
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._awx.object_sync import ARGUMENTS, run
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    # The argument spec hides all values of credentials, also from syslog. Values that are not
    # secret are shown in messages, where hiding a user name such as `r` would hide each r.
    disclose = module.no_log_values.difference_update
    answer(module, lambda options: run(options, check_mode=module.check_mode, disclose=disclose))


if __name__ == "__main__":
    main()
