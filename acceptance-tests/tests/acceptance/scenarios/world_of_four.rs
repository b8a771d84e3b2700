//! One configuration with all four resources, what its world looks like when it is whole, and what may never be in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use acceptance_tests::{Failure, World, check};
use serde_json::Value;

use super::stage::{Stage, mutations_of, stage, text};

/// The resources, by their addresses.
pub(crate) const FOUR: [&str; 4] = ["deeploy_kms_key.this", "deeploy_s3_bucket.this", "deeploy_iam_role.this", "deeploy_iam_user.this"];

/// They use each other as Deeploy's do; bucket names are global, so ACCOUNT is filled in.
pub(crate) const CONFIGURATION: &str = r#"
resource "deeploy_kms_key" "this" {
  name = "four-ACCOUNT"
}
resource "deeploy_s3_bucket" "this" {
  bucket        = "four-ACCOUNT"
  kms_key_arn   = deeploy_kms_key.this.arn
  force_destroy = true
}
resource "deeploy_iam_role" "this" {
  name               = "four-ACCOUNT"
  bucket_arn         = deeploy_s3_bucket.this.arn
  bucket_kms_key_arn = deeploy_kms_key.this.arn
  tokens_key_arn     = deeploy_kms_key.this.arn
  trust = { pod_identity = { cluster_name = "one", namespace = "deeploy", service_accounts = ["default"] } }
}
resource "deeploy_iam_user" "this" {
  name           = "four-ACCOUNT"
  bucket_arn     = deeploy_s3_bucket.this.arn
  tokens_key_arn = deeploy_kms_key.this.arn
}
"#;

/// Objects of a whole world, by type.
const WHOLE: [(&str, usize); 10] = [
    ("iam:access_key", 1),
    ("iam:group", 1),
    ("iam:group_policy", 1),
    ("iam:role", 1),
    ("iam:role_policy", 1),
    ("iam:user", 1),
    ("kms:alias", 1),
    ("kms:key", 1),
    ("s3:bucket", 2),
    ("secretsmanager:secret", 1),
];

/// How many cases run at once: each waits more than it works.
const PARALLEL: usize = 10;

/// The mutating calls of an undisturbed create and destroy, in their order.
pub(crate) struct Calls {
    pub(crate) create: Vec<String>,
    pub(crate) destroy: Vec<String>,
}

/// Counted once, for all who disturb them.
pub(crate) fn calls_of_a_life() -> Result<&'static Calls, Failure> {
    static CALLS: OnceLock<Result<Calls, Failure>> = OnceLock::new();
    let count = || {
        let stage = stage()?;
        stage.configure(CONFIGURATION)?;
        stage.terraform.apply::<&str>(&[])?.success()?;
        is_whole(&stage)?;
        let create = stage.world.mutations()?;
        let (destroyed, destroy) = mutations_of(&stage.world, || stage.terraform.destroy::<&str>(&[]))?;
        destroyed.success()?;
        check::only_pending_objects(&stage.world)?;
        Ok(Calls { create, destroy })
    };
    CALLS.get_or_init(count).as_ref().map_err(Clone::clone)
}

/// Every object exists once and nothing else does; the plan is empty.
pub(crate) fn is_whole(stage: &Stage) -> Result<(), Failure> {
    no_duplicates(&stage.world)?;
    let objects = stage.world.objects()?;
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &objects {
        *types.entry(text(object, "type")).or_default() += 1;
    }
    if !types.iter().map(|(kind, count)| (*kind, *count)).eq(WHOLE) {
        return Err(Failure::new(format!("the world is not whole: {types:?}\n{}", list(&objects))));
    }
    check::no_unsupported_call(&stage.world)?;
    check::empty_plan(&stage.terraform)
}

/// No two objects that live are the same component of the same resource.
pub(crate) fn no_duplicates(world: &World) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let objects = world.objects()?;
    // A database's backups bear its marks.
    let counts =
        |object: &&Value| object["state"] != "PendingDeletion" && !["rds:automated_backup", "rds:snapshot"].contains(&text(object, "type"));
    for object in objects.iter().filter(counts) {
        let tag = |name: &str| text(&object["tags"], name).to_owned();
        let mark = (tag("deeploy:owner"), tag("deeploy:component"));
        if !mark.0.is_empty() && !seen.insert(mark.clone()) {
            return Err(Failure::new(format!("{mark:?} exists twice:\n{}", list(&objects))));
        }
    }
    Ok(())
}

pub(crate) fn list(objects: &[Value]) -> String {
    let line = |object: &Value| format!("{} {} {} {}", text(object, "type"), text(object, "id"), object["state"], object["tags"]);
    objects.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs a case for each number, some at a time. Every failure is told.
pub(crate) fn for_each(cases: &[usize], case: impl Fn(usize) -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(number) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(failure) = case(*number) {
                failures.push(format!("== case {number}: {failure}"));
            }
        }
        failures
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..PARALLEL).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|_| vec!["a case panicked".to_owned()])).collect()
    });
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"))))
    }
}

/// About `count` numbers of 1..=`last`, spread over it, first and last among them.
pub(crate) fn spread(last: usize, count: usize) -> Vec<usize> {
    (0..count).map(|at| 1 + at * (last - 1) / (count - 1)).collect::<BTreeSet<_>>().into_iter().collect()
}
