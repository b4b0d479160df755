//! The tenant's own page around the form, in Liquid
//! (<https://auth0.com/docs/customize/login-pages/universal-login/customize-templates>; `docs/COMPATIBILITY.md` C1459).

use std::fmt;

use serde_json::{Map, Value, json};

use super::Branding;
use crate::kit::clock::Millis;
use crate::model::client::Client;
use crate::model::liquid::{Limits, ParseError, RenderError, Template};
use crate::model::schema::Invalid;
use crate::model::tenant::TenantSettings;
use crate::model::texts::{Lang, Screen};

/// A parsed page template.
#[derive(Debug, Clone)]
pub struct PageTemplate(Template);

/// What a page template may name.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// The language of the page: `locale` and `dir`.
    pub lang: Lang,
    /// `prompt.name`.
    pub prompt: &'a str,
    /// `prompt.screen.name`.
    pub screen: &'a str,
    /// `prompt.screen.texts`.
    pub texts: Screen<'a>,
    /// `application`: `id`, `name`, `logo_url`, `metadata`.
    pub application: Option<&'a Client>,
    /// `tenant`: `friendly_name`, `support_email`, `support_url`, `picture_url`.
    pub tenant: &'a TenantSettings,
    /// `branding`: `logo_url`, `favicon_url`, `colors.primary`, `colors.page_background`.
    pub branding: &'a Branding,
    /// `transaction.params`: the parameters of the request that begin with `ext-`. Whoever makes a link chooses them.
    pub params: &'a [(String, String)],
    /// `user`, on pages after the sign-in.
    pub user: Option<&'a Map<String, Value>>,
}

/// Why a template made no page: the built-in one is shown then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It went past a limit, or calculated with no number.
    Render(RenderError),
    /// It did not print the head or the form.
    Incomplete,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Render(error) => error.fmt(f),
            Self::Incomplete => f.write_str("the template does not print both auth0:head and auth0:widget"),
        }
    }
}

impl PageTemplate {
    /// Parses a template. An error for what is no Liquid, is too long, or lacks one of the two tags.
    pub fn parse(body: &str) -> Result<Self, Invalid> {
        let (body, heads) = replace_tag(body, "auth0:head", HEAD);
        let (body, widgets) = replace_tag(&body, "auth0:widget", WIDGET);
        for (count, tag) in [(heads, "auth0:head"), (widgets, "auth0:widget")] {
            if count == 0 {
                return Err(Invalid::body(format!("The template must contain the tag {{%- {tag} -%}}")));
            }
        }
        let broken = |error: ParseError| Invalid::body(format!("The template is not valid Liquid: {error}"));
        Template::parse(&body, &PAGE).map(Self).map_err(broken)
    }

    /// The page with `head` and `widget` in the places of their tags. Both are HTML.
    pub fn render(&self, head: &str, widget: &str, names: &Variables<'_>, now: Millis) -> Result<String, Fault> {
        let mut names = names.to_liquid();
        names.insert(HEAD.to_owned(), head.into());
        names.insert(WIDGET.to_owned(), widget.into());
        let page = self.0.render(&names, now).map_err(Fault::Render)?;
        if page.contains(head) && page.contains(widget) { Ok(page) } else { Err(Fault::Incomplete) }
    }
}

impl Variables<'_> {
    /// The variables as Liquid sees them. Liquid escapes nothing, so what strangers choose (parameters of a link, the
    /// user's own profile) is escaped here; the tenant's own words stand as they are.
    fn to_liquid(self) -> Map<String, Value> {
        let mut names = Map::new();
        names.insert("locale".to_owned(), self.lang.locale().into());
        names.insert("dir".to_owned(), self.lang.direction().into());
        let screen = json!({"name": self.screen, "texts": self.texts.all()});
        names.insert("prompt".to_owned(), json!({"name": self.prompt, "screen": screen}));
        names.insert("branding".to_owned(), self.branding.names());
        let mut tenant = Map::new();
        for name in ["friendly_name", "support_email", "support_url", "picture_url"] {
            tenant.extend(self.tenant.0.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        names.insert("tenant".to_owned(), tenant.into());
        if let Some(client) = self.application {
            let mut application = Map::new();
            application.insert("id".to_owned(), client.id.as_str().into());
            application.insert("name".to_owned(), client.name().into());
            for (name, member) in [("logo_url", "logo_uri"), ("metadata", "client_metadata")] {
                application.extend(client.doc.get(member).map(|value| (name.to_owned(), value.clone())));
            }
            names.insert("application".to_owned(), application.into());
        }
        let ext = self.params.iter().filter(|(name, _)| name.starts_with("ext-"));
        let ext: Map<String, Value> = ext.map(|(name, value)| (name.clone(), escaped(value).into())).collect();
        names.insert("transaction".to_owned(), json!({"params": ext}));
        if let Some(user) = self.user {
            names.insert("user".to_owned(), escaped_value(&user.clone().into()));
        }
        names
    }
}

/// Puts the output of a variable in the place of every `{%- tag -%}`, its white space control kept; how many there were.
fn replace_tag(body: &str, tag: &str, name: &str) -> (String, usize) {
    let (mut out, mut rest, mut count) = (String::with_capacity(body.len()), body, 0);
    while let Some((before, after)) = rest.split_once("{%") {
        out.push_str(before);
        let found = after.split_once("%}").and_then(|(inside, after)| {
            let (left, inside) = inside.strip_prefix('-').map_or(("", inside), |inside| ("-", inside));
            let (right, inside) = inside.strip_suffix('-').map_or(("", inside), |inside| ("-", inside));
            (inside.trim() == tag).then(|| (format!("{{{{{left} {name} {right}}}}}"), after))
        });
        if let Some((output, after)) = found {
            out.push_str(&output);
            (rest, count) = (after, count + 1);
        } else {
            out.push_str("{%");
            rest = after;
        }
    }
    out.push_str(rest);
    (out, count)
}

fn escaped_value(value: &Value) -> Value {
    match value {
        Value::String(text) => escaped(text).into(),
        Value::Array(items) => items.iter().map(escaped_value).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), escaped_value(value))).collect())
        }
        other => other.clone(),
    }
}

/// Harmless as text, in an attribute, and inside a quoted text of a script.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '\\' => out.push_str("&#92;"),
            '$' => out.push_str("&#36;"),
            '\u{2028}' | '\u{2029}' => out.push(' '),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// The names under which the two tags are rendered.
const HEAD: &str = "auth0_head";
const WIDGET: &str = "auth0_widget";
/// What a page may cost: about as much as ten large ones need.
const PAGE: Limits = Limits { length: 100_000, rounds: 5_000, work: 200_000, output: 512 * 1024 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::texts::Texts;

    fn rendered(body: &str) -> Result<String, Fault> {
        let texts = Texts::new(["ar"], []);
        let lang = texts.choose(None, None);
        let params = [
            ("ext-campaign".to_owned(), "\"'`<script>${x}\\\u{2028}\n".to_owned()),
            ("login_hint".to_owned(), "hidden".to_owned()),
        ];
        let user = json!({"name": "<b>{{ 1 }}", "app_metadata": {"tags": ["<i>"]}});
        let names = Variables {
            lang,
            prompt: "login-id",
            screen: "login-id",
            texts: texts.screen(lang, "login-id", "login-id"),
            application: None,
            tenant: &TenantSettings::fresh("Tom & {{ 2 }}"),
            branding: &Branding::default(),
            params: &params,
            user: user.as_object(),
        };
        PageTemplate::parse(body).unwrap().render("<title>T</title>", "<form>{{ x }}</form>", &names, 0)
    }

    #[test]
    fn head_and_form_stand_where_their_tags_stood() {
        let page = rendered(
            "<html lang=\"{{locale}}\"><head> {%- auth0:head -%} </head>\n<body class=\"{{prompt.name}}\">{% auth0:widget %} \
             {{ tenant.friendly_name }} {{ branding.colors.primary }} {{ prompt.screen.name }}</body></html>",
        );
        let wanted = "<html lang=\"ar\"><head><title>T</title></head>\n<body class=\"login-id\"><form>{{ x }}</form> \
             Tom & {{ 2 }} #0059d6 login-id</body></html>";
        assert_eq!(page.unwrap(), wanted);
    }

    #[test]
    fn what_strangers_choose_is_escaped() {
        let tags = "{%- auth0:head -%}{%- auth0:widget -%}";
        let page = rendered(&format!(
            "{tags}{{{{ transaction.params.ext-campaign }}}}|{{{{ transaction.params.login_hint }}}}|{{{{ user.name }}}}|\
             {{{{ user.app_metadata.tags[0] }}}}"
        ));
        let page = page.unwrap();
        let (_, shown) = page.split_once("</form>").unwrap();
        assert_eq!(shown, "&quot;&#39;&#96;&lt;script&gt;&#36;{x}&#92;  ||&lt;b&gt;{{ 1 }}|&lt;i&gt;");
    }

    #[test]
    fn a_template_without_its_tags_is_refused() {
        for (body, text) in [
            ("", "must contain the tag {%- auth0:head -%}"),
            ("{%- auth0:head -%}", "must contain the tag {%- auth0:widget -%}"),
            ("{%- auth0:widget -%}", "must contain the tag {%- auth0:head -%}"),
            ("{%- auth0:head {%- auth0:widget -%}", "must contain the tag {%- auth0:head -%}"),
            ("{%- auth0:head -%}{%- auth0:widget -%}{% bogus %}", "is not valid Liquid: line 1"),
            ("{%- auth0:head -%}{%- auth0:widget -%}{% include 'x' %}", "is not valid Liquid"),
            ("{%- auth0:head -%}{%- auth0:widget -%}{% if", "is not valid Liquid"),
        ] {
            let error = PageTemplate::parse(body).unwrap_err();
            assert!(error.message.contains(text), "{body}: {}", error.message);
        }
        let long = format!("{{%- auth0:head -%}}{{%- auth0:widget -%}}{}", "x".repeat(100_001));
        assert!(PageTemplate::parse(&long).is_err());
    }

    #[test]
    fn a_template_that_prints_no_form_or_too_much_makes_no_page() {
        let tags = "{%- auth0:head -%}{%- auth0:widget -%}";
        for body in [
            "{% if locale == 'en' %}{%- auth0:head -%}{% endif %}{%- auth0:widget -%}".to_owned(),
            "{% raw %}{%- auth0:head -%}{%- auth0:widget -%}{% endraw %}".to_owned(),
            "{% comment %}{%- auth0:head -%}{% endcomment %}{%- auth0:widget -%}".to_owned(),
        ] {
            assert_eq!(rendered(&body), Err(Fault::Incomplete), "{body}");
        }
        for body in [
            format!("{tags}{{% for a in (1..100000) %}}{{% endfor %}}"),
            format!("{tags}{{% for a in (1..4999) %}}{{{{ prompt.screen.texts | join: 'x' }}}}{{% endfor %}}"),
            format!("{tags}{{{{ 1 | divided_by: 0 }}}}"),
        ] {
            assert!(matches!(rendered(&body), Err(Fault::Render(_))), "{body}");
        }
    }
}
