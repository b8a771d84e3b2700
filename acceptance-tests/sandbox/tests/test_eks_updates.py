"""Changes of EKS clusters and node groups against their API reference."""

from .eks_environment import EksTest
from .served import control


class ClusterUpdates(EksTest):
    def update(self, **change):
        return self.eks.update_cluster_config(name="c", **change)["update"]

    def shown(self):
        return self.eks.describe_cluster(name="c")["cluster"]

    def status(self, update, **more):
        return self.eks.describe_update(name="c", updateId=update["id"], **more)["update"]["status"]

    def test_every_kind_of_change(self):
        self.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})
        for change, kind, see in (
            ({"logging": {"clusterLogging": [{"types": ["audit"], "enabled": True}]}}, "LoggingUpdate", lambda c: c["logging"]["clusterLogging"][0]["types"] == ["audit"]),
            ({"resourcesVpcConfig": {"endpointPrivateAccess": True}}, "EndpointAccessUpdate", lambda c: c["resourcesVpcConfig"]["endpointPrivateAccess"]),
            ({"resourcesVpcConfig": {"publicAccessCidrs": ["203.0.113.0/24"]}}, "EndpointAccessUpdate", lambda c: c["resourcesVpcConfig"]["publicAccessCidrs"] == ["203.0.113.0/24"]),
            ({"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}, "AccessConfigUpdate", lambda c: c["accessConfig"]["authenticationMode"] == "API_AND_CONFIG_MAP"),
            ({"upgradePolicy": {"supportType": "STANDARD"}}, "UpgradePolicyUpdate", lambda c: c["upgradePolicy"]["supportType"] == "STANDARD"),
            ({"zonalShiftConfig": {"enabled": True}}, "ZonalShiftConfigUpdate", lambda c: c["zonalShiftConfig"]["enabled"]),
            ({"deletionProtection": True}, "DeletionProtectionUpdate", lambda c: c["deletionProtection"]),
        ):
            with self.subTest(kind):
                update = self.update(**change)
                self.assertEqual((update["status"], update["type"]), ("InProgress", kind))
                self.assertTrue(see(self.shown()))
                self.assertEqual(self.status(update), "Successful")
                # The same once more is no change.
                self.error("InvalidParameterException", self.update, **change)
        self.assertEqual(len(self.eks.list_updates(name="c")["updateIds"]), 7)

    def test_one_kind_of_change_at_a_time(self):
        self.cluster()
        two = {"deletionProtection": True, "zonalShiftConfig": {"enabled": True}}
        self.error("InvalidParameterException", self.update, "Only one type of update", **two)
        mixed = {"endpointPrivateAccess": True, "securityGroupIds": []}
        self.error("InvalidParameterException", self.update, "Only one type of update", resourcesVpcConfig=mixed)
        self.error("InvalidParameterException", self.update)
        self.error("InvalidParameterException", self.update, "No changes needed for the logging config provided", logging={"clusterLogging": [{"types": ["api"], "enabled": False}]})
        self.error("InvalidParameterException", self.update, "Private and public endpoint access cannot be false", resourcesVpcConfig={"endpointPublicAccess": False})

    def test_there_is_no_way_back_from_access_entries(self):
        self.cluster()
        self.error("InvalidParameterException", self.update, "Unsupported authentication mode update", accessConfig={"authenticationMode": "CONFIG_MAP"})

    def test_extended_support_cannot_be_left_once_it_began(self):
        self.cluster(version="1.33")
        self.error("InvalidParameterException", self.update, "extended support", upgradePolicy={"supportType": "STANDARD"})

    def test_an_update_takes_its_time_and_keeps_others_out(self):
        self.slow()
        self.cluster()
        self.later(10)
        update = self.update(deletionProtection=True)
        self.assertEqual((self.shown()["status"], self.shown()["deletionProtection"]), ("UPDATING", False))
        self.error("ResourceInUseException", self.update, zonalShiftConfig={"enabled": True})
        self.error("ResourceInUseException", self.eks.update_cluster_version, name="c", version="1.35")
        self.later(2)
        self.assertEqual((self.status(update), self.shown()["status"], self.shown()["deletionProtection"]), ("Successful", "ACTIVE", True))
        self.error("ResourceNotFoundException", self.eks.describe_update, name="c", updateId="none")

    def test_a_token_makes_one_update(self):
        self.cluster()
        first = self.update(deletionProtection=True, clientRequestToken="t" * 40)
        self.assertEqual(self.update(deletionProtection=True, clientRequestToken="t" * 40)["id"], first["id"])
        self.assertEqual(len(self.eks.list_updates(name="c")["updateIds"]), 1)

    def test_other_subnets_move_the_interfaces(self):
        self.cluster()
        more = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.5.0/24", AvailabilityZone="eu-central-1c")["Subnet"]["SubnetId"]
        update = self.update(resourcesVpcConfig={"subnetIds": [more, self.subnets[1]]})
        self.assertEqual((self.status(update), update["type"]), ("Successful", "VpcConfigUpdate"))
        held = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["Amazon EKS c"]}])["NetworkInterfaces"]
        self.assertEqual({each["SubnetId"] for each in held}, {more, self.subnets[1]})

    def test_one_minor_version_at_a_time(self):
        self.cluster(version="1.32")
        upgrade = self.eks.update_cluster_version
        self.error("InvalidParameterException", upgrade, "Unsupported Kubernetes minor version update", name="c", version="1.34")
        self.error("InvalidParameterException", upgrade, "Unsupported Kubernetes minor version update", name="c", version="1.31")
        self.error("InvalidParameterException", upgrade, "unsupported Kubernetes version", name="c", version="1.99")
        update = upgrade(name="c", version="1.33")["update"]
        self.assertEqual((update["type"], update["params"][0]), ("VersionUpdate", {"type": "Version", "value": "1.33"}))
        self.assertEqual((self.shown()["version"], self.shown()["platformVersion"]), ("1.33", "eks.30"))

    def test_nodes_must_not_fall_too_far_behind(self):
        self.cluster(version="1.31")
        self.nodegroup()
        for version in ("1.32", "1.33", "1.34"):
            self.eks.update_cluster_version(name="c", version=version)
        self.error("InvalidRequestException", self.eks.update_cluster_version, "Nodegroups n must be updated", name="c", version="1.35")
        self.eks.update_nodegroup_version(clusterName="c", nodegroupName="n", version="1.32")
        self.eks.update_cluster_version(name="c", version="1.35")

    def test_insights_hold_an_upgrade_back(self):
        self.cluster()
        names = [each["name"] for each in self.eks.list_insights(clusterName="c")["insights"]]
        self.assertIn("Kubelet version skew", names)
        self.assertIn("Deprecated APIs removed in Kubernetes v1.35", names)
        failing = {"name": "Kubelet version skew", "status": "ERROR", "reason": "too old", "recommendation": "update"}
        control(f"settings?account={self.account}", "POST", {"eks_insights": [failing]})
        [found] = self.eks.list_insights(clusterName="c", filter={"statuses": ["ERROR"], "categories": ["UPGRADE_READINESS"]})["insights"]
        insight = self.eks.describe_insight(clusterName="c", id=found["id"])["insight"]
        self.assertEqual((insight["insightStatus"], insight["recommendation"]), ({"status": "ERROR", "reason": "too old"}, "update"))
        self.error("InvalidStateException", self.eks.update_cluster_version, "Pass the force flag", name="c", version="1.35")
        self.eks.update_cluster_version(name="c", version="1.35", force=True)

    def test_addresses_for_an_upgrade(self):
        self.network()
        small = [self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.20.{16 * n}/28", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
        self.cluster(resourcesVpcConfig={"subnetIds": small})
        for _ in range(6):
            self.ec2.create_network_interface(SubnetId=small[0])
        self.error("InvalidRequestException", self.eks.update_cluster_version, "need at least 5 IPs in each subnet to be free", name="c", version="1.35")

    def test_secrets_can_be_encrypted_later_but_once(self):
        key = self.aws("kms").create_key()["KeyMetadata"]["Arn"]
        self.cluster()
        config = [{"resources": ["secrets"], "provider": {"keyArn": key}}]
        update = self.eks.associate_encryption_config(clusterName="c", encryptionConfig=config)["update"]
        self.assertEqual((update["type"], self.shown()["encryptionConfig"]), ("AssociateEncryptionConfig", config))
        self.error("InvalidParameterException", self.eks.associate_encryption_config, "already", clusterName="c", encryptionConfig=config)


class NodegroupUpdates(EksTest):
    def shown(self):
        return self.eks.describe_nodegroup(clusterName="c", nodegroupName="n")["nodegroup"]

    def update(self, **change):
        return self.eks.update_nodegroup_config(clusterName="c", nodegroupName="n", **change)["update"]

    def test_labels_and_taints_are_changes(self):
        taint = {"key": "k", "value": "v", "effect": "NO_SCHEDULE"}
        self.cluster()
        self.nodegroup(labels={"a": "1", "b": "2"}, taints=[taint])
        added = {"key": "k", "value": "v", "effect": "NO_EXECUTE"}
        self.update(labels={"addOrUpdateLabels": {"b": "3", "c": "4"}, "removeLabels": ["a"]}, taints={"addOrUpdateTaints": [added], "removeTaints": [taint]})
        self.assertEqual((self.shown()["labels"], self.shown()["taints"]), ({"b": "3", "c": "4"}, [added]))
        self.error("InvalidParameterException", self.update, "reserved", labels={"addOrUpdateLabels": {"kubernetes.io/x": ""}})

    def test_sizes(self):
        self.cluster()
        self.nodegroup()
        update = self.update(scalingConfig={"minSize": 2, "maxSize": 6, "desiredSize": 3}, updateConfig={"maxUnavailablePercentage": 50}, nodeRepairConfig={"enabled": True})
        found = self.shown()
        self.assertEqual((found["scalingConfig"], found["updateConfig"], found["nodeRepairConfig"]["enabled"]), ({"minSize": 2, "maxSize": 6, "desiredSize": 3}, {"maxUnavailablePercentage": 50}, True))
        self.assertEqual(self.eks.describe_update(name="c", updateId=update["id"], nodegroupName="n")["update"]["status"], "Successful")
        self.assertEqual(self.eks.list_updates(name="c")["updateIds"], [])
        self.assertEqual(self.eks.list_updates(name="c", nodegroupName="n")["updateIds"], [update["id"]])
        [group] = self.world("autoscaling:group")
        self.assertEqual((group["desired"], group["instances"]), (3, 3))
        self.error("InvalidParameterException", self.update, "Minimum capacity 5 can't be greater than desired size 3", scalingConfig={"minSize": 5})
        self.error("InvalidParameterException", self.update, "desired capacity 9 can't be greater than max size 6", scalingConfig={"desiredSize": 9})

    def test_a_busy_node_group_refuses_changes(self):
        self.slow()
        self.cluster()
        self.later(10)
        self.nodegroup()
        self.error("ResourceInUseException", self.update, "not in Active State", labels={"addOrUpdateLabels": {"a": ""}})
        self.later(3)
        self.update(labels={"addOrUpdateLabels": {"a": ""}})
        self.assertEqual((self.shown()["status"], self.shown()["labels"]), ("UPDATING", {}))
        self.later(1)
        self.assertEqual((self.shown()["status"], self.shown()["labels"]), ("ACTIVE", {"a": ""}))

    def template(self, **data):
        made = self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={"InstanceType": "m6i.large", **data})
        return made["LaunchTemplate"]["LaunchTemplateId"]

    def test_a_new_version_of_the_launch_template_replaces_the_nodes(self):
        id = self.template()
        self.cluster()
        self.nodegroup(launchTemplate={"id": id, "version": "1"})
        scaling = self.aws("autoscaling")
        before = {each["InstanceId"] for each in scaling.describe_auto_scaling_instances()["AutoScalingInstances"]}
        self.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData={"InstanceType": "m6i.xlarge"})
        upgrade = self.eks.update_nodegroup_version
        self.error("InvalidParameterException", upgrade, "not both", clusterName="c", nodegroupName="n", launchTemplate={"id": id, "name": "template", "version": "2"})
        self.error("InvalidParameterException", upgrade, "version 7", clusterName="c", nodegroupName="n", launchTemplate={"id": id, "version": "7"})
        upgrade(clusterName="c", nodegroupName="n", launchTemplate={"name": "template", "version": "$Latest"})
        self.assertEqual(self.shown()["launchTemplate"], {"id": id, "name": "template", "version": "2"})
        after = scaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        self.assertEqual({each["InstanceType"] for each in after}, {"m6i.xlarge"})
        self.assertFalse(before & {each["InstanceId"] for each in after})
        # EKS's own copy of the old version is gone.
        names = [each["LaunchTemplateName"] for each in self.ec2.describe_launch_templates()["LaunchTemplates"]]
        self.assertEqual(len(names), 2)

    def test_versions(self):
        self.cluster(version="1.33")
        self.nodegroup(version="1.32")
        upgrade = self.eks.update_nodegroup_version
        self.error("InvalidParameterException", upgrade, "newer than the cluster", clusterName="c", nodegroupName="n", version="1.34")
        update = upgrade(clusterName="c", nodegroupName="n", version="1.33")["update"]
        self.assertEqual(update["type"], "VersionUpdate")
        self.assertEqual((self.shown()["version"], self.shown()["releaseVersion"]), ("1.33", "1.33.8-20261106"))

    def test_nodes_that_do_not_come_up_fail_the_update(self):
        id = self.template()
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        self.cluster()
        self.nodegroup(launchTemplate={"id": id, "version": "1"})
        disk = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": key}}]
        self.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData={"BlockDeviceMappings": disk})
        update = self.eks.update_nodegroup_version(clusterName="c", nodegroupName="n", launchTemplate={"id": id, "version": "2"})["update"]
        found = self.eks.describe_update(name="c", updateId=update["id"], nodegroupName="n")["update"]
        self.assertEqual((found["status"], found["errors"][0]["errorCode"]), ("Failed", "NodeCreationFailure"))
        self.assertEqual((self.shown()["status"], self.shown()["launchTemplate"]["version"]), ("ACTIVE", "1"))
