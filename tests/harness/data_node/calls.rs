//! The calls on 8088 (wire.md 10.4).

use std::io::{self, Read, Write};
use std::time::Duration;

use influxdb_meta::base::{Name, NodeId};
use influxdb_meta::wire::data_node::{
    Call, CallOutcome, CopyShard, JoinCluster, LeaveCluster, ListShards, MUX, MessageType, Node,
    RemoveHintedHandoff, RemoveShard, answer,
};

use super::behaviour::{Behaviour, On};
use super::http::dial;
use super::proto::{Message, Writer};
use super::serve::await_behaviour;
use super::shards::Held;
use super::sockets::Duplex;
use super::state::Shared;

/// Timeout for dialling the source of a copy.
const DIAL: Duration = Duration::from_secs(10);

pub fn serve(
    shared: &Shared,
    socket: &mut dyn Duplex,
    kind: MessageType,
    body: &[u8],
) -> io::Result<()> {
    match kind {
        MessageType::CopyShard => act(shared, socket, body, |call: CopyShard| {
            copy_shard(shared, &call)
        }),
        MessageType::RemoveShard => act(
            shared,
            socket,
            body,
            |RemoveShard { shard }: RemoveShard| shared.remove_shard(shard),
        ),
        MessageType::ListShards => act(shared, socket, body, |_: ListShards| {
            Ok(shared.list_shards())
        }),
        MessageType::JoinCluster => act(shared, socket, body, |call: JoinCluster| {
            join(shared, &call)
        }),
        MessageType::LeaveCluster => {
            let mut left = false;
            act(shared, socket, body, |_: LeaveCluster| {
                left = true;
                shared.leave();
                Ok(())
            })?;
            if left {
                shared.reset();
            }
            Ok(())
        }
        MessageType::RemoveHintedHandoff => {
            act(shared, socket, body, |_: RemoveHintedHandoff| Ok(()))
        }
    }
}

fn act<C: Call + std::fmt::Debug>(
    shared: &Shared,
    socket: &mut dyn Duplex,
    body: &[u8],
    act: impl FnOnce(C) -> CallOutcome<C::Answer>,
) -> io::Result<()> {
    let call = match C::decode(body) {
        Ok(call) => call,
        Err(error) => {
            shared.complain(format!("unreadable {}: {error}", C::KIND));
            return Ok(());
        }
    };
    shared.change(|state| state.heard.push(format!("{call:?}")));
    let outcome = match await_behaviour(shared, socket, On::Call(C::KIND))? {
        Some(Behaviour::Normal) => act(call),
        Some(Behaviour::Failing(text)) => Err(text),
        Some(Behaviour::ActThenHangUp) => {
            let _unheard = act(call);
            return Ok(());
        }
        _ => return Ok(()),
    };
    socket.write_all(&answer::<C>(&outcome).map_err(io::Error::other)?)
}

fn join(shared: &Shared, call: &JoinCluster) -> CallOutcome<Node> {
    let servers = call.meta_servers.iter().map(ToString::to_string).collect();
    let node = shared.join(servers, call.update)?;
    let (http_addr, tcp_addr) = (Name::from(&node.addr), Name::from(&node.tcp_addr));
    Ok(Node {
        id: NodeId(node.id),
        http_addr,
        tcp_addr,
    })
}

/// Fetches the shard from its source. A source without the shard gives an empty copy, which is not
/// an error.
fn copy_shard(shared: &Shared, call: &CopyShard) -> CallOutcome<()> {
    let host = call.host.to_string();
    let fetched = dial(&host, DIAL).and_then(|stream| {
        let mut source = shared
            .sockets
            .keep(stream)
            .map_err(|error| error.to_string())?;
        let since = call.since.unwrap_or_default();
        source
            .write_all(&ask_backup(call.shard, since))
            .map_err(|error| error.to_string())?;
        let mut files = Vec::new();
        source
            .read_to_end(&mut files)
            .map_err(|error| error.to_string())?;
        Ok(files)
    })?;
    let held = Held::new(
        &call.database.to_string(),
        &call.policy.to_string(),
        fetched.len() as i64,
    );
    shared.set_shards(|shards| shards.insert(call.shard, held));
    Ok(())
}

/// Request of a destination to its source.
pub fn ask_backup(shard: u64, since: i64) -> Vec<u8> {
    let body = Writer::default().number(1, shard).signed(2, since).done();
    let mut bytes = vec![MUX, 31];
    bytes.extend((body.len() as i64).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Answers with as many bytes as the shard has, without a frame around them.
pub fn backup_shard(shared: &Shared, socket: &mut dyn Duplex, body: &[u8]) -> io::Result<()> {
    let shard = Message::read(body).and_then(|message| message.need_number(1, "ShardID"));
    let shard = shard.map_err(io::Error::other)?;
    shared.change(|state| {
        state
            .heard
            .push(format!("BackupShard {{ shard: {shard} }}"))
    });
    match await_behaviour(shared, socket, On::BackupShard)? {
        Some(Behaviour::Normal) => {
            let size = shared.look(|state| state.shards.get(&shard).map_or(0, |held| held.size));
            socket.write_all(&vec![0; usize::try_from(size).unwrap_or_default()])
        }
        _ => Ok(()),
    }
}
