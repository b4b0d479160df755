//! `POST /mfa/challenge`: sends a code, or says what to prove (`docs/COMPATIBILITY.md` C1788).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::authenticator::{Authenticator, Kind, split_id};
use serde_json::json;

use super::error::MfaError;
use super::{Waiting, claimant, client_of, waiting};
use crate::app::App;
use crate::flows::mfa::{self, MfaRefused, Way};
use crate::web::auth::body::{self, Members, optional, required};
use crate::web::auth::error::AuthError;
use crate::web::{Call, Reply};

/// Challenges an authenticator of the user: the one that is named, or the one that was used last.
pub(in super::super) async fn challenge(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let token = required(&members, "mfa_token")?;
    let found = waiting(&app, token, true).await.map_err(|error| match error {
        MfaError::TokenMalformed | MfaError::TokenExpired => MfaError::TokenInvalid,
        other => other,
    })?;
    let who = client_of(&app, &call, &members, &found.transaction.client_id).await?;
    let (one, way) = chosen(&app, &members, &found)?;
    let body = match way {
        None => json!({"challenge_type": "otp"}),
        Some(way) => {
            let claimant = claimant(&app, &call, "/mfa/challenge", who, &found);
            let challenged = mfa::challenge(&app, &claimant, &one, way).await?;
            json!({"challenge_type": "oob", "oob_code": challenged.oob_code, "binding_method": "prompt"})
        }
    };
    Ok(Reply::json(StatusCode::OK, &body).with(header::CACHE_CONTROL, "no-store"))
}

/// What is challenged, and the way of its code; nothing for an application.
fn chosen(app: &App, members: &Members, found: &Waiting) -> Result<(Authenticator, Option<Way>), AuthError> {
    let usable = mfa::usable(found.all.clone(), &found.user, &app.snapshot(), &app.hash_key);
    let types = optional(members, "challenge_type")?;
    if !usable.iter().any(|one| one.kind.is_independent()) {
        return Err(match types {
            Some(_) => MfaError::Refused(MfaRefused::NotEnrolled(Kind::Phone)),
            None => MfaError::AssociationRequired,
        }
        .into());
    }
    let asked = |kind: &str| types.is_none_or(|types| types.split_ascii_whitespace().any(|it| it == kind));
    let answers = |one: &&Authenticator| match one.kind {
        Kind::Totp => asked("otp"),
        Kind::Phone | Kind::Email => asked("oob"),
        Kind::RecoveryCode => false,
    };
    let channel = optional(members, "oob_channel")?;
    let channel = channel.map(|word| Way::parse(word).ok_or(MfaRefused::Unsupported)).transpose();
    let channel = channel.map_err(MfaError::Refused)?;
    if let Some(id) = optional(members, "authenticator_id")? {
        let (word, own) = split_id(id).ok_or(MfaError::UnknownAuthenticator)?;
        let one = usable.into_iter().find(|one| one.id == own && one.kind != Kind::RecoveryCode);
        let one = one.ok_or(MfaError::UnknownAuthenticator)?;
        let way = channel.or_else(|| Way::parse(word)).or_else(|| Way::of(app, &one));
        return if one.kind == Kind::Totp { Ok((one, None)) } else { for_api(app, one, way) };
    }
    let fits = |one: &&Authenticator| {
        channel.is_none_or(|way| match way {
            Way::Phone(message_type) => one.channels().contains(&message_type),
            Way::Email => one.kind == Kind::Email,
        })
    };
    let best = usable.iter().filter(answers).filter(fits).min_by_key(|one| mfa::order(one)).cloned();
    let one = best.ok_or_else(|| {
        let had: Vec<&str> = usable.iter().map(|one| if one.kind == Kind::Totp { "otp" } else { "oob" }).collect();
        let asked = types.unwrap_or("any");
        MfaError::UnsupportedChallenge(format!(
            "The user has none of the requested challenge types ({asked}), but: {}",
            had.join(" ")
        ))
    })?;
    let way = channel.or_else(|| Way::of(app, &one));
    for_api(app, one, way)
}

fn for_api(app: &App, one: Authenticator, way: Option<Way>) -> Result<(Authenticator, Option<Way>), AuthError> {
    if way.is_some_and(|way| !way.is_for_api(app)) { Err(MfaRefused::Unsupported.into()) } else { Ok((one, way)) }
}
