//! Searching and sorting users (C751, C1140-C1158).

use ringpass::config::Limits;
use ringpass_core::model::user::User;
use ringpass_core::storage::users;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Caller, Options, PHONE, World};

const DATABASE: &str = "Username-Password-Authentication";

/// Four users, a second apart: two by phone, one by e-mail, one of the database. Their ids are their names.
async fn fill(world: &World) {
    let admin = admin(world);
    good(&admin.post("/api/v2/connections", json!({"name": "mail", "strategy": "email"})).await, 201);
    for body in [
        json!({"connection": "sms", "user_id": "ann", "phone_number": PHONE, "name": "Ann Archer", "blocked": true,
            "app_metadata": {"plan": "gold", "roles": ["a", "b"]}, "user_metadata": {"city": "Paris"}}),
        json!({"connection": "sms", "user_id": "bob", "phone_number": "+4915112345679", "name": "bob",
            "app_metadata": {"plan": "silver", "level": 7}}),
        json!({"connection": "mail", "user_id": "cyd", "email": "Cyd@Example.org", "name": "Cyd"}),
        json!({"connection": DATABASE, "user_id": "dan", "email": "dan@example.com", "username": "Dan",
            "password": "A long passphrase"}),
    ] {
        good(&admin.post("/api/v2/users", body).await, 201);
        world.clock.advance(1_000);
    }
    drop(world.logs().await);
}

/// The ids behind the provider, as one text.
fn names(list: &Value) -> String {
    let users = list.get("users").unwrap_or(list).as_array().unwrap();
    let name = |user: &Value| user["user_id"].as_str().unwrap().split_once('|').unwrap().1.to_owned();
    users.iter().map(name).collect::<Vec<_>>().join(" ")
}

async fn found(admin: &Caller<'_>, query: &[(&str, &str)]) -> Value {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    good(&admin.get(&format!("/api/v2/users?{query}")).await, 200)
}

#[tokio::test]
async fn users_are_found_by_any_of_their_fields() {
    let world = World::new().await;
    let admin = admin(&world);
    fill(&world).await;
    for (q, wanted) in [
        (r#"phone_number:"+4915112345678""#, "ann"),
        (r"phone_number:\+4915112345679", "bob"),
        (r"phone_number:(\+4915112345679 OR \+4915112345678)", "ann bob"),
        (r#"phone_number:"+4915112345678" AND blocked:false"#, ""),
        ("phone_number:*", "ann bob"),
        ("user_id:sms|bob", "bob"),
        (r#"user_id:("sms|bob" OR "sms|nobody" OR "email|cyd")"#, "bob cyd"),
        ("email:\"CYD@example.ORG\"", "cyd"),
        ("email.domain:example.com", "dan"),
        ("username:dan", "dan"),
        ("username:Dan", ""),
        ("identities.connection:\"mail\"", "cyd"),
        ("identities.provider:auth0 identities.provider:sms", "ann bob dan"),
        ("name:\"ANN archer\"", "ann"),
        ("name:ann", ""),
        ("name:b*", "bob"),
        ("name:*arch*", "ann"),
        ("ann*", "ann"),
        ("dan@example.com", "dan"),
        ("blocked:true", "ann"),
        ("NOT _exists_:blocked", "bob cyd dan"),
        ("app_metadata.plan:(gold silver) -app_metadata.roles:b", "bob"),
        ("app_metadata.level:[5 TO 10}", "bob"),
        ("user_metadata.city:Paris", "ann"),
        ("Paris", ""),
        ("created_at:[2026-01-02T03:04:06.678Z TO *]", "bob cyd dan"),
        ("created_at:{2026-01-02T03:04:06.678Z TO 2026-01-02T03:04:08.678Z}", "cyd"),
        ("created_at:2026-01-01", ""),
        ("_exists_:last_login OR logins_count:[1 TO *]", ""),
    ] {
        let reversed: Vec<&str> = wanted.split_whitespace().rev().collect();
        assert_eq!(names(&found(&admin, &[("q", q), ("search_engine", "v3")]).await), wanted, "{q}");
        let newest = found(&admin, &[("q", q), ("sort", "created_at:-1"), ("include_totals", "true")]).await;
        assert_eq!(names(&newest), reversed.join(" "), "{q}");
        assert_eq!((&newest["total"], &newest["length"]), (&json!(reversed.len()), &json!(reversed.len())), "{q}");
    }
    let page = found(
        &admin,
        &[
            ("q", "identities.provider:*"),
            ("per_page", "1"),
            ("page", "2"),
            ("include_totals", "true"),
            ("fields", "user_id"),
        ],
    )
    .await;
    assert_eq!(page, json!({"start": 2, "limit": 1, "length": 1, "users": [{"user_id": "email|cyd"}], "total": 4}));
    assert_eq!(names(&found(&admin, &[("connection", "sms"), ("search_engine", "v1")]).await), "ann bob");
    assert_eq!(names(&found(&admin, &[("connection", "sms"), ("q", "blocked:true")]).await), "ann");
    assert_eq!(names(&found(&admin, &[("connection", "SMS")]).await), "");
    assert_eq!(names(&good(&admin.get("/api/v2/users-by-email?email=CYD%40example.ORG").await, 200)), "cyd");
}

#[tokio::test]
async fn users_are_sorted_by_any_field_of_the_profile() {
    let world = World::new().await;
    let admin = admin(&world);
    fill(&world).await;
    world.clock.advance(60_000);
    world.anon().sign_in("+4915112345679", json!({})).await;
    for (sort, wanted) in [
        ("", "ann bob cyd dan"),
        ("name:1", "ann bob cyd dan"),
        ("name:-1", "dan cyd bob ann"),
        ("email:-1", "dan cyd bob ann"),
        ("phone_number:-1", "bob ann dan cyd"),
        ("logins_count:-1", "bob dan cyd ann"),
        ("last_login:1", "bob ann cyd dan"),
        ("updated_at:-1", "bob dan cyd ann"),
        ("user_id:1", "dan cyd ann bob"),
        ("app_metadata.plan:1", "ann bob cyd dan"),
        ("app_metadata.level:1", "bob ann cyd dan"),
    ] {
        assert_eq!(names(&found(&admin, &[("sort", sort)]).await), wanted, "{sort}");
        let page = found(&admin, &[("sort", sort), ("per_page", "2"), ("page", "1"), ("include_totals", "true")]).await;
        assert_eq!((names(&page).as_str(), &page["total"]), (&wanted[8..], &json!(4)), "{sort}");
    }
    assert_eq!(names(&found(&admin, &[("sort", "name:-1"), ("q", "identities.provider:sms")]).await), "bob ann");
    assert_eq!(
        names(&found(&admin, &[("sort", "name:-1"), ("q", "user_id:(sms|ann sms|bob)"), ("per_page", "1")]).await),
        "bob"
    );
    drop(world.logs().await);
    drop(world.gateway.take());
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let world = World::new().await;
    let admin = admin(&world);
    let asked = async |query: &str| said(&admin.get(&format!("/api/v2/users?{query}")).await);
    assert_eq!(
        asked("q=name:(ann").await,
        "400 invalid_query_string: Query validation error: 'Object didn't pass validation for format lucene: name:(ann' on property q (a parenthesis is not closed)."
    );
    assert_eq!(
        asked("sort=colour:1").await,
        "400 invalid_query_string: Query validation error: 'No enum match for: colour:1' on property sort (A field of the user and :1 or :-1, such as created_at:-1)."
    );
    for query in
        ["q=user_metadata.x:y*", "q=name:*b", "search=x", "search_engine=v9", "sort=name", "sort=name:1,email:1"]
    {
        assert!(asked(query).await.starts_with("400 invalid_query_string: "), "{query}");
    }
    let long = format!("q={}", "a+".repeat(3_000));
    assert!(asked(&long).await.ends_with("on property q (a query has at most 4096 bytes)."));
}

/// Adds `count` users of `sms`, a millisecond apart.
async fn crowd(world: &World, count: i64) {
    let (rng, now) = (world.rng.clone(), world.clock.now());
    let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        for number in 0..count {
            let user = User::of_phone("sms", &format!("+49151{number:08}"), &rng, now + number);
            assert!(users::insert(tx, &user)?);
        }
        Ok(())
    };
    world.app.db.write("test.crowd", work).await.unwrap();
}

#[tokio::test]
async fn a_search_that_reads_too_much_is_refused_and_exact_ones_are_not() {
    let world =
        World::with(Options { limits: Limits { search_rows: 1_200, ..Limits::default() }, ..Options::default() }).await;
    let admin = admin(&world);
    crowd(&world, 1_300).await;
    let too_broad = "400 invalid_query_string: This search would read too many users. Narrow it with AND and user_id, phone_number, email, username or a range of created_at";
    let last = world.user("+4915100001299").await.unwrap().user_id;
    for query in [
        "q=name:nobody".to_owned(),
        "q=name:*0000*&include_totals=true".to_owned(),
        "sort=name:1".to_owned(),
        format!("q={}", "a+".repeat(100)),
    ] {
        assert_eq!(said(&admin.get(&format!("/api/v2/users?{query}")).await), too_broad, "{query}");
    }
    let total = async |query: &str| {
        good(&admin.get(&format!("/api/v2/users?include_totals=true&{query}")).await, 200)["total"].clone()
    };
    assert_eq!(total("").await, 1_300);
    assert_eq!(total("q=phone_number:%22%2B4915100001299%22").await, 1);
    assert_eq!(total(&format!("q=user_id:{last}&sort=name:1")).await, 1);
    assert_eq!(total("q=email:nobody@example.org").await, 0);
    assert_eq!(total("q=created_at:[2026-01-02T03:04:06.678Z+TO+*]+AND+name:*00001*").await, 300);
    assert_eq!(total("q=created_at:[*+TO+2026-01-02T03:04:06.677Z]&sort=created_at:-1").await, 1_000);
    // The first matches are found before too much is read.
    let some = good(&admin.get("/api/v2/users?q=name:*0000*&per_page=100&page=9").await, 200);
    assert_eq!(some.as_array().unwrap().len(), 100);
}
