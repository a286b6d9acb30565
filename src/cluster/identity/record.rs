//! The file `identity`: what this volume is and which cluster it belongs to (founding.md 2).
//!
//! A line with the format and a checksum, then JSON, so that an operator can read it:
//! ```text
//! influxd-meta identity 1 9f86d081884c7d65
//! { "incarnation": "5f3c…", "standing": { "phase": "fresh" }, … }
//! ```
//! Blanks at the end fill it to a constant size: it is overwritten in place, also on a full disk. A
//! second copy, `identity-2`, replaces it if a power loss has torn it. A file whose checksum does
//! not match is never used.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::{Address, ClusterId, Incarnation, RaftId, StartId, UnixNanos};
use crate::cluster::identity::founders::{cluster_id, raft_id_of};
use crate::wire::identity::{Phase, VectorEntry};
pub use crate::wire::joining::RemovalReason;
use crate::wire::version::IDENTITY_FILE;

/// Name of the file in the data directory.
pub const FILE: &str = "identity";

const MAGIC: &str = "influxd-meta identity";
const FORMAT: u32 = IDENTITY_FILE.newest();

/// Size of the file, far above what a record of five founders and 64 starts needs. A larger record
/// gets a multiple of it.
const FILE_BYTES: usize = 8 << 10;

/// Number of start ids that are kept: enough to recognise a volume that was set back by as many
/// starts (founding.md 7.7).
const MAX_START_IDS: usize = 64;

/// Content of the file `identity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRecord {
    pub incarnation: Incarnation,
    /// Number of starts after which this node spoke Raft on 8089.
    pub start_counter: u64,
    /// Ids of the last 64 of these starts, oldest first.
    pub start_ids: Vec<StartId>,
    pub standing: MembershipState,
}

/// Phase on disk, with the fields that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
pub enum MembershipState {
    /// Belongs to no cluster.
    Fresh,
    /// A founding voter of this vector, for ever.
    Started { seat: Seat, origin: Origin },
    /// Has a Raft id, and is not yet known to be a member.
    Joining { seat: Seat, members: Vec<Address> },
    /// Has seen itself in a committed membership. Keeps the origin if it was a founder.
    Member { seat: Seat, origin: Option<Origin> },
    /// Must not speak Raft any more.
    Removed {
        cluster_id: ClusterId,
        cluster_name: String,
        by: String,
        at: UnixNanos,
        why: RemovalReason,
    },
}

/// A place in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    pub cluster_id: ClusterId,
    /// Name fixed by founding, whatever the configuration says later.
    pub cluster_name: String,
    pub raft_id: RaftId,
    /// This volume has had a log. From then on an empty log is a loss and not a beginning
    /// (founding.md 5.2).
    pub opened: bool,
    /// Reserved: this version neither sets nor uses it (founding.md 7.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_from: Option<ClusterId>,
}

/// List and vector that a founder founded with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub list: Vec<Address>,
    pub vector: Vec<VectorEntry>,
}

impl IdentityRecord {
    pub fn fresh(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            start_counter: 0,
            start_ids: Vec::new(),
            standing: MembershipState::Fresh,
        }
    }

    /// This volume as a founding voter of the vector; `None` if the vector does not name it.
    pub fn started(&self, cluster_name: &str, origin: Origin) -> Option<Self> {
        let raft_id = raft_id_of(&origin.vector, self.incarnation)?;
        let seat = Seat {
            cluster_id: cluster_id(cluster_name, &origin.list, &origin.vector),
            cluster_name: cluster_name.to_owned(),
            raft_id,
            opened: false,
            recovered_from: None,
        };
        Some(Self {
            standing: MembershipState::Started { seat, origin },
            ..self.clone()
        })
    }

    /// Record of a node that has seen itself in a committed membership; `None` unless it was
    /// `started` or `joining`.
    pub fn member(&self) -> Option<Self> {
        let (seat, origin) = match &self.standing {
            MembershipState::Started { seat, origin } => (seat, Some(origin.clone())),
            MembershipState::Joining { seat, .. } => (seat, None),
            MembershipState::Fresh
            | MembershipState::Member { .. }
            | MembershipState::Removed { .. } => return None,
        };
        Some(Self {
            standing: MembershipState::Member {
                seat: seat.clone(),
                origin,
            },
            ..self.clone()
        })
    }

    pub fn opened(&self) -> Self {
        let mut record = self.clone();
        if let Some(seat) = record.seat_mut() {
            seat.opened = true;
        }
        record
    }

    /// Record with one more start.
    pub fn with_start(&self, id: StartId) -> Self {
        let mut record = self.clone();
        record.start_counter += 1;
        record.start_ids.push(id);
        let surplus = record.start_ids.len().saturating_sub(MAX_START_IDS);
        record.start_ids.drain(..surplus);
        record
    }

    pub fn phase(&self) -> Phase {
        match self.standing {
            MembershipState::Fresh => Phase::Fresh,
            MembershipState::Started { .. } => Phase::Started,
            MembershipState::Joining { .. } => Phase::Joining,
            MembershipState::Member { .. } => Phase::Member,
            MembershipState::Removed { .. } => Phase::Removed,
        }
    }

    pub fn seat(&self) -> Option<&Seat> {
        match &self.standing {
            MembershipState::Started { seat, .. }
            | MembershipState::Joining { seat, .. }
            | MembershipState::Member { seat, .. } => Some(seat),
            MembershipState::Fresh | MembershipState::Removed { .. } => None,
        }
    }

    fn seat_mut(&mut self) -> Option<&mut Seat> {
        match &mut self.standing {
            MembershipState::Started { seat, .. }
            | MembershipState::Joining { seat, .. }
            | MembershipState::Member { seat, .. } => Some(seat),
            MembershipState::Fresh | MembershipState::Removed { .. } => None,
        }
    }

    pub fn origin(&self) -> Option<&Origin> {
        match &self.standing {
            MembershipState::Started { origin, .. } => Some(origin),
            MembershipState::Member { origin, .. } => origin.as_ref(),
            MembershipState::Fresh
            | MembershipState::Joining { .. }
            | MembershipState::Removed { .. } => None,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        Self::with_head(&self.json())
    }

    /// Encodes the record with blanks behind the JSON, up to the next multiple of [`FILE_BYTES`].
    /// The checksum covers the blanks. Every version reads them.
    pub fn encode_padded(&self) -> Vec<u8> {
        let mut json = self.json();
        let len = Self::with_head(&json).len();
        let blanks = len.next_multiple_of(FILE_BYTES) - len;
        json.extend(std::iter::repeat_n(' ', blanks));
        Self::with_head(&json)
    }

    /// Returns whether these are bytes of a size that [`IdentityRecord::encode_padded`] returns.
    pub fn is_padded(bytes: &[u8]) -> bool {
        !bytes.is_empty() && bytes.len().is_multiple_of(FILE_BYTES)
    }

    fn json(&self) -> String {
        // Serialising to JSON fails only for maps with keys that are not strings, and there are
        // none.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    fn with_head(json: &str) -> Vec<u8> {
        format!("{MAGIC} {FORMAT} {}\n{json}\n", checksum(json.as_bytes())).into_bytes()
    }

    /// Parses the content of the file, and checks it.
    ///
    /// # Errors
    /// The bytes are damaged or of a newer format. Nothing is guessed or repaired.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityFileError> {
        let text = std::str::from_utf8(bytes).map_err(|_| IdentityDamage::NotText)?;
        let (head, json) = text
            .split_once('\n')
            .ok_or(IdentityDamage::EndlessFirstLine)?;
        let rest = head.strip_prefix(MAGIC).ok_or(IdentityDamage::OtherFile)?;
        let (format, sum) = rest
            .trim_start()
            .split_once(' ')
            .ok_or(IdentityDamage::ShortFirstLine)?;
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(found) if found > FORMAT => return Err(IdentityFileError::NewerFormat { found }),
            _ => return Err(IdentityDamage::UnknownFormat.into()),
        }
        let json = json.strip_suffix('\n').unwrap_or(json);
        if sum != checksum(json.as_bytes()) {
            return Err(IdentityDamage::Checksum.into());
        }
        let record: Self = serde_json::from_str(json).map_err(IdentityDamage::Json)?;
        record.check()?;
        Ok(record)
    }

    /// Checks that the fields do not contradict each other.
    fn check(&self) -> Result<(), IdentityDamage> {
        let (Some(seat), Some(origin)) = (self.seat(), self.origin()) else {
            return Ok(());
        };
        if origin.list.len() != origin.vector.len() {
            return Err(IdentityDamage::Lengths);
        }
        if raft_id_of(&origin.vector, self.incarnation) != Some(seat.raft_id) {
            return Err(IdentityDamage::NotNamed);
        }
        if cluster_id(&seat.cluster_name, &origin.list, &origin.vector) != seat.cluster_id {
            return Err(IdentityDamage::ClusterId);
        }
        Ok(())
    }
}

fn checksum(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..8])
}

/// Errors of [`IdentityRecord::decode`], with advice for operators.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFileError {
    #[error(
        "the file `identity` is damaged: {0}; restore a lost volume, or delete all volumes if no \
         data matters"
    )]
    Damaged(#[from] IdentityDamage),
    #[error(
        "the file `identity` has format {found}, this version reads up to {FORMAT}: run the newer \
         version again"
    )]
    NewerFormat { found: u32 },
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityDamage {
    #[error("it is no text")]
    NotText,
    #[error("its first line has no end")]
    EndlessFirstLine,
    #[error("it does not begin as one")]
    OtherFile,
    #[error("its first line is short")]
    ShortFirstLine,
    #[error("its format is no number that this version knows")]
    UnknownFormat,
    #[error("its checksum does not match")]
    Checksum,
    #[error("{0}")]
    Json(serde_json::Error),
    #[error("its list and its vector differ in length")]
    Lengths,
    #[error("its vector does not name it under its Raft id")]
    NotNamed,
    #[error("its cluster id does not follow from its vector")]
    ClusterId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn founder(host: &str, incarnation: u8) -> VectorEntry {
        VectorEntry {
            incarnation: Incarnation([incarnation; 16]),
            http: Address::new(host, 8091),
            raft: Address::new(host, 8089),
        }
    }

    fn started() -> IdentityRecord {
        let origin = Origin {
            list: vec![Address::new("a", 8091), Address::new("b", 8091)],
            vector: vec![founder("a", 1), founder("b", 2)],
        };
        IdentityRecord::fresh(Incarnation([2; 16]))
            .started("demo", origin)
            .expect("named")
    }

    fn text_of(record: &IdentityRecord) -> String {
        String::from_utf8(record.encode()).expect("text")
    }

    #[test]
    fn every_phase_survives_the_file() {
        let fresh = IdentityRecord::fresh(Incarnation([7; 16])).with_start(StartId([1; 8]));
        let started = started();
        let member = started.opened().member().expect("member");
        let joining = IdentityRecord {
            standing: MembershipState::Joining {
                seat: started.seat().expect("seat").clone(),
                members: vec![Address::new("a", 8091)],
            },
            ..fresh.clone()
        };
        let removed = IdentityRecord {
            standing: MembershipState::Removed {
                cluster_id: ClusterId([3; 16]),
                cluster_name: "demo".to_owned(),
                by: "influxd-ctl".to_owned(),
                at: UnixNanos(1),
                why: RemovalReason::Replaced,
            },
            ..fresh.clone()
        };
        for record in [fresh, started, member, joining, removed] {
            for bytes in [record.encode(), record.encode_padded()] {
                assert_eq!(IdentityRecord::decode(&bytes).expect("decodes"), record);
            }
            assert_eq!(record.encode_padded().len(), FILE_BYTES);
        }
    }

    #[test]
    fn any_flipped_bit_is_damage_not_another_identity() {
        let bytes = started().encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                // A flip that gives the same record, for example in the blanks of the first line,
                // is harmless.
                if let Ok(read) = IdentityRecord::decode(&bad) {
                    assert_eq!(read, started(), "byte {at} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn every_cut_is_damage() {
        let bytes = started().encode();
        for len in 0..bytes.len() - 1 {
            assert!(IdentityRecord::decode(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_newer_file_says_so() {
        let newer = text_of(&started()).replacen("identity 1 ", "identity 2 ", 1);
        let error = IdentityRecord::decode(newer.as_bytes())
            .expect_err("newer")
            .to_string();
        assert!(
            error.contains("format 2") && error.contains("newer version"),
            "{error}"
        );
    }

    #[test]
    fn a_vector_that_does_not_name_this_volume_is_refused() {
        let started = started();
        let mut stranger = started.clone();
        stranger.incarnation = Incarnation([9; 16]);
        assert!(IdentityRecord::decode(&stranger.encode()).is_err());
        let mut renamed = started.clone();
        if let MembershipState::Started { seat, .. } = &mut renamed.standing {
            seat.cluster_name = "other".to_owned();
        }
        assert!(IdentityRecord::decode(&renamed.encode()).is_err());
    }

    #[test]
    fn the_last_64_starts_are_kept() {
        let mut record = IdentityRecord::fresh(Incarnation([7; 16]));
        for n in 0..70_u64 {
            record = record.with_start(StartId(n.to_be_bytes()));
        }
        assert_eq!((record.start_counter, record.start_ids.len()), (70, 64));
        assert_eq!(record.start_ids[0], StartId(6_u64.to_be_bytes()));
    }
}
