//! The types of the wire's commands (wire.md 3.3).

/// Which payload to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Supported {
    CreateDatabase,
    DropDatabase,
    CreateRetentionPolicy,
    DropRetentionPolicy,
    SetDefaultRetentionPolicy,
    UpdateRetentionPolicy,
}

impl Supported {
    /// The number of the type; its payload is field 100 + number.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::CreateDatabase => 3,
            Self::DropDatabase => 4,
            Self::CreateRetentionPolicy => 5,
            Self::DropRetentionPolicy => 6,
            Self::SetDefaultRetentionPolicy => 7,
            Self::UpdateRetentionPolicy => 8,
        }
    }

    pub(super) fn payload_field(self) -> u32 {
        100 + self.number()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Supported(Supported),
    /// Known, with its name; not carried out by this version.
    NotSupported(&'static str),
    /// Would change meta nodes, which only /join and /remove do.
    MetaNodes,
    /// In no version of the protocol; 20 was never used.
    Unknown,
}

impl Kind {
    pub(super) fn of(number: i32) -> Self {
        match number {
            3 => Self::Supported(Supported::CreateDatabase),
            4 => Self::Supported(Supported::DropDatabase),
            5 => Self::Supported(Supported::CreateRetentionPolicy),
            6 => Self::Supported(Supported::DropRetentionPolicy),
            7 => Self::Supported(Supported::SetDefaultRetentionPolicy),
            8 => Self::Supported(Supported::UpdateRetentionPolicy),
            9 => Self::NotSupported("CreateShardGroup"),
            10 => Self::NotSupported("DeleteShardGroup"),
            11 => Self::NotSupported("CreateContinuousQuery"),
            12 => Self::NotSupported("DropContinuousQuery"),
            13 => Self::NotSupported("CreateUser"),
            14 => Self::NotSupported("DropUser"),
            15 => Self::NotSupported("UpdateUser"),
            16 => Self::NotSupported("SetPrivilege"),
            17 => Self::NotSupported("SetData"),
            18 => Self::NotSupported("SetAdminPrivilege"),
            21 => Self::NotSupported("CreateSubscription"),
            22 => Self::NotSupported("DropSubscription"),
            25 => Self::NotSupported("CreateDataNode"),
            26 => Self::NotSupported("UpdateDataNode"),
            28 => Self::NotSupported("DeleteDataNode"),
            30 => Self::NotSupported("DropShard"),
            31 => Self::NotSupported("TruncateShardGroups"),
            32 => Self::NotSupported("PruneShardGroups"),
            33 => Self::NotSupported("CopyShardOwner"),
            34 => Self::NotSupported("RemoveShardOwner"),
            1 | 2 | 19 | 23 | 24 | 27 | 29 => Self::MetaNodes,
            _ => Self::Unknown,
        }
    }
}
