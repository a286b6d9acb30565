//! `influxd-meta healthcheck`: asks the node on this host. For images without a shell and curl.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::config::args::Healthcheck;
use crate::config::{self, Bind};
use crate::runtime::Env;
use crate::runtime::net::dial_error_priority;
use crate::runtime::stdio::print;

/// Returns the exit code: 0 if the answer was 200, else 1, whether stdout can be written or not.
/// The reason goes to stdout, where `docker inspect` shows it.
pub(super) fn run(command: &Healthcheck) -> u8 {
    let (exit, text) = check(command);
    let _ = print(&format!("{text}\n"));
    exit
}

fn check(command: &Healthcheck) -> (u8, String) {
    let bind = match config::http_bind(&config::inputs_of_node(command.flags.clone())) {
        Ok(bind) => bind,
        Err(invalid) => return (1, format!("influxd-meta: {invalid}")),
    };
    let path = if command.ready { "/readyz" } else { "/livez" };
    match ask(&bind, path, command.timeout) {
        Ok((200, body)) => (0, format!("{path}: {}", body.trim())),
        Ok((status, body)) => (1, format!("{path}: {status} {}", body.trim())),
        Err(error) => (1, format!("{path}: {error}")),
    }
}

fn ask(bind: &Bind, path: &str, timeout: std::time::Duration) -> io::Result<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(async {
        let env = Env::real();
        tokio::time::timeout(timeout, exchange(&env, bind, path)).await
    });
    runtime.shutdown_background();
    answer.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer in {timeout:?}"),
        ))
    })
}

async fn exchange(env: &Env, bind: &Bind, path: &str) -> io::Result<(u16, String)> {
    let mut worst = (0, io::Error::other("the bind address has no IP address"));
    for address in candidates(env, bind).await? {
        match get(env, address, path).await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let priority = dial_error_priority(&error);
                if priority > worst.0 {
                    let text = format!("{address}: {error}");
                    worst = (priority, io::Error::new(error.kind(), text));
                }
            }
        }
    }
    Err(worst.1)
}

/// Returns the addresses to try: loopback if the node listens on all addresses, else its own.
async fn candidates(env: &Env, bind: &Bind) -> io::Result<Vec<SocketAddr>> {
    let loopback = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let all_loopback = loopback.map(|ip| SocketAddr::new(ip, bind.port)).to_vec();
    let Some(host) = &bind.host else {
        return Ok(all_loopback);
    };
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Ok(all_loopback),
        _ => {
            let found = env.net.resolve(host, bind.port).await;
            found.map_err(|error| io::Error::other(format!("{host}: {error}")))
        }
    }
}

/// Maximum size of an answer that is read. Health answers are shorter; another program may listen
/// on the port.
const MAX_RESPONSE_BYTES: u64 = 64 << 10;

async fn get(env: &Env, address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = env.net.dial(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_RESPONSE_BYTES)
        .read_to_end(&mut answer)
        .await?;
    parse(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::other("that is no HTTP answer"))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut words = head.lines().next()?.split(' ');
    words
        .next()
        .filter(|version| version.starts_with("HTTP/1."))?;
    Some((words.next()?.parse().ok()?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_noise_is_not() {
        assert_eq!(
            parse("HTTP/1.1 200 OK\r\nA: b\r\n\r\nok\n"),
            Some((200, "ok\n".into()))
        );
        assert_eq!(parse("HTTP/1.0 503 No\r\n\r\n"), Some((503, String::new())));
        for noise in [
            "",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert_eq!(parse(noise), None, "{noise:?}");
        }
    }
}
