//! Addresses in arguments, with the default ports and the error texts of the original.

use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_PORT, META_RAFT_PORT};
use crate::base::{Address, AddressFault};

/// Parses the HTTP address of a meta node.
pub(super) fn meta_address(text: &str) -> Result<Address, String> {
    Address::parse(text, META_HTTP_PORT).map_err(|error| error.to_string())
}

/// Parses the HTTP address of a meta node, with the original's error text for an empty text.
pub(super) fn http_address(text: &str) -> Result<Address, String> {
    parse(text, META_HTTP_PORT, "httpAddr value is empty")
}

/// Parses the Raft address of a meta node, with the original's error text for an empty text.
pub(super) fn raft_address(text: &str) -> Result<Address, String> {
    parse(text, META_RAFT_PORT, "tcpAddr value is empty")
}

fn parse(text: &str, port: u16, empty: &str) -> Result<Address, String> {
    match Address::parse(text, port) {
        Err(error) if error.fault == AddressFault::Empty => Err(empty.to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

/// Checks the TCP address of a data node. Returns it as typed, with the default port if it has
/// none: the cluster knows a data node by its own spelling.
///
/// # Errors
/// The text is no address. `empty` is the original's error text for an empty text.
pub(super) fn data_address(text: &str, empty: &str) -> Result<String, String> {
    let address = parse(text, DATA_RPC_PORT, empty)?.to_string();
    let as_typed = [text.to_owned(), format!("{text}:{DATA_RPC_PORT}")];
    Ok(as_typed
        .into_iter()
        .find(|typed| typed.eq_ignore_ascii_case(&address))
        .unwrap_or(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_as_it_was_typed() {
        let cases = [
            ("data-1:8088", "data-1:8088"),
            ("Data-1:8088", "Data-1:8088"),
            ("Data-1", "Data-1:8088"),
            ("data-1.:9", "data-1:9"),
            ("fd00::1", "[fd00::1]:8088"),
            ("[FD00::1]", "[FD00::1]:8088"),
        ];
        for (text, want) in cases {
            assert_eq!(data_address(text, ""), Ok(want.to_owned()), "{text}");
        }
        assert_eq!(
            data_address(" ", "x is empty"),
            Err("x is empty".to_owned())
        );
        assert!(data_address("http://d:8086", "").is_err());
    }
}
