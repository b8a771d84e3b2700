//! Somebody changes a key by hand.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    drift::{Call, Drift, each_is_repaired},
    stage::{Stage, stage},
};

const KEY: &str = "deeploy_kms_key.this";

/// A key with everything that can drift, applied; its id.
fn made(Stage { world, terraform }: &Stage) -> Result<String, Failure> {
    let account = world.account();
    terraform.configure(&format!(
        "resource \"deeploy_kms_key\" \"this\" {{\n  name = \"drift-{account}\"\n  description = \"ours\"\n  tags = {{ team = \"ml\", stage = \"one\" }}\n  \
         user_arns = [\"arn:aws:iam::{account}:root\"]\n}}\n"
    ))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    Ok(terraform.attributes(KEY)?["id"].as_str().unwrap().to_owned())
}

fn other_key(world: &World) -> Result<String, Failure> {
    Ok(world.kms("CreateKey", &json!({ "Description": "somebody else's" }))?["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned())
}

#[test]
fn every_drift_of_a_key_is_found_named_and_repaired_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let id = made(&stage)?;
    let alias = format!("alias/drift-{}", stage.world.account());
    let root = format!("arn:aws:iam::{}:root", stage.world.account());
    let foreign = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "DeeployAccount", "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*" },
        { "Sid": "Foreign", "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:Decrypt", "Resource": "*" },
    ] });
    let key = |operation: &'static str, more: Value| {
        let mut parameters = json!({ "KeyId": id });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        vec![Call::Kms(operation, parameters)]
    };
    let tag = |key: &str, value: &str| json!({ "Tags": [{ "TagKey": key, "TagValue": value }] });
    let other = other_key(&stage.world)?;
    let drift = |what, by_hand, attributes, drift, repair| Drift { what, by_hand, attributes, drift, repair };
    let cases = [
        drift(
            "description",
            key("UpdateKeyDescription", json!({ "Description": "theirs" })),
            &["description"],
            json!({}),
            &["kms:UpdateKeyDescription"],
        ),
        drift(
            "policy",
            key("PutKeyPolicy", json!({ "PolicyName": "default", "Policy": foreign.to_string() })),
            &["policy"],
            json!({ "key": ["policy"] }),
            &["kms:PutKeyPolicy"],
        ),
        drift(
            "rotation off",
            key("DisableKeyRotation", json!({})),
            &["enable_key_rotation", "rotation_period_in_days"],
            json!({}),
            &["kms:EnableKeyRotation"],
        ),
        drift(
            "rotation period",
            key("EnableKeyRotation", json!({ "RotationPeriodInDays": 100 })),
            &["rotation_period_in_days"],
            json!({}),
            &["kms:EnableKeyRotation"],
        ),
        drift("disabled", key("DisableKey", json!({})), &[], json!({ "key": ["enabled"] }), &["kms:EnableKey"]),
        drift("tag changed", key("TagResource", tag("team", "theirs")), &["tags_all"], json!({}), &["kms:TagResource"]),
        drift("tag removed", key("UntagResource", json!({ "TagKeys": ["stage"] })), &["tags_all"], json!({}), &["kms:TagResource"]),
        drift("tag added", key("TagResource", tag("cost", "theirs")), &["tags_all"], json!({}), &["kms:UntagResource"]),
        drift(
            "owner tag removed",
            key("UntagResource", json!({ "TagKeys": ["deeploy:owner"] })),
            &[],
            json!({ "key": ["tags:owner"] }),
            &["kms:TagResource"],
        ),
        drift(
            "alias deleted",
            vec![Call::Kms("DeleteAlias", json!({ "AliasName": alias }))],
            &["alias_arn"],
            json!({ "alias": ["absent"] }),
            &["kms:CreateAlias"],
        ),
        drift(
            "alias elsewhere",
            vec![Call::Kms("UpdateAlias", json!({ "AliasName": alias, "TargetKeyId": other }))],
            &[],
            json!({ "alias": ["key_id"] }),
            &["kms:UpdateAlias"],
        ),
    ];
    each_is_repaired(&stage, KEY, &cases)?;
    assert_eq!(stage.terraform.attributes(KEY)?["id"], json!(id));
    Ok(())
}

#[test]
fn what_others_own_on_a_key_is_no_drift() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    let account = world.account();
    let block = "provider \"deeploy\" {\n  default_tags = { tags = { team = \"ml\" } }\n  ignore_tags = { keys = [\"cost\"], key_prefixes = [\"corp:\"] }\n}\n";
    let resource = format!("resource \"deeploy_kms_key\" \"this\" {{\n  name = \"others-{account}\"\n  tags = {{ stage = \"one\" }}\n}}\n");
    terraform.configure_with(block, &resource)?;
    terraform.apply::<&str>(&[])?.success()?;
    let id = terraform.attributes(KEY)?["id"].clone();
    let theirs = ["cost", "corp:owner"].map(|key| json!({ "TagKey": key, "TagValue": "theirs" }));
    world.kms("TagResource", &json!({ "KeyId": id, "Tags": theirs }))?;
    let grantee = format!("arn:aws:iam::{account}:root");
    world.kms("CreateGrant", &json!({ "KeyId": id, "GranteePrincipal": grantee, "Operations": ["Decrypt"] }))?;
    world.kms("CreateAlias", &json!({ "AliasName": "alias/theirs", "TargetKeyId": id }))?;
    check::empty_plan(&terraform)?;
    assert_eq!(terraform.attributes(KEY)?["tags_all"], json!({ "team": "ml", "stage": "one" }));

    // An update of the tags leaves theirs alone, and a default tag gives way to the resource's own.
    terraform.configure_with(block, &resource.replace("stage = \"one\"", "team = \"ops\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(&terraform)?;
    let tags = &world.objects_of("kms:key")?[0]["tags"];
    assert_eq!(
        (&tags["team"], &tags["cost"], &tags["corp:owner"], &tags["stage"]),
        (&json!("ops"), &json!("theirs"), &json!("theirs"), &Value::Null)
    );
    assert_eq!(terraform.attributes(KEY)?["tags_all"], json!({ "team": "ops" }));
    check::no_unsupported_call(&world)
}
