//! Every kind of answer, seen by a raw client.

use std::io::{ErrorKind, Result};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{FAULTS, Gateway, Reply, Twilio, fault};

const BODY: &str = r#"{"recipient":"+4915112345678","body":"Your verification code is: 482913"}"#;

async fn send(gateway: &Gateway) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let request = format!(
        "POST /send?a=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Sends one request and reads what comes until the connection closes.
async fn ask(gateway: &Gateway) -> Result<String> {
    let mut answer = Vec::new();
    send(gateway).await.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn playing(reply: Reply) -> Gateway {
    let gateway = Gateway::start().await.unwrap();
    gateway.reply(reply);
    gateway
}

#[tokio::test]
async fn a_request_is_remembered_and_answered_200() {
    let gateway = Gateway::start().await.unwrap();
    assert!(ask(&gateway).await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    let received = gateway.next().await;
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/send?a=1"));
    assert_eq!(received.bearer(), Some("t"));
    assert_eq!(received.header("Host"), Some("x"));
    assert_eq!(received.body, BODY);
    assert_eq!(received.code().as_deref(), Some("482913"));
    assert_eq!(gateway.count(), 1);
    assert!(gateway.take().is_empty());
}

#[tokio::test]
async fn the_script_is_played_in_order_then_the_default() {
    let gateway = Gateway::start().await.unwrap();
    gateway.always(Reply::Status(503));
    gateway.reply(Reply::Status(401));
    gateway.reply(Reply::Status(204));
    for status in ["401", "204", "503", "503"] {
        assert!(ask(&gateway).await.unwrap().starts_with(&format!("HTTP/1.1 {status} ")), "{status}");
    }
    assert_eq!((gateway.take().len(), gateway.count()), (4, 4));
}

#[tokio::test]
async fn next_waits_for_a_request_that_is_still_to_come() {
    let gateway = Gateway::start().await.unwrap();
    let (received, answer) = tokio::join!(gateway.next(), ask(&gateway));
    assert_eq!(received.recipient().as_deref(), Some("+4915112345678"));
    answer.unwrap();
}

#[tokio::test]
async fn connections_are_kept_alive() {
    let gateway = Gateway::start().await.unwrap();
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let mut answer = [0; 17];
    for _ in 0..3 {
        stream.write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK\r\n");
        timeout(Duration::from_millis(20), async { while stream.read_u8().await.is_ok() {} }).await.unwrap_err();
    }
    assert_eq!(gateway.count(), 3);
}

#[tokio::test]
async fn an_observer_gets_every_request_and_nothing_is_kept() {
    let gateway = Gateway::start().await.unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    gateway.hand_to(move |received| tell.send(received.code()).unwrap());
    ask(&gateway).await.unwrap();
    assert_eq!(told.try_recv().unwrap().as_deref(), Some("482913"));
    assert_eq!((gateway.take().len(), gateway.count()), (0, 1));
}

#[tokio::test]
async fn a_body_comes_with_its_type_and_status() {
    let body = Bytes::from_static(b"{\"error\":1}");
    let gateway = playing(Reply::Body { status: 422, content_type: "application/json", body }).await;
    let answer = ask(&gateway).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    assert!(answer.contains("content-length: 11\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{\"error\":1}"), "{answer}");
}

#[tokio::test]
async fn a_redirect_has_its_location() {
    let gateway = playing(Reply::Redirect("http://example.test/".to_owned(), 302)).await;
    let answer = ask(&gateway).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 302 Found\r\nlocation: http://example.test/\r\n"), "{answer}");
}

#[tokio::test]
async fn a_delay_waits_before_the_inner_answer() {
    let wait = Duration::from_millis(50);
    let gateway = playing(Reply::Delay(wait, Box::new(Reply::Status(500)))).await;
    let start = Instant::now();
    assert!(ask(&gateway).await.unwrap().starts_with("HTTP/1.1 500 "));
    assert!(start.elapsed() >= wait);
}

#[tokio::test]
async fn hang_reads_the_request_and_never_answers() {
    let gateway = playing(Reply::Hang).await;
    timeout(Duration::from_millis(100), ask(&gateway)).await.unwrap_err();
    assert_eq!(gateway.count(), 1);
}

#[tokio::test]
async fn reset_is_a_tcp_reset() {
    let gateway = playing(Reply::Reset).await;
    assert_eq!(ask(&gateway).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(gateway.count(), 1);
}

#[tokio::test]
async fn close_says_nothing() {
    let gateway = playing(Reply::Close).await;
    assert_eq!(ask(&gateway).await.unwrap(), "");
}

#[tokio::test]
async fn a_huge_body_is_streamed_whole_and_chunked() {
    let gateway = playing(Reply::Huge(1_000_000)).await;
    let answer = ask(&gateway).await.unwrap();
    assert!(answer.contains("transfer-encoding: chunked\r\n"));
    assert_eq!(answer.matches('x').count(), 1_000_000);
    assert!(answer.ends_with("\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_caller_that_leaves_a_huge_body_leaves_the_gateway_alive() {
    let gateway = playing(Reply::Huge(u64::MAX)).await;
    let mut stream = send(&gateway).await;
    stream.read_exact(&mut vec![0; 200_000]).await.unwrap();
    drop(stream);
    assert!(ask(&gateway).await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn garbage_is_no_http() {
    let gateway = playing(Reply::Garbage).await;
    assert!(!ask(&gateway).await.unwrap().starts_with("HTTP/"));
}

#[tokio::test]
async fn half_an_answer_promises_more_than_it_sends() {
    let gateway = playing(Reply::HalfAnswer).await;
    let answer = ask(&gateway).await.unwrap();
    assert!(answer.contains("content-length: 1000\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nxxxxxxxxxx"), "{answer}");
}

#[tokio::test]
async fn a_slow_drip_sends_the_head_then_a_byte_at_a_time() {
    let gateway = playing(Reply::SlowDrip(Duration::from_millis(20))).await;
    let mut stream = send(&gateway).await;
    let mut seen = Vec::new();
    timeout(Duration::from_millis(200), stream.read_to_end(&mut seen)).await.unwrap_err();
    let seen = String::from_utf8_lossy(&seen);
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 1000000"), "{head}");
    assert!((1..=11).contains(&body.len()), "{body}");
}

#[tokio::test]
async fn a_slow_head_comes_a_byte_at_a_time_and_is_whole_in_the_end() {
    let gateway = playing(Reply::SlowHead(Duration::from_millis(2))).await;
    let start = Instant::now();
    assert_eq!(ask(&gateway).await.unwrap(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_millis(76));
}

#[tokio::test]
async fn a_stopped_gateway_refuses_connections() {
    let gateway = Gateway::start().await.unwrap();
    let addr = gateway.addr();
    let mut open = send(&gateway).await;
    gateway.next().await;
    gateway.stop().await;
    assert_eq!(TcpStream::connect(addr).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let _ = timeout(Duration::from_secs(5), open.read_to_end(&mut Vec::new())).await.unwrap();
}

const FORM: &str = "To=%2B4915112345678&From=%2B15550009999&Body=Your+verification+code+is%3A+482913";

/// Sends a form to a Twilio account and reads status and body.
async fn order(twilio: &Twilio, sid: &str, credentials: &str, form: &str) -> (String, serde_json::Value) {
    ask_for(twilio, &format!("{sid}/Messages.json"), credentials, form).await
}

async fn ask_for(twilio: &Twilio, path: &str, credentials: &str, form: &str) -> (String, serde_json::Value) {
    let mut stream = TcpStream::connect(twilio.addr()).await.unwrap();
    let request = format!(
        "POST /2010-04-01/Accounts/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn twilio_takes_messages_for_its_account_and_refuses_the_rest() {
    // AC1:token
    const GOOD: &str = "QUMxOnRva2Vu";
    let twilio = Twilio::start("AC1", "token").await.unwrap();
    let (head, body) = order(&twilio, "AC1", GOOD, FORM).await;
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    assert_eq!(
        (&body["status"], &body["to"], &body["error_code"]),
        (&"queued".into(), &"+4915112345678".into(), &().into())
    );
    assert_eq!(twilio.next().await.code().as_deref(), Some("482913"));
    twilio.reply(Reply::RetryAfter("1", Box::new(fault(20429))));
    for (sid, credentials, form, status, code) in [
        ("AC2", GOOD, FORM, "404", 20404),
        ("AC1", "QUMxOng=", FORM, "401", 20003),
        ("AC1", GOOD, "From=1&Body=x", "400", 21604),
        ("AC1", GOOD, "From=1&To=2", "400", 21602),
        ("AC1", GOOD, "Body=x&To=2&MessagingServiceSid=", "400", 21603),
        // Only a good request takes an answer from the script.
        ("AC1", GOOD, FORM, "429", 20429),
    ] {
        let (head, body) = order(&twilio, sid, credentials, form).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{form}: {head}");
        assert_eq!(head.contains("\r\nretry-after: 1"), code == 20429, "{head}");
        assert_eq!(body["code"], code, "{form}");
    }
    let (_, body) = order(&twilio, "AC1", GOOD, "To=2&Body=x&MessagingServiceSid=MG1").await;
    assert_eq!((&body["status"], &body["from"]), (&"accepted".into(), &().into()));
}

#[tokio::test]
async fn twilio_takes_calls_too_and_reads_what_they_say() {
    const GOOD: &str = "QUMxOnRva2Vu";
    const SPEECH: &str = "%3CResponse%3E%3CSay%3E4.+8.+2.%3C%2FSay%3E%3C%2FResponse%3E";
    let twilio = Twilio::start("AC1", "token").await.unwrap();
    let form = format!("To=%2B1&From=%2B2&Twiml={SPEECH}");
    let (head, body) = ask_for(&twilio, "AC1/Calls.json", GOOD, &form).await;
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    assert_eq!((&body["status"], &body["to"], &body["from"]), (&"queued".into(), &"+1".into(), &"+2".into()));
    assert!(body["sid"].as_str().unwrap().starts_with("CA"));
    let said = twilio.next().await.form("Twiml").unwrap();
    assert_eq!(said, "<Response><Say>4. 8. 2.</Say></Response>");
    for (path, form, code) in [
        ("AC1/Calls.json", format!("From=1&Twiml={SPEECH}"), 21201),
        ("AC1/Calls.json", format!("To=1&Twiml={SPEECH}&MessagingServiceSid=MG1"), 21213),
        ("AC1/Calls.json", "To=1&From=2&Twiml=Hello".to_owned(), 21205),
        ("AC1/Calls.json", format!("To=1&From=2&Twiml={}", SPEECH.replace("4.", &"4".repeat(4_000))), 21205),
        ("AC2/Calls.json", form.clone(), 20404),
        ("AC1/Calls", form, 20404),
    ] {
        assert_eq!(ask_for(&twilio, path, GOOD, &form).await.1["code"], code, "{form}");
    }
    assert_eq!(twilio.take().len(), 6);
}

#[test]
fn every_fault_is_known_by_its_code() {
    for (code, status, message) in FAULTS {
        let Reply::Body { status: answered, body, .. } = fault(*code) else { panic!("{code}") };
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((answered, &body["code"], &body["message"]), (*status, &(*code).into(), &(*message).into()));
    }
}
