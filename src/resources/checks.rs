//! Validators of the resources' attributes: what AWS would refuse later is refused at its attribute now, with the remedy.

use std::sync::Arc;

use tf_provider::{Diagnostic, Path, Validator, Value};

use crate::{
    aws::Arn,
    policies::{Place, parse_statements, parse_trust_statements},
    presets::Preset,
};

use super::tags::OURS;

/// AWS's limits on tags.
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;
/// RDS's longest identifier.
const RDS_NAME_MAX: usize = 63;
const TAGS_MAX: usize = 44; // 50 of AWS less our own six

/// What is wrong, and what to do; `None`: fine.
pub(super) type Problem = Option<(String, String)>;

pub(super) fn text(check: impl Fn(&str) -> Problem + Send + Sync + 'static) -> Validator {
    Arc::new(move |value, path| value.as_str().map_or_else(Vec::new, |text| said(path, check(text))))
}

/// The same for each element of a list or set, at the whole attribute's path: elements of sets have none of their own.
pub(super) fn each(check: impl Fn(&str) -> Problem + Send + Sync + 'static) -> Validator {
    Arc::new(move |value, path| match value {
        Value::List(items) => items.iter().flat_map(|item| said(path, element(item, &check))).collect(),
        _ => Vec::new(),
    })
}

fn element(item: &Value, check: impl Fn(&str) -> Problem) -> Problem {
    match item {
        Value::Null => problem("An element is null", "Leave it out, e.g. with compact()."),
        item => item.as_str().and_then(check),
    }
}

pub(super) fn said(path: &Path, problem: Problem) -> Vec<Diagnostic> {
    problem.map(|(summary, detail)| Diagnostic::error(path.clone(), summary, detail)).into_iter().collect()
}

pub(super) fn problem(summary: &str, detail: impl Into<String>) -> Problem {
    Some((summary.to_owned(), detail.into()))
}

/// `production` or `development`.
pub(super) fn preset() -> Validator {
    text(|name| match Preset::parse(name) {
        Some(_) => None,
        None => problem("Unknown preset", format!("There is no preset {name:?}: choose \"production\" or \"development\".")),
    })
}

pub(super) use tf_provider::validators::{integer_between as between, length_between as length, one_of};

/// Longest name of an environment: what is named after it (`NAME-artifacts-ACCOUNT-REGION-logs`, roles, rules) must fit AWS's limits.
pub(super) const ENVIRONMENT_NAME_MAX: usize = 32;

/// A name that everything in an environment can be named after: by the rules of RDS identifiers, EKS clusters and buckets.
pub(super) fn environment_name() -> Validator {
    text(|name| {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let fits = starts && name.len() <= ENVIRONMENT_NAME_MAX && name.bytes().all(legal) && !name.ends_with('-') && !name.contains("--");
        match fits {
            true => None,
            false => problem(
                "Not a name for an environment",
                format!(
                    "{name:?}: 1 to {ENVIRONMENT_NAME_MAX} lower-case letters, digits and single hyphens that start with a letter and don't end with a \
                     hyphen. Cluster, database, bucket and roles are named after it."
                ),
            ),
        }
    })
}

/// What follows `alias/`.
pub(super) fn key_name() -> Validator {
    text(|name| {
        let legal = |character: char| character.is_ascii_alphanumeric() || "/_-".contains(character);
        if name.starts_with("alias/") {
            problem(
                "The name without `alias/`",
                format!("Write {:?}: the provider adds `alias/` itself.", name.trim_start_matches("alias/")),
            )
        } else if name.starts_with("aws/") {
            problem("Names that start with aws/ are AWS's own", "Choose another name.")
        } else if name.is_empty() || name.len() > 250 || !name.chars().all(legal) {
            problem("Not a key name", format!("{name:?} can't be an alias: 1 to 250 letters, digits, `/`, `_` and `-`."))
        } else {
            None
        }
    })
}

/// A bucket's name, by S3's rules for general purpose buckets.
pub(super) fn bucket_name() -> Validator {
    text(|name| {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start))
            || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end));
        if !(3..=63).contains(&name.len()) || !name.bytes().all(legal) || !edge(name.bytes().next()) || !edge(name.bytes().last()) {
            problem(
                "Not a bucket name",
                format!("{name:?}: 3 to 63 lower-case letters, digits and hyphens that start and end with a letter or digit."),
            )
        } else if name.contains('.') {
            problem("A dot in a bucket's name", "The certificate of S3 doesn't cover such names, so TLS fails: use a hyphen.")
        } else if reserved {
            problem("A reserved bucket name", format!("S3 keeps names like {name:?} for itself: choose another start or end."))
        } else {
            None
        }
    })
}

/// What RDS names an instance.
pub(super) fn rds_name() -> Validator {
    text(|name| {
        let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        match (1..=RDS_NAME_MAX).contains(&name.len()) && legal && begins && !name.ends_with('-') && !name.contains("--") {
            true => None,
            false => problem(
                "Not a database's name",
                format!(
                    "{name:?}: 1 to {RDS_NAME_MAX} letters, digits and hyphens that begin with a letter, end with none and have no two hyphens in a row."
                ),
            ),
        }
    })
}

/// A name of IAM, of at most `max` characters.
pub(super) fn iam_name(max: usize) -> Validator {
    text(move |name| {
        let legal = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
        match !name.is_empty() && name.len() <= max && name.chars().all(legal) {
            true => None,
            false => problem("Not an IAM name", format!("{name:?}: 1 to {max} letters, digits and the characters + = , . @ _ -.")),
        }
    })
}

/// A path of IAM: `/` or `/…/`.
pub(super) fn iam_path() -> Validator {
    text(|path| {
        let printable = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        match path == "/"
            || (path.starts_with('/') && path.ends_with('/') && path.len() > 2 && path.len() <= 512 && printable && !path.contains("//"))
        {
            true => None,
            false => problem("Not an IAM path", format!("{path:?} must start and end with a slash, e.g. \"/deeploy/\".")),
        }
    })
}

/// ARN of an object of a service, e.g. `("kms", "key/")`.
pub(super) fn arn_of(service: &'static str, resource: &'static str) -> Validator {
    text(move |text| match Arn::parse(text) {
        Ok(arn) if arn.service == service && arn.resource.starts_with(resource) => None,
        Ok(arn) => problem(
            "The ARN of something else",
            format!("{text:?} names {}:{}; expected is an ARN of {service} whose resource is {resource}….", arn.service, arn.resource),
        ),
        Err(_) => problem("Not an ARN", format!("{text:?} is not of the form arn:PARTITION:{service}:REGION:ACCOUNT:{resource}….")),
    })
}

/// A bucket's ARN.
pub(super) fn bucket_arn() -> Validator {
    text(|text| match Arn::parse(text) {
        Ok(arn) if arn.service == "s3" && !arn.resource.is_empty() && !arn.resource.contains('/') => None,
        _ => problem(
            "Not a bucket's ARN",
            format!("{text:?} is not of the form arn:PARTITION:s3:::BUCKET; objects (BUCKET/*) are added by the provider."),
        ),
    })
}

/// ARNs of roles, users, role sessions or accounts.
pub(super) fn principals() -> Validator {
    each(|text| match Arn::parse(text) {
        Ok(arn) if matches!(arn.service.as_str(), "iam" | "sts") && is_principal(&arn.resource) => None,
        Ok(arn) => problem(
            "Not a principal",
            format!(
                "{text:?} names {}:{}; a principal is a role, a user, a role session or an account's root, without wildcards.",
                arn.service, arn.resource
            ),
        ),
        Err(_) if text == "*" => {
            problem("Everybody is no principal", "Name the roles or users, or write the statement into `policy_statements`.")
        }
        Err(_) => problem("Not an ARN", format!("{text:?} is not of the form arn:PARTITION:iam::ACCOUNT:role/NAME.")),
    })
}

/// What policies may name: no groups, no policies, no patterns.
pub(super) fn is_principal(resource: &str) -> bool {
    let kinds = ["role/", "user/", "assumed-role/", "federated-user/"];
    !resource.contains(['*', '?'])
        && (resource == "root" || kinds.iter().any(|kind| resource.len() > kind.len() && resource.starts_with(kind)))
}

/// Service principals.
pub(super) fn services() -> Validator {
    each(|text| {
        let host =
            text.contains('.') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        match host {
            true => None,
            false => problem("Not a service principal", format!("{text:?} is not like \"logs.eu-central-1.amazonaws.com\".")),
        }
    })
}

/// Mail addresses, by what SNS takes at least; whether there is somebody behind one only a mail tells.
pub(super) fn emails() -> Validator {
    const ADDRESS_MAX: usize = 254;
    each(|text| {
        let parts = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !local.contains('@') && domain.contains('.'));
        let plain = text.len() <= ADDRESS_MAX && text.chars().all(|char| char.is_ascii_graphic() && !"<>,;\"()[]\\".contains(char));
        match parts.filter(|(_, domain)| plain && !domain.starts_with('.') && !domain.ends_with('.')) {
            Some(_) => None,
            None => problem("Not a mail address", format!("{text:?} is not like \"ops@example.com\"; name and brackets are left out.")),
        }
    })
}

/// A name of a Kubernetes namespace or service account.
fn kubernetes(name: &str) -> Problem {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match name.len() <= 253 && edge(name.bytes().next()) && edge(name.bytes().last()) && name.bytes().all(inner) {
        true => None,
        false if name.contains('*') => problem(
            "A wildcard in a trust",
            format!("{name:?}: name each namespace and service account, so that no other pod becomes the role."),
        ),
        false => problem(
            "Not a Kubernetes name",
            format!("{name:?}: lower-case letters, digits, `-` and `.`, with a letter or digit at both ends."),
        ),
    }
}

/// A Kubernetes namespace or service account.
pub(super) fn kubernetes_name() -> Validator {
    text(kubernetes)
}

/// At least one of them.
pub(super) fn kubernetes_names() -> Validator {
    let names = each(kubernetes);
    Arc::new(move |value, path| match value {
        Value::List(items) if items.is_empty() => {
            said(path, problem("No service account", "Name at least one: a trust in nobody is of no use."))
        }
        _ => names(value, path),
    })
}

/// A name of Secrets Manager.
pub(super) fn secret_name() -> Validator {
    text(|name| {
        let legal = |character: char| character.is_ascii_alphanumeric() || "/_+=.@-".contains(character);
        match !name.is_empty() && name.len() <= 512 && name.chars().all(legal) {
            true => None,
            false => problem("Not a secret's name", format!("{name:?}: 1 to 512 letters, digits and the characters / _ + = . @ -.")),
        }
    })
}

/// An ARN of another partition than the provider's.
pub(super) fn of_partition(path: Path, text: &str, place: &Place) -> Option<Diagnostic> {
    let arn = Arn::parse(text).ok()?;
    (arn.partition != place.partition).then(|| {
        Diagnostic::error(
            path,
            "The ARN of another partition",
            format!(
                "{text:?} is of partition {}, and the provider works in {} (region {}): nothing reaches across partitions.",
                arn.partition, place.partition, place.region
            ),
        )
    })
}

/// An ARN of another region than the provider's, where the service takes only its own.
pub(super) fn of_region(path: Path, text: &str, place: &Place) -> Option<Diagnostic> {
    let arn = Arn::parse(text).ok()?;
    (arn.region != place.region).then(|| {
        let cause = format!("{text:?} is in {}, and the provider works in {}. Name one of {}.", arn.region, place.region, place.region);
        Diagnostic::error(path, "The ARN of another region", cause)
    })
}

/// JSON of policy statements.
pub(super) fn statements() -> Validator {
    text(|text| match parse_statements(text) {
        Ok(_) => None,
        Err(cause) => problem(
            "Not policy statements",
            format!("{cause} Give one statement, a list of them, or a policy document, e.g. with jsonencode()."),
        ),
    })
}

/// JSON of a trust policy's statements.
pub(super) fn trust_statements() -> Validator {
    text(|text| match parse_trust_statements(text) {
        Ok(_) => None,
        Err(cause) => problem(
            "Not policy statements",
            format!("{cause} Give one statement, a list of them, or a policy document, e.g. with jsonencode()."),
        ),
    })
}

/// Tags by AWS's rules, and none of ours.
pub(super) fn tags() -> Validator {
    Arc::new(|value, path| {
        let Some(tags) = value.as_map() else { return Vec::new() };
        let mut found: Vec<Diagnostic> =
            tags.iter().flat_map(|(key, value)| said(&path.key(key), tag(key, value.as_str().unwrap_or_default()))).collect();
        if tags.len() > TAGS_MAX {
            found.extend(said(path, problem("Too many tags", format!("{} tags: AWS takes 50, and the provider needs six.", tags.len()))));
        }
        found
    })
}

/// One tag.
pub(crate) fn tag(key: &str, value: &str) -> Option<(String, String)> {
    let legal =
        |text: &str| text.chars().all(|character| character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character));
    if key.to_lowercase().starts_with("aws:") {
        problem("A tag of AWS", format!("{key:?}: keys that start with aws: can't be set."))
    } else if key.to_lowercase().starts_with(OURS) {
        problem(
            "A tag of the provider",
            format!("{key:?}: keys that start with {OURS} are how the provider finds its objects. Choose another key."),
        )
    } else if key.is_empty() || key.chars().count() > TAG_KEY_MAX || !legal(key) {
        problem("Not a tag key", format!("{key:?}: 1 to {TAG_KEY_MAX} letters, digits, spaces and the characters _ . : / = + - @."))
    } else if value.chars().count() > TAG_VALUE_MAX || !legal(value) {
        problem(
            "Not a tag value",
            format!("The value of {key:?}: up to {TAG_VALUE_MAX} letters, digits, spaces and the characters _ . : / = + - @."),
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summaries(validator: &Validator, value: &Value) -> Vec<String> {
        validator(value, &Path::of("it")).into_iter().map(|diagnostic| diagnostic.summary).collect()
    }

    #[test]
    fn names_of_buckets() {
        for (name, good) in [
            ("deeploy-artifacts", true),
            ("ab", false),
            ("Upper", false),
            ("-a-b", false),
            ("with.dot", false),
            ("xn--a", false),
            ("a-s3alias", false),
            ("1234", true),
        ] {
            assert_eq!(summaries(&bucket_name(), &name.into()).is_empty(), good, "{name}");
        }
    }

    #[test]
    fn names_of_keys() {
        for (name, good) in [("deeploy/prod/tokens", true), ("alias/x", false), ("aws/s3", false), ("ä", false), ("", false)] {
            assert_eq!(summaries(&key_name(), &name.into()).is_empty(), good, "{name}");
        }
    }

    #[test]
    fn tags_of_the_provider_are_refused_at_their_key() {
        let value = Value::Map([("deeploy:owner".to_owned(), Value::from("x")), ("team".to_owned(), Value::from("ml"))].into());
        let found = tags()(&value, &Path::of("tags"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::of("tags").key("deeploy:owner"));
    }

    #[test]
    fn paths_of_iam() {
        for (path, good) in [("/", true), ("/deeploy/", true), ("deeploy/", false), ("/a", false), ("//", false), ("/a b/", false)] {
            assert_eq!(summaries(&iam_path(), &path.into()).is_empty(), good, "{path}");
        }
    }
}
