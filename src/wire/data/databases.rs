//! Databases as parts. Databases that did not change since the last body are not encoded again.
//!
//! Each database keeps its own parts. Consecutive small databases share a piece. A row has the
//! pieces of up to [`ROW_LEN`] databases. A piece or a row with the same pointers as before has the
//! same bytes. A command changes one database and its piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::database::Encoded;
use super::rope::{MIN_SHARED_BYTES, Part, RopeBuilder, total};
use crate::catalog::{Catalog, Database};

/// Number of consecutive insertion numbers in a row. An unchanged row is only compared.
const ROW_LEN: u64 = 128;

/// Encodings of the last body, by row.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<u64, Row>);

/// Databases by their insertion numbers.
#[derive(Default)]
struct Row {
    databases: Vec<(u64, Encoded)>,
    pieces: Vec<Piece>,
}

/// Consecutive databases of a row.
struct Piece {
    span: Span,
    parts: Vec<Part>,
}

/// First and last insertion number, and number of databases. Insertion numbers are never reused, so
/// a piece with the same span and no new database has the same databases.
type Span = (u64, u64, usize);

impl Rows {
    /// Appends all databases to `parts`, and keeps their encodings instead of the last ones.
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

/// Groups databases into pieces. All but the last have at least [`MIN_SHARED_BYTES`].
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
