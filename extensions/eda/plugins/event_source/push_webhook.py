# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emit events of pushes. The implementation is in plugins/plugin_utils/_events."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Emit an event for each push that a git server reports by a webhook
description:
  - Receives the webhooks of GitHub, GitLab, Gitea and Forgejo. Emits an event for each push to one
    of O(branches) of one of O(repositories).
  - Rejects a request without a signature, or with a wrong one, with the HTTP status 401. GitHub,
    Gitea and Forgejo sign the body with the secret (HMAC-SHA256). GitLab sends the secret itself,
    so use TLS.
  - Ignores other events, other branches, tags and deleted branches.
author:
  - shipping.code contributors (@shipping-code)
requirements:
  - aiohttp, which ansible-rulebook installs
options:
  host:
    description: The address to listen on.
    type: str
    default: 127.0.0.1
  port:
    description: The TCP port to listen on.
    type: int
    required: true
  secret_file:
    description: The path of a file with the secret of the webhook. The file is read at each
      request, so that a new secret needs no restart.
    type: path
    required: true
  repositories:
    description: The path or URL of each repository, for the controller, by its full name on the
      server, such as V(team/shop). The URL in the request is not used.
    type: dict
    required: true
  branches:
    description: The names of the branches.
    type: list
    elements: str
    required: true
  certfile:
    description: The path of a file with the certificate of the server and its chain. Without it,
      the source listens without TLS.
    type: path
  keyfile:
    description: The path of a file with the key of O(certfile).
    type: path
notes:
  - An event has C(type), which is V(push), C(project), C(repository), C(branch) and C(commit).
"""

EXAMPLES = r"""
- name: Deploy each push
  hosts: all
  sources:
    - shipping.code.push_webhook:
        port: 5000
        secret_file: /etc/ship/webhook-secret
        repositories:
          team/shop: https://git.example.com/team/shop.git
        branches: [main]
  rules:
    - name: Build, test and deploy the commit
      condition: event.type == "push"
      action:
        run_playbook:
          name: shipping.code.ship
          extra_vars:
            repository: "{{ event.repository }}"
            commit: "{{ event.commit }}"
            branch: "{{ event.branch }}"
"""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

_TOP = "_shipping_code"


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Put events into the queue until canceled."""
    server = _package("plugin_utils._events.webhook_server")
    # ansible-rulebook puts a queue of its own among the arguments.
    options = {name: value for name, value in args.items() if name != "eda_feedback_queue"}
    await server.run(queue, options)


def _package(name: str) -> Any:
    """Import a part of the collection.

    ansible-rulebook loads the source by its path, without Ansible's loader.
    """
    # Repeated in ldap_membership.py: loading a shared file by its path takes as much code.
    # ``ansible_collections`` cannot be imported there, hence a package name of our own. All modules
    # that are loaded this way use relative imports only.
    if _TOP not in sys.modules:
        top = types.ModuleType(_TOP)
        top.__path__ = [str(Path(__file__).resolve().parents[4] / "plugins")]
        sys.modules[_TOP] = top
    return importlib.import_module(f"{_TOP}.{name}")
