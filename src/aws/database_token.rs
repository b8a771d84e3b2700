//! A password for logins at one database, signed here and sent to nobody: user guide "IAM database authentication for MariaDB, MySQL, and
//! PostgreSQL".

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider, error::CredentialsError};
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config};
use aws_smithy_types::{DateTime, date_time::Format};
use aws_types::region::Region;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Aws,
    error::{causes, find},
    redact,
};
use crate::graph::{Class, Failure};

/// AWS's own: a token is good for new connections so long, seconds. Connections that stand are not cut.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// What RFC 3986 leaves as it is; everything else in a user's name would be taken for a part of the query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// For messages, in the place of an operation: no call is made.
const SIGNING: &str = "signing a database token";

/// Who logs in where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseLogin {
    /// The instance's own name, also where a tunnel leads to it: it is signed. Letters, digits, dots and hyphens.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database's user, a member of `rds_iam`.
    pub user: String,
    /// The database's region.
    pub region: String,
}

/// A token, and until when it opens new connections.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseToken {
    /// `host:port/?Action=connect&…`: the password.
    pub token: String,
    /// 15 minutes from now, or the end of the credentials that signed it, where that comes first.
    pub expires_at: SystemTime,
}

impl fmt::Debug for DatabaseToken {
    /// Without the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl DatabaseToken {
    /// The end, e.g. `2026-11-28T12:15:00Z`.
    #[must_use]
    pub fn expires_at_text(&self) -> String {
        let seconds = self.expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)).fmt(Format::DateTime).unwrap_or_default()
    }
}

impl Aws {
    /// Signs a token with the credentials that every call is signed with.
    ///
    /// # Errors
    /// When there are no credentials any more.
    pub async fn database_token(&self, login: &DatabaseLogin) -> Result<DatabaseToken, Failure> {
        let failed = |class: Class, message: String| Failure {
            class,
            operation: SIGNING.to_owned(),
            code: None,
            request_id: None,
            message,
            attribute: None,
            retry_after: None,
        };
        let missing = || failed(Class::Credentials, "there are no credentials".to_owned());
        let (provider, clock) = (self.sdk.credentials_provider().ok_or_else(missing)?, self.sdk.time_source().ok_or_else(missing)?);
        let loaded = provider.provide_credentials().await;
        let credentials = loaded.map_err(|error: CredentialsError| failed(Class::Credentials, redact(&causes(&error))))?;
        let end = clock.now() + GOOD_FOR;
        let expires_at = credentials.expiry().map_or(end, |credentials| credentials.min(end));
        let config = Config::builder()
            .hostname(&login.host)
            .port(u64::from(login.port))
            .username(utf8_percent_encode(&login.user, QUERY).to_string())
            .region(Region::new(login.region.clone()))
            .credentials(SharedCredentialsProvider::new(credentials))
            .expires_in(GOOD_FOR.as_secs());
        let generator = AuthTokenGenerator::new(config.build().map_err(|error| failed(Class::Bug, redact(&error.to_string())))?);
        let token = generator.auth_token(&self.sdk).await.map_err(|error| {
            let class = if find::<CredentialsError>(error.as_ref()).is_some() { Class::Credentials } else { Class::Bug };
            failed(class, redact(&causes(error.as_ref())))
        })?;
        Ok(DatabaseToken { token: token.to_string(), expires_at })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_types::{SdkConfig, sdk_config::TimeSource};

    use super::*;
    use crate::aws::Caller;

    /// 2026-11-28T12:00:00Z.
    const NOW: Duration = Duration::from_secs(1_795_867_200);

    #[derive(Debug)]
    struct Noon;

    impl TimeSource for Noon {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + NOW
        }
    }

    fn aws(session: Option<&str>, expiry: Option<Duration>) -> Aws {
        let expiry = expiry.map(|after| SystemTime::UNIX_EPOCH + NOW + after);
        let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", key, session.map(str::to_owned), expiry, "test");
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .time_source(Noon)
            .build();
        let caller = Caller { account_id: "123456789012".into(), arn: "arn:aws:iam::123456789012:user/me".into() };
        Aws::new(&config, aws_sdk_s3::Client::new(&config), "eu-west-1", caller)
    }

    fn login(host: &str, user: &str, region: &str) -> DatabaseLogin {
        DatabaseLogin { host: host.into(), port: 5432, user: user.into(), region: region.into() }
    }

    /// Its parts, sorted: the order of a query means nothing.
    fn parts(token: &str) -> Vec<&str> {
        let mut parts: Vec<&str> = token.split(['?', '&']).collect();
        parts.sort_unstable();
        parts
    }

    /// Made by botocore's `generate_db_auth_token` with the same credentials at the same time.
    #[tokio::test]
    async fn tokens_are_those_of_awss_own_tools() {
        let plain = "db.abc.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=deeploy&X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIDEXAMPLE%2F20261128%2Feu-central-1%2Frds-db%2Faws4_request&X-Amz-Date=20261128T120000Z&X-Amz-Expires=900\
            &X-Amz-SignedHeaders=host&X-Amz-Signature=eda63677328754489588ab05322325936c0d56cb4bd01a0ff0a4ffdc141a9df5";
        let made =
            aws(None, None).database_token(&login("db.abc.eu-central-1.rds.amazonaws.com", "deeploy", "eu-central-1")).await.unwrap();
        assert_eq!(parts(&made.token), parts(plain));

        let session = "db.abc.rds.cn-north-1.amazonaws.com.cn:5432/?Action=connect&DBUser=app%20user%40x&X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIDEXAMPLE%2F20261128%2Fcn-north-1%2Frds-db%2Faws4_request&X-Amz-Date=20261128T120000Z&X-Amz-Expires=900\
            &X-Amz-SignedHeaders=host&X-Amz-Security-Token=session%2Ftoken%2Bwith%3Dsigns\
            &X-Amz-Signature=500d0b37b0c021d64babf8c570dcebe5e43457fab6a7e9ef5b34f55c05a90b3c";
        let aws = aws(Some("session/token+with=signs"), None);
        let made = aws.database_token(&login("db.abc.rds.cn-north-1.amazonaws.com.cn", "app user@x", "cn-north-1")).await.unwrap();
        assert_eq!(parts(&made.token), parts(session));
    }

    #[tokio::test]
    async fn a_token_ends_with_the_credentials_that_signed_it() {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        for (expiry, end) in [(None, "2026-11-28T12:15:00Z"), (minutes(60), "2026-11-28T12:15:00Z"), (minutes(5), "2026-11-28T12:05:00Z")] {
            let made = aws(None, expiry).database_token(&login("db.example", "deeploy", "eu-west-1")).await.unwrap();
            assert_eq!(made.expires_at_text(), end);
            assert!(!format!("{made:?}").contains("Signature"));
        }
    }

    #[tokio::test]
    async fn without_credentials_it_says_so() {
        let failure = crate::aws::tests::offline("eu-west-1").database_token(&login("db", "u", "eu-west-1")).await.unwrap_err();
        assert_eq!(failure.class, Class::Credentials);
    }
}
