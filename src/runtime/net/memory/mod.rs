//! A network in memory, for simulations: seeded latency, cuts per direction, broken connections.
//!
//! Behaves like TCP between hosts: bytes arrive in order or not at all, a cut delays them
//! without an error, and a process that dies closes its connections.

mod pipe;
mod world;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{BoxFuture, Listener, LookupError, Net, Stream};
use crate::runtime::{Rng, lock};
use pipe::Connection;
use world::World;

/// All hosts and the connections between them. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    /// Held for a few instructions, never across an await.
    world: Arc<Mutex<World>>,
    /// Wakes dials that wait for the end of a cut.
    healed: Arc<tokio::sync::Notify>,
}

impl Network {
    pub fn new(rng: Arc<dyn Rng>, latency: Range<Duration>) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(rng, latency))),
            healed: Arc::default(),
        }
    }

    /// The network as seen from the host with this address.
    pub fn host(&self, ip: IpAddr) -> Arc<dyn Net> {
        Arc::new(Host {
            network: self.clone(),
            ip,
        })
    }

    /// Sets the addresses of a name, on every host. Empty: the name is unknown.
    pub fn name(&self, name: &str, ips: &[IpAddr]) {
        self.world().names.insert(name.to_owned(), ips.to_vec());
    }

    /// Cuts this direction until it is healed. Data that was sent waits.
    pub fn cut(&self, from: IpAddr, to: IpAddr) {
        self.world().cuts.insert((from, to));
    }

    /// Ends the cut of this direction.
    pub fn heal(&self, from: IpAddr, to: IpAddr) {
        let mut world = self.world();
        world.cuts.remove(&(from, to));
        world.wake_between(from, to);
        self.healed.notify_waiters();
    }

    pub fn heal_all(&self) {
        let cuts = std::mem::take(&mut self.world().cuts);
        for (from, to) in cuts {
            self.heal(from, to);
        }
        self.healed.notify_waiters();
    }

    /// Resets every connection between the two hosts.
    pub fn reset(&self, a: IpAddr, b: IpAddr) {
        self.world().reset_between(a, b);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

struct Host {
    network: Network,
    ip: IpAddr,
}

impl Net for Host {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, LookupError>> {
        Box::pin(async move {
            let ips = match host.parse() {
                Ok(ip) => vec![ip],
                Err(_) => self
                    .network
                    .world()
                    .names
                    .get(host)
                    .cloned()
                    .unwrap_or_default(),
            };
            if ips.is_empty() {
                return Err(LookupError::Unknown { server: None });
            }
            Ok(ips
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect())
        })
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            self.pass(address.ip()).await;
            let round_trip = {
                let mut world = self.network.world();
                world.latency() + world.latency()
            };
            tokio::time::sleep(round_trip).await;
            let (ours, theirs, listener) = {
                let mut world = self.network.world();
                let Some(listener) = world.listeners.get(&address).cloned() else {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                };
                let here = SocketAddr::new(self.ip, world.next_port());
                let there = world.open(here.ip(), address.ip());
                let back = world.open(address.ip(), here.ip());
                let ours = Connection::new(self.network.world.clone(), address, back, there);
                (
                    ours,
                    Connection::new(self.network.world.clone(), here, there, back),
                    listener,
                )
            };
            // If the listener is dropped at this moment, it drops its end: this end then reads end
            // of stream.
            drop(listener.send(theirs));
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let is_foreign = address.ip() != self.ip && !address.ip().is_loopback();
            if is_foreign && !address.ip().is_unspecified() {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            let mut world = self.network.world();
            let ip = if address.ip().is_unspecified() {
                self.ip
            } else {
                address.ip()
            };
            let port = if address.port() == 0 {
                world.next_port()
            } else {
                address.port()
            };
            let local = SocketAddr::new(ip, port);
            if world.listeners.contains_key(&local) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (accepts, accepted) = mpsc::unbounded_channel();
            world.listeners.insert(local, accepts);
            Ok(Box::new(Bound {
                network: self.network.clone(),
                local,
                accepted,
            }) as Box<dyn Listener>)
        })
    }
}

impl Host {
    /// Waits until neither direction is cut, as retries of SYN do.
    async fn pass(&self, to: IpAddr) {
        loop {
            let healed = self.network.healed.notified();
            if !self.network.world().is_cut_either_way(self.ip, to) {
                return;
            }
            healed.await;
        }
    }
}

struct Bound {
    network: Network,
    local: SocketAddr,
    accepted: mpsc::UnboundedReceiver<Connection>,
}

impl Listener for Bound {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let accepted = self.accepted.recv().await;
            let stream = accepted.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.network.world().listeners.remove(&self.local);
    }
}
