//! `/etc/hosts` and `/etc/resolv.conf`, read at each look-up: container engines and operators edit
//! them.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::time::Duration;

use resolv_conf::ScopedIp;

/// Maximum size of a file that is read. A hosts file with 10,000 lines has a third of it.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Maximum number of name servers that are asked, as glibc has it.
const MAX_SERVERS: usize = 3;
/// Maximum number of domains of the search list, as Kubernetes has it.
const MAX_SEARCH_DOMAINS: usize = 32;
/// Maximum values of `ndots`, `timeout` (in seconds) and `attempts`, as glibc has them.
const MAX_NDOTS: u32 = 15;
const MAX_TIMEOUT: u32 = 30;
const MAX_ATTEMPTS: u32 = 5;

const DNS_PORT: u16 = 53;

/// Paths of the files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) hosts: PathBuf,
    pub(super) resolv_conf: PathBuf,
    pub(super) host_name: PathBuf,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            host_name: "/proc/sys/kernel/hostname".into(),
        }
    }
}

/// Settings of `/etc/resolv.conf` that have an effect here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DnsConfig {
    /// In the order of the file. Without any: the local host, as with glibc.
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    /// A name with fewer dots is tried with the search list first.
    pub(super) ndots: usize,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
    pub(super) rotate: bool,
    /// `use-vc`: TCP only.
    pub(super) tcp: bool,
    /// `no-aaaa`: IPv4 addresses only.
    pub(super) only_v4: bool,
}

impl Files {
    /// Addresses of this name in the hosts file, in the order of the file.
    pub(super) async fn hosts(&self, name: &str) -> Vec<IpAddr> {
        let text = read(&self.hosts).await.unwrap_or_default();
        addresses_in_hosts(&text, name)
    }

    pub(super) async fn dns(&self) -> DnsConfig {
        let text = read(&self.resolv_conf).await.unwrap_or_default();
        let host_name = read(&self.host_name).await.unwrap_or_default();
        parse(&text, host_name.trim())
    }
}

/// Reads a file, on a thread of its own: the folder may be a network's.
#[expect(
    clippy::disallowed_methods,
    reason = "files of the system, which are no part of the node's data"
)]
async fn read(path: &Path) -> io::Result<String> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_FILE_BYTES)
            .read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    read.await.map_err(io::Error::other)?
}

fn addresses_in_hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let ip = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        let is_named = words.any(|word| word.trim_end_matches('.').eq_ignore_ascii_case(name));
        if let (Some(ip), true) = (ip, is_named)
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    found
}

/// Lines that cannot be read are passed over, as in glibc.
fn parse(text: &str, host_name: &str) -> DnsConfig {
    let (config, _errors) = resolv_conf::Config::parse_with_errors(text.as_bytes());
    let mut servers: Vec<SocketAddr> = config.nameservers.iter().map(server).collect();
    servers.truncate(MAX_SERVERS);
    if servers.is_empty() {
        servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, DNS_PORT)));
    }
    let listed = config.get_last_search_or_domain().map(String::as_str);
    let mut search: Vec<String> = listed.map(domain).collect();
    if config.get_search().is_none()
        && config.get_domain().is_none()
        && let Some((_, own_domain)) = host_name.split_once('.')
    {
        search.push(domain(own_domain));
    }
    search.retain(|domain| !domain.is_empty());
    search.truncate(MAX_SEARCH_DOMAINS);
    DnsConfig {
        servers,
        search,
        ndots: config.ndots.min(MAX_NDOTS) as usize,
        timeout: Duration::from_secs(config.timeout.clamp(1, MAX_TIMEOUT).into()),
        attempts: config.attempts.clamp(1, MAX_ATTEMPTS),
        rotate: config.rotate,
        tcp: config.use_vc,
        only_v4: config.no_aaaa,
    }
}

fn domain(text: &str) -> String {
    text.trim_matches('.').to_owned()
}

fn server(ip: &ScopedIp) -> SocketAddr {
    match ip {
        ScopedIp::V4(ip) => SocketAddr::from((*ip, DNS_PORT)),
        ScopedIp::V6(ip, scope) => {
            // Only numeric scopes: names of interfaces need a system call.
            let scope = scope.as_ref().and_then(|scope| scope.parse().ok());
            SocketAddrV6::new(*ip, DNS_PORT, 0, scope.unwrap_or(0)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().expect("an address"), DNS_PORT)
    }

    #[test]
    fn the_files_of_docker_and_kubernetes() {
        let docker = parse("nameserver 127.0.0.11\noptions edns0 ndots:0\n", "meta-1");
        assert_eq!((docker.servers, docker.ndots), (vec![at("127.0.0.11")], 0));
        let text = "search meta.svc.cluster.local svc.cluster.local cluster.local\n\
                    nameserver 10.96.0.10\noptions ndots:5\n";
        let kubernetes = parse(text, "meta-0");
        assert_eq!(kubernetes.ndots, 5);
        assert_eq!(kubernetes.search.len(), 3);
        assert_eq!(kubernetes.search[0], "meta.svc.cluster.local");
    }

    #[test]
    fn options_have_the_limits_of_glibc() {
        let text = "nameserver 10.0.0.1\nnameserver fe80::1%2\nnameserver 10.0.0.3\n\
                    nameserver 10.0.0.4\noptions timeout:99 attempts:0 ndots:99 rotate use-vc\n\
                    nonsense\n";
        let config = parse(text, "host");
        assert_eq!(config.servers.len(), 3);
        assert_eq!(config.timeout, Duration::from_secs(30));
        assert_eq!((config.attempts, config.ndots), (1, 15));
        assert!(config.rotate && config.tcp && !config.only_v4);
    }

    #[test]
    fn without_a_file_it_is_the_local_host_and_the_domain_of_the_host() {
        let config = parse("", "meta-1.corp.test");
        assert_eq!(config.servers, [at("127.0.0.1")]);
        assert_eq!(config.search, ["corp.test"]);
        assert_eq!((config.ndots, config.attempts), (1, 2));
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(parse("search .\n", "a.b").search, [""; 0]);
        assert_eq!(
            parse("domain one.test\nsearch two.test\n", "").search,
            ["two.test"]
        );
    }

    #[test]
    fn hosts_have_comments_aliases_and_any_case() {
        let text = "# meta-9\n127.0.0.1\tlocalhost\n10.0.0.2  Meta-2 alias # meta-3\n\
                    10.0.0.3 meta-2.\nfd00::2 meta-2\nx meta-2\n10.0.0.2 meta-2\n";
        let found = addresses_in_hosts(text, "meta-2");
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(addresses_in_hosts(text, "ALIAS").len(), 1);
        assert!(addresses_in_hosts(text, "meta-3").is_empty());
        assert!(addresses_in_hosts(text, "meta-9").is_empty());
    }
}
