"""Elastic IP addresses and NAT gateways against Amazon VPC's user guide."""

from .networks import NetworkTest, by, tagged
from .served import control


class Addresses(NetworkTest):
    def test_an_address(self):
        made = self.ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", a="b"))
        shown = self.ec2.describe_addresses(Filters=by(**{"tag:a": "b"}))["Addresses"][0]
        self.assertEqual((shown["AllocationId"], shown["PublicIp"], shown["NetworkBorderGroup"]), (made["AllocationId"], made["PublicIp"], "eu-central-1"))
        self.assertNotIn("AssociationId", shown)
        self.ec2.release_address(AllocationId=made["AllocationId"])
        self.refused("InvalidAllocationID.NotFound", self.ec2.release_address, AllocationId=made["AllocationId"])
        self.assertEqual(self.world("ec2:elastic_ip"), [])

    def test_five_addresses(self):
        for _ in range(5):
            self.ec2.allocate_address()
        self.refused("AddressLimitExceeded", self.ec2.allocate_address)


class NatGateways(NetworkTest):
    def setUp(self):
        super().setUp()
        self.subnet, self.gateway = self.make_subnet(), self.make_gateway()

    def test_life(self):
        address = self.ec2.allocate_address()["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=address, TagSpecifications=tagged("natgateway", a="b"))["NatGateway"]
        self.assertEqual(made["State"], "pending")
        shown = self.nat(made["NatGatewayId"])
        self.assertEqual((shown["State"], shown["Tags"], shown["VpcId"]), ("available", [{"Key": "a", "Value": "b"}], self.vpc))
        at = shown["NatGatewayAddresses"][0]
        found = self.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
        self.assertEqual((at["PublicIp"], at["AssociationId"], at["NetworkInterfaceId"]), (found["PublicIp"], found["AssociationId"], found["NetworkInterfaceId"]))
        interface = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[at["NetworkInterfaceId"]])["NetworkInterfaces"][0]
        self.assertEqual((interface["InterfaceType"], interface["RequesterManaged"], interface["Groups"]), ("nat_gateway", True, []))
        self.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
        self.assertEqual(self.nat(made["NatGatewayId"])["State"], "deleted")
        self.ec2.release_address(AllocationId=address)
        self.assertEqual(self.world("ec2:nat_gateway") + self.world("ec2:network_interface"), [])

    def test_what_waits_for_it(self):
        self.slowly()
        nat, address = self.make_nat(self.subnet)
        self.assertEqual(self.nat(nat)["State"], "pending")
        for state in ("pending", "deleting"):
            self.assertEqual(self.nat(nat)["State"], state)
            self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=address)
            self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnet)
            self.refused("DependencyViolation", self.ec2.detach_internet_gateway, InternetGatewayId=self.gateway, VpcId=self.vpc)
            self.ec2.delete_nat_gateway(NatGatewayId=nat)
        association = self.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]["AssociationId"]
        self.refused("AuthFailure", self.ec2.disassociate_address, AssociationId=association)

    def test_time_ends_the_states(self):
        self.slowly(0.001)
        nat, address = self.make_nat(self.subnet)
        self.eventually(lambda: self.nat(nat)["State"], "available")
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.eventually(lambda: self.ec2.describe_nat_gateways(Filters=by(state=["pending", "available", "deleting", "deleted"]))["NatGateways"], [])
        self.refused("NatGatewayNotFound", self.nat, id=nat)
        self.ec2.release_address(AllocationId=address)

    def eventually(self, read, wanted):
        for _ in range(10_000):
            found = read()
            if found == wanted:
                return
        self.fail(f"still {found}")

    def test_creation_fails_later(self):
        self.ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        nat, address = self.make_nat(self.subnet)
        shown = self.nat(nat)
        self.assertEqual((shown["State"], shown["FailureCode"]), ("failed", "Gateway.NotAttached"))
        self.assertEqual(shown["FailureMessage"], f"Network {self.vpc} has no Internet gateway attached")
        self.assertNotIn("AssociationId", self.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0])
        self.ec2.delete_nat_gateway(NatGatewayId=nat)
        self.assertEqual(self.nat(nat)["State"], "deleted")

    def test_an_address_serves_one_gateway(self):
        _, address = self.make_nat(self.subnet)
        second = self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
        shown = self.nat(second)
        self.assertEqual((shown["State"], shown["FailureCode"]), ("failed", "Resource.AlreadyAssociated"))

    def test_a_repeated_token(self):
        address = self.ec2.allocate_address()["AllocationId"]
        asked = {"SubnetId": self.subnet, "AllocationId": address, "ClientToken": "t"}
        first, second = (self.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(len(self.world("ec2:nat_gateway")), 1)
        self.refused("IdempotentParameterMismatch", self.ec2.create_nat_gateway, **{**asked, "ConnectivityType": "private"})

    def test_refused_at_once(self):
        make = self.ec2.create_nat_gateway
        self.refused("MissingParameter", make, SubnetId=self.subnet)
        self.refused("InvalidElasticIpID.NotFound", make, SubnetId=self.subnet, AllocationId="eipalloc-0123456789abcdef0")
        self.refused("InvalidSubnetID.NotFound", make, SubnetId="subnet-0123456789abcdef0", AllocationId="x")
        self.refused("NatGatewayNotFound", self.ec2.delete_nat_gateway, NatGatewayId="nat-0123456789abcdef0")
        self.refused("NatGatewayMalformed", self.ec2.describe_nat_gateways, NatGatewayIds=["nat-x"])

    def test_five_in_a_zone(self):
        control(f"settings?account={self.account}", "POST", {"quotas": {"elastic-ips": 9}})
        for _ in range(5):
            self.make_nat(self.subnet)
        address = self.ec2.allocate_address()["AllocationId"]
        self.refused("NatGatewayLimitExceeded", self.ec2.create_nat_gateway, SubnetId=self.subnet, AllocationId=address)
        self.ec2.create_nat_gateway(SubnetId=self.make_subnet(1, zone="b"), AllocationId=address)
