//! Commands of ours in a log entry, and the values that snapshots share with them.

/// Field 5 of the envelope. One of them is set.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Ours {
    #[prost(oneof = "OurCommand", tags = "1")]
    pub(in crate::wire) command: Option<OurCommand>,
}

/// Numbers 2 … belong to the commands of joining, moving and removing.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(in crate::wire) enum OurCommand {
    #[prost(message, tag = "1")]
    Found(Found),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Found {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) cluster_id: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) name: Option<String>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) founders: Vec<Founder>,
    #[prost(bool, optional, tag = "4")]
    pub(in crate::wire) with_secret: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    pub(in crate::wire) feature_level: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Founder {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) raft: Option<HostPort>,
}

/// An address in its parts: whatever address a node could have got hold of comes back, without a grammar
/// of text that could refuse it once it is in the log.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct HostPort {
    #[prost(string, optional, tag = "1")]
    pub(in crate::wire) host: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub(in crate::wire) port: Option<u32>,
}
