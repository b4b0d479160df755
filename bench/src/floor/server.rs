//! The floor's HTTP server: two routes of the sign-in and one that says it is ready.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::store::Store;
use super::tokens::{self, Keys};
use crate::Result;

struct Floor {
    store: Store,
    keys: Keys,
    gateway_url: Uri,
    gateway: Client<HttpConnector, Full<Bytes>>,
}

/// Serves until the process ends, with as many worker threads as the machine has cores.
pub(super) fn serve(addr: SocketAddr, database: &Path, gateway_url: &str) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let floor = Arc::new(Floor {
        store: Store::open(database)?,
        keys: Keys::make()?,
        gateway_url: gateway_url.parse()?,
        gateway: Client::builder(TokioExecutor::new()).build(connector),
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(addr).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let floor = Arc::clone(&floor);
            let service = service_fn(move |request| {
                let floor = Arc::clone(&floor);
                async move { Ok::<_, Infallible>(floor.answer(request).await) }
            });
            // It ends when the caller closes the connection.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

impl Floor {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, body) = match self.route(request).await {
            Ok(answer) => answer,
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": error.to_string() }).to_string()),
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
    }

    async fn route(&self, request: Request<Incoming>) -> Result<(StatusCode, String)> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        match head.uri.path() {
            "/passwordless/start" => self.start(&serde_json::from_slice(&body)?).await,
            "/oauth/token" => self.token(&serde_json::from_slice(&body)?).await,
            "/readyz" | "/.well-known/jwks.json" => Ok((StatusCode::OK, "{}".to_owned())),
            _ => Ok((StatusCode::NOT_FOUND, "{}".to_owned())),
        }
    }

    /// Draws a code, makes it durable, sends it.
    async fn start(&self, asked: &Value) -> Result<(StatusCode, String)> {
        let number = text(asked, "phone_number")?;
        let (code, now) = (tokens::code()?, tokens::now()?);
        self.store.put(number.to_owned(), self.keys.mac(number, &code)?, now + 300).await?;
        let message = json!({ "recipient": number, "body": format!("Your verification code is: {code}") });
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.gateway_url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.keys.gateway_token(now)?))
            .body(Full::from(message.to_string()))?;
        let answer = self.gateway.request(request).await?;
        let sent = answer.status() == StatusCode::OK;
        // Read to its end, so that the connection can be used again.
        answer.into_body().collect().await?;
        let status = if sent { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        let body = format!(r#"{{"_id":"6492b5a75bedeae7449299fa","phone_number":"{number}","phone_verified":true}}"#);
        Ok((status, body))
    }

    /// Uses up the code, signs the tokens.
    async fn token(&self, asked: &Value) -> Result<(StatusCode, String)> {
        let (number, code, now) = (text(asked, "username")?, text(asked, "otp")?, tokens::now()?);
        if !self.store.consume(number.to_owned(), self.keys.mac(number, code)?, now).await? {
            return Ok((StatusCode::FORBIDDEN, r#"{"error":"invalid_grant"}"#.to_owned()));
        }
        Ok((StatusCode::OK, self.keys.answer(number, now)?))
    }
}

fn text<'a>(object: &'a Value, member: &str) -> Result<&'a str> {
    Ok(object.get(member).and_then(Value::as_str).ok_or_else(|| format!("no {member}"))?)
}
