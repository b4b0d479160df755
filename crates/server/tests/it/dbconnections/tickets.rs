//! Tickets and what they permit (C1530-C1539).

use expect_test::expect;
use ringpass::flows::caller::Caller;
use ringpass::flows::tickets::{self, TicketRefused};
use ringpass_core::kit::clock::{DAY, SECOND};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::user::User;
use ringpass_core::storage::users;
use serde_json::{Value, json};

use super::{ANN, DATABASE, RIGHT, ann, world, world_with};
use crate::world::{Lines as _, NATIVE, OTP, PHONE, World};

const CHANGE: &str = "/api/v2/tickets/password-change";
const VERIFY: &str = "/api/v2/tickets/email-verification";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const NEW: &str = "Another passphrase";

/// The text of a new ticket.
async fn ticket(world: &World, path: &str, body: Value) -> String {
    let answer = world.api("create:user_tickets").post(path, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    drop(world.logs().await);
    let link = answer.text("ticket");
    link.split_once("?ticket=").unwrap().1.trim_end_matches('#').to_owned()
}

async fn change(world: &World, ticket: &str, password: &str) -> Result<tickets::Done, TicketRefused> {
    tickets::change_password(&world.app, ticket, Secret::new(password), &caller()).await
}

fn caller() -> Caller {
    Caller { ip: "203.0.113.7".into(), peer: "203.0.113.7".into(), ..Caller::default() }
}

async fn user(world: &World) -> User {
    world.app.db.read("test.user", |tx| users::get(tx, "auth0|ann")).await.unwrap().unwrap()
}

async fn sign_in(world: &World, password: &str, scope: &str) -> crate::world::Answer {
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": ANN, "password": password, "scope": scope});
    world.anon().post("/oauth/token", body).await
}

fn why<T: std::fmt::Debug>(outcome: Result<T, TicketRefused>) -> &'static str {
    match outcome.expect_err("a refusal") {
        TicketRefused::Unknown => "unknown",
        TicketRefused::Expired => "expired",
        TicketRefused::Used => "used",
        TicketRefused::Weak(weak) => weak.name(),
        TicketRefused::Busy | TicketRefused::Failed | TicketRefused::Database(_) => "failed",
    }
}

#[tokio::test]
async fn a_ticket_is_a_link() {
    let world = world().await;
    ann(&world).await;
    let answer = world.api("create:user_tickets").post(CHANGE, json!({"user_id": "auth0|ann"})).await;
    answer.is(expect![[r#"
        201 Created
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "ticket": "https://tenant.example/u/reset-verify?ticket=dUyjDkft1TTFdA2WsBXnQUZZr7K_9wcd2Lc9LCtKJLs#"
        }
    "#]]);
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["sapi"]);
    assert_eq!(
        logs.0[0]["details"]["response"]["body"]["ticket"],
        json!("*****"),
        "whoever reads the log gets no link"
    );
    world.api("create:user_tickets").post(VERIFY, json!({"user_id": "auth0|ann"})).await.is(expect![[r#"
        201 Created
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "ticket": "https://tenant.example/u/email-verification?ticket=6yhtIS2_uYmoNM7zYF9AINyc4VJWQJxBgbr9OBWKOdM#"
        }
    "#]]);
    for path in [CHANGE, VERIFY] {
        assert_eq!(world.api("update:users").post(path, json!({"user_id": "auth0|ann"})).await.status, 403);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn requests_that_cannot_be_are_refused() {
    let world = world().await;
    ann(&world).await;
    let sms = world.new_user(PHONE).await;
    let connection = world.app.snapshot().channel(DATABASE, NATIVE).unwrap().connection.id.clone();
    let mut lines = String::new();
    for (path, body) in [
        (CHANGE, json!({})),
        (CHANGE, json!({"user_id": "auth0|nobody"})),
        (CHANGE, json!({"user_id": sms})),
        (VERIFY, json!({"user_id": sms})),
        (CHANGE, json!({"connection_id": connection})),
        (CHANGE, json!({"connection_id": connection, "email": "bob@example.org"})),
        (CHANGE, json!({"connection_id": "con_0000000000000000", "email": ANN})),
        (CHANGE, json!({"user_id": "auth0|ann", "client_id": "nobody"})),
        (CHANGE, json!({"user_id": "auth0|ann", "client_id": NATIVE, "result_url": "https://app.example"})),
        (CHANGE, json!({"user_id": "auth0|ann", "result_url": "javascript:alert(1)"})),
        (VERIFY, json!({"user_id": "auth0|ann", "mark_email_as_verified": true})),
        (VERIFY, json!({"user_id": "auth0|ann", "identity": {"user_id": "x", "provider": "sms"}})),
    ] {
        let answer = world.api("create:user_tickets").post(path, body).await;
        lines.line(format!("{} {}", answer.status.as_u16(), answer.text("message")));
    }
    expect![[r#"
        400 Payload validation error: 'Missing required property: user_id'.
        404 The user does not exist.
        400 The user has no password
        400 The user has no e-mail address
        400 Payload validation error: 'Missing required property: email'.
        404 The user does not exist.
        404 The connection does not exist
        404 The client does not exist
        400 Cannot set both result_url and client_id
        400 Payload validation error: 'Object didn't pass validation for format url: javascript:alert(1)' on property result_url (Where the browser goes once the ticket is used).
        400 Payload validation error: 'Additional properties not allowed: mark_email_as_verified'.
        404 The user does not exist.
    "#]].assert_eq(&lines);
    let by_address = json!({"connection_id": connection, "email": "ANN@example.org"});
    assert_eq!(world.api("create:user_tickets").post(CHANGE, by_address).await.status, 201);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    let world = world().await;
    world.client(NATIVE, json!({"grant_types": [OTP, "refresh_token", REALM]})).await;
    ann(&world).await;
    let tokens = sign_in(&world, RIGHT, "openid offline_access").await;
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    for _ in 0..10 {
        assert_eq!(sign_in(&world, "wrong", "").await.status, 403);
    }
    assert_eq!(sign_in(&world, RIGHT, "").await.status, 429);
    drop(world.logs().await);
    let body = json!({"user_id": "auth0|ann", "result_url": "https://app.example/done", "includeEmailInRedirect": true,
        "mark_email_as_verified": true});
    let (text, other) =
        (ticket(&world, CHANGE, body).await, ticket(&world, CHANGE, json!({"user_id": "auth0|ann"})).await);
    let opened = tickets::open(&world.app, &text).await.unwrap();
    assert_eq!((opened.user.user_id.as_str(), opened.channel.connection.name.as_str()), ("auth0|ann", DATABASE));
    assert_eq!(why(change(&world, &text, "weak").await), "PasswordStrengthError");
    assert_eq!(world.logs().await.lines(), ["fcp: Password is too weak"]);
    let done = change(&world, &text, NEW).await.unwrap();
    assert_eq!(
        done.destination.unwrap(),
        "https://app.example/done?email=ann%40example.org&success=true&message=You+can+now+login+to+the+application+with+the+new+password."
    );
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "scp",
          "description": "Success Change Password",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "",
          "client_name": "",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let ann = user(&world).await;
    assert_eq!((ann.email_verified, ann.last_password_reset), (Some(true), Some(world.clock.now())));
    assert_eq!(sign_in(&world, RIGHT, "").await.status, 403);
    assert_eq!(sign_in(&world, NEW, "").await.status, 200, "and the block is lifted");
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    assert_eq!(why(change(&world, &text, RIGHT).await), "used");
    assert_eq!(why(tickets::open(&world.app, &text).await), "used");
    assert_eq!(why(change(&world, &other, RIGHT).await), "unknown", "other links are void now");
    drop(world.logs().await);
}

#[tokio::test]
async fn of_two_uses_at_once_exactly_one_wins() {
    let world = world().await;
    ann(&world).await;
    let (text, twin) = (ticket(&world, CHANGE, json!({"user_id": "auth0|ann"})).await, world.twin().await);
    let both = tokio::join!(change(&world, &text, NEW), change(&twin, &text, "Yet another passphrase"));
    let won = [both.0.is_ok(), both.1.is_ok()];
    assert_eq!(won.iter().filter(|it| **it).count(), 1, "{won:?}");
    let lost = if won[0] { both.1 } else { both.0 };
    assert_eq!(why(lost), "used");
    let mut kinds = world.logs().await.kinds();
    kinds.sort_unstable();
    assert_eq!(kinds, ["fcp", "scp"]);
    let text = ticket(&world, VERIFY, json!({"user_id": "auth0|ann"})).await;
    let caller = caller();
    let verify = |world| tickets::verify_email(world, &text, &caller);
    let both = tokio::join!(verify(&world.app), verify(&twin.app));
    assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|it| **it).count(), 1);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_ticket_dies_with_its_time_user_address_or_connection() {
    let world = world().await;
    ann(&world).await;
    let user_id = || json!({"user_id": "auth0|ann"});
    let short = ticket(&world, CHANGE, json!({"user_id": "auth0|ann", "ttl_sec": 60})).await;
    let (long, verify) = (ticket(&world, CHANGE, user_id()).await, ticket(&world, VERIFY, user_id()).await);
    world.clock.advance(60 * SECOND);
    assert_eq!(why(change(&world, &short, NEW).await), "expired");
    // One kind does not do the work of the other, and nobody guesses.
    assert_eq!(why(change(&world, &verify, NEW).await), "unknown");
    assert_eq!(why(tickets::verify_email(&world.app, &long, &caller()).await), "unknown");
    for text in ["", "x", &"x".repeat(100_000), "a\u{0}b", "' OR 1=1 --"] {
        assert_eq!(why(change(&world, text, NEW).await), "unknown");
    }
    let patch = json!({"email": "new@example.org"});
    assert_eq!(world.api("update:users").patch("/api/v2/users/auth0%7Cann", patch).await.status, 200);
    assert_eq!(why(change(&world, &long, NEW).await), "unknown", "it was mailed to another address");
    assert_eq!(why(tickets::verify_email(&world.app, &verify, &caller()).await), "unknown");
    assert_eq!(user(&world).await.email_verified, Some(false));
    let of_user = ticket(&world, CHANGE, user_id()).await;
    assert_eq!(world.api("delete:users").delete("/api/v2/users/auth0%7Cann").await.status, 204);
    assert_eq!(why(change(&world, &of_user, NEW).await), "unknown");
    ann(&world).await;
    assert_eq!(why(change(&world, &of_user, NEW).await), "unknown", "also when the same id comes back");
    let of_connection = ticket(&world, CHANGE, user_id()).await;
    let connection = world.app.snapshot().channel(DATABASE, NATIVE).unwrap().connection.id.clone();
    let gone = world.api("delete:connections").delete(&format!("/api/v2/connections/{connection}")).await;
    assert_eq!(gone.status, 202);
    assert_eq!(why(change(&world, &of_connection, NEW).await), "unknown");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_ticket_is_remembered_for_a_while() {
    let world = world().await;
    ann(&world).await;
    let text = ticket(&world, CHANGE, json!({"user_id": "auth0|ann", "ttl_sec": 60})).await;
    world.clock.advance(6 * DAY);
    ringpass::worker::prune(&world.app).await.unwrap();
    assert_eq!(why(change(&world, &text, NEW).await), "expired");
    assert_eq!(world.logs().await.lines(), ["fcp: The ticket has expired"]);
    world.clock.advance(2 * DAY);
    ringpass::worker::prune(&world.app).await.unwrap();
    assert_eq!(why(change(&world, &text, NEW).await), "unknown");
}

#[tokio::test]
async fn an_address_is_confirmed() {
    let world = world().await;
    ann(&world).await;
    let text = ticket(&world, VERIFY, json!({"user_id": "auth0|ann", "result_url": "https://app.example/"})).await;
    let done = tickets::verify_email(&world.app, &text, &caller()).await.unwrap();
    assert_eq!(
        done.destination.unwrap(),
        "https://app.example/?success=true&message=Your+email+was+verified.+You+can+continue+using+the+application."
    );
    assert_eq!(user(&world).await.email_verified, Some(true));
    assert_eq!(world.logs().await.lines(), ["sv: Success Verification Email"]);
    assert_eq!(why(tickets::verify_email(&world.app, &text, &caller()).await), "used");
    assert_eq!(world.logs().await.lines(), ["fv: The ticket was used already"]);
}

#[tokio::test]
async fn the_password_of_a_linked_identity_is_changed_by_its_own_ticket() {
    let world = world_with(json!({"password_history": {"enable": true}})).await;
    world.client(NATIVE, json!({"grant_types": [OTP, "refresh_token", REALM]})).await;
    ann(&world).await;
    let sms = world.new_user(PHONE).await;
    let to = format!("/api/v2/users/{}/identities", sms.replace('|', "%7C"));
    let link = world.api("update:users").post(&to, json!({"provider": "auth0", "user_id": "ann"})).await;
    assert_eq!(link.status, 201, "{link}");
    let body = json!({"user_id": sms, "identity": {"provider": "auth0", "user_id": "ann"}});
    let text = ticket(&world, CHANGE, body).await;
    assert_eq!(why(change(&world, &text, RIGHT).await), "PasswordHistoryError");
    let tokens = sign_in(&world, RIGHT, "openid offline_access").await;
    change(&world, &text, NEW).await.unwrap();
    assert_eq!(sign_in(&world, RIGHT, "").await.status, 403);
    assert_eq!(sign_in(&world, NEW, "").await.status, 200);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403, "the whole user is signed out");
    drop(world.logs().await);
}
