//! `iam_role_policy` and `iam_group_policy`: a policy inside a role or a group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    iam::{document, parts, text_of},
    settings::{Settings, map, required, text, value},
};
use crate::{
    aws::{Absent, Aws, failure},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An inline policy; it belongs to what holds it.
///
/// Settings: `role` or `group` (the holder's name; live, since the policy follows a renamed group), `name` (fixed), `policy` (document, live).
/// No outputs. Id: `HOLDER:NAME`; neither part can hold a colon.
pub(super) struct IamInlinePolicy {
    aws: Arc<Aws>,
    holder: Holder,
}

/// What holds the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Role,
    Group,
}

impl Holder {
    /// The setting that names it.
    const fn setting(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Group => "group",
        }
    }
}

impl IamInlinePolicy {
    /// Those of roles.
    pub(super) const fn of_role(aws: Arc<Aws>) -> Self {
        Self { aws, holder: Holder::Role }
    }

    /// Those of groups.
    pub(super) const fn of_group(aws: Arc<Aws>) -> Self {
        Self { aws, holder: Holder::Group }
    }

    /// The document as the API gives it.
    async fn get(&self, holder: &str, name: &str) -> Result<Option<String>, Failure> {
        let iam = &self.aws.iam;
        match self.holder {
            Holder::Role => {
                let reply = iam.get_role_policy().role_name(holder).policy_name(name).send().await;
                Ok(reply.absent("iam:GetRolePolicy")?.map(|reply| reply.policy_document))
            }
            Holder::Group => {
                let reply = iam.get_group_policy().group_name(holder).policy_name(name).send().await;
                Ok(reply.absent("iam:GetGroupPolicy")?.map(|reply| reply.policy_document))
            }
        }
    }

    /// Makes and changes, and may be repeated.
    async fn put(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let (holder, name) = self.place(&wanted.settings, "iam:PutPolicy")?;
        let policy = value(&wanted.settings, "policy", "iam:PutPolicy")?;
        let (iam, text) = (&self.aws.iam, text_of(policy));
        match self.holder {
            Holder::Role => {
                let call = iam.put_role_policy().role_name(holder).policy_name(name).policy_document(text);
                call.send().await.map(drop).map_err(|error| failure("iam:PutRolePolicy", error))
            }
            Holder::Group => {
                let call = iam.put_group_policy().group_name(holder).policy_name(name).policy_document(text);
                call.send().await.map(drop).map_err(|error| failure("iam:PutGroupPolicy", error))
            }
        }?;
        Ok(self.found(holder, name, policy.clone()))
    }

    async fn remove(&self, holder: &str, name: &str) -> Result<(), Failure> {
        let iam = &self.aws.iam;
        match self.holder {
            Holder::Role => {
                let reply = iam.delete_role_policy().role_name(holder).policy_name(name).send().await;
                reply.absent("iam:DeleteRolePolicy").map(drop)
            }
            Holder::Group => {
                let reply = iam.delete_group_policy().group_name(holder).policy_name(name).send().await;
                reply.absent("iam:DeleteGroupPolicy").map(drop)
            }
        }
    }

    /// The holder's name and the policy's.
    fn place<'a>(&self, settings: &'a Settings, operation: &str) -> Result<(&'a str, &'a str), Failure> {
        Ok((required(settings, self.holder.setting(), operation)?, required(settings, "name", operation)?))
    }

    fn found(&self, holder: &str, name: &str, policy: serde_json::Value) -> Found {
        Found {
            id: format!("{holder}:{name}"),
            settings: map([(self.holder.setting(), holder.into()), ("name", name.into()), ("policy", policy)]),
            outputs: BTreeMap::new(),
            tags: BTreeMap::new(),
            readiness: Readiness::Ready,
        }
    }
}

#[async_trait]
impl Component for IamInlinePolicy {
    fn kind(&self) -> &'static str {
        match self.holder {
            Holder::Role => "iam_role_policy",
            Holder::Group => "iam_group_policy",
        }
    }

    fn actions(&self) -> &'static [&'static str] {
        match self.holder {
            Holder::Role => &["iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"],
            Holder::Group => &["iam:DeleteGroupPolicy", "iam:GetGroupPolicy", "iam:PutGroupPolicy"],
        }
    }

    fn taggable(&self) -> bool {
        false
    }

    /// A renamed group keeps its policies; a role is never renamed.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.settings.get("name") == now.settings.get("name")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let id = parts(query.id.as_deref(), ':');
        let holder = text(&query.settings, self.holder.setting()).or(id.map(|(holder, _)| holder));
        let name = text(&query.settings, "name").or(id.map(|(_, name)| name));
        let (Some(holder), Some(name)) = (holder, name) else { return Ok(None) };
        Ok(self.get(holder, name).await?.map(|policy| self.found(holder, name, document(&policy))))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.put(wanted).await
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        self.put(wanted).await.map(drop)
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let (holder, name) = self.place(&found.settings, "iam:DeletePolicy")?;
        self.remove(holder, name).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::{iam::replies, replay::Script},
        *,
    };
    use crate::graph::Class;

    /// Both, as AWS names them.
    const HOLDERS: [(&str, Holder); 2] = [("Role", Holder::Role), ("Group", Holder::Group)];

    fn of(script: &Script, holder: Holder) -> IamInlinePolicy {
        IamInlinePolicy { aws: script.aws("eu-west-1"), holder }
    }

    fn wanted(holder: Holder) -> Wanted {
        let settings = map([(holder.setting(), json!("h")), ("name", json!("p")), ("policy", json!({"Statement": []}))]);
        Wanted { component: "policy".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    #[tokio::test]
    async fn find_goes_by_settings_or_by_id() {
        for (what, holder) in HOLDERS {
            let action = format!("Get{what}Policy");
            let result = format!(
                "<{what}Name>h</{what}Name><PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument>"
            );
            for (id, settings) in [(None, wanted(holder).settings), (Some("h:p".to_owned()), BTreeMap::new())] {
                let script = Script::new().on(&action, 200, &replies::reply(&action, &result));
                let found = of(&script, holder).find(&Query { id, settings, ..Query::default() }).await.unwrap().unwrap();
                assert_eq!((found.id.as_str(), found.settings), ("h:p", wanted(holder).settings));
                assert!(script.finish()[0].1.contains(&format!("{what}Name=h&PolicyName=p")));
            }
            // What shall hold it is yet to be made.
            let script = Script::new();
            let query = Query { settings: map([("name", json!("p"))]), ..Query::default() };
            assert_eq!(of(&script, holder).find(&query).await.unwrap(), None);
            assert!(script.finish().is_empty());
        }
    }

    #[tokio::test]
    async fn create_and_update_put_and_delete_may_be_repeated() {
        for (what, holder) in HOLDERS {
            let put = format!("Put{what}Policy");
            let script = Script::new().on(&put, 200, &replies::reply(&put, "")).on(&put, 200, &replies::reply(&put, "")).on(
                &format!("Delete{what}Policy"),
                404,
                &replies::error("NoSuchEntity", "no"),
            );
            let component = of(&script, holder);
            let made = component.create(&wanted(holder)).await.unwrap();
            assert_eq!(made.settings, wanted(holder).settings);
            component.update(&made, &wanted(holder), &BTreeSet::from(["policy".to_owned()])).await.unwrap();
            component.delete(&made, &wanted(holder)).await.unwrap();
            assert!(script.finish()[1].1.contains("PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D"));
        }
    }

    #[tokio::test]
    async fn a_holder_that_is_not_visible_yet_is_waited_for() {
        for (what, holder) in HOLDERS {
            let message = format!("The {} with name h cannot be found.", holder.setting());
            let script = Script::new().on(&format!("Put{what}Policy"), 404, &replies::error("NoSuchEntity", &message));
            let failure = of(&script, holder).create(&wanted(holder)).await.unwrap_err();
            assert_eq!((failure.class, failure.operation), (Class::NotYetVisible, format!("iam:Put{what}Policy")));
        }
    }

    #[test]
    fn each_asks_for_the_rights_of_its_own_calls() {
        for (what, holder) in HOLDERS {
            let component = of(&Script::new(), holder);
            assert!(component.actions().iter().all(|action| action.ends_with(&format!("{what}Policy"))));
            assert_eq!(component.kind(), format!("iam_{}_policy", holder.setting()));
        }
    }
}
