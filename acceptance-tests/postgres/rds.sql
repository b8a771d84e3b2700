-- What RDS has made when an instance is new: user guide "Master user account privileges" and "Understanding the rds_superuser role".
-- Run as rdsadmin, the only superuser. Works on PostgreSQL 13 to 18; :admin is the master user's name.
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_ad NOLOGIN;
GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;
SELECT current_setting('server_version_num')::int >= 150000 AS has_checkpoint, current_setting('server_version_num')::int >= 160000 AS has_set_option \gset
\if :has_checkpoint
GRANT pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
\endif
CREATE ROLE :"admin" LOGIN NOSUPERUSER CREATEDB CREATEROLE INHERIT NOREPLICATION NOBYPASSRLS VALID UNTIL 'infinity';
GRANT rds_superuser TO :"admin";
-- Since 16, CREATEROLE alone grants nothing. RDS lets its master user grant rds_iam without being a member; plain PostgreSQL needs the
-- ADMIN option, which makes it one: pg_hba.conf therefore names the master user before the members of rds_iam.
\if :has_set_option
GRANT rds_iam TO :"admin" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
\endif
CREATE DATABASE rdsadmin OWNER rdsadmin;
REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC;
ALTER DATABASE postgres OWNER TO :"admin";
ALTER DATABASE template1 OWNER TO :"admin";
