"""What RDS makes in other services for an instance: the master user's secret, network interfaces, log groups.

User guide "Password management with Amazon RDS and AWS Secrets Manager", "Publishing database logs to Amazon
CloudWatch Logs", "Working with a DB instance in a VPC".
"""

from __future__ import annotations

import json
import secrets
import string
import uuid

from ..moto_bridge import backend
from .groups import find_subnet_group
from .instances import Instance, real_server

PASSWORD_CHARACTERS = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"


def new_password(instance: Instance) -> str:
    """One that RDS makes up; where a test has put a real PostgreSQL behind the instance, the one that this server has."""
    known = real_server(instance)
    if known and known.get("master_password"):
        return str(known["master_password"])
    return "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(28))


def make_secret(instance: Instance, key_arn: str | None) -> None:
    """`rds!db-UUID`; its JSON has `username` and `password`, and it rotates every seven days."""
    place = instance.place
    store = backend("secretsmanager", place.account, place.region)
    password = new_password(instance)
    made = store.create_managed_secret(
        service_name="rds",
        secret_id=f"rds!db-{uuid.uuid4()}",
        secret_string=json.dumps({"username": instance.values["MasterUsername"], "password": password}),
        description=f"The secret associated with the primary RDS DB instance: {instance.arn}",
        tags=[{"Key": "aws:rds:primaryDBInstanceArn", "Value": instance.arn}],
        kms_key_id=key_arn,
    )
    made.rotation_enabled = True
    made.auto_rotate_after_days = 7
    instance.secret = {"SecretArn": made.arn, "SecretStatus": "creating", "KmsKeyId": key_arn}
    instance.password = password


def rotate_secret(instance: Instance) -> None:
    password = new_password(instance)
    store = backend("secretsmanager", instance.place.account, instance.place.region)
    text = json.dumps({"username": instance.values["MasterUsername"], "password": password})
    found = store.secrets[instance.secret["SecretArn"]] if instance.secret else None
    if found is None:
        return
    store._add_secret(found.name, text, version_id=str(uuid.uuid4()), version_stages=["AWSCURRENT"], kms_key_id=found.kms_key_id, tags=found.tags)
    instance.password = password


def drop_secret(instance: Instance) -> None:
    if instance.secret is None:
        return
    store = backend("secretsmanager", instance.place.account, instance.place.region)
    for key in [key for key, secret in dict.items(store.secrets) if secret.arn == instance.secret["SecretArn"]]:
        dict.pop(store.secrets, key)
    instance.secret = None


def log_group_name(instance: Instance, log: str) -> str:
    return f"/aws/rds/instance/{instance.name}/{log}"


def make_log_groups(instance: Instance) -> None:
    """Those that are missing; they never expire, and they stay when the instance goes."""
    store = backend("logs", instance.place.account, instance.place.region)
    names = [log_group_name(instance, log) for log in instance.values.get("EnabledCloudwatchLogsExports") or []]
    if instance.values["MonitoringInterval"]:
        names.append("RDSOSMetrics")
    for name in names:
        if name not in store.groups:
            store.ensure_log_group(name)
            # Enhanced Monitoring's group keeps 30 days.
            store.groups[name].retention_in_days = 30 if name == "RDSOSMetrics" else None
            store.groups[name].made_by = "rds.amazonaws.com"


def make_interfaces(instance: Instance) -> None:
    """One for each server: two with a standby. They hold the subnets and the security groups."""
    from ..rules.ec2_interfaces import make_interface

    place, group = instance.place, find_subnet_group(instance.place, instance.subnet_group)
    zones = [instance.values.get("AvailabilityZone")]
    if instance.values["MultiAZ"]:
        zones.append(instance.values.get("SecondaryAvailabilityZone"))
    for zone in zones:
        subnet = next((id for id, at in group.subnets if at == zone), None) if group else None
        if subnet is not None:
            instance.interfaces.append(
                make_interface(
                    place.account, place.region, subnet, instance.security_groups, "RDSNetworkInterface",
                    requester_id="amazon-rds", requester_managed=True, attached=True,
                )
            )  # fmt: skip


def drop_interfaces(instance: Instance) -> None:
    if not instance.interfaces:
        return
    from ..rules.ec2_interfaces import remove_interface

    for id in instance.interfaces:
        remove_interface(instance.place.account, instance.place.region, id)
    instance.interfaces = []


def renew_interfaces(instance: Instance) -> None:
    """After a change of security groups, subnet group or standby."""
    drop_interfaces(instance)
    make_interfaces(instance)


def drop_all(instance: Instance) -> None:
    drop_secret(instance)
    drop_interfaces(instance)
