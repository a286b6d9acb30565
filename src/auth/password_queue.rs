//! The order in which passwords are checked: one at a time, and whoever used the queue least comes
//! next. So many guesses from one address, or at one user, delay the others by one check and never
//! lock them out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout};

use crate::runtime::lock;

/// Too many passwords are waiting to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// Maximum number of waiting checks. Each waits about 60 ms for every check before it.
pub(super) const MAX_QUEUED_CHECKS: usize = 64;
/// Longest time that a check waits. Clients give up after it.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval at which the numbers of past checks are halved, so that a storm of guesses is forgotten
/// a minute after its end.
const FORGET_INTERVAL: Duration = Duration::from_secs(10);
/// Length of a name by which users are told apart here. Names of a request have no limit of their
/// own.
const NAME_BYTES: usize = 64;
/// Maximum number of addresses, and of names, whose past checks are known. One check a time at
/// about 60 ms each makes about 170 entries within an interval.
const MAX_KNOWN: usize = 4096;

/// Origin of a check: an address and the name of the user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    address: Network,
    name: Vec<u8>,
}

/// An IPv4 address, or the /64 of an IPv6 address: one host can have all addresses of a /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4(u32),
    V6(u64),
}

impl Origin {
    pub(super) fn new(address: IpAddr, name: &[u8]) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V4(ip) => Network::V4(ip.to_bits()),
            IpAddr::V6(ip) => Network::V6((ip.to_bits() >> 64) as u64),
        };
        Self {
            address,
            name: name[..name.len().min(NAME_BYTES)].to_vec(),
        }
    }
}

#[derive(Clone)]
pub(super) struct PasswordQueue(Arc<Mutex<State>>);

struct State {
    /// Whether a check runs now.
    busy: bool,
    waiting: Vec<Waiter>,
    /// Number of the last waiter.
    last: u64,
    by_address: BTreeMap<Network, Load>,
    by_name: BTreeMap<Vec<u8>, Load>,
    halved_at: Instant,
}

struct Waiter {
    number: u64,
    origin: Origin,
    turn: oneshot::Sender<Turn>,
}

/// Checks of one address or one name.
#[derive(Clone, Copy, Default)]
struct Load {
    waiting: usize,
    /// Checks that have begun, halved at every [`FORGET_INTERVAL`].
    begun: usize,
}

/// The right to check one password. The next check begins when it is dropped.
pub(super) struct Turn(PasswordQueue);

impl PasswordQueue {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            busy: false,
            waiting: Vec::new(),
            last: 0,
            by_address: BTreeMap::new(),
            by_name: BTreeMap::new(),
            halved_at: Instant::now(),
        })))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// The queue is full of checks whose origins used it no more than this one, or the wait was too
    /// long.
    pub(super) async fn turn(&self, origin: Origin) -> Result<Turn, Busy> {
        let turn = {
            let mut state = lock(&self.0);
            state.forget();
            if !state.busy {
                state.busy = true;
                state.load(&origin, |load| load.begun += 1);
                return Ok(Turn(self.clone()));
            }
            state.enqueue(origin)
        };
        match timeout(QUEUE_TIMEOUT, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            // Displaced by a check of another origin, or too late.
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// Gives the turn to the next waiter.
    fn pass_on(&self) {
        let next = {
            let mut state = lock(&self.0);
            state.forget();
            let next = state.next();
            state.busy = next.is_some();
            next
        };
        if let Some(waiter) = next {
            // A waiter that is gone meanwhile gives the turn back, which passes it on.
            drop(waiter.turn.send(Turn(self.clone())));
        }
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        lock(&self.0).waiting.len()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

impl State {
    /// Adds a waiter. In a full queue, the last waiter of the origin that uses it most is
    /// displaced, which may be the new one.
    fn enqueue(&mut self, origin: Origin) -> oneshot::Receiver<Turn> {
        self.remove_gone();
        let (turn, wait) = oneshot::channel();
        self.last += 1;
        self.load(&origin, |load| load.waiting += 1);
        self.waiting.push(Waiter {
            number: self.last,
            origin,
            turn,
        });
        if self.waiting.len() > MAX_QUEUED_CHECKS {
            let most = (0..self.waiting.len()).max_by_key(|n| self.rank(&self.waiting[*n]));
            most.map(|n| self.remove(n));
        }
        wait
    }

    /// Removes and returns the waiter whose origin used the queue least.
    fn next(&mut self) -> Option<Waiter> {
        self.remove_gone();
        let least = (0..self.waiting.len()).min_by_key(|n| self.rank(&self.waiting[*n]))?;
        let waiter = self.remove(least);
        self.load(&waiter.origin, |load| load.begun += 1);
        Some(waiter)
    }

    /// Compares waiters: the busier of address and name first. So neither many names from one
    /// address nor many addresses at one name come before others; and of those at one name, or from
    /// one address, those whose other half is less busy come first.
    fn rank(&self, waiter: &Waiter) -> (usize, usize, u64) {
        let total = |load: Option<&Load>| load.map_or(0, |load| load.waiting + load.begun);
        let address = total(self.by_address.get(&waiter.origin.address));
        let name = total(self.by_name.get(&waiter.origin.name));
        (address.max(name), address.min(name), waiter.number)
    }

    fn remove(&mut self, n: usize) -> Waiter {
        let waiter = self.waiting.remove(n);
        self.load(&waiter.origin, |load| load.waiting -= 1);
        waiter
    }

    /// Removes waiters whose caller hung up.
    fn remove_gone(&mut self) {
        for n in (0..self.waiting.len()).rev() {
            if self.waiting[n].turn.is_closed() {
                self.remove(n);
            }
        }
    }

    fn load(&mut self, origin: &Origin, change: impl Fn(&mut Load)) {
        change(self.by_address.entry(origin.address).or_default());
        change(self.by_name.entry(origin.name.clone()).or_default());
    }

    fn forget(&mut self) {
        let is_due = self.halved_at.elapsed() >= FORGET_INTERVAL;
        if is_due || self.by_address.len().max(self.by_name.len()) > MAX_KNOWN {
            self.halved_at = Instant::now();
            halve(&mut self.by_address);
            halve(&mut self.by_name);
        }
    }
}

fn halve<K: Ord>(loads: &mut BTreeMap<K, Load>) {
    loads.retain(|_, load| {
        load.begun /= 2;
        load.begun + load.waiting > 0
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str, name: &str) -> Origin {
        Origin::new(address.parse().expect("an address"), name.as_bytes())
    }

    /// Lets these callers wait behind a turn, then gives out turns one after the other. Returns the
    /// numbers of the callers in the order of their turns, without those that were displaced.
    async fn order(callers: Vec<Origin>) -> Vec<usize> {
        let queue = PasswordQueue::new();
        let first = queue.turn(origin("192.0.2.99", "first")).await;
        let (done, mut turns) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = tokio::task::JoinSet::new();
        let (mut arrived, total) = (0, callers.len());
        for (n, caller) in callers.into_iter().enumerate() {
            let (queue, done) = (queue.clone(), done.clone());
            tasks.spawn(async move {
                if let Ok(_turn) = queue.turn(caller).await {
                    done.send(n).expect("listens");
                }
            });
            arrived += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(arrived, total);
        assert_eq!(queue.waiting(), total.min(MAX_QUEUED_CHECKS));
        drop((first, done));
        let mut order = Vec::new();
        while let Some(n) = turns.recv().await {
            order.push(n);
        }
        order
    }

    #[tokio::test]
    async fn others_come_before_a_crowd_at_one_name_wherever_they_are() {
        let mut callers: Vec<_> = (0..80).map(|_| origin("192.0.2.1", "root")).collect();
        callers.push(origin("192.0.2.2", "ann"));
        callers.push(origin("192.0.2.1", "bob"));
        callers.push(origin("192.0.2.3", "root"));
        let order = order(callers).await;
        assert_eq!(order.len(), MAX_QUEUED_CHECKS);
        assert_eq!(order[0], 80, "another name from elsewhere");
        // Each shares one half with the crowd, and comes before all of it.
        let place = |n| order.iter().position(|other| *other == n);
        assert!(place(81) < Some(3), "another name from the same address");
        assert!(place(82) < Some(3), "the same name from elsewhere");
    }

    #[tokio::test]
    async fn neither_many_names_nor_many_addresses_are_many_shares() {
        let names = (0..64).map(|n| origin("192.0.2.1", &format!("user{n}")));
        let with_other = names.chain([origin("192.0.2.2", "ann")]).collect();
        assert_eq!(order(with_other).await[0], 64);
        let addresses = (0..64).map(|n| origin(&format!("198.51.100.{n}"), "root"));
        let with_other = addresses.chain([origin("192.0.2.2", "ann")]).collect();
        assert_eq!(order(with_other).await[0], 64);
        let hosts = (0..64).map(|n| origin(&format!("2001:db8::{n:x}"), &format!("user{n}")));
        let with_other = hosts.chain([origin("2001:db8:0:1::1", "ann")]).collect();
        assert_eq!(order(with_other).await[0], 64, "one /64 is one address");
        let mapped = (0..64).map(|n| origin("::ffff:192.0.2.1", &format!("user{n}")));
        let with_other = mapped.chain([origin("192.0.2.2", "ann")]).collect();
        assert_eq!(order(with_other).await[0], 64);
    }

    /// Earlier checks of an origin count too: it does not begin anew with each request.
    #[tokio::test]
    async fn past_checks_count_for_a_while() {
        tokio::time::pause();
        let queue = PasswordQueue::new();
        for _ in 0..20 {
            drop(queue.turn(origin("192.0.2.1", "root")).await);
        }
        let running = queue.turn(origin("192.0.2.9", "x")).await;
        let guess = queue.turn(origin("192.0.2.1", "eve"));
        let honest = async {
            // Comes later, and gets the turn first.
            tokio::task::yield_now().await;
            queue.turn(origin("192.0.2.2", "ann")).await
        };
        let release = async {
            while queue.waiting() < 2 {
                tokio::task::yield_now().await;
            }
            drop(running);
        };
        tokio::pin!(guess, honest);
        let first = async {
            tokio::select! {
                biased;
                _ = &mut guess => "the guesser",
                turn = &mut honest => { drop(turn); "the other" }
            }
        };
        assert_eq!(tokio::join!(first, release).0, "the other");
        tokio::time::advance(FORGET_INTERVAL * 10).await;
        for _ in 0..10 {
            drop(queue.turn(origin("192.0.2.2", "ann")).await);
            tokio::time::advance(FORGET_INTERVAL).await;
        }
        assert_eq!(
            lock(&queue.0).by_address.len(),
            1,
            "the old ones are forgotten"
        );
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_gives_its_turn_and_its_place_to_the_next() {
        let queue = PasswordQueue::new();
        let running = queue.turn(origin("192.0.2.1", "a")).await;
        let mut gone = Box::pin(queue.turn(origin("192.0.2.2", "b")));
        assert!(futures_util::poll!(&mut gone).is_pending());
        let mut next = Box::pin(queue.turn(origin("192.0.2.3", "c")));
        assert!(futures_util::poll!(&mut next).is_pending());
        // The turn is in the hand of a caller that never looks at it again.
        drop(running);
        drop(gone);
        let turn = next.await;
        assert_eq!(turn.as_ref().map(|_| ()), Ok(()));
        drop(turn);
        assert!(!lock(&queue.0).busy);
    }
}
