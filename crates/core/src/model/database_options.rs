//! What is checked and completed in the `options` of a database (`docs/COMPATIBILITY.md` C663, C664, C1507, C1508).

use serde_json::{Map, Value, json};

use super::schema::{self, Invalid, Kind, List, Object, field};

/// Checks options that are about to replace `old` (`None` on create).
pub fn check(sent: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Result<(), Invalid> {
    schema::check(&BODY, &json!({"options": sent}))?;
    user_names(sent)?;
    identifiers(sent, old)
}

/// Adds the defaults.
pub fn complete(options: &mut Map<String, Value>, is_new: bool) {
    options.retain(|name, value| !(value.is_null() && name == "authentication_methods"));
    options.entry("mfa").or_insert(json!({"active": true, "return_enroll_settings": true}));
    options.entry("passwordPolicy").or_insert(json!("good"));
    if is_new {
        options.entry("strategy_version").or_insert(json!(2));
    }
    if let Some(Value::Object(sent)) = options.get_mut("authentication_methods") {
        let whole = json!({"password": {"enabled": true, "api_behavior": "required", "signup_behavior": "allow"},
            "passkey": {"enabled": false}, "email_otp": {"enabled": false}, "phone_otp": {"enabled": false}});
        fill(sent, &whole);
    }
    options
        .entry("authentication_methods")
        .or_insert(json!({"password": {"enabled": true, "api_behavior": "required"}, "passkey": {"enabled": false}}));
    options.entry("passkey_options").or_insert(
        json!({"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true}),
    );
    options.entry("brute_force_protection").or_insert(json!(true));
}

/// Adds what `into` lacks of `whole`, one level down as well.
fn fill(into: &mut Map<String, Value>, whole: &Value) {
    for (name, value) in whole.as_object().into_iter().flatten() {
        match (into.entry(name.clone()).or_insert(json!({})), value) {
            (Value::Object(inner), Value::Object(defaults)) => {
                for (name, value) in defaults {
                    inner.entry(name.clone()).or_insert(value.clone());
                }
            }
            (slot, _) if slot.is_null() => *slot = value.clone(),
            _ => {}
        }
    }
}

/// The lengths of user names must leave some.
fn user_names(sent: &Map<String, Value>) -> Result<(), Invalid> {
    let Some(lengths) = sent.get("validation").and_then(|it| it.get("username")) else { return Ok(()) };
    let number = |name: &str| lengths.get(name).and_then(schema::integer);
    match (number("min"), number("max")) {
        (Some(min), Some(max)) if min > max => Err(Invalid::payload(
            &format!("Value {max} is less than minimum {min}"),
            "options.validation.username.max",
            "",
        )),
        _ => Ok(()),
    }
}

/// The rules between identifiers of a database connection.
fn identifiers(sent: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Result<(), Invalid> {
    let Some(attributes) = sent.get("attributes").and_then(Value::as_object) else { return Ok(()) };
    for other in ["requires_username", "validation"] {
        if sent.get(other).is_some_and(|value| !value.is_null()) {
            return Err(Invalid::body(format!("Cannot set both options.attributes and options.{other}")));
        }
    }
    let active = |attribute: &Value| attribute.pointer("/identifier/active") == Some(&Value::Bool(true));
    for (name, attribute) in attributes.iter().filter(|(_, attribute)| active(attribute)) {
        if attribute.pointer("/signup/status").and_then(Value::as_str) == Some("inactive") {
            return Err(Invalid::body(format!("attribute {name} must also be required on signup")));
        }
    }
    if !attributes.values().any(active) {
        return Err(Invalid::body("attributes must contain one active identifier"));
    }
    let not_unique = |attribute: &Value| attribute.get("unique") == Some(&Value::Bool(false));
    let had_email = |old: &Map<String, Value>| old.get("attributes").and_then(|it| it.get("email")).is_some();
    if attributes.get("email").is_some_and(not_unique) && old.is_some_and(|old| !had_email(old)) {
        return Err(Invalid::body("cannot add non-unique email attribute"));
    }
    Ok(())
}

const POLICIES: &[&str] = &["none", "low", "fair", "good", "excellent"];
const AUTH0: Object = Object {
    fields: &[&[
        field("passwordPolicy", Kind::OneOf(POLICIES), "Strength of passwords"),
        field("requires_username", Kind::Bool, "Whether users need a user name"),
        field("disable_signup", Kind::Bool, "Whether users cannot sign up"),
        field("brute_force_protection", Kind::Bool, "Whether failed tries count towards a block"),
        field("import_mode", Kind::Bool, "Whether users move in at their first sign-in"),
        field("password_complexity_options", Kind::Object(&COMPLEXITY), "Further rules of strength"),
        field("password_history", Kind::Object(&HISTORY), "Whether old passwords may come back"),
        field("password_dictionary", Kind::Object(&DICTIONARY), "Forbidden words"),
        field("password_no_personal_info", Kind::Object(&SWITCH), "Whether names of a user are forbidden"),
        field("disable_self_service_change_password", Kind::Bool, "Whether users cannot ask for a new password"),
        field("validation", Kind::Object(&VALIDATION), VALIDATION_ABOUT),
        field("attributes", Kind::Object(&ATTRIBUTES), "Identifiers of users"),
        field("authentication_methods", Kind::Object(&METHODS), "Ways to sign in"),
        field("passkey_options", Kind::FREE, "Settings of passkeys"),
        field("mfa", Kind::FREE, "Second factors"),
        field("customScripts", Kind::FREE, "Scripts of an external user store"),
        field("configuration", Kind::FREE, "Values for the scripts"),
    ]],
    required: &[],
    open: true,
};
const COMPLEXITY: Object = Object {
    fields: &[&[field("min_length", Kind::Int(1, 128), "Fewest characters of a password")]],
    required: &[],
    open: true,
};
const SWITCH: Object =
    Object { fields: &[&[field("enable", Kind::Bool, "Whether it is on")]], required: &[], open: true };
const HISTORY: Object = Object {
    fields: &[&[
        field("enable", Kind::Bool, "Whether it is on"),
        field("size", Kind::Int(0, 24), "How many passwords are remembered"),
    ]],
    required: &[],
    open: true,
};
const WORDS: List = List { items: Kind::Text(1, 50), min: 0, max: 200, unique: false };
const DICTIONARY: Object = Object {
    fields: &[&[
        field("enable", Kind::Bool, "Whether it is on"),
        field("dictionary", Kind::List(&WORDS), "Words of the operator's own"),
    ]],
    required: &[],
    open: true,
};
const VALIDATION_ABOUT: &str = "Options for validation";
const LENGTHS: Object = Object {
    fields: &[&[
        field("min", Kind::Int(1, 128), "Fewest characters of a user name"),
        field("max", Kind::Int(1, 128), "Most characters of a user name"),
    ]],
    required: &[],
    open: false,
};
const VALIDATION: Object = Object {
    fields: &[&[field("username", Kind::Object(&LENGTHS), "Length of user names")]],
    required: &[],
    open: false,
};
const IDENTIFIER: Object =
    Object { fields: &[&[field("active", Kind::Bool, "Whether users sign in with it")]], required: &[], open: true };
const SIGNUP: Object = Object {
    fields: &[&[field("status", Kind::OneOf(&["required", "optional", "inactive"]), "Whether a sign-up names it")]],
    required: &[],
    open: true,
};
const ATTRIBUTE: Object = Object {
    fields: &[&[
        field("identifier", Kind::Object(&IDENTIFIER), "Its use at a sign-in"),
        field("profile_required", Kind::Bool, "Whether every user has it"),
        field("signup", Kind::Object(&SIGNUP), "Its use at a sign-up"),
        field("unique", Kind::Bool, "Whether no two users share it"),
        field("validation", Kind::FREE, "Rules of its text"),
    ]],
    required: &[],
    open: true,
};
const ATTRIBUTES: Object = Object {
    fields: &[&[
        field("email", Kind::Object(&ATTRIBUTE), "E-mail address"),
        field("phone_number", Kind::Object(&ATTRIBUTE), "Phone number"),
        field("username", Kind::Object(&ATTRIBUTE), "User name"),
    ]],
    required: &[],
    open: true,
};
const PASSWORD: Object = Object {
    fields: &[&[
        field("enabled", Kind::Bool, "Whether it is on"),
        field("api_behavior", Kind::OneOf(&["required", "optional"]), "Whether users made over the API need one"),
        field("signup_behavior", Kind::OneOf(&["allow", "block"]), "Whether people sign up with one"),
    ]],
    required: &[],
    open: true,
};
const METHODS: Object =
    Object { fields: &[&[field("password", Kind::Object(&PASSWORD), "Passwords")]], required: &[], open: true };
const ABOUT: &str = "Settings of the strategy";
const BODY: Object =
    Object { fields: &[&[field("options", Kind::Object(&AUTH0), ABOUT)]], required: &["options"], open: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(options: Value) -> String {
        check(options.as_object().unwrap(), None).map_or_else(|error| error.message, |()| "ok".into())
    }

    #[test]
    fn database_options_are_completed() {
        let mut options = Map::new();
        complete(&mut options, true);
        assert_eq!(
            Value::Object(options.clone()),
            json!({"mfa": {"active": true, "return_enroll_settings": true}, "passwordPolicy": "good", "strategy_version": 2,
                "authentication_methods": {"password": {"enabled": true, "api_behavior": "required"}, "passkey": {"enabled": false}},
                "passkey_options": {"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true},
                "brute_force_protection": true})
        );
        let mut sent =
            json!({"authentication_methods": {"password": {"enabled": true}, "phone_otp": {"enabled": true}}});
        let sent = sent.as_object_mut().unwrap();
        complete(sent, false);
        assert_eq!(
            sent["authentication_methods"],
            json!({"password": {"enabled": true, "api_behavior": "required", "signup_behavior": "allow"},
                "phone_otp": {"enabled": true}, "passkey": {"enabled": false}, "email_otp": {"enabled": false}})
        );
        assert!(!sent.contains_key("strategy_version"));
    }

    #[test]
    fn rules_of_passwords_and_names_are_checked() {
        for (options, expected) in [
            (json!({"passwordPolicy": "best"}), "No enum match for: best' on property options.passwordPolicy"),
            (json!({"passwordPolicy": null, "validation": null, "password_history": null}), "ok"),
            (
                json!({"password_history": {"size": 25}}),
                "Value 25 is greater than maximum 24' on property options.password_history.size",
            ),
            (json!({"password_complexity_options": {"min_length": 0}}), "Value 0 is less than minimum 1"),
            (
                json!({"password_dictionary": {"enable": true, "dictionary": ["x".repeat(51)]}}),
                "String is too long (51 chars), maximum 50",
            ),
            (json!({"password_dictionary": {"dictionary": vec!["x"; 201]}}), "Array is too long (201), maximum 200"),
            (json!({"password_no_personal_info": {"enable": "yes"}}), "Expected type boolean but found type string"),
            (json!({"validation": {"username": {"min": 1, "max": 15}}}), "ok"),
            (
                json!({"validation": {"username": {"min": 9, "max": 5}}}),
                "Value 5 is less than minimum 9' on property options.validation.username.max",
            ),
            (
                json!({"validation": {"a": 1, "b": 2}}),
                "Additional properties not allowed: a,b' on property options.validation (Options for validation).",
            ),
            (
                json!({"attributes": {"email": {"signup": {"status": "maybe"}}}}),
                "No enum match for: maybe' on property options.attributes.email.signup.status",
            ),
            (json!({"authentication_methods": {"password": {"signup_behavior": "block"}}}), "ok"),
        ] {
            let message = refusal(options.clone());
            assert!(message.contains(expected), "{options}: {message}");
        }
    }

    #[test]
    fn identifiers_of_a_database_must_agree() {
        let phone = |active: bool, status: &str| json!({"phone_number": {"identifier": {"active": active}, "signup": {"status": status}}});
        for (options, expected) in [
            (json!({"attributes": phone(true, "required")}), "ok"),
            (
                json!({"attributes": phone(true, "required"), "requires_username": true}),
                "Cannot set both options.attributes and options.requires_username",
            ),
            (
                json!({"attributes": phone(true, "required"), "validation": {}}),
                "Cannot set both options.attributes and options.validation",
            ),
            (json!({"attributes": phone(true, "inactive")}), "attribute phone_number must also be required on signup"),
            (json!({"attributes": phone(false, "required")}), "attributes must contain one active identifier"),
        ] {
            assert_eq!(refusal(options), expected);
        }
        let email = json!({"attributes": {"email": {"identifier": {"active": true}, "unique": false}}});
        let old = Map::new();
        let error = check(email.as_object().unwrap(), Some(&old)).unwrap_err();
        assert_eq!(error.message, "cannot add non-unique email attribute");
        assert!(check(email.as_object().unwrap(), email.as_object()).is_ok());
    }
}
