//! Faults of a data node on demand.

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
pub enum Mood {
    #[default]
    Obliging,
    /// Waits this long first.
    Slow(Duration),
    /// Waits until it gets another mood, and then acts on that.
    Held,
    /// Does nothing and answers with this error; over HTTP with status 500.
    Failing(String),
    /// Does nothing and sends nothing, for as long as the caller waits.
    Silent,
    /// Does nothing and closes the connection.
    Rude,
    /// Does what was asked and closes the connection instead of answering.
    Forgetful,
    /// Does nothing and sends these bytes.
    Raw(Vec<u8>),
}

#[derive(Default)]
pub struct Moods(Vec<(On, Mood)>);

impl Moods {
    pub fn set(&mut self, on: On, mood: Mood) {
        self.0.retain(|(of, _)| *of != on);
        self.0.push((on, mood));
    }

    pub fn of(&self, on: On) -> Mood {
        self.0
            .iter()
            .find(|(of, _)| *of == on)
            .map(|(_, mood)| mood.clone())
            .unwrap_or_default()
    }
}
