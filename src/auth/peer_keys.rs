//! The keys of meta nodes for each other: of the secret, and of the old one while it is changed.

use super::proof::{Nonce, PeerKey, WrongProof};
use crate::base::Incarnation;

/// Keys that this node proves, and accepts from others. While the secret is changed there are two:
/// a proof is made with both, and one that matches is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerKeys {
    current: PeerKey,
    old: Option<PeerKey>,
}

impl PeerKeys {
    /// Derives the keys of `internal-shared-secret` and of `internal-shared-secret-old`.
    pub fn derive(secret: &str, old: Option<&str>) -> Self {
        Self {
            current: PeerKey::derive(secret),
            old: old.map(PeerKey::derive),
        }
    }

    pub fn single(current: PeerKey) -> Self {
        Self { current, old: None }
    }

    /// Key of `internal-shared-secret`.
    pub fn current(&self) -> &PeerKey {
        &self.current
    }

    /// All keys, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &PeerKey> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// Checks an answer's header with each key.
    ///
    /// # Errors
    /// No key made it.
    pub fn check_answer(
        &self,
        value: &str,
        asked: &Nonce,
        caller: Incarnation,
        callee: Incarnation,
        body: &[u8],
    ) -> Result<(), WrongProof> {
        let fits = |key: &PeerKey| key.check_answer(value, asked, caller, callee, body).is_ok();
        self.all().any(fits).then_some(()).ok_or(WrongProof)
    }
}
