//! The promise not to found a cluster (founding.md 8.1), on a node that waits for an operator.
//!
//! Pure: time is a value, and counts from the start of the process. Of two fresh nodes of which one
//! was ordered to join the other, at most one founds while a promise holds, whatever is asked of
//! both at once.

use std::time::Duration;

use super::rules::ORDERED_QUIET_PERIOD;
use crate::base::Incarnation;

/// Lifetime of a promise. The node that got it founds and invites within seconds.
pub const PROMISE_LIFETIME: Duration = Duration::from_secs(10);

/// The present promise of this node, or its own attempt to found.
#[derive(Debug, Default)]
pub struct FoundPromise {
    state: State,
    /// Number of questions that this node began in this life of the process.
    questions: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// This node asks another one for its promise.
    Asking { question: Question },
    /// The order to found is given. It may be executed even if its caller no longer waits, so this
    /// incarnation gives no promise any more.
    Founding { me: Incarnation },
    /// Another node was promised that this one does not found.
    Promised { to: Incarnation, until: Duration },
}

/// One attempt to found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question(u64);

/// Reasons why no attempt to found begins, or no promise is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromiseRefusal {
    /// The process has just started: a promise that it gave before is forgotten. The node that got it
    /// has this time to found and to invite this node.
    Quiet,
    /// This node asks for a promise itself.
    Asking,
    /// This node founds.
    Founding,
    /// This node has promised another one not to found.
    Promised,
}

impl FoundPromise {
    /// Begins an attempt to found.
    ///
    /// # Errors
    /// The process has just started, another attempt is under way, or another node was promised that
    /// this one does not found.
    pub fn ask(&mut self, now: Duration, me: Incarnation) -> Result<Question, PromiseRefusal> {
        match self.state {
            _ if now < ORDERED_QUIET_PERIOD => Err(PromiseRefusal::Quiet),
            State::Asking { .. } => Err(PromiseRefusal::Asking),
            State::Founding { me: founding } if founding == me => Err(PromiseRefusal::Founding),
            State::Promised { until, .. } if now < until => Err(PromiseRefusal::Promised),
            State::Idle | State::Founding { .. } | State::Promised { .. } => {
                self.questions += 1;
                let question = Question(self.questions);
                self.state = State::Asking { question };
                Ok(question)
            }
        }
    }

    /// Promises the node `to` not to found for [`PROMISE_LIFETIME`]. A node that asks for a promise
    /// itself gives way to a lower incarnation: its own question is withdrawn, and whatever answer
    /// comes, it does not found. So of nodes that ask each other the lowest one gets every promise
    /// that it needs.
    ///
    /// # Errors
    /// This node is about to found, or has given its promise to another node.
    pub fn promise(
        &mut self,
        now: Duration,
        me: Incarnation,
        to: Incarnation,
    ) -> Result<(), PromiseRefusal> {
        match self.state {
            State::Asking { .. } if me < to => return Err(PromiseRefusal::Asking),
            State::Founding { me: founding } if founding == me => {
                return Err(PromiseRefusal::Founding);
            }
            State::Promised { to: other, until } if now < until && other != to => {
                return Err(PromiseRefusal::Promised);
            }
            State::Idle
            | State::Asking { .. }
            | State::Founding { .. }
            | State::Promised { .. } => {}
        }
        let until = now + PROMISE_LIFETIME;
        self.state = State::Promised { to, until };
        Ok(())
    }

    /// Called when the promise has come, before the order to found is given: from then on this
    /// incarnation gives no promise. Returns false if the question was withdrawn meanwhile: then this
    /// node must not found.
    #[must_use]
    pub fn found(&mut self, question: Question, me: Incarnation) -> bool {
        let is_asking = self.asks(question);
        if is_asking {
            self.state = State::Founding { me };
        }
        is_asking
    }

    /// Ends an attempt to found that has not led to the order.
    pub fn end(&mut self, question: Question) {
        if self.asks(question) {
            self.state = State::Idle;
        }
    }

    fn asks(&self, question: Question) -> bool {
        matches!(self.state, State::Asking { question: now } if now == question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Incarnation = Incarnation([5; 16]);
    const LOWER: Incarnation = Incarnation([4; 16]);
    const HIGHER: Incarnation = Incarnation([6; 16]);
    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn who_asks_gives_way_to_a_lower_incarnation_only() {
        let mut promise = FoundPromise::default();
        let question = promise.ask(NOW, ME).expect("idle");
        assert_eq!(promise.ask(NOW, ME), Err(PromiseRefusal::Asking));
        assert_eq!(
            promise.promise(NOW, ME, HIGHER),
            Err(PromiseRefusal::Asking)
        );
        assert_eq!(promise.promise(NOW, ME, LOWER), Ok(()));
        assert!(!promise.found(question, ME), "the question is withdrawn");
        promise.end(question);
        assert_eq!(promise.ask(NOW, ME), Err(PromiseRefusal::Promised));
    }

    #[test]
    fn a_promise_holds_for_one_node_until_it_is_over() {
        let mut promise = FoundPromise::default();
        assert_eq!(promise.promise(NOW, ME, HIGHER), Ok(()));
        assert_eq!(
            promise.promise(NOW, ME, LOWER),
            Err(PromiseRefusal::Promised)
        );
        let later = NOW + PROMISE_LIFETIME - Duration::from_millis(1);
        assert_eq!(promise.promise(later, ME, HIGHER), Ok(()), "asked again");
        assert_eq!(
            promise.ask(NOW + PROMISE_LIFETIME, ME),
            Err(PromiseRefusal::Promised),
            "and held for as long again"
        );
        promise.ask(later + PROMISE_LIFETIME, ME).expect("over");
    }

    #[test]
    fn who_founds_gives_no_promise_as_this_incarnation() {
        let mut promise = FoundPromise::default();
        let question = promise.ask(NOW, ME).expect("idle");
        assert!(promise.found(question, ME));
        promise.end(question);
        let late = NOW + 100 * PROMISE_LIFETIME;
        assert_eq!(
            promise.promise(late, ME, LOWER),
            Err(PromiseRefusal::Founding)
        );
        assert_eq!(promise.ask(late, ME), Err(PromiseRefusal::Founding));
        assert_eq!(promise.promise(late, HIGHER, LOWER), Ok(()));
    }

    #[test]
    fn a_process_that_has_just_started_does_not_ask() {
        let mut promise = FoundPromise::default();
        let early = ORDERED_QUIET_PERIOD - Duration::from_millis(1);
        assert_eq!(promise.ask(early, ME), Err(PromiseRefusal::Quiet));
        promise.ask(ORDERED_QUIET_PERIOD, ME).expect("quiet enough");
    }

    #[test]
    fn a_question_that_ended_changes_nothing_later() {
        let mut promise = FoundPromise::default();
        let first = promise.ask(NOW, ME).expect("idle");
        promise.end(first);
        let second = promise.ask(NOW, ME).expect("idle again");
        promise.end(first);
        assert!(!promise.found(first, ME));
        assert!(promise.found(second, ME));
    }
}
