//! When Twilio is called a second time, and when never (C1008-C1011).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use expect_test::expect;
use ringpass::config::TwilioTimes;
use ringpass_simulator::{Reply, Twilio, fault};
use serde_json::json;
use tokio::net::TcpStream;

use super::{SID, TOKEN, new, outcome, played, times, with, world_on};
use crate::world::{Lines as _, PHONE};

#[tokio::test]
async fn a_second_call_follows_a_failure_of_twilios_own_and_no_third() {
    let (world, twilio) = new().await;
    twilio.reply(Reply::Status(503));
    assert_eq!(outcome(&world).await, "200");
    let [first, second] = <[_; 2]>::try_from(twilio.take()).unwrap();
    assert_eq!((&first.path, &first.body), (&second.path, &second.body));
    assert_eq!(world.anon().redeem(PHONE, &second.code().unwrap(), json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
    let status = |status| Reply::Status(status);
    let mut out = String::new();
    out.line(played(&world, &twilio, [status(500), status(502)]).await);
    out.line(played(&world, &twilio, [status(503), fault(21610)]).await);
    out.line(played(&world, &twilio, [status(500), status(204)]).await);
    expect![[r#"
        2 400 Unexpected response while calling Twilio (Code: 502)
        2 400 Attempt to send to unsubscribed recipient (Code: 21610)
        2 200
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_429_is_repeated_only_when_twilio_asks_for_a_short_pause() {
    let (world, twilio) = new().await;
    let busy = |wait| Reply::RetryAfter(wait, Box::new(fault(20429)));
    assert_eq!(played(&world, &twilio, [busy("0")]).await, "2 200");
    assert_eq!(played(&world, &twilio, [busy("0"), busy("0")]).await, "2 400 Too Many Requests (Code: 20429)");
    for reply in [
        fault(20429),
        busy("3"),
        busy("86400"),
        busy("99999999999999999999999"),
        busy("-1"),
        busy("0.5"),
        busy("soon"),
        busy("Fri, 02 Jan 2026 03:04:06 GMT"),
        Reply::RetryAfter("0", Box::new(fault(21211))),
    ] {
        let told = played(&world, &twilio, [reply]).await;
        assert!(told.starts_with("1 400 "), "{told}");
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_never_sent_twice() {
    let mut out = String::new();
    let (world, twilio) = with(TwilioTimes { call: Duration::from_millis(200), ..times() }).await;
    for (name, reply) in [("hang", Reply::Hang), ("drip", Reply::SlowHead(Duration::from_millis(20)))] {
        out.line(format!("{name}: {}", played(&world, &twilio, [reply]).await));
    }
    let (world, twilio) = new().await;
    for (name, reply) in [("reset", Reply::Reset), ("close", Reply::Close), ("not HTTP", Reply::Garbage)] {
        out.line(format!("{name}: {}", played(&world, &twilio, [reply]).await));
    }
    expect![[r#"
        hang: 1 400 Timeout while calling Twilio (Code: ESOCKETTIMEDOUT)
        drip: 1 400 Timeout while calling Twilio (Code: ESOCKETTIMEDOUT)
        reset: 1 400 Unexpected response while calling Twilio (Code: ECONNRESET)
        close: 1 400 Unexpected response while calling Twilio (Code: ECONNRESET)
        not HTTP: 1 400 Unexpected response while calling Twilio (Code: ECONNRESET)
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn there_is_no_second_call_without_time_for_it() {
    let (world, twilio) = with(TwilioTimes { pause: Duration::from_secs(60), ..times() }).await;
    let told = played(&world, &twilio, [Reply::Status(503)]).await;
    assert_eq!(told, "1 400 Unexpected response while calling Twilio (Code: 503)");
}

#[tokio::test]
async fn both_calls_together_have_one_limit() {
    let (call, message) = (Duration::from_secs(60), Duration::from_secs(1));
    let (world, twilio) = with(TwilioTimes { call, message, ..times() }).await;
    let start = std::time::Instant::now();
    let told = played(&world, &twilio, [Reply::Status(503), Reply::Hang]).await;
    assert_eq!(told, "2 400 Timeout while calling Twilio (Code: ESOCKETTIMEDOUT)");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// Listens on loopback, treats every connection with `treat`, and counts them.
async fn listener<F: Future<Output = ()> + Send>(
    treat: impl Fn(TcpStream) -> F + Send + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            treat(stream).await;
        }
    });
    (format!("https://{addr}"), count)
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_tried_twice() {
    // The handshake of TLS breaks off, and the one that never ends.
    let (dropping, dropped) = listener(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    let world = world_on(&dropping, times()).await;
    assert_eq!(outcome(&world).await, "400 Unexpected response while calling Twilio (Code: ECONNRESET)");
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    let held = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (silent, waited) = listener(move |stream| {
        held.lock().unwrap().push(stream);
        std::future::ready(())
    })
    .await;
    let world = world_on(&silent, TwilioTimes { connect: Duration::from_millis(300), ..times() }).await;
    assert_eq!(outcome(&world).await, "400 Timeout while calling Twilio (Code: ETIMEDOUT)");
    assert_eq!(waited.load(Ordering::SeqCst), 2);
    let twilio = Twilio::start(SID, TOKEN).await.unwrap();
    let world = world_on(&twilio.base_url(), times()).await;
    twilio.stop().await;
    assert_eq!(outcome(&world).await, "400 Unexpected response while calling Twilio (Code: ECONNREFUSED)");
}
