//! Data nodes.

use crate::base::{NodeId, Text};
use crate::machine::Command;
use crate::wire::convert::{BadField, bytes_of_text, required, required_text};
use crate::wire::proto::command as proto;

pub(super) fn create(message: proto::CreateDataNode) -> Result<Command, BadField> {
    Ok(Command::CreateDataNode {
        http: required_text(message.http_addr, "HTTPAddr")?,
        tcp: required_text(message.tcp_addr, "TCPAddr")?,
    })
}

pub(super) fn create_message(http: &Text, tcp: &Text) -> proto::CreateDataNode {
    proto::CreateDataNode {
        http_addr: Some(bytes_of_text(http)),
        tcp_addr: Some(bytes_of_text(tcp)),
    }
}

pub(super) fn update(message: proto::UpdateDataNode) -> Result<Command, BadField> {
    Ok(Command::UpdateDataNode {
        id: NodeId(required(message.id, "ID")?),
        http: required_text(message.http_addr, "HTTPAddr")?,
        tcp: required_text(message.tcp_addr, "TCPAddr")?,
    })
}

pub(super) fn update_message(id: NodeId, http: &Text, tcp: &Text) -> proto::UpdateDataNode {
    proto::UpdateDataNode {
        id: Some(id.0),
        http_addr: Some(bytes_of_text(http)),
        tcp_addr: Some(bytes_of_text(tcp)),
    }
}

pub(super) fn delete(message: proto::ById) -> Result<Command, BadField> {
    Ok(Command::DeleteDataNode {
        id: NodeId(required(message.id, "ID")?),
    })
}
