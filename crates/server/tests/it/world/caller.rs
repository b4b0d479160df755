//! Whoever calls a world: an address, headers, and the client's credentials in every body.

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use tower_service::Service as _;

use super::{Answer, OTP, PEER, World, peer};

/// A caller; every method that changes it gives a new one.
#[derive(Clone)]
pub(crate) struct Caller<'w> {
    world: &'w World,
    ip: String,
    headers: HeaderMap,
    members: Vec<(&'static str, String)>,
}

impl<'w> Caller<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static("Test/1.0"))]);
        Self { world, ip: PEER.to_owned(), headers, members: Vec::new() }
    }

    /// The world it lives in.
    pub(crate) fn world(&self) -> &'w World {
        self.world
    }

    /// The same caller at another address.
    pub(crate) fn at(mut self, ip: &str) -> Self {
        ip.clone_into(&mut self.ip);
        self
    }

    /// The same caller with a header, in place of one of that name.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    /// The same caller without that header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same caller with HTTP Basic credentials, sent as they are.
    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let pair = ringpass_core::kit::hash::base64(format!("{id}:{secret}").as_bytes());
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// The same caller with a member that stands first in every body, unless the body has its own.
    pub(crate) fn member(mut self, name: &'static str, value: &str) -> Self {
        self.members.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    /// Posts JSON, the caller's own members first.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let mut whole: Map<String, Value> = Map::new();
        whole.extend(self.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())));
        match body {
            Value::Object(body) => whole.extend(body),
            other => return self.raw(path, "application/json", other.to_string()).await,
        }
        self.raw(path, "application/json", Value::Object(whole).to_string()).await
    }

    /// Posts a form, the caller's own members first.
    pub(crate) async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.members).extend_pairs(pairs);
        self.raw(path, "application/x-www-form-urlencoded", form.finish()).await
    }

    /// Posts these very bytes.
    pub(crate) async fn raw(&self, path: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, path, content_type, body.into()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, "application/json", body.to_string().into()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, "application/json", body.to_string().into()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", Bytes::new()).await
    }

    /// Deletes what the body names.
    pub(crate) async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.send(Method::DELETE, path, "application/json", body.to_string().into()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Answer {
        let mut request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        *request.headers_mut() = self.headers.clone();
        if !content_type.is_empty() {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(peer(&self.ip)));
        let response = self.world.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body, at: path.to_owned() }
    }

    /// Starts a sign-in over `sms`.
    pub(crate) async fn start(&self, phone: &str) -> Answer {
        self.post("/passwordless/start", json!({"connection": "sms", "phone_number": phone})).await
    }

    /// Starts a sign-in over `sms` and takes the code from the gateway.
    pub(crate) async fn code(&self, phone: &str) -> String {
        let answer = self.start(phone).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(self.world.logs().await.kinds(), ["cs"]);
        self.world.gateway.next().await.code().unwrap()
    }

    /// Exchanges a code; `more` adds to the parameters, or replaces them.
    pub(crate) async fn redeem(&self, phone: &str, code: &str, more: Value) -> Answer {
        let mut body = json!({"grant_type": OTP, "realm": "sms", "username": phone, "otp": code});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/oauth/token", body).await
    }

    /// A whole sign-in: start, code, exchange.
    pub(crate) async fn sign_in(&self, phone: &str, more: Value) -> Answer {
        let code = self.code(phone).await;
        let answer = self.redeem(phone, &code, more).await;
        assert_eq!(answer.status, 200, "{answer}");
        let kinds = self.world.logs().await.kinds();
        assert!(kinds == ["s"] || kinds == ["ss", "s"], "{kinds:?}");
        answer
    }
}
