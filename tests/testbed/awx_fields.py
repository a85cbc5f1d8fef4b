# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of AWX's objects, and what its serializers make of the values that are sent.

By AWX 24.6.1: awx/api/serializers.py, awx/api/fields.py and Django REST framework's fields, whose
words these are. Like AWX, it ignores fields that it does not know or that can only be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

IsThere = Callable[[str, int], bool]
"""Whether there is an object of a kind and an id."""


@dataclass(frozen=True)
class FieldRule:
    """A field of a kind: its type, or the kind that it refers to."""

    type: type = str
    to: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    minimum: int | None = None
    readable_only: bool = False
    is_fixed: bool = False
    """It is ignored once the object is there."""

    @property
    def may_be_null(self) -> bool:
        """Return whether null is a value of the field."""
        return self.default is None and not self.required


def _text(default: str = "") -> FieldRule:
    return FieldRule(str, default=default)


def _flag(*, default: bool = False) -> FieldRule:
    return FieldRule(bool, default=default)


def _number(default: int = 0, minimum: int | None = None) -> FieldRule:
    return FieldRule(int, default=default, minimum=minimum)


def _to(kind: str, *, required: bool = False, is_fixed: bool = False) -> FieldRule:
    return FieldRule(int, to=kind, required=required, is_fixed=is_fixed)


_NAMED = {"name": FieldRule(required=True), "description": _text()}
_STATUS = {"status": FieldRule(default="never updated", readable_only=True)}
_ASK = {
    f"ask_{what}_on_launch": _flag()
    for what in (
        "scm_branch",
        "diff_mode",
        "variables",
        "limit",
        "tags",
        "skip_tags",
        "job_type",
        "verbosity",
        "forks",
    )
}
_ASK |= {
    f"ask_{what}_on_launch": _flag()
    for what in ("inventory", "labels", "credential", "execution_environment", "timeout")
}
# awx/main/models/credential.py: KIND_CHOICES.
CREDENTIAL_KINDS = (
    "ssh",
    "vault",
    "net",
    "scm",
    "cloud",
    "registry",
    "token",
    "insights",
    "external",
    "kubernetes",
    "galaxy",
    "cryptography",
)
# awx/main/models/notifications.py: NOTIFICATION_TYPES.
NOTIFICATION_TYPES = (
    "awssns",
    "email",
    "grafana",
    "irc",
    "mattermost",
    "pagerduty",
    "rocketchat",
    "slack",
    "twilio",
    "webhook",
)
KINDS: dict[str, dict[str, FieldRule]] = {
    "organizations": {
        **_NAMED,
        "max_hosts": _number(minimum=0),
        "default_environment": _to("execution_environments"),
    },
    "credential_types": {
        **_NAMED,
        "kind": FieldRule(required=True, choices=CREDENTIAL_KINDS),
        "inputs": FieldRule(dict, default={}),
        "injectors": FieldRule(dict, default={}),
        "namespace": FieldRule(readable_only=True),
        "managed": FieldRule(bool, default=False, readable_only=True),
    },
    "credentials": {
        **_NAMED,
        "organization": _to("organizations"),
        "credential_type": _to("credential_types", required=True),
        "inputs": FieldRule(dict, default={}),
    },
    "execution_environments": {
        **_NAMED,
        "organization": _to("organizations"),
        "image": FieldRule(required=True),
        "credential": _to("credentials"),
        "pull": FieldRule(default="", choices=("", "always", "missing", "never")),
    },
    "projects": {
        **_NAMED,
        "organization": _to("organizations"),
        "scm_type": FieldRule(default="", choices=("", "git", "svn", "insights", "archive")),
        **{name: _text() for name in ("scm_url", "scm_branch", "scm_refspec")},
        **{
            name: _flag()
            for name in (
                "scm_clean",
                "scm_track_submodules",
                "scm_delete_on_update",
                "scm_update_on_launch",
                "allow_override",
            )
        },
        "credential": _to("credentials"),
        "default_environment": _to("execution_environments"),
        "timeout": _number(),
        "scm_update_cache_timeout": _number(minimum=0),
        **_STATUS,
    },
    "inventories": {
        **_NAMED,
        "organization": _to("organizations", required=True),
        "kind": _text(),
        "host_filter": FieldRule(),
        "variables": _text(),
    },
    "inventory_sources": {
        **_NAMED,
        # Read-only once it is there: InventorySourceSerializer.build_relational_field.
        "inventory": _to("inventories", required=True, is_fixed=True),
        "source": FieldRule(required=True, choices=("file", "scm", "ec2")),
        "source_project": _to("projects"),
        **{
            name: _text()
            for name in (
                "source_path",
                "source_vars",
                "scm_branch",
                "enabled_var",
                "enabled_value",
                "host_filter",
                "limit",
            )
        },
        "credential": _to("credentials"),
        "execution_environment": _to("execution_environments"),
        **{name: _flag() for name in ("overwrite", "overwrite_vars", "update_on_launch")},
        "update_cache_timeout": _number(minimum=0),
        "timeout": _number(),
        "verbosity": FieldRule(int, default=1, choices=(0, 1, 2)),
        **_STATUS,
    },
    "notification_templates": {
        **_NAMED,
        "organization": _to("organizations", required=True),
        "notification_type": FieldRule(required=True, choices=NOTIFICATION_TYPES),
        "notification_configuration": FieldRule(dict, default={}),
        "messages": FieldRule(
            dict,
            default={"started": None, "success": None, "error": None, "workflow_approval": None},
        ),
    },
    "job_templates": {
        **_NAMED,
        "job_type": FieldRule(default="run", choices=("run", "check")),
        "inventory": _to("inventories"),
        "project": _to("projects"),
        **{
            name: _text()
            for name in (
                "playbook",
                "scm_branch",
                "limit",
                "extra_vars",
                "job_tags",
                "skip_tags",
                "start_at_task",
            )
        },
        "forks": _number(minimum=0),
        "timeout": _number(),
        "verbosity": FieldRule(int, default=0, choices=(0, 1, 2, 3, 4, 5)),
        **_ASK,
        **{
            name: _flag()
            for name in (
                "allow_simultaneous",
                "become_enabled",
                "diff_mode",
                "use_fact_cache",
                "survey_enabled",
                "force_handlers",
            )
        },
        "execution_environment": _to("execution_environments"),
        "organization": FieldRule(int, to="organizations", readable_only=True),
        **_STATUS,
    },
    "schedules": {
        **_NAMED,
        "unified_job_template": _to("job_templates", required=True),
        "rrule": FieldRule(required=True),
        "enabled": _flag(default=True),
        "extra_data": FieldRule(dict, default={}),
    },
    "workflow_job_templates": dict(_NAMED),
    "teams": {**_NAMED, "organization": _to("organizations", required=True)},
}

# rest_framework/fields.py: BooleanField.
_TRUE = ("t", "y", "yes", "true", "on", "1")
_FALSE = ("f", "n", "no", "false", "off", "0")
_BLANK = "This field may not be blank."
_NULL = "This field may not be null."


class InvalidValue(ValueError):
    """A value that a serializer's field rejects; its text is AWX's."""


def read_fields(
    kind: str, sent: Mapping[str, Any], is_there: IsThere, *, is_new: bool
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the values that AWX takes from what is sent, and its errors by field."""
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, rule in KINDS[kind].items():
        if rule.readable_only or (rule.is_fixed and not is_new):
            continue
        if name not in sent:
            if rule.required and is_new:
                errors[name] = ["This field is required."]
            continue
        try:
            values[name] = _value(rule, sent[name], is_there)
        except InvalidValue as error:
            errors[name] = [_words(kind, name, str(error), sent[name])]
    return values, errors


def _words(kind: str, name: str, text: str, value: Any) -> str:
    # awx/api/fields.py: DeprecatedCredentialField.
    if (kind, name) == ("inventory_sources", "credential") and "does not exist" in text:
        return f"Credential {value} does not exist"
    return text


def _value(rule: FieldRule, value: Any, is_there: IsThere) -> Any:
    if rule.to:
        return _reference(rule, value, is_there)
    if rule.type is bool:
        return _boolean(value)
    if rule.choices:
        return _choice(rule, value)
    if rule.type is int:
        return _integer(rule, value)
    # JSONField takes anything; the model validates it.
    return _string(rule, value) if rule.type is str else value


def _reference(rule: FieldRule, value: Any, is_there: IsThere) -> int | None:
    if value is None:
        if not rule.may_be_null:
            raise InvalidValue(_NULL)
        return None
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        name = type(value).__name__
        raise InvalidValue(f"Incorrect type. Expected pk value, received {name}.")
    if not is_there(rule.to, int(value)):
        raise InvalidValue(f'Invalid pk "{value}" - object does not exist.')
    return int(value)


def _boolean(value: Any) -> bool:
    # awx/api/fields.py: BooleanNullField takes null and the empty text for false.
    if value in (None, ""):
        return False
    word = str(value).lower()
    if isinstance(value, (dict, list)) or word not in (*_TRUE, *_FALSE):
        raise InvalidValue("Must be a valid boolean.")
    return word in _TRUE


def _choice(rule: FieldRule, value: Any) -> Any:
    if value is None and rule.type is str:
        value = ""
    if value is None:
        raise InvalidValue(_NULL)
    by_text = {str(choice): choice for choice in rule.choices}
    if str(value) not in by_text:
        raise InvalidValue(f'"{value}" is not a valid choice.')
    return by_text[str(value)]


def _integer(rule: FieldRule, value: Any) -> int:
    if value is None:
        raise InvalidValue(_NULL)
    text = re.sub(r"\.0*\s*$", "", str(value)).strip()
    if not re.fullmatch(r"[-+]?\d+", text):
        raise InvalidValue("A valid integer is required.")
    if rule.minimum is not None and int(text) < rule.minimum:
        raise InvalidValue(f"Ensure this value is greater than or equal to {rule.minimum}.")
    return int(text)


def _string(rule: FieldRule, value: Any) -> str | None:
    if value is None and rule.may_be_null:
        return None
    if isinstance(value, (bool, dict, list)):
        raise InvalidValue("Not a valid string.")
    text = "" if value is None else str(value).strip()
    if rule.required and not text:
        # Null gets past the serializer, and is the model's to reject.
        raise InvalidValue("This field cannot be blank." if value is None else _BLANK)
    return text
