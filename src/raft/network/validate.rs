//! Checks of frames before openraft sees them.
//!
//! openraft trusts its peers: it asserts some of these rules (a panic ends the process) and relies
//! on the others (a vote that names the receiver as leader would make it the leader without an
//! election). So a frame that a member never sends ends its connection.

use super::conn::ConnError;
use crate::base::{LogId, RaftId};
use crate::wire::frames::{Append, Snapshot, Vote, VoteAsk};

/// Checks a vote request: a candidate asks for itself, and is not elected yet.
pub(super) fn vote(ask: &VoteAsk, me: RaftId) -> Result<(), ConnError> {
    check(!ask.vote.committed && ask.vote.node != me)
}

/// Checks an append request: no hole after `prev`, and terms that never decrease and do not exceed
/// the leader's.
pub(super) fn append(append: &Append, me: RaftId) -> Result<(), ConnError> {
    let mut before = append.prev;
    let follows = append.entries.iter().all(|entry| {
        let id = entry.log_id;
        let next = before.is_none_or(|before| before.term <= id.term);
        let next =
            next && before.map_or(Some(0), |before| before.index.checked_add(1)) == Some(id.index);
        before = Some(id);
        next
    });
    check(follows && is_leader_vote(&append.vote, me) && is_within_term(before, &append.vote))
}

/// Checks the head of a snapshot: it is not empty, and not from a later term than its leader's.
pub(super) fn snapshot(head: &Snapshot, me: RaftId) -> Result<(), ConnError> {
    let ends = head.last.is_some() && is_within_term(head.last, &head.vote);
    check(ends && is_leader_vote(&head.vote, me) && head.membership_at <= head.last)
}

fn is_leader_vote(vote: &Vote, me: RaftId) -> bool {
    vote.committed && vote.node != me
}

fn is_within_term(last: Option<LogId>, vote: &Vote) -> bool {
    last.is_none_or(|last| last.term <= vote.term)
}

fn check(holds: bool) -> Result<(), ConnError> {
    if holds {
        Ok(())
    } else {
        Err(ConnError::Unexpected)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::wire::frames::{Entry, EntryKind};

    const ME: RaftId = RaftId(1);
    const LEADER: Vote = Vote {
        term: 5,
        node: RaftId(2),
        committed: true,
    };

    fn id(term: u64, index: u64) -> LogId {
        LogId { term, index }
    }

    fn request(vote: Vote, prev: Option<LogId>, ids: &[LogId]) -> Append {
        let entry = |log_id: &LogId| Entry {
            log_id: *log_id,
            kind: EntryKind::Blank,
            payload: Bytes::new(),
        };
        Append {
            vote,
            prev,
            entries: ids.iter().map(entry).collect(),
            commit: None,
        }
    }

    #[test]
    fn what_leaders_send_fits() {
        for (prev, ids) in [
            (None, &[][..]),
            (None, &[id(0, 0), id(1, 1), id(5, 2)]),
            (Some(id(4, 9)), &[id(4, 10), id(5, 11)]),
            (Some(id(5, 9)), &[]),
        ] {
            assert!(
                append(&request(LEADER, prev, ids), ME).is_ok(),
                "{prev:?} {ids:?}"
            );
        }
    }

    #[test]
    fn holes_and_terms_out_of_order_do_not() {
        for (prev, ids) in [
            (None, &[id(1, 1)][..]),
            (Some(id(4, 9)), &[id(4, 11)]),
            (Some(id(4, 9)), &[id(4, 10), id(4, 12)]),
            (Some(id(4, 9)), &[id(3, 10)]),
            (Some(id(4, 9)), &[id(6, 10)]),
            (Some(id(4, u64::MAX)), &[id(4, 0)]),
            (Some(id(6, 9)), &[]),
        ] {
            assert!(
                append(&request(LEADER, prev, ids), ME).is_err(),
                "{prev:?} {ids:?}"
            );
        }
    }

    #[test]
    fn nobody_makes_me_leader_or_asks_in_my_name() {
        let mine = Vote { node: ME, ..LEADER };
        let candidate = Vote {
            committed: false,
            ..LEADER
        };
        for vote in [mine, candidate] {
            assert!(append(&request(vote, None, &[]), ME).is_err());
        }
        let ask = |of| {
            vote(
                &VoteAsk {
                    vote: of,
                    last: None,
                    transfer: false,
                },
                ME,
            )
        };
        assert!(ask(candidate).is_ok());
        assert!(
            ask(LEADER).is_err()
                && ask(Vote {
                    committed: false,
                    ..mine
                })
                .is_err()
        );
    }

    #[test]
    fn a_snapshot_of_nothing_or_from_beyond_its_leader_does_not_fit() {
        let head = |vote, last| Snapshot {
            vote,
            last,
            membership_at: Some(id(0, 0)),
            membership: Bytes::new(),
            bytes: 0,
            crc: 0,
        };
        assert!(snapshot(&head(LEADER, Some(id(5, 7))), ME).is_ok());
        assert!(snapshot(&head(LEADER, None), ME).is_err());
        assert!(snapshot(&head(LEADER, Some(id(6, 7))), ME).is_err());
        assert!(snapshot(&head(Vote { node: ME, ..LEADER }, Some(id(5, 7))), ME).is_err());
    }
}
