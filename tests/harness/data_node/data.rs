//! `Data` as a data node reads it (wire.md 2): a missing required field makes the whole message
//! unreadable.

use super::proto::Message;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    pub term: u64,
    pub index: u64,
    pub cluster_id: u64,
    pub databases: Vec<Database>,
    pub users: Vec<User>,
    pub max_node_id: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
    pub data_nodes: Vec<Node>,
    pub meta_nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub id: u64,
    /// HTTP address.
    pub addr: String,
    pub tcp_addr: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    pub name: String,
    pub default_retention_policy: String,
    pub retention_policies: Vec<RetentionPolicy>,
    pub continuous_queries: Vec<ContinuousQuery>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionPolicy {
    pub name: String,
    pub duration: i64,
    pub shard_group_duration: i64,
    pub replica_n: u32,
    pub shard_groups: Vec<ShardGroup>,
    pub subscriptions: Vec<Subscription>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ShardGroup {
    pub id: u64,
    pub start: i64,
    pub end: i64,
    /// 0: not deleted.
    pub deleted_at: i64,
    pub shards: Vec<Shard>,
    /// 0: not truncated.
    pub truncated_at: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    pub id: u64,
    /// Ids of data nodes.
    pub owners: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    pub name: String,
    pub mode: String,
    pub destinations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousQuery {
    pub name: String,
    pub query: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub name: String,
    pub hash: String,
    pub admin: bool,
    /// Database and privilege.
    pub privileges: Vec<(String, i32)>,
}

impl Data {
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let data = Message::read(bytes)?;
        if !data.all(4, "Nodes", node)?.is_empty() {
            return Err(
                "Data.Nodes is of 0.9: nobody writes it, and it would replace the data nodes"
                    .to_owned(),
            );
        }
        Ok(Self {
            term: data.need_number(1, "Term")?,
            index: data.need_number(2, "Index")?,
            cluster_id: data.need_number(3, "ClusterID")?,
            databases: data.all(5, "Databases", database)?,
            users: data.all(6, "Users", user)?,
            max_node_id: data.need_number(7, "MaxNodeID")?,
            max_shard_group_id: data.need_number(8, "MaxShardGroupID")?,
            max_shard_id: data.need_number(9, "MaxShardID")?,
            data_nodes: data.all(10, "DataNodes", node)?,
            meta_nodes: data.all(11, "MetaNodes", node)?,
        })
    }

    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name == name)
    }

    /// Finds a policy; an empty name means the default policy.
    pub fn policy(&self, database: &str, name: &str) -> Result<&RetentionPolicy, String> {
        let found = self
            .database(database)
            .ok_or_else(|| format!("database not found: {database}"))?;
        let name = if name.is_empty() {
            &found.default_retention_policy
        } else {
            name
        };
        let policy = found
            .retention_policies
            .iter()
            .find(|policy| policy.name == name);
        policy.ok_or_else(|| format!("retention policy not found: {name}"))
    }

    pub fn node_by_tcp(&self, tcp_addr: &str) -> Option<&Node> {
        self.data_nodes
            .iter()
            .find(|node| node.tcp_addr == tcp_addr)
    }
}

impl RetentionPolicy {
    /// Finds the group that points of this time go to (wire.md 3.2.4).
    pub fn group_for(&self, time: i64) -> Option<&ShardGroup> {
        self.shard_groups.iter().find(|group| {
            let ends = if group.truncated_at == 0 {
                group.end
            } else {
                group.truncated_at.min(group.end)
            };
            group.deleted_at == 0 && group.start <= time && time < ends
        })
    }
}

fn node(message: &Message) -> Result<Node, String> {
    Ok(Node {
        id: message.need_number(1, "ID")?,
        addr: message.text(2, "Addr")?.unwrap_or_default(),
        tcp_addr: message.text(3, "TCPAddr")?.unwrap_or_default(),
    })
}

fn database(message: &Message) -> Result<Database, String> {
    Ok(Database {
        name: message.need_text(1, "Name")?,
        default_retention_policy: message.need_text(2, "DefaultRetentionPolicy")?,
        retention_policies: message.all(3, "RetentionPolicies", policy)?,
        continuous_queries: message.all(4, "ContinuousQueries", continuous_query)?,
    })
}

fn policy(message: &Message) -> Result<RetentionPolicy, String> {
    Ok(RetentionPolicy {
        name: message.need_text(1, "Name")?,
        duration: message.need_number(2, "Duration")? as i64,
        shard_group_duration: message.need_number(3, "ShardGroupDuration")? as i64,
        replica_n: message.need_number(4, "ReplicaN")? as u32,
        shard_groups: message.all(5, "ShardGroups", shard_group)?,
        subscriptions: message.all(6, "Subscriptions", subscription)?,
    })
}

fn shard_group(message: &Message) -> Result<ShardGroup, String> {
    Ok(ShardGroup {
        id: message.need_number(1, "ID")?,
        start: message.need_number(2, "StartTime")? as i64,
        end: message.need_number(3, "EndTime")? as i64,
        deleted_at: message.need_number(4, "DeletedAt")? as i64,
        shards: message.all(5, "Shards", shard)?,
        truncated_at: message.number(6, "TruncatedAt")?.unwrap_or_default() as i64,
    })
}

fn shard(message: &Message) -> Result<Shard, String> {
    let owners = message.all(3, "Owners", |owner| owner.need_number(1, "NodeID"))?;
    Ok(Shard {
        id: message.need_number(1, "ID")?,
        owners,
    })
}

fn subscription(message: &Message) -> Result<Subscription, String> {
    Ok(Subscription {
        name: message.need_text(1, "Name")?,
        mode: message.need_text(2, "Mode")?,
        destinations: message.texts(3, "Destinations")?,
    })
}

fn continuous_query(message: &Message) -> Result<ContinuousQuery, String> {
    Ok(ContinuousQuery {
        name: message.need_text(1, "Name")?,
        query: message.need_text(2, "Query")?,
    })
}

fn user(message: &Message) -> Result<User, String> {
    Ok(User {
        name: message.need_text(1, "Name")?,
        hash: message.need_text(2, "Hash")?,
        admin: message.need_number(3, "Admin")? != 0,
        privileges: message.all(4, "Privileges", |privilege| {
            Ok((
                privilege.need_text(1, "Database")?,
                privilege.need_number(2, "Privilege")? as i32,
            ))
        })?,
    })
}
