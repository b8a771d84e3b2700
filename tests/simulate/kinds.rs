//! The kinds of objects that the simulated cloud knows: each with the ways of a real one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terraform_provider_deeploy::graph::{COMPONENT, Class, Component, Failure, Found, Guard, Kept, OWNER, PHASE, Query, Readiness, Wanted};
use tokio::time::Instant;

use crate::world::{GOES_ON, Inner, Object, Version, World, failure};

/// The ways of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    pub kind: &'static str,
    /// The setting that is unique in the cloud, together with `within`.
    pub name: Option<&'static str>,
    /// The setting that holds the parent's id: it must be visible when this is made, and outlive this.
    pub within: Option<&'static str>,
    pub taggable: bool,
    /// Found by what this kind's setting `target` of the same name says, before the tags.
    pub alias: Option<&'static str>,
    pub tokenless: bool,
    pub tokened: bool,
    pub side_by_side: bool,
    /// A delete leaves it findable.
    pub soft: bool,
    /// As a claim it carries a lease.
    pub leased: bool,
}

/// Every kind.
pub const KINDS: [Ways; 8] = [
    // A bucket, a role, a user.
    Ways {
        kind: "thing",
        name: Some("name"),
        taggable: true,
        within: None,
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: false,
        leased: false,
    },
    // A record: the service decides who makes it.
    Ways {
        kind: "record",
        name: Some("name"),
        taggable: true,
        within: None,
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: false,
        leased: true,
    },
    // A group: a name and no tags.
    Ways {
        kind: "group",
        name: Some("name"),
        taggable: false,
        within: None,
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: false,
        leased: false,
    },
    // A key: neither name nor token, and a deletion window.
    Ways {
        kind: "key",
        name: None,
        taggable: true,
        within: None,
        alias: Some("alias"),
        tokenless: true,
        tokened: false,
        side_by_side: true,
        soft: true,
        leased: false,
    },
    Ways {
        kind: "alias",
        name: Some("name"),
        taggable: false,
        within: None,
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: false,
        leased: false,
    },
    // An inline policy, a membership: named within its parent.
    Ways {
        kind: "child",
        name: Some("name"),
        taggable: false,
        within: Some("parent"),
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: false,
        leased: false,
    },
    // A secret: named, with a recovery window.
    Ways {
        kind: "secret",
        name: Some("name"),
        taggable: true,
        within: None,
        alias: None,
        tokenless: false,
        tokened: false,
        side_by_side: false,
        soft: true,
        leased: false,
    },
    // An instance: an idempotency token and tags.
    Ways {
        kind: "instance",
        name: None,
        taggable: true,
        within: None,
        alias: None,
        tokenless: false,
        tokened: true,
        side_by_side: true,
        soft: false,
        leased: false,
    },
];

/// Settings that a create carries; the others need an update.
const CARRIED: [&str; 8] = ["name", "alias", "parent", "target", "fixed", "live", "slot", "list"];

pub struct Kind {
    pub ways: Ways,
    pub world: Arc<World>,
}

impl Kind {
    fn found(object: &Object, version: &Version) -> Found {
        let readiness = if version.deleted {
            Readiness::Deleted
        } else if Instant::now() < object.ready_at {
            Readiness::Pending("coming up".to_owned())
        } else {
            Readiness::Ready
        };
        Found {
            id: object.id.clone(),
            settings: version
                .settings
                .iter()
                .filter(|(name, _)| *name != "window" && *name != "guarded")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            outputs: BTreeMap::from([("id".to_owned(), json!(object.id)), ("arn".to_owned(), json!(format!("arn:{}", object.id)))]),
            tags: version.tags.clone(),
            readiness,
        }
    }

    fn ours(version: &Version, query: &Query) -> bool {
        version.tags.get(OWNER) == Some(&query.owner) && version.tags.get(COMPONENT) == Some(&query.component)
    }

    fn seen<'a>(&self, inner: &'a Inner) -> impl Iterator<Item = (&'a Object, &'a Version)> + use<'a> {
        let kind = self.ways.kind;
        inner.objects.iter().filter(move |object| object.kind == kind).filter_map(|object| object.seen().map(|version| (object, version)))
    }

    fn search(&self, inner: &Inner, query: &Query) -> Option<Found> {
        let shown = |version: &Version, by_id: bool| !version.deleted || by_id || (query.recover && self.recoverable(version, query));
        if let Some(id) = &query.id
            && let Some((object, version)) = self.seen(inner).find(|(object, version)| object.id == *id && shown(version, true))
        {
            return Some(Self::found(object, version));
        }
        if let Some(name) = self.ways.name {
            let parent = self.ways.within;
            let wanted = query.settings.get(name)?;
            if let Some(parent) = parent {
                query.settings.get(parent)?;
            }
            return self
                .seen(inner)
                .find(|(_, version)| {
                    version.settings.get(name) == Some(wanted)
                        && parent.is_none_or(|parent| version.settings.get(parent) == query.settings.get(parent))
                        && shown(version, false)
                })
                .map(|(object, version)| Self::found(object, version));
        }
        if let Some(alias) = self.ways.alias.and_then(|alias| query.settings.get(alias)) {
            let target = inner
                .objects
                .iter()
                .filter(|object| object.kind == "alias")
                .filter_map(Object::seen)
                .find(|version| version.settings.get("name") == Some(alias))
                .and_then(|version| version.settings.get("target"));
            if let Some(target) = target
                && let Some((object, version)) =
                    self.seen(inner).find(|(object, version)| json!(object.id) == *target && shown(version, false))
            {
                return Some(Self::found(object, version));
            }
        }
        let ours = || self.seen(inner).filter(|(_, version)| Self::ours(version, query));
        ours()
            .find(|(_, version)| !version.deleted)
            .or_else(|| ours().filter(|(_, version)| shown(version, false)).last())
            .map(|(object, version)| Self::found(object, version))
    }

    fn recoverable(&self, version: &Version, query: &Query) -> bool {
        let own = Self::ours(version, query);
        if self.ways.tokenless { own && version.tags.get(PHASE).is_some_and(|phase| phase == "deleted") } else { own }
    }

    fn make(&self, inner: &mut Inner, wanted: &Wanted) -> Result<Found, Failure> {
        let operation = format!("create {}", self.ways.kind);
        if self.ways.tokened
            && let Some(object) = inner.objects.iter().find(|object| object.token == wanted.token)
        {
            // The first answer again, even if that object is gone by now.
            let version = object.versions[0].1.clone().unwrap();
            return Ok(Self::found(object, &version));
        }
        if let Some(parent) = self.ways.within.and_then(|parent| wanted.settings.get(parent)) {
            let id = parent.as_str().unwrap_or_default();
            if !inner.lives(id) {
                return Err(failure(Class::NotFound, &operation));
            }
            if inner.objects.iter().filter(|object| object.id == id).all(|object| object.seen().is_none()) {
                return Err(failure(Class::NotYetVisible, &operation));
            }
        }
        let mut id = None;
        if let Some(name) = self.ways.name {
            let taken = inner.objects.iter().any(|object| {
                object.kind == self.ways.kind
                    && object.now().is_some_and(|version| {
                        version.settings.get(name) == wanted.settings.get(name)
                            && self.ways.within.is_none_or(|within| version.settings.get(within) == wanted.settings.get(within))
                    })
            });
            if taken {
                return Err(failure(Class::Conflict, &operation));
            }
            let parent = self.ways.within.and_then(|within| wanted.settings.get(within)).map(ToString::to_string).unwrap_or_default();
            id = Some(format!("{}:{parent}{}", self.ways.kind, wanted.settings[name]));
        }
        let mut settings: BTreeMap<String, Json> = wanted.settings.clone();
        settings.retain(|name, _| CARRIED.contains(&name.as_str()));
        settings.insert("default".to_owned(), json!("the cloud's"));
        let tags = if self.ways.taggable { wanted.tags.clone() } else { BTreeMap::new() };
        let object = inner.add(self.ways.kind, id, &wanted.token, Version { settings, tags, deleted: false }, false);
        Ok(Self::found(&object, object.now().unwrap()))
    }
}

#[async_trait]
impl Component for Kind {
    fn kind(&self) -> &'static str {
        self.ways.kind
    }

    fn actions(&self) -> &'static [&'static str] {
        &[]
    }

    fn taggable(&self) -> bool {
        self.ways.taggable
    }

    fn tokenless(&self) -> bool {
        self.ways.tokenless
    }

    fn side_by_side(&self) -> bool {
        self.ways.side_by_side
    }

    fn leased(&self) -> bool {
        self.ways.leased
    }

    fn outlives_delete(&self) -> bool {
        self.ways.soft
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        self.world.read("strays").await?;
        Ok(self.world.with(|inner| {
            let ours = self.seen(inner).filter(|(_, version)| Self::ours(version, query) && !version.deleted);
            ours.map(|(object, version)| Self::found(object, version)).collect()
        }))
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        self.world.read("find").await?;
        Ok(self.world.with(|inner| self.search(inner, query)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.world.write(&format!("create {} {}", self.ways.kind, wanted.component), |inner| self.make(inner, wanted)).await
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let mut operation = format!("update {} {} {changed:?}", self.ways.kind, found.id);
        if found.readiness == Readiness::Deleted {
            self.world
                .write(&format!("restore {}", found.id), |inner| {
                    inner.change(&found.id, self.ways.kind, |version| {
                        version.deleted = false;
                        true
                    });
                    Ok(())
                })
                .await?;
            operation = format!("{GOES_ON}{operation}");
        }
        for name in changed {
            self.world
                .write(&operation, |inner| {
                    let value = wanted.settings.get(name).cloned().ok_or_else(|| failure(Class::Bug, "no such setting"))?;
                    let there = inner.change(&found.id, self.ways.kind, |version| {
                        version.settings.insert(name.clone(), value);
                        true
                    });
                    if there { Ok(()) } else { Err(failure(Class::NotFound, &operation)) }
                })
                .await?;
            operation = format!("{GOES_ON}{operation}");
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let operation = format!("tag {} {set:?} {remove:?}", found.id);
        self.world
            .write(&operation, |inner| {
                if !inner.lives(&found.id) {
                    return Err(failure(Class::NotFound, &operation));
                }
                inner.change(&found.id, self.ways.kind, |version| {
                    version.tags.extend(set.clone());
                    version.tags.retain(|key, _| !remove.contains(key));
                    true
                });
                Ok(())
            })
            .await
    }

    async fn guards(&self, _found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        self.world.read("guards").await?;
        let guarded = wanted.settings.get("guarded").is_some_and(|value| *value == json!(true));
        let guard = Guard { attribute: "guarded".to_owned(), reason: "it is guarded".to_owned() };
        Ok(guarded.then_some(guard).into_iter().collect())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let operation = format!("delete {}", found.id);
        self.world.with(|inner| inner.deletes += 1);
        self.world
            .write(&operation, |inner| {
                if inner.users(&found.id) > 0 && !self.ways.soft {
                    return Err(failure(Class::Conflict, &operation));
                }
                let soft = self.ways.soft;
                inner.change(&found.id, self.ways.kind, |version| {
                    version.deleted = true;
                    soft
                });
                Ok(soft.then(|| Kept { what: found.id.clone(), cost: "nothing".to_owned() }))
            })
            .await
    }
}
