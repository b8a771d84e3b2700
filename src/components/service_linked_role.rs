//! `service_linked_role`: a role that AWS makes for one of its services, once an account.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_iam::types::Role;

use super::settings::{bug, map, required, text};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A service-linked role, made where the account hasn't got it yet: a new account has none, and a policy that names one is refused.
///
/// Settings: `service_name` (e.g. `autoscaling.amazonaws.com`). Outputs: `arn`, `name`. Id: the role's name.
/// Caveats: it is the whole account's, so that a blueprint keeps it when the resource goes; `delete` does nothing.
pub(super) struct ServiceLinkedRole {
    aws: Arc<Aws>,
}

/// The names that AWS gives them (each service's user guide, "Using service-linked roles").
const NAMES: [(&str, &str); 5] = [
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
    ("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    ("eks-nodegroup.amazonaws.com", "AWSServiceRoleForAmazonEKSNodegroup"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
];

impl ServiceLinkedRole {
    /// In one account.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }
}

fn found(role: &Role) -> Found {
    Found {
        id: role.role_name().to_owned(),
        settings: BTreeMap::new(),
        outputs: map([("arn", role.arn().into()), ("name", role.role_name().into())]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for ServiceLinkedRole {
    fn kind(&self) -> &'static str {
        "service_linked_role"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["iam:CreateServiceLinkedRole", "iam:GetRole"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let service = text(&query.settings, "service_name").unwrap_or_default();
        let named = NAMES.iter().find(|(known, _)| *known == service).map(|(_, name)| *name);
        let Some(name) = query.id.as_deref().or(named) else {
            return Err(bug("iam:GetRole", format!("no service-linked role is known for {service:?}")));
        };
        let reply = self.aws.iam.get_role().role_name(name).send().await.absent("iam:GetRole")?;
        Ok(reply.and_then(|reply| reply.role().map(found)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:CreateServiceLinkedRole";
        let reply = (self.aws.iam.create_service_linked_role())
            .aws_service_name(required(&wanted.settings, "service_name", CALL)?)
            .customize()
            .config_override(once::iam())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        reply.role().map(found).ok_or_else(|| bug(CALL, "the reply holds no role"))
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
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

    const ROLE: &str = "<Role><RoleName>AWSServiceRoleForAutoScaling</RoleName><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling</Arn>\
        <Path>/aws-service-role/autoscaling.amazonaws.com/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>";

    fn query(service: &str) -> Query {
        Query { settings: map([("service_name", json!(service))]), ..Query::default() }
    }

    #[tokio::test]
    async fn it_is_found_by_the_name_that_aws_gives_it() {
        let script = Script::new().on("GetRole", 200, &replies::reply("GetRole", ROLE));
        let role = ServiceLinkedRole::new(script.aws("eu-west-1")).find(&query("autoscaling.amazonaws.com")).await.unwrap().unwrap();
        assert!(role.outputs["arn"].as_str().unwrap().ends_with("/AWSServiceRoleForAutoScaling"));
        assert!(script.finish()[0].1.contains("RoleName=AWSServiceRoleForAutoScaling"));
        let script = Script::new().on("GetRole", 404, &replies::error("NoSuchEntity", "no"));
        assert_eq!(ServiceLinkedRole::new(script.aws("eu-west-1")).find(&query("autoscaling.amazonaws.com")).await.unwrap(), None);
        script.finish();
        let unknown = ServiceLinkedRole::new(Script::new().aws("eu-west-1")).find(&query("x.amazonaws.com")).await;
        assert_eq!(unknown.unwrap_err().class, Class::Bug);
    }

    #[tokio::test]
    async fn it_is_made_in_one_call() {
        let script = Script::new().on("CreateServiceLinkedRole", 200, &replies::reply("CreateServiceLinkedRole", ROLE));
        let wanted = Wanted {
            component: "role".into(),
            settings: map([("service_name", json!("autoscaling.amazonaws.com"))]),
            tags: BTreeMap::new(),
            token: String::new(),
        };
        let made = ServiceLinkedRole::new(script.aws("eu-west-1")).create(&wanted).await.unwrap();
        assert_eq!(made.id, "AWSServiceRoleForAutoScaling");
        assert!(script.finish()[0].1.contains("AWSServiceName=autoscaling.amazonaws.com"));
    }
}
