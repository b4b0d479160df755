//! The built-in sender's messages: so many in a whole life, whoever asks at the same time, and none after its week.

use ringpass_core::kit::clock::DAY;
use ringpass_core::kit::secret::Secret;
use ringpass_core::storage::outbox::{self, Kept};

use super::engines;

fn message(number: u32) -> Kept {
    Kept {
        id: format!("message-{number:03}"),
        channel: "sms".to_owned(),
        recipient: Secret::new("+4915112345678"),
        text: Secret::new(format!("{number} is your code")),
        created_at: i64::from(number),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_messages_no_more_than_the_limit_are_taken() {
    for engine in engines().await {
        let asked: Vec<_> = (0..120)
            .map(|number| {
                let db = engine.db.clone();
                tokio::spawn(async move {
                    db.write("test", move |tx| outbox::insert(tx, &message(number), 100)).await.unwrap()
                })
            })
            .collect();
        let mut taken = 0;
        for one in asked {
            taken += u32::from(one.await.unwrap());
        }
        let sent = engine.read(outbox::sent_by_built_in).await;
        let kept = engine.read(|tx| outbox::list(tx, 1_000)).await.len();
        assert_eq!((taken, sent, kept), (100, 100, 100), "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hundredth_is_taken_the_next_is_not_and_time_gives_none_back() {
    for engine in engines().await {
        let insert = async |number, limit| engine.write(move |tx| outbox::insert(tx, &message(number), limit)).await;
        assert!(!insert(0, 0).await, "a limit of nothing takes nothing");
        for number in 1..=100 {
            assert!(insert(number, 100).await, "{number}");
        }
        assert!(!insert(101, 100).await);
        let newest = engine.read(|tx| outbox::list(tx, 2)).await;
        let told: Vec<_> = newest.iter().map(|it| (it.id.as_str(), it.text.expose(), it.created_at)).collect();
        assert_eq!(told, [("message-100", "100 is your code", 100), ("message-099", "99 is your code", 99)]);
        assert_eq!(engine.write(|tx| outbox::prune(tx, 7 * DAY, 500)).await, 0);
        assert_eq!(engine.write(|tx| outbox::prune(tx, 7 * DAY + 40, 30)).await, 30);
        assert_eq!(engine.write(|tx| outbox::prune(tx, 8 * DAY, 500)).await, 70);
        assert!(!insert(102, 100).await, "who has used up its life does not get it back");
        assert!(insert(103, 101).await, "a higher limit goes on from there");
        assert_eq!(engine.read(outbox::sent_by_built_in).await, 101);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_lies_sealed_and_prints_nothing() {
    for engine in engines().await {
        engine.write(|tx| outbox::insert(tx, &message(1), 1)).await;
        let sql = "SELECT text FROM outbox WHERE id = ?1";
        let row = engine.read(|tx| tx.query_one(sql, &["message-001".into()])).await.unwrap();
        assert!(row.text(0).unwrap().starts_with("s1."));
        let kept = engine.read(|tx| outbox::list(tx, 1)).await;
        assert!(!format!("{kept:?}").contains("code") && !format!("{kept:?}").contains("+49"));
    }
}
