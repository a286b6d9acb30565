//! Flags and arguments of the commands for data nodes.

use clap::Args;

use crate::base::endpoint::DATA_RPC_PORT;
use crate::base::{Address, AddressError};

#[derive(Debug, Args)]
pub(in crate::ctl) struct AddData {
    /// Passive: it takes points and queries for the others, and owns no shards
    #[arg(long = "p", short = 'p')]
    pub(in crate::ctl) passive: bool,
    /// TCP address of the data node
    #[arg(value_name = "HOST:PORT", value_parser = tcp_addr)]
    pub(in crate::ctl) address: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveData {
    /// Also if it does not answer, and also if shards lose their last copy
    #[arg(long)]
    pub(in crate::ctl) force: bool,
    /// TCP address of the data node
    #[arg(value_name = "HOST:PORT", value_parser = addr)]
    pub(in crate::ctl) address: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::ctl) struct UpdateData {
    /// TCP address that the data node has in the cluster
    #[arg(value_name = "OLD", value_parser = old_addr)]
    pub(in crate::ctl) old: Option<String>,
    /// TCP address of the machine that takes its place
    #[arg(value_name = "NEW", value_parser = new_addr)]
    pub(in crate::ctl) new: Option<String>,
}

/// As typed, with the usual port where none was: the cluster knows a data node by its own spelling.
///
/// # Errors
/// It is no address; `empty` is what the original says where the text is empty.
pub(super) fn data_address(text: &str, empty: &str) -> Result<String, String> {
    let address = match Address::parse(text, DATA_RPC_PORT) {
        Err(AddressError::Empty(_)) => return Err(empty.to_owned()),
        other => other.map_err(|error| error.to_string())?.to_string(),
    };
    let as_typed = [text.to_owned(), format!("{text}:{DATA_RPC_PORT}")];
    Ok(as_typed
        .into_iter()
        .find(|typed| typed.eq_ignore_ascii_case(&address))
        .unwrap_or(address))
}

fn tcp_addr(text: &str) -> Result<String, String> {
    data_address(text, "tcpAddr value is empty")
}

fn addr(text: &str) -> Result<String, String> {
    data_address(text, "addr value is empty")
}

fn old_addr(text: &str) -> Result<String, String> {
    data_address(text, "old-addr value is empty")
}

fn new_addr(text: &str) -> Result<String, String> {
    data_address(text, "new-addr value is empty")
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
