#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use tf_provider::{AttributeType, Capabilities, Diagnostic, Path, Type};

use super::*;
use crate::{
    aws::{
        ConnectError,
        loopback::{self, Loopback},
        settings::{Accounts, Service},
    },
    graph::{Class, Failure},
};

const CANARY: &str = "canary-5b1e";

fn text(value: &str) -> Value {
    Value::from(value)
}

fn list<const N: usize>(items: [&str; N]) -> Value {
    Value::List(items.into_iter().map(text).collect())
}

/// A block with these attributes; the others are null.
fn block<const N: usize>(attributes: [(&str, Value); N]) -> Value {
    let mut all: BTreeMap<String, Value> = ProviderBlock::attributes().into_iter().map(|one| (one.name, Value::Null)).collect();
    for (name, value) in attributes {
        assert!(all.insert(name.to_owned(), value).is_some(), "{name} is no attribute");
    }
    Value::Map(all)
}

fn role<const N: usize>(attributes: [(&str, Value); N]) -> Value {
    let arn = ("role_arn", text("arn:aws:iam::123456789012:role/x"));
    Value::object([arn].into_iter().chain(attributes))
}

async fn configured(config: Value) -> (Deeploy, Diagnostics) {
    let provider = Deeploy::default();
    let capabilities = Capabilities::default();
    let diagnostics = provider.configure(ConfigureRequest { config, terraform_version: "1.11.4".into(), capabilities }).await;
    (provider, diagnostics)
}

fn endpoint(server: &Loopback) -> [(&'static str, Value); 6] {
    [
        ("region", text("eu-west-1")),
        ("endpoint_url", text(&server.url)),
        ("access_key", text(CANARY)),
        ("secret_key", text(CANARY)),
        ("token", text(CANARY)),
        ("max_retries", Value::Number(0_i64.into())),
    ]
}

/// Every mistake: block, attribute, part of the text.
fn mistakes() -> Vec<(Value, &'static str, &'static str)> {
    let tags = |key: &str| Value::object([("tags", Value::object([(key, text("v"))]))]);
    vec![
        (block([("region", text("eu-west-1a"))]), "region", "availability zone"),
        (block([("region", text(""))]), "region", "leave the attribute out"),
        (block([("access_key", text("k"))]), "access_key", "two halves"),
        (block([("secret_key", text("k"))]), "secret_key", "two halves"),
        (block([("token", text("k"))]), "token", "belongs to a key"),
        (block([("allowed_account_ids", list(["012345678901", "1"]))]), "allowed_account_ids[1]", "twelve digits"),
        (block([("forbidden_account_ids", list(["x"]))]), "forbidden_account_ids[0]", "twelve digits"),
        (
            block([("allowed_account_ids", list(["012345678901"])), ("forbidden_account_ids", list(["112345678901"]))]),
            "forbidden_account_ids",
            "not allowed is forbidden",
        ),
        (block([("default_tags", tags("deeploy:owner"))]), "default_tags.tags[\"deeploy:owner\"]", "provider's own"),
        (block([("default_tags", tags("aws:x"))]), "default_tags.tags[\"aws:x\"]", "AWS's own"),
        (block([("ignore_tags", Value::object([("keys", list(["deeploy:uid"]))]))]), "ignore_tags.keys[0]", "provider's own"),
        (block([("ignore_tags", Value::object([("key_prefixes", list(["d"]))]))]), "ignore_tags.key_prefixes[0]", "longer prefix"),
        (block([("endpoint_url", text("localhost:4566"))]), "endpoint_url", "scheme"),
        (block([("endpoints", Value::object([("ec3", text("http://x"))]))]), "endpoints[\"ec3\"]", "iam, kms, s3, secretsmanager, sts"),
        (block([("endpoints", Value::object([("kms", text("x"))]))]), "endpoints[\"kms\"]", "scheme"),
        (block([("endpoint_url", text("http://x")), ("use_fips_endpoint", Value::Bool(true))]), "use_fips_endpoint", "can't be combined"),
        (
            block([("endpoint_url", text("http://x")), ("use_dualstack_endpoint", Value::Bool(true))]),
            "use_dualstack_endpoint",
            "can't be combined",
        ),
        (block([("max_retries", Value::Number(51_i64.into()))]), "max_retries", "0 to 50"),
        (block([("max_retries", Value::Number((-1_i64).into()))]), "max_retries", "0 to 50"),
        (block([("retry_mode", text("legacy"))]), "retry_mode", "adaptive"),
        (block([("http_proxy", text("proxy"))]), "http_proxy", "scheme"),
        (block([("https_proxy", text("http://a:b@"))]), "https_proxy", "no host"),
        (block([("assume_role", Value::List(vec![role([]), Value::Null]))]), "assume_role[1]", "null"),
        (block([("assume_role", Value::List(vec![role([("role_arn", text("x"))])]))]), "assume_role[0].role_arn", "is no ARN"),
        (block([("assume_role", Value::List(vec![role([("role_arn", Value::Null)])]))]), "assume_role[0].role_arn", "ARN of the role"),
        (block([("assume_role", Value::List(vec![role([("duration", text("1m"))])]))]), "assume_role[0].duration", "15 minutes"),
        (block([("assume_role", Value::List(vec![role([("policy", text("{"))])]))]), "assume_role[0].policy", "jsonencode"),
        (block([("assume_role", Value::List(vec![role([("policy_arns", list(["x"]))])]))]), "assume_role[0].policy_arns[0]", "is no ARN"),
        (block([("assume_role", Value::List(vec![role([("session_name", text("a b"))])]))]), "assume_role[0].session_name", "2 to 64"),
        (
            block([("assume_role", Value::List(vec![role([("source_identity", text("a b"))])]))]),
            "assume_role[0].source_identity",
            "2 to 64",
        ),
        (block([("assume_role", Value::List(vec![role([("external_id", text("a b"))])]))]), "assume_role[0].external_id", "1224"),
        (
            block([("assume_role", Value::List(vec![role([("transitive_tag_keys", list(["k"]))])]))]),
            "assume_role[0].transitive_tag_keys[0]",
            "`tags`",
        ),
        (block([("region", text("cn-north-1")), ("assume_role", Value::List(vec![role([])]))]), "assume_role[0].role_arn", "aws-cn"),
        (block([("assume_role_with_web_identity", role([]))]), "assume_role_with_web_identity", "web_identity_token_file"),
        (
            block([("assume_role_with_web_identity", role([("web_identity_token", text("t")), ("web_identity_token_file", text("f"))]))]),
            "assume_role_with_web_identity.web_identity_token_file",
            "not both",
        ),
        (
            block([
                ("access_key", text("a")),
                ("secret_key", text("s")),
                ("assume_role_with_web_identity", role([("web_identity_token", text("t"))])),
            ]),
            "assume_role_with_web_identity",
            "one of the two",
        ),
        (block([("region", Value::Bool(true))]), "region", "string"),
    ]
}

#[tokio::test]
async fn each_mistake_is_told_once_at_its_attribute() {
    for (config, path, part) in mistakes() {
        let validated = Deeploy::default().validate(&config).await;
        let [Diagnostic { summary, detail, path: at, .. }] = validated.as_slice() else { panic!("{path}: {validated:?}") };
        assert_eq!(at.to_string(), path, "{detail}");
        assert!(detail.contains(part), "{path}: {detail}");
        assert!(at.0.len() < 2 || summary.ends_with(path), "{path}: {summary}");
        assert!(!summary.ends_with('.') && detail.ends_with('.'), "{path}: {summary} / {detail}");
        // What was unknown at validation comes known with `configure`.
        let (provider, again) = configured(config).await;
        assert_eq!(again, validated);
        assert!(provider.session.is_unknown(), "a wrong block configures nothing");
    }
}

#[tokio::test]
async fn an_empty_block_and_a_full_one_are_fine() {
    let full = block([
        ("region", text("eu-west-1")),
        ("profile", text("p")),
        ("allowed_account_ids", list(["012345678901"])),
        (
            "assume_role",
            Value::List(vec![role([
                ("duration", text("1h")),
                ("tags", Value::object([("k", text("v"))])),
                ("transitive_tag_keys", list(["k"])),
            ])]),
        ),
        ("default_tags", Value::object([("tags", Value::object([("team", text("x"))]))])),
        ("ignore_tags", Value::object([("keys", list(["a"])), ("key_prefixes", list(["b:"]))])),
        ("endpoints", Value::object([("kms", text("http://127.0.0.1:1"))])),
        ("retry_mode", text("adaptive")),
    ]);
    let (provider, diagnostics) = configured(full.clone()).await;
    assert_eq!(diagnostics, []);
    assert_eq!(provider.session.default_tags(), Some(BTreeMap::from([("team".to_owned(), "x".to_owned())])));
    assert_eq!(provider.session.ignore_tags().key_prefixes, ["b:"]);
    assert!(!provider.session.is_unknown());
    let settings = parse::parse(&full).0.settings.unwrap();
    assert_eq!(settings.accounts, Accounts::Allowed(vec!["012345678901".into()]));
    assert_eq!(settings.endpoints.keys().collect::<Vec<_>>(), [&Service::Kms]);
    assert_eq!(settings.roles[0].session.duration, Some(std::time::Duration::from_secs(3600)));
    let (provider, diagnostics) = configured(block([])).await;
    assert_eq!((diagnostics, provider.session.is_unknown()), (Vec::new(), false));
    assert_eq!(provider.session.default_tags(), Some(BTreeMap::new()));
}

#[tokio::test]
async fn an_unknown_anywhere_is_no_mistake() {
    for attribute in ProviderBlock::attributes() {
        let (provider, diagnostics) = configured(block([(&attribute.name, Value::Unknown)])).await;
        assert_eq!(diagnostics, [], "{}", attribute.name);
        let of_tags = attribute.name == "default_tags";
        assert_eq!(provider.session.is_unknown(), !of_tags, "{}", attribute.name);
        assert_eq!(provider.session.default_tags().is_none(), of_tags, "{}", attribute.name);
    }
    let inside = role([("role_arn", Value::Unknown), ("tags", Value::Unknown), ("transitive_tag_keys", list(["k"]))]);
    for config in [
        block([("assume_role", Value::List(vec![inside.clone(), Value::Unknown]))]),
        block([("assume_role_with_web_identity", inside)]),
        block([("access_key", Value::Unknown), ("secret_key", text("s"))]),
        block([("token", text("t")), ("access_key", Value::Unknown), ("secret_key", Value::Unknown)]),
        block([("allowed_account_ids", Value::List(vec![Value::Unknown]))]),
        block([("endpoints", Value::object([("kms", Value::Unknown)]))]),
        block([("ignore_tags", Value::object([("keys", Value::Unknown)]))]),
    ] {
        let (provider, diagnostics) = configured(config.clone()).await;
        let told: Vec<_> = diagnostics.iter().filter(|one| one.path != Path::of("assume_role_with_web_identity")).collect();
        assert!(told.is_empty(), "{told:?}");
        if diagnostics.is_empty() {
            assert!(provider.session.is_unknown());
            let refused = provider.session.aws().await.unwrap_err();
            assert!(refused[0].summary.contains("not known yet"), "{refused:?}");
        }
    }
    let tags = Value::object([("tags", Value::object([("team", Value::Unknown)]))]);
    let (provider, _) = configured(block([("default_tags", tags)])).await;
    assert_eq!((provider.session.is_unknown(), provider.session.default_tags()), (false, None));
}

#[tokio::test]
async fn everybody_shares_one_attempt() {
    let server = Loopback::start(loopback::sts);
    let (provider, _) = configured(block(endpoint(&server))).await;
    assert_eq!(server.requests().len(), 0, "configuring contacts nothing");
    let all = futures_util::future::join_all((0..20).map(|_| provider.session.aws())).await;
    assert!(all.iter().all(|one| one.as_ref().is_ok_and(|aws| aws.account_id == "123456789012")));
    assert_eq!(server.requests().len(), 1);
    provider.session.configure(parse::parse(&block(endpoint(&server))).0, Environment::default());
    provider.session.aws().await.unwrap();
    assert_eq!(server.requests().len(), 2, "a new configuration connects anew");
}

#[tokio::test]
async fn a_failure_is_told_to_everybody_and_tried_once() {
    let server = Loopback::start(|_| None);
    let (provider, _) = configured(block(endpoint(&server))).await;
    for _ in 0..3 {
        let told = provider.session.aws().await.unwrap_err();
        assert_eq!(told[0].summary, "AWS can't be reached");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_stops_a_connection_is_told_with_its_cure() {
    fn refuse(code: &str) -> Option<(u16, String)> {
        let error = format!("<Error><Code>{code}</Code><Message>said {CANARY}</Message></Error>");
        Some((403, format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}</ErrorResponse>")))
    }
    let answers: [(loopback::Answer, &str, &str); 4] = [
        (|_| refuse("ExpiredToken"), "The AWS credentials have expired", "aws sso login"),
        (|_| refuse("InvalidClientTokenId"), "The AWS credentials are wrong", "is active"),
        (|_| refuse("RequestTimeTooSkewed"), "This machine's clock is wrong", "Set the clock"),
        (|_| refuse("AccessDenied"), "AWS refuses the caller", "administrators"),
    ];
    for (answer, summary, part) in answers {
        let server = Loopback::start(answer);
        let (provider, _) = configured(block(endpoint(&server))).await;
        let told = provider.session.aws().await.unwrap_err();
        assert_eq!(told[0].summary, summary);
        assert!(told[0].detail.contains(part) && told[0].detail.contains("req-1"), "{told:?}");
    }
    let server = Loopback::start(loopback::sts);
    let mut wrong = block(endpoint(&server));
    if let Value::Map(attributes) = &mut wrong {
        attributes.insert("allowed_account_ids".into(), list(["999999999999"]));
    }
    let (provider, _) = configured(wrong).await;
    let told = provider.session.aws().await.unwrap_err();
    assert_eq!(told[0].summary, "Wrong AWS account");
    assert!(told[0].detail.contains("123456789012") && told[0].detail.contains("999999999999"), "{told:?}");
}

#[test]
fn throttling_is_no_broken_network() {
    let failure = Failure {
        class: Class::Throttled,
        operation: "sts:GetCallerIdentity".to_owned(),
        code: Some("Throttling".to_owned()),
        request_id: None,
        message: "Rate exceeded".to_owned(),
        attribute: None,
        retry_after: None,
    };
    let told = reasons::diagnostic(&ConnectError::Call(failure));
    assert_eq!(told.summary, "AWS throttles the account");
    assert!(told.detail.contains("too often") && !told.detail.contains("prox"), "{told:?}");
}

#[tokio::test]
async fn a_role_that_refuses_is_named() {
    let server = Loopback::start(|request| {
        let error = "<Error><Code>AccessDenied</Code><Message>is not authorized to perform: sts:AssumeRole</Message></Error>";
        let reply = format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}</ErrorResponse>");
        if request.contains("role%2Fx") { Some((403, reply)) } else { loopback::sts(request) }
    });
    let mut config = block(endpoint(&server));
    if let Value::Map(attributes) = &mut config {
        let first = role([("role_arn", text("arn:aws:iam::123456789012:role/fine"))]);
        attributes.insert("assume_role".into(), Value::List(vec![first, role([])]));
    }
    let (provider, _) = configured(config).await;
    let told = provider.session.aws().await.unwrap_err();
    assert!(told[0].summary.contains("arn:aws:iam::123456789012:role/x"), "{told:?}");
    assert!(told[0].detail.contains("assume_role[1]") && told[0].detail.contains("trust policy"), "{told:?}");
    assert!(!format!("{told:?}").contains("canary"));
}

#[tokio::test]
async fn no_secret_is_ever_told() {
    let secret = || text(CANARY);
    let url = format!("http://user:{CANARY}@");
    for config in [
        block([("access_key", secret()), ("token", secret())]),
        block([("http_proxy", text(&url)), ("https_proxy", text(&url))]),
        block([("assume_role_with_web_identity", role([("web_identity_token", secret()), ("web_identity_token_file", text("f"))]))]),
    ] {
        let (provider, diagnostics) = configured(config).await;
        assert!(!diagnostics.is_empty());
        assert!(!format!("{diagnostics:?} {provider:?}").contains(CANARY), "{diagnostics:?}");
    }
    let server = Loopback::start(|_| None);
    let (provider, _) = configured(block(endpoint(&server))).await;
    let told = provider.session.aws().await.unwrap_err();
    assert!(!format!("{told:?} {provider:?}").contains(CANARY), "{told:?}");
}

#[test]
fn the_schema_hides_secrets_and_describes_everything() {
    let hidden: Vec<_> = ProviderBlock::attributes().into_iter().filter(|one| one.sensitive).map(|one| one.name).collect();
    assert_eq!(hidden, ["access_key", "secret_key", "token", "http_proxy", "https_proxy"]);
    for attribute in Deeploy::default().schema().attributes {
        assert!(attribute.description.ends_with('.'), "{}: {}", attribute.name, attribute.description);
        if attribute.name == "endpoints" {
            assert!(matches!(attribute.ty, AttributeType::Plain(Type::Map(_))));
            for (name, _) in Service::ALL {
                assert!(attribute.description.contains(&format!("`{name}`")), "{name} is not described");
            }
        }
    }
}
