//! Many readings in one call: what is asked for within a moment goes out together, and each gets its own answer.
//!
//! A refresh of an environment reads a dozen subnets; AWS takes their ids in one call. An answer is never older than its question:
//! each call is sent after its questions were asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::graph::{Class, Failure};

/// How long the first question waits for others: all that a refresh asks at once is asked within less.
const WINDOW: Duration = Duration::from_millis(3);
/// The most questions of one call; EC2 takes 200 values a filter.
const MOST: usize = 150;

type Answer<V> = Result<Option<V>, Failure>;
type Asked<K, V> = BTreeMap<K, Vec<oneshot::Sender<Answer<V>>>>;

/// Questions of one kind that wait to go out together.
#[derive(Debug)]
pub struct Batch<K, V> {
    asked: Mutex<Asked<K, V>>,
}

impl<K, V> Default for Batch<K, V> {
    fn default() -> Self {
        Self { asked: Mutex::default() }
    }
}

impl<K: Ord + Clone + Send, V: Clone + Send> Batch<K, V> {
    /// The value of `key`: asked together with what others ask at the same time. `None`: the answer doesn't hold it.
    /// `call` answers for all of its keys; keys that it leaves out are absent.
    ///
    /// # Errors
    /// Those of the call, the same for all that asked with it.
    pub async fn get<F>(&self, key: K, call: impl Fn(Vec<K>) -> F) -> Answer<V>
    where
        F: Future<Output = Result<Vec<(K, V)>, Failure>>,
    {
        let (sender, mut receiver) = oneshot::channel();
        let first = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.entry(key.clone()).or_default().push(sender);
            asked.len() == 1
        };
        if !first {
            // Whoever asked first sends the question; if it is dropped before it could, the next one does.
            let patience = tokio::time::timeout(WINDOW * 4, &mut receiver);
            if let Ok(Ok(answer)) = patience.await {
                return answer;
            }
            if !self.waits(&key) {
                return receiver.await.unwrap_or_else(|_| Err(dropped()));
            }
        } else {
            tokio::time::sleep(WINDOW).await;
        }
        self.send(&call).await;
        receiver.await.unwrap_or_else(|_| Err(dropped()))
    }

    /// Whether a question has not gone out yet.
    fn waits(&self, key: &K) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    async fn send<F>(&self, call: &impl Fn(Vec<K>) -> F)
    where
        F: Future<Output = Result<Vec<(K, V)>, Failure>>,
    {
        loop {
            let mut part = Asked::<K, V>::new();
            {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                while part.len() < MOST
                    && let Some((key, waiting)) = asked.pop_first()
                {
                    part.insert(key, waiting);
                }
            }
            if part.is_empty() {
                return;
            }
            let answered = call(part.keys().cloned().collect()).await;
            let found: Result<BTreeMap<K, V>, Failure> = answered.map(|found| found.into_iter().collect());
            for (key, waiting) in part {
                for one in waiting {
                    // Who has stopped waiting needs no answer.
                    let _ = one.send(found.as_ref().map(|found| found.get(&key).cloned()).map_err(Clone::clone));
                }
            }
        }
    }
}

/// The call that would have answered was dropped on its way.
fn dropped() -> Failure {
    Failure {
        class: Class::Transient,
        operation: "batch".to_owned(),
        code: None,
        request_id: None,
        message: "the call was given up".to_owned(),
        attribute: None,
        retry_after: None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_at_once_is_one_call() {
        let (batch, calls) = (Batch::<u32, u32>::default(), AtomicUsize::new(0));
        let ask = |keys: Vec<u32>| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move { Ok(keys.into_iter().filter(|key| key % 2 == 0).map(|key| (key, key * 10)).collect()) }
        };
        let answers = join_all((0..40).map(|key| batch.get(key % 20, ask))).await;
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        for (at, answer) in answers.into_iter().enumerate() {
            let key = u32::try_from(at).unwrap() % 20;
            assert_eq!(answer.unwrap(), (key % 2 == 0).then_some(key * 10));
        }
        assert_eq!(batch.get(4, ask).await.unwrap(), Some(40));
        assert_eq!(calls.load(Ordering::Relaxed), 2, "an answer is never kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_everybodys_and_a_large_question_is_split() {
        let (batch, calls) = (Batch::<usize, usize>::default(), AtomicUsize::new(0));
        let fail = |_| async { Err(dropped()) };
        let answers = join_all((0..3).map(|key| batch.get(key, fail))).await;
        assert!(answers.into_iter().all(|answer| answer == Err(dropped())));
        let ask = |keys: Vec<usize>| {
            calls.fetch_add(1, Ordering::Relaxed);
            assert!(keys.len() <= MOST);
            async move { Ok(keys.into_iter().map(|key| (key, key)).collect()) }
        };
        let answers = join_all((0..MOST + 1).map(|key| batch.get(key, ask))).await;
        assert!(answers.into_iter().enumerate().all(|(at, answer)| answer == Ok(Some(at))));
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asked_first_may_go() {
        let batch = Batch::<u8, u8>::default();
        let ask = |keys: Vec<u8>| async move { Ok(keys.into_iter().map(|key| (key, key)).collect()) };
        let gone = tokio::time::timeout(Duration::from_millis(1), batch.get(1, ask));
        let (gone, kept) = tokio::join!(gone, batch.get(2, ask));
        assert!(gone.is_err());
        assert_eq!(kept, Ok(Some(2)));
    }
}
