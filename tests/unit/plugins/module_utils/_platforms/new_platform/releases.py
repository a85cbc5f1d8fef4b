# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy on the tiny platform by the modules' own main functions; print what each came to."""

from __future__ import annotations

import contextlib
import io
import json

import yaml
from ansible.module_utils import basic
from ansible_collections.shipping.code.plugins.doc_fragments.platform import ModuleDocFragment
from ansible_collections.shipping.code.plugins.modules import release, release_info, rollback

APP = {"app": "shop", "platform": "memory", "memory_place": "there"}


def call(module, **options):
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {**APP, **options}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.suppress(SystemExit):
        module.main()
    answer = json.loads(written.getvalue())
    assert not answer.get("failed"), answer
    return answer


def deploy(version, **images):
    spec = {"services": {name: {"image": image} for name, image in images.items()}}
    return call(release, version=version, spec=spec)


def actions(answer):
    return {service["name"]: service["action"] for service in answer["plan"]["services"]}


first = deploy("1", web="nginx:1", worker="busybox:1", old="busybox:1")
again = deploy("1", web="nginx:1", worker="busybox:1", old="busybox:1")
second = deploy("2", web="nginx:2", worker="busybox:1")
back = call(rollback)
info = call(release_info)
print(
    json.dumps(
        {
            "changed": [answer["changed"] for answer in (first, again, second, back)],
            "warnings": [
                # As texts or with their place, by the version of ansible-core.
                json.dumps(answer["warnings"]).count("this memory is new")
                for answer in (first, again, second, back)
            ],
            "actions": [actions(answer) for answer in (first, again, second, back)],
            "live": info["live"]["version"],
            "services": sorted(info["services"]),
            "drift": info["drift"],
            "options": yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"],
        }
    )
)
