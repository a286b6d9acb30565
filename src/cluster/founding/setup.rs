//! What the configuration says, as founding needs it.

use crate::base::{Address, ListHash};
use crate::cluster::config::ClusterConfig;
use crate::cluster::identity::founders::{founder_list, list_hash};

/// Fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `peers`, canonical and sorted. Empty: by hand, or alone.
    pub peers: Vec<Address>,
    /// The number of founders; 0: only join.
    pub expect: u64,
    /// `-single-server`, or `bootstrap-expect = 1` without peers: a founder list of this node
    /// alone.
    pub alone: bool,
    /// By a person, while running; else by configuration.
    pub ordered: bool,
    pub cluster_name: String,
    pub version: String,
    /// What others dial, where the configuration says it: a concrete bind host, else `hostname`.
    pub named: Option<Address>,
    /// The system's host name with the HTTP port.
    pub host_name: Address,
    pub raft_port: u16,
    pub with_secret: bool,
    /// For jitter only.
    pub seed: u64,
}

impl Setup {
    /// `raft_port` is the port that is really bound: they differ only where 0 was asked for.
    pub fn new(config: &ClusterConfig, raft_port: u16, seed: u64) -> Self {
        let peers = founder_list(&config.peers);
        let (bind_host, http_port) = split_bind(&config.http_bind, DEFAULT_HTTP_PORT);
        let named = bind_host.or_else(|| config.hostname.clone());
        let alone =
            peers.is_empty() && (config.single_server || config.bootstrap_expect == Some(1));
        Self {
            expect: if alone {
                1
            } else {
                config.bootstrap_expect.unwrap_or(peers.len() as u64)
            },
            alone,
            ordered: false,
            peers,
            cluster_name: config.cluster_name.clone(),
            version: config.version.clone(),
            named: named.map(|host| Address::new(&host, http_port)),
            host_name: Address::new(&config.system_host_name, http_port),
            raft_port,
            with_secret: config.secret.is_some(),
            seed,
        }
    }

    /// No `peers` and not alone: does nothing by itself.
    pub fn by_hand(&self) -> bool {
        self.peers.is_empty() && !self.alone
    }

    /// As `-single-server` would have it.
    pub fn found_alone(&mut self) {
        self.alone = true;
        self.expect = 1;
        self.ordered = true;
    }

    /// Ends what `found_alone` began; whether there was anything to end.
    pub fn forget_order(&mut self) -> bool {
        let was_ordered = std::mem::take(&mut self.ordered);
        if was_ordered {
            self.alone = false;
            self.expect = 0;
        }
        was_ordered
    }

    /// The founder list: where it founds alone, this node under the name that it then has.
    pub fn list(&self) -> Vec<Address> {
        if self.alone {
            return vec![self.named.clone().unwrap_or_else(|| self.host_name.clone())];
        }
        self.peers.clone()
    }

    pub fn list_hash(&self, list: &[Address]) -> ListHash {
        list_hash(list, &self.cluster_name, self.expect)
    }
}

const DEFAULT_HTTP_PORT: u16 = 8091;

/// `:8091`, `0.0.0.0:8091`, `meta-1:8091` → the host where it is a concrete one, and the port.
fn split_bind(bind: &str, default_port: u16) -> (Option<String>, u16) {
    let (host, port) = bind.rsplit_once(':').unwrap_or((bind, ""));
    let port = port.parse().unwrap_or(default_port);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let anywhere = bare.is_empty()
        || bare
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_unspecified());
    (
        if anywhere {
            None
        } else {
            Some(bare.to_owned())
        },
        port,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_concrete_bind_host_is_a_name() {
        for (bind, host, port) in [
            (":8091", None, 8091),
            ("0.0.0.0:18091", None, 18091),
            ("[::]:8091", None, 8091),
            ("meta-1:8091", Some("meta-1"), 8091),
            ("127.0.0.2:8091", Some("127.0.0.2"), 8091),
            ("[fd00::1]:8091", Some("fd00::1"), 8091),
        ] {
            assert_eq!(
                split_bind(bind, 8091),
                (host.map(str::to_owned), port),
                "{bind}"
            );
        }
    }
}
