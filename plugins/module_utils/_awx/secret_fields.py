# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Separate secret values from plain ones, so that messages hide only secrets. Pure.

A value of which nothing is known counts as secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# awx_plugins.credentials.plugins, for runs in which AWX does not answer.
_SECRETS_OF_TYPES: Mapping[str, frozenset[str]] = {
    "Machine": frozenset(("password", "ssh_key_data", "ssh_key_unlock", "become_password")),
    "Source Control": frozenset(("password", "ssh_key_data", "ssh_key_unlock")),
    "Container Registry": frozenset(("password",)),
}
# awx/main/notifications: parameters of the type "password". Headers and the URLs of webhooks may
# have a token, so that their values are secret here, too.
_PLAIN_IN_NOTIFICATIONS: Mapping[str, frozenset[str]] = {
    "awssns": frozenset(("aws_region", "aws_access_key_id", "sns_topic_arn")),
    "email": frozenset(
        ("host", "port", "username", "use_tls", "use_ssl", "sender", "recipients", "timeout")
    ),
    "grafana": frozenset(("grafana_url",)),
    "irc": frozenset(("server", "port", "nickname", "use_ssl", "targets")),
    "mattermost": frozenset(("mattermost_no_verify_ssl",)),
    "pagerduty": frozenset(("subdomain", "client_name")),
    "rocketchat": frozenset(("rocketchat_no_verify_ssl",)),
    "slack": frozenset(("channels", "hex_color")),
    "twilio": frozenset(("account_sid", "from_number", "to_numbers")),
    "webhook": frozenset(("http_method", "disable_ssl_verification", "username")),
}


def plain_values(
    objects: Mapping[str, Any], types: Mapping[str, Mapping[str, Any]] | None = None
) -> set[str]:
    """Return the values of credentials and notification templates that are not secret.

    ``types`` has the inputs of the credential types that AWX has, by name.
    """
    plain, secret = set[str](), set[str]()
    for values, secret_names in _mappings(objects, types or {}):
        for name, value in values.items():
            is_plain = secret_names is not None and name not in secret_names
            (plain if is_plain else secret).update(_texts(value))
    # A value that is plain in one place and a secret in another stays hidden.
    return plain - secret


def _mappings(
    objects: Mapping[str, Any], types: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], frozenset[str] | None]]:
    """Yield each mapping with the names of its secrets; None where they are unknown."""
    known = _known_types(objects, types)
    for credential in objects.get("credentials") or ():
        yield credential.get("inputs") or {}, known.get(credential["credential_type"])
    for template in objects.get("notification_templates") or ():
        values = template.get("notification_configuration") or {}
        plain = _PLAIN_IN_NOTIFICATIONS.get(template["notification_type"], frozenset())
        yield values, frozenset(values) - plain


def _known_types(
    objects: Mapping[str, Any], types: Mapping[str, Mapping[str, Any]]
) -> dict[str, frozenset[str]]:
    """Return the names of the secrets of each credential type that is known."""
    known = dict(_SECRETS_OF_TYPES)
    declared = [(one["name"], one.get("inputs")) for one in objects.get("credential_types") or ()]
    # What AWX has may differ from what is declared: a secret of either is one.
    for type_name, inputs in [*types.items(), *declared]:
        if inputs:
            known[type_name] = known.get(type_name, frozenset()) | _secret_names(inputs)
    return known


def _secret_names(inputs: Mapping[str, Any]) -> frozenset[str]:
    fields = inputs.get("fields") or ()
    return frozenset(str(field.get("id")) for field in fields if field.get("secret"))


def _texts(value: Any) -> set[str]:
    """Return the texts within a value, as AnsibleModule hides them."""
    if isinstance(value, Mapping):
        return _texts(list(value.values()))
    if isinstance(value, (list, tuple)):
        return set[str]().union(*map(_texts, value))
    return set() if value is None or isinstance(value, bool) else {str(value)}
