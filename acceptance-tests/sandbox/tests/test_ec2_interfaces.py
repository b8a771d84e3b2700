"""Network interfaces against EC2's user guide: those of AWS's services and one's own."""

from deeploy_sandbox.rules.ec2_interfaces import make_interface, remove_interface

from .served import REGION, SandboxTest


class Interfaces(SandboxTest):
    def setUp(self):
        super().setUp()
        self.ec2 = self.aws("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/28")["Subnet"]["SubnetId"]

    def found(self, **filters):
        asked = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        return [each["NetworkInterfaceId"] for each in self.ec2.describe_network_interfaces(Filters=asked)["NetworkInterfaces"]]

    def make(self, **more):
        return make_interface(self.account, REGION, self.subnet, [], "Amazon EKS demo", requester_id="amazon-aws", **more)

    def test_a_services_interface_is_seen_and_kept(self):
        made = self.make(requester_managed=True)
        shown = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[made])["NetworkInterfaces"][0]
        self.assertEqual(
            (shown["Status"], shown["RequesterManaged"], shown["RequesterId"], shown["Groups"], shown["PrivateIpAddress"]),
            ("in-use", True, "amazon-aws", [], "10.0.1.4"),
        )
        self.refused("InvalidParameterValue", self.ec2.delete_network_interface, NetworkInterfaceId=made)
        attachment = shown["Attachment"]["AttachmentId"]
        self.refused("OperationNotPermitted", self.ec2.detach_network_interface, AttachmentId=attachment)
        remove_interface(self.account, REGION, made)
        self.refused("InvalidNetworkInterfaceID.NotFound", self.ec2.describe_network_interfaces, NetworkInterfaceIds=[made])
        remove_interface(self.account, REGION, made)

    def test_an_unattached_one_of_a_service_is_not_ours_either(self):
        made = self.make(requester_managed=True, attached=False)
        self.refused("AuthFailure", self.ec2.delete_network_interface, NetworkInterfaceId=made)

    def test_left_over_interfaces_can_be_swept(self):
        made = self.make(attached=False)
        self.assertEqual(self.found(status="available", description="Amazon EKS *", vpc_id=self.vpc), [made])
        self.ec2.delete_network_interface(NetworkInterfaceId=made)
        self.assertEqual(self.found(subnet_id=self.subnet), [])

    def test_filters(self):
        group = self.ec2.create_security_group(GroupName="g", Description="g", VpcId=self.vpc)["GroupId"]
        tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "a", "Value": "b"}]}]
        made = self.ec2.create_network_interface(SubnetId=self.subnet, Groups=[group], TagSpecifications=tags)["NetworkInterface"]["NetworkInterfaceId"]
        self.make()
        self.assertEqual(self.found(group_id=group), [made])
        asked = [{"Name": "tag:a", "Values": ["x", "b"]}]
        self.assertEqual([each["NetworkInterfaceId"] for each in self.ec2.describe_network_interfaces(Filters=asked)["NetworkInterfaces"]], [made])
        self.refused("InvalidParameterValue", self.ec2.describe_network_interfaces, Filters=[{"Name": "nope", "Values": ["x"]}])

    def test_a_full_subnet(self):
        for _ in range(11):
            self.make()
        self.refused("InsufficientFreeAddressesInSubnet", self.ec2.create_network_interface, SubnetId=self.subnet)
