//! Constructors of keys: a function for each kind of value, which fixes the type that
//! `Settings::get` returns.

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Secret;
use crate::base::Address;
use crate::config::key::{Key, ValueKind};
use crate::config::setting::{Bind, Choice};

pub(super) const fn boolean(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<bool> {
    Key::new(section, name, ValueKind::Bool, default, help)
}

pub(super) const fn text(
    section: &'static str,
    name: &'static str,
    help: &'static str,
) -> Key<Option<String>> {
    Key::new(section, name, ValueKind::Text, "", help)
}

pub(super) const fn secret(
    section: &'static str,
    name: &'static str,
    help: &'static str,
) -> Key<Option<Secret>> {
    Key::new(section, name, ValueKind::Text, "", help).secret()
}

pub(super) const fn path(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<PathBuf> {
    Key::new(section, name, ValueKind::Text, default, help)
}

pub(super) const fn host(
    section: &'static str,
    name: &'static str,
    help: &'static str,
) -> Key<Option<String>> {
    Key::new(section, name, ValueKind::Host, "", help)
}

pub(super) const fn bind(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<Bind> {
    Key::new(section, name, ValueKind::Bind, default, help)
}

pub(super) const fn addresses(
    section: &'static str,
    name: &'static str,
    port: u16,
    help: &'static str,
) -> Key<Vec<Address>> {
    Key::new(section, name, ValueKind::Addresses { port }, "", help)
}

pub(super) const fn texts(
    section: &'static str,
    name: &'static str,
    help: &'static str,
) -> Key<Vec<String>> {
    Key::new(section, name, ValueKind::Texts, "", help)
}

pub(super) const fn count(
    section: &'static str,
    name: &'static str,
    help: &'static str,
) -> Key<Option<u64>> {
    Key::new(section, name, ValueKind::Count, "", help)
}

/// `at_least` is the lowest allowed value, in milliseconds.
pub(super) const fn duration(
    section: &'static str,
    name: &'static str,
    at_least: u64,
    default: &'static str,
    help: &'static str,
) -> Key<Duration> {
    let at_least = Duration::from_millis(at_least);
    Key::new(
        section,
        name,
        ValueKind::Duration { at_least },
        default,
        help,
    )
}

/// `at_least` and `at_most` are in bytes.
pub(super) const fn size(
    section: &'static str,
    name: &'static str,
    at_least: u64,
    at_most: u64,
    default: &'static str,
    help: &'static str,
) -> Key<u64> {
    let kind = ValueKind::Size { at_least, at_most };
    Key::new(section, name, kind, default, help)
}

pub(super) const fn choice<T: Choice>(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<T> {
    Key::new(section, name, ValueKind::Choice(T::WORDS), default, help)
}

/// A choice that nothing in this program reads.
pub(super) const fn one_of(
    section: &'static str,
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> Key<Option<String>> {
    Key::new(section, name, ValueKind::Choice(words), default, help)
}

pub(super) const fn password_hash(
    section: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Key<Option<String>> {
    Key::new(section, name, ValueKind::PasswordHash, default, help)
}
