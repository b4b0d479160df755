//! The prompts of the hosted pages: their names, their settings, and what a tenant may put into them
//! (<https://auth0.com/docs/api/management/v2/prompts>; `docs/COMPATIBILITY.md` C1461-C1465).

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Format, Invalid, Kind, List, Object, field};
use super::tenant_fields::LOCALES;

/// The name of a prompt in a path.
pub fn name(sent: &str) -> Result<&'static str, Invalid> {
    let known = PROMPTS.iter().find(|known| **known == sent).copied();
    known.ok_or_else(|| Invalid::path(&format!("Invalid value \"{sent}\""), "prompt", "Name of the prompt"))
}

/// A locale in a path, in its own capitals.
pub fn locale(sent: &str) -> Result<&'static str, Invalid> {
    let known = LOCALES.iter().find(|known| **known == sent).copied();
    known.ok_or_else(|| Invalid::path(&format!("Invalid value \"{sent}\""), "language", "Language to update or read"))
}

/// The name of a screen in a path.
pub fn screen(sent: &str) -> Result<&str, Invalid> {
    let refused = || Invalid::path(&format!("Invalid value \"{sent}\""), "screen", "Name of the screen");
    if is_screen(sent) { Ok(sent) } else { Err(refused()) }
}

/// Settings of a fresh tenant.
pub fn fresh() -> Map<String, Value> {
    object(json!({"universal_login_experience": "new", "identifier_first": true}))
}

/// Applies the body of `PATCH /prompts`; a null brings the default back. On an error nothing has changed.
pub fn apply(settings: &mut Map<String, Value>, patch: &Value) -> Result<(), Invalid> {
    for (name, value) in schema::check(&SETTINGS, patch)? {
        let value = if value.is_null() { fresh().get(name).cloned() } else { Some(value.clone()) };
        match value {
            Some(value) => drop(settings.insert(name.clone(), value)),
            None => drop(settings.shift_remove(name)),
        }
    }
    Ok(())
}

/// Checks texts of a prompt: `{"screen": {"key": "text"}}`, at most 64 KiB. A null says the same as nothing, and so does
/// a screen without texts.
pub fn custom_text(body: &Value) -> Result<Map<String, Value>, Invalid> {
    parts(body, CUSTOM_TEXT)
}

/// Checks partials of a prompt: `{"screen": {"insertion point": "HTML"}}`, at most 256 KiB.
pub fn partials(body: &Value) -> Result<Map<String, Value>, Invalid> {
    parts(body, PARTIALS)
}

/// How a screen is rendered: the object on the wire.
pub fn rendering(tenant: &str, prompt: &str, screen: &str, stored: Option<Map<String, Value>>) -> Map<String, Value> {
    let mut view = object(json!({"tenant": tenant, "prompt": prompt, "screen": screen, "rendering_mode": "standard",
        "context_configuration": [], "default_head_tags_disabled": false, "head_tags": []}));
    view.extend(stored.unwrap_or_default());
    view
}

/// Applies the body of a PATCH to what is stored of a screen's rendering; a null brings the default back.
pub fn apply_rendering(stored: &mut Map<String, Value>, patch: &Value) -> Result<(), Invalid> {
    schema::merge(stored, schema::check(&RENDERING, patch)?);
    Ok(())
}

/// The entries of the body of `PATCH /prompts/rendering`: prompt, screen, and what is to change.
pub fn renderings(body: &Value) -> Result<Vec<(&'static str, String, Value)>, Invalid> {
    let configs = schema::check(&BULK, body)?.get("configs").and_then(Value::as_array);
    let mut entries = Vec::new();
    for (index, config) in configs.into_iter().flatten().enumerate() {
        let mut config = config.as_object().cloned().unwrap_or_default();
        let mut take = |name: &str| config.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned));
        let (prompt, screen) = (take("prompt").unwrap_or_default(), take("screen").unwrap_or_default());
        let refuse = |value: &str, name: &str| {
            Invalid::payload(&format!("No enum match for: {value}"), &format!("configs[{index}].{name}"), "")
        };
        let known = PROMPTS.iter().find(|known| **known == prompt).ok_or_else(|| refuse(&prompt, "prompt"))?;
        if !is_screen(&screen) {
            return Err(refuse(&screen, "screen"));
        }
        entries.push((*known, screen, config.into()));
    }
    Ok(entries)
}

/// What a document of screens may hold.
struct Bounds {
    /// Screens, and members of each.
    members: usize,
    /// Characters of a text.
    text: usize,
    /// Bytes of the whole.
    whole: usize,
}

fn parts(body: &Value, bounds: Bounds) -> Result<Map<String, Value>, Invalid> {
    let screens = members(body, "", &bounds)?;
    let mut kept = Map::new();
    for (screen, parts) in screens.iter().filter(|(_, parts)| !parts.is_null()) {
        let parts = schema::without_nulls(members(parts, screen, &bounds)?);
        for (key, text) in &parts {
            if let Some(reason) = schema::reason(&Kind::Text(0, bounds.text), text) {
                return Err(Invalid::payload(&reason, &format!("{screen}.{key}"), ""));
            }
        }
        if !parts.is_empty() {
            kept.insert(screen.clone(), parts.into());
        }
    }
    let length = serde_json::to_string(&kept).map_or(0, |text| text.len());
    if length > bounds.whole {
        return Err(Invalid::body(format!("The texts have {length} bytes, {} are the most", bounds.whole)));
    }
    Ok(kept)
}

/// The members of an object, as long as they are not too many and have usable names.
fn members<'v>(value: &'v Value, path: &str, bounds: &Bounds) -> Result<&'v Map<String, Value>, Invalid> {
    if let Some(reason) = schema::reason(&Kind::FREE, value) {
        return Err(Invalid::payload(&reason, path, ""));
    }
    let members = value.as_object().filter(|members| members.len() <= bounds.members);
    let members = members.ok_or_else(|| {
        Invalid::payload(&format!("Too many properties defined, maximum {}", bounds.members), path, "")
    })?;
    match members.keys().find(|name| !is_key(name)) {
        Some(odd) => Err(Invalid::payload(&format!("Additional properties not allowed: {odd}"), path, "")),
        None => Ok(members),
    }
}

/// Keys are words of Auth0's or of ours, and never long.
fn is_key(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

fn is_screen(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// Every prompt, in the order of the SDKs.
pub const PROMPTS: &[&str] = &[
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "login-email-verification",
    "signup",
    "signup-id",
    "signup-password",
    "phone-identifier-enrollment",
    "phone-identifier-challenge",
    "email-identifier-challenge",
    "reset-password",
    "custom-form",
    "consent",
    "customized-consent",
    "logout",
    "mfa-push",
    "mfa-otp",
    "mfa-voice",
    "mfa-phone",
    "mfa-webauthn",
    "mfa-sms",
    "mfa-email",
    "mfa-recovery-code",
    "mfa",
    "status",
    "device-flow",
    "email-verification",
    "email-otp-challenge",
    "organizations",
    "invitation",
    "common",
    "passkeys",
    "captcha",
    "brute-force-protection",
    "async-approval-flow",
    "confirmation",
];

/// Bytes of all custom texts together, which every node keeps in memory.
pub const CUSTOM_TEXTS_LIMIT: i64 = 4 * 1024 * 1024;
/// Screens whose rendering may be set.
pub const RENDERINGS_LIMIT: usize = 300;

const CUSTOM_TEXT: Bounds = Bounds { members: 300, text: 4_096, whole: 64 * 1024 };
const PARTIALS: Bounds = Bounds { members: 60, text: 64 * 1024, whole: 256 * 1024 };
const SETTINGS: Object = Object {
    fields: &[&[
        field("universal_login_experience", Kind::OneOf(&["new", "classic"]), "Which log-in pages are shown"),
        field("identifier_first", Kind::Bool, "Whether the identifier is asked for on a page of its own"),
        field("webauthn_platform_first_factor", Kind::Bool, "Whether devices sign in by their own biometrics"),
    ]],
    required: &[],
    open: false,
};
const RENDERING: Object = Object { fields: &[RENDERING_FIELDS], required: &[], open: false };
const RENDERING_FIELDS: &[Field] = &[
    field("rendering_mode", Kind::OneOf(&["advanced", "standard"]), "Rendering mode"),
    field("context_configuration", Kind::List(&CONTEXT), "Context values to make available"),
    field("default_head_tags_disabled", Kind::Bool, "Whether the default head tags are left out"),
    field("use_page_template", Kind::Bool, "Whether the page template is used"),
    field("head_tags", Kind::List(&HEAD_TAGS), "Tags of the head"),
    field("filters", Kind::FREE, "Where this rendering is used"),
];
const CONTEXT: List = List { items: Kind::Text(1, 200), min: 0, max: 100, unique: false };
const HEAD_TAGS: List = List { items: Kind::Object(&HEAD_TAG), min: 0, max: 25, unique: false };
const HEAD_TAG: Object = Object {
    fields: &[&[
        field("tag", Kind::Format(&TAG), ""),
        field("content", Kind::Text(0, 250), ""),
        field("attributes", Kind::FREE, ""),
    ]],
    required: &[],
    open: false,
};
const TAG: Format = Format {
    name: "^[a-z]+$",
    is_pattern: true,
    holds: |tag| (1..=20).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_lowercase()),
};
const BULK: Object = Object {
    fields: &[&[field("configs", Kind::List(&CONFIGS), "Screens to change")]],
    required: &["configs"],
    open: false,
};
const CONFIGS: List = List { items: Kind::Object(&CONFIG), min: 1, max: 20, unique: false };
const CONFIG: Object = Object {
    fields: &[&[field("prompt", Kind::TEXT, ""), field("screen", Kind::TEXT, "")], RENDERING_FIELDS],
    required: &["prompt", "screen"],
    open: false,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_sent_without_what_says_nothing() {
        let body = json!({"login": {"title": "Hi ${clientName} <b>", "gone": null}, "empty": {}, "nothing": null});
        assert_eq!(Value::Object(custom_text(&body).unwrap()), json!({"login": {"title": "Hi ${clientName} <b>"}}));
        assert!(custom_text(&json!({})).unwrap().is_empty());
    }

    #[test]
    fn texts_of_the_wrong_shape_or_size_are_refused() {
        let many: Map<String, Value> = (0..301).map(|n| (format!("k{n}"), "x".into())).collect();
        let large: Map<String, Value> = (0..20).map(|n| (format!("k{n}"), "x".repeat(4_000).into())).collect();
        for (body, text) in [
            (json!([]), "Expected type object but found type array'."),
            (json!({"login": "x"}), "Expected type object but found type string' on property login."),
            (json!({"login": {"title": 7}}), "Expected type string but found type integer' on property login.title."),
            (json!({"login": {"title": "x".repeat(4_097)}}), "String is too long (4097 chars), maximum 4096"),
            (json!({"login": many}), "Too many properties defined, maximum 300' on property login."),
            (json!({"a b": {}}), "Additional properties not allowed: a b"),
            (json!({"login": {"": "x"}}), "Additional properties not allowed: ' on property login."),
            (json!({"login": large}), "65536 are the most"),
        ] {
            let error = custom_text(&body).unwrap_err();
            assert!(error.message.contains(text), "{body}: {}", error.message);
        }
    }

    #[test]
    fn settings_of_prompts_are_two_until_a_third_is_set() {
        let mut settings = fresh();
        apply(&mut settings, &json!({"identifier_first": false, "webauthn_platform_first_factor": true})).unwrap();
        let all = json!({"universal_login_experience": "new", "identifier_first": false,
            "webauthn_platform_first_factor": true});
        assert_eq!(Value::Object(settings.clone()), all);
        apply(&mut settings, &json!({"identifier_first": null, "webauthn_platform_first_factor": null})).unwrap();
        assert_eq!(settings, fresh());
        assert!(apply(&mut settings, &json!({"universal_login_experience": "old"})).is_err());
    }

    #[test]
    fn unknown_names_in_a_path_are_worded_as_deploy_cli_expects() {
        assert_eq!(
            name("x").unwrap_err().message,
            "Path validation error: 'Invalid value \"x\"' on property prompt (Name of the prompt)."
        );
        assert!(name("login-id").is_ok() && locale("pt-BR").is_ok() && screen("mfa-sms-list").is_ok());
        assert!(locale("pt-br").is_err() && screen("../x").is_err() && screen("").is_err());
    }

    #[test]
    fn a_rendering_shows_its_defaults_under_what_was_set() {
        let mut stored = Map::new();
        apply_rendering(&mut stored, &json!({"rendering_mode": "advanced", "filters": null})).unwrap();
        assert_eq!(stored.len(), 1);
        let view = rendering("t", "login-id", "login-id", Some(stored));
        assert_eq!((&view["rendering_mode"], &view["head_tags"]), (&json!("advanced"), &json!([])));
        let body = json!({"configs": [{"prompt": "login-id", "screen": "login-id", "rendering_mode": "standard"}]});
        assert_eq!(
            renderings(&body).unwrap(),
            [("login-id", "login-id".to_owned(), json!({"rendering_mode": "standard"}))]
        );
        for body in [
            json!({"configs": []}),
            json!({"configs": [{"prompt": "nobody", "screen": "x"}]}),
            json!({"configs": [{"prompt": "login", "screen": "X"}]}),
            json!({"configs": [{"prompt": "login"}]}),
        ] {
            assert!(renderings(&body).is_err(), "{body}");
        }
    }
}
