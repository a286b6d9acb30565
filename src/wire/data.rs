//! The wire's `Data` (wire.md 2): the body of `GET /?index=N`.

use bytes::Bytes;

use crate::catalog::Catalog;

/// Encodes what data nodes see of the catalog: every required field, in Go's order.
pub fn encode(_catalog: &Catalog) -> Bytes {
    todo!("the catalog helper")
}
