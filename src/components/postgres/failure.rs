//! Failures of PostgreSQL in the engine's terms.

use tokio_postgres::error::SqlState;

use crate::{
    graph::{Class, Failure},
    postgres::PgError,
};

/// Others' changes at the same moment; the statement had no effect.
const PASSING: [&SqlState; 2] = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
/// Somebody uses what has to be free, or there is no slot.
const BUSY: [&SqlState; 5] = [
    &SqlState::OBJECT_IN_USE,
    &SqlState::LOCK_NOT_AVAILABLE,
    &SqlState::CANNOT_CONNECT_NOW,
    &SqlState::TOO_MANY_CONNECTIONS,
    &SqlState::ADMIN_SHUTDOWN,
];
const EXISTS: [&SqlState; 2] = [&SqlState::DUPLICATE_OBJECT, &SqlState::DUPLICATE_DATABASE];
const MISSING: [&SqlState; 2] = [&SqlState::UNDEFINED_OBJECT, &SqlState::UNDEFINED_DATABASE];

/// `operation`: the kind of statement, e.g. `CREATE ROLE`; never the statement.
pub(crate) fn failure(operation: &str, error: PgError) -> Failure {
    let error = match error {
        PgError::Aws(cause) => match cause.downcast::<Failure>() {
            Ok(failure) => return *failure,
            Err(other) => PgError::Aws(other),
        },
        error => error,
    };
    let attribute = match &error {
        PgError::Unreachable(_) | PgError::Gone(_) => Some("host"),
        PgError::Untrusted(_) => Some("ca_certificate"),
        PgError::Way(_) => Some("via"),
        PgError::Credentials { attribute, .. } => Some(*attribute),
        _ => None,
    };
    Failure {
        class: class(&error),
        operation: format!("postgresql {operation}"),
        code: error.code().map(str::to_owned),
        request_id: None,
        message: error.to_string(),
        attribute: attribute.map(str::to_owned),
        retry_after: None,
    }
}

fn class(error: &PgError) -> Class {
    match error {
        PgError::Unreachable(_) | PgError::Gone(_) | PgError::Untrusted(_) | PgError::Way(_) => Class::Unreachable,
        PgError::Credentials { .. } | PgError::Refused(_) => Class::Credentials,
        PgError::Lost(_) => Class::Ambiguous,
        PgError::Aws(_) => Class::Bug,
        PgError::Sql { message, code } => of_state(code, message),
    }
}

fn of_state(code: &str, message: &str) -> Class {
    let among = |states: &[&SqlState]| states.iter().any(|state| state.code() == code);
    // "tuple concurrently updated" has no code of its own.
    let concurrent = code == SqlState::INTERNAL_ERROR.code() && message.contains("concurrently");
    if among(&PASSING) || concurrent {
        Class::Transient
    } else if among(&BUSY) {
        Class::Busy
    } else if among(&EXISTS) {
        Class::Conflict
    } else if among(&MISSING) {
        Class::NotFound
    } else if code == SqlState::INSUFFICIENT_PRIVILEGE.code() {
        Class::Denied
    } else {
        Class::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_say_what_to_do_next() {
        let cases = [
            ("XX000", "tuple concurrently updated", Class::Transient),
            ("XX000", "cache lookup failed", Class::Invalid),
            ("40001", "", Class::Transient),
            ("40P01", "deadlock detected", Class::Transient),
            ("55006", "source database \"template0\" is being accessed by other users", Class::Busy),
            ("55P03", "canceling statement due to lock timeout", Class::Busy),
            ("42710", "role exists", Class::Conflict),
            ("42P04", "database exists", Class::Conflict),
            ("3D000", "no database", Class::NotFound),
            ("42501", "permission denied", Class::Denied),
            ("0A000", "extension \"x\" is not available", Class::Invalid),
        ];
        for (code, message, class) in cases {
            let error = PgError::Sql { code: code.to_owned(), message: message.to_owned() };
            let failure = failure("CREATE ROLE", error);
            assert_eq!((failure.class, failure.code.as_deref()), (class, Some(code)), "{code} {message}");
        }
    }

    #[test]
    fn what_aws_said_stays_aws_s() {
        let aws = Failure { operation: "secretsmanager:GetSecretValue".to_owned(), ..failure("x", PgError::Lost(String::new())) };
        assert_eq!(failure("login", PgError::Aws(Box::new(aws.clone()))), aws);
    }
}
