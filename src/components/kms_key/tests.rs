#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{components::replay::Script, graph::ComponentId};

const ID: &str = "11111111-2222-3333-4444-555555555555";
const POLICY: &str = r#"{"Policy":"{\"Version\":\"2012-10-17\"}","PolicyName":"default"}"#;
const ROTATES: &str = r#"{"KeyRotationEnabled":true,"RotationPeriodInDays":180}"#;
const GONE: &str = r#"{"__type":"NotFoundException","message":"Key does not exist"}"#;
const PENDING: &str = r#"{"__type":"KMSInvalidStateException","message":"arn is pending deletion."}"#;

fn key(id: &str, state: &str, made: u32) -> String {
    format!(
        r#"{{"KeyMetadata":{{"AWSAccountId":"123456789012","KeyId":"{id}","Arn":"arn:aws:kms:eu-west-1:123456789012:key/{id}","CreationDate":{made},
            "Enabled":{},"Description":"d","KeyUsage":"ENCRYPT_DECRYPT","KeyState":"{state}","Origin":"AWS_KMS","KeyManager":"CUSTOMER",
            "KeySpec":"SYMMETRIC_DEFAULT","DeletionDate":1766534400}}}}"#,
        state == "Enabled"
    )
}

fn tags(phase: &str) -> String {
    format!(
        r#"{{"Tags":[{{"TagKey":"deeploy:owner","TagValue":"deeploy_kms_key/tokens"}},{{"TagKey":"deeploy:component","TagValue":"key"}},
            {{"TagKey":"aws:x","TagValue":"y"}},{{"TagKey":"deeploy:phase","TagValue":"{phase}"}}],"Truncated":false}}"#
    )
}

fn query(id: Option<&str>, recover: bool) -> Query {
    Query {
        component: "key".into(),
        id: id.map(str::to_owned),
        settings: settings::map([("alias", json!("alias/tokens"))]),
        owner: "deeploy_kms_key/tokens".into(),
        recover,
    }
}

fn wanted<const N: usize>(settings: [(&str, Json); N]) -> Wanted {
    Wanted {
        component: ComponentId::from("key"),
        settings: settings::map(settings),
        tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_kms_key/tokens".to_owned())]),
        token: "0".repeat(64),
    }
}

fn names(changed: &[&str]) -> BTreeSet<String> {
    changed.iter().map(|name| (*name).to_owned()).collect()
}

fn component(script: &Script) -> KmsKey {
    KmsKey::new(script.aws("eu-west-1"))
}

#[tokio::test]
async fn what_is_found_by_its_id_takes_each_read_once() {
    let script = Script::any_order().on("DescribeKey", 200, &key(ID, "Enabled", 1)).on("GetKeyPolicy", 200, POLICY);
    let script = script.on("GetKeyRotationStatus", 200, ROTATES).on("ListResourceTags", 200, &tags("ready"));
    let found = component(&script).find(&query(Some(ID), false)).await.unwrap().unwrap();
    assert_eq!(script.names().len(), 4);
    assert_eq!(found.id, ID);
    assert_eq!(found.readiness, Readiness::Ready);
    let expected = settings::map([
        ("description", json!("d")),
        ("enable_key_rotation", json!(true)),
        ("enabled", json!(true)),
        ("policy", json!({"Version": "2012-10-17"})),
        ("rotation_period_in_days", json!(180)),
    ]);
    assert_eq!(found.settings, expected);
    assert_eq!(found.outputs["arn"], json!(format!("arn:aws:kms:eu-west-1:123456789012:key/{ID}")));
    assert_eq!(found.tags.get("aws:x"), None);
    assert_eq!(found.tags["deeploy:phase"], "ready");
}

#[tokio::test]
async fn what_nobody_knows_is_absent_after_id_and_alias() {
    let script = Script::new().on("DescribeKey", 400, GONE).on("DescribeKey", 400, GONE);
    assert_eq!(component(&script).find(&query(Some(ID), false)).await.unwrap(), None);
    let asked = script.finish();
    assert!(asked[0].1.contains(ID) && asked[1].1.contains("alias/tokens"), "{asked:?}");
}

#[tokio::test]
async fn a_failure_is_never_absence() {
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    let script = Script::new().on("DescribeKey", 400, denied);
    assert_eq!(component(&script).find(&query(Some(ID), false)).await.unwrap_err().class, Class::Denied);
}

#[tokio::test]
async fn a_key_that_waits_for_its_deletion_is_not_asked_for_its_rotation() {
    let script = Script::any_order().on("DescribeKey", 200, &key(ID, "PendingDeletion", 1));
    let script = script.on("GetKeyPolicy", 200, POLICY).on("ListResourceTags", 200, &tags("deleted"));
    let found = component(&script).find(&query(Some(ID), false)).await.unwrap().unwrap();
    script.finish();
    assert_eq!(found.readiness, Readiness::Deleted);
    assert_eq!(found.settings["enabled"], json!(false));
    assert!(!found.settings.contains_key("enable_key_rotation"));
}

/// The tags of three keys: a foreign one that shuts us out, and two of ours.
fn three(first: &str, second: &str, phase: &str) -> Script {
    let script = Script::any_order().on("ListKeys", 200, r#"{"Keys":[{"KeyId":"x"},{"KeyId":"a"},{"KeyId":"b"}],"Truncated":false}"#);
    let script = script.on("DescribeKey", 400, GONE).on("ListResourceTags", 400, r#"{"__type":"AccessDeniedException"}"#);
    let script = script.on("ListResourceTags", 200, &tags(phase)).on("ListResourceTags", 200, &tags(phase));
    let script = script.on("DescribeKey", 200, &key("a", first, 10)).on("DescribeKey", 200, &key("b", second, 20));
    script.on("GetKeyPolicy", 200, POLICY)
}

#[tokio::test]
async fn create_finds_by_tags_the_oldest_live_key() {
    let script = three("Enabled", "Enabled", "creating").on("GetKeyRotationStatus", 200, ROTATES);
    let found = component(&script).find(&query(None, true)).await.unwrap().unwrap();
    assert_eq!(found.id, "a");
    let reads = script.names().iter().filter(|name| *name == "ListResourceTags").count();
    assert_eq!(reads, 3, "the tags that the search read are not read again");
}

#[tokio::test]
async fn create_takes_a_live_key_before_one_that_destroy_left() {
    let script = three("PendingDeletion", "Disabled", "deleted").on("GetKeyRotationStatus", 200, ROTATES);
    assert_eq!(component(&script).find(&query(None, true)).await.unwrap().unwrap().id, "b");
    script.finish();
}

#[tokio::test]
async fn create_takes_the_newest_key_that_destroy_left() {
    let script = three("PendingDeletion", "PendingDeletion", "deleted");
    let found = component(&script).find(&query(None, true)).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.readiness), ("b", Readiness::Deleted));
    script.finish();
}

#[tokio::test]
async fn strays_are_the_live_keys_of_ours() {
    let script = Script::any_order().on("ListKeys", 200, r#"{"Keys":[{"KeyId":"x"},{"KeyId":"a"},{"KeyId":"b"}],"Truncated":false}"#);
    let script = script.on("ListResourceTags", 200, r#"{"Tags":[]}"#);
    let script = script.on("ListResourceTags", 200, &tags("creating")).on("ListResourceTags", 200, &tags("creating"));
    let script = script.on("DescribeKey", 200, &key("a", "PendingDeletion", 1)).on("DescribeKey", 200, &key("b", "Enabled", 2));
    let script = script.on("GetKeyPolicy", 200, POLICY).on("GetKeyRotationStatus", 200, ROTATES);
    let strays = component(&script).strays(&query(None, false)).await.unwrap();
    assert_eq!(strays.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["b"]);
    script.finish();
}

#[tokio::test]
async fn nobody_gets_back_what_recover_excludes() {
    let script = three("PendingDeletion", "PendingDeletion", "deleted");
    let mut query = query(None, true);
    query.settings.insert("recover".into(), json!(false));
    assert_eq!(component(&script).find(&query).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_of_ours_that_somebody_else_scheduled_is_taken_back_too() {
    let script = three("PendingDeletion", "PendingDeletion", "ready");
    let found = component(&script).find(&query(None, true)).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.readiness), ("b", Readiness::Deleted));
    script.finish();
}

#[tokio::test]
async fn a_search_that_may_read_no_tags_proves_nothing() {
    let script = Script::any_order().on("DescribeKey", 400, GONE).on("ListKeys", 200, r#"{"Keys":[{"KeyId":"x"}],"Truncated":false}"#);
    let script = script.on("ListResourceTags", 400, r#"{"__type":"AccessDeniedException","message":"no"}"#);
    assert_eq!(component(&script).find(&query(None, true)).await.unwrap_err().class, Class::Denied);
    script.finish();
}

#[tokio::test]
async fn create_is_one_call_with_tags_and_policy_and_the_lockout_check_on() {
    let script = Script::new().on("CreateKey", 200, &key(ID, "Enabled", 1));
    let wanted = wanted([("description", json!("d")), ("policy", json!({"Version": "2012-10-17"})), ("enable_key_rotation", json!(true))]);
    let found = component(&script).create(&wanted).await.unwrap();
    let asked = script.finish();
    let body: Json = serde_json::from_str(&asked[0].1).unwrap();
    let expected = json!({
        "Description": "d", "Policy": r#"{"Version":"2012-10-17"}"#,
        "Tags": [{"TagKey": "deeploy:owner", "TagValue": "deeploy_kms_key/tokens"}],
    });
    assert_eq!(body, expected, "nothing else, above all no BypassPolicyLockoutSafetyCheck");
    assert_eq!(found.settings["enable_key_rotation"], json!(false), "brought about by update");
    assert_eq!((found.id.as_str(), found.tags), (ID, wanted.tags));
}

#[tokio::test(start_paused = true)]
async fn taking_back_cancels_enables_waits_and_restores() {
    let script = Script::new().on("CancelKeyDeletion", 200, "{}").on("EnableKey", 200, "{}");
    let script = script.on("DescribeKey", 200, &key(ID, "Disabled", 1)).on("DescribeKey", 200, &key(ID, "Enabled", 1));
    let script = script.on("EnableKeyRotation", 200, "{}").on("PutKeyPolicy", 200, "{}");
    let found = Found { id: ID.into(), readiness: Readiness::Deleted, ..Found::default() };
    let wanted = wanted([
        ("enabled", json!(true)),
        ("enable_key_rotation", json!(true)),
        ("rotation_period_in_days", json!(90)),
        ("policy", json!({"Version": "2012-10-17"})),
    ]);
    component(&script).update(&found, &wanted, &names(&["enabled", "policy"])).await.unwrap();
    let asked = script.finish();
    assert!(asked[4].1.contains(r#""RotationPeriodInDays":90"#), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_enabled_ends() {
    let mut script = Script::new().on("EnableKey", 200, "{}");
    for _ in 0..=30 {
        script = script.on("DescribeKey", 200, &key(ID, "Disabled", 1));
    }
    let found = Found { id: ID.into(), ..Found::default() };
    let failure = component(&script).update(&found, &wanted([("enabled", json!(true))]), &names(&["enabled"])).await.unwrap_err();
    assert_eq!(failure.class, Class::NotYetVisible);
    script.finish();
}

#[tokio::test]
async fn each_setting_is_one_call() {
    let found = Found { id: ID.into(), ..Found::default() };
    let cases: [(&str, Json, &str); 5] = [
        ("description", json!("new"), "UpdateKeyDescription"),
        ("enable_key_rotation", json!(false), "DisableKeyRotation"),
        ("enable_key_rotation", json!(true), "EnableKeyRotation"),
        ("policy", json!({}), "PutKeyPolicy"),
        ("enabled", json!(false), "DisableKey"),
    ];
    for (setting, value, call) in cases {
        let script = Script::new().on(call, 200, "{}");
        component(&script).update(&found, &wanted([(setting, value)]), &names(&[setting])).await.unwrap();
        assert_eq!(script.names(), [call]);
    }
}

#[tokio::test]
async fn a_deletion_that_was_cancelled_already_is_no_error() {
    let script = Script::new().on("CancelKeyDeletion", 400, r#"{"__type":"KMSInvalidStateException","message":"is not pending deletion"}"#);
    let script = script.on("DescribeKey", 200, &key(ID, "Disabled", 1));
    let found = Found { id: ID.into(), readiness: Readiness::Deleted, ..Found::default() };
    component(&script).update(&found, &wanted([("enabled", json!(false))]), &names(&[])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn delete_says_what_it_keeps_and_succeeds_twice() {
    let found = Found { id: ID.into(), ..Found::default() };
    let wanted = wanted([("deletion_window_in_days", json!(7))]);
    let script = Script::new().on("ScheduleKeyDeletion", 200, r#"{"KeyId":"x","DeletionDate":1766534400}"#);
    let script = script.on("ScheduleKeyDeletion", 400, PENDING).on("DescribeKey", 200, &key(ID, "PendingDeletion", 1));
    let script = script.on("ScheduleKeyDeletion", 400, GONE);
    let component = component(&script);
    let first = component.delete(&found, &wanted).await.unwrap().unwrap();
    assert_eq!(first.what, format!("KMS key {ID}, which AWS deletes on 2025-12-24; until then a create of the same name takes it back"));
    assert_eq!(first.cost, "none while it waits for its deletion");
    assert_eq!(component.delete(&found, &wanted).await.unwrap().unwrap(), first);
    assert_eq!(component.delete(&found, &wanted).await.unwrap(), None);
    assert!(script.finish()[0].1.contains(r#""PendingWindowInDays":7"#));
}

#[tokio::test]
async fn a_refused_deletion_is_an_error() {
    let script = Script::new().on("ScheduleKeyDeletion", 400, r#"{"__type":"KMSInvalidStateException","message":"is updating"}"#);
    let script = script.on("DescribeKey", 200, &key(ID, "Updating", 1));
    let found = Found { id: ID.into(), ..Found::default() };
    assert_eq!(component(&script).delete(&found, &wanted([])).await.unwrap_err().class, Class::Busy);
    script.finish();
}

#[tokio::test]
async fn deletion_protection_guards() {
    let script = Script::new();
    let found = Found { id: ID.into(), ..Found::default() };
    let guards = component(&script).guards(&found, &wanted([("deletion_protection", json!(true))])).await.unwrap();
    assert_eq!(guards[0].attribute, "deletion_protection");
    for off in [json!(false), Json::Null] {
        assert_eq!(component(&script).guards(&found, &wanted([("deletion_protection", off)])).await.unwrap(), []);
    }
}

#[tokio::test]
async fn tags_are_removed_before_others_are_set() {
    let script = Script::new().on("UntagResource", 200, "{}").on("TagResource", 200, "{}");
    let found = Found { id: ID.into(), ..Found::default() };
    let set = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    component(&script).tag(&found, &set, &["c".to_owned()]).await.unwrap();
    component(&script).tag(&found, &BTreeMap::new(), &[]).await.unwrap();
    script.finish();
}
