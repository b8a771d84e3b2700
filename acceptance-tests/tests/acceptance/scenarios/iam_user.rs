//! `deeploy_iam_user`: its rights, and what somebody else did to it.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    repair::repaired,
    stage::{Stage, change, mutations_of, stage, text},
    staging::elements,
};

pub(crate) const USER: &str = "deeploy_iam_user.this";

/// A user, given access to nothing that is managed here.
pub(crate) fn user(lines: &str) -> String {
    format!("resource \"deeploy_iam_user\" \"this\" {{\n  name = \"user-ACCOUNT\"\n{lines}\n}}\n")
}

pub(crate) fn apply(stage: &Stage, text: &str) -> Result<Vec<String>, Failure> {
    stage.configure(text)?;
    let (done, calls) = mutations_of(&stage.world, || stage.terraform.apply::<&str>(&[]))?;
    done.success()?;
    check::empty_plan(&stage.terraform)?;
    Ok(calls)
}

pub(crate) fn attribute(stage: &Stage, name: &str) -> Result<String, Failure> {
    Ok(text(&stage.terraform.attributes(USER)?, name).to_owned())
}

/// Ids of the user's access keys, as IAM has them.
pub(crate) fn keys(world: &World) -> Result<Vec<String>, Failure> {
    Ok(world.objects_of("iam:access_key")?.iter().map(|key| text(key, "id").to_owned()).collect())
}

/// What the secret holds.
pub(crate) fn stored(stage: &Stage) -> Result<Value, Failure> {
    let reply = stage.world.secrets_manager("GetSecretValue", &json!({ "SecretId": attribute(stage, "secret_arn")? }))?;
    serde_json::from_str(text(&reply, "SecretString")).map_err(|error| Failure::new(format!("the secret is no JSON: {error}")))
}

#[test]
fn the_stored_key_opens_the_bucket_and_nothing_else() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    apply(
        &stage,
        &format!(
            "resource \"deeploy_kms_key\" \"tokens\" {{\n  name = \"tokens-ACCOUNT\"\n}}\n\
             resource \"deeploy_s3_bucket\" \"artifacts\" {{\n  bucket = \"artifacts-ACCOUNT\"\n  force_destroy = true\n  access_logging = {{ enabled = false }}\n}}\n{}",
            user("bucket_arn = deeploy_s3_bucket.artifacts.arn\ntokens_key_arn = deeploy_kms_key.tokens.arn")
        ),
    )?;
    let value = stored(&stage)?;
    assert_eq!(text(&value, "access_key_id"), attribute(&stage, "access_key_id")?);
    assert!(text(&value, "secret_access_key").len() >= 40, "a secret access key has 40 characters");
    let deeploy = world.with_access_key(text(&value, "access_key_id"));
    let bucket = stage.filled("artifacts-ACCOUNT");
    deeploy.s3("PUT", &format!("/{bucket}/model"), "weights")?;
    assert_eq!(deeploy.s3("GET", &format!("/{bucket}/model"), "")?, "weights");
    deeploy.s3("GET", &format!("/{bucket}?list-type=2"), "")?;
    let key = stage.terraform.attributes("deeploy_kms_key.tokens")?["arn"].clone();
    deeploy.kms("GenerateDataKey", &json!({ "KeyId": key, "KeySpec": "AES_256" }))?;

    world.s3("PUT", &format!("/other-{bucket}"), location(world))?;
    let refused = [
        deeploy.s3("GET", &format!("/other-{bucket}?list-type=2"), "").err(),
        deeploy.s3("DELETE", &format!("/{bucket}"), "").err(),
        deeploy.kms("ScheduleKeyDeletion", &json!({ "KeyId": key })).err(),
        deeploy.iam("ListUsers", &[]).err(),
        deeploy.iam("CreateAccessKey", &[("UserName", &stage.filled("user-ACCOUNT"))]).err(),
        deeploy.secrets_manager("GetSecretValue", &json!({ "SecretId": attribute(&stage, "secret_arn")? })).err(),
    ];
    for failure in &refused {
        assert!(failure.as_ref().is_some_and(|failure| failure.to_string().contains("AccessDenied")), "{refused:?}");
    }
    world.s3("DELETE", &format!("/other-{bucket}"), "")?;
    stage.terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

fn location(_world: &World) -> &'static str {
    "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"
}

#[test]
fn each_attribute_changes_in_place_and_another_secret_replaces() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    apply(&stage, &user(""))?;
    let before = stage.terraform.attributes(USER)?;
    let key = world.kms("CreateKey", &json!({}))?["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let steps: [(&str, &[&str]); 10] = [
        ("permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"", &["iam:PutUserPermissionsBoundary"]),
        ("", &["iam:DeleteUserPermissionsBoundary"]),
        ("tags = { a = \"1\" }", &["iam:TagUser", "secretsmanager:TagResource"]),
        ("", &["iam:UntagUser", "secretsmanager:UntagResource"]),
        ("bucket_arn = \"arn:aws:s3:::somewhere\"", &["iam:PutGroupPolicy"]),
        ("bucket_arn = \"arn:aws:s3:::somewhere\"\naccess = \"documented\"", &["iam:PutGroupPolicy"]),
        ("", &["iam:DeleteGroupPolicy"]),
        (&format!("secret_kms_key_arn = \"{key}\""), &["secretsmanager:UpdateSecret"]),
        ("", &["secretsmanager:UpdateSecret"]),
        ("path = \"/elsewhere/\"", &["iam:UpdateGroup", "iam:UpdateUser"]),
    ];
    for (lines, calls) in &steps {
        let mut done = apply(&stage, &user(lines))?;
        done.sort();
        assert_eq!(done, *calls, "{lines:?}");
    }
    apply(&stage, &user("secret_recovery_window_in_days = 7\npath = \"/elsewhere/\""))?;
    let after = stage.terraform.attributes(USER)?;
    for kept in ["unique_id", "access_key_id", "secret_arn", "secret_version_id"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }

    stage.configure(&user("secret_name = \"elsewhere-ACCOUNT\"\npath = \"/elsewhere/\""))?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(&stage.terraform, USER)?.actions, ["delete", "create"]);
    stage.terraform.apply_plan()?.success()?;
    check::empty_plan(&stage.terraform)?;
    assert_eq!(keys(world)?, [attribute(&stage, "access_key_id")?]);
    stage.terraform.destroy::<&str>(&[])?.success()?;
    world.kms("ScheduleKeyDeletion", &json!({ "KeyId": key }))?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn a_renamed_user_keeps_its_key_and_takes_its_group_along() -> Result<(), Failure> {
    let stage = stage()?;
    let bucket = "bucket_arn = \"arn:aws:s3:::somewhere\"";
    apply(&stage, &user(bucket))?;
    let before = stage.terraform.attributes(USER)?;
    let renamed = format!("resource \"deeploy_iam_user\" \"this\" {{\n  name = \"renamed-ACCOUNT\"\n  {bucket}\n}}\n");
    stage.configure(&renamed)?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(&stage.terraform, USER)?.actions, ["update"]);
    stage.terraform.apply_plan()?.success()?;
    check::empty_plan(&stage.terraform)?;
    let after = stage.terraform.attributes(USER)?;
    assert_eq!(text(&after, "id"), stage.filled("renamed-ACCOUNT"));
    for kept in ["unique_id", "access_key_id", "secret_arn", "secret_name"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let groups = stage.world.objects_of("iam:group")?;
    assert_eq!(groups.iter().map(|group| text(group, "id")).collect::<Vec<_>>(), [stage.filled("renamed-ACCOUNT")]);
    assert_eq!(groups[0]["users"], json!([stage.filled("renamed-ACCOUNT")]));
    let owner = &stage.world.objects_of("iam:user")?[0]["tags"]["deeploy:owner"];
    assert_eq!(*owner, json!(stage.filled("deeploy_iam_user/renamed-ACCOUNT")));
    stage.terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(&stage.world)?;
    Ok(())
}

#[test]
fn a_user_made_again_takes_its_secret_back() -> Result<(), Failure> {
    let stage = stage()?;
    apply(&stage, &user(""))?;
    let first = stage.terraform.attributes(USER)?;
    let gone = stage.terraform.destroy::<&str>(&[])?.success()?;
    check::says(&gone, "and this remains")?;
    check::says(&gone, text(&first, "secret_name"))?;
    let pending = check::only_pending_objects(&stage.world)?;
    assert_eq!(pending.iter().map(|object| text(object, "type")).collect::<Vec<_>>(), ["secretsmanager:secret"]);

    apply(&stage, &user(""))?;
    let again = stage.terraform.attributes(USER)?;
    assert_eq!(again["secret_arn"], first["secret_arn"]);
    assert_ne!(again["access_key_id"], first["access_key_id"]);
    assert_eq!(stored(&stage)?["access_key_id"], again["access_key_id"]);
    assert_eq!(keys(&stage.world)?.len(), 1);
    Ok(())
}

#[test]
fn what_somebody_did_to_a_user_is_found_and_repaired() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    let name = stage.filled("user-ACCOUNT");
    apply(&stage, &user("bucket_arn = \"arn:aws:s3:::somewhere\"\ntags = { a = \"1\" }"))?;
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let (user, group) = (("UserName", name.as_str()), ("GroupName", name.as_str()));
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 7] = [
        ("RemoveUserFromGroup", vec![user, group], "membership", &["iam:AddUserToGroup"]),
        ("PutGroupPolicy", vec![group, ("PolicyName", "deeploy"), ("PolicyDocument", all)], "policy", &["iam:PutGroupPolicy"]),
        ("DeleteGroupPolicy", vec![group, ("PolicyName", "deeploy")], "group_policy", &["iam:PutGroupPolicy"]),
        (
            "PutUserPermissionsBoundary",
            vec![user, ("PermissionsBoundary", boundary)],
            "permissions_boundary",
            &["iam:DeleteUserPermissionsBoundary"],
        ),
        ("TagUser", vec![user, ("Tags.member.1.Key", "b"), ("Tags.member.1.Value", "2")], "tags_all", &["iam:UntagUser"]),
        ("UntagUser", vec![user, ("TagKeys.member.1", "a")], "tags_all", &["iam:TagUser"]),
        ("UpdateUser", vec![user, ("NewPath", "/theirs/")], "path", &["iam:UpdateUser"]),
    ];
    for (operation, parameters, named, repair) in &cases {
        repaired(&stage, USER, operation, || world.iam(operation, parameters).map(drop), named, repair)?;
    }
    let secret = json!({ "SecretId": attribute(&stage, "secret_arn")? });
    let tagged = json!({ "SecretId": secret["SecretId"], "Tags": [{ "Key": "a", "Value": "theirs" }] });
    repaired(
        &stage,
        USER,
        "a tag of the secret",
        || world.secrets_manager("TagResource", &tagged).map(drop),
        "secret",
        &["secretsmanager:TagResource"],
    )?;

    // A key that is gone is made anew, and stored.
    let key = attribute(&stage, "access_key_id")?;
    let gone = || world.iam("DeleteAccessKey", &[user, ("AccessKeyId", &key)]).map(drop);
    repaired(&stage, USER, "DeleteAccessKey", gone, "access_key", &["iam:CreateAccessKey", "secretsmanager:PutSecretValue"])?;
    assert_eq!(keys(world)?, [attribute(&stage, "access_key_id")?]);
    assert_eq!(text(&stored(&stage)?, "access_key_id"), attribute(&stage, "access_key_id")?);

    // A secret that waits for its deletion is taken back, with the key that it holds.
    let key = attribute(&stage, "access_key_id")?;
    let deleted = || world.secrets_manager("DeleteSecret", &secret).map(drop);
    repaired(&stage, USER, "DeleteSecret", deleted, "secret", &["secretsmanager:RestoreSecret"])?;
    assert_eq!(attribute(&stage, "access_key_id")?, key);

    // One that is gone for good takes its key with it: nobody knows that any more.
    let forced = json!({ "SecretId": secret["SecretId"], "ForceDeleteWithoutRecovery": true });
    let calls = ["secretsmanager:CreateSecret", "iam:DeleteAccessKey", "iam:CreateAccessKey", "secretsmanager:PutSecretValue"];
    repaired(&stage, USER, "DeleteSecret for good", || world.secrets_manager("DeleteSecret", &forced).map(drop), "secret", &calls)?;
    assert_eq!(keys(world)?, [attribute(&stage, "access_key_id")?]);
    assert_eq!(text(&stored(&stage)?, "access_key_id"), attribute(&stage, "access_key_id")?);
    check::no_unsupported_call(world)
}

#[test]
fn a_destroy_that_meets_somebody_elses_credentials_names_them_and_deletes_nothing() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    apply(&stage, &user(""))?;
    let name = stage.filled("user-ACCOUNT");
    let attached = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    world.iam("AttachUserPolicy", &[("UserName", &name), ("PolicyArn", attached)])?;
    let made = world.iam("CreateAccessKey", &[("UserName", &name)])?;
    let foreign = elements(&made, "AccessKeyId")[0].to_owned();
    // It is in use.
    world.with_access_key(&foreign).iam("ListUsers", &[])?;
    let serial = world.iam("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "theirs")])?;
    let serial = elements(&serial, "SerialNumber")[0].to_owned();
    let codes = [("AuthenticationCode1", "123456"), ("AuthenticationCode2", "234567")];
    world.iam("EnableMFADevice", &[&[("UserName", name.as_str()), ("SerialNumber", &serial)], codes.as_slice()].concat())?;
    check::empty_plan(&stage.terraform)?;

    let (refused, calls) = mutations_of(world, || stage.terraform.destroy::<&str>(&[]))?;
    let refused = refused.failure()?;
    for named in [attached, &foreign, &serial, "Nothing was deleted"] {
        check::says(&refused, named)?;
    }
    assert_eq!(calls, Vec::<String>::new());

    world.iam("DetachUserPolicy", &[("UserName", &name), ("PolicyArn", attached)])?;
    world.iam("DeactivateMFADevice", &[("UserName", &name), ("SerialNumber", &serial)])?;
    world.iam("DeleteVirtualMFADevice", &[("SerialNumber", &serial)])?;
    world.iam("DeleteAccessKey", &[("UserName", &name), ("AccessKeyId", &foreign)])?;
    stage.terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn a_user_is_imported_with_its_key() -> Result<(), Failure> {
    let stage = stage()?;
    apply(&stage, &user("bucket_arn = \"arn:aws:s3:::somewhere\"\ntags = { a = \"1\" }"))?;
    let terraform = &stage.terraform;
    let made = terraform.attributes(USER)?;
    let name = stage.filled("user-ACCOUNT");
    for id in [name.as_str(), text(&made, "arn")] {
        terraform.run(&["state", "rm", USER])?.success()?;
        let (done, calls) = mutations_of(&stage.world, || terraform.import(USER, id))?;
        done.success()?;
        assert_eq!(calls, Vec::<String>::new(), "an import changed something");
        check::empty_plan(terraform)?;
        assert_eq!(terraform.attributes(USER)?, made, "import by {id}");
    }
    terraform.run(&["state", "rm", USER])?.success()?;
    stage.configure("")?;
    terraform.write("import.tf", &format!("import {{\n  to = {USER}\n  id = \"{name}\"\n}}\n"))?;
    terraform.plan(&["-generate-config-out=generated.tf"])?.success()?;
    let (done, calls) = mutations_of(&stage.world, || terraform.apply_plan())?;
    done.success()?;
    assert_eq!(calls, Vec::<String>::new(), "what generated configuration says is what is there");
    check::empty_plan(terraform)?;
    assert_eq!(keys(&stage.world)?, [text(&made, "access_key_id")]);
    Ok(())
}
