//! One request for each case of wire.md 7.2.

use std::sync::Arc;

use influxdb_meta::auth::{Method, token};
use influxdb_meta::http::HttpConfig;

use super::{
    GO_TOKEN, INTERNAL, LONG, SHARED, TestUsers, bearer, config, error, get, no_users, server,
    test_users,
};
use crate::http::harness::{Reply, StandIn, TestServer};

/// Makes a token of these two segments, signed with `INTERNAL`. The claims need not be valid.
fn made_of(header: &str, claims: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{KeyInit, Mac};
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(INTERNAL.as_bytes()).expect("a key");
    let signature = mac.chain_update(&signed).finalize().into_bytes();
    format!(
        "Authorization: Bearer {signed}.{}\r\n",
        URL_SAFE_NO_PAD.encode(signature)
    )
}

fn basic(pair: &str) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Authorization: Basic {encoded}\r\n")
}

/// Checks that the caller was admitted: `/peers` is answered with `null` here.
#[track_caller]
fn is_in(reply: &Reply, who: &str) {
    assert_eq!((reply.status(), reply.text()), (200, "null\n"), "{who}");
}

/// wire.md Q4: internal tokens are admitted, so that the first admin can be created. All other
/// callers get the wire's text, whatever credentials they present.
#[tokio::test]
async fn without_an_admin_only_internal_tokens_are_let_in() {
    let server = server(config(Method::All), no_users()).await;
    is_in(&get(&server, "/peers", GO_TOKEN).await, "as Go makes it");
    is_in(
        &get(&server, "/peers", &bearer(INTERNAL, "")).await,
        "as we make it",
    );
    let others = [
        String::new(),
        basic("bob:s3:cret"),
        "Authorization: Bearer junk\r\n".to_owned(),
        bearer(SHARED, "bob"),
        bearer(INTERNAL, "bob"),
    ];
    for headers in others {
        let reply = get(&server, "/peers", &headers).await;
        assert_eq!(
            error(&reply),
            (400, "must create admin user first".to_owned()),
            "{headers}"
        );
    }
    // A caller that claims to be a node gets the reason of the refusal; otherwise a wrong secret
    // would not be found.
    let reply = get(&server, "/peers", &bearer(SHARED, "")).await;
    assert_eq!(error(&reply), (401, "signature is invalid".to_owned()));
}

/// Path, headers, status and text, with an admin `bob`.
fn refused() -> Vec<(&'static str, String, u16, &'static str)> {
    let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
    let token = |text: &str| format!("Authorization: Bearer {text}\r\n");
    let none = "unable to parse authentication credentials";
    let signature = "signature is invalid";
    vec![
        // Check 12 of wire.md 7.2: no credentials.
        ("/peers", String::new(), 401, none),
        ("/peers?u=bob", String::new(), 401, none),
        (
            "/peers",
            "Authorization: bearer x\r\n".to_owned(),
            401,
            none,
        ),
        ("/peers", "Authorization: Basic x\r\n".to_owned(), 401, none),
        (
            "/peers",
            "Authorization: Token bob\r\n".to_owned(),
            401,
            none,
        ),
        // Checks 9 and 10: passwords.
        ("/peers", basic(":s3:cret"), 401, "username required"),
        ("/peers", basic("zoe:s3:cret"), 401, "authorization failed"),
        ("/peers", basic("bob:s3"), 401, "authorization failed"),
        ("/peers", basic("bob:"), 401, "authorization failed"),
        ("/peers", basic("eve:"), 401, "authorization failed"),
        (
            "/peers",
            "Authorization: Token bob:pw\r\n".to_owned(),
            401,
            "authorization failed",
        ),
        // The query parameters count before the header.
        (
            "/peers?u=bob&p=pw",
            GO_TOKEN.to_owned(),
            401,
            "authorization failed",
        ),
        // Check 3: tokens that cannot be read.
        (
            "/peers",
            token("x"),
            401,
            "token is malformed: token contains an invalid number of segments",
        ),
        (
            "/peers",
            token("x.e30.x"),
            401,
            "token is malformed: failed to decode token header",
        ),
        (
            "/peers",
            made_of(hs256, "{"),
            401,
            "token is malformed: failed to unmarshal token claims",
        ),
        (
            "/peers",
            made_of("{}", "{}"),
            401,
            "token is unverifiable: signing method (alg) is unspecified.",
        ),
        (
            "/peers",
            made_of(r#"{"alg":"HS1"}"#, "{}"),
            401,
            "token is unverifiable: signing method (alg) is unavailable.",
        ),
        // Check 4: tokens without a user name.
        (
            "/peers",
            made_of(hs256, r#"{"exp":4102444800}"#),
            401,
            "username in token must be a string",
        ),
        (
            "/peers",
            made_of(hs256, r#"{"username":5}"#),
            401,
            "username in token must be a string",
        ),
        // Check 1: internal tokens that are not valid.
        ("/peers", bearer(SHARED, ""), 401, signature),
        (
            "/peers",
            made_of(hs256, r#"{"username":""}"#),
            401,
            signature,
        ),
        (
            "/peers",
            made_of(r#"{"alg":"none"}"#, r#"{"exp":4102444800,"username":""}"#),
            401,
            signature,
        ),
        (
            "/peers",
            token(&token::sign(INTERNAL, "", 1_000)),
            401,
            signature,
        ),
        // Checks 6 and 7: tokens of users.
        ("/peers", bearer(INTERNAL, "bob"), 401, signature),
        (
            "/peers",
            token(&token::sign(SHARED, "bob", 1_000)),
            401,
            signature,
        ),
        ("/peers", bearer(SHARED, "zoe"), 401, "user not found"),
        // Check 13 (wire.md Q3): users that are not admins.
        ("/peers", basic("ann:pw"), 403, "\"ann\" is no admin"),
        (
            "/peers?u=ann&p=pw",
            String::new(),
            403,
            "\"ann\" is no admin",
        ),
        ("/peers", bearer(SHARED, "ann"), 403, "\"ann\" is no admin"),
    ]
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_in_the_words_of_the_wire() {
    let server = server(config(Method::All), test_users()).await;
    for (path, headers, status, text) in refused() {
        let reply = get(&server, path, &headers).await;
        assert_eq!(error(&reply), (status, text.to_owned()), "{path} {headers}");
    }
}

#[tokio::test]
async fn every_way_in_leads_in() {
    let server = server(config(Method::All), test_users()).await;
    let ways = [
        ("/peers", GO_TOKEN.to_owned()),
        (
            "/peers",
            made_of(
                r#"{"alg":"HS256"}"#,
                &format!(r#"{{"username":"","exp":{LONG}}}"#),
            ),
        ),
        ("/peers", bearer(SHARED, "bob")),
        // The password is not checked: a valid signature vouches for this user.
        ("/peers", bearer(SHARED, "eve")),
        ("/peers", basic("bob:s3:cret")),
        ("/peers", "Authorization: Token bob:s3:cret\r\n".to_owned()),
        ("/peers?u=bob&p=s3%3Acret", String::new()),
        (
            "/peers?u=bob&p=s3%3Acret",
            "Authorization: Bearer junk\r\n".to_owned(),
        ),
    ];
    for (path, headers) in ways {
        is_in(
            &get(&server, path, &headers).await,
            &format!("{path} {headers}"),
        );
    }
}

#[tokio::test]
async fn without_authentication_nobody_is_asked() {
    let server = TestServer::unjoined(Arc::new(StandIn::default())).await;
    for headers in [
        String::new(),
        basic("x:y"),
        bearer("x", ""),
        "Authorization: Bearer junk\r\n".to_owned(),
    ] {
        is_in(&get(&server, "/peers?u=a&p=b", &headers).await, &headers);
    }
}

/// `auth-method` is about users; tokens of nodes are accepted whatever it says.
#[tokio::test]
async fn a_method_that_is_off_is_not_taken() {
    let jwt = server(config(Method::Jwt), test_users()).await;
    let pass = server(config(Method::UserPass), test_users()).await;
    for server in [&jwt, &pass] {
        is_in(&get(server, "/peers", GO_TOKEN).await, "a node");
    }
    is_in(
        &get(&jwt, "/peers", &bearer(SHARED, "bob")).await,
        "by token",
    );
    is_in(
        &get(&pass, "/peers", &basic("bob:s3:cret")).await,
        "by password",
    );
    let reply = get(&jwt, "/peers?u=bob&p=s3%3Acret", "").await;
    assert_eq!(error(&reply), (401, "basic auth disabled".to_owned()));
    let reply = get(&pass, "/peers", &bearer(SHARED, "bob")).await;
    assert_eq!(error(&reply), (401, "bearer auth disabled".to_owned()));
    let mut config: HttpConfig = config(Method::All);
    config.auth.shared_secret = None;
    let reply = get(
        &server(config, test_users()).await,
        "/peers",
        &bearer("", "bob"),
    )
    .await;
    assert_eq!(error(&reply), (401, "bearer auth disabled".to_owned()));
}

/// A node that is starting, or belongs to no cluster, has no list of users: it says so instead of
/// "wrong password".
#[tokio::test]
async fn where_no_users_are_known_that_is_said() {
    let users = Arc::new(TestUsers {
        admin: true,
        unknown: Some("it starts"),
    });
    let server = server(config(Method::All), users).await;
    is_in(&get(&server, "/peers", GO_TOKEN).await, "a node");
    for headers in [basic("bob:s3:cret"), bearer(SHARED, "bob")] {
        let reply = get(&server, "/peers", &headers).await;
        assert_eq!(
            error(&reply),
            (503, "no users are known here: it starts".to_owned()),
            "{headers}"
        );
    }
    let reply = get(&server, "/peers", "").await;
    assert_eq!(reply.status(), 401, "{reply:?}");
}
