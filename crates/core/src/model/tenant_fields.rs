//! The known members of the tenant's settings and of its flags, and the closed list of languages.

use super::schema::{Field, Format, Kind, List, Object, field};

/// `PATCH /tenants/settings`. Members that are not listed here are ignored.
pub const UPDATE: Object = Object { fields: &[APPEARANCE, BEHAVIOUR, SESSIONS], required: &[], open: true };

/// Lifetimes in hours, and the member that says the same in minutes.
pub const LIFETIMES: [(&str, &str); 4] = [
    ("session_lifetime", "session_lifetime_in_minutes"),
    ("idle_session_lifetime", "idle_session_lifetime_in_minutes"),
    ("ephemeral_session_lifetime", "ephemeral_session_lifetime_in_minutes"),
    ("idle_ephemeral_session_lifetime", "idle_ephemeral_session_lifetime_in_minutes"),
];

const APPEARANCE: &[Field] = &[
    field("change_password", Kind::FREE, "Page for a new password"),
    field("device_flow", Kind::FREE, "Pages of the device flow"),
    field("guardian_mfa_page", Kind::FREE, "Page for second factors"),
    field("error_page", Kind::FREE, "Page for errors"),
    field("universal_login", Kind::FREE, "Appearance of the log-in pages"),
    field("friendly_name", Kind::TEXT, "Name that people see"),
    field("picture_url", Kind::TEXT, "Address of the logo"),
    field("support_email", Kind::TEXT, "Where people ask for help"),
    field("support_url", Kind::TEXT, "Page where people find help"),
    field("enabled_locales", Kind::List(&LOCALE_LIST), "Languages, the default first"),
];
const BEHAVIOUR: &[Field] = &[
    field("default_audience", Kind::TEXT, "API of tokens for which no audience was asked"),
    field("default_directory", Kind::TEXT, "Connection of the password grant"),
    field("default_redirection_uri", Kind::TEXT, "Where lost visitors go"),
    field("default_token_quota", Kind::FREE, "Limits of machine-to-machine tokens"),
    field("flags", Kind::Object(&FLAGS), "Switches"),
    field("allowed_logout_urls", Kind::TEXTS, "Where log-outs may lead to"),
    field("sandbox_version", Kind::Text(1, 8), "Version of the runtime for scripts"),
    field("legacy_sandbox_version", Kind::TEXT, "Version of the runtime for old scripts"),
    field("oidc_logout", Kind::FREE, "Settings of log-outs"),
    field("customize_mfa_in_postlogin_action", Kind::Bool, "Whether Actions choose second factors"),
    field("allow_organization_name_in_authentication_api", Kind::Bool, "Whether names stand for organization ids"),
    field("acr_values_supported", Kind::TEXTS, "Published authentication contexts"),
    field("mtls", Kind::FREE, "Client certificates"),
    field("pushed_authorization_requests_supported", Kind::Bool, "Whether requests may be pushed"),
    field("authorization_response_iss_parameter_supported", Kind::Bool, "Whether answers name the issuer"),
    field("skip_non_verifiable_callback_uri_confirmation_prompt", Kind::Bool, "Whether a question is left out"),
    field(
        "resource_parameter_profile",
        Kind::OneOf(&["audience", "compatibility"]),
        "Which parameter of a request names the API",
    ),
    field("client_id_metadata_document_supported", Kind::Bool, "Whether a client id may be an address"),
    field("dynamic_client_registration_security_mode", Kind::TEXT, "Who may register clients"),
    field("enable_ai_guide", Kind::Bool, "Whether the dashboard shows its guide"),
    field("phone_consolidated_experience", Kind::Bool, "Whether one provider carries every phone message"),
    field("country_codes", Kind::Object(&COUNTRIES), "Countries that phone messages may go to"),
];
const SESSIONS: &[Field] = &[
    field("session_lifetime", HOURS, "Longest life of a session in hours"),
    field("idle_session_lifetime", HOURS, "Longest pause of a session in hours"),
    field("ephemeral_session_lifetime", HOURS, "Longest life of a browser's session in hours"),
    field("idle_ephemeral_session_lifetime", HOURS, "Longest pause of a browser's session in hours"),
    field("session_lifetime_in_minutes", MINUTES, "Longest life of a session in minutes"),
    field("idle_session_lifetime_in_minutes", MINUTES, "Longest pause of a session in minutes"),
    field("ephemeral_session_lifetime_in_minutes", MINUTES, "Longest life of a browser's session in minutes"),
    field("idle_ephemeral_session_lifetime_in_minutes", MINUTES, "Longest pause of a browser's session in minutes"),
    field("session_cookie", Kind::Object(&COOKIE), "The session's cookie"),
    field("sessions", Kind::FREE, "Further settings of sessions"),
];

const HOURS: Kind = Kind::Number(0, 87_600);
const MINUTES: Kind = Kind::Int(1, 5_256_000);
const COOKIE: Object = Object {
    fields: &[&[field("mode", Kind::OneOf(&["persistent", "non-persistent"]), "Whether it outlives the browser")]],
    required: &[],
    open: true,
};
const COUNTRY: Format = Format {
    name: "^[A-Z]{2}$",
    is_pattern: true,
    holds: |code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
};
const COUNTRY_LIST: List = List { items: Kind::Format(&COUNTRY), min: 1, max: 300, unique: true };
const COUNTRIES: Object = Object {
    fields: &[&[
        field("list", Kind::List(&COUNTRY_LIST), "ISO 3166 codes of two letters"),
        field("mode", Kind::OneOf(&["allow", "deny"]), "What being on the list means"),
    ]],
    required: &["list", "mode"],
    open: false,
};
const FLAGS: Object = Object {
    fields: &[&[
        field("allow_changing_enable_sso", Kind::Bool, ""),
        field("allow_legacy_delegation_grant_types", Kind::Bool, ""),
        field("allow_legacy_ro_grant_types", Kind::Bool, ""),
        field("allow_legacy_tokeninfo_endpoint", Kind::Bool, ""),
        field("cannot_change_enforce_client_authentication_on_passwordless_start", Kind::Bool, ""),
        field("change_pwd_flow_v1", Kind::Bool, ""),
        field("custom_domains_provisioning", Kind::Bool, ""),
        field("dashboard_insights_view", Kind::Bool, ""),
        field("dashboard_log_streams_next", Kind::Bool, ""),
        field("disable_clickjack_protection_headers", Kind::Bool, ""),
        field("disable_fields_map_fix", Kind::Bool, ""),
        field("disable_impersonation", Kind::Bool, ""),
        field("disable_management_api_sms_obfuscation", Kind::Bool, ""),
        field("enable_adfs_waad_email_verification", Kind::Bool, ""),
        field("enable_apis_section", Kind::Bool, ""),
        field("enable_client_connections", Kind::Bool, ""),
        field("enable_custom_domain_in_emails", Kind::Bool, ""),
        field("enable_dynamic_client_registration", Kind::Bool, ""),
        field("enable_idtoken_api2", Kind::Bool, ""),
        field("enable_legacy_logs_search_v2", Kind::Bool, ""),
        field("enable_legacy_profile", Kind::Bool, ""),
        field("enable_pipeline2", Kind::Bool, ""),
        field("enable_public_signup_user_exists_error", Kind::Bool, ""),
        field("enable_sso", Kind::Bool, ""),
        field("enforce_client_authentication_on_passwordless_start", Kind::Bool, ""),
        field("genai_trial", Kind::Bool, ""),
        field("improved_signup_bot_detection_in_classic", Kind::Bool, ""),
        field("mfa_show_factor_list_on_enrollment", Kind::Bool, ""),
        field("no_disclose_enterprise_connections", Kind::Bool, ""),
        field("remove_alg_from_jwks", Kind::Bool, ""),
        field("require_pushed_authorization_requests", Kind::Bool, ""),
        field("revoke_refresh_token_grant", Kind::Bool, ""),
        field("trust_azure_adfs_email_verified_connection_property", Kind::Bool, ""),
        field("universal_login", Kind::Bool, ""),
        field("use_scope_descriptions_for_consent", Kind::Bool, ""),
    ]],
    required: &[],
    open: false,
};

const LOCALE_LIST: List = List { items: Kind::OneOf(LOCALES), min: 1, max: LOCALES.len(), unique: true };

/// The languages that pages and texts may be in.
pub const LOCALES: &[&str] = &[
    "am", "ar", "ar-EG", "ar-SA", "az", "bg", "bn", "bs", "ca-ES", "cnr", "cs", "cy", "da", "de", "el", "en", "en-CA",
    "es", "es-419", "es-AR", "es-MX", "et", "eu-ES", "fa", "fi", "fr", "fr-CA", "fr-FR", "gl-ES", "gu", "he", "hi",
    "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "kn", "ko", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "my",
    "nb", "nl", "nn", "no", "pa", "pl", "pt", "pt-BR", "pt-PT", "ro", "ru", "sk", "sl", "so", "sq", "sr", "sv", "sw",
    "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "zgh", "zh-CN", "zh-HK", "zh-MO", "zh-TW",
];
