//! Tickets for enrolments (C1840-C1842); what they open is in `pages/mfa/tickets.rs`.

use serde_json::json;

use crate::world::World;

const PATH: &str = "/api/v2/guardian/enrollments/ticket";

#[tokio::test]
async fn a_ticket_is_made_for_a_user() {
    let world = World::with_factors(&["otp"]).await;
    let admin = world.api("create:guardian_enrollment_tickets");
    let answer = admin.post("/api/v2/guardian/enrollments/ticket", json!({"user_id": "auth0|ann"})).await;
    assert_eq!(answer.status, 200, "{answer}");
    let id = answer.text("ticket_id");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(answer.text("ticket_url"), format!("https://tenant.example/guardian/enroll?ticket={id}"));
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    // Whoever reads the database opens nothing.
    let kept = world.app.db.read("test", move |tx| ringpass_core::storage::enrollment_tickets::get(tx, &id)).await;
    assert_eq!(kept.unwrap(), None);
}

#[tokio::test]
async fn odd_requests_are_refused() {
    let world = World::with_factors(&["otp"]).await;
    let admin = world.api("create:guardian_enrollment_tickets");
    let mut told = Vec::new();
    for body in [
        json!({}),
        json!({"user_id": "auth0|nobody"}),
        json!({"user_id": "auth0|ann", "factor": "sms"}),
        json!({"user_id": "auth0|ann", "send_mail": "yes"}),
        json!({"user_id": "auth0|ann", "email": "x"}),
    ] {
        let answer = admin.post(PATH, body).await;
        told.push(format!("{} {}", answer.status.as_u16(), answer.text("errorCode")));
    }
    assert_eq!(
        told,
        ["400 invalid_body", "404 inexistent_user", "400 invalid_body", "400 invalid_body", "400 invalid_body"]
    );
    let other = world.api("read:guardian_enrollments").post(PATH, json!({"user_id": "auth0|ann"})).await;
    assert_eq!((other.status.as_u16(), other.text("errorCode").as_str()), (403, "insufficient_scope"));
    drop(world.logs().await);
}
