//! Users in the database: what is taken is refused, changes follow one another, and a deletion leaves nothing behind.
//! On SQLite in a temporary folder, and on PostgreSQL too when `RINGPASS_TEST_POSTGRES` names a server.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

use std::sync::Arc;

use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::model::tenant::TenantSettings;
use ringpass_core::model::user::User;
use ringpass_core::storage::access_tokens::{self, AccessToken};
use ringpass_core::storage::{Db, DbError, Settings, Tx, Url, tenant, users};
use serde_json::json;

async fn open(url: Url) -> Db {
    let keys = Arc::new(MasterKeys::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap());
    Db::open(Settings { url, queue: 64, connections: 2, durable: false, keys }).await.unwrap()
}

async fn write<T: Send + 'static>(db: &Db, work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static) -> T {
    db.write("test", work).await.unwrap()
}

fn user(name: &str, phone: &str, at: i64) -> User {
    let mut user = User::of_phone("sms", phone, &Rng::seeded(1), at);
    user.user_id = format!("sms|{name}");
    user
}

#[tokio::test]
async fn users_keep_their_promises_on_sqlite() {
    let folder = std::env::temp_dir().join(format!("ringpass-users-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    check(open(Url::Sqlite(folder.join("users.db"))).await).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test asks its environment for a server")]
async fn users_keep_their_promises_on_postgresql() {
    if let Ok(url) = std::env::var("RINGPASS_TEST_POSTGRES") {
        check(open(Url::Postgres(url)).await).await;
    }
}

async fn check(db: Db) {
    finds_and_refuses(&db).await;
    changes_follow_one_another(&db).await;
    leaves_nothing_behind(&db).await;
    let settings = write(&db, |tx| {
        let mut settings = tenant::get(tx)?;
        assert_eq!(settings, TenantSettings::fresh("My Tenant"));
        settings.apply(&json!({"friendly_name": "Acme"})).unwrap();
        tenant::put(tx, &settings)?;
        tenant::get(tx)
    });
    assert_eq!(settings.await.friendly_name(), "Acme");
    db.close().await;
}

async fn finds_and_refuses(db: &Db) {
    let mut whole = user("a", "+1", 10);
    whole.email = Some("ann@example.org".into());
    whole.email_verified = Some(false);
    whole.user_metadata = json!({"k": {"n": "\u{0}"}}).as_object().cloned();
    whole.app_metadata = json!({}).as_object().cloned();
    whole.blocked = Some(true);
    let known = whole.clone();
    write(db, |tx| users::insert_later(tx, &user("first", "+0", 1))).await;
    let late = db.write("test", |tx| users::insert_later(tx, &user("second", "+0", 1))).await;
    assert!(matches!(late, Err(DbError::Conflict)), "somebody else came first");
    write(db, |tx| users::delete(tx, "sms|first")).await;
    write(db, move |tx| {
        assert!(users::insert(tx, &whole)?);
        assert!(!users::insert(tx, &user("a", "+9", 1))?, "the id is taken");
        assert!(!users::insert(tx, &user("z", "+1", 1))?, "the number is taken");
        assert!(users::insert(tx, &user("c", "+3", 20))?);
        assert!(users::insert(tx, &user("b", "+2", 20))?);
        assert_eq!(users::get(tx, "sms|a")?.as_ref(), Some(&known));
        assert_eq!(users::find_by_phone(tx, "sms", "+1")?.as_ref(), Some(&known));
        assert_eq!(users::find_by_phone(tx, "other", "+1")?, None);
        assert_eq!(users::find_by_email(tx, "ann@example.org")?, [known]);
        let ids = |users: Vec<User>| users.into_iter().map(|user| user.user_id).collect::<Vec<_>>();
        assert_eq!(ids(users::list(tx, 10, 0)?), ["sms|a", "sms|b", "sms|c"]);
        assert_eq!(ids(users::list(tx, 1, 1)?), ["sms|b"]);
        assert_eq!(ids(users::list_newest(tx, 2, 0)?), ["sms|c", "sms|b"]);
        assert_eq!(users::count_after(tx, (0, ""), 10)?.0, 3);
        Ok(())
    })
    .await;
}

async fn changes_follow_one_another(db: &Db) {
    let change = |key: &'static str| {
        write(db, move |tx| {
            let mut user = users::get_for_update(tx, "sms|b")?.unwrap();
            user.user_metadata.get_or_insert_default().insert(key.to_owned(), 1.into());
            let mut taken = user.clone();
            taken.phone_number = Some("+3".into());
            assert!(!users::put(tx, &taken)?);
            users::put(tx, &user)
        })
    };
    let sign_in = || {
        write(db, |tx| {
            let mut user = users::get(tx, "sms|b")?.unwrap();
            user.signed_in("192.0.2.1", 30);
            users::record_sign_in(tx, &user)
        })
    };
    let (a, (), b, (), c) = tokio::join!(change("a"), sign_in(), change("b"), sign_in(), change("c"));
    assert!(a && b && c);
    let user = write(db, |tx| users::get(tx, "sms|b")).await.unwrap();
    assert_eq!(user.user_metadata.map(|metadata| metadata.len()), Some(3));
    assert_eq!((user.logins_count, user.last_login, user.last_ip.as_deref()), (2, Some(30), Some("192.0.2.1")));
    assert_eq!(user.phone_number.as_deref(), Some("+2"));
    assert_eq!(write(db, |tx| users::get_for_update(tx, "sms|nobody")).await, None);
}

async fn leaves_nothing_behind(db: &Db) {
    write(db, |tx| {
        for (hash, user_id) in [("h1", "sms|a"), ("h2", "sms|b")] {
            let token =
                AccessToken { user_id: user_id.into(), client_id: "c".into(), scope: "openid".into(), expires_at: 100 };
            access_tokens::insert(tx, hash, &token)?;
        }
        assert!(users::delete(tx, "sms|b")?);
        assert!(!users::delete(tx, "sms|b")?);
        users::delete_by_email(tx, "sms", "Ann@Example.org")?;
        users::delete_by_email(tx, "sms", "nobody@example.org")?;
        assert_eq!(users::count_after(tx, (0, ""), 10)?.0, 1);
        assert!(access_tokens::get(tx, "h1", 1)?.is_none() && access_tokens::get(tx, "h2", 1)?.is_none());
        Ok(())
    })
    .await;
}
