//! Byte strings of the wire, which need not be text.

use std::fmt;
use std::sync::Arc;

/// Defines a type of arbitrary bytes, cheap to clone. The wire does not check UTF-8 (wire.md 2,
/// wire.md Q40). Only JSON and logs show them as text, lossily.
macro_rules! byte_string {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<[u8]>);

        impl $name {
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
            pub fn len(&self) -> usize {
                self.0.len()
            }
        }

        impl<T: AsRef<[u8]> + ?Sized> From<&T> for $name {
            fn from(bytes: &T) -> Self {
                Self(bytes.as_ref().into())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Arc::from([].as_slice()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&String::from_utf8_lossy(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", String::from_utf8_lossy(&self.0))
            }
        }
    };
}

byte_string!(
    /// Name of a database, retention policy, user or other object of the catalog.
    Name
);
byte_string!(
    /// Bytes from data nodes that are not interpreted here: queries, password hashes, destinations,
    /// and their addresses, which are compared byte for byte (wire.md 0).
    Text
);
