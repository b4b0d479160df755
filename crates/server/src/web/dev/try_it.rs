//! The try-it page: a small web application that signs its visitor in as the seeded `web` client. It knows the server only
//! through its HTTP endpoints, and keeps nothing between two steps but what the form carries.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header};
use ringpass_core::kit::{hash, ids};
use serde_json::{Value, json};

use super::calls::{Exchange, Heard, Say, pretty};
use super::pages::{self, Bubble, CodePage, DonePage, Problem, Seeded, StartPage, TokenPart};
use super::{Dev, guard, phone};
use crate::web::Reply;

/// `GET /`: step 1, the form for the number; or where the hosted pages lead back to.
pub(super) async fn show(State(dev): State<Arc<Dev>>, uri: Uri, headers: HeaderMap) -> Reply {
    let query = uri.query().unwrap_or_default().as_bytes();
    let sent = |name: &str| form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value);
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let state = cookie.split(';').find_map(|pair| pair.trim().strip_prefix(STATE)?.strip_prefix('='));
    match (sent("code"), sent("error")) {
        (Some(code), _) if state.is_some() && state == sent("state").as_deref() => land(&dev, &code, agent).await,
        (Some(_), _) => {
            let headline = "This answer belongs to no sign-in that this browser began here.".to_owned();
            let problem = Problem { headline, advice: "Begin again.", ..Problem::default() };
            ask_number(&dev, StatusCode::OK, "", Some(problem), vec![])
        }
        (None, Some(error)) => {
            let description = sent("error_description").unwrap_or_default().into_owned();
            let headline = "The hosted pages led back without a sign-in.".to_owned();
            let problem = Problem { headline, error: error.into_owned(), description, ..Problem::default() };
            ask_number(&dev, StatusCode::OK, "", Some(problem), vec![])
        }
        (None, None) => ask_number(&dev, StatusCode::OK, "", None, vec![]),
    }
}

/// `GET /dev/hosted`: leads to the hosted pages.
pub(super) async fn leave(State(dev): State<Arc<Dev>>) -> Reply {
    let settings = &dev.settings;
    let state = ids::short_token(&dev.rng);
    let callback = callback(&dev);
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters.extend_pairs([
        ("client_id", settings.web.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", &callback),
        ("scope", "openid profile email phone"),
        ("state", &state),
    ]);
    Reply::empty(StatusCode::SEE_OTHER)
        .with(header::LOCATION, &format!("{}/authorize?{}", settings.public_url, parameters.finish()))
        .and_cookie(&format!("{STATE}={state}; Path=/; HttpOnly; SameSite=Lax"))
}

/// The `redirect_uri` of this page.
fn callback(dev: &Dev) -> String {
    format!("{}/", dev.settings.public_url)
}

/// The cookie that knows the `state` of a sign-in on the hosted pages.
const STATE: &str = "ringpass-try";

/// `GET /dev/try`: back to step 1, for who reloads a later one by its address.
pub(super) async fn restart() -> Reply {
    Reply::empty(StatusCode::SEE_OTHER).with(header::LOCATION, "/")
}

/// `POST /dev/try`: the form of step 1 (`phone`) or of step 2 (`phone` and `code`).
pub(super) async fn act(State(dev): State<Arc<Dev>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Reply {
    if !guard::is_own_form(&uri, &headers) {
        let why = "This form was sent by another web site; open this server's own page instead.\n";
        return Reply::bytes(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", why);
    }
    let field = |name: &str| form_urlencoded::parse(&body).find(|(key, _)| key == name).map(|(_, value)| value);
    let typed = field("phone").unwrap_or_default();
    let number = match phone::read(&typed) {
        Ok(number) => number,
        Err((headline, advice)) => {
            let problem = Problem { headline: headline.to_owned(), advice, ..Problem::default() };
            return ask_number(&dev, StatusCode::UNPROCESSABLE_ENTITY, &typed, Some(problem), vec![]);
        }
    };
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    match field("code") {
        None => start(&dev, &number, agent).await,
        Some(code) => finish(&dev, &number, code.trim(), agent).await,
    }
}

/// Has a code sent.
async fn start(dev: &Dev, number: &str, agent: Option<&str>) -> Reply {
    let web = &dev.settings.web;
    let Heard { answer, exchange } = dev
        .calls
        .post(Say {
            title: "Have a code sent",
            path: "/passwordless/start",
            user_agent: agent,
            bearer: None,
            body: Some(json!({
                "client_id": web.client_id,
                "client_secret": web.client_secret.expose(),
                "connection": "sms",
                "phone_number": number,
                "send": "code",
            })),
        })
        .await;
    match Problem::of(&answer) {
        None => ask_code(dev, number, None, vec![exchange]),
        problem => ask_number(dev, StatusCode::OK, number, problem, vec![exchange]),
    }
}

/// Exchanges the code for tokens, then asks who signed in.
async fn finish(dev: &Dev, number: &str, code: &str, agent: Option<&str>) -> Reply {
    let web = &dev.settings.web;
    let token = dev
        .calls
        .post(Say {
            title: "Exchange the code for tokens",
            path: "/oauth/token",
            user_agent: agent,
            bearer: None,
            body: Some(json!({
                "grant_type": "http://auth0.com/oauth/grant-type/passwordless/otp",
                "client_id": web.client_id,
                "client_secret": web.client_secret.expose(),
                "username": number,
                "otp": code,
                "realm": "sms",
                "scope": "openid profile phone",
            })),
        })
        .await;
    let problem = Problem::of(&token.answer);
    let (Ok((_, tokens)), None) = (token.answer, &problem) else {
        return ask_code(dev, number, problem, vec![token.exchange]);
    };
    welcome(dev, &tokens, token.exchange, agent).await
}

/// Exchanges what the hosted pages sent.
async fn land(dev: &Dev, code: &str, agent: Option<&str>) -> Reply {
    let web = &dev.settings.web;
    let token = dev
        .calls
        .post(Say {
            title: "Exchange the authorization code for tokens",
            path: "/oauth/token",
            user_agent: agent,
            bearer: None,
            body: Some(json!({
                "grant_type": "authorization_code",
                "client_id": web.client_id,
                "client_secret": web.client_secret.expose(),
                "code": code,
                "redirect_uri": callback(dev),
            })),
        })
        .await;
    let problem = Problem::of(&token.answer);
    let (Ok((_, tokens)), None) = (token.answer, &problem) else {
        return ask_number(dev, StatusCode::OK, "", problem, vec![token.exchange]);
    };
    welcome(dev, &tokens, token.exchange, agent).await
}

/// Asks who signed in, and shows what there is.
async fn welcome(dev: &Dev, tokens: &Value, exchange: Exchange, agent: Option<&str>) -> Reply {
    let member = |name: &str| tokens.get(name).and_then(Value::as_str).unwrap_or_default();
    let profile = dev
        .calls
        .post(Say {
            title: "Ask who signed in",
            path: "/userinfo",
            user_agent: agent,
            bearer: Some(member("access_token")),
            body: None,
        })
        .await;
    let (header, claims) = decoded(member("id_token"));
    let told = profile.answer.as_ref().ok().and_then(|(_, body)| body.get("name")?.as_str());
    let page = DonePage {
        number: told.unwrap_or_default().to_owned(),
        problem: Problem::of(&profile.answer),
        header,
        claims,
        profile: profile.answer.map(|(_, body)| pretty(&body)).unwrap_or_default(),
        tokens: parts(tokens),
        issuer: dev.settings.issuer(),
        client_id: dev.settings.web.client_id.clone(),
        exchanges: vec![exchange, profile.exchange],
    };
    pages::answer(StatusCode::OK, &page)
}

fn ask_number(dev: &Dev, status: StatusCode, typed: &str, problem: Option<Problem>, exchanges: Vec<Exchange>) -> Reply {
    let settings = &dev.settings;
    let seeded = Seeded {
        domain: settings.domain().to_owned(),
        issuer: settings.issuer(),
        web: settings.web.client_id.clone(),
        spa: settings.spa_client_id.clone(),
        native: settings.native_client_id.clone(),
        audience: settings.api_audience.clone(),
        hosted: format!("{}/dev/hosted", settings.public_url),
    };
    pages::answer(status, &StartPage { typed: typed.to_owned(), problem, seeded, exchanges })
}

fn ask_code(dev: &Dev, number: &str, problem: Option<Problem>, exchanges: Vec<Exchange>) -> Reply {
    let newest = dev.messages.newest_to(number).map(|message| Bubble::of(&message));
    pages::answer(StatusCode::OK, &CodePage { number: number.to_owned(), newest, problem, exchanges })
}

/// Header and claims of a token, as JSON to be read.
fn decoded(token: &str) -> (String, String) {
    let mut parts = token.split('.').map(|part| {
        let value = hash::from_base64url(part).and_then(|raw| serde_json::from_slice::<Value>(&raw).ok());
        value.map(|value| pretty(&value)).unwrap_or_default()
    });
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn parts(tokens: &Value) -> Vec<TokenPart> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let members = tokens.as_object().into_iter().flatten();
    members.map(|(name, value)| TokenPart { name: name.clone(), value: text(value) }).collect()
}
