//! What the hosted pages call to sign people in by password (C1202-C1206).

use expect_test::expect;
use ringpass::flows::caller::Caller;
use ringpass::flows::grant::Refused;
use ringpass::flows::password::{self, Door, Login};
use ringpass::flows::passwordless::Issued;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::user::User;
use ringpass_core::storage::Tx;
use serde_json::json;

use super::{DATABASE, RIGHT, ann, world};
use crate::world::{NATIVE, World};

async fn sign_in(world: &World, username: &str, password: &str) -> Result<(User, u8), Refused> {
    let login = Login {
        door: Door::Page,
        client: world.app.snapshot().client(NATIVE).unwrap(),
        channel: world.app.snapshot().channel(DATABASE, NATIVE).unwrap(),
        username: Login::name(username),
        password: Secret::new(password),
        audience: String::new(),
        scope: "openid".to_owned(),
        caller: Caller { ip: "203.0.113.7".into(), peer: "203.0.113.7".into(), ..Caller::default() },
    };
    let issue = |_: &mut Tx<'_>, _: &User| {
        Ok(Issued { scope: "openid".to_owned(), session_id: Some("session-1".to_owned()), waits: false, value: 7 })
    };
    password::sign_in(&world.app, login, issue).await
}

#[tokio::test]
async fn a_page_signs_in_and_the_log_calls_it_a_log_in() {
    let world = world().await;
    ann(&world).await;
    let (user, value) = sign_in(&world, "Ann@example.org", RIGHT).await.unwrap();
    assert_eq!((user.logins_count, value), (1, 7));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "s",
          "description": "Success Login",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "scope": "openid",
          "details": {
            "prompts": [],
            "stats": {
              "loginsCount": 1
            },
            "session_id": "session-1"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    for (username, password) in [("ann@example.org", "wrong"), ("bob@example.org", RIGHT)] {
        assert!(matches!(sign_in(&world, username, password).await, Err(Refused::WrongPassword)));
    }
    assert_eq!(world.logs().await.kinds(), ["fp", "fu"]);
    let block = world.api("update:users").patch("/api/v2/users/auth0%7Cann", json!({"blocked": true})).await;
    assert_eq!(block.status, 200);
    assert!(matches!(sign_in(&world, "ann@example.org", RIGHT).await, Err(Refused::UserBlocked)));
    assert_eq!(world.logs().await.lines(), ["sapi: Update a user", "f: user is blocked"]);
}
