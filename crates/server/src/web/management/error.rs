//! The one error type of the Management API and the only writer of its error bodies
//! (`docs/COMPATIBILITY.md` C606-C616, C621-C624).

use http::{StatusCode, header};
use ringpass_core::model::password_policy::Weak;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::DbError;
use serde_json::json;

use crate::flows::new_password::PasswordRefused;
use crate::web::Reply;

/// Everything that a caller of the Management API can be told.
#[derive(Debug, Clone)]
pub enum ApiError {
    // Authentication.
    /// No `Authorization` header.
    MissingAuthentication,
    /// The header is not `Bearer` and a token.
    BadAuthenticationHeader,
    /// No token of ours.
    InvalidToken,
    /// Signed by nobody we know under that key id.
    InvalidSignature,
    /// The token's time is over.
    ExpiredToken,
    /// A token for another API; its audience.
    BadAudience(String),
    /// None of these scopes is in the token.
    InsufficientScope(&'static [&'static str]),
    // Reading the request.
    /// A body, query or path that breaks a rule.
    Invalid(Invalid),
    /// The body is no JSON.
    BadJson,
    /// The body broke off.
    BrokenBody,
    /// The body is longer than so many bytes.
    TooLong(usize),
    // Nouns that are not there.
    /// No such path.
    NotFound,
    /// No such connection.
    NoConnection,
    /// No such client.
    NoClient,
    /// The client has no such credential.
    NoCredential,
    /// No such API.
    NoResourceServer,
    /// No such client grant.
    NoClientGrant,
    /// No such user.
    NoUser,
    /// The user has no such identity.
    NoIdentity,
    /// No such role.
    NoRole,
    /// No such job.
    NoJob,
    /// No such log event.
    NoLog,
    /// No such refresh token.
    NoRefreshToken,
    /// No such session.
    NoSession,
    /// No such device credential.
    NoDeviceCredential,
    /// No such grant of a user.
    NoGrant,
    /// No such signing key.
    NoSigningKey,
    /// No such authentication method of a user.
    NoAuthenticationMethod,
    /// No such enrolment, or none of a user.
    NoEnrollment,
    /// No e-mail provider.
    NoEmailProvider,
    /// No such e-mail template.
    NoEmailTemplate,
    /// No page template.
    NoPageTemplate,
    /// No such theme.
    NoTheme,
    /// The address may try to sign in.
    AddressNotBlocked,
    /// Signals of another vendor, which this server never has.
    NoSignals,
    /// Phone messages go through the tenant-level provider, and these settings do nothing.
    PhoneIsConsolidated,
    /// A user is to be made in a connection that does not exist.
    NoConnectionForUser,
    // Nouns that are there already, or in the wrong state.
    /// The connection's name is taken.
    ConnectionConflict,
    /// The connection's name is taken by one that is being deleted.
    ConnectionGoing,
    /// The API's identifier is taken.
    ResourceServerConflict,
    /// The same grant exists.
    ClientGrantConflict,
    /// There is an e-mail provider already.
    EmailProviderConflict,
    /// There is such a mail template already.
    EmailTemplateConflict,
    /// The user has the same authentication method.
    AuthenticationMethodConflict,
    /// The role's name is taken.
    RoleConflict,
    /// There is a theme already.
    ThemeConflict,
    /// A user cannot be linked to itself.
    SameIdentity,
    /// The identity belongs to a user already.
    IdentityTaken,
    /// The same user exists.
    UserConflict,
    /// The password is none that this user may have.
    Weak(Weak),
    /// Paging goes no deeper into a list; the sentence says what does.
    BeyondWindow(&'static str),
    /// A search reads more than one may; the sentence says what to ask for.
    TooBroad(&'static str),
    /// The credential is attached to its client.
    CredentialAttached,
    /// Only a previous key can be revoked.
    KeyInUse,
    /// A part of the tenant that nobody may remove or change; the sentence says which.
    Untouchable(&'static str),
    // Failures.
    /// Too many passwords wait to be hashed.
    Busy,
    /// A bug; the process log has the cause.
    Server,
    /// The database failed.
    Database(DbError),
}

impl ApiError {
    /// Status, sentence and machine code of the wire; an empty code is left out.
    #[expect(clippy::too_many_lines, reason = "a table, with an arm for each sentence")]
    fn row(&self) -> (StatusCode, String, &'static str) {
        let text = |status, text: &str, code| (status, text.to_owned(), code);
        let no = |what: &str, code| text(StatusCode::NOT_FOUND, what, code);
        let bad = |what: &str, code| text(StatusCode::BAD_REQUEST, what, code);
        let conflict = |what: &str, code| text(StatusCode::CONFLICT, what, code);
        let busy =
            text(StatusCode::SERVICE_UNAVAILABLE, "The server cannot take this request now. Try again shortly.", "");
        match self {
            Self::MissingAuthentication => text(StatusCode::UNAUTHORIZED, "Missing authentication", ""),
            Self::BadAuthenticationHeader => bad("Bad HTTP authentication header format", "Bearer"),
            Self::InvalidToken => text(StatusCode::UNAUTHORIZED, "Invalid token", ""),
            Self::InvalidSignature => {
                text(StatusCode::UNAUTHORIZED, "Invalid signature received for JSON Web Token validation", "")
            }
            Self::ExpiredToken => {
                text(StatusCode::UNAUTHORIZED, "Expired token received for JSON Web Token validation", "")
            }
            Self::BadAudience(audience) => (StatusCode::UNAUTHORIZED, format!("Bad audience: {audience}"), ""),
            Self::InsufficientScope(scopes) => {
                let message = format!("Insufficient scope, expected any of: {}", scopes.join(","));
                (StatusCode::FORBIDDEN, message, "insufficient_scope")
            }
            Self::Invalid(invalid) => (StatusCode::BAD_REQUEST, invalid.message.clone(), invalid.code()),
            Self::BadJson => bad("Invalid request payload JSON format", "invalid_body"),
            Self::BrokenBody => bad("The request body could not be read", "invalid_body"),
            Self::TooLong(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("Payload content length greater than maximum allowed: {limit}"),
                "",
            ),
            Self::NotFound => no("Not Found", ""),
            Self::NoConnection => no("The connection does not exist", "inexistent_connection"),
            Self::NoClient => no("The client does not exist", "inexistent_client"),
            Self::NoCredential => no("The credential does not exist", "inexistent_credential"),
            Self::NoResourceServer => no("The resource server does not exist", "inexistent_resource_server"),
            Self::NoClientGrant => no("The client grant does not exist", "inexistent_client_grant"),
            Self::NoUser => no("The user does not exist.", "inexistent_user"),
            Self::NoIdentity => no("The identity does not exist", "inexistent_identity"),
            Self::NoRole => no("The role does not exist", "inexistent_role"),
            Self::NoJob => no("The job does not exist", "inexistent_job"),
            Self::NoLog => no("The log does not exist", "log_not_found"),
            Self::NoRefreshToken => no("The refresh token does not exist", "inexistent_refresh_token"),
            Self::NoSession => no("The session does not exist", "inexistent_session"),
            Self::NoDeviceCredential => no("The device credential does not exist", "inexistent_device_credential"),
            Self::NoGrant => no("The grant does not exist", "inexistent_grant"),
            Self::NoSigningKey => no("The signing key does not exist", "inexistent_signing_key"),
            Self::NoAuthenticationMethod => {
                no("The authentication method does not exist", "inexistent_authentication_method")
            }
            Self::NoEnrollment => no("Enrollment not found", "enrollment_not_found"),
            Self::NoEmailProvider => no("There is not a configured email provider", "inexistent_email_provider"),
            Self::NoEmailTemplate => no("The template does not exist.", "inexistent_email_template"),
            Self::NoPageTemplate => no("Template does not exist.", "inexistent_templates_universal_login"),
            Self::NoTheme => no("There was an error retrieving branding settings: invalid theme ID", "theme_not_found"),
            Self::AddressNotBlocked => no("IP is not blocked", ""),
            Self::NoSignals => text(
                StatusCode::FORBIDDEN,
                "Please upgrade your subscription to enable Akamai Signals.",
                "insufficient_scope",
            ),
            Self::PhoneIsConsolidated => text(
                StatusCode::FORBIDDEN,
                "This endpoint is disabled for your tenant.",
                "phone_consolidated_experience_enabled",
            ),
            Self::NoConnectionForUser => bad("The connection does not exist.", "inexistent_connection"),
            Self::ConnectionConflict => {
                conflict("A connection with the same name already exists", "connection_conflict")
            }
            Self::ConnectionGoing => conflict(
                "A connection with the same name already exists: it is being deleted with its users, \
                 and the name is free when they are gone",
                "connection_conflict",
            ),
            Self::ResourceServerConflict => {
                conflict("A resource server with the same identifier already exists.", "resource_server_conflict")
            }
            Self::ClientGrantConflict => {
                conflict("A resource with the same identifier already exists.", "client_grant_conflict")
            }
            Self::EmailProviderConflict => {
                conflict("There is already an email provider configured.", "email_provider_conflict")
            }
            Self::EmailTemplateConflict => {
                conflict("There is already an email template with this name.", "email_template_conflict")
            }
            Self::AuthenticationMethodConflict => conflict(
                "The user already has an authentication method of this type and value.",
                "authentication_method_conflict",
            ),
            Self::RoleConflict => conflict("A role with the same name already exists.", "role_conflict"),
            Self::ThemeConflict => conflict("A theme exists already.", "theme_conflict"),
            Self::SameIdentity => bad("Main account and specified identity are the same.", "invalid_body"),
            Self::IdentityTaken => conflict("Specified identity already belongs to a user.", "identity_conflict"),
            Self::UserConflict => conflict("The user already exists.", "auth0_idp_error"),
            Self::Weak(weak) => (StatusCode::BAD_REQUEST, format!("{}: {}", weak.name(), weak.message()), ""),
            Self::BeyondWindow(sentence) => bad(sentence, "invalid_paging"),
            Self::TooBroad(sentence) => bad(sentence, "invalid_query_string"),
            Self::CredentialAttached => conflict(
                "The credential is attached to the client: detach it first (client_authentication_methods)",
                "credential_attached",
            ),
            Self::KeyInUse => bad("Only a previous signing key can be revoked", "invalid_body"),
            Self::Untouchable(sentence) => bad(sentence, "operation_not_supported"),
            Self::Busy => busy,
            Self::Database(error) if error.is_temporary() => busy,
            Self::Server | Self::Database(_) => {
                text(StatusCode::INTERNAL_SERVER_ERROR, "An internal server error occurred", "")
            }
        }
    }

    /// The sentence a caller reads, which the tenant log repeats.
    pub fn message(&self) -> String {
        self.row().1
    }

    /// The answer.
    pub fn reply(&self) -> Reply {
        let (status, message, code) = self.row();
        let reason = status.canonical_reason().unwrap_or_default();
        let mut body = json!({"statusCode": status.as_u16(), "error": reason, "message": message});
        if let Some(members) = body.as_object_mut() {
            if !code.is_empty() {
                members.insert("errorCode".into(), code.into());
            }
            if matches!(self, Self::InvalidToken | Self::InvalidSignature | Self::ExpiredToken) {
                members.insert("attributes".into(), json!({"error": message}));
            }
        }
        let reply = Reply::json(status, &body);
        match self {
            Self::MissingAuthentication => reply.with(header::WWW_AUTHENTICATE, "Bearer"),
            Self::Busy => reply.with(header::RETRY_AFTER, "1"),
            Self::Database(error) if error.is_temporary() => reply.with(header::RETRY_AFTER, "1"),
            _ => reply,
        }
    }
}

impl From<PasswordRefused> for ApiError {
    fn from(refused: PasswordRefused) -> Self {
        match refused {
            PasswordRefused::Weak(weak) => Self::Weak(weak),
            PasswordRefused::Busy => Self::Busy,
            PasswordRefused::Failed => Self::Server,
            PasswordRefused::Database(error) => Self::Database(error),
        }
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(error: &ApiError) -> (u16, String) {
        let reply = error.reply();
        (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
    }

    #[test]
    fn a_missing_scope_is_worded_as_tools_expect() {
        let (status, text) = body(&ApiError::InsufficientScope(&["read:connections", "read:clients"]));
        assert_eq!(status, 403);
        assert_eq!(
            text,
            r#"{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: read:connections,read:clients","errorCode":"insufficient_scope"}"#
        );
    }

    #[test]
    fn an_invalid_token_repeats_itself_in_attributes_and_an_unknown_path_says_little() {
        let (_, text) = body(&ApiError::InvalidToken);
        assert_eq!(
            text,
            r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid token","attributes":{"error":"Invalid token"}}"#
        );
        let (_, text) = body(&ApiError::NotFound);
        assert_eq!(text, r#"{"statusCode":404,"error":"Not Found","message":"Not Found"}"#);
    }

    #[test]
    fn a_busy_database_asks_to_come_back() {
        for busy in [ApiError::from(DbError::Full), ApiError::Busy] {
            let busy = busy.reply();
            assert_eq!((busy.status.as_u16(), busy.headers.contains_key(header::RETRY_AFTER)), (503, true));
        }
        let broken = ApiError::from(DbError::Shape(1)).reply();
        assert_eq!((broken.status.as_u16(), broken.headers.contains_key(header::RETRY_AFTER)), (500, false));
    }
}
