//! One file a promise.

mod access_key;
mod auditor;
mod bad_input;
mod canary;
mod chaos_failure;
mod chaos_interrupt;
mod chaos_kill;
mod cluster;
mod cluster_drift;
mod cluster_input;
mod cluster_upgrade;
mod database;
mod database_destroy;
mod drift;
mod environment_bad_input;
mod environment_chaos;
mod environment_consequences;
mod environment_drift;
mod environment_existing;
mod environment_forms;
mod environment_growth;
mod environment_keys;
mod environment_leftovers;
mod environment_life;
mod environment_loss;
mod environment_presets;
mod environment_regions;
mod environment_restore;
mod environment_stage;
mod environment_updates;
mod environment_user;
mod environments;
#[cfg(unix)]
mod ephemeral;
mod every_component;
mod every_setting;
mod examples;
mod iam_role;
mod iam_user;
mod kms_key;
mod kms_key_drift;
mod kms_key_life;
mod lease;
mod lifecycle;
mod monitoring;
mod monitoring_drift;
mod network;
mod network_drift;
mod network_ways_out;
mod ownership;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod rds_user;
#[cfg(unix)]
mod rds_user_access;
#[cfg(unix)]
mod rds_user_chaos;
#[cfg(unix)]
mod rds_user_destroy;
#[cfg(unix)]
mod rds_user_drift;
#[cfg(unix)]
mod rds_user_example;
#[cfg(unix)]
mod rds_user_stage;
#[cfg(unix)]
mod rds_user_ways;
mod registry;
mod removals;
mod repair;
mod s3_bucket;
mod s3_bucket_drift;
mod s3_bucket_life;
mod smoke;
mod stage;
mod staging;
mod world_of_four;
