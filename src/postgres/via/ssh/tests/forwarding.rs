//! What goes through an open tunnel, and how it ends.

use super::*;

async fn bastion(options: &[&str]) -> (Sshd, Ssh) {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "key", &["-t", "ed25519"]);
    let sshd = Sshd::start(&[&key], options).await;
    let way = sshd.way(&key);
    (sshd, way)
}

#[tokio::test]
async fn many_streams_share_one_connection() {
    let (sshd, way) = bastion(&[]).await;
    let echo = echo().await;
    let opening = (0..8).map(|_| way.open("127.0.0.1", echo.port()));
    let mut streams: Vec<BoxedStream> = futures_util::future::join_all(opening).await.into_iter().map(Result::unwrap).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let text = format!("stream {n}");
        assert_eq!(say(stream, &text).await, text);
    }
    // One that ends leaves the others alone.
    drop(streams.remove(0));
    assert_eq!(say(&mut streams[0], "still there").await, "still there");
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), 1);
}

#[tokio::test]
async fn more_than_a_window_goes_both_ways_and_the_end_is_seen() {
    const BYTES: usize = 5 << 20;
    let (_sshd, way) = bastion(&[]).await;
    let echo = echo().await;
    let (mut read, mut write) = tokio::io::split(way.open("127.0.0.1", echo.port()).await.unwrap());
    let sent: Vec<u8> = (0..BYTES).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let writing = async {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let mut back = Vec::new();
    let (read, ()) = tokio::join!(read.read_to_end(&mut back), writing);
    assert_eq!(read.unwrap(), BYTES);
    assert!(back == sent);
}

#[tokio::test]
async fn forbidden_forwarding_is_told_apart_from_a_closed_port() {
    for option in ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"] {
        let (_sshd, way) = bastion(&[option]).await;
        let error = fails(&way).await;
        assert!(matches!(error, ViaError::ForwardingForbidden { .. }) && !error.is_unreachable(), "{option}: {error}");
    }
    let (_sshd, way) = bastion(&[]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = way.open("127.0.0.1", closed).await.err().unwrap();
    assert!(matches!(error, ViaError::TargetUnreachable { .. }) && error.is_unreachable(), "{error}");
    assert!(error.to_string().starts_with(&way.describe()), "{error}");
    // The tunnel itself is as good as before.
    reaches(&way).await;
}

#[tokio::test]
async fn a_bastion_that_dies_ends_its_streams_and_refuses_new_ones() {
    let (mut sshd, way) = bastion(&[]).await;
    let echo = echo().await;
    let mut stream = way.open("127.0.0.1", echo.port()).await.unwrap();
    assert_eq!(say(&mut stream, "hello").await, "hello");
    sshd.kill();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.expect("the stream ends by itself");
    assert!(ended.is_err() || rest.is_empty());
    let error = way.open("127.0.0.1", echo.port()).await.err().unwrap();
    assert!(matches!(error, ViaError::Refused { .. } | ViaError::Lost { .. }) && error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn closing_and_dropping_end_the_connection_and_closing_is_no_end_of_the_way() {
    let (sshd, way) = bastion(&[]).await;
    reaches(&way).await;
    way.close().await;
    sshd.logs("Disconnected from user").await;
    reaches(&way).await;
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), 2);
    let (sshd, way) = bastion(&[]).await;
    reaches(&way).await;
    assert!(!sshd.log().contains("Connection closed by"));
    drop(way);
    sshd.logs("Connection closed by").await;
}

#[tokio::test]
async fn what_is_no_ssh_server_or_says_nothing_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_sshd, way) = bastion(&[]).await;
    let Ssh { settings, .. } = way;
    let way = Ssh::new(SshSettings { port, timeout: Duration::from_millis(300), ..settings });
    let error = fails(&way).await;
    assert!(matches!(error, ViaError::TimedOut { .. }) && error.is_unreachable(), "{error}");
    let answering = async {
        // The first connection is the silent one from before.
        let _ = listener.accept().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(listener);
    };
    let (error, ()) = tokio::join!(fails(&way), answering);
    assert!(matches!(error, ViaError::Protocol { .. } | ViaError::Lost { .. }), "{error}");
    assert!(matches!(fails(&way).await, ViaError::Refused { .. }));
    assert_eq!(way.describe(), format!("through the bastion {}@127.0.0.1:{port}", sshd::me()));
}
