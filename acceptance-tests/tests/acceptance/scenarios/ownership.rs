//! What isn't ours: objects of the same name, another state's, another incarnation's. None of them is touched.

use std::thread;

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    stage::{Stage, mutations_of, stage, text},
    world_of_four::{CONFIGURATION, FOUR, is_whole, list, no_duplicates},
};

fn resource(kind: &str, lines: &str) -> String {
    format!("resource \"{kind}\" \"this\" {{\n{lines}\n}}\n")
}

const TRUST: &str = r#"trust = { pod_identity = { cluster_name = "one", namespace = "deeploy", service_accounts = ["default"] } }"#;

/// Something of the same name exists already: refused with its name, and left as it is.
fn refuses(kind: &str, lines: &str, by_hand: impl Fn(&World, &str) -> Result<(), Failure>, words: &[&str]) -> Result<(), Failure> {
    let stage = stage()?;
    let name = stage.filled("mine-ACCOUNT");
    by_hand(&stage.world, &name)?;
    let before = stage.world.objects()?;
    stage.configure(&resource(kind, lines))?;
    let refused = stage.terraform.apply::<&str>(&[])?.failure()?;
    for word in words {
        check::says(&refused, word)?;
    }
    assert!(!before.is_empty());
    let after = stage.world.objects()?;
    for object in &before {
        assert!(after.contains(object), "{object} was changed:\n{}", list(&after));
    }
    // What was made beside it goes with the resource.
    stage.terraform.destroy::<&str>(&[])?.success()?;
    let after = stage.world.objects()?;
    for object in &before {
        assert!(after.contains(object), "{object} was changed by the destroy:\n{}", list(&after));
    }
    let alive = |object: &&Value| object["state"] != "PendingDeletion";
    assert_eq!(after.iter().filter(alive).count(), before.len(), "{}", list(&after));
    Ok(())
}

const LOCATION: &str = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
const ANYBODY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}"#;

#[test]
fn somebodys_bucket_of_the_same_name_is_left_alone() -> Result<(), Failure> {
    let by_hand = |world: &World, name: &str| world.s3("PUT", &format!("/{name}"), LOCATION).map(drop);
    refuses("deeploy_s3_bucket", "bucket = \"mine-ACCOUNT\"\naccess_logging = { enabled = false }", by_hand, &["mine-", "Import it"])
}

#[test]
fn somebodys_role_of_the_same_name_is_left_alone() -> Result<(), Failure> {
    let by_hand =
        |world: &World, name: &str| world.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", ANYBODY)]).map(drop);
    refuses("deeploy_iam_role", &format!("name = \"mine-ACCOUNT\"\n{TRUST}"), by_hand, &["mine-", "Import it"])
}

#[test]
fn somebodys_user_of_the_same_name_is_left_alone() -> Result<(), Failure> {
    let by_hand = |world: &World, name: &str| world.iam("CreateUser", &[("UserName", name)]).map(drop);
    refuses("deeploy_iam_user", "name = \"mine-ACCOUNT\"", by_hand, &["mine-", "Import it"])
}

#[test]
fn somebodys_group_of_the_users_name_is_left_alone() -> Result<(), Failure> {
    let by_hand = |world: &World, name: &str| world.iam("CreateGroup", &[("GroupName", name)]).map(drop);
    refuses("deeploy_iam_user", "name = \"mine-ACCOUNT\"", by_hand, &["mine-"])
}

#[test]
fn somebodys_secret_of_the_same_name_is_left_alone() -> Result<(), Failure> {
    let by_hand = |world: &World, name: &str| {
        world.secrets_manager("CreateSecret", &json!({ "Name": format!("deeploy/{name}/access-key"), "SecretString": "theirs" })).map(drop)
    };
    refuses("deeploy_iam_user", "name = \"mine-ACCOUNT\"", by_hand, &["deeploy/mine-", "access-key"])
}

#[test]
fn somebodys_alias_of_the_same_name_is_left_alone() -> Result<(), Failure> {
    let by_hand = |world: &World, name: &str| {
        let key = world.kms("CreateKey", &json!({}))?["KeyMetadata"]["KeyId"].clone();
        world.kms("CreateAlias", &json!({ "AliasName": format!("alias/{name}"), "TargetKeyId": key })).map(drop)
    };
    refuses("deeploy_kms_key", "name = \"mine-ACCOUNT\"", by_hand, &["mine-"])
}

#[test]
fn what_another_state_made_is_refused_with_the_word_import() -> Result<(), Failure> {
    let first = stage()?;
    first.configure(CONFIGURATION)?;
    first.terraform.apply::<&str>(&[])?.success()?;
    let second = first.beside()?;
    for address in FOUR {
        second.configure(CONFIGURATION)?;
        let (refused, calls) = mutations_of(&second.world, || second.terraform.apply(&[format!("-target={address}")]))?;
        let refused = refused.failure()?;
        check::says(&refused, "Import it")?;
        assert_eq!(calls, Vec::<String>::new(), "{address}");
    }
    assert!(!second.state_has_resources()?);
    is_whole(&first)
}

/// A refresh must not make another's claim this state's own: the next destroy would delete what isn't its to delete.
#[test]
fn what_another_apply_took_over_is_neither_changed_nor_deleted() -> Result<(), Failure> {
    let stage = stage()?;
    stage.configure(&resource("deeploy_iam_role", &format!("name = \"mine-ACCOUNT\"\n{TRUST}")))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    let name = stage.filled("mine-ACCOUNT");
    let taken = [("RoleName", name.as_str()), ("Tags.member.1.Key", "deeploy:incarnation"), ("Tags.member.1.Value", "another")];
    stage.world.iam("TagRole", &taken)?;
    let before = stage.world.objects()?;
    assert!(before.iter().any(|object| object["tags"]["deeploy:incarnation"] == "another"), "{}", list(&before));
    let (refused, calls) = mutations_of(&stage.world, || stage.terraform.apply::<&str>(&[]))?;
    check::says(&refused.failure()?, "The object is another state's")?;
    assert_eq!(calls, Vec::<String>::new());
    let (destroyed, calls) = mutations_of(&stage.world, || stage.terraform.destroy(&["-refresh=false"]))?;
    check::says(&destroyed.success()?, "It was left alone")?;
    assert_eq!(calls, Vec::<String>::new());
    assert!(!stage.state_has_resources()?);
    assert_eq!(stage.world.objects()?, before);
    Ok(())
}

impl Stage {
    fn state_has_resources(&self) -> Result<bool, Failure> {
        Ok(self.terraform.run(&["state", "list"])?.stdout.contains("deeploy_"))
    }
}

#[test]
fn of_two_creates_at_once_one_wins_and_nothing_is_lost() -> Result<(), Failure> {
    let first = stage()?;
    let second = first.beside()?;
    for stage in [&first, &second] {
        stage.configure(CONFIGURATION)?;
    }
    let run = |stage: &Stage| stage.terraform.apply::<&str>(&[]);
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| run(&second));
        (run(&first), other.join().unwrap())
    });
    let (one, other) = (one?, other?);
    let ready =
        |stage: &Stage, address: &str| Ok::<_, Failure>(stage.terraform.attributes(address).is_ok_and(|all| all["status"] == "ready"));
    for address in FOUR {
        assert!(!(ready(&first, address)? && ready(&second, address)?), "{address} is ready in both states");
    }
    assert!(one.code != Some(0) || other.code != Some(0), "both succeeded");
    no_duplicates(&first.world)?;
    // Every object is in one of the two states: destroying both leaves nothing.
    for stage in [&first, &second] {
        stage.terraform.destroy::<&str>(&[])?;
    }
    for stage in [&first, &second] {
        stage.terraform.destroy::<&str>(&[])?.success()?;
    }
    check::only_pending_objects(&first.world).map(|_| ())
}

/// A create that failed, then Terraform's ways to start over.
fn incomplete(lifecycle: &str) -> Result<Stage, Failure> {
    let stage = stage()?;
    stage.configure(&resource(
        "deeploy_iam_role",
        &format!("name = \"mine-ACCOUNT\"\nbucket_arn = \"arn:aws:s3:::x\"\n{TRUST}\n{lifecycle}"),
    ))?;
    stage.world.order(&json!([{ "on": { "operation": "iam:PutRolePolicy" }, "do": "error", "code": "AccessDenied", "status": 403 }]))?;
    stage.terraform.apply::<&str>(&[])?.failure()?;
    stage.world.faults_fired()?;
    stage.world.order(&json!([]))?;
    Ok(stage)
}

#[test]
fn an_incomplete_role_starts_over_and_only_the_new_one_lives() -> Result<(), Failure> {
    for lifecycle in ["", "lifecycle {\n    create_before_destroy = true\n  }"] {
        let stage = incomplete(lifecycle)?;
        // With create_before_destroy the new incarnation takes the role over first; the delete of the old state must not hit it.
        stage.terraform.apply::<&str>(&[])?.success()?;
        let roles = stage.world.objects_of("iam:role")?;
        assert_eq!(roles.len(), 1, "{lifecycle}: {}", list(&stage.world.objects()?));
        assert_eq!(text(&roles[0]["tags"], "deeploy:phase"), "ready");
        check::empty_plan(&stage.terraform)?;
        assert!(stage.terraform.attributes("deeploy_iam_role.this")?["unique_id"].is_string());
        stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!(stage.world.objects()?, Vec::<Value>::new());
    }
    Ok(())
}

#[test]
fn create_before_destroy_of_a_ready_role_is_refused_and_deletes_nothing() -> Result<(), Failure> {
    let stage = stage()?;
    let lines = format!("name = \"mine-ACCOUNT\"\n{TRUST}\nlifecycle {{\n    create_before_destroy = true\n  }}");
    stage.configure(&resource("deeploy_iam_role", &lines))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    let (refused, calls) = mutations_of(&stage.world, || stage.terraform.apply(&["-replace=deeploy_iam_role.this"]))?;
    check::says(&refused.failure()?, "exists already")?;
    assert_eq!(calls, Vec::<String>::new());
    check::empty_plan(&stage.terraform)
}

#[test]
fn a_guarded_key_is_neither_destroyed_nor_replaced() -> Result<(), Failure> {
    let stage = stage()?;
    stage.configure(&resource("deeploy_kms_key", "name = \"mine-ACCOUNT\"\ndeletion_protection = true"))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    for arguments in [vec!["destroy"], vec!["apply", "-replace=deeploy_kms_key.this"]] {
        let mut all = arguments.clone();
        all.extend(["-input=false", "-no-color", "-auto-approve"]);
        let (refused, calls) = mutations_of(&stage.world, || stage.terraform.run(&all))?;
        check::says(&refused.failure()?, "deletion_protection")?;
        assert_eq!(calls, Vec::<String>::new(), "{arguments:?}");
    }
    stage.terraform.run(&["taint", "deeploy_kms_key.this"])?.success()?;
    let (refused, calls) = mutations_of(&stage.world, || stage.terraform.apply::<&str>(&[]))?;
    check::says(&refused.failure()?, "deletion_protection")?;
    assert_eq!(calls, Vec::<String>::new(), "a tainted key that is guarded");
    Ok(())
}
