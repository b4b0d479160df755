//! E-mail addresses that messages are sent to: the plain form of RFC 5321, `local@domain`, and nothing that a mail system
//! could read as more than one address or as the end of a line.

use std::fmt;

/// An address in lower case. It never prints.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Email {
    /// Takes an address as a caller wrote it, white space around it trimmed and letters made small; `None` when it is not
    /// a dot-atom of ASCII before a domain name of two labels or more.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let fits = text.len() <= LONGEST && local.len() <= 64;
        (fits && is_dot_atom(local) && is_domain(domain)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who a mail says it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name before the address.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

impl Sender {
    /// Reads `Name <address>`, or an address alone. Quotes around the name go; what a line cannot hold becomes a blank.
    pub fn parse(text: &str) -> Option<Self> {
        let text = one_line(text);
        let Some((name, rest)) = text.rsplit_once('<') else {
            return Email::parse(&text).map(|address| Self { name: None, address });
        };
        let address = Email::parse(rest.strip_suffix('>')?)?;
        let name = name.trim().trim_matches('"').trim();
        Some(Self { name: Some(name.to_owned()).filter(|name| !name.is_empty()), address })
    }
}

/// A text for a header: whatever could end the line, or hide in it, is a blank. A reader never sees more than 200
/// characters of it.
pub fn one_line(text: &str) -> String {
    let blank = |c: char| if c.is_control() || is_separator(c) { ' ' } else { c };
    let text: String = text.chars().map(blank).collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").chars().take(LONGEST_HEADER).collect()
}

/// Separators of lines and paragraphs, and marks that turn the direction of what follows.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_dot_atom(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.split('.').all(is_atom)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

/// Octets of a path (RFC 5321, section 4.5.3.1.3) without its angle brackets.
const LONGEST: usize = 254;
/// Characters of a header that people read.
const LONGEST_HEADER: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Email::parse(text).map(|email| email.as_str().to_owned())
    }

    #[test]
    fn addresses_are_trimmed_and_made_small() {
        assert_eq!(parsed(" Ada.Lovelace+x@Mail.Example.ORG\n").as_deref(), Some("ada.lovelace+x@mail.example.org"));
        assert_eq!(parsed("o'hara_{1}@a-b.co").as_deref(), Some("o'hara_{1}@a-b.co"));
        assert_eq!(parsed(&format!("{}@{}.example", "a".repeat(64), "b".repeat(63))).map(|it| it.len()), Some(136));
    }

    #[test]
    fn what_a_mail_system_could_misread_is_refused() {
        let long = format!("{}@a.example", "a".repeat(65));
        let longer = format!("a@{}.example", ["b".repeat(63).as_str(); 4].join("."));
        for text in [
            "",
            "@",
            "food",
            "a@",
            "@b.example",
            "a@b",
            "a@@b.example",
            "a@b.example@c.example",
            "a b@c.example",
            "a@b example",
            "a@b.example\r\nBcc: c@d.example",
            "a\n@b.example",
            "a\0@b.example",
            "a@b.example\0",
            "<a@b.example>",
            "a@b.example,c@d.example",
            "a@b.example;c@d.example",
            "\"a\"@b.example",
            "a..b@c.example",
            ".a@b.example",
            "a.@b.example",
            "a@.b.example",
            "a@b..example",
            "a@b.example.",
            "a@-b.example",
            "a@b-.example",
            "a@[127.0.0.1]",
            "a@b_c.example",
            "é@b.example",
            "a@bücher.example",
            "a@b.example\u{2028}c",
            &long,
            &longer,
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn senders_are_a_name_and_an_address() {
        let parsed = |text: &str| Sender::parse(text).map(|it| (it.name, it.address.as_str().to_owned()));
        let some = |name: Option<&str>, address: &str| Some((name.map(str::to_owned), address.to_owned()));
        for (text, expected) in [
            ("a@b.example", some(None, "a@b.example")),
            ("<a@b.example>", some(None, "a@b.example")),
            ("Ann <A@b.example>", some(Some("Ann"), "a@b.example")),
            ("\"Ann, B\" <a@b.example>", some(Some("Ann, B"), "a@b.example")),
            ("Ann <x@y.example> <a@b.example>", some(Some("Ann <x@y.example>"), "a@b.example")),
            ("Ann a@b.example", None),
            ("Ann <a@b>", None),
            ("a@b.example, c@d.example", None),
            ("", None),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_does_not_print() {
        assert_eq!(format!("{:?}", Email::parse("a@b.example").unwrap()), "***");
    }
}
