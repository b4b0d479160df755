//! Codes and links by e-mail (`docs/COMPATIBILITY.md` C1400-C1418): an `email` connection, and a mail server on loopback.

mod autofill;
mod codes;
mod hostile;
mod links;
mod servers;
mod start;

use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::storage::email_provider;
use ringpass_simulator::MailServer;
use serde_json::{Map, Value, json};

use crate::world::{Answer, Caller, NATIVE, OTP, Options, WEB, World};

const ADA: &str = "ada@mail.example";
const START: &str = "/passwordless/start";

/// A world whose mail goes to a server of its own.
async fn world() -> (World, MailServer) {
    with(Options::default()).await
}

async fn with(options: Options) -> (World, MailServer) {
    let world = World::with(options).await;
    let server = MailServer::start().await.unwrap();
    world
        .new_connection(json!({"name": "email", "strategy": "email", "options": {"brute_force_protection": true}}))
        .await;
    world.enable("email", &[NATIVE, WEB.0]).await;
    provider(&world, &server, json!({})).await;
    (world, server)
}

/// Points the tenant's mail at the server; `more` joins the credentials.
async fn provider(world: &World, server: &MailServer, more: Value) {
    let address = server.address();
    let mut credentials: Map<String, Value> = Map::new();
    credentials.insert("smtp_host".into(), address.ip().to_string().into());
    credentials.insert("smtp_port".into(), address.port().into());
    credentials.extend(more.as_object().unwrap().clone());
    let body =
        json!({"name": "smtp", "default_from_address": "Tenant <no-reply@tenant.example>", "credentials": credentials});
    let provider = EmailProvider::create(&body).unwrap();
    world.app.configure("test.mail", move |tx| email_provider::put(tx, &provider)).await.unwrap();
}

/// Replaces the options of the connection.
async fn options(world: &World, options: Value) {
    let id = world.app.snapshot().channel("email", NATIVE).unwrap().connection.id.clone();
    let answer =
        world.api("update:connections").patch(&format!("/api/v2/connections/{id}"), json!({"options": options})).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
}

async fn start(caller: &Caller<'_>, more: Value) -> Answer {
    let mut body = json!({"connection": "email", "email": ADA, "send": "code"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.post(START, body).await
}

/// Starts a sign-in and takes the code from the mail.
async fn code(world: &World, server: &MailServer) -> String {
    let answer = start(&world.anon(), json!({})).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["cls"]);
    server.next().await.unwrap().code().unwrap()
}

async fn redeem(caller: &Caller<'_>, username: &str, code: &str) -> Answer {
    let body = json!({"grant_type": OTP, "realm": "email", "username": username, "otp": code, "scope": "openid profile email"});
    caller.post("/oauth/token", body).await
}
