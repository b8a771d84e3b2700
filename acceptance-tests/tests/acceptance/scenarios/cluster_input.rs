//! Wrong input of a cluster is refused at its attribute, before anything is made.

use acceptance_tests::{Failure, check};

use super::{
    cluster::cluster,
    stage::{Stage, mutations_of, stage},
};

#[test]
fn wrong_input_is_refused_before_anything_is_made() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let cases = [
        ("admin_principal_arns", "[]", "A cluster without an administrator"),
        ("admin_principal_arns", r#"["arn:aws:iam::ACCOUNT:root"]"#, "no principal of EKS"),
        ("public_access_cidrs", r#"["0.0.0.0/0"]"#, "The API would be open to everybody"),
        ("public_access_cidrs", r#"["192.0.2.1/24"]"#, "Not the beginning of a range"),
        ("kubernetes_version", r#""1.22""#, "A Kubernetes version that is too old"),
        ("kubernetes_version", r#""1.33.1""#, "Not a Kubernetes version"),
        ("kubernetes_version", r#""1.99""#, "A Kubernetes version that EKS doesn't offer"),
        ("node_groups", "{}", "No node group"),
        ("node_groups", r#"{ a = { labels = { "kubernetes.io/role" = "x" } } }"#, "A reserved label"),
        ("node_groups", "{ a = { min_size = 3, max_size = 2 } }", "Sizes that exclude each other"),
        ("node_groups", r#"{ a = { instance_types = ["t3.micro"] } }"#, "Too few or too small nodes for Deeploy"),
        ("node_groups", "{ a = { min_size = 1 } }", "Too few or too small nodes for Deeploy"),
        ("node_groups", r#"{ a = { instance_types = ["t9.huge"] } }"#, "An instance type that isn't offered"),
        ("log_retention_in_days", "33", "Not a retention"),
        ("enabled_cluster_log_types", r#"["everything"]"#, "Unknown type of log"),
        ("private_subnet_ids", r#"["subnet-0123456789abcdef0"]"#, "A subnet that doesn't exist"),
    ];
    for (name, value, expected) in cases {
        terraform.configure(&cluster(world, &[(name, value)]))?;
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        check::says(&plan.failure()?, expected)?;
        assert_eq!(calls, Vec::<String>::new(), "{name} = {value}");
    }
    Ok(())
}

#[test]
fn unknown_inputs_are_planned() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let unknown = "resource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\n";
    for (name, value) in [
        ("name", "terraform_data.later.id"),
        ("vpc_id", "terraform_data.later.id"),
        ("kubernetes_version", "terraform_data.later.id"),
        ("public_access_cidrs", "[terraform_data.later.id]"),
        ("admin_principal_arns", "[terraform_data.later.id]"),
        ("node_groups", "{ a = { instance_types = [terraform_data.later.id] } }"),
        ("kms_key_arn", "terraform_data.later.id"),
        ("deletion_protection", "terraform_data.later.id == \"x\""),
    ] {
        terraform.configure(&format!("{unknown}{}", cluster(world, &[(name, value)])))?;
        terraform.plan::<&str>(&[])?.success().map_err(|failure| Failure::new(format!("{name}: {failure}")))?;
    }
    Ok(())
}
