//! The text of a message: a template compiled once and filled in for every code.
//!
//! The syntax `md_with_macros` replaces `@@name@@` and leaves everything else as it stands (Auth0 documentation,
//! "Configure Email or SMS for Passwordless Authentication"); `liquid` is Liquid. An empty template, and one that fails,
//! give the built-in text, so that a template never keeps anybody from signing in.

use std::fmt;

use serde_json::{Map, Value, json};

use super::liquid::{self, Limits, ParseError, RenderError};
use crate::kit::clock::Millis;
use crate::kit::secret::Secret;

/// A compiled template.
#[derive(Debug, Clone)]
pub struct Template(Body);

#[derive(Debug, Clone)]
enum Body {
    Macros(Vec<Part>),
    Liquid(liquid::Template),
    /// Stored by something that did not check it.
    Broken(ParseError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Name(String),
}

/// What a template may name.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// The one-time code, as `code` and `password`.
    pub code: &'a str,
    /// The recipient.
    pub phone_number: &'a str,
    /// The name of the client that asked.
    pub application_name: &'a str,
    /// The language header of the request, as it came.
    pub request_language: &'a str,
}

impl fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("application_name", &self.application_name).finish_non_exhaustive()
    }
}

/// What makes a message fill itself in, behind its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tail<'a> {
    /// The host whose pages may take the code, without a port
    /// (<https://wicg.github.io/sms-one-time-codes/>).
    pub host: Option<&'a str>,
    /// Eleven characters that name an Android application
    /// (<https://developers.google.com/identity/sms-retriever/verify>).
    pub app_hash: Option<&'a str>,
}

impl Tail<'_> {
    /// An empty line and the last one: `@host #code hash`. Browsers ignore what follows the code there, and Android wants
    /// its hash at the very end.
    fn text(self, code: &str) -> String {
        match (self.host, self.app_hash) {
            (None, None) => String::new(),
            (None, Some(hash)) => format!("\n\n{hash}"),
            (Some(host), None) => format!("\n\n@{host} #{code}"),
            (Some(host), Some(hash)) => format!("\n\n@{host} #{code} {hash}"),
        }
    }
}

/// The text of one message.
#[derive(Debug)]
pub struct Rendered {
    /// The text. It holds the code, so it is a secret.
    pub text: Secret,
    /// Why it is the built-in text, when the template should have made another.
    pub fault: Option<Fault>,
}

/// Why a template made no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is no Liquid, or too long.
    Parse(ParseError),
    /// It went past a limit, or calculated with no number.
    Render(RenderError),
    /// It printed nothing but white space.
    Empty,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Render(error) => error.fmt(f),
            Self::Empty => f.write_str("the template prints nothing"),
        }
    }
}

/// Whether a template is written in Liquid: `syntax` says so, or it says nothing and there are `{{` or `{%` (C335).
pub(super) fn is_liquid(text: &str, syntax: Option<&str>) -> bool {
    match syntax {
        Some("liquid") => true,
        Some("md_with_macros") => false,
        _ => text.contains("{{") || text.contains("{%"),
    }
}

/// What keeps a template from being saved.
pub fn check(text: &str, syntax: Option<&str>) -> Result<(), ParseError> {
    if is_liquid(text, syntax) { liquid::Template::parse(text, &Limits::MESSAGE).map(drop) } else { Ok(()) }
}

impl Template {
    /// Compiles `text`, written in `syntax` (`md_with_macros` or `liquid`). Empty ones give the built-in text.
    pub fn parse(text: &str, syntax: Option<&str>) -> Self {
        if text.trim().is_empty() {
            return Self(Body::Macros(parts(BUILT_IN)));
        }
        if !is_liquid(text, syntax) {
            return Self(Body::Macros(parts(text)));
        }
        Self(liquid::Template::parse(text, &Limits::MESSAGE).map_or_else(Body::Broken, Body::Liquid))
    }

    /// Why every message has the built-in text; `None` when the template can be rendered.
    pub fn broken(&self) -> Option<&ParseError> {
        match &self.0 {
            Body::Broken(error) => Some(error),
            Body::Macros(_) | Body::Liquid(_) => None,
        }
    }

    /// The text with the variables in their places and `tail` behind it, of at most [`LENGTH`] characters: what is too
    /// long loses its own end, never the tail's.
    pub fn render(&self, variables: &Variables<'_>, tail: &Tail<'_>, now: Millis) -> Rendered {
        let text = match &self.0 {
            Body::Macros(parts) => Ok(fill(parts, variables)),
            Body::Liquid(template) => template.render(&names(variables), now).map_err(Fault::Render),
            Body::Broken(error) => Err(Fault::Parse(error.clone())),
        };
        let (mut text, fault) = match text {
            Ok(text) if !text.trim().is_empty() => (text, None),
            Ok(_) => (fill(&parts(BUILT_IN), variables), Some(Fault::Empty)),
            Err(fault) => (fill(&parts(BUILT_IN), variables), Some(fault)),
        };
        let tail = tail.text(variables.code);
        let room = LENGTH.saturating_sub(tail.chars().count());
        if let Some((end, _)) = text.char_indices().nth(room) {
            text.truncate(end);
        }
        text.push_str(&tail);
        Rendered { text: Secret::new(text), fault }
    }
}

fn fill(parts: &[Part], variables: &Variables<'_>) -> String {
    let mut out = String::with_capacity(160);
    for part in parts {
        out.push_str(match part {
            Part::Text(text) => text,
            Part::Name(name) => match name.as_str() {
                "code" | "password" => variables.code,
                "phone_number" => variables.phone_number,
                "application.name" => variables.application_name,
                "request_language" => variables.request_language,
                _ => "",
            },
        });
    }
    out
}

/// The variables as Liquid sees them.
fn names(variables: &Variables<'_>) -> Map<String, Value> {
    let mut names = Map::with_capacity(5);
    names.insert("code".to_owned(), variables.code.into());
    names.insert("password".to_owned(), variables.code.into());
    names.insert("phone_number".to_owned(), variables.phone_number.into());
    names.insert("application".to_owned(), json!({"name": variables.application_name}));
    names.insert("request_language".to_owned(), variables.request_language.into());
    names
}

/// Cuts at every `@@ name @@`. Whatever does not read as one, a lone `@@` for instance, is text.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut literal = String::new();
    while let Some((before, after)) = rest.split_once(MARK) {
        literal.push_str(before);
        let found = after.split_once(MARK).filter(|(name, _)| is_name(name.trim()));
        if let Some((name, after)) = found {
            if !literal.is_empty() {
                out.push(Part::Text(std::mem::take(&mut literal)));
            }
            out.push(Part::Name(name.trim().to_owned()));
            rest = after;
        } else {
            // One sign at a time: in `@@@code@@` the name begins at the second one.
            literal.push('@');
            rest = rest.get(before.len() + 1..).unwrap_or_default();
            if !rest.starts_with(MARK) {
                literal.push('@');
                rest = after;
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        out.push(Part::Text(literal));
    }
    out
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

const MARK: &str = "@@";
const BUILT_IN: &str = "Your verification code is: @@code@@";

/// Characters of a message; what is longer is cut.
pub const LENGTH: usize = 1_600;

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, syntax: Option<&str>) -> Rendered {
        let variables = Variables {
            code: "482913",
            phone_number: "+15550001111",
            application_name: "My @@code@@ {{ app }}",
            request_language: "fr-CA,fr;q=0.9",
        };
        Template::parse(text, syntax).render(&variables, &Tail::default(), 0)
    }

    fn render(text: &str, syntax: Option<&str>) -> String {
        rendered(text, syntax).text.expose().to_owned()
    }

    #[test]
    fn names_are_replaced_and_everything_else_stays() {
        for (text, expected) in [
            ("Your verification code is: @@password@@", "Your verification code is: 482913"),
            ("@@code@@", "482913"),
            ("@@ code @@ and @@\tpassword@@", "482913 and 482913"),
            ("@@code@@@@code@@", "482913482913"),
            ("to @@phone_number@@ in @@request_language@@", "to +15550001111 in fr-CA,fr;q=0.9"),
            ("@@application.name@@!", "My @@code@@ {{ app }}!"),
            ("[@@user.name@@][@@CODE@@]", "[][]"),
            ("*bold* _text_ #1 <b>&amp;</b>", "*bold* _text_ #1 <b>&amp;</b>"),
            ("a @@ b", "a @@ b"),
            ("mail me @@ home: @@code@@", "mail me @@ home: 482913"),
            ("@@@code@@", "@482913"),
            ("@@code@@@", "482913@"),
            ("@@@@", "@@@@"),
            ("@@ @@code@@", "@@ 482913"),
            ("@@code", "@@code"),
            ("@code@ @", "@code@ @"),
            ("Ваш код ✓ @@code@@ 🎉@@", "Ваш код ✓ 482913 🎉@@"),
            ("  @@code@@\n", "  482913\n"),
        ] {
            assert_eq!(render(text, Some("md_with_macros")), expected, "{text}");
            assert_eq!(render(text, None), expected, "{text}");
        }
    }

    #[test]
    fn an_empty_template_gives_the_built_in_text() {
        for text in ["", "  \n"] {
            assert_eq!(render(text, Some("md_with_macros")), "Your verification code is: 482913");
            assert_eq!(render(text, None), "Your verification code is: 482913");
        }
    }

    #[test]
    fn braces_mean_liquid_unless_the_syntax_says_otherwise() {
        let text = "{{ code }} @@code@@";
        assert_eq!(render(text, Some("md_with_macros")), "{{ code }} 482913");
        assert_eq!(render(text, Some("liquid")), "482913 @@code@@");
        assert_eq!(render(text, None), "482913 @@code@@");
        assert_eq!(render("{% if code %}yes{% endif %}", None), "yes");
        assert_eq!(render("@@code@@", Some("liquid")), "@@code@@");
    }

    #[test]
    fn liquid_knows_the_variables() {
        let text = "{{ password }} {{ phone_number }} {{ application.name }} {{ request_language }} {{ user.name }}";
        assert_eq!(render(text, None), "482913 +15550001111 My @@code@@ {{ app }} fr-CA,fr;q=0.9 ");
    }

    #[test]
    fn a_template_that_fails_gives_the_built_in_text_and_the_reason() {
        for (text, fault) in [
            ("{{ code", "line 1: `{{` is not closed by `}}`"),
            ("{% for i in (1..5000) %}x{% endfor %}", "the loops of the template have too many rounds"),
            ("{{ code | divided_by: 0 }}", "the template divides by zero or makes too large a number"),
            ("{{ nope }} \n", "the template prints nothing"),
        ] {
            let rendered = rendered(text, None);
            assert_eq!(rendered.text.expose(), "Your verification code is: 482913", "{text}");
            assert_eq!(rendered.fault.unwrap().to_string(), fault, "{text}");
        }
        assert_eq!(rendered("@@nope@@", None).fault, Some(Fault::Empty));
        assert_eq!(rendered(&"{{ code }}é".repeat(200), None).text.expose(), "Your verification code is: 482913");
        assert_eq!(rendered("{{ code }}", None).fault, None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for (text, syntax) in
            [("é".repeat(1_700), "md_with_macros"), ("{% for i in (1..900) %}éé{% endfor %}".into(), "liquid")]
        {
            let rendered = rendered(&text, Some(syntax));
            assert_eq!((rendered.text.expose(), rendered.fault), ("é".repeat(1_600).as_str(), None));
        }
    }

    #[test]
    fn the_tail_stands_whole_on_the_last_line_however_long_the_text_is() {
        let (host, hash) = (Some("login.example"), Some("FA+9qCX9VSu"));
        let variables = Variables { code: "482913", phone_number: "", application_name: "", request_language: "" };
        for (tail, end) in [
            (Tail::default(), ""),
            (Tail { host, app_hash: None }, "\n\n@login.example #482913"),
            (Tail { host: None, app_hash: hash }, "\n\nFA+9qCX9VSu"),
            (Tail { host, app_hash: hash }, "\n\n@login.example #482913 FA+9qCX9VSu"),
        ] {
            for (text, kept) in [("é".repeat(1_700), 1_600 - end.chars().count()), ("é".repeat(3), 3)] {
                let rendered = Template::parse(&text, None).render(&variables, &tail, 0);
                assert_eq!(rendered.text.expose(), format!("{}{end}", "é".repeat(kept)));
            }
        }
    }

    #[test]
    fn only_liquid_is_checked() {
        assert_eq!(check("{{ code", Some("md_with_macros")), Ok(()));
        assert_eq!(check("{{ code", None).unwrap_err().line, 1);
        assert!(check("{{ code }}", Some("liquid")).is_ok());
        assert!(Template::parse("{{ code", None).broken().is_some());
        assert!(Template::parse("{{ code }}", None).broken().is_none());
    }
}
