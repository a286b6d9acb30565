//! Checks of logins by other programs: Kapacitor reads hashes, or asks `/authorized`
//! (clients.md A2). The first admin, and reads without a leader.

use influxdb_meta::base::Name;
use serde_json::json;

use super::accounts::{ALL, CURL, HASH, create_database, done, is_done, role, user};
use super::auth::{GO_TOKEN, INTERNAL, bearer, config, error};
use super::cluster::{Node, TestCluster};
use super::harness::{post, until};

/// Headers of Kapacitor, also on GET.
const KAPACITOR: &str = "User-Agent: InfluxDB Cluster Client\r\nAccept: application/json\r\n\
                         Content-Type: application/json\r\n";

/// Kapacitor and Chronograf with authentication: the first admin is made with an internal token,
/// and then Kapacitor reads with one, and Chronograf with a password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_admin_is_made_with_an_internal_token() {
    let cluster = TestCluster::guarded(2, config(Default::default()), None).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let create = user(
        "create",
        json!({"name": "root", "hash": HASH, "permissions": {"": ALL}}),
    )
    .to_string();
    let ask = async |node: &Node, headers: &str| {
        node.http
            .ask(&post("/user", headers, create.as_bytes()))
            .await
    };
    assert_eq!(
        error(&ask(leader, CURL).await).1,
        "must create admin user first"
    );
    is_done(&ask(follower, &format!("{CURL}{GO_TOKEN}")).await, "create");
    assert_eq!(error(&ask(leader, CURL).await).0, 401);

    // Kapacitor: an empty user name, on GET without a body.
    let token = bearer(INTERNAL, "");
    let get = async |name: &str, headers: &str| {
        let request = format!("GET /user?name={name} HTTP/1.1\r\nHost: m\r\n{headers}\r\n");
        follower.http.ask(request.as_bytes()).await
    };
    let kapacitor = format!("{KAPACITOR}{token}");
    let found = get("root", &kapacitor).await.json();
    assert_eq!(found["users"][0]["hash"], HASH);
    assert_eq!(found["users"][0]["permissions"], json!({"": ALL}));
    let unknown = get("nobody", &kapacitor).await;
    assert_eq!(error(&unknown), (404, "user not found".to_owned()));

    // root:s3:cret, once the follower has applied its creation.
    let is_there = || {
        let applied = follower.raft.applied().borrow().clone();
        applied.catalog.users.get(&Name::from("root")).is_some()
    };
    until("root is known", is_there).await;
    let basic = "Authorization: Basic cm9vdDpzMzpjcmV0\r\n";
    let reply = get("root", basic).await;
    assert_eq!(reply.json()["users"][0]["name"], "root");
}

/// Kapacitor asks this for users without a hash. Only 200 means yes (clients.md A2 and trap 10).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_and_a_permission_can_be_checked_on_every_node() {
    let cluster = TestCluster::of(2).await;
    create_database(&cluster, "db").await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let create = json!({"name": "u", "hash": HASH, "permissions": {"db": ["ReadData"]}});
    done(leader, "/user", user("create", create)).await;
    let permissions = json!({"": ["Monitor"]});
    let create = json!({"name": "r", "permissions": permissions, "users": ["u"]});
    done(leader, "/role", role("create", create)).await;
    let is_there = || {
        let applied = follower.raft.applied().borrow().clone();
        applied.catalog.roles.get(&Name::from("r")).is_some()
    };
    until("the role is known", is_there).await;
    let lacks = |permission: &str| format!("\"u\" lacks the permission {permission}");
    for (query, want) in [
        (
            "name=u&password=s3%3Acret&permission=NoPermissions&resource=_",
            None,
        ),
        (
            "name=u&password=s3%3Acret&permission=ReadData&resource=db",
            None,
        ),
        (
            "name=u&password=s3%3Acret&permission=Monitor&resource=db",
            None,
        ),
        (
            "name=u&password=s3%3Acret&permission=Monitor&resource=",
            None,
        ),
        (
            "name=u&password=s3%3Acret&permission=ReadData&resource=_",
            Some((403, lacks("ReadData"))),
        ),
        (
            "name=u&password=s3%3Acret&permission=WriteData&resource=db",
            Some((403, lacks("WriteData"))),
        ),
        (
            "name=u&password=wrong&permission=NoPermissions&resource=_",
            Some((401, "authorization failed".to_owned())),
        ),
        (
            "name=x&password=s3%3Acret&permission=NoPermissions&resource=_",
            Some((404, "user not found".to_owned())),
        ),
        (
            "name=u&password=s3%3Acret&permission=Any&resource=_",
            Some((400, "invalid permission: Any".to_owned())),
        ),
    ] {
        for node in [leader, follower] {
            let reply = node.http.get(&format!("/authorized?{query}")).await;
            match &want {
                None => is_done(&reply, query),
                Some(want) => assert_eq!(error(&reply), *want, "{query}"),
            }
        }
    }
}

/// Kapacitor must be able to check logins while there is no leader. Writes have to wait for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_users_are_read_from_the_asked_node() {
    let mut cluster = TestCluster::of(3).await;
    let left = cluster.nodes.remove(0);
    let create = user("create", json!({"name": "u", "hash": HASH}));
    done(&left, "/user", create.clone()).await;
    done(
        &left,
        "/role",
        role("create", json!({"name": "r", "users": ["u"]})),
    )
    .await;
    let is_there = || {
        let applied = left.raft.applied().borrow().clone();
        applied.catalog.roles.get(&Name::from("r")).is_some()
    };
    until("the role is known", is_there).await;
    for dead in &cluster.nodes {
        dead.raft.shutdown().await;
        dead.http.env.tasks.stop();
    }
    until("it has noticed", || left.raft.status().leader.is_none()).await;
    let users = left.http.get("/user?name=u").await.json();
    assert_eq!(users, json!({"users": [{"name": "u", "hash": HASH}]}));
    let roles = left.http.get("/role").await.json();
    assert_eq!(roles, json!({"roles": [{"name": "r", "users": ["u"]}]}));
    let unknown = left.http.get("/user?name=x").await;
    assert_eq!(error(&unknown), (404, "user not found".to_owned()));
    let request = post("/user", CURL, create.to_string().as_bytes());
    let (status, text) = error(&left.http.ask(&request).await);
    assert_eq!(status, 503, "{text}");
    assert!(text.starts_with("no leader"), "{text}");
}
