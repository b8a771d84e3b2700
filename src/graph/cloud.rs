//! What the engine works with: the components by kind, its bounds, and its one source of randomness.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use super::Component;

/// The one seam of randomness.
pub trait Entropy: Send + Sync {
    /// A new uid for a resource: a uuid.
    fn uid(&self) -> String;

    /// A new incarnation: a value that was never used before.
    fn nonce(&self) -> String;

    /// Jitter for waiting, 0 to 1.
    fn fraction(&self) -> f64 {
        let digest = Sha256::digest(self.nonce().as_bytes());
        let top = digest.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        f64::from(top) / f64::from(u32::MAX)
    }
}

/// The operating system's randomness, as uuids of version 4.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn uid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn nonce(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Every bound of the engine.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls in flight at a time. Ten keeps below the control planes' request rates beside Terraform's own ten resources.
    pub parallel: usize,
    /// Components worked on at a time: most of these only wait (a database for minutes), and waiting keeps nobody from working.
    pub width: usize,
    /// How long one call is tried again while throttled. A busy account's throttling passes within minutes.
    pub throttled: Duration,
    /// How long one call is tried again after transient and ambiguous failures; longer is an outage.
    pub transient: Duration,
    /// How long something just made or changed may stay invisible. IAM's worst reported propagation is below two minutes.
    pub visible: Duration,
    /// How long another operation on the object is waited for. A cluster's update takes up to an hour, but has its own wait.
    pub busy: Duration,
    /// How long one call of a component may take before it is dropped and its reply counts as lost. Above the longest, which is the
    /// create of an access key: ten calls of AWS, each with a timeout of its own, and the wait until the key works. Dropped in
    /// between, it would leave a key that nobody has.
    pub call: Duration,
    /// How long a claim's tags rest between writing and trusting them: twice the usual lag of a tag plus the longest usual call.
    pub settle: Duration,
    /// The oldest reading of a claim upon which it is taken over.
    pub fresh: Duration,
    /// How long the lease of a run at work lasts that isn't renewed.
    pub lease: Duration,
    /// The first wait between two tries; doubled each time, with full jitter.
    pub backoff: Duration,
    /// The longest wait between two tries.
    pub backoff_max: Duration,
    /// One look at an object that is waited for in this time, on average: four a minute.
    pub look_every: Duration,
    /// The longest rest between two looks at an object that is expected later: what comes early waits no longer.
    pub rest_max: Duration,
    /// The rest between two looks that shall see an absence again.
    pub again: Duration,
    /// How long the cloud's minutes are, in parts of AWS's.
    pub scale: f64,
    /// The longest wait that a service may ask for with `retry_after`.
    pub retry_after_max: Duration,
    /// How often settings are brought about before a lasting difference is an error.
    pub rounds: usize,
}

impl Limits {
    /// The same with shorter rests: what the engine waits between two looks, times `scale`. For a cloud whose minutes are
    /// shorter than AWS's; patience with failures stays as it is.
    #[must_use]
    pub fn paced(self, scale: f64) -> Self {
        let scale = if scale.is_finite() { scale.clamp(0.0, 1.0) } else { 1.0 };
        Self {
            settle: self.settle.mul_f64(scale),
            fresh: self.fresh.mul_f64(scale),
            lease: self.lease.mul_f64(scale),
            backoff: self.backoff.mul_f64(scale),
            backoff_max: self.backoff_max.mul_f64(scale),
            look_every: self.look_every.mul_f64(scale),
            rest_max: self.rest_max.mul_f64(scale),
            again: self.again.mul_f64(scale),
            scale,
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 10,
            width: 200,
            throttled: Duration::from_secs(5 * 60),
            transient: Duration::from_secs(2 * 60),
            visible: Duration::from_secs(2 * 60),
            busy: Duration::from_secs(10 * 60),
            call: Duration::from_secs(20 * 60),
            settle: Duration::from_secs(2),
            fresh: Duration::from_millis(500),
            lease: Duration::from_secs(120),
            backoff: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            look_every: Duration::from_secs(15),
            rest_max: Duration::from_secs(20),
            again: Duration::from_secs(2),
            scale: 1.0,
            retry_after_max: Duration::from_secs(60),
            rounds: 3,
        }
    }
}

/// The components by kind, with the engine's bounds and randomness.
#[derive(Clone)]
pub struct Cloud {
    components: BTreeMap<&'static str, Arc<dyn Component>>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
}

impl Cloud {
    /// A cloud of these components; of two with one kind the later counts.
    #[must_use]
    pub fn new(components: Vec<Arc<dyn Component>>, entropy: Arc<dyn Entropy>) -> Self {
        let components = components.into_iter().map(|component| (component.kind(), component)).collect();
        Self { components, entropy, limits: Limits::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same with other bounds than it has.
    #[must_use]
    pub fn adjusted(mut self, adjust: impl FnOnce(Limits) -> Limits) -> Self {
        self.limits = adjust(self.limits);
        self
    }

    /// The same with more components.
    #[must_use]
    pub fn also(mut self, components: &[Arc<dyn Component>]) -> Self {
        self.components.extend(components.iter().map(|component| (component.kind(), Arc::clone(component))));
        self
    }

    /// The component of a kind.
    #[must_use]
    pub fn component(&self, kind: &str) -> Option<&dyn Component> {
        self.components.get(kind).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cloud").field("components", &self.components.keys()).field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_is_fresh_and_in_range() {
        assert_ne!(OsEntropy.uid(), OsEntropy.uid());
        for _ in 0..100 {
            let fraction = OsEntropy.fraction();
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
        }
    }
}
