//! What a key still encrypts and a destroy leaves behind: snapshots and retained backups of databases, volumes and their snapshots, secrets
//! and buckets of others.

use aws_sdk_ec2::types::{Filter, Volume};
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;

use crate::{
    aws::{self, Absent, Aws},
    graph::{Class, Failure, OWNER},
};

/// How many are named in a message.
const NAMED_MAX: usize = 10;
/// The state of automated backups whose database is gone.
const RETAINED: &str = "retained";
/// The type of snapshots that go with their database.
const AUTOMATED: &str = "automated";

/// A key, by everything that it is known by.
pub(super) struct Key<'a> {
    pub(super) id: &'a str,
    /// `alias/NAME`.
    pub(super) alias: Option<&'a str>,
    /// The value of `deeploy:owner`: what else has it goes with the key.
    pub(super) owner: Option<&'a str>,
}

impl Key<'_> {
    /// Services name a key by its ARN, its id or one of its aliases.
    fn is(&self, named: Option<&str>) -> bool {
        named.is_some_and(|named| named == self.id || named.ends_with(&format!(":key/{}", self.id)) || Some(named) == self.alias)
    }
}

/// Who uses a key, among those that stay when everything of its owner goes: a text for each.
pub(super) async fn users(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let mut users = snapshots(aws, key).await?;
    users.extend(backups(aws, key).await?);
    users.extend(volumes(aws, key).await?);
    users.extend(volume_snapshots(aws, key).await?);
    users.extend(secrets(aws, key).await?);
    users.extend(buckets(aws, key).await?);
    let more = users.len().saturating_sub(NAMED_MAX);
    users.truncate(NAMED_MAX);
    if more > 0 {
        users.push(format!("{more} more"));
    }
    Ok(users)
}

async fn snapshots(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let all: Result<Vec<_>, _> = aws.rds.describe_db_snapshots().into_paginator().items().send().collect().await;
    let all = all.map_err(|error| aws::failure("rds:DescribeDBSnapshots", error))?;
    let stays = all.iter().filter(|each| key.is(each.kms_key_id()) && each.snapshot_type() != Some(AUTOMATED));
    Ok(stays.filter_map(|each| each.db_snapshot_identifier()).map(|name| format!("the database snapshot {name}")).collect())
}

async fn backups(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let all: Result<Vec<_>, _> = aws.rds.describe_db_instance_automated_backups().into_paginator().items().send().collect().await;
    let all = all.map_err(|error| aws::failure("rds:DescribeDBInstanceAutomatedBackups", error))?;
    let stays = all.iter().filter(|each| key.is(each.kms_key_id()) && each.status() == Some(RETAINED));
    Ok(stays.filter_map(|each| each.db_instance_identifier()).map(|name| format!("the retained backups of the database {name}")).collect())
}

/// Volumes that outlive the instance that they are attached to: Kubernetes' persistent ones, which a destroy leaves.
async fn volumes(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let all: Result<Vec<_>, _> = aws.ec2.describe_volumes().filters(encrypted()).into_paginator().items().send().collect().await;
    let all = all.map_err(|error| aws::failure("ec2:DescribeVolumes", error))?;
    let goes = |volume: &Volume| volume.attachments().iter().any(|attachment| attachment.delete_on_termination() == Some(true));
    let stays = all.iter().filter(|each| key.is(each.kms_key_id()) && !goes(each));
    Ok(stays.filter_map(|each| each.volume_id()).map(|id| format!("the volume {id}")).collect())
}

async fn volume_snapshots(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let call = aws.ec2.describe_snapshots().owner_ids("self").filters(encrypted());
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| aws::failure("ec2:DescribeSnapshots", error))?;
    let stays = all.iter().filter(|each| key.is(each.kms_key_id()));
    Ok(stays.filter_map(|each| each.snapshot_id()).map(|id| format!("the volume snapshot {id}")).collect())
}

fn encrypted() -> Filter {
    Filter::builder().name("encrypted").values("true").build()
}

/// Secrets that services own (a database's master password) go with what they belong to.
async fn secrets(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let call = aws.secrets.list_secrets().include_planned_deletion(true);
    let pages: Result<Vec<_>, _> = call.into_paginator().send().collect().await;
    let pages = pages.map_err(|error| aws::failure("secretsmanager:ListSecrets", error))?;
    let stays = pages.iter().flat_map(ListSecretsOutput::secret_list).filter(|each| {
        let ours = each.tags().iter().any(|tag| tag.key() == Some(OWNER) && tag.value() == key.owner);
        key.is(each.kms_key_id()) && each.owning_service().is_none() && !ours
    });
    Ok(stays.filter_map(|each| each.name()).map(|name| format!("the secret {name}")).collect())
}

/// Buckets of this region, which alone can use the key. Those that the caller may not look into aren't the environment's.
async fn buckets(aws: &Aws, key: &Key<'_>) -> Result<Vec<String>, Failure> {
    let all: Result<Vec<_>, _> = aws.s3.list_buckets().bucket_region(&aws.region).into_paginator().items().send().collect().await;
    let all = all.map_err(|error| aws::failure("s3:ListBuckets", error))?;
    let mut users = Vec::new();
    for name in all.iter().filter_map(|bucket| bucket.name()) {
        let encrypted = encrypts(aws, key, name).await;
        match encrypted {
            Ok(true) if !ours(aws, key, name).await? => users.push(format!("the bucket {name}")),
            Ok(_) => {}
            Err(failure) if matches!(failure.class, Class::Denied | Class::Invalid | Class::NotFound) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(users)
}

async fn encrypts(aws: &Aws, key: &Key<'_>, bucket: &str) -> Result<bool, Failure> {
    let call = aws.s3.get_bucket_encryption().bucket(bucket).expected_bucket_owner(&aws.account_id);
    let reply = call.send().await.absent("s3:GetBucketEncryption")?;
    let rules = reply.and_then(|reply| reply.server_side_encryption_configuration).map(|all| all.rules).unwrap_or_default();
    let named = |rule: &aws_sdk_s3::types::ServerSideEncryptionRule| {
        rule.apply_server_side_encryption_by_default().and_then(|default| default.kms_master_key_id()).map(str::to_owned)
    };
    Ok(rules.iter().any(|rule| key.is(named(rule).as_deref())))
}

async fn ours(aws: &Aws, key: &Key<'_>, bucket: &str) -> Result<bool, Failure> {
    let call = aws.s3.get_bucket_tagging().bucket(bucket).expected_bucket_owner(&aws.account_id);
    let tags = call.send().await.absent("s3:GetBucketTagging")?.map(|reply| reply.tag_set).unwrap_or_default();
    Ok(tags.iter().any(|tag| tag.key() == OWNER && Some(tag.value()) == key.owner))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{
        components::{
            iam::replies,
            kms_key::KmsKey,
            replay::Script,
            settings::{Settings, map},
        },
        graph::{Component, Found, Wanted},
    };

    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/k";

    fn key() -> Found {
        let tags = BTreeMap::from([(OWNER.to_owned(), "deeploy_environment/prod".to_owned())]);
        Found { id: "k".to_owned(), tags, ..Found::default() }
    }

    fn wanted(settings: Settings) -> Wanted {
        Wanted { component: "data_key".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    fn rds(snapshots: &str, backups: &str) -> Script {
        let snapshots = replies::reply("DescribeDBSnapshots", &format!("<DBSnapshots>{snapshots}</DBSnapshots>"));
        let backups = replies::reply(
            "DescribeDBInstanceAutomatedBackups",
            &format!("<DBInstanceAutomatedBackups>{backups}</DBInstanceAutomatedBackups>"),
        );
        Script::new().on("DescribeDBSnapshots", 200, &snapshots).on("DescribeDBInstanceAutomatedBackups", 200, &backups)
    }

    /// The volumes and snapshots that encrypt, or are said to.
    fn ec2(script: Script, volumes: &str, snapshots: &str) -> Script {
        let reply = |name: &str, set: &str, items: &str| format!("<{name}Response><{set}>{items}</{set}></{name}Response>");
        script.on("DescribeVolumes", 200, &reply("DescribeVolumes", "volumeSet", volumes)).on(
            "DescribeSnapshots",
            200,
            &reply("DescribeSnapshots", "snapshotSet", snapshots),
        )
    }

    fn listed(names: &[&str]) -> String {
        let all: String = names.iter().map(|name| format!("<Bucket><Name>{name}</Name></Bucket>")).collect();
        format!("<ListAllMyBucketsResult><Buckets>{all}</Buckets></ListAllMyBucketsResult>")
    }

    fn encryption(key: &str) -> String {
        format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>{key}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
        )
    }

    #[tokio::test]
    async fn what_stays_holds_the_key_and_what_goes_with_its_owner_does_not() {
        let snapshot = |name: &str, kind: &str, key: &str| {
            format!(
                "<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier><SnapshotType>{kind}</SnapshotType><KmsKeyId>{key}</KmsKeyId></DBSnapshot>"
            )
        };
        let backup = |name: &str, status: &str| {
            format!(
                "<DBInstanceAutomatedBackup><DBInstanceIdentifier>{name}</DBInstanceIdentifier><Status>{status}</Status><KmsKeyId>{KEY}</KmsKeyId>\
                 </DBInstanceAutomatedBackup>"
            )
        };
        let snapshots =
            [snapshot("final", "manual", KEY), snapshot("rds:daily", "automated", KEY), snapshot("other", "manual", "arn:x:key/z")];
        let secret = |name: &str, owner: &str| json!({ "Name": name, "KmsKeyId": KEY, "Tags": [{ "Key": OWNER, "Value": owner }] });
        let mut masters = secret("rds!db-1", "x");
        masters["OwningService"] = json!("rds");
        let secrets = json!({ "SecretList": [secret("ours", "deeploy_environment/prod"), secret("theirs", "x"), masters] });
        let tags = "<Tagging><TagSet><Tag><Key>deeploy:owner</Key><Value>deeploy_environment/prod</Value></Tag></TagSet></Tagging>";
        let volume = |id: &str, key: &str, goes: &str| {
            let attached = format!("<attachmentSet><item><deleteOnTermination>{goes}</deleteOnTermination></item></attachmentSet>");
            format!("<item><volumeId>{id}</volumeId><kmsKeyId>{key}</kmsKeyId>{attached}</item>")
        };
        let volumes = [volume("vol-data", KEY, "false"), volume("vol-node", KEY, "true"), volume("vol-other", "arn:x:key/z", "false")];
        let copy = |id: &str, key: &str| format!("<item><snapshotId>{id}</snapshotId><kmsKeyId>{key}</kmsKeyId></item>");
        let copies = [copy("snap-data", KEY), copy("snap-other", "arn:x:key/z")];
        let script = rds(&snapshots.concat(), &[backup("gone", "retained"), backup("alive", "active")].concat());
        let script = ec2(script, &volumes.concat(), &copies.concat())
            .on("ListSecrets", 200, &secrets.to_string())
            .on("GET /?x-id=ListBuckets&bucket-region=eu-west-1", 200, &listed(&["ours", "theirs", "closed"]))
            .on("GET /?encryption", 200, &encryption(KEY))
            .on("GET /?tagging", 200, tags)
            .on("GET /?encryption", 200, &encryption("k"))
            .on("GET /?tagging", 404, "<Error><Code>NoSuchTagSet</Code></Error>")
            .on("GET /?encryption", 403, "<Error><Code>AccessDenied</Code></Error>");
        let guards = KmsKey::new(script.aws("eu-west-1")).guards(&key(), &wanted(map([("guard_usage", true.into())]))).await.unwrap();
        script.finish();
        let [guard] = guards.as_slice() else { panic!("{guards:?}") };
        assert_eq!(guard.attribute, "encryption.on_destroy");
        let users = "the database snapshot final, the retained backups of the database gone, the volume vol-data, \
             the volume snapshot snap-data, the secret theirs, the bucket theirs";
        assert!(guard.reason.contains(users), "{}", guard.reason);
    }

    #[tokio::test]
    async fn nobody_is_asked_unless_the_setting_asks_and_nobody_is_no_guard() {
        let script = Script::new();
        let component = KmsKey::new(script.aws("eu-west-1"));
        for settings in [map([]), map([("guard_usage", false.into())])] {
            assert_eq!(component.guards(&key(), &wanted(settings)).await.unwrap(), []);
        }
        let script =
            ec2(rds("", ""), "", "").on("ListSecrets", 200, r#"{"SecretList":[]}"#).on("GET /?x-id=ListBuckets", 200, &listed(&[]));
        let component = KmsKey::new(script.aws("eu-west-1"));
        assert_eq!(component.guards(&key(), &wanted(map([("guard_usage", true.into())]))).await.unwrap(), []);
        script.finish();
    }

    #[test]
    fn a_key_goes_by_three_names() {
        let key = Key { id: "k", alias: Some("alias/a"), owner: None };
        let named = [Some("k"), Some(KEY), Some("alias/a"), Some("alias/b"), Some("arn:aws:kms:eu-west-1:123456789012:key/kk"), None];
        assert_eq!(named.map(|name| key.is(name)), [true, true, true, false, false, false]);
    }
}
