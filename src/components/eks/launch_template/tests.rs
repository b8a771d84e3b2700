#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::components::replay::Script;

const TEMPLATE: &str = "<item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>prod-default</launchTemplateName>\
    <defaultVersionNumber>2</defaultVersionNumber><latestVersionNumber>3</latestVersionNumber>\
    <tagSet><item><key>deeploy:owner</key><value>deeploy_eks_cluster/prod</value></item>\
    <item><key>deeploy:component</key><value>launch_template/default</value></item></tagSet></item>";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1";

fn reply(action: &str, body: &str) -> String {
    format!(r#"<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>{body}</{action}Response>"#)
}

fn templates(inner: &str) -> String {
    reply("DescribeLaunchTemplates", &format!("<launchTemplates>{inner}</launchTemplates>"))
}

fn versions() -> String {
    let data = format!(
        "<blockDeviceMappingSet><item><deviceName>/dev/xvda</deviceName><ebs><encrypted>true</encrypted><volumeSize>100</volumeSize>\
         <volumeType>gp3</volumeType><kmsKeyId>{KEY}</kmsKeyId></ebs></item></blockDeviceMappingSet>\
         <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>1</httpPutResponseHopLimit></metadataOptions>\
         <monitoring><enabled>true</enabled></monitoring><securityGroupIdSet><item>sg-1</item></securityGroupIdSet>\
         <tagSpecificationSet><item><resourceType>instance</resourceType><tagSet><item><key>Name</key><value>prod-default</value></item></tagSet></item>\
         </tagSpecificationSet>"
    );
    let version = format!(
        "<item><launchTemplateId>lt-1</launchTemplateId><versionNumber>2</versionNumber><launchTemplateData>{data}</launchTemplateData></item>"
    );
    reply("DescribeLaunchTemplateVersions", &format!("<launchTemplateVersionSet>{version}</launchTemplateVersionSet>"))
}

fn settings() -> Settings {
    map([
        ("name", json!("prod-default")),
        ("device_name", json!("/dev/xvda")),
        ("disk_size", json!(100)),
        ("encrypted", json!(true)),
        ("volume_type", json!("gp3")),
        ("kms_key_arn", json!(KEY)),
        ("security_group_ids", json!(["sg-1"])),
        ("monitoring", json!(true)),
        ("http_tokens", json!("required")),
        ("hop_limit", json!(1)),
        ("instance_tags", json!({ "Name": "prod-default" })),
        ("others", json!([])),
    ])
}

fn wanted() -> Wanted {
    let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_eks_cluster/prod".to_owned())]);
    Wanted { component: "launch_template/default".into(), settings: settings(), tags, token: "t".repeat(70) }
}

fn component(script: &Script) -> LaunchTemplate {
    LaunchTemplate::new(script.aws("eu-central-1"))
}

#[tokio::test]
async fn found_by_name_with_the_data_of_its_default_version() {
    let script =
        Script::new().on("DescribeLaunchTemplates", 200, &templates(TEMPLATE)).on("DescribeLaunchTemplateVersions", 200, &versions());
    let query = Query { id: Some("lt-1".into()), settings: settings(), ..Query::default() };
    let found = component(&script).find(&query).await.unwrap().unwrap();
    let asked = script.finish();
    assert_eq!((found.id.as_str(), &found.settings), ("lt-1", &settings()));
    assert_eq!(found.outputs["latest_version"], json!("2"), "what nodes run by is the default version");
    assert!(asked[0].1.contains("launch-template-name") && asked[1].1.contains("%24Default"), "{asked:?}");
}

#[tokio::test]
async fn found_by_id_and_by_its_tags() {
    let gone = "<Response><Errors><Error><Code>InvalidLaunchTemplateId.NotFound</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>";
    let script = Script::new().on("DescribeLaunchTemplates", 400, gone).on("DescribeLaunchTemplates", 200, &templates(TEMPLATE));
    let script = script.on("DescribeLaunchTemplateVersions", 200, &versions()).on("DescribeLaunchTemplates", 200, &templates(""));
    let component = component(&script);
    let query = |owner: &str| Query { id: None, owner: owner.to_owned(), component: "launch_template/default".into(), ..Query::default() };
    let by_id = Query { id: Some("lt-0".into()), ..query("deeploy_eks_cluster/prod") };
    assert_eq!(component.find(&by_id).await.unwrap().unwrap().id, "lt-1");
    assert_eq!(component.find(&query("other")).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn create_is_one_call_with_data_tags_and_token() {
    let template = TEMPLATE.trim_start_matches("<item>").trim_end_matches("</item>");
    let script = Script::new().on(
        "CreateLaunchTemplate",
        200,
        &reply("CreateLaunchTemplate", &format!("<launchTemplate>{template}</launchTemplate>")),
    );
    let made = component(&script).create(&wanted()).await.unwrap();
    let sent = script.finish()[0].1.clone();
    for part in [
        "LaunchTemplateData.BlockDeviceMapping.1.Ebs.Encrypted=true",
        "LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeType=gp3",
        "LaunchTemplateData.MetadataOptions.HttpTokens=required",
        "LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit=1",
        "LaunchTemplateData.SecurityGroupId.1=sg-1",
        "LaunchTemplateData.TagSpecification.3.ResourceType=network-interface",
        "TagSpecification.1.ResourceType=launch-template",
    ] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    assert!(
        sent.contains(&format!("ClientToken={}&", "t".repeat(64))) || sent.ends_with(&format!("ClientToken={}", "t".repeat(64))),
        "{sent}"
    );
    assert_eq!((made.id.as_str(), made.settings), ("lt-1", settings()));
}

#[tokio::test]
async fn a_change_is_a_new_version_that_becomes_the_default() {
    let version =
        "<launchTemplateVersion><launchTemplateId>lt-1</launchTemplateId><versionNumber>7</versionNumber></launchTemplateVersion>";
    let script = Script::new().on("CreateLaunchTemplateVersion", 200, &reply("CreateLaunchTemplateVersion", version));
    let script = script.on("ModifyLaunchTemplate", 200, &reply("ModifyLaunchTemplate", "<launchTemplate/>"));
    let found = Found { id: "lt-1".into(), ..Found::default() };
    component(&script).update(&found, &wanted(), &BTreeSet::from(["disk_size".to_owned()])).await.unwrap();
    assert!(script.finish()[1].1.contains("SetDefaultVersion=7"));
}

#[tokio::test]
async fn delete_succeeds_twice() {
    let gone = "<Response><Errors><Error><Code>InvalidLaunchTemplateId.NotFound</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>";
    let script = Script::new().on("DeleteLaunchTemplate", 400, gone);
    let found = Found { id: "lt-1".into(), ..Found::default() };
    assert_eq!(component(&script).delete(&found, &wanted()).await.unwrap(), None);
    script.finish();
}

#[test]
fn what_somebody_else_wrote_is_named() {
    let ours = data(&settings());
    assert!(ours.user_data().is_none() && ours.image_id().is_none());
    let clean = ResponseLaunchTemplateData::builder().build();
    assert_eq!(others(&clean), Vec::<&str>::new());
    let closed = LaunchTemplateInstanceMetadataOptions::builder().http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Disabled);
    let theirs =
        ResponseLaunchTemplateData::builder().user_data("IyEvYmluL3No").image_id("ami-1").key_name("k").metadata_options(closed.build());
    assert_eq!(others(&theirs.build()), ["user_data", "image_id", "key_name", "http_endpoint"]);
}
