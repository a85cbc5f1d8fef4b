# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the catalog of a task on the controller."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


class CatalogAction(ActionBase):
    """An action that reads a catalog."""

    def catalog_path(self, path: str) -> str:
        """Return the path of a catalog; of one that is not there, the path beside the playbook."""
        try:
            # ActionBase._find_needle is private; by it, copy and template search their files.
            return str(self._find_needle("files", path))
        except AnsibleError:
            return str(self._loader.path_dwim(path))
