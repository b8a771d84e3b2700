"""Launch templates: EC2 user guide, "Manage launch template versions" (a new version may start from another one, whose
parameters it overrides); API reference of the operations named below.
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.utils import parse_user_data

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, invalid, listed, page
from .ec2_objects import KINDS, as_aws_says, check_id, forget_tags, look_up, required, store, tag, tags_asked, tags_of
from .ec2_tokens import first_answer, remember

NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")


def shown_template(template: Any) -> Shown:
    ec2 = template.ec2_backend
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.create_time,
        "CreatedBy": getattr(template, "created_by", f"arn:{ec2.partition}:iam::{ec2.account_id}:root"),
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number,
        "Tags": tags_of(ec2, template.id),
    }


def shown_version(version: Any) -> Shown:
    template = version.template
    shown = {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description or None,
        "CreateTime": version.create_time,
        "CreatedBy": getattr(version, "created_by", shown_template(template)["CreatedBy"]),
        "DefaultVersion": template.is_default(version),
        "LaunchTemplateData": {name: value for name, value in version.data.items() if value is not None},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _data(call: AwsCall) -> dict[str, Any]:
    data = dict(call.params.get("LaunchTemplateData") or {})
    if "UserData" in data:
        with as_aws_says():
            data["UserData"] = parse_user_data(data["UserData"])
    return data


def _existing(template: Any) -> list[Any]:
    gone = getattr(template, "gone_versions", set())
    return [version for version in template.versions if version.number not in gone]


def the_template(call: AwsCall) -> Any:
    id, name, ec2 = call.params.get("LaunchTemplateId"), call.params.get("LaunchTemplateName"), store(call)
    if bool(id) == bool(name):
        raise AwsError("MissingParameter" if not id else "InvalidParameterCombination", "Specify either a launch template ID or a launch template name, but not both.")
    if id:
        check_id("lt", str(id))
        found = look_up(ec2, "lt", str(id))
        if found is None:
            raise KINDS["lt"].missing(str(id))
        return found
    found = ec2.launch_templates.get(ec2.launch_template_name_to_ids.get(name))
    if found is None:
        raise AwsError("InvalidLaunchTemplateName.NotFoundException", f"The specified launch template, with template name {name}, does not exist.")
    return found


def the_version(template: Any, asked: str) -> Any:
    if asked == "$Latest":
        return template.versions[-1]
    if asked == "$Default":
        return template.default_version()
    if not str(asked).isdigit():
        raise AwsError("InvalidParameterValue", f"Invalid value '{asked}' for version. Specify a version number, $Latest or $Default.")
    found = next((version for version in _existing(template) if str(version.number) == str(asked)), None)
    if found is None:
        raise AwsError("InvalidLaunchTemplateId.VersionNotFound", f"Could not find the specified version {asked} for the launch template with ID {template.id}.")
    return found


@before("ec2", "CreateLaunchTemplate")
def _create(call: AwsCall) -> dict[str, Any]:
    known = first_answer(call)
    if known is not None:
        return known
    ec2, name = store(call), required(call, "LaunchTemplateName")
    tags = tags_asked(call, "launch-template")
    if not NAME.fullmatch(name):
        raise AwsError("InvalidLaunchTemplateName.MalformedException", "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: ( ) . / - _.")
    if name in ec2.launch_template_name_to_ids:
        raise AwsError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    template = ec2.create_launch_template(name, call.text("VersionDescription"), _data(call), {})
    template.created_by = template.versions[0].created_by = call.identity.arn
    tag(ec2, template.id, tags)
    return remember(call, {"LaunchTemplate": shown_template(template)})


@before("ec2", "CreateLaunchTemplateVersion")
def _create_version(call: AwsCall) -> dict[str, Any]:
    known = first_answer(call)
    if known is not None:
        return known
    template, data = the_template(call), _data(call)
    if call.params.get("SourceVersion"):
        data = {**the_version(template, call.text("SourceVersion")).data, **data}
    version = template.create_version(data, call.text("VersionDescription"))
    version.created_by = call.identity.arn
    return remember(call, {"LaunchTemplateVersion": shown_version(version)})


@before("ec2", "ModifyLaunchTemplate")
def _modify(call: AwsCall) -> dict[str, Any]:
    template = the_template(call)
    # The parameter is SetDefaultVersion on the wire, and DefaultVersion in the SDKs.
    if call.params.get("DefaultVersion"):
        template.default_version_number = the_version(template, call.text("DefaultVersion")).number
    return {"LaunchTemplate": shown_template(template)}


@before("ec2", "DeleteLaunchTemplate")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, template = store(call), the_template(call)
    shown = shown_template(template)
    ec2.launch_templates.pop(template.id)
    ec2.launch_template_name_to_ids.pop(template.name, None)
    forget_tags(ec2, template.id)
    return {"LaunchTemplate": shown}


@before("ec2", "DeleteLaunchTemplateVersions")
def _delete_versions(call: AwsCall) -> dict[str, Any]:
    template, deleted, kept = the_template(call), [], []
    for asked in call.params.get("Versions") or []:
        named = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(asked) if str(asked).isdigit() else 0}
        version = next((each for each in _existing(template) if str(each.number) == str(asked)), None)
        if version is None:
            kept.append({**named, "ResponseError": {"Code": "launchTemplateVersionDoesNotExist", "Message": f"The specified version {asked} does not exist."}})
        elif template.is_default(version):
            kept.append({**named, "ResponseError": {"Code": "unexpectedError", "Message": "The default version can't be deleted."}})
        else:
            template.gone_versions = {*getattr(template, "gone_versions", set()), version.number}
            deleted.append(named)
    return {"SuccessfullyDeletedLaunchTemplateVersions": deleted, "UnsuccessfullyDeletedLaunchTemplateVersions": kept}


@before("ec2", "DescribeLaunchTemplates")
def _describe(call: AwsCall) -> Reply:
    ec2, ids, names = store(call), call.params.get("LaunchTemplateIds"), call.params.get("LaunchTemplateNames")
    templates = list(ec2.launch_templates.values())
    if names:
        if any(name not in ec2.launch_template_name_to_ids for name in names):
            raise AwsError("InvalidLaunchTemplateName.NotFoundException", "At least one of the launch templates specified in the request does not exist.")
        templates = [template for template in templates if template.name in names]
    objects = map(shown_template, templates)
    filters = {"create-time": "CreateTime", "launch-template-name": "LaunchTemplateName"}
    return listed(call, "LaunchTemplates", objects, filters, id_member="LaunchTemplateId", prefix="lt", ids=ids)


@before("ec2", "DescribeLaunchTemplateVersions")
def _describe_versions(call: AwsCall) -> Reply:
    params, asked = call.params, call.params.get("Versions") or []
    if params.get("LaunchTemplateId") or params.get("LaunchTemplateName"):
        template = the_template(call)
        versions = [the_version(template, each) for each in asked] if asked else list(reversed(_existing(template)))
        low, high = int(params.get("MinVersion") or 0), int(params.get("MaxVersion") or 2**31)
        versions = [version for version in versions if low <= version.number <= high]
    elif asked and set(asked) <= {"$Latest", "$Default"}:
        versions = [the_version(template, each) for template in store(call).launch_templates.values() for each in asked]
    else:
        raise invalid("To describe the launch template data for all your launch templates, specify $Latest, $Default, or both, and no version numbers.")
    start, end, token = page(call, len(versions))
    return call.answer({"LaunchTemplateVersions": [shown_version(each) for each in versions[start:end]], **({"NextToken": token} if token else {})})
