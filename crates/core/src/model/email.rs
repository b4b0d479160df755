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
    fn an_address_does_not_print() {
        assert_eq!(format!("{:?}", Email::parse("a@b.example").unwrap()), "***");
    }
}
