//! Queries against one user and one event, by table; and what is refused, with its sentence.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Query};
use crate::model::{log_search, user_search};

fn user() -> Value {
    json!({
        "user_id": "sms|560ebaeef609ee1adaa7c551", "phone_number": "+14258831929", "phone_verified": true,
        "email": "ann@example.org", "name": "Ann Mary Archer", "nickname": "Ännchen", "username": "ann.archer",
        "identities": [
            {"connection": "sms", "provider": "sms", "user_id": "560ebaeef609ee1adaa7c551", "isSocial": false},
            {"connection": "mail", "provider": "email", "user_id": "7", "isSocial": false},
        ],
        "user_metadata": {"color": "Blue", "size": 42, "shipping": {"city": "Paris"}, "empty": {}, "none": null},
        "app_metadata": {"plan": "gold", "level": 3.5, "beta": false, "tags": ["a", "b c"],
            "orders": [{"id": 1, "items": [{"sku": "x-1"}]}, {"id": 2}], "renewed": "2026-02-03T10:00:00Z"},
        "created_at": "2026-01-02T03:04:05.678Z", "last_login": "2026-03-31T23:30:00.000Z", "logins_count": 100,
        "blocked": false
    })
}

fn event() -> Value {
    json!({
        "log_id": "90020260102", "type": "fertft", "date": "2026-01-02T03:04:05.678Z", "description": "Unknown or invalid refresh token.",
        "client_id": "AbC123", "client_name": "My App", "connection": "Username-Password-Authentication", "ip": "203.0.113.9",
        "user_id": "auth0|1", "user_name": "+14258831929", "user_agent": "Mozilla/5.0 (X11)"
    })
}

fn finds(q: &str, document: &Value, policy: &'static super::Policy) -> bool {
    let query = Query::parse(q, policy).unwrap_or_else(|error| panic!("{q}: {}", error.message));
    query.matches(document.as_object().unwrap())
}

#[test]
fn values_are_compared_as_a_whole() {
    for q in [
        r#"name:"Ann Mary Archer""#,
        r#"name:"ANN mary archer""#,
        r"name:Ann\ Mary\ Archer",
        "nickname:ÄNNCHEN",
        r#"phone_number:"+14258831929""#,
        r"phone_number:\+14258831929",
        "user_id:sms|560ebaeef609ee1adaa7c551",
        r#"user_id:"sms|560ebaeef609ee1adaa7c551""#,
        "email : ANN@example.org",
        r#"email.domain:"Example.org""#,
        "email.domain:*.org",
        r#"identities.connection:"sms" AND identities.provider:email"#,
        "identities.isSocial:false",
        "blocked:false AND phone_verified:true",
        "logins_count:100 AND logins_count:100.0",
        "user_metadata.color:Blue",
        "user_metadata.size:42",
        "user_metadata.shipping.city:Paris",
        "app_metadata.beta:false AND app_metadata.level:3.5",
        r#"app_metadata.tags:a AND app_metadata.tags:"b c""#,
        "app_metadata.orders.id:2 AND app_metadata.orders.items.sku:x-1",
        "_exists_:phone_number AND _exists_:user_metadata.size AND _exists_:app_metadata.orders.items",
        "created_at:2026-01-02 AND created_at:2026-01 AND created_at:\"2026-01-02T03:04\"",
        "*",
        "*:*",
        "name:*",
    ] {
        assert!(finds(q, &user(), &user_search::POLICY), "{q}");
    }
    for q in [
        "name:Ann",
        r#"name:"Ann Mary""#,
        "user_metadata.color:blue",
        "username:ANN.ARCHER",
        "app_metadata.plan:Gold",
        "user_metadata:Blue",
        "app_metadata.orders:1",
        "email.domain:example",
        "nothing:x",
        "name.domain:x",
        "identities.connection.x:sms",
        "_exists_:user_metadata.empty",
        "_exists_:user_metadata.none",
        "_exists_:multifactor",
        "blocked:0",
        "created_at:2026-01-03",
        "phone_number:14258831929",
        "user_id:*nobody",
        "logins_count:42",
        "user_id:SMS*",
    ] {
        assert!(!finds(q, &user(), &user_search::POLICY), "{q}");
    }
}

#[test]
fn a_term_without_a_field_looks_in_few_fields() {
    for q in [r#""ann mary archer""#, "ANN@EXAMPLE.ORG", "änn*", r"\+1425*", "sms|560*", "nobody ann.archer"] {
        assert!(finds(q, &user(), &user_search::POLICY), "{q}");
    }
    for q in ["Blue", "gold", "sms", "Ann", "560ebaeef609ee1adaa7c551"] {
        assert!(!finds(q, &user(), &user_search::POLICY), "{q}");
    }
    for q in ["fertft", r"My\ App", "203.0.113.9", r#""Unknown or invalid refresh token.""#, "Username-Password-Auth*"]
    {
        assert!(finds(q, &event(), &log_search::POLICY), "{q}");
    }
    for q in ["my\\ app", "AbC123", "auth0|1", "Mozilla*"] {
        assert!(!finds(q, &event(), &log_search::POLICY), "{q}");
    }
}

#[test]
fn wildcards_and_ranges() {
    for q in [
        "name:a*",
        "name:ann*archer",
        "name:*cher",
        "name:*mary*",
        "name:an*m*y*er",
        "name:**archer",
        "username:ann.*",
        "app_metadata.plan:g*",
        r"name:ann\ *",
        "identities.connection:m*",
        "app_metadata.tags:b*",
        "logins_count:[100 TO 200}",
        "logins_count:{99 TO *]",
        "logins_count:[* TO 100]",
        "logins_count:[ 99.5   TO 100.5 ]",
        "last_login:[2026-03-01 TO 2026-03-31]",
        "last_login:[2026-03-31T23:30:00Z TO *}",
        r#"last_login:["2026-03-31T23:30" TO 2027]"#,
        "last_login:{2026-03-30 TO 2026-04-01}",
        "created_at:[* TO *]",
        "app_metadata.level:{3 TO 4}",
        "app_metadata.renewed:[2026-02 TO 2026-03}",
        "name:[ann TO anz]",
        "username:{ann TO b}",
        "logins_count:[-5 TO 1e3]",
    ] {
        assert!(finds(q, &user(), &user_search::POLICY), "{q}");
    }
    for q in [
        "name:*ann mary",
        "name:archer*ann",
        "name:ann*x*archer",
        "username:ANN*",
        "name:annann*",
        "blocked:fal*",
        "logins_count:{100 TO 200]",
        "logins_count:[1 TO 100}",
        "last_login:[2026-03-01 TO 2026-03-31}",
        "last_login:{2026-03-31 TO *]",
        "created_at:[* TO 2026-01-01]",
        "app_metadata.plan:[1 TO 2]",
        "app_metadata.level:[a TO z]",
        "username:[a TO ann]",
        "nothing:[* TO *]",
        "name:*marx*",
    ] {
        assert!(!finds(q, &user(), &user_search::POLICY), "{q}");
    }
}

#[test]
fn operators_bind_as_usual_and_marks_as_in_lucene() {
    // t and f stand for terms that match and do not.
    for (q, wanted) in [
        ("t", true),
        ("f", false),
        ("t f", true),
        ("f f", false),
        ("t AND f", false),
        ("t && t", true),
        ("f || t", true),
        ("t OR f", true),
        ("NOT t", false),
        ("NOT f", true),
        ("!f", true),
        ("-f", true),
        ("+t", true),
        ("-t", false),
        ("t OR t AND f", true),
        ("f AND t OR t", true),
        ("f AND (t OR t)", false),
        ("NOT t AND f", false),
        ("NOT (t AND f)", true),
        ("t NOT t", false),
        ("t NOT f", true),
        ("f NOT f", false),
        ("NOT f f", false),
        ("f OR NOT f", true),
        ("NOT f OR f", true),
        ("f OR -f", false),
        ("+t f", true),
        ("+f t", false),
        ("t -t", false),
        ("t -f", true),
        ("+t -f", true),
        ("f -f", false),
        ("-f -f", true),
        ("-f -t", false),
        ("t AND -f", true),
        ("t AND NOT t", false),
        ("t AND !f AND +t", true),
        ("(f) (t)", true),
        ("((((t))))", true),
        ("-(f f) +(t f)", true),
        ("t\tAND\nt", true),
    ] {
        let full = q.replace('t', "user_id:sms*").replace('f', "user_id:x");
        assert_eq!(finds(&full, &user(), &user_search::POLICY), wanted, "{q}");
    }
    for (q, wanted) in [
        ("blocked:(true OR false)", true),
        ("blocked:(true AND false)", false),
        ("email:(x OR ANN@example.org)", true),
        ("logins_count:([0 TO 1] [100 TO 101])", true),
        ("name:(+ann* -*bob*)", true),
        ("username:(NOT x)", true),
        (r#"username:("and" AND "or")"#, false),
        (r"username:(\AND OR ann.archer)", true),
        ("username:(and or ann.archer)", true),
    ] {
        assert_eq!(finds(q, &user(), &user_search::POLICY), wanted, "{q}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_a_reason() {
    for (q, why) in [
        ("", "there is nothing to search for"),
        ("()", "there is nothing to search for"),
        ("name:", "a value is missing behind the colon"),
        ("name:ann AND", "a term is missing at the end"),
        ("OR ann", "a term is missing before or behind an operator"),
        ("ann OR", "a term is missing at the end"),
        ("(ann OR)", "a term is missing before or behind an operator"),
        ("ann OR OR bob", "a term is missing before or behind an operator"),
        ("NOT NOT ann", "a term is missing before or behind an operator"),
        ("name:(ann", "a parenthesis is not closed"),
        ("ann)", "a closing parenthesis has no opening one"),
        ("name:\"ann", "a quotation mark is not closed"),
        ("ann\\", "a backslash at the end escapes nothing"),
        ("\"ann\\", "a quotation mark is not closed"),
        ("name:ann:x", "a term is missing before or behind an operator"),
        ("\"name\":ann", "a term is missing before or behind an operator"),
        ("phone_number:+1425", "a term is missing before or behind an operator"),
        ("name:(user_id:x)", "a field cannot stand inside the parentheses of another field"),
        ("name:a?n", "the wildcard ? is not supported"),
        ("name:ann~2", "fuzzy and proximity searches (~) are not supported"),
        ("\"ann archer\"~2", "fuzzy and proximity searches (~) are not supported"),
        ("name:ann^4", "boosting (^) is not supported"),
        ("name:/an+/", "regular expressions are not supported"),
        ("logins_count:>10", "write comparisons as ranges: [10 TO *]"),
        ("name:a]", "] must be escaped or in quotation marks"),
        ("user_metadata.x:hi!", "! must be escaped or in quotation marks"),
        ("name:*ab", "a wildcard that is not at the end needs at least 3 other characters"),
        ("name:a*b", "a wildcard that is not at the end needs at least 3 other characters"),
        ("*ab", "a wildcard that is not at the end needs at least 3 other characters"),
        ("user_metadata.color:Blu*", "wildcards are not available on user_metadata.color"),
        ("user_metadata.size:[1 TO 2]", "ranges are not available on user_metadata.size"),
        ("logins_count:1*", "wildcards are not available on logins_count: use a range"),
        ("logins_count:many", "many is no number"),
        ("logins_count:[1 TO many]", "many is no number"),
        (
            "created_at:today",
            "today is no date: write 2025-12-31 or 2025-12-31T23:59:59Z, with colons in quotation marks",
        ),
        (
            "created_at:[now-1d TO *]",
            "now-1d is no date: write 2025-12-31 or 2025-12-31T23:59:59Z, with colons in quotation marks",
        ),
        ("logins_count:[1 2]", "a range is written [low TO high] or {low TO high}"),
        ("logins_count:[1 TO 2", "a range is written [low TO high] or {low TO high}"),
        ("logins_count:[1 TO ]", "a range is written [low TO high] or {low TO high}"),
        ("logins_count:[1* TO 2]", "wildcards inside the bounds of a range are not supported"),
        ("[1 TO 2]", "a range needs a field"),
        ("user_m*:x", "wildcards in field names are not supported"),
        ("*:x", "wildcards in field names are not supported"),
        ("_missing_:name", "_missing_ is no field"),
        ("_exists_:\"name\"", "_exists_ needs a field"),
        ("_exists_:na*", "wildcards in field names are not supported"),
        (".:x", ". is no field"),
        ("a..b:x", "a..b is no field"),
    ] {
        let refused = Query::parse(q, &user_search::POLICY).expect_err(q);
        let wanted = format!(
            "Query validation error: 'Object didn't pass validation for format lucene: {q}' on property q ({why})."
        );
        assert_eq!(refused.message, wanted);
        assert_eq!(refused.code(), "invalid_query_string");
    }
}

#[test]
fn the_older_search_compares_beginnings() {
    let finds = |search: &str| log_search::simple(search).unwrap().matches(event().as_object().unwrap());
    for search in [
        "my",
        "MY app:",
        "user",
        "application:My",
        r#"application:"MY APP""#,
        r#"user:"+14258831929" client:m type:FERT"#,
    ] {
        let search = search.trim_end_matches(" app:");
        assert!(finds(search), "{search}");
    }
    for search in ["app", r#""my""#, "my your", "application:App", "fertft", "description:token"] {
        assert!(!finds(search), "{search}");
    }
    assert!(finds(""));
    for search in ["(my)", "my OR your", "my*", "date:[1 TO 2]", "user:", "\"", "+my", "a:b:c"] {
        let refused = log_search::simple(search).expect_err(search);
        let beginning = format!(
            "Query validation error: 'Object didn't pass validation for format search: {search}' on property search ("
        );
        assert!(refused.message.starts_with(&beginning), "{}", refused.message);
    }
}

#[test]
fn strings_made_to_be_slow_are_refused_or_fast() {
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    for (q, why) in [
        (deep(MAX_DEPTH + 1), "nest"),
        ("(".repeat(MAX_LENGTH), "nest"),
        ("name:(".repeat(600), "of another field"),
        ("a ".repeat(MAX_TERMS + 1), "terms"),
        ("x:a ".repeat(MAX_TERMS + 1), "terms"),
        ("NOT ".repeat(900), "operator"),
        ("-".repeat(MAX_LENGTH), "operator"),
        ("a".repeat(MAX_LENGTH + 1), "bytes"),
        ("\"".repeat(3_000), "terms"),
        ("\\".repeat(4_095), "backslash"),
    ] {
        let refused = Query::parse(&q, &user_search::POLICY).unwrap_err();
        assert!(refused.message.contains(why), "{}", refused.message);
        assert!(refused.message.len() < 600);
    }
    assert!(Query::parse(&deep(MAX_DEPTH), &user_search::POLICY).is_ok());
    // The worst for a matcher that goes back: many stars over many equal letters.
    let document = json!({"name": "a".repeat(100_000), "email": "a".repeat(100_000), "nickname": "a".repeat(100_000)});
    let began = Instant::now();
    for q in [
        format!("name:{}b", "*a".repeat(2_000)),
        "*aab*".to_owned(),
        format!("name:*{}b*", "a".repeat(3_000)),
        "*aab* ".repeat(MAX_TERMS),
    ] {
        let query = Query::parse(&q, &user_search::POLICY).unwrap();
        assert!(query.cost() <= MAX_TERMS * user_search::POLICY.bare.len());
        assert!(!query.matches(document.as_object().unwrap()));
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
