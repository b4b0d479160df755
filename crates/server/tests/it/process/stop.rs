//! SIGTERM while sign-ins are under way, and callers that hang up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringpass_simulator::Reply;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{World, phone, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_is_under_way_and_leaves_nothing_half_written() {
    let (world, server) = World::new("stop").await;
    // Every start spends a moment at the gateway, so that some are there when the signal comes.
    world.gateway.always(Reply::Delay(Duration::from_millis(300), Box::new(Reply::Status(200))));
    let (world, server) = (Arc::new(world), Arc::new(server));
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let (world, server) = (Arc::clone(&world), Arc::clone(&server));
            let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move {
                for round in 0..100 {
                    let after = over.load(Ordering::SeqCst);
                    let phone = phone(caller * 100 + round);
                    match server.start(&world.client_id, &phone).await {
                        Ok(answer) => drop(answer.is(200)),
                        // Once the signal is out, connections are refused; before it, none may be.
                        Err(error) if after || over.load(Ordering::SeqCst) => {
                            assert!(error.starts_with("no answer"), "{error}");
                            return;
                        }
                        Err(error) => panic!("{error}"),
                    }
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    over.store(true, Ordering::SeqCst);
    let asked = Instant::now();
    server.signal(Signal::TERM);
    for caller in callers {
        caller.await.unwrap();
    }
    let mut server = Arc::into_inner(server).unwrap();
    let status = wait(&mut server.child, Duration::from_secs(10)).expect("still running");
    assert_eq!(status.code(), Some(0), "{}", server.written());
    assert!(asked.elapsed() < Duration::from_secs(10));

    // Whatever reached the gateway was answered and recorded.
    let (sent, answered) = (world.gateway.count(), answered.load(Ordering::SeqCst));
    let recorded = world.count("SELECT COUNT(*) FROM logs WHERE type = 'cs'").await;
    assert!(answered >= 16, "only {answered} starts: this test shows nothing");
    assert_eq!((sent, recorded), (answered as u64, i64::try_from(answered).unwrap()));
}

#[tokio::test]
async fn a_start_whose_caller_hung_up_is_recorded() {
    let (world, server) = World::new("hung_up").await;
    world.gateway.always(Reply::Delay(Duration::from_millis(300), Box::new(Reply::Status(200))));
    let phone = phone(0);
    let body = json!({"client_id": world.client_id, "connection": "sms", "phone_number": phone, "send": "code"});
    let body = body.to_string();
    let mut stream = tokio::net::TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /passwordless/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    while world.codes_of(&phone).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    // The stop that follows waits for it, although no connection is left.
    assert_eq!(server.stop(Duration::from_secs(10)).await.code(), Some(0));
    assert_eq!(world.count("SELECT COUNT(*) FROM logs WHERE type = 'cs'").await, 1);
    let server = world.serve(&[]).await;
    let code = world.codes_of(&phone).pop().unwrap();
    server.exchange(&world.client_id, &phone, &code).await.unwrap().is(200);
}
