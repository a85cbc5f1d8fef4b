#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: experiment_info
short_description: Look at an experiment without changing it
version_added: 0.1.0
description:
  - Reads the new lines of the router's log, analyzes all data of an experiment, and writes the
    report. Nothing on the platform changes.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
  - shipping.code.platform.keys
  - shipping.code.platform.experiment
attributes:
  check_mode:
    support: full
    details: Keeps no data and writes no report.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
options:
  path:
    description:
      - The experiment file on the control node. A relative path is below the folder of the
        playbook. Paths in the file are relative to the folder of the file.
    type: path
    required: true
  data:
    description:
      - The folder of the control node for the data of units. A relative path is below the folder of
        the playbook.
    type: path
    default: experiments
  report:
    description:
      - The path of the control node for the report, an HTML file. By default no report is written.
    type: path
seealso:
  - module: shipping.code.experiment
"""

EXAMPLES = r"""
- name: Write the report of an experiment
  shipping.code.experiment_info:
    path: button.yml
    report: button.html
    pki: router-pki
  register: button

- name: Show the decision
  ansible.builtin.debug:
    msg: "{{ button.decision }}"
"""

RETURN = r"""
name:
  description: The name of the experiment.
  returned: always
  type: str
  sample: button
app:
  description: The app.
  returned: always
  type: str
  sample: shop
service:
  description: The service.
  returned: always
  type: str
  sample: web
state:
  description: The state of the record, V(absent) without one.
  returned: always
  type: str
  sample: running
started:
  description: The time at which units were assigned first, empty before it.
  returned: always
  type: str
  sample: "2026-12-01T08:00:00+00:00"
ended:
  description: The time at which the experiment was stopped or promoted, empty before it.
  returned: always
  type: str
  sample: ""
cell:
  description: The cell that all units have after the end, V(control) if it was stopped.
  returned: always
  type: str
  sample: ""
design:
  description: The design, with the properties that were computed from its matrix.
  returned: always
  type: dict
  sample: {"name": "full factorial", "runs": 2, "balanced": true, "orthogonal": true, "resolution":
    null, "aliases": []}
cells:
  description: The cells, the control first.
  returned: always
  type: list
  elements: dict
  sample: [{"name": "control", "levels": {"button": "buy"}, "block": 0, "weight": 50.0, "headers":
    {"X-Button": "Buy", "X-Experiment": "control"}, "has_replicas": false}]
weights:
  description: The percentage of the units of each cell.
  returned: always
  type: dict
  sample: {"control": 50.0, "buy-now": 50.0}
decision:
  description: The decision by all data up to now, empty before there are any.
  returned: always
  type: dict
  sample: {"action": "extend", "cell": "", "text": "The data decide for no cell yet."}
analysis:
  description: All numbers of the analysis.
  returned: always
  type: dict
  sample: {}
looks:
  description: The looks of the record at which the decision or the state changed.
  returned: always
  type: list
  elements: dict
  sample: [{"time": "2026-12-01T09:00:00+00:00", "digest": "5c1f", "units": {"control": 210,
    "buy-now": 198}, "action": "extend", "cell": ""}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    experiments,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    answer(
        AnsibleModule(
            argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.EXPERIMENT_INFO)),
            supports_check_mode=True,
        ),
        lambda options: experiments.run_phase(options, PLATFORMS, check=True),
    )


if __name__ == "__main__":
    main()
