//! `Found`, `RequireSecret` and `RepairTime`, to and from their messages.

use crate::base::{ClusterId, Incarnation};
use crate::machine::{self, InternalCommand};
use crate::wire::convert::{BadField, host_port, required, required_address, required_id};
use crate::wire::proto::shared::HostPort;

pub(super) fn found_message(found: &machine::Found) -> Found {
    let founder = |founder: &machine::Founder| Founder {
        incarnation: Some(founder.incarnation.0.to_vec()),
        http: Some(host_port(&founder.http)),
        raft: Some(host_port(&founder.raft)),
    };
    Found {
        cluster_id: Some(found.cluster_id.0.to_vec()),
        name: Some(found.name.clone()),
        founders: found.founders.iter().map(founder).collect(),
        with_secret: Some(found.with_secret),
        feature_level: Some(found.feature_level),
    }
}

pub(super) fn found(message: Found) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::Found(machine::Found {
        cluster_id: ClusterId(required_id(message.cluster_id, "cluster_id")?),
        name: required(message.name, "name")?,
        founders: message
            .founders
            .into_iter()
            .map(founder)
            .collect::<Result<_, _>>()?,
        with_secret: required(message.with_secret, "with_secret")?,
        feature_level: required(message.feature_level, "feature_level")?,
    }))
}

fn founder(message: Founder) -> Result<machine::Founder, BadField> {
    Ok(machine::Founder {
        incarnation: Incarnation(required_id(message.incarnation, "founders.incarnation")?),
        http: required_address(message.http, "founders.http")?,
        raft: required_address(message.raft, "founders.raft")?,
    })
}

pub(super) fn repair_time_message() -> RepairTime {
    RepairTime {}
}

pub(super) fn repair_time(_: RepairTime) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::RepairTime)
}

pub(super) fn require_secret_message() -> RequireSecret {
    RequireSecret {}
}

pub(super) fn require_secret(_: RequireSecret) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::RequireSecret)
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RequireSecret {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RepairTime {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Found {
    #[prost(bytes = "vec", optional, tag = "1")]
    cluster_id: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, repeated, tag = "3")]
    founders: Vec<Founder>,
    #[prost(bool, optional, tag = "4")]
    with_secret: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    feature_level: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Founder {
    #[prost(bytes = "vec", optional, tag = "1")]
    incarnation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    raft: Option<HostPort>,
}
