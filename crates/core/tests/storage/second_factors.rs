//! Authenticators, their codes and the places people come from, on both engines.

use ringpass_core::kit::clock::MINUTE;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::totp;
use ringpass_core::model::authenticator::{self, Authenticator, Kind, UNPROVEN};
use ringpass_core::model::mfa::{MfaTransaction, Wanted};
use ringpass_core::storage::known_origins::{self, Kind as Origin};
use ringpass_core::storage::mfa_codes::{self, Pending};
use ringpass_core::storage::{authenticators, mfa_transactions};

use super::engines;

fn phone(rng: &Rng, user_id: &str, now: i64) -> Authenticator {
    let mut phone = Authenticator::new(Kind::Phone, user_id, rng, now);
    phone.phone_number = Some("+4915112345678".into());
    phone.about.channels = vec!["sms".into(), "voice".into()];
    phone
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_kept_confirmed_and_removed() {
    for engine in engines().await {
        let rng = Rng::seeded(4);
        let mut totp = Authenticator::new(Kind::Totp, "auth0|a", &rng, 2);
        totp.secret = Some(totp::secret(&rng));
        let (phone, other) = (phone(&rng, "auth0|a", 1), phone(&rng, "auth0|b", 1));
        let kept = vec![phone.clone(), totp.clone()];
        engine
            .write(move |tx| {
                for one in [&totp, &phone, &other] {
                    authenticators::put(tx, one)?;
                }
                assert_eq!(authenticators::list_of_user(tx, "auth0|a")?, kept);
                assert!(authenticators::confirm(tx, &phone, 9)?);
                let confirmed = authenticators::get(tx, &phone.id)?.unwrap();
                assert_eq!(
                    (confirmed.confirmed, confirmed.enrolled_at, confirmed.last_auth_at),
                    (true, Some(9), Some(9))
                );
                // Each step of an application is good once, and none before it any more.
                assert!(authenticators::use_step(tx, &totp.id, 7)?);
                assert!(!authenticators::use_step(tx, &totp.id, 7)? && !authenticators::use_step(tx, &totp.id, 6)?);
                assert_eq!(authenticators::prune(tx, UNPROVEN + 2, 10)?, 2, "what was never proven goes");
                assert_eq!(authenticators::list_of_user(tx, "auth0|a")?, vec![confirmed]);
                assert!(authenticators::delete(tx, &phone.id)? && !authenticators::delete(tx, &phone.id)?);
                assert!(!authenticators::confirm(tx, &phone, 9)?);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_takes_the_place_of_the_one_before_and_is_good_once() {
    for engine in engines().await {
        let (rng, key) = (Rng::seeded(4), MacKey::new(b"key"));
        engine
            .write(move |tx| {
                let hash = |code: &str| authenticator::recovery_hash(&key, "auth0|a", code);
                for code in ["FIRST", "SECOND"] {
                    let mut one = Authenticator::new(Kind::RecoveryCode, "auth0|a", &rng, 1);
                    (one.confirmed, one.recovery_hash) = (true, Some(hash(code)));
                    authenticators::put(tx, &one)?;
                }
                assert!(!authenticators::use_recovery(tx, "auth0|a", &hash("FIRST"))?);
                assert!(!authenticators::use_recovery(tx, "auth0|b", &hash("SECOND"))?);
                assert!(authenticators::use_recovery(tx, "auth0|a", &hash("SECOND"))?);
                assert!(!authenticators::use_recovery(tx, "auth0|a", &hash("SECOND"))?);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_on_its_way_stays_the_same_until_its_time_is_over() {
    for engine in engines().await {
        engine
            .write(|tx| {
                let key = mfa_codes::Key { transaction_id: "t", authenticator_id: "dev_1" };
                let fresh = |salt: &str, now: i64| Pending { salt: salt.into(), expires_at: now + 5 * MINUTE };
                let first = mfa_codes::begin(tx, key, &fresh("one", 0), 0)?;
                assert_eq!(mfa_codes::begin(tx, key, &fresh("two", MINUTE), MINUTE)?, first);
                let late = 5 * MINUTE;
                assert_eq!(mfa_codes::begin(tx, key, &fresh("three", late), late)?, fresh("three", late));
                assert_eq!(mfa_codes::get(tx, key)?, Some(fresh("three", late)));
                mfa_codes::consume(tx, key)?;
                assert_eq!(mfa_codes::get(tx, key)?, None);
                Ok(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_completed_once_and_origins_are_forgotten_in_time() {
    for engine in engines().await {
        engine
            .write(|tx| {
                let wanted = Wanted { audience: None, scope: "openid".into(), gty: Some("password".into()) };
                let one = MfaTransaction { id: "t".into(), user_id: "auth0|a".into(), client_id: "c".into(), wanted };
                mfa_transactions::insert(tx, &one, 10)?;
                assert_eq!(mfa_transactions::get(tx, "t", 9)?, Some(one));
                assert_eq!(mfa_transactions::get(tx, "t", 10)?, None);
                assert!(mfa_transactions::hold(tx, "t", 9)? && !mfa_transactions::hold(tx, "t", 10)?);
                mfa_transactions::complete(tx, "t")?;
                assert!(!mfa_transactions::hold(tx, "t", 9)?);

                let key = known_origins::Key { user_id: "auth0|a", kind: Origin::Remembered, hash: "h" };
                known_origins::see(tx, key, 5, 20)?;
                known_origins::see(tx, key, 9, 20)?;
                let seen = known_origins::get(tx, key, 19)?.unwrap();
                assert_eq!((seen.created_at, seen.last_seen_at), (5, 9));
                assert_eq!(known_origins::get(tx, key, 20)?, None);
                known_origins::see_anew(tx, key, 10, 30)?;
                assert_eq!(known_origins::get(tx, key, 11)?.unwrap().created_at, 10);
                known_origins::see(tx, known_origins::Key { kind: Origin::Browser, ..key }, 10, 30)?;
                known_origins::forget(tx, "auth0|a", Some(Origin::Remembered))?;
                assert_eq!(known_origins::get(tx, key, 11)?, None);
                assert!(known_origins::get(tx, known_origins::Key { kind: Origin::Browser, ..key }, 11)?.is_some());
                Ok(())
            })
            .await;
    }
}
