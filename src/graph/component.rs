//! The contract between the engine and one kind of cloud object.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value as Json;

use super::{ComponentId, Doing, Failure};

/// One kind of cloud object.
///
/// Guarantees: `find` changes nothing. `create` is exactly one mutating call, which carries the tags where the service takes them
/// at creation. `update` brings about the named settings and may be repeated. `delete` of what is gone succeeds.
/// Assumptions: the engine calls at most one method of one component at a time, beside the renewal of a lease by `tag`, and `create` only when `find` found nothing.
/// Caveats: `find` may lag behind a write; the engine waits and asks again, components don't.
#[async_trait]
pub trait Component: Send + Sync {
    /// Its name in the table of components, e.g. `kms_key`.
    fn kind(&self) -> &'static str;

    /// IAM actions that its calls need, by what they are for; the deployer policy is made from these.
    fn actions(&self) -> &'static [&'static str];

    /// Whether it carries tags of its own. What doesn't belongs to its parent.
    fn taggable(&self) -> bool {
        true
    }

    /// Whether its create has neither an idempotency token nor a unique name (lifecycle.md 20): a lost reply
    /// is followed by finding with a grace period, never by a blind retry.
    fn tokenless(&self) -> bool {
        false
    }

    /// Whether two of them can stand side by side (no unique name): a replacement is then made before the old one goes.
    /// Such a component implements `strays`.
    fn side_by_side(&self) -> bool {
        false
    }

    /// Whether it is no object but settings of one (a group's rules): after its delete nothing goes away, and nobody waits for that.
    fn is_settings(&self) -> bool {
        false
    }

    /// Whether a broken one is of no use and holds nothing (a gateway that failed to come up): a run that finds one, of what isn't
    /// stateful, deletes it and makes another.
    fn is_remade(&self) -> bool {
        false
    }

    /// How long the cloud usually takes until what was just asked of it (`doing`: creating, updating or deleting) is so; looks are aimed at
    /// that moment. `None`: seconds, or nobody knows.
    fn usual(&self, _doing: Doing) -> Option<Duration> {
        None
    }

    /// How long another operation on it may keep its delete waiting, where that is longer than [`Limits::busy`](super::Limits::busy).
    fn busy(&self) -> Option<Duration> {
        None
    }

    /// How often in a row a deleted one must not be found until it is gone: some services take a name for free before it is.
    fn absences(&self) -> u32 {
        1
    }

    /// Whether the object stays findable after its delete (a deletion window). Of a claim the engine then writes
    /// `deeploy:phase = deleted` before the delete, so that a create of the same name finds what it may take back.
    fn outlives_delete(&self) -> bool {
        false
    }

    /// Whether the service decides between two creators of its name, and its tags may be written often: as a claim it carries a lease.
    fn leased(&self) -> bool {
        false
    }

    /// Every object that carries our owner and component tags, deleted ones left out, whatever the name decides. Only what is
    /// `tokenless` or `side_by_side` can have more than one: the engine deletes those that nobody was ever given.
    async fn strays(&self, _query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(Vec::new())
    }

    /// Whether `now` is the object that was found as `before`. What a rename in place gives another id is told by something else.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.id == now.id
    }

    /// Finds the object: by the id in state, then by its name, then by its tags. `None`: proven absent.
    /// Inputs that come from objects which don't exist yet are left out of the query's settings.
    /// Without an id and with several of the same tags, the name decides, else the oldest.
    /// With `recover`, what waits for its deletion and may be taken back is found too, as `Readiness::Deleted`.
    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure>;

    /// Makes it, in one call.
    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure>;

    /// Brings about the settings named in `changed`, one call each, in an order that the component knows.
    /// An object found as `Readiness::Deleted` is taken back first (`changed` may then be empty).
    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure>;

    /// Removes tags, then sets the others: together they may be more than the service takes. Of ours only a lease is ever among the removed.
    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure>;

    /// What forbids deleting it; asked of all components before the first is deleted.
    async fn guards(&self, _found: &Found, _wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        Ok(Vec::new())
    }

    /// How long after its delete the cloud itself may make it again (a service that writes its last lines). Where the blueprint says that it
    /// may (`adopting`), `sweep` is asked no sooner.
    fn comes_back_within(&self) -> Duration {
        Duration::ZERO
    }

    /// Deletes what others made for it and left behind (what Kubernetes made for a cluster), once it is gone; asked again in a later
    /// destroy. Only what is provably its own. [`super::Class::Unfinished`]: some is still going. Returns what stays on purpose.
    async fn sweep(&self, _wanted: &Wanted) -> Result<Vec<Kept>, Failure> {
        Ok(Vec::new())
    }

    /// Deletes it, or starts to; the engine then asks `find` until it is gone or `Readiness::Deleted`.
    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure>;
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The component's id, for tags.
    pub component: String,
    /// Its id in state, if any.
    pub id: Option<String>,
    /// The settings that are known, with inputs from other components resolved.
    pub settings: BTreeMap<String, Json>,
    /// The value of `deeploy:owner` on what is ours.
    pub owner: String,
    /// On the path of create: also what destroy left behind and create takes back (lifecycle.md 22).
    pub recover: bool,
}

/// What to make or change, with every input resolved.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The component's id.
    pub component: ComponentId,
    /// Every setting.
    pub settings: BTreeMap<String, Json>,
    /// Every tag of the object: the user's and ours.
    pub tags: BTreeMap<String, String>,
    /// Idempotency token: hash(uid, component, fixed and replace settings), 64 hex digits; the same for a retry.
    pub token: String,
}

/// An object as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// AWS's id (for a role its name, for a key its key id …).
    pub id: String,
    /// Its settings, under the same names as wanted ones. No secret is ever in here.
    pub settings: BTreeMap<String, Json>,
    /// What others take from it: `arn`, `id` …
    pub outputs: BTreeMap<String, Json>,
    /// Every tag, `aws:*` left out.
    pub tags: BTreeMap<String, String>,
    /// Whether it can be used.
    pub readiness: Readiness,
}

/// Whether an object can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    #[default]
    Ready,
    /// Not yet; what it waits for.
    Pending(String),
    /// Never without help; why.
    Broken(String),
    /// It is on its way out, e.g. a key that waits for its deletion; create may take it back.
    Deleted,
}

/// Why an object must not be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The attribute that would allow it, dotted.
    pub attribute: String,
    /// What holds, and what to do.
    pub reason: String,
}

/// What a delete leaves behind on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What and for how long, e.g. "KMS key … until 2026-12-24".
    pub what: String,
    /// What it costs.
    pub cost: String,
}
