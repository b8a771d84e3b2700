#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::BTreeMap,
    io::Write,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;
use crate::{
    aws::{
        loopback::{self, Loopback},
        settings::{Keys, Proxies, Role, RoleSession, Secret, Token, WebIdentity},
    },
    graph::Class,
};

fn keys() -> Keys {
    let secret = |text: &str| Secret(text.into());
    Keys { access_key: secret("AKIDFIRST"), secret_key: secret("canary-secret"), token: None }
}

/// Calls go to the server, once each.
fn settings(server: &Loopback) -> Settings {
    Settings {
        region: Some("eu-west-1".into()),
        keys: Some(keys()),
        endpoint_url: Some(server.url.clone()),
        max_retries: Some(0),
        ..Settings::default()
    }
}

async fn connected(settings: &Settings) -> Result<Aws, ConnectError> {
    connect(settings, &Environment::default()).await
}

fn role(name: &str) -> Role {
    Role {
        session: RoleSession { role_arn: format!("arn:aws:iam::123456789012:role/{name}"), ..RoleSession::default() },
        ..Role::default()
    }
}

#[tokio::test]
async fn one_call_tells_the_account() {
    let server = Loopback::start(loopback::sts);
    let aws = connected(&settings(&server)).await.unwrap();
    assert_eq!((aws.account_id.as_str(), aws.region.as_str(), aws.partition.as_str()), ("123456789012", "eu-west-1", "aws"));
    assert!(aws.caller_arn.starts_with("arn:aws:sts::123456789012:assumed-role/R/"), "{}", aws.caller_arn);
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].contains("app/terraform-provider-deeploy"), "{}", requests[0]);
    assert!(requests[0].contains(concat!("lib/terraform-provider-deeploy/", env!("CARGO_PKG_VERSION"))), "{}", requests[0]);
}

#[tokio::test]
async fn roles_are_taken_on_one_after_the_other() {
    let server = Loopback::start(loopback::sts);
    let mut second = role("second");
    second.session.duration = Some(Duration::from_secs(900));
    second.session.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
    second.external_id = Some("ext".into());
    second.source_identity = Some("me".into());
    second.tags = BTreeMap::from([("team".into(), "x".into())]);
    second.transitive_tag_keys = vec!["team".into()];
    let settings = Settings { roles: vec![role("first"), second], ..settings(&server) };
    connected(&settings).await.unwrap();
    let requests = server.requests();
    let signed: Vec<_> = requests.iter().map(|request| request.split("Credential=").nth(1).unwrap().split('/').next().unwrap()).collect();
    assert_eq!(signed, ["AKIDFIRST", "KEY-first", "KEY-second"]);
    for part in [
        "DurationSeconds=900",
        "ExternalId=ext",
        "SourceIdentity=me",
        "Tags.member.1.Key=team",
        "TransitiveTagKeys.member.1=team",
        "PolicyArns.member.1.arn=",
        "RoleSessionName=terraform-provider-deeploy",
    ] {
        assert!(requests[1].contains(part), "{part}: {}", requests[1]);
    }
}

#[tokio::test]
async fn a_web_identity_needs_no_key() {
    let server = Loopback::start(loopback::sts);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "tok-1").unwrap();
    let token = Token::File(file.path().to_string_lossy().into_owned());
    let web_identity = Some(WebIdentity { session: role("web").session, token });
    let settings = Settings { keys: None, web_identity, roles: vec![role("next")], ..settings(&server) };
    connected(&settings).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("WebIdentityToken=tok-1&") || requests[0].ends_with("WebIdentityToken=tok-1"), "{}", requests[0]);
    assert!(!requests[0].contains("Credential="));
    assert!(requests[1].contains("Credential=KEY-web/") && requests[2].contains("Credential=KEY-next/"));
}

#[tokio::test]
async fn services_have_endpoints_of_their_own() {
    let (every, sts) = (Loopback::start(|_| None), Loopback::start(loopback::sts));
    let settings = Settings { endpoints: BTreeMap::from([(Service::Sts, sts.url.clone())]), ..settings(&every) };
    connected(&settings).await.unwrap();
    assert_eq!((every.requests().len(), sts.requests().len()), (0, 1));
}

#[tokio::test]
async fn proxies_carry_plain_requests_but_for_excepted_hosts() {
    let (target, proxy) = (Loopback::start(loopback::sts), Loopback::start(loopback::sts));
    let proxies = |none: Option<&str>| Proxies { http: Some(Secret(proxy.url.clone())), https: None, none: none.map(str::to_owned) };
    connected(&Settings { proxies: proxies(None), ..settings(&target) }).await.unwrap();
    assert_eq!((target.requests().len(), proxy.requests().len()), (0, 1));
    connected(&Settings { proxies: proxies(Some("127.0.0.1")), ..settings(&target) }).await.unwrap();
    assert_eq!((target.requests().len(), proxy.requests().len()), (1, 1));
    let environment = Environment::from_iter([("HTTP_PROXY".to_owned(), proxy.url.clone())]);
    connect(&settings(&target), &environment).await.unwrap();
    assert_eq!((target.requests().len(), proxy.requests().len()), (1, 2));
}

#[tokio::test]
async fn tls_trusts_the_bundle_and_nobody_else() {
    let server = Loopback::start_tls(loopback::sts);
    let mut bundle = tempfile::NamedTempFile::new().unwrap();
    bundle.write_all(server.certificate.as_bytes()).unwrap();
    let path = bundle.path().to_string_lossy().into_owned();
    connected(&Settings { custom_ca_bundle: Some(path), ..settings(&server) }).await.unwrap();
    let other = Loopback::start_tls(loopback::sts);
    bundle.as_file_mut().set_len(0).unwrap();
    std::fs::write(bundle.path(), &other.certificate).unwrap();
    let environment = Environment::from_iter([("AWS_CA_BUNDLE".to_owned(), bundle.path().to_string_lossy().into_owned())]);
    let error = connect(&settings(&server), &environment).await.unwrap_err();
    let ConnectError::Call(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.class, Class::Invalid, "{failure}");
    assert!(failure.message.contains("certificate"), "{failure}");
}

#[tokio::test]
async fn files_that_can_not_be_used_are_named() {
    let server = Loopback::start(loopback::sts);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_string_lossy().into_owned();
    std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for custom_ca_bundle in ["/does/not/exist".to_owned(), path.clone()] {
        let settings = Settings { custom_ca_bundle: Some(custom_ca_bundle.clone()), ..settings(&server) };
        let error = connected(&settings).await.unwrap_err();
        assert!(matches!(&error, ConnectError::CaBundle { path, .. } if *path == custom_ca_bundle), "{error:?}");
    }
    let missing = Settings { shared_config_files: vec!["/does/not/exist".into()], ..settings(&server) };
    assert!(matches!(connected(&missing).await.unwrap_err(), ConnectError::SharedFile { attribute: "shared_config_files", .. }));
    let token = Token::File("/does/not/exist".into());
    let web = Settings { keys: None, web_identity: Some(WebIdentity { session: role("web").session, token }), ..settings(&server) };
    assert!(matches!(connected(&web).await.unwrap_err(), ConnectError::Role(RoleError::Token { .. })));
    let proxies = Proxies { http: Some(Secret("http://user:canary@".into())), ..Proxies::default() };
    assert!(matches!(connected(&Settings { proxies, ..settings(&server) }).await.unwrap_err(), ConnectError::Proxy("http_proxy")));
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn profiles_come_from_the_files_that_are_named() {
    let server = Loopback::start(loopback::sts);
    let (mut config, mut credentials) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    writeln!(config, "[profile work]\nregion = ap-south-1").unwrap();
    writeln!(credentials, "[work]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = canary-secret").unwrap();
    let path = |file: &tempfile::NamedTempFile| vec![file.path().to_string_lossy().into_owned()];
    let of_files = Settings {
        shared_config_files: path(&config),
        shared_credentials_files: path(&credentials),
        keys: None,
        region: None,
        ..settings(&server)
    };
    let aws = connected(&Settings { profile: Some("work".into()), ..of_files.clone() }).await.unwrap();
    assert_eq!(aws.region, "ap-south-1");
    assert!(server.requests()[0].contains("Credential=AKIDPROFILE/"));
    let unknown = Settings { profile: Some("nowhere".into()), region: Some("eu-west-1".into()), ..of_files };
    let error = connected(&unknown).await.unwrap_err();
    assert!(matches!(error, ConnectError::BadCredentials(_) | ConnectError::NoCredentials(_)), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test]
async fn accounts_that_must_not_be_touched_are_not() {
    let server = Loopback::start(loopback::sts);
    let ids = |id: &str| vec![id.to_owned()];
    for (accounts, admitted) in [
        (Accounts::Allowed(ids("123456789012")), true),
        (Accounts::Allowed(ids("999999999999")), false),
        (Accounts::Forbidden(ids("123456789012")), false),
        (Accounts::Forbidden(ids("999999999999")), true),
    ] {
        let result = connected(&Settings { accounts: accounts.clone(), ..settings(&server) }).await;
        assert_eq!(result.is_ok(), admitted, "{accounts:?}");
        assert!(result.is_ok() || matches!(result, Err(ConnectError::Account { .. })));
    }
}

#[tokio::test]
async fn refusals_keep_code_and_request_and_name_the_role() {
    fn refuse(request: &str) -> Option<(u16, String)> {
        let code = if request.contains("Action=AssumeRole") { "AccessDenied" } else { "ExpiredToken" };
        let error = format!("<Error><Code>{code}</Code><Message>no for AKIAIOSFODNN7EXAMPLE</Message></Error>");
        Some((
            403,
            format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}<RequestId>r</RequestId></ErrorResponse>"),
        ))
    }
    let server = Loopback::start(refuse);
    let ConnectError::Call(failure) = connected(&settings(&server)).await.unwrap_err() else { panic!("not a call") };
    assert_eq!(
        (failure.class, failure.code.as_deref(), failure.request_id.as_deref()),
        (Class::Credentials, Some("ExpiredToken"), Some("req-1"))
    );
    assert!(!failure.message.contains("AKIA"), "{failure}");
    let error = connected(&Settings { roles: vec![role("first")], ..settings(&server) }).await.unwrap_err();
    let ConnectError::Role(RoleError::Refused { position, failure, .. }) = error else { panic!("{error:?}") };
    assert_eq!((position, failure.class), (Some(0), Class::Denied));
}

/// A busy account must not stop a plan before it began; what a proxy says instead of AWS, or nobody, is told at once.
#[tokio::test]
async fn a_throttled_caller_waits_and_asks_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn busy(request: &str) -> Option<(u16, String)> {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        if asked % 2 == 1 {
            return loopback::sts(request);
        }
        let error = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
        Some((400, format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}</ErrorResponse>")))
    }
    let server = Loopback::start(busy);
    assert_eq!(connected(&settings(&server)).await.unwrap().account_id, "123456789012");
    assert_eq!(server.requests().len(), 2);
    // A role that was taken on is kept while the rest is asked again.
    let aws = connected(&Settings { roles: vec![role("first")], ..settings(&server) }).await.unwrap();
    assert_eq!((aws.account_id.as_str(), server.requests().len()), ("123456789012", 6));
    let proxy = Loopback::start(|_| Some((503, "<html>no</html>".to_owned())));
    assert!(matches!(connected(&settings(&proxy)).await.unwrap_err(), ConnectError::Call(_)));
    assert_eq!(proxy.requests().len(), 1);
}

/// What hyper and rustls say has no public type: these pin the texts that `error.rs` goes by.
#[tokio::test]
async fn real_sockets_tell_sent_from_unsent() {
    let silent = Loopback::start(|request| if request.contains("Action=") { loopback::sts(request) } else { None });
    let aws = connected(&settings(&silent)).await.unwrap();
    let create = |aws: &Aws| aws.kms.create_key().customize().config_override(crate::aws::once::kms()).send();
    let lost = failure("kms:CreateKey", create(&aws).await.unwrap_err());
    assert_eq!(lost.class, Class::Ambiguous, "{lost}");
    let read = failure("kms:DescribeKey", aws.kms.describe_key().key_id("k").send().await.unwrap_err());
    assert_eq!(read.class, Class::Transient, "{read}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = BTreeMap::from([(Service::Kms, format!("http://127.0.0.1:{port}"))]);
    let aws = connected(&Settings { endpoints: closed, ..settings(&silent) }).await.unwrap();
    let refused = failure("kms:CreateKey", create(&aws).await.unwrap_err());
    assert_eq!(refused.class, Class::Transient, "{refused}");

    let nowhere = BTreeMap::from([(Service::Kms, "http://nowhere.invalid".to_owned())]);
    let aws = connected(&Settings { endpoints: nowhere, ..settings(&silent) }).await.unwrap();
    let unknown = failure("kms:CreateKey", create(&aws).await.unwrap_err());
    assert_eq!(unknown.class, Class::Transient, "{unknown}");
}

#[tokio::test]
async fn creates_go_out_once() {
    fn busy(request: &str) -> Option<(u16, String)> {
        if request.contains("Action=") { loopback::sts(request) } else { Some((500, "{\"__type\":\"KMSInternalException\"}".into())) }
    }
    let server = Loopback::start(busy);
    let aws = connected(&Settings { max_retries: Some(1), ..settings(&server) }).await.unwrap();
    aws.kms.create_key().customize().config_override(crate::aws::once::kms()).send().await.unwrap_err();
    assert_eq!(server.requests().len(), 2, "GetCallerIdentity and one CreateKey");
}

#[test]
fn retries_go_over_what_the_environment_says() {
    let found = || RetryConfig::adaptive().with_max_attempts(7);
    let said = |max_retries, retry_mode| retries(&Settings { max_retries, retry_mode, ..Settings::default() }, found());
    assert_eq!(said(None, None).max_attempts(), 7);
    assert_eq!(said(Some(0), None).max_attempts(), 1);
    assert_eq!(said(None, None).mode(), aws_config::retry::RetryMode::Adaptive);
    assert_eq!(said(Some(2), Some(RetryMode::Standard)).mode(), aws_config::retry::RetryMode::Standard);
    assert_eq!(said(None, Some(RetryMode::Standard)).max_attempts(), 7);
}

#[tokio::test]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let server = Loopback::start(loopback::sts);
    let settings = Settings { roles: vec![role("first")], ..settings(&server) };
    let aws = connected(&settings).await.unwrap();
    assert!(!format!("{settings:?} {aws:?} {:?}", Environment::of_process()).contains("canary"));
}
