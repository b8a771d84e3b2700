//! One AWS account in the sandbox, and what can be asked of it.

use std::{
    collections::BTreeMap,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{Failure, Sandbox};

/// The sandbox answers its own routes within milliseconds; a busy machine gets more.
const ASK_MAX: Duration = Duration::from_secs(30);

/// What the provider's rests are multiplied with.
const PACE: &str = "0.05";

/// An account that only this scenario uses.
#[derive(Clone, Debug)]
pub struct World {
    endpoint: String,
    account: String,
    region: String,
    /// Id of the access key that calls.
    access_key: String,
}

impl World {
    /// A fresh account in the sandbox.
    pub fn new(sandbox: &Sandbox) -> Self {
        Self::of(sandbox, &fresh_account())
    }

    /// A named account of 12 digits.
    pub fn of(sandbox: &Sandbox, account: &str) -> Self {
        Self {
            endpoint: sandbox.endpoint().to_owned(),
            account: account.to_owned(),
            region: "eu-central-1".to_owned(),
            access_key: format!("AKIADEEPLOY{account}"),
        }
    }

    /// The same account, called with an access key that was made in it: its user's policies are enforced.
    #[must_use]
    pub fn with_access_key(&self, id: &str) -> Self {
        Self { access_key: id.to_owned(), ..self.clone() }
    }

    /// Id of the access key that calls; by default that of the account's root.
    pub(crate) fn access_key(&self) -> &str {
        &self.access_key
    }

    /// In another region than eu-central-1.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// E.g. `eu-central-1`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a program's environment must hold to work in this account as its administrator.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", "sandbox".to_owned()),
            ("AWS_REGION", self.region.clone()),
            // The sandbox's minutes are short, and so are the provider's rests between two looks.
            ("TF_DEEPLOY_PACE", PACE.to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Every call since the account was made or reset: `service`, `operation`, `mutating`, `resource` …
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn calls(&self) -> Result<Vec<Value>, Failure> {
        self.get("calls").map(list)
    }

    /// The calls that change something, as `service:Operation`, in order.
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn mutations(&self) -> Result<Vec<String>, Failure> {
        let text = |call: &Value, key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mutating = |call: &Value| call.get("mutating").and_then(Value::as_bool).unwrap_or(true);
        let calls = self.calls()?;
        Ok(calls
            .iter()
            .filter(|call| mutating(call))
            .map(|call| format!("{}:{}", text(call, "service"), text(call, "operation")))
            .collect())
    }

    /// Every object that exists: `type`, `id`, `arn`, `tags`, `state` …
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn objects(&self) -> Result<Vec<Value>, Failure> {
        self.get("world").map(list)
    }

    /// The objects of a type, e.g. `kms:key`.
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn objects_of(&self, kind: &str) -> Result<Vec<Value>, Failure> {
        Ok(self.objects()?.into_iter().filter(|object| object.get("type").and_then(Value::as_str) == Some(kind)).collect())
    }

    /// Operations that the sandbox was asked for and doesn't know.
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn unsupported(&self) -> Result<Vec<Value>, Failure> {
        self.get("unsupported").map(list)
    }

    /// Orders faults, instead of those ordered before: sandbox/README.md has their form.
    ///
    /// # Errors
    /// When the sandbox refuses one.
    pub fn order(&self, faults: &Value) -> Result<(), Failure> {
        self.post("faults", faults).map(|_| ())
    }

    /// The faults ordered, each with how often it `fired`.
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn faults(&self) -> Result<Vec<Value>, Failure> {
        self.get("faults").map(list)
    }

    /// Whether every ordered fault fired at least once; a scenario that orders faults ends with this.
    ///
    /// # Errors
    /// When one did not, or the sandbox doesn't answer.
    pub fn faults_fired(&self) -> Result<(), Failure> {
        let idle: Vec<Value> = self.faults()?.into_iter().filter(|fault| fault.get("fired").and_then(Value::as_u64) == Some(0)).collect();
        if idle.is_empty() { Ok(()) } else { Err(Failure::new(format!("faults that never fired: {}", json!(idle)))) }
    }

    /// Removes every object, call and fault of this account.
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn reset(&self) -> Result<(), Failure> {
        self.post("reset", &Value::Null).map(|_| ())
    }

    /// Changes settings of this account's world (sandbox/README.md): a person's click on a link, say. Gives them all.
    ///
    /// # Errors
    /// When the sandbox refuses one.
    pub fn settings(&self, settings: &Value) -> Result<Value, Failure> {
        self.post("settings", settings)
    }

    /// Whether a service of AWS may publish to a topic (`topic_arn`, `service`, `source_arn`, `source_account`): `delivered`, `why`.
    ///
    /// # Errors
    /// When the sandbox refuses the question.
    pub fn deliver(&self, question: &Value) -> Result<Value, Failure> {
        let mut question = question.clone();
        if let Some(fields) = question.as_object_mut() {
            fields.insert("account".to_owned(), self.account.as_str().into());
            fields.insert("region".to_owned(), self.region.as_str().into());
        }
        self.post("deliver", &question)
    }

    /// An event of AWS comes in, as EventBridge gets it.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub fn emit(&self, event: &Value) -> Result<Value, Failure> {
        self.post("emit", &json!({ "account": self.account, "region": self.region, "event": event }))
    }

    /// What services published: `service`, `delivered`, `why`, `recipients` …
    ///
    /// # Errors
    /// When the sandbox doesn't answer.
    pub fn deliveries(&self) -> Result<Vec<Value>, Failure> {
        self.get("deliveries").map(list)
    }

    /// `POST /sandbox/evaluate`: asks the sandbox's policy evaluator.
    ///
    /// # Errors
    /// When the sandbox refuses the question.
    pub fn evaluate(&self, question: &Value) -> Result<Value, Failure> {
        self.post("evaluate", question)
    }

    /// `POST /sandbox/ROUTE` with a question about this account and region: `reach`, `pod-identity` … (sandbox/README.md).
    ///
    /// # Errors
    /// When the sandbox refuses the question.
    pub fn ask(&self, route: &str, question: &Value) -> Result<Value, Failure> {
        let mut question = question.clone();
        if let Some(fields) = question.as_object_mut() {
            fields.insert("account".to_owned(), self.account.as_str().into());
            fields.insert("region".to_owned(), self.region.as_str().into());
        }
        self.post(route, &question)
    }

    fn get(&self, route: &str) -> Result<Value, Failure> {
        let url = self.url(route);
        read(&url, agent().get(&url).call())
    }

    fn post(&self, route: &str, body: &Value) -> Result<Value, Failure> {
        let url = self.url(route);
        read(&url, agent().post(&url).content_type("application/json").send(body.to_string()))
    }

    fn url(&self, route: &str) -> String {
        format!("{}/sandbox/{route}?account={}", self.endpoint, self.account)
    }
}

/// 12 digits that no other scenario of this machine uses soon: the clock, this process, and a count.
fn fresh_account() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()) ^ since.as_secs());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mixed = nanoseconds.wrapping_mul(31).wrapping_add(u64::from(process::id())) % 100_000_000;
    format!("{:012}", 100_000_000_000 + mixed * 1_000 + count % 1_000)
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(ASK_MAX)).http_status_as_error(false).proxy(None).build().into()
}

fn read(url: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Failure> {
    let body = answered(url, answer)?;
    serde_json::from_str(&body).map_err(|error| Failure::new(format!("{url} answered no JSON ({error}): {body}")))
}

/// The body of a successful reply.
pub(crate) fn answered(what: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<String, Failure> {
    let mut answer = answer.map_err(|error| Failure::new(format!("{what}: {error}")))?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(BODY_MAX_BYTES).read_to_string();
    let body = body.map_err(|error| Failure::new(format!("reading {what}: {error}")))?;
    if status.is_success() { Ok(body) } else { Err(Failure::new(format!("{what} answered {status}: {body}"))) }
}

/// Ten thousand calls are 5 MB.
const BODY_MAX_BYTES: u64 = 256 * 1024 * 1024;

fn list(value: Value) -> Vec<Value> {
    if let Value::Array(items) = value { items } else { vec![value] }
}

#[cfg(test)]
mod tests {
    use super::fresh_account;
    use std::collections::BTreeSet;

    #[test]
    fn accounts_have_twelve_digits_and_are_not_used_twice() {
        let accounts: BTreeSet<String> = (0..500).map(|_| fresh_account()).collect();
        assert_eq!(accounts.len(), 500);
        assert!(accounts.iter().all(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())));
    }
}
