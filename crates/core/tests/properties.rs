//! Properties that hold for any input, not only for the examples that somebody thought of.

use proptest::prelude::*;
use ringpass_core::kit::clock::{parse_rfc3339, rfc3339};
use ringpass_core::kit::hash;
use ringpass_core::kit::jwt::Parsed;
use ringpass_core::kit::secret::{MasterKeys, Secret};
use ringpass_core::model::lucene::Query;
use ringpass_core::model::phone::Phone;
use ringpass_core::model::template::{Tail, Template, Variables};
use ringpass_core::model::{log_search, user_search};
use ringpass_core::storage::buckets::Shape;

proptest! {
    #[test]
    fn any_text_is_a_token_or_none_and_never_a_panic(text in ".{0,200}") {
        let _ = Parsed::new(&text);
    }

    #[test]
    fn a_number_is_e164_or_no_number(text in "[+0-9 ()a-z-]{0,20}") {
        let trimmed = text.trim();
        let digits = trimmed.strip_prefix('+').unwrap_or("");
        let wanted = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = Phone::parse(&text);
        prop_assert_eq!(parsed.is_some(), wanted);
        if let Some(phone) = parsed {
            prop_assert_eq!(phone.as_str(), trimmed);
            let _ = phone.refused(None);
        }
    }

    #[test]
    fn text_without_macros_is_sent_as_it_stands(text in "[^@{]{1,80}") {
        prop_assume!(!text.trim().is_empty());
        let template = Template::parse(&text, Some("md_with_macros"));
        let rendered = template.render(&Variables {
            code: "123456", phone_number: "+491", application_name: "App", request_language: "de",
        }, &Tail::default(), 0);
        prop_assert_eq!(rendered.text.expose(), text);
    }

    #[test]
    fn any_template_renders(text in "[@a-z. {}%]{0,80}") {
        let template = Template::parse(&text, None);
        let rendered = template.render(&Variables {
            code: "123456", phone_number: "+491", application_name: "@@code@@", request_language: "",
        }, &Tail::default(), 0);
        prop_assert!(!rendered.text.expose().trim().is_empty());
    }

    #[test]
    fn a_secret_opens_to_what_was_sealed(clear in ".{0,100}", place in "[a-z.]{1,20}") {
        let keys = MasterKeys::parse(&hash::base64(&[7; 32])).expect("a key");
        let sealed = keys.seal(&Secret::new(clear.clone()), &place).expect("sealed");
        let opened = keys.open(&sealed, &place).expect("opened");
        prop_assert_eq!(opened.expose(), clear);
        let elsewhere = format!("{place}x");
        prop_assert!(keys.open(&sealed, &elsewhere).is_err());
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst(burst in 1_i64..200, interval in 1_i64..100_000, full_in in 0_i64..10_000_000) {
        let shape = Shape { burst, interval };
        let left = shape.left(1_000 + full_in, 1_000);
        prop_assert!((0..=burst).contains(&left));
        prop_assert_eq!(left == 0, shape.next_at(1_000 + full_in, 1_000) > 1_000);
    }

    #[test]
    fn an_instant_survives_its_spelling(at in 0_i64..4_102_444_800_000) {
        prop_assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
    }

    #[test]
    fn any_text_is_a_query_or_refused_and_a_query_answers(
        text in prop_oneof![
            ".{0,80}",
            r#"([a-c*?:()"\[\]{}+!\\/~^&|. -]|AND |OR |NOT |TO |_exists_:|name:|email\.domain:){0,40}"#,
        ],
        value in r#"[a-c*.@ -]{0,12}"#,
    ) {
        let document = serde_json::json!({"name": value, "email": value, "a": {"b": [value, 1, null]}, "c": [[{"a": true}]]});
        for policy in [&user_search::POLICY, &log_search::POLICY] {
            if let Ok(query) = Query::parse(&text, policy) {
                let _ = (query.matches(document.as_object().expect("an object")), query.values_of("name"), query.span_of("date"));
            }
        }
        let _ = log_search::simple(&text);
    }

    #[test]
    fn a_quoted_value_finds_itself_and_its_opposite_does_not(value in "[ -~é*]{1,40}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let escaped: String = value.chars().flat_map(|c| ['\\', c]).collect();
        let document = serde_json::json!({"username": value});
        let matches = |q: String| Query::parse(&q, &user_search::POLICY).map(|query| query.matches(document.as_object().expect("an object")));
        prop_assert_eq!(matches(format!("username:\"{quoted}\"")), Ok(true));
        prop_assert_eq!(matches(format!("username:{escaped}")), Ok(true));
        prop_assert_eq!(matches(format!("NOT username:\"{quoted}\"")), Ok(false));
        prop_assert_eq!(matches(format!("username:\"{quoted}x\"")), Ok(false));
    }

    #[test]
    fn a_wildcard_is_found_wherever_it_can_be_found(text in "[ab]{0,10}", parts in proptest::collection::vec("[ab]{0,3}", 2..5)) {
        let literals: usize = parts.iter().map(String::len).sum();
        prop_assume!(literals >= 3);
        let document = serde_json::json!({"username": text});
        let query = Query::parse(&format!("username:{}", parts.join("*")), &user_search::POLICY).expect("a query");
        prop_assert_eq!(query.matches(document.as_object().expect("an object")), like(&text, &parts));
    }
}

/// The meaning of a wildcard, without care for speed: some way to cut the text.
fn like(text: &str, parts: &[String]) -> bool {
    match parts {
        [last] => text == last,
        [first, rest @ ..] => text
            .strip_prefix(first.as_str())
            .is_some_and(|text| (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| like(text, rest)))),
        [] => text.is_empty(),
    }
}
