//! What an application asks of the authorization endpoint, read and checked (RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core
//! §3; `docs/COMPATIBILITY.md` C1305-C1315).

use serde::{Deserialize, Serialize};

use crate::kit::hash;

/// A request for authorization whose client and redirect URI are proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// What the answer carries.
    pub response_type: ResponseType,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Where the answer goes: one of the client's callbacks.
    pub redirect_uri: String,
    /// Whether the request named the redirect URI; then the exchange must name it too.
    pub redirect_uri_was_sent: bool,
    /// Scopes asked for, space separated.
    pub scope: String,
    /// Echoed in the answer.
    pub state: Option<String>,
    /// Echoed in the ID token.
    pub nonce: Option<String>,
    /// Identifier of an API.
    pub audience: Option<String>,
    /// Name of the connection to sign in with.
    pub connection: Option<String>,
    /// Prefills the identifier.
    pub login_hint: Option<String>,
    /// Whether sign-up is to be shown first.
    pub is_signup: bool,
    /// What the person must, or must not, be asked.
    pub prompt: Prompt,
    /// Longest time since the person last proved who they are, seconds.
    pub max_age: Option<i64>,
    /// Authentication context classes wished for, space separated.
    pub acr_values: Option<String>,
    /// Languages wished for, space separated.
    pub ui_locales: Option<String>,
    /// Proof key of the code.
    pub challenge: Option<Challenge>,
}

impl AuthorizationRequest {
    /// Of no application: pages that a link has opened, and that lead nowhere.
    pub fn of_nobody(ui_locales: Option<&str>) -> Self {
        Self {
            client_id: String::new(),
            response_type: ResponseType { code: false, token: false, id_token: false },
            response_mode: ResponseMode::Query,
            redirect_uri: String::new(),
            redirect_uri_was_sent: false,
            scope: String::new(),
            state: None,
            nonce: None,
            audience: None,
            connection: None,
            login_hint: None,
            is_signup: false,
            prompt: Prompt::default(),
            max_age: None,
            acr_values: None,
            ui_locales: ui_locales.map(str::to_owned),
            challenge: None,
        }
    }
}

/// What the answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseType {
    /// An authorization code.
    pub code: bool,
    /// An access token.
    pub token: bool,
    /// An ID token.
    pub id_token: bool,
}

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// In the redirect URI's query.
    Query,
    /// In its fragment.
    Fragment,
    /// As a form that the browser posts.
    FormPost,
    /// As a message to the page that opened, or frames, this one.
    WebMessage,
}

/// What the person must, or must not, be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Nothing may be asked.
    pub none: bool,
    /// They must prove again who they are.
    pub login: bool,
    /// They must consent again.
    pub consent: bool,
}

/// A proof key (RFC 7636): who redeems the code must know what this was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The challenge as sent.
    pub text: String,
    /// Whether it is the SHA-256 of the verifier (`S256`); else it is the verifier itself (`plain`).
    pub is_hashed: bool,
}

/// An error of OAuth 2.0 or OpenID Connect: machine code and sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthError {
    /// `error`.
    pub code: &'static str,
    /// `error_description`.
    pub description: String,
}

impl OauthError {
    /// An error with this code and sentence.
    pub fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    fn invalid(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

/// The parameters of a request; an empty one counts as not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(pub Vec<(String, String)>);

impl Parameters {
    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn own(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Where an answer to this request goes even when the rest of it is wrong.
    pub fn response_mode(&self) -> ResponseMode {
        let kind = self.get("response_type").and_then(ResponseType::parse);
        let named = self.get("response_mode").and_then(ResponseMode::parse);
        named.unwrap_or_else(|| kind.map_or(ResponseMode::Query, ResponseType::default_mode))
    }
}

impl AuthorizationRequest {
    /// Reads what `client_id` asks; the answer will go to `redirect_uri`. `is_public`: the client keeps no secret, so a code
    /// of its needs a proof key.
    pub fn read(
        parameters: &Parameters,
        client_id: &str,
        redirect_uri: &str,
        is_public: bool,
    ) -> Result<Self, OauthError> {
        let mut names: Vec<&str> = parameters.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(one, two)| one == two) {
            return Err(OauthError::invalid(format!("Parameter sent more than once: {name}")));
        }
        if let Some((name, _)) = parameters.0.iter().find(|(_, value)| value.contains(char::is_control)) {
            return Err(OauthError::invalid(format!("Parameter holds a control character: {name}")));
        }
        let response_type = parameters
            .get("response_type")
            .ok_or_else(|| OauthError::invalid("Missing required parameter: response_type"))?;
        let response_type = ResponseType::parse(response_type).ok_or_else(|| {
            OauthError::new("unsupported_response_type", format!("Unsupported response type: {response_type}"))
        })?;
        let request = Self {
            client_id: client_id.to_owned(),
            response_type,
            response_mode: response_mode(parameters, response_type)?,
            redirect_uri: redirect_uri.to_owned(),
            redirect_uri_was_sent: parameters.get("redirect_uri").is_some(),
            scope: parameters.own("scope").unwrap_or_default(),
            state: parameters.own("state"),
            nonce: parameters.own("nonce"),
            audience: parameters.own("audience").or_else(|| parameters.own("resource")),
            connection: parameters.own("connection").or_else(|| parameters.own("realm")),
            login_hint: parameters.own("login_hint"),
            is_signup: parameters.get("screen_hint") == Some("signup"),
            prompt: prompt(parameters.get("prompt").unwrap_or_default())?,
            max_age: parameters.get("max_age").map(max_age).transpose()?,
            acr_values: parameters.own("acr_values"),
            ui_locales: parameters.own("ui_locales"),
            challenge: challenge(parameters)?,
        };
        if request.response_type.id_token && request.nonce.is_none() {
            return Err(OauthError::invalid("Missing required parameter: nonce"));
        }
        if is_public && request.response_type.code && request.challenge.is_none() {
            return Err(OauthError::invalid("Missing required parameter: code_challenge"));
        }
        Ok(request)
    }

    /// Whether the person has to prove again who they are, having done so at `authenticated_at` (seconds).
    pub fn wants_login(&self, authenticated_at: i64, now: i64) -> bool {
        self.prompt.login || self.max_age.is_some_and(|longest| now - authenticated_at > longest)
    }

    /// Whether the ID token tells when the person proved who they are.
    pub fn wants_auth_time(&self) -> bool {
        self.prompt.login || self.max_age.is_some()
    }
}

impl ResponseType {
    /// Reads the parameter: its words in any order, each once.
    pub fn parse(text: &str) -> Option<Self> {
        let mut this = Self { code: false, token: false, id_token: false };
        for word in text.split_ascii_whitespace() {
            let part = match word {
                "code" => &mut this.code,
                "token" => &mut this.token,
                "id_token" => &mut this.id_token,
                _ => return None,
            };
            if std::mem::replace(part, true) {
                return None;
            }
        }
        (this.code || this.token || this.id_token).then_some(this)
    }

    /// Whether tokens travel through the browser.
    pub fn is_front_channel(self) -> bool {
        self.token || self.id_token
    }

    fn default_mode(self) -> ResponseMode {
        if self.is_front_channel() { ResponseMode::Fragment } else { ResponseMode::Query }
    }
}

impl ResponseMode {
    /// Reads the parameter.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            "web_message" => Some(Self::WebMessage),
            _ => None,
        }
    }
}

impl Challenge {
    /// Whether `verifier` is what the challenge was made from.
    pub fn fits(&self, verifier: &str) -> bool {
        if self.is_hashed {
            hash::same(&self.text, &hash::base64url(&hash::sha256(verifier.as_bytes())))
        } else {
            hash::same(&self.text, verifier)
        }
    }
}

fn response_mode(parameters: &Parameters, response_type: ResponseType) -> Result<ResponseMode, OauthError> {
    let Some(text) = parameters.get("response_mode") else { return Ok(response_type.default_mode()) };
    let mode =
        ResponseMode::parse(text).ok_or_else(|| OauthError::invalid(format!("Unsupported response mode: {text}")))?;
    // A query reaches logs and referrers.
    if mode == ResponseMode::Query && response_type.is_front_channel() {
        return Err(OauthError::invalid("Response mode 'query' is not allowed for this response type"));
    }
    Ok(mode)
}

fn prompt(text: &str) -> Result<Prompt, OauthError> {
    let mut prompt = Prompt::default();
    for word in text.split_ascii_whitespace() {
        match word {
            "none" => prompt.none = true,
            // Whoever wants to choose another account signs in anew.
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => return Err(OauthError::invalid(format!("Unsupported prompt: {word}"))),
        }
    }
    if prompt.none && (prompt.login || prompt.consent) {
        return Err(OauthError::invalid("Prompt 'none' stands alone"));
    }
    Ok(prompt)
}

fn max_age(text: &str) -> Result<i64, OauthError> {
    text.parse()
        .ok()
        .filter(|seconds| *seconds >= 0)
        .ok_or_else(|| OauthError::invalid("max_age must be a number of seconds"))
}

fn challenge(parameters: &Parameters) -> Result<Option<Challenge>, OauthError> {
    let method = parameters.get("code_challenge_method");
    let Some(text) = parameters.get("code_challenge") else {
        return match method {
            Some(_) => Err(OauthError::invalid("Missing required parameter: code_challenge")),
            None => Ok(None),
        };
    };
    let is_hashed = match method {
        Some("S256") => true,
        None | Some("plain") => false,
        Some(_) => return Err(OauthError::invalid("code_challenge_method must be S256 or plain")),
    };
    let fits = (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
    if !fits {
        return Err(OauthError::invalid("code_challenge must have 43 to 128 of the characters A-Z a-z 0-9 - . _ ~"));
    }
    Ok(Some(Challenge { text: text.to_owned(), is_hashed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(query: &[(&str, &str)]) -> Result<AuthorizationRequest, String> {
        let parameters = Parameters(query.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect());
        AuthorizationRequest::read(&parameters, "cli", "https://app.example/cb", false)
            .map_err(|error| format!("{}: {}", error.code, error.description))
    }

    #[test]
    fn response_types_and_modes() {
        let mode = |kind, mode| {
            read(&[("response_type", kind), ("response_mode", mode), ("nonce", "n")]).map(|it| it.response_mode)
        };
        assert_eq!(mode("code", ""), Ok(ResponseMode::Query));
        assert_eq!(mode("id_token code", ""), Ok(ResponseMode::Fragment));
        assert_eq!(mode("token", "form_post"), Ok(ResponseMode::FormPost));
        assert!(mode("token", "query").unwrap_err().starts_with("invalid_request: Response mode 'query'"));
        assert!(mode("code", "smoke").unwrap_err().starts_with("invalid_request: Unsupported response mode"));
        for kind in ["", "code code", "none", "code token x"] {
            assert!(mode(kind, "").is_err(), "{kind}");
        }
        assert!(read(&[("response_type", "id_token")]).unwrap_err().ends_with("nonce"));
    }

    #[test]
    fn contradictions_are_told() {
        for (query, text) in [
            (&[("prompt", "none login")][..], "stands alone"),
            (&[("prompt", "dance")], "Unsupported prompt"),
            (&[("max_age", "-1")], "max_age"),
            (&[("max_age", "soon")], "max_age"),
            (&[("code_challenge_method", "S256")], "code_challenge"),
            (&[("code_challenge", "short")], "43 to 128"),
            (&[("code_challenge", CHALLENGE), ("code_challenge_method", "S512")], "S256 or plain"),
            (&[("state", "a\nb")], "control character: state"),
            (&[("scope", "a"), ("scope", "b")], "more than once: scope"),
        ] {
            let whole = [&[("response_type", "code")], query].concat();
            let error = read(&whole).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_public_client_needs_a_proof_key() {
        let parameters = Parameters(vec![("response_type".into(), "code".into())]);
        let error = AuthorizationRequest::read(&parameters, "cli", "https://app.example/cb", true).unwrap_err();
        assert_eq!(error.description, "Missing required parameter: code_challenge");
    }

    #[test]
    fn a_verifier_fits_its_challenge_only() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let hashed = Challenge { text: CHALLENGE.into(), is_hashed: true };
        assert!(hashed.fits(verifier) && !hashed.fits(CHALLENGE) && !hashed.fits(""));
        let plain = Challenge { text: verifier.into(), is_hashed: false };
        assert!(plain.fits(verifier) && !plain.fits("x"));
    }

    #[test]
    fn an_old_login_is_asked_for_again() {
        let request = read(&[("response_type", "code"), ("max_age", "60")]).unwrap();
        assert!(!request.wants_login(1_000, 1_060) && request.wants_login(1_000, 1_061));
        assert!(read(&[("response_type", "code"), ("prompt", "select_account")]).unwrap().wants_login(1_000, 1_000));
    }
}
