//! The pace of a run: what is tried again, how long, and when nothing more is begun.

use std::{pin::Pin, sync::Arc, time::Duration};

use tf_provider::Stop;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};

use super::{Class, Cloud, Doing, Entropy, Failure, Limits, OsEntropy, outcome::Halt, resolve::bug};

/// A call of a component.
pub(crate) type Call<'a, T> = Ask<'a, T, Failure>;

/// A question with an error of its own.
pub(crate) type Ask<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Stop, deadline and patience of one run.
pub(crate) struct Pace<'a> {
    pub limits: &'a Limits,
    entropy: &'a dyn Entropy,
    stop: Stop,
    until: Instant,
    /// Calls that may be in flight.
    slots: Semaphore,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(cloud: &'a Cloud, stop: Stop, deadline: Duration) -> Self {
        let now = Instant::now();
        // A deadline beyond what the clock holds is none.
        let until = now.checked_add(deadline).unwrap_or_else(|| now + FOREVER);
        Self { limits: &cloud.limits, entropy: &*cloud.entropy, stop, until, slots: Semaphore::new(cloud.limits.parallel.max(1)) }
    }

    /// Whether another call may begin.
    pub(crate) fn check(&self) -> Result<(), Halt> {
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        if Instant::now() >= self.until { Err(Halt::Deadline) } else { Ok(()) }
    }

    /// Waits, unless stopped or out of time.
    pub(crate) async fn sleep(&self, wait: Duration) -> Result<(), Halt> {
        let wake = Instant::now().checked_add(wait).map_or(self.until, |wake| wake.min(self.until));
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.wait() => {}
            () = sleep_until(wake) => {}
        }
        self.check()
    }

    /// The wait before try `tries` (from 0): doubled each time, half of it jitter.
    pub(crate) fn backoff(&self, tries: u32) -> Duration {
        let doubled = self.limits.backoff.saturating_mul(2_u32.saturating_pow(tries.min(16)));
        doubled.min(self.limits.backoff_max).mul_f64(0.5 + 0.5 * self.entropy.fraction().clamp(0.0, 1.0))
    }

    /// One call. A reply that doesn't come within the limit is lost. A call in flight is never dropped by a stop.
    pub(crate) async fn once<T>(&self, call: Call<'_, T>) -> Result<T, Failure> {
        // Never closed: without a slot there would be no bound, which is better than no call.
        let _slot = self.slots.acquire().await.ok();
        match timeout(self.limits.call, call).await {
            Ok(result) => result,
            Err(_) => Err(Failure {
                class: Class::Ambiguous,
                operation: "call".to_owned(),
                code: None,
                request_id: None,
                message: format!("no answer within {:?}", self.limits.call),
                attribute: None,
                retry_after: None,
            }),
        }
    }

    /// A call that may be repeated, until it succeeds, fails for good, or patience ends. `also`: a class that is tried
    /// again beyond the usual ones, as long as what was just made may stay invisible.
    pub(crate) async fn call<'f, T>(&self, doing: Doing, also: Option<Class>, call: impl Fn() -> Call<'f, T>) -> Result<T, Halt> {
        self.call_with(Patience::new(also), doing, call).await
    }

    /// The same with a patience of its own.
    pub(crate) async fn call_with<'f, T>(&self, mut patience: Patience, doing: Doing, call: impl Fn() -> Call<'f, T>) -> Result<T, Halt> {
        loop {
            self.check()?;
            match self.once(call()).await {
                Ok(value) => return Ok(value),
                Err(failure) => self.wait(&mut patience, doing, failure).await?,
            }
        }
    }

    /// Waits before the next try, or ends with the failure.
    pub(crate) async fn wait(&self, patience: &mut Patience, doing: Doing, failure: Failure) -> Result<(), Halt> {
        match patience.next(self, &failure) {
            Some(wait) => self.sleep(wait).await,
            None => Err(Halt::Failed(doing, failure)),
        }
    }
}

/// Asks something that changes nothing, outside of a run, with a run's patience.
pub(crate) async fn patiently<'f, T>(ask: impl Fn() -> Call<'f, T>) -> Result<T, Failure> {
    let cloud = Cloud::new(Vec::new(), Arc::new(OsEntropy));
    let pace = Pace::new(&cloud, Stop::never(), FOREVER);
    match pace.call(Doing::Finding, None, ask).await {
        Ok(answer) => Ok(answer),
        Err(Halt::Failed(_, failure)) => Err(failure),
        Err(halt) => Err(bug(format!("a question that nobody stops was stopped: {halt:?}"))),
    }
}

/// The same with an error of its own; `worth` tells which failure is worth another try, and how long depends on its class.
pub(crate) async fn patiently_where<'f, T, E>(worth: fn(&E) -> Option<Failure>, ask: impl Fn() -> Ask<'f, T, E>) -> Result<T, E> {
    let cloud = Cloud::new(Vec::new(), Arc::new(OsEntropy));
    let pace = Pace::new(&cloud, Stop::never(), FOREVER);
    let mut patience = Patience::new(None);
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(failure) = worth(&error) else { return Err(error) };
        if pace.wait(&mut patience, Doing::Finding, failure).await.is_err() {
            return Err(error);
        }
    }
}

/// A century: no run lasts longer.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How long each class of failure of one call is still borne.
#[derive(Debug)]
pub(crate) struct Patience {
    since: Vec<(Class, Instant)>,
    tries: u32,
    also: Option<Class>,
    /// Longer than the usual with another operation on the object.
    busy: Option<Duration>,
}

impl Patience {
    pub(crate) fn new(also: Option<Class>) -> Self {
        Self { since: Vec::new(), tries: 0, also, busy: None }
    }

    /// The same, with more for another operation on the object.
    pub(crate) fn busy(self, busy: Option<Duration>) -> Self {
        Self { busy, ..self }
    }

    fn next(&mut self, pace: &Pace<'_>, failure: &Failure) -> Option<Duration> {
        let limits = pace.limits;
        if failure.class == Class::Unfinished {
            // Progress: every bound begins anew.
            *self = Self::new(self.also).busy(self.busy);
            return Some(failure.retry_after.unwrap_or_default().min(limits.retry_after_max));
        }
        let bound = match failure.class {
            Class::Throttled => limits.throttled,
            Class::Transient | Class::Ambiguous => limits.transient,
            Class::NotYetVisible => limits.visible,
            Class::Busy => self.busy.unwrap_or_default().max(limits.busy),
            class if Some(class) == self.also => limits.visible,
            _ => return None,
        };
        let now = Instant::now();
        let first = match self.since.iter().find(|(class, _)| *class == failure.class) {
            Some((_, first)) => *first,
            None => {
                self.since.push((failure.class, now));
                now
            }
        };
        let wait = pace.backoff(self.tries).max(failure.retry_after.unwrap_or_default().min(limits.retry_after_max));
        self.tries = self.tries.saturating_add(1);
        (now.duration_since(first) + wait <= bound).then_some(wait)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use tf_provider::StopSource;

    use super::*;

    fn failure(class: Class) -> Failure {
        Failure { class, ..bug("no".into()) }
    }

    fn cloud() -> Cloud {
        Cloud::new(Vec::new(), Arc::new(OsEntropy))
    }

    async fn tries(class: Class, also: Option<Class>) -> (u32, Duration) {
        let (cloud, count, begin) = (cloud(), AtomicU32::new(0), Instant::now());
        let pace = Pace::new(&cloud, Stop::never(), FOREVER);
        let call = || -> Call<'_, ()> {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { Err(failure(class)) })
        };
        assert!(matches!(pace.call(Doing::Finding, also, call).await, Err(Halt::Failed(..))));
        (count.load(Ordering::Relaxed), begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_bounded_by_class() {
        let limits = Limits::default();
        for class in [Class::Denied, Class::Conflict, Class::NotFound, Class::Invalid, Class::Credentials, Class::Bug] {
            assert_eq!(tries(class, None).await.0, 1, "{class:?}");
        }
        let bounds = [
            (Class::Throttled, limits.throttled),
            (Class::Transient, limits.transient),
            (Class::Ambiguous, limits.transient),
            (Class::NotYetVisible, limits.visible),
            (Class::Busy, limits.busy),
        ];
        for (class, bound) in bounds {
            let (count, time) = tries(class, None).await;
            assert!(time <= bound && time >= bound / 2, "{class:?} {time:?}");
            // At most four a minute once the waits have grown, and the first few.
            assert!(u64::from(count) <= 8 + bound.as_secs() / 7, "{class:?} {count}");
        }
        let (count, time) = tries(Class::Conflict, Some(Class::Conflict)).await;
        assert!(count > 1 && time <= limits.visible);
    }

    /// Emptying a large bucket: an hour of calls that each get further, with a throttled one now and then.
    #[tokio::test(start_paused = true)]
    async fn progress_is_bounded_by_the_deadline_alone() {
        const HOUR: Duration = Duration::from_secs(3600);
        let (cloud, count, begin) = (cloud(), AtomicU32::new(0), Instant::now());
        let pace = Pace::new(&cloud, Stop::never(), HOUR);
        let call = || -> Call<'_, ()> {
            let class = if count.fetch_add(1, Ordering::Relaxed) % 3 == 2 { Class::Throttled } else { Class::Unfinished };
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Err(failure(class))
            })
        };
        assert!(matches!(pace.call(Doing::Deleting, None, call).await, Err(Halt::Deadline)));
        assert!(begin.elapsed() >= HOUR);
    }

    /// Which error is worth a wait is the caller's to say, and what ends the patience is the error itself.
    #[tokio::test(start_paused = true)]
    async fn an_error_of_ones_own_is_borne_by_its_class() {
        let asked = AtomicU32::new(0);
        let ask = |last: u32, end: Result<u8, (Class, u32)>| {
            let now = asked.fetch_add(1, Ordering::Relaxed);
            let answer = if now < last { Err((Class::Throttled, now)) } else { end };
            Box::pin(async move { answer }) as Ask<'_, u8, (Class, u32)>
        };
        let worth: fn(&(Class, u32)) -> Option<Failure> = |(class, _)| (*class == Class::Throttled).then(|| failure(*class));
        assert_eq!(patiently_where(worth, || ask(5, Ok(7))).await, Ok(7));
        asked.store(0, Ordering::Relaxed);
        assert_eq!(patiently_where(worth, || ask(2, Err((Class::Denied, 9)))).await, Err((Class::Denied, 9)));
        assert_eq!(asked.swap(0, Ordering::Relaxed), 3);
        let begin = Instant::now();
        assert!(matches!(patiently_where(worth, || ask(u32::MAX, Ok(0))).await, Err((Class::Throttled, _))));
        assert!(begin.elapsed() <= Limits::default().throttled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_cuts_a_wait_but_not_a_call() {
        let (cloud, source) = (cloud(), StopSource::default());
        let pace = Pace::new(&cloud, source.token(), FOREVER);
        let call = || -> Call<'_, u8> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                Ok(7)
            })
        };
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            source.stop();
        };
        let (answer, ()) = tokio::join!(pace.call(Doing::Finding, None, call), stop);
        assert!(matches!(answer, Ok(7)));
        assert!(matches!(pace.call(Doing::Finding, None, call).await, Err(Halt::Stopped)));
        assert!(matches!(pace.sleep(Duration::from_secs(60)).await, Err(Halt::Stopped)));
    }

    #[tokio::test(start_paused = true)]
    async fn time_runs_out_and_a_hanging_call_is_ambiguous() {
        let cloud = cloud();
        let pace = Pace::new(&cloud, Stop::never(), Duration::from_secs(5));
        assert!(matches!(pace.sleep(Duration::from_secs(60)).await, Err(Halt::Deadline)));
        let hanging: Call<'_, ()> = Box::pin(std::future::pending());
        assert_eq!(pace.once(hanging).await.unwrap_err().class, Class::Ambiguous);
    }
}
