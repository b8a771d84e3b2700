//! A cluster's life: made, changed in place, its groups replaced side by side, imported, and gone with all that Kubernetes made for it.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage, text};

pub(super) const CLUSTER: &str = "deeploy_eks_cluster.this";

/// Roles that administer and look on; access entries are refused for what doesn't exist.
pub(super) fn people(world: &World) -> Result<(), Failure> {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    for name in ["admin", "viewer"] {
        world.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", trust)])?;
    }
    Ok(())
}

/// A development cluster in a network of its own, with these lines instead of those that it has otherwise; an empty value leaves a line out.
pub(super) fn cluster(world: &World, lines: &[(&str, &str)]) -> String {
    let admin = format!("[\"arn:aws:iam::{}:role/admin\"]", world.account());
    let mut all = vec![
        ("name", "\"prod\""),
        ("preset", "\"development\""),
        ("vpc_id", "deeploy_network.this.vpc_id"),
        ("private_subnet_ids", "deeploy_network.this.private_subnet_ids"),
        ("control_plane_subnet_ids", "deeploy_network.this.control_plane_subnet_ids"),
        ("admin_principal_arns", admin.as_str()),
    ];
    for (name, value) in lines {
        all.retain(|(other, _)| other != name);
        all.push((name, value));
    }
    let lines: String = all.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("  {name} = {value}\n")).collect();
    let network =
        "resource \"deeploy_network\" \"this\" {\n  name   = \"prod\"\n  preset = \"development\"\n  cidr   = \"10.20.0.0/16\"\n}\n";
    // Its routes lead out of the private subnets: nodes need them, which no attribute tells.
    format!("{network}resource \"deeploy_eks_cluster\" \"this\" {{\n{lines}  depends_on = [deeploy_network.this]\n}}\n")
        .replace("ACCOUNT", world.account())
}

pub(super) fn applied(stage: &Stage, lines: &[(&str, &str)]) -> Result<Value, Failure> {
    let Stage { world, terraform } = stage;
    terraform.configure(&cluster(world, lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(CLUSTER)
}

/// With the people that it names.
pub(super) fn made(stage: &Stage, lines: &[(&str, &str)]) -> Result<Value, Failure> {
    people(&stage.world)?;
    applied(stage, lines)
}

fn ids(world: &World, kind: &str) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = world.objects_of(kind)?.iter().map(|object| text(object, "id").to_owned()).collect();
    ids.sort();
    Ok(ids)
}

#[test]
fn one_apply_makes_a_cluster_whose_nodes_and_add_ons_work() -> Result<(), Failure> {
    let stage = stage()?;
    // What nodes need isn't seen to be there for a while.
    stage.world.order(&json!([{ "on": { "operation": "eks:DescribeAddon" }, "do": "throttle", "times": 18 }]))?;
    let state = made(&stage, &[])?;
    stage.world.faults_fired()?;
    let all = stage.world.calls()?;
    let last_hidden = all.iter().rposition(|call| !call["fault"].is_null());
    let first_nodes = all.iter().position(|call| call["operation"] == "CreateNodegroup");
    assert!(
        last_hidden.is_some() && last_hidden < first_nodes,
        "nodes came at {first_nodes:?}, their add-ons were seen after {last_hidden:?}"
    );
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));
    assert_eq!(state["effective_node_groups"]["default"]["instance_types"], json!(["t3.large"]));
    assert_eq!(state["version"], state["kubernetes_version"]);
    let world = &stage.world;
    let addons = world.objects_of("eks:addon")?;
    assert_eq!(addons.len(), 7);
    for addon in &addons {
        let name = text(addon, "id").trim_start_matches("prod/");
        assert_eq!((text(addon, "state"), &addon["version"]), ("ACTIVE", &state["addon_versions"][name]), "{name}");
    }
    let groups = world.objects_of("eks:nodegroup")?;
    assert_eq!(groups.iter().map(|group| text(group, "state")).collect::<Vec<_>>(), ["ACTIVE"]);
    let group = &world.objects_of("autoscaling:group")?[0];
    assert_eq!(group["tags"]["k8s.io/cluster-autoscaler/prod"], "owned", "{group}");
    // The add-ons that nodes need came before them, the others after: each call of a create, in order.
    let calls = world.mutations()?;
    let at = |call: &str, nth: usize| calls.iter().enumerate().filter(|(_, one)| *one == call).map(|(at, _)| at).nth(nth).unwrap();
    let nodes = at("eks:CreateNodegroup", 0);
    assert!(at("eks:CreateAddon", 2) < nodes && nodes < at("eks:CreateAddon", 3), "{calls:?}");
    check::no_unsupported_call(world)
}

#[test]
fn the_logs_of_container_insights_end_and_go() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    let groups = || -> Result<Vec<Value>, Failure> {
        let all = world.objects_of("logs:log_group")?.into_iter();
        Ok(all.filter(|group| text(group, "id").starts_with("/aws/containerinsights/prod/")).collect())
    };
    let there = groups()?;
    let ends: Vec<(&str, &Value)> =
        there.iter().map(|group| (text(&group["tags"], "deeploy:owner"), &group["retention_in_days"])).collect();
    assert_eq!(ends, [("deeploy_eks_cluster/prod", &json!(30)); 4]);
    // Whoever deletes them before the add-on leaves the agent's own, without an end.
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(groups()?, Vec::<Value>::new());
    check::no_unsupported_call(world)
}

#[test]
fn everything_live_changes_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let before = made(&stage, &[])?;
    let groups = ids(&stage.world, "eks:nodegroup")?;
    let default = r#"{ default = { min_size = 3, max_size = 6, disk_size = 80, labels = { pool = "a" }, taints = [{ key = "x", effect = "NO_SCHEDULE" }] } }"#;
    let viewer =
        r#"{ v = { principal_arn = "arn:aws:iam::ACCOUNT:role/viewer", policies = ["AmazonEKSViewPolicy"], namespaces = ["deeploy"] } }"#;
    let lines = [
        ("node_groups", default),
        ("access_entries", viewer),
        ("public_access_cidrs", r#"["192.0.2.0/24"]"#),
        ("private_access_cidrs", r#"["198.51.100.0/24"]"#),
        ("enabled_cluster_log_types", r#"["api"]"#),
        ("log_retention_in_days", "90"),
        ("zonal_shift", "true"),
        ("support_type", r#""EXTENDED""#),
        ("ssm_access", "true"),
        ("max_unavailable_percentage", "25"),
        ("tags", r#"{ team = "ml" }"#),
    ];
    let after = applied(&stage, &lines)?;
    assert_eq!((&after["arn"], &after["status"]), (&before["arn"], &json!("ready")));
    assert_eq!(ids(&stage.world, "eks:nodegroup")?, groups, "no group was replaced");
    assert_eq!(stage.world.objects_of("eks:cluster")?[0]["tags"]["team"], "ml");
    let back = applied(&stage, &[])?;
    assert_eq!(
        (&back["zonal_shift"], &back["log_retention_in_days"]),
        (&json!(false), &json!(30)),
        "what isn't written follows the preset"
    );
    assert_eq!(back["effective_node_groups"]["default"]["disk_size"], 80, "sizes stay as they were chosen");
    assert_eq!(ids(&stage.world, "eks:access_entry")?.iter().filter(|id| id.contains("viewer")).count(), 0);
    Ok(())
}

#[test]
fn a_group_of_other_instances_stands_before_the_old_one_goes() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[("node_groups", r#"{ a = {}, b = { min_size = 1, desired_size = 1, max_size = 2 } }"#)])?;
    let Stage { world, terraform } = &stage;
    let old = ids(world, "eks:nodegroup")?;
    terraform.configure(&cluster(world, &[("node_groups", r#"{ a = { instance_types = ["m6i.large"] } }"#)]))?;
    let plan = terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, "- `node_group/a`")?;
    check::says(&plan, "- `node_group/b`")?;
    assert_eq!(change(terraform, CLUSTER)?.actions, ["update"]);
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    let of_groups: Vec<&str> = calls.iter().map(String::as_str).filter(|call| call.ends_with("Nodegroup")).collect();
    assert_eq!(of_groups.first(), Some(&"eks:CreateNodegroup"), "{calls:?}");
    check::empty_plan(terraform)?;
    let new = ids(world, "eks:nodegroup")?;
    assert!(new.len() == 1 && !old.contains(&new[0]), "{old:?} {new:?}");
    let asg = world.objects_of("autoscaling:group")?;
    assert!(asg.len() == 1 && asg[0]["tags"]["k8s.io/cluster-autoscaler/enabled"] == "true", "{asg:?}");
    Ok(())
}

#[test]
fn imported_by_its_name_it_is_as_it_was() -> Result<(), Failure> {
    let stage = stage()?;
    let lines = [("node_groups", r#"{ default = { min_size = 3, max_size = 5 } }"#)];
    let before = made(&stage, &lines)?;
    let Stage { world, terraform } = &stage;
    terraform.run(&["state", "rm", CLUSTER])?.success()?;
    let (imported, calls) = mutations_of(world, || terraform.import(CLUSTER, "prod"))?;
    imported.success()?;
    assert_eq!(calls, Vec::<String>::new());
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(CLUSTER)?, before);
    terraform.run(&["state", "rm", CLUSTER])?.success()?;
    check::says(&terraform.import(CLUSTER, "nobody")?, "Nothing to import")
}

#[test]
fn production_is_guarded_until_its_protection_is_off() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[("preset", r#""production""#)])?;
    let Stage { world, terraform } = &stage;
    let (refused, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    check::says(&refused, "Set deletion_protection = false, apply, then destroy")?;
    assert_eq!(calls, Vec::<String>::new());
    applied(&stage, &[("preset", r#""production""#), ("deletion_protection", "false")])?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects_of("eks:cluster")?, Vec::<Value>::new());
    Ok(())
}

/// An id in an answer of EC2.
fn id_in(reply: &str, tag: &str) -> String {
    let (_, rest) = reply.split_once(&format!("<{tag}>")).unwrap_or_else(|| panic!("no {tag} in {reply}"));
    rest.split('<').next().unwrap_or_default().to_owned()
}

pub(super) fn ec2(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
    world.query("ec2", "2016-11-15", operation, parameters)
}

pub(super) fn group(world: &World, vpc: &str, name: &str, key: &str, value: &str) -> Result<String, Failure> {
    let tags = [("TagSpecification.1.Tag.1.Key", key), ("TagSpecification.1.Tag.1.Value", value)];
    let base = [("GroupName", name), ("GroupDescription", name), ("VpcId", vpc), ("TagSpecification.1.ResourceType", "security-group")];
    let all: Vec<_> = base.into_iter().chain(tags).collect();
    Ok(id_in(&ec2(world, "CreateSecurityGroup", &all)?, "groupId"))
}

/// What Kubernetes leaves in a VPC: two groups that point to each other, a load balancer, its target group, an interface, a disk.
pub(super) fn leave_behind(world: &World, network: &Value, nodes: &str) -> Result<(), Failure> {
    let vpc = text(network, "vpc_id");
    let public: Vec<&str> = network["public_subnet_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let front = group(world, vpc, "k8s-front", "elbv2.k8s.aws/cluster", "prod")?;
    let back = group(world, vpc, "k8s-back", "kubernetes.io/cluster/prod", "owned")?;
    for (to, from) in [(nodes, back.as_str()), (back.as_str(), front.as_str()), (front.as_str(), back.as_str())] {
        let rule = [
            ("GroupId", to),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "30000"),
            ("IpPermissions.1.ToPort", "32767"),
            ("IpPermissions.1.Groups.1.GroupId", from),
        ];
        ec2(world, "AuthorizeSecurityGroupIngress", &rule)?;
    }
    let tags = [("Tags.member.1.Key", "elbv2.k8s.aws/cluster"), ("Tags.member.1.Value", "prod")];
    let balancer =
        [("Name", "k8s"), ("Subnets.member.1", public[0]), ("Subnets.member.2", public[1]), ("SecurityGroups.member.1", front.as_str())];
    let balancer: Vec<_> = balancer.into_iter().chain(tags).collect();
    world.query("elasticloadbalancing", "2015-12-01", "CreateLoadBalancer", &balancer)?;
    let targets: Vec<_> = [("Name", "k8s"), ("Protocol", "HTTP"), ("Port", "80"), ("VpcId", vpc)].into_iter().chain(tags).collect();
    world.query("elasticloadbalancing", "2015-12-01", "CreateTargetGroup", &targets)?;
    let interface = [
        ("SubnetId", public[0]),
        ("TagSpecification.1.ResourceType", "network-interface"),
        ("TagSpecification.1.Tag.1.Key", "cluster.k8s.amazonaws.com/name"),
        ("TagSpecification.1.Tag.1.Value", "prod"),
    ];
    ec2(world, "CreateNetworkInterface", &interface)?;
    let disk = [
        ("AvailabilityZone", "eu-central-1a"),
        ("Size", "20"),
        ("VolumeType", "gp3"),
        ("TagSpecification.1.ResourceType", "volume"),
        ("TagSpecification.1.Tag.1.Key", "kubernetes.io/cluster/prod"),
        ("TagSpecification.1.Tag.1.Value", "owned"),
        ("TagSpecification.1.Tag.2.Key", "kubernetes.io/created-for/pvc/name"),
        ("TagSpecification.1.Tag.2.Value", "data"),
        ("TagSpecification.1.Tag.3.Key", "kubernetes.io/created-for/pvc/namespace"),
        ("TagSpecification.1.Tag.3.Value", "deeploy"),
    ];
    ec2(world, "CreateVolume", &disk).map(drop)
}

/// Destroys the cluster alone.
fn destroy_cluster(terraform: &Terraform) -> Result<acceptance_tests::Finished, Failure> {
    terraform.destroy(&["-target=deeploy_eks_cluster.this"])?.success()
}

#[test]
fn a_destroy_takes_what_kubernetes_made_and_nothing_else() -> Result<(), Failure> {
    let stage = stage()?;
    let state = made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    let network = terraform.attributes("deeploy_network.this")?;
    leave_behind(world, &network, text(&state, "node_security_group_id"))?;
    // Another cluster's in the same VPC, a shared one, and one that only looks like ours.
    let vpc = text(&network, "vpc_id");
    let others = [
        group(world, vpc, "other", "kubernetes.io/cluster/other", "owned")?,
        group(world, vpc, "shared", "kubernetes.io/cluster/prod", "shared")?,
        group(world, vpc, "k8s-elb-prod", "Name", "prod")?,
    ];
    let gone = destroy_cluster(terraform)?;
    check::says(&gone, "of the PersistentVolumeClaim deeploy/data")?;
    for other in &others {
        ec2(world, "DescribeSecurityGroups", &[("GroupId.1", other)])?;
        ec2(world, "DeleteSecurityGroup", &[("GroupId", other)])?;
    }
    for kind in ["eks:cluster", "eks:nodegroup", "autoscaling:group"] {
        assert_eq!(world.objects_of(kind)?, Vec::<Value>::new(), "{kind}");
    }
    let balancers = world.query("elasticloadbalancing", "2015-12-01", "DescribeLoadBalancers", &[])?;
    assert!(!balancers.contains("<LoadBalancerName>"), "{balancers}");
    // Nothing of it holds the network.
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects_of("ec2:vpc")?.iter().filter(|one| text(one, "id") == vpc).count(), 0);
    Ok(())
}
