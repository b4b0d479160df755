//! `ringpass number`: what an operator is told of a phone number.

use expect_test::expect;
use serde_json::json;

use super::World;

#[tokio::test]
async fn an_operator_learns_whether_a_number_may_start_and_why_not() {
    let (world, server) = World::new("number").await;
    let mut told = String::new();
    let mut look = |numbers: &[&str], expected: i32| {
        for number in numbers {
            // No secret is needed to look.
            let (code, text) = world.run(&["number", number], &[("RINGPASS_MASTER_KEY", "")]);
            assert_eq!(code, expected, "{number}: {text}");
            told.push_str(&text);
        }
    };
    look(&["+12025550123", "+4915112345678", "+999123456"], 0);
    look(&["+19002345678", "+870773111632", "+491801123456", "0151 12345678"], 1);
    let rules = async |rules| {
        server.api(&world, "PATCH", "/tenants/settings", Some(json!({"country_codes": rules}))).await.is(200);
    };
    rules(json!({"list": ["CA", "FR"], "mode": "allow"})).await;
    look(&["+33612345678"], 0);
    look(&["+12025550123", "+999123456"], 1);
    rules(json!({"list": ["DE"], "mode": "deny"})).await;
    look(&["+12025550123"], 0);
    look(&["+4915112345678"], 1);
    expect![[r#"
        number        +12025550123
        country       US
        type          fixed line or mobile
        calling code  +1
        allowed       yes
        number        +4915112345678
        country       DE
        type          mobile
        calling code  +49
        allowed       yes
        number        +999123456
        country       unknown
        type          unknown
        calling code  unknown
        allowed       yes
        number        +19002345678
        country       US
        type          premium rate
        calling code  +1
        allowed       no: no message goes to premium-rate numbers
        number        +870773111632
        country       unknown
        type          satellite
        calling code  +870
        allowed       no: no message goes to satellite numbers
        number        +491801123456
        country       DE
        type          shared cost
        calling code  +49
        allowed       no: no message goes to shared-cost numbers
        number        0151 12345678
        allowed       no: a number is + and 1 to 15 digits, nothing else
        number        +33612345678
        country       FR
        type          mobile
        calling code  +33
        allowed       yes
        number        +12025550123
        country       US
        type          fixed line or mobile
        calling code  +1
        allowed       no: the tenant's country_codes allow only these countries: CA, FR
        number        +999123456
        country       unknown
        type          unknown
        calling code  unknown
        allowed       no: the tenant's country_codes allow only these countries: CA, FR
        number        +12025550123
        country       US
        type          fixed line or mobile
        calling code  +1
        allowed       yes
        number        +4915112345678
        country       DE
        type          mobile
        calling code  +49
        allowed       no: the tenant's country_codes deny these countries: DE
    "#]]
    .assert_eq(&told);
    assert_eq!(world.run(&["number"], &[]).0, 2);
}
