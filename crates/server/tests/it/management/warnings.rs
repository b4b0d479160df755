//! Settings that are saved and will not do what one may expect (C1435, C1436).

use serde_json::json;

use super::{admin, good, id_of};
use crate::world::{Options, World};

#[tokio::test]
async fn a_text_message_that_takes_more_than_one_sms_is_saved_with_a_warning() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let options = |template: &str, more: bool| json!({"options": {"template": template, "origin_bound_line": more}});
    let path = format!("/api/v2/connections/{}", id_of(&world, "sms").await);
    for (patch, warning) in [
        (options("Code: @@code@@", true), ""),
        (options(&format!("{} @@code@@", "a".repeat(153)), false), ""),
        (
            options(&format!("{} @@code@@", "a".repeat(154)), false),
            "a message of connection `sms` takes 2 segments (161 units of GSM-7): options.template is too long for one",
        ),
        (
            options(&format!("{} @@code@@", "я".repeat(70)), false),
            "a message of connection `sms` takes 2 segments (77 units of UCS-2): options.template is too long for one",
        ),
        (
            options(&format!("{} @@code@@", "a".repeat(153)), true),
            "a message of connection `sms` from the sign-in pages takes 2 segments (185 units of GSM-7): \
             the text is too long for one with the line that lets it fill itself in (options.origin_bound_line)",
        ),
    ] {
        let answer = admin.patch(&path, patch.clone()).await;
        assert_eq!(good(&answer, 200)["options"], patch["options"]);
        assert_eq!(answer.header("ringpass-warning"), warning);
    }
    let long = json!({"name": "second", "strategy": "sms", "options": {"template": "a".repeat(161)}});
    let made = admin.post("/api/v2/connections", long).await;
    good(&made, 201);
    assert!(made.header("ringpass-warning").starts_with("a message of connection `second` takes 2 segments"));
    let wrong = admin.patch(&path, json!({"options": {"origin_bound_line": "yes"}})).await;
    assert_eq!(wrong.status, 400);
    world.logs().await;
}
