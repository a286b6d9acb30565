//! Passwords against their bcrypt hashes: slow on purpose, so off the reactor, one at a time, and
//! remembered.
//!
//! One check takes the whole of a core for some 60 ms. A poll a second with the same password must
//! not cost that each time, and whoever sends wrong ones by the hundred must not take the cores
//! from Raft.

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
    /// Of this process alone: what is remembered tells nothing to who reads its memory later.
    key: [u8; 32],
    right: Mutex<Right>,
    hashing: Arc<Semaphore>,
    queue: Semaphore,
}

/// More are waiting than can be served soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// The other core of a small machine stays with Raft.
const MAX_CONCURRENT_CHECKS: usize = 1;
/// Each waits for some 60 ms of those before it.
const MAX_QUEUED_CHECKS: usize = 64;
/// Clients give up then.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Takes some four seconds. Above it a hash is more likely a mistake than a wish, and would hold up
/// all others.
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
            right: Mutex::default(),
            hashing,
            queue,
        }
    }

    /// Whether it is the password of this hash. Anything that is no bcrypt hash has none.
    ///
    /// # Errors
    /// Nobody looked.
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
        // A client that begins with ten connections is hashed for once.
        if self.is_known(&sum) {
            return Ok(true);
        }
        let (hash, password) = (hash.to_owned(), password.to_owned());
        let right = self.tasks.blocking(move || {
            // The turn lasts as long as the work, also where the caller has gone away.
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        });
        let right = right.await;
        if right {
            self.remember(sum);
        }
        Ok(right)
    }

    /// Says nothing about either to who does not know the key.
    fn sum(&self, hash: &str, password: &[u8]) -> Sum {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let hmac = Hmac::<Sha256>::new(&block.into());
        // The hash has one length: the two cannot run into each other.
        hmac.chain_update(hash)
            .chain_update(password)
            .finalize()
            .into_bytes()
            .into()
    }

    fn is_known(&self, sum: &Sum) -> bool {
        self.right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .touch(sum)
    }

    fn remember(&self, sum: Sum) {
        self.right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(sum);
    }
}

/// `$2a$`, `$2b$` and `$2y$` are one algorithm; its length is fixed.
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

/// Sums of pairs that were right, by when they were last asked for. A hash never changes its
/// password, so nothing here grows wrong: a user who is dropped or changed is looked up first.
#[derive(Default)]
struct Right {
    last: BTreeMap<Sum, u64>,
    count: u64,
}

/// People and programs that call a meta node with a password are few.
const MAX_REMEMBERED: usize = 256;

impl Right {
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

    /// Of `U*U`, of the reference implementation's own tests.
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

    /// Whoever is right the first time is let in after that while every core is busy, and nobody
    /// else is.
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
        let mut right = Right::default();
        let sum = |n: usize| [n as u8; 32];
        (0..MAX_REMEMBERED).for_each(|n| right.put(sum(n)));
        assert!(right.touch(&sum(0)));
        let mut another = sum(0);
        another[0] = 1;
        right.put(another);
        assert!(!right.touch(&sum(1)), "it was the oldest");
        assert!([sum(0), sum(2), another].iter().all(|sum| right.touch(sum)));
        assert_eq!(right.last.len(), MAX_REMEMBERED);
    }
}
