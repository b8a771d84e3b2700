//! Every wrong value gets exactly one error, at its line, with cause and remedy; nothing is asked of AWS but who we are, and nothing changes.

use acceptance_tests::{Failure, Terraform};
use serde_json::Value;

use super::stage::{Stage, stage};

/// A line of configuration that is wrong, and what is said about it.
struct Wrong {
    /// Stands in the block of the resource or provider.
    line: &'static str,
    /// The error's first line.
    summary: &'static str,
    /// In the error's text: the cause or remedy.
    detail: &'static str,
}

const fn wrong(line: &'static str, summary: &'static str, detail: &'static str) -> Wrong {
    Wrong { line, summary, detail }
}

const NAME: &str = "Not a key name";
const STATEMENTS: &str = "Not policy statements";
const RANGE: &str = "Number out of range";
const TIMEOUT: &str = "Not a timeout: timeouts.create";

const KEYS: &[Wrong] = &[
    wrong("name = \"alias/tokens\"", "The name without `alias/`", "Write \"tokens\""),
    wrong("name = \"aws/tokens\"", "Names that start with aws/ are AWS's own", "Choose another name"),
    wrong("name = \"\"", NAME, "1 to 250 letters"),
    wrong("name = \"two words\"", NAME, "1 to 250 letters"),
    wrong("name = null", "Missing value", "Give it a value"),
    wrong("preset = \"prod\"", "Unknown preset", "choose \"production\" or \"development\""),
    wrong("rotation_period_in_days = 89", RANGE, "from 90 to 2560. Raise it."),
    wrong("rotation_period_in_days = 2561", RANGE, "Lower it."),
    wrong("rotation_period_in_days = 90.5", "Not a whole number", "Write it without a fraction"),
    wrong("rotation_period_in_days = \"often\"", "Incorrect attribute value type", "a number is required"),
    wrong("deletion_window_in_days = 6", RANGE, "from 7 to 30. Raise it."),
    wrong("deletion_window_in_days = 31", RANGE, "Lower it."),
    wrong("policy_statements = \"{\"", STATEMENTS, "It is not JSON"),
    wrong("policy_statements = jsonencode({})", STATEMENTS, "`Effect` must be"),
    wrong(
        "policy_statements = jsonencode({ Effect = \"Allow\", Action = \"kms:*\", Resource = \"*\" })",
        STATEMENTS,
        "needs either `Principal`",
    ),
    wrong(
        "policy_statements = jsonencode({ Sid = \"DeeployUse\", Effect = \"Allow\", Principal = \"*\", Action = \"kms:*\", Resource = \"*\" })",
        STATEMENTS,
        "reserved for the provider's own statements",
    ),
    wrong(
        "policy_statements = jsonencode({ Effect = \"Deny\", Principal = \"*\", Action = \"kms:*\", Resource = \"*\" })",
        "The policy would lock the account out of the key",
        "Add a Condition",
    ),
    wrong("user_arns = [\"*\"]", "Everybody is no principal", "Name the roles or users"),
    wrong("user_arns = [null]", "An element is null", "Leave it out"),
    wrong("user_arns = [\"deployer\"]", "Not an ARN", "arn:PARTITION:iam::ACCOUNT:role/NAME"),
    wrong("user_arns = [\"arn:aws:iam::12:role/deployer\"]", "Not an ARN", "arn:PARTITION:iam::ACCOUNT:role/NAME"),
    wrong("user_arns = [\"arn:aws:s3:::bucket\"]", "Not a principal", "a role, a user, a role session"),
    wrong("user_arns = [\"arn:aws:iam::123456789012:group/admins\"]", "Not a principal", "a role, a user, a role session"),
    wrong("user_arns = [\"arn:aws:iam::123456789012:role/*\"]", "Not a principal", "without wildcards"),
    wrong(
        "user_arns = [\"arn:aws-cn:iam::123456789012:role/deployer\"]",
        "The ARN of another partition",
        "works in aws (region eu-central-1)",
    ),
    wrong("administrator_arns = [\"arn:aws-us-gov:iam::123456789012:user/a\"]", "The ARN of another partition", "nothing reaches across"),
    wrong("grant_principal_arns = [\"arn:aws-cn:iam::123456789012:role/a\"]", "The ARN of another partition", "nothing reaches across"),
    wrong("service_principals = [\"logs\"]", "Not a service principal", "logs.eu-central-1.amazonaws.com"),
    wrong("tags = { \"deeploy:owner\" = \"me\" }", "A tag of the provider", "Choose another key"),
    wrong("tags = { \"aws:x\" = \"me\" }", "A tag of AWS", "can't be set"),
    wrong("tags = { a = \"<b>\" }", "Not a tag value", "up to 256 letters"),
    wrong("tags = { for i in range(46) : \"k${i}\" => \"v\" }", "Too many tags", "AWS takes 50"),
    wrong("timeouts = { create = \"soon\" }", TIMEOUT, "\"soon\": this is not a duration"),
    wrong("timeouts = { create = \"-5m\" }", TIMEOUT, "longer than zero"),
    wrong("timeouts = { create = \"0s\" }", TIMEOUT, "longer than zero"),
    wrong("id = \"mine\"", "Not configurable", "Remove it"),
    wrong("policy = \"{}\"", "Not configurable", "Remove it"),
    wrong("colour = \"red\"", "Unsupported argument", "not expected here"),
];

const BUCKETS: &[Wrong] = &[
    wrong("bucket = \"Upper_Case\"", "Not a bucket name", "3 to 63 lower-case letters"),
    wrong("bucket = \"ab\"", "Not a bucket name", "3 to 63 lower-case letters"),
    wrong("bucket = \"a.b.c\"", "A dot in a bucket's name", "use a hyphen"),
    wrong("bucket = \"xn--abc\"", "A reserved bucket name", "choose another start"),
    wrong(
        "bucket = \"a-name-of-sixty-characters-which-leaves-no-room-for-the-suff\"",
        "The log bucket's name would be too long",
        "Shorten `bucket`",
    ),
    wrong("kms_key_arn = \"alias/x\"", "Not an ARN", "arn:PARTITION:kms:REGION:ACCOUNT:key/"),
    wrong("kms_key_arn = \"\"", "Not an ARN", "arn:PARTITION:kms:REGION:ACCOUNT:key/"),
    wrong("kms_key_arn = \"arn:aws:kms:eu-central-1:123456789012:alias/x\"", "The ARN of something else", "expected is an ARN of kms"),
    wrong("kms_key_arn = \"arn:aws-cn:kms:cn-north-1:123456789012:key/a\"", "The ARN of another partition", "nothing reaches across"),
    wrong("kms_key_arn = \"arn:aws:kms:us-east-1:123456789012:key/a\"", "The ARN of another region", "Name one of eu-central-1"),
    wrong("preset = \"staging\"", "Unknown preset", "choose \"production\" or \"development\""),
    wrong("noncurrent_version_expiration_days = 0", RANGE, "Raise it."),
    wrong("abort_incomplete_multipart_upload_days = -1", RANGE, "Raise it."),
    wrong(
        "access_logging = { enabled = true, bucket = \"bad-input\" }",
        "A bucket that logs into itself: access_logging.bucket",
        "Name another bucket",
    ),
    wrong("access_logging = { bucket = \"Bad\" }", "Not a bucket name: access_logging.bucket", "3 to 63 lower-case letters"),
    wrong("access_logging = true", "Incorrect attribute value type", "object required"),
    wrong("policy_statements = \"nope\"", STATEMENTS, "It is not JSON"),
    wrong("tags = { \"deeploy:x\" = \"y\" }", "A tag of the provider", "Choose another key"),
    wrong("timeouts = { create = \"1 day\" }", TIMEOUT, "\"1 day\": this is not a duration"),
];

const PROVIDER: &[Wrong] = &[
    wrong(
        "default_tags = { tags = { \"deeploy:owner\" = \"x\" } }",
        "Invalid value: default_tags.tags[\"deeploy:owner\"]",
        "Choose another key",
    ),
    wrong("ignore_tags = { keys = [\"deeploy:owner\"] }", "Invalid value: ignore_tags.keys[0]", "the provider's own"),
    wrong("ignore_tags = { key_prefixes = [\"deep\"] }", "Invalid value: ignore_tags.key_prefixes[0]", "Use a longer prefix"),
    wrong("region = \"nowhere\"", "Invalid value", "A region looks like"),
    wrong("region = \"\"", "Empty value", "leave the attribute out"),
    wrong("allowed_account_ids = [\"12\"]", "Invalid value: allowed_account_ids[0]", "twelve digits"),
    wrong("retry_mode = \"fast\"", "Invalid value", "\"standard\" or \"adaptive\""),
    wrong("max_retries = 51", "Invalid value", "0 to 50"),
    wrong("endpoint_url = \"nope\"", "Invalid value", "http://HOST:PORT"),
    wrong("endpoints = { ec2 = \"http://x\" }", "Invalid value: endpoints[\"ec2\"]", "iam, kms, s3, secretsmanager, sts"),
    wrong("access_key = \"x\"", "Half a key", "set `access_key` and `secret_key`"),
];

/// The error diagnostics of one validate, or where that finds none of one plan.
pub(crate) fn errors(terraform: &Terraform) -> Result<Vec<Value>, Failure> {
    let is_error = |diagnostic: &Value| diagnostic["severity"] == "error";
    let found = terraform.validate()?["diagnostics"].as_array().cloned().unwrap_or_default();
    let found: Vec<Value> = found.into_iter().filter(is_error).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let plan = terraform.run(&["plan", "-json", "-input=false"])?;
    let lines = plan.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter(|line| line["type"] == "diagnostic").map(|line| line["diagnostic"].clone()).filter(is_error).collect())
}

/// Each wrong line in turn, in a block that needs `base` beside it.
fn each_is_refused(
    Stage { world, terraform }: &Stage,
    configure: &dyn Fn(&Wrong) -> Result<(), Failure>,
    table: &[Wrong],
) -> Result<(), Failure> {
    let mut missed = Vec::new();
    for wrong in table {
        configure(wrong)?;
        let errors = errors(terraform)?;
        let at_line = |error: &Value| error["snippet"]["code"].as_str().is_some_and(|code| code.trim() == wrong.line);
        let is_right = |error: &Value| {
            let detail = error["detail"].as_str().unwrap_or_default();
            error["summary"] == wrong.summary && detail.contains(wrong.detail) && at_line(error)
        };
        if errors.len() != 1 || !errors.iter().all(is_right) {
            missed.push(format!("{}:\n{}", wrong.line, serde_json::to_string_pretty(&errors).unwrap_or_default()));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), table.len(), missed.join("\n"));
    assert_eq!(world.mutations()?, Vec::<String>::new());
    Ok(())
}

/// A resource with the wrong line, and with the required attribute where the line isn't that.
fn resource(kind: &str, required: &str, value: &str, line: &str) -> String {
    let required = if line.starts_with(&format!("{required} =")) { String::new() } else { format!("  {required} = \"{value}\"\n") };
    format!("resource \"{kind}\" \"this\" {{\n{required}  {line}\n}}\n")
}

#[test]
fn every_wrong_value_of_a_key_gets_one_error_at_its_line() -> Result<(), Failure> {
    let stage = stage()?;
    let configure = |wrong: &Wrong| stage.terraform.configure(&resource("deeploy_kms_key", "name", "bad-input", wrong.line));
    each_is_refused(&stage, &configure, KEYS)
}

#[test]
fn every_wrong_value_of_a_bucket_gets_one_error_at_its_line() -> Result<(), Failure> {
    let stage = stage()?;
    let configure = |wrong: &Wrong| stage.terraform.configure(&resource("deeploy_s3_bucket", "bucket", "bad-input", wrong.line));
    each_is_refused(&stage, &configure, BUCKETS)
}

#[test]
fn every_wrong_value_of_the_provider_gets_one_error_at_its_line() -> Result<(), Failure> {
    let stage = stage()?;
    let key = resource("deeploy_kms_key", "name", "bad-input", "");
    let configure = |wrong: &Wrong| stage.terraform.configure_with(&format!("provider \"deeploy\" {{\n  {}\n}}\n", wrong.line), &key);
    each_is_refused(&stage, &configure, PROVIDER)
}
