//! All databases: in insertion order, which the wire shows, and by name.

use std::sync::Arc;

use super::Database;
use crate::base::Name;

/// Databases in insertion order, found by name in O(log n). Keys are insertion numbers, never reused.
///
/// The name of a database never changes, so the two maps agree as long as only these methods touch them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Databases {
    pub(super) by_order: imbl::OrdMap<u64, Arc<Database>>,
    pub(super) by_name: imbl::OrdMap<Name, u64>,
    pub(super) next: u64,
}

/// Two entries of one name, or of one insertion number, or a number that was not given out yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("database {name:?} with insertion number {order} clashes with another entry")]
pub struct DuplicateDatabase {
    name: Name,
    order: u64,
}

impl Databases {
    pub fn len(&self) -> usize {
        self.by_order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_order.is_empty()
    }

    pub fn get(&self, name: &Name) -> Option<&Database> {
        let order = self.by_name.get(name)?;
        self.by_order.get(order).map(Arc::as_ref)
    }

    /// In insertion order.
    pub fn iter(&self) -> impl Iterator<Item = &Database> {
        self.by_order.values().map(Arc::as_ref)
    }

    /// Adds at the end; `false`, and no change, when the name is taken.
    pub fn insert(&mut self, database: Database) -> bool {
        if self.by_name.contains_key(&database.name) {
            return false;
        }
        self.by_name.insert(database.name.clone(), self.next);
        self.by_order.insert(self.next, Arc::new(database));
        self.next += 1;
        true
    }

    pub fn remove(&mut self, name: &Name) -> Option<Arc<Database>> {
        let order = self.by_name.remove(name)?;
        self.by_order.remove(&order)
    }

    /// Changes a database in place, leaving the copies that clones hold as they are.
    /// `change` must not touch the name.
    pub fn update<R>(&mut self, name: &Name, change: impl FnOnce(&mut Database) -> R) -> Option<R> {
        let order = self.by_name.get(name)?;
        self.by_order.get_mut(order).map(|database| change(Arc::make_mut(database)))
    }

    /// For a snapshot: each database with its insertion number, ascending, and the next number.
    pub fn numbered(&self) -> (impl Iterator<Item = (u64, &Database)>, u64) {
        (self.by_order.iter().map(|(order, database)| (*order, database.as_ref())), self.next)
    }

    /// The inverse of [`Self::numbered`].
    ///
    /// # Errors
    /// When the entries do not fit together: nothing is dropped in silence.
    pub fn from_numbered(
        entries: impl IntoIterator<Item = (u64, Database)>,
        next: u64,
    ) -> Result<Self, DuplicateDatabase> {
        let mut databases = Self { next, ..Self::default() };
        for (order, database) in entries {
            let name = database.name.clone();
            let taken = databases.by_name.insert(name.clone(), order).is_some()
                || databases.by_order.insert(order, Arc::new(database)).is_some();
            if taken || order >= next {
                return Err(DuplicateDatabase { name, order });
            }
        }
        Ok(databases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(name: &str) -> Database {
        Database {
            name: Name::from(name),
            default_retention_policy: Name::default(),
            retention_policies: Vec::new(),
        }
    }

    fn names(databases: &Databases) -> Vec<String> {
        databases.iter().map(|database| database.name.to_string()).collect()
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
        assert_eq!(names(&databases), ["b", "a", "c"], "what comes back comes last");
        assert_eq!(databases.len(), 3);
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut databases = Databases::default();
        databases.insert(database("a"));
        let before = databases.clone();
        databases.update(&Name::from("a"), |a| a.default_retention_policy = Name::from("rp"));
        databases.insert(database("b"));

        assert_eq!(names(&before), ["a"]);
        assert!(before.get(&Name::from("a")).expect("a").default_retention_policy.is_empty());
        assert_eq!(databases.get(&Name::from("a")).expect("a").default_retention_policy, Name::from("rp"));
        assert_eq!(databases.update(&Name::from("x"), |_| ()), None);
    }

    #[test]
    fn numbers_survive_a_round_trip_and_clashes_do_not() {
        let mut databases = Databases::default();
        for name in ["a", "b", "c"] {
            databases.insert(database(name));
        }
        databases.remove(&Name::from("b"));
        let (entries, next) = databases.numbered();
        let entries: Vec<_> = entries.map(|(order, database)| (order, database.clone())).collect();
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
