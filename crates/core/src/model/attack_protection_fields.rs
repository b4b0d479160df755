//! The documents of attack protection: what a fresh tenant shows, and what may be changed.

use serde_json::{Map, Value, json};

use super::attack_protection::network;
use super::schema::{Field, Format, Kind, List, Object, field};

/// One document.
#[derive(Debug)]
pub struct Document {
    /// Its path below `/api/v2/`.
    pub path: &'static str,
    /// What a fresh tenant shows.
    pub fresh: fn() -> Value,
    /// What a PATCH may hold.
    pub update: Object,
    /// Brings what a PATCH made into the form that is kept.
    pub settle: fn(&mut Map<String, Value>),
}

/// Every document.
pub const DOCUMENTS: &[Document] = &[
    Document {
        path: "attack-protection/brute-force-protection",
        fresh: || {
            json!({"enabled": true, "shields": ["block", "user_notification"], "mode": "count_per_identifier_and_ip",
                "allowlist": [], "max_attempts": 10})
        },
        update: closed(&[&[
            field("enabled", Kind::Bool, "Whether failed sign-ins are counted"),
            field("shields", words(&BRUTE_FORCE_SHIELDS), "What is done about them"),
            field("mode", Kind::OneOf(&["count_per_identifier_and_ip", "count_per_identifier"]), "What is counted"),
            ALLOWLIST,
            field("max_attempts", Kind::Int(1, 100), "Failed sign-ins that block"),
        ]]),
        settle: as_it_is,
    },
    Document {
        path: "attack-protection/suspicious-ip-throttling",
        fresh: || {
            json!({"enabled": true, "shields": ["admin_notification", "block"], "allowlist": [], "stage": {
                "pre-login": {"max_attempts": 100, "rate": 864_000},
                "pre-user-registration": {"max_attempts": 50, "rate": 1_200},
                "pre-custom-token-exchange": {"max_attempts": 10, "rate": 600_000}}})
        },
        update: closed(&[&[
            field("enabled", Kind::Bool, "Whether addresses are counted"),
            field("shields", words(&ADMIN_SHIELDS), "What is done about them"),
            ALLOWLIST,
            field("stage", Kind::Object(&STAGES), "Limits by stage"),
        ]]),
        settle: as_it_is,
    },
    Document {
        path: "attack-protection/breached-password-detection",
        fresh: || {
            json!({"enabled": false, "shields": [], "admin_notification_frequency": [], "method": "standard", "stage": {
                "pre-user-registration": {"shields": []}, "pre-change-password": {"shields": []}}})
        },
        update: closed(&[&[
            field("enabled", Kind::Bool, "Whether passwords are looked up"),
            field("shields", words(&ALL_SHIELDS), "What is done about a breached one"),
            field("admin_notification_frequency", words(&FREQUENCIES), "When administrators are told"),
            field("method", Kind::OneOf(&["standard", "enhanced"]), "Where passwords are looked up"),
            field("stage", Kind::Object(&PASSWORD_STAGES), "What is done by stage"),
        ]]),
        settle: as_it_is,
    },
    Document {
        path: "attack-protection/bot-detection",
        fresh: || {
            json!({"challenge_password_policy": "never", "challenge_passwordless_policy": "never",
                "challenge_password_reset_policy": "never", "allowlist": [], "bot_detection_level": "medium",
                "monitoring_mode_enabled": false})
        },
        update: closed(&[&[
            field("challenge_password_policy", POLICY, "When a password is challenged"),
            field("challenge_passwordless_policy", POLICY, "When a passwordless sign-in is challenged"),
            field("challenge_password_reset_policy", POLICY, "When a new password is challenged"),
            ALLOWLIST,
            field("bot_detection_level", Kind::OneOf(&["low", "medium", "high"]), "How much is challenged"),
            field("monitoring_mode_enabled", Kind::Bool, "Whether risks are only logged"),
        ]]),
        settle: as_it_is,
    },
    Document {
        path: "attack-protection/captcha",
        fresh: || {
            json!({"active_provider_id": "auth_challenge", "simple_captcha": {}, "auth_challenge": {"fail_open": false},
                "recaptcha_v2": {"site_key": ""}, "recaptcha_enterprise": {"site_key": "", "project_id": ""},
                "hcaptcha": {"site_key": ""}, "friendly_captcha": {"site_key": ""}, "arkose": {"site_key": "",
                "client_subdomain": "client-api", "verify_subdomain": "verify-api", "fail_open": false}})
        },
        update: closed(&[&[
            field("active_provider_id", Kind::OneOf(CAPTCHAS), "Provider in use"),
            field("simple_captcha", Kind::Object(&closed(&[])), "Settings of the simple CAPTCHA"),
            field("auth_challenge", Kind::Object(&closed(&[&[FAIL_OPEN]])), "Settings of the invisible challenge"),
            field("recaptcha_v2", Kind::Object(&closed(&[&[SITE_KEY, SECRET]])), "Settings of reCAPTCHA v2"),
            field("recaptcha_enterprise", Kind::Object(&closed(&[RECAPTCHA])), "Settings of reCAPTCHA Enterprise"),
            field("hcaptcha", Kind::Object(&closed(&[&[SITE_KEY, SECRET]])), "Settings of hCaptcha"),
            field("friendly_captcha", Kind::Object(&closed(&[&[SITE_KEY, SECRET]])), "Settings of Friendly Captcha"),
            field("arkose", Kind::Object(&closed(&[ARKOSE])), "Settings of Arkose"),
        ]]),
        settle: without_secrets,
    },
    Document {
        path: "attack-protection/phone-provider-protection",
        fresh: || json!({"type": "default"}),
        update: closed(&[&[field(
            "type",
            Kind::OneOf(&["default", "exponential", "none"]),
            "How messages are spaced",
        )]]),
        settle: |members| {
            if members.get("type").is_some_and(|kind| kind == "none") {
                members.insert("type".into(), "default".into());
            }
        },
    },
    Document {
        path: "risk-assessments/settings",
        fresh: || json!({"enabled": false}),
        update: closed(&[&[field("enabled", Kind::Bool, "Whether risks are assessed")]]),
        settle: as_it_is,
    },
    Document {
        path: "risk-assessments/settings/new-device",
        fresh: || json!({"remember_for": 30}),
        update: closed(&[&[field("remember_for", Kind::Int(1, 365), "Days that a device is remembered")]]),
        settle: as_it_is,
    },
];

const ALLOWLIST: Field = field("allowlist", Kind::List(&NETWORKS), "Addresses and networks that are left alone");
const NETWORKS: List = List { items: Kind::Format(&NETWORK), min: 0, max: 100, unique: true };
const NETWORK: Format = Format { name: "ip-address-or-cidr", is_pattern: false, holds: |text| network(text).is_some() };

const BRUTE_FORCE_SHIELDS: List = set(&["block", "user_notification"]);
const ADMIN_SHIELDS: List = set(&["block", "admin_notification"]);
const ALL_SHIELDS: List = set(&["block", "user_notification", "admin_notification"]);
const FREQUENCIES: List = set(&["immediately", "daily", "weekly", "monthly"]);

const STAGES: Object = closed(&[&[
    field("pre-login", Kind::Object(&STAGE), "Failed sign-ins"),
    field("pre-user-registration", Kind::Object(&STAGE), "Users who sign up"),
    field("pre-custom-token-exchange", Kind::Object(&STAGE), "Failed token exchanges"),
]]);
const STAGE: Object = closed(&[&[
    field("max_attempts", Kind::Int(1, 100_000), "Attempts granted at once"),
    field("rate", Kind::Int(1, 86_400_000), "Milliseconds until one more is granted"),
]]);
const PASSWORD_STAGES: Object = closed(&[&[
    field("pre-user-registration", Kind::Object(&PASSWORD_STAGE), "At sign-up"),
    field("pre-change-password", Kind::Object(&PASSWORD_STAGE), "At a change of password"),
]]);
const PASSWORD_STAGE: Object = closed(&[&[field("shields", words(&ADMIN_SHIELDS), "What is done")]]);

const POLICY: Kind = Kind::OneOf(&["never", "when_risky", "always"]);
const CAPTCHAS: &[&str] = &[
    "arkose",
    "auth_challenge",
    "friendly_captcha",
    "hcaptcha",
    "recaptcha_enterprise",
    "recaptcha_v2",
    "simple_captcha",
];
const SITE_KEY: Field = field("site_key", Kind::TEXT, "Public key");
const SECRET: Field = field("secret", Kind::TEXT, "Private key");
const FAIL_OPEN: Field = field("fail_open", Kind::Bool, "Whether a failing provider lets everybody pass");
const RECAPTCHA: &[Field] =
    &[SITE_KEY, field("project_id", Kind::TEXT, "Project"), field("api_key", Kind::TEXT, "Private key")];
const ARKOSE: &[Field] = &[
    SITE_KEY,
    SECRET,
    FAIL_OPEN,
    field("client_subdomain", Kind::TEXT, "Host of the page's part"),
    field("verify_subdomain", Kind::TEXT, "Host of the server's part"),
];

/// An object without other members.
const fn closed(fields: &'static [&'static [Field]]) -> Object {
    Object { fields, required: &[], open: false }
}

/// A list of some of these words, each once.
const fn set(words: &'static [&'static str]) -> List {
    List { items: Kind::OneOf(words), min: 0, max: usize::MAX, unique: true }
}

const fn words(list: &'static List) -> Kind {
    Kind::List(list)
}

fn as_it_is(_: &mut Map<String, Value>) {}

/// No CAPTCHA is ever shown, so that nobody needs the private keys of its providers: they are not kept.
fn without_secrets(members: &mut Map<String, Value>) {
    for provider in members.values_mut().filter_map(Value::as_object_mut) {
        provider.shift_remove("secret");
        provider.shift_remove("api_key");
    }
}
