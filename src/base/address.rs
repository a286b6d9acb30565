//! `host:port` in canonical form, so that two spellings of one address are equal.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A host and a port: lower case, no trailing dot. IPv6 has brackets in text, and none in `host`.
/// Examples: `meta-1:8091`, `[fd00::1]:8091`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// A text that is not an address. The error text has what was found and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {fault}")]
pub struct AddressError {
    pub text: String,
    pub fault: AddressFault,
}

/// Fault in the text of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    #[error("is empty")]
    Empty,
    #[error("has quotes: write the address without them")]
    Quoted,
    #[error("has a scheme: write host or host:port")]
    Scheme,
    #[error("has a path: write host or host:port")]
    Path,
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    #[error(
        "is no host name or IP address (an IPv6 address with a port needs brackets: [::1]:8091)"
    )]
    Host,
}

impl Address {
    /// Address from a host (any case, with or without a trailing dot or brackets) and a port.
    pub fn new(host: &str, port: u16) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let host = match bare.parse::<Ipv6Addr>() {
            Ok(ip) => ip.to_string(),
            Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase(),
        };
        Self { host, port }
    }

    /// Parses `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address. Without a port it is
    /// `default_port`.
    ///
    /// # Errors
    /// [`AddressError`], with the fault in the text. Nothing is guessed.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, AddressError> {
        let bad = |fault| {
            let text = text.to_owned();
            Err(AddressError { text, fault })
        };
        if text.trim().is_empty() {
            return bad(AddressFault::Empty);
        }
        if text.contains(['"', '\'', '`']) {
            return bad(AddressFault::Quoted);
        }
        if text.contains("://") {
            return bad(AddressFault::Scheme);
        }
        if text.contains('/') {
            return bad(AddressFault::Path);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self::new(text, default_port));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port.map(u16::from_str) {
            None => default_port,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return bad(AddressFault::Port),
        };
        if !is_host(host) {
            return bad(AddressFault::Host);
        }
        Ok(Self::new(host, port))
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Same host with another port.
    pub fn with_port(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port,
        }
    }

    /// The host as an IP address, if it is written as one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the host is written as loopback: `localhost`, `127.x`, `::1`.
    pub fn is_loopback_literal(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

/// Whether this is a host: bracketed IPv6, or letters, digits, dots, dashes and underscores (names
/// of compose services have underscores).
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner
            .strip_suffix(']')
            .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    }
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !host.is_empty() && host.len() <= 254 && host != "." && host.chars().all(ok)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Parses a text with a port, as we write it ourselves. [`Address::parse`] is for operators' input.
impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        match Self::parse(text, 0) {
            Ok(address) if address.port == 0 => Err(AddressError {
                text: text.to_owned(),
                fault: AddressFault::Port,
            }),
            other => other,
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        let want = Address::new("meta-1", 8091);
        for text in ["meta-1", "META-1", "meta-1.", "Meta-1:8091", "meta-1.:8091"] {
            assert_eq!(Address::parse(text, 8091), Ok(want.clone()), "{text}");
        }
        let v6 = Address::parse("[fd00:0::1]", 8091).expect("v6");
        assert_eq!(v6.to_string(), "[fd00::1]:8091");
        assert_eq!(Address::parse("fd00::1", 8091), Ok(v6.clone()));
        assert_eq!("[fd00::1]:8091".parse(), Ok(v6));
    }

    #[test]
    fn what_is_no_address_says_why() {
        let cases = [
            (" ", AddressFault::Empty),
            ("\"meta-1\"", AddressFault::Quoted),
            ("http://meta-1:8091", AddressFault::Scheme),
            ("meta-1/x", AddressFault::Path),
            ("meta-1:", AddressFault::Port),
            ("meta-1:0", AddressFault::Port),
            ("meta-1:99999", AddressFault::Port),
            ("meta 1", AddressFault::Host),
        ];
        for (text, fault) in cases {
            let text = text.to_owned();
            assert_eq!(
                Address::parse(&text, 8091),
                Err(AddressError {
                    text: text.clone(),
                    fault
                })
            );
        }
    }
}
