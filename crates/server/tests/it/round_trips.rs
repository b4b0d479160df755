//! How often a sign-in waits for PostgreSQL. On SQLite nothing is counted, and nothing waits.

use serde_json::json;

use crate::pages;
use crate::world::{API, World};

#[tokio::test]
async fn a_start_waits_for_postgresql_three_times_and_an_exchange_twice() {
    let world = World::new().await;
    // A connection prepares each statement when it first sees it; the cheapest of several has seen all of them before.
    let mut cheapest = [u64::MAX; 4];
    for index in 0..12 {
        let phone = format!("+4915112345{index:03}");
        for (start, exchange) in [(0, 1), (2, 3)] {
            let before = world.app.db.round_trips();
            assert_eq!(world.anon().start(&phone).await.status, 200);
            let between = world.app.db.round_trips();
            let code = world.gateway.next().await.code().unwrap();
            let more = json!({"audience": API, "scope": "openid profile phone offline_access"});
            assert_eq!(world.anon().redeem(&phone, &code, more).await.status, 200);
            let after = world.app.db.round_trips();
            cheapest[start] = cheapest[start].min(between - before);
            cheapest[exchange] = cheapest[exchange].min(after - between);
        }
    }
    world.logs().await;
    // A new number's start and exchange, then those of a user who is known.
    assert!(cheapest == [3, 2, 3, 2] || cheapest == [0; 4], "{cheapest:?}");
}

#[tokio::test]
async fn the_exchange_of_an_authorization_code_waits_three_times() {
    let world = pages::world().await;
    let mut cheapest = u64::MAX;
    for index in 0..12 {
        let browser = world.browser().with(|caller| caller.at(&format!("198.51.100.{index}")));
        let more = [("audience", API), ("scope", "openid profile offline_access")];
        let back = pages::sign_in(&browser, &world, "+4915112345678", &more).await;
        let before = world.app.db.round_trips();
        assert_eq!(pages::exchange(&world, &back.sent("code").unwrap(), json!({})).await.status, 200);
        cheapest = cheapest.min(world.app.db.round_trips() - before);
        world.logs().await;
    }
    assert!(cheapest == 3 || cheapest == 0, "{cheapest}");
}
