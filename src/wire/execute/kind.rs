//! The types of the wire's commands (wire.md 3.3).

/// A command that is carried out; its number is that of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum CommandType {
    CreateDatabase = 3,
    DropDatabase = 4,
    CreateRetentionPolicy = 5,
    DropRetentionPolicy = 6,
    SetDefaultRetentionPolicy = 7,
    UpdateRetentionPolicy = 8,
    CreateShardGroup = 9,
    DeleteShardGroup = 10,
    CreateContinuousQuery = 11,
    DropContinuousQuery = 12,
    CreateUser = 13,
    DropUser = 14,
    UpdateUser = 15,
    SetPrivilege = 16,
    SetData = 17,
    SetAdminPrivilege = 18,
    CreateSubscription = 21,
    DropSubscription = 22,
    CreateDataNode = 25,
    UpdateDataNode = 26,
    DeleteDataNode = 28,
    DropShard = 30,
    TruncateShardGroups = 31,
    PruneShardGroups = 32,
    CopyShardOwner = 33,
    RemoveShardOwner = 34,
}

impl CommandType {
    const ALL: [Self; 26] = [
        Self::CreateDatabase,
        Self::DropDatabase,
        Self::CreateRetentionPolicy,
        Self::DropRetentionPolicy,
        Self::SetDefaultRetentionPolicy,
        Self::UpdateRetentionPolicy,
        Self::CreateShardGroup,
        Self::DeleteShardGroup,
        Self::CreateContinuousQuery,
        Self::DropContinuousQuery,
        Self::CreateUser,
        Self::DropUser,
        Self::UpdateUser,
        Self::SetPrivilege,
        Self::SetData,
        Self::SetAdminPrivilege,
        Self::CreateSubscription,
        Self::DropSubscription,
        Self::CreateDataNode,
        Self::UpdateDataNode,
        Self::DeleteDataNode,
        Self::DropShard,
        Self::TruncateShardGroups,
        Self::PruneShardGroups,
        Self::CopyShardOwner,
        Self::RemoveShardOwner,
    ];

    /// The number of the type; its payload is field 100 + number.
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    pub(super) fn payload_field(self) -> u32 {
        100 + self.number()
    }

    /// The lowest format of a log entry, and the lowest feature level, that has this command.
    pub(super) fn format(self) -> u32 {
        if self.number() <= Self::UpdateRetentionPolicy.number() {
            1
        } else {
            3
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireCommand {
    Supported(CommandType),
    /// Would change meta nodes, which only /join and /remove do.
    MetaNodes,
    /// In no version of the protocol; 20 was never used.
    Unknown,
}

impl WireCommand {
    pub(super) fn of(number: i32) -> Self {
        let is_it = |known: &CommandType| u32::try_from(number) == Ok(known.number());
        match CommandType::ALL.into_iter().find(is_it) {
            Some(known) => Self::Supported(known),
            None if matches!(number, 1 | 2 | 19 | 23 | 24 | 27 | 29) => Self::MetaNodes,
            None => Self::Unknown,
        }
    }
}
