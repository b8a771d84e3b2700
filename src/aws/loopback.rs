//! A server on a real socket for tests: answers each request by a function, and remembers the requests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

/// What comes back for a request; `None`: the connection is closed without a word.
pub(crate) type Answer = fn(&str) -> Option<(u16, String)>;

pub(crate) struct Loopback {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    /// The certificate to trust, PEM, where this speaks TLS.
    pub(crate) certificate: String,
}

impl Loopback {
    pub(crate) fn start(answer: Answer) -> Self {
        Self::listen(answer, None, String::new())
    }

    /// Speaks TLS as `localhost`, with a certificate of its own making.
    pub(crate) fn start_tls(answer: Answer) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        Self::listen(answer, Some(Arc::new(config)), made.cert.pem())
    }

    fn listen(answer: Answer, tls: Option<Arc<ServerConfig>>, certificate: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = if tls.is_some() { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") };
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, tls) = (Arc::clone(&seen), tls.clone());
                thread::spawn(move || match tls {
                    Some(config) => serve(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &seen, answer),
                    None => serve::<TcpStream>(stream, &seen, answer),
                });
            }
        });
        Self { url, requests, certificate }
    }

    /// Every request so far: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// One request, one reply, and the end of the connection.
fn serve<S: Read + Write>(mut stream: S, seen: &Mutex<Vec<String>>, answer: Answer) {
    let Some(request) = read(&mut stream) else { return };
    seen.lock().unwrap().push(request.clone());
    if let Some((status, body)) = answer(&request) {
        let head = format!(
            "HTTP/1.1 {status} X\r\nconnection: close\r\nx-amzn-requestid: req-1\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // The client may have gone: then it doesn't matter.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush());
    }
}

fn read<S: Read>(stream: &mut S) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0_usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        text.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

/// STS's answers: the caller is whoever signed, each role gives a key named after it.
pub(crate) fn sts(request: &str) -> Option<(u16, String)> {
    const NS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
    let operation = ["GetCallerIdentity", "AssumeRoleWithWebIdentity", "AssumeRole"]
        .into_iter()
        .find(|name| request.contains(&format!("Action={name}")))?;
    let result = if operation == "GetCallerIdentity" {
        "<Arn>arn:aws:sts::123456789012:assumed-role/R/S</Arn><UserId>U</UserId><Account>123456789012</Account>".to_owned()
    } else {
        let role = request.split("role%2F").nth(1)?.split('&').next()?;
        format!(
            "<Credentials><AccessKeyId>KEY-{role}</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>\
             <SessionToken>canary-token-{role}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        )
    };
    Some((200, format!("<{operation}Response xmlns=\"{NS}\"><{operation}Result>{result}</{operation}Result></{operation}Response>")))
}
