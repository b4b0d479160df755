//! A master key that is replaced while people sign in, as OPERATING.md tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringpass_core::kit::hash;
use serde_json::json;

use super::{PATIENCE, Server, World, master_key, phone};

/// Signs people in and draws new secrets for a client until told to stop; how many sign-ins, and the last secret.
async fn busy(world: Arc<World>, server: Arc<Server>, client: String, over: Arc<AtomicBool>) -> (usize, String) {
    let (mut signed_in, mut secret) = (0, String::new());
    while !over.load(Ordering::SeqCst) {
        let phone = phone(signed_in + 100);
        server.start(&world.client_id, &phone).await.unwrap().is(200);
        let code = world.codes_of(&phone).pop().unwrap();
        server.exchange(&world.client_id, &phone, &code).await.unwrap().is(200);
        let rotated = server.api(&world, "POST", &format!("/clients/{client}/rotate-secret"), None).await.is(200);
        rotated["client_secret"].as_str().unwrap().clone_into(&mut secret);
        signed_in += 1;
    }
    (signed_in, secret)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_key_is_replaced_while_people_sign_in() {
    let (world, server) = World::new("reseal").await;
    let old = master_key();
    let new = format!("new:{}", hash::base64(&[8; 32]));
    let (both, key) = (format!("{new},{old}"), "RINGPASS_MASTER_KEY");
    let address = ["check-config", "--http", "127.0.0.1:0"];
    server.start(&world.client_id, &phone(0)).await.unwrap().is(200);
    let under_way = world.codes_of(&phone(0)).pop().unwrap();
    let body = json!({"name": "machine", "app_type": "non_interactive"});
    let client = server.api(&world, "POST", "/clients", Some(body)).await.is(201);
    let client = client["client_id"].as_str().unwrap().to_owned();
    let (code, text) = world.run(&address, &[]);
    assert!(code == 0 && !text.contains("sealed"), "{code}: {text}");
    assert!(server.stop(PATIENCE).await.success());

    let server = Arc::new(world.serve(&[(key, &both)]).await);
    let (code, text) = world.run(&address, &[(key, &both)]);
    let id = hash::hex(&hash::sha256(&[7; 32])).chars().take(8).collect::<String>();
    assert!(code == 0 && text.contains(&format!("values need `{id}` still, run `ringpass reseal`")), "{code}: {text}");
    let (code, text) = world.run(&["reseal"], &[(key, "")]);
    assert!(code == 2 && text.contains("RINGPASS_MASTER_KEY is missing"), "{code}: {text}");
    let (code, text) = world.run(&["reseal"], &[(key, &new)]);
    assert!(code == 1 && text.contains(&format!("need `{id}`, which is not in RINGPASS_MASTER_KEY")), "{code}: {text}");

    let (world, over) = (Arc::new(world), Arc::new(AtomicBool::new(false)));
    let caller = tokio::spawn(busy(Arc::clone(&world), Arc::clone(&server), client.clone(), Arc::clone(&over)));
    for _ in 0..3 {
        let (code, text) = world.run(&["reseal"], &[(key, &both)]);
        assert!(code == 0 && text.contains("Everything is sealed with master key `new`"), "{code}: {text}");
        assert!(text.contains("clients.secret: ") && !text.contains(&old), "{text}");
    }
    over.store(true, Ordering::SeqCst);
    let (signed_in, secret) = caller.await.unwrap();
    assert!(signed_in > 0);
    let (code, text) = world.run(&address, &[(key, &both)]);
    assert!(code == 0 && !text.contains("sealed"), "{code}: {text}");
    assert!(Arc::into_inner(server).unwrap().stop(PATIENCE).await.success());

    let server = world.serve(&[(key, &new)]).await;
    server.exchange(&world.client_id, &phone(0), &under_way).await.unwrap().is(200);
    server.start(&world.client_id, &phone(1)).await.unwrap().is(200);
    let code = world.codes_of(&phone(1)).pop().unwrap();
    server.exchange(&world.client_id, &phone(1), &code).await.unwrap().is(200);
    let kept = server.api(&world, "GET", &format!("/clients/{client}"), None).await.is(200);
    assert_eq!(kept["client_secret"], json!(secret));
}
