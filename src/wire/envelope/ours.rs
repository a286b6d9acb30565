//! Commands of ours, to and from their messages.

use crate::base::{ClusterId, Incarnation};
use crate::machine::{Command, Found, Founder};
use crate::wire::convert::{BadField, host_port, required, required_address, required_id};
use crate::wire::proto::entry::{self as proto, OurCommand, Ours};

impl From<&Command> for Ours {
    fn from(command: &Command) -> Self {
        match command {
            Command::Found(found) => Self::from(found),
            // The messages of joining come with their format.
            _ => Self { command: None },
        }
    }
}

impl From<&Found> for Ours {
    fn from(found: &Found) -> Self {
        let founder = |founder: &Founder| proto::Founder {
            incarnation: Some(founder.incarnation.0.to_vec()),
            http: Some(host_port(&founder.http)),
            raft: Some(host_port(&founder.raft)),
        };
        let found = proto::Found {
            cluster_id: Some(found.cluster_id.0.to_vec()),
            name: Some(found.name.clone()),
            founders: found.founders.iter().map(founder).collect(),
            with_secret: Some(found.with_secret),
            feature_level: Some(found.feature_level),
        };
        Self { command: Some(OurCommand::Found(found)) }
    }
}

impl TryFrom<Ours> for Command {
    type Error = BadField;

    fn try_from(ours: Ours) -> Result<Self, BadField> {
        match required(ours.command, "command")? {
            OurCommand::Found(message) => found(message).map(Self::Found),
        }
    }
}

fn found(message: proto::Found) -> Result<Found, BadField> {
    Ok(Found {
        cluster_id: ClusterId(required_id(message.cluster_id, "cluster_id")?),
        name: required(message.name, "name")?,
        founders: message.founders.into_iter().map(founder).collect::<Result<_, _>>()?,
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
