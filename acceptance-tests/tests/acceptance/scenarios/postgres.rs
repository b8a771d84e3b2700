//! The harness itself: the real PostgreSQL servers that stand behind RDS's instances are as RDS's are, in what tests build on.

use acceptance_tests::{Failure, Folders, Iam, Login, POSTGRES_VERSIONS, Postgres, PostgresPrograms, PostgresVersion, Rows, Tls};

fn start(version: PostgresVersion) -> Result<Postgres, Failure> {
    Postgres::start(&Folders::find()?, version)
}

fn cells(rows: &Rows) -> Vec<&str> {
    rows.iter().flatten().map(|cell| cell.as_deref().unwrap_or("NULL")).collect()
}

/// The refusal of a statement that must not succeed.
fn refused(ran: Result<Rows, Failure>) -> String {
    match ran {
        Ok(rows) => panic!("this was to be refused: {rows:?}"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn each_version_is_the_release_it_is_called() -> Result<(), Failure> {
    let release = |version| PostgresPrograms::find(&Folders::find()?, version)?.release();
    assert!(release(PostgresVersion::V15)?.contains("PostgreSQL) 15."));
    // A release, no beta: those are called 18beta1.
    assert!(release(PostgresVersion::Newest)?.contains("PostgreSQL) 18."));
    Ok(())
}

#[test]
fn the_master_user_is_no_superuser() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let server = start(version)?;
        let role = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user";
        let login = server.admin_login();
        assert_eq!(cells(&server.query_as(&login, "postgres", role)?), ["f", "t", "t", "f"]);
        for sql in ["SELECT rolpassword FROM pg_authid", "SELECT * FROM pg_shadow", "CREATE ROLE other SUPERUSER"] {
            assert!(refused(server.query_as(&login, "postgres", sql)).contains("42501"), "{sql}");
        }
        assert!(refused(server.query_as(&login, "rdsadmin", "SELECT 1")).contains("permission denied for database"));
        // What it is there for.
        server.query_as(&login, "postgres", "CREATE ROLE app LOGIN PASSWORD 'SCRAM-SHA-256$4096:YQ==$YQ==:YQ=='")?;
        server.query_as(&login, "postgres", "GRANT rds_iam TO app")?;
        server.query_as(&login, "postgres", "CREATE DATABASE app TEMPLATE template0")?;
        for extension in ["uuid-ossp", "pgcrypto"] {
            server.query_as(&login, "app", &format!("CREATE EXTENSION \"{extension}\""))?;
        }
        assert_eq!(server.query_as(&login, "app", "SELECT uuid_generate_v4(), gen_random_bytes(4), NULL")?[0][2], None);
    }
    Ok(())
}

#[test]
fn only_tls_with_the_servers_own_authority_gets_through() -> Result<(), Failure> {
    let (server, other) = (start(PostgresVersion::V15)?, start(PostgresVersion::Newest)?);
    for (server, stranger) in [(&server, &other), (&other, &server)] {
        assert_ne!(server.ca_pem()?, stranger.ca_pem()?);
        let login = server.admin_login();
        let ssl = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert_eq!(cells(&server.query_as(&login, "postgres", ssl)?), ["t", "TLSv1.3"]);
        let plain = refused(server.query_as(&Login { tls: Tls::Off, ..login }, "postgres", "SELECT 1"));
        assert!(plain.contains("no pg_hba.conf entry") && plain.contains("no encryption"), "{plain}");
        let wrong = refused(server.query_as(&Login { tls: Tls::Verified(stranger.ca_file()), ..login }, "postgres", "SELECT 1"));
        assert!(wrong.contains("certificate verify failed"), "{wrong}");
        let password = refused(server.query_as(&Login { password: "wrong", ..login }, "postgres", "SELECT 1"));
        assert!(password.contains("password authentication failed"), "{password}");
        // RDS's own superuser comes from nowhere, and members of rds_iam not by password.
        let theirs = refused(server.query_as(&Login { user: "rdsadmin", ..login }, "postgres", "SELECT 1"));
        assert!(theirs.contains("pg_hba.conf rejects connection"), "{theirs}");
        server.query("postgres", "CREATE ROLE token LOGIN PASSWORD 'known' IN ROLE rds_iam")?;
        let token = refused(server.query_as(&Login { user: "token", password: "known", tls: Tls::Unverified }, "postgres", "SELECT 1"));
        assert!(token.contains("pg_hba.conf rejects connection"), "{token}");
    }
    Ok(())
}

#[test]
fn the_log_tells_others_statements_and_connections_but_not_the_tests_own() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let mut server = start(version)?;
        assert_eq!(server.connections(server.admin())?, 0);
        server.set_admin_password("canary'of%the test")?;
        server.query_as(&server.admin_login(), "postgres", "SELECT 'a statement of somebody'")?;
        assert!(server.query("postgres", "SELECT nothing FROM nowhere").is_err());
        server.query_as(&server.admin_login(), "postgres", "SELECT 1")?;
        let log = server.log()?;
        assert!(log.contains("a statement of somebody"), "{log}");
        assert!(!log.contains("canary") && !log.contains("SELECT nothing"), "{log}");
        assert_eq!(server.connections(server.admin())?, 2, "{log}");
    }
    Ok(())
}

#[test]
fn a_stopped_server_keeps_its_data_and_a_dropped_one_nothing() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let mut server = start(version)?;
        server.query("postgres", "CREATE TABLE kept (n int)")?;
        let (port, folder) = (server.port(), server.query("postgres", "SHOW data_directory")?);
        server.stop();
        let gone = refused(server.query_as(&server.admin_login(), "postgres", "SELECT 1"));
        assert!(gone.contains("Connection refused"), "{gone}");
        server.start_again()?;
        assert_eq!(server.port(), port);
        assert_eq!(cells(&server.query("postgres", "SELECT count(*) FROM kept")?), ["0"]);
        drop(server);
        let folder = cells(&folder)[0].to_owned();
        assert!(!std::path::Path::new(&folder).exists(), "{folder}");
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
    Ok(())
}

const SIGNER: Iam<'_> = Iam { host: "db.example", region: "eu-central-1", access_key: "AKIDEXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG" };

#[test]
fn members_of_rds_iam_come_in_by_token_alone() -> Result<(), Failure> {
    let folders = Folders::find()?;
    let mut server = start(PostgresVersion::V15)?;
    server.query("postgres", "CREATE ROLE app LOGIN PASSWORD 'known' IN ROLE rds_iam")?;
    server.admit_iam(&folders, &SIGNER)?;
    // Of a time long gone, but signed by the right key: botocore's `generate_db_auth_token`.
    let old = format!(
        "db.example:{}/?Action=connect&DBUser=app&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20200101%2Feu-central-1\
         %2Frds-db%2Faws4_request&X-Amz-Date=20200101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=00",
        server.port()
    );
    for password in ["known", old.as_str(), &old.replace("db.example", "db.other"), &old.replace("DBUser=app", "DBUser=deeploy_admin")] {
        let said = refused(server.query_as(&Login { user: "app", password, tls: Tls::Unverified }, "postgres", "SELECT 1"));
        assert!(said.contains("LDAP authentication failed"), "{said}");
    }
    let said = server.iam_log()?;
    for why in ["another host or port", "its time is over", "another user"] {
        assert!(said.contains(why), "{said}");
    }
    // The master user has a password, as before; the newest PostgreSQL comes without LDAP.
    server.query_as(&server.admin_login(), "postgres", "SELECT 1")?;
    assert!(start(PostgresVersion::Newest)?.admit_iam(&folders, &SIGNER).is_err());
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn as_an_instance_it_has_rdss_port_and_a_name_of_its_own() -> Result<(), Failure> {
    let folders = Folders::find()?;
    let servers =
        [Postgres::start_as_instance(&folders, PostgresVersion::V15)?, Postgres::start_as_instance(&folders, PostgresVersion::Newest)?];
    assert_ne!(servers[0].host(), servers[1].host());
    for server in &servers {
        assert_eq!(server.port(), 5432);
        let seen = "SELECT host(inet_server_addr()), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        // verify-full: the certificate is for this address.
        assert_eq!(cells(&server.query_as(&server.admin_login(), "postgres", seen)?), [server.host().as_str(), "t"]);
    }
    Ok(())
}
