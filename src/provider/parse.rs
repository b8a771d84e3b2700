//! From the provider block to [`Settings`]: once, with every mistake at its attribute.

use std::collections::BTreeMap;

use tf_provider::{Attr, Diagnostics, Model, Path, Value};

use super::{
    block::{AssumeRole, AssumeRoleWithWebIdentity, ProviderBlock},
    checks,
    reader::Reader,
};
use crate::{
    aws::{
        Settings,
        settings::{Accounts, Keys, Proxies, RetryMode, Role, RoleSession, Secret, Service, Token, WebIdentity},
    },
    graph::IgnoreTags,
};

/// Largest `max_retries`: fifty waits of up to 20 s are a quarter of an hour.
const RETRIES_MAX: i64 = 50;
/// Most session policies of one role (STS).
const SESSION_POLICIES_MAX: usize = 10;

/// What the block says.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    /// How to reach AWS; `None` while a part of it is unknown.
    pub(super) settings: Option<Settings>,
    /// `default_tags`; `None` while any of them is unknown.
    pub(super) default_tags: Option<BTreeMap<String, String>>,
    /// `ignore_tags`, as far as they are known.
    pub(super) ignore_tags: IgnoreTags,
}

/// Reads the block.
pub(super) fn parse(config: &Value) -> (Parsed, Diagnostics) {
    let block = match ProviderBlock::from_value(config, &Path::root()) {
        Ok(block) => block,
        Err(diagnostics) => return (Parsed::default(), diagnostics),
    };
    let mut tags = Reader::default();
    let default_tags = match tags.value(&block.default_tags) {
        Some(block) => {
            if block.tags.is_null() {
                tags.empty(&Path::of("default_tags"), "tags = { … }");
            }
            tags.map(&block.tags, &Path::of("default_tags.tags"), checks::tag)
        }
        None => BTreeMap::new(),
    };
    let mut reader = Reader::default();
    let settings = settings(&block, &mut reader);
    let ignore_tags = ignore_tags(&block, &mut reader);
    let parsed =
        Parsed { settings: (!reader.unknown).then_some(settings), default_tags: (!tags.unknown).then_some(default_tags), ignore_tags };
    (parsed, reader.diagnostics.into_iter().chain(tags.diagnostics).collect())
}

fn settings(block: &ProviderBlock, reader: &mut Reader) -> Settings {
    let region = reader.text(&block.region, &Path::of("region"), checks::region);
    let roles = roles(block, reader);
    if let Some(region) = &region {
        for (index, role) in roles.iter().enumerate() {
            if let Err(problem) = checks::same_partition(&role.session.role_arn, region) {
                reader.error(&Path::of("assume_role").index(index).attribute("role_arn"), "Wrong partition", problem);
            }
        }
    }
    let settings = Settings {
        profile: reader.text(&block.profile, &Path::of("profile"), checks::anything),
        shared_config_files: reader.texts(&block.shared_config_files, &Path::of("shared_config_files"), checks::anything),
        shared_credentials_files: reader.texts(&block.shared_credentials_files, &Path::of("shared_credentials_files"), checks::anything),
        keys: keys(block, reader),
        web_identity: web_identity(block, reader),
        roles,
        accounts: accounts(block, reader),
        endpoint_url: reader.text(&block.endpoint_url, &Path::of("endpoint_url"), checks::url),
        endpoints: endpoints(block, reader),
        use_fips_endpoint: reader.value(&block.use_fips_endpoint).copied(),
        use_dualstack_endpoint: reader.value(&block.use_dualstack_endpoint).copied(),
        s3_use_path_style: reader.value(&block.s3_use_path_style).copied().unwrap_or_default(),
        max_retries: max_retries(block, reader),
        retry_mode: retry_mode(block, reader),
        custom_ca_bundle: reader.text(&block.custom_ca_bundle, &Path::of("custom_ca_bundle"), checks::anything),
        proxies: Proxies {
            http: reader.text(&block.http_proxy, &Path::of("http_proxy"), checks::url).map(Secret),
            https: reader.text(&block.https_proxy, &Path::of("https_proxy"), checks::url).map(Secret),
            none: reader.text(&block.no_proxy, &Path::of("no_proxy"), checks::anything),
        },
        region,
    };
    own_endpoints_are_plain(&settings, reader);
    settings
}

/// The SDK refuses FIPS and dual-stack variants of an endpoint that it didn't choose.
fn own_endpoints_are_plain(settings: &Settings, reader: &mut Reader) {
    if settings.endpoint_url.is_none() && settings.endpoints.is_empty() {
        return;
    }
    for (name, used) in [("use_fips_endpoint", settings.use_fips_endpoint), ("use_dualstack_endpoint", settings.use_dualstack_endpoint)] {
        if used == Some(true) {
            let detail =
                "AWS's endpoint variants can't be combined with endpoints of your own. Remove this, or `endpoint_url` and `endpoints`.";
            reader.error(&Path::of(name), "Conflicting attributes", detail);
        }
    }
}

fn keys(block: &ProviderBlock, reader: &mut Reader) -> Option<Keys> {
    let access = reader.text(&block.access_key, &Path::of("access_key"), checks::anything);
    let secret = reader.text(&block.secret_key, &Path::of("secret_key"), checks::anything);
    let token = reader.text(&block.token, &Path::of("token"), checks::anything).map(Secret);
    for (at, here, other) in [("access_key", &block.access_key, &block.secret_key), ("secret_key", &block.secret_key, &block.access_key)] {
        if here.known().is_some() && other.is_null() {
            let detail = "A key has two halves: set `access_key` and `secret_key`, or neither.";
            reader.error(&Path::of(at), "Half a key", detail);
        }
    }
    if token.is_some() && block.access_key.is_null() && block.secret_key.is_null() {
        reader.error(
            &Path::of("token"),
            "A token without a key",
            "A session token belongs to a key: set `access_key` and `secret_key` too.",
        );
    }
    Some(Keys { access_key: Secret(access?), secret_key: Secret(secret?), token })
}

fn roles(block: &ProviderBlock, reader: &mut Reader) -> Vec<Role> {
    let Some(items) = reader.value(&block.assume_role) else { return Vec::new() };
    let mut roles = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = Path::of("assume_role").index(index);
        if item.is_null() {
            reader.error(&at, "Empty role", "This element is null. Give a role with its `role_arn`, or remove the element.");
        }
        if let Some(item) = reader.value(item) {
            roles.push(role(item, &at, reader));
        }
    }
    roles
}

fn role(item: &AssumeRole, at: &Path, reader: &mut Reader) -> Role {
    let AssumeRole { role_arn, session_name, duration, policy, policy_arns, .. } = item;
    let role = Role {
        session: session((role_arn, session_name, duration, policy, policy_arns), at, reader),
        external_id: reader.text(&item.external_id, &at.attribute("external_id"), checks::external_id),
        source_identity: reader.text(&item.source_identity, &at.attribute("source_identity"), checks::session_name),
        tags: reader.map(&item.tags, &at.attribute("tags"), session_tag),
        transitive_tag_keys: reader.texts(&item.transitive_tag_keys, &at.attribute("transitive_tag_keys"), checks::anything),
    };
    for (index, key) in role.transitive_tag_keys.iter().enumerate() {
        if item.tags.known().is_some_and(|tags| !tags.contains_key(key)) || item.tags.is_null() {
            let detail = format!("{key:?} is no key of this role's `tags`. Add the tag, or remove the key.");
            reader.error(&at.attribute("transitive_tag_keys").index(index), "Not a session tag", detail);
        }
    }
    role
}

/// Session tags end with the session: only AWS's own keys are refused.
fn session_tag(key: &str, value: Option<&str>) -> Result<(), String> {
    if key.starts_with("deeploy:") { Ok(()) } else { checks::tag(key, value) }
}

/// The attributes that both ways of taking on a role have.
type SessionAttributes<'a> = (&'a Attr<String>, &'a Attr<String>, &'a Attr<String>, &'a Attr<String>, &'a Attr<Vec<Attr<String>>>);

fn session((role_arn, name, duration, policy, policy_arns): SessionAttributes<'_>, at: &Path, reader: &mut Reader) -> RoleSession {
    let duration_check = |text: &str| checks::duration(text).map(drop);
    let duration = reader.text(duration, &at.attribute("duration"), duration_check);
    let policy_arns = reader.texts(policy_arns, &at.attribute("policy_arns"), checks::policy_arn);
    if policy_arns.len() > SESSION_POLICIES_MAX {
        let detail = format!("These are {} policies; AWS takes {SESSION_POLICIES_MAX}. Combine some into `policy`.", policy_arns.len());
        reader.error(&at.attribute("policy_arns"), "Too many session policies", detail);
    }
    if role_arn.is_null() {
        reader.error(&at.attribute("role_arn"), "No role", "Give the ARN of the role to take on.");
    }
    RoleSession {
        role_arn: reader.text(role_arn, &at.attribute("role_arn"), checks::role_arn).unwrap_or_default(),
        session_name: reader.text(name, &at.attribute("session_name"), checks::session_name),
        duration: duration.and_then(|text| checks::duration(&text).ok()),
        policy: reader.text(policy, &at.attribute("policy"), checks::json),
        policy_arns,
    }
}

fn web_identity(block: &ProviderBlock, reader: &mut Reader) -> Option<WebIdentity> {
    let at = Path::of("assume_role_with_web_identity");
    let item = reader.value(&block.assume_role_with_web_identity)?;
    let AssumeRoleWithWebIdentity { role_arn, session_name, duration, policy, policy_arns, web_identity_token: token, .. } = item;
    let session = session((role_arn, session_name, duration, policy, policy_arns), &at, reader);
    let file = &item.web_identity_token_file;
    match (token.is_null(), file.is_null()) {
        (true, true) => reader.error(&at, "No token", "Set `web_identity_token` or `web_identity_token_file`."),
        (false, false) if token.known().is_some() && file.known().is_some() => {
            reader.error(&at.attribute("web_identity_token_file"), "Two tokens", "Set either `web_identity_token` or this, not both.");
        }
        _ => {}
    }
    let keys = [&block.access_key, &block.secret_key];
    if keys.iter().any(|key| key.known().is_some()) {
        let detail = "Credentials come either from a web identity or from `access_key` and `secret_key`. Remove one of the two.";
        reader.error(&at, "Conflicting attributes", detail);
    }
    let text = reader.text(token, &at.attribute("web_identity_token"), checks::anything).map(|token| Token::Text(Secret(token)));
    let file = reader.text(file, &at.attribute("web_identity_token_file"), checks::anything).map(Token::File);
    Some(WebIdentity { session, token: text.or(file)? })
}

fn accounts(block: &ProviderBlock, reader: &mut Reader) -> Accounts {
    let allowed = reader.texts(&block.allowed_account_ids, &Path::of("allowed_account_ids"), checks::account_id);
    let forbidden = reader.texts(&block.forbidden_account_ids, &Path::of("forbidden_account_ids"), checks::account_id);
    let some = |list: &Attr<Vec<Attr<String>>>| list.known().is_some_and(|ids| !ids.is_empty());
    match (some(&block.allowed_account_ids), some(&block.forbidden_account_ids)) {
        (true, true) => {
            let detail = "Set either `allowed_account_ids` or this: what is not allowed is forbidden already.";
            reader.error(&Path::of("forbidden_account_ids"), "Conflicting attributes", detail);
            Accounts::Allowed(allowed)
        }
        (true, false) => Accounts::Allowed(allowed),
        (false, true) => Accounts::Forbidden(forbidden),
        (false, false) => Accounts::Any,
    }
}

fn endpoints(block: &ProviderBlock, reader: &mut Reader) -> BTreeMap<Service, String> {
    let check = |name: &str, value: Option<&str>| {
        if Service::of_name(name).is_none() {
            let known: Vec<&str> = Service::ALL.iter().map(|(name, _)| *name).collect();
            return Err(format!("This provider calls no service named {name:?}. It calls {}.", known.join(", ")));
        }
        value.map_or(Ok(()), checks::url)
    };
    let urls = reader.map(&block.endpoints, &Path::of("endpoints"), check);
    urls.into_iter().filter_map(|(name, url)| Some((Service::of_name(&name)?, url))).collect()
}

fn max_retries(block: &ProviderBlock, reader: &mut Reader) -> Option<u32> {
    let retries = *reader.value(&block.max_retries)?;
    if !(0..=RETRIES_MAX).contains(&retries) {
        let detail = format!("{retries} is outside of 0 to {RETRIES_MAX}. The provider waits by itself for what takes longer.");
        reader.error(&Path::of("max_retries"), "Invalid value", detail);
    }
    u32::try_from(retries).ok()
}

fn retry_mode(block: &ProviderBlock, reader: &mut Reader) -> Option<RetryMode> {
    let known = |text: &str| match text {
        "standard" => Ok(RetryMode::Standard),
        "adaptive" => Ok(RetryMode::Adaptive),
        _ => Err(format!("{text:?} is no retry mode. Write \"standard\" or \"adaptive\".")),
    };
    let mode = reader.text(&block.retry_mode, &Path::of("retry_mode"), |text| known(text).map(drop))?;
    known(&mode).ok()
}

fn ignore_tags(block: &ProviderBlock, reader: &mut Reader) -> IgnoreTags {
    let at = Path::of("ignore_tags");
    let Some(ignored) = reader.value(&block.ignore_tags) else { return IgnoreTags::default() };
    if ignored.keys.is_null() && ignored.key_prefixes.is_null() {
        reader.empty(&at, "keys = [ … ], key_prefixes = [ … ]");
    }
    IgnoreTags {
        keys: reader.texts(&ignored.keys, &at.attribute("keys"), checks::tag_key),
        key_prefixes: reader.texts(&ignored.key_prefixes, &at.attribute("key_prefixes"), checks::tag_prefix),
    }
}
