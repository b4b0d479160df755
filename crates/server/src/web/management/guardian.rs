//! `/guardian/factors` and `/guardian/policies`: how a tenant sets up second factors
//! (<https://auth0.com/docs/api/management/v2/guardian>; `docs/COMPATIBILITY.md` C1650-C1667).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::guardian::others::Other;
use ringpass_core::model::guardian::{Factor, Guardian, Templates, TwilioSettings};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, guardian, outbox, tenant};
use serde_json::{Value, json};

use super::{ApiError, Audit, Management, Outcome, Request, warning};
use crate::app::App;
use crate::web::{Call, Family as _, Reply};

/// `GET /guardian/factors`.
pub async fn list_factors(app: Arc<App>, _request: Request) -> Outcome {
    let read = |tx: &mut Tx<'_>| Ok((guardian::get(tx)?, outbox::sent_by_built_in(tx)?));
    let (settings, sent) = app.db.read("guardian.factors", read).await?;
    let trial_expired = sent >= i64::from(app.config.limits.built_in_messages);
    Ok(Reply::json(StatusCode::OK, &settings.factors_view(trial_expired)))
}

/// `PUT /guardian/factors/{name}`.
pub async fn switch(app: Arc<App>, request: Request) -> Outcome {
    let name = request.call.param("name");
    let unknown = || Invalid::path(&format!("Invalid value \"{name}\""), "name", "Factor name");
    let factor = Factor::parse(name).ok_or_else(unknown)?;
    put(&app, &request, Always, move |guardian, body| guardian.switch(factor, body)).await
}

/// `GET /guardian/factors/phone/message-types`.
pub async fn show_message_types(app: Arc<App>, request: Request) -> Outcome {
    let _phone = Some(request.call.param("name")).filter(|name| *name == "phone").ok_or(ApiError::NotFound)?;
    let guardian = stored(&app).await?;
    let types: Vec<&str> = guardian.stored_message_types().iter().map(|it| it.name()).collect();
    Ok(Reply::json(StatusCode::OK, &json!({"message_types": types})))
}

/// `PUT /guardian/factors/phone/message-types`.
pub async fn put_message_types(app: Arc<App>, request: Request) -> Outcome {
    let _phone = Some(request.call.param("name")).filter(|name| *name == "phone").ok_or(ApiError::NotFound)?;
    put(&app, &request, Always, Guardian::put_message_types).await
}

/// `GET /guardian/factors/{phone,sms,push-notification}/selected-provider`.
pub async fn show_selected(app: Arc<App>, request: Request) -> Outcome {
    if !is_phone(&request.call) {
        return show_other(app, request).await;
    }
    let provider = stored(&app).await?.phone_provider();
    Ok(Reply::json(StatusCode::OK, &json!({"provider": provider.name()})))
}

/// `PUT /guardian/factors/{phone,sms,push-notification}/selected-provider`.
pub async fn put_selected(app: Arc<App>, request: Request) -> Outcome {
    if !is_phone(&request.call) {
        return put_other(app, request).await;
    }
    put(&app, &request, UnlessConsolidated, Guardian::put_phone_provider).await
}

/// `GET /guardian/factors/{phone,sms}/templates`.
pub async fn show_templates(app: Arc<App>, request: Request) -> Outcome {
    is_phone(&request.call).then_some(()).ok_or(ApiError::NotFound)?;
    let templates = stored(&app).await?.templates().cloned();
    Ok(Reply::json(StatusCode::OK, &templates.unwrap_or_else(Templates::built_in).view()))
}

/// `PUT /guardian/factors/{phone,sms}/templates`.
pub async fn put_templates(app: Arc<App>, request: Request) -> Outcome {
    is_phone(&request.call).then_some(()).ok_or(ApiError::NotFound)?;
    put(&app, &request, UnlessConsolidated, Guardian::put_templates).await
}

/// `GET /guardian/policies`.
pub async fn show_policies(app: Arc<App>, _request: Request) -> Outcome {
    Ok(Reply::json(StatusCode::OK, &stored(&app).await?.policies()))
}

/// `PUT /guardian/policies`.
pub async fn put_policies(app: Arc<App>, request: Request) -> Outcome {
    put(&app, &request, Always, Guardian::put_policies).await
}

/// `GET /guardian/factors/{name}/providers/{provider}`.
pub async fn show_provider(app: Arc<App>, request: Request) -> Outcome {
    if !is_twilio(&request.call) {
        return show_other(app, request).await;
    }
    let mut shown = stored(&app).await?.twilio().map(TwilioSettings::document).unwrap_or_default();
    if let (true, Some(token)) = (app.config.secrets.redact_provider, shown.get_mut("auth_token")) {
        *token = Value::Null;
    }
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `PUT /guardian/factors/{name}/providers/{provider}`.
pub async fn put_provider(app: Arc<App>, request: Request) -> Outcome {
    if !is_twilio(&request.call) {
        return put_other(app, request).await;
    }
    let (mut body, hidden) = (request.json()?, app.config.secrets.redact_provider);
    let work = move |tx: &mut Tx<'_>| {
        UnlessConsolidated.check(tx)?;
        let mut settings = TwilioSettings::parse(&body)?;
        if hidden {
            settings = settings.keeping_token_of(guardian::get(tx)?.twilio());
            if let Some(token) = body.get_mut("auth_token") {
                *token = Value::Null;
            }
        }
        guardian::put_twilio(tx, &settings)?;
        Ok(Reply::json(StatusCode::OK, &body))
    };
    configure(&app, &request, work).await
}

/// `GET` of the settings of a factor that is never offered.
pub async fn show_other(app: Arc<App>, request: Request) -> Outcome {
    let other = other(&request.call).filter(|other| other.readable).ok_or(ApiError::NotFound)?;
    let kept = app.db.read("guardian.other", |tx| guardian::other(tx, other.path)).await?;
    let shown = other.view(kept.as_ref());
    let shown = if app.config.secrets.redact_provider { other.redacted(shown) } else { shown };
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `PUT` of the settings of a factor that is never offered.
pub async fn put_other(app: Arc<App>, request: Request) -> Outcome {
    let other = other(&request.call).ok_or(ApiError::NotFound)?;
    let (body, hidden) = (request.json()?, app.config.secrets.redact_provider);
    let work = move |tx: &mut Tx<'_>| {
        let (kept, answer) = other.put(&body)?;
        guardian::put_other(tx, other.path, &kept)?;
        Ok(Reply::json(StatusCode::OK, &if hidden { other.redacted(answer) } else { answer }))
    };
    configure(&app, &request, work).await
}

/// When settings may change.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// Not while the tenant-level phone provider sends every message: nobody would notice.
    UnlessConsolidated,
}
use When::{Always, UnlessConsolidated};

impl When {
    fn check(self, tx: &mut Tx<'_>) -> Result<(), ApiError> {
        match self {
            UnlessConsolidated if tenant::get(tx)?.phone_consolidated_experience() => {
                Err(ApiError::PhoneIsConsolidated)
            }
            UnlessConsolidated | Always => Ok(()),
        }
    }
}

async fn stored(app: &App) -> Result<Guardian, ApiError> {
    Ok(app.db.read("guardian.show", guardian::get).await?)
}

/// Applies a body, and answers it.
async fn put<F>(app: &App, request: &Request, when: When, apply: F) -> Outcome
where
    F: FnOnce(&mut Guardian, &Value) -> Result<(), Invalid> + Send + 'static,
{
    let body = request.json()?;
    let work = move |tx: &mut Tx<'_>| {
        when.check(tx)?;
        let mut settings = guardian::get(tx)?;
        apply(&mut settings, &body)?;
        guardian::put(tx, &settings)?;
        Ok(Reply::json(StatusCode::OK, &body))
    };
    configure(app, request, work).await
}

/// Changes settings: the log gets the event of second factors beside the one of every write, and the answer a warning
/// where the phone factor is on and cannot send.
async fn configure<F>(app: &App, request: &Request, work: F) -> Outcome
where
    F: FnOnce(&mut Tx<'_>) -> Outcome + Send + 'static,
{
    let audit = Audit::of(app, request);
    let work = move |tx: &mut Tx<'_>| {
        let reply = work(tx)?;
        audit.also(tx, "gd_tenant_update", &reply)?;
        Ok(reply)
    };
    let reply = request.configure(app, "guardian.put", work).await?;
    Ok(match app.snapshot().guardian.warning() {
        Some(sentence) => warning::add(reply, &sentence),
        None => reply,
    })
}

/// The phone factor has two names in these paths.
fn is_phone(call: &Call) -> bool {
    matches!(call.param("name"), "phone" | "sms")
}

fn is_twilio(call: &Call) -> bool {
    is_phone(call) && call.param("provider") == "twilio"
}

fn other(call: &Call) -> Option<&'static Other> {
    Other::at(call.path.strip_prefix(Management::PREFIX)?.strip_prefix("/guardian/factors/")?)
}
