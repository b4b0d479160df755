//! Statistics of sign-ins (`docs/COMPATIBILITY.md` C1236, C1237).

use expect_test::expect;
use ringpass::worker;
use serde_json::json;

use super::{admin, good, said};
use crate::world::{PHONE, World};

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn sign_ins_are_counted_by_day_whether_the_worker_has_been_there_or_not() {
    let world = World::new().await;
    let other = "+4915112345679";
    assert_eq!(good(&admin(&world).get("/api/v2/stats/daily").await, 200), json!([]));
    assert_eq!(admin(&world).get("/api/v2/stats/active-users").await.line(), "200 0");
    world.anon().sign_in(PHONE, json!({})).await;
    world.anon().sign_in(PHONE, json!({})).await;
    world.clock.advance(DAY);
    world.anon().sign_in(PHONE, json!({})).await;
    world.anon().sign_in(other, json!({})).await;
    let fresh = good(&admin(&world).get("/api/v2/stats/daily").await, 200);
    let numbers = |answer: &serde_json::Value| {
        let day = |day: &serde_json::Value| format!("{} {} {}", day["date"], day["logins"], day["signups"]);
        answer.as_array().unwrap().iter().map(day).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&fresh), ["\"2026-01-02T00:00:00.000Z\" 2 1", "\"2026-01-03T00:00:00.000Z\" 2 1"]);
    // The worker leaves the last minute alone, counts once, and changes no number; nor does another node.
    worker::count_days(&world.app).await.unwrap();
    worker::count_days(&world.twin().await.app).await.unwrap();
    assert_eq!(numbers(&good(&admin(&world).get("/api/v2/stats/daily").await, 200)), numbers(&fresh));
    world.clock.advance(2 * 60_000);
    worker::count_days(&world.app).await.unwrap();
    worker::count_days(&world.app).await.unwrap();
    world.anon().sign_in(other, json!({})).await;
    expect![[r#"
        [
          {
            "date": "2026-01-02T00:00:00.000Z",
            "logins": 2,
            "signups": 1,
            "leaked_passwords": 0,
            "created_at": "2026-01-03T03:04:05.678Z",
            "updated_at": "2026-01-03T03:04:05.678Z"
          },
          {
            "date": "2026-01-03T00:00:00.000Z",
            "logins": 3,
            "signups": 1,
            "leaked_passwords": 0,
            "created_at": "2026-01-03T03:06:05.678Z",
            "updated_at": "2026-01-03T03:06:05.678Z"
          }
        ]"#]]
    .assert_eq(&format!("{:#}", good(&admin(&world).get("/api/v2/stats/daily").await, 200)));
    let one = good(&admin(&world).get("/api/v2/stats/daily?from=20260102&to=20260102").await, 200);
    assert_eq!(numbers(&one), ["\"2026-01-02T00:00:00.000Z\" 2 1"]);
    assert_eq!(good(&admin(&world).get("/api/v2/stats/daily?from=20260104").await, 200), json!([]));
    assert_eq!(admin(&world).get("/api/v2/stats/active-users").await.line(), "200 2");
    world.clock.advance(30 * DAY + 1);
    assert_eq!(admin(&world).get("/api/v2/stats/active-users").await.line(), "200 0");
}

#[tokio::test]
async fn a_day_that_is_none_is_refused() {
    let world = World::new().await;
    let mut out = Vec::new();
    for query in ["from=2026-01-02", "to=20260230", "from=tomorrow"] {
        out.push(said(&admin(&world).get(&format!("/api/v2/stats/daily?{query}")).await));
    }
    expect![[r#"
        400 invalid_query_string: Query validation error: 'Object didn't pass validation for format YYYYMMDD: 2026-01-02' on property from.
        400 invalid_query_string: Query validation error: 'Object didn't pass validation for format YYYYMMDD: 20260230' on property to.
        400 invalid_query_string: Query validation error: 'Object didn't pass validation for format YYYYMMDD: tomorrow' on property from."#]].assert_eq(&out.join("\n"));
    assert_eq!(world.api("read:users").get("/api/v2/stats/active-users").await.status, 403);
}
