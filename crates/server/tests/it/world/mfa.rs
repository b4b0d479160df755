//! A tenant that asks for second factors, and people who have a password.

use std::time::Duration;

use ringpass::config::TwilioTimes;
use ringpass_simulator::Twilio;
use serde_json::{Value, json};

use super::{Answer, Caller, NATIVE, OTP, Options, World};

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "twilio-t0ken-of-the-tests";

/// The database of every world.
pub(crate) const DATABASE: &str = "Username-Password-Authentication";
/// A password of everybody here.
pub(crate) const PASSWORD: &str = "A long passphrase";
/// The grant for a password in a database.
pub(crate) const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

impl World {
    /// A world whose native client may use passwords and the MFA grants, a user Ann (`auth0|ann`), these factors on, and a
    /// policy that asks everybody.
    pub(crate) async fn with_factors(factors: &[&str]) -> Self {
        let world = Self::new().await;
        world.prepare_factors(factors).await;
        world
    }

    /// The same for a world that is there already.
    pub(crate) async fn prepare_factors(&self, factors: &[&str]) {
        let grants = ringpass_core::model::mfa::GRANTS;
        let mut all = vec![OTP, "refresh_token", "password", REALM];
        all.extend(grants);
        self.client(NATIVE, json!({"grant_types": all})).await;
        self.enable(DATABASE, &[NATIVE]).await;
        let body = json!({"connection": DATABASE, "email": "ann@example.org", "email_verified": true,
            "username": "ann", "password": PASSWORD, "user_id": "ann"});
        let made = self.api("create:users").post("/api/v2/users", body).await;
        assert_eq!(made.status, 201, "{made}");
        self.policy(json!(["all-applications"])).await;
        for factor in factors {
            self.factor(factor, true).await;
        }
        drop(self.logs().await);
    }

    /// The same with the phone as the factor, by these ways, and an account at Twilio that carries them.
    pub(crate) async fn with_phone_factor(types: &[&str]) -> (Self, Twilio) {
        let twilio = Twilio::start(SID, TOKEN).await.unwrap();
        let times =
            TwilioTimes { pause: Duration::from_millis(1), call: Duration::from_secs(2), ..TwilioTimes::default() };
        let options = Options { twilio_base_url: twilio.base_url(), twilio: times, ..Options::default() };
        let world = Self::with(options).await;
        world.prepare_factors(&["sms"]).await;
        let account = json!({"sid": SID, "auth_token": TOKEN, "from": "+15550009999", "messaging_service_sid": "MG77"});
        for (setting, body) in [
            ("message-types", json!({"message_types": types})),
            ("selected-provider", json!({"provider": "twilio"})),
            ("providers/twilio", account),
        ] {
            let path = format!("/api/v2/guardian/factors/phone/{setting}");
            let answer = world.api("update:guardian_factors").put(&path, body).await;
            assert_eq!(answer.status, 200, "{answer}");
        }
        drop(world.logs().await);
        (world, twilio)
    }

    /// Switches a factor.
    pub(crate) async fn factor(&self, name: &str, enabled: bool) {
        let path = format!("/api/v2/guardian/factors/{name}");
        let answer = self.api("update:guardian_factors").put(&path, json!({"enabled": enabled})).await;
        assert_eq!(answer.status, 200, "{answer}");
    }

    /// Sets the policy.
    pub(crate) async fn policy(&self, policy: Value) {
        let answer = self.api("update:mfa_policies").put("/api/v2/guardian/policies", policy).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
}

impl Caller<'_> {
    /// Signs Ann in with her password.
    pub(crate) async fn password(&self, more: Value) -> Answer {
        let mut body = json!({"grant_type": REALM, "realm": DATABASE, "username": "ann", "password": PASSWORD,
            "scope": "openid"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/oauth/token", body).await
    }

    /// The `mfa_token` that Ann's password gets.
    pub(crate) async fn mfa_token(&self) -> String {
        let answer = self.password(json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "mfa_required"), "{answer}");
        answer.text("mfa_token")
    }
}
