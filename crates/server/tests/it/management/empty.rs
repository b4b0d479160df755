//! Lists that only have to answer (`docs/COMPATIBILITY.md` C1230-C1235).

use expect_test::expect;

use super::admin;
use crate::world::{Answer, Lines as _, Options, World};

#[tokio::test]
async fn lists_of_what_does_not_exist_are_empty_in_their_own_shape() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let plain: Vec<(&str, Answer)> = vec![
        ("connection-profiles", admin.get("/api/v2/connection-profiles").await),
        ("directory-provisionings", admin.get("/api/v2/connections-directory-provisionings").await),
        ("custom-domains", admin.get("/api/v2/custom-domains").await),
        ("event-streams", admin.get("/api/v2/event-streams").await),
        ("flows", admin.get("/api/v2/flows").await),
        ("vault", admin.get("/api/v2/flows/vault/connections").await),
        ("forms", admin.get("/api/v2/forms").await),
        ("hooks", admin.get("/api/v2/hooks").await),
        ("log-streams", admin.get("/api/v2/log-streams").await),
        ("network-acls", admin.get("/api/v2/network-acls").await),
        ("organizations", admin.get("/api/v2/organizations").await),
        ("rate-limit-policies", admin.get("/api/v2/rate-limit-policies").await),
        ("rules", admin.get("/api/v2/rules").await),
        ("rules-configs", admin.get("/api/v2/rules-configs").await),
        ("self-service-profiles", admin.get("/api/v2/self-service-profiles").await),
        ("token-exchange-profiles", admin.get("/api/v2/token-exchange-profiles").await),
        ("user-attribute-profiles", admin.get("/api/v2/user-attribute-profiles").await),
    ];
    let totals = "include_totals=true&per_page=20&page=1";
    let mut out = String::new();
    for (name, answer) in plain {
        let path = match name {
            "directory-provisionings" => "connections-directory-provisionings",
            "vault" => "flows/vault/connections",
            name => name,
        };
        let with_totals = admin.get(&format!("/api/v2/{path}?{totals}")).await;
        let with_take = admin.get(&format!("/api/v2/{path}?take=10&{totals}")).await;
        out.line(format!("{name}: {}\n  {}\n  {}", answer.line(), with_totals.line(), with_take.line()));
    }
    expect![[r#"
        connection-profiles: 200 {"connection_profiles":[]}
          200 {"connection_profiles":[]}
          200 {"connection_profiles":[]}
        directory-provisionings: 200 {"directory_provisionings":[]}
          200 {"directory_provisionings":[]}
          200 {"directory_provisionings":[]}
        custom-domains: 200 []
          200 []
          200 []
        event-streams: 200 {"eventStreams":[]}
          200 {"eventStreams":[]}
          200 {"eventStreams":[]}
        flows: 200 []
          200 {"start":20,"limit":20,"total":0,"flows":[]}
          200 {"start":20,"limit":20,"total":0,"flows":[]}
        vault: 200 []
          200 {"start":20,"limit":20,"total":0,"connections":[]}
          200 {"start":20,"limit":20,"total":0,"connections":[]}
        forms: 200 []
          200 {"start":20,"limit":20,"total":0,"forms":[]}
          200 {"start":20,"limit":20,"total":0,"forms":[]}
        hooks: 200 []
          200 {"start":20,"limit":20,"total":0,"hooks":[]}
          200 {"start":20,"limit":20,"total":0,"hooks":[]}
        log-streams: 200 []
          200 []
          200 []
        network-acls: 200 []
          200 {"start":20,"limit":20,"total":0,"network_acls":[]}
          200 {"start":20,"limit":20,"total":0,"network_acls":[]}
        organizations: 200 []
          200 {"start":20,"limit":20,"total":0,"organizations":[]}
          200 {"organizations":[]}
        rate-limit-policies: 200 {"rate_limit_policies":[]}
          200 {"rate_limit_policies":[]}
          200 {"rate_limit_policies":[]}
        rules: 200 []
          200 {"start":20,"limit":20,"total":0,"rules":[]}
          200 {"start":20,"limit":20,"total":0,"rules":[]}
        rules-configs: 200 []
          200 []
          200 []
        self-service-profiles: 200 []
          200 {"start":20,"limit":20,"total":0,"self_service_profiles":[]}
          200 {"start":20,"limit":20,"total":0,"self_service_profiles":[]}
        token-exchange-profiles: 200 {"token_exchange_profiles":[]}
          200 {"token_exchange_profiles":[]}
          200 {"token_exchange_profiles":[]}
        user-attribute-profiles: 200 {"user_attribute_profiles":[]}
          200 {"user_attribute_profiles":[]}
          200 {"user_attribute_profiles":[]}
    "#]]
    .assert_eq(&out);
    assert_eq!(admin.get("/api/v2/flows?per_page=101").await.status, 400);
}

#[tokio::test]
async fn what_is_not_there_is_named_and_a_scope_is_asked_for_first() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    for answer in [
        admin.get("/api/v2/emails/provider?fields=name&include_fields=true").await,
        admin.get("/api/v2/email-templates/verify_email").await,
        admin.get("/api/v2/supplemental-signals").await,
        admin.get("/api/v2/custom-domains/default").await,
        admin.post("/api/v2/log-streams", serde_json::json!({})).await,
        admin.post("/api/v2/rules", serde_json::json!({})).await,
        world.api("read:users").get("/api/v2/organizations").await,
        world.api("read:organizations_summary").get("/api/v2/organizations").await,
    ] {
        out.line(answer.line());
    }
    expect![[r#"
        404 {"statusCode":404,"error":"Not Found","message":"There is not a configured email provider","errorCode":"inexistent_email_provider"}
        404 {"statusCode":404,"error":"Not Found","message":"The template does not exist.","errorCode":"inexistent_email_template"}
        403 {"statusCode":403,"error":"Forbidden","message":"Please upgrade your subscription to enable Akamai Signals.","errorCode":"insufficient_scope"}
        404 {"statusCode":404,"error":"Not Found","message":"Not Found"}
        404 {"statusCode":404,"error":"Not Found","message":"Not Found"}
        404 {"statusCode":404,"error":"Not Found","message":"Not Found"}
        403 {"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: read:organizations,read:organizations_summary","errorCode":"insufficient_scope"}
        200 []
    "#]].assert_eq(&out);
}
