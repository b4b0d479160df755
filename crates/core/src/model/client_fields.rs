//! The closed list of members that a client may be created and updated with.

use super::client_credential::{ATTACHED_METHODS, NEW_METHODS};
use super::schema::{Field, Format, Kind, List, Object, field};
use super::signing_key::LONGEST_LIFETIME;

/// `POST /clients`.
pub const CREATE: Object = Object {
    fields: &[
        &[
            field("name", Kind::Format(&NAME), "Name of the client"),
            field("resource_server_identifier", Kind::TEXT, ""),
            field("client_authentication_methods", Kind::Object(&NEW_METHODS), METHODS),
        ],
        MEMBERS,
    ],
    required: &["name"],
    open: false,
};

/// `PATCH /clients/{id}`.
pub const UPDATE: Object = Object {
    fields: &[
        &[
            field("name", Kind::Format(&NAME), "Name of the client"),
            field("client_secret", Kind::Text(16, 512), "Secret of the client"),
            field("client_authentication_methods", Kind::Object(&ATTACHED_METHODS), METHODS),
        ],
        MEMBERS,
    ],
    required: &[],
    open: false,
};

const NAME: Format =
    Format { name: "^[^<>]+$", is_pattern: true, holds: |name| !name.is_empty() && !name.contains(['<', '>']) };
const ALGS: &[&str] = &["HS256", "RS256", "RS512", "PS256"];
const JWT: Object = Object {
    fields: &[&[
        field("lifetime_in_seconds", Kind::Int(1, LONGEST_LIFETIME), "Life of an ID token"),
        field("secret_encoded", Kind::Bool, "Whether the secret is base64"),
        field("scopes", Kind::FREE, "Scopes of the legacy kind"),
        field("alg", Kind::OneOf(ALGS), "What signs ID tokens"),
    ]],
    required: &[],
    open: false,
};
const REFRESH: Object = Object {
    fields: &[&[
        field("rotation_type", Kind::OneOf(&["rotating", "non-rotating"]), "Whether each use gives a new token"),
        field("expiration_type", Kind::OneOf(&["expiring", "non-expiring"]), "Whether tokens end"),
        field("leeway", Kind::Int(0, i64::MAX), "Seconds in which a spent token still works"),
        field("token_lifetime", Kind::Int(1, 157_788_000), "Longest life in seconds"),
        field("infinite_token_lifetime", Kind::Bool, "Whether the longest life has no end"),
        field("idle_token_lifetime", Kind::Int(1, 157_788_000), "Longest time between uses in seconds"),
        field("infinite_idle_token_lifetime", Kind::Bool, "Whether the time between uses has no end"),
        field("policies", Kind::List(&ANYTHING), "Grants of further APIs"),
    ]],
    required: &["rotation_type", "expiration_type"],
    open: false,
};
const ANYTHING: List = List { items: Kind::Any, min: 0, max: usize::MAX, unique: false };
const METHODS: &str = "Keys with which the client proves itself";
const SECRET_METHODS: &[&str] = &["none", "client_secret_post", "client_secret_basic"];
const APP_TYPES: &[&str] = &[
    "native",
    "spa",
    "regular_web",
    "non_interactive",
    "resource_server",
    "express_configuration",
    "rms",
    "box",
    "cloudbees",
    "concur",
    "dropbox",
    "mscrm",
    "echosign",
    "egnyte",
    "newrelic",
    "office365",
    "salesforce",
    "sentry",
    "sharepoint",
    "slack",
    "springcm",
    "zendesk",
    "zoom",
    "sso_integration",
    "oag",
];
const USAGE: &[&str] = &["deny", "allow", "require"];
const PROMPTING: &[&str] = &["no_prompt", "pre_login_prompt", "post_login_prompt"];
const MEMBERS: &[Field] = &[
    field("description", Kind::Text(0, 140), "Description of the client"),
    field("logo_uri", Kind::TEXT, "Address of the logo"),
    field("callbacks", Kind::TEXTS, "Addresses that may receive codes and tokens"),
    field("oidc_logout", Kind::FREE, "Back-channel log-out"),
    field("oidc_backchannel_logout", Kind::FREE, "Back-channel log-out, older form"),
    field("session_transfer", Kind::FREE, "Native to web sign-on"),
    field("allowed_origins", Kind::TEXTS, "Origins that may call from a browser"),
    field("web_origins", Kind::TEXTS, "Origins for web messages and cross-origin authentication"),
    field("client_aliases", Kind::TEXTS, "Realms of the legacy protocols"),
    field("allowed_clients", Kind::TEXTS, "Clients that may delegate"),
    field("allowed_logout_urls", Kind::TEXTS, "Addresses that a log-out may lead to"),
    field("grant_types", Kind::TEXTS, "Grant types the client may use"),
    field("token_endpoint_auth_method", Kind::OneOf(SECRET_METHODS), "How the client proves itself"),
    field("is_token_endpoint_ip_header_trusted", Kind::Bool, "Whether its word about the caller's address is believed"),
    field("app_type", Kind::OneOf(APP_TYPES), "Kind of application"),
    field("is_first_party", Kind::Bool, "Whether it is the operator's own"),
    field("oidc_conformant", Kind::Bool, "Whether it wants the strict behaviour"),
    field("jwt_configuration", Kind::Object(&JWT), "Settings of ID tokens"),
    field("encryption_key", Kind::FREE, "Public key for encryption"),
    field("sso", Kind::Bool, "Whether it shares sessions"),
    field("cross_origin_authentication", Kind::Bool, "Whether pages of its own may authenticate"),
    field("cross_origin_auth", Kind::Bool, "Whether pages of its own may authenticate, older name"),
    field("cross_origin_loc", Kind::TEXT, "Page of the cross-origin verification"),
    field("sso_disabled", Kind::Bool, "Whether it shares no sessions"),
    field("custom_login_page_on", Kind::Bool, "Whether the own log-in page is used"),
    field("custom_login_page", Kind::TEXT, "Own log-in page"),
    field("custom_login_page_preview", Kind::TEXT, "Own log-in page for previews"),
    field("form_template", Kind::TEXT, "Form of the legacy protocols"),
    field("addons", Kind::FREE, "Add-ons"),
    field("client_metadata", Kind::Metadata, "Texts of the operator's own"),
    field("mobile", Kind::FREE, "Settings of mobile applications"),
    field("initiate_login_uri", Kind::TEXT, "Address where a log-in begins"),
    field("native_social_login", Kind::FREE, "Native social log-in"),
    field("fedcm_login", Kind::FREE, "Federated credentials of browsers"),
    field("refresh_token", Kind::Object(&REFRESH), "Settings of refresh tokens"),
    field("default_organization", Kind::FREE, "Organization of grants without one"),
    field("organization_usage", Kind::OneOf(USAGE), "Whether organizations are used"),
    field("organization_require_behavior", Kind::OneOf(PROMPTING), "How a required organization is asked for"),
    field("organization_discovery_methods", Kind::TEXTS, "How an organization is found"),
    field("require_pushed_authorization_requests", Kind::Bool, "Whether requests must be pushed"),
    field("require_proof_of_possession", Kind::Bool, "Whether tokens must be bound to a key"),
    field("signed_request_object", Kind::FREE, "Signed authorization requests"),
    field("compliance_level", Kind::TEXT, "Compliance level"),
    field("skip_non_verifiable_callback_uri_confirmation_prompt", Kind::Bool, "Whether a question is left out"),
    field("token_exchange", Kind::FREE, "Token exchange"),
    field("par_request_expiry", Kind::Int(10, 600), "Life of a pushed request in seconds"),
    field("token_quota", Kind::FREE, "Quota of tokens"),
    field("third_party_security_mode", Kind::TEXT, "Security mode of third-party clients"),
    field("redirection_policy", Kind::TEXT, "Policy for redirections"),
    field("express_configuration", Kind::FREE, "Express configuration"),
    field("my_organization_configuration", Kind::FREE, "Self-service of organizations"),
    field("async_approval_notification_channels", Kind::TEXTS, "Channels of asynchronous approval"),
];
