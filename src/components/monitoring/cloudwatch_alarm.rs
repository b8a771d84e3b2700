//! `cloudwatch_alarm`: an alarm on one metric.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_cloudwatch::{
    operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder,
    types::{ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag},
};
use serde_json::Value as Json;

use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{json, map, number, required, text, texts},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An alarm on one metric.
///
/// Settings: `name` (fixed); live, all brought about by one call: `description`, `namespace`, `metric_name`, `dimensions` (an object),
/// `statistic`, `period` (seconds), `evaluation_periods`, `datapoints_to_alarm`, `threshold`, `comparison_operator`, `treat_missing_data`,
/// `actions_enabled`, `alarm_actions` and `ok_actions` (ARNs). Outputs: `arn`, `name`. Id: the name.
/// Guarantees: the alarms that are read at once are one call, and one more each for its tags, which AWS tells one alarm at a time.
pub(super) struct CloudwatchAlarm {
    aws: Arc<Aws>,
    described: Batch<String, MetricAlarm>,
}

const PUT: &str = "cloudwatch:PutMetricAlarm";
/// Names that DescribeAlarms takes in one call.
const NAMES_MAX: usize = 100;
/// What an alarm does about missing data unless it is told; DescribeAlarms leaves it out then.
const TREAT_MISSING_DATA_DEFAULT: &str = "missing";

impl CloudwatchAlarm {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, described: Batch::default() }
    }

    fn arn(&self, name: &str) -> String {
        self.aws.arn("cloudwatch", &self.aws.region, &format!("alarm:{name}"))
    }

    async fn describe(&self, names: Vec<String>) -> Result<Vec<(String, MetricAlarm)>, Failure> {
        let mut found = Vec::new();
        for names in names.chunks(NAMES_MAX) {
            let call = self.aws.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
            let call = call.max_records(i32::try_from(NAMES_MAX).unwrap_or(i32::MAX));
            let reply = call.send().await.map_err(|error| failure("cloudwatch:DescribeAlarms", error))?;
            let alarms = reply.metric_alarms.unwrap_or_default().into_iter();
            found.extend(alarms.filter_map(|alarm| Some((alarm.alarm_name.clone()?, alarm))));
        }
        Ok(found)
    }

    async fn tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let reply = self.aws.cloudwatch.list_tags_for_resource().resource_arn(self.arn(name)).send().await;
        let reply = reply.absent("cloudwatch:ListTagsForResource")?;
        let own = |tag: Tag| tag.key.zip(tag.value).filter(|(key, _)| !key.starts_with("aws:"));
        Ok(reply.map(|reply| reply.tags.unwrap_or_default().into_iter().filter_map(own).collect()))
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let Some(alarm) = self.described.get(name.to_owned(), |names| self.describe(names)).await? else { return Ok(None) };
        Ok(self.tags(name).await?.map(|tags| self.found(name, settings_of(name, &alarm), tags)))
    }

    fn found(&self, name: &str, settings: BTreeMap<String, Json>, tags: BTreeMap<String, String>) -> Found {
        let outputs = map([("arn", self.arn(name).into()), ("name", name.into())]);
        Found { id: name.to_owned(), settings, outputs, tags, readiness: Readiness::Ready }
    }

    /// The call that brings every setting about.
    fn put(&self, settings: &BTreeMap<String, Json>) -> Result<PutMetricAlarmFluentBuilder, Failure> {
        let required = |name| required(settings, name, PUT);
        let dimensions = settings.get("dimensions").and_then(Json::as_object);
        let dimensions = dimensions.into_iter().flatten().filter_map(|(name, value)| {
            let value = value.as_str()?;
            Some(Dimension::builder().name(name).value(value).build())
        });
        Ok((self.aws.cloudwatch.put_metric_alarm())
            .alarm_name(required("name")?)
            .set_alarm_description(text(settings, "description").map(str::to_owned))
            .namespace(required("namespace")?)
            .metric_name(required("metric_name")?)
            .set_dimensions(Some(dimensions.collect()))
            .statistic(Statistic::from(required("statistic")?))
            .set_period(number(settings, "period"))
            .set_evaluation_periods(number(settings, "evaluation_periods"))
            .set_datapoints_to_alarm(number(settings, "datapoints_to_alarm"))
            .set_threshold(settings.get("threshold").and_then(Json::as_f64))
            .comparison_operator(ComparisonOperator::from(required("comparison_operator")?))
            .set_treat_missing_data(text(settings, "treat_missing_data").map(str::to_owned))
            .set_actions_enabled(settings.get("actions_enabled").and_then(Json::as_bool))
            .set_alarm_actions(texts(settings, "alarm_actions"))
            .set_ok_actions(texts(settings, "ok_actions")))
    }
}

fn settings_of(name: &str, alarm: &MetricAlarm) -> BTreeMap<String, Json> {
    let dimensions = alarm.dimensions().iter().filter_map(|one| Some((one.name()?.to_owned(), Json::from(one.value()?))));
    map([
        ("name", name.into()),
        ("description", json(alarm.alarm_description())),
        ("namespace", json(alarm.namespace())),
        ("metric_name", json(alarm.metric_name())),
        ("dimensions", Json::Object(dimensions.collect())),
        ("statistic", json(alarm.statistic().map(Statistic::as_str))),
        ("period", alarm.period().into()),
        ("evaluation_periods", alarm.evaluation_periods().into()),
        // Left out where it was left out: then all periods count.
        ("datapoints_to_alarm", alarm.datapoints_to_alarm().or(alarm.evaluation_periods()).into()),
        ("threshold", alarm.threshold().into()),
        ("comparison_operator", json(alarm.comparison_operator().map(ComparisonOperator::as_str))),
        ("treat_missing_data", alarm.treat_missing_data().unwrap_or(TREAT_MISSING_DATA_DEFAULT).into()),
        ("actions_enabled", alarm.actions_enabled().into()),
        ("alarm_actions", alarm.alarm_actions().into()),
        ("ok_actions", alarm.ok_actions().into()),
    ])
}

fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[async_trait]
impl Component for CloudwatchAlarm {
    fn kind(&self) -> &'static str {
        "cloudwatch_alarm"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
            // What thresholds are shares of.
            "ec2:DescribeInstanceTypes",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || name == Some(id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let call = self.put(&wanted.settings)?.set_tags(Some(api_tags(&wanted.tags)));
        call.customize().config_override(once::cloudwatch()).send().await.map_err(|error| failure(PUT, error))?;
        Ok(self.found(required(&wanted.settings, "name", PUT)?, wanted.settings.clone(), wanted.tags.clone()))
    }

    /// AWS writes the whole alarm over, and leaves its tags and its state.
    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if !changed.is_empty() {
            self.put(&wanted.settings)?.send().await.map_err(|error| failure(PUT, error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let arn = self.arn(&found.id);
        if !remove.is_empty() {
            let call = self.aws.cloudwatch.untag_resource().resource_arn(&arn).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("cloudwatch:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.cloudwatch.tag_resource().resource_arn(&arn).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("cloudwatch:TagResource", error))?;
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.cloudwatch.delete_alarms().alarm_names(&found.id).send().await.absent("cloudwatch:DeleteAlarms")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::{components::replay::Script, graph::Class};

    fn settings(name: &str) -> BTreeMap<String, Json> {
        map([
            ("name", name.into()),
            ("description", "d".into()),
            ("namespace", "AWS/RDS".into()),
            ("metric_name", "CPUUtilization".into()),
            ("dimensions", json!({ "DBInstanceIdentifier": "prod" })),
            ("statistic", "Average".into()),
            ("period", 300.into()),
            ("evaluation_periods", 3.into()),
            ("datapoints_to_alarm", 2.into()),
            ("threshold", json!(80.0)),
            ("comparison_operator", "GreaterThanThreshold".into()),
            ("treat_missing_data", "breaching".into()),
            ("actions_enabled", true.into()),
            ("alarm_actions", json!(["arn:t"])),
            ("ok_actions", json!(["arn:t"])),
        ])
    }

    fn described(name: &str) -> Json {
        json!({
            "AlarmName": name, "AlarmDescription": "d", "Namespace": "AWS/RDS", "MetricName": "CPUUtilization",
            "Dimensions": [{ "Name": "DBInstanceIdentifier", "Value": "prod" }], "Statistic": "Average", "Period": 300, "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "breaching",
            "ActionsEnabled": true, "AlarmActions": ["arn:t"], "OKActions": ["arn:t"],
        })
    }

    fn wanted(name: &str) -> Wanted {
        let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_monitoring/prod".to_owned())]);
        Wanted { component: "alarm/cpu".into(), settings: settings(name), tags, token: String::new() }
    }

    fn query(name: &str) -> Query {
        Query { settings: map([("name", name.into())]), ..Query::default() }
    }

    fn tags() -> Json {
        json!({ "Tags": [{ "Key": "deeploy:owner", "Value": "deeploy_monitoring/prod" }, { "Key": "aws:x", "Value": "y" }] })
    }

    fn of(script: &Script) -> CloudwatchAlarm {
        CloudwatchAlarm::new(script.aws("eu-west-1"))
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_are_described_in_one_call_and_what_is_absent_has_no_tags_to_ask_for() {
        let script = Script::new()
            .cbor("DescribeAlarms", 200, &json!({ "MetricAlarms": [described("a"), described("b")] }))
            .cbor("ListTagsForResource", 200, &tags())
            .cbor("ListTagsForResource", 200, &tags());
        let component = of(&script);
        let queries = ["a", "b", "c"].map(query);
        let mut found = join_all(queries.iter().map(|query| component.find(query))).await.into_iter().map(Result::unwrap);
        let first = found.next().unwrap().unwrap();
        assert_eq!((&first.settings, &first.tags), (&settings("a"), &wanted("a").tags));
        assert_eq!(first.outputs["arn"], "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a");
        assert!(found.next().unwrap().is_some() && found.next().unwrap().is_none());
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        assert_eq!(asked["AlarmNames"], json!(["a", "b", "c"]));
    }

    #[tokio::test]
    async fn create_carries_everything_and_an_update_all_but_the_tags() {
        let script = Script::new().cbor("PutMetricAlarm", 200, &json!({})).cbor("PutMetricAlarm", 200, &json!({}));
        let component = of(&script);
        let made = component.create(&wanted("a")).await.unwrap();
        assert_eq!((made.id.as_str(), &made.settings, &made.tags), ("a", &settings("a"), &wanted("a").tags));
        component.update(&made, &wanted("a"), &BTreeSet::from(["threshold".to_owned()])).await.unwrap();
        component.update(&made, &wanted("a"), &BTreeSet::new()).await.unwrap();
        let asked = script.finish();
        let mut call: Json = serde_json::from_str(&asked[0].1).unwrap();
        let sent = call.as_object_mut().unwrap().remove("Tags");
        assert_eq!(sent, Some(json!([{ "Key": "deeploy:owner", "Value": "deeploy_monitoring/prod" }])));
        assert_eq!(call, described("a"));
        assert_eq!(serde_json::from_str::<Json>(&asked[1].1).unwrap(), described("a"), "an update leaves the tags");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_of_create_is_not_repeated_by_the_sdk() {
        let script = Script::new().cbor("PutMetricAlarm", 500, &json!({ "__type": "InternalServiceFault" }));
        let failure = CloudwatchAlarm::new(script.retrying("eu-west-1").await).create(&wanted("a")).await.unwrap_err();
        assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 1));
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set_and_deleted_twice() {
        let gone = json!({ "__type": "com.amazonaws.cloudwatch#ResourceNotFound", "message": "gone" });
        let script = Script::new()
            .cbor("UntagResource", 200, &json!({}))
            .cbor("TagResource", 200, &json!({}))
            .cbor("DeleteAlarms", 200, &json!({}))
            .cbor("DeleteAlarms", 404, &gone);
        let (component, found) = (of(&script), Found { id: "a".to_owned(), ..Found::default() });
        component.tag(&found, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        assert_eq!(component.delete(&found, &wanted("a")).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted("a")).await.unwrap(), None);
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        assert_eq!(asked["ResourceARN"], "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a");
    }
}
