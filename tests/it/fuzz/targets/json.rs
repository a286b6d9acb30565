//! JSON that any caller may send, and that other nodes answer.

use std::fmt::Debug;

use influxdb_meta::wire::api::{
    Announcement, ClusterInfo, CopyInProgress, ErrorBody, Health, LabelsRequest, Lease, Live,
    Ready, ShardInfo, Status,
};
use influxdb_meta::wire::data_node::DataNodeStatus;
use influxdb_meta::wire::identity::Identity;
use influxdb_meta::wire::joining::{
    CallerIdentity, Done, Invite, JoinAnswer, JoinRequest, RefusedBody, RemovedHint,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Tries any body as each of the kinds.
pub(crate) fn json(bytes: &[u8]) -> bool {
    let tried = [
        read::<Announcement>,
        read::<ClusterInfo>,
        read::<Vec<CopyInProgress>>,
        read::<ErrorBody>,
        read::<Health>,
        read::<LabelsRequest>,
        read::<Lease>,
        read::<Live>,
        read::<Ready>,
        read::<Vec<ShardInfo>>,
        read::<Status>,
        read::<DataNodeStatus>,
        read::<CallerIdentity>,
        read::<Done>,
        read::<Invite>,
        read::<JoinAnswer>,
        read::<JoinRequest>,
        read::<RefusedBody>,
        read::<RemovedHint>,
        identity,
    ];
    // All kinds are tried, not only the first that fits.
    tried.iter().filter(|read| read(bytes)).count() > 0
}

fn read<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<T>(bytes) else {
        return false;
    };
    let written = serde_json::to_vec(&body).expect("JSON");
    assert_eq!(
        serde_json::from_slice::<T>(&written).expect("our own"),
        body
    );
    true
}

/// An identity of another protocol version is recognised before its fields are read.
fn identity(bytes: &[u8]) -> bool {
    let Ok(identity) = Identity::decode(bytes) else {
        return false;
    };
    assert_eq!(Identity::decode(&identity.encode()), Ok(identity));
    true
}
