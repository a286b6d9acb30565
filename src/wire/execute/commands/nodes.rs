//! Data nodes.

use super::shards::ById;
use crate::base::{NodeId, Text};
use crate::machine::WireCommand;
use crate::wire::convert::{BadField, bytes_of_text, required, required_text};

pub(super) fn create(message: CreateDataNode) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateDataNode {
        http: required_text(message.http_addr, "HTTPAddr")?,
        tcp: required_text(message.tcp_addr, "TCPAddr")?,
    })
}

pub(super) fn create_message(http: &Text, tcp: &Text) -> CreateDataNode {
    CreateDataNode {
        http_addr: Some(bytes_of_text(http)),
        tcp_addr: Some(bytes_of_text(tcp)),
    }
}

pub(super) fn update(message: UpdateDataNode) -> Result<WireCommand, BadField> {
    Ok(WireCommand::UpdateDataNode {
        id: NodeId(required(message.id, "ID")?),
        http: required_text(message.http_addr, "HTTPAddr")?,
        tcp: required_text(message.tcp_addr, "TCPAddr")?,
    })
}

pub(super) fn update_message(id: NodeId, http: &Text, tcp: &Text) -> UpdateDataNode {
    UpdateDataNode {
        id: Some(id.0),
        http_addr: Some(bytes_of_text(http)),
        tcp_addr: Some(bytes_of_text(tcp)),
    }
}

pub(super) fn delete(message: ById) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DeleteDataNode {
        id: NodeId(required(message.id, "ID")?),
    })
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateDataNode {
    #[prost(bytes = "vec", optional, tag = "1")]
    http_addr: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    tcp_addr: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UpdateDataNode {
    #[prost(uint64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2")]
    http_addr: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    tcp_addr: Option<Vec<u8>>,
}
