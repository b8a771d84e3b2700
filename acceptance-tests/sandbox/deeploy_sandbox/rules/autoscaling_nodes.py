"""The Auto Scaling group of a managed node group, its launch template and its instances: user guide "Simplify node
lifecycle with managed node groups", "Customize managed nodes with launch templates"; Auto Scaling user guide.

EKS makes a launch template of its own from the one that it is given; the group, the template and the nodes go with
the node group.
"""

from __future__ import annotations

import copy
import random
import uuid
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState
from moto.utilities.utils import get_partition

from ..moto_bridge import backend
from . import memory
from .eks_node_failures import Failure, launch_failure
from .eks_store import Cluster, Part, now
from .service_linked_roles import make_service_linked_role

AMI = {"x86_64": "ami-0e5k5x8664000000a", "arm64": "ami-0e5k5arm64000000a"}


class NodeGroupScaling(FakeAutoScalingGroup):  # type: ignore[misc]
    """moto puts all instances into the first subnet, and launches whatever the key says."""

    # Why the last launch failed, and what it left.
    failure: Failure | None = None
    failed_instances: tuple[str, ...] = ()

    def template_version(self) -> Any:
        return self.ec2_launch_template.get_version(self.launch_template_version)

    def replace_autoscaling_group_instances(self, count_needed: int, propagated_tags: dict[str, str]) -> None:
        data = self.template_version().data
        self.failure = launch_failure(self.account_id, self.region, data)
        if self.failure is not None:
            # Auto Scaling tries again and again; the instances are terminated before they are in service.
            self.failed_instances = tuple(f"i-{random.getrandbits(68):017x}" for _ in range(count_needed))
            for id in self.failed_instances:
                record(self, "Failed", f"Launching a new EC2 instance: {id}.  Status Reason: {self.failure.message}", self.failure.message)
            return
        self.failed_instances = ()
        for _ in range(count_needed):
            instance = self._launch(data, propagated_tags)
            self.instance_states.append(InstanceState(instance, protected_from_scale_in=False))
            record(self, "Successful", f"Launching a new EC2 instance: {instance.id}")

    def _launch(self, data: dict[str, Any], propagated_tags: dict[str, str]) -> Any:
        counts = {id: 0 for id in str(self.vpc_zone_identifier).split(",")}
        for state in self.instance_states:
            counts[state.instance.subnet_id] = counts.get(state.instance.subnet_id, 0) + 1
        subnet_id = min(counts, key=lambda id: counts[id])
        groups = list(data.get("SecurityGroupIds") or []) or [id for each in data.get("NetworkInterfaces") or [] for id in each.get("Groups") or []]
        tags = {**propagated_tags, **self.template_version().instance_tags, "aws:autoscaling:groupName": self.name}
        [instance] = self.ec2_backend.run_instances(
            data.get("ImageId"), 1, None, [],
            instance_type=data.get("InstanceType") or "t3.medium",
            is_instance_type_default=False,
            security_group_ids=groups,
            subnet_id=subnet_id,
            region_name=self.region,
            associate_public_ip=None,
            launch_template={"LaunchTemplateId": self.ec2_launch_template.id, "Version": str(self.launch_template_version)},
            tags={"instance": tags, "volume": volume_tags(data)},
            # API reference of Auto Scaling's Ebs: DeleteOnTermination is true unless it is said.
            block_device_mappings=[{**each, "Ebs": {"DeleteOnTermination": True, **each["Ebs"]}} for each in data["BlockDeviceMappings"] if each.get("Ebs")],
        ).instances  # fmt: skip
        for nic in instance.nics.values():
            nic.delete_on_termination = True
        instance.autoscaling_group = self
        return instance

    def set_desired_capacity(self, new_capacity: int | None) -> None:
        before = {state.instance.id: state.instance for state in self.instance_states}
        super().set_desired_capacity(new_capacity)
        kept = {state.instance.id for state in self.instance_states}
        for id, instance in before.items():
            if id not in kept:
                clean_up(self.ec2_backend, instance)
                record(self, "Successful", f"Terminating EC2 instance: {id}")


def volume_tags(data: dict[str, Any]) -> dict[str, str]:
    specs = [each for each in data.get("TagSpecifications") or [] if each.get("ResourceType") == "volume"]
    return {tag["Key"]: tag["Value"] for spec in specs for tag in spec.get("Tags", [])}


def clean_up(ec2: Any, instance: Any) -> None:
    """A terminated node's interfaces and volumes go with it."""
    for nic in list(instance.nics.values()):
        ec2.enis.pop(nic.id, None)
        ec2.tags.pop(nic.id, None)
    for id in [id for id, volume in ec2.volumes.items() if volume.attachment and volume.attachment.instance.id == instance.id]:
        ec2.volumes.pop(id, None)


def record(group: Any, status: str, description: str, message: str | None = None) -> None:
    activities = memory(group.account_id, f"scaling activities {group.region}", list)
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": description,
        "Cause": f"At {now():%Y-%m-%dT%H:%M:%SZ} a difference between desired and actual capacity changed the group.",
        "StartTime": now(),
        "EndTime": now(),
        "StatusCode": status,
        "Progress": 100,
        "Details": "{}",
    }
    if message:
        activity["StatusMessage"] = message
    activities.insert(0, activity)


def find_group(cluster: Cluster, part: Part) -> NodeGroupScaling | None:
    found: NodeGroupScaling | None = backend("autoscaling", cluster.account, cluster.region).autoscaling_groups.get(part.inner["asg"])
    return found


def make_template(cluster: Cluster, part: Part, given: dict[str, Any] | None) -> str:
    """EKS's own copy of the launch template, with what the node group says besides."""
    body, data = part.body, copy.deepcopy(given or {})
    arm = "ARM" in str(body.get("amiType"))
    data["ImageId"] = data.get("ImageId") or AMI["arm64" if arm else "x86_64"]
    data["InstanceType"] = data.get("InstanceType") or (body.get("instanceTypes") or ["t3.medium"])[0]
    if not data.get("SecurityGroupIds") and not any(each.get("Groups") for each in data.get("NetworkInterfaces") or []):
        data["SecurityGroupIds"] = [cluster.security_group]
    if not data.get("BlockDeviceMappings"):
        disk = {"VolumeSize": body.get("diskSize") or 20, "VolumeType": "gp3", "DeleteOnTermination": True}
        data["BlockDeviceMappings"] = [{"DeviceName": "/dev/xvda", "Ebs": disk}]
    for device in data["BlockDeviceMappings"]:
        if device.get("Ebs") and not device["Ebs"].get("SnapshotId"):
            # The size of the image's snapshot.
            device["Ebs"].setdefault("VolumeSize", 20)
    data.pop("UserData", None)
    tags = {"eks:cluster-name": cluster.name, "eks:nodegroup-name": body["nodegroupName"]}
    template = cluster.ec2().create_launch_template(f"eks-{uuid.uuid4()}", "", data, {"launch-template": tags})
    return str(template.id)


def make_group(cluster: Cluster, part: Part, template_id: str) -> None:
    """The group with all its instances; what keeps them from launching stands in the group."""
    make_service_linked_role(cluster.account, cluster.region, "autoscaling.amazonaws.com")
    body, scaling = part.body, part.body["scalingConfig"]
    name = f"eks-{body['nodegroupName']}-{uuid.uuid4()}"
    tags = {
        "eks:cluster-name": cluster.name,
        "eks:nodegroup-name": body["nodegroupName"],
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{cluster.name}": "owned",
        f"kubernetes.io/cluster/{cluster.name}": "owned",
    }
    autoscaling = backend("autoscaling", cluster.account, cluster.region)
    group = NodeGroupScaling(
        name=name, availability_zones=[], desired_capacity=0, max_size=scaling["maxSize"], min_size=scaling["minSize"],
        launch_config_name="", launch_template={"LaunchTemplateId": template_id, "Version": "1"},
        vpc_zone_identifier=",".join(body["subnets"]), default_cooldown=300, health_check_period=15, health_check_type="EC2",
        load_balancers=[], target_group_arns=[], placement_group=None,
        termination_policies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        autoscaling_backend=autoscaling, ec2_backend=cluster.ec2(),
        tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()],
        mixed_instances_policy=None, capacity_rebalance=body["capacityType"] == "SPOT",
    )  # fmt: skip
    # "The noderole in your request will be used to construct an instance profile"; AWSServiceRoleForAmazonEKSNodegroup may make and remove `eks-*`.
    part.inner["profile"] = f"eks-{uuid.uuid4()}"
    iam = backend("iam", cluster.account, get_partition(cluster.region))
    made = iam.create_instance_profile(part.inner["profile"], "/", [body["nodeRole"].rsplit("/", 1)[1]])
    made.managed = True
    autoscaling.autoscaling_groups[name] = group
    part.inner["asg"], part.inner["template"] = name, template_id
    body["resources"] = {"autoScalingGroups": [{"name": name}]}
    group.set_desired_capacity(scaling["desiredSize"])


def instance_ids(cluster: Cluster, part: Part) -> list[str]:
    group = find_group(cluster, part)
    return [] if group is None else [state.instance.id for state in group.instance_states] + list(group.failed_instances)


def remove_group(cluster: Cluster, part: Part) -> None:
    group = find_group(cluster, part)
    if group is not None:
        group.min_size = 0
        group.set_desired_capacity(0)
        backend("autoscaling", cluster.account, cluster.region).autoscaling_groups.pop(group.name, None)
    backend("iam", cluster.account, get_partition(cluster.region)).instance_profiles.pop(part.inner.get("profile"), None)
    remove_template(cluster, part.inner["template"])


def remove_template(cluster: Cluster, template_id: str) -> None:
    template = cluster.ec2().launch_templates.pop(template_id, None)
    if template is not None:
        cluster.ec2().launch_template_name_to_ids.pop(template.name, None)
        if template_id in cluster.ec2().launch_template_insert_order:
            cluster.ec2().launch_template_insert_order.remove(template_id)
