#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: experiment
short_description: Run an experiment on a service
version_added: 0.1.0
description:
  - Plans, runs, stops or promotes an A/B test or a factorial experiment on a routed service, as a
    file declares it. See R(the guide Run experiments,
    ansible_collections.shipping.code.docsite.guide_experiments).
  - Each run reads the new lines of the router's log, analyzes all data and decides. So a schedule
    of runs is a schedule of looks. A decision is valid however often you look.
  - The experiment is assigned by the router. The module changes the weights of its cells, and
    restarts no service. Releases of the app are those of M(shipping.code.release), as
    P(shipping.code.experiment#role) makes them.
  - The platform keeps the record of the experiment. A run that is killed leaves it as it was, and
    the next run continues.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
  - shipping.code.attributes.action_group
  - shipping.code.platform.connection
  - shipping.code.platform.keys
  - shipping.code.platform.experiment
options:
  path:
    description:
      - The experiment file on the control node. A relative path is below the folder of the
        playbook. Paths in the file are relative to the folder of the file.
    type: path
    required: true
  state:
    description:
      - V(planned) checks the file, the design and the sample size, and writes the Compose file
        with the cells as variants.
      - V(running) gives the cells their weights by the ramp, looks at the data and decides. If the
        decision is to roll back, the experiment is stopped.
      - V(stopped) gives all units to V(stable).
      - V(promoted) also writes the Compose file that makes a cell the next release.
      - V(absent) also removes the record, and the data on the control node.
    type: str
    choices: [planned, running, stopped, promoted, absent]
    default: running
  cell:
    description:
      - The cell to promote. By default the one that the data decide for.
    type: str
  force:
    description:
      - Whether to start an experiment that has too few units for its smallest effect.
    type: bool
    default: false
  data:
    description:
      - The folder of the control node for the data of units and for the Compose files. A relative
        path is below the folder of the playbook. Keep it between the runs of an experiment, which
        otherwise read the whole log of the router again.
      - Units are HMACs, as the router logs them.
    type: path
    default: experiments
  report:
    description:
      - The path of the control node for the report, an HTML file. By default no report is written.
    type: path
  by:
    description:
      - The user of the run, for runs that wait for this one. By default the account and the host
        name of the host that runs the module.
    type: str
  lease_ttl:
    description:
      - Seconds without a renewal of the lease of the weights after which another run may take over.
    type: float
    default: 30.0
  lease_timeout:
    description:
      - Seconds to wait for another run that changes weights.
    type: int
    default: 600
seealso:
  - module: shipping.code.experiment_info
  - module: shipping.code.traffic
"""

EXAMPLES = r"""
- name: Check an experiment, and show its cells
  shipping.code.experiment:
    path: button.yml
    state: planned
    pki: router-pki

- name: Look at a running experiment
  shipping.code.experiment:
    path: button.yml
    report: button.html
    pki: router-pki
  register: button

- name: Stop it
  shipping.code.experiment:
    path: button.yml
    state: stopped
    pki: router-pki
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
  description: The state after the run. It is V(stopped) if the decision of a run is to roll back.
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
  description: The design, with the properties that were computed from its matrix. Of two-level
    fractions, C(aliases) has the effects that cannot be separated.
  returned: always
  type: dict
  sample: {"name": "full factorial", "runs": 2, "balanced": true, "orthogonal": true, "resolution":
    null, "aliases": []}
cells:
  description: The cells, the control first. C(has_replicas) is true of cells with settings of their
    own. The others are served by the replicas of the service.
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
power:
  description: The number of units that the primary response needs, and the expected days by the
    traffic of the last day.
  returned: before the experiment runs, if the file has the numbers for it
  type: dict
  sample: {"needed": 31474, "needed_at_one_look": 16310, "planned": 31474, "power": 0.8,
    "smallest_effect": 0.01, "days": 6, "enough": true}
decision:
  description: The decision by all data up to now, empty before there are any. C(action) is
    V(extend), V(ship), V(roll_back) or V(inconclusive).
  returned: always
  type: dict
  sample: {"action": "extend", "cell": "", "text": "The data decide for no cell yet."}
analysis:
  description: All numbers of the analysis.
  returned: always
  type: dict
  sample: {}
looks:
  description: The looks of the record at which the decision or the state changed, each with the
    hash of its data.
  returned: always
  type: list
  elements: dict
  sample: [{"time": "2026-12-01T09:00:00+00:00", "digest": "5c1f", "units": {"control": 210,
    "buy-now": 198}, "action": "extend", "cell": ""}]
compose:
  description: The Compose file that the next release of the app needs after its own ones. Empty if
    it needs none.
  returned: always
  type: list
  elements: str
  sample: [/srv/shop/experiments/shop/button/cells.compose.yml]
notes:
  description: Remarks, such as the end of a step of the ramp.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.shipping.code.plugins.module_utils._core.module_exit import answer
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    experiments,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS


def main() -> None:
    module = AnsibleModule(
        argument_specs.for_module(PLATFORMS.argument_spec(argument_specs.EXPERIMENT)),
        supports_check_mode=True,
    )
    answer(
        module,
        lambda options: experiments.run_phase(options, PLATFORMS, check=module.check_mode),
    )


if __name__ == "__main__":
    main()
