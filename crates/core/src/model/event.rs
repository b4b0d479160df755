//! Tenant log events: the table of types and the wire form (Auth0: "Log event type codes").

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kit::clock::{Millis, rfc3339};

/// Every type this server writes: code and default description.
pub const TYPES: &[(&str, &str)] = &[
    ("api_limit", "Rate limit exceeded"),
    ("cls", "Code/Link Sent"),
    ("cs", "Code Sent"),
    ("f", "Failed Login"),
    ("fapi", "Failed API Operation"),
    ("fco", "Origin is not in the application's Allowed Origins list"),
    ("fcoa", "Failed Cross-Origin Authentication"),
    ("fcp", "Failed Change Password"),
    ("fcpr", "Failed Change Password Request"),
    ("feacft", "Failed exchange of Authorization Code for Access Token"),
    ("feccft", "Failed exchange of Access Token for a Client Credentials Grant"),
    ("feoobft", "Failed exchange of Password and OOB Challenge for Access Token"),
    ("feotpft", "Failed exchange of Password and OTP Challenge for Access Token"),
    ("fepft", "Failed exchange of Password for Access Token"),
    ("fepotpft", "Failed exchange of Password and OTP Challenge for Access Token"),
    ("fercft", "Failed exchange of Password and MFA Recovery code for Access Token"),
    ("ferrt", "Failed exchange of Rotating Refresh Token"),
    ("fertft", "Failed exchange of Refresh Token for Access Token"),
    ("flo", "Failed Logout"),
    ("fn", "Failed Sending Notification"),
    ("fp", "Failed Login (Incorrect Password)"),
    ("fs", "Failed Signup"),
    ("fsa", "Failed Silent Auth"),
    ("fu", "Failed Login (Invalid Email/Username)"),
    ("fv", "Failed Verification Email"),
    ("gd_auth_failed", "MFA authentication failed"),
    ("gd_auth_rejected", "MFA authentication rejected"),
    ("gd_auth_succeed", "MFA authentication succeeded"),
    ("gd_enrollment_complete", "MFA enrollment complete"),
    ("gd_otp_rate_limit_exceed", "Too many MFA failures"),
    ("gd_recovery_failed", "MFA recovery failed"),
    ("gd_recovery_rate_limit_exceed", "Too many MFA recovery failures"),
    ("gd_recovery_succeed", "MFA recovery succeeded"),
    ("gd_send_email", "MFA email sent"),
    ("gd_send_sms", "Guardian - SMS sent"),
    ("gd_send_sms_failure", "Guardian - There was an error sending the SMS"),
    ("gd_send_voice", "Guardian - Voice call made"),
    ("gd_send_voice_failure", "Guardian - There was an error making the voice call"),
    ("gd_start_auth", "MFA authentication started"),
    ("gd_start_enroll", "MFA enrollment started"),
    ("gd_start_enroll_failed", "MFA enrollment could not be started"),
    ("gd_tenant_update", "Guardian tenant update"),
    ("gd_unenroll", "MFA device unenrolled"),
    ("gd_update_device_account", "MFA device account updated"),
    ("limit_mu", "Blocked IP Address"),
    ("limit_phone", "Too many messages to one user"),
    ("limit_wc", "Blocked Account"),
    ("mfar", "MFA required"),
    ("oidc_backchannel_logout_failed", "Failed OIDC Back-Channel Logout request"),
    ("oidc_backchannel_logout_succeeded", "Successful OIDC Back-Channel Logout request"),
    ("s", "Success Login"),
    ("sapi", "Success API Operation"),
    ("scoa", "Success cross-origin authentication"),
    ("scp", "Success Change Password"),
    ("scpr", "Success Change Password Request"),
    ("seacft", "Successful exchange of Authorization Code for Access Token"),
    ("seccft", "Successful exchange of Access Token for a Client Credentials Grant"),
    ("seoobft", "Successful exchange of Password and OOB Challenge for Access Token"),
    ("seotpft", "Successful exchange of Password and OTP Challenge for Access Token"),
    ("sepft", "Successful exchange of Password for Access Token"),
    ("sercft", "Successful exchange of Password and MFA Recovery code for Access Token"),
    ("sertft", "Successful exchange of Refresh Token for Access Token"),
    ("slo", "Success Logout"),
    ("srrt", "Successfully revoked a Refresh Token"),
    ("ss", "Success Signup"),
    ("ssa", "Success Silent Auth"),
    ("sv", "Success Verification Email"),
    ("ublkdu", "User login block released"),
];

/// What a masked value shows instead.
pub const MASK: &str = "*****";

/// Members of an event that depend on its type, as JSON text: they are written once, and only read by people.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Details(Box<RawValue>);

impl Details {
    /// Writes the members; secrets are already masked.
    pub fn of(members: &impl Serialize) -> Option<Self> {
        serde_json::value::to_raw_value(members).ok().map(Self)
    }
}

/// An event; unset members are left out of its wire form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event {
    /// Type code, one of [`TYPES`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What happened; for failures the reason.
    pub description: String,
    /// Connection name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub connection: String,
    /// Connection id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub connection_id: String,
    /// Client id.
    pub client_id: String,
    /// Client name.
    pub client_name: String,
    /// The end user's address.
    pub ip: String,
    /// The transport peer's address, never from an application's header.
    pub client_ip: String,
    /// User agent header.
    pub user_agent: String,
    /// Public host of this server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// User id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// Phone number or other name of the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_name: String,
    /// Strategy of the connection.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Kind of that strategy (`passwordless`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy_type: String,
    /// Audience asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// Scope granted or asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Decoded `Auth0-Client` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth0_client: Option<Value>,
    /// Members that depend on the type; secrets are already masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// `X-Correlation-ID` of a management call, 64 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Value>,
}

impl Event {
    /// The event as it is stored and answered: ids, date and tenant added.
    pub fn body(&self, log_id: &str, date: Millis, tenant: &str) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(rename = "_id")]
            id: &'a str,
            log_id: &'a str,
            date: String,
            #[serde(flatten)]
            event: &'a Event,
            #[serde(rename = "isMobile")]
            is_mobile: bool,
            tenant_name: &'a str,
            environment_name: &'static str,
        }
        let whole = Whole {
            id: log_id,
            log_id,
            date: rfc3339(date),
            event: self,
            is_mobile: self.user_agent.contains("Mobi"),
            tenant_name: tenant,
            environment_name: "self-hosted",
        };
        serde_json::to_string(&whole).unwrap_or_default()
    }
}

/// The default description of a type; empty for one that is not in the table.
pub fn description(kind: &str) -> &'static str {
    TYPES.iter().find(|(code, _)| *code == kind).map_or("", |(_, text)| text)
}

/// A copy of a request body with every member masked whose name promises a secret, at any depth.
pub fn masked(body: &Value) -> Value {
    match body {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let shown = match value {
                    _ if is_secret(name) => MASK.into(),
                    Value::String(url) if name == "gateway_url" => without_query(url).into(),
                    value => masked(value),
                };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        other => other.clone(),
    }
}

/// An address without its query, where operators like to put keys.
fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(address, _)| format!("{address}?{MASK}"))
}

/// Member names that hold codes, secrets or whole tokens. `configuration` is that of a database connection: everything in
/// it is the operator's secret.
fn is_secret(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "accessKeyId",
        "access_token",
        "api_key",
        "auth_token",
        "aws_secret_access_key",
        "binding_code",
        "clientSecret",
        "client_assertion",
        "client_secret",
        "code",
        "configuration",
        "connectionString",
        "connection_string",
        "custom_password_hash",
        "id_token",
        "link_with",
        "otp",
        "p12",
        "password",
        "password_hash",
        "pem",
        "private_key",
        "recovery_code",
        "refresh_token",
        "secret",
        "secretAccessKey",
        "server_credentials",
        "server_key",
        "signing_secret",
        "skey",
        "smtp_pass",
        "ticket",
        "totp_secret",
        "twilio_token",
        "verification_code",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        assert!(TYPES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn the_query_of_a_gateway_is_masked() {
        let body = json!({"options": {"gateway_url": "https://sms.example/send?key=k", "from": "a?b"}});
        assert_eq!(
            masked(&body).to_string(),
            r#"{"options":{"gateway_url":"https://sms.example/send?*****","from":"a?b"}}"#
        );
    }

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let body = json!({"name": "x", "client_secret": "a", "options": {"gateway_authentication": {"secret": "b"}, "list": [{"otp": 1}]}});
        let text = masked(&body).to_string();
        assert_eq!(
            text,
            r#"{"name":"x","client_secret":"*****","options":{"gateway_authentication":{"secret":"*****"},"list":[{"otp":"*****"}]}}"#
        );
    }
}
