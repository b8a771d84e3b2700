//! Why AWS can't be used, for people: the cause, and what to do.

use tf_provider::{Diagnostic, Path};

use crate::{
    aws::{ConnectError, RoleError, settings::Accounts},
    graph::{Class, Failure},
};

/// Ways to credentials, for those who have none.
const GIVE_CREDENTIALS: &str = "Give credentials in one of these ways: `aws sso login` or `aws configure` and the provider's `profile` (or AWS_PROFILE); \
     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; `assume_role_with_web_identity` in pipelines; a role on the instance or container.";

/// What to tell about a connection that failed. Attribute paths are those of the provider block; Terraform shows the diagnostic at
/// the resource that needed AWS, so that the text names the attribute too.
pub(super) fn diagnostic(error: &ConnectError) -> Diagnostic {
    let (summary, detail) = match error {
        ConnectError::NoRegion => (
            "No AWS region".to_owned(),
            "Neither the provider's `region`, nor AWS_REGION, nor the profile names a region. Set one of them, e.g. region = \"eu-west-1\".".to_owned(),
        ),
        ConnectError::NoCredentials(cause) => ("No AWS credentials".to_owned(), format!("No credentials were found ({cause}). {GIVE_CREDENTIALS}")),
        ConnectError::BadCredentials(cause) => (
            "AWS credentials could not be loaded".to_owned(),
            format!("{cause}. Check the profile's name and files, renew a session with `aws sso login`, or choose another way. {GIVE_CREDENTIALS}"),
        ),
        ConnectError::Role(error) => role(error),
        ConnectError::SharedFile { attribute, path, cause } => (
            "A shared file can't be read".to_owned(),
            format!("{path}, named by the provider's `{attribute}`: {cause}. Correct the path, or remove it to use the default file."),
        ),
        ConnectError::CaBundle { path, cause } => (
            "The bundle of certificate authorities can't be used".to_owned(),
            format!("{path}: {cause}. Give a PEM file in the provider's `custom_ca_bundle` (or AWS_CA_BUNDLE), or remove it."),
        ),
        ConnectError::Proxy(source) => (
            "The proxy can't be used".to_owned(),
            format!("{source} holds no URL of a proxy. It looks like http://HOST:PORT."),
        ),
        ConnectError::Http(cause) => ("No HTTP client".to_owned(), format!("{cause}. Check `custom_ca_bundle` and the proxies.")),
        ConnectError::Call(failure) => call(failure),
        ConnectError::Account { caller, accounts } => (
            "Wrong AWS account".to_owned(),
            format!("The credentials belong to account {} ({}). {} Nothing was touched.", caller.account_id, caller.arn, lists(accounts)),
        ),
        ConnectError::TimedOut => (
            "AWS did not answer".to_owned(),
            format!("{error} while loading credentials and asking who calls. Check the network, the proxies and `endpoint_url`."),
        ),
    };
    Diagnostic::error(Path::root(), summary, detail)
}

fn lists(accounts: &Accounts) -> String {
    match accounts {
        Accounts::Any => String::new(),
        Accounts::Allowed(ids) => {
            format!("`allowed_account_ids` allows only {}. Use credentials of an allowed account, or add this one.", ids.join(", "))
        }
        Accounts::Forbidden(_) => "`forbidden_account_ids` forbids it. Use credentials of another account.".to_owned(),
    }
}

fn role(error: &RoleError) -> (String, String) {
    match error {
        RoleError::Token { path, cause } => (
            "The web identity token can't be read".to_owned(),
            format!(
                "{path}: {cause}. Correct `assume_role_with_web_identity.web_identity_token_file`, or let the pipeline write the token first."
            ),
        ),
        RoleError::Refused { position, role_arn, failure } => {
            let attribute = position.map_or_else(|| "assume_role_with_web_identity".to_owned(), |index| format!("assume_role[{index}]"));
            let fix = match failure.class {
                Class::Denied => {
                    "The role's trust policy must admit the caller (and its external id, tags and source identity), and the caller needs sts:AssumeRole on the role."
                }
                Class::Credentials => "The credentials or the token before it are wrong or have expired: renew them.",
                Class::Throttled => "Something else in the account calls AWS too often: let it end, then try again.",
                class if class.is_retryable() => {
                    "AWS was not reached or too busy: check the network, the proxies and the `sts` endpoint, then try again."
                }
                _ => "Correct the attributes of this role.",
            };
            (format!("The role {role_arn} can't be taken on"), format!("`{attribute}`: {}. {fix}", told(failure)))
        }
    }
}

fn call(failure: &Failure) -> (String, String) {
    let told = told(failure);
    match (failure.class, failure.code.as_deref().unwrap_or_default()) {
        (Class::Credentials, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => (
            "The AWS credentials have expired".to_owned(),
            format!("{told}. Renew them: `aws sso login`, a new token, or a new run of the pipeline."),
        ),
        (Class::Credentials, "RequestTimeTooSkewed" | "RequestInTheFuture") => {
            ("This machine's clock is wrong".to_owned(), format!("{told}. Set the clock; AWS tolerates 5 minutes."))
        }
        (Class::Credentials, _) => (
            "The AWS credentials are wrong".to_owned(),
            format!(
                "{told}. Check that the key exists, is active, and that its secret and session token belong to it and to this partition."
            ),
        ),
        (Class::Invalid, _) => (
            "AWS can't be called with this configuration".to_owned(),
            format!("{told}. Check `region`, `endpoint_url`, `endpoints` and `custom_ca_bundle`."),
        ),
        (Class::Denied, _) => {
            ("AWS refuses the caller".to_owned(), format!("{told}. The account's administrators can tell which policy denies it."))
        }
        (Class::Throttled, _) => (
            "AWS throttles the account".to_owned(),
            format!("{told}, and did so for minutes. Something else in the account calls AWS too often: let it end, then try again."),
        ),
        _ => (
            "AWS can't be reached".to_owned(),
            format!("{told}. Check the network, the proxies, `region`, `endpoint_url` and AWS_ENDPOINT_URL, then try again."),
        ),
    }
}

/// The failure with AWS's code and request id.
fn told(failure: &Failure) -> String {
    let code = failure.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    let request = failure.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
    format!("{}:{code} {}{request}", failure.operation, failure.message.trim_end_matches('.'))
}
