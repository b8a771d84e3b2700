//! Alarms and whom they reach: made, changed in place, imported, refused, gone without a trace.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage, text};

const MONITORING: &str = "deeploy_monitoring.this";

/// The resource with these lines instead of those that it has otherwise; an empty value leaves the line out.
pub(crate) fn monitoring(lines: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("name", "\"watch\""),
        ("alarm_emails", "[\"ops@example.com\"]"),
        ("database_identifier", "\"watched\""),
        ("database_instance_class", "\"db.t4g.medium\""),
        ("database_allocated_storage", "100"),
        ("cluster_name", "\"watched\""),
        ("nat_gateway_ids", "{ euc1-az1 = \"nat-0123456789abcdef0\" }"),
    ];
    for (name, value) in lines {
        all.retain(|(other, _)| other != name);
        all.push((name, value));
    }
    let lines: String = all.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("  {name} = {value}\n")).collect();
    format!("resource \"deeploy_monitoring\" \"this\" {{\n{lines}}}\n")
}

fn applied(terraform: &Terraform, lines: &[(&str, &str)]) -> Result<Value, Failure> {
    terraform.configure(&monitoring(lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(MONITORING)
}

fn names(world: &World, kind: &str) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = world.objects_of(kind)?.iter().map(|object| text(object, "id").to_owned()).collect();
    names.sort();
    Ok(names)
}

#[test]
fn production_watches_everything_tells_somebody_and_goes_without_a_trace() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let made = applied(terraform, &[])?;
    let arn = format!("arn:aws:sns:eu-central-1:{}:watch-alarms", world.account());
    assert_eq!((&made["status"], &made["topic_arn"], &made["drift"]), (&json!("ready"), &json!(arn), &json!({})));
    assert_eq!(made["thresholds"]["database-free-storage"], json!(15_i64 << 30));
    let alarms = names(world, "cloudwatch:alarm")?;
    let expected = [
        "database-connections",
        "database-cpu",
        "database-cpu-credits",
        "database-ebs-byte-balance",
        "database-ebs-io-balance",
        "database-free-memory",
        "database-free-storage",
        "database-transaction-ids",
        "nat-port-allocation-euc1-az1",
        "node-cpu",
        "node-disk",
        "node-memory",
    ];
    assert_eq!(alarms, expected.map(|name| format!("watch-{name}")));
    assert!(world.objects_of("cloudwatch:alarm")?.iter().all(|alarm| alarm["actions"] == json!([arn])));
    assert_eq!(world.objects_of("events:rule")?[0]["targets"], json!([arn]));

    // Whoever hasn't followed the link is named, and then isn't.
    assert_eq!(made["unconfirmed_emails"], json!(["ops@example.com"]));
    world.settings(&json!({ "sns_confirm": arn }))?;
    check::empty_plan(terraform)?;
    terraform.apply::<&str>(&["-refresh-only"])?.success()?;
    assert_eq!(terraform.attributes(MONITORING)?["unconfirmed_emails"], json!([]));

    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(check::only_pending_objects(world)?, Vec::<Value>::new());
    check::no_unsupported_call(world)
}

#[test]
fn everything_is_updated_in_place() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let first = applied(terraform, &[])?;
    let key = format!("\"arn:aws:kms:eu-central-1:{}:key/11111111-2222-3333-4444-555555555555\"", world.account());
    let put = ["cloudwatch:PutMetricAlarm", "ssm:PutParameter"];
    let changes: [(&str, &str, &[&str]); 10] = [
        ("alarm_emails", "[\"ops@example.com\", \"ml@example.com\"]", &["sns:Subscribe", "ssm:PutParameter"]),
        ("alarm_emails", "[\"ml@example.com\"]", &["ssm:PutParameter"]),
        ("database_allocated_storage", "200", &put),
        ("database_max_connections", "100", &put),
        ("alarms", "{ database_cpu_percent = 90 }", &put),
        ("alarms", "{ database_cpu_percent = 0 }", &["cloudwatch:DeleteAlarms", "ssm:PutParameter"]),
        ("health_events", "false", &["events:RemoveTargets", "events:DeleteRule", "ssm:PutParameter"]),
        ("nat_gateway_ids", "", &["cloudwatch:DeleteAlarms", "ssm:PutParameter"]),
        ("kms_key_arn", &key, &["sns:SetTopicAttributes", "ssm:PutParameter"]),
        ("cluster_name", "", &["cloudwatch:DeleteAlarms", "cloudwatch:DeleteAlarms", "cloudwatch:DeleteAlarms", "ssm:PutParameter"]),
    ];
    let mut so_far: Vec<(&str, &str)> = Vec::new();
    for (name, value, calls) in changes {
        so_far.retain(|(other, _)| *other != name);
        so_far.push((name, value));
        terraform.configure(&monitoring(&so_far))?;
        terraform.plan::<&str>(&[])?.success()?;
        assert_eq!(change(terraform, MONITORING)?.actions, ["update"], "{name} = {value}");
        let (run, mut made) = mutations_of(world, || terraform.apply_plan())?;
        run.success()?;
        let mut calls: Vec<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        made.sort();
        calls.sort();
        assert_eq!(made, calls, "{name} = {value}");
        check::empty_plan(terraform)?;
    }
    let now = terraform.attributes(MONITORING)?;
    assert_eq!((&now["topic_arn"], &now["status"]), (&first["topic_arn"], &json!("ready")));
    let left =
        ["database-connections", "database-cpu-credits", "database-free-memory", "database-free-storage", "database-transaction-ids"];
    let alarms = names(world, "cloudwatch:alarm")?;
    assert!(
        left.iter().all(|name| alarms.contains(&format!("watch-{name}"))) && !alarms.contains(&"watch-database-cpu".to_owned()),
        "{alarms:?}"
    );

    // Another topic instead: ours goes, with its subscriptions, and every alarm tells the other one.
    let other = format!("arn:aws:sns:eu-central-1:{}:on-call", world.account());
    let own = format!("\"{other}\"");
    let moved = applied(terraform, &[("alarm_emails", ""), ("sns_topic_arn", &own)])?;
    assert_eq!((&moved["topic_arn"], names(world, "sns:topic")?.len()), (&json!(other), 0));
    assert!(world.objects_of("cloudwatch:alarm")?.iter().all(|alarm| alarm["actions"] == json!([other])));
    check::no_unsupported_call(world)
}

#[test]
fn presets_in_both_directions() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let weak = [("preset", "\"development\""), ("alarm_emails", "")];
    let development = applied(terraform, &weak)?;
    assert_eq!((&development["topic_arn"], names(world, "sns:topic")?.len()), (&Value::Null, 0));
    let alarms = names(world, "cloudwatch:alarm")?;
    assert!(alarms.iter().all(|name| ["free-storage", "credits", "balance"].iter().any(|kind| name.contains(kind))), "{alarms:?}");
    let production = applied(terraform, &[])?;
    assert_eq!((&production["status"], names(world, "cloudwatch:alarm")?.len()), (&json!("ready"), 12));
    terraform.configure(&monitoring(&weak))?;
    let refused = terraform.plan::<&str>(&[])?.failure()?.text();
    assert!(
        refused.contains("The preset would weaken what is in production") && refused.contains("alarms.database_cpu_percent = 80"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn what_can_not_be_is_refused_at_its_attribute() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let topic = format!("\"arn:aws:sns:eu-central-1:{}:t\"", world.account());
    /// Attributes, where the error is, what it says.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        (&[("alarm_emails", "")], "Alarms that reach nobody", "`sns_topic_arn` to a topic of your own"),
        (&[("sns_topic_arn", &topic)], "Two ways to tell of alarms", "Name one of"),
        (&[("alarm_emails", "[\"ops\"]")], "Not a mail address", "ops@example.com"),
        (&[("database_instance_class", "")], "`database_identifier` needs `database_instance_class`", "shares of what it has"),
        (&[("database_instance_class", "\"m7g.large\"")], "Wrong form", "db.m7g.large"),
        (&[("name", "\"two words\"")], "Wrong form", "letters, digits and hyphens"),
        (&[("alarms", "{ node_cpu_percent = 101 }")], "Number out of range", "Lower it"),
        (&[("kms_key_arn", "\"arn:aws:kms:us-east-1:123456789012:key/1\"")], "The ARN of another region", ""),
    ];
    for (lines, summary, detail) in cases {
        terraform.configure(&monitoring(lines))?;
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        let said = plan.failure()?.text();
        assert!(said.contains(summary) && said.contains(detail), "{lines:?}: {said}");
        assert_eq!(calls, Vec::<String>::new());
    }
    assert_eq!(world.objects()?, Vec::<Value>::new());
    Ok(())
}

#[test]
fn imported_by_its_name_it_is_as_it_was() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    applied(terraform, &[])?;
    terraform.run(&["state", "rm", MONITORING])?.success()?;
    let (imported, calls) = mutations_of(world, || terraform.import(MONITORING, "watch"))?;
    imported.success()?;
    assert_eq!(calls, Vec::<String>::new());
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!((names(world, "cloudwatch:alarm")?.len(), names(world, "sns:topic")?.len()), (12, 1));
    terraform.run(&["state", "rm", MONITORING])?.success()?;
    check::says(&terraform.import(MONITORING, "nobody")?, "Nothing to import")
}

#[test]
fn what_is_unknown_at_plan_is_made_at_apply() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let unknown = [
        ("alarm_emails", "[terraform_data.late.output]"),
        ("database_instance_class", "terraform_data.class.output"),
        ("nat_gateway_ids", "{ (terraform_data.zone.output) = \"nat-0123456789abcdef0\" }"),
    ];
    let late = |name: &str, input: &str| format!("resource \"terraform_data\" \"{name}\" {{\n  input = \"{input}\"\n}}\n");
    let others = [late("late", "ops@example.com"), late("class", "db.t4g.medium"), late("zone", "euc1-az1")].concat();
    terraform.configure(&format!("{}{others}", monitoring(&unknown)))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!((names(world, "cloudwatch:alarm")?.len(), world.objects_of("sns:subscription")?.len()), (12, 1));
    Ok(())
}

#[test]
fn alarms_and_events_arrive_through_an_encrypted_topic_and_nothing_else_does() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    let key = "resource \"deeploy_kms_key\" \"data\" {\n  name = \"watch\"\n  \
               service_principals = [\"cloudwatch.amazonaws.com\", \"events.amazonaws.com\", \"events.rds.amazonaws.com\"]\n}\n";
    terraform.configure(&format!("{key}{}", monitoring(&[("kms_key_arn", "deeploy_kms_key.data.arn")])))?;
    terraform.apply::<&str>(&[])?.success()?;
    let account = world.account();
    let topic = format!("arn:aws:sns:eu-central-1:{account}:watch-alarms");
    world.settings(&json!({ "sns_confirm": topic }))?;
    world.cloudwatch("SetAlarmState", &json!({ "AlarmName": "watch-database-cpu", "StateValue": "ALARM", "StateReason": "a test" }))?;
    let event = |service: &str| json!({ "source": "aws.health", "detail-type": "AWS Health Event", "detail": { "service": service } });
    assert_eq!(world.emit(&event("RDS"))?["rules"], json!(["watch-health"]));
    assert_eq!(world.emit(&event("LAMBDA"))?["rules"], json!([]), "not a service in use");
    let arrived: Vec<(String, bool, Value)> = world
        .deliveries()?
        .iter()
        .map(|each| (text(each, "service").to_owned(), each["delivered"] == true, each["recipients"].clone()))
        .collect();
    let told = json!(["ops@example.com"]);
    let expected = ["cloudwatch.amazonaws.com", "events.amazonaws.com"].map(|service| (service.to_owned(), true, told.clone()));
    assert_eq!(arrived, expected);
    let publishes = |service: &str, source: &str, source_account: &str| {
        let question = json!({ "topic_arn": topic, "service": service, "source_arn": source, "source_account": source_account });
        world.deliver(&question).map(|answer| answer["delivered"] == true)
    };
    let rds = |account: &str| format!("arn:aws:rds:eu-central-1:{account}:db:watched");
    let stranger = "210987654321";
    assert!(publishes("events.rds.amazonaws.com", &rds(account), account)?);
    assert!(!publishes("events.rds.amazonaws.com", &rds(stranger), stranger)?, "another account's");
    assert!(!publishes("budgets.amazonaws.com", "arn:aws:budgets::x", account)?, "another service");
    check::no_unsupported_call(world)
}
