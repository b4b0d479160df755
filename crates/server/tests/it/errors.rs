//! The error reference of the Authentication API: every error it can answer with, as it is answered.

use expect_test::expect;
use ringpass::flows::limits::Window;
use ringpass::flows::mfa::{MfaRefused, Way};
use ringpass::flows::settle::Required;
use ringpass::web::auth::error::AuthError;
use ringpass::web::auth::mfa::error::MfaError;
use ringpass_core::model::assertion::Refused;
use ringpass_core::model::authenticator::Kind;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::guardian::MessageType;
use ringpass_core::model::password_policy::Weak;

use crate::world::{Answer, Lines as _, NOW};

/// Every error, in the order of its declaration.
fn all() -> Vec<AuthError> {
    use AuthError as E;
    let text = |text: &str| text.to_owned();
    vec![
        E::BadBody,
        E::BadOauthBody,
        E::UnsupportedContentType,
        E::TooLong,
        E::WrongType { property: "authParams", found: "string", expected: "object" },
        E::UnknownMembers(vec![text("foo"), text("bar")]),
        E::MissingProperty("client_id"),
        E::MissingParameter("otp"),
        E::BadParameter("otp"),
        E::NoSuchClient,
        E::NoSuchConnection,
        E::ConnectionDisabled,
        E::NotPasswordless,
        E::BadSend,
        E::BadPhoneNumber,
        E::PhoneNotAllowed,
        E::SmsProvider(text("Unexpected response while calling the SMS gateway: 503")),
        E::BadEmail(text("food")),
        E::EmailProvider(text("Unexpected response while calling the email server: 550")),
        E::SignupDisabledAtStart,
        E::ClientAuthenticationRequired,
        E::Unauthorized,
        E::InvalidClient,
        E::BadAssertion(Refused::Expired),
        E::UnsupportedGrant(text("foo")),
        E::GrantNotAllowed(text("http://auth0.com/oauth/grant-type/passwordless/otp")),
        E::UnknownService(text("https://api.example")),
        E::NoClientGrant(text("https://api.example")),
        E::InvalidScope(text("read:messages")),
        E::UnknownRealm(text("foo")),
        E::NoDefaultDirectory,
        E::WrongPassword,
        E::WrongCode(Strategy::Sms),
        E::MaxAttempts,
        E::CodeExpired,
        E::UserBlocked,
        E::SignupDisabled,
        E::BadAuthorizationCode("Invalid authorization code".into()),
        E::BadAuthorization("unsupported_response_type", "Unsupported response type: x".into()),
        E::BadRefreshToken,
        E::UserGone,
        E::MissingMember("connection"),
        E::BadMember("email"),
        E::UnwantedMember("username"),
        E::UnknownClient,
        E::ConnectionNotFound,
        E::ConnectionNotEnabled,
        E::UnsupportedStrategy,
        E::PublicSignupDisabled,
        E::InvalidSignup,
        E::UserExists,
        E::Weak(Weak::Used(5)),
        E::CrossOriginBody(text("client_id, credential_type, username, otp, realm")),
        E::UnknownCredentialType,
        E::CrossOriginNotAllowed,
        E::OriginNotAllowed(text("https://x.example")),
        E::CrossOriginDenied(text("Wrong email or password.")),
        E::BlockedUser,
        E::LegacyOff,
        E::InvalidUserPassword(text("Wrong phone number or verification code.")),
        E::InvalidToken,
        E::Mfa(MfaError::Required(Required {
            mfa_token: text("Fe26.2*…"),
            is_enrolled: true,
            types: vec!["phone", "otp"],
            user_id: String::new(),
        })),
        E::TooManyRequests(Window { limit: 50, remaining: 0, reset_at: NOW + 72_000 }, 72),
        E::TooManyAttempts,
        E::SuspiciousAddress,
        E::NotFound,
        E::MethodNotAllowed,
        E::Server,
        E::Unavailable,
    ]
}

/// A new variant does not compile until it stands here and above.
fn name(error: &AuthError) -> &'static str {
    macro_rules! names {
        ($($name:ident),*) => { match error { $(AuthError::$name { .. } => stringify!($name)),* } };
    }
    names!(
        BadBody,
        BadOauthBody,
        UnsupportedContentType,
        TooLong,
        WrongType,
        UnknownMembers,
        MissingProperty,
        MissingParameter,
        BadParameter,
        NoSuchClient,
        NoSuchConnection,
        ConnectionDisabled,
        NotPasswordless,
        BadSend,
        BadPhoneNumber,
        PhoneNotAllowed,
        SmsProvider,
        BadEmail,
        EmailProvider,
        SignupDisabledAtStart,
        ClientAuthenticationRequired,
        Unauthorized,
        InvalidClient,
        BadAssertion,
        UnsupportedGrant,
        GrantNotAllowed,
        UnknownService,
        NoClientGrant,
        InvalidScope,
        UnknownRealm,
        NoDefaultDirectory,
        WrongPassword,
        WrongCode,
        MaxAttempts,
        CodeExpired,
        UserBlocked,
        SignupDisabled,
        BadAuthorizationCode,
        BadAuthorization,
        BadRefreshToken,
        UserGone,
        MissingMember,
        BadMember,
        UnwantedMember,
        UnknownClient,
        ConnectionNotFound,
        ConnectionNotEnabled,
        UnsupportedStrategy,
        PublicSignupDisabled,
        InvalidSignup,
        UserExists,
        Weak,
        CrossOriginBody,
        UnknownCredentialType,
        CrossOriginNotAllowed,
        OriginNotAllowed,
        CrossOriginDenied,
        BlockedUser,
        LegacyOff,
        InvalidUserPassword,
        InvalidToken,
        Mfa,
        TooManyRequests,
        TooManyAttempts,
        SuspiciousAddress,
        NotFound,
        MethodNotAllowed,
        Server,
        Unavailable
    )
}

#[test]
fn every_error_is_answered_like_this() {
    let mut out = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for error in all() {
        assert!(seen.insert(name(&error)), "{} stands twice", name(&error));
        let reply = error.reply();
        let answer = Answer { status: reply.status, headers: reply.headers, body: reply.body, at: String::new() };
        out.line(format!("{}: {}", name(&error), answer.line()));
        for (name, value) in answer.headers.iter().filter(|(name, _)| *name != "content-type") {
            out.line(format!("    {name}: {}", value.to_str().unwrap_or_default()));
        }
    }
    assert_eq!(seen.len(), 69, "an error is missing from the list");
    expect![[r#"
        BadBody: 400 {"error":"bad.request","error_description":"Invalid request body"}
        BadOauthBody: 400 {"error":"invalid_request","error_description":"Invalid request body"}
        UnsupportedContentType: 400 {"error":"invalid_request","error_description":"Unsupported content type"}
        TooLong: 413 {"error":"invalid_request","error_description":"Request body is larger than 65536 bytes"}
        WrongType: 400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: string (expected object)"}
        UnknownMembers: 400 {"error":"bad.request","error_description":"the following properties are not allowed: foo, bar"}
        MissingProperty: 400 {"error":"bad.client_id","error_description":"Missing required property: client_id"}
        MissingParameter: 400 {"error":"invalid_request","error_description":"Missing required parameter: otp"}
        BadParameter: 400 {"error":"invalid_request","error_description":"Parameter must be a string: otp"}
        NoSuchClient: 400 {"error":"bad.client_id","error_description":"Client does not exist"}
        NoSuchConnection: 400 {"error":"bad.connection","error_description":"Connection does not exist"}
        ConnectionDisabled: 400 {"error":"bad.connection","error_description":"Connection is disabled"}
        NotPasswordless: 400 {"error":"bad.connection","error_description":"Invalid connection strategy. It must either be a passwordless connection"}
        BadSend: 400 {"error":"bad.send","error_description":"error in send - invalid value"}
        BadPhoneNumber: 400 {"error":"bad.phone_number","error_description":"String does not match pattern: ^\\+[0-9]{1,15}$"}
        PhoneNotAllowed: 400 {"error":"bad.phone_number","error_description":"Phone number is not allowed"}
        SmsProvider: 400 {"error":"sms_provider_error","error_description":"Unexpected response while calling the SMS gateway: 503"}
        BadEmail: 400 {"error":"bad.email","error_description":"error in email - email format validation failed: food"}
        EmailProvider: 400 {"error":"email_provider_error","error_description":"Unexpected response while calling the email server: 550"}
        SignupDisabledAtStart: 400 {"error":"bad.connection","error_description":"Public signup is disabled"}
        ClientAuthenticationRequired: 401 {"error":"unauthorized_client","error_description":"Client authentication is required."}
            cache-control: no-store
        Unauthorized: 401 {"error":"access_denied","error_description":"Unauthorized"}
            cache-control: no-store
        InvalidClient: 401 {"error":"invalid_client","error_description":"Client authentication failed"}
            cache-control: no-store
        BadAssertion: 401 {"error":"invalid_client","error_description":"'exp' claim is in the past"}
            cache-control: no-store
        UnsupportedGrant: 400 {"error":"unsupported_grant_type","error_description":"Unsupported grant type: foo"}
        GrantNotAllowed: 403 {"error":"unauthorized_client","error_description":"Grant type 'http://auth0.com/oauth/grant-type/passwordless/otp' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
        UnknownService: 403 {"error":"access_denied","error_description":"Service not found: https://api.example"}
        NoClientGrant: 403 {"error":"access_denied","error_description":"Client is not authorized to access \"https://api.example\"."}
        InvalidScope: 400 {"error":"invalid_scope","error_description":"Client has not been granted scopes: read:messages"}
        UnknownRealm: 400 {"error":"invalid_request","error_description":"Unknown realm foo."}
        NoDefaultDirectory: 500 {"error":"server_error","error_description":"Authorization server not configured with default connection."}
        WrongPassword: 403 {"error":"invalid_grant","error_description":"Wrong email or password."}
        WrongCode: 403 {"error":"invalid_grant","error_description":"Wrong phone number or verification code."}
        MaxAttempts: 403 {"error":"invalid_grant","error_description":"You've reached the maximum number of attempts. Please try to login again."}
        CodeExpired: 403 {"error":"invalid_grant","error_description":"The verification code has expired. Please try to login again."}
        UserBlocked: 401 {"error":"unauthorized","error_description":"user is blocked"}
        SignupDisabled: 403 {"error":"access_denied","error_description":"Public signup is disabled"}
        BadAuthorizationCode: 403 {"error":"invalid_grant","error_description":"Invalid authorization code"}
        BadAuthorization: 400 {"error":"unsupported_response_type","error_description":"Unsupported response type: x"}
        BadRefreshToken: 403 {"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}
        UserGone: 403 {"error":"invalid_grant","error_description":"The refresh_token was generated for a user who doesn't exist anymore."}
        MissingMember: 400 {"error":"invalid_request","error_description":"missing connection parameter"}
        BadMember: 400 {"error":"invalid_request","error_description":"error in email - invalid value"}
        UnwantedMember: 400 {"error":"invalid_request","error_description":"error in username - the connection has no username"}
        UnknownClient: 403 {"error":"unauthorized_client","error_description":"invalid client"}
        ConnectionNotFound: 400 {"error":"invalid_request","error_description":"the connection was not found"}
        ConnectionNotEnabled: 400 {"error":"invalid_request","error_description":"the connection was disabled"}
        UnsupportedStrategy: 400 {"error":"invalid_request","error_description":"specified strategy does not support requested operation"}
        PublicSignupDisabled: 400 {"error":"public signup is disabled"}
        InvalidSignup: 400 {"name":"BadRequestError","code":"invalid_signup","description":"Invalid sign up","statusCode":400}
        UserExists: 400 {"name":"BadRequestError","code":"user_exists","description":"The user already exists.","statusCode":400}
        Weak: 400 {"name":"PasswordHistoryError","message":"Password has previously been used","code":"invalid_password","description":"You may not reuse any of the last 5 passwords.","statusCode":400}
        CrossOriginBody: 400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        UnknownCredentialType: 400 {"error":"unsupported_credential_type","error_description":"Unknown credential type parameter."}
        CrossOriginNotAllowed: 401 {"error":"unauthorized_client","error_description":"Cross origin login not allowed."}
        OriginNotAllowed: 403 Origin https://x.example is not allowed.
        CrossOriginDenied: 403 {"error":"access_denied","error_description":"Wrong email or password."}
        BlockedUser: 403 {"error":"blocked_user","error_description":"Blocked user"}
        LegacyOff: 403 {"error":"access_denied","error_description":"Legacy grant types are not enabled for this tenant"}
        InvalidUserPassword: 401 {"error":"invalid_user_password","error_description":"Wrong phone number or verification code."}
        InvalidToken: 401 {"error":"invalid_token","error_description":"The access token is invalid or has expired"}
            www-authenticate: Bearer error="invalid_token"
        Mfa: 403 {"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26.2*…","mfa_requirements":{"challenge":[{"type":"phone"},{"type":"otp"}]}}
        TooManyRequests: 429 {"error":"too_many_requests","error_description":"Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."}
            x-ratelimit-limit: 50
            x-ratelimit-remaining: 0
            x-ratelimit-reset: 1767323118
            retry-after: 72
        TooManyAttempts: 429 {"error":"too_many_attempts","error_description":"Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your preferred contact method with instructions on how to unblock it."}
        SuspiciousAddress: 429 {"error":"too_many_attempts","error_description":"We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."}
        NotFound: 404 {"error":"not_found","error_description":"Not Found"}
        MethodNotAllowed: 405 {"error":"method_not_allowed","error_description":"Method Not Allowed"}
        Server: 500 {"error":"server_error","error_description":"server_error"}
        Unavailable: 503 {"error":"temporarily_unavailable","error_description":"The server cannot take this request now. Try again shortly."}
            retry-after: 1
    "#]].assert_eq(&out);
}

/// Every error about a second factor, in the order of its declaration.
#[test]
fn every_error_about_a_second_factor_is_answered_like_this() {
    use MfaError as E;
    use MfaRefused as R;
    let (sms, voice) = (Way::Phone(MessageType::Sms), Way::Phone(MessageType::Voice));
    let flow = [
        R::WrongCode(Kind::Phone),
        R::WrongCode(Kind::Totp),
        R::WrongCode(Kind::RecoveryCode),
        R::CodeExpired,
        R::NotEnrolled(Kind::Totp),
        R::NotEnrolled(Kind::RecoveryCode),
        R::TooManyCodes,
        R::TooManyMessages(sms),
        R::TooManyMessages(voice),
        R::TooManyMessages(Way::Email),
        R::BadPhone,
        R::BadEmail,
        R::Unsupported,
        R::AlreadyEnrolled,
        R::UserBlocked,
        R::NotSent(sms),
        R::NotSent(voice),
        R::NotSent(Way::Email),
    ];
    let own = [
        E::Required(Required {
            mfa_token: "Fe26.2*…".into(),
            is_enrolled: false,
            types: vec!["phone"],
            user_id: String::new(),
        }),
        E::TokenMalformed,
        E::TokenExpired,
        E::TokenInvalid,
        E::ForeignToken,
        E::OobMalformed,
        E::OobMismatch,
        E::AssociationRequired,
        E::UnsupportedChallenge("The user has none of the requested challenge types (otp), but: oob".into()),
        E::UnknownAuthenticator,
        E::NotFound,
        E::Implicit,
        E::BadMember("authenticator_types"),
        E::InsufficientScope("remove:authenticators"),
    ];
    let mut out = String::new();
    for error in own.into_iter().chain(flow.into_iter().map(E::Refused)) {
        let reply = AuthError::from(error).reply();
        let answer = Answer { status: reply.status, headers: reply.headers, body: reply.body, at: String::new() };
        out.line(answer.line());
    }
    expect![[r#"
        403 {"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26.2*…","mfa_requirements":{"enroll":[{"type":"phone"}]}}
        403 {"error":"invalid_grant","error_description":"Malformed mfa_token"}
        403 {"error":"expired_token","error_description":"mfa_token is expired"}
        401 {"error":"invalid_grant","error_description":"The mfa_token provided is invalid. Try getting a new token."}
        400 {"error":"invalid_request","error_description":"mfa_token not issued to this client"}
        403 {"error":"invalid_grant","error_description":"Malformed oob_code"}
        400 {"error":"invalid_request","error_description":"The oob_code doesn't match the mfa_token"}
        401 {"error":"association_required","error_description":"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator."}
        401 {"error":"unsupported_challenge_type","error_description":"The user has none of the requested challenge types (otp), but: oob"}
        400 {"error":"invalid_request","error_description":"Invalid authenticator_id"}
        404 {"error":"not_found","error_description":"Authenticator not found"}
        400 {"error":"invalid_request","error_description":"The authenticator of a verified e-mail address cannot be removed"}
        400 {"error":"invalid_request","error_description":"error in authenticator_types - invalid value"}
        403 {"error":"insufficient_scope","error_description":"Insufficient scope, expected: remove:authenticators"}
        403 {"error":"invalid_grant","error_description":"Invalid binding_code."}
        403 {"error":"invalid_grant","error_description":"Invalid otp_code."}
        403 {"error":"invalid_grant","error_description":"Invalid recovery_code."}
        403 {"error":"expired_token","error_description":"oob_code is expired"}
        401 {"error":"unsupported_challenge_type","error_description":"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator."}
        403 {"error":"unsupported_challenge_type","error_description":"User does not have a recovery-code."}
        429 {"error":"invalid_request","error_description":"Too many failed codes. Wait for some minutes before retrying."}
        429 {"error":"invalid_request","error_description":"Too many SMS sent by the user. Wait for some minutes before retrying."}
        429 {"error":"invalid_request","error_description":"Too many SMS sent by the user. Wait for some minutes before retrying."}
        429 {"error":"invalid_request","error_description":"Too many emails sent by the user. Wait for some minutes before retrying."}
        400 {"error":"invalid_request","error_description":"Invalid phone number"}
        400 {"error":"invalid_request","error_description":"Invalid email"}
        400 {"error":"invalid_request","error_description":"Unsupported authenticator type"}
        403 {"error":"access_denied","error_description":"User is already enrolled."}
        401 {"error":"unauthorized","error_description":"user is blocked"}
        400 {"error":"invalid_request","error_description":"There was an error sending the SMS"}
        400 {"error":"invalid_request","error_description":"There was an error making the voice call"}
        400 {"error":"invalid_request","error_description":"There was an error sending the email"}
    "#]].assert_eq(&out);
}
