//! Checking passwords against bcrypt hashes.
//!
//! A check needs a whole core for about 60 ms. So checks run outside the async threads, one at a
//! time, and correct passwords are remembered: a client that polls each second must not cost 60 ms
//! each time, and hundreds of wrong passwords must not take the cores from Raft.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::runtime::{Env, Tasks};

pub(super) struct Passwords {
    tasks: Tasks,
    /// Random key of this process. Without it the remembered sums reveal nothing.
    key: [u8; 32],
    correct: Mutex<Correct>,
    hashing: Arc<Semaphore>,
    queue: Semaphore,
}

/// Too many passwords are waiting to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// Maximum number of checks at a time. Of two cores one stays free for Raft.
const MAX_CONCURRENT_CHECKS: usize = 1;
/// Maximum number of waiting checks. Each waits about 60 ms for every check before it.
const MAX_QUEUED_CHECKS: usize = 64;
/// Longest time that a check waits. Clients give up after it.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Highest bcrypt cost that is checked; it takes about four seconds. A higher cost is probably a
/// mistake, and would delay all other checks.
const MAX_COST: u32 = 16;

impl Passwords {
    pub(super) fn new(env: &Env) -> Self {
        let mut key = [0; 32];
        env.rng.fill(&mut key);
        let (hashing, queue) = (
            Arc::new(Semaphore::new(MAX_CONCURRENT_CHECKS)),
            Semaphore::new(MAX_QUEUED_CHECKS),
        );
        Self {
            tasks: env.tasks.clone(),
            key,
            correct: Mutex::default(),
            hashing,
            queue,
        }
    }

    /// Whether the password belongs to this hash. Always false if `hash` is no bcrypt hash.
    ///
    /// # Errors
    /// Too many checks are waiting.
    pub(super) async fn check(&self, hash: &[u8], password: &[u8]) -> Result<bool, Busy> {
        let Some(hash) = bcrypt_hash(hash) else {
            return Ok(false);
        };
        let sum = self.sum(hash, password);
        if self.is_known(&sum) {
            return Ok(true);
        }
        let _place = self.queue.try_acquire().map_err(|_| Busy)?;
        let turn = timeout(QUEUE_TIMEOUT, self.hashing.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Busy)?.map_err(|_| Busy)?;
        // Several connections of one client wait here; only the first has to compute the hash.
        if self.is_known(&sum) {
            return Ok(true);
        }
        let (hash, password) = (hash.to_owned(), password.to_owned());
        let correct = self.tasks.blocking(move || {
            // The turn ends with the work, even if the caller has gone away.
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        });
        let correct = correct.await;
        if correct {
            self.remember(sum);
        }
        Ok(correct)
    }

    /// Keyed sum of hash and password, which reveals neither without the key.
    fn sum(&self, hash: &str, password: &[u8]) -> Sum {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let hmac = Hmac::<Sha256>::new(&block.into());
        // All hashes have the same length, so the border between the two fields is fixed.
        hmac.chain_update(hash)
            .chain_update(password)
            .finalize()
            .into_bytes()
            .into()
    }

    fn is_known(&self, sum: &Sum) -> bool {
        self.correct
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .touch(sum)
    }

    fn remember(&self, sum: Sum) {
        self.correct
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(sum);
    }
}

/// Returns the text if it is a bcrypt hash. `$2a$`, `$2b$` and `$2y$` are the same algorithm.
fn bcrypt_hash(hash: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(hash)
        .ok()
        .filter(|text| text.len() == 60 && text.is_ascii())?;
    let known = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    let cost: u32 = text.get(4..6)?.parse().ok()?;
    if known && cost > MAX_COST {
        tracing::warn!(
            event = "auth.cost",
            cost,
            "a password hash of a cost above {MAX_COST} is not checked"
        );
    }
    (known && cost <= MAX_COST).then_some(text)
}

type Sum = [u8; 32];

/// Sums of correct pairs of hash and password, each with the number of its last use. An entry never
/// becomes wrong: users are looked up first, and a changed password has another hash.
#[derive(Default)]
struct Correct {
    last: BTreeMap<Sum, u64>,
    count: u64,
}

/// Maximum number of remembered pairs. Few users call a meta node with a password.
const MAX_REMEMBERED: usize = 256;

impl Correct {
    fn touch(&mut self, sum: &Sum) -> bool {
        self.count += 1;
        self.last
            .get_mut(sum)
            .map(|last| *last = self.count)
            .is_some()
    }

    fn put(&mut self, sum: Sum) {
        self.count += 1;
        self.last.insert(sum, self.count);
        if self.last.len() > MAX_REMEMBERED {
            let oldest = self
                .last
                .iter()
                .min_by_key(|(_, last)| **last)
                .map(|(sum, _)| *sum);
            oldest.map(|sum| self.last.remove(&sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hash of `U*U`, from the tests of the reference implementation.
    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn passwords() -> Passwords {
        Passwords::new(&Env::real())
    }

    #[tokio::test]
    async fn the_three_prefixes_are_one_algorithm_and_nothing_else_is_a_hash() {
        let passwords = passwords();
        for prefix in ["$2a$", "$2b$", "$2y$"] {
            let hash = HASH.replace("$2a$", prefix);
            assert_eq!(
                passwords.check(hash.as_bytes(), b"U*U").await,
                Ok(true),
                "{prefix}"
            );
            assert_eq!(
                passwords.check(hash.as_bytes(), b"U*V").await,
                Ok(false),
                "{prefix}"
            );
        }
        let (foreign, dear) = (HASH.replace("$2a$", "$2x$"), HASH.replace("$05$", "$17$"));
        for hash in [
            "",
            "U*U",
            "pbkdf2-sha256$i=1$x",
            &foreign,
            &dear,
            &HASH[..59],
            &HASH.replace("CC", "§"),
        ] {
            assert_eq!(
                passwords.check(hash.as_bytes(), b"U*U").await,
                Ok(false),
                "{hash:?}"
            );
        }
    }

    /// A password that was correct once is accepted while the queue is full; others are not.
    #[tokio::test]
    async fn a_right_password_is_hashed_once() {
        let passwords = passwords();
        assert_eq!(passwords.check(HASH.as_bytes(), b"U*U").await, Ok(true));
        let _all = passwords
            .queue
            .try_acquire_many(MAX_QUEUED_CHECKS as u32)
            .expect("nobody waits");
        assert_eq!(passwords.check(HASH.as_bytes(), b"U*U").await, Ok(true));
        assert_eq!(passwords.check(HASH.as_bytes(), b"U*V").await, Err(Busy));
        let other = HASH.replace("$2a$", "$2b$");
        assert_eq!(
            passwords.check(other.as_bytes(), b"U*U").await,
            Err(Busy),
            "of another hash"
        );
    }

    #[tokio::test]
    async fn wrong_ones_wait_for_each_other_and_then_give_up() {
        tokio::time::pause();
        let passwords = passwords();
        let _turn = passwords
            .hashing
            .clone()
            .acquire_owned()
            .await
            .expect("a turn");
        assert_eq!(passwords.check(HASH.as_bytes(), b"U*U").await, Err(Busy));
    }

    #[test]
    fn what_was_not_asked_for_longest_is_forgotten_first() {
        let mut correct = Correct::default();
        let sum = |n: usize| [n as u8; 32];
        (0..MAX_REMEMBERED).for_each(|n| correct.put(sum(n)));
        assert!(correct.touch(&sum(0)));
        let mut another = sum(0);
        another[0] = 1;
        correct.put(another);
        assert!(!correct.touch(&sum(1)), "it was the oldest");
        assert!(
            [sum(0), sum(2), another]
                .iter()
                .all(|sum| correct.touch(sum))
        );
        assert_eq!(correct.last.len(), MAX_REMEMBERED);
    }
}
