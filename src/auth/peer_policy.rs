//! The one decision about which meta nodes may speak to this node (founding.md 11.3).

/// Proof that this node requires of other meta nodes before it listens to them: on 8089, at
/// `/cluster/…`, in polls and in their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerPolicy {
    /// No secret here: nothing can be checked, everybody is believed.
    Open,
    /// A wrong proof is refused, a missing one is accepted: the secret is being brought in node by
    /// node, and some members do not have it yet.
    ProofWanted,
    /// A missing proof is refused like a wrong one.
    ProofRequired,
    /// The cluster requires proofs, and this node has no secret to make or check one: it speaks
    /// with no member.
    SecretMissing,
}

/// Facts that the policy follows from, as they are now.
#[derive(Clone, Copy, Debug)]
pub struct PeerPolicyFacts {
    /// `internal-shared-secret` is set here.
    pub has_secret: bool,
    /// `auth-enabled`, `raft-portal-auth-required` or `raft-dialer-auth-required` is set here.
    pub required_here: bool,
    /// Whether the catalog says that proofs are required: founded with the secret, or all members
    /// have shown it since. `None` before this node knows its cluster's catalog.
    pub required_by_cluster: Option<bool>,
}

impl PeerPolicy {
    /// Decides. A node that does not know its cluster yet requires proofs if it has a secret:
    /// founding requires them, and no stranger may learn or order anything meanwhile.
    pub fn of(facts: PeerPolicyFacts) -> Self {
        match (facts.has_secret, facts.required_by_cluster) {
            (false, Some(true)) => Self::SecretMissing,
            (false, _) => Self::Open,
            (true, Some(false)) if !facts.required_here => Self::ProofWanted,
            (true, _) => Self::ProofRequired,
        }
    }

    /// Whether a caller or an answer without a proof is refused.
    pub fn refuses_unproven(self) -> bool {
        match self {
            Self::Open | Self::ProofWanted => false,
            Self::ProofRequired | Self::SecretMissing => true,
        }
    }

    /// Word for operators, in `/healthz` and `show -v`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ProofWanted => "wanted",
            Self::ProofRequired => "required",
            Self::SecretMissing => "no-secret",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_manual() {
        use PeerPolicy::{Open, ProofRequired, ProofWanted, SecretMissing};
        for (has_secret, required_here, required_by_cluster, policy) in [
            (false, false, None, Open),
            (false, false, Some(false), Open),
            (false, false, Some(true), SecretMissing),
            (true, false, None, ProofRequired),
            (true, false, Some(false), ProofWanted),
            (true, false, Some(true), ProofRequired),
            (true, true, None, ProofRequired),
            (true, true, Some(false), ProofRequired),
            (true, true, Some(true), ProofRequired),
        ] {
            let facts = PeerPolicyFacts {
                has_secret,
                required_here,
                required_by_cluster,
            };
            assert_eq!(PeerPolicy::of(facts), policy, "{facts:?}");
        }
    }
}
