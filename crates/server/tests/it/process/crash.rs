//! `kill -9` at random moments during sign-ins: what was answered stays, and no code works twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringpass_core::kit::rng::Rng;
use ringpass_core::storage::Url;
use serde_json::json;

use super::{Server, World, phone};

/// How far a sign-in came before the server was killed.
enum Came {
    /// The start had no answer.
    Asked,
    /// The start was answered and the code not used.
    Started,
    /// The code was sent for tokens and no answer came back.
    Unclear,
    /// Tokens came back: this access token.
    In(String),
}

struct Login {
    phone: String,
    code: Option<String>,
    came: Came,
}

const ROUNDS: u64 = 5;
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_forgets_nothing_it_answered_and_takes_no_code_twice() {
    let (world, mut server) = World::new("crash").await;
    let world = Arc::new(world);
    let rng = Rng::seeded(4);
    let mut done = 0;
    for round in 0..ROUNDS {
        let target = Arc::new(server);
        let over = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let first = (usize::try_from(round).unwrap() * CALLERS + caller) * 200;
                tokio::spawn(sign_in_on_and_on(Arc::clone(&world), Arc::clone(&target), Arc::clone(&over), first))
            })
            .collect();
        let pause = 100 + u64::from(u16::from_be_bytes(rng.bytes::<2>())) % 300;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        target.signal(rustix::process::Signal::KILL);
        over.store(true, Ordering::SeqCst);
        let mut logins = Vec::new();
        for caller in callers {
            logins.extend(caller.await.unwrap());
        }
        Arc::into_inner(target).unwrap().kill();

        server = world.serve(&[]).await;
        for login in &mut logins {
            login.code = world.codes_of(&login.phone).pop();
        }
        done += logins.iter().filter(|login| matches!(login.came, Came::In(_))).count();
        for login in logins {
            look(&world, &server, &login).await;
        }
    }
    assert!(done > 20, "only {done} sign-ins: this test shows nothing");
    server.kill();

    // Each sign-in is whole: a code used up, a user counted, an event, a token.
    let used = world.count("SELECT COUNT(*) FROM codes WHERE used_at IS NOT NULL").await;
    let counted = world.count("SELECT CAST(SUM(logins_count) AS BIGINT) FROM users").await;
    let events = world.count("SELECT COUNT(*) FROM logs WHERE type = 's'").await;
    let tokens = world.count("SELECT COUNT(*) FROM access_tokens").await;
    assert_eq!((used, used, used), (counted, events, tokens));
    if let Url::Sqlite(_) = world.database {
        let db = world.open().await;
        let check = db.read("test", |tx| tx.query_one("PRAGMA integrity_check", &[])).await.unwrap().unwrap();
        assert_eq!(check.text(0).unwrap(), "ok");
    }
}

/// Signs fresh numbers in until the server is gone; every third code is left unused.
async fn sign_in_on_and_on(world: Arc<World>, server: Arc<Server>, over: Arc<AtomicBool>, first: usize) -> Vec<Login> {
    let mut logins = Vec::new();
    for number in first..first + 200 {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let phone = phone(number);
        let mut login = Login { phone, code: None, came: Came::Asked };
        if let Ok(answer) = server.start(&world.client_id, &login.phone).await {
            answer.is(200);
            login.came = Came::Started;
            let code = world.codes_of(&login.phone).pop().unwrap();
            if number % 3 > 0 {
                login.came = Came::Unclear;
                if let Ok(answer) = server.exchange(&world.client_id, &login.phone, &code).await {
                    login.came = Came::In(answer.is(200)["access_token"].as_str().unwrap().to_owned());
                }
            }
        }
        logins.push(login);
    }
    logins
}

/// What a restarted server knows of a sign-in.
async fn look(world: &World, server: &Server, login: &Login) {
    let Some(code) = &login.code else {
        assert!(matches!(login.came, Came::Asked), "a start was answered whose code never left");
        return;
    };
    let exchange = async || server.exchange(&world.client_id, &login.phone, code).await.unwrap();
    let token = match &login.came {
        // A code that reached a phone was on disk before; nobody has used it.
        Came::Asked | Came::Started => Some(exchange().await.is(200)["access_token"].as_str().unwrap().to_owned()),
        Came::Unclear => {
            let answer = exchange().await;
            (answer.status == 200).then(|| answer.text("access_token"))
        }
        Came::In(token) => Some(token.clone()),
    };
    assert_eq!(exchange().await.is(403)["error"], "invalid_grant", "{} took a code twice", login.phone);
    if let Some(token) = token {
        let info = server.userinfo(&token).await.unwrap().is(200);
        assert_eq!(info["phone_number"], json!(login.phone));
        let id = info["sub"].as_str().unwrap().replace('|', "%7C");
        let user = server.api(world, "GET", &format!("/users/{id}"), None).await.is(200);
        assert_eq!(user["logins_count"], 1, "{user}");
    }
}
