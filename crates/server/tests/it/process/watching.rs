//! What an operator watches: log lines that name their request, and metrics.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::storage::{Db, Settings, Tx};
use ringpass_simulator::Reply;
use serde_json::{Value, json};

use super::{Answer, Server, World, on_sqlite, phone, send};

/// The lines of the process log that belong to a request.
fn lines_of(server: &Server, name: &str) -> Vec<Value> {
    let written = server.written();
    let lines = written.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["span"]["request_id"] == name).collect()
}

fn name(headers: &HeaderMap) -> &str {
    headers["x-request-id"].to_str().unwrap()
}

#[tokio::test]
async fn log_lines_carry_the_name_of_their_request() {
    let mut world = World::empty("watching").await;
    let debug = [("RINGPASS_LOG", "debug"), ("RINGPASS_TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = world.serve(&debug).await;
    world.set_up(&server).await;
    // A template that parses and fails, and a gateway that refuses.
    let path = format!("/connections/{}", world.connection_id);
    let mut options = server.api(&world, "GET", &path, None).await.is(200)["options"].take();
    options["template"] = "{{ code | divided_by: 0 }}".into();
    options["syntax"] = "liquid".into();
    server.api(&world, "PATCH", &path, Some(json!({"options": options}))).await.is(200);
    world.gateway.reply(Reply::Status(500));
    let failed = server.start(&world.client_id, &phone(1)).await.unwrap();
    let lines = lines_of(&server, name(&failed.headers));
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(failed.status, 400, "{failed:?}");
    assert_eq!(messages, ["a message template failed: the built-in text is sent instead", "answered"], "{lines:?}");
    let (warning, answered) = (&lines[0], &lines[1]);
    assert_eq!(warning["level"], "WARN");
    assert_eq!((&warning["connection"], &warning["span"]["method"]), (&json!("sms"), &json!("POST")), "{warning}");
    assert_eq!(answered["span"]["route"], "/passwordless/start", "{answered}");
    assert_eq!((&answered["level"], &answered["status"]), (&json!("DEBUG"), &json!(400)), "{answered}");
    assert!(answered["duration_ms"].as_f64().unwrap() > 0.0, "{answered}");
    // The proxy's name is the one that is logged.
    let url = format!("{}/.well-known/jwks.json", server.url);
    let answer: Answer = send(&server.http, "GET", &url, &[("x-request-id", "from-the-proxy.1")], None).await.unwrap();
    assert_eq!((answer.status, name(&answer.headers)), (200, "from-the-proxy.1"));
    assert_eq!(lines_of(&server, "from-the-proxy.1").len(), 1);
    assert!(!server.written().contains(phone(1).trim_start_matches('+')), "a number stands in the process log");
}

#[tokio::test]
async fn an_error_names_the_request_that_failed() {
    if !on_sqlite("an_error_names_the_request_that_failed") {
        return;
    }
    let (world, server) = World::new("locked").await;
    // Another program keeps the file to itself.
    let keys = Arc::new(MasterKeys::parse(&super::master_key()).unwrap());
    let settings = Settings { url: world.database.clone(), queue: 1, connections: 1, durable: true, keys };
    let other = Db::open_beside(settings).await.unwrap();
    let (locks, locked) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let holding = tokio::spawn(async move {
        let hold = move |_: &mut Tx<'_>| {
            locks.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        };
        other.write("test.hold", hold).await
    });
    locked.await.unwrap();
    let failed = server.start(&world.client_id, &phone(1)).await.unwrap();
    drop(release);
    holding.await.unwrap().unwrap();
    assert!(failed.is_unavailable(), "{failed:?}");
    let lines = lines_of(&server, name(&failed.headers));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(
        (&lines[0]["level"], &lines[0]["message"]),
        (&json!("ERROR"), &json!("a request failed on the database"))
    );
    let errors = metrics(&server).await;
    assert!(errors.contains(r#"database_errors_total{reason="unavailable"}"#), "{errors}");
}

#[tokio::test]
async fn the_metrics_in_the_manual_are_those_of_the_server() {
    let (world, server) = World::new("metrics").await;
    server.start(&world.client_id, &phone(1)).await.unwrap().is(200);
    let code = world.codes_of(&phone(1)).pop().unwrap();
    server.exchange(&world.client_id, &phone(1), &code).await.unwrap().is(200);
    server.exchange(&world.client_id, &phone(1), "000000").await.unwrap().is(403);
    let text = metrics(&server).await;
    for line in [
        r#"http_requests_total{family="auth",route="/passwordless/start",status="200"} 1"#,
        r#"http_requests_total{family="auth",route="/oauth/token",status="403"} 1"#,
        r#"tenant_log_events_total{type="cs"} 1"#,
        r#"tenant_log_events_total{type="ss"} 1"#,
        r#"tenant_log_events_total{type="s"} 1"#,
        r#"database_transaction_duration_seconds_count{name="passwordless.start"} 1"#,
        r#"ready 1"#,
        concat!(r#"build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is missing:\n{text}");
    }
    // Sampled at some moment, when something may have waited.
    assert!(text.lines().any(|line| line.starts_with("database_queue_depth ")), "{text}");
    // Every metric is in the manual, and every one of the manual is there, but for those of failures that did not happen.
    let manual = include_str!("../../../../../docs/OPERATING.md");
    let table = manual.split("### Metrics").nth(1).and_then(|rest| rest.split("\n#").next()).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(['{', '`']).next());
    let documented: BTreeSet<&str> = rows.collect();
    let shown: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let expected: BTreeSet<&str> = documented.iter().copied().filter(|name| *name != "database_errors_total").collect();
    assert_eq!(shown, expected);
    assert!(documented.contains("database_errors_total"));
}

/// The text of `/metrics`.
pub(super) async fn metrics(server: &Server) -> String {
    let url = format!("{}/metrics", server.ops).parse().unwrap();
    let body = server.http.get(url).await.unwrap().into_body();
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
