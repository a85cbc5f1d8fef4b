#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toolbox
short_description: Brings a machine to exactly the tools of its users' projects
version_added: 0.1.0
description:
  - Takes the membership record of a machine and the catalog of projects, and makes every user of
    the machine have the tools of their projects, and no others.
  - Where there is nothing to do, this is one round trip. Otherwise the machine says what it lacks,
    and gets all of it at once.
  - With pipelining, as by default in the role C(delivery), the machine's Python runs this without
    Ansible's library for modules, which would take most of the time. That is the Python of
    C(ansible_python_interpreter), or C(/usr/bin/python3) where none is set. Where it does not
    answer, this runs as any module.
  - To turn this off for a host, a group or a play, set its variable C(shipping_remote_python) to
    V(false). Then this runs as any module, and takes longer.
  - Tools are in a store, each version in a folder of its own. What a user sees is a view of links
    into it. All views of a machine change together, by one rename; open shells see it at once, and
    programs that run go on.
  - A run that ends anywhere leaves what was there before, and the next one goes on.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.toolbox
options:
  record:
    description:
      - "The host assignment: C(host), C(revision) and C(users), a list of C(id),
        C(name) and C(projects)."
      - It is always complete. Who is not in it has nothing any more; an empty list of users takes
        everything away.
      - A record that is older than the last one is refused, see O(accept_older).
      - Needed where O(state=present), but for O(generation).
    type: dict
  catalog:
    description:
      - The folder with a file for each project, C(NAME.yml), on the control machine. Relative paths
        are looked for beside the playbook or role and in its C(files).
      - A project without a file has no tools.
      - A file with errors leaves its project as it is on the host, see RV(catalog_errors). The
        others are delivered.
      - Needed where O(state=present), but for O(generation).
    type: path
  state:
    description:
      - V(present) brings the machine to what O(record) says.
      - V(absent) takes away everything that was ever delivered, and the enrolment. Files of others
        stay.
    type: str
    choices: [present, absent]
    default: present
  removals:
    description:
      - V(apply) takes away what leaves.
      - V(block) adds and changes only, and returns in RV(removals) who would lose what. This is how
        the role C(delivery) asks all machines before anything is removed. A tool that is not ready
        is then a warning. What a project's file names under C(removed) is removed in any case.
      - In either case a uid that belongs to somebody else now loses what it had.
    type: str
    choices: [apply, block]
    default: apply
  approved_removals:
    description:
      - Who loses which project although O(removals=block). The role C(delivery) gives here, in a
        delivery to some machines, what these were given and are not to have any more, where it
        could decide that already, so that such a machine is asked once.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The stable id of the directory.
        type: str
        required: true
      project:
        description: The project.
        type: str
        required: true
  generation:
    description:
      - Goes back to what users had in this generation, a number or V(previous), in place of
        O(record).
      - Whoever has left a project since does not get it back, and whoever has joined one keeps it.
        It becomes a new generation.
    type: str
  hold:
    description:
      - Whether what O(generation) changes stays so at the next deliveries, whatever the catalog
        has, until O(unhold). It holds for all users of the host.
      - A tool that the former generation did not have stays away as well.
    type: bool
    default: true
  unhold:
    description: Projects, or tools as C(PROJECT/TOOL), that are held no more. With O(record).
    type: list
    elements: str
    default: []
  keep:
    description: How many generations stay, with the versions that they need.
    type: int
    default: 3
  grace:
    description: For how many seconds a tool that nobody needs any more stays in the store. Nobody
      can use it in that time.
    type: int
    default: 0
  shell_integration:
    description:
      - Whether to see to the PATH of everybody who logs in, by C(/etc/profile.d), zsh, fish,
        C(environment.d) and C(pam_env.conf), as far as the system has them. cron and sudo set a
        PATH of their own; the guide says what to write there.
      - A C(PATH) that somebody else has set in C(pam_env.conf) is an error that says what to write.
    type: bool
    default: true
  accept_older:
    description: Whether to apply a record that is older than the last one.
    type: bool
    default: false
  test_timeout:
    description: For how many seconds the self-test of a tool may run.
    type: int
    default: 60
  lock_timeout:
    description: For how many seconds to wait for another run on this machine.
    type: int
    default: 60
  uv_path:
    description: The program C(uv) on the control machine, which is sent along where there are tools
      of the type C(python). By default that on the PATH.
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
  - name: The guide on delivery
    description: The catalog, joining and leaving, the brake, and what to do about each message.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_delivery.rst
"""

EXAMPLES = r"""
- name: Bring each machine of the inventory to its users' tools
  shipping.code.toolbox:
    catalog: projects
    record:
      host: "{{ inventory_hostname }}"
      revision: "{{ shipping_membership_revision }}"
      users: "{{ shipping_users }}"

- name: See what would change
  shipping.code.toolbox:
    catalog: projects
    record: "{{ record }}"
  check_mode: true
  diff: true

- name: Go back to what was there before
  shipping.code.toolbox:
    generation: previous

- name: Update the tools of a project again, after going back
  shipping.code.toolbox:
    catalog: projects
    record: "{{ record }}"
    unhold: [atlas]

- name: Take everything away
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
  description: Who has which tools now, or would have in check mode.
  returned: O(state=present)
  type: list
  elements: dict
  contains:
    id:
      description: The stable id of the directory.
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
removals:
  description: Who loses which tools, or would lose them. C(cause) is V(left) if the user is not in
    the project any more, V(dropped) if the catalog has no such tools any more, V(declared) if it
    names them under C(removed), and V(platform) if it has them for other platforms only. C(blocked)
    says that this is still to be done.
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
  description: Whether any of RV(removals) are still to be done.
  returned: O(state=present) with O(record)
  type: bool
  sample: false
platform:
  description: The system and the processor of the host.
  returned: O(state=present) with O(record)
  type: str
  sample: linux x86_64
installed_state:
  description: Who had which projects before.
  returned: with O(record), and O(state=absent)
  type: list
  elements: dict
  sample:
    - id: 14eb5412-286a-412a-9a34-6e5b2bb830d5
      name: ada
      projects: [atlas]
ready:
  description: Whether everybody has everything that the record says, tested, and nobody has more.
  returned: O(state=present) with O(record)
  type: bool
  sample: true
failures:
  description: Tools that could not be made ready; what was there before is still there.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - user: ada
      project: atlas
      tool: atlas
      version: "1.1"
      reason: it ended with 3
      output: ["cannot find the map"]
catalog_errors:
  description: Errors of the catalog, each with its project, and with its tool where it concerns one
    alone. What they concern stays as it is.
  returned: O(state=present) with O(record)
  type: list
  elements: dict
  sample:
    - project: atlas
      tool: ""
      reason: "projects/atlas.yml:3:5: unknown key descripton; did you mean description?"
holds:
  description: Tools that stay as they are since a rollback, whatever the catalog has. One without a
    version stays away.
  returned: O(state=present)
  type: list
  elements: dict
  sample:
    - project: atlas
      name: atlas
      version: "1.0"
unknown:
  description: Users that the machine does not know. They are not created.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: [bob]
missing:
  description: What the machine lacks, in check mode, and the system that it has to fit.
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
  description: What people should know, such as commands that two projects have.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: ["ada: run is the one of atlas by its priority; also run@beta"]
shell_integration_files:
  description: Startup files of the system in which the shell integration was written, or with
    O(state=absent) removed.
  returned: with O(record), and O(state=absent)
  type: list
  elements: str
  sample: [/etc/profile.d/shipping.sh]
removed:
  description: What was removed from the store.
  returned: O(state=present) with O(record)
  type: list
  elements: str
  sample: [0a1b2c3d4e5f60718293a4b5c6d7e8f9-atlas-1.0]
rolled_back_to:
  description: The number of the generation that was gone back to.
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
    # What the control machine has sent along is not sent back.
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
