//! A transport for tests that answers from a script and holds each request against it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod cbor;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use aws_types::{SdkConfig, region::Region};

use crate::aws::{Aws, Caller};

/// One expected request and its reply.
struct Line {
    /// `METHOD PATH?QUERY` of S3, the operation's name for JSON, CBOR and Query services; a beginning of it.
    request: String,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// What answers, and what was asked.
#[derive(Clone, Default)]
pub(crate) struct Script {
    lines: Arc<Mutex<VecDeque<Line>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    owners: Arc<Mutex<Vec<Option<String>>>>,
    any_order: bool,
    slow: Duration,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Script")
    }
}

impl Script {
    /// Requests come in the script's order.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Requests may come in any order: the first line that fits answers.
    pub(crate) fn any_order() -> Self {
        Self { any_order: true, ..Self::default() }
    }

    /// Each reply takes that long, by tokio's clock.
    pub(crate) fn slow(self, slow: Duration) -> Self {
        Self { slow, ..self }
    }

    /// Expects `request` and answers it.
    pub(crate) fn on(self, request: &str, status: u16, body: &str) -> Self {
        self.with(request, status, &[], body)
    }

    /// As [`Self::on`], with headers in the reply.
    pub(crate) fn with(self, request: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.lines.lock().unwrap().push_back(Line { request: request.to_owned(), status, headers, body: body.as_bytes().to_vec() });
        self
    }

    /// As [`Self::on`], of a service that speaks RPC v2 CBOR (CloudWatch); its requests are told as JSON.
    pub(crate) fn cbor(self, request: &str, status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("smithy-protocol", "rpc-v2-cbor".to_owned())];
        self.lines.lock().unwrap().push_back(Line { request: request.to_owned(), status, headers, body: cbor::encode(body) });
        self
    }

    /// Clients that talk to the script.
    pub(crate) fn aws(&self, region: &str) -> Arc<Aws> {
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKIATEST", "test", None, None, "test")))
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        let s3 = aws_sdk_s3::Client::new(&config);
        let caller = Caller { account_id: "123456789012".into(), arn: "arn:aws:iam::123456789012:user/me".into() };
        Arc::new(Aws::new(&config, s3, region, caller))
    }

    /// As [`Self::aws`], with the SDK's retries on as in the provider. Pause the clock.
    pub(crate) async fn retrying(&self, region: &str) -> Arc<Aws> {
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new("AKIATEST", "test", None, None, "test"))
            .retry_config(aws_config::retry::RetryConfig::standard())
            .http_client(self.clone())
            .load()
            .await;
        let caller = Caller { account_id: "123456789012".into(), arn: "arn:aws:iam::123456789012:user/me".into() };
        Arc::new(Aws::new(&config, aws_sdk_s3::Client::new(&config), region, caller))
    }

    /// Each request's name and body, in order. Every line of the script must have been used.
    pub(crate) fn finish(&self) -> Vec<(String, String)> {
        let left: Vec<_> = self.lines.lock().unwrap().iter().map(|line| line.request.clone()).collect();
        assert!(left.is_empty(), "never asked: {left:?}; asked: {:?}", self.asked.lock().unwrap());
        self.asked.lock().unwrap().clone()
    }

    /// The names of the requests, in order, as [`Self::finish`].
    pub(crate) fn names(&self) -> Vec<String> {
        self.finish().into_iter().map(|(name, _)| name).collect()
    }

    /// Of each request, whose bucket S3 shall expect.
    pub(crate) fn owners(&self) -> Vec<Option<String>> {
        self.owners.lock().unwrap().clone()
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let name = name(request);
        let bytes = request.body().bytes().unwrap_or_default();
        let body = match is_cbor(request) {
            true => cbor::decode(bytes).to_string(),
            false => String::from_utf8_lossy(bytes).into_owned(),
        };
        self.asked.lock().unwrap().push((name.clone(), body));
        self.owners.lock().unwrap().push(request.headers().get("x-amz-expected-bucket-owner").map(str::to_owned));
        let mut lines = self.lines.lock().unwrap();
        let fits = |line: &Line| name.starts_with(&line.request);
        let place = if self.any_order { lines.iter().position(fits) } else { lines.front().is_some_and(fits).then_some(0) };
        let line = place.and_then(|place| lines.remove(place));
        // A panic in here would poison the locks and hide the reason: the caller sees a failure that names the request.
        let line = line.unwrap_or_else(|| Line {
            request: String::new(),
            status: 400,
            headers: Vec::new(),
            body: match name.contains(' ') {
                true => format!("<Error><Code>NotInTheScript</Code><Message>{}</Message></Error>", name.replace('&', "&amp;")),
                false => format!(r#"{{"__type":"NotInTheScript","message":"{name}"}}"#),
            }
            .into_bytes(),
        });
        let mut reply = HttpResponse::new(StatusCode::try_from(line.status).unwrap(), SdkBody::from(line.body));
        for (name, value) in line.headers {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

fn is_cbor(request: &HttpRequest) -> bool {
    request.headers().get("smithy-protocol") == Some("rpc-v2-cbor")
}

/// The operation of a JSON, CBOR or Query service; else method, path and query without the SDK's `x-id`.
fn name(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    if let Some(action) = body.strip_prefix("Action=") {
        return action.split('&').next().unwrap_or_default().to_owned();
    }
    let uri = request.uri();
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |start| &rest[start..]);
    if let Some((_, operation)) = path.rsplit_once("/operation/").filter(|_| is_cbor(request)) {
        return operation.to_owned();
    }
    format!("{} {path}", request.method())
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let script = self.clone();
        HttpConnectorFuture::new(async move {
            if !script.slow.is_zero() {
                tokio::time::sleep(script.slow).await;
            }
            Ok(script.answer(&request))
        })
    }
}

impl HttpClient for Script {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
