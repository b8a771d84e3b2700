//! What a bucket holds, and deleting all of it.

use std::fmt::Write;

use aws_sdk_s3::{
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{Delete, Error as KeyError, MultipartUpload, ObjectIdentifier},
};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{Bucket, unbuilt};
use crate::{
    aws::{self, Absent},
    components::settings,
    graph::{Class, Failure},
};

/// Unfinished uploads that are given up at once: far below S3's 3,500 writes a second.
const ABORTS_AT_ONCE: usize = 16;
/// Keys that a failure names.
const KEYS_TOLD_MAX: usize = 5;

const LIST: &str = "s3:ListObjectVersions";
const DELETE: &str = "s3:DeleteObjects";
const UPLOADS: &str = "s3:ListMultipartUploads";

impl Bucket<'_> {
    /// What it holds, for people; `None`: nothing, or it is gone. Counts the first page, a thousand of each.
    pub(super) async fn contents(self) -> Result<Option<String>, Failure> {
        let (versions, uploads) = tokio::try_join!(self.versions(), self.uploads())?;
        let (Some(versions), Some((uploads, more_uploads))) = (versions, uploads) else { return Ok(None) };
        let current = versions.versions().iter().filter(|version| version.is_latest() != Some(false)).count();
        let counts = [
            (current, "object"),
            (versions.versions().len() - current, "older version"),
            (versions.delete_markers().len(), "delete marker"),
            (uploads.len(), "unfinished upload"),
        ];
        let parts: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        let more = versions.is_truncated().unwrap_or_default() || more_uploads;
        Ok((!parts.is_empty()).then(|| format!("{}{}", if more { "at least " } else { "" }, parts.join(", "))))
    }

    /// Deletes every version, delete marker and unfinished upload; `false`: the bucket is gone. What it got done before `deadline`, or
    /// before a failure that passes, is progress: it then fails as [`Class::Unfinished`].
    pub(super) async fn empty(self, deadline: Instant) -> Result<bool, Failure> {
        let mut deleted = 0;
        let result = self.delete_all(deadline, &mut deleted).await;
        result.map_err(|failure| match deleted > 0 && failure.class.is_retryable() {
            true => Failure { class: Class::Unfinished, ..failure },
            false => failure,
        })
    }

    /// `deleted` counts what is gone for good.
    async fn delete_all(self, deadline: Instant, deleted: &mut usize) -> Result<bool, Failure> {
        let mut last = Vec::new();
        while Instant::now() < deadline {
            let Some(page) = self.versions().await? else { return Ok(false) };
            let page = identifiers(&page)?;
            if page.is_empty() {
                return self.abort_uploads(deadline, deleted).await;
            }
            if page == last {
                // No progress, whatever S3 said.
                *deleted = 0;
                return Err(settings::failure(Class::Transient, DELETE, format!("the bucket {} still lists what was deleted", self.name)));
            }
            self.delete_page(page.clone()).await?;
            *deleted += page.len();
            last = page;
        }
        Err(self.unfinished(DELETE, *deleted))
    }

    fn unfinished(self, operation: &str, deleted: usize) -> Failure {
        let message =
            format!("the bucket {} is being emptied: {deleted} versions and uploads deleted by this call, and more are left", self.name);
        settings::failure(Class::Busy, operation, message)
    }

    async fn versions(self) -> Result<Option<ListObjectVersionsOutput>, Failure> {
        let call = self.aws.s3.list_object_versions().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        call.send().await.absent(LIST)
    }

    async fn delete_page(self, page: Vec<ObjectIdentifier>) -> Result<(), Failure> {
        let delete = Delete::builder().set_objects(Some(page)).quiet(true).build().map_err(|error| unbuilt(DELETE, &error))?;
        let call = self.aws.s3.delete_objects().bucket(self.name).expected_bucket_owner(&self.aws.account_id).delete(delete);
        let reply = call.send().await.map_err(|error| aws::failure(DELETE, error))?;
        reply.errors().first().map_or(Ok(()), |first| Err(undeleted(first, reply.errors())))
    }

    /// The first page of unfinished uploads, and whether there are more.
    async fn uploads(self) -> Result<Option<(Vec<MultipartUpload>, bool)>, Failure> {
        let call = self.aws.s3.list_multipart_uploads().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        let page = call.send().await.absent(UPLOADS)?;
        Ok(page.map(|page| (page.uploads.unwrap_or_default(), page.is_truncated.unwrap_or_default())))
    }

    async fn abort_uploads(self, deadline: Instant, deleted: &mut usize) -> Result<bool, Failure> {
        while Instant::now() < deadline {
            let Some((uploads, more)) = self.uploads().await? else { return Ok(false) };
            let aborted = stream::iter(uploads).map(|upload| self.abort(upload)).buffer_unordered(ABORTS_AT_ONCE);
            for result in aborted.collect::<Vec<_>>().await {
                result?;
                *deleted += 1;
            }
            if !more {
                return Ok(true);
            }
        }
        Err(self.unfinished(UPLOADS, *deleted))
    }

    async fn abort(self, upload: MultipartUpload) -> Result<(), Failure> {
        let call = self.aws.s3.abort_multipart_upload().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        let call = call.set_key(upload.key).set_upload_id(upload.upload_id);
        call.send().await.absent("s3:AbortMultipartUpload").map(drop)
    }
}

/// Every version and delete marker of a page: at most a thousand, what `DeleteObjects` takes.
fn identifiers(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, Failure> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    versions
        .chain(markers)
        .map(|(key, version)| {
            let identifier = ObjectIdentifier::builder().set_key(key.map(str::to_owned)).set_version_id(version.map(str::to_owned));
            identifier.build().map_err(|error| unbuilt(LIST, &error))
        })
        .collect()
}

/// What S3 didn't delete, by the first reason.
fn undeleted(first: &KeyError, errors: &[KeyError]) -> Failure {
    let mut failure = aws::error::partial(DELETE, first.code(), first.message().unwrap_or_default());
    let keys: Vec<_> = errors.iter().take(KEYS_TOLD_MAX).filter_map(KeyError::key).collect();
    // Writing to a text can't fail.
    let _ = write!(failure.message, " ({} of a page not deleted: {}", errors.len(), keys.join(", "));
    failure.message.push_str(if errors.len() > keys.len() { " …)" } else { ")" });
    failure
}
