//! Brings an answer to the application, in the mode that it asked for (OAuth 2.0 Multiple Response Types, Form Post Response
//! Mode, Web Message Response Mode; `docs/COMPATIBILITY.md` C1311-C1313).

use askama::Template;
use http::StatusCode;
use ringpass_core::model::authorization::ResponseMode;
use serde_json::{Map, Value, json};
use url::Url;

use super::show::{Look, to};
use crate::flows::authorize::Answer;
use crate::web::Reply;

/// A form that the browser posts by itself, or with one press where scripts do not run.
#[derive(Debug, Template)]
#[template(path = "pages/form_post.html")]
struct FormPost<'a> {
    nonce: &'a str,
    action: &'a str,
    parameters: &'a [(&'static str, String)],
    button: &'a str,
}

/// A page that tells the page that opened, or frames, it.
#[derive(Debug, Template)]
#[template(path = "pages/web_message.html")]
struct WebMessage<'a> {
    nonce: &'a str,
    /// JSON that is safe inside a script.
    message: String,
    origin: String,
}

/// The answer on its way.
pub(super) fn with(look: &Look, answer: &Answer) -> Reply {
    let uri = &answer.redirect_uri;
    match answer.mode {
        ResponseMode::Query => to(&in_query(uri, &encoded(answer))),
        ResponseMode::Fragment => to(&format!("{}#{}", uri.split('#').next().unwrap_or_default(), encoded(answer))),
        ResponseMode::FormPost => form_post(look, answer),
        ResponseMode::WebMessage => web_message(look, answer),
    }
}

fn encoded(answer: &Answer) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(&answer.parameters).finish()
}

/// The address with more in its query; a query and a fragment of its own stay.
pub(super) fn in_query(uri: &str, more: &str) -> String {
    let (before, fragment) = uri.split_once('#').map_or((uri, String::new()), |(uri, rest)| (uri, format!("#{rest}")));
    let sign = if before.contains('?') { '&' } else { '?' };
    format!("{before}{sign}{more}{fragment}")
}

fn form_post(look: &Look, answer: &Answer) -> Reply {
    let page = FormPost {
        nonce: look.nonce(),
        action: &answer.redirect_uri,
        parameters: &answer.parameters,
        button: look.screen("common", "common").get("continueText"),
    };
    let Ok(html) = page.render() else { return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR) };
    // What the form leads to is the application's own affair.
    look.html(StatusCode::OK, html, &format!("script-src 'nonce-{}'", look.nonce()))
}

fn web_message(look: &Look, answer: &Answer) -> Reply {
    let response: Map<String, Value> =
        answer.parameters.iter().map(|(name, value)| ((*name).to_owned(), typed(name, value))).collect();
    let message = json!({"type": "authorization_response", "response": response});
    let origin = Url::parse(&answer.redirect_uri).map(|uri| uri.origin().ascii_serialization()).unwrap_or_default();
    let page = WebMessage { nonce: look.nonce(), message: in_script(&message), origin: in_script(&json!(origin)) };
    let Ok(html) = page.render() else { return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR) };
    let policy =
        format!("default-src 'none'; base-uri 'none'; frame-ancestors {origin}; script-src 'nonce-{}'", look.nonce());
    Reply::bytes(StatusCode::OK, "text/html; charset=utf-8", html).with(http::header::CONTENT_SECURITY_POLICY, &policy)
}

/// `expires_in` is a number, all else text.
fn typed(name: &str, value: &str) -> Value {
    if name == "expires_in" { value.parse::<i64>().map_or_else(|_| value.into(), Value::from) } else { value.into() }
}

/// JSON as a script may hold it: nothing in it ends the script.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
