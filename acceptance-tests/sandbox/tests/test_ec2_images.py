"""AWS's images are there for who asks."""

from .networks import by
from .served import SandboxTest


class Images(SandboxTest):
    def test_found_by_id_and_by_owner(self):
        ec2 = self.aws("ec2")
        self.assertEqual(ec2.describe_snapshots()["Snapshots"], [])
        self.assertEqual(ec2.describe_images(ImageIds=["ami-12c6146b"])["Images"][0]["ImageId"], "ami-12c6146b")
        self.assertGreater(len(ec2.describe_images(Owners=["amazon"], Filters=by(architecture="x86_64"))["Images"]), 100)
        self.refused("InvalidAMIID.NotFound", ec2.describe_images, ImageIds=["ami-0123456789abcdef0"])
        self.assertEqual(self.world(), [])

    def test_an_instance_may_be_the_first_to_ask(self):
        made = self.aws("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]
        self.assertEqual(made["ImageId"], "ami-12c6146b")
