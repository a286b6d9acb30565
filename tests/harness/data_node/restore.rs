//! `Data` as Go writes it: for restores, and for the answers of a stand-in for a meta node.

use super::data::{Data, Database, Node, RetentionPolicy, ShardGroup, User};
use super::proto::Writer;

impl Data {
    pub fn write(&self) -> Vec<u8> {
        let mut data = Writer::default()
            .number(1, self.term)
            .number(2, self.index)
            .number(3, self.cluster_id);
        data = each(data, 5, &self.databases, database);
        data = each(data, 6, &self.users, user);
        data = data
            .number(7, self.max_node_id)
            .number(8, self.max_shard_group_id)
            .number(9, self.max_shard_id);
        data = each(data, 10, &self.data_nodes, node);
        each(data, 11, &self.meta_nodes, node).done()
    }
}

fn each<T>(writer: Writer, field: u64, all: &[T], write: impl Fn(&T) -> Writer) -> Writer {
    all.iter().fold(writer, |writer, one| {
        writer.bytes(field, &write(one).done())
    })
}

fn node(node: &Node) -> Writer {
    Writer::default()
        .number(1, node.id)
        .text(2, &node.addr)
        .text(3, &node.tcp_addr)
}

fn database(database: &Database) -> Writer {
    let named = Writer::default()
        .text(1, &database.name)
        .text(2, &database.default_retention_policy);
    let with_policies = each(named, 3, &database.retention_policies, policy);
    each(with_policies, 4, &database.continuous_queries, |query| {
        Writer::default().text(1, &query.name).text(2, &query.query)
    })
}

fn policy(policy: &RetentionPolicy) -> Writer {
    let named = Writer::default()
        .text(1, &policy.name)
        .signed(2, policy.duration)
        .signed(3, policy.shard_group_duration)
        .number(4, policy.replica_n.into());
    let with_groups = each(named, 5, &policy.shard_groups, shard_group);
    each(with_groups, 6, &policy.subscriptions, |subscription| {
        let named = Writer::default()
            .text(1, &subscription.name)
            .text(2, &subscription.mode);
        subscription
            .destinations
            .iter()
            .fold(named, |writer, destination| writer.text(3, destination))
    })
}

fn shard_group(group: &ShardGroup) -> Writer {
    let spans = Writer::default()
        .number(1, group.id)
        .signed(2, group.start)
        .signed(3, group.end)
        .signed(4, group.deleted_at);
    let with_shards = each(spans, 5, &group.shards, |shard| {
        let owner = |owner: &u64| Writer::default().number(1, *owner);
        each(
            Writer::default().number(1, shard.id),
            3,
            &shard.owners,
            owner,
        )
    });
    if group.truncated_at == 0 {
        with_shards
    } else {
        with_shards.signed(6, group.truncated_at)
    }
}

fn user(user: &User) -> Writer {
    let named = Writer::default()
        .text(1, &user.name)
        .text(2, &user.hash)
        .flag(3, user.admin);
    each(named, 4, &user.privileges, |(database, privilege)| {
        Writer::default()
            .text(1, database)
            .signed(2, (*privilege).into())
    })
}
