//! The `identity` file in each phase.

use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId, StartId, UnixNanos};
use influxdb_meta::cluster::identity::record::{
    IdentityRecord, MembershipState, Origin, RemovalReason, Seat,
};

use super::{assert_written, founders, frozen};

#[test]
fn identity_files_of_format_1_are_read() {
    for (file, want) in records() {
        assert_eq!(
            IdentityRecord::decode(&frozen(file)).expect(file),
            want,
            "{file}"
        );
    }
}

#[test]
fn identity_files_of_format_1_are_what_is_written() {
    for (file, record) in records() {
        assert_written(file, &record.encode());
    }
}

fn records() -> Vec<(&'static str, IdentityRecord)> {
    let origin = Origin {
        list: founders().into_iter().map(|f| f.http).collect(),
        vector: founders(),
    };
    let fresh = IdentityRecord::fresh(Incarnation([1; 16]));
    let started = fresh
        .started("prod", origin)
        .expect("a founder")
        .with_start(StartId([0xa1; 8]));
    let opened = started.opened().with_start(StartId([0xa2; 8]));
    let seat = Seat {
        cluster_id: ClusterId([0xc1; 16]),
        cluster_name: "prod".to_owned(),
        raft_id: RaftId(4),
        opened: false,
        recovered_from: None,
    };
    let late = IdentityRecord {
        incarnation: Incarnation([4; 16]),
        start_counter: 70,
        start_ids: vec![StartId([0xb1; 8]), StartId([0xb2; 8])],
        standing: MembershipState::Fresh,
    };
    let members = vec![Address::new("meta-1", 8091), Address::new("fd00::2", 8091)];
    let joining = IdentityRecord {
        standing: MembershipState::Joining {
            seat: seat.clone(),
            members,
        },
        ..late.clone()
    };
    let recovered = Seat {
        opened: true,
        recovered_from: Some(ClusterId([0xc0; 16])),
        ..seat
    };
    let joined = IdentityRecord {
        standing: MembershipState::Member {
            seat: recovered,
            origin: None,
        },
        ..late.clone()
    };
    let removed = |why| IdentityRecord {
        standing: MembershipState::Removed {
            cluster_id: ClusterId([0xc1; 16]),
            cluster_name: "prod".to_owned(),
            by: "meta-2:8091".to_owned(),
            at: UnixNanos(1_732_450_000_000_000_000),
            why,
        },
        ..late.clone()
    };
    vec![
        ("identity/fresh", fresh),
        ("identity/started", started),
        ("identity/joining", joining),
        (
            "identity/member-that-founded",
            opened.member().expect("a founder"),
        ),
        ("identity/member-that-joined", joined),
        ("identity/removed", removed(RemovalReason::Removed)),
        (
            "identity/removed-replaced",
            removed(RemovalReason::Replaced),
        ),
        ("identity/removed-unseen", removed(RemovalReason::Unseen)),
        (
            "identity/removed-restored",
            removed(RemovalReason::Restored),
        ),
    ]
}
