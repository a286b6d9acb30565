//! Named entries in insertion order, which the wire shows, with look-up by name.

use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

use crate::base::Name;

/// An entry of an [`Ordered`]. Its name never changes.
pub trait Named: Clone {
    fn name(&self) -> &Name;

    /// Bytes that the entry counts in the size of the catalog.
    fn size(&self) -> u64;
}

/// Entries in insertion order, found by name in O(log n). Keys are insertion numbers, never reused.
///
/// The name of an entry never changes, so the two maps agree as long as only these methods change
/// them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T> {
    pub(super) by_order: imbl::OrdMap<u64, Arc<T>>,
    pub(super) by_name: imbl::OrdMap<Name, u64>,
    pub(super) next: u64,
    /// Sum of the sizes of the entries.
    size: u64,
    changes: Changes,
}

/// Number of entries added, changed or removed. It is no part of the value: a copy restored from a
/// snapshot starts at 0, and is equal to the original.
#[derive(Clone, Copy, Debug, Default)]
struct Changes(u64);

impl PartialEq for Changes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self {
            by_order: imbl::OrdMap::new(),
            by_name: imbl::OrdMap::new(),
            next: 0,
            size: 0,
            changes: Changes::default(),
        }
    }
}

/// An entry with the name or the insertion number of another one, or with a number that was not
/// given out yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} with insertion number {order} clashes with another entry")]
pub struct Clash {
    name: Name,
    order: u64,
}

impl<T: Named> Ordered<T> {
    pub fn len(&self) -> usize {
        self.by_order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_order.is_empty()
    }

    pub fn get(&self, name: &Name) -> Option<&T> {
        self.by_order(self.order_of(name)?)
    }

    /// The entry whose name comes next in the order of names; behind the last one comes the first.
    pub fn next_by_name(&self, name: &Name) -> Option<&T> {
        let mut behind = self
            .by_name
            .range((Bound::Excluded(name.clone()), Bound::Unbounded));
        let next = behind.next().or_else(|| self.by_name.iter().next());
        next.and_then(|(_, order)| self.by_order(*order))
    }

    /// Insertion number of the entry with this name.
    pub fn order_of(&self, name: &Name) -> Option<u64> {
        self.by_name.get(name).copied()
    }

    pub fn by_order(&self, order: u64) -> Option<&T> {
        self.by_order.get(&order).map(Arc::as_ref)
    }

    /// Entries in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.by_order.values().map(Arc::as_ref)
    }

    /// Entry that was inserted last.
    pub fn last(&self) -> Option<&T> {
        self.by_order.get_max().map(|(_, last)| last.as_ref())
    }

    /// Entries with their insertion numbers, ascending. If a pointer is the same as before, the
    /// entry is unchanged, whatever number of commands was applied in between.
    pub fn shared(&self) -> impl Iterator<Item = (u64, &Arc<T>)> {
        self.by_order.iter().map(|(order, entry)| (*order, entry))
    }

    /// Same as [`Self::shared`], from this insertion number on.
    pub fn shared_from(&self, order: u64) -> impl Iterator<Item = (u64, &Arc<T>)> {
        self.by_order
            .range(order..)
            .map(|(order, entry)| (*order, entry))
    }

    /// Adds an entry at the end. Returns `false`, without a change, if the name is taken.
    pub fn insert(&mut self, entry: T) -> bool {
        if self.by_name.contains_key(entry.name()) {
            return false;
        }
        self.by_name.insert(entry.name().clone(), self.next);
        self.size += entry.size();
        self.by_order.insert(self.next, Arc::new(entry));
        self.next += 1;
        self.changes.0 += 1;
        true
    }

    pub fn remove(&mut self, name: &Name) -> Option<Arc<T>> {
        let order = self.by_name.remove(name)?;
        self.changes.0 += 1;
        let removed = self.by_order.remove(&order)?;
        self.size -= removed.size();
        Some(removed)
    }

    /// Replaces all entries by these. They get new insertion numbers, so a number that was kept
    /// elsewhere never names another entry. If two have one name, the first stays.
    pub fn replace_all(&mut self, entries: impl IntoIterator<Item = T>) {
        self.changes.0 += u64::from(!self.is_empty());
        self.by_order.clear();
        self.by_name.clear();
        self.size = 0;
        for entry in entries {
            self.insert(entry);
        }
    }

    /// Changes an entry in place; copies in clones stay as they are. `change` must not touch the
    /// name. Measures the whole entry, which costs no more than the copy that a shared entry needs.
    pub fn update<R>(&mut self, name: &Name, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.update_sized(name, |entry| {
            let before = entry.size();
            let result = change(entry);
            (result, entry.size().wrapping_sub(before).cast_signed())
        })
    }

    /// Same as [`Self::update`], for changes that know by how many bytes the entry grows: the entry
    /// is not measured.
    pub fn update_sized<R>(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut T) -> (R, i64),
    ) -> Option<R> {
        let order = self.by_name.get(name)?;
        self.changes.0 += 1;
        let entry = self.by_order.get_mut(order)?;
        let (result, grown) = change(Arc::make_mut(entry));
        self.size = self.size.wrapping_add_signed(grown);
        Some(result)
    }

    /// Size of all entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn computed_size(&self) -> u64 {
        self.iter().map(T::size).sum()
    }

    /// Number of changes so far. If it is equal before and after, nothing was changed in between.
    pub fn changes(&self) -> u64 {
        self.changes.0
    }

    /// Entries with their insertion numbers, ascending, and the next number, for a snapshot.
    pub fn numbered(&self) -> (impl Iterator<Item = (u64, &T)>, u64) {
        (
            self.by_order
                .iter()
                .map(|(order, entry)| (*order, entry.as_ref())),
            self.next,
        )
    }

    /// Inverse of [`Self::numbered`].
    ///
    /// # Errors
    /// [`Clash`] if the entries do not fit together: nothing is dropped silently.
    pub fn from_numbered(
        entries: impl IntoIterator<Item = (u64, T)>,
        next: u64,
    ) -> Result<Self, Clash> {
        let mut ordered = Self {
            next,
            ..Self::default()
        };
        for (order, entry) in entries {
            let name = entry.name().clone();
            ordered.size += entry.size();
            let taken = ordered.by_name.insert(name.clone(), order).is_some()
                || ordered.by_order.insert(order, Arc::new(entry)).is_some();
            if taken || order >= next {
                return Err(Clash { name, order });
            }
        }
        Ok(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Database, Databases};

    fn database(name: &str) -> Database {
        Database {
            name: Name::from(name),
            default_retention_policy: Name::default(),
            retention_policies: Vec::new(),
            continuous_queries: Vec::new(),
        }
    }

    fn names(databases: &Databases) -> Vec<String> {
        databases
            .iter()
            .map(|database| database.name.to_string())
            .collect()
    }

    #[test]
    fn keep_the_order_of_insertion() {
        let mut databases = Databases::default();
        for name in ["b", "c", "a"] {
            assert!(databases.insert(database(name)));
        }
        assert!(!databases.insert(database("c")), "a name is taken once");
        assert_eq!(names(&databases), ["b", "c", "a"]);

        databases.remove(&Name::from("c")).expect("was there");
        assert_eq!(databases.remove(&Name::from("c")), None);
        databases.insert(database("c"));
        assert_eq!(
            names(&databases),
            ["b", "a", "c"],
            "what comes back comes last"
        );
        assert_eq!(databases.len(), 3);
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut databases = Databases::default();
        databases.insert(database("a"));
        let before = databases.clone();
        databases.update(&Name::from("a"), |a| {
            a.default_retention_policy = Name::from("rp")
        });
        databases.insert(database("b"));

        assert_eq!(names(&before), ["a"]);
        assert!(
            before
                .get(&Name::from("a"))
                .expect("a")
                .default_retention_policy
                .is_empty()
        );
        assert_eq!(
            databases
                .get(&Name::from("a"))
                .expect("a")
                .default_retention_policy,
            Name::from("rp")
        );
        assert_eq!(databases.update(&Name::from("x"), |_| ()), None);
    }

    #[test]
    fn the_next_name_goes_round() {
        let mut databases = Databases::default();
        assert_eq!(databases.next_by_name(&Name::from("a")), None);
        for name in ["m", "c", "x"] {
            databases.insert(database(name));
        }
        for (name, next) in [("a", "c"), ("c", "m"), ("d", "m"), ("x", "c"), ("z", "c")] {
            let found = databases.next_by_name(&Name::from(name)).expect("one");
            assert_eq!(found.name, Name::from(next), "behind {name}");
        }
    }

    #[test]
    fn what_changes_is_counted_and_nothing_else() {
        let mut databases = Databases::default();
        let mut counted = |change: fn(&mut Databases)| {
            let (before, value) = (databases.changes(), databases.clone());
            change(&mut databases);
            assert_eq!(databases.changes() == before, databases == value);
            databases.changes() != before
        };
        assert!(!counted(|all| all.replace_all([])));
        assert!(counted(|all| _ = all.insert(database("a"))));
        assert!(!counted(|all| _ = all.insert(database("a"))));
        assert!(counted(|all| _ = all
            .update(&Name::from("a"), |a| a.default_retention_policy =
                Name::from("rp"))));
        assert!(!counted(|all| _ = all.update(&Name::from("x"), |_| ())));
        assert!(!counted(|all| _ = all.remove(&Name::from("x"))));
        assert!(counted(|all| all.replace_all([database("a")])));
        assert!(counted(|all| _ = all.remove(&Name::from("a"))));
        assert!(!counted(|all| all.replace_all([])));
    }

    /// A copy made from a snapshot has another count, and is equal all the same.
    #[test]
    fn the_count_is_no_part_of_the_value() {
        let mut lived = Databases::default();
        lived.insert(database("a"));
        lived.update(&Name::from("a"), |_| ());
        let (entries, next) = lived.numbered();
        let entries: Vec<_> = entries
            .map(|(order, database)| (order, database.clone()))
            .collect();
        assert_eq!(Databases::from_numbered(entries, next), Ok(lived));
    }

    #[test]
    fn numbers_survive_a_round_trip_and_clashes_do_not() {
        let mut databases = Databases::default();
        for name in ["a", "b", "c"] {
            databases.insert(database(name));
        }
        databases.remove(&Name::from("b"));
        let (entries, next) = databases.numbered();
        let entries: Vec<_> = entries
            .map(|(order, database)| (order, database.clone()))
            .collect();
        assert_eq!(Databases::from_numbered(entries, next), Ok(databases));

        for (entries, next) in [
            (vec![(0, database("a")), (1, database("a"))], 2),
            (vec![(0, database("a")), (0, database("b"))], 2),
            (vec![(2, database("a"))], 2),
        ] {
            assert!(Databases::from_numbered(entries, next).is_err());
        }
    }
}
