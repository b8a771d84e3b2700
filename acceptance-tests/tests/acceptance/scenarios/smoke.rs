//! The harness itself: Terraform, the provider and the sandbox are there and answer, on each Terraform that is supported.

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World};
use serde_json::Value;

fn version(release: Option<Release>) -> Result<String, Failure> {
    let cli = Prerequisites::find()?.terraform(release)?;
    let told = Terraform::without_provider(cli)?.run(&["version", "-json"])?.success()?;
    let told: Value = serde_json::from_str(&told.stdout).map_err(|error| Failure::new(format!("{error}: {}", told.output())))?;
    Ok(told["terraform_version"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn each_terraform_is_the_release_it_is_called() -> Result<(), Failure> {
    assert!(version(Some(Release::V1_15))?.starts_with("1.15."));
    assert!(version(Some(Release::V1_8))?.starts_with("1.8."));
    assert!(version(None)?.starts_with("1."));
    Ok(())
}

#[test]
fn an_embedded_terraform_has_its_exit_codes_and_both_streams() -> Result<(), Failure> {
    for release in [Release::V1_15, Release::V1_8] {
        let terraform = Terraform::without_provider(Prerequisites::find()?.terraform(Some(release))?)?;
        let empty = terraform.run(&["plan", "-no-color"])?.failure()?;
        assert!(empty.stderr.contains("No configuration files"), "{}", empty.output());
        terraform.write("main.tf", "output \"answer\" {\n  value = 42\n}\n")?;
        assert_eq!(terraform.plan(&["-detailed-exitcode"])?.code, Some(2));
        terraform.apply_plan()?.success()?;
        assert_eq!(terraform.outputs()?["answer"], 42);
    }
    Ok(())
}

#[test]
fn the_sandbox_answers_and_accounts_are_apart() -> Result<(), Failure> {
    let sandbox = Sandbox::shared(&Prerequisites::find()?)?;
    let (first, second) = (World::new(sandbox), World::new(sandbox));
    assert_ne!(first.account(), second.account());
    assert_eq!(first.objects()?, Vec::<Value>::new());
    assert_eq!(second.calls()?, Vec::<Value>::new());
    assert!(first.order(&serde_json::json!([{"do": "nonsense"}])).is_err());
    Ok(())
}
