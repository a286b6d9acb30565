//! Authentication with `auth-enabled`: the checks of wire.md 7.2 in their order, the open routes,
//! and whole nodes.

mod between_nodes;
mod nodes;
mod open;
mod rows;

use std::sync::Arc;

use influxdb_meta::auth::{AuthConfig, Method, PeerKeys, PeerPolicy, User, Users, token};
use influxdb_meta::http::HttpConfig;

use super::harness::{Alone, Reply, StandIn, TestServer};

pub(super) const INTERNAL: &str = "legos";
pub(super) const SHARED: &str = "bricks";

/// 2100-01-01.
pub(super) const LONG: i64 = 4_102_444_800;

/// Token of an internal caller, made with `openssl` as Go makes it (HS512, claims in the order of
/// their names).
pub(super) const GO_TOKEN: &str = "Authorization: Bearer \
    eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiIn0.j09Y4Lq3DvSoEq\
    qlIjVf0VVKDkEKwOHAHzIlsLFS2S65C4LIpEbb5sJKtIUSAtzv0BYbQntWC6GYcyugHFWhjg\r\n";

/// Users: `bob` is an admin, `ann` is not, `eve` has no password here. The hashes were made by
/// another program.
pub(super) struct TestUsers {
    pub(super) admin: bool,
    /// Reason why there is no list of users.
    pub(super) unknown: Option<&'static str>,
}

impl Users for TestUsers {
    fn has_admin(&self) -> Result<bool, String> {
        self.unknown
            .map_or(Ok(self.admin), |why| Err(why.to_owned()))
    }

    fn find(&self, name: &[u8]) -> Option<User> {
        let (hash, admin) = match name {
            // Password: s3:cret
            b"bob" => (
                "$2a$04$abcdefghijklmnopqrstuuqZjxwjM8vs9/rKGjateZ0zqhyOGcuKe",
                self.admin,
            ),
            // Password: pw
            b"ann" => (
                "$2y$04$bcdefghijklmnopqrstuvuE6eoiJCTEp./AAVkOvIhHoB.tRvuIZm",
                false,
            ),
            b"eve" => ("", true),
            _ => return None,
        };
        Some(User {
            hash: hash.into(),
            admin,
        })
    }

    fn neighbour(&self, _name: &[u8]) -> Option<User> {
        self.find(b"bob")
    }
}

pub(super) fn test_users() -> Arc<dyn Users> {
    Arc::new(TestUsers {
        admin: true,
        unknown: None,
    })
}

pub(super) fn no_users() -> Arc<dyn Users> {
    Arc::new(TestUsers {
        admin: false,
        unknown: None,
    })
}

pub(super) fn config(method: Method) -> HttpConfig {
    let auth = AuthConfig {
        enabled: true,
        method,
        internal_secret: Some(INTERNAL.into()),
        internal_secret_old: None,
        shared_secret: Some(SHARED.into()),
    };
    HttpConfig {
        auth,
        peer_keys: Some(PeerKeys::derive(INTERNAL, None)),
        ..HttpConfig::default()
    }
}

/// Starts a node that belongs to no cluster and authenticates callers.
pub(super) async fn server(config: HttpConfig, users: Arc<dyn Users>) -> TestServer {
    let server = TestServer::with_users(config, Arc::new(Alone), Some(users)).await;
    let stand_in = StandIn::default();
    stand_in.scripted.says().policy = PeerPolicy::ProofRequired;
    server.service.attach(Arc::new(stand_in));
    server
}

pub(super) async fn get(server: &TestServer, path: &str, headers: &str) -> Reply {
    server
        .ask(format!("GET {path} HTTP/1.1\r\nHost: meta-1:8091\r\n{headers}\r\n").as_bytes())
        .await
}

pub(super) fn bearer(secret: &str, user: &str) -> String {
    format!(
        "Authorization: Bearer {}\r\n",
        token::sign(secret, user, LONG)
    )
}

/// Status and text of an error, which must have the form that belongs to its status.
#[track_caller]
pub(super) fn error(reply: &Reply) -> (u16, String) {
    let text = reply.json()["error"]
        .as_str()
        .unwrap_or_else(|| panic!("no error: {reply:?}"))
        .to_owned();
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/json"),
        "{text}"
    );
    let unauthorized = reply.status() == 401;
    let realm = unauthorized.then_some("Basic realm=\"InfluxDB\"");
    assert_eq!(reply.header("Www-Authenticate"), realm, "{text}");
    let header = (!unauthorized).then_some(text.as_str());
    assert_eq!(reply.header("X-Influxdb-Error"), header, "{text}");
    (reply.status(), text)
}
