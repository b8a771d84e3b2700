#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{components::replay::Script, graph::ComponentId};

const REGION: &str = "eu-west-1";

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>m</Message></Error>")
}

fn wanted<const N: usize>(settings: [(&str, Json); N]) -> Wanted {
    let mut settings = settings::map(settings);
    settings.insert("bucket".into(), json!("bkt"));
    let tags = BTreeMap::from([("deeploy:uid".to_owned(), "u".to_owned())]);
    Wanted { component: ComponentId::from("bucket"), settings, tags, token: "0".repeat(64) }
}

fn found() -> Found {
    Found { id: "bkt".into(), ..Found::default() }
}

fn query(id: Option<&str>) -> Query {
    Query { id: id.map(str::to_owned), settings: settings::map([("bucket", json!("bkt"))]), ..Query::default() }
}

fn component(script: &Script, region: &str) -> S3Bucket {
    S3Bucket::new(script.aws(region))
}

fn names(changed: &[&str]) -> BTreeSet<String> {
    changed.iter().map(|name| (*name).to_owned()).collect()
}

/// A bucket that exists, and nothing of it configured but `tags`.
fn bare(tags: &str) -> Script {
    Script::any_order()
        .with("HEAD /", 200, &[("x-amz-bucket-region", REGION)], "")
        .on("GET /?publicAccessBlock", 404, &error("NoSuchPublicAccessBlockConfiguration"))
        .on("GET /?ownershipControls", 404, &error("OwnershipControlsNotFoundError"))
        .on("GET /?versioning", 200, "<VersioningConfiguration/>")
        .on("GET /?encryption", 404, &error("ServerSideEncryptionConfigurationNotFoundError"))
        .on("GET /?policy", 404, &error("NoSuchBucketPolicy"))
        .on("GET /?lifecycle", 404, &error("NoSuchLifecycleConfiguration"))
        .on("GET /?logging", 200, "<BucketLoggingStatus/>")
        .on("GET /?tagging", 200, &format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"))
}

#[tokio::test]
async fn what_is_not_configured_reads_as_what_that_means() {
    let script = bare("<Tag><Key>aws:x</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag>");
    let found = component(&script, REGION).find(&query(Some("arn:aws:s3:::bkt"))).await.unwrap().unwrap();
    assert_eq!(script.names().len(), 9, "each read once");
    let expected = settings::map([
        ("bucket", json!("bkt")),
        (
            "public_access_block",
            json!({"block_public_acls": false, "ignore_public_acls": false, "block_public_policy": false, "restrict_public_buckets": false}),
        ),
        ("object_ownership", json!("ObjectWriter")),
        ("versioning", Json::Null),
        ("encryption", Json::Null),
        ("policy", Json::Null),
        ("lifecycle", json!({"noncurrent_version_expiration_days": null, "abort_incomplete_multipart_upload_days": null})),
        ("logging", json!({"target_bucket": null, "target_prefix": null})),
    ]);
    assert_eq!(found.settings, expected);
    assert_eq!(found.tags, BTreeMap::from([("a".to_owned(), "2".to_owned())]));
    let outputs = settings::map([
        ("id", json!("bkt")),
        ("arn", json!("arn:aws:s3:::bkt")),
        ("region", json!(REGION)),
        ("regional_domain_name", json!("bkt.s3.eu-west-1.amazonaws.com")),
    ]);
    assert_eq!(found.outputs, outputs);
}

#[tokio::test]
async fn what_is_configured_reads_under_the_names_that_are_wanted() {
    let script = Script::any_order()
        .on("HEAD /", 200, "")
        .on(
            "GET /?publicAccessBlock",
            200,
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>\
             <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
        )
        .on(
            "GET /?ownershipControls",
            200,
            "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
        )
        .on("GET /?versioning", 200, "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")
        .on(
            "GET /?encryption",
            200,
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
             </ServerSideEncryptionConfiguration>",
        )
        .on("GET /?policy", 200, r#"{"Version":"2012-10-17"}"#)
        .on(
            "GET /?lifecycle",
            200,
            "<LifecycleConfiguration><Rule><ID>deeploy-noncurrent</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>\
             <NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration></Rule>\
             <Rule><ID>theirs</ID><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
        )
        .on(
            "GET /?logging",
            200,
            "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>b/</TargetPrefix></LoggingEnabled>\
             </BucketLoggingStatus>",
        )
        .on("GET /?tagging", 404, &error("NoSuchTagSet"));
    let found = component(&script, REGION).find(&query(None)).await.unwrap().unwrap();
    script.finish();
    let block = &found.settings["public_access_block"];
    assert_eq!((&block["block_public_acls"], &block["ignore_public_acls"]), (&json!(true), &json!(false)));
    assert_eq!(found.settings["object_ownership"], json!("BucketOwnerEnforced"));
    assert_eq!(found.settings["versioning"], json!("Suspended"));
    assert_eq!(found.settings["encryption"], json!({"sse_algorithm": "aws:kms", "kms_master_key_id": "k", "bucket_key_enabled": true}));
    assert_eq!(found.settings["policy"], json!({"Version": "2012-10-17"}));
    let lifecycle = json!({"noncurrent_version_expiration_days": 90, "abort_incomplete_multipart_upload_days": null});
    assert_eq!(found.settings["lifecycle"], lifecycle);
    assert_eq!(found.settings["logging"], json!({"target_bucket": "logs", "target_prefix": "b/"}));
    assert_eq!(found.tags, BTreeMap::new());
}

#[tokio::test]
async fn absence_is_concluded_from_404_alone() {
    let script = Script::new().on("HEAD /", 404, "");
    assert_eq!(component(&script, REGION).find(&query(None)).await.unwrap(), None);

    let script = Script::new().on("HEAD /", 403, "").on("GET /?location", 404, &error("NoSuchBucket"));
    assert_eq!(component(&script, REGION).find(&query(None)).await.unwrap(), None);
    script.finish();

    for (status, body, text) in
        [(403, error("AccessDenied"), "belongs to another account"), (200, "<LocationConstraint/>".into(), "s3:ListBucket")]
    {
        let script = Script::new().on("HEAD /", 403, "").on("GET /?location", status, &body);
        let failure = component(&script, REGION).find(&query(None)).await.unwrap_err();
        assert_eq!(failure.class, Class::Denied);
        assert!(failure.message.contains(text), "{failure}");
    }

    // It goes between the first read and the others.
    let script = Script::any_order().on("HEAD /", 200, "").on("GET /", 404, &error("NoSuchBucket"));
    let script = (1..8).fold(script, |script, _| script.on("GET /", 404, &error("NoSuchBucket")));
    assert_eq!(component(&script, REGION).find(&query(None)).await.unwrap(), None);
}

#[tokio::test]
async fn a_bucket_elsewhere_is_a_clear_failure() {
    let region = [("x-amz-bucket-region", "us-west-2")];
    for status in [200, 301, 400] {
        let script = Script::new().with("HEAD /", status, &region, "");
        let failure = component(&script, REGION).find(&query(None)).await.unwrap_err();
        assert_eq!(failure.class, Class::Invalid, "{status}: {failure}");
        assert!(failure.message.contains("is in us-west-2"), "{status}: {failure}");
    }
}

#[tokio::test]
async fn create_is_one_call_with_tags_and_ownership() {
    let script = Script::new().on("PUT /", 200, "");
    let made = component(&script, REGION).create(&wanted([("object_ownership", json!("BucketOwnerEnforced"))])).await.unwrap();
    let asked = script.finish();
    let body = &asked[0].1;
    assert!(body.contains("<LocationConstraint>eu-west-1</LocationConstraint>"), "{body}");
    assert!(body.contains("<Tags><Tag><Key>deeploy:uid</Key><Value>u</Value></Tag></Tags>"), "{body}");
    assert_eq!(made.settings, settings::map([("bucket", json!("bkt")), ("object_ownership", json!("BucketOwnerEnforced"))]));
    assert_eq!((made.id.as_str(), made.tags["deeploy:uid"].as_str()), ("bkt", "u"));
}

#[tokio::test]
async fn the_home_region_takes_tags_but_no_location() {
    let script = Script::new().on("PUT /", 200, "");
    component(&script, "us-east-1").create(&wanted([])).await.unwrap();
    let body = &script.finish()[0].1;
    assert!(body.contains("<Tags>") && !body.contains("LocationConstraint"), "{body}");
}

#[tokio::test]
async fn a_region_without_tags_at_creation_gets_them_right_after() {
    let script = Script::new().on("PUT /", 400, &error("UnsupportedArgument")).on("PUT /", 200, "");
    let script = script.on("GET /?tagging", 404, &error("NoSuchTagSet")).on("PUT /?tagging", 204, "");
    let wanted = wanted([]);
    let made = component(&script, REGION).create(&wanted).await.unwrap();
    assert_eq!(made.tags, wanted.tags);
    let asked = script.finish();
    assert!(!asked[1].1.contains("<Tag") && asked[3].1.contains("<Key>deeploy:uid</Key>"), "{asked:?}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict_at_the_name() {
    for (code, attribute) in [("BucketAlreadyExists", Some("bucket")), ("BucketAlreadyOwnedByYou", None)] {
        let script = Script::new().on("PUT /", 409, &error(code));
        let failure = component(&script, REGION).create(&wanted([])).await.unwrap_err();
        assert_eq!((failure.class, failure.attribute.as_deref()), (Class::Conflict, attribute));
    }
}

#[tokio::test]
async fn settings_are_written_one_by_one_with_the_policy_last() {
    let script = Script::new()
        .on("PUT /?ownershipControls", 200, "")
        .on("PUT /?publicAccessBlock", 200, "")
        .on(
            "GET /?encryption",
            200,
            "<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType>\
             </BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>",
        )
        .on("PUT /?encryption", 200, "")
        .on("PUT /?versioning", 200, "")
        .on(
            "GET /?lifecycle",
            200,
            "<LifecycleConfiguration><Rule><ID>theirs</ID><Prefix>x/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>\
             </Rule></LifecycleConfiguration>",
        )
        .on("PUT /?lifecycle", 200, "")
        .on("PUT /?logging", 200, "")
        .on("PUT /?policy", 204, "");
    let wanted = wanted([
        ("public_access_block", json!({"block_public_acls": true, "ignore_public_acls": true})),
        ("object_ownership", json!("BucketOwnerEnforced")),
        ("versioning", json!("Enabled")),
        ("encryption", json!({"sse_algorithm": "aws:kms", "kms_master_key_id": "k", "bucket_key_enabled": true})),
        ("policy", json!({"Version": "2012-10-17"})),
        ("lifecycle", json!({"noncurrent_version_expiration_days": 30, "abort_incomplete_multipart_upload_days": 7})),
        ("logging", json!({"target_bucket": "logs", "target_prefix": "b/"})),
    ]);
    let all: Vec<_> = wanted.settings.keys().map(String::as_str).collect();
    component(&script, REGION).update(&found(), &wanted, &names(&all)).await.unwrap();
    let asked = script.finish();
    assert!(asked[3].1.contains("SSE-C") && asked[3].1.contains("<KMSMasterKeyID>k</KMSMasterKeyID>"), "{}", asked[3].1);
    let rules = &asked[6].1;
    assert!(rules.contains("theirs") && rules.contains("deeploy-noncurrent") && rules.contains("deeploy-abort-multipart"), "{rules}");
    assert_eq!(asked[8].1, r#"{"Version":"2012-10-17"}"#);
}

#[tokio::test]
async fn no_target_ends_logging_and_null_deletes_the_policy_and_leaves_the_rest() {
    let script = Script::new().on("PUT /?logging", 200, "").on("DELETE /?policy", 204, "");
    let nulls = wanted([
        ("encryption", Json::Null),
        ("versioning", Json::Null),
        ("policy", Json::Null),
        ("logging", json!({"target_bucket": null})),
    ]);
    let changed = names(&["encryption", "versioning", "policy", "logging"]);
    component(&script, REGION).update(&found(), &nulls, &changed).await.unwrap();
    assert!(!script.finish()[0].1.contains("LoggingEnabled"));
}

#[tokio::test]
async fn the_last_lifecycle_rule_takes_the_configuration_with_it() {
    let script = Script::new().on("GET /?lifecycle", 404, &error("NoSuchLifecycleConfiguration")).on("DELETE /?lifecycle", 204, "");
    let none = json!({"noncurrent_version_expiration_days": null, "abort_incomplete_multipart_upload_days": null});
    component(&script, REGION).update(&found(), &wanted([("lifecycle", none)]), &names(&["lifecycle"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn tags_keep_those_of_others_and_of_aws() {
    let live = "<Tagging><TagSet><Tag><Key>aws:cloudformation:stack</Key><Value>s</Value></Tag><Tag><Key>theirs</Key><Value>t</Value></Tag>\
                <Tag><Key>old</Key><Value>o</Value></Tag></TagSet></Tagging>";
    let script = Script::new().on("GET /?tagging", 200, live).on("PUT /?tagging", 204, "").on("GET /?tagging", 200, live);
    let component = component(&script, REGION);
    let set = BTreeMap::from([("new".to_owned(), "n".to_owned()), ("aws:mine".to_owned(), "x".to_owned())]);
    component.tag(&found(), &set, &["old".to_owned(), "aws:cloudformation:stack".to_owned()]).await.unwrap();
    // What is so already takes no write.
    component.tag(&found(), &BTreeMap::from([("theirs".to_owned(), "t".to_owned())]), &["gone".to_owned()]).await.unwrap();
    let body = &script.finish()[1].1;
    let keys: Vec<_> = body.split("<Key>").skip(1).filter_map(|rest| rest.split_once('<')).map(|(key, _)| key).collect();
    assert_eq!(keys, ["aws:cloudformation:stack", "new", "theirs"]);
}

#[tokio::test]
async fn the_last_tag_goes_by_deleting_all() {
    let live = "<Tagging><TagSet><Tag><Key>a</Key><Value>o</Value></Tag></TagSet></Tagging>";
    let script = Script::new().on("GET /?tagging", 200, live).on("DELETE /?tagging", 204, "");
    component(&script, REGION).tag(&found(), &BTreeMap::new(), &["a".to_owned()]).await.unwrap();
    script.finish();
}

const VERSIONS: &str = "<ListVersionsResult><IsTruncated>false</IsTruncated>\
    <Version><Key>k</Key><VersionId>1</VersionId><IsLatest>true</IsLatest></Version>\
    <Version><Key>k</Key><VersionId>0</VersionId><IsLatest>false</IsLatest></Version>\
    <DeleteMarker><Key>gone</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker></ListVersionsResult>";
const NO_VERSIONS: &str = "<ListVersionsResult/>";
const UPLOADS: &str = "<ListMultipartUploadsResult><Upload><Key>u</Key><UploadId>i</UploadId></Upload></ListMultipartUploadsResult>";
const NO_UPLOADS: &str = "<ListMultipartUploadsResult/>";

#[tokio::test]
async fn what_is_not_empty_is_guarded_with_its_counts() {
    let cases = [
        (VERSIONS, UPLOADS, Some("1 object, 1 older version, 1 delete marker, 1 unfinished upload.")),
        (NO_VERSIONS, UPLOADS, Some("1 unfinished upload.")),
        (NO_VERSIONS, NO_UPLOADS, None),
        (
            "<ListVersionsResult><IsTruncated>true</IsTruncated><Version><Key>k</Key></Version></ListVersionsResult>",
            NO_UPLOADS,
            Some("at least 1 object."),
        ),
    ];
    for (versions, uploads, expected) in cases {
        let script = Script::any_order().on("GET /?versions", 200, versions).on("GET /?uploads", 200, uploads);
        let guards = component(&script, REGION).guards(&found(), &wanted([("force_destroy", json!(false))])).await.unwrap();
        script.finish();
        assert_eq!(guards.len(), usize::from(expected.is_some()));
        if let Some(text) = expected {
            assert_eq!(guards[0].attribute, "force_destroy");
            assert!(guards[0].reason.contains(&format!("the bucket bkt holds {text}")), "{}", guards[0].reason);
        }
    }
}

#[tokio::test]
async fn force_destroy_asks_nothing_before_and_a_bucket_that_is_gone_guards_nothing() {
    let script = Script::new();
    assert_eq!(component(&script, REGION).guards(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap(), []);
    let script = Script::any_order().on("GET /", 404, &error("NoSuchBucket")).on("GET /", 404, &error("NoSuchBucket"));
    assert_eq!(component(&script, REGION).guards(&found(), &wanted([])).await.unwrap(), []);
}

#[tokio::test]
async fn delete_without_force_deletes_no_object() {
    let script = Script::new().on("DELETE /", 409, &error("BucketNotEmpty"));
    let script = script.on("DELETE /", 204, "").on("DELETE /", 404, &error("NoSuchBucket"));
    let component = component(&script, REGION);
    assert_eq!(component.delete(&found(), &wanted([])).await.unwrap_err().class, Class::Conflict);
    assert_eq!(component.delete(&found(), &wanted([])).await.unwrap(), None);
    assert_eq!(component.delete(&found(), &wanted([])).await.unwrap(), None, "twice");
    script.finish();
}

#[tokio::test]
async fn force_destroy_deletes_versions_markers_and_uploads_and_again_what_came_meanwhile() {
    let script = Script::new().on("GET /?versions", 200, VERSIONS).on("POST /?delete", 200, "<DeleteResult/>");
    let script = script.on("GET /?versions", 200, NO_VERSIONS).on("GET /?uploads", 200, UPLOADS).on("DELETE /u", 204, "");
    let script = script.on("DELETE /", 409, &error("BucketNotEmpty"));
    let script = script.on("GET /?versions", 200, VERSIONS).on("POST /?delete", 200, "<DeleteResult/>");
    let script = script.on("GET /?versions", 200, NO_VERSIONS).on("GET /?uploads", 200, NO_UPLOADS).on("DELETE /", 204, "");
    let delete = component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await;
    assert_eq!(delete.unwrap(), None);
    let body = &script.finish()[1].1;
    assert_eq!(body.matches("<Object>").count(), 3, "{body}");
    assert!(body.contains("<Key>gone</Key><VersionId>2</VersionId>") && body.contains("<Quiet>true</Quiet>"), "{body}");
}

#[tokio::test]
async fn force_destroy_of_what_is_gone_succeeds() {
    let script = Script::new().on("GET /?versions", 404, &error("NoSuchBucket"));
    assert_eq!(component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn objects_that_stay_are_named_and_end_the_delete() {
    let denied: String =
        (0..7).map(|n| format!("<Error><Key>k{n}</Key><Code>AccessDenied</Code><Message>locked</Message></Error>")).collect();
    let script =
        Script::new().on("GET /?versions", 200, VERSIONS).on("POST /?delete", 200, &format!("<DeleteResult>{denied}</DeleteResult>"));
    let failure = component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap_err();
    assert_eq!((failure.class, failure.message.as_str()), (Class::Denied, "locked (7 of a page not deleted: k0, k1, k2, k3, k4 …)"));
    script.finish();
}

#[tokio::test]
async fn a_list_that_never_shrinks_ends() {
    let script =
        Script::new().on("GET /?versions", 200, VERSIONS).on("POST /?delete", 200, "<DeleteResult/>").on("GET /?versions", 200, VERSIONS);
    let failure = component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    script.finish();
}

#[tokio::test]
async fn every_call_but_the_create_names_the_owner() {
    let headers = |script: &Script| script.owners();
    let script = bare("");
    component(&script, REGION).find(&query(None)).await.unwrap();
    assert_eq!(headers(&script), vec![Some("123456789012".to_owned()); 9]);
    let script = Script::new().on("GET /?versions", 200, VERSIONS).on("POST /?delete", 200, "<DeleteResult/>");
    let script =
        script.on("GET /?versions", 200, NO_VERSIONS).on("GET /?uploads", 200, UPLOADS).on("DELETE /u", 204, "").on("DELETE /", 204, "");
    component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap();
    assert_eq!(headers(&script), vec![Some("123456789012".to_owned()); 6]);
}

/// Each reply takes so long that the engine would give a call up that empties to the end.
#[tokio::test(start_paused = true)]
async fn emptying_lets_the_engine_breathe() {
    let page = |key: usize| {
        format!(
            "<ListVersionsResult><IsTruncated>true</IsTruncated><Version><Key>{key}</Key><VersionId>1</VersionId></Version></ListVersionsResult>"
        )
    };
    let script = (0..2).fold(Script::new().slow(Duration::from_secs(20)), |script, key| {
        script.on("GET /?versions", 200, &page(key)).on("POST /?delete", 200, "<DeleteResult/>")
    });
    let failure = component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap_err();
    assert_eq!(failure.class, Class::Unfinished, "{failure}");
    assert!(failure.message.contains("2 versions and uploads deleted by this call"), "{failure}");
    script.finish();
}

/// What passes is no reason to give up as long as each call gets further; what doesn't pass, and a list that never changes, are.
#[tokio::test]
async fn emptying_goes_on_only_where_it_gets_further() {
    let page = |key: usize| format!("<ListVersionsResult><Version><Key>{key}</Key><VersionId>1</VersionId></Version></ListVersionsResult>");
    let begun = || Script::new().on("GET /?versions", 200, &page(1)).on("POST /?delete", 200, "<DeleteResult/>");
    let slow_down = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let cases = [
        (begun().on("GET /?versions", 503, slow_down), Class::Unfinished),
        (Script::new().on("GET /?versions", 503, slow_down), Class::Throttled),
        (begun().on("GET /?versions", 403, denied), Class::Denied),
        (begun().on("GET /?versions", 200, &page(1)), Class::Transient),
    ];
    for (script, class) in cases {
        let failure = component(&script, REGION).delete(&found(), &wanted([("force_destroy", json!(true))])).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        script.finish();
    }
}
