//! Frames that come over the network from other nodes: 8089 from meta nodes, 8088 from data nodes.

use bytes::{Bytes, BytesMut};
use influxdb_meta::wire::data_node::{
    Call, CopyShard, DataNodeResponse, HEADER_BYTES, JoinCluster, LeaveCluster, ListShards,
    MessageType, RemoveHintedHandoff, RemoveShard, RpcHeader,
};
use influxdb_meta::wire::frames::{
    self, EntryKind, Frame, LENGTH_BYTES, decode_membership, encode_membership,
};

/// A frame of the Raft port behind its length. A frame that was read is encoded to the same bytes.
pub(crate) fn raft_frame(bytes: &[u8]) -> bool {
    let Ok(frame) = frames::decode(Bytes::copy_from_slice(bytes)) else {
        return false;
    };
    let mut written = BytesMut::new();
    frames::encode(&frame, &mut written);
    assert_eq!(
        frames::decode(written.split_off(LENGTH_BYTES).freeze()).as_ref(),
        Ok(&frame)
    );
    if let Frame::Append(append) = frame {
        let all = append
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Membership);
        all.for_each(|entry| membership(&entry.payload));
    }
    true
}

fn membership(bytes: &[u8]) {
    if let Ok(membership) = decode_membership(bytes) {
        assert_eq!(
            decode_membership(&encode_membership(&membership)),
            Ok(membership)
        );
    }
}

/// A call to a data node, or its answer: type, length and body. The reader checks the length.
pub(crate) fn rpc(bytes: &[u8]) -> bool {
    let Some((head, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return false;
    };
    let Ok(header) = RpcHeader::decode(*head) else {
        return false;
    };
    let of = |kind: &&MessageType| [kind.request(), kind.answer()].contains(&header.kind);
    let asks = |kind: MessageType| kind.request() == header.kind;
    match MessageType::ALL.iter().find(of) {
        Some(kind @ MessageType::CopyShard) => message::<CopyShard>(asks(*kind), body),
        Some(kind @ MessageType::RemoveShard) => message::<RemoveShard>(asks(*kind), body),
        Some(kind @ MessageType::ListShards) => message::<ListShards>(asks(*kind), body),
        Some(kind @ MessageType::JoinCluster) => message::<JoinCluster>(asks(*kind), body),
        Some(kind @ MessageType::LeaveCluster) => message::<LeaveCluster>(asks(*kind), body),
        Some(kind @ MessageType::RemoveHintedHandoff) => {
            message::<RemoveHintedHandoff>(asks(*kind), body)
        }
        None => false,
    }
}

/// Encodes a message that was read, reads it again and compares. Bytes are compared, because not
/// all messages can be compared as values.
fn message<C: Call>(request: bool, body: &[u8]) -> bool {
    if request {
        let Ok(call) = C::decode(body) else {
            return false;
        };
        let written = call.encode();
        assert_eq!(C::decode(&written).expect("our own").encode(), written);
    } else {
        let Ok(outcome) = C::Answer::decode(body) else {
            return false;
        };
        let written = C::Answer::encode(&outcome);
        assert_eq!(
            C::Answer::encode(&C::Answer::decode(&written).expect("our own")),
            written
        );
    }
    true
}
