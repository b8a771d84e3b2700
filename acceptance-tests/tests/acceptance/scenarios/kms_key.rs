//! A key's updates, refusals and unknowns.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, reads_once, stage};

const KEY: &str = "deeploy_kms_key.this";

fn key(world: &World, lines: &str) -> String {
    format!("resource \"deeploy_kms_key\" \"this\" {{\n  name = \"key-{0}\"\n{lines}\n}}\n", world.account())
        .replace("ACCOUNT", world.account())
}

/// Applied, and a second plan is empty.
fn applied(Stage { terraform, .. }: &Stage, configuration: &str) -> Result<Value, Failure> {
    terraform.configure(configuration)?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(KEY)
}

/// What a plan refuses: its text, and that nothing was changed.
fn refused_plan(Stage { world, terraform }: &Stage, configuration: &str) -> Result<String, Failure> {
    terraform.configure(configuration)?;
    let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    assert_eq!(calls, Vec::<String>::new());
    Ok(plan.failure()?.text())
}

fn principals(attributes: &Value, sid: &str) -> Value {
    let policy: Value = serde_json::from_str(attributes["policy"].as_str().unwrap()).unwrap();
    let statement = policy["Statement"].as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).cloned();
    statement.map(|statement| statement["Principal"].clone()).unwrap_or_default()
}

#[test]
fn every_attribute_of_a_key_is_updated_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let root = "arn:aws:iam::ACCOUNT:root";
    let all = |changed: &[(&str, String)]| {
        let mut lines = vec![
            ("description", "\"one\"".to_owned()),
            ("user_arns", format!("[\"{root}\"]")),
            ("administrator_arns", format!("[\"{root}\"]")),
            ("service_principals", "[\"logs.eu-central-1.amazonaws.com\"]".to_owned()),
            ("grant_principal_arns", format!("[\"{root}\"]")),
            ("rotation_period_in_days", "200".to_owned()),
            ("deletion_window_in_days", "20".to_owned()),
            ("deletion_protection", "true".to_owned()),
            ("recover", "false".to_owned()),
            ("tags", "{ a = \"b\" }".to_owned()),
            ("timeouts", "{ create = \"5m\" }".to_owned()),
        ];
        for (name, value) in changed {
            lines.retain(|(other, _)| other != name);
            lines.push((name, value.clone()));
        }
        lines.iter().map(|(name, value)| format!("  {name} = {value}\n")).collect::<String>()
    };
    let made = applied(&stage, &key(world, &all(&[])))?;
    assert_eq!((&made["recover"], &made["deletion_window_in_days"], &made["tags_all"]), (&json!(false), &json!(20), &json!({ "a": "b" })));
    let more =
        format!("jsonencode([{{ Effect = \"Allow\", Principal = {{ AWS = \"{root}\" }}, Action = \"kms:Decrypt\", Resource = \"*\" }}])");
    let changes: [(&str, String, &[&str]); 11] = [
        ("description", "\"two\"".to_owned(), &["kms:UpdateKeyDescription"]),
        ("user_arns", "[]".to_owned(), &["kms:PutKeyPolicy"]),
        ("administrator_arns", "[]".to_owned(), &["kms:PutKeyPolicy"]),
        ("service_principals", "[\"events.amazonaws.com\"]".to_owned(), &["kms:PutKeyPolicy"]),
        ("grant_principal_arns", "[]".to_owned(), &["kms:PutKeyPolicy"]),
        ("policy_statements", more, &["kms:PutKeyPolicy"]),
        ("rotation_period_in_days", "100".to_owned(), &["kms:EnableKeyRotation"]),
        ("deletion_window_in_days", "10".to_owned(), &[]),
        ("deletion_protection", "false".to_owned(), &[]),
        ("tags", "{ a = \"c\", d = \"e\" }".to_owned(), &["kms:TagResource"]),
        ("timeouts", "{ create = \"6m\" }".to_owned(), &[]),
    ];
    let mut so_far = Vec::new();
    for (name, value, calls) in changes {
        so_far.push((name, value));
        terraform.configure(&key(world, &all(&so_far)))?;
        terraform.plan::<&str>(&[])?.success()?;
        let planned = change(terraform, KEY)?;
        assert_eq!(planned.actions, ["update"], "{name}");
        assert!(planned.attributes.iter().any(|attribute| attribute == name), "{name}: {:?}", planned.attributes);
        let (applied, made) = mutations_of(world, || terraform.apply_plan())?;
        applied.success()?;
        assert_eq!(made, calls, "{name}");
    }
    check::empty_plan(terraform)?;
    let now = terraform.attributes(KEY)?;
    assert_eq!((&now["id"], &now["arn"]), (&made["id"], &made["arn"]));
    assert_eq!(now["status"], "ready");

    // Rotation off and on again; without rotation there is no period.
    so_far.retain(|(name, _)| *name != "rotation_period_in_days");
    so_far.push(("rotation_period_in_days", "null".to_owned()));
    so_far.push(("enable_key_rotation", "false".to_owned()));
    assert_eq!(applied(&stage, &key(world, &all(&so_far)))?["enable_key_rotation"], false);
    so_far.push(("enable_key_rotation", "true".to_owned()));
    assert_eq!(applied(&stage, &key(world, &all(&so_far)))?["rotation_period_in_days"], 365);
    assert_eq!(world.objects_of("kms:key")?.len(), 1);
    check::no_unsupported_call(world)
}

#[test]
fn a_rename_moves_the_alias_and_keeps_the_key() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let made = applied(&stage, &key(world, ""))?;
    let renamed = key(world, "").replace("key-", "renamed-");
    terraform.configure(&renamed)?;
    terraform.plan::<&str>(&[])?.success()?;
    let planned = change(terraform, KEY)?;
    assert_eq!((planned.actions.as_slice(), planned.before["id"].as_str()), (&["update".to_owned()][..], made["id"].as_str()));
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    let now = terraform.attributes(KEY)?;
    let alias = format!("alias/renamed-{}", world.account());
    assert_eq!((&now["id"], now["alias_arn"].as_str().unwrap().rsplit_once(":").unwrap().1), (&made["id"], alias.as_str()));
    let aliases = world.objects_of("kms:alias")?;
    assert_eq!(aliases.iter().map(|each| (&each["id"], &each["target"])).collect::<Vec<_>>(), [(&json!(alias), &made["id"])]);
    // The key goes by its new name: a destroyed one is taken back under it.
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(applied(&stage, &renamed)?["id"], made["id"]);
    Ok(())
}

#[test]
fn production_is_not_weakened_unseen() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, .. } = &stage;
    let made = applied(&stage, &key(world, ""))?;
    assert_eq!(made["deletion_window_in_days"], 30);
    let text = refused_plan(&stage, &key(world, "preset = \"development\""))?;
    assert!(
        text.contains("The preset would weaken what is in production") && text.contains("deletion_window_in_days = 30 # development: 7"),
        "{text}"
    );
    let weaker = applied(&stage, &key(world, "preset = \"development\"\ndeletion_window_in_days = 7"))?;
    assert_eq!((&weaker["deletion_window_in_days"], &weaker["id"]), (&json!(7), &made["id"]));
    let stricter = applied(&stage, &key(world, "preset = \"production\""))?;
    assert_eq!((&stricter["deletion_window_in_days"], &stricter["id"]), (&json!(30), &made["id"]));
    Ok(())
}

fn role(world: &World) -> String {
    format!(
        "resource \"deeploy_iam_role\" \"user\" {{\n  name = \"user-{}\"\n  trust = {{\n    pod_identity = {{\n      cluster_name = \"one\"\n      \
         namespace = \"deeploy\"\n      service_accounts = [\"default\"]\n    }}\n  }}\n}}\n",
        world.account()
    )
}

#[test]
fn a_sessions_arn_becomes_its_roles_and_unknown_values_are_planned() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let name = "resource \"terraform_data\" \"name\" {\n  input = \"unknown-ACCOUNT\"\n}\n".replace("ACCOUNT", world.account());
    let unknown = format!(
        "{}{name}resource \"deeploy_kms_key\" \"this\" {{\n  name = terraform_data.name.output\n  user_arns = [deeploy_iam_role.user.arn]\n  \
         tags = {{ id = deeploy_iam_role.user.unique_id }}\n}}\n",
        role(world)
    );
    terraform.configure(&unknown)?;
    terraform.plan::<&str>(&[])?.success()?;
    let plan = terraform.plan_json()?;
    let planned = plan["resource_changes"].as_array().unwrap().iter().find(|change| change["address"] == KEY).unwrap()["change"].clone();
    assert_eq!((&planned["after_unknown"]["name"], &planned["after_unknown"]["alias_arn"]), (&json!(true), &json!(true)));
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    let made = terraform.attributes(KEY)?;
    let role_arn = terraform.attributes("deeploy_iam_role.user")?["arn"].clone();
    assert_eq!(principals(&made, "DeeployUse")["AWS"], json!([role_arn]));

    // The role lies under a path, which its sessions' ARNs don't tell.
    let session = format!("arn:aws:sts::{0}:assumed-role/user-{0}/someone", world.account());
    let configuration = unknown.replace("[deeploy_iam_role.user.arn]", &format!("[\"{session}\"]"));
    let now = applied(&stage, &configuration)?;
    assert_eq!((&principals(&now, "DeeployUse")["AWS"], &now["user_arns"]), (&json!([role_arn]), &json!([session])));
    assert_eq!(now["id"], made["id"]);
    Ok(())
}

#[test]
fn statements_are_kept_as_they_are_spelled() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let odd = "policy_statements = <<-J\n    {\"Statement\" :   {\"Sid\":\"Odd\" , \"Resource\":[\"*\"],\n   \"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::ACCOUNT:root\"]},\n\
        \"Action\":[\"kms:GetPublicKey\"]}}\n  J\n";
    let made = applied(&stage, &key(world, odd))?;
    assert!(made["policy_statements"].as_str().unwrap().contains("\"Statement\" :   {"), "{made}");
    assert_eq!(principals(&made, "Odd")["AWS"], json!([format!("arn:aws:iam::{}:root", world.account())]));
    // AWS gives the policy back in words of its own.
    let policy = made["policy"].as_str().unwrap();
    let respelled = serde_json::to_string_pretty(&serde_json::from_str::<Value>(policy).unwrap()).unwrap();
    world.kms("PutKeyPolicy", &json!({ "KeyId": made["id"], "PolicyName": "default", "Policy": respelled }))?;
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(KEY)?["policy"], made["policy"]);
    Ok(())
}

#[test]
fn a_foreign_key_behind_the_alias_is_left_alone() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    let foreign = world.kms("CreateKey", &json!({}))?["KeyMetadata"]["KeyId"].clone();
    world.kms("CreateAlias", &json!({ "AliasName": format!("alias/key-{}", world.account()), "TargetKeyId": foreign }))?;
    terraform.configure(&key(&world, ""))?;
    let (run, calls) = mutations_of(&world, || terraform.apply::<&str>(&[]))?;
    check::says(&run.failure()?, "exists and isn't this resource's")?;
    assert_eq!(calls, Vec::<String>::new());
    assert_eq!(terraform.run(&["state", "list"])?.stdout, "");
    Ok(())
}

/// Runs an apply that must fail for the account's or caller's sake; what it says.
fn denied(terraform: &Terraform, world: &World) -> Result<String, Failure> {
    let (run, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    let run = run.failure()?;
    assert_eq!(run.stderr.matches("Error: ").count(), 1, "{}", run.output());
    assert_eq!(calls, Vec::<String>::new());
    Ok(run.text())
}

#[test]
fn wrong_credentials_accounts_and_rights_are_told_once_and_nothing_is_made() -> Result<(), Failure> {
    let Stage { world, mut terraform } = stage()?;
    terraform.configure(&key(&world, ""))?;
    for (prefix, says) in [("AKIAEXPIRED", "expired"), ("AKIADENIED0", "AccessDenied")] {
        terraform.set("AWS_ACCESS_KEY_ID", format!("{prefix}{}", world.account()));
        let text = denied(&terraform, &world)?;
        assert!(text.to_lowercase().contains(&says.to_lowercase()), "{prefix}: {text}");
    }
    terraform.set("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP");
    let text = denied(&terraform, &world)?;
    assert!(text.contains("InvalidClientTokenId"), "{text}");

    terraform.set("AWS_ACCESS_KEY_ID", format!("AKIADEEPLOY{}", world.account()));
    terraform.configure_with("provider \"deeploy\" {\n  allowed_account_ids = [\"999999999999\"]\n}\n", &key(&world, ""))?;
    let text = denied(&terraform, &world)?;
    assert!(text.contains("Wrong AWS account") && text.contains("`allowed_account_ids` allows only 999999999999"), "{text}");

    // The right to one call is missing: AWS's code and request id are told.
    terraform.configure(&key(&world, ""))?;
    world.order(&json!([{ "on": { "operation": "kms:CreateKey" }, "do": "error", "code": "AccessDeniedException", "message": "no", "status": 400, "times": null }]))?;
    let run = terraform.apply::<&str>(&[])?.failure()?;
    assert_eq!(run.stderr.matches("Error: ").count(), 1, "{}", run.output());
    check::says(&run, "AccessDeniedException, request id")?;
    check::says(&run, "Nothing was made.")?;
    world.faults_fired()?;
    assert_eq!(world.objects()?, Vec::<Value>::new());
    Ok(())
}

#[test]
fn a_plan_without_changes_reads_each_thing_once() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, &key(world, "user_arns = [\"arn:aws:iam::ACCOUNT:root\"]"))?;
    let before = world.calls()?.len();
    check::empty_plan(terraform)?;
    // DescribeKey of an alias is how the alias is read.
    assert_eq!(
        reads_once(&world.calls()?.split_off(before)),
        [
            "kms:DescribeKey",
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            "sts:GetCallerIdentity"
        ]
    );
    Ok(())
}
