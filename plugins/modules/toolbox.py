#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toolbox
short_description: Install the tools of its users' projects on a host
version_added: 0.1.0
description:
  - Compares the users of a host and their projects with the catalog. Then installs the tools that
    users lack, and removes those that they must not have any more.
  - A run without changes takes one round trip. Otherwise the host reports what it lacks, and the
    module sends it all at once.
  - "With pipelining, which the role C(delivery) enables, the host's Python runs the toolbox without
    Ansible's module runtime, which would take most of the time. The Python is that of
    C(ansible_python_interpreter), or C(/usr/bin/python3). If it cannot run the toolbox, Ansible
    runs a module."
  - To turn this off for a host, a group or a play, set the variable C(shipping_remote_python) to
    V(false). Then Ansible always runs a module, which takes longer.
  - Tools are in a store, with a folder for each version. Each user has a view of links into the
    store. One rename switches all views of a host. Open shells have the new commands at once, and
    running programs continue.
  - Interrupted runs are safe. Users keep what they had, and the next run completes the delivery.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.toolbox
options:
  record:
    description:
      - "The host assignment: C(host), C(revision) and C(users), a list of C(id), C(name) and
        C(projects)."
      - It is always complete. The module removes the tools of users who are not in it. An empty
        list of users removes all tools.
      - If it is older than the last one, the module rejects it, see O(accept_older).
      - Required if O(state=present), unless O(generation) is set.
    type: dict
  catalog:
    description:
      - The folder with a file for each project, C(NAME.yml), on the controller. A relative path
        starts at the playbook or role, or at its C(files).
      - A project without a file has no tools.
      - If a file has errors, the tools of its project stay as they are on the host, see
        RV(catalog_errors). The module delivers the other projects.
      - Required if O(state=present), unless O(generation) is set.
    type: path
  state:
    description:
      - V(present) delivers what O(record) and O(catalog) describe.
      - V(absent) removes everything that deliveries have written, and the shell integration.
        Other files stay.
    type: str
    choices: [present, absent]
    default: present
  removals:
    description:
      - V(apply) removes the tools that users must not have any more.
      - V(block) only installs and updates, and returns in RV(removals) what users would lose. The
        role C(delivery) calls all hosts this way before it removes anything. A tool that is not
        ready then causes a warning. The module removes tools that a project's file names under
        C(removed) in any case.
      - In either case, if a uid belongs to another user now, that user's view has none of the
        former user's tools.
    type: str
    choices: [apply, block]
    default: apply
  approved_removals:
    description:
      - The removals that O(removals=block) does not block, each with a user and a project. The
        role C(delivery) sets this in a delivery to some hosts, for removals that it could check
        before the first call. Such a host needs one call only.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The stable ID of the user in the directory.
        type: str
        required: true
      project:
        description: The project.
        type: str
        required: true
  generation:
    description:
      - Rolls back to this generation, a number or V(previous), in place of O(record).
      - Users do not get back the tools of projects that they have left since. They keep the tools
        of projects that they have joined since. The result is a new generation.
    type: str
  hold:
    description:
      - Whether the next deliveries keep what the rollback to O(generation) has changed, whatever
        the catalog has. Tools are held for all users of the host, until O(unhold).
      - A tool that the former generation did not have is held, too. Deliveries do not install it.
    type: bool
    default: true
  unhold:
    description: Projects, or tools as C(PROJECT/TOOL), to update again. Use it with O(record).
    type: list
    elements: str
    default: []
  keep:
    description: The number of generations to keep, with the versions that they need.
    type: int
    default: 3
  grace:
    description: The number of seconds for which a tool without users stays in the store. Users
      cannot run it in that time.
    type: int
    default: 0
  shell_integration:
    description:
      - Whether to add each user's view to the PATH of login sessions, in C(/etc/profile.d), zsh,
        fish, C(environment.d) and C(pam_env.conf), as far as the system has them. cron and sudo set
        a PATH of their own; the guide describes what to write there.
      - If C(pam_env.conf) already sets C(PATH), the module fails with what to write.
    type: bool
    default: true
  accept_older:
    description: Whether to accept a host assignment that is older than the last one.
    type: bool
    default: false
  test_timeout:
    description: The number of seconds that the self-test of a tool may run.
    type: int
    default: 60
  lock_timeout:
    description: The number of seconds to wait for another run on the host.
    type: int
    default: 60
  uv_path:
    description: The program C(uv) on the controller, which the module sends to hosts that need
      tools of the type C(python). By default, that of the PATH.
    type: path
  _projects:
    description: For the action plugin of the same name; not for use in playbooks.
    type: list
    elements: dict
  _programs:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
  _bundle:
    description: For the action plugin of the same name; not for use in playbooks.
    type: dict
  _content:
    description: For the action plugin of the same name; not for use in playbooks.
    type: str
notes:
  - macOS and Windows are not supported yet.
seealso:
  - module: shipping.code.toolbox_info
  - name: Deliver tools
    description: Deliver, remove and roll back tools, and what to do about each message.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_delivery.rst
"""

EXAMPLES = r"""
- name: Deliver the tools of each host's users
  shipping.code.toolbox:
    catalog: projects
    record:
      host: "{{ inventory_hostname }}"
      revision: "{{ shipping_membership_revision }}"
      users: "{{ shipping_users }}"

- name: Preview the changes
  shipping.code.toolbox:
    catalog: projects
    record: "{{ record }}"
  check_mode: true
  diff: true

- name: Roll back to the previous generation
  shipping.code.toolbox:
    generation: previous

- name: Update the tools of a project again after a rollback
  shipping.code.toolbox:
    catalog: projects
    record: "{{ record }}"
    unhold: [atlas]

- name: Uninstall everything
  shipping.code.toolbox:
    state: absent
"""

RETURN = r"""
generation:
  description: The number of the generation that users see.
  returned: O(state=present)
  type: int
  sample: 7
users:
  description: The users with their tools; in check mode, as they would be.
  returned: O(state=present)
  type: list
  elements: dict
  contains:
    id:
      description: The stable ID of the user in the directory.
      type: str
      sample: 14eb5412-286a-412a-9a34-6e5b2bb830d5
    name:
      description: The login name.
      type: str
      sample: ada
    tools:
      description: The tools.
      type: list
      elements: dict
      sample:
        - project: atlas
          name: atlas
          type: script
          version: "1.0"
          description: Prints a map
          commands: [atlas]
          requested: "2026-11-24T12:00:00Z"
          ready: "2026-11-24T12:00:02Z"
host_packages:
  description: Packages of the distribution that were installed for all users of the host, or
    removed, or would be in check mode. Their tools have the type C(package).
  returned: except with O(generation)
  type: dict
  contains:
    installed:
      description: C(NAME), or C(NAME=VERSION) if the catalog has a version.
      type: list
      elements: str
      sample: [jq=1.6-2.1]
    removed:
      description: The names.
      type: list
      elements: str
      sample: []
removals:
  description: The tools that users lose, or would lose. C(cause) is V(left) if the user is not in
    the project any more, V(dropped) if the catalog has no such tools any more, V(declared) if it
    names them under C(removed), and V(platform) if it has them for other platforms only.
    C(blocked) is V(true) if the user still has them.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
      name: ada
      project: atlas
      tools: [atlas]
      cause: left
      blocked: false
blocked:
  description: Whether any of RV(removals) are blocked.
  returned: O(state=present) with O(record)
  type: bool
  sample: false
platform:
  description: The system and the processor of the host.
  returned: O(state=present) with O(record)
  type: str
  sample: linux x86_64
installed_state:
  description: The projects that each user had tools of before this call.
  returned: with O(record), and O(state=absent)
  type: list
  elements: dict
  sample:
    - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
      name: ada
      projects: [atlas]
ready:
  description: Whether each user has exactly the tools that the host assignment requires, tested.
  returned: O(state=present) with O(record)
  type: bool
  sample: true
failures:
  description: Tools that could not be installed, or failed their self-test. Users keep the
    version that they had.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - user: ada
      project: atlas
      tool: atlas
      version: "1.1"
      reason: the self-test exited with code 3
      output: ["cannot find the map"]
catalog_errors:
  description: Errors of the catalog, each with its project, and with its tool if it concerns one
    tool only. Tools whose content cannot be fetched count as well. These tools stay as they are.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - project: atlas
      tool: ""
      reason: "projects/atlas.yml:3:5: unknown key descripton; did you mean description?"
holds:
  description: Tools that a rollback holds, whatever the catalog has. A tool without a version is
    not installed.
  returned: O(state=present)
  type: list
  elements: dict
  sample:
    - project: atlas
      name: atlas
      version: "1.0"
unknown:
  description: Users without an account on the host. The module creates no accounts.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: [bob]
missing:
  description: The content that the host lacks, in check mode, and the system that it must fit.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - object: 4f6e1c0f3a5b7d9e8c2a1b0d9f8e7c6b-atlas-1.0
      project: atlas
      tool: atlas
      variant: 0
      system: {os: linux, arch: x86_64, python: "3.11"}
notes:
  description: Messages for operators, such as on commands that two projects have.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: ["ada: run is the command of atlas by its priority; also run@beta"]
shell_integration_files:
  description: Startup files of the system in which the shell integration was written, or with
    O(state=absent) removed.
  returned: with O(record), and O(state=absent)
  type: list
  elements: str
  sample: [/etc/profile.d/shipping.sh]
removed:
  description: Objects that the module removed from the store.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: [0a1b2c3d4e5f60718293a4b5c6d7e8f9-atlas-1.0]
rolled_back_to:
  description: The number of the generation that the module rolled back to.
  returned: with O(generation)
  type: int
  sample: 5
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._toolbox import toolbox_calls as calls
from ansible_collections.shipping.code.plugins.module_utils._toolbox.toolbox_options import TOOLBOX


def main() -> None:
    module = AnsibleModule(TOOLBOX, supports_check_mode=True)
    # The result does not repeat what the controller has sent.
    invocation = {
        "module_args": {
            name: value for name, value in module.params.items() if not name.startswith("_")
        }
    }
    answer(
        module,
        lambda options: {
            **calls.toolbox(options, check_mode=module.check_mode),
            "invocation": invocation,
        },
    )


if __name__ == "__main__":
    main()
