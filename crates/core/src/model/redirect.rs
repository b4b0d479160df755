//! Where a browser may be sent: no scheme that runs scripts in our own name, and after a log-out only to the addresses that
//! are listed for it (Auth0: "Redirect users after logout"; `docs/COMPATIBILITY.md` C1551-C1552).

/// Whether a browser may be sent there: not where a script would run in our own name.
pub fn is_safe(uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default();
    let is_bad = SCRIPTS.iter().any(|bad| scheme.eq_ignore_ascii_case(bad));
    uri.contains(':') && !uri.contains(char::is_control) && !is_bad
}

/// Whether `sent` is one of the `listed` addresses that a log-out may lead to. An entry is compared letter by letter; one
/// without a query admits any query and fragment, and a leading `*.` of its host stands for one label.
pub fn is_listed(listed: &[String], sent: &str) -> bool {
    let place = place(sent);
    let fits = |entry: &String| entry == sent || (!entry.contains(['?', '#']) && fits(entry, place));
    is_safe(sent) && listed.iter().any(fits)
}

/// The first of the `listed` addresses that a browser can be sent to.
pub fn first(listed: &[String]) -> Option<&str> {
    listed.iter().map(String::as_str).find(|uri| is_safe(uri) && !uri.contains('*'))
}

/// The address as a `Location` header may hold it: what is no visible ASCII is percent-encoded.
pub fn location(uri: &str) -> String {
    let mut out = String::with_capacity(uri.len());
    for letter in uri.chars() {
        if letter.is_ascii_graphic() {
            out.push(letter);
        } else {
            let mut bytes = [0; 4];
            out.extend(letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    out
}

/// The address without query and fragment.
fn place(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

fn fits(entry: &str, place: &str) -> bool {
    let Some((scheme, rest)) = entry.split_once("://*.") else { return entry == place };
    let Some((label, sent)) = place.strip_prefix(scheme).and_then(|it| it.strip_prefix("://")?.split_once('.')) else {
        return false;
    };
    let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label && sent == rest && !rest.contains('*')
}

const SCRIPTS: [&str; 5] = ["javascript", "data", "vbscript", "blob", "file"];

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(sent: &str) -> bool {
        let entries = [
            "https://app.example/bye",
            "https://*.shop.example/out",
            "app://out",
            "https://q.example/?a=b",
            "javascript:alert(1)",
        ];
        is_listed(&entries.map(str::to_owned), sent)
    }

    #[test]
    fn listed_addresses_are_letter_by_letter_but_for_the_query() {
        for sent in [
            "https://app.example/bye",
            "https://app.example/bye?from=x#top",
            "https://a.shop.example/out",
            "https://a-1.shop.example/out?b",
            "app://out",
            "https://q.example/?a=b",
        ] {
            assert!(listed(sent), "{sent}");
        }
        for sent in [
            "",
            "https://app.example/bye/",
            "https://app.example/bye/..",
            "http://app.example/bye",
            "https://APP.example/bye",
            "https://app.example",
            "https://app.example@evil.example/bye",
            "https://evil.example/https://app.example/bye",
            "//app.example/bye",
            "https://app.example/bye\n",
            "https://shop.example/out",
            "https://a.b.shop.example/out",
            "https://.shop.example/out",
            "https://evil.example/.shop.example/out",
            "https://evil.example?.shop.example/out",
            "https://evil.example#.shop.example/out",
            "https://u:p@a.shop.example/out",
            "https://evil.example\\.shop.example/out",
            "https://*.shop.example/out/x",
            "https://q.example/?a=c",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
        ] {
            assert!(!listed(sent), "{sent}");
        }
    }

    #[test]
    fn an_address_is_written_as_headers_hold_it() {
        assert_eq!(location("https://a.example/ü?q=a b\r\n"), "https://a.example/%C3%BC?q=a%20b%0D%0A");
    }

    #[test]
    fn the_first_is_one_that_a_browser_can_go_to() {
        let entries = vec!["https://*.a.example".into(), "javascript:x".into(), "https://b.example".to_owned()];
        assert_eq!(first(&entries), Some("https://b.example"));
        assert_eq!(first(&[]), None);
    }
}
