# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End the run if an inventory source cannot be read."""

from __future__ import annotations

from ansible import constants

_SETTING = "INVENTORY_ANY_UNPARSED_IS_FAILED"


def fail_on_unparsed_source() -> None:
    """Make Ansible fail where a source cannot be read, unless the user has decided about that.

    By default it only warns, and continues without the hosts of the source.

    A plugin has no public way to do so: ``InventoryManager.parse_source`` of ansible-core 2.21
    catches every ``Exception`` of a plugin, and then reads this constant alone. A ``SystemExit``
    would pass, but would also end a program that uses the manager as a library, which expects an
    ``AnsibleError``. So the constant is set as the user's own setting would set
    it, only after the source has failed, and nowhere else in the collection.
    tests/unit/plugins/plugin_utils/_controller/test_inventory_failure.py notices where a release
    of ansible-core does not heed it.
    """
    _value, origin = constants.config.get_config_value_and_origin(_SETTING)
    if origin == "default":
        setattr(constants, _SETTING, True)
