//! When an object that is waited for is looked at again: seldom while it can't be there yet, often when it should be.

use std::time::Duration;

use tokio::time::Instant;

use super::{Limits, outcome::Halt, retry::Pace};

/// Looks at the very beginning beyond [`Limits::look_every`]: what a token or an earlier run has begun may be there at once.
const FIRST_LOOKS: u32 = 5;
/// How long after the usual moment the look aimed at it comes, so that the object is past it; parts of [`Limits::look_every`].
const BEHIND: f64 = 1.0 / 15.0;
/// Nearer than this the next look is the one aimed at the usual moment; parts of [`Limits::look_every`].
const NEAR: f64 = 1.0 / 3.0;
/// The shortest rest between two looks at what is late; parts of [`Limits::look_every`].
const LATE: f64 = 1.0 / 5.0;

/// The wait for one object.
#[derive(Debug)]
pub(crate) struct Wait {
    begun: Instant,
    looks: u32,
    /// How long the cloud usually takes, at the pace of the run.
    usual: Option<Duration>,
}

impl Wait {
    /// Begins now. `usual`: how long the cloud usually takes, if that is known.
    pub(crate) fn new(limits: &Limits, usual: Option<Duration>) -> Self {
        Self { begun: Instant::now(), looks: 0, usual: usual.map(|usual| usual.mul_f64(limits.scale)) }
    }

    /// Rests until the next look.
    pub(crate) async fn rest(&mut self, pace: &Pace<'_>) -> Result<(), Halt> {
        let growing = pace.backoff(self.looks);
        let rest = self.next(pace.limits, self.begun.elapsed(), growing);
        self.looks = self.looks.saturating_add(1);
        pace.sleep(rest).await
    }

    /// The rest after `elapsed`. `growing`: what it would be if nothing were known.
    fn next(&self, limits: &Limits, elapsed: Duration, growing: Duration) -> Duration {
        let every = limits.look_every;
        let aimed = match self.usual.map(|usual| (usual.checked_sub(elapsed), elapsed.saturating_sub(usual))) {
            // Nobody knows, or it may be there at once.
            _ if self.looks < 2 => growing,
            None => growing,
            Some((Some(left), _)) if left / 2 < every.mul_f64(NEAR) => left + every.mul_f64(BEHIND),
            Some((Some(left), _)) => (left / 2).min(limits.rest_max),
            Some((None, late)) => (late / 2).clamp(every.mul_f64(LATE), every),
        };
        // On average no more than one look in `look_every`, whatever is aimed at.
        let due = every.saturating_mul(self.looks.saturating_add(1).saturating_sub(FIRST_LOOKS));
        aimed.max(due.saturating_sub(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tf_provider::Stop;

    use super::*;
    use crate::graph::{Cloud, OsEntropy};

    /// When an object that is there after `real` is seen to be, and after how many looks, by a wait that expects it after `usual`.
    async fn waited(usual: Option<u64>, real: f64, scale: f64) -> (f64, u32) {
        let cloud = Cloud::new(Vec::new(), Arc::new(OsEntropy)).with_limits(Limits::default().paced(scale));
        let pace = Pace::new(&cloud, Stop::never(), Duration::from_secs(100_000));
        let begun = Instant::now();
        let mut wait = Wait::new(&cloud.limits, usual.map(Duration::from_secs));
        while begun.elapsed() < Duration::from_secs_f64(real * scale) {
            assert!(wait.rest(&pace).await.is_ok());
        }
        (begun.elapsed().as_secs_f64() / scale, wait.looks)
    }

    /// Add-ons, nodes and control planes, as long as they usually take: seen within two seconds.
    #[tokio::test(start_paused = true)]
    async fn what_takes_as_long_as_usual_is_seen_at_once() {
        for usual in [30_u32, 60, 120, 180, 480, 600] {
            let (seen, looks) = waited(Some(u64::from(usual)), f64::from(usual), 1.0).await;
            assert!((0.0..2.0).contains(&(seen - f64::from(usual))), "{usual} s were seen after {seen}");
            assert!(f64::from(looks) <= 5.0 + seen / 15.0, "{looks} looks in {seen} s");
        }
    }

    /// Nobody's clock is exact: what is early or late is seen within a rest, and never asked for more than four times a minute on average.
    #[tokio::test(start_paused = true)]
    async fn what_is_early_or_late_is_seen_soon() {
        for usual in [30_u32, 180, 600] {
            for part in [0.02, 0.3, 0.5, 0.7, 0.9, 0.98, 1.02, 1.1, 1.5, 3.0] {
                let real = f64::from(usual) * part;
                let (seen, looks) = waited(Some(u64::from(usual)), real, 1.0).await;
                assert!(seen - real <= 20.5, "{real} of {usual} s were seen after {seen}");
                assert!(f64::from(looks) <= 6.0 + seen / 15.0, "{looks} looks in {seen} s");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_knows_is_asked_for_less_and_less_often() {
        for real in [0.1, 1.0, 10.0, 60.0, 3600.0] {
            let (seen, looks) = waited(None, real, 1.0).await;
            // The last rest, jittered, was at most twice as long as the longest before it, and never beyond four a minute.
            let longest = (0.5 * f64::from(looks.saturating_sub(1)).exp2()).min(15.5);
            assert!(seen - real <= longest, "{real} s were seen after {seen}, {looks} looks");
            assert!(f64::from(looks) <= 6.0 + seen / 15.0, "{looks} looks in {seen} s");
        }
    }

    /// Where a minute is three seconds, everything is twenty times as fast.
    #[tokio::test(start_paused = true)]
    async fn a_wait_goes_at_the_pace_of_the_run() {
        let (seen, looks) = waited(Some(180), 180.0, 0.05).await;
        assert!((180.0..182.0).contains(&seen) && looks <= 17, "{seen} s, {looks} looks");
        let (seen, _) = waited(Some(180), 5.0, 0.0001).await;
        assert!(seen < 200.0, "{seen}");
    }
}
