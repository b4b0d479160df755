//! A server that sends through Twilio: what its metrics and its process logs say of it.

use ringpass_simulator::{Reply, Twilio, fault};
use serde_json::json;

use super::watching::metrics;
use super::{Answer, World, phone, send};

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "twilio-t0ken-of-the-tests";

#[tokio::test]
async fn calls_to_twilio_are_counted_and_leave_no_number_in_the_process_log() {
    let mut world = World::empty("twilio").await;
    let twilio = Twilio::start(SID, TOKEN).await.unwrap();
    let variables = [("RINGPASS_TWILIO_BASE_URL", twilio.base_url()), ("RINGPASS_LOG", "trace".to_owned())];
    let server = world.serve(&variables.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    world.set_up(&server).await;
    let incomplete = json!({"options": {"twilio_sid": SID, "from": "+15550009999"}});
    let options = json!({"options": {"twilio_sid": SID, "twilio_token": TOKEN, "from": "+15550009999"}});
    let path = format!("/connections/{}", world.connection_id);
    server.api(&world, "PATCH", &path, Some(incomplete)).await.is(200);
    let (code, text) = world.run(&["check-config", "--http", "127.0.0.1:0"], &[]);
    assert!(code == 0 && text.contains("warning: connection `sms` cannot send: twilio_token is not set"), "{text}");
    server.api(&world, "PATCH", &path, Some(options)).await.is(200);

    let start = async |number| server.start(&world.client_id, &phone(number)).await.unwrap();
    start(0).await.is(200);
    twilio.reply(fault(21211));
    let told = start(1).await.is(400)["error_description"].as_str().unwrap().to_owned();
    assert_eq!(told, "The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)");
    twilio.reply(Reply::Reset);
    start(2).await.is(400);
    twilio.stop().await;
    start(3).await.is(400);

    let metrics = metrics(&server).await;
    for line in [
        r#"provider_requests_total{provider="twilio",outcome="sent"} 1"#,
        r#"provider_requests_total{provider="twilio",outcome="refused"} 1"#,
        r#"provider_requests_total{provider="twilio",outcome="unexpected"} 1"#,
        // A connection that is refused is tried twice.
        r#"provider_requests_total{provider="twilio",outcome="unreachable"} 2"#,
        r#"provider_request_duration_seconds_count{provider="twilio"} 5"#,
        r#"phone_messages_total{channel="sms",provider="twilio",country="US",outcome="sent"} 1"#,
        r#"phone_messages_total{channel="sms",provider="twilio",country="US",outcome="wrong_number"} 1"#,
        r#"phone_messages_total{channel="sms",provider="twilio",country="US",outcome="unexpected"} 1"#,
        r#"phone_messages_total{channel="sms",provider="twilio",country="US",outcome="unreachable"} 1"#,
        r"# TYPE provider_request_duration_seconds histogram",
        "# HELP provider_requests_total Calls to message providers",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} is missing:\n{metrics}");
    }
    // The operator's outbox is on that listener alone.
    let outbox: Answer = send(&server.http, "GET", &format!("{}/outbox", server.ops), &[], None).await.unwrap();
    assert_eq!(outbox.is(200)["limit"], 100);
    let outbox: Answer = send(&server.http, "GET", &format!("{}/outbox", server.url), &[], None).await.unwrap();
    outbox.is(404);
    let written = server.written();
    assert!(written.contains("\"ready\""), "{written}");
    for secret in [TOKEN, "+4915112345678", "4915112345678", phone(0).trim_start_matches('+'), "is not a valid"] {
        assert!(!written.contains(secret), "{secret} stands in the process log:\n{written}");
    }
}
