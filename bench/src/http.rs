//! One caller: a single kept HTTP/1.1 connection, requests one after the other.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Result;

/// A kept connection to one server.
#[derive(Debug)]
pub struct Caller {
    host: String,
    /// The person's own address, which an application passes on.
    forwarded_for: Option<HeaderValue>,
    sender: SendRequest<Full<Bytes>>,
}

impl Caller {
    /// Connects.
    pub async fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends when the sender is dropped; a broken connection shows in the next `send`.
        tokio::spawn(connection);
        Ok(Self { host: addr.to_string(), forwarded_for: None, sender })
    }

    /// From now on speaks for somebody at this address.
    pub fn speak_for(&mut self, ip: IpAddr) -> Result<()> {
        self.forwarded_for = Some(ip.to_string().try_into()?);
        Ok(())
    }

    /// Sends one request with an optional bearer token and JSON body, and reads the whole answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        json: Option<String>,
    ) -> Result<(StatusCode, Bytes)> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        if let Some(token) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if json.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(ip) = &self.forwarded_for {
            request = request.header("auth0-forwarded-for", ip);
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(json.map(Bytes::from).unwrap_or_default().into())?).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Asks as a browser does, with this cookie header, and posts a form if there is one; the whole answer.
    pub async fn browse(&mut self, path: &str, cookie: &str, form: Option<String>) -> Result<http::Response<Bytes>> {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        if !cookie.is_empty() {
            request = request.header(header::COOKIE, cookie);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(form.map(Bytes::from).unwrap_or_default().into())?).await?;
        let (parts, body) = answer.into_parts();
        Ok(http::Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    /// Sends a request that must succeed, and reads its JSON answer (`Null` when the body is empty).
    pub async fn expect(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        json: Option<&Value>,
    ) -> Result<Value> {
        let (status, body) = self.send(method.clone(), path, bearer, json.map(Value::to_string)).await?;
        if !status.is_success() {
            return Err(format!("{method} {path} answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        if body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&body)?) }
    }
}
