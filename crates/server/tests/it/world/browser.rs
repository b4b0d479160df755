//! A person's browser: it keeps cookies, follows redirections inside the server, and posts the forms it sees.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use super::{Answer, Caller, World};

/// A browser with a cookie jar.
pub(crate) struct Browser<'w> {
    caller: Caller<'w>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl World {
    /// A browser without a past.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { caller: self.nobody(), cookies: Mutex::default() }
    }
}

impl<'w> Browser<'w> {
    /// The same browser, of which something else is so.
    pub(crate) fn with(self, change: impl FnOnce(Caller<'w>) -> Caller<'w>) -> Self {
        Self { caller: change(self.caller), cookies: self.cookies }
    }

    /// Opens an address, without following where it leads.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.keep(self.caller().get(path).await)
    }

    /// Posts a form, without following where it leads.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.keep(self.caller().form(path, fields).await)
    }

    /// Posts JSON, as a script of a page does.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.keep(self.caller().post(path, body).await)
    }

    /// Opens an address and follows it to a page, or out of the server: then the last redirection is the answer.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        self.follow(self.get(path).await).await
    }

    /// Fills in the page's form and posts it: its hidden fields, and these.
    pub(crate) async fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let hidden = page.hidden();
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend(fields);
        self.follow(self.form(&page.at, &all).await).await
    }

    /// The same, posted to the address that the form names.
    pub(crate) async fn submit_to(&self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = Answer { at: path.to_owned(), ..page.clone() };
        self.submit(&page, fields).await
    }

    async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            let location = answer.header("location").to_owned();
            if !location.starts_with('/') {
                return answer;
            }
            answer = self.get(&location).await;
        }
        panic!("too many redirections: {answer}")
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Sets a cookie, or takes it away.
    pub(crate) fn set_cookie(&self, name: &str, value: Option<&str>) {
        let mut cookies = self.cookies.lock().unwrap();
        match value {
            Some(value) => drop(cookies.insert(name.to_owned(), value.to_owned())),
            None => drop(cookies.remove(name)),
        }
    }

    fn caller(&self) -> Caller<'w> {
        let cookies = self.cookies.lock().unwrap();
        if cookies.is_empty() {
            return self.caller.clone();
        }
        let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.caller.clone().header("cookie", &line.join("; "))
    }

    fn keep(&self, answer: Answer) -> Answer {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let ended = line.contains("Max-Age=0") || value.is_empty();
            self.set_cookie(name, Some(value).filter(|_| !ended));
        }
        answer
    }
}

impl Answer {
    /// The hidden fields of the page's first form.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let page = String::from_utf8_lossy(&self.body).into_owned();
        let form = page.split("<form").nth(1).unwrap_or_else(|| panic!("no form in {self}"));
        let form = form.split("</form>").next().unwrap();
        let attribute = |input: &str, name: &str| {
            input.split_once(&format!("{name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
        };
        let inputs = form.split("<input").skip(1).map(|input| input.split('>').next().unwrap());
        let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
        hidden.map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap_or_default())).collect()
    }

    /// A parameter of the address that this redirects to, in its query or its fragment.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let location = url::Url::parse(self.header("location")).unwrap_or_else(|_| panic!("no redirection: {self}"));
        let text = location.fragment().or(location.query()).unwrap_or_default();
        form_urlencoded::parse(text.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// What the page says in its error box; empty when it has none.
    pub(crate) fn complaint(&self) -> String {
        let page = String::from_utf8_lossy(&self.body).into_owned();
        let text = page.split_once("role=\"alert\">").map(|(_, rest)| rest.split("</p>").next().unwrap().to_owned());
        text.unwrap_or_default().replace("<span>", "| ").replace("</span>", "")
    }

    /// The page's heading.
    pub(crate) fn heading(&self) -> String {
        let page = String::from_utf8_lossy(&self.body).into_owned();
        let text = page.split_once("<h1>").map(|(_, rest)| rest.split("</h1>").next().unwrap().to_owned());
        text.unwrap_or_else(|| panic!("no heading in {self}"))
    }
}
