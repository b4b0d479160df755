//! The text of a message: a template compiled once and filled in for every code.
//!
//! The syntax `md_with_macros` replaces `@@name@@` and leaves everything else as it stands (Auth0 documentation,
//! "Configure Email or SMS for Passwordless Authentication"). An empty template gives the built-in text.

use crate::kit::secret::Secret;

/// A compiled template.
#[derive(Debug, Clone)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Code,
    PhoneNumber,
    Application,
    RequestLanguage,
    Unknown,
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

impl std::fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variables").field("application_name", &self.application_name).finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles `text`, written in `syntax` (`md_with_macros` or `liquid`). Without a syntax, `{{` and `{%` tell Liquid.
    /// Liquid templates are not supported yet: they, and empty ones, give the built-in text.
    pub fn parse(text: &str, syntax: Option<&str>) -> Self {
        let liquid = match syntax {
            Some("liquid") => true,
            Some("md_with_macros") => false,
            _ => text.contains("{{") || text.contains("{%"),
        };
        let text = if liquid || text.trim().is_empty() { FALLBACK } else { text };
        Self(parts(text))
    }

    /// The text with the variables in their places. It holds the code, so it is a secret.
    pub fn render(&self, variables: &Variables<'_>) -> Secret {
        let mut out = String::with_capacity(160);
        for part in &self.0 {
            out.push_str(match part {
                Part::Text(text) => text,
                Part::Name(Name::Code) => variables.code,
                Part::Name(Name::PhoneNumber) => variables.phone_number,
                Part::Name(Name::Application) => variables.application_name,
                Part::Name(Name::RequestLanguage) => variables.request_language,
                Part::Name(Name::Unknown) => "",
            });
        }
        Secret::new(out)
    }
}

/// Cuts at every `@@ name @@`. Whatever does not read as one, a lone `@@` for instance, is text.
fn parts(text: &str) -> Vec<Part> {
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
            out.push(Part::Name(Name::parse(name.trim())));
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

impl Name {
    fn parse(name: &str) -> Self {
        match name {
            "code" | "password" => Self::Code,
            "phone_number" => Self::PhoneNumber,
            "application.name" => Self::Application,
            "request_language" => Self::RequestLanguage,
            _ => Self::Unknown,
        }
    }
}

const MARK: &str = "@@";
const FALLBACK: &str = "Your verification code is: @@code@@";

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, syntax: Option<&str>) -> String {
        let variables = Variables {
            code: "482913",
            phone_number: "+15550001111",
            application_name: "My @@code@@ {{ app }}",
            request_language: "fr-CA,fr;q=0.9",
        };
        Template::parse(text, syntax).render(&variables).expose().to_owned()
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
        assert_eq!(render(text, Some("liquid")), "Your verification code is: 482913");
        assert_eq!(render(text, None), "Your verification code is: 482913");
        assert_eq!(render("{% if x %}", None), "Your verification code is: 482913");
    }
}
