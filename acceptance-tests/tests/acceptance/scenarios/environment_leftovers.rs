//! What Kubernetes made and left behind doesn't hold a destroy up; what another cluster in the same VPC has is not touched.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    cluster::{ec2, group, leave_behind},
    environments::{ENVIRONMENT, Lines, made, nothing_left},
    stage::{Stage, mutations_of, stage, text},
};

const ELB: [&str; 2] = ["elasticloadbalancing", "2015-12-01"];

/// A load balancer with its target group and interface, as another cluster has them.
fn of_another(world: &World, network: &Value) -> Result<Vec<String>, Failure> {
    let [service, version] = ELB;
    let subnets: Vec<&str> = network["public_subnet_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let vpc = text(network, "vpc_id");
    let tags = [("Tags.member.1.Key", "elbv2.k8s.aws/cluster"), ("Tags.member.1.Value", "other")];
    let balancer = [("Name", "other"), ("Type", "network"), ("Subnets.member.1", subnets[0]), ("Subnets.member.2", subnets[1])];
    let balancer: Vec<_> = balancer.into_iter().chain(tags).collect();
    world.query(service, version, "CreateLoadBalancer", &balancer)?;
    let targets = [("Name", "other"), ("Protocol", "TCP"), ("Port", "80"), ("VpcId", vpc)];
    let targets: Vec<_> = targets.into_iter().chain(tags).collect();
    world.query(service, version, "CreateTargetGroup", &targets)?;
    let interface = [
        ("SubnetId", subnets[0]),
        ("TagSpecification.1.ResourceType", "network-interface"),
        ("TagSpecification.1.Tag.1.Key", "cluster.k8s.amazonaws.com/name"),
        ("TagSpecification.1.Tag.1.Value", "other"),
    ];
    ec2(world, "CreateNetworkInterface", &interface)?;
    let groups = [("kubernetes.io/cluster/other", "owned"), ("kubernetes.io/cluster/prod", "shared"), ("Name", "prod")];
    groups.iter().enumerate().map(|(at, (key, value))| group(world, vpc, &format!("k8s-other-{at}"), key, value)).collect()
}

fn told(world: &World, operation: &str) -> Result<String, Failure> {
    let [service, version] = ELB;
    world.query(service, version, operation, &[])
}

#[test]
fn what_kubernetes_left_goes_with_the_environment_and_its_vpc() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let state = made(&stage, &Lines::development(world))?;
    leave_behind(world, &state["network"], text(&state["cluster"], "node_security_group_id"))?;
    assert!(told(world, "DescribeLoadBalancers")?.contains("<LoadBalancerName>k8s</LoadBalancerName>"));
    let (gone, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    check::says(&gone.success()?, "of the PersistentVolumeClaim deeploy/data")?;
    // AWS refuses an internet gateway and subnets while a load balancer stands in them: these go first.
    let last = calls.iter().rposition(|call| call.ends_with(":DeleteLoadBalancer")).unwrap_or(usize::MAX);
    let first = calls.iter().position(|call| call == "ec2:DetachInternetGateway").unwrap_or_default();
    assert!(last < first, "{calls:?}");
    assert!(!told(world, "DescribeLoadBalancers")?.contains("<LoadBalancerName>"));
    assert!(!told(world, "DescribeTargetGroups")?.contains("<TargetGroupName>"));
    // The disk holds somebody's data: it is told, and stays.
    let disks = world.objects_of("ec2:volume")?;
    assert_eq!(disks.len(), 1, "{disks:?}");
    ec2(world, "DeleteVolume", &[("VolumeId", text(&disks[0], "id"))])?;
    nothing_left(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn another_clusters_load_balancer_in_the_same_vpc_stays() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    super::environments::people(world)?;
    let network =
        "resource \"deeploy_network\" \"this\" {\n  name   = \"shared\"\n  preset = \"development\"\n  cidr   = \"10.20.0.0/16\"\n}\n";
    let mut lines = Lines::development(world);
    lines.set("network.cidr", "");
    let existing = "{ vpc_id = deeploy_network.this.vpc_id, private_subnet_ids = deeploy_network.this.private_subnet_ids, \
        public_subnet_ids = deeploy_network.this.public_subnet_ids, database_subnet_ids = deeploy_network.this.database_subnet_ids }";
    lines.set("network.existing", existing);
    lines.set("depends_on", "[deeploy_network.this]");
    terraform.configure(&format!("{network}{}", lines.text()))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let (state, vpc) = (terraform.attributes(ENVIRONMENT)?, terraform.attributes("deeploy_network.this")?);
    leave_behind(world, &vpc, text(&state["cluster"], "node_security_group_id"))?;
    let groups = of_another(world, &vpc)?;
    let before: Vec<Value> =
        world.objects()?.into_iter().filter(|object| object["tags"]["deeploy:owner"] == "deeploy_network/shared").collect();
    terraform.destroy(&["-target=deeploy_environment.this"])?.success()?;
    let balancers = told(world, "DescribeLoadBalancers")?;
    assert!(
        balancers.contains("<LoadBalancerName>other</LoadBalancerName>") && !balancers.contains("<LoadBalancerName>k8s<"),
        "{balancers}"
    );
    let targets = told(world, "DescribeTargetGroups")?;
    assert!(targets.contains("<TargetGroupName>other</TargetGroupName>") && !targets.contains("<TargetGroupName>k8s<"), "{targets}");
    for group in &groups {
        ec2(world, "DescribeSecurityGroups", &[("GroupId.1", group)])?;
    }
    let tag = [("Filter.1.Name", "tag:cluster.k8s.amazonaws.com/name"), ("Filter.1.Value.1", "other")];
    assert!(ec2(world, "DescribeNetworkInterfaces", &tag)?.contains("<networkInterfaceId>"));
    // The network is as it was.
    let after: Vec<Value> =
        world.objects()?.into_iter().filter(|object| object["tags"]["deeploy:owner"] == "deeploy_network/shared").collect();
    assert_eq!(after, before);
    assert_eq!(terraform.attributes("deeploy_network.this")?["drift"], json!({}));
    check::no_unsupported_call(world)
}
