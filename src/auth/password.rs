//! Checking passwords against bcrypt hashes, and hashing new ones.
//!
//! A check needs a whole core for about 60 ms. So checks run outside the async threads, one at a
//! time, and correct passwords are remembered: a client that polls each second must not cost 60 ms
//! each time, and hundreds of wrong passwords must not take the cores from Raft.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::time::Instant;

use super::password_queue::{Busy, Origin, PasswordQueue};
use crate::runtime::{Env, Rng, Tasks, lock};

/// Computes a bcrypt hash of a password, and compares it with a hash.
type Verify = dyn Fn(&[u8], &str) -> bool + Send + Sync;

pub(super) struct Passwords {
    tasks: Tasks,
    rng: Arc<dyn Rng>,
    /// Random key of this process. Without it the remembered sums reveal nothing.
    key: [u8; 32],
    correct: Mutex<Correct>,
    queue: PasswordQueue,
    verify: Arc<Verify>,
    /// Time of the last line about a hash of too high a cost.
    cost_reported: Mutex<Option<Instant>>,
}

/// A password that somebody presented.
pub(super) struct Presented<'a> {
    pub(super) from: IpAddr,
    pub(super) user: &'a [u8],
    pub(super) password: &'a [u8],
}

/// Highest bcrypt cost that is checked; it takes about four seconds. A higher cost is probably a
/// mistake, and would delay all other checks.
const MAX_COST: u32 = 16;
/// Interval between two lines about hashes of a higher cost.
const COST_REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Cost of new hashes, the same as of those that data nodes make.
const NEW_COST: u32 = 10;

/// Maximum length of a new password: bcrypt ignores what follows.
pub const MAX_PASSWORD_BYTES: usize = 72;

/// Reasons why a new password is not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHashed {
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    #[error("too many passwords are being checked: try again")]
    Busy,
}

/// Whether a text is a hash that a password can be checked against.
pub fn is_hash(text: &[u8]) -> bool {
    bcrypt_hash(text).is_some()
}

/// Stands in for the hash of an unknown user where no user has one. Its cost is the one that data
/// nodes use.
const ANY_HASH: &str = "$2a$10$abcdefghijklmnopqrstuuqZjxwjM8vs9/rKGjateZ0zqhyOGcuKe";

impl Passwords {
    pub(super) fn new(env: &Env) -> Self {
        Self::with(env, |password, hash| {
            bcrypt::verify(password, hash).unwrap_or(false)
        })
    }

    fn with(env: &Env, verify: impl Fn(&[u8], &str) -> bool + Send + Sync + 'static) -> Self {
        let mut key = [0; 32];
        env.rng.fill(&mut key);
        Self {
            tasks: env.tasks.clone(),
            rng: env.rng.clone(),
            key,
            correct: Mutex::default(),
            queue: PasswordQueue::new(),
            verify: Arc::new(verify),
            cost_reported: Mutex::default(),
        }
    }

    /// Whether the password belongs to this hash. Always false if there is no bcrypt hash.
    ///
    /// The time does not tell whether there is one: without one, the password is compared with the
    /// hash of `other`, another user, and the result is ignored.
    ///
    /// # Errors
    /// Too many checks are waiting.
    pub(super) async fn check(
        &self,
        hash: Option<&[u8]>,
        other: Option<&[u8]>,
        presented: &Presented<'_>,
    ) -> Result<bool, Busy> {
        let origin = Origin::new(presented.from, presented.user);
        let Some(hash) = hash.and_then(|hash| self.usable(hash)) else {
            let turn = self.queue.turn(origin).await?;
            let other = other.and_then(bcrypt_hash).unwrap_or(ANY_HASH);
            self.verify(turn, other, presented.password).await;
            return Ok(false);
        };
        let sum = self.sum(hash, presented.password);
        if lock(&self.correct).touch(&sum) {
            return Ok(true);
        }
        let turn = self.queue.turn(origin).await?;
        // Several connections of one client wait here; only the first has to compute the hash.
        if lock(&self.correct).touch(&sum) {
            return Ok(true);
        }
        let correct = self.verify(turn, hash, presented.password).await;
        if correct {
            lock(&self.correct).put(sum);
        }
        Ok(correct)
    }

    /// Hashes a new password, of the form that Go makes: `$2a$10$…`.
    ///
    /// # Errors
    /// The password is too long, or too many are waiting.
    pub(super) async fn hash(&self, new: &Presented<'_>) -> Result<String, NotHashed> {
        if new.password.len() > MAX_PASSWORD_BYTES {
            return Err(NotHashed::TooLong);
        }
        let turn = self.queue.turn(Origin::new(new.from, new.user)).await;
        let turn = turn.map_err(|Busy| NotHashed::Busy)?;
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        let password = new.password.to_owned();
        let hashed = self.tasks.blocking(move || {
            let _turn = turn;
            bcrypt::hash_with_salt(password, NEW_COST, salt)
        });
        let hashed = hashed.await.map_err(|_| NotHashed::TooLong)?;
        Ok(hashed.format_for_version(bcrypt::Version::TwoA))
    }

    /// Returns the text if it is a bcrypt hash that is checked. Logs a cost that is too high, once a
    /// minute: anybody who guesses could fill the log.
    fn usable<'h>(&self, hash: &'h [u8]) -> Option<&'h str> {
        let cost = bcrypt_cost(hash)?;
        if cost > MAX_COST && self.is_cost_report_due(Instant::now()) {
            tracing::warn!(
                event = "auth.cost",
                cost,
                "a password hash of a cost above {MAX_COST} is not checked"
            );
        }
        bcrypt_hash(hash)
    }

    fn is_cost_report_due(&self, now: Instant) -> bool {
        let mut reported = lock(&self.cost_reported);
        let is_due = reported.is_none_or(|at| now.duration_since(at) >= COST_REPORT_INTERVAL);
        if is_due {
            *reported = Some(now);
        }
        is_due
    }

    /// Computes one hash. The turn ends with the work, even if the caller has gone away.
    async fn verify(&self, turn: impl Send + 'static, hash: &str, password: &[u8]) -> bool {
        let (verify, hash, password) = (self.verify.clone(), hash.to_owned(), password.to_owned());
        let computed = self.tasks.blocking(move || {
            let _turn = turn;
            verify(&password, &hash)
        });
        computed.await
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
}

/// Returns the text if it is a bcrypt hash whose cost is not too high.
fn bcrypt_hash(hash: &[u8]) -> Option<&str> {
    let cost = bcrypt_cost(hash)?;
    let text = std::str::from_utf8(hash).ok()?;
    (cost <= MAX_COST).then_some(text)
}

/// Returns the cost of a bcrypt hash. `$2a$`, `$2b$` and `$2y$` are the same algorithm.
fn bcrypt_cost(hash: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(hash)
        .ok()
        .filter(|text| text.len() == 60 && text.is_ascii())?;
    let known = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    let cost = text.get(4..6)?.parse().ok()?;
    known.then_some(cost)
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

    fn presented(password: &[u8]) -> Presented<'_> {
        Presented {
            from: std::net::Ipv4Addr::LOCALHOST.into(),
            user: b"bob",
            password,
        }
    }

    async fn check(passwords: &Passwords, hash: &str, password: &[u8]) -> Result<bool, Busy> {
        let presented = presented(password);
        passwords
            .check(Some(hash.as_bytes()), None, &presented)
            .await
    }

    #[tokio::test]
    async fn the_three_prefixes_are_one_algorithm_and_nothing_else_is_a_hash() {
        let passwords = Passwords::new(&Env::real());
        for prefix in ["$2a$", "$2b$", "$2y$"] {
            let hash = HASH.replace("$2a$", prefix);
            assert_eq!(check(&passwords, &hash, b"U*U").await, Ok(true), "{prefix}");
            assert_eq!(
                check(&passwords, &hash, b"U*V").await,
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
            assert_eq!(bcrypt_hash(hash.as_bytes()), None, "{hash:?}");
        }
        assert_eq!(bcrypt_hash(ANY_HASH.as_bytes()), Some(ANY_HASH));
    }

    #[tokio::test]
    async fn a_new_hash_has_a_salt_and_fits_its_password_alone() {
        let passwords = Passwords::new(&Env::real());
        let longest = [b'p'; MAX_PASSWORD_BYTES];
        let hash = passwords.hash(&presented(&longest)).await.expect("hashed");
        assert!(hash.starts_with("$2a$10$") && is_hash(hash.as_bytes()));
        assert_eq!(check(&passwords, &hash, &longest).await, Ok(true));
        assert_eq!(check(&passwords, &hash, &longest[1..]).await, Ok(false));
        let again = passwords.hash(&presented(&longest)).await;
        assert_ne!(again, Ok(hash), "another salt");
        let longer = [b'p'; MAX_PASSWORD_BYTES + 1];
        let refused = passwords.hash(&presented(&longer)).await;
        assert_eq!(refused, Err(NotHashed::TooLong));
    }

    /// Hashes that were compared with, in order. `U*U` is the only correct password.
    fn counted() -> (Passwords, Arc<Mutex<Vec<String>>>) {
        let hashes = Arc::new(Mutex::new(Vec::new()));
        let seen = hashes.clone();
        let verify = move |password: &[u8], hash: &str| {
            lock(&seen).push(hash.to_owned());
            password == b"U*U"
        };
        (Passwords::with(&Env::real(), verify), hashes)
    }

    /// Whoever guesses the password of a user with such a hash must not fill the log.
    #[test]
    fn a_cost_that_is_too_high_is_told_once_a_minute() {
        let (passwords, begun) = (Passwords::new(&Env::real()), Instant::now());
        let told =
            |seconds: u64| passwords.is_cost_report_due(begun + Duration::from_secs(seconds));
        let lines = (0..180).filter(|second| told(*second));
        assert_eq!(lines.collect::<Vec<_>>(), [0, 60, 120]);
        let costly = ANY_HASH.replace("$10$", "$17$");
        assert_eq!(passwords.usable(costly.as_bytes()), None);
        assert_eq!(passwords.usable(ANY_HASH.as_bytes()), Some(ANY_HASH));
    }

    #[tokio::test]
    async fn a_right_password_is_hashed_once() {
        let (passwords, hashes) = counted();
        assert_eq!(check(&passwords, HASH, b"U*U").await, Ok(true));
        assert_eq!(check(&passwords, HASH, b"U*U").await, Ok(true));
        assert_eq!(lock(&hashes).len(), 1);
        assert_eq!(check(&passwords, HASH, b"U*V").await, Ok(false));
        let other = HASH.replace("$2a$", "$2b$");
        assert_eq!(check(&passwords, &other, b"U*U").await, Ok(true));
        assert_eq!(lock(&hashes).len(), 3, "of another hash");
    }

    /// An unknown user, one without a hash, and a wrong password all cost one hash of the same
    /// cost.
    #[tokio::test]
    async fn the_work_does_not_tell_whether_there_is_such_a_user() {
        let (passwords, hashes) = counted();
        assert_eq!(check(&passwords, HASH, b"wrong").await, Ok(false));
        let other = Some(HASH.as_bytes());
        for hash in [None, Some(&b""[..]), Some(b"kept elsewhere")] {
            // Also with the password of the other user, and again: it is never remembered.
            for password in [&b"wrong"[..], b"U*U", b"U*U"] {
                let presented = presented(password);
                assert_eq!(passwords.check(hash, other, &presented).await, Ok(false));
            }
        }
        assert_eq!(*lock(&hashes), vec![HASH.to_owned(); 10]);
        // Nobody has a hash.
        let presented = presented(b"U*U");
        assert_eq!(passwords.check(None, None, &presented).await, Ok(false));
        assert_eq!(lock(&hashes).last().map(String::as_str), Some(ANY_HASH));
    }

    #[tokio::test]
    async fn wrong_ones_wait_for_each_other_and_then_give_up() {
        tokio::time::pause();
        let passwords = Passwords::new(&Env::real());
        let other = Origin::new(std::net::Ipv4Addr::BROADCAST.into(), b"other");
        let turn = passwords.queue.turn(other).await;
        assert_eq!(check(&passwords, HASH, b"U*U").await, Err(Busy));
        drop(turn);
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
