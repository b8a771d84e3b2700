"""DB parameter groups: API reference of their operations, user guide "Parameter groups for Amazon RDS"."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..rds import events, parameters, quotas
from ..rds.groups import ParameterGroup, parameter_group
from ..rds.store import check_identifier, combination, invalid, name_of, pages, place_of, tags_of
from ..wire import AwsError
from . import before
from .rds_instances import users_of_parameter_group

CHANGES_MAX = 20


def _group(call: AwsCall) -> ParameterGroup:
    return parameter_group(place_of(call), name_of(call.text("DBParameterGroupName")))


def _check_custom(group: ParameterGroup, what: str) -> None:
    if group.is_default:
        raise AwsError("InvalidDBParameterGroupState" if what == "deleted" else "InvalidParameterValue", f"Default DBParameterGroup cannot be {what}: {group.name}")


@before("rds", "CreateDBParameterGroup")
def _create(call: AwsCall) -> dict[str, Any]:
    place, family = place_of(call), call.text("DBParameterGroupFamily")
    name, tags = check_identifier("DBParameterGroupName", call.text("DBParameterGroupName"), 255), tags_of(call)
    if not parameters.is_family(family):
        raise invalid(f"ParameterGroupFamily {family} is not a valid parameter group family")
    if not call.text("Description"):
        raise invalid("The parameter Description must be provided and must not be blank.")
    if name in place.moto.db_parameter_groups:
        raise AwsError("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
    custom = sum(not each.is_default for each in place.moto.db_parameter_groups.values())
    quotas.require_room(place, "DBParameterGroups", custom + 1)
    group = ParameterGroup(place, name, family, call.text("Description"), tags=tags)
    place.moto.db_parameter_groups[name] = group
    return {"DBParameterGroup": group.shown()}


@before("rds", "DescribeDBParameterGroups")
def _describe(call: AwsCall) -> dict[str, Any]:
    if call.text("DBParameterGroupName"):
        groups = [_group(call)]
    else:
        groups = sorted(place_of(call).moto.db_parameter_groups.values(), key=lambda each: each.name)
    groups, more = pages(call, groups)
    return {"DBParameterGroups": [group.shown() for group in groups], **more}


@before("rds", "DescribeDBParameters")
def _describe_parameters(call: AwsCall) -> dict[str, Any]:
    group, source = _group(call), call.text("Source")
    if source not in ("", "user", "system", "engine-default"):
        raise invalid(f"Invalid source: {source}")
    rows = []
    for name, known in sorted(parameters.of(group.family).items()):
        shown = known.shown()
        if name in group.values:
            value, method = group.values[name]
            shown |= {"ParameterValue": value, "Source": "user", "ApplyMethod": method}
        if source in ("", shown["Source"]):
            rows.append(shown)
    rows, more = pages(call, rows)
    return {"Parameters": rows, **more}


@before("rds", "DescribeEngineDefaultParameters")
def _defaults(call: AwsCall) -> dict[str, Any]:
    family = call.text("DBParameterGroupFamily")
    if not parameters.is_family(family):
        raise invalid(f"ParameterGroupFamily {family} is not a valid parameter group family")
    rows, more = pages(call, [known.shown() for _, known in sorted(parameters.of(family).items())])
    return {"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": rows, **more}}


def _checked(group: ParameterGroup, given: list[dict[str, Any]], with_value: bool) -> dict[str, tuple[str, str]]:
    """The changes by name; nothing is changed when one of them is refused."""
    if len(given) > CHANGES_MAX:
        raise invalid(f"You can modify a maximum of {CHANGES_MAX} parameters in a single request.")
    changes = {}
    for each in given:
        name, value, method = str(each.get("ParameterName")), str(each.get("ParameterValue", "")), str(each.get("ApplyMethod") or "")
        known = parameters.find(group.family, name)
        if known is None:
            raise invalid(f"Could not find parameter with name: {name}")
        if not known.modifiable:
            raise invalid(f"The parameter {name} cannot be modified.")
        if method not in ("immediate", "pending-reboot"):
            raise invalid(f"The apply method of {name} must be immediate or pending-reboot.")
        if method == "immediate" and not known.dynamic:
            raise combination(f"cannot use immediate apply method for static parameter: {name}")
        if with_value and not known.admits(value):
            raise invalid(f"Invalid parameter value: {value} for: {name} allowed values are: {known.allowed}")
        changes[name] = (value, method)
    return changes


def _tell_instances(group: ParameterGroup, changes: dict[str, tuple[str, str]]) -> None:
    immediate = {name for name, (_, method) in changes.items() if method == "immediate"}
    for instance in users_of_parameter_group(group.place, group.name):
        if instance.parameter_group == group.name:
            instance.parameters_changed(list(changes), immediate, group)
    for name in changes:
        events.note(group, "configuration change", f"Updated parameter {name} to {changes[name][0]} with apply method {changes[name][1]}")


@before("rds", "ModifyDBParameterGroup")
def _modify(call: AwsCall) -> dict[str, Any]:
    group = _group(call)
    _check_custom(group, "modified")
    changes = _checked(group, call.params.get("Parameters") or [], with_value=True)
    if not changes:
        raise invalid("The parameter Parameters must be provided and must not be blank.")
    changed = {name: change for name, change in changes.items() if group.values.get(name, ("",))[0] != change[0]}
    group.values |= changes
    _tell_instances(group, changed)
    return {"DBParameterGroupName": group.name}


@before("rds", "ResetDBParameterGroup")
def _reset(call: AwsCall) -> dict[str, Any]:
    group = _group(call)
    _check_custom(group, "modified")
    given = call.params.get("Parameters") or []
    if call.params.get("ResetAllParameters"):
        if given:
            raise combination("You can't specify both Parameters and ResetAllParameters.")
        known = parameters.of(group.family)
        changes = {name: ("", "immediate" if known[name].dynamic else "pending-reboot") for name in group.values}
    else:
        changes = _checked(group, given, with_value=False)
    changed = {name: change for name, change in changes.items() if name in group.values}
    for name in changed:
        group.values.pop(name)
    _tell_instances(group, changed)
    return {"DBParameterGroupName": group.name}


@before("rds", "DeleteDBParameterGroup")
def _delete(call: AwsCall) -> dict[str, Any]:
    group = _group(call)
    _check_custom(group, "deleted")
    if users_of_parameter_group(group.place, group.name):
        raise AwsError("InvalidDBParameterGroupState", f"One or more database instances are still members of this parameter group {group.name}, so the group cannot be deleted")
    group.place.moto.db_parameter_groups.pop(group.name)
    return {}
