//! A key's end and its return: destroyed, recovered, protected, vanished, imported.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage};

const KEY: &str = "deeploy_kms_key.this";

fn key(world: &World, lines: &str) -> String {
    format!("resource \"deeploy_kms_key\" \"this\" {{\n  name = \"end-{0}\"\n{lines}\n}}\n", world.account())
}

fn made(Stage { world, terraform }: &Stage, lines: &str) -> Result<Value, Failure> {
    terraform.configure(&key(world, lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(KEY)
}

/// `cGxhaW4=` is `plain`.
const PLAIN: &str = "cGxhaW4=";

#[test]
fn a_recovered_key_decrypts_what_it_encrypted_before() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let lines = "rotation_period_in_days = 120\ndescription = \"tokens\"\ndeletion_window_in_days = 9";
    let first = made(&stage, lines)?;
    let ciphertext = world.kms("Encrypt", &json!({ "KeyId": first["alias_arn"], "Plaintext": PLAIN }))?["CiphertextBlob"].clone();

    let destroyed = terraform.destroy::<&str>(&[])?.success()?;
    check::says(&destroyed, "until then a create of the same name takes it back")?;
    check::says(&destroyed, first["id"].as_str().unwrap())?;
    let pending = check::only_pending_objects(world)?;
    assert_eq!(pending.iter().map(|object| &object["id"]).collect::<Vec<_>>(), [&first["id"]]);
    let waits = world.kms("DescribeKey", &json!({ "KeyId": first["id"] }))?["KeyMetadata"].clone();
    assert_eq!(waits["KeyState"], "PendingDeletion");
    assert!(world.kms("Decrypt", &json!({ "CiphertextBlob": ciphertext })).is_err(), "a key that waits for its deletion decrypts nothing");

    let again = made(&stage, lines)?;
    assert_eq!((&again["id"], &again["rotation_period_in_days"], &again["status"]), (&first["id"], &json!(120), &json!("ready")));
    assert_eq!(world.kms("Decrypt", &json!({ "CiphertextBlob": ciphertext }))?["Plaintext"], PLAIN);
    assert_eq!(world.objects_of("kms:key")?.len(), 1);

    // A new key only where it is asked for.
    terraform.destroy::<&str>(&[])?.success()?;
    let new = made(&stage, &format!("{lines}\nrecover = false"))?;
    assert_ne!(new["id"], first["id"]);
    assert_eq!(world.objects_of("kms:key")?.len(), 2);
    check::no_unsupported_call(world)
}

#[test]
fn a_protected_key_is_not_destroyed() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    made(&stage, "deletion_protection = true")?;
    let (run, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    let run = run.failure()?;
    check::says(&run, "Set it to false, apply, and destroy then.")?;
    assert_eq!(run.stderr.matches("Error: ").count(), 1, "{}", run.output());
    assert_eq!(calls, Vec::<String>::new());
    check::empty_plan(terraform)?;
    made(&stage, "deletion_protection = false")?;
    terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world).map(|_| ())
}

/// Somebody schedules the key's deletion, after `more`: nothing is made anew unseen, and once it is cancelled apply repairs the rest.
fn rescued(stage: &Stage, more: &dyn Fn(&World) -> Result<(), Failure>) -> Result<Vec<String>, Failure> {
    let Stage { world, terraform } = stage;
    let first = made(stage, "")?;
    more(world)?;
    let id = json!({ "KeyId": first["id"] });
    world.kms("ScheduleKeyDeletion", &json!({ "KeyId": first["id"], "PendingWindowInDays": 7 }))?;
    let (run, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    let run = run.failure()?;
    check::says(&run, &format!("The deletion of {} was scheduled outside of Terraform", first["id"].as_str().unwrap()))?;
    check::says(&run, "aws kms cancel-key-deletion")?;
    assert_eq!((calls, run.stderr.matches("Error: ").count()), (Vec::<String>::new(), 1), "{}", run.output());

    world.kms("CancelKeyDeletion", &id)?;
    terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(terraform, KEY)?.actions, ["update"]);
    let (run, calls) = mutations_of(world, || terraform.apply_plan())?;
    run.success()?;
    check::empty_plan(terraform)?;
    let now = terraform.attributes(KEY)?;
    assert_eq!((&now["id"], &now["status"]), (&first["id"], &json!("ready")));
    assert_eq!(world.objects_of("kms:key")?.len(), 1);
    check::no_unsupported_call(world)?;
    Ok(calls)
}

#[test]
fn a_key_that_somebody_deletes_is_not_made_anew_unseen() -> Result<(), Failure> {
    assert_eq!(rescued(&stage()?, &|_| Ok(()))?, ["kms:EnableKey"]);
    Ok(())
}

#[test]
fn a_key_that_somebody_deletes_with_its_alias_is_not_made_anew_unseen() -> Result<(), Failure> {
    let alias = |world: &World| world.kms("DeleteAlias", &json!({ "AliasName": format!("alias/end-{}", world.account()) })).map(|_| ());
    assert_eq!(rescued(&stage()?, &alias)?, ["kms:EnableKey", "kms:CreateAlias"]);
    Ok(())
}

#[test]
fn a_key_is_imported_by_its_name_alias_id_and_arn() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let before = made(&stage, "user_arns = [\"arn:aws:iam::123456789012:root\"]\ndescription = \"imported\"\ntags = { a = \"b\" }")?;
    let name = format!("end-{}", world.account());
    let alias = format!("alias/{name}");
    for id in [
        name.as_str(),
        alias.as_str(),
        before["id"].as_str().unwrap(),
        before["arn"].as_str().unwrap(),
        before["alias_arn"].as_str().unwrap(),
    ] {
        terraform.run(&["state", "rm", KEY])?.success()?;
        let (run, calls) = mutations_of(world, || terraform.import(KEY, id))?;
        run.success()?;
        assert_eq!(calls, Vec::<String>::new(), "{id}");
        check::empty_plan(terraform)?;
        let now = terraform.attributes(KEY)?;
        for attribute in ["id", "name", "description", "tags", "user_arns", "policy", "claim", "status"] {
            assert_eq!(now[attribute], before[attribute], "{id}: {attribute}");
        }
    }
    for id in ["nothing-here", "alias/nothing", "00000000-0000-0000-0000-000000000000", "arn:aws:s3:::bucket", "not an id!"] {
        let run = terraform.import("deeploy_kms_key.this", id)?.failure()?;
        assert_eq!(run.stderr.matches("Error: ").count(), 1, "{}", run.output());
        check::says(&run, "It takes a key's name, alias, id or ARN")?;
    }
    Ok(())
}

#[test]
fn a_foreign_key_is_imported_with_a_configuration_that_needs_no_edit() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    let root = format!("arn:aws:iam::{}:root", world.account());
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*" },
        { "Sid": "Theirs", "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:Decrypt", "Resource": "*" },
    ] });
    let tags = json!([{ "TagKey": "team", "TagValue": "ml" }]);
    let foreign = world.kms("CreateKey", &json!({ "Policy": policy.to_string(), "Description": "by hand", "Tags": tags }))?;
    let id = foreign["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let alias = format!("alias/theirs-{}", world.account());
    world.kms("CreateAlias", &json!({ "AliasName": alias, "TargetKeyId": id }))?;

    terraform.configure("")?;
    terraform.write("import.tf", &format!("import {{\n  to = {KEY}\n  id = \"{alias}\"\n}}\n"))?;
    let (plan, calls) = mutations_of(&world, || terraform.plan(&["-generate-config-out=generated.tf"]))?;
    plan.success()?;
    assert_eq!(calls, Vec::<String>::new());
    let planned = change(&terraform, KEY)?;
    // What is theirs becomes configuration; the plan only adds our statement and marks.
    assert_eq!(
        (planned.actions.as_slice(), planned.attributes.as_slice()),
        (&["update".to_owned()][..], &["drift".to_owned(), "policy".to_owned()][..])
    );
    // Terraform can't apply the very plan that generated a configuration when that is an update too ("has no configuration attached").
    let second = terraform.plan::<&str>(&[])?.success()?;
    check::says(&second, "1 to import, 0 to add, 1 to change, 0 to destroy")?;
    terraform.apply_plan()?.success()?;
    check::empty_plan(&terraform)?;
    let now = terraform.attributes(KEY)?;
    assert_eq!((now["id"].as_str(), &now["description"], &now["tags"]), (Some(id.as_str()), &json!("by hand"), &json!({ "team": "ml" })));
    let live = world.kms("GetKeyPolicy", &json!({ "KeyId": id, "PolicyName": "default" }))?;
    let live = live["Policy"].as_str().unwrap().to_owned();
    assert!(live.contains("\"Theirs\""), "an import removed a statement: {live}");
    assert_eq!(now["status"], "ready");
    check::no_unsupported_call(&world)
}
