//! Samples of what operators and programs write: bodies, files, variables.

pub(super) const SOME_BODIES: &[&str] = &[
    r#"{"tcpAddr":"d1:8088","httpAddr":"d1:8086","httpScheme":"http","time":"2026-11-23T03:34:45.944481992Z","nodeType":"data","status":"joined","context":{"gossip":{"d2:8088":{"tcpAddr":"d2:8088","nodeType":"data"},"d3:8088":null}},"version":"1.8.11-c1.2.0"}"#,
    r#"{"data":[{"id":4,"tcpAddr":"d1:8088","httpAddr":"d1:8086","httpScheme":"http","status":"joined","version":"1.8.11","labels":{"az":"east"},"passive":true}],"meta":[{"id":1,"addr":"m1:8091","httpScheme":"http","tcpAddr":"m1:8089","version":"1.12.4-c0.1.0"}]}"#,
    r#"[{"source":"d1:8088","dest":"d2:8088","database":"db","policy":"autogen","shard-id":7,"total-size":-1,"current-size":0,"started-at":"2026-11-23T03:34:45Z"}]"#,
    r#"{"error":"no leader"}"#,
    r#"{"nodeid":1,"set":{"az":"east"},"delete":["rack","az"]}"#,
    r#"{"name":"continuous_querier","expiration":"2026-11-23T03:34:45.944481992Z","owner":3}"#,
    r#"[{"id":7,"database":"db","retention-policy":"autogen","replica-n":2,"shard-group-id":3,"start-time":"2026-11-23T00:00:00Z","end-time":"2026-11-30T00:00:00Z","expire-time":"0001-01-01T00:00:00Z","truncated-at":"0001-01-01T00:00:00Z","owners":[{"id":4,"tcpAddr":"d1:8088","state":"hot","last-modified":"2026-11-23T00:00:00Z","size":4096,"err":""}]}]"#,
    r#"{"nodeType":"meta","leader":"","httpAddr":"m1:8091","raftAddr":"m1:8089","peers":null}"#,
    r#"{"nodeType":"data","hostname":"d1","tcpAddr":"d1:8088","httpAddr":"d1:8086","metaAddrs":["m1:8091"],"status":"joined"}"#,
    r#"{"from":"05050505050505050505050505050505","to":"06060606060606060606060606060606","cluster_id":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","cluster_name":"prod","members":["m1:8091","[fd00::2]:8091"]}"#,
    r#"{"from":"05050505050505050505050505050505","cluster_id":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","cluster_name":"prod","raft_id":4,"members":["m1:8091"],"member":false,"state":"it catches up"}"#,
    r#"{"error":"it was removed","from":"05050505050505050505050505050505","removed":{"cluster_id":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","cluster_name":"prod","why":"replaced","by":"m1","at":7}}"#,
    r#"{"from":"05050505050505050505050505050505","cluster_id":"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1","incarnation":"06060606060606060606060606060606"}"#,
    r#"{"from":"05050505050505050505050505050505"}"#,
];

pub(super) const SOME_KEYS: &str = r#"
reporting-disabled = true
bind-address = ":8091"
hostname = "meta-1"

[meta]
  dir = "/var/lib/influxdb/meta"
  peers = ["meta-1", "meta-2:8091", "[fd00::3]:8091"]
  heartbeat-timeout = "1s"
  consensus-timeout = "1m30s"
  auth-enabled = true
  internal-shared-secret = "a long enough secret, nobody knows it"
  shared-secret = "another long enough secret of people"
  lease-duration = 60

[logging]
  level = "debug"
  format = "json"

[tls]
  min-version = "tls1.2"
"#;

pub(super) const SOME_VARIABLES: &str = "INFLUXDB_HOSTNAME=meta-1
INFLUXDB_META_PEERS=meta-1, meta-2:8091,[fd00::3]
INFLUXDB_META_ADD_DATA=data-1,data-2:8088
INFLUXDB_META_BOOTSTRAP_EXPECT=3
INFLUXDB_META_CLUSTER_NAME=prod
INFLUXDB_META_JOIN_TIMEOUT=1m30s
INFLUXDB_META_AUTH_ENABLED=true
INFLUXDB_META_INTERNAL_SHARED_SECRET=a long enough secret, nobody knows it
INFLUXDB_META_HTTP_BIND_ADDRESS=:8091
INFLUXDB_LOGGING_LEVEL=debug
";
