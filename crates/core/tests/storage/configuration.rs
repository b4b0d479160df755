//! Connections, clients, resource servers and client grants.

use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::storage::access_tokens::{self, AccessToken};
use ringpass_core::storage::codes;
use ringpass_core::storage::connection_removals::{self, Removal, Step};
use ringpass_core::storage::{Tx, client_grants, clients, connections, grants, refresh_tokens, resource_servers};
use serde_json::{Value, json};

use super::{
    engines,
    refresh_tokens::{granted, token},
};

fn connection(name: &str, seed: u64, now: i64) -> Connection {
    let body = json!({"name": name, "strategy": "sms",
        "options": {"provider": "sms_gateway", "gateway_url": "https://sms.example/", "template": "@@code@@"}});
    Connection::create(&body, &Rng::seeded(seed), now).unwrap()
}

fn client(seed: u64, now: i64) -> Client {
    Client::create(&json!({"name": format!("client {seed}")}), &Rng::seeded(seed), now).unwrap()
}

fn api(identifier: &str, seed: u64, now: i64) -> ResourceServer {
    ResourceServer::create(&json!({"identifier": identifier, "name": "An API"}), &Rng::seeded(seed), now).unwrap()
}

fn grant(body: &Value, seed: u64, now: i64) -> ClientGrant {
    ClientGrant::create(body, &Rng::seeded(seed), now).unwrap()
}

fn count(tx: &mut Tx<'_>, sql: &'static str) -> i64 {
    tx.query_one(sql, &[]).unwrap().unwrap().int(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_comes_back_as_it_was_stored() {
    for engine in engines().await {
        let on = engine.name;
        let mut sms = connection("sms", 1, 20);
        sms.enabled_clients = vec!["z".into(), "a".into()];
        let (other, same_name) = (connection("other", 2, 10), connection("sms", 3, 30));
        let (one, two) = (sms.clone(), other.clone());
        engine
            .write(move |tx| {
                assert!(connections::insert(tx, &one)?);
                assert!(connections::insert(tx, &two)?);
                assert!(!connections::insert(tx, &same_name)?);
                assert_eq!(connections::get(tx, &same_name.id)?, None);
                assert!(!connections::put(tx, &same_name)?);
                Ok(())
            })
            .await;
        assert_eq!(engine.read(connections::list).await, [other.clone(), sms.clone()], "{on}");
        let sealed = "SELECT options FROM connections WHERE name = 'sms'";
        let sealed = engine.read(move |tx| tx.query_one(sealed, &[])).await.unwrap().text(0).unwrap();
        assert!(sealed.starts_with("s1.") && !sealed.contains("gateway"), "{on}");

        sms.apply(&json!({"options": {"provider": "sms_gateway"}, "enabled_clients": ["b", "z"],
            "display_name": "SMS"}))
            .unwrap();
        let changed = sms.clone();
        assert!(engine.write(move |tx| connections::put(tx, &changed)).await, "{on}");
        let id = sms.id.clone();
        assert_eq!(engine.read(move |tx| connections::get(tx, &id)).await.unwrap(), sms, "{on}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_enabled_in_order_and_keep_their_place() {
    for engine in engines().await {
        let mut sms = connection("sms", 1, 20);
        sms.enabled_clients = vec!["z".into(), "a".into()];
        let id = sms.id.clone();
        let enabled = engine
            .write(move |tx| {
                connections::insert(tx, &sms)?;
                for (client, enabled, now) in
                    [("m", true, 5), ("b", true, 5), ("z", true, 9_000), ("a", false, 9_000), ("a", true, 9_000)]
                {
                    connections::set_client(tx, &id, client, enabled, now)?;
                }
                connections::set_client(tx, "another", "q", true, 1)?;
                Ok((connections::get(tx, &id)?.unwrap(), connections::list(tx)?))
            })
            .await;
        assert_eq!(enabled.0.enabled_clients, ["z", "m", "b", "a"], "{}", engine.name);
        assert_eq!(enabled.1, [enabled.0], "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_takes_its_users_along() {
    for engine in engines().await {
        let sms = connection("sms", 1, 20);
        let id = sms.id.clone();
        let left = engine
            .write(move |tx| {
                connections::insert(tx, &sms)?;
                connections::set_client(tx, &sms.id, "c", true, 1)?;
                for (user, connection) in [("sms|1", "sms"), ("email|1", "email")] {
                    tx.later(
                        "INSERT INTO users (user_id, connection, provider, email, profile, created_at, updated_at, \
                         logins_count) VALUES (?1, ?2, ?2, ?1, '{}', 1, 1, 0)",
                        &[user.into(), connection.into()],
                    )?;
                    refresh_tokens::insert(tx, &token(user, user, "c"))?;
                    grants::record(tx, &granted(user, user, "c"))?;
                    let scope = String::new();
                    let token = AccessToken { user_id: user.into(), client_id: "c".into(), scope, expires_at: 9 };
                    access_tokens::insert(tx, user, &token)?;
                    let connection_id = if connection == "sms" { sms.id.as_str() } else { "con_other" };
                    codes::put(tx, &codes::Key { connection_id, identifier: "x" }, "id", "hash", 1, 9)?;
                }
                assert!(connection_removals::begin(tx, &id, 5, 9)?);
                assert!(!connection_removals::begin(tx, &id, 5, 9)?);
                assert!(!connections::insert(tx, &sms)?, "the name is taken");
                let mut removal = Removal { connection_id: id.clone(), claimed_until: 9 };
                assert_eq!(connection_removals::claim(tx, 8, 20)?, None);
                assert_eq!(connection_removals::step(tx, &mut removal, 10, 1)?, Step::More);
                assert_eq!(connection_removals::step(tx, &mut removal.clone(), 11, 1)?, Step::Done);
                assert_eq!(connection_removals::step(tx, &mut removal, 12, 1)?, Step::Lost);
                Ok([
                    count(tx, "SELECT COUNT(*) FROM users"),
                    count(tx, "SELECT COUNT(*) FROM refresh_tokens"),
                    count(tx, "SELECT COUNT(*) FROM grants"),
                    count(tx, "SELECT COUNT(*) FROM access_tokens"),
                    count(tx, "SELECT COUNT(*) FROM codes"),
                    count(tx, "SELECT COUNT(*) FROM connection_clients"),
                ])
            })
            .await;
        // The refresh token stays on record for a while, to be told what became of its user.
        assert_eq!(left, [1, 2, 1, 1, 1, 0], "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_back_and_takes_its_grants_along() {
    for engine in engines().await {
        let on = engine.name;
        let (mut one, two) = (client(1, 20), client(2, 10));
        let global = Client::global(&Rng::seeded(3), 5);
        let all = [global.clone(), two.clone(), one.clone()];
        engine
            .write(move |tx| {
                for client in &all {
                    assert!(clients::insert(tx, client)?);
                }
                assert!(!clients::insert(tx, &all[0])?);
                Ok(())
            })
            .await;
        assert_eq!(engine.read(clients::list).await, [global, two.clone(), one.clone()], "{on}");
        let sealed = engine.read(|tx| tx.query("SELECT secret FROM clients", &[])).await;
        assert!(sealed.iter().all(|row| row.text(0).unwrap().starts_with("s1.")), "{on}");

        one.apply(&json!({"name": "changed", "client_secret": "0123456789abcdef"})).unwrap();
        let changed = one.clone();
        let left = engine
            .write(move |tx| {
                assert!(clients::put(tx, &changed)?);
                assert_eq!(clients::get(tx, &changed.id)?.as_ref(), Some(&changed));
                for (seed, id) in [(1, &changed.id), (2, &two.id)] {
                    client_grants::insert(tx, &grant(&json!({"client_id": id, "audience": "a"}), seed, 1))?;
                    connections::set_client(tx, "con_x", id, true, 1)?;
                    refresh_tokens::insert(tx, &token(id, "sms|1", id))?;
                    grants::record(tx, &granted(id, "sms|1", id))?;
                }
                assert!(clients::delete(tx, &changed.id)?);
                assert!(!clients::delete(tx, &changed.id)?);
                assert!(!clients::put(tx, &changed)?);
                Ok([
                    count(tx, "SELECT COUNT(*) FROM client_grants"),
                    count(tx, "SELECT COUNT(*) FROM connection_clients"),
                    count(tx, "SELECT COUNT(*) FROM refresh_tokens"),
                    count(tx, "SELECT COUNT(*) FROM grants"),
                ])
            })
            .await;
        assert_eq!(left, [1, 1, 1, 1], "{on}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_server_comes_back_and_takes_its_grants_along() {
    for engine in engines().await {
        let (mut one, two, same) = (api("https://a/", 1, 20), api("b", 2, 10), api("b", 3, 30));
        let on = engine.name;
        let left = engine
            .write(move |tx| {
                assert!(resource_servers::insert(tx, &one)?);
                assert!(resource_servers::insert(tx, &two)?);
                assert!(!resource_servers::insert(tx, &same)?);
                assert_eq!(resource_servers::list(tx)?, [two.clone(), one.clone()]);
                one.apply(&json!({"signing_alg": "HS256", "signing_secret": "0123456789abcdef"})).unwrap();
                assert!(resource_servers::put(tx, &one)?);
                assert!(!resource_servers::put(tx, &same)?);
                assert_eq!(resource_servers::get(tx, &one.id)?.as_ref(), Some(&one));
                assert_eq!(resource_servers::find_by_identifier(tx, "https://a/")?.as_ref(), Some(&one));
                assert_eq!(resource_servers::find_by_identifier(tx, "https://a")?, None);
                for (seed, audience) in [(1, "https://a/"), (2, "b")] {
                    client_grants::insert(tx, &grant(&json!({"client_id": "c", "audience": audience}), seed, 1))?;
                }
                assert!(resource_servers::delete(tx, &one.id)?);
                assert!(!resource_servers::delete(tx, &one.id)?);
                client_grants::list(tx)
            })
            .await;
        assert_eq!(left.iter().map(ClientGrant::audience).collect::<Vec<_>>(), ["b"], "{on}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_one_for_client_api_and_subject() {
    for engine in engines().await {
        let on = engine.name;
        let body = |subject: &str| json!({"client_id": "c", "audience": "a", "subject_type": subject});
        let mut own = grant(&json!({"client_id": "c", "audience": "a", "scope": ["x"]}), 1, 20);
        let (user, again) = (grant(&body("user"), 2, 10), grant(&body("client"), 3, 30));
        engine
            .write(move |tx| {
                assert!(client_grants::insert(tx, &user)?);
                assert_eq!(client_grants::find(tx, "c", "a")?, None);
                assert!(client_grants::insert(tx, &own)?);
                assert!(!client_grants::insert(tx, &again)?);
                assert_eq!(client_grants::list(tx)?, [user, own.clone()]);
                own.apply(&json!({"scope": ["y"]})).unwrap();
                assert!(client_grants::put(tx, &own)?);
                assert!(!client_grants::put(tx, &again)?);
                assert_eq!(client_grants::find(tx, "c", "a")?.as_ref(), Some(&own));
                assert_eq!(client_grants::get(tx, &own.id)?.as_ref(), Some(&own));
                assert!(client_grants::delete(tx, &own.id)?);
                assert!(!client_grants::delete(tx, &own.id)?);
                Ok(())
            })
            .await;
        assert_eq!(engine.read(client_grants::list).await.len(), 1, "{on}");
    }
}
