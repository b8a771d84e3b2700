//! `deeploy_iam_role`: who may become it, what it may do, and what somebody else did to it.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::{
    repair::repaired,
    stage::{Stage, change, mutations_of, stage, text},
};

const ROLE: &str = "deeploy_iam_role.this";

/// What a role is given access to, in names that the account makes unique.
const AROUND: &str = r#"
resource "deeploy_kms_key" "tokens" {
  name = "tokens-ACCOUNT"
}
resource "deeploy_kms_key" "data" {
  name = "data-ACCOUNT"
}
resource "deeploy_s3_bucket" "artifacts" {
  bucket         = "artifacts-ACCOUNT"
  kms_key_arn    = deeploy_kms_key.data.arn
  access_logging = { enabled = false }
}
"#;

const ACCESS: &str = "bucket_arn = deeploy_s3_bucket.artifacts.arn\nbucket_kms_key_arn = deeploy_kms_key.data.arn\ntokens_key_arn = deeploy_kms_key.tokens.arn";

const PODS: &str = r#"pod_identity = { cluster_name = "one", namespace = "deeploy", service_accounts = ["default", "worker"] }"#;

const IRSA: &str = r#"irsa = {
    oidc_provider_arn = "arn:aws:iam::ACCOUNT:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    namespace = "deeploy"
    service_accounts = ["default"]
  }"#;

fn role(lines: &str, trust: &str) -> String {
    format!("resource \"deeploy_iam_role\" \"this\" {{\n  {lines}\n  trust = {{\n  {trust}\n  }}\n}}\n")
}

/// A role alone, given access to nothing that is managed here.
fn plain(lines: &str) -> String {
    role(&format!("name = \"role-ACCOUNT\"\n  {lines}"), PODS)
}

fn apply(stage: &Stage, text: &str) -> Result<Vec<String>, Failure> {
    stage.configure(text)?;
    let (done, calls) = mutations_of(&stage.world, || stage.terraform.apply::<&str>(&[]))?;
    done.success()?;
    check::empty_plan(&stage.terraform)?;
    Ok(calls)
}

fn attribute(terraform: &Terraform, name: &str) -> Result<Value, Failure> {
    Ok(terraform.attributes(ROLE)?[name].clone())
}

/// The inline policies of the role, as IAM has them.
fn inline(world: &World) -> Result<Vec<String>, Failure> {
    Ok(world.objects_of("iam:role_policy")?.iter().map(|policy| text(policy, "id").to_owned()).collect())
}

fn decided(world: &World, question: &Value) -> Result<String, Failure> {
    let mut question = question.clone();
    question["account"] = json!(world.account());
    Ok(text(&world.evaluate(&question)?, "decision").to_owned())
}

#[test]
fn a_role_may_use_its_bucket_and_keys_and_nothing_else() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    let configuration = |access: &str| format!("{AROUND}{}", role(&format!("name = \"role-ACCOUNT\"\n{ACCESS}\n{access}"), PODS));
    apply(&stage, &configuration(""))?;
    let arn = |address: &str| Ok::<_, Failure>(stage.terraform.attributes(address)?["arn"].as_str().unwrap().to_owned());
    let (principal, bucket) = (arn(ROLE)?, arn("deeploy_s3_bucket.artifacts")?);
    let (tokens, data) = (arn("deeploy_kms_key.tokens")?, arn("deeploy_kms_key.data")?);
    let may = |action: &str, resource: &str, context: Value| {
        let answer =
            decided(world, &json!({ "principal_arn": principal, "action": action, "resource_arn": resource, "context": context }))?;
        Ok::<_, Failure>(answer == "allowed")
    };
    let object = format!("{bucket}/model");
    let through_s3 = json!({ "kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:CallerAccount": world.account() });
    let cases = [
        ("s3:GetObject", object.as_str(), json!({}), true),
        ("s3:PutObject", &object, json!({}), true),
        ("s3:DeleteObject", &object, json!({}), true),
        ("s3:ListBucket", &bucket, json!({}), true),
        ("kms:Decrypt", &data, through_s3.clone(), true),
        ("kms:GenerateDataKey", &data, through_s3, true),
        ("kms:Decrypt", &data, json!({}), false),
        ("kms:Encrypt", &tokens, json!({}), true),
        ("kms:Decrypt", &tokens, json!({}), true),
        ("kms:ScheduleKeyDeletion", &tokens, json!({}), false),
        ("kms:PutKeyPolicy", &tokens, json!({}), false),
        ("s3:PutObjectAcl", &object, json!({}), false),
        ("s3:DeleteBucket", &bucket, json!({}), false),
        ("s3:PutBucketPolicy", &bucket, json!({}), false),
        ("s3:GetObject", "arn:aws:s3:::another/model", json!({}), false),
        ("s3:ListAllMyBuckets", "*", json!({}), false),
        ("iam:CreateUser", "*", json!({}), false),
        ("secretsmanager:GetSecretValue", "*", json!({}), false),
    ];
    for (action, resource, context, expected) in &cases {
        assert_eq!(may(action, resource, context.clone())?, *expected, "{action} on {resource} with {context}");
    }

    apply(&stage, &configuration("access = \"documented\""))?;
    // Deeploy's page, to the letter; the keys beside it, since the bucket has one.
    let policy: Value = serde_json::from_str(attribute(&stage.terraform, "policy")?.as_str().unwrap()).unwrap();
    let seed = [
        json!({ "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [bucket] }),
        json!({ "Effect": "Allow", "Action": ["s3:*"], "Resource": [format!("{bucket}/*")] }),
    ];
    assert_eq!(policy["Statement"].as_array().unwrap()[..2], seed);
    assert!(may("s3:PutObjectAcl", &object, json!({}))?);
    assert!(!may("s3:DeleteBucket", &bucket, json!({}))?);
    stage.terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn only_the_right_pods_may_become_the_role() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    let account = world.account();
    let provider = format!("arn:aws:iam::{account}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC");
    let issuer = "oidc.eks.eu-central-1.amazonaws.com/id/ABC";
    let arn = format!("arn:aws:iam::{account}:role/deeploy/role-{account}");
    let web = |namespace: &str, name: &str, audience: &str, by: &str| {
        json!({ "trust_of": arn, "federated": by, "action": "sts:AssumeRoleWithWebIdentity", "context": {
            format!("{issuer}:sub"): format!("system:serviceaccount:{namespace}:{name}"), format!("{issuer}:aud"): audience,
        }})
    };
    let pod = |action: &str, namespace: &str, name: &str, cluster: &str, owner: &str| {
        json!({ "trust_of": arn, "service": "pods.eks.amazonaws.com", "action": action, "context": {
            "aws:SourceAccount": owner, "aws:SourceArn": format!("arn:aws:eks:eu-central-1:{owner}:cluster/{cluster}"),
            "aws:RequestTag/kubernetes-namespace": namespace, "aws:RequestTag/kubernetes-service-account": name,
        }})
    };
    let audience = "sts.amazonaws.com";
    let by_irsa = web("deeploy", "default", audience, &provider);
    let by_agent = pod("sts:AssumeRole", "deeploy", "worker", "one", account);
    let never = [
        web("default", "default", audience, &provider),
        web("deeploy", "other", audience, &provider),
        web("deeploy", "default", "somebody", &provider),
        web("deeploy", "default", audience, &format!("{provider}D")),
        pod("sts:AssumeRole", "default", "worker", "one", account),
        pod("sts:AssumeRole", "deeploy", "other", "one", account),
        pod("sts:AssumeRole", "deeploy", "worker", "two", account),
        pod("sts:AssumeRole", "deeploy", "worker", "one", "999999999999"),
        json!({ "trust_of": arn, "service": "ec2.amazonaws.com", "action": "sts:AssumeRole" }),
        json!({ "trust_of": arn, "principal": format!("arn:aws:iam::{account}:root"), "action": "sts:AssumeRole" }),
    ];
    let both = format!("{PODS}\n  {IRSA}");
    for (trust, irsa, agent) in [(IRSA, true, false), (PODS, false, true), (both.as_str(), true, true)] {
        let calls = apply(&stage, &role("name = \"role-ACCOUNT\"", trust))?;
        assert!(calls.iter().any(|call| call == "iam:CreateRole" || call == "iam:UpdateAssumeRolePolicy"), "{calls:?}");
        let may = |question: &Value| Ok::<_, Failure>(decided(world, question)? == "allowed");
        assert_eq!(may(&by_irsa)?, irsa, "{trust}");
        assert_eq!(may(&by_agent)?, agent, "{trust}");
        assert_eq!(may(&pod("sts:TagSession", "deeploy", "default", "one", account))?, agent, "{trust}");
        for question in &never {
            assert!(!may(question)?, "{trust}: {question}");
        }
    }
    check::no_unsupported_call(world)
}

#[test]
fn each_attribute_changes_in_place_and_name_and_path_replace() -> Result<(), Failure> {
    let stage = stage()?;
    apply(&stage, &plain(""))?;
    let unique = attribute(&stage.terraform, "unique_id")?;
    assert_eq!(inline(&stage.world)?, Vec::<String>::new());
    let boundary = "permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"";
    let key = "tokens_key_arn = \"arn:aws:kms:eu-central-1:ACCOUNT:key/11111111-2222-4333-8444-555555555555\"";
    let steps = [
        (boundary, vec!["iam:PutRolePermissionsBoundary"]),
        ("", vec!["iam:DeleteRolePermissionsBoundary"]),
        ("tags = { a = \"1\", b = \"2\" }", vec!["iam:TagRole"]),
        ("tags = { a = \"1\" }", vec!["iam:UntagRole"]),
        ("", vec!["iam:UntagRole"]),
        ("bucket_arn = \"arn:aws:s3:::somewhere\"", vec!["iam:PutRolePolicy"]),
        ("bucket_arn = \"arn:aws:s3:::somewhere\"\naccess = \"documented\"", vec!["iam:PutRolePolicy"]),
        (key, vec!["iam:PutRolePolicy"]),
        ("", vec!["iam:DeleteRolePolicy"]),
    ];
    for (lines, calls) in &steps {
        let done = apply(&stage, &plain(lines))?;
        assert_eq!(done, *calls, "{lines:?}");
        assert_eq!(attribute(&stage.terraform, "unique_id")?, unique, "{lines:?} replaced it");
    }
    assert_eq!(inline(&stage.world)?, Vec::<String>::new());
    assert_eq!(attribute(&stage.terraform, "policy")?, Value::Null);

    for text in [plain("path = \"/elsewhere/\""), role("name = \"renamed-ACCOUNT\"\npath = \"/elsewhere/\"", PODS)] {
        stage.configure(&text)?;
        stage.terraform.plan::<&str>(&[])?.success()?;
        assert_eq!(change(&stage.terraform, ROLE)?.actions, ["delete", "create"]);
        stage.terraform.apply_plan()?.success()?;
        check::empty_plan(&stage.terraform)?;
        assert_eq!(stage.world.objects_of("iam:role")?.len(), 1);
    }
    stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(stage.world.objects()?, Vec::<Value>::new());
    check::no_unsupported_call(&stage.world)
}

#[test]
fn what_somebody_did_to_a_role_is_found_and_repaired() -> Result<(), Failure> {
    let stage = stage()?;
    let name = stage.filled("role-ACCOUNT");
    apply(&stage, &plain("bucket_arn = \"arn:aws:s3:::somewhere\"\ntags = { a = \"1\" }"))?;
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}"#;
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        ("UpdateAssumeRolePolicy", vec![("PolicyDocument", open)], "trust_policy", &["iam:UpdateAssumeRolePolicy"]),
        ("UpdateRole", vec![("Description", "theirs"), ("MaxSessionDuration", "3600")], "description", &["iam:UpdateRole"]),
        (
            "UpdateRole",
            vec![("Description", "Deeploy's pods"), ("MaxSessionDuration", "7200")],
            "max_session_duration",
            &["iam:UpdateRole"],
        ),
        (
            "PutRolePermissionsBoundary",
            vec![("PermissionsBoundary", boundary)],
            "permissions_boundary",
            &["iam:DeleteRolePermissionsBoundary"],
        ),
        ("PutRolePolicy", vec![("PolicyName", "deeploy"), ("PolicyDocument", all)], "policy", &["iam:PutRolePolicy"]),
        ("DeleteRolePolicy", vec![("PolicyName", "deeploy")], "policy", &["iam:PutRolePolicy"]),
        ("TagRole", vec![("Tags.member.1.Key", "b"), ("Tags.member.1.Value", "2")], "tags_all", &["iam:UntagRole"]),
        ("UntagRole", vec![("TagKeys.member.1", "a")], "tags_all", &["iam:TagRole"]),
        ("UntagRole", vec![("TagKeys.member.1", "deeploy:owner")], "tags", &["iam:TagRole"]),
    ];
    for (operation, parameters, named, repair) in &cases {
        let mut all = vec![("RoleName", name.as_str())];
        all.extend(parameters);
        repaired(&stage, ROLE, operation, || stage.world.iam(operation, &all).map(drop), named, repair)?;
    }
    check::no_unsupported_call(&stage.world)
}

#[test]
fn a_role_that_is_gone_is_made_anew() -> Result<(), Failure> {
    let stage = stage()?;
    apply(&stage, &plain(""))?;
    let name = stage.filled("role-ACCOUNT");
    stage.world.iam("DeleteRole", &[("RoleName", &name)])?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(&stage.terraform, ROLE)?.actions, ["create"]);
    stage.terraform.apply_plan()?.success()?;
    check::empty_plan(&stage.terraform)
}

#[test]
fn a_destroy_that_meets_somebody_elses_policy_names_it_and_deletes_nothing() -> Result<(), Failure> {
    let stage = stage()?;
    apply(&stage, &plain("bucket_arn = \"arn:aws:s3:::somewhere\""))?;
    let name = stage.filled("role-ACCOUNT");
    let attached = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    stage.world.iam("AttachRolePolicy", &[("RoleName", &name), ("PolicyArn", attached)])?;
    stage.world.iam("PutRolePolicy", &[("RoleName", &name), ("PolicyName", "theirs"), ("PolicyDocument", all)])?;
    check::empty_plan(&stage.terraform)?;

    let (refused, calls) = mutations_of(&stage.world, || stage.terraform.destroy::<&str>(&[]))?;
    let refused = refused.failure()?;
    check::says(&refused, attached)?;
    check::says(&refused, "theirs")?;
    check::says(&refused, "Nothing was deleted")?;
    assert_eq!(calls, Vec::<String>::new());
    check::empty_plan(&stage.terraform)?;

    stage.world.iam("DetachRolePolicy", &[("RoleName", &name), ("PolicyArn", attached)])?;
    stage.world.iam("DeleteRolePolicy", &[("RoleName", &name), ("PolicyName", "theirs")])?;
    stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(stage.world.objects()?, Vec::<Value>::new());
    Ok(())
}

#[test]
fn a_role_is_imported_by_name_by_arn_and_by_block() -> Result<(), Failure> {
    let stage = stage()?;
    let text = role(
        "name = \"role-ACCOUNT\"\nbucket_arn = \"arn:aws:s3:::somewhere\"\naccess = \"documented\"\ntags = { a = \"1\" }",
        &format!("{PODS}\n  {IRSA}"),
    );
    apply(&stage, &text)?;
    let terraform = &stage.terraform;
    let made = terraform.attributes(ROLE)?;
    let name = stage.filled("role-ACCOUNT");
    for id in [name.as_str(), made["arn"].as_str().unwrap()] {
        terraform.run(&["state", "rm", ROLE])?.success()?;
        let (done, calls) = mutations_of(&stage.world, || terraform.import(ROLE, id))?;
        done.success()?;
        assert_eq!(calls, Vec::<String>::new(), "an import changed something");
        check::empty_plan(terraform)?;
        assert_eq!(terraform.attributes(ROLE)?, made, "import by {id}");
    }

    terraform.run(&["state", "rm", ROLE])?.success()?;
    stage.configure("")?;
    terraform.write("import.tf", &format!("import {{\n  to = {ROLE}\n  id = \"{name}\"\n}}\n"))?;
    terraform.plan(&["-generate-config-out=generated.tf"])?.success()?;
    let (done, calls) = mutations_of(&stage.world, || terraform.apply_plan())?;
    done.success()?;
    assert_eq!(calls, Vec::<String>::new(), "what generated configuration says is what is there");
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(ROLE)?["unique_id"], made["unique_id"]);

    for wrong in ["not-there", "arn:aws:iam::123456789012:role/deeploy/not-there"] {
        terraform.run(&["state", "rm", ROLE])?;
        terraform.write("import.tf", "")?;
        let refused = terraform.import(ROLE, wrong)?.failure()?;
        check::says(&refused, "Nothing to import")?;
        check::says(&refused, wrong)?;
        check::says(&refused, "a role's name or ARN")?;
    }
    Ok(())
}
