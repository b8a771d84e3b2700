//! Tags of EC2's objects: in the call that makes them, and afterwards.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::{
    aws::{Aws, failure},
    graph::Failure,
};

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Tags as the API takes them.
pub(super) fn api_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags of an object that a create makes.
pub(super) fn specification(what: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(what).set_tags(Some(api_tags(tags))).build()
}

/// Tags as the engine takes them: those of AWS itself left out.
pub(super) fn own_tags(tags: &[Tag]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Removes tags from an object, then sets the others.
pub(super) async fn retag(aws: &Aws, id: &str, set: &Tags, remove: &[String]) -> Result<(), Failure> {
    if !remove.is_empty() {
        // Without a value a tag goes whatever its value is.
        let tags = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        let call = aws.ec2.delete_tags().resources(id).set_tags(Some(tags));
        call.send().await.map_err(|error| failure("ec2:DeleteTags", error))?;
    }
    if !set.is_empty() {
        let call = aws.ec2.create_tags().resources(id).set_tags(Some(api_tags(set)));
        call.send().await.map_err(|error| failure("ec2:CreateTags", error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{super::replies, *};
    use crate::components::replay::Script;

    #[test]
    fn tags_of_aws_are_not_ours() {
        let tags = Tags::from([("aws:cloudformation:stack".to_owned(), "x".to_owned()), ("Name".to_owned(), "n".to_owned())]);
        assert_eq!(own_tags(&api_tags(&tags)), Tags::from([("Name".to_owned(), "n".to_owned())]));
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set() {
        let script = Script::new().on("DeleteTags", 200, &replies::done("DeleteTags")).on("CreateTags", 200, &replies::done("CreateTags"));
        let aws = script.aws("eu-west-1");
        retag(&aws, "vpc-1", &Tags::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        retag(&aws, "vpc-1", &Tags::new(), &[]).await.unwrap();
        let asked = script.finish();
        assert!(
            asked[0].1.contains("ResourceId.1=vpc-1&Tag.1.Key=c&") || asked[0].1.ends_with("ResourceId.1=vpc-1&Tag.1.Key=c"),
            "{asked:?}"
        );
        assert!(asked[1].1.contains("Tag.1.Key=a&Tag.1.Value=b"), "{asked:?}");
    }
}
