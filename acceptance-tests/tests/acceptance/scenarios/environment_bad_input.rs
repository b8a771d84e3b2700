//! What an environment can't be is refused in the plan, at its attribute, with cause and remedy; nothing is made or changed.

use acceptance_tests::{Failure, Terraform, check};
use serde_json::{Value, json};

use super::{
    bad_input::errors,
    environment_stage::{applied, environment, environment_stage},
    stage::{Stage, mutations_of, stage},
};

/// An attribute with a wrong value: what stands in the place of `environment_stage::environment`'s line.
struct Wrong {
    attribute: &'static str,
    value: &'static str,
    /// What the error's first line ends with: the path of what is wrong.
    at: &'static str,
    /// In the error's first line or text.
    said: &'static str,
}

const fn wrong(attribute: &'static str, value: &'static str, at: &'static str, said: &'static str) -> Wrong {
    Wrong { attribute, value, at, said }
}

const CLUSTER: &[Wrong] = &[
    wrong("cluster", "{ admin_principal_arns = [] }", "cluster.admin_principal_arns", "A cluster without an administrator"),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, kubernetes_version = \"1.22\" }",
        "cluster.kubernetes_version",
        "1.23 or later",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, kubernetes_version = \"1.30\" }",
        "cluster.kubernetes_version",
        "It offers 1.35",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, public_access_cidrs = [\"0.0.0.0/0\"] }",
        "cluster.public_access_cidrs",
        "The API would be open to everybody",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, public_access_cidrs = [\"192.0.2.0\"] }",
        "cluster.public_access_cidrs",
        "Not an IPv4 range",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, public_access_cidrs = [\"10.20.0.0/16\"] }",
        "cluster.public_access_cidrs",
        "Not a range of the internet",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, node_groups = { a = { instance_types = [\"m7g.medium\"], min_size = 2 } } }",
        "cluster.node_groups",
        "at least 3 vCPU and 6 GB",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, node_groups = { a = { instance_types = [\"m7g.large\"], min_size = 4, max_size = 3 } } }",
        "cluster.node_groups[\"a\"]",
        "min_size 4",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, node_groups = { a = { instance_types = [\"m7x.large\"] } } }",
        "cluster.node_groups[\"a\"].instance_types",
        "no instance type \"m7x.large\"",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, node_groups = { a = { instance_types = [\"m7g.large\"], ami_type = \"AL2023_x86_64_STANDARD\" } } }",
        "cluster.node_groups[\"a\"].ami_type",
        "is for the other architecture",
    ),
    wrong(
        "cluster",
        "{ admin_principal_arns = local.admins, node_groups = { a = { availability_zones = [\"euc1-az9\"] } } }",
        "cluster.node_groups[\"a\"].availability_zones",
        "euc1-az9",
    ),
];

const NETWORK: &[Wrong] = &[
    wrong("network", "{ cidr = \"10.0.0.0/8\" }", "network.cidr", "a VPC is a /16 at most"),
    wrong("network", "{ cidr = \"10.0.0.0/28\" }", "network.cidr", "need a /20 at least"),
    wrong("network", "{ cidr = \"10.0.0.1/16\" }", "network.cidr", "AWS would make 10.0.0.0/16 of it"),
    wrong("network", "{ cidr = \"172.20.0.0/16\" }", "network.cidr", "overlaps that of Kubernetes services"),
    wrong("network", "{ cidr = \"10.100.0.0/16\" }", "network.cidr", "overlaps that of Kubernetes services"),
    wrong("network", "{ availability_zones = [\"euc1-az1\"] }", "network.availability_zones", "EKS and RDS need two at least"),
    wrong("network", "{ availability_zones = [\"euc1-az1\", \"euc1-az7\"] }", "network.availability_zones", "euc1-az7 is no zone"),
    wrong("network", "{ nat = \"two\" }", "network.nat", "\"per_az\", \"single\", \"none\""),
    wrong(
        "network",
        "{ nat = \"single\", nat_eip_allocation_ids = [\"eipalloc-0123456789abcdef0\", \"eipalloc-0123456789abcdef1\"] }",
        "network.nat_eip_allocation_ids",
        "2 addresses for 1 NAT gateways",
    ),
    wrong("network", "{ existing = local.unknown_vpc }", "network.existing.vpc_id", "There is no VPC vpc-0123456789abcdef0"),
];

const DATABASE: &[Wrong] = &[
    wrong("database", "{ allocated_storage = 100, max_allocated_storage = 109 }", "database.max_allocated_storage", "110 GiB or more"),
    wrong(
        "database",
        "{ backup_window = \"03:00-04:00\", maintenance_window = \"sun:03:30-sun:04:30\" }",
        "database.maintenance_window",
        "The windows overlap",
    ),
    wrong("database", "{ backup_window = \"03:00-03:10\" }", "database.backup_window", "shorter than AWS's 30 minutes"),
    wrong("database", "{ instance_class = \"db.m7x.large\" }", "database.instance_class", "AWS doesn't offer this class"),
    wrong("database", "{ engine_version = \"99\" }", "database.engine_version", "There is no PostgreSQL 99"),
    wrong("database", "{ backup_retention_period = 36 }", "database.backup_retention_period", "from 1 to 35. Lower it."),
    wrong("database", "{ parameters = { work_men = \"8192\" } }", "database.parameters[\"work_men\"]", "Did you mean `work_mem`"),
    wrong("database", "{ snapshot_identifier = \"nobodys\" }", "database.snapshot_identifier", "There is no snapshot \"nobodys\""),
    wrong("database", "{ allowed_security_group_ids = [\"default\"] }", "database.allowed_security_group_ids", "a security group's id"),
];

const REST: &[Wrong] = &[
    wrong("storage", "{ bucket = \"Not_a_bucket\" }", "storage.bucket", "3 to 63 lower-case letters"),
    wrong(
        "storage",
        "{ bucket = \"a23456789a123456789a123456789a123456789a123456789a123456789\" }",
        "storage.bucket",
        "The log bucket's name would be too long",
    ),
    wrong("storage", "{ access = \"all\" }", "storage.access", "\"least_privilege\", \"documented\""),
    wrong("encryption", "{ deletion_window_in_days = 6 }", "encryption.deletion_window_in_days", "from 7 to 30. Raise it."),
    wrong("encryption", "{ on_destroy = \"delete\" }", "encryption.on_destroy", "\"retain\", \"schedule\""),
    wrong("identity", "{ mode = \"both\" }", "identity.mode", "\"role\", \"user\""),
    wrong("identity", "{ namespace = \"Not Kubernetes\" }", "identity.namespace", "Not a Kubernetes name"),
    wrong("monitoring", "", "monitoring.alarm_emails", "Alarms that reach nobody"),
    wrong("monitoring", "{ alarm_emails = [\"ops\"] }", "monitoring.alarm_emails", "\"ops@example.com\""),
    wrong("name", "\"Deeploy Prod\"", "Not a name for an environment", "1 to 32 lower-case letters"),
    wrong("recreate", "[\"databse\"]", "No such component", "Did you mean `database`?"),
    wrong("preset", "\"staging\"", "Unknown preset", "choose \"production\" or \"development\""),
    wrong("iam_path", "\"deeploy\"", "Not an IAM path", "must start and end with a slash"),
    wrong("permissions_boundary", "\"arn:aws:iam::aws:role/x\"", "The ARN of something else", "policy/"),
    wrong("tags", "{ \"deeploy:x\" = \"y\" }", "A tag of the provider", "Choose another key"),
];

const LOCALS: &str = "locals {
  admins      = [\"arn:aws:iam::123456789012:role/platform-admin\"]
  unknown_vpc = {
    vpc_id              = \"vpc-0123456789abcdef0\"
    private_subnet_ids  = [\"subnet-0123456789abcdef0\", \"subnet-0123456789abcdef1\"]
    public_subnet_ids   = []
    database_subnet_ids = [\"subnet-0123456789abcdef2\", \"subnet-0123456789abcdef3\"]
  }
}
";

/// The one error of the present configuration is the one that is expected; else what there is.
fn missed(terraform: &Terraform, wrong: &Wrong) -> Result<Option<String>, Failure> {
    let errors = errors(terraform)?;
    let is_right = |error: &Value| {
        let (summary, detail) = (error["summary"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default());
        summary.ends_with(wrong.at) && (summary.contains(wrong.said) || detail.contains(wrong.said))
    };
    let right = errors.len() == 1 && errors.iter().all(is_right);
    Ok((!right).then(|| format!("{} = {}:\n{}", wrong.attribute, wrong.value, serde_json::to_string_pretty(&errors).unwrap_or_default())))
}

fn each_is_refused(table: &[Wrong]) -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let mut all = Vec::new();
    for wrong in table {
        terraform.configure(&format!("{LOCALS}{}", environment(world, &[(wrong.attribute, wrong.value)])))?;
        all.extend(missed(terraform, wrong)?);
    }
    assert!(all.is_empty(), "{} of {}:\n{}", all.len(), table.len(), all.join("\n"));
    assert_eq!(world.mutations()?, Vec::<String>::new());
    check::no_unsupported_call(world)
}

#[test]
fn every_wrong_environment_gets_one_error_at_its_attribute() -> Result<(), Failure> {
    [CLUSTER, NETWORK, DATABASE, REST].into_iter().try_for_each(each_is_refused)
}

#[test]
fn keys_that_are_not_there_or_end_are_refused() -> Result<(), Failure> {
    let Stage { world, terraform } = &environment_stage()?;
    let key = || world.kms("CreateKey", &json!({})).map(|made| made["KeyMetadata"].clone());
    let (good, ending) = (key()?, key()?);
    world.kms("ScheduleKeyDeletion", &json!({ "KeyId": ending["KeyId"] }))?;
    let missing = format!("{}0", good["Arn"].as_str().unwrap_or_default());
    let before = world.mutations()?;
    for (data, said) in [(json!(missing), "There is no key arn:aws:kms"), (ending["Arn"].clone(), "is in the state PendingDeletion")] {
        let existing = format!("{{ existing = {{ tokens_key_arn = {}, data_key_arn = {data} }} }}", good["Arn"]);
        terraform.configure(&environment(world, &[("encryption", &existing)]))?;
        let told = errors(terraform)?;
        let summary = told.iter().map(|error| error["summary"].as_str().unwrap_or_default()).collect::<Vec<_>>();
        assert!(summary.len() == 1 && summary[0].ends_with("encryption.existing.data_key_arn"), "{told:?}");
        assert!(told[0]["detail"].as_str().unwrap_or_default().contains(said), "{told:?}");
    }
    assert_eq!(world.mutations()?, before);
    check::no_unsupported_call(world)
}

/// What stays as it was made.
const FIXED: &[Wrong] = &[
    wrong("network", "{ cidr = \"10.9.0.0/16\" }", "network.cidr", "A VPC keeps its range"),
    wrong("network", "{ availability_zones = [\"euc1-az2\", \"euc1-az3\"] }", "network.availability_zones", "divided among these zones"),
    wrong("network", "{ private_subnet_prefix_length = 22 }", "network.private_subnet_prefix_length", "Subnets keep their ranges"),
    wrong("network", "{ existing = local.unknown_vpc }", "network.existing", "decided when it is made"),
    wrong("storage", "{ bucket = \"another-bucket\" }", "storage.bucket", "S3 renames none"),
    wrong("database", "{ allocated_storage = 20 }", "database.allocated_storage", "storage of RDS never shrinks"),
    wrong("database", "{ engine_version = \"16\" }", "database.engine_version", "A version can't be taken back"),
    wrong("database", "{ engine_version = \"18\" }", "database.engine_version", "A major upgrade that nobody allowed"),
    wrong("iam_path", "\"/other/\"", "`iam_path` can't be changed", "Set it back"),
];

#[test]
fn what_an_environment_can_not_become_gets_one_error_at_its_attribute() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let development = [("preset", "\"development\""), ("monitoring", ""), ("database", "{ allocated_storage = 30 }")];
    applied(&stage, &development)?;
    let (all, calls) = mutations_of(world, || {
        let mut all = Vec::new();
        for wrong in FIXED {
            let mut lines = development.to_vec();
            lines.push((wrong.attribute, wrong.value));
            terraform.configure(&format!("{LOCALS}{}", environment(world, &lines)))?;
            all.extend(missed(terraform, wrong)?);
        }
        Ok(all)
    })?;
    assert!(all.is_empty(), "{} of {}:\n{}", all.len(), FIXED.len(), all.join("\n"));
    assert_eq!(calls, Vec::<String>::new());
    check::no_unsupported_call(world)
}
