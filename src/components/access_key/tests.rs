#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{
    super::{iam::replies, replay::Script},
    *,
};
use crate::aws::OPERATION_TIMEOUT;

const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:deeploy/key-AbCdEf";
/// When every key of the tests was made.
const MADE: &str = "2026-01-02T03:04:05Z";
/// When our probe of them was, as IAM tells it.
const PROBED_AT: &str = "2026-01-02T03:05:00Z";
/// What must never be seen.
const CANARY: &str = "wJalrXUtnFEMIcanaryKEY";

fn wanted(rotation: Json, retire_previous: bool) -> Wanted {
    let settings =
        map([("user", json!("u")), ("secret_arn", json!(SECRET_ARN)), ("rotation", rotation), ("retire_previous", json!(retire_previous))]);
    Wanted { component: "access_key".into(), settings, tags: BTreeMap::new(), token: String::new() }
}

fn found(key: &str) -> Found {
    Found {
        id: key.to_owned(),
        settings: map([("user", json!("u")), ("secret_arn", json!(SECRET_ARN))]),
        outputs: map([("access_key_id", json!(key))]),
        ..Found::default()
    }
}

fn changed(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The user's keys.
fn list(keys: &[&str]) -> String {
    let member = |key: &&str| {
        format!(
            "<member><UserName>u</UserName><AccessKeyId>{key}</AccessKeyId><Status>Active</Status><CreateDate>{MADE}</CreateDate></member>"
        )
    };
    let members: String = keys.iter().map(member).collect();
    replies::reply("ListAccessKeys", &format!("<AccessKeyMetadata>{members}</AccessKeyMetadata><IsTruncated>false</IsTruncated>"))
}

/// The secret's versions: key, rotation, label.
fn describe(versions: &[(&str, Json, &str)]) -> String {
    let stages: serde_json::Map<String, Json> =
        versions.iter().map(|(key, rotation, label)| (version_of(key, rotation), json!([label]))).collect();
    json!({ "ARN": SECRET_ARN, "Name": "deeploy/key", "VersionIdsToStages": stages }).to_string()
}

fn versions(versions: &[(&str, Json, &str)]) -> String {
    let entries: Vec<Json> =
        versions.iter().map(|(key, rotation, label)| json!({ "VersionId": version_of(key, rotation), "VersionStages": [label] })).collect();
    json!({ "ARN": SECRET_ARN, "Name": "deeploy/key", "Versions": entries }).to_string()
}

fn created(key: &str) -> String {
    replies::reply(
        "CreateAccessKey",
        &format!(
            "<AccessKey><UserName>u</UserName><AccessKeyId>{key}</AccessKeyId><Status>Active</Status>\
             <SecretAccessKey>{CANARY}</SecretAccessKey></AccessKey>"
        ),
    )
}

fn identity() -> String {
    replies::reply("GetCallerIdentity", "<Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>A</UserId><Account>123456789012</Account>")
}

fn used(service: &str) -> String {
    used_at("2026-02-03T04:05:06Z", service)
}

fn used_at(date: &str, service: &str) -> String {
    let last = format!(
        "<UserName>u</UserName><AccessKeyLastUsed><LastUsedDate>{date}</LastUsedDate>\
         <ServiceName>{service}</ServiceName><Region>eu-west-1</Region></AccessKeyLastUsed>"
    );
    replies::reply("GetAccessKeyLastUsed", &last)
}

fn ok(action: &str) -> String {
    replies::reply(action, "")
}

fn unknown_key() -> String {
    replies::error("InvalidClientTokenId", "The security token included in the request is invalid.")
}

fn of(script: &Script) -> AccessKey {
    AccessKey::new(script.aws("eu-west-1"))
}

/// A script that begins with a decision: which keys there are, and which are stored.
fn deciding(keys: &[&str], stored: &[(&str, Json, &str)]) -> Script {
    Script::new().on("ListAccessKeys", 200, &list(keys)).on("DescribeSecret", 200, &describe(stored))
}

#[tokio::test(start_paused = true)]
async fn create_deletes_what_leaked_makes_tries_and_stores() {
    let script = deciding(&["LEAKED"], &[])
        .on("GetAccessKeyLastUsed", 200, &used_at(PROBED_AT, "sts"))
        .on("DeleteAccessKey", 200, &ok("DeleteAccessKey"))
        .on("CreateAccessKey", 200, &created("NEW"))
        .on("GetCallerIdentity", 403, &unknown_key())
        .on("GetCallerIdentity", 403, &replies::error("SignatureDoesNotMatch", "no"))
        .on("GetCallerIdentity", 200, &identity())
        .on("PutSecretValue", 200, "{}");
    let wanted = wanted(json!("1"), false);
    let made = of(&script).create(&wanted).await.unwrap();
    assert_eq!((&made.settings, made.id.as_str()), (&wanted.settings, "NEW"));
    assert_eq!(
        Json::Object(made.outputs.clone().into_iter().collect()),
        json!({
            "access_key_id": "NEW", "secret_version_id": version_of("NEW", &json!("1")), "previous_access_key_id": null,
            "previous_last_used": null
        })
    );
    assert!(!format!("{made:?}").contains(CANARY));
    assert_eq!(tf_provider::log::masked(&format!("a {CANARY} b")), "a (sensitive value) b");
    let asked = script.finish();
    assert!(asked[3].1.contains("AccessKeyId=LEAKED"));
    let put: Json = serde_json::from_str(&asked[8].1).unwrap();
    assert_eq!(put["ClientRequestToken"], version_of("NEW", &json!("1")));
    let value: Json = serde_json::from_str(put["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(value, json!({ "access_key_id": "NEW", "secret_access_key": CANARY }));
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_create_access_key_is_not_repeated() {
    let script = deciding(&[], &[]).on("CreateAccessKey", 500, "");
    let component = AccessKey::new(script.retrying("eu-west-1").await);
    let failure = component.create(&wanted(Json::Null, false)).await.unwrap_err();
    assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 3));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_never_works_or_cannot_be_stored_is_deleted_again() {
    let gone = replies::error("ServiceFailure", "x");
    let denied = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
    // Tried until the bound is over, once at the start and then every interval.
    let mut script = deciding(&[], &[]).on("CreateAccessKey", 200, &created("NEW"));
    for _ in 0..=PROBE_MAX.as_secs() / PROBE_INTERVAL.as_secs() {
        script = script.on("GetCallerIdentity", 403, &unknown_key());
    }
    script = script.on("DeleteAccessKey", 200, &ok("DeleteAccessKey"));
    let failure = of(&script).create(&wanted(Json::Null, false)).await.unwrap_err();
    assert_eq!(failure.class, Class::NotYetVisible);
    script.finish();

    let script = deciding(&[], &[])
        .on("CreateAccessKey", 200, &created("NEW"))
        .on("GetCallerIdentity", 200, &identity())
        .on("PutSecretValue", 400, denied)
        .on("DeleteAccessKey", 500, &gone);
    let failure = of(&script).create(&wanted(Json::Null, false)).await.unwrap_err();
    assert_eq!((failure.class, failure.operation.as_str()), (Class::Denied, "secretsmanager:PutSecretValue"));
    assert!(!format!("{failure:?} {failure}").contains(CANARY));
    script.finish();

    // The reply is lost: it may be stored, so it stays.
    let script = deciding(&[], &[]).on("CreateAccessKey", 200, &created("NEW")).on("GetCallerIdentity", 200, &identity()).on(
        "PutSecretValue",
        500,
        "{}",
    );
    assert_eq!(of(&script).create(&wanted(Json::Null, false)).await.unwrap_err().class, Class::Ambiguous);
    script.finish();
}

#[tokio::test]
async fn create_takes_a_key_that_find_was_too_early_for() {
    let script = deciding(&["A"], &[("A", json!("1"), "AWSCURRENT")]);
    let made = of(&script).create(&wanted(json!("1"), false)).await.unwrap();
    assert_eq!(made.outputs["access_key_id"], "A");
    script.finish();
}

#[tokio::test]
async fn a_key_that_somebody_uses_is_never_deleted() {
    let script = deciding(&["X", "Y"], &[]).on("GetAccessKeyLastUsed", 200, &used("s3")).on("GetAccessKeyLastUsed", 200, &used("ec2"));
    let failure = of(&script).create(&wanted(Json::Null, false)).await.unwrap_err();
    assert_eq!(failure.class, Class::Conflict);
    assert!(failure.message.contains("X (used with s3), Y (used with ec2)"), "{}", failure.message);
    assert!(!script.names().contains(&"DeleteAccessKey".to_owned()));

    // A user that takes a role: STS is all that its key is ever used with. It was imported, and now it shall be rotated.
    let script = deciding(&["X", "A"], &[("A", json!("1"), "AWSCURRENT")]).on("GetAccessKeyLastUsed", 200, &used("sts"));
    let failure = of(&script).update(&found("A"), &wanted(json!("2"), false), &changed(&["rotation"])).await.unwrap_err();
    assert!(failure.message.contains("X (used with sts)"), "{}", failure.message);
    script.finish();
    let script = deciding(&["X", "A"], &[("A", json!("1"), "AWSCURRENT")]).on("GetAccessKeyLastUsed", 200, &used("sts")).on(
        "DeleteAccessKey",
        200,
        &ok("DeleteAccessKey"),
    );
    of(&script).delete(&found("A"), &wanted(json!("1"), false)).await.unwrap();
    assert!(script.finish()[3].1.contains("AccessKeyId=A"));
}

#[tokio::test]
async fn find_tells_key_rotation_and_previous_without_reading_the_secret() {
    let stored = [("A", json!("2"), "AWSCURRENT"), ("B", json!("1"), "AWSPREVIOUS")];
    let script = Script::new().on("ListAccessKeys", 200, &list(&["B", "A"])).on("ListSecretVersionIds", 200, &versions(&stored)).on(
        "GetAccessKeyLastUsed",
        200,
        &used("s3"),
    );
    let query = Query { settings: wanted(json!("2"), true).settings, ..Query::default() };
    let seen = of(&script).find(&query).await.unwrap().unwrap();
    assert_eq!((&seen.settings["rotation"], &seen.settings["retire_previous"]), (&json!("2"), &json!(false)));
    assert_eq!((&seen.outputs["access_key_id"], &seen.outputs["previous_access_key_id"]), (&json!("A"), &json!("B")));
    assert_eq!(seen.outputs["previous_last_used"], "2026-02-03T04:05:06Z");
    script.finish();

    // Without a previous key nobody asks for its last use; another rotation than wanted reads as none.
    let script = Script::new().on("ListAccessKeys", 200, &list(&["A"])).on("ListSecretVersionIds", 200, &versions(&stored));
    let query = Query { id: Some("A".to_owned()), settings: wanted(json!("3"), false).settings, ..Query::default() };
    let seen = of(&script).find(&query).await.unwrap().unwrap();
    assert_eq!((&seen.settings["rotation"], &seen.outputs["previous_access_key_id"]), (&Json::Null, &Json::Null));
    script.finish();
}

#[tokio::test]
async fn nothing_stored_no_user_no_secret_is_absence() {
    let query = Query { settings: wanted(Json::Null, false).settings, ..Query::default() };
    let missing = r#"{"__type":"ResourceNotFoundException","Message":"no"}"#;
    let deleted = r#"{"__type":"InvalidRequestException","Message":"because it was marked for deletion."}"#;
    let scripts = [
        Script::new().on("ListAccessKeys", 404, &replies::error("NoSuchEntity", "no")),
        Script::new().on("ListAccessKeys", 200, &list(&["A"])).on("ListSecretVersionIds", 400, missing),
        Script::new().on("ListAccessKeys", 200, &list(&["A"])).on("ListSecretVersionIds", 400, deleted),
        Script::new().on("ListAccessKeys", 200, &list(&["A"])).on("ListSecretVersionIds", 200, &versions(&[])),
    ];
    for script in scripts {
        assert_eq!(of(&script).find(&query).await.unwrap(), None);
        script.finish();
    }
    let script =
        Script::new().on("ListAccessKeys", 200, &list(&["A"])).on("ListSecretVersionIds", 400, r#"{"__type":"AccessDeniedException"}"#);
    assert_eq!(of(&script).find(&query).await.unwrap_err().class, Class::Denied);
}

#[tokio::test]
async fn an_inactive_key_is_broken() {
    let inactive = list(&["A"]).replace("Active", "Inactive");
    let stored = versions(&[("A", Json::Null, "AWSCURRENT")]);
    let script = Script::new().on("ListAccessKeys", 200, &inactive).on("ListSecretVersionIds", 200, &stored);
    let query = Query { settings: wanted(Json::Null, false).settings, ..Query::default() };
    let seen = of(&script).find(&query).await.unwrap().unwrap();
    assert!(matches!(seen.readiness, Readiness::Broken(_)));
    // A rotation gets it going again.
    let script = Script::new().on("ListAccessKeys", 200, &inactive).on("ListSecretVersionIds", 200, &stored);
    let query = Query { settings: wanted(json!("1"), false).settings, ..Query::default() };
    let component = of(&script);
    let seen = component.find(&query).await.unwrap().unwrap();
    assert_eq!(seen.readiness, Readiness::Ready);
    assert!(component.is(&seen, &Found { id: "B".to_owned(), ..seen.clone() }));
}

#[tokio::test]
async fn a_rotation_ends_the_previous_key_and_keeps_the_current_one() {
    let stored = [("A", json!("2"), "AWSCURRENT"), ("B", json!("1"), "AWSPREVIOUS")];
    let script = deciding(&["A", "B"], &stored)
        .on("DeleteAccessKey", 200, &ok("DeleteAccessKey"))
        .on("CreateAccessKey", 200, &created("C"))
        .on("GetCallerIdentity", 200, &identity())
        .on("PutSecretValue", 200, "{}");
    of(&script).update(&found("A"), &wanted(json!("3"), false), &changed(&["rotation"])).await.unwrap();
    let asked = script.finish();
    assert!(asked[2].1.contains("AccessKeyId=B"));
    assert!(asked[5].1.contains(&version_of("C", &json!("3"))));

    // Repeated after its reply was lost: nothing more happens.
    let script = deciding(&["A", "C"], &[("C", json!("3"), "AWSCURRENT"), ("A", json!("2"), "AWSPREVIOUS")]);
    of(&script).update(&found("A"), &wanted(json!("3"), false), &changed(&["rotation"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn a_rotation_cut_short_leaks_no_key() {
    // CREATED was made, then the run died before storing it.
    let script = deciding(&["A", "CREATED"], &[("A", json!("2"), "AWSCURRENT")])
        .on("GetAccessKeyLastUsed", 200, &used("N/A"))
        .on("DeleteAccessKey", 200, &ok("DeleteAccessKey"))
        .on("CreateAccessKey", 200, &created("C"))
        .on("GetCallerIdentity", 200, &identity())
        .on("PutSecretValue", 200, "{}");
    of(&script).update(&found("A"), &wanted(json!("3"), false), &changed(&["rotation"])).await.unwrap();
    assert!(script.finish()[3].1.contains("AccessKeyId=CREATED"));
}

#[tokio::test]
async fn retiring_deletes_the_previous_key_but_never_in_the_update_that_rotates() {
    let stored = [("A", json!("2"), "AWSCURRENT"), ("B", json!("1"), "AWSPREVIOUS")];
    let script = deciding(&["A", "B"], &stored).on("DeleteAccessKey", 200, &ok("DeleteAccessKey"));
    of(&script).update(&found("A"), &wanted(json!("2"), true), &changed(&["retire_previous"])).await.unwrap();
    assert!(script.finish()[2].1.contains("AccessKeyId=B"));

    let script = deciding(&["A"], &[("A", json!("2"), "AWSCURRENT")])
        .on("CreateAccessKey", 200, &created("C"))
        .on("GetCallerIdentity", 200, &identity())
        .on("PutSecretValue", 200, "{}");
    of(&script).update(&found("A"), &wanted(json!("3"), true), &changed(&["rotation", "retire_previous"])).await.unwrap();
    script.finish();

    // Its user or group was renamed: the key stays.
    let script = Script::new();
    of(&script).update(&found("A"), &wanted(json!("3"), true), &changed(&["user"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn delete_takes_every_key_but_those_that_others_use_and_the_current_last() {
    let stored = [("A", json!("2"), "AWSCURRENT"), ("B", json!("1"), "AWSPREVIOUS")];
    let script = deciding(&["A", "B", "L"], &stored)
        .on("GetAccessKeyLastUsed", 200, &used("N/A"))
        .on("DeleteAccessKey", 200, &ok("DeleteAccessKey"))
        .on("DeleteAccessKey", 404, &replies::error("NoSuchEntity", "no"))
        .on("DeleteAccessKey", 200, &ok("DeleteAccessKey"));
    assert_eq!(of(&script).delete(&found("A"), &wanted(json!("2"), false)).await.unwrap(), None);
    let asked = script.finish();
    let deleted: Vec<_> =
        ["L", "B", "A"].iter().zip(&asked[3..]).map(|(key, (_, body))| body.contains(&format!("AccessKeyId={key}"))).collect();
    assert_eq!(deleted, [true; 3]);
}

#[test]
fn a_new_key_shows_only_its_id() {
    let key = NewKey { id: "AKIA1".to_owned(), secret: Zeroizing::new(CANARY.to_owned()) };
    assert_eq!(format!("{key:?}"), "NewKey(AKIA1, …)");
}

/// Dropped in mid-flight by the engine, a create leaves a key that nobody has.
#[test]
fn every_bound_is_below_that_of_the_engine() {
    const CALL: &str = "ListAccessKeys, DescribeSecret, GetAccessKeyLastUsed and DeleteAccessKey of two leaked keys, CreateAccessKey, \
                        PutSecretValue, DeleteAccessKey of what could not be stored, GetAccessKeyLastUsed of the previous key";
    let calls = 2 + 2 * u32::try_from(KEYS_MAX).unwrap() + 4;
    let call = crate::graph::Limits::default().call;
    assert!(OPERATION_TIMEOUT < PROBE_MAX && PROBE_MAX < call);
    assert!(OPERATION_TIMEOUT * calls + PROBE_MAX < call, "{CALL}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_ends_with_its_bound() {
    let script = Script::new().slow(PROBE_MAX * 2).on("GetCallerIdentity", 200, &identity());
    let key = NewKey { id: "NEW".to_owned(), secret: Zeroizing::new(CANARY.to_owned()) };
    let begin = Instant::now();
    assert_eq!(of(&script).probe(&key).await.unwrap_err().class, Class::NotYetVisible);
    assert_eq!(begin.elapsed(), PROBE_MAX);
}
