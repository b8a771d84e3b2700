//! An in-memory cloud: objects with versions that become visible late, calls that take time, and faults at chosen calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use serde_json::{Value as Json, json};
use terraform_provider_deeploy::graph::{Class, Failure};
use tf_provider::StopSource;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::random::Random;

/// What the later calls of one update begin with.
pub const GOES_ON: &str = "and ";

/// What happens at a mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    CrashBefore,
    CrashAfter,
    LostBefore,
    LostAfter,
    Denied,
    Throttled,
    Transient,
    Stop,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub settings: BTreeMap<String, Json>,
    pub tags: BTreeMap<String, String>,
    /// It waits for its deletion.
    pub deleted: bool,
}

/// An object, by its versions and when each becomes visible; `None` is the end.
#[derive(Clone, Debug)]
pub struct Object {
    pub id: String,
    pub kind: &'static str,
    pub foreign: bool,
    pub token: String,
    pub ready_at: Instant,
    pub versions: Vec<(Instant, Option<Version>)>,
}

impl Object {
    /// As it is.
    pub fn now(&self) -> Option<&Version> {
        self.versions.last().and_then(|(_, version)| version.as_ref())
    }

    /// As a read shows it.
    pub fn seen(&self) -> Option<&Version> {
        let now = Instant::now();
        self.versions.iter().rev().find(|(from, _)| *from <= now).and_then(|(_, version)| version.as_ref())
    }

    /// Whether every read shows it as it is.
    pub fn settled(&self) -> bool {
        self.versions.last().is_some_and(|(from, _)| *from <= Instant::now())
    }
}

/// What the cloud is like.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The longest time until a write is visible.
    pub lag: Duration,
    /// The longest time that a call takes.
    pub latency: Duration,
    /// Of 1000 calls, how many are throttled, until when.
    pub throttled: u64,
    pub throttled_until: Option<Instant>,
    /// The longest time until a new object can be used.
    pub pending: Duration,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            lag: Duration::from_millis(500),
            latency: Duration::from_millis(250),
            throttled: 0,
            throttled_until: None,
            pending: Duration::from_secs(5),
        }
    }
}

pub struct Inner {
    pub random: Random,
    pub weather: Weather,
    pub objects: Vec<Object>,
    /// Mutating calls that were carried out or begun, since the last reset.
    pub mutations: usize,
    pub reads: usize,
    /// Of these, those of every object with our tags.
    pub searches: usize,
    pub deletes: usize,
    pub log: Vec<String>,
    /// Faults by the number of the mutating call (from 1).
    pub faults: BTreeMap<usize, Fault>,
    /// How often each fault fired.
    pub fired: BTreeMap<Fault, u64>,
    pub stopped: Option<StopSource>,
    /// Mutating calls begun after the stop.
    pub after_stop: usize,
    has_stopped: bool,
    next: u64,
}

/// The cloud.
pub struct World {
    inner: Mutex<Inner>,
    pub crash: Notify,
    /// When the first clock was read.
    pub epoch: Arc<OnceLock<Instant>>,
}

pub fn failure(class: Class, operation: &str) -> Failure {
    Failure {
        class,
        operation: operation.to_owned(),
        code: None,
        request_id: None,
        message: format!("simulated {class:?}"),
        attribute: None,
        retry_after: None,
    }
}

impl World {
    pub fn new(random: Random, weather: Weather) -> Self {
        let inner = Inner {
            random,
            weather,
            objects: Vec::new(),
            mutations: 0,
            reads: 0,
            searches: 0,
            deletes: 0,
            log: Vec::new(),
            faults: BTreeMap::new(),
            fired: BTreeMap::new(),
            stopped: None,
            after_stop: 0,
            has_stopped: false,
            next: 0,
        };
        Self { inner: Mutex::new(inner), crash: Notify::new(), epoch: Arc::default() }
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap())
    }

    /// Starts counting anew, with these faults ahead.
    pub fn begin(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        self.with(|inner| {
            inner.mutations = 0;
            inner.reads = 0;
            inner.searches = 0;
            inner.deletes = 0;
            inner.faults = faults.into_iter().collect();
            inner.after_stop = 0;
            inner.has_stopped = false;
            inner.stopped = None;
            inner.log.push("---".to_owned());
        });
    }

    pub async fn pause(&self) {
        let wait = self.with(|inner| inner.random.up_to(inner.weather.latency));
        sleep(wait).await;
    }

    fn throttled(&self, operation: &str) -> Result<(), Failure> {
        self.with(|inner| {
            let over = inner.weather.throttled_until.is_some_and(|until| Instant::now() >= until);
            if !over && inner.random.below(1000) < inner.weather.throttled {
                *inner.fired.entry(Fault::Throttled).or_default() += 1;
                return Err(failure(Class::Throttled, operation));
            }
            Ok(())
        })
    }

    /// A read: takes its time, and may be throttled.
    pub async fn read(&self, operation: &str) -> Result<(), Failure> {
        self.with(|inner| inner.reads += 1);
        self.pause().await;
        self.throttled(operation)?;
        self.with(|inner| inner.searches += usize::from(operation == "strays"));
        Ok(())
    }

    /// A mutating call: takes its time, suffers the fault that waits for it, and commits at one point.
    pub async fn write<T>(&self, operation: &str, commit: impl FnOnce(&mut Inner) -> Result<T, Failure>) -> Result<T, Failure> {
        let fault = self.with(|inner| {
            inner.mutations += 1;
            let fault = inner.faults.remove(&inner.mutations);
            // What an update has begun belongs to the call in flight.
            if inner.has_stopped && !operation.starts_with(GOES_ON) {
                inner.after_stop += 1;
            }
            let line = format!("{:?} #{} {operation} {fault:?}", Instant::now(), inner.mutations);
            inner.log.push(line);
            if let Some(fault) = fault {
                *inner.fired.entry(fault).or_default() += 1;
            }
            if fault == Some(Fault::Stop)
                && let Some(stop) = &inner.stopped
            {
                stop.stop();
                inner.has_stopped = true;
            }
            fault
        });
        match fault {
            Some(Fault::CrashBefore) => return self.die().await,
            Some(Fault::LostBefore) => {
                self.pause().await;
                return Err(failure(Class::Ambiguous, operation));
            }
            Some(Fault::Denied) => return Err(failure(Class::Denied, operation)),
            Some(Fault::Throttled) => return Err(failure(Class::Throttled, operation)),
            Some(Fault::Transient) => return Err(failure(Class::Transient, operation)),
            _ => {}
        }
        self.pause().await;
        self.throttled(operation)?;
        let result = self.with(commit);
        if let Err(failure) = &result {
            self.with(|inner| inner.log.push(format!("    {operation}: {failure}")));
        }
        if fault == Some(Fault::CrashAfter) {
            return self.die().await;
        }
        self.pause().await;
        if fault == Some(Fault::LostAfter) && result.is_ok() {
            return Err(failure(Class::Ambiguous, operation));
        }
        result
    }

    async fn die<T>(&self) -> T {
        self.crash.notify_one();
        std::future::pending().await
    }

    /// Whether everything written is visible.
    pub fn settled(&self) -> bool {
        self.with(|inner| inner.objects.iter().all(Object::settled))
    }

    /// The ids of what lives and isn't foreign, by kind.
    pub fn living(&self) -> BTreeSet<String> {
        self.with(|inner| {
            let lives = |object: &&Object| !object.foreign && object.now().is_some_and(|version| !version.deleted);
            inner.objects.iter().filter(lives).map(|object| object.id.clone()).collect()
        })
    }

    /// Everything foreign, as it is.
    pub fn foreigners(&self) -> BTreeMap<String, Option<Version>> {
        self.with(|inner| {
            inner.objects.iter().filter(|object| object.foreign).map(|object| (object.id.clone(), object.now().cloned())).collect()
        })
    }
}

impl Inner {
    /// Takes over the objects of another world.
    pub fn adopt(&mut self, other: &Self) {
        self.objects.clone_from(&other.objects);
        self.next = other.next;
    }

    /// When a write made now becomes visible: never before an earlier one of the same object.
    fn visible(&mut self, after: Option<Instant>) -> Instant {
        let lag = self.random.up_to(self.weather.lag);
        let at = Instant::now() + lag;
        after.map_or(at, |after| at.max(after))
    }

    /// Adds an object.
    pub fn add(&mut self, kind: &'static str, id: Option<String>, token: &str, version: Version, foreign: bool) -> Object {
        self.next += 1;
        let id = id.unwrap_or_else(|| format!("{kind}-{}", self.next));
        let from = self.visible(None);
        let ready_at = Instant::now() + self.random.up_to(self.weather.pending);
        let object = Object { id, kind, foreign, token: token.to_owned(), ready_at, versions: vec![(from, Some(version))] };
        self.objects.push(object.clone());
        object
    }

    /// Changes an object, or ends it.
    pub fn change(&mut self, id: &str, kind: &str, change: impl FnOnce(&mut Version) -> bool) -> bool {
        let Some(at) = self.objects.iter().position(|object| object.id == id && object.kind == kind && object.now().is_some()) else {
            return false;
        };
        let last = self.objects[at].versions.last().unwrap().0;
        let from = self.visible(Some(last));
        let object = &mut self.objects[at];
        let mut version = object.now().unwrap().clone();
        let lives = change(&mut version);
        object.versions.push((from, lives.then_some(version)));
        true
    }

    /// Whether a living object of a kind has this id.
    pub fn lives(&self, id: &str) -> bool {
        self.objects.iter().any(|object| object.id == id && object.now().is_some_and(|version| !version.deleted))
    }

    /// Living objects whose settings name `id`.
    pub fn users(&self, id: &str) -> usize {
        let id = json!(id);
        self.objects
            .iter()
            .filter(|object| object.now().is_some_and(|version| !version.deleted && version.settings.values().any(|value| *value == id)))
            .count()
    }
}
