//! Commands that data nodes post to `/execute`, as Go writes them: the payload first, then the
//! type.

use super::proto::{Message, Writer};

/// A retention policy in a command.
#[derive(Clone, Debug)]
pub struct Policy<'a> {
    pub name: &'a str,
    pub duration: i64,
    pub shard_group_duration: i64,
    pub replica_n: u32,
}

impl Policy<'_> {
    fn write(&self) -> Vec<u8> {
        Writer::default()
            .text(1, self.name)
            .signed(2, self.duration)
            .signed(3, self.shard_group_duration)
            .number(4, self.replica_n.into())
            .done()
    }
}

fn command(kind: u64, payload: Writer) -> Vec<u8> {
    Writer::default()
        .bytes(100 + kind, &payload.done())
        .number(1, kind)
        .done()
}

/// A message with `texts` in the fields 1, 2, …
fn texts(texts: &[&str]) -> Writer {
    (1..)
        .zip(texts)
        .fold(Writer::default(), |writer, (field, text)| {
            writer.text(field, text)
        })
}

pub fn create_database(name: &str, policy: Option<&Policy>) -> Vec<u8> {
    let payload = texts(&[name]);
    command(
        3,
        policy
            .iter()
            .fold(payload, |payload, policy| payload.bytes(2, &policy.write())),
    )
}

pub fn drop_database(name: &str) -> Vec<u8> {
    command(4, texts(&[name]))
}

pub fn create_retention_policy(database: &str, policy: &Policy, default: bool) -> Vec<u8> {
    command(
        5,
        texts(&[database])
            .bytes(2, &policy.write())
            .flag(3, default),
    )
}

pub fn drop_retention_policy(database: &str, name: &str) -> Vec<u8> {
    command(6, texts(&[database, name]))
}

/// Command UpdateRetentionPolicy; `None` leaves a value unchanged.
pub fn update_retention_policy(
    database: &str,
    name: &str,
    duration: Option<i64>,
    replica_n: Option<u32>,
    shard_group_duration: Option<i64>,
    default: bool,
) -> Vec<u8> {
    let mut payload = texts(&[database, name]);
    if let Some(duration) = duration {
        payload = payload.signed(4, duration);
    }
    if let Some(replica_n) = replica_n {
        payload = payload.number(5, replica_n.into());
    }
    if let Some(duration) = shard_group_duration {
        payload = payload.signed(6, duration);
    }
    command(8, payload.flag(7, default))
}

pub fn create_shard_group(database: &str, policy: &str, time: i64) -> Vec<u8> {
    command(9, texts(&[database, policy]).signed(3, time))
}

pub fn delete_shard_group(database: &str, policy: &str, id: u64) -> Vec<u8> {
    command(10, texts(&[database, policy]).number(3, id))
}

pub fn create_continuous_query(database: &str, name: &str, query: &str) -> Vec<u8> {
    command(11, texts(&[database, name, query]))
}

pub fn drop_continuous_query(database: &str, name: &str) -> Vec<u8> {
    command(12, texts(&[database, name]))
}

pub fn create_user(name: &str, hash: &str, admin: bool) -> Vec<u8> {
    command(13, texts(&[name, hash]).flag(3, admin))
}

pub fn drop_user(name: &str) -> Vec<u8> {
    command(14, texts(&[name]))
}

pub fn update_user(name: &str, hash: &str) -> Vec<u8> {
    command(15, texts(&[name, hash]))
}

/// Command SetPrivilege: 0 none, 1 read, 2 write, 3 all.
pub fn set_privilege(user: &str, database: &str, privilege: i32) -> Vec<u8> {
    command(16, texts(&[user, database]).signed(3, privilege.into()))
}

/// Command SetData with a whole `Data`, as a restore sends it.
pub fn set_data(data: &[u8]) -> Vec<u8> {
    command(17, Writer::default().bytes(1, data))
}

pub fn set_admin_privilege(user: &str, admin: bool) -> Vec<u8> {
    command(18, texts(&[user]).flag(2, admin))
}

pub fn create_subscription(
    name: &str,
    database: &str,
    policy: &str,
    mode: &str,
    destinations: &[&str],
) -> Vec<u8> {
    let payload = texts(&[name, database, policy, mode]);
    command(
        21,
        destinations
            .iter()
            .fold(payload, |payload, destination| payload.text(5, destination)),
    )
}

pub fn drop_subscription(name: &str, database: &str, policy: &str) -> Vec<u8> {
    command(22, texts(&[name, database, policy]))
}

pub fn create_data_node(http_addr: &str, tcp_addr: &str) -> Vec<u8> {
    command(25, texts(&[http_addr, tcp_addr]))
}

pub fn drop_shard(id: u64) -> Vec<u8> {
    command(30, Writer::default().number(1, id))
}

pub fn prune_shard_groups() -> Vec<u8> {
    command(32, Writer::default())
}

/// Answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub error: String,
    pub index: u64,
}

impl Response {
    /// Reads an answer. `OK` must be there; its value is ignored.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let response = Message::read(bytes)?;
        response.need_number(1, "OK")?;
        Ok(Self {
            error: response.text(2, "Error")?.unwrap_or_default(),
            index: response.number(3, "Index")?.unwrap_or_default(),
        })
    }
}
