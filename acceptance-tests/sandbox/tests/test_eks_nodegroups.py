"""Managed node groups, their nodes and what keeps nodes away: EKS user guide and API reference."""

from .eks_environment import NODE_POLICIES, EksTest
from .served import allow, policy


class Nodegroups(EksTest):
    def shown(self, name="n"):
        return self.eks.describe_nodegroup(clusterName="c", nodegroupName=name)["nodegroup"]

    def nodes(self):
        found = self.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
        return [each for reservation in found for each in reservation["Instances"]]

    def test_a_node_group_has_what_it_was_made_with(self):
        taint = {"key": "k", "value": "v", "effect": "NO_SCHEDULE"}
        self.cluster()
        made = self.nodegroup(
            capacityType="SPOT", labels={"a": "b"}, taints=[taint], updateConfig={"maxUnavailablePercentage": 33}, nodeRepairConfig={"enabled": True},
            instanceTypes=["m6i.large"], amiType="AL2023_x86_64_STANDARD", diskSize=50, tags={"t": "1"},
        )  # fmt: skip
        for member, value in (
            ("status", "ACTIVE"), ("capacityType", "SPOT"), ("labels", {"a": "b"}), ("taints", [taint]), ("updateConfig", {"maxUnavailablePercentage": 33}),
            ("nodeRepairConfig", {"enabled": True}), ("instanceTypes", ["m6i.large"]), ("diskSize", 50), ("tags", {"t": "1"}), ("version", "1.34"),
            ("health", {"issues": []}), ("scalingConfig", {"minSize": 1, "desiredSize": 2, "maxSize": 4}),
        ):  # fmt: skip
            self.assertEqual(made[member], value, member)
        self.assertEqual(self.eks.list_nodegroups(clusterName="c")["nodegroups"], ["n"])
        self.assertEqual(self.world("eks:nodegroup")[0]["tags"], {"t": "1"})
        self.assertEqual(self.eks.list_tags_for_resource(resourceArn=made["nodegroupArn"])["tags"], {"t": "1"})

    def test_the_nodes(self):
        group = self.cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"]
        made = self.nodegroup(instanceTypes=["m6i.large"], diskSize=50)
        name = made["resources"]["autoScalingGroups"][0]["name"]
        [scaling] = self.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        self.assertEqual((scaling["DesiredCapacity"], scaling["VPCZoneIdentifier"]), (2, ",".join(self.subnets)))
        tags = {tag["Key"]: tag["Value"] for tag in scaling["Tags"]}
        self.assertEqual(tags, {
            "eks:cluster-name": "c", "eks:nodegroup-name": "n", "k8s.io/cluster-autoscaler/enabled": "true",
            "k8s.io/cluster-autoscaler/c": "owned", "kubernetes.io/cluster/c": "owned",
        })  # fmt: skip
        nodes = self.nodes()
        self.assertEqual({each["SubnetId"] for each in nodes}, set(self.subnets))
        self.assertEqual({each["InstanceType"] for each in nodes}, {"m6i.large"})
        self.assertEqual({each["SecurityGroups"][0]["GroupId"] for each in nodes}, {group})
        self.assertEqual({tag["Value"] for each in nodes for tag in each["Tags"] if tag["Key"] == "aws:autoscaling:groupName"}, {name})
        self.assertEqual({volume["Size"] for volume in self.ec2.describe_volumes()["Volumes"]}, {50})
        held = self.ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [each["InstanceId"] for each in nodes]}])
        self.assertEqual(len(held["NetworkInterfaces"]), 2)

    def test_all_goes_with_the_node_group(self):
        self.slow()
        self.cluster()
        self.later(10)
        self.nodegroup()
        self.later(3)
        self.assertEqual(self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]["status"], "DELETING")
        self.assertEqual(len(self.nodes()), 2)
        self.later(3)
        self.error("ResourceNotFoundException", self.shown)
        self.assertEqual((self.nodes(), self.world("autoscaling:group"), self.ec2.describe_launch_templates()["LaunchTemplates"]), ([], [], []))
        self.assertEqual(self.ec2.describe_volumes()["Volumes"], [])
        self.eks.delete_cluster(name="c")
        self.later(3)
        left = self.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": self.subnets}])["NetworkInterfaces"]
        self.assertEqual((left, self.groups(), self.world("eks:access_entry")), ([], [], []))

    def groups(self):
        return [each for each in self.world("ec2:security_group") if each["name"] != "default"]

    def test_a_launch_template(self):
        security = self.ec2.create_security_group(GroupName="g", Description="d", VpcId=self.network() and self.vpc)["GroupId"]
        data = {"InstanceType": "m6i.large", "SecurityGroupIds": [security], "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "v", "Value": "1"}]}]}
        id = self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]
        self.cluster()
        made = self.nodegroup(launchTemplate={"name": "template"})
        self.assertEqual(made["launchTemplate"], {"id": id, "name": "template", "version": "1"})
        self.assertNotIn("instanceTypes", made)
        self.assertEqual({each["SecurityGroups"][0]["GroupId"] for each in self.nodes()}, {security})
        self.assertEqual({tag["Key"] for volume in self.ec2.describe_volumes()["Volumes"] for tag in volume["Tags"]}, {"v"})
        create, bad = self.eks.create_nodegroup, "InvalidParameterException"
        self.error(bad, create, "not both", **self.nodegroup_request("m", launchTemplate={"id": id, "name": "template"}))
        self.error(bad, create, "does not exist", **self.nodegroup_request("m", launchTemplate={"id": "lt-0123456789abcdef0"}))
        self.error(bad, create, "version 2", **self.nodegroup_request("m", launchTemplate={"id": id, "version": "2"}))
        self.error(bad, create, "Disk size must be specified within", **self.nodegroup_request("m", launchTemplate={"id": id}, diskSize=9))
        self.error(bad, create, "Instance types", **self.nodegroup_request("m", launchTemplate={"id": id}, instanceTypes=["t3.large"]))

    def test_requests_that_do_not_fit(self):
        self.cluster()
        create, bad = self.eks.create_nodegroup, "InvalidParameterException"
        for text, more in (
            ("Minimum capacity 3 can't be greater than desired size 2", {"scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 4}}),
            ("desired capacity 5 can't be greater than max size 4", {"scalingConfig": {"minSize": 1, "desiredSize": 5, "maxSize": 4}}),
            ("reserved", {"labels": {"node.kubernetes.io/x": "y"}}),
            ("does not exist", {"subnets": ["subnet-0123456789abcdef0"]}),
            ("cannot be found", {"nodeRole": self.arn("role/none")}),
            ("[ec2.amazonaws.com] were not found in the trust", {"nodeRole": self.cluster_role}),
            ("Exactly one", {"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}}),
            ("newer than the cluster", {"version": "1.35"}),
        ):
            with self.subTest(text):
                self.error(bad, create, text, **self.nodegroup_request(**more))
        self.nodegroup()
        self.error("ResourceInUseException", create, "already exists", **self.nodegroup_request())
        self.error("ResourceNotFoundException", create, "No cluster found", **{**self.nodegroup_request(), "clusterName": "d"})

    def test_the_role_is_in_an_instance_profile_of_eks_as_long_as_the_group_is_there(self):
        self.cluster()
        self.nodegroup("n")
        role = self.node_role.rsplit("/", 1)[1]
        profiles = self.iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]
        self.assertTrue(len(profiles) == 1 and profiles[0]["InstanceProfileName"].startswith("eks-"), profiles)
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.error("ResourceNotFoundException", self.eks.describe_nodegroup, clusterName="c", nodegroupName="n")
        self.assertEqual(self.iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"], [])

    def test_the_role_gets_an_access_entry_as_long_as_it_is_used(self):
        self.cluster()
        self.nodegroup("n")
        self.nodegroup("m")
        entry = self.eks.describe_access_entry(clusterName="c", principalArn=self.node_role)["accessEntry"]
        self.assertEqual((entry["type"], entry["kubernetesGroups"], entry["username"]), ("EC2_LINUX", ["system:nodes"], "system:node:{{EC2PrivateDNSName}}"))
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.eks.describe_access_entry(clusterName="c", principalArn=self.node_role)
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="m")
        self.error("ResourceNotFoundException", self.eks.describe_access_entry, clusterName="c", principalArn=self.node_role)

    def failed(self, cause, **more):
        made = self.nodegroup(**more)
        self.assertEqual((made["status"], made["health"]["issues"][0]["code"]), ("CREATE_FAILED", "NodeCreationFailure"))
        self.assertEqual(made["health"]["issues"][0]["message"], "Instances failed to join the kubernetes cluster")
        self.assertEqual(len(made["health"]["issues"][0]["resourceIds"]), 2)
        self.assertIn(cause, self.world("eks:nodegroup")[0]["cause"])

    def test_no_way_out(self):
        self.network(way_out=False)
        self.cluster(resourcesVpcConfig={"endpointPrivateAccess": True})
        self.failed("no way out")
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.ec2.modify_vpc_attribute(VpcId=self.vpc, **{attribute: {"Value": True}})
        endpoint = {"VpcId": self.vpc, "VpcEndpointType": "Interface", "SubnetIds": self.subnets, "PrivateDnsEnabled": True}
        for service in ("ec2", "ecr.api", "ecr.dkr"):
            self.ec2.create_vpc_endpoint(**endpoint, ServiceName=f"com.amazonaws.eu-central-1.{service}")
        # The layers of images are in S3.
        self.assertEqual(self.nodegroup("l")["status"], "CREATE_FAILED")
        table = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"][0]["RouteTableId"]
        self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName="com.amazonaws.eu-central-1.s3", RouteTableIds=[table])
        self.assertEqual(self.nodegroup("m")["status"], "ACTIVE")

    def test_a_public_subnet_without_public_addresses_is_no_way_out(self):
        self.network()
        public = next(each["SubnetId"] for each in self.ec2.describe_subnets()["Subnets"] if each["CidrBlock"] == "10.0.9.0/24")
        self.cluster()
        self.failed("no way out", subnets=[public])
        self.ec2.modify_subnet_attribute(SubnetId=public, MapPublicIpOnLaunch={"Value": True})
        self.assertEqual(self.nodegroup("m", subnets=[public])["status"], "ACTIVE")

    def test_no_network_plugin(self):
        self.cluster(bootstrapSelfManagedAddons=False)
        self.failed("vpc-cni is missing")
        self.eks.create_addon(clusterName="c", addonName="vpc-cni")
        self.assertEqual(self.nodegroup("m")["status"], "ACTIVE")

    def test_a_role_without_the_workers_policies(self):
        self.cluster()
        role = self.role("bare", "ec2.amazonaws.com", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
        self.failed("AmazonEKSWorkerNodePolicy", nodeRole=role)

    def test_a_network_plugin_without_rights(self):
        role = self.role("plain", "ec2.amazonaws.com", *NODE_POLICIES)
        self.cluster(bootstrapSelfManagedAddons=False)
        self.eks.create_addon(clusterName="c", addonName="vpc-cni")
        self.failed("vpc-cni may not manage interfaces", nodeRole=role)
        # Its own role by pod identity needs the agent.
        cni = self.pod_role("cni", "AmazonEKS_CNI_Policy")
        self.eks.create_pod_identity_association(clusterName="c", namespace="kube-system", serviceAccount="aws-node", roleArn=cni)
        self.assertEqual(self.nodegroup("m", nodeRole=role)["status"], "CREATE_FAILED")
        self.eks.create_addon(clusterName="c", addonName="eks-pod-identity-agent")
        self.assertEqual(self.nodegroup("o", nodeRole=role)["status"], "ACTIVE")

    def test_eks_waits_long_for_nodes_to_join(self):
        self.slow()
        self.cluster(bootstrapSelfManagedAddons=False)
        self.later(10)
        self.nodegroup()
        self.later(10)
        self.assertEqual(self.shown()["status"], "CREATING")
        self.eks.create_addon(clusterName="c", addonName="vpc-cni")
        self.later(1)
        self.assertEqual(self.shown()["status"], "ACTIVE")
        self.nodegroup("late", nodeRole=self.role("bare", "ec2.amazonaws.com"))
        self.later(19)
        self.assertEqual(self.shown("late")["status"], "CREATING")
        self.later(1)
        self.assertEqual(self.shown("late")["status"], "CREATE_FAILED")

    def test_a_new_node_group_can_be_hidden_for_a_while(self):
        self.cluster()
        self.faults({"on": {"operation": "eks:CreateNodegroup"}, "hide_s": 60})
        self.eks.create_nodegroup(**self.nodegroup_request())
        self.error("ResourceNotFoundException", self.shown)
        self.assertEqual((self.eks.list_nodegroups(clusterName="c")["nodegroups"], self.fired()), ([], [1]))
        self.faults()
        self.error("ResourceInUseException", self.eks.create_nodegroup, **self.nodegroup_request())

    def test_a_token_makes_one_node_group(self):
        self.cluster()
        request = self.nodegroup_request(clientRequestToken="t" * 40)
        first = self.eks.create_nodegroup(**request)["nodegroup"]
        self.assertEqual(self.eks.create_nodegroup(**request)["nodegroup"]["nodegroupArn"], first["nodegroupArn"])
        self.assertEqual((len(self.world("eks:nodegroup")), len(self.world("autoscaling:group"))), (1, 1))
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.assertNotEqual(self.eks.create_nodegroup(**request)["nodegroup"]["nodegroupArn"], first["nodegroupArn"])

    def test_a_lost_auto_scaling_group(self):
        self.cluster()
        name = self.nodegroup()["resources"]["autoScalingGroups"][0]["name"]
        self.aws("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        found = self.shown()
        self.assertEqual((found["status"], found["health"]["issues"][0]["code"]), ("DEGRADED", "AutoScalingGroupNotFound"))
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.assertEqual(self.world("eks:nodegroup"), [])


class EncryptedDisks(EksTest):
    """Auto Scaling user guide, "Required AWS KMS key policy for use with encrypted volumes"."""

    def setUp(self):
        super().setUp()
        self.kms = self.aws("kms")
        self.cluster()
        self.iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
        self.scaling_role = self.arn("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")

    def disk_key(self, *statements):
        root = {"Effect": "Allow", "Principal": {"AWS": self.arn("root")}, "Action": "kms:*", "Resource": "*"}
        return self.kms.create_key(Policy=policy(root, *statements))["KeyMetadata"]["Arn"]

    def admitted(self):
        use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        principal = {"Principal": {"AWS": self.scaling_role}}
        return [allow(use, **principal), allow("kms:CreateGrant", **principal, Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}})]

    def made(self, key, name="n"):
        disk = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": key, "VolumeSize": 50}}]
        self.ec2.create_launch_template(LaunchTemplateName=f"template-{name}", LaunchTemplateData={"BlockDeviceMappings": disk})
        return self.nodegroup(name, launchTemplate={"name": f"template-{name}", "version": "1"})

    def assert_not_launched(self, made):
        [issue] = made["health"]["issues"]
        self.assertEqual((made["status"], issue["code"]), ("CREATE_FAILED", "AsgInstanceLaunchFailures"))
        self.assertIn("Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state", issue["message"])
        self.assertEqual(len(issue["resourceIds"]), 2)

    def test_a_key_that_does_not_admit_auto_scaling(self):
        made = self.made(self.disk_key())
        self.assert_not_launched(made)
        name = made["resources"]["autoScalingGroups"][0]["name"]
        activities = self.aws("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
        self.assertEqual([each["StatusCode"] for each in activities], ["Failed", "Failed"])
        self.assertIn("InvalidKMSKey", activities[0]["StatusMessage"])
        self.assertEqual(self.ec2.describe_instances()["Reservations"], [])

    def test_use_without_grants_is_not_enough(self):
        self.assert_not_launched(self.made(self.disk_key(self.admitted()[0])))

    def test_a_key_that_admits_auto_scaling(self):
        self.assertEqual(self.made(self.disk_key(*self.admitted()))["status"], "ACTIVE")

    def test_a_disk_goes_with_its_node_unless_the_template_keeps_it(self):
        for name, ebs, left in (("gone", {"VolumeSize": 20}, 0), ("kept", {"VolumeSize": 20, "DeleteOnTermination": False}, 2)):
            self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": ebs}]})
            self.nodegroup(name, launchTemplate={"name": name, "version": "1"})
            attached = [each["Attachments"][0]["DeleteOnTermination"] for each in self.ec2.describe_volumes()["Volumes"]]
            self.assertEqual(attached, [left == 0] * 2)
            self.eks.delete_nodegroup(clusterName="c", nodegroupName=name)
            self.error("ResourceNotFoundException", self.eks.describe_nodegroup, clusterName="c", nodegroupName=name)
            self.assertEqual(len(self.ec2.describe_volumes()["Volumes"]), left)

    def test_a_key_that_admits_by_a_grant(self):
        key = self.disk_key()
        self.kms.create_grant(KeyId=key, GranteePrincipal=self.scaling_role, Operations=["Decrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant", "DescribeKey"])
        self.assertEqual(self.made(key)["status"], "ACTIVE")

    def test_a_disabled_key(self):
        key = self.disk_key(*self.admitted())
        self.kms.disable_key(KeyId=key)
        self.assert_not_launched(self.made(key))

    def test_the_accounts_default_key(self):
        self.ec2.enable_ebs_encryption_by_default()
        self.ec2.modify_ebs_default_kms_key_id(KmsKeyId=self.disk_key())
        self.assert_not_launched(self.nodegroup())

    def test_aws_own_key_admits_everybody(self):
        disk = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}]
        self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={"BlockDeviceMappings": disk})
        self.assertEqual(self.nodegroup(launchTemplate={"name": "template"})["status"], "ACTIVE")
        self.assertEqual(self.nodegroup("m", launchTemplate={"name": "template"})["status"], "ACTIVE")
