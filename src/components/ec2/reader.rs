//! Reading EC2's objects, many in a call: by filters, so that what is gone is simply absent.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Tag};

use super::tags::own_tags;
use crate::{
    aws::{Aws, batch::Batch},
    graph::{COMPONENT, Failure, OWNER, Query},
};

/// One kind of object that a Describe call tells with its tags.
#[async_trait]
pub(super) trait Kind: Send + Sync + 'static {
    /// As the SDK gives it.
    type Object: Clone + Send + Sync;
    /// The filter that takes ids.
    const ID: &'static str;

    /// All that fit.
    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Self::Object>, Failure>;

    fn id(object: &Self::Object) -> &str;

    fn tags(object: &Self::Object) -> &[Tag];

    /// Whether it is there: what is deleted stays describable for an hour or so.
    fn exists(_object: &Self::Object) -> bool {
        true
    }

    /// Whether it is on its way out or never came to be: it is still told by its id, but another one is to be made.
    fn is_leaving(_object: &Self::Object) -> bool {
        false
    }
}

/// A filter of one name.
pub(super) fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Reads objects of one kind.
pub(super) struct Reader<K: Kind> {
    aws: Arc<Aws>,
    by_id: Batch<String, K::Object>,
    by_owner: Batch<String, Vec<K::Object>>,
}

impl<K: Kind> Reader<K> {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, by_id: Batch::default(), by_owner: Batch::default() }
    }

    /// The object of that id.
    pub(super) async fn get(&self, id: &str) -> Result<Option<K::Object>, Failure> {
        let call = |ids: Vec<String>| async move {
            let found = K::describe(&self.aws, vec![filter(K::ID, ids)]).await?;
            Ok(found.into_iter().filter(K::exists).map(|object| (K::id(&object).to_owned(), object)).collect())
        };
        self.by_id.get(id.to_owned(), call).await
    }

    /// Every object with the tags of the query's component, in the order of their ids, so that two readers agree on the first.
    pub(super) async fn tagged(&self, query: &Query) -> Result<Vec<K::Object>, Failure> {
        if query.owner.is_empty() {
            return Ok(Vec::new());
        }
        let call = |owners: Vec<String>| async move {
            let found = K::describe(&self.aws, vec![filter(&format!("tag:{OWNER}"), owners)]).await?;
            let mut by_owner: BTreeMap<String, Vec<K::Object>> = BTreeMap::new();
            for object in found.into_iter().filter(K::exists) {
                if let Some(owner) = own_tags(K::tags(&object)).remove(OWNER) {
                    by_owner.entry(owner).or_default().push(object);
                }
            }
            Ok(by_owner.into_iter().collect())
        };
        let mut found = self.by_owner.get(query.owner.clone(), call).await?.unwrap_or_default();
        found.retain(|object| {
            K::tags(object).iter().any(|tag| tag.key() == Some(COMPONENT) && tag.value() == Some(query.component.as_str()))
        });
        found.sort_by(|one, other| K::id(one).cmp(K::id(other)));
        Ok(found)
    }

    /// By the id in state, then by the tags.
    pub(super) async fn find(&self, query: &Query) -> Result<Option<K::Object>, Failure> {
        if let Some(id) = &query.id
            && let Some(object) = self.get(id).await?
        {
            return Ok(Some(object));
        }
        Ok(self.tagged(query).await?.into_iter().find(|object| !K::is_leaving(object)))
    }
}

/// Every item of a paginated Describe.
macro_rules! every {
    ($call:expr, $action:expr) => {{
        let items: Result<Vec<_>, _> = $call.into_paginator().items().send().collect().await;
        items.map_err(|error| crate::aws::failure($action, error))
    }};
}
pub(super) use every;
