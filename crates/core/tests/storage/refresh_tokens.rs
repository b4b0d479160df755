//! Refresh tokens, the sessions they carry, and grants.

use ringpass_core::kit::clock::{DAY, Millis};
use ringpass_core::kit::hash;
use ringpass_core::model::grant::Grant;
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::refresh_token::{Device, RefreshToken};
use ringpass_core::model::session::Session;
use ringpass_core::storage::access_tokens::{self, AccessToken};
use ringpass_core::storage::refresh_tokens::Filter;
use ringpass_core::storage::{Tx, Url, grants, refresh_tokens, sessions};
use serde_json::{Map, json};

use super::{engines, keys, open};

/// A family without an end; its hash is `hash-` and its id.
pub(super) fn token(id: &str, user_id: &str, client_id: &str) -> RefreshToken {
    RefreshToken {
        id: id.into(),
        user_id: user_id.into(),
        client_id: client_id.into(),
        session_id: Some(format!("s-{id}")),
        audience: None,
        scope: "openid offline_access".into(),
        hash: format!("hash-{id}"),
        previous: None,
        rotating: false,
        created_at: 1,
        last_exchanged_at: None,
        idle_expires_at: None,
        expires_at: None,
        device: Device::new("192.0.2.1", "Test/1.0"),
        metadata: Map::new(),
        second_factor: false,
    }
}

fn session(id: &str, user_id: &str, created_at: Millis) -> Session {
    Session {
        id: id.into(),
        secret_hash: "hash".into(),
        user_id: user_id.into(),
        connection: "sms".into(),
        created_at,
        authenticated_at: created_at,
        last_interacted_at: created_at,
        idle_expires_at: 100,
        expires_at: 200,
        device: Device::new("192.0.2.1", "Test/1.0"),
        clients: vec!["c".into()],
        metadata: Map::new(),
        second_factor_at: None,
    }
}

pub(super) fn granted(id: &str, user_id: &str, client_id: &str) -> Grant {
    Grant {
        id: id.into(),
        user_id: user_id.into(),
        client_id: client_id.into(),
        audience: String::new(),
        scope: "openid".into(),
        created_at: 1,
    }
}

fn map(value: serde_json::Value) -> Map<String, serde_json::Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_comes_back_as_it_was_stored_and_as_it_was_exchanged() {
    for engine in engines().await {
        let mut family = token("a", "u", "c");
        family.audience = Some("https://api.example/".into());
        (family.idle_expires_at, family.expires_at) = (Some(50), Some(100));
        let (found, other) = engine
            .write(move |tx| {
                refresh_tokens::insert(tx, &family)?;
                assert_eq!(refresh_tokens::get(tx, "a", 49)?.as_ref(), Some(&family));
                assert_eq!(refresh_tokens::get(tx, "a", 50)?, None);
                assert_eq!(refresh_tokens::find_by_hash_for_update(tx, "hash-a")?.as_ref(), Some(&family));
                let mut held = refresh_tokens::get_for_update(tx, "a")?.unwrap();
                held.rotate("hash-b".into(), "salt".into(), 60);
                (held.rotating, held.last_exchanged_at, held.idle_expires_at) = (true, Some(60), Some(200));
                held.device.seen("192.0.2.2", "Other/2");
                refresh_tokens::put(tx, &held)?;
                let metadata = map(json!({"name": "x"}));
                let shown = refresh_tokens::put_metadata(tx, "a", &metadata, 60)?.unwrap();
                held.metadata = metadata;
                assert_eq!(shown, held);
                assert_eq!(refresh_tokens::put_metadata(tx, "a", &Map::new(), 100)?, None, "it has ended");
                assert_eq!(refresh_tokens::find_by_hash_for_update(tx, "hash-a")?, None);
                Ok((refresh_tokens::get(tx, "a", 99)?.unwrap() == held, refresh_tokens::get(tx, "a", 100)?))
            })
            .await;
        assert_eq!((found, other), (true, None), "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_families_and_sessions_come_page_by_page() {
    for engine in engines().await {
        let (pages, sessions, filtered) = engine
            .write(|tx| {
                for (id, user, client, at, session) in [
                    ("e", "u", "c", 5, Some("s2")),
                    ("d", "u", "d", 5, Some("s1")),
                    ("c", "u", "c", 3, Some("s2")),
                    ("b", "u", "c", 7, None),
                    ("a", "v", "c", 1, Some("s0")),
                ] {
                    let session_id = session.map(str::to_owned);
                    refresh_tokens::insert(
                        tx,
                        &RefreshToken { created_at: at, session_id, ..token(id, user, client) },
                    )?;
                }
                for (id, user, at) in [("s2", "u", 3), ("s1", "u", 5), ("s0", "v", 1)] {
                    sessions::insert(tx, &session(id, user, at))?;
                }
                let (mut pages, mut after) = (String::new(), (Millis::MIN, String::new()));
                loop {
                    let page = refresh_tokens::list_of_user(tx, "u", None, &after, 3, 9)?;
                    let Some(last) = page.last() else { break };
                    after = (last.created_at, last.id.clone());
                    pages.extend(page.iter().map(|token| token.id.as_str()).chain(["."]));
                }
                let of_c = refresh_tokens::list_of_user(tx, "u", Some("d"), &(Millis::MIN, String::new()), 9, 9)?;
                assert_eq!(of_c.len(), 1);
                let (mut seen, mut after) = (String::new(), (Millis::MIN, String::new()));
                loop {
                    let page = sessions::list_of_user(tx, "u", &after, 1, 9)?;
                    let Some(last) = page.last() else { break };
                    after = (last.created_at, last.id.clone());
                    seen.extend(page.iter().map(|session| session.id.as_str()).chain(["."]));
                }
                let all = |filter: Filter| -> Result<_, ringpass_core::storage::DbError> {
                    let ids = refresh_tokens::list(tx, &filter, 2, 1, 9)?.into_iter().map(|token| token.id);
                    Ok((ids.collect::<Vec<_>>().concat(), refresh_tokens::count(tx, &filter, 9)?))
                };
                let filters = [
                    Filter::default(),
                    Filter { user_id: Some("u".into()), ..Filter::default() },
                    Filter { client_id: Some("c".into()), ..Filter::default() },
                    Filter { rotating: Some(true), ..Filter::default() },
                ];
                let filtered = filters.into_iter().map(all).collect::<Result<Vec<_>, _>>()?;
                Ok((pages, seen, filtered))
            })
            .await;
        assert_eq!((pages.as_str(), sessions.as_str()), ("cde.b.", "s2.s1."), "{}", engine.name);
        let expected = [("de", 5), ("de", 4), ("eb", 4), ("", 0)].map(|(ids, count)| (ids.to_owned(), count));
        assert_eq!(filtered, expected, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_or_without_its_families() {
    for engine in engines().await {
        engine
            .write(|tx| {
                for id in ["a", "b", "c", "d"] {
                    sessions::insert(tx, &session(&format!("s-{id}"), "u", 1))?;
                    refresh_tokens::insert(tx, &token(id, "u", "c"))?;
                }
                let is = |tx: &mut Tx<'_>, id: &str| -> Result<_, ringpass_core::storage::DbError> {
                    let family = refresh_tokens::get(tx, id, 9)?.is_some();
                    Ok((sessions::get(tx, &format!("s-{id}"), 9)?.is_some(), family))
                };
                sessions::put_metadata(tx, "s-a", &map(json!({"k": "v"})))?;
                assert_eq!(sessions::get(tx, "s-a", 9)?.unwrap().view()["session_metadata"], json!({"k": "v"}));
                sessions::delete(tx, "s-a", Ended::RpLogout)?;
                sessions::revoke(tx, "s-b")?;
                sessions::revoke_of_user(tx, "another", "s-c")?;
                assert_eq!((is(tx, "a")?, is(tx, "b")?, is(tx, "c")?), ((false, true), (false, false), (true, true)));
                sessions::delete_of_user(tx, "u", Some("s-d"), Ended::RpLogout)?;
                assert_eq!((is(tx, "c")?, is(tx, "d")?), ((true, true), (false, true)));
                sessions::revoke_of_user(tx, "u", "s-c")?;
                assert_eq!(is(tx, "c")?, (false, false));
                sessions::delete_of_user(tx, "u", None, Ended::RpLogout)?;
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_their_time_and_their_user() {
    for engine in engines().await {
        engine
            .write(|tx| {
                let ends = [("u1", None, None), ("u2", Some(100), None), ("u3", None, Some(100))];
                for (user, idle_expires_at, expires_at) in ends {
                    refresh_tokens::insert(
                        tx,
                        &RefreshToken { idle_expires_at, expires_at, ..token(user, user, "c") },
                    )?;
                    let access = AccessToken {
                        user_id: user.into(),
                        client_id: "c".into(),
                        scope: String::new(),
                        expires_at: 100,
                    };
                    access_tokens::insert(tx, user, &access)?;
                }
                assert_eq!(access_tokens::get(tx, "u1", 99)?.unwrap().user_id, "u1");
                assert!(access_tokens::get(tx, "u1", 100)?.is_none());
                for user in ["u1", "u2"] {
                    refresh_tokens::bury_of_user(tx, user)?;
                }
                // What is left of it for 30 days is no user's, nobody's session, and as live as it would have been.
                let buried = refresh_tokens::get_for_update(tx, "u1")?.unwrap();
                assert_eq!((buried.user_id.as_str(), buried.session_id.as_ref()), ("", None));
                assert_eq!((buried.ends_at(), &buried.device), (1 + 30 * DAY, &Device::default()));
                assert_eq!(refresh_tokens::get_for_update(tx, "u2")?.unwrap().ends_at(), 100);
                assert_eq!(refresh_tokens::get(tx, "u1", 9)?, None);
                assert_eq!(refresh_tokens::count(tx, &Filter::default(), 9)?, 1);
                assert_eq!(access_tokens::prune(tx, 100, 2)?, 2);
                assert_eq!(refresh_tokens::prune(tx, 99, 10)?, 0);
                assert_eq!(refresh_tokens::prune(tx, 100, 1)?, 1);
                assert_eq!(refresh_tokens::prune(tx, 100, 10)?, 1);
                assert_eq!(refresh_tokens::prune(tx, 1 + 30 * DAY, 10)?, 1);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_gathers_scopes_and_takes_its_families_along() {
    for engine in engines().await {
        let on = engine.name;
        engine
            .write(move |tx| {
                let grant = |id: &str, audience: &str, scope: &str| Grant {
                    audience: audience.into(),
                    scope: scope.into(),
                    ..granted(id, "u", "c")
                };
                grants::record(tx, &grant("g1", "", "openid read:a_b"))?;
                grants::record(tx, &grant("g2", "", "read:a read:axb openid"))?;
                grants::record(tx, &grant("g3", "api", "openid"))?;
                let all = grants::list(tx, &grants::Filter::default(), 9, 0)?;
                let shown: Vec<_> = all.iter().map(|it| (it.id.as_str(), it.scope.as_str())).collect();
                assert_eq!(shown, [("g1", "openid read:a_b read:a read:axb"), ("g3", "openid")], "{on}");
                let none = grants::Filter { audience: Some(String::new()), ..grants::Filter::default() };
                assert_eq!((grants::count(tx, &none)?, grants::list(tx, &none, 1, 1)?.len()), (1, 0));
                for (id, audience) in [("a", None), ("b", Some("api")), ("c", None)] {
                    let audience = audience.map(str::to_owned);
                    let user = if id == "c" { "v" } else { "u" };
                    refresh_tokens::insert(tx, &RefreshToken { audience, ..token(id, user, "c") })?;
                }
                grants::delete(tx, "u", "c", "")?;
                assert_eq!((grants::get(tx, "g1")?, grants::get(tx, "g3")?.is_some()), (None, true));
                let left = refresh_tokens::list(tx, &Filter::default(), 9, 0, 9)?;
                assert_eq!(left.iter().map(|token| token.id.as_str()).collect::<Vec<_>>(), ["b", "c"], "{on}");
                Ok(())
            })
            .await;
    }
}

/// A database of the first migration, with tokens in it, as this version finds it.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_from_before_families_are_still_there() {
    const START: &str = include_str!("../../../../migrations/0001_start.sql");
    let folder = std::env::temp_dir().join(format!("ringpass_before_families_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("ringpass.db");
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(START).unwrap();
    old.execute_batch("CREATE TABLE migrations (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL)").unwrap();
    let squeezed: String = START.split_whitespace().collect();
    let checksum = hash::hex(&hash::sha256(squeezed.as_bytes()));
    old.execute("INSERT INTO migrations (number, checksum) VALUES (1, ?1)", [checksum]).unwrap();
    old.execute_batch(
        "INSERT INTO users (user_id, connection, provider, profile, created_at, updated_at, logins_count) \
         VALUES ('u', 'sms', 'sms', '{}', 1, 1, 0); \
         INSERT INTO refresh_tokens VALUES ('h1', 't1', 'u', 'c', 's1', NULL, 'openid', 1, NULL, NULL, NULL); \
         INSERT INTO refresh_tokens VALUES ('h2', 't2', 'u', 'c', 's2', 'api', 'openid', 2, 3, 50, 40); \
         INSERT INTO refresh_tokens VALUES ('h3', 't3', 'gone', 'c', 's3', NULL, 'openid', 1, NULL, 60, 70);",
    )
    .unwrap();
    drop(old);
    let db = open(Url::Sqlite(file), keys()).await.unwrap();
    let (found, granted) = db
        .write("test", |tx| {
            let mut found = Vec::new();
            for hash in ["h1", "h2", "h3"] {
                let token = refresh_tokens::find_by_hash_for_update(tx, hash)?.unwrap();
                found.push((token.id.clone(), token.user_id.clone(), token.ends_at()));
            }
            Ok((found, grants::list(tx, &grants::Filter::default(), 9, 0)?.len()))
        })
        .await
        .unwrap();
    let expected = [("t1", "u", Millis::MAX), ("t2", "u", 40), ("t3", "", 60)];
    assert_eq!(found, expected.map(|(id, user, end)| (id.to_owned(), user.to_owned(), end)));
    assert_eq!(granted, 2);
    db.close().await;
    let _ = std::fs::remove_dir_all(&folder);
}
