//! Looks a name up, in the order of glibc: the hosts file, then the name servers, with the
//! name itself and the domains of the search list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::files::{DnsConfig, Files};
use super::query::{Family, Manner, ask};
use crate::runtime::net::{LookupError, ServerFailure};

/// Time that the addresses of one family wait for those of the other. A server that answers for
/// IPv4 and never for IPv6 must not make a name slow.
const OTHER_FAMILY_TIMEOUT: Duration = Duration::from_millis(250);

/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// Addresses of a name, the ones that are to be tried first come first. `turn` is the number of
/// look-ups so far; `options rotate` begins with another server each time.
pub(super) async fn look_up(
    files: &Files,
    name: &str,
    turn: usize,
) -> Result<Vec<IpAddr>, LookupError> {
    let relative = name.strip_suffix('.').unwrap_or(name);
    if !is_name(relative) {
        return Err(LookupError::Unknown { server: None });
    }
    let listed = files.hosts(relative).await;
    if !listed.is_empty() {
        return Ok(listed);
    }
    if is_localhost(relative) {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let mut config = files.dns().await;
    if config.rotate {
        let first = turn % config.servers.len().max(1);
        config.servers.rotate_left(first);
    }
    let is_absolute = relative.len() < name.len();
    search(&config, relative, is_absolute).await
}

/// Asks for each candidate until one has addresses.
///
/// # Errors
/// A failure of a server comes before "unknown": the name may exist.
async fn search(
    config: &DnsConfig,
    name: &str,
    is_absolute: bool,
) -> Result<Vec<IpAddr>, LookupError> {
    let mut unknown = None;
    let mut failed = None;
    for candidate in candidates(config, name, is_absolute) {
        match ask_servers(config, &candidate).await {
            Ok(mut found) => {
                found.sort_by_key(preference);
                return Ok(found);
            }
            // Nothing would answer for the next candidate either, and each costs all timeouts.
            Err(error @ LookupError::TimedOut { .. }) => return Err(failed.unwrap_or(error)),
            Err(error @ LookupError::Unknown { .. }) => unknown = unknown.or(Some(error)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let none = LookupError::Unknown { server: None };
    Err(failed.or(unknown).unwrap_or(none))
}

/// Names to ask for, in order. A name with a dot at its end is complete. Others are tried as they
/// are, before the search list if they have `ndots` dots, else after it.
fn candidates(config: &DnsConfig, name: &str, is_absolute: bool) -> Vec<String> {
    if is_absolute {
        return vec![name.to_owned()];
    }
    let completed = config
        .search
        .iter()
        .map(|domain| format!("{name}.{domain}"));
    let mut all: Vec<String> = completed.filter(|name| is_name(name)).collect();
    let dots = name.matches('.').count();
    let at = if dots >= config.ndots { 0 } else { all.len() };
    all.insert(at, name.to_owned());
    all
}

/// Asks the servers in their order. The next one is asked only if a server fails, so that a later
/// "no such name" never counts against an earlier answer.
async fn ask_servers(config: &DnsConfig, name: &str) -> Result<Vec<IpAddr>, LookupError> {
    let mut last = LookupError::Unknown { server: None };
    let mut answered = None;
    for _ in 0..config.attempts {
        for server in config.servers.iter().copied() {
            last = match ask_both(config, server, name).await {
                Ok(found) if found.is_empty() => {
                    return Err(LookupError::Unknown {
                        server: Some(server),
                    });
                }
                Ok(found) => return Ok(found),
                Err(ServerFailure::Timeout) => LookupError::TimedOut { server },
                Err(failure) => {
                    let failed = LookupError::Failed { server, failure };
                    answered = Some(failed.clone());
                    failed
                }
            };
        }
    }
    Err(answered.unwrap_or(last))
}

/// Asks one server for both families at once. Either will do: there are servers that answer for
/// IPv4 and fail, refuse, or say "no such name" for IPv6.
///
/// # Errors
/// Neither family has an address, and the answer for one of them was a failure.
async fn ask_both(
    config: &DnsConfig,
    server: SocketAddr,
    name: &str,
) -> Result<Vec<IpAddr>, ServerFailure> {
    let manner = Manner {
        timeout: config.timeout,
        tcp: config.tcp,
    };
    let v4 = pin!(ask(server, name, Family::V4, manner));
    if config.only_v4 {
        return v4.await;
    }
    let v6 = pin!(ask(server, name, Family::V6, manner));
    let (first, other) = match select(v4, v6).await {
        Either::Left((first, other)) => (first, Either::Left(other)),
        Either::Right((first, other)) => (first, Either::Right(other)),
    };
    let has_addresses = first.as_ref().is_ok_and(|found| !found.is_empty());
    let second = if has_addresses {
        let second = tokio::time::timeout(OTHER_FAMILY_TIMEOUT, other).await;
        second.unwrap_or(Err(ServerFailure::Timeout))
    } else {
        other.await
    };
    both(first, second)
}

type Asked = Result<Vec<IpAddr>, ServerFailure>;

fn both(one: Asked, other: Asked) -> Asked {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok([one, other].concat()),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) if !found.is_empty() => Ok(found),
        // An answer that something failed says more than silence.
        (Err(ServerFailure::Timeout), Err(failure)) => Err(failure),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

/// Whether a name can be asked for. Underscores are allowed: Docker's names of services have them.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    name.len() <= MAX_NAME_BYTES && name.split('.').all(is_label)
}

/// `localhost` and the names below it are this host (RFC 6761), whatever a name server says.
fn is_localhost(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// Position of an address among those of its name, by the table of RFC 6724: loopback, global IPv6,
/// IPv4, then unique local IPv6.
fn preference(ip: &IpAddr) -> u8 {
    match ip {
        IpAddr::V6(ip) if ip.is_loopback() => 0,
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => 3,
        IpAddr::V6(_) => 1,
        IpAddr::V4(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ndots: usize, search: &[&str]) -> DnsConfig {
        DnsConfig {
            servers: Vec::new(),
            search: search.iter().map(|domain| (*domain).to_owned()).collect(),
            ndots,
            timeout: Duration::from_secs(1),
            attempts: 1,
            rotate: false,
            tcp: false,
            only_v4: false,
        }
    }

    #[test]
    fn the_search_list_comes_before_or_after_the_name_by_ndots() {
        let docker = config(0, &[]);
        assert_eq!(candidates(&docker, "meta-1", false), ["meta-1"]);
        let host = config(1, &["corp.test", "test"]);
        assert_eq!(
            candidates(&host, "m1", false),
            ["m1.corp.test", "m1.test", "m1"]
        );
        assert_eq!(
            candidates(&host, "m1.site1", false),
            ["m1.site1", "m1.site1.corp.test", "m1.site1.test"]
        );
        assert_eq!(candidates(&host, "m1.site1", true), ["m1.site1"]);
        let kubernetes = config(5, &["ns.svc.cluster.local"]);
        assert_eq!(
            candidates(&kubernetes, "meta-0.meta", false),
            ["meta-0.meta.ns.svc.cluster.local", "meta-0.meta"]
        );
    }

    #[test]
    fn either_family_will_do() {
        let ip: IpAddr = Ipv4Addr::LOCALHOST.into();
        let refused = || Err(ServerFailure::Code("REFUSED"));
        for bad in [Ok(Vec::new()), refused(), Err(ServerFailure::Timeout)] {
            assert_eq!(both(Ok(vec![ip]), bad.clone()), Ok(vec![ip]));
            assert_eq!(both(bad, Ok(vec![ip])), Ok(vec![ip]));
        }
        assert_eq!(both(Ok(Vec::new()), Ok(Vec::new())), Ok(Vec::new()));
        // A family has no address, and nothing is known of the other one.
        assert_eq!(both(Ok(Vec::new()), refused()), refused());
        assert_eq!(both(Err(ServerFailure::Timeout), refused()), refused());
    }

    #[test]
    fn names_that_no_server_knows_are_not_asked_for() {
        assert!(is_name("meta_1.test") && is_name(&"a".repeat(63)));
        for bad in [
            "",
            "a..b",
            "a b",
            "ä",
            ".a",
            &"a".repeat(64),
            &"a.".repeat(200),
            "a\\b",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_localhost("localhost") && is_localhost("a.LOCALHOST"));
        assert!(!is_localhost("localhost.test"));
    }
}
