//! `deeploy_rds_credentials`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use tf_provider::{Attr, Diagnostic, Diagnostics, EphemeralResource, Model, OpenRequest, OpenResponse, Path, Schema, Value};

use super::failed;
use crate::{
    aws::{Arn, SecretValue},
    provider::Session,
};

/// A database's login out of Secrets Manager, for one run: the secret that RDS keeps for its master user, or one that `deeploy_rds_user`
/// made. The password stands in no plan and no state: give it to write-only attributes, provisioners or another provider's block.
/// Needs Terraform 1.10 or OpenTofu 1.11, and the right to `secretsmanager:GetSecretValue` and, for a key of your own, `kms:Decrypt`.
#[derive(Clone, Debug, Default, Model)]
struct Credentials {
    /// ARN of the secret; it may be in another region. Either this or `secret_id`.
    #[tf(optional)]
    secret_arn: Attr<String>,
    /// Name of the secret, or its ARN. Either this or `secret_arn`.
    #[tf(optional)]
    secret_id: Attr<String>,
    /// Which version: `AWSCURRENT`, `AWSPREVIOUS`, or a stage of your own.
    #[tf(optional, computed, default = "AWSCURRENT")]
    version_stage: Attr<String>,
    /// The user's name.
    #[tf(computed)]
    username: Attr<String>,
    /// The user's password.
    #[tf(computed, sensitive)]
    password: Attr<String>,
    /// The database's host name; null where the secret doesn't tell. RDS's own secrets hold only name and password.
    #[tf(computed)]
    host: Attr<String>,
    /// The database's port; null where the secret doesn't tell.
    #[tf(computed)]
    port: Attr<i64>,
    /// E.g. `postgres`; null where the secret doesn't tell.
    #[tf(computed)]
    engine: Attr<String>,
    /// Name of the database; null where the secret doesn't tell.
    #[tf(computed)]
    dbname: Attr<String>,
    /// Id of the version that was read.
    #[tf(computed)]
    version_id: Attr<String>,
}

/// The resource.
#[derive(Debug)]
pub(super) struct RdsCredentials {
    session: Arc<Session>,
}

impl RdsCredentials {
    pub(super) const fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

#[async_trait]
impl EphemeralResource for RdsCredentials {
    fn type_name(&self) -> &'static str {
        "deeploy_rds_credentials"
    }

    fn schema(&self) -> Schema {
        Schema::of::<Credentials>(0)
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        Credentials::from_value(config, &Path::root()).map_or_else(|errors| errors, |config| check(&config))
    }

    async fn open(&self, request: OpenRequest) -> OpenResponse {
        if self.session.is_unknown() {
            return OpenResponse { provider_unknown: true, ..OpenResponse::default() };
        }
        match self.read(&request.config).await {
            Ok(result) => OpenResponse { result, ..OpenResponse::default() },
            Err(diagnostics) => OpenResponse { diagnostics, ..OpenResponse::default() },
        }
    }
}

impl RdsCredentials {
    async fn read(&self, config: &Value) -> Result<Value, Diagnostics> {
        let mut model = Credentials::from_value(config, &Path::root())?;
        let (attribute, secret) = match (&model.secret_arn, &model.secret_id) {
            (Attr::Known(arn), _) => ("secret_arn", arn.clone()),
            (_, Attr::Known(id)) => ("secret_id", id.clone()),
            // Both may have been unknown when the configuration was validated.
            _ => return Err(check(&model)),
        };
        let stage = model.version_stage.as_str().unwrap_or_default().to_owned();
        let aws = self.session.aws().await?;
        let found = aws.secret_value(&secret, &stage).await;
        let found = found.map_err(|failure| vec![failed(Path::of(attribute), "The secret can't be read", &failure)])?;
        let Some(found) = found else { return Err(vec![missing(attribute, &secret, &stage, &aws.region)]) };
        let told = told(&found).map_err(|why| vec![unusable(attribute, &secret, &found.version_id, &why)])?;
        model.username = Attr::Known(told.username);
        model.password = Attr::Known(told.password);
        (model.host, model.engine, model.dbname) = (told.host, told.engine, told.dbname);
        model.port = told.port;
        model.version_id = Attr::Known(found.version_id);
        Ok(model.to_value())
    }
}

fn check(config: &Credentials) -> Diagnostics {
    let mut said = Vec::new();
    if config.secret_arn.is_null() && config.secret_id.is_null() {
        let detail = "Set `secret_arn`, e.g. to the `master_secret_arn` of a database, or `secret_id` to the name of a secret.";
        said.push(Diagnostic::error(Path::of("secret_arn"), "No secret is named", detail));
    }
    if !config.secret_arn.is_null() && !config.secret_id.is_null() {
        let detail = "`secret_arn` and `secret_id` both name the secret. Keep one of them.";
        said.push(Diagnostic::error(Path::of("secret_id"), "The secret is named twice", detail));
    }
    if let Some(arn) = config.secret_arn.as_str() {
        let wrong = match Arn::parse(arn) {
            Ok(arn) if arn.service == "secretsmanager" && arn.resource.starts_with("secret:") => None,
            Ok(_) => {
                Some(format!("{arn:?} is not the ARN of a secret: that looks like arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME"))
            }
            Err(error) => Some(error.to_string()),
        };
        said.extend(wrong.map(|wrong| Diagnostic::error(Path::of("secret_arn"), "No ARN of a secret", format!("{wrong}."))));
    }
    for (name, value) in [("secret_id", &config.secret_id), ("version_stage", &config.version_stage)] {
        if value.as_str() == Some("") {
            said.push(Diagnostic::error(Path::of(name), "An empty name", format!("`{name}` is empty. Give it a value, or leave it out.")));
        }
    }
    said
}

fn missing(attribute: &str, secret: &str, stage: &str, region: &str) -> Diagnostic {
    let detail = format!(
        "There is no secret {secret:?}, or it has no version at the stage {stage:?}. A name is looked for in the provider's region, {region}: \
         give the ARN of a secret elsewhere. A secret that a resource of the same configuration makes exists only after the apply."
    );
    Diagnostic::error(Path::of(attribute), "The secret was not found", detail)
}

/// Never with any of the content.
fn unusable(attribute: &str, secret: &str, version: &str, why: &str) -> Diagnostic {
    let detail = format!(
        "Version {version} of {secret:?} is not a database's login: {why}. It must be a JSON object as RDS and Secrets Manager's rotation \
         write it: {{\"username\": …, \"password\": …}} and, if they are known, \"host\", \"port\", \"engine\" and \"dbname\"."
    );
    Diagnostic::error(Path::of(attribute), "The secret holds no database login", detail)
}

/// What a secret tells.
#[derive(PartialEq)]
struct Told {
    username: String,
    password: String,
    host: Attr<String>,
    port: Attr<i64>,
    engine: Attr<String>,
    dbname: Attr<String>,
}

/// # Errors
/// What is wrong with it, in words that hold nothing of it.
fn told(secret: &SecretValue) -> Result<Told, String> {
    let text = secret.text.as_deref().ok_or("it is binary")?;
    // The parser's own message would quote the content.
    let json: Json = serde_json::from_str(text).map_err(|_| "it is no JSON")?;
    let object = json.as_object().ok_or("it is no JSON object")?;
    let optional = |name: &str| match object.get(name) {
        None | Some(Json::Null) => Ok(Attr::Null),
        Some(Json::String(text)) if text.is_empty() => Ok(Attr::Null),
        Some(Json::String(text)) => Ok(Attr::Known(text.clone())),
        Some(_) => Err(format!("its {name:?} is no text")),
    };
    let required = |name: &str| optional(name)?.into_known().ok_or_else(|| format!("it has no {name:?}"));
    Ok(Told {
        username: required("username")?,
        password: required("password")?,
        host: optional("host")?,
        port: port(object.get("port"))?,
        engine: optional("engine")?,
        dbname: optional("dbname")?,
    })
}

/// AWS's templates write a number, some tools a text.
fn port(value: Option<&Json>) -> Result<Attr<i64>, String> {
    let wrong = || "its \"port\" is no port".to_owned();
    let number = match value {
        None | Some(Json::Null) => return Ok(Attr::Null),
        Some(Json::String(text)) if text.is_empty() => return Ok(Attr::Null),
        Some(Json::String(text)) => text.trim().parse::<u16>().ok(),
        Some(Json::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(_) => None,
    };
    number.filter(|port| *port > 0).map(|port| Attr::Known(i64::from(port))).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: Option<&str>) -> Result<Told, String> {
        told(&SecretValue { text: text.map(str::to_owned), version_id: "v".into() })
    }

    fn known(text: &str) -> Attr<String> {
        Attr::Known(text.to_owned())
    }

    #[test]
    fn rdss_own_secrets_tell_name_and_password_others_everything() {
        let (username, password) = ("deeploy_admin".to_owned(), "p%w:#é\"".to_owned());
        let (host, engine, dbname) = (Attr::Null, Attr::Null, Attr::Null);
        let own = Told { username, password, host, port: Attr::Null, engine, dbname };
        assert!(of(Some(r#"{"username":"deeploy_admin","password":"p%w:#é\""}"#)) == Ok(own));
        let all = Told {
            username: "u".into(),
            password: "p".into(),
            host: known("db.example"),
            port: Attr::Known(5432),
            engine: known("postgres"),
            dbname: Attr::Null,
        };
        let text = r#"{"username":"u","password":"p","host":"db.example","port":"5432","engine":"postgres","dbname":"","masterarn":"x"}"#;
        assert!(of(Some(text)) == Ok(all));
    }

    #[test]
    fn what_is_wrong_is_said_without_any_of_the_content() {
        for (text, why) in [
            (None, "it is binary"),
            (Some("canary"), "it is no JSON"),
            (Some(r#"{"username": "canary", "password": canary}"#), "it is no JSON"),
            (Some(r#"["canary"]"#), "it is no JSON object"),
            (Some(r#"{"password":"canary"}"#), "it has no \"username\""),
            (Some(r#"{"username":"canary","password":""}"#), "it has no \"password\""),
            (Some(r#"{"username":"canary","password":{"canary":1}}"#), "its \"password\" is no text"),
            (Some(r#"{"username":"u","password":"canary","port":"canary"}"#), "its \"port\" is no port"),
            (Some(r#"{"username":"u","password":"canary","port":70000}"#), "its \"port\" is no port"),
            (Some(r#"{"username":"u","password":"canary","port":0}"#), "its \"port\" is no port"),
        ] {
            let said = of(text).err().unwrap_or_default();
            assert_eq!(said, why);
            let shown = unusable("secret_id", "name", "v1", &said);
            assert!(!shown.detail.contains("canary") && shown.detail.contains("v1"), "{shown:?}");
        }
    }
}
