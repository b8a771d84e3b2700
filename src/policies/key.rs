//! Key policies: who may use and administer a KMS key.

use serde_json::{Value as Json, json};

use crate::aws::Arn;

use super::{
    Place, document,
    statements::{sid, statements_of, strings},
};

/// What Deeploy does with its tokens key: the five actions of Deeploy's own page.
pub const SEED_KEY_ACTIONS: [&str; 5] = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];

/// Everything about a key but using it, as AWS's console gives it to key administrators.
const ADMINISTRATOR_ACTIONS: [&str; 16] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:ImportKeyMaterial",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
];

const ROOT: &str = "DeeployAccount";
const USE: &str = "DeeployUse";
const ADMINISTRATION: &str = "DeeployAdministration";
const SERVICE: &str = "DeeployService";
const GRANTS: &str = "DeeployGrants";

/// Who may do what with a key, beside the account itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUsers {
    /// Principals with the seed's five actions.
    pub users: Vec<String>,
    /// Principals that administer the key and can't use it.
    pub administrators: Vec<String>,
    /// AWS services that use the key on the account's behalf.
    pub services: Vec<String>,
    /// Principals that may hand the key to AWS services by grants, e.g. Auto Scaling's service-linked role.
    pub granters: Vec<String>,
}

/// The policy of a key. The account's root comes first and keeps `kms:*`, so that the account can't lose the key.
#[must_use]
pub fn key_policy(place: &Place, users: &KeyUsers, more: &[Json]) -> Json {
    let mut statements = vec![allow(ROOT, &json!({ "AWS": place.root() }), &["kms:*"], None)];
    if !users.users.is_empty() {
        statements.push(allow(USE, &principals(place, &users.users), &SEED_KEY_ACTIONS, None));
    }
    if !users.administrators.is_empty() {
        statements.push(allow(ADMINISTRATION, &principals(place, &users.administrators), &ADMINISTRATOR_ACTIONS, None));
    }
    for service in &users.services {
        let sid = format!("{SERVICE}{}", service.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
        statements.push(allow(&sid, &json!({ "Service": service }), &SEED_KEY_ACTIONS, service_condition(place, service)));
    }
    if !users.granters.is_empty() {
        let who = principals(place, &users.granters);
        statements.push(allow(&format!("{GRANTS}Use"), &who, &SEED_KEY_ACTIONS, None));
        let only_aws = json!({ "Bool": { "kms:GrantIsForAWSResource": "true" } });
        statements.push(allow(GRANTS, &who, &["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], Some(only_aws)));
    }
    statements.extend_from_slice(more);
    document(&statements)
}

fn allow(sid: &str, principal: &Json, actions: &[&str], condition: Option<Json>) -> Json {
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*" });
    if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), condition);
    }
    statement
}

fn principals(place: &Place, arns: &[String]) -> Json {
    json!({ "AWS": arns.iter().map(|arn| principal_of(place, arn)).collect::<Vec<_>>() })
}

/// Keeps a service from using the key for another account (the confused deputy). CloudWatch Logs names the log group in
/// the encryption context; EventBridge sends no source, so a condition would shut it out (both from AWS's KMS pages of these services).
fn service_condition(place: &Place, service: &str) -> Option<Json> {
    match service.split('.').next().unwrap_or_default() {
        "logs" => Some(json!({ "ArnLike": { "kms:EncryptionContext:aws:logs:arn": place.regional("logs", "*") } })),
        "events" if service.starts_with("events.amazonaws") => None,
        _ => Some(json!({ "StringEquals": { "aws:SourceAccount": place.account_id } })),
    }
}

/// A session's ARN as its role's: KMS refuses sessions, which end, as principals of a policy, and EKS in access entries. Other texts stay as they are.
#[must_use]
pub fn principal_of(place: &Place, arn: &str) -> String {
    let Ok(parsed) = Arn::parse(arn) else { return arn.to_owned() };
    let looked_up = parsed.session().filter(|_| parsed.account == place.account_id).and_then(|(role, _)| place.roles.get(role));
    looked_up.cloned().unwrap_or_else(|| parsed.to_principal().to_string())
}

/// The users that a live policy of ours names: the inverse of [`key_policy`], for import.
#[must_use]
pub fn users_of(policy: &Json) -> KeyUsers {
    let mut users = KeyUsers::default();
    for statement in statements_of(policy) {
        let principal = statement.get("Principal");
        let arns = || strings(principal.and_then(|principal| principal.get("AWS")));
        match sid(statement) {
            USE => users.users = arns(),
            ADMINISTRATION => users.administrators = arns(),
            GRANTS => users.granters = arns(),
            other if other.starts_with(SERVICE) => {
                users.services.extend(strings(principal.and_then(|principal| principal.get("Service"))));
            }
            _ => {}
        }
    }
    users
}

/// Whether a statement leaves the account's root in control and does nothing else: every key is made with one.
#[must_use]
pub fn is_root(statement: &Json) -> bool {
    let root = strings(statement.pointer("/Principal/AWS"));
    statement.get("Effect").and_then(Json::as_str) == Some("Allow")
        && statement.get("Condition").is_none()
        && strings(statement.get("Action")) == ["kms:*"]
        && matches!(root.as_slice(), [one] if one.ends_with(":root"))
}

/// Whether the user's own statements would take the key from the account: an unconditional Deny of changing its policy for everyone
/// or for the account. AWS's own check doesn't see every such case, and what it lets through can't be undone by anybody.
#[must_use]
pub fn locks_out(place: &Place, more: &[Json]) -> Option<usize> {
    more.iter().position(|statement| {
        let denied = statement.get("Effect").and_then(Json::as_str) == Some("Deny") && statement.get("Condition").is_none();
        denied && denies_policy_change(statement) && reaches_everyone(place, statement)
    })
}

fn denies_policy_change(statement: &Json) -> bool {
    let covers = |actions: Vec<String>| actions.iter().any(|action| wildcard(&action.to_lowercase(), "kms:putkeypolicy"));
    match statement.get("NotAction") {
        Some(spared) => !covers(strings(Some(spared))),
        None => covers(strings(statement.get("Action"))),
    }
}

fn reaches_everyone(place: &Place, statement: &Json) -> bool {
    let is_all = |name: &String| name == "*" || *name == place.root() || *name == place.account_id;
    let named = |json: Option<&Json>| match json {
        Some(Json::String(name)) => is_all(name),
        Some(other) => strings(other.get("AWS")).iter().any(is_all),
        None => false,
    };
    match statement.get("NotPrincipal") {
        Some(spared) => !named(Some(spared)),
        None => named(statement.get("Principal")),
    }
}

/// Whether `pattern` (with `*` and `?`) matches `text`.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut reachable = vec![true];
    reachable.resize(text.len().saturating_add(1), false);
    for symbol in pattern.bytes() {
        let mut next = vec![false; reachable.len()];
        let mut any_before = false;
        for (position, (before, after)) in reachable.iter().zip(next.iter_mut()).enumerate() {
            let consumed = position.checked_sub(1);
            *after = match symbol {
                b'*' => {
                    any_before |= *before;
                    any_before
                }
                _ => consumed.is_some_and(|at| {
                    reachable.get(at).copied().unwrap_or(false) && (symbol == b'?' || text.as_bytes().get(at) == Some(&symbol))
                }),
            };
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{super::frankfurt, *};

    #[test]
    fn wildcards_match_as_iam_does() {
        for (pattern, matches) in
            [("kms:*", true), ("*", true), ("kms:put*", true), ("kms:putkeypolic?", true), ("kms:get*", false), ("", false)]
        {
            assert_eq!(wildcard(pattern, "kms:putkeypolicy"), matches, "{pattern}");
        }
    }

    #[test]
    fn a_session_becomes_its_role_with_the_path_that_was_looked_up() {
        let mut place = frankfurt();
        let session = "arn:aws:sts::123456789012:assumed-role/ci/run-7";
        assert_eq!(principal_of(&place, session), "arn:aws:iam::123456789012:role/ci");
        place.roles.insert("ci".to_owned(), "arn:aws:iam::123456789012:role/build/ci".to_owned());
        assert_eq!(principal_of(&place, session), "arn:aws:iam::123456789012:role/build/ci");
        let others = "arn:aws-cn:sts::210987654321:assumed-role/ci/run-7";
        assert_eq!(principal_of(&place, others), "arn:aws-cn:iam::210987654321:role/ci");
        assert_eq!(principal_of(&place, "arn:aws:iam::123456789012:user/a"), "arn:aws:iam::123456789012:user/a");
    }

    #[test]
    fn users_are_read_back_from_what_was_written() {
        let users = KeyUsers {
            users: vec!["arn:aws:iam::123456789012:role/pods".to_owned()],
            administrators: vec!["arn:aws:iam::123456789012:role/admin".to_owned()],
            services: vec!["logs.eu-central-1.amazonaws.com".to_owned(), "events.amazonaws.com".to_owned()],
            granters: vec!["arn:aws:iam::123456789012:role/aws-service-role/autoscaling".to_owned()],
        };
        assert_eq!(users_of(&key_policy(&frankfurt(), &users, &[])), users);
    }

    #[test]
    fn services_are_tied_to_the_account() {
        let users = KeyUsers {
            services: vec!["logs.eu-central-1.amazonaws.com".to_owned(), "events.rds.amazonaws.com".to_owned()],
            ..KeyUsers::default()
        };
        let text = key_policy(&frankfurt(), &users, &[]).to_string();
        assert!(text.contains(r#""kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:eu-central-1:123456789012:*""#), "{text}");
        assert!(text.contains(r#""aws:SourceAccount":"123456789012""#), "{text}");
    }

    #[test]
    fn a_statement_that_takes_the_key_from_the_account_is_found() {
        let deny = |principal: Json, actions: Json| json!({ "Effect": "Deny", "Principal": principal, "Action": actions, "Resource": "*" });
        let place = frankfurt();
        assert_eq!(locks_out(&place, &[deny(json!("*"), json!("kms:*"))]), Some(0));
        assert_eq!(locks_out(&place, &[deny(json!({ "AWS": place.root() }), json!(["kms:Put*"]))]), Some(0));
        assert_eq!(locks_out(&place, &[deny(json!("*"), json!("kms:Decrypt"))]), None);
        assert_eq!(locks_out(&place, &[deny(json!({ "AWS": place.iam("role/x") }), json!("kms:*"))]), None);
        let spared =
            json!({ "Effect": "Deny", "NotPrincipal": { "AWS": place.iam("role/x") }, "NotAction": "kms:Decrypt", "Resource": "*" });
        assert_eq!(locks_out(&place, &[spared]), Some(0));
    }
}
