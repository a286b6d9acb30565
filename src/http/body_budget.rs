//! Budget for the bytes of all bodies together.
//!
//! The first bytes of each body are free: a connection has them in its read buffer anyway, and
//! their number is bounded by that of the connections. So a flood of large bodies never keeps an
//! ordinary command out. What exceeds them is reserved before it is read, for a declared length at
//! once, so that two large bodies do not each wait for the other's half.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::ErrorResponse;
use crate::runtime::lock;
use crate::runtime::net::places::AddressGroup;

/// Bytes of a body that need no reservation.
pub(super) const FREE_BODY_BYTES: u64 = 16 << 10;
/// Longest wait for bytes that other bodies hold.
const RESERVATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Step in which a body of unknown length reserves bytes.
const RESERVATION_STEP_BYTES: u64 = 256 << 10;
/// Unit of a reservation.
pub(super) const UNIT_BYTES: u64 = 1 << 10;

/// Budget shared by all bodies of one kind. Cheap to clone.
#[derive(Clone)]
pub(super) struct BodyBudget {
    total: u64,
    free: Arc<Semaphore>,
    /// Bytes reserved by address. Held for a few instructions, never across an await.
    by_address: Arc<Mutex<BTreeMap<AddressGroup, u64>>>,
}

/// Bytes reserved until dropped.
pub(super) struct Reservation {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

impl BodyBudget {
    pub(super) fn new(total: u64) -> Self {
        // Whole units: parts of units that bodies reserve would not add up to it.
        let total = total / UNIT_BYTES * UNIT_BYTES;
        let units = usize::try_from(total / UNIT_BYTES).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            total,
            free: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            by_address: Arc::default(),
        }
    }

    /// Bytes that a body of unknown length reserves next if it needs fewer: its end may fit where
    /// a whole step does not.
    pub(super) fn step(&self, held: u64) -> u64 {
        RESERVATION_STEP_BYTES.min(self.total.saturating_sub(held))
    }

    /// Reserves bytes of a body, a number of whole units. `held` is what this body has reserved before.
    ///
    /// # Errors
    /// 413 for more than the whole budget. 503 if the bytes do not become free in time, or if
    /// bodies of this address hold most of the budget.
    pub(super) async fn reserve(
        &self,
        from: AddressGroup,
        bytes: u64,
        held: u64,
    ) -> Result<Reservation, ErrorResponse> {
        if held + bytes > self.total {
            let total = self.total;
            return Err(ErrorResponse::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is larger than {total} bytes, which is all that this node keeps for \
                     bodies: give it more memory, or send less at a time"
                ),
            ));
        }
        let counted = self.count(from, bytes, held)?;
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let permit = self.free.clone().acquire_many_owned(units);
        match timeout(RESERVATION_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(counted.with(permit)),
            Ok(Err(_)) | Err(_) => Err(no_room(self.total)),
        }
    }

    /// Counts bytes of an address, also while they wait. One address may hold three quarters of the
    /// budget, or one body of any size.
    fn count(&self, from: AddressGroup, bytes: u64, held: u64) -> Result<Counted, ErrorResponse> {
        let mut by_address = lock(&self.by_address);
        let before = by_address.get(&from).copied().unwrap_or_default();
        if before > held && before + bytes > self.total / 4 * 3 {
            return Err(no_room(self.total));
        }
        by_address.insert(from, before + bytes);
        Ok(Counted {
            budget: self.clone(),
            from,
            bytes,
        })
    }

    fn uncount(&self, from: AddressGroup, bytes: u64) {
        let mut by_address = lock(&self.by_address);
        if let Some(held) = by_address.get_mut(&from) {
            *held -= bytes;
            if *held == 0 {
                by_address.remove(&from);
            }
        }
    }
}

/// Bytes counted for an address until dropped.
struct Counted {
    budget: BodyBudget,
    from: AddressGroup,
    bytes: u64,
}

impl Counted {
    fn with(self, permit: OwnedSemaphorePermit) -> Reservation {
        Reservation {
            _permit: permit,
            _counted: self,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.budget.uncount(self.from, self.bytes);
    }
}

fn no_room(total: u64) -> ErrorResponse {
    ErrorResponse::busy(format!(
        "the bodies of other requests use up the {total} bytes that this node keeps for bodies: \
         try again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> AddressGroup {
        AddressGroup::from(std::net::IpAddr::from([10, 0, 0, last]))
    }

    #[tokio::test(start_paused = true)]
    async fn what_exceeds_the_budget_waits_and_is_refused_at_last() {
        let budget = BodyBudget::new(16 << 20);
        let reserve = |last, bytes| budget.reserve(from(last), bytes, 0);
        let too_much = reserve(1, (16 << 20) + 1).await.err().expect("refused");
        assert!(too_much.text().contains("larger than 16777216 bytes"));
        let first = reserve(1, 16 << 20).await.expect("all of it");
        let refused = reserve(2, 1024).await.err().expect("no room");
        assert!(refused.text().contains("try again"), "{}", refused.text());
        let (second, ()) = tokio::join!(reserve(2, 16 << 20), async {
            tokio::time::sleep(RESERVATION_TIMEOUT / 2).await;
            drop(first);
        });
        drop(second.expect("free again"));
        assert!(lock(&budget.by_address).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_holds_three_quarters_at_most() {
        let budget = BodyBudget::new(16 << 20);
        let flood: Vec<_> =
            futures_util::future::join_all((0..16).map(|_| budget.reserve(from(1), 1 << 20, 0)))
                .await;
        assert_eq!(flood.iter().filter(|taken| taken.is_ok()).count(), 12);
        assert!(budget.reserve(from(2), 4 << 20, 0).await.is_ok());
    }
}
