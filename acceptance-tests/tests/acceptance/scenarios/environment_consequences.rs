//! What decides whether an environment works, asked of the sandbox's evaluators: who reaches whom, who may what, and which mails arrive.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environments::{Lines, NAME, made},
    stage::{Stage, stage, text},
};

/// The question of one way through the network; an end is `(group, subnet)` or an address.
fn reaches(world: &World, from: &Value, to: &Value, port: u16) -> Result<Value, Failure> {
    world.ask("reach", &json!({ "from": from, "to": to, "port": port, "protocol": "tcp" }))
}

fn end(group: &str, subnet: &Value) -> Value {
    json!({ "security_groups": [group], "subnet_id": subnet })
}

fn allowed(world: &World, what: &str, from: &Value, to: &Value, port: u16, expected: bool) -> Result<Value, Failure> {
    let answer = reaches(world, from, to, port)?;
    assert_eq!(answer["allowed"], expected, "{what}: {answer}");
    Ok(answer)
}

/// A group of somebody else's in the VPC, with the way out that every new group has.
fn somebody(world: &World, vpc: &str, name: &str) -> Result<String, Failure> {
    let parameters = [("GroupName", name), ("GroupDescription", name), ("VpcId", vpc)];
    let reply = world.query("ec2", "2016-11-15", "CreateSecurityGroup", &parameters)?;
    let (_, rest) = reply.split_once("<groupId>").ok_or_else(|| Failure::new(reply.clone()))?;
    Ok(rest.split('<').next().unwrap_or_default().to_owned())
}

#[test]
fn what_was_made_works_and_lets_nobody_else_in() -> Result<(), Failure> {
    let stage = stage()?;
    let mut lines = Lines::production(&stage.world);
    let first = made(&stage, &lines)?;
    let Stage { world, terraform } = &stage;
    let friend = somebody(world, text(&first["network"], "vpc_id"), "friend")?;
    lines.set("database.allowed_security_group_ids", &format!("[\"{friend}\"]"));
    terraform.configure(&lines.text())?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;

    who_reaches_what(world, &first, &friend)?;
    keys_work(world, &first)?;
    the_role_may_its_own_and_nothing_else(world, &first)?;
    alarms_arrive(world, &first)?;
    check::no_unsupported_call(world)
}

fn who_reaches_what(world: &World, state: &Value, friend: &str) -> Result<(), Failure> {
    let network = &state["network"];
    let nodes = text(&state["cluster"], "node_security_group_id");
    // Of the machines themselves, whatever the state says.
    let machines = world.objects_of("ec2:instance")?;
    assert!(machines.len() == 3 && machines.iter().all(|machine| machine["groups"] == json!([nodes])), "{machines:?}");
    let database = end(text(&state["database"], "security_group_id"), &network["database_subnet_ids"][0]);
    let cluster = world.eks("GET", &format!("/clusters/{NAME}"), &Value::Null)?;
    let control_plane = text(&cluster["cluster"]["resourcesVpcConfig"], "clusterSecurityGroupId").to_owned();
    let control_plane = end(&control_plane, &network["control_plane_subnet_ids"][0]);
    let stranger = somebody(world, text(network, "vpc_id"), "stranger")?;
    let internet = json!({ "address": "198.51.100.7" });
    for subnet in network["private_subnet_ids"].as_array().unwrap() {
        allowed(world, "nodes to the database", &end(nodes, subnet), &database, 5432, true)?;
        allowed(world, "nodes to another port", &end(nodes, subnet), &database, 22, false)?;
        allowed(world, "nodes to the control plane", &end(nodes, subnet), &control_plane, 443, true)?;
        for port in [443, 10250, 15017, 9443] {
            allowed(world, "the control plane to nodes", &control_plane, &end(nodes, subnet), port, true)?;
        }
        allowed(world, "the control plane to the nodes' SSH", &control_plane, &end(nodes, subnet), 22, false)?;
        allowed(world, "the internet to nodes", &internet, &end(nodes, subnet), 443, false)?;
        let private = &network["private_subnet_ids"][0];
        allowed(world, "another group to nodes", &end(&stranger, private), &end(nodes, subnet), 443, false)?;
    }
    let private = &network["private_subnet_ids"][0];
    allowed(world, "an allowed group to the database", &end(friend, private), &database, 5432, true)?;
    allowed(world, "the control plane to the database", &control_plane, &database, 5432, false)?;
    allowed(world, "the internet to the database", &internet, &database, 5432, false)?;
    allowed(world, "another group to the database", &end(&stranger, private), &database, 5432, false)?;

    // Each zone has a way out of its own; the database and the control plane have none.
    let mut gateways: Vec<String> = Vec::new();
    for subnet in network["private_subnet_ids"].as_array().unwrap() {
        let way = allowed(world, "nodes to the internet", &end(nodes, subnet), &internet, 443, true)?;
        assert_eq!(way["route"]["kind"], "nat", "{way}");
        gateways.push(text(&way["route"], "target").to_owned());
    }
    gateways.sort();
    gateways.dedup();
    assert_eq!(gateways.len(), 3, "{gateways:?}");
    for kind in ["database_subnet_ids", "control_plane_subnet_ids"] {
        for subnet in network[kind].as_array().unwrap() {
            allowed(world, kind, &json!({ "subnet_id": subnet }), &internet, 443, false)?;
        }
    }
    let probe = |tls: bool| {
        let from = json!({ "identifier": NAME, "from_security_groups": [nodes], "from_subnet": private, "tls": tls });
        world.ask("rds-probe", &from)
    };
    assert_eq!((&probe(true)?["reachable"], &probe(false)?["reachable"]), (&json!(true), &json!(false)));
    Ok(())
}

/// Nodes launched with disks, and logs, alarms and database stand, under the data key.
fn keys_work(world: &World, state: &Value) -> Result<(), Failure> {
    let key = &state["encryption"]["data_key_arn"];
    let groups = world.objects_of("eks:nodegroup")?;
    assert!(groups.len() == 1 && groups[0]["state"] == "ACTIVE" && groups[0]["cause"].is_null(), "{groups:?}");
    let volumes = world.objects_of("ec2:volume")?;
    let under = |volume: &Value| volume["encrypted"] == true && volume["kms_key_id"] == *key;
    assert!(volumes.len() == 3 && volumes.iter().all(under), "{volumes:?}");
    let logs: Vec<Value> =
        world.objects_of("logs:log_group")?.into_iter().filter(|group| group["tags"]["deeploy:owner"].is_string()).collect();
    assert!(logs.len() == 8 && logs.iter().all(|group| group["kms_key_id"] == *key), "{logs:?}");
    assert_eq!(world.objects_of("sns:topic")?[0]["kms_key_id"], *key);
    // The disks' key must admit who launches nodes.
    let scaling = format!("arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", world.account());
    let may = |action: &str, principal: &str| -> Result<String, Failure> {
        let question =
            json!({ "account": world.account(), "principal_arn": principal, "action": action, "resource_arn": key, "context": {} });
        Ok(text(&world.evaluate(&question)?, "decision").to_owned())
    };
    assert_eq!(may("kms:GenerateDataKeyWithoutPlaintext", &scaling)?, "allowed");
    assert_eq!(may("kms:ScheduleKeyDeletion", &scaling)?, "implicitDeny");
    Ok(())
}

fn the_role_may_its_own_and_nothing_else(world: &World, state: &Value) -> Result<(), Failure> {
    let pod = |namespace: &str, account: &str| {
        world.ask("pod-identity", &json!({ "cluster": NAME, "namespace": namespace, "service_account": account }))
    };
    let role = &state["identity"]["role_arn"];
    for account in ["default", "deeploy-deployment", "deeploy-registration", "deeploy-usage"] {
        assert_eq!(pod("deeploy", account)?["role_arn"], *role, "{account}");
    }
    assert!(pod("deeploy", "other")?["role_arn"].is_null() && pod("default", "default")?["role_arn"].is_null());

    let decision = |action: &str, resource: &str, context: Value| -> Result<String, Failure> {
        let question =
            json!({ "account": world.account(), "principal_arn": role, "action": action, "resource_arn": resource, "context": context });
        Ok(text(&world.evaluate(&question)?, "decision").to_owned())
    };
    let tls = || json!({ "aws:SecureTransport": "true" });
    let bucket = text(&state["storage"], "arn");
    let (object, logs) = (format!("{bucket}/model.bin"), format!("{bucket}-logs/2026"));
    let (tokens, data) = (text(&state["encryption"], "tokens_key_arn"), text(&state["encryption"], "data_key_arn"));
    for (action, resource) in [
        ("s3:GetObject", object.as_str()),
        ("s3:PutObject", &object),
        ("s3:DeleteObject", &object),
        ("s3:ListBucket", bucket),
        ("kms:Encrypt", tokens),
        ("kms:Decrypt", tokens),
    ] {
        assert_eq!(decision(action, resource, tls())?, "allowed", "{action} on {resource}");
    }
    let through =
        |service: &str| json!({ "aws:SecureTransport": "true", "kms:ViaService": format!("{service}.eu-central-1.amazonaws.com") });
    for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
        assert_eq!(decision(action, data, through("s3"))?, "allowed", "{action} through S3");
        assert_ne!(decision(action, data, through("ec2"))?, "allowed", "{action} through EC2");
        assert_ne!(decision(action, data, tls())?, "allowed", "{action} by itself");
    }
    assert_ne!(decision("s3:GetObject", &object, json!({ "aws:SecureTransport": "false" }))?, "allowed", "without TLS");
    let account = world.account();
    let others = [
        ("s3:GetObject", "arn:aws:s3:::another-bucket/a".to_owned()),
        ("s3:GetObject", logs),
        ("s3:PutBucketPolicy", bucket.to_owned()),
        ("s3:DeleteBucket", bucket.to_owned()),
        ("s3:ListAllMyBuckets", "*".to_owned()),
        ("kms:ScheduleKeyDeletion", tokens.to_owned()),
        ("kms:PutKeyPolicy", tokens.to_owned()),
        ("kms:CreateGrant", data.to_owned()),
        ("kms:Decrypt", format!("arn:aws:kms:eu-central-1:{account}:key/11111111-2222-3333-4444-555555555555")),
        ("iam:CreateUser", "*".to_owned()),
        ("iam:PassRole", text(&state["identity"], "role_arn").to_owned()),
        ("sts:AssumeRole", format!("arn:aws:iam::{account}:role/admin")),
        ("ec2:RunInstances", "*".to_owned()),
        ("eks:DescribeCluster", text(&state["cluster"], "arn").to_owned()),
        ("rds:DeleteDBInstance", text(&state["database"], "arn").to_owned()),
        ("secretsmanager:GetSecretValue", text(&state["database"], "master_secret_arn").to_owned()),
    ];
    for (action, resource) in others {
        assert_ne!(decision(action, &resource, tls())?, "allowed", "{action} on {resource}");
    }
    Ok(())
}

/// The topic is encrypted with the data key: a service that the key or the topic doesn't admit fails without a word.
fn alarms_arrive(world: &World, state: &Value) -> Result<(), Failure> {
    let topic = text(&state["monitoring"], "topic_arn");
    let sent = |service: &str, source: &str, account: &str| -> Result<Value, Failure> {
        let source = format!("arn:aws:{}", source.replace("ACCOUNT", account));
        let question =
            json!({ "topic_arn": topic, "service": format!("{service}.amazonaws.com"), "source_arn": source, "source_account": account });
        world.deliver(&question)
    };
    for (service, source) in [
        ("cloudwatch", "cloudwatch:eu-central-1:ACCOUNT:alarm:prod-node-cpu"),
        ("events", "events:eu-central-1:ACCOUNT:rule/prod-health"),
        ("events.rds", "rds:eu-central-1:ACCOUNT:es:prod-database-events"),
    ] {
        let answer = sent(service, source, world.account())?;
        assert_eq!(answer["delivered"], true, "{service}: {answer}");
    }
    assert_eq!(sent("cloudwatch", "cloudwatch:eu-central-1:ACCOUNT:alarm:a", "999999999999")?["delivered"], false);
    assert_eq!(sent("s3", "s3:::bucket", world.account())?["delivered"], false);
    // An alarm that changes its state, and an event of AWS Health: the mail goes to who has confirmed it.
    world.settings(&json!({ "sns_confirm": topic }))?;
    let alarm = json!({ "AlarmName": "prod-node-cpu", "StateValue": "ALARM", "StateReason": "a test" });
    world.cloudwatch("SetAlarmState", &alarm)?;
    let event = json!({ "source": "aws.health", "detail-type": "AWS Health Event", "detail": { "service": "EKS" } });
    assert_eq!(world.emit(&event)?["rules"], json!(["prod-health"]));
    let deliveries = world.deliveries()?;
    for service in ["cloudwatch.amazonaws.com", "events.amazonaws.com"] {
        let arrived = |delivery: &&Value| delivery["service"] == service && delivery["recipients"] == json!(["ops@example.com"]);
        assert!(deliveries.iter().any(|delivery| arrived(&delivery)), "{service}: {deliveries:?}");
    }
    Ok(())
}
