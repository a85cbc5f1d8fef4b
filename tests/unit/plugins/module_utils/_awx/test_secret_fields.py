# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of credentials and notification templates messages may show."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx.secret_fields import plain_values


def credential(type_name: str, **inputs: object) -> dict:
    return {"credentials": [{"name": "c", "credential_type": type_name, "inputs": inputs}]}


def template(kind: str, **values: object) -> dict:
    about = {"name": "n", "notification_type": kind, "notification_configuration": values}
    return {"notification_templates": [about]}


OWN = {"fields": [{"id": "user", "label": "U"}, {"id": "key", "label": "K", "secret": True}]}


@pytest.mark.parametrize(
    ("objects", "types", "plain"),
    [
        (credential("Machine", username="r", ssh_key_data="k", become_method="su"), {}, "r su"),
        (credential("Machine", username="same", password="same"), {}, ""),
        (credential("Theirs", user="u", key="k"), {}, ""),
        (credential("Theirs", user="u", key="k"), {"Theirs": OWN}, "u"),
        (
            {"credential_types": [{"name": "Own", "inputs": OWN}]}
            | credential("Own", user="u", key="k"),
            {},
            "u",
        ),
        # What is a secret in AWX is one, whatever is declared.
        (
            {"credential_types": [{"name": "Own", "inputs": {"fields": [{"id": "key"}]}}]}
            | credential("Own", key="k"),
            {"Own": OWN},
            "",
        ),
        (
            template("email", host="h", port=25, use_tls=True, password="p", recipients=["a", "b"]),
            {},
            "h 25 a b",
        ),
        (template("webhook", url="https://u", username="n", headers={"Token": "t"}), {}, "n"),
        (template("slack", token="t", channels=["c"]), {}, "c"),
        (template("unknown", host="h"), {}, ""),
        ({"credentials": None}, {}, ""),
    ],
)
def test_what_is_no_secret(objects, types, plain):
    assert plain_values(objects, types) == set(plain.split())
