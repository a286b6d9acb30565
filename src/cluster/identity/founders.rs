//! Founder list, vector, and the ids that follow from them (founding.md 1). A cluster id is never
//! random: the same list, name and vector give the same id on every founder, and any other vector
//! gives another id.

use sha2::{Digest, Sha256};

use crate::base::{Address, ClusterId, Incarnation, ListHash, RaftId};
use crate::wire::identity::VectorEntry;

/// Canonical founder list: sorted bytewise by text, duplicates removed.
pub fn founder_list(peers: &[Address]) -> Vec<Address> {
    let mut list = peers.to_vec();
    list.sort_by_key(Address::to_string);
    list.dedup();
    list
}

/// Hash that founders compare: it covers the list, the cluster name and the expected number.
pub fn list_hash(list: &[Address], cluster_name: &str, expect: u64) -> ListHash {
    let mut hash = Fields::new("influxd-meta list v1");
    hash.addresses(list);
    hash.bytes(cluster_name.as_bytes());
    hash.bytes(&expect.to_be_bytes());
    ListHash(hash.finish())
}

/// Cluster id: the first 128 bits of SHA-256 over a format tag, the cluster name, the list and the
/// vector.
pub fn cluster_id(cluster_name: &str, list: &[Address], vector: &[VectorEntry]) -> ClusterId {
    let mut hash = Fields::new("influxd-meta cluster v1");
    hash.bytes(cluster_name.as_bytes());
    hash.addresses(list);
    hash.count(vector.len());
    for entry in vector {
        hash.bytes(&entry.incarnation.0);
        hash.bytes(entry.http.to_string().as_bytes());
        hash.bytes(entry.raft.to_string().as_bytes());
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finish()[..16]);
    ClusterId(id)
}

/// Raft id of this founder: founder number k of the list, from 1, has Raft id k.
pub fn raft_id_of(vector: &[VectorEntry], incarnation: Incarnation) -> Option<RaftId> {
    let place = vector
        .iter()
        .position(|entry| entry.incarnation == incarnation)?;
    Some(RaftId(place as u64 + 1))
}

/// Input of a hash. Every field has its length in front, so two different inputs never make the
/// same bytes.
struct Fields(Vec<u8>);

impl Fields {
    fn new(tag: &str) -> Self {
        let mut fields = Self(Vec::with_capacity(256));
        fields.bytes(tag.as_bytes());
        fields
    }

    fn count(&mut self, count: usize) {
        self.0.extend((count as u64).to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    fn addresses(&mut self, list: &[Address]) {
        self.count(list.len());
        for address in list {
            self.bytes(address.to_string().as_bytes());
        }
    }

    fn finish(self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(texts: &[&str]) -> Vec<Address> {
        texts
            .iter()
            .map(|text| Address::parse(text, 8091).expect("address"))
            .collect()
    }

    fn entry(host: &str, incarnation: u8) -> VectorEntry {
        VectorEntry {
            incarnation: Incarnation([incarnation; 16]),
            http: Address::new(host, 8091),
            raft: Address::new(host, 8089),
        }
    }

    #[test]
    fn spelling_and_order_do_not_change_the_list() {
        let one = founder_list(&peers(&["meta-2", "META-1:8091", "meta-3.", "meta-1"]));
        let two = founder_list(&peers(&["meta-1", "meta-2:8091", "meta-3"]));
        assert_eq!(one, two);
        assert_eq!(list_hash(&one, "x", 3), list_hash(&two, "x", 3));
    }

    #[test]
    fn list_hash_tells_list_name_and_number_apart() {
        let list = founder_list(&peers(&["a", "b"]));
        let hash = list_hash(&list, "x", 2);
        assert_ne!(hash, list_hash(&list[..1], "x", 2));
        assert_ne!(hash, list_hash(&list, "y", 2));
        assert_ne!(hash, list_hash(&list, "x", 0));
    }

    #[test]
    fn another_incarnation_is_another_cluster() {
        let list = founder_list(&peers(&["a", "b"]));
        let id = cluster_id("x", &list, &[entry("a", 1), entry("b", 2)]);
        assert_eq!(id, cluster_id("x", &list, &[entry("a", 1), entry("b", 2)]));
        assert_ne!(id, cluster_id("x", &list, &[entry("a", 1), entry("b", 3)]));
        assert_ne!(id, cluster_id("y", &list, &[entry("a", 1), entry("b", 2)]));
        assert_ne!(id, cluster_id("x", &list, &[entry("b", 2), entry("a", 1)]));
    }

    #[test]
    fn raft_ids_follow_the_list_from_one() {
        let vector = [entry("a", 1), entry("b", 2)];
        assert_eq!(raft_id_of(&vector, Incarnation([2; 16])), Some(RaftId(2)));
        assert_eq!(raft_id_of(&vector, Incarnation([9; 16])), None);
    }
}
