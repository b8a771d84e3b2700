//! What this process has begun with objects of EKS. Only words and patience depend on it: a process that knows nothing reads the same objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_sdk_eks::types::{ErrorCode, Update, UpdateStatus};
use serde_json::{Value as Json, json};

use super::issue;
use crate::{
    aws::{Absent, Aws},
    graph::{Failure, Readiness},
};

/// By the id of the object.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Updates that EKS carries out in the background: a failed one shows nowhere else, the object just stays as it was.
    updates: Mutex<BTreeMap<String, String>>,
    /// Made or changed: their health is waited for, while that of others is a difference that an update may repair.
    touched: Mutex<BTreeSet<String>>,
}

/// What an update changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject<'a> {
    pub cluster: &'a str,
    pub nodegroup: Option<&'a str>,
    pub addon: Option<&'a str>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Begun {
    /// Made or changed just now.
    pub(super) fn touch(&self, id: &str) {
        locked(&self.touched).insert(id.to_owned());
    }

    /// Whether this process made or changed it.
    pub(super) fn touched(&self, id: &str) -> bool {
        locked(&self.touched).contains(id)
    }

    /// Begins to watch an update.
    pub(super) fn watch(&self, id: &str, update: Option<&Update>) {
        self.touch(id);
        if let Some(update) = update.and_then(Update::id) {
            locked(&self.updates).insert(id.to_owned(), update.to_owned());
        }
    }

    /// How the update of that object fares; `None`: none is under way.
    pub(super) async fn update(&self, aws: &Aws, id: &str, subject: Subject<'_>) -> Result<Option<Readiness>, Failure> {
        let Some(update) = locked(&self.updates).get(id).cloned() else { return Ok(None) };
        let call = aws.eks.describe_update().name(subject.cluster).update_id(&update);
        let call = call.set_nodegroup_name(subject.nodegroup.map(str::to_owned)).set_addon_name(subject.addon.map(str::to_owned));
        let reply = call.send().await.absent("eks:DescribeUpdate")?;
        let Some(now) = reply.as_ref().and_then(|reply| reply.update()) else {
            // Not visible yet, or its object is gone: what the object itself tells decides.
            return Ok(None);
        };
        let what = now.r#type().map_or("update", |kind| kind.as_str());
        if now.status() == Some(&UpdateStatus::InProgress) {
            return Ok(Some(Readiness::Pending(format!("{what} is in progress"))));
        }
        locked(&self.updates).remove(id);
        if !matches!(now.status(), Some(UpdateStatus::Failed | UpdateStatus::Cancelled)) {
            return Ok(None);
        }
        let told =
            now.errors().iter().map(|error| issue(error.error_code().map(ErrorCode::as_str), error.error_message(), error.resource_ids()));
        let words: Vec<String> = told.collect();
        let words = if words.is_empty() { "AWS gives no reason".to_owned() } else { words.join("; ") };
        let state = now.status().map_or("failed", |status| if *status == UpdateStatus::Cancelled { "was cancelled" } else { "failed" });
        Ok(Some(Readiness::Broken(format!("{what} {state}: {words}"))))
    }

    /// What issues of an object that is there mean: readiness, and the setting `health`. Of one that this process has not touched they are
    /// a difference, so that they show and an update may repair them; of one that it has, they are waited for, or final.
    pub(super) fn health(&self, id: &str, issues: &[(bool, String)]) -> (Readiness, Json) {
        if issues.is_empty() {
            return (Readiness::Ready, json!([]));
        }
        let words: Vec<&str> = issues.iter().map(|(_, words)| words.as_str()).collect();
        let readiness = match self.touched(id) {
            false => Readiness::Ready,
            true if issues.iter().any(|(permanent, _)| *permanent) => Readiness::Broken(words.join("; ")),
            true => Readiness::Pending(words.join("; ")),
        };
        (readiness, json!(words))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::components::replay::Script;

    const SUBJECT: Subject<'static> = Subject { cluster: "prod", nodegroup: Some("default"), addon: None };

    fn update(status: &str, errors: &str) -> String {
        format!(r#"{{"update":{{"id":"u-1","status":"{status}","type":"VersionUpdate","errors":[{errors}]}}}}"#)
    }

    #[tokio::test]
    async fn an_update_is_watched_until_it_ends_and_its_errors_are_told() {
        let failed = r#"{"errorCode":"PodEvictionFailure","errorMessage":"Reached max retries while trying to evict pods from nodes in node group default","resourceIds":["ip-10-0-1-2"]}"#;
        let path = "GET /clusters/prod/updates/u-1?nodegroupName=default";
        let script = Script::new().on(path, 200, &update("InProgress", "")).on(path, 200, &update("Failed", failed));
        let (aws, begun) = (script.aws("eu-central-1"), Begun::default());
        assert_eq!(begun.update(&aws, "prod:default", SUBJECT).await.unwrap(), None, "nothing begun, nothing asked");
        begun.watch("prod:default", Some(&Update::builder().id("u-1").build()));
        let pending = Readiness::Pending("VersionUpdate is in progress".into());
        assert_eq!(begun.update(&aws, "prod:default", SUBJECT).await.unwrap(), Some(pending));
        let Some(Readiness::Broken(why)) = begun.update(&aws, "prod:default", SUBJECT).await.unwrap() else { panic!("not broken") };
        assert!(why.contains("PodEvictionFailure") && why.contains("ip-10-0-1-2"), "{why}");
        assert_eq!(begun.update(&aws, "prod:default", SUBJECT).await.unwrap(), None, "told once");
        script.finish();
    }

    #[test]
    fn issues_are_a_difference_until_somebody_acts() {
        let begun = Begun::default();
        let passing = [(false, "InsufficientNumberOfReplicas: 0 of 2".to_owned())];
        assert_eq!(begun.health("a", &passing).0, Readiness::Ready);
        begun.touch("a");
        assert!(matches!(begun.health("a", &passing).0, Readiness::Pending(_)));
        assert!(matches!(begun.health("a", &[(true, "AccessDenied: no".to_owned())]).0, Readiness::Broken(_)));
        assert_eq!(begun.health("a", &[]), (Readiness::Ready, json!([])));
    }
}
