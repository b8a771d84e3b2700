//! With the stand-in for AWS's plugin (acceptance-tests/sandbox/session-manager-plugin) and sessions that are kept here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex as Held,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

use super::*;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/acceptance-tests/sandbox/session-manager-plugin");
const TOKEN: &str = "canary+token/of=the+session";
const LONG: Duration = Duration::from_secs(30);

/// AWS's part, and the agent's as far as the stand-in asks.
struct Aws {
    endpoint: String,
    /// Session → where it leads; ended ones are gone.
    active: Held<BTreeMap<String, (String, u16)>>,
    /// How many were started, how many ended.
    counts: watch::Sender<(usize, usize)>,
}

impl Aws {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let aws = Arc::new(Self { endpoint, active: Held::default(), counts: watch::Sender::new((0, 0)) });
        let answering = Arc::clone(&aws);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&answering).answer(stream));
            }
        });
        aws
    }

    /// `POST /sandbox/session`, as the sandbox answers it.
    async fn answer(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await.unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let to = self.active.lock().unwrap().get(asked["session_id"].as_str().unwrap()).cloned();
        let answer = match to.filter(|_| asked["token"] == TOKEN) {
            Some((host, port)) => json!({"connected": true, "host": host, "port": port.to_string(), "local_port": "0"}),
            None => json!({"connected": false}),
        }
        .to_string();
        let reply = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        // The plugin may have been killed meanwhile.
        let _ = stream.write_all(reply.as_bytes()).await;
    }

    async fn ended(&self, times: usize) {
        let mut counts = self.counts.subscribe();
        timeout(LONG, counts.wait_for(|(_, ended)| *ended >= times)).await.expect("the session is ended").unwrap();
    }

    fn counts(&self) -> (usize, usize) {
        *self.counts.borrow()
    }
}

#[async_trait]
impl Sessions for Aws {
    async fn start(&self, host: &str, port: u16) -> Result<Session, ViaError> {
        if host == "refused" {
            return Err(ViaError::NoNode { cluster: "c".into(), cause: "none runs".into() });
        }
        self.counts.send_modify(|(started, _)| *started += 1);
        let id = format!("me-{}", self.counts().0);
        self.active.lock().unwrap().insert(id.clone(), (host.to_owned(), port));
        Ok(Session {
            id,
            token: Secret::new(TOKEN.into()),
            stream_url: "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/me".into(),
            node: "i-0123456789abcdef0".into(),
            region: "eu-west-1".into(),
            request: r#"{"Target":"i-0123456789abcdef0"}"#.into(),
            endpoint: self.endpoint.clone(),
        })
    }

    async fn end(&self, session_id: &str) -> Result<(), ViaError> {
        self.active.lock().unwrap().remove(session_id);
        self.counts.send_modify(|(_, ended)| *ended += 1);
        Ok(())
    }

    fn describe(&self) -> String {
        "through the instance i-0123456789abcdef0 (Session Manager)".into()
    }
}

/// A way with a plugin that behaves so, and where the plugin writes its journal.
struct Case {
    aws: Arc<Aws>,
    way: Ssm,
    folder: tempfile::TempDir,
}

impl Case {
    async fn new(behaviour: Value) -> Self {
        let aws = Aws::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut behaviour = behaviour;
        behaviour["journal"] = json!(folder.path().join("journal"));
        let settings = SsmSettings { profile: "work".into(), timeout: LONG };
        let mut way = Ssm::new(Arc::clone(&aws) as Arc<dyn Sessions>, settings);
        way.program = script(folder.path(), &format!("PLUGIN_STAND_IN='{behaviour}' exec '{STAND_IN}' \"$@\"")).into();
        Self { aws, way, folder }
    }

    /// What each start of the plugin wrote.
    fn journal(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("journal")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until every plugin is gone.
    async fn plugins_are_gone(&self) {
        for entry in self.journal() {
            let pid = entry["pid"].to_string();
            let mut waiting = tokio::process::Command::new("tail").args(["--pid", &pid, "-f", "/dev/null"]).spawn().unwrap();
            assert!(timeout(LONG, waiting.wait()).await.expect("the plugin ends").unwrap().success());
        }
    }
}

/// A program, written by another process: one that this process had open for writing could not be started while another thread starts something.
fn script(folder: &Path, line: &str) -> PathBuf {
    let file = folder.join("plugin");
    let mut write = Command::new("sh");
    write.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 700 \"$1\"", "sh"]).arg(&file).arg(line).stdin(Stdio::null());
    assert!(write.status().unwrap().success());
    file
}

async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = copy(&mut read, &mut write).await;
            });
        }
    });
    port
}

async fn says_hello(stream: &mut BoxedStream) {
    stream.write_all(b"hello").await.unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"hello");
}

#[tokio::test]
async fn streams_share_a_session_and_closing_ends_it_with_its_plugin() {
    let case = Case::new(json!({})).await;
    let port = echo().await;
    let (one, two) = tokio::join!(case.way.open("127.0.0.1", port), case.way.open("127.0.0.1", port));
    let (mut one, mut two) = (one.unwrap(), two.unwrap());
    says_hello(&mut one).await;
    says_hello(&mut two).await;
    assert_eq!(case.aws.counts(), (1, 0));
    case.way.close().await;
    assert_eq!(case.aws.counts(), (1, 1));
    case.plugins_are_gone().await;
    // Another address is another session, and a closed way can be gone again.
    says_hello(&mut case.way.open("localhost", port).await.unwrap()).await;
    says_hello(&mut case.way.open("127.0.0.1", port).await.unwrap()).await;
    assert_eq!(case.aws.counts(), (3, 1));
    case.way.close().await;
    assert_eq!(case.aws.counts(), (3, 3));
}

#[tokio::test]
async fn the_token_is_told_where_no_other_user_can_read_it() {
    for (version, hidden) in [("1.2.650.0", true), ("1.2.536.0", true), ("1.2.497.0", false), ("1.1.26.0", false)] {
        let case = Case::new(json!({"version": version})).await;
        says_hello(&mut case.way.open("127.0.0.1", echo().await).await.unwrap()).await;
        case.way.close().await;
        let [entry] = &case.journal()[..] else { panic!("{:?}", case.journal()) };
        let response = if hidden { entry["variable"].as_str() } else { entry["arguments"][0].as_str() };
        let response: Value = serde_json::from_str(response.unwrap()).unwrap();
        assert_eq!(response["TokenValue"], TOKEN, "{version}");
        assert_eq!(entry["arguments"].to_string().contains(TOKEN), !hidden, "{version}");
        let rest = json!(["eu-west-1", "StartSession", "work", r#"{"Target":"i-0123456789abcdef0"}"#, case.aws.endpoint]);
        assert_eq!(entry["arguments"].as_array().unwrap()[1..], rest.as_array().unwrap()[..]);
    }
}

#[tokio::test]
async fn without_a_usable_plugin_no_session_is_started() {
    let mut case = Case::new(json!({"version": "1.1.23.0"})).await;
    let error = case.way.open("127.0.0.1", 1).await.err().unwrap();
    assert!(matches!(&error, ViaError::PluginTooOld { found, oldest } if found == "1.1.23.0" && oldest == "1.1.26.0"), "{error}");
    case.way.program = "/nowhere/session-manager-plugin".into();
    let error = case.way.open("127.0.0.1", 1).await.err().unwrap();
    assert!(matches!(error, ViaError::PluginMissing) && !error.is_unreachable(), "{error}");
    case.way.program = script(case.folder.path(), "echo something else; exit 3").into();
    let error = case.way.open("127.0.0.1", 1).await.err().unwrap();
    assert!(matches!(error, ViaError::PluginUnusable { .. }) && error.to_string().contains("something else"), "{error}");
    assert_eq!(case.aws.counts(), (0, 0));
}

#[tokio::test]
async fn a_session_that_aws_refuses_starts_no_plugin() {
    let case = Case::new(json!({})).await;
    let error = case.way.open("refused", 5432).await.err().unwrap();
    assert!(matches!(error, ViaError::NoNode { .. }) && error.is_unreachable(), "{error}");
    assert_eq!((case.journal().len(), case.aws.counts()), (0, (0, 0)));
}

#[tokio::test]
async fn a_plugin_that_ends_early_is_quoted_without_the_token_and_its_session_ended() {
    let case = Case::new(json!({"fail": format!("Cannot perform start session: {TOKEN} is not valid")})).await;
    let error = case.way.open("127.0.0.1", 1).await.err().unwrap();
    let text = format!("{error} {error:?}");
    assert!(matches!(error, ViaError::PluginEnded { .. }) && error.is_unreachable(), "{text}");
    assert!(text.contains("Cannot perform start session: (redacted) is not valid") && !text.contains("canary"), "{text}");
    assert_eq!(case.aws.counts(), (1, 1));
}

#[tokio::test]
async fn a_silent_plugin_is_not_waited_for_and_neither_is_left() {
    let mut case = Case::new(json!({"silent": true})).await;
    case.way.settings.timeout = Duration::from_secs(2);
    let error = case.way.open("127.0.0.1", 1).await.err().unwrap();
    assert!(matches!(error, ViaError::PluginSilent { .. }) && error.to_string().contains("It said: Starting session with"), "{error}");
    assert_eq!(case.aws.counts(), (1, 1));
    case.plugins_are_gone().await;
}

#[tokio::test]
async fn opening_that_is_given_up_ends_what_it_started() {
    let mut case = Case::new(json!({"silent": true})).await;
    case.way.settings.timeout = Duration::from_secs(3);
    let mut counts = case.aws.counts.subscribe();
    tokio::select! {
        _ = case.way.open("127.0.0.1", 1) => panic!("it opens nothing"),
        started = counts.wait_for(|(started, _)| *started == 1) => assert!(started.is_ok()),
    }
    case.aws.ended(1).await;
    case.plugins_are_gone().await;
}

#[tokio::test]
async fn dropping_the_way_ends_the_session_and_the_plugin() {
    let case = Case::new(json!({})).await;
    let stream = case.way.open("127.0.0.1", echo().await).await.unwrap();
    let Case { aws, way, folder } = case;
    drop(stream);
    drop(way);
    aws.ended(1).await;
    let way = Ssm::new(Arc::clone(&aws) as Arc<dyn Sessions>, SsmSettings { profile: String::new(), timeout: LONG });
    Case { aws, way, folder }.plugins_are_gone().await;
}

#[tokio::test]
async fn a_port_that_the_node_does_not_reach_is_told_at_the_first_read() {
    let case = Case::new(json!({})).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut stream = case.way.open("127.0.0.1", closed).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<ViaError>()).unwrap();
    assert!(matches!(told, ViaError::TargetUnreachable { .. }) && told.is_unreachable(), "{told}");
    assert!(told.to_string().contains(&format!("127.0.0.1:{closed} can't be reached")), "{told}");
}

#[tokio::test]
async fn a_session_that_others_end_is_started_anew() {
    let case = Case::new(json!({})).await;
    let port = echo().await;
    let mut stream = case.way.open("127.0.0.1", port).await.unwrap();
    says_hello(&mut stream).await;
    case.aws.active.lock().unwrap().clear();
    // The plugin goes, and is seen to go.
    case.aws.ended(1).await;
    let mut rest = Vec::new();
    assert!(timeout(LONG, stream.read_to_end(&mut rest)).await.is_ok() && rest.is_empty());
    says_hello(&mut case.way.open("127.0.0.1", port).await.unwrap()).await;
    assert_eq!(case.aws.counts().0, 2);
}
