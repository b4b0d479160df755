//! Every error of the Authentication API with its body: the product's error reference.

use expect_test::expect;
use ringpass::flows::limits::Window;
use ringpass::web::auth::error::AuthError;

#[test]
fn every_error_says_this() {
    let window = Window { limit: 50, remaining: 0, reset_at: 1_767_323_117_678 };
    let text = || "x".to_owned();
    let all = [
        AuthError::BadBody,
        AuthError::BadOauthBody,
        AuthError::UnsupportedContentType,
        AuthError::TooLong,
        AuthError::WrongType { property: "authParams", found: "string", expected: "object" },
        AuthError::UnknownMembers(vec!["foo".to_owned(), "bar".to_owned()]),
        AuthError::MissingProperty("phone_number"),
        AuthError::MissingParameter("otp"),
        AuthError::BadParameter("otp"),
        AuthError::NoSuchClient,
        AuthError::NoSuchConnection,
        AuthError::ConnectionDisabled,
        AuthError::NotPasswordless,
        AuthError::BadSend,
        AuthError::BadPhoneNumber,
        AuthError::PhoneNotAllowed,
        AuthError::SmsProvider("Unexpected response while calling the SMS gateway: 503".to_owned()),
        AuthError::SignupDisabledAtStart,
        AuthError::ClientAuthenticationRequired,
        AuthError::Unauthorized,
        AuthError::AssertionUnsupported,
        AuthError::UnsupportedGrant(text()),
        AuthError::GrantNotAllowed(text()),
        AuthError::UnknownService(text()),
        AuthError::NoClientGrant(text()),
        AuthError::InvalidScope(text()),
        AuthError::UnknownRealm(text()),
        AuthError::WrongCode,
        AuthError::MaxAttempts,
        AuthError::CodeExpired,
        AuthError::UserBlocked,
        AuthError::SignupDisabled,
        AuthError::BadRefreshToken,
        AuthError::UserGone,
        AuthError::InvalidToken,
        AuthError::TooManyRequests(window, 72),
        AuthError::TooManyAttempts,
        AuthError::NotFound,
        AuthError::MethodNotAllowed,
        AuthError::Server,
        AuthError::Unavailable,
    ];
    let lines: String = all
        .iter()
        .map(|error| {
            let reply = error.reply();
            format!("{} {}\n", reply.status.as_u16(), String::from_utf8_lossy(&reply.body))
        })
        .collect();
    expect![[r#"
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        413 {"error":"invalid_request","error_description":"Request body is larger than 65536 bytes"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: string (expected object)"}
        400 {"error":"bad.request","error_description":"the following properties are not allowed: foo, bar"}
        400 {"error":"bad.phone_number","error_description":"Missing required property: phone_number"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: otp"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: otp"}
        400 {"error":"bad.client_id","error_description":"Client does not exist"}
        400 {"error":"bad.connection","error_description":"Connection does not exist"}
        400 {"error":"bad.connection","error_description":"Connection is disabled"}
        400 {"error":"bad.connection","error_description":"Invalid connection strategy. It must either be a passwordless connection"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.phone_number","error_description":"String does not match pattern: ^\\+[0-9]{1,15}$"}
        400 {"error":"bad.phone_number","error_description":"Phone number is not allowed"}
        400 {"error":"sms_provider_error","error_description":"Unexpected response while calling the SMS gateway: 503"}
        400 {"error":"bad.connection","error_description":"Public signup is disabled"}
        401 {"error":"unauthorized_client","error_description":"Client authentication is required."}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"invalid_client","error_description":"Client assertions are not supported by this server"}
        400 {"error":"unsupported_grant_type","error_description":"Unsupported grant type: x"}
        403 {"error":"unauthorized_client","error_description":"Grant type 'x' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
        403 {"error":"access_denied","error_description":"Service not found: x"}
        403 {"error":"access_denied","error_description":"Client is not authorized to access \"x\"."}
        400 {"error":"invalid_scope","error_description":"Client has not been granted scopes: x"}
        400 {"error":"invalid_request","error_description":"Unknown realm x."}
        403 {"error":"invalid_grant","error_description":"Wrong phone number or verification code."}
        403 {"error":"invalid_grant","error_description":"You've reached the maximum number of attempts. Please try to login again."}
        403 {"error":"invalid_grant","error_description":"The verification code has expired. Please try to login again."}
        401 {"error":"unauthorized","error_description":"user is blocked"}
        403 {"error":"access_denied","error_description":"Public signup is disabled"}
        403 {"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}
        403 {"error":"invalid_grant","error_description":"The refresh_token was generated for a user who doesn't exist anymore."}
        401 {"error":"invalid_token","error_description":"The access token is invalid or has expired"}
        429 {"error":"too_many_requests","error_description":"Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."}
        429 {"error":"too_many_attempts","error_description":"Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your preferred contact method with instructions on how to unblock it."}
        404 {"error":"not_found","error_description":"Not Found"}
        405 {"error":"method_not_allowed","error_description":"Method Not Allowed"}
        500 {"error":"server_error","error_description":"server_error"}
        503 {"error":"temporarily_unavailable","error_description":"The server cannot take this request now. Try again shortly."}
    "#]].assert_eq(&lines);
}
