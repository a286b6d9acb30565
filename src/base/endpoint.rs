//! Ports and the URL scheme that apply where a text or a file names none. The only definitions.

/// HTTP API of meta nodes.
pub const META_HTTP_PORT: u16 = 8091;
/// Raft, spoken by meta nodes only.
pub const META_RAFT_PORT: u16 = 8089;
/// Cluster calls to data nodes.
pub const DATA_RPC_PORT: u16 = 8088;

/// Default of `http-bind-address`: [`META_HTTP_PORT`] on all addresses.
pub const META_HTTP_BIND: &str = ":8091";
/// Default of `bind-address`: [`META_RAFT_PORT`] on all addresses.
pub const META_RAFT_BIND: &str = ":8089";

/// Scheme of the meta API's URLs, and what a meta node announces of itself.
pub const HTTP_SCHEME: &str = "http";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bind_addresses_have_the_ports() {
        assert_eq!(META_HTTP_BIND, format!(":{META_HTTP_PORT}"));
        assert_eq!(META_RAFT_BIND, format!(":{META_RAFT_PORT}"));
    }
}
