//! Commands of ours, to and from their messages: which is which, and from which format on. `Found`
//! is here, those of joining, moving and removing in `members`, those about data nodes in
//! `data_nodes`.

use super::{data_nodes, members};
use crate::base::{ClusterId, Incarnation};
use crate::machine::{Command, Found, Founder};
use crate::wire::convert::{BadField, host_port, required, required_address, required_id};
use crate::wire::proto::entry::{self as proto, OurCommand, Ours};

/// The lowest format in which a command of ours can be read.
pub(super) fn format_of(command: &Command) -> u32 {
    match command {
        Command::Found(_) => 1,
        Command::SetPassive { .. }
        | Command::RemoveDataNode { .. }
        | Command::RemoveShardCopy { .. }
        | Command::SetLeaseHolder { .. } => 3,
        _ => 2,
    }
}

impl From<&Command> for Ours {
    fn from(command: &Command) -> Self {
        Self {
            command: our_command(command),
        }
    }
}

impl TryFrom<Ours> for Command {
    type Error = BadField;

    fn try_from(ours: Ours) -> Result<Self, BadField> {
        match required(ours.command, "command")? {
            OurCommand::Found(message) => found(message).map(Self::Found),
            OurCommand::AllocateRaftId(message) => {
                members::allocate(message).map(Self::AllocateRaftId)
            }
            OurCommand::AddMetaNode(message) => members::add(message).map(Self::AddMetaNode),
            OurCommand::MoveMetaNode(message) => members::relocate(message).map(Self::MoveMetaNode),
            OurCommand::RemoveMetaNode(message) => {
                members::remove(message).map(Self::RemoveMetaNode)
            }
            OurCommand::SetLabels(message) => members::set_labels(message).map(Self::SetLabels),
            OurCommand::RaiseFeatureLevel(message) => {
                required(message.level, "level").map(|level| Self::RaiseFeatureLevel { level })
            }
            OurCommand::SetPassive(message) => data_nodes::set_passive(message),
            OurCommand::RemoveDataNode(message) => data_nodes::remove(message),
            OurCommand::RemoveShardCopy(message) => data_nodes::remove_copy(message),
            OurCommand::SetLeaseHolder(message) => data_nodes::set_lease_holder(message),
        }
    }
}

/// `None` for one of the wire's set: it has its own field in the envelope.
fn our_command(command: &Command) -> Option<OurCommand> {
    Some(match command {
        Command::Found(found) => OurCommand::Found(found_message(found)),
        Command::AllocateRaftId(asked) => {
            OurCommand::AllocateRaftId(members::allocate_message(asked))
        }
        Command::AddMetaNode(add) => OurCommand::AddMetaNode(members::add_message(add)),
        Command::MoveMetaNode(to) => OurCommand::MoveMetaNode(members::relocate_message(to)),
        Command::RemoveMetaNode(remove) => {
            OurCommand::RemoveMetaNode(members::remove_message(remove))
        }
        Command::SetLabels(labels) => OurCommand::SetLabels(members::set_labels_message(labels)),
        Command::RaiseFeatureLevel { level } => {
            OurCommand::RaiseFeatureLevel(proto::RaiseFeatureLevel {
                level: Some(*level),
            })
        }
        Command::SetPassive { tcp, passive } => {
            OurCommand::SetPassive(data_nodes::set_passive_message(tcp, *passive))
        }
        Command::RemoveDataNode { id, force } => {
            OurCommand::RemoveDataNode(proto::RemoveDataNode {
                id: Some(id.0),
                force: Some(*force),
            })
        }
        Command::RemoveShardCopy { copy, force } => {
            OurCommand::RemoveShardCopy(data_nodes::remove_copy_message(*copy, *force))
        }
        Command::SetLeaseHolder {
            lease,
            holder,
            term,
        } => {
            OurCommand::SetLeaseHolder(data_nodes::set_lease_holder_message(lease, *holder, *term))
        }
        _ => return None,
    })
}

fn found_message(found: &Found) -> proto::Found {
    let founder = |founder: &Founder| proto::Founder {
        incarnation: Some(founder.incarnation.0.to_vec()),
        http: Some(host_port(&founder.http)),
        raft: Some(host_port(&founder.raft)),
    };
    proto::Found {
        cluster_id: Some(found.cluster_id.0.to_vec()),
        name: Some(found.name.clone()),
        founders: found.founders.iter().map(founder).collect(),
        with_secret: Some(found.with_secret),
        feature_level: Some(found.feature_level),
    }
}

fn found(message: proto::Found) -> Result<Found, BadField> {
    Ok(Found {
        cluster_id: ClusterId(required_id(message.cluster_id, "cluster_id")?),
        name: required(message.name, "name")?,
        founders: message
            .founders
            .into_iter()
            .map(founder)
            .collect::<Result<_, _>>()?,
        with_secret: required(message.with_secret, "with_secret")?,
        feature_level: required(message.feature_level, "feature_level")?,
    })
}

fn founder(message: proto::Founder) -> Result<Founder, BadField> {
    Ok(Founder {
        incarnation: Incarnation(required_id(message.incarnation, "founders.incarnation")?),
        http: required_address(message.http, "founders.http")?,
        raft: required_address(message.raft, "founders.raft")?,
    })
}
