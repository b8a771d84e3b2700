"""Auto Scaling against its API reference, and as the Cluster Autoscaler uses it on node groups."""

from .eks_environment import EksTest


class AutoScaling(EksTest):
    def setUp(self):
        super().setUp()
        self.scaling = self.aws("autoscaling")

    def group(self):
        self.cluster()
        return self.nodegroup()["resources"]["autoScalingGroups"][0]["name"]

    def desired(self):
        return self.eks.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]["scalingConfig"]["desiredSize"]

    def test_what_the_cluster_autoscaler_does(self):
        name = self.group()
        self.scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
        self.assertEqual((self.desired(), self.world("autoscaling:group")[0]["instances"]), (4, 4))
        self.scaling.update_auto_scaling_group(AutoScalingGroupName=name, DesiredCapacity=1)
        self.assertEqual((self.desired(), self.world("autoscaling:group")[0]["instances"]), (1, 1))
        self.assertEqual(len(self.ec2.describe_volumes()["Volumes"]), 1)
        self.refused("ValidationError", self.scaling.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=5)
        self.refused("ValidationError", self.scaling.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=0)
        self.refused("ValidationError", self.scaling.update_auto_scaling_group, AutoScalingGroupName=name, MinSize=9)
        self.refused("ValidationError", self.scaling.set_desired_capacity, AutoScalingGroupName="none", DesiredCapacity=1)

    def test_nodes_stay_spread_over_the_subnets(self):
        name = self.group()
        self.scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
        instances = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]["Instances"]
        zones = sorted(each["AvailabilityZone"] for each in instances)
        self.assertEqual(zones, ["eu-central-1a"] * 2 + ["eu-central-1b"] * 2)

    def test_the_role_goes_with_the_last_group(self):
        name, role = self.group(), "AWSServiceRoleForAutoScaling"
        delete = lambda: self.iam.delete_service_linked_role(RoleName=role)["DeletionTaskId"]  # noqa: E731
        status = self.iam.get_service_linked_role_deletion_status(DeletionTaskId=delete())
        used = status["Reason"]["RoleUsageList"]
        self.assertEqual((status["Status"], [each["Region"] for each in used]), ("FAILED", ["eu-central-1"]))
        self.assertIn(f"autoScalingGroupName/{name}", used[0]["Resources"][0])
        self.iam.get_role(RoleName=role)
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.error("ResourceNotFoundException", self.eks.describe_nodegroup, clusterName="c", nodegroupName="n")
        status = self.iam.get_service_linked_role_deletion_status(DeletionTaskId=delete())
        self.assertEqual(status["Status"], "SUCCEEDED")
        self.refused("NoSuchEntity", self.iam.get_role, 404, RoleName=role)

    def test_tags(self):
        name = self.group()
        tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
        self.scaling.create_or_update_tags(Tags=[{**tag, "Key": "k", "Value": "1"}])
        self.scaling.create_or_update_tags(Tags=[{**tag, "Key": "k", "Value": "2"}])
        found = self.scaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [name]}, {"Name": "key", "Values": ["k"]}])["Tags"]
        self.assertEqual([(each["Value"], each["PropagateAtLaunch"]) for each in found], [("2", False)])
        self.assertEqual(len(self.scaling.describe_tags()["Tags"]), 6)
        first = self.scaling.describe_tags(MaxRecords=4)
        self.assertEqual(len(self.scaling.describe_tags(MaxRecords=4, NextToken=first["NextToken"])["Tags"]), 2)
        self.scaling.delete_tags(Tags=[{**tag, "Key": "k", "Value": "2"}])
        self.assertEqual(len(self.scaling.describe_tags()["Tags"]), 5)
        self.refused("ValidationError", self.scaling.create_or_update_tags, Tags=[{**tag, "ResourceId": "none", "Key": "k", "Value": "1"}])
        self.refused("ValidationError", self.scaling.create_or_update_tags, Tags=[{**tag, "Key": "aws:k", "Value": "1"}])

    def test_activities(self):
        name = self.group()
        self.scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
        found = self.scaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
        self.assertEqual([each["Description"].split()[0] for each in found], ["Terminating", "Launching", "Launching"])
        self.assertEqual({each["StatusCode"] for each in found}, {"Successful"})
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.assertEqual(self.scaling.describe_scaling_activities()["Activities"], [])
        self.assertTrue(self.scaling.describe_scaling_activities(IncludeDeletedGroups=True)["Activities"])

    def test_a_group_with_instances_is_deleted_by_force_only(self):
        name = self.group()
        self.refused("ResourceInUse", self.scaling.delete_auto_scaling_group, AutoScalingGroupName=name)
        self.scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        self.assertEqual(self.world("autoscaling:group"), [])
