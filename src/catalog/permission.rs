//! Permissions of users and roles, by their documented names (users.md 1).

use std::fmt;

/// A permission. Its number is its place in every list and its bit in log entries and snapshots. A
/// number is never used for another permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    ViewAdmin = 1,
    ViewChronograf = 2,
    CreateDatabase = 3,
    CreateUserAndRole = 4,
    AddRemoveNode = 5,
    DropDatabase = 6,
    DropData = 7,
    ReadData = 8,
    WriteData = 9,
    Rebalance = 10,
    ManageShard = 11,
    ManageContinuousQuery = 12,
    ManageQuery = 13,
    ManageSubscription = 14,
    Monitor = 15,
    CopyShard = 16,
    KapacitorAPI = 17,
    KapacitorConfigAPI = 18,
}

/// Name of number 0. It stands for no permission, so it is taken and never sent.
const NO_PERMISSIONS: &str = "NoPermissions";

impl Permission {
    /// All permissions, ascending by number.
    pub const ALL: [Self; 18] = [
        Self::ViewAdmin,
        Self::ViewChronograf,
        Self::CreateDatabase,
        Self::CreateUserAndRole,
        Self::AddRemoveNode,
        Self::DropDatabase,
        Self::DropData,
        Self::ReadData,
        Self::WriteData,
        Self::Rebalance,
        Self::ManageShard,
        Self::ManageContinuousQuery,
        Self::ManageQuery,
        Self::ManageSubscription,
        Self::Monitor,
        Self::CopyShard,
        Self::KapacitorAPI,
        Self::KapacitorConfigAPI,
    ];

    /// Documented name, which clients compare exactly.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ViewAdmin => "ViewAdmin",
            Self::ViewChronograf => "ViewChronograf",
            Self::CreateDatabase => "CreateDatabase",
            Self::CreateUserAndRole => "CreateUserAndRole",
            Self::AddRemoveNode => "AddRemoveNode",
            Self::DropDatabase => "DropDatabase",
            Self::DropData => "DropData",
            Self::ReadData => "ReadData",
            Self::WriteData => "WriteData",
            Self::Rebalance => "Rebalance",
            Self::ManageShard => "ManageShard",
            Self::ManageContinuousQuery => "ManageContinuousQuery",
            Self::ManageQuery => "ManageQuery",
            Self::ManageSubscription => "ManageSubscription",
            Self::Monitor => "Monitor",
            Self::CopyShard => "CopyShard",
            Self::KapacitorAPI => "KapacitorAPI",
            Self::KapacitorConfigAPI => "KapacitorConfigAPI",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    pub const NONE: Self = Self(0);
    /// All 18. An admin that the wire made has these.
    pub const ALL: Self = Self(Self::ADMIN.0 | Self::KAPACITOR);
    /// The 16 permissions of the cluster itself. Who has them for all databases is an admin.
    pub const ADMIN: Self = Self((Permission::KapacitorAPI.bit() - 1) & !1);
    /// The two permissions that the privileges READ and WRITE stand for.
    pub const DATA: Self = Self(Permission::ReadData.bit() | Permission::WriteData.bit());

    const KAPACITOR: u32 = Permission::KapacitorAPI.bit() | Permission::KapacitorConfigAPI.bit();

    /// Set of the permission with this name, empty for `NoPermissions`; `None` for any other word.
    pub fn named(name: &str) -> Option<Self> {
        if name == NO_PERMISSIONS {
            return Some(Self::NONE);
        }
        let mut all = Permission::ALL.into_iter();
        all.find(|known| known.name() == name).map(Self::from)
    }

    /// Inverse of [`Self::bits`]; `None` if a bit belongs to no permission.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    /// Bit n is set if permission n is in the set.
    pub const fn bits(self) -> u32 {
        self.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `others` are in the set.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Permissions of both sets.
    #[must_use]
    pub const fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Permissions, ascending by number: the documented order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.into_iter();
        all.filter(move |permission| self.0 & permission.bit() != 0)
    }
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        Self(permission.bit())
    }
}

impl FromIterator<Permissions> for Permissions {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        sets.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list that a genuine node sends for an admin (clients.md A0.1).
    const DOCUMENTED: &str = "ViewAdmin, ViewChronograf, CreateDatabase, CreateUserAndRole, \
        AddRemoveNode, DropDatabase, DropData, ReadData, WriteData, Rebalance, ManageShard, \
        ManageContinuousQuery, ManageQuery, ManageSubscription, Monitor, CopyShard, KapacitorAPI, \
        KapacitorConfigAPI";

    #[test]
    fn names_stand_in_the_documented_order() {
        let names: Vec<_> = Permissions::ALL.iter().map(Permission::name).collect();
        assert_eq!(names.join(", "), DOCUMENTED);
        assert_eq!(Permissions::ADMIN.iter().count(), 16);
        for (at, permission) in Permission::ALL.into_iter().enumerate() {
            assert_eq!(permission as usize, at + 1, "{permission}");
        }
    }

    #[test]
    fn a_name_is_a_permission_only_as_it_is_documented() {
        for permission in Permission::ALL {
            let found = Permissions::named(permission.name());
            assert_eq!(found, Some(permission.into()), "{permission}");
        }
        assert_eq!(Permissions::named("NoPermissions"), Some(Permissions::NONE));
        for word in [
            "",
            "readdata",
            "ReadData ",
            "ManageContnuousQuery",
            "9",
            "ALL",
        ] {
            assert_eq!(Permissions::named(word), None, "{word:?}");
        }
    }

    #[test]
    fn bits_of_no_permission_are_refused() {
        for bits in [0, 2, 1 << 18, Permissions::ALL.bits()] {
            let set = Permissions::from_bits(bits).expect("permissions");
            assert_eq!(set.bits(), bits);
        }
        for bits in [1, 3, 1 << 19, u32::MAX] {
            assert_eq!(Permissions::from_bits(bits), None, "{bits:#x}");
        }
    }
}
