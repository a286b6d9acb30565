//! `/user` and `/role` as Chronograf, Kapacitor, Ansible and the documentation's curl lines use
//! them (clients.md A1, A2, A5 and A10).

use influxdb_meta::base::Name;
use influxdb_meta::machine::WireCommand;
use influxdb_meta::wire::envelope::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::auth::error;
use super::cluster::{Node, TestCluster};
use super::harness::{PATIENCE, Reply, TestServer, post};

/// Hash of the password `s3:cret`, which another program made.
pub(super) const HASH: &str = "$2a$04$abcdefghijklmnopqrstuuqZjxwjM8vs9/rKGjateZ0zqhyOGcuKe";

/// Headers of Chronograf's requests.
const CHRONOGRAF: &str = "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\n\
                          Accept-Encoding: gzip\r\n";
/// Headers that curl sends with `-d`.
pub(super) const CURL: &str = "User-Agent: curl/8.5.0\r\nAccept: */*\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";
/// All 18 permissions in the order of a genuine node (clients.md A0.1).
pub(super) const ALL: [&str; 18] = [
    "ViewAdmin",
    "ViewChronograf",
    "CreateDatabase",
    "CreateUserAndRole",
    "AddRemoveNode",
    "DropDatabase",
    "DropData",
    "ReadData",
    "WriteData",
    "Rebalance",
    "ManageShard",
    "ManageContinuousQuery",
    "ManageQuery",
    "ManageSubscription",
    "Monitor",
    "CopyShard",
    "KapacitorAPI",
    "KapacitorConfigAPI",
];

async fn write(node: &Node, path: &str, body: &Value) -> Reply {
    let body = body.to_string();
    let request = post(path, CHRONOGRAF, body.as_bytes());
    node.http.ask(&request).await
}

/// Sends a write that must succeed in the only way that Chronograf takes for success.
pub(super) async fn done(node: &Node, path: &str, body: Value) {
    let reply = write(node, path, &body).await;
    is_done(&reply, &body.to_string());
}

#[track_caller]
pub(super) fn is_done(reply: &Reply, what: &str) {
    assert_eq!((reply.status(), reply.text()), (200, ""), "{what}");
    assert_eq!(reply.header("Content-Length"), Some("0"), "{what}");
    let text = Some("text/plain; charset=utf-8");
    assert_eq!(reply.header("Content-Type"), text, "{what}");
}

async fn denied(node: &Node, path: &str, body: Value, status: u16, text: &str) {
    let reply = write(node, path, &body).await;
    assert_eq!(error(&reply), (status, text.to_owned()), "{body}");
}

async fn read(node: &Node, path: &str) -> Value {
    let reply = node.http.get(path).await;
    assert_eq!(reply.status(), 200, "{path}: {reply:?}");
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    reply.json()
}

async fn missing(node: &Node, path: &str, text: &str) {
    let reply = node.http.get(path).await;
    assert_eq!(error(&reply), (404, text.to_owned()), "{path}");
}

async fn propose(node: &Node, command: WireCommand) {
    let deadline = Instant::now() + PATIENCE;
    let proposed = node.raft.propose(Body::from(command), deadline).await;
    proposed.expect("proposed");
}

pub(super) async fn create_database(cluster: &TestCluster, name: &str) {
    let create = WireCommand::CreateDatabase {
        name: Name::from(name),
        retention_policy: None,
    };
    propose(cluster.leader(), create).await;
}

pub(super) fn user(action: &str, user: Value) -> Value {
    json!({"action": action, "user": user})
}

pub(super) fn role(action: &str, role: Value) -> Value {
    json!({"action": action, "role": role})
}

/// Sequence of Chronograf for a new user with a permission and a role. Each step goes to a node
/// that did not execute the step before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chronograf_creates_a_user_with_a_role_over_changing_nodes() {
    let cluster = TestCluster::of(3).await;
    let nodes = &cluster.nodes;
    for node in nodes {
        assert_eq!(node.http.get("/user").await.text(), "{}\n");
        assert_eq!(node.http.get("/role").await.text(), "{}\n");
    }
    missing(&nodes[0], "/role?name=ops", "role not found").await;
    done(&nodes[1], "/role", role("create", json!({"name": "ops"}))).await;
    let bare = json!({"roles": [{"name": "ops"}]});
    assert_eq!(read(&nodes[2], "/role?name=ops").await, bare);
    let monitor = json!({"name": "ops", "permissions": {"": ["Monitor"]}});
    done(&nodes[0], "/role", role("add-permissions", monitor)).await;

    missing(&nodes[2], "/user?name=mini+fig", "user not found").await;
    let create = user("create", json!({"name": "mini fig", "password": "pass"}));
    done(&nodes[1], "/user", create).await;
    let created = read(&nodes[2], "/user?name=mini+fig").await;
    let hash = created["users"][0]["hash"].as_str().expect("a hash");
    assert!(hash.starts_with("$2a$10$") && hash.len() == 60, "{hash}");
    assert_eq!(created["users"][0].get("permissions"), None, "{created}");
    let permissions =
        json!({"name": "mini fig", "permissions": {"": ["ViewChronograf", "ReadData"]}});
    done(&nodes[0], "/user", user("add-permissions", permissions)).await;
    let member = json!({"name": "ops", "users": ["mini fig"]});
    done(&nodes[2], "/role", role("add-users", member)).await;

    let roles = json!({"roles": [{
        "name": "ops", "permissions": {"": ["Monitor"]}, "users": ["mini fig"]
    }]});
    assert_eq!(read(&nodes[1], "/role").await, roles);
    // Without the permissions of its role (clients.md trap 20), in the documented order.
    let users = read(&nodes[0], "/user").await;
    let own = json!({"": ["ViewChronograf", "ReadData"]});
    assert_eq!(users["users"][0]["permissions"], own);

    // A role whose member is gone could not be shown (clients.md trap 19).
    done(
        &nodes[1],
        "/user",
        user("delete", json!({"name": "mini fig"})),
    )
    .await;
    let left = json!({"roles": [{"name": "ops", "permissions": {"": ["Monitor"]}}]});
    assert_eq!(read(&nodes[2], "/role?name=ops").await, left);
    missing(&nodes[0], "/user?name=mini+fig", "user not found").await;
    done(&nodes[2], "/role", role("delete", json!({"name": "ops"}))).await;
    assert_eq!(nodes[1].http.get("/role").await.text(), "{}\n");
}

/// Chronograf sends `null` for a scope in which nothing changed, also in one that is gone
/// (clients.md trap 4).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_lists_are_empty_lists() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let create = user(
        "create",
        json!({"name": "u", "hash": HASH, "permissions": null}),
    );
    done(node, "/user", create).await;
    for action in ["remove-permissions", "add-permissions"] {
        for lists in [
            json!(null),
            json!({"": null, "gone": null}),
            json!({"": []}),
        ] {
            let change = json!({"name": "u", "permissions": lists});
            done(node, "/user", user(action, change)).await;
        }
    }
    let create = json!({"name": "r", "permissions": null, "users": null, "newName": null});
    done(node, "/role", role("create", create)).await;
    for action in ["add-users", "remove-users", "add-permissions"] {
        done(
            node,
            "/role",
            role(action, json!({"name": "r", "users": null})),
        )
        .await;
    }
    let none = json!({"name": "u", "permissions": {"": ["NoPermissions"]}});
    done(node, "/user", user("add-permissions", none)).await;
    let users = json!({"users": [{"name": "u", "hash": HASH}]});
    assert_eq!(read(node, "/user").await, users);
    assert_eq!(read(node, "/role").await, json!({"roles": [{"name": "r"}]}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_named_in_the_texts_that_clients_know() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let named = |name: &str| json!({"name": name});
    done(
        node,
        "/user",
        user("create", json!({"name": "u", "hash": HASH})),
    )
    .await;
    done(node, "/role", role("create", named("r"))).await;
    let permissions = |name: &str, scope: &str, permission: &str| json!({"name": name, "permissions": {scope: [permission]}});
    for (body, text) in [
        (json!({}), "invalid action: "),
        (user("rename", named("u")), "invalid action: rename"),
        (json!({"action": "delete", "user": null}), "invalid user"),
        (user("delete", json!({})), "username required"),
        (user("create", named("v")), "password or hash required"),
        (
            user("create", json!({"name": "u", "password": "p"})),
            "user already exists",
        ),
        (
            user("create", json!({"name": "v", "hash": "plain"})),
            "the hash is no bcrypt hash: 60 characters that begin with $2a$, $2b$ or $2y$",
        ),
        (
            user("create", json!({"name": "v", "password": "p".repeat(73)})),
            "a password has at most 72 bytes",
        ),
        (user("delete", named("x")), "user not found"),
        (user("change-password", named("x")), "user not found"),
        (
            user("change-password", named("u")),
            "password or hash required",
        ),
        (
            user("add-permissions", permissions("u", "", "Readdata")),
            "invalid permission: Readdata",
        ),
        (
            user("add-permissions", permissions("u", "gone", "ReadData")),
            "database not found: gone",
        ),
        (
            user("add-permissions", permissions("x", "", "ReadData")),
            "user not found",
        ),
        // Lines of Kapacitor's documentation (clients.md A10).
        (
            json!({"action": "add-permissions", "role": named("r")}),
            "invalid user: the body has a role, which POST /role takes",
        ),
    ] {
        denied(node, "/user", body, 400, text).await;
    }
    for (body, text) in [
        (role("rename", named("r")), "invalid action: rename"),
        (json!({"action": "create"}), "invalid role"),
        (
            json!({"action": "create", "user": named("r")}),
            "invalid role: the body has a user, which POST /user takes",
        ),
        (role("create", json!({})), "role name required"),
        (role("create", named("r")), "role already exists"),
        (role("create", named(&"r".repeat(256))), "name too long"),
        (role("delete", named("x")), "role not found"),
        (
            role("add-users", json!({"name": "r", "users": ["x"]})),
            "user not found",
        ),
        (
            role("add-users", json!({"name": "x", "users": ["u"]})),
            "role not found",
        ),
        (
            role("add-permissions", permissions("r", "", "All")),
            "invalid permission: All",
        ),
    ] {
        denied(node, "/role", body, 400, text).await;
    }
    missing(node, "/user?name=x", "user not found").await;
    missing(node, "/role?name=x", "role not found").await;
}

/// A body that cannot be read may hold a password at any place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_json_repeats_nothing_of_the_body() {
    let cluster = TestCluster::of(1).await;
    for path in ["/user", "/role"] {
        for body in [
            r#"{"action":"create","user":"s3cret","role":"s3cret"}"#,
            r#"{"action":"create","user":{"password":{"s3cret":1}},"role":["s3cret"]}"#,
            r#"{"s3cret"#,
        ] {
            let request = post(path, CURL, body.as_bytes());
            let (status, text) = error(&cluster.leader().http.ask(&request).await);
            assert_eq!(status, 400, "{text}");
            let begins = format!("the body cannot be read as JSON of {path}: see its line 1,");
            assert!(text.starts_with(&begins), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}

/// curl and Ansible: JSON in a body that is called a form, permissions in the same call
/// (clients.md A5 and trap 17).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_curl_lines_work_on_a_follower() {
    let cluster = TestCluster::of(2).await;
    create_database(&cluster, "db").await;
    let follower = cluster.follower();
    let curl = async |path: &str, body: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{CURL}Content-Length: {}\r\n\r\n",
            follower.host(),
            body.len()
        );
        let request = [head.as_bytes(), body.as_bytes()].concat();
        is_done(&follower.http.ask(&request).await, body);
    };
    let create = json!({"action": "create", "user": {
        "name": "u", "password": "changeme", "permissions": {"": ALL, "db": ["ReadData"]}
    }});
    curl("/user", &create.to_string()).await;
    let made = read(follower, "/user?name=u").await;
    let want = json!({"": ALL, "db": ["ReadData"]});
    assert_eq!(made["users"][0]["permissions"], want);
    curl(
        "/user",
        r#"{"action":"change-password","user":{"name":"u","password":"other"}}"#,
    )
    .await;
    let changed = read(follower, "/user?name=u").await;
    assert_ne!(made["users"][0]["hash"], changed["users"][0]["hash"]);
    curl(
        "/role",
        r#"{"action":"create","role":{"name":"r","users":["u"]}}"#,
    )
    .await;
    curl(
        "/role",
        r#"{"action":"remove-users","role":{"name":"r","users":["u"]}}"#,
    )
    .await;
    assert_eq!(
        read(follower, "/role").await,
        json!({"roles": [{"name": "r"}]})
    );
}

/// What data nodes grant is listed, and what is listed is what data nodes see (users.md 2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privileges_of_data_nodes_are_listed_as_permissions() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    create_database(&cluster, "db").await;
    done(
        node,
        "/user",
        user("create", json!({"name": "u", "hash": HASH})),
    )
    .await;
    let (u, db) = (|| Name::from("u"), || Name::from("db"));
    let grant = |privilege| WireCommand::SetPrivilege {
        user: u(),
        database: db(),
        privilege,
    };
    let listed = async || read(node, "/user?name=u").await["users"][0]["permissions"].clone();
    propose(node, grant(3)).await;
    assert_eq!(listed().await, json!({"db": ["ReadData", "WriteData"]}));
    let write = json!({"name": "u", "permissions": {"db": ["WriteData"]}});
    done(node, "/user", user("remove-permissions", write)).await;
    let catalog = || node.raft.applied().borrow().catalog.clone();
    let seen = catalog()
        .users
        .get(&u())
        .expect("u")
        .privileges
        .get(&db())
        .copied();
    assert_eq!(seen, Some(1));
    let admin = |admin| WireCommand::SetAdminPrivilege { user: u(), admin };
    propose(node, admin(true)).await;
    assert_eq!(listed().await, json!({"": ALL, "db": ["ReadData"]}));
    let monitor = json!({"name": "u", "permissions": {"": ["Monitor"]}});
    done(node, "/user", user("remove-permissions", monitor.clone())).await;
    assert!(!catalog().users.get(&u()).expect("u").admin);
    done(node, "/user", user("add-permissions", monitor)).await;
    assert!(catalog().users.get(&u()).expect("u").admin);
    propose(node, WireCommand::DropDatabase { name: db() }).await;
    assert_eq!(listed().await, json!({"": ALL}));
}

/// An entry that an older member cannot read would halt it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_member_is_waited_for() {
    let cluster = TestCluster::at_level(5).await;
    let node = cluster.leader();
    let text = "not every meta node is known to run a version that has users with permissions, \
                and roles";
    let create = user("create", json!({"name": "u", "password": "p"}));
    denied(node, "/user", create, 503, text).await;
    denied(
        node,
        "/role",
        role("create", json!({"name": "r"})),
        503,
        text,
    )
    .await;
    assert_eq!(node.http.get("/user").await.text(), "{}\n");
}

/// Chronograf shows this text (clients.md A1). Kapacitor retries it for 10 s.
#[tokio::test]
async fn a_node_without_a_cluster_says_so() {
    let server = TestServer::unjoined(Default::default()).await;
    for path in ["/user", "/user?name=u", "/role"] {
        assert_eq!(error(&server.get(path).await).0, 503, "{path}");
    }
    let create = user("create", json!({"name": "u", "password": "p"})).to_string();
    let reply = server.post("/user", CHRONOGRAF, create.as_bytes()).await;
    assert_eq!(error(&reply).0, 503);
}

/// 20 writes of Chronograf over one connection (clients.md trap 2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_leave_the_connection_open() {
    let cluster = TestCluster::of(1).await;
    let mut connection = cluster.leader().http.connect().await;
    for number in 0..20 {
        let create = user(
            "create",
            json!({"name": format!("u{number}"), "hash": HASH}),
        );
        let request = post("/user", CHRONOGRAF, create.to_string().as_bytes());
        connection.send(&request).await;
        is_done(&connection.reply().await, &create.to_string());
    }
    let users = read(cluster.leader(), "/user").await;
    assert_eq!(users["users"].as_array().map(Vec::len), Some(20));
}
