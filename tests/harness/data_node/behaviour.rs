//! Behaviour of a data node on demand: faults and delays.

use std::time::Duration;

use influxdb_meta::wire::data_node::MessageType;

/// Requests to a data node on 8088 that can be given a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Call(MessageType),
    /// `GET /status`.
    Status,
    /// Request of the destination of a copy to its source.
    BackupShard,
}

/// Reaction of the data node.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Behaviour {
    #[default]
    Normal,
    /// Waits this long first.
    Slow(Duration),
    /// Waits until it gets another behaviour, and then applies that one.
    Held,
    /// Does nothing and answers with this error; over HTTP with status 500.
    Failing(String),
    /// Does nothing and sends nothing, for as long as the caller waits.
    Silent,
    /// Does nothing and closes the connection.
    HangUp,
    /// Does what was asked and closes the connection instead of answering.
    ActThenHangUp,
    /// Does nothing and sends these bytes.
    Raw(Vec<u8>),
}

#[derive(Default)]
pub struct Behaviours(Vec<(On, Behaviour)>);

impl Behaviours {
    pub fn set(&mut self, on: On, behaviour: Behaviour) {
        self.0.retain(|(of, _)| *of != on);
        self.0.push((on, behaviour));
    }

    pub fn of(&self, on: On) -> Behaviour {
        self.0
            .iter()
            .find(|(of, _)| *of == on)
            .map(|(_, behaviour)| behaviour.clone())
            .unwrap_or_default()
    }
}
