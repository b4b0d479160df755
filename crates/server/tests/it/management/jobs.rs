//! Jobs: imports and exports of users (C1210-C1224).

use std::fmt::Write as _;

use bytes::Bytes;
use expect_test::expect;
use http::Method;
use ringpass::flows::jobs::{self as flow, Rows};
use ringpass::worker;
use ringpass_core::kit::clock::{DAY, HOUR, MINUTE};
use ringpass_core::storage::jobs;
use serde_json::{Value, json};

use super::{admin, good, id_of, said};
use crate::world::{Answer, Caller, NATIVE, PHONE, World};

const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// A form as `fetch` and `curl` send it.
fn form(fields: &[(&str, &str)], file: &[u8]) -> Bytes {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--XX\r\nContent-Disposition: form-data; name=\"users\"; filename=\"users.json\"\r\n\
        Content-Type: application/json\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--XX--\r\n");
    body.into()
}

async fn import(caller: &Caller<'_>, fields: &[(&str, &str)], file: &str) -> Answer {
    let body = form(fields, file.as_bytes());
    caller.raw("/api/v2/jobs/users-imports", "multipart/form-data; boundary=XX", body).await
}

/// The job after everybody has worked.
async fn done(world: &World, job: &Value) -> Value {
    while flow::work(&world.app).await.unwrap() {}
    good(&admin(world).get(&format!("/api/v2/jobs/{}", job["id"].as_str().unwrap())).await, 200)
}

async fn sign_in(world: &World, username: &str, password: &str) -> u16 {
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": username, "password": password});
    world.anon().post("/oauth/token", body).await.status.as_u16()
}

#[tokio::test]
async fn users_are_imported_with_their_passwords() {
    let world = World::new().await;
    world.client(NATIVE, json!({"grant_types": [REALM]})).await;
    world.enable(DATABASE, &[NATIVE]).await;
    let admin = admin(&world);
    let connection = id_of(&world, DATABASE).await;
    let hash = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let file = json!([
        {"email": "Ann@Example.org", "email_verified": true, "user_id": "ann", "given_name": "Ann", "blocked": false,
            "password_hash": hash, "app_metadata": {"plan": "gold"}, "user_metadata": {"color": "red"}},
        {"username": "bob", "custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": hash, "encoding": "utf8"}}},
        {"email": "eve@example.org", "custom_password_hash": {"algorithm": "scrypt", "keylen": 32, "cost": 1024,
            "hash": {"value": "13d64ce2c3148f0fbee4b0c55662feb0b11ea9e332dedf0b5e2de28e3b7d6583", "encoding": "hex"}, "salt": {"value": "salt of the test", "encoding": "utf8"}}},
        {"email": "dan@example.org", "custom_password_hash": {"algorithm": "pbkdf2", "hash": {"encoding": "utf8",
            "value": "$pbkdf2-sha256$i=1000,l=32$c2FsdCBvZiB0aGUgdGVzdA$4O+fXNc65u6jKnJKb5EYGtGyBjQnvUv+tpDyLlAB1kk"}}},
        {"email": "zoe@example.org"},
    ]);
    let fields = [("connection_id", connection.as_str()), ("external_id", "batch 7"), ("upsert", "false")];
    let answer = import(&admin, &fields, &file.to_string()).await;
    let job = good(&answer, 202);
    let id = job["id"].as_str().unwrap();
    assert!(id.starts_with("job_") && id.len() == 20, "{id}");
    assert_eq!(
        job,
        json!({"type": "users_import", "status": "pending", "connection_id": connection, "connection": DATABASE,
            "upsert": false, "send_completion_email": true, "external_id": "batch 7", "id": id,
            "created_at": "2026-01-02T03:04:05.678Z"})
    );
    assert_eq!(good(&admin.get(&format!("/api/v2/jobs/{id}")).await, 200), job);
    assert!(!super::database(&world).await.contains("E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), "the input lies open");
    let job = done(&world, &job).await;
    let summary = json!({"total": 5, "failed": 0, "inserted": 5, "updated": 0});
    assert_eq!(
        (&job["status"], &job["percentage_done"], &job["summary"]),
        (&json!("completed"), &json!(100), &summary)
    );
    assert_eq!(admin.get(&format!("/api/v2/jobs/{id}/errors")).await.status, 204);
    let user = good(&admin.get("/api/v2/users/auth0%7Cann").await, 200);
    expect![[r#"
        {
          "user_id": "auth0|ann",
          "email": "ann@example.org",
          "email_verified": true,
          "name": "ann@example.org",
          "nickname": "ann",
          "picture": "https://s.gravatar.com/avatar/8b5a6a28fc840441be692d74a81ccd1a?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fan.png",
          "given_name": "Ann",
          "identities": [
            {
              "connection": "Username-Password-Authentication",
              "provider": "auth0",
              "user_id": "ann",
              "isSocial": false
            }
          ],
          "user_metadata": {
            "color": "red"
          },
          "app_metadata": {
            "plan": "gold"
          },
          "blocked": false,
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:04:05.678Z"
        }"#]].assert_eq(&format!("{user:#}"));
    for (username, password, status) in [
        ("ann@example.org", "U*U", 200),
        ("ann@example.org", "u*u", 403),
        ("bob", "U*U", 200),
        ("eve@example.org", "secret", 200),
        ("eve@example.org", "Secret", 403),
        ("dan@example.org", "secret", 200),
        ("zoe@example.org", "", 400),
        ("zoe@example.org", "secret", 403),
    ] {
        assert_eq!(sign_in(&world, username, password).await, status, "{username} {password}");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn every_bad_row_is_told_with_its_reasons() {
    let world = World::new().await;
    let admin = admin(&world);
    let connection = id_of(&world, DATABASE).await;
    let known = json!({"connection": DATABASE, "email": "ann@example.org", "username": "ann", "password": "A long one",
        "user_id": "ann"});
    good(&admin.post("/api/v2/users", known).await, 201);
    let custom = |algorithm: &str, value: &str| json!({"algorithm": algorithm, "hash": {"value": value}});
    let rows = json!([
        7,
        {},
        {"name": "Nobody"},
        {"email": "no-address", "blocked": "yes", "name": ""},
        {"email": "a@example.org", "roles": [], "password": "clear", "mfa_factors": [{"totp": {"secret": "KRUGS4ZA"}}]},
        {"email": "a1@example.org", "phone_number": PHONE},
        {"email": "a2@example.org", "user_id": "a b"},
        {"email": "a3@example.org", "name": "a\u{0}b"},
        {"email": "a4@example.org", "password_hash": "5ebe2294ecd0e0f08eab7690d2a6ee69"},
        {"email": "a5@example.org", "password_hash": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"email": "a6@example.org", "custom_password_hash": custom("md5", "5ebe2294ecd0e0f08eab7690d2a6ee69")},
        {"email": "a7@example.org", "custom_password_hash": custom("rot13", "frperg")},
        {"email": "a8@example.org", "custom_password_hash": custom("argon2", "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdCBvZiB0aGUgdGVzdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
        {"email": "a9@example.org", "custom_password_hash": {"algorithm": "scrypt", "hash": {"value": "zz", "encoding": "hex"}}},
        {"email": "b@example.org"},
        {"email": "B@Example.org"},
        {"email": "b1@example.org", "user_id": "same"},
        {"email": "b2@example.org", "user_id": "same"},
        {"email": "ANN@example.org"},
        {"email": "b3@example.org", "username": "Ann"},
        {"email": "b4@example.org", "user_id": "ann"},
    ]);
    let job = good(&import(&admin, &[("connection_id", &connection)], &rows.to_string()).await, 202);
    let job = done(&world, &job).await;
    assert_eq!(job["summary"], json!({"total": 21, "failed": 19, "inserted": 2, "updated": 0}));
    let id = job["id"].as_str().unwrap();
    let errors = good(&admin.get(&format!("/api/v2/jobs/{id}/errors")).await, 200);
    let mut lines = String::new();
    for row in errors.as_array().unwrap() {
        for error in row["errors"].as_array().unwrap() {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            writeln!(lines, "{} {}: {}", text("code"), text("path"), text("message")).unwrap();
        }
    }
    expect![[r#"
        INVALID_TYPE -: Expected type object
        ANY_OF_MISSING -: One of email, username or phone_number is required
        ANY_OF_MISSING -: One of email, username or phone_number is required
        INVALID_FORMAT email: Error in email property - Object didn't pass validation for format email: no-address
        INVALID_TYPE blocked: Error in blocked property - Expected type boolean but found type string
        MIN_LENGTH name: Error in name property - String is too short (0 chars), minimum 1
        NOT_PASSED roles: Unknown property roles
        NOT_PASSED password: Unknown property password
        MFA_FACTORS_FAILED mfa_factors: Enrolled factors are not imported
        NOT_PASSED phone_number: The connection has no phone numbers
        PATTERN user_id: Error in user_id property - String does not match pattern ^[^\s\x00-\x1f]{1,255}$: a b
        PATTERN name: Error in name property - U+0000 is not allowed
        INVALID_FORMAT password_hash: The hash is no bcrypt hash ($2a$ or $2b$)
        NOT_PASSED password_hash: The hash asks for more memory or time than a sign-in may cost
        NOT_PASSED custom_password_hash.algorithm: md5 hashes are too fast to be safe and are not imported
        ENUM_MISMATCH custom_password_hash.algorithm: No enum match for: rot13
        NOT_PASSED custom_password_hash.hash.value: The hash asks for more memory or time than a sign-in may cost
        INVALID_FORMAT custom_password_hash: The scrypt hash or its salt could not be read
        DUPLICATED_USER email: A user with this email was already provided.
        DUPLICATED_USER user_id: A user with this user_id was already provided.
        CONFLICT_EMAIL email: The user already exists.
        CONFLICT_USERNAME username: The user already exists.
        CONFLICT -: The user already exists.
    "#]]
    .assert_eq(&lines);
    let shown = errors.to_string();
    assert!(
        !shown.contains("5ebe2294")
            && !shown.contains("clear")
            && !shown.contains("KRUGS4ZA")
            && shown.contains("*****"),
        "{shown}"
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn an_upsert_changes_who_is_there_by_address() {
    let world = World::new().await;
    let admin = admin(&world);
    let connection = id_of(&world, DATABASE).await;
    let known = json!({"connection": DATABASE, "email": "ann@example.org", "password": "A long one", "user_id": "ann",
        "user_metadata": {"a": 1, "b": 2}});
    good(&admin.post("/api/v2/users", known).await, 201);
    let rows = json!([
        {"email": "ann@example.org", "name": "Ann", "user_metadata": {"b": 3}, "username": "other", "user_id": "other",
            "password_hash": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"email": "bob@example.org"},
    ]);
    let fields = [("connection_id", connection.as_str()), ("upsert", "true"), ("send_completion_email", "false")];
    let job = good(&import(&admin, &fields, &rows.to_string()).await, 202);
    let job = done(&world, &job).await;
    assert_eq!(job["summary"], json!({"total": 2, "failed": 0, "inserted": 1, "updated": 1}));
    let user = good(&admin.get("/api/v2/users/auth0%7Cann").await, 200);
    assert_eq!((&user["name"], user.get("username")), (&json!("Ann"), None));
    assert_eq!(user["user_metadata"], json!({"a": 1, "b": 3}));
    let row =
        world.app.db.read("test", |tx| ringpass_core::storage::users::get(tx, "auth0|ann")).await.unwrap().unwrap();
    assert!(row.password_hash.unwrap().starts_with("$argon2id$"), "a password is not replaced");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_at_once() {
    let world = World::new().await;
    let admin = admin(&world);
    let (connection, sms) = (id_of(&world, DATABASE).await, id_of(&world, "sms").await);
    let own = [("connection_id", connection.as_str())];
    let mut lines = String::new();
    let mut tell = |answer: Answer| writeln!(lines, "{}", said(&answer)).unwrap();
    for file in ["", "{}", "null", "[{", "[{}", "[1] x", "users", &"[".repeat(100_000)] {
        tell(import(&admin, &own, file).await);
    }
    let path = "/api/v2/jobs/users-imports";
    for (kind, body) in [
        ("application/json", Bytes::from("{}")),
        ("multipart/form-data", form(&own, b"[]")),
        ("multipart/form-data; boundary=YY", form(&own, b"[]")),
        ("multipart/form-data; boundary=XX", form(&own, b"[]").slice(..200)),
        ("multipart/form-data; boundary=XX", Bytes::new()),
        ("multipart/form-data; boundary=XX", Bytes::from("--XX--")),
        ("multipart/form-data; boundary=XX", form(&own, b"\xff\xfe")),
    ] {
        tell(admin.raw(path, kind, body).await);
    }
    for fields in [
        &[][..],
        &[("connection_id", "con_0000000000000000")],
        &[("connection_id", sms.as_str())],
        &[("connection_id", connection.as_str()), ("upsert", "perhaps")],
        &[("connection_id", connection.as_str()), ("external_id", "a\0b")],
    ] {
        tell(import(&admin, fields, "[]").await);
    }
    let large = format!("[{}]", "{},".repeat(200_000));
    tell(import(&admin, &own, &large).await);
    tell(admin.send(Method::POST, path, "multipart/form-data; boundary=XX", "x".repeat(1_048_577).into()).await);
    tell(admin.get("/api/v2/jobs/job_0000000000000000").await);
    tell(admin.get("/api/v2/jobs/job_0000000000000000/errors").await);
    expect![[r#"
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: Expected multipart/form-data
        400 invalid_body: Multipart body without a boundary
        400 invalid_body: The multipart body could not be read
        400 invalid_body: The multipart body could not be read
        400 invalid_body: The multipart body could not be read
        400 invalid_body: Payload validation error: 'Missing required property: connection_id'.
        400 invalid_body: The users file must be a JSON array of users
        400 invalid_body: Payload validation error: 'Missing required property: connection_id'.
        404 inexistent_connection: The connection does not exist
        400 invalid_body: Users can be imported into database connections only
        400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property upsert.
        400 invalid_body: Payload validation error: 'Expected type string' on property external_id.
        413 : Payload content length greater than maximum allowed: 512000
        413 : Payload content length greater than maximum allowed: 1048576
        404 inexistent_job: The job does not exist
        404 inexistent_job: The job does not exist
    "#]]
    .assert_eq(&lines);
    assert!(!flow::work(&world.app).await.unwrap(), "nothing was begun");
    let empty = good(&import(&admin, &own, "\u{feff}[]").await, 202);
    assert_eq!(done(&world, &empty).await["summary"], json!({"total": 0, "failed": 0, "inserted": 0, "updated": 0}));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_worked_on_in_steps_and_by_one_node_at_a_time() {
    let world = World::new().await;
    let twin = world.twin().await;
    let admin = admin(&world);
    let connection = id_of(&world, DATABASE).await;
    let rows: Vec<Value> = (0..700).map(|row| json!({"email": format!("user{row}@example.org")})).collect();
    let job = good(&import(&admin, &[("connection_id", &connection)], &Value::from(rows).to_string()).await, 202);
    let whose = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    // One node takes it, does one step and is heard of no more.
    let now = world.clock.now();
    let claim = move |tx: &mut ringpass_core::storage::Tx<'_>| jobs::claim(tx, now, now + MINUTE);
    let claimed = world.app.db.write("test.claim", claim).await.unwrap().unwrap();
    let rows = Rows::of(&world.app, &claimed).await.unwrap();
    let half = flow::step(&world.app, &rows, claimed.clone()).await.unwrap().unwrap();
    assert_eq!((half.done, half.inserted), (200, 200));
    let shown = good(&admin.get(&whose).await, 200);
    assert_eq!((&shown["status"], &shown["percentage_done"]), (&json!("processing"), &json!(28)));
    assert!(!flow::work(&twin.app).await.unwrap(), "the lease holds");
    world.clock.advance(MINUTE);
    assert!(flow::work(&twin.app).await.unwrap(), "another node goes on");
    // The first one comes back and finds its work done, wherever it thinks it stands.
    for stale in [claimed, half] {
        assert!(flow::step(&world.app, &rows, stale).await.unwrap().is_none());
    }
    let shown = good(&admin.get(&whose).await, 200);
    assert_eq!(shown["summary"], json!({"total": 700, "failed": 0, "inserted": 700, "updated": 0}));
    let users = good(&admin.get("/api/v2/users?include_totals=true&per_page=1").await, 200);
    assert_eq!(users["total"], 700);
    // As many rows as fit into a file.
    let tiny = format!("[{}{{}}]", "{},".repeat(99_999));
    let job = good(&import(&admin, &[("connection_id", &connection)], &tiny).await, 202);
    let shown = done(&world, &job).await;
    assert_eq!(shown["summary"], json!({"total": 100_000, "failed": 100_000, "inserted": 0, "updated": 0}));
    let whose = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    let errors = good(&admin.get(&format!("{whose}/errors")).await, 200);
    assert_eq!(errors.as_array().unwrap().len(), 100_000);
    // A day later nothing is left of them.
    world.clock.advance(DAY);
    worker::prune(&world.app).await.unwrap();
    assert_eq!(said(&super::admin(&world).get(&whose).await), "404 inexistent_job: The job does not exist");
    drop(world.logs().await);
}

#[tokio::test]
async fn users_are_exported_to_an_address_that_is_good_for_an_hour() {
    let world = World::new().await;
    let admin = admin(&world);
    for last in 0..450 {
        world.new_user(&format!("+49151123{last:05}")).await;
    }
    let known =
        json!({"connection": DATABASE, "email": "ann@example.org", "password": "A long one", "name": "A, \"B\""});
    good(&admin.post("/api/v2/users", known).await, 201);
    let sms = id_of(&world, "sms").await;
    let fields = json!([{"name": "user_id"}, {"name": "phone_number", "export_as": "phone"}]);
    let body = json!({"connection_id": sms, "format": "csv", "fields": fields});
    let job = good(&admin.post("/api/v2/jobs/users-exports", body).await, 200);
    assert_eq!(
        (&job["type"], &job["status"], &job["connection"]),
        (&json!("users_export"), &json!("pending"), &json!("sms"))
    );
    assert!(job.get("location").is_none());
    let job = done(&world, &job).await;
    let location = job["location"].as_str().unwrap();
    let path = location.strip_prefix("https://tenant.example").unwrap();
    let file = world.nobody().get(path).await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = String::from_utf8(file.body.to_vec()).unwrap();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!((lines.len(), lines[0]), (451, "user_id,phone"));
    let mut phones: Vec<&str> = lines[1..].iter().map(|line| line.split_once(',').unwrap().1).collect();
    phones.sort_unstable();
    phones.dedup();
    assert_eq!((phones.len(), phones[0]), (450, "+4915112300000"));
    // Every user of every connection, and at most so many.
    let all = good(&admin.post("/api/v2/jobs/users-exports", json!({})).await, 200);
    let some = good(&admin.post("/api/v2/jobs/users-exports", json!({"format": "json", "limit": 250})).await, 200);
    for (job, count) in [(all, 451), (some, 250)] {
        let job = done(&world, &job).await;
        let path = job["location"].as_str().unwrap().strip_prefix("https://tenant.example").unwrap().to_owned();
        let file = world.nobody().get(&path).await;
        let text = String::from_utf8(file.body.to_vec()).unwrap();
        let users: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((users.len(), file.header("content-type")), (count, "application/x-ndjson"));
        assert!(users.iter().all(|user| user["identities"][0]["connection"].is_string()));
    }
    // The address is for who may read users, and cannot be made up.
    let whose = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    assert!(good(&world.api("create:users").get(&whose).await, 200).get("location").is_none());
    let other = path.replace(".csv", ".json");
    let longer = path.replace("expires=17", "expires=27");
    for wrong in
        [&*path.replace("signature=", "signature=x"), path.split('?').next().unwrap(), &other, &longer, "/exports/x"]
    {
        assert_eq!(world.nobody().get(wrong).await.status, 404, "{wrong}");
    }
    world.clock.advance(HOUR);
    assert_eq!(world.nobody().get(path).await.status, 404, "its time is over");
    let mut said_of = String::new();
    for body in [
        json!({"format": "xml"}),
        json!({"fields": []}),
        json!({"fields": [{"export_as": "x"}]}),
        json!({"limit": 0}),
        json!({"connection_id": "con_0000000000000000"}),
    ] {
        writeln!(said_of, "{}", said(&admin.post("/api/v2/jobs/users-exports", body).await)).unwrap();
    }
    expect![[r#"
        400 invalid_body: Payload validation error: 'No enum match for: xml' on property format (Form of the result).
        400 invalid_body: Payload validation error: 'Array is too short (0), minimum 1' on property fields (Members to export).
        400 invalid_body: Payload validation error: 'Missing required property: name' on property fields[0].
        400 invalid_body: Payload validation error: 'Value 0 is less than minimum 1' on property limit (Most users to export).
        404 inexistent_connection: The connection does not exist
    "#]].assert_eq(&said_of);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_verification_email_needs_something_that_sends() {
    let world = World::new().await;
    let admin = admin(&world);
    let known = json!({"connection": DATABASE, "email": "ann@example.org", "password": "A long one", "user_id": "ann"});
    good(&admin.post("/api/v2/users", known).await, 201);
    let job = good(&admin.post("/api/v2/jobs/verification-email", json!({"user_id": "auth0|ann"})).await, 201);
    assert_eq!((&job["type"], &job["status"]), (&json!("verification_email"), &json!("pending")));
    let job = done(&world, &job).await;
    assert_eq!(
        (&job["status"], &job["status_details"]),
        (&json!("failed"), &json!("The email provider is not configured"))
    );
    let sms = world.new_user(PHONE).await;
    for (body, text) in [
        (json!({"user_id": "auth0|nobody"}), "404 inexistent_user: The user does not exist."),
        (json!({"user_id": sms}), "400 invalid_body: The user has no e-mail address"),
    ] {
        assert_eq!(said(&admin.post("/api/v2/jobs/verification-email", body).await), text);
    }
    drop(world.logs().await);
}
