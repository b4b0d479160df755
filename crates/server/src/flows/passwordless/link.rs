//! The address in a mail that signs in whoever follows it (`docs/COMPATIBILITY.md` C1404).
//! The route behind it redeems the code as a typed one is redeemed.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::Start;

/// The path that links lead to.
pub const LANDING: &str = "/passwordless/verify_redirect";

/// The link with `code` in it. What the application asked for in `authParams` goes along, and behind it the connection's
/// own `authParams`; a redirect address only if the client lists it, else the first that it does list.
pub fn link(public_url: &Url, start: &Start, code: &str) -> String {
    let client = &start.client;
    let asked = |name: &str| param(&start.auth_params, name);
    let preset = |name: &str| param(start.channel.connection.options.0.get("authParams")?, name);
    let callbacks = client.callbacks();
    let redirect_uri = asked("redirect_uri").filter(|uri| callbacks.iter().any(|callback| callback == uri));
    let redirect_uri = redirect_uri.or_else(|| callbacks.iter().map(String::as_str).find(|uri| !uri.contains('*')));
    let mut params = form_urlencoded::Serializer::new(String::new());
    params.append_pair("client_id", &client.id);
    params.append_pair("connection", &start.channel.connection.name);
    params.append_pair("email", start.identifier.as_str());
    params.append_pair("verification_code", code);
    if let Some(uri) = redirect_uri {
        params.append_pair("redirect_uri", uri);
    }
    for name in CARRIED {
        if let Some(value) = asked(name).or_else(|| preset(name)) {
            params.append_pair(name, value);
        }
    }
    let origin: Cow<'_, str> = public_url.origin().ascii_serialization().into();
    format!("{origin}{LANDING}?{}", params.finish())
}

/// A text of `authParams`, unless it is too long for an address.
fn param<'v>(params: &'v Value, name: &str) -> Option<&'v str> {
    params.get(name)?.as_str().filter(|value| !value.is_empty() && value.len() <= LONGEST)
}

/// What goes along besides the redirect address.
const CARRIED: [&str; 6] = ["response_type", "scope", "state", "nonce", "audience", "response_mode"];
/// Bytes of one value.
const LONGEST: usize = 2_048;
