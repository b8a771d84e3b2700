"""Renaming and moving users and groups: tags and access keys stay theirs, names are unique (API reference: UpdateUser, UpdateGroup)."""

from __future__ import annotations

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import after, before
from .iam_documents import store, user_of


@before("iam", "UpdateUser")
def _before(call: AwsCall) -> None:
    user, new = user_of(call), call.params.get("NewUserName")
    others = (name.lower() for name in store(call).users if name != user.name)
    if new is not None and str(new).lower() in others:
        raise AwsError("EntityAlreadyExists", f"User with name {new} already exists.", 409)
    user.sandbox_arn = user.arn


@after("iam", "UpdateUser")
def _after(call: AwsCall, reply: Reply) -> None:
    users = store(call).users
    user = users.get(str(call.params.get("NewUserName") or call.params.get("UserName")))
    if reply.status >= 400 or user is None:
        return
    # moto keeps tags by ARN, and keys by the name that their user had when they were made.
    tagger, before_arn = store(call).tagger, user.sandbox_arn
    if before_arn != user.arn:
        tagger.copy_tags(before_arn, user.arn)
        tagger.delete_all_tags_for_resource(before_arn)
    for key in user.access_keys:
        key.user_name = user.name


@after("iam", "UpdateGroup")
def _after_group(call: AwsCall, reply: Reply) -> None:
    """API reference: UpdateGroup, NewPath. moto heeds it only beside a new name."""
    group = store(call).groups.get(str(call.params.get("NewGroupName") or call.params.get("GroupName")))
    if reply.status < 400 and group is not None and call.params.get("NewPath"):
        group.path = call.text("NewPath")
