//! Text messages that fill themselves in (C1430-C1433).

use ringpass::flows::caller::Caller;
use ringpass::flows::passwordless::{Door, Start, start};
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::phone::Phone;
use serde_json::{Value, json};

use crate::world::{NATIVE, PEER, PHONE, World};

/// Starts a code as our own pages do, and takes the text that was sent.
async fn text(world: &World, door: Door) -> String {
    let snapshot = world.app.snapshot();
    let it = Start {
        client: snapshot.client(NATIVE).unwrap(),
        channel: snapshot.channel("sms", NATIVE).unwrap(),
        identifier: Identifier::Phone(Phone::parse(PHONE).unwrap()),
        door,
        link: false,
        request_language: String::new(),
        send: "code".to_owned(),
        auth_params: Value::Null,
        caller: Caller { ip: PEER.to_owned(), ..Caller::default() },
    };
    start(&world.app, it).await.unwrap();
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    world.gateway.next().await.json()["body"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn codes_of_our_pages_name_the_host_that_may_take_them() {
    let world = World::new().await;
    let sent = text(&world, Door::Pages).await;
    let (before, last) = sent.split_once("\n\n").unwrap();
    let code = before.rsplit_once(' ').unwrap().1;
    assert_eq!(last, format!("@tenant.example #{code}"));
    assert!(!text(&world, Door::Api).await.contains('@'));
    world.sms(json!({"origin_bound_line": false})).await;
    assert!(!text(&world, Door::Pages).await.contains('@'));
}

#[tokio::test]
async fn an_android_application_is_named_at_the_very_end() {
    let world = World::new().await;
    world.client(NATIVE, json!({"client_metadata": {"android_app_hash": "FA+9qCX9VSu"}})).await;
    let sent = text(&world, Door::Api).await;
    assert!(sent.ends_with("\n\nFA+9qCX9VSu") && !sent.contains('@'), "{sent}");
    world.sms(json!({"template": "{% for i in (1..900) %}éé{% endfor %}{{ code }}", "syntax": "liquid"})).await;
    let sent = text(&world, Door::Pages).await;
    assert_eq!(sent.chars().count(), 1_600);
    let last = sent.rsplit_once("\n\n").unwrap().1;
    assert!(last.starts_with("@tenant.example #") && last.ends_with(" FA+9qCX9VSu"), "{last}");
    // What is no such hash is never sent.
    for other in ["", "FA+9qCX9VS", "FA+9qCX9VS\n", "FA 9qCX9VSu"] {
        world.client(NATIVE, json!({"client_metadata": {"android_app_hash": other}})).await;
        assert!(text(&world, Door::Api).await.ends_with('é'));
    }
}
