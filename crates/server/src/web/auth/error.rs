//! The one error type of the Authentication API and the only writer of its error bodies
//! (`docs/COMPATIBILITY.md` C105, C221-C258, C411-C456).

use http::{HeaderName, StatusCode, header};
use ringpass_core::model::assertion;
use ringpass_core::model::authorization::OauthError;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::password_policy::Weak;
use ringpass_core::model::sign_up::Fault;
use ringpass_core::storage::DbError;
use serde_json::{Value, json};

use super::mfa::error::MfaError;
use crate::flows::authorize::NoTarget;
use crate::flows::code::CodeRefused;
use crate::flows::grant::Refused;
use crate::flows::limits::Window;
use crate::flows::passwordless::StartRefused;
use crate::flows::refresh::RefreshRefused;
use crate::flows::signup::SignUpRefused;
use crate::flows::tickets::RequestRefused;
use crate::web::Reply;

/// Everything that a caller of the Authentication API can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    // Reading the request.
    /// The body is neither a JSON object nor a form.
    BadBody,
    /// The same, at an OAuth endpoint.
    BadOauthBody,
    /// Neither JSON nor form.
    UnsupportedContentType,
    /// More than 64 KiB.
    TooLong,
    /// A member of a start has the wrong JSON type.
    WrongType {
        /// The member.
        property: &'static str,
        /// JSON type sent.
        found: &'static str,
        /// JSON type wanted.
        expected: &'static str,
    },
    /// Members that a start does not know.
    UnknownMembers(Vec<String>),
    /// A member that a start needs.
    MissingProperty(&'static str),
    /// A parameter that a grant needs.
    MissingParameter(&'static str),
    /// A parameter of a grant that is no text.
    BadParameter(&'static str),
    // Start.
    /// No such client (start only).
    NoSuchClient,
    /// No connection of that name.
    NoSuchConnection,
    /// The connection is not enabled for the client.
    ConnectionDisabled,
    /// The connection is neither SMS nor e-mail.
    NotPasswordless,
    /// `send` is none of its values.
    BadSend,
    /// Not E.164.
    BadPhoneNumber,
    /// Country or type of the number is refused.
    PhoneNotAllowed,
    /// The provider did not take the message; the sentence says why.
    SmsProvider(String),
    /// No e-mail address, as it was sent.
    BadEmail(String),
    /// The same of a mail.
    EmailProvider(String),
    /// Unknown number while sign-up is disabled.
    SignupDisabledAtStart,
    /// A confidential client sent no credentials.
    ClientAuthenticationRequired,
    // Token endpoint.
    /// Unknown client, wrong or missing secret.
    Unauthorized,
    /// The same at the revocation endpoint.
    InvalidClient,
    /// A `client_assertion` that proves nothing.
    BadAssertion(assertion::Refused),
    /// A grant type we do not know.
    UnsupportedGrant(String),
    /// A grant type that the client may not use.
    GrantNotAllowed(String),
    /// No API of that identifier.
    UnknownService(String),
    /// The client has no grant for the API.
    NoClientGrant(String),
    /// Scopes beyond what was granted.
    InvalidScope(String),
    /// `realm` names no passwordless connection.
    UnknownRealm(String),
    /// No database is named for the password grant.
    NoDefaultDirectory,
    /// Wrong password, or nobody of that name.
    WrongPassword,
    /// Wrong code, unknown number or address, used or superseded code, at a connection of this strategy.
    WrongCode(Strategy),
    /// The code's tries are used up.
    MaxAttempts,
    /// The code's time is over.
    CodeExpired,
    /// The user is blocked by an administrator.
    UserBlocked,
    /// Right code, unknown user, sign-up disabled.
    SignupDisabled,
    /// A code that gives nothing; the sentence says why.
    BadAuthorizationCode(String),
    /// A request for authorization that was sent ahead and is wrong: code and sentence.
    BadAuthorization(&'static str, String),
    /// Unknown, expired, revoked, reused or foreign refresh token.
    BadRefreshToken,
    /// The refresh token's user is gone.
    UserGone,
    // Databases.
    /// A member that a sign-up or a request for a new password needs.
    MissingMember(&'static str),
    /// A member of a sign-up that is not what it should be.
    BadMember(&'static str),
    /// A member of a sign-up that the connection has no use for.
    UnwantedMember(&'static str),
    /// No client of that id.
    UnknownClient,
    /// No connection of that name.
    ConnectionNotFound,
    /// The connection is not enabled for the client.
    ConnectionNotEnabled,
    /// The connection is no database.
    UnsupportedStrategy,
    /// The database takes no sign-ups.
    PublicSignupDisabled,
    /// Nobody was signed up; the answer does not say whether somebody was there already.
    InvalidSignup,
    /// Nobody was signed up, because somebody was there already.
    UserExists,
    /// A password that this person may not have.
    Weak(Weak),
    // Cross-origin authentication.
    /// The body is not made of these members.
    CrossOriginBody(String),
    /// A credential type we do not know.
    UnknownCredentialType,
    /// The client's pages may not log anybody in.
    CrossOriginNotAllowed,
    /// The page's origin is not one of the client's.
    OriginNotAllowed(String),
    /// A code or a password that proves nothing; the sentence says why.
    CrossOriginDenied(String),
    /// The user is blocked by an administrator.
    BlockedUser,
    // The old endpoint for codes.
    /// The tenant has not switched it on.
    LegacyOff,
    /// A code that proves nothing; the sentence says why.
    InvalidUserPassword(String),
    // UserInfo.
    /// Missing, foreign, expired or insufficient access token.
    InvalidToken,
    // Second factors.
    /// Everything about them.
    Mfa(MfaError),
    // Limits and failures.
    /// A bucket is empty.
    TooManyRequests(Window, i64),
    /// Brute-force protection blocks this address for this identifier.
    TooManyAttempts,
    /// Suspicious-IP throttling refuses this address.
    SuspiciousAddress,
    /// No such path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// A bug; the process log has the cause under the request id.
    Server,
    /// The database cannot serve now.
    Unavailable,
}

impl AuthError {
    /// Status, machine code and sentence of the wire.
    #[expect(clippy::too_many_lines, reason = "a table, to be read on one screen after the other")]
    fn row(&self) -> (u16, &str, String) {
        let text = |status, error, text: &str| (status, error, text.to_owned());
        match self {
            Self::BadBody => text(400, "bad.request", "Invalid request body"),
            Self::BadOauthBody => text(400, "invalid_request", "Invalid request body"),
            Self::UnsupportedContentType => text(400, "invalid_request", "Unsupported content type"),
            Self::TooLong => text(413, "invalid_request", "Request body is larger than 65536 bytes"),
            Self::WrongType { property, found, expected } => {
                (400, bad(property), format!("error in {property} - invalid type: {found} (expected {expected})"))
            }
            Self::UnknownMembers(names) => {
                (400, "bad.request", format!("the following properties are not allowed: {}", names.join(", ")))
            }
            Self::MissingProperty(name) => (400, bad(name), format!("Missing required property: {name}")),
            Self::MissingParameter(name) => (400, "invalid_request", format!("Missing required parameter: {name}")),
            Self::BadParameter(name) => (400, "invalid_request", format!("Parameter must be a string: {name}")),
            Self::NoSuchClient => text(400, "bad.client_id", "Client does not exist"),
            Self::NoSuchConnection => text(400, "bad.connection", "Connection does not exist"),
            Self::ConnectionDisabled => text(400, "bad.connection", "Connection is disabled"),
            Self::NotPasswordless => {
                text(400, "bad.connection", "Invalid connection strategy. It must either be a passwordless connection")
            }
            Self::BadSend => text(400, "bad.send", "error in send - invalid value"),
            Self::BadPhoneNumber => text(400, "bad.phone_number", r"String does not match pattern: ^\+[0-9]{1,15}$"),
            Self::PhoneNotAllowed => text(400, "bad.phone_number", "Phone number is not allowed"),
            Self::SmsProvider(sentence) => text(400, "sms_provider_error", sentence),
            Self::BadEmail(sent) => {
                (400, "bad.email", format!("error in email - email format validation failed: {sent}"))
            }
            Self::EmailProvider(sentence) => text(400, "email_provider_error", sentence),
            Self::SignupDisabledAtStart => text(400, "bad.connection", "Public signup is disabled"),
            Self::ClientAuthenticationRequired => {
                text(401, "unauthorized_client", "Client authentication is required.")
            }
            Self::Unauthorized => text(401, "access_denied", "Unauthorized"),
            Self::InvalidClient => text(401, "invalid_client", "Client authentication failed"),
            Self::BadAssertion(why) => (401, "invalid_client", why.to_string()),
            Self::UnsupportedGrant(grant) => {
                (400, "unsupported_grant_type", format!("Unsupported grant type: {grant}"))
            }
            Self::GrantNotAllowed(grant) => {
                (403, "unauthorized_client", format!("Grant type '{grant}' not allowed for the client."))
            }
            Self::UnknownService(audience) => {
                (403, "access_denied", Refused::UnknownService(audience.clone()).sentence())
            }
            Self::NoClientGrant(audience) => {
                (403, "access_denied", Refused::NoClientGrant(audience.clone()).sentence())
            }
            Self::InvalidScope(scope) => (400, "invalid_scope", Refused::Scope(scope.clone()).sentence()),
            Self::UnknownRealm(realm) => (400, "invalid_request", format!("Unknown realm {realm}.")),
            Self::NoDefaultDirectory => {
                text(500, "server_error", "Authorization server not configured with default connection.")
            }
            Self::WrongPassword => (403, "invalid_grant", Refused::WrongPassword.sentence()),
            Self::WrongCode(strategy) => (403, "invalid_grant", Refused::WrongCode(*strategy).sentence()),
            Self::MaxAttempts => (403, "invalid_grant", Refused::MaxAttempts.sentence()),
            Self::CodeExpired => (403, "invalid_grant", Refused::CodeExpired.sentence()),
            Self::UserBlocked => (401, "unauthorized", Refused::UserBlocked.sentence()),
            Self::SignupDisabled => (403, "access_denied", Refused::SignupDisabled.sentence()),
            Self::BadAuthorizationCode(sentence) => text(403, "invalid_grant", sentence),
            Self::BadAuthorization(code, sentence) => text(400, code, sentence),
            Self::BadRefreshToken => text(403, "invalid_grant", "Unknown or invalid refresh token."),
            Self::UserGone => {
                text(403, "invalid_grant", "The refresh_token was generated for a user who doesn't exist anymore.")
            }
            Self::MissingMember(name) => (400, "invalid_request", format!("missing {name} parameter")),
            Self::BadMember(name) => (400, "invalid_request", format!("error in {name} - invalid value")),
            Self::UnwantedMember(name) => {
                (400, "invalid_request", format!("error in {name} - the connection has no {name}"))
            }
            Self::UnknownClient => text(403, "unauthorized_client", "invalid client"),
            Self::ConnectionNotFound => text(400, "invalid_request", "the connection was not found"),
            Self::ConnectionNotEnabled => text(400, "invalid_request", "the connection was disabled"),
            Self::UnsupportedStrategy => {
                text(400, "invalid_request", "specified strategy does not support requested operation")
            }
            Self::PublicSignupDisabled => text(400, "public signup is disabled", "Public signup is disabled"),
            Self::InvalidSignup => text(400, "invalid_signup", "Invalid sign up"),
            Self::UserExists => text(400, "user_exists", "The user already exists."),
            Self::Weak(weak) => text(400, "invalid_password", weak.message()),
            Self::CrossOriginBody(members) => {
                let text = format!("Invalid request body. All and only of {members} are required.");
                (400, "invalid_request", text)
            }
            Self::UnknownCredentialType => {
                text(400, "unsupported_credential_type", "Unknown credential type parameter.")
            }
            Self::CrossOriginNotAllowed => text(401, "unauthorized_client", "Cross origin login not allowed."),
            Self::OriginNotAllowed(origin) => (403, "access_denied", format!("Origin {origin} is not allowed.")),
            Self::CrossOriginDenied(sentence) => text(403, "access_denied", sentence),
            Self::BlockedUser => text(403, "blocked_user", "Blocked user"),
            Self::LegacyOff => text(403, "access_denied", "Legacy grant types are not enabled for this tenant"),
            Self::InvalidUserPassword(sentence) => text(401, "invalid_user_password", sentence),
            Self::Mfa(error) => error.row(),
            Self::InvalidToken => text(401, "invalid_token", "The access token is invalid or has expired"),
            Self::TooManyRequests(..) => text(
                429,
                "too_many_requests",
                "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.",
            ),
            Self::TooManyAttempts => (429, "too_many_attempts", Refused::TooManyAttempts.sentence()),
            Self::SuspiciousAddress => (429, "too_many_attempts", Refused::SuspiciousAddress.sentence()),
            Self::NotFound => text(404, "not_found", "Not Found"),
            Self::MethodNotAllowed => text(405, "method_not_allowed", "Method Not Allowed"),
            Self::Server => text(500, "server_error", "server_error"),
            Self::Unavailable => {
                text(503, "temporarily_unavailable", "The server cannot take this request now. Try again shortly.")
            }
        }
    }

    /// The sentence a caller reads, which the tenant log repeats.
    pub fn description(&self) -> String {
        self.row().2
    }

    /// The machine code a caller reads.
    pub fn code(&self) -> String {
        self.row().1.to_owned()
    }

    /// The answer.
    pub fn reply(&self) -> Reply {
        let (status, error, description) = self.row();
        let mut body = match self.database_body(status) {
            Some(body) => body,
            None => json!({"error": error, "error_description": &description}),
        };
        if let (Self::Mfa(error), Some(members)) = (self, body.as_object_mut()) {
            error.complete(members);
        }
        if let (Self::GrantNotAllowed(_), Some(members)) = (self, body.as_object_mut()) {
            members.insert("error_uri".into(), "https://auth0.com/docs/clients/client-grant-types".into());
        }
        let reply = Reply::json(StatusCode::from_u16(status).unwrap_or_default(), &body);
        match self {
            Self::OriginNotAllowed(_) => Reply::bytes(reply.status, "text/plain; charset=utf-8", description),
            Self::InvalidToken => reply.with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
            Self::TooManyRequests(window, wait) => {
                with_window(reply, *window).with(header::RETRY_AFTER, &wait.to_string())
            }
            Self::Unavailable => reply.with(header::RETRY_AFTER, "1"),
            Self::Unauthorized | Self::InvalidClient | Self::BadAssertion(_) | Self::ClientAuthenticationRequired => {
                reply.with(header::CACHE_CONTROL, "no-store")
            }
            _ => reply,
        }
    }
}

impl AuthError {
    /// The bodies of sign-ups, which have members of their own (C1515-C1519).
    fn database_body(&self, status: u16) -> Option<Value> {
        Some(match self {
            Self::PublicSignupDisabled => json!({"error": self.code()}),
            Self::InvalidSignup | Self::UserExists => json!({"name": "BadRequestError", "code": self.code(),
                "description": self.description(), "statusCode": status}),
            Self::Weak(weak) => {
                let mut body = json!({"name": weak.name(), "message": weak.message(), "code": self.code(),
                    "description": weak.description(), "statusCode": status});
                if let (Some(policy), Some(members)) = (weak.policy(), body.as_object_mut()) {
                    members.insert("policy".into(), policy.into());
                }
                body
            }
            _ => return None,
        })
    }

    /// What the caller of a sign-up is told; `tells` says whether a taken address shows as such.
    pub fn of_sign_up(refused: SignUpRefused, tells: bool) -> Self {
        match refused {
            SignUpRefused::Disabled => Self::PublicSignupDisabled,
            SignUpRefused::Profile(Fault::Missing(name)) => Self::MissingMember(name),
            SignUpRefused::Profile(Fault::Malformed(name)) => Self::BadMember(name),
            SignUpRefused::Profile(Fault::NotAllowed(name)) => Self::UnwantedMember(name),
            SignUpRefused::Weak(weak) => Self::Weak(weak),
            SignUpRefused::Exists if tells => Self::UserExists,
            SignUpRefused::Exists => Self::InvalidSignup,
            SignUpRefused::SuspiciousAddress => Self::SuspiciousAddress,
            SignUpRefused::Busy => Self::Unavailable,
            SignUpRefused::Failed => Self::Server,
            SignUpRefused::Database(error) => error.into(),
        }
    }
}

impl From<RequestRefused> for AuthError {
    fn from(refused: RequestRefused) -> Self {
        match refused {
            RequestRefused::TooMany(window, wait) => Self::TooManyRequests(window, wait),
            RequestRefused::Database(error) => error.into(),
        }
    }
}

/// Adds the three rate-limit headers (C116).
pub fn with_window(reply: Reply, window: Window) -> Reply {
    let seconds = (window.reset_at + 999).div_euclid(1_000);
    reply
        .with(HeaderName::from_static("x-ratelimit-limit"), &window.limit.to_string())
        .with(HeaderName::from_static("x-ratelimit-remaining"), &window.remaining.to_string())
        .with(HeaderName::from_static("x-ratelimit-reset"), &seconds.to_string())
}

/// `bad.` and the member's name.
fn bad(property: &str) -> &'static str {
    match property {
        "client_id" => "bad.client_id",
        "connection" => "bad.connection",
        "phone_number" => "bad.phone_number",
        "email" => "bad.email",
        "send" => "bad.send",
        "authParams" => "bad.authParams",
        _ => "bad.request",
    }
}

impl From<DbError> for AuthError {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "a request failed on the database");
        if error.is_temporary() { Self::Unavailable } else { Self::Server }
    }
}

impl From<StartRefused> for AuthError {
    fn from(refused: StartRefused) -> Self {
        match refused {
            StartRefused::TooManyStarts(window, wait) => Self::TooManyRequests(window, wait),
            StartRefused::TooManyAttempts => Self::TooManyAttempts,
            StartRefused::SuspiciousAddress => Self::SuspiciousAddress,
            StartRefused::SignupDisabled => Self::SignupDisabledAtStart,
            StartRefused::Provider(Strategy::Email, sentence) => Self::EmailProvider(sentence),
            StartRefused::Provider(_, sentence) => Self::SmsProvider(sentence),
            StartRefused::Database(error) => error.into(),
        }
    }
}

impl From<Refused> for AuthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::UnknownService(audience) => Self::UnknownService(audience),
            Refused::NoClientGrant(audience) => Self::NoClientGrant(audience),
            Refused::Scope(scope) => Self::InvalidScope(scope),
            Refused::WrongPassword => Self::WrongPassword,
            Refused::WrongCode(strategy) => Self::WrongCode(strategy),
            Refused::MaxAttempts => Self::MaxAttempts,
            Refused::CodeExpired => Self::CodeExpired,
            Refused::UserBlocked => Self::UserBlocked,
            Refused::SignupDisabled => Self::SignupDisabled,
            Refused::TooManyAttempts => Self::TooManyAttempts,
            Refused::SuspiciousAddress => Self::SuspiciousAddress,
            Refused::SecondFactor(required) => Self::Mfa(MfaError::Required(required)),
            Refused::Busy => Self::Unavailable,
            Refused::Signing => Self::Server,
            Refused::Database(error) => error.into(),
        }
    }
}

impl From<CodeRefused> for AuthError {
    fn from(refused: CodeRefused) -> Self {
        match refused {
            CodeRefused::Invalid | CodeRefused::Verifier | CodeRefused::RedirectUri(..) => {
                Self::BadAuthorizationCode(refused.sentence())
            }
            CodeRefused::UserBlocked => Self::UserBlocked,
            CodeRefused::Signing => Self::Server,
            CodeRefused::Database(error) => error.into(),
        }
    }
}

impl From<OauthError> for AuthError {
    fn from(error: OauthError) -> Self {
        Self::BadAuthorization(error.code, error.description)
    }
}

impl From<NoTarget> for AuthError {
    fn from(why: NoTarget) -> Self {
        match why {
            NoTarget::Database(error) => error.into(),
            other => Self::BadAuthorization("invalid_request", other.sentence()),
        }
    }
}

impl From<RefreshRefused> for AuthError {
    fn from(refused: RefreshRefused) -> Self {
        match refused {
            RefreshRefused::Unknown | RefreshRefused::Reused(_) => Self::BadRefreshToken,
            RefreshRefused::UserGone => Self::UserGone,
            RefreshRefused::UserBlocked => Self::UserBlocked,
            RefreshRefused::Scope(scope) => Self::InvalidScope(scope),
            RefreshRefused::SecondFactor(required) => Self::Mfa(MfaError::Required(required)),
            RefreshRefused::Signing => Self::Server,
            RefreshRefused::Database(error) => error.into(),
        }
    }
}
