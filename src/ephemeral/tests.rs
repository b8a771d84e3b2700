//! The ephemeral resources from Terraform's side, against servers on the loopback that answer as AWS does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tf_provider::{Capabilities, Diagnostic, Provider as _, Value, testing::Terraform};

use crate::{
    aws::loopback::{self, Loopback},
    provider::Deeploy,
};

const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";

fn text(value: &str) -> Value {
    Value::from(value)
}

/// A provider in eu-west-1 that talks to this server.
async fn terraform(server: &Loopback) -> Terraform {
    let terraform = Terraform::new(Deeploy::default());
    let block = Value::object([
        ("region", text("eu-west-1")),
        ("endpoint_url", text(&server.url)),
        ("access_key", text("AKIAEPHEMERAL")),
        ("secret_key", text("ephemeral-signing-canary")),
        ("max_retries", Value::from(0)),
    ]);
    assert_eq!(terraform.configure(&block).await.unwrap(), []);
    terraform
}

/// STS, and a secret as RDS's managed one is; its name is `db`.
fn aws(request: &str) -> Option<(u16, String)> {
    if !request.to_ascii_lowercase().contains("x-amz-target: secretsmanager.getsecretvalue") {
        return loopback::sts(request);
    }
    let value = r#"{\"username\":\"deeploy_admin\",\"password\":\"secret-canary-%w:\"}"#;
    Some(if request.contains("\"db\"") || request.contains("secret:db-AbCdEf") {
        (200, format!(r#"{{"ARN":"{SECRET_ARN}","Name":"db","VersionId":"v-1","SecretString":"{value}"}}"#))
    } else if request.contains("\"malformed\"") {
        (200, r#"{"VersionId":"v-2","SecretString":"{\"username\": \"malformed-canary"}"#.to_owned())
    } else if request.contains("\"denied\"") {
        (400, r#"{"__type":"AccessDeniedException","Message":"User: me is not authorized"}"#.to_owned())
    } else {
        (400, r#"{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}"#.to_owned())
    })
}

fn only(said: &[Diagnostic]) -> &Diagnostic {
    assert_eq!(said.len(), 1, "{said:#?}");
    &said[0]
}

fn secret(attribute: &str, value: &str) -> Value {
    Value::object([(attribute, text(value))])
}

#[test]
fn every_schema_is_one_that_terraform_accepts() {
    let provider = Deeploy::default();
    let names: Vec<&str> = provider.ephemeral_resources().iter().map(|each| each.type_name()).collect();
    assert_eq!(names, ["deeploy_rds_credentials", "deeploy_rds_auth_token"]);
    for each in provider.ephemeral_resources() {
        assert_eq!(each.schema().check(), Vec::<String>::new(), "{}", each.type_name());
    }
}

#[tokio::test]
async fn credentials_come_from_the_secret() {
    let server = Loopback::start(aws);
    let terraform = terraform(&server).await;
    terraform.check_ephemeral_unknowns("deeploy_rds_credentials", &secret("secret_id", "db")).await;
    assert_eq!(server.requests().len(), 0, "what isn't known yet is not asked for");
    for config in [secret("secret_id", "db"), secret("secret_arn", SECRET_ARN)] {
        let opened = terraform.open_ephemeral("deeploy_rds_credentials", &config).await.unwrap();
        let value = &opened.value;
        assert_eq!((value.get("username"), value.get("password")), (&text("deeploy_admin"), &text("secret-canary-%w:")));
        assert_eq!((value.get("version_stage"), value.get("version_id")), (&text("AWSCURRENT"), &text("v-1")));
        assert!(["host", "port", "engine", "dbname"].iter().all(|name| value.get(name).is_null()), "{value:?}");
        assert!(opened.renew_at.is_none());
        opened.close().await.unwrap();
    }
    assert_eq!(tf_provider::log::masked("secret-canary-%w:"), "(sensitive value)");
}

#[tokio::test]
async fn a_secret_in_another_region_is_asked_for_there() {
    let server = Loopback::start(aws);
    let there = SECRET_ARN.replace("eu-west-1", "us-east-2");
    terraform(&server).await.open_ephemeral("deeploy_rds_credentials", &secret("secret_arn", &there)).await.unwrap();
    let asked = server.requests().into_iter().find(|request| request.contains("secret:db-AbCdEf")).unwrap();
    assert!(asked.contains("/us-east-2/secretsmanager/aws4_request"), "{asked}");
}

#[tokio::test]
async fn what_keeps_credentials_away_is_told_at_the_attribute_without_any_content() {
    let server = Loopback::start(aws);
    let terraform = terraform(&server).await;
    for (name, summary, part) in [
        ("malformed", "The secret holds no database login", "it is no JSON"),
        ("denied", "The secret can't be read", "Give the one who runs Terraform the right"),
        ("nowhere", "The secret was not found", "eu-west-1"),
    ] {
        let said = terraform.open_ephemeral("deeploy_rds_credentials", &secret("secret_id", name)).await.err().unwrap();
        let told = only(&said);
        assert_eq!((told.summary.as_str(), told.path.to_string().as_str()), (summary, "secret_id"));
        assert!(told.detail.contains(part) && !told.detail.contains("canary"), "{told:?}");
    }
    for (config, at) in [
        (Value::object([("secret_id", Value::Null)]), "secret_arn"),
        (Value::object([("secret_id", text("db")), ("secret_arn", text(SECRET_ARN))]), "secret_id"),
        (secret("secret_arn", "db"), "secret_arn"),
        (secret("secret_arn", "arn:aws:kms:eu-west-1:123456789012:key/1"), "secret_arn"),
        (secret("secret_id", ""), "secret_id"),
    ] {
        let said = terraform.validate_ephemeral("deeploy_rds_credentials", &config).await;
        assert_eq!(only(&said).path.to_string(), at);
    }
}

fn login(host: &str) -> Value {
    Value::object([("host", text(host)), ("port", Value::from(5432)), ("username", text("deeploy"))])
}

#[tokio::test]
async fn a_token_is_signed_here_for_the_databases_own_region() {
    let server = Loopback::start(aws);
    let terraform = terraform(&server).await;
    let host = "db.c1.eu-central-1.rds.amazonaws.com";
    terraform.check_ephemeral_unknowns("deeploy_rds_auth_token", &login(host)).await;
    for (config, region) in [(login(host), "eu-central-1"), (login("db.internal"), "eu-west-1")] {
        let opened = terraform.open_ephemeral("deeploy_rds_auth_token", &config).await.unwrap();
        let (token, host) = (opened.value.get("token").as_str().unwrap(), config.get("host").as_str().unwrap());
        assert!(token.starts_with(&format!("{host}:5432/?Action=connect&DBUser=deeploy&")), "{token}");
        assert!(token.contains(&format!("%2F{region}%2Frds-db%2Faws4_request")) && token.contains("X-Amz-Expires=900"), "{token}");
        assert_eq!(opened.value.get("region"), &text(region));
        assert!(opened.value.get("expires_at").as_str().unwrap().ends_with('Z'));
        assert_eq!(tf_provider::log::masked(token), "(sensitive value)");
    }
    assert!(server.requests().iter().all(|request| request.contains("GetCallerIdentity")), "{:?}", server.requests());
    let wrong = terraform.validate_ephemeral("deeploy_rds_auth_token", &login("https://db")).await;
    assert_eq!(only(&wrong).path.to_string(), "host");
}

#[tokio::test]
async fn while_the_provider_block_is_unknown_nothing_is_opened() {
    let unknown = Value::object([("region", Value::Unknown)]);
    for (deferral_allowed, deferred) in [(false, false), (true, true)] {
        let capabilities = Capabilities { deferral_allowed, ..Capabilities::default() };
        let terraform = Terraform::new(Deeploy::default()).with_capabilities(capabilities);
        terraform.configure(&unknown).await.unwrap();
        for (name, config, made) in
            [("deeploy_rds_credentials", secret("secret_id", "db"), "password"), ("deeploy_rds_auth_token", login("db"), "token")]
        {
            let opened = terraform.open_ephemeral(name, &config).await.unwrap();
            assert_eq!((opened.deferred, opened.value.get(made)), (deferred, &Value::Unknown), "{name}");
        }
    }
}
