//! Log entries and a catalog state of format 6: roles, and permissions beyond privileges.

use influxdb_meta::base::{ClusterId, Name, Text, UnixNanos};
use influxdb_meta::catalog::{
    Catalog, Cluster, Database, Permission, Permissions, Role, Scopes, User,
};
use influxdb_meta::machine::{
    AddUser, Change, ChangeMembers, ChangePermissions, CreateRole, Holder, InternalCommand,
};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state as wire_state;

use super::super::{files, read};

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);
const STATE: &str = "compat/v6/state-roles.bin";

fn entries() -> [(&'static str, InternalCommand); 8] {
    let name = |name: &str| Name::from(name);
    let members = |names: &[&str]| names.iter().map(|user| (name(user), ())).collect();
    let permissions = || -> Scopes {
        let sets = [
            (name(""), Permissions::ALL),
            (name("db"), Permissions::DATA),
            (name("other"), Permission::Monitor.into()),
        ];
        sets.into_iter().collect()
    };
    let change = |holder, change| {
        InternalCommand::ChangePermissions(ChangePermissions {
            holder,
            change,
            permissions: permissions(),
        })
    };
    let change_members = |change| {
        InternalCommand::ChangeMembers(ChangeMembers {
            role: name("r"),
            change,
            users: members(&["u", "v"]),
        })
    };
    [
        ("entry-add-members.bin", change_members(Change::Add)),
        (
            "entry-add-permissions-of-role.bin",
            change(Holder::Role(name("r")), Change::Add),
        ),
        (
            "entry-add-permissions-of-user.bin",
            change(Holder::User(name("u")), Change::Add),
        ),
        (
            "entry-add-user.bin",
            InternalCommand::AddUser(AddUser {
                name: name("u"),
                hash: Text::from("$2a$10$hash"),
                permissions: permissions(),
            }),
        ),
        (
            "entry-create-role.bin",
            InternalCommand::CreateRole(CreateRole {
                name: name("r"),
                permissions: permissions(),
                users: members(&["u"]),
            }),
        ),
        (
            "entry-drop-role.bin",
            InternalCommand::DropRole { name: name("r") },
        ),
        ("entry-remove-members.bin", change_members(Change::Remove)),
        (
            "entry-remove-permissions.bin",
            change(Holder::User(name("u")), Change::Remove),
        ),
    ]
}

/// A database, two users and two roles, with every permission somewhere.
fn state() -> Catalog {
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        content_index: 41,
        last_at: AT,
        cluster: Some(Cluster {
            id: ClusterId([0xc1; 16]),
            name: "prod".to_owned(),
            with_secret: false,
            feature_level: 6,
        }),
        ..Catalog::default()
    };
    let db = Name::from("db");
    catalog.replace_databases([Database {
        name: db.clone(),
        default_retention_policy: Name::default(),
        retention_policies: Vec::new(),
        continuous_queries: Vec::new(),
    }]);
    let scopes = |general: Permissions, of_db: Permissions| -> Scopes {
        let sets = [(Name::default(), general), (db.clone(), of_db)];
        sets.into_iter().collect()
    };
    let beyond = Permissions::ALL.without(Permissions::DATA);
    for (name, admin, general) in [
        ("root", true, Permissions::ADMIN),
        ("ann", false, Permissions::DATA),
    ] {
        catalog.users.insert(User {
            name: Name::from(name),
            hash: Text::from("$2a$10$hash"),
            admin,
            privileges: [(db.clone(), 3)].into_iter().collect(),
            beyond: scopes(general, beyond),
        });
    }
    for (name, users) in [
        ("gone", &["ann"][..]),
        ("r", &["ann", "root"]),
        ("empty", &[]),
    ] {
        let users = users.iter().map(|user| (Name::from(*user), ()));
        catalog.roles.insert(Role {
            name: Name::from(name),
            permissions: scopes(Permissions::ALL, Permissions::DATA),
            users: users.collect(),
        });
    }
    catalog.roles.remove(&Name::from("gone"));
    catalog
}

#[test]
fn the_entries_of_format_6_are_read_and_written() {
    for (file, command) in entries() {
        let bytes = read(&format!("compat/v6/{file}"));
        let written = envelope::encode(AT, true, &Body::from(command.clone()));
        assert_eq!(
            written.escape_ascii().to_string(),
            bytes.escape_ascii().to_string(),
            "{file}"
        );
        let read = envelope::decode(&bytes).expect("an entry");
        assert_eq!(read.command, command.into(), "{file}");
    }
}

#[test]
fn the_state_of_format_6_is_read_and_written() {
    let bytes = read(STATE);
    assert_eq!(
        wire_state::encode(&state()).escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    let catalog = wire_state::decode(&bytes).expect("a state");
    assert_eq!(catalog, state());
    assert_eq!(catalog.check(), Ok(()));
}

#[test]
fn no_frozen_file_is_left_out() {
    let frozen = files("compat/v6", ".bin").into_iter().map(|(path, _)| path);
    let entries = entries().map(|(file, _)| format!("compat/v6/{file}"));
    let named = entries.into_iter().chain([STATE.to_owned()]);
    assert_eq!(frozen.collect::<Vec<_>>(), named.collect::<Vec<_>>());
}
