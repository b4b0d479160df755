//! What never shows: codes, secrets and tokens, in the tenant log and in whatever prints itself (C580).

use serde_json::json;

use crate::world::{ADMIN, API, GATEWAY_SECRET, MANAGEMENT, PHONE, WEB, World};

#[tokio::test]
async fn no_event_and_no_debug_print_holds_a_code_a_secret_or_a_token() {
    let world = World::new().await;
    let mut secrets = vec![WEB.1.to_owned(), ADMIN.1.to_owned(), GATEWAY_SECRET.to_owned()];
    secrets.push("native-secret-of-the-tests".to_owned());
    secrets.push("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned());
    let scope = json!({"scope": "openid profile offline_access", "audience": API});
    for caller in [world.web(), world.anon()] {
        assert_eq!(caller.start(PHONE).await.status, 200);
        let sent = world.gateway.next().await;
        let code = sent.code().unwrap();
        secrets.push(sent.bearer().unwrap().to_owned());
        let wrong = caller.redeem(PHONE, "918273", scope.clone()).await;
        assert_eq!(wrong.status, 403);
        let answer = caller.redeem(PHONE, &code, scope.clone()).await;
        let refresh = answer.text("refresh_token");
        let again = json!({"grant_type": "refresh_token", "refresh_token": refresh, "scope": "admin"});
        assert_eq!(caller.post("/oauth/token", again).await.status, 400);
        let again = json!({"grant_type": "refresh_token", "refresh_token": refresh});
        secrets.push(caller.post("/oauth/token", again).await.text("access_token"));
        secrets.extend([answer.text("access_token"), answer.text("id_token"), refresh, code, "918273".to_owned()]);
    }
    assert_eq!(world.web().start(PHONE).await.status, 200);
    let code = world.gateway.next().await.code().unwrap();
    secrets.push(world.web().redeem(PHONE, &code, json!({})).await.text("access_token"));
    let machine = json!({"grant_type": "client_credentials", "audience": API});
    secrets.push(world.web().post("/oauth/token", machine.clone()).await.text("access_token"));
    let wrong =
        json!({"client_id": WEB.0, "client_secret": "a-wrong-secret", "connection": "sms", "phone_number": PHONE});
    world.nobody().post("/passwordless/start", wrong).await;
    world.nobody().basic(WEB.0, "a-wrong-secret").post("/oauth/token", machine).await;
    secrets.push("a-wrong-secret".to_owned());
    let management = json!({"grant_type": "client_credentials", "audience": MANAGEMENT});
    let token = world.nobody().basic(ADMIN.0, ADMIN.1).post("/oauth/token", management).await.text("access_token");
    let patch = json!({"client_secret": "a-new-secret-of-the-tests-1234567890"});
    let changed = world.nobody().bearer(&token).patch(&format!("/api/v2/clients/{}", WEB.0), patch).await;
    assert_eq!(changed.status, 200, "{changed}");
    secrets.extend([token, "a-new-secret-of-the-tests-1234567890".to_owned()]);

    let log = world.logs().await.to_string();
    let app = format!("{:?} {:#?}", world.app, world.app.snapshot());
    for secret in &secrets {
        assert!(secret.len() >= 6, "{secret:?} is too short to look for");
        assert!(!log.contains(secret.as_str()), "{secret} stands in the log:\n{log}");
        assert!(!app.contains(secret.as_str()), "{secret} stands in the print of App");
        // Not even a part of a token.
        for part in secret.split('.').filter(|part| part.len() > 40) {
            assert!(!log.contains(part), "{part} stands in the log");
        }
    }
}
