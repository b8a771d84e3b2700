//! What a run is asked, and what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, SystemTime},
};

use serde_json::Value as Json;
use tf_provider::Stop;

use super::{ComponentId, Failure, Flaw, Guard, Kept, Observed, Phase};

/// Ids from state.
pub type Known = BTreeMap<ComponentId, String>;

/// Whether the resource is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing of it is in state.
    Create,
    /// It is in state.
    Update,
}

/// One run over a blueprint.
#[derive(Clone, Debug)]
pub struct Run {
    /// Ids from state.
    pub known: Known,
    /// uid and incarnation from state.
    pub claim: Option<(String, String)>,
    /// Whether the resource is new.
    pub mode: Mode,
    /// Imported: an object without our tags becomes ours.
    pub adopt: bool,
    /// Stateful components that vanished and shall be made anew.
    pub recreate: BTreeSet<ComponentId>,
    /// After how long no further call is begun.
    pub deadline: Duration,
    /// Terraform's interrupt: calls in flight are finished, none is begun.
    pub stop: Stop,
    /// The time of day when it begins, for leases: the engine reads no clock.
    pub now: SystemTime,
}

/// What the engine was doing when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Reading it.
    Finding,
    /// Making it.
    Creating,
    /// Changing its settings.
    Updating,
    /// Changing its tags.
    Tagging,
    /// Waiting until it is as it shall be.
    Waiting,
    /// Asking what forbids its deletion.
    Guarding,
    /// Deleting it.
    Deleting,
}

impl fmt::Display for Doing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Finding => "reading",
            Self::Creating => "creating",
            Self::Updating => "updating",
            Self::Tagging => "tagging",
            Self::Waiting => "waiting for",
            Self::Guarding => "asking what guards",
            Self::Deleting => "deleting",
        })
    }
}

/// A component that could not be brought about or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing} {component}: {failure}")]
pub struct ComponentFailure {
    /// Which.
    pub component: ComponentId,
    /// Why.
    pub failure: Failure,
    /// What was being done.
    pub doing: Doing,
}

/// What the engine would not do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A bug of ours.
    #[error("the blueprint can't be run: {0}")]
    Blueprint(#[from] Flaw),
    /// The object of this name isn't ours. Nothing was changed.
    #[error("{component} {id} exists and belongs to {}", .owner.as_deref().unwrap_or("somebody else"))]
    Foreign {
        /// Which component.
        component: ComponentId,
        /// Its id.
        id: String,
        /// The value of its `deeploy:owner`, if it has one.
        owner: Option<String>,
    },
    /// The resource exists and is ready, in another state: import it, or choose another name. Nothing was changed.
    #[error("{component} {id} exists and is ready, in another state (uid {uid})")]
    Exists {
        /// The claim's component.
        component: ComponentId,
        /// Its id.
        id: String,
        /// Its uid.
        uid: String,
    },
    /// The claim was taken over since this state was written: it is no longer ours. Nothing was changed.
    #[error("{component} {id} was taken over since this state was written")]
    Stale {
        /// The claim's component.
        component: ComponentId,
        /// Its id.
        id: String,
    },
    /// Another run is making or deleting it at this moment. Nothing was changed.
    #[error("{component} {id} is held by another run ({phase})")]
    Busy {
        /// The claim's component.
        component: ComponentId,
        /// Its id.
        id: String,
        /// What the other run is doing.
        phase: Phase,
    },
    /// Another run claimed it during this one. This one stopped; what it had made is the other's now.
    #[error("{component} {id} was claimed by another run")]
    TakenOver {
        /// The claim's component.
        component: ComponentId,
        /// The winner's object.
        id: String,
    },
    /// A stateful component is gone. Nothing was changed; `recreate` makes it anew.
    #[error("{component} {id} is gone")]
    Vanished {
        /// Which.
        component: ComponentId,
        /// Its id in state.
        id: String,
        /// A destroy that isn't finished deleted it.
        destroyed: bool,
    },
    /// A setting that never changes differs.
    #[error("{setting} of {component} can't be changed")]
    Fixed {
        /// Which component.
        component: ComponentId,
        /// Which setting.
        setting: String,
        /// What it shall be.
        wanted: Json,
        /// What it is.
        found: Json,
    },
    /// Something forbids the deletion. Nothing was deleted.
    #[error("{component}: {}", .guard.reason)]
    Guarded {
        /// Which component.
        component: ComponentId,
        /// What forbids it.
        guard: Guard,
    },
    /// Time ran out. What exists is in the outcome; another run continues.
    #[error("not finished after {after:?}")]
    Deadline {
        /// The time that it had.
        after: Duration,
    },
}

/// Whether the resource is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every component is as it shall be.
    Ready,
    /// Something is missing, unfinished or different.
    Incomplete,
}

/// What came of a run. Partial state can't be forgotten: what exists is here whatever failed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What exists of the resource now; after [`destroy`](super::destroy) what remains.
    pub observed: Observed,
    /// What failed.
    pub failures: Vec<ComponentFailure>,
    /// What was refused.
    pub refusals: Vec<Refusal>,
    /// Whether it is complete; after a destroy always incomplete.
    pub status: Status,
    /// What a delete left behind on purpose.
    pub kept: Vec<(ComponentId, Kept)>,
    /// Whether the run ended by Terraform's interrupt.
    pub stopped: bool,
    /// Components that are as they shall be (after a destroy: that are gone).
    pub done: usize,
    /// Components in all.
    pub total: usize,
}

impl Outcome {
    /// Whether everything that was asked for has come about.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && self.refusals.is_empty() && !self.stopped
    }
}

/// Why a step ended early.
#[derive(Clone, Debug)]
pub(crate) enum Halt {
    Stopped,
    Deadline,
    Failed(Doing, Failure),
    Refused(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Outcome {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            observed: Observed::default(),
            failures: Vec::new(),
            refusals: Vec::new(),
            status: Status::Incomplete,
            kept: Vec::new(),
            stopped: false,
            done: 0,
            total,
        }
    }

    pub(crate) fn refused(total: usize, refusals: Vec<Refusal>) -> Self {
        Self { refusals, ..Self::new(total) }
    }

    /// Records why the work on a component ended.
    pub(crate) fn halt(&mut self, component: &ComponentId, halt: Halt, deadline: Duration) {
        match halt {
            Halt::Stopped => self.stopped = true,
            Halt::Deadline => self.refuse(Refusal::Deadline { after: deadline }),
            Halt::Failed(doing, failure) => self.failures.push(ComponentFailure { component: component.clone(), failure, doing }),
            Halt::Refused(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }
}
