//! Addresses of pictures and fonts that the pages load: `https` only, and safe inside a style sheet and a policy.

use std::fmt;

use url::Url;

/// The address of a picture or a font.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    origin: String,
}

impl Address {
    /// Reads an `https` address without credentials; everything else is none. Signs that mean something to CSS are
    /// written as percent codes.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host())?;
        if !url.username().is_empty() || url.password().is_some() || text.len() > LENGTH {
            return None;
        }
        let mut safe = String::with_capacity(text.len());
        for letter in url.as_str().chars() {
            match SPECIAL.iter().find(|(sign, _)| *sign == letter) {
                Some((_, code)) => safe.push_str(code),
                None => safe.push(letter),
            }
        }
        Some(Self { url: safe, origin: url.origin().ascii_serialization() })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Its origin, as a content security policy names it.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

const SPECIAL: &[(char, &str)] = &[
    ('"', "%22"),
    ('\'', "%27"),
    ('(', "%28"),
    (')', "%29"),
    ('\\', "%5C"),
    ('<', "%3C"),
    ('>', "%3E"),
    (';', "%3B"),
    ('{', "%7B"),
    ('}', "%7D"),
];
const LENGTH: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_addresses_pass_and_nothing_in_them_ends_a_style() {
        let good = Address::parse("https://cdn.example:8443/a b.png?x=1").unwrap();
        assert_eq!(
            (good.as_str(), good.origin()),
            ("https://cdn.example:8443/a%20b.png?x=1", "https://cdn.example:8443")
        );
        let odd = Address::parse(r#"https://cdn.example/a")}body{background:url('x\?y\z#")'\"#).unwrap();
        assert!(!odd.as_str().contains(['"', '\'', '(', ')', '\\', '{', '}', ';', ' ', '\n']), "{odd}");
        assert_eq!(odd.origin(), "https://cdn.example");
        for text in [
            "",
            "http://cdn.example/a.png",
            "//cdn.example/a.png",
            "/a.png",
            "data:image/png;base64,AA==",
            "javascript:alert(1)",
            "https://",
            "https://user:secret@cdn.example/a.png",
            "https://user@cdn.example/a.png",
            "https://cdn.example; script-src *",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
        assert_eq!(Address::parse(&format!("https://cdn.example/{}", "a".repeat(2_100))), None);
    }
}
