//! Databases as parts: what did not change since they were last encoded is not encoded again.
//!
//! Each database keeps its own parts. Small ones that follow each other go together in a piece, and
//! pieces of so many databases in a row; a piece or a row whose members are the same pointers is
//! the same bytes. A command changes one database and its piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::database::Encoded;
use super::rope::{MIN_SHARED_BYTES, Part, RopeBuilder, total};
use crate::catalog::{Catalog, Database};

/// Consecutive insertion numbers of one row: what did not change is compared, and nothing more.
const ROW_LEN: u64 = 128;

/// What was encoded last, by row.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<u64, Row>);

/// Databases by their insertion numbers.
#[derive(Default)]
struct Row {
    databases: Vec<(u64, Encoded)>,
    pieces: Vec<Piece>,
}

/// Some databases of a row, one behind the other.
struct Piece {
    span: Span,
    parts: Vec<Part>,
}

/// The first and the last one, and how many. Numbers are not given twice: what has the same span,
/// and nothing new in it, has the same databases.
type Span = (u64, u64, usize);

impl Rows {
    /// Adds all databases to `parts`, and remembers them instead of what was remembered.
    pub(super) fn encode(&mut self, catalog: &Catalog, parts: &mut RopeBuilder) {
        let mut before = std::mem::take(&mut self.0);
        let mut databases = catalog.databases.shared().peekable();
        let mut members = Vec::new();
        while let Some((order, _)) = databases.peek() {
            let number = order / ROW_LEN;
            members.clear();
            while let Some(member) = databases.next_if(|(order, _)| order / ROW_LEN == number) {
                members.push(member);
            }
            let row = before.remove(&number).unwrap_or_default().renewed(&members);
            row.pieces
                .iter()
                .for_each(|piece| parts.append(&piece.parts));
            self.0.insert(number, row);
        }
    }
}

impl Row {
    fn renewed(self, members: &[(u64, &Arc<Database>)]) -> Self {
        if self.is_of(members) {
            return self;
        }
        let mut old = self.databases.into_iter().peekable();
        let mut databases = Vec::with_capacity(members.len());
        for (order, database) in members {
            while old.next_if(|(there, _)| there < order).is_some() {}
            let before = old
                .next_if(|(there, _)| there == order)
                .map(|(_, encoded)| encoded);
            databases.push((*order, Encoded::of(database, before)));
        }
        let pieces = pieces(&databases, self.pieces);
        Self { databases, pieces }
    }

    fn is_of(&self, members: &[(u64, &Arc<Database>)]) -> bool {
        let same =
            |((there, encoded), (order, database)): (&(u64, Encoded), &(u64, &Arc<Database>))| {
                there == order && encoded.is_of(database)
            };
        self.databases.len() == members.len() && self.databases.iter().zip(members).all(same)
    }
}

/// Each but the last is worth sharing.
fn pieces(databases: &[(u64, Encoded)], before: Vec<Piece>) -> Vec<Piece> {
    let mut before = before.into_iter().peekable();
    let (mut pieces, mut rest) = (Vec::new(), databases);
    while !rest.is_empty() {
        let mut bytes = 0;
        let is_too_small = |(_, encoded): &&(u64, Encoded)| {
            bytes += total(&encoded.parts);
            bytes < MIN_SHARED_BYTES
        };
        let count = 1 + rest.iter().take_while(is_too_small).count();
        let (members, behind) = rest.split_at(count.min(rest.len()));
        let span = (members[0].0, members[members.len() - 1].0, members.len());
        while before.next_if(|piece| piece.span.0 < span.0).is_some() {}
        let is_same = |piece: &Piece| {
            piece.span == span && members.iter().all(|(_, encoded)| !encoded.is_new)
        };
        pieces.push(
            before
                .next_if(is_same)
                .unwrap_or_else(|| Piece::of(span, members)),
        );
        rest = behind;
    }
    pieces
}

impl Piece {
    fn of(span: Span, members: &[(u64, Encoded)]) -> Self {
        let mut parts = RopeBuilder::default();
        members
            .iter()
            .for_each(|(_, encoded)| parts.extend(&encoded.parts));
        Self {
            span,
            parts: parts.finish(),
        }
    }
}
