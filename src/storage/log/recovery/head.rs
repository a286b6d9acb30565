//! Reads and checks the heads of segments and of the reserve.

use std::path::Path;

use crate::base::Incarnation;
use crate::storage::log::error::{DamageCause, LogError};
use crate::wire::version;
use crate::wire::wal::{Head, HeadError};

/// Decodes a head and checks that it belongs to this volume.
///
/// # Errors
/// The head is damaged, of a newer format, or of another incarnation.
pub(super) fn read_head(
    bytes: &[u8],
    path: &Path,
    incarnation: Incarnation,
) -> Result<Head, LogError> {
    let head = match Head::decode(bytes) {
        Ok(head) => head,
        Err(HeadError::Newer { found }) => {
            return Err(LogError::Newer {
                path: path.to_owned(),
                found,
                newest: version::WAL.newest(),
            });
        }
        Err(error @ HeadError::Invalid) => {
            return Err(LogError::damaged(path, 0, DamageCause::Head(error)));
        }
    };
    if head.incarnation != incarnation {
        let cause = DamageCause::OtherIncarnation {
            found: head.incarnation,
            expected: incarnation,
        };
        return Err(LogError::damaged(path, 0, cause));
    }
    Ok(head)
}
