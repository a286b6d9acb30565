//! Resolving a configured bind address to a socket address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::Bind;
use crate::runtime::Env;
use crate::runtime::net::LookupError;

/// Delay between two lookups of our own name. DNS may not know a new container yet.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the address to listen on. Retries the look-up of an unknown name forever: DNS may learn
/// it, and exiting would not help.
pub(super) async fn address(env: &Env, key: &'static str, bind: &Bind) -> SocketAddr {
    let Some(host) = &bind.host else {
        return all_addresses(env, bind.port).await;
    };
    let mut is_logged = false;
    loop {
        let why = match env
            .net
            .resolve(host, bind.port)
            .await
            .map(|all| all.into_iter().next())
        {
            Ok(Some(address)) => return address,
            Ok(None) => LookupError::Unknown { server: None },
            Err(error) => error,
        };
        if !std::mem::replace(&mut is_logged, true) {
            let bind = bind.to_string();
            tracing::warn!(
                event = "listen.wait",
                key,
                bind,
                "the name in {key} cannot be looked up, waiting: {why}"
            );
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Returns the unspecified IPv6 address, which covers IPv4 too, or the IPv4 one if the kernel has
/// no IPv6.
async fn all_addresses(env: &Env, port: u16) -> SocketAddr {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    match env.net.listen(v6).await {
        Ok(_probe) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
    }
}
