//! Strangers at the HTTP side: slow ones, many at once, pages in a browser, and who has no token.
//!
//! Must never hold: a check of what health and metrics say.

use std::net::SocketAddr;
use std::time::Duration;

use adsum::server::{ServerError, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::page;
use crate::support::server::{Running, config};
use crate::support::within;

/// What is answered to `question`, up to the end of the connection.
async fn answer(address: SocketAddr, question: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(question.as_bytes()).await;
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = async {
        // A connection that is cut has nothing more to say either.
        let _ = stream.read_to_end(&mut answer).await;
    };
    within("the connection ends", reading).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_slow_is_cut_whatever_it_does_not_say() {
    let running = Running::start_with(|config| {
        config.timeouts.http = Duration::from_millis(500);
    })
    .await;
    for begun in [
        "",
        "GET /metr",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        // Ends by itself, whether it was answered or not.
        answer(running.http(), begun).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_hold_up_nobody() {
    let running = Running::start_with(|config| {
        config.limits.http_connections_max = 8;
        config.timeouts.http = Duration::from_hours(1);
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(running.http()).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nX: ").await.unwrap();
        held.push(stream);
    }
    assert!(page(running.http(), "/readyz").await.starts_with("HTTP/1.1 200 "));
    // The oldest are cut, without an answer.
    for stream in &mut held[..48] {
        assert_eq!(rest(stream).await, "");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_small() {
    let running = Running::start().await;
    let long =
        format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert!(!answer(running.http(), &long).await.contains("alive"));
    assert!(page(running.http(), "/livez").await.contains("alive"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_name_learns_nothing() {
    let running =
        Running::start_with(|config| config.http_hosts = vec!["ours.example".into()]).await;
    for path in ["/livez", "/readyz", "/metrics", "/nothing"] {
        let ask = |line: &str, host: &str| format!("GET {line} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        for question in [
            ask(path, "evil.example"),
            ask(path, "evil.example:2780"),
            ask(path, ""),
            ask(&format!("http://evil.example{path}"), "localhost"),
        ] {
            let told = answer(running.http(), &question).await;
            let is_refused = told.starts_with("HTTP/1.1 421 ") && told.contains("http.hosts");
            assert!(is_refused, "{question}: {told}");
        }
    }
    for host in ["ours.example", "OURS.example:80", "127.0.0.1", "[::1]:1", "localhost"] {
        let question = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert!(answer(running.http(), &question).await.starts_with("HTTP/1.1 200 "), "{host}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_whoever_shows_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let running = Running::start_with(|config| config.http_token = Some(token.clone())).await;
    let ask = |shown: &str| format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n");
    for shown in [
        "",
        "Authorization: Bearer s3cre\r\n",
        "Authorization: s3cret\r\n",
        "Authorization: Bearer \r\n",
    ] {
        let told = answer(running.http(), &ask(shown)).await;
        assert!(told.starts_with("HTTP/1.1 401 ") && !told.contains("adsum_"), "{shown}: {told}");
    }
    let told = answer(running.http(), &ask("Authorization: Bearer s3cret\r\n")).await;
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("adsum_connections"), "{told}");
    assert!(page(running.http(), "/readyz").await.starts_with("HTTP/1.1 200 "), "health is open");
    running.stop().await;

    std::fs::write(&token, " \n").unwrap();
    let mut wrong = config(folder.path());
    wrong.http_token = Some(token);
    let fault = start(wrong).await.err().unwrap();
    assert!(matches!(fault, ServerError::BadFile { .. }), "{fault}");
}
