//! Somebody changes a bucket by hand.

use acceptance_tests::{Failure, World, check};
use serde_json::json;

use super::{
    drift::{Call, Drift, each_is_repaired},
    stage::{Stage, stage},
};

/// Keys and values.
type Tags<'a> = Vec<(&'a str, &'a str)>;

const BUCKET: &str = "deeploy_s3_bucket.this";

fn made(Stage { world, terraform }: &Stage) -> Result<String, Failure> {
    let name = format!("drift-{}", world.account());
    let resource = format!("resource \"deeploy_s3_bucket\" \"this\" {{\n  bucket = \"{name}\"\n  tags = {{ team = \"ml\" }}\n}}\n");
    terraform.configure(&resource)?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    Ok(name)
}

fn tagging(tags: &[(&str, &str)]) -> String {
    let tags: String = tags.iter().map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")).collect();
    format!("<Tagging><TagSet>{tags}</TagSet></Tagging>")
}

/// The tags that a bucket has.
fn tags_of(world: &World, name: &str) -> Result<Vec<(String, String)>, Failure> {
    let objects = world.objects_of("s3:bucket")?;
    let bucket = objects.iter().find(|object| object["id"] == name).unwrap();
    Ok(bucket["tags"].as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect())
}

#[test]
fn every_drift_of_a_bucket_is_found_named_and_repaired_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let name = made(&stage)?;
    let tags = tags_of(&stage.world, &name)?;
    let with = |change: &dyn Fn(&mut Tags<'_>)| {
        let mut tags: Tags<'_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        change(&mut tags);
        tagging(&tags)
    };
    let open = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
        <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let ownership = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>";
    let aes = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
        </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    let rules = "<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>\
        <NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>";
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{name}/*"), "Condition": { "Bool": { "aws:SecureTransport": "false" } } }] });
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    let put = |setting: &str, body: &str| vec![Call::S3("PUT", format!("/{name}?{setting}"), body.to_owned())];
    let delete = |setting: &str| vec![Call::S3("DELETE", format!("/{name}?{setting}"), String::new())];
    let of = |setting: &str| json!({ "bucket": [setting] });
    let drift = |what, by_hand, attributes, drift, repair| Drift { what, by_hand, attributes, drift, repair };
    let cases = [
        drift("opened", put("publicAccessBlock", open), &[], of("public_access_block"), &["s3:PutPublicAccessBlock"]),
        drift("block removed", delete("publicAccessBlock"), &[], of("public_access_block"), &["s3:PutPublicAccessBlock"]),
        drift("ownership", put("ownershipControls", ownership), &[], of("object_ownership"), &["s3:PutBucketOwnershipControls"]),
        drift("versioning", put("versioning", suspended), &["versioning"], json!({}), &["s3:PutBucketVersioning"]),
        drift("encryption", put("encryption", aes), &[], of("encryption"), &["s3:PutBucketEncryption"]),
        drift("policy", put("policy", &policy.to_string()), &["policy"], of("policy"), &["s3:PutBucketPolicy"]),
        drift("policy removed", delete("policy"), &["policy"], of("policy"), &["s3:PutBucketPolicy"]),
        drift(
            "lifecycle",
            put("lifecycle", rules),
            &["abort_incomplete_multipart_upload_days", "noncurrent_version_expiration_days"],
            json!({}),
            &["s3:PutBucketLifecycleConfiguration"],
        ),
        drift(
            "lifecycle removed",
            delete("lifecycle"),
            &["abort_incomplete_multipart_upload_days", "noncurrent_version_expiration_days"],
            json!({}),
            &["s3:PutBucketLifecycleConfiguration"],
        ),
        drift(
            "logging",
            put("logging", "<BucketLoggingStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></BucketLoggingStatus>"),
            &["access_logging"],
            json!({}),
            &["s3:PutBucketLogging"],
        ),
        drift(
            "tag changed",
            put("tagging", &with(&|tags| tags.iter_mut().filter(|tag| tag.0 == "team").for_each(|tag| tag.1 = "theirs"))),
            &["tags_all"],
            json!({}),
            &["s3:PutBucketTagging"],
        ),
        drift(
            "tag added",
            put("tagging", &with(&|tags| tags.push(("cost", "theirs")))),
            &["tags_all"],
            json!({}),
            &["s3:PutBucketTagging"],
        ),
        drift(
            "tag removed",
            put("tagging", &with(&|tags| tags.retain(|tag| tag.0 != "team"))),
            &["tags_all"],
            json!({}),
            &["s3:PutBucketTagging"],
        ),
        drift(
            "owner tag removed",
            put("tagging", &with(&|tags| tags.retain(|tag| tag.0 != "deeploy:owner"))),
            &[],
            of("tags:owner"),
            &["s3:PutBucketTagging"],
        ),
        drift(
            "log bucket's policy",
            vec![Call::S3("DELETE", format!("/{name}-logs?policy"), String::new())],
            &[],
            json!({ "log_bucket": ["policy"] }),
            &["s3:PutBucketPolicy"],
        ),
        drift(
            "log bucket's versioning",
            vec![Call::S3("PUT", format!("/{name}-logs?versioning"), suspended.to_owned())],
            &[],
            json!({ "log_bucket": ["versioning"] }),
            &["s3:PutBucketVersioning"],
        ),
    ];
    each_is_repaired(&stage, BUCKET, &cases)
}
