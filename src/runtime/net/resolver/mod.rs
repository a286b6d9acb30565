//! Look-ups of names. Why not the resolver of the C library: decisions.md 21.
//!
//! A look-up runs in a task of its own and ends when it ends, not when its caller stops waiting.
//! There is at most one for each name. So a slow name server delays the first answer, and later
//! calls have one: a result that nobody waited for serves the next call, and while a look-up is
//! slow, the last addresses of the name are used.

mod files;
mod lookup;
mod query;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::LookupError;
use crate::runtime::lock;
use files::Files;

/// Time after which a look-up counts as slow. Name servers within one network answer in
/// milliseconds.
const SLOW_AFTER: Duration = Duration::from_millis(300);
/// Maximum age of addresses that are used while a look-up is slow. Containers get other addresses
/// when they restart; callers check who answers there.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Timeout for one look-up with all its servers, attempts and domains.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum number of names that are remembered or being looked up. A cluster has a few dozen.
const MAX_NAMES: usize = 512;

type Found = Result<Vec<IpAddr>, LookupError>;

/// Resolver of one process.
#[derive(Default)]
pub(super) struct Resolver {
    files: Files,
    /// Held for a few instructions, never across an await.
    names: Arc<Mutex<HashMap<String, Name>>>,
    /// Number of look-ups so far.
    lookups: AtomicUsize,
}

/// State of one name.
#[derive(Default)]
struct Name {
    in_flight: Option<Arc<watch::Sender<Option<Found>>>>,
    last: Option<Kept>,
}

/// Addresses of the last look-up that succeeded.
struct Kept {
    addresses: Vec<IpAddr>,
    at: Instant,
    /// They came when no caller waited for them any more, and none has used them since.
    unused: bool,
}

impl Name {
    fn fresh(&self) -> Option<&Kept> {
        self.last
            .as_ref()
            .filter(|kept| kept.at.elapsed() < MAX_AGE)
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_none()
    }
}

impl Resolver {
    /// Addresses of a name, or the address that the text is.
    pub(super) async fn resolve(&self, host: &str) -> Found {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![ip]);
        }
        let (waiting, last) = {
            let mut names = lock(&self.names);
            make_room(&mut names, host)?;
            let name = names.entry(host.to_owned()).or_default();
            if let Some(kept) = &mut name.last
                && std::mem::take(&mut kept.unused)
                && kept.at.elapsed() < MAX_AGE
            {
                return Ok(kept.addresses.clone());
            }
            let waiting = match &name.in_flight {
                Some(sender) => sender.subscribe(),
                None => self.begin(host, name),
            };
            (waiting, name.fresh().map(|kept| kept.addresses.clone()))
        };
        let Some(last) = last else {
            return result(waiting).await;
        };
        timeout(SLOW_AFTER, result(waiting))
            .await
            .unwrap_or(Ok(last))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a look-up outlives its caller and ends by itself"
    )]
    fn begin(&self, host: &str, name: &mut Name) -> watch::Receiver<Option<Found>> {
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        name.in_flight = Some(sender.clone());
        let turn = self.lookups.fetch_add(1, Ordering::Relaxed);
        let (files, host) = (self.files.clone(), host.to_owned());
        let end = EndOfLookup {
            names: self.names.clone(),
            host: host.clone(),
            sender,
        };
        tokio::spawn(async move {
            let found = timeout(LOOKUP_TIMEOUT, lookup::look_up(&files, &host, turn)).await;
            end.with(found.unwrap_or(Err(LookupError::BrokenOff)));
        });
        receiver
    }
}

async fn result(mut waiting: watch::Receiver<Option<Found>>) -> Found {
    let found = waiting.wait_for(Option::is_some).await;
    let found = found.ok().and_then(|found| found.clone());
    found.unwrap_or(Err(LookupError::BrokenOff))
}

/// Forgets names that have no use any more.
///
/// # Errors
/// [`MAX_NAMES`] look-ups are in flight.
fn make_room(names: &mut HashMap<String, Name>, host: &str) -> Result<(), LookupError> {
    if names.len() < MAX_NAMES || names.contains_key(host) {
        return Ok(());
    }
    names.retain(|_, name| !name.is_idle() || name.fresh().is_some());
    if names.len() >= MAX_NAMES {
        names.retain(|_, name| !name.is_idle());
    }
    if names.len() >= MAX_NAMES {
        return Err(LookupError::Busy);
    }
    Ok(())
}

/// Ends a look-up, also one whose task is broken off.
struct EndOfLookup {
    names: Arc<Mutex<HashMap<String, Name>>>,
    host: String,
    sender: Arc<watch::Sender<Option<Found>>>,
}

impl EndOfLookup {
    fn with(self, found: Found) {
        let mut names = lock(&self.names);
        if let Some(name) = names.get_mut(&self.host) {
            match &found {
                Ok(addresses) => {
                    name.last = Some(Kept {
                        addresses: addresses.clone(),
                        at: Instant::now(),
                        unused: self.sender.receiver_count() == 0,
                    });
                }
                Err(LookupError::Unknown { .. }) => name.last = None,
                Err(_) => {}
            }
        }
        self.sender.send_replace(Some(found));
    }
}

impl Drop for EndOfLookup {
    fn drop(&mut self) {
        if let Some(name) = lock(&self.names).get_mut(&self.host) {
            name.in_flight = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_names_is_bounded() {
        let mut names = HashMap::new();
        let name = |n: usize| format!("n{n}");
        for n in 0..MAX_NAMES {
            let (sender, _) = watch::channel(None);
            let in_flight = Some(Arc::new(sender));
            names.insert(
                name(n),
                Name {
                    in_flight,
                    last: None,
                },
            );
        }
        assert_eq!(make_room(&mut names, "one-more"), Err(LookupError::Busy));
        assert_eq!(make_room(&mut names, "n7"), Ok(()));
        names.insert(name(3), Name::default());
        assert_eq!(make_room(&mut names, "one-more"), Ok(()));
        assert_eq!(names.len(), MAX_NAMES - 1);
    }
}
