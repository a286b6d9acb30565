//! From a configured bind address to a socket address.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::Bind;
use crate::runtime::Env;

/// Between two look-ups of our own name: DNS of a fresh container may need a moment.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Where to listen. A name that is not known yet is asked for again, for ever: DNS can cure that,
/// an exit cannot.
pub(super) async fn address(env: &Env, key: &'static str, bind: &Bind) -> SocketAddr {
    let Some(host) = &bind.host else {
        return everywhere(env, bind.port).await;
    };
    let mut said = false;
    loop {
        let why = match env
            .net
            .resolve(host, bind.port)
            .await
            .map(|all| all.into_iter().next())
        {
            Ok(Some(address)) => return address,
            Ok(None) => io::Error::other("it has no address"),
            Err(error) => error,
        };
        if !std::mem::replace(&mut said, true) {
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

/// Both families where the kernel has IPv6, else IPv4.
async fn everywhere(env: &Env, port: u16) -> SocketAddr {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    match env.net.listen(v6).await {
        Ok(_probe) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
    }
}
