//! A mail's subject, sender and text: templates compiled once, filled in for every mail. A template that fails never keeps
//! anybody from signing in: what is built in takes its place (`docs/COMPATIBILITY.md` C1406-C1409).
//!
//! In the text every value is escaped for HTML, apart from the addresses of our own making: values come from callers, and
//! the mail goes to somebody else.

use serde_json::{Map, Value};

use super::email_texts::BuiltIn;
use super::liquid::{self, Limits, ParseError};
use super::plain_text;
use super::template::{self, Fault, Part};
use crate::kit::clock::Millis;
use crate::kit::secret::Secret;

/// Compiled templates of one kind of mail.
#[derive(Debug, Clone)]
pub struct Letter {
    subject: Option<Text>,
    from: Option<Text>,
    body: Option<Text>,
    built_in: &'static BuiltIn,
}

/// What an operator wrote; what is empty is built in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'a> {
    /// The subject.
    pub subject: &'a str,
    /// `Name <address>`; without one the provider's own sender stands there.
    pub from: &'a str,
    /// The text as HTML.
    pub body: &'a str,
    /// `liquid` or `md_with_macros`; else as with text messages.
    pub syntax: Option<&'a str>,
}

/// A mail to be sent.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The subject; it may hold the code.
    pub subject: Secret,
    /// `Name <address>`.
    pub from: Option<String>,
    /// The text as HTML.
    pub html: Secret,
    /// The same without marks.
    pub text: Secret,
    /// Why something built in stands in it, where a template asked for something else.
    pub fault: Option<Fault>,
}

#[derive(Debug, Clone)]
enum Text {
    Macros(Vec<Part>),
    Liquid(liquid::Template),
    Broken(ParseError),
}

/// What keeps a mail's templates from being saved: the member, and what is wrong in it.
pub fn check(source: &Source<'_>) -> Result<(), (&'static str, ParseError)> {
    let parts = [("subject", source.subject, &Limits::MESSAGE), ("from", source.from, &Limits::MESSAGE)];
    for (name, text, limits) in parts.into_iter().chain([("body", source.body, &Limits::LETTER)]) {
        if let Some(Text::Broken(error)) = Text::parse(text, source.syntax, limits) {
            return Err((name, error));
        }
    }
    Ok(())
}

impl Letter {
    /// Compiles what an operator wrote.
    pub fn parse(source: &Source<'_>, built_in: &'static BuiltIn) -> Self {
        Self {
            subject: Text::parse(source.subject, source.syntax, &Limits::MESSAGE),
            from: Text::parse(source.from, source.syntax, &Limits::MESSAGE),
            body: Text::parse(source.body, source.syntax, &Limits::LETTER),
            built_in,
        }
    }

    /// Why every mail has something built in; `None` when the templates can be rendered.
    pub fn broken(&self) -> Option<&ParseError> {
        [&self.subject, &self.from, &self.body].into_iter().flatten().find_map(|text| match text {
            Text::Broken(error) => Some(error),
            Text::Macros(_) | Text::Liquid(_) => None,
        })
    }

    /// The mail with the variables in their places.
    pub fn render(&self, variables: &Map<String, Value>, now: Millis) -> Rendered {
        let mut fault = None;
        let mut filled = |text: &Option<Text>, variables: &Map<String, Value>| match text.as_ref()?.fill(variables, now)
        {
            Ok(text) if !text.trim().is_empty() => Some(text),
            Ok(_) => {
                fault.get_or_insert(Fault::Empty);
                None
            }
            Err(error) => {
                fault.get_or_insert(error);
                None
            }
        };
        let escaped = escaped(variables);
        let built_in = |text: &str, variables: &Map<String, Value>| {
            let parsed = liquid::Template::parse(text, &Limits::LETTER);
            parsed.ok().and_then(|it| it.render(variables, now).ok()).unwrap_or_default()
        };
        let from = filled(&self.from, variables);
        let subject = filled(&self.subject, variables).unwrap_or_else(|| built_in(self.built_in.subject, variables));
        let html = filled(&self.body, &escaped).unwrap_or_else(|| built_in(self.built_in.body, &escaped));
        let text = Secret::new(plain_text::of(&html));
        Rendered { subject: Secret::new(subject), from, html: Secret::new(html), text, fault }
    }
}

impl Text {
    /// `None` for an empty text.
    fn parse(text: &str, syntax: Option<&str>, limits: &Limits) -> Option<Self> {
        if text.trim().is_empty() {
            return None;
        }
        if !template::is_liquid(text, syntax) {
            return Some(Self::Macros(template::parts(text)));
        }
        Some(liquid::Template::parse(text, limits).map_or_else(Self::Broken, Self::Liquid))
    }

    fn fill(&self, variables: &Map<String, Value>, now: Millis) -> Result<String, Fault> {
        match self {
            Self::Liquid(template) => template.render(variables, now).map_err(Fault::Render),
            Self::Broken(error) => Err(Fault::Parse(error.clone())),
            Self::Macros(parts) => Ok(parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.as_str(),
                    Part::Name(name) => named(variables, name),
                })
                .collect()),
        }
    }
}

/// The text at `a.b` among the variables; empty when there is none.
fn named<'v>(variables: &'v Map<String, Value>, path: &str) -> &'v str {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (variables.get(first), rest) {
        (Some(Value::String(text)), None) => text,
        (Some(Value::Object(inner)), Some(rest)) => named(inner, rest),
        _ => "",
    }
}

/// The variables as a body may print them.
fn escaped(variables: &Map<String, Value>) -> Map<String, Value> {
    let value = |name: &str, value: &Value| match value {
        Value::String(text) if !OUR_ADDRESSES.contains(&name) => escape(text).into(),
        Value::Object(inner) => escaped(inner).into(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map_or(item.clone(), |it| escape(it).into())).collect()
        }
        other => other.clone(),
    };
    variables.iter().map(|(name, sent)| (name.clone(), value(name, sent))).collect()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Addresses that this server makes: percent-encoded, they hold nothing to escape, and templates may escape them once.
const OUR_ADDRESSES: [&str; 2] = ["link", "url"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::email_texts;
    use serde_json::json;

    fn rendered(source: &Source<'_>, variables: &Value) -> Rendered {
        Letter::parse(source, &email_texts::SIGN_IN).render(variables.as_object().unwrap(), 0)
    }

    fn variables() -> Value {
        json!({"code": "482913", "send": "code", "application": {"name": "Tom & <b>"}, "request_language": "<img src=x>",
            "link": "https://a.example/?x=1&y=%3C"})
    }

    /// The variables of a mail without a link.
    fn code() -> Value {
        json!({"code": "482913", "send": "code", "application": {"name": "Shop"}})
    }

    #[test]
    fn both_syntaxes_know_the_variables() {
        let macros = Source {
            subject: "@@application.name@@: @@code@@",
            from: "@@application.name@@ <a@b.example>",
            body: "<p>@@ code @@ @@request_language@@ @@nope@@ @@application@@</p>",
            syntax: Some("md_with_macros"),
        };
        let liquid = Source {
            subject: "{{ application.name }}: {{ code }}",
            from: "{{ application.name }} <a@b.example>",
            body: "<p>{{ code }} {{ request_language }} {{ nope }} {{ application.none }}</p>",
            syntax: None,
        };
        for source in [macros, liquid] {
            let mail = rendered(&source, &variables());
            assert_eq!(mail.subject.expose(), "Tom & <b>: 482913");
            assert_eq!(mail.from.as_deref(), Some("Tom & <b> <a@b.example>"));
            assert_eq!(mail.html.expose(), "<p>482913 &lt;img src=x&gt;  </p>");
            assert_eq!(mail.text.expose(), "482913 <img src=x>");
            assert_eq!(mail.fault, None);
        }
    }

    #[test]
    fn our_own_addresses_are_printed_as_they_are() {
        let source = Source { body: "<a href=\"{{ link }}\">go</a>", ..Source::default() };
        assert_eq!(rendered(&source, &variables()).html.expose(), r#"<a href="https://a.example/?x=1&y=%3C">go</a>"#);
    }

    #[test]
    fn what_fails_is_replaced_by_what_is_built_in() {
        for (body, fault) in [
            ("{{ code", "line 1: `{{` is not closed by `}}`"),
            ("{% for i in (1..5000) %}x{% endfor %}", "the loops of the template have too many rounds"),
            ("{{ nope }}", "the template prints nothing"),
        ] {
            let mail = rendered(&Source { body, subject: "S", ..Source::default() }, &code());
            assert_eq!(mail.fault.unwrap().to_string(), fault);
            assert_eq!(mail.subject.expose(), "S");
            assert!(mail.text.expose().contains("482913"), "{}", mail.text.expose());
        }
        let bomb = "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}";
        let mail = rendered(&Source { subject: bomb, from: bomb, body: bomb, syntax: None }, &code());
        assert_eq!(mail.fault.unwrap().to_string(), "the template makes too long a text");
        assert_eq!(mail.from, None);
        assert!(mail.subject.expose().len() < 100 && mail.text.expose().contains("482913"));
    }

    #[test]
    fn a_broken_template_is_told_by_its_member() {
        let broken = |source: Source<'_>| check(&source).unwrap_err().0;
        assert_eq!(broken(Source { body: "{% nope %}", ..Source::default() }), "body");
        assert_eq!(broken(Source { subject: "{{", ..Source::default() }), "subject");
        assert_eq!(broken(Source { from: "{% if %}", ..Source::default() }), "from");
        let long = "x".repeat(Limits::LETTER.length + 1);
        assert_eq!(broken(Source { body: &long, syntax: Some("liquid"), ..Source::default() }), "body");
        assert!(check(&Source { body: "{{", syntax: Some("md_with_macros"), ..Source::default() }).is_ok());
    }
}
