#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: commit_status
short_description: Set the status of a commit on its forge
version_added: 0.1.0
description:
  - Sets the status of a commit on GitHub, GitLab, Gitea or Forgejo by their HTTP APIs, so that the
    commit shows whether it is deployed.
  - The role P(shipping.code.ship#role) does this with C(ship_status).
  - If the forge does not take the status, the task returns a warning and does not fail.
  - It runs on the controller alone. In check mode nothing is sent.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
requirements:
  - requests (Python package) >= 2.31 on the controller
options:
  type:
    description: The type of the forge.
    type: str
    choices: [github, gitlab, gitea, forgejo]
    required: true
  url:
    description:
      - The address of the forge. For GitHub Enterprise it is that of the API, such as
        V(https://github.example.com/api/v3).
      - By default V(https://api.github.com) or V(https://gitlab.com). Gitea and Forgejo have no
        default.
      - The scheme V(http) is an error except for this host, since anyone on the way could read the
        token.
    type: str
    default: ""
  project:
    description: The path of the project, such as V(shop/web). On GitLab also its number.
    type: str
    required: true
  token:
    description: "A token that may write statuses. GitHub: a fine-grained token with C(Commit
      statuses: write). GitLab: a project access token with the scope C(api) and the role Developer.
      Gitea and Forgejo: a token with the scope C(write:repository)."
    type: str
    required: true
  ca_path:
    description: The path of the certificate authority that must have issued the certificate of the
      forge. By default the authorities of the Python package C(certifi).
    type: path
  commit:
    description: The full ID of the commit.
    type: str
    required: true
  branch:
    description: The branch of the commit, by which GitLab finds the pipeline that shows the status.
    type: str
    default: ""
  state:
    description: The state. GitLab shows V(pending) as running.
    type: str
    choices: [pending, success, failure]
    required: true
  name:
    description: The name of the status, which distinguishes it from others of the commit.
    type: str
    default: shipping.code
  description:
    description: One line, of which 140 characters are sent.
    type: str
    default: ""
  target_url:
    description: The address that the status links to, such as that of the log of the job.
    type: str
    default: ""
seealso:
  - module: shipping.code.ship
"""

EXAMPLES = r"""
- name: Show on the commit that it is being deployed
  shipping.code.commit_status:
    type: gitlab
    url: https://gitlab.example.com
    project: shop/web
    token: "{{ vault_status_token }}"
    commit: 9f2b1c7d3a5e8f60b4c2d1e0f9a8b7c6d5e4f3a2
    branch: main
    state: pending
    name: deploy/production
    target_url: https://ci.example.com/jobs/17
"""

RETURN = r"""
posted:
  description: Whether the forge has the status. If not, a warning has the cause.
  returned: success
  type: bool
  sample: true
"""
