//! What single values of the block must look like. Each error names the cause and what to write instead.

use std::time::Duration;

use crate::aws::{Arn, Partition};

/// Shortest and longest session of a role, seconds (STS `DurationSeconds`).
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;
/// Digits of an account id.
const ACCOUNT_DIGITS: usize = 12;
/// Characters of a tag's key and value (AWS's tagging rules).
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
/// Tags that users don't set.
const RESERVED: [(&str, &str); 2] = [("aws:", "AWS's own"), ("deeploy:", "the provider's own: it finds its objects by them")];

type Check = Result<(), String>;

pub(super) fn anything(_: &str) -> Check {
    Ok(())
}

/// `eu-west-1`, `us-gov-east-1`: letters between hyphens, a number at the end.
pub(super) fn region(text: &str) -> Check {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some((number, names)), true) = (parts.split_last(), parts.len() >= 3) else { return Err(not_a_region(text)) };
    let name = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if digits && names.iter().all(name) { Ok(()) } else { Err(not_a_region(text)) }
}

fn not_a_region(text: &str) -> String {
    let zone = text.strip_suffix(|last: char| last.is_ascii_lowercase()).filter(|region| self::region(region).is_ok());
    match zone {
        Some(region) => format!("{text:?} is an availability zone. Write its region, \"{region}\"."),
        None => format!("{text:?} is no region. A region looks like \"eu-west-1\" or \"us-gov-east-1\"."),
    }
}

pub(super) fn account_id(text: &str) -> Check {
    if text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("{text:?} is no account id. An account id has twelve digits; keep leading zeros by writing it in quotes."))
}

/// A role's ARN, in an existing partition.
pub(super) fn role_arn(text: &str) -> Check {
    let arn = Arn::parse(text).map_err(|error| format!("{error}. Copy the role's ARN from IAM."))?;
    if let Some((role, _)) = arn.session() {
        return Err(format!("{text:?} is a session of a role. Write the role's own ARN, as IAM shows it for {role}."));
    }
    if (arn.service.as_str(), arn.resource_type()) != ("iam", "role") {
        return Err(format!("{text:?} is no role's ARN. It looks like arn:{}:iam::123456789012:role/NAME.", arn.partition));
    }
    Ok(())
}

pub(super) fn policy_arn(text: &str) -> Check {
    let arn = Arn::parse(text).map_err(|error| format!("{error}. Copy the policy's ARN from IAM."))?;
    if (arn.service.as_str(), arn.resource_type()) == ("iam", "policy") {
        return Ok(());
    }
    Err(format!("{text:?} is no managed policy's ARN. It looks like arn:{}:iam::aws:policy/NAME.", arn.partition))
}

pub(super) fn json(text: &str) -> Check {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err("A policy is a JSON object. Build it with jsonencode({ … }).".into()),
        Err(error) => Err(format!("This is no JSON: {error}. Build it with jsonencode({{ … }}).")),
    }
}

/// STS's rule for session names, source identities and external ids: letters, digits and a few signs.
pub(super) fn session_name(text: &str) -> Check {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (2..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("{text:?} is refused by AWS here: 2 to 64 letters, digits and the signs _+=,.@- are allowed."))
}

pub(super) fn external_id(text: &str) -> Check {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err("AWS refuses this external id: 2 to 1224 letters, digits and the signs _+=,.@:/- are allowed.".into())
}

/// `1h30m`, `15m`, `3600s`: from 15 minutes to 12 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration. Write hours, minutes and seconds as in \"1h\", \"1h30m\" or \"900s\".");
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        seconds = count.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
        digits.clear();
    }
    if !digits.is_empty() {
        return Err(wrong());
    }
    if SESSION_SECONDS.contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(format!("{text:?} is outside of what AWS allows: 15 minutes (\"15m\") to 12 hours (\"12h\")."))
}

/// `http://host` or `https://host`, with a port and a path perhaps. The text may hold a password: it is not quoted.
pub(super) fn url(text: &str) -> Check {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err("This is no URL with a scheme. Write http://HOST:PORT or https://HOST.".into());
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let strange = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
    let port = host.rsplit_once(':').filter(|(before, _)| !before.contains(':') || before.ends_with(']'));
    let bad_port = port.is_some_and(|(_, port)| port.parse::<u16>().is_err());
    if host.is_empty() || host.starts_with(':') || bad_port || rest.contains(strange) {
        return Err("This URL names no host, or a port that is no number. Write http://HOST:PORT or https://HOST.".into());
    }
    Ok(())
}

/// A tag's key, and its value where that is known.
pub(super) fn tag(key: &str, value: Option<&str>) -> Check {
    tag_key(key)?;
    match value {
        Some(value) if value.chars().count() > TAG_VALUE_CHARS_MAX => {
            Err(format!("The value of the tag {key:?} has more than {TAG_VALUE_CHARS_MAX} characters, AWS's limit. Shorten it."))
        }
        _ => Ok(()),
    }
}

pub(super) fn tag_key(key: &str) -> Check {
    if let Some((prefix, whose)) = reserved(key) {
        return Err(format!("Tags that begin with \"{prefix}\" are {whose}. Choose another key than {key:?}."));
    }
    if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX {
        return Err(format!("A tag's key has 1 to {TAG_KEY_CHARS_MAX} characters. Choose another one than {key:?}."));
    }
    Ok(())
}

/// A prefix of tags to ignore: one that would cover ours makes the provider blind to its own objects.
pub(super) fn tag_prefix(prefix: &str) -> Check {
    tag_key(prefix)?;
    match RESERVED.iter().find(|(reserved, _)| reserved.starts_with(prefix)) {
        Some((reserved, whose)) => {
            Err(format!("{prefix:?} covers tags that begin with \"{reserved}\", which are {whose}. Use a longer prefix."))
        }
        None => Ok(()),
    }
}

fn reserved(key: &str) -> Option<(&'static str, &'static str)> {
    let lower = key.to_lowercase();
    RESERVED.into_iter().find(|(prefix, _)| lower.starts_with(prefix))
}

/// Whether a role's partition is the region's.
pub(super) fn same_partition(role_arn: &str, region: &str) -> Check {
    let Ok(arn) = Arn::parse(role_arn) else { return Ok(()) };
    let partition = Partition::of_region(region).id;
    if arn.partition == partition {
        return Ok(());
    }
    Err(format!(
        "{role_arn:?} is in the partition {}, but the region {region} is in {partition}. Correct one of them: credentials don't cross partitions.",
        arn.partition
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each good text, and each bad one with a part of what is said about it.
    fn table(check: impl Fn(&str) -> Check, good: &[&str], bad: &[(&str, &str)]) {
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, part) in bad {
            let said = check(text).err().unwrap_or_default();
            assert!(said.contains(part), "{text}: {said:?}");
        }
    }

    #[test]
    fn regions() {
        let bad = [
            ("eu-west", "no region"),
            ("eu-west-1a", "\"eu-west-1\""),
            ("Ireland", "no region"),
            ("EU-WEST-1", "no region"),
            ("-1", "no region"),
            ("a--1", "no region"),
        ];
        table(region, &["eu-west-1", "us-gov-east-1", "cn-north-1", "us-isob-east-1", "ap-southeast-10"], &bad);
    }

    #[test]
    fn account_ids() {
        table(
            account_id,
            &["012345678901"],
            &[("12345678901", "twelve digits"), ("12345678901x", "twelve digits"), ("1234-5678-9012", "quotes")],
        );
    }

    #[test]
    fn role_arns() {
        let bad = [
            ("admin", "is no ARN"),
            ("arn:aws:iam::123456789012:user/x", "no role's ARN"),
            ("arn:aws-mars:iam::123456789012:role/x", "doesn't exist"),
            ("arn:aws:sts::123456789012:assumed-role/R/S", "session"),
        ];
        table(role_arn, &["arn:aws:iam::123456789012:role/x", "arn:aws-cn:iam::123456789012:role/a/b"], &bad);
        table(policy_arn, &["arn:aws:iam::aws:policy/ReadOnlyAccess"], &[("arn:aws:iam::123456789012:role/x", "managed policy")]);
        table(
            |arn| same_partition(arn, "cn-north-1"),
            &["arn:aws-cn:iam::123456789012:role/x"],
            &[("arn:aws:iam::123456789012:role/x", "aws-cn")],
        );
    }

    #[test]
    fn durations() {
        let check = |text: &str| duration(text).map(drop);
        let bad = [
            ("", "15 minutes"),
            ("1", "no duration"),
            ("1d", "no duration"),
            ("14m", "12 hours"),
            ("13h", "12 hours"),
            ("h", "no duration"),
            ("99999999999999999999h", "no duration"),
        ];
        table(check, &["15m", "12h", "1h30m", "3600s"], &bad);
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
    }

    #[test]
    fn urls() {
        let bad = [
            ("localhost:4566", "scheme"),
            ("ftp://x", "scheme"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http://a b", "no host"),
            ("http://h:x", "port"),
            ("http://h:99999", "port"),
        ];
        table(
            url,
            &[
                "http://127.0.0.1:4566",
                "https://kms.eu-west-1.amazonaws.com/",
                "http://user:pw@proxy:3128",
                "http://[::1]:80",
                "http://[::1]",
            ],
            &bad,
        );
        let refused = url("http://user:canary@h:x").err().unwrap_or_default();
        assert!(refused.contains("port") && !refused.contains("canary"), "{refused}");
    }

    #[test]
    fn tags() {
        table(
            tag_key,
            &["team", "Env", "deeploy"],
            &[("aws:x", "AWS's own"), ("deeploy:owner", "provider's own"), ("DEEPLOY:x", "provider's own"), ("", "1 to 128")],
        );
        table(
            tag_prefix,
            &["team:", "x"],
            &[("deeploy:", "provider's own"), ("dee", "longer prefix"), ("aws:", "AWS's own"), ("a", "longer prefix")],
        );
        assert!(tag("k", Some(&"v".repeat(257))).is_err());
        assert_eq!(tag("k", Some("")), Ok(()));
    }

    #[test]
    fn names_and_policies() {
        table(session_name, &["ci@x", "terraform"], &[("x", "2 to 64"), ("a b", "2 to 64")]);
        table(external_id, &["abc:1/2"], &[("a b", "1224")]);
        table(json, &["{}"], &[("[]", "jsonencode"), ("{", "no JSON")]);
    }

    proptest::proptest! {
        #[test]
        fn every_text_gets_an_answer(text in "\\PC{0,40}|[a-z0-9:/@\\[\\]-]{0,40}|arn:aws(:[a-z0-9/]{0,12}){0,7}|[0-9hms]{0,24}") {
            for check in [region, account_id, role_arn, policy_arn, json, session_name, external_id, url, tag_key, tag_prefix] {
                if let Err(said) = check(&text) {
                    proptest::prop_assert!(said.ends_with('.'), "{said}");
                }
            }
            let _ = (duration(&text), same_partition(&text, &text));
        }
    }
}
