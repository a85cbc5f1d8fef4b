#!/usr/bin/python
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_page
short_description: Write the status of apps as an HTML page
version_added: 0.1.0
description:
  - Writes one HTML file with the live release, the services, the drift and the history of each
    environment.
  - The file needs no other file and runs no script. Texts of releases appear as text.
  - The playbook C(shipping.code.status) calls it if C(page) is set.
  - It runs on the controller alone.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.attributes
  - shipping.code.attributes.writing
options:
  path:
    description: The path of the file on the controller. It is replaced in one step, with the mode
      C(0644).
    type: path
    required: true
  title:
    description: The title of the page.
    type: str
    default: Releases
  environments:
    description:
      - The results of M(shipping.code.release_info), by the names of the environments.
      - An environment whose result is empty or failed appears as not known.
    type: dict
    required: true
seealso:
  - module: shipping.code.release_info
"""

EXAMPLES = r"""
- name: Read the history of the shop
  shipping.code.release_info:
    app: shop
  register: shop

- name: Write the page
  shipping.code.status_page:
    path: /var/www/html/releases.html
    environments:
      production: "{{ shop }}"
"""

RETURN = r"""
path:
  description: The path of the file. C(changed) is true if more than the time of the page has
    changed.
  returned: success
  type: str
  sample: /var/www/html/releases.html
"""
