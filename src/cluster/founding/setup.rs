//! Configuration in the form that founding needs.

use crate::base::endpoint::META_HTTP_PORT;
use crate::base::{Address, ListHash, ProcessId};
use crate::cluster::config::ClusterConfig;
use crate::cluster::identity::founders::{founder_list, list_hash};

/// Settings of one process.
#[derive(Clone, Debug)]
pub struct FoundingSetup {
    /// `peers`, canonical and sorted. Empty: the cluster is formed manually, or the node founds
    /// alone.
    pub peers: Vec<Address>,
    /// Number of founders; 0 means: join, never found.
    pub expect: u64,
    /// The node founds alone: `-single-server`, or `bootstrap-expect = 1` without `peers`, or an
    /// operator's order. Its founder list has one entry, itself.
    pub alone: bool,
    /// `alone` was set by an operator's order while running, not by configuration.
    pub ordered: bool,
    pub cluster_name: String,
    pub version: String,
    /// Own HTTP address, if the configuration has it: a concrete host in the bind address, else
    /// `hostname`.
    pub named: Option<Address>,
    /// The system's host name with the HTTP port.
    pub host_name: Address,
    pub raft_port: u16,
    pub with_secret: bool,
    pub process: ProcessId,
    /// Seed of the jitter, used for nothing else.
    pub seed: u64,
}

impl FoundingSetup {
    /// Settings from the configuration. `raft_port` is the port that is bound; it differs from the
    /// configured port only if the configured port is 0.
    pub fn new(config: &ClusterConfig, raft_port: u16, process: ProcessId, seed: u64) -> Self {
        let peers = founder_list(&config.peers);
        let (bind_host, http_port) = split_bind(&config.http_bind, META_HTTP_PORT);
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
            process,
            seed,
        }
    }

    /// True without `peers` unless the node founds alone. A manual node does nothing by itself.
    pub fn is_manual(&self) -> bool {
        self.peers.is_empty() && !self.alone
    }

    /// Applies an operator's order to found alone, with the same effect as `-single-server`.
    pub fn found_alone(&mut self) {
        self.alone = true;
        self.expect = 1;
        self.ordered = true;
    }

    /// Takes back the effect of `found_alone`. Returns whether there was an order.
    pub fn forget_order(&mut self) -> bool {
        let was_ordered = std::mem::take(&mut self.ordered);
        if was_ordered {
            self.alone = false;
            self.expect = 0;
        }
        was_ordered
    }

    /// Founder list. A node that founds alone lists itself under its configured name, else under
    /// the system's host name.
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

/// Splits `:8091`, `0.0.0.0:8091` or `meta-1:8091` into the host, if it is a concrete one, and the
/// port.
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
