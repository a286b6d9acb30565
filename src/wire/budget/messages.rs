//! Fields of the messages of commands, as far as the cost depends on them (wire.md 3.3 and 2).

use super::Element;
use crate::wire::execute::SET_DATA_TYPE;

/// A message: the element that one of it is, and its known fields.
pub(super) struct Message {
    pub(super) element: Option<Element>,
    fields: &'static [(u32, Kind)],
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Number,
    /// Repeated numbers, packed or not.
    Numbers(Element),
    Bytes,
    /// Repeated bytes.
    Texts(Element),
    Message(&'static Message),
    /// A message that is not decoded.
    Ignored(&'static Message),
}

impl Message {
    pub(super) fn kind(&self, number: u32) -> Option<Kind> {
        let found = self.fields.iter().find(|(known, _)| *known == number);
        found.map(|(_, kind)| *kind)
    }
}

/// Returns the message of the payload of a type, if it has elements; `None` for a payload whose
/// cost is that of its bytes. A test checks that each type is either here or in its list.
pub(super) fn payload(number: u32) -> Option<&'static Message> {
    match number {
        3 => Some(&CREATE_DATABASE),
        5 => Some(&CREATE_RETENTION_POLICY),
        SET_DATA_TYPE => Some(&SET_DATA),
        21 => Some(&CREATE_SUBSCRIPTION),
        _ => None,
    }
}

/// Makes a message that is no element of its own.
const fn plain(fields: &'static [(u32, Kind)]) -> Message {
    Message {
        element: None,
        fields,
    }
}

const fn element(element: Element, fields: &'static [(u32, Kind)]) -> Message {
    Message {
        element: Some(element),
        fields,
    }
}

use Kind::{Bytes, Ignored, Number, Numbers, Texts};

static CREATE_DATABASE: Message = plain(&[(1, Bytes), (2, Kind::Message(&NEW_POLICY))]);

static CREATE_RETENTION_POLICY: Message =
    plain(&[(1, Bytes), (2, Kind::Message(&NEW_POLICY)), (3, Number)]);

static CREATE_SUBSCRIPTION: Message = plain(&[
    (1, Bytes),
    (2, Bytes),
    (3, Bytes),
    (4, Bytes),
    (5, Texts(Element::Destination)),
]);

static SET_DATA: Message = plain(&[(1, Kind::Message(&DATA))]);

pub(super) static DATA: Message = plain(&[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Kind::Message(&NODE)),
    (5, Kind::Message(&DATABASE)),
    (6, Kind::Message(&USER)),
    (7, Number),
    (8, Number),
    (9, Number),
    (10, Kind::Message(&NODE)),
    (11, Kind::Message(&NODE)),
]);

static NODE: Message = element(Element::Node, &[(1, Number), (2, Bytes), (3, Bytes)]);

pub(super) static DATABASE: Message = element(
    Element::Database,
    &[
        (1, Bytes),
        (2, Bytes),
        (3, Kind::Message(&POLICY)),
        (4, Kind::Message(&QUERY)),
    ],
);

pub(super) static POLICY: Message = element(
    Element::RetentionPolicy,
    &[
        (1, Bytes),
        (2, Number),
        (3, Number),
        (4, Number),
        (5, Kind::Message(&GROUP)),
        (6, Kind::Message(&SUBSCRIPTION)),
    ],
);

/// A policy of which only the values are read.
static NEW_POLICY: Message = element(
    Element::RetentionPolicy,
    &[
        (1, Bytes),
        (2, Number),
        (3, Number),
        (4, Number),
        (5, Ignored(&GROUP)),
        (6, Ignored(&SUBSCRIPTION)),
    ],
);

static GROUP: Message = element(
    Element::ShardGroup,
    &[
        (1, Number),
        (2, Number),
        (3, Number),
        (4, Number),
        (5, Kind::Message(&SHARD)),
        (6, Number),
    ],
);

static SHARD: Message = element(
    Element::Shard,
    &[
        (1, Number),
        (2, Numbers(Element::Owner)),
        (3, Kind::Message(&OWNER)),
    ],
);

static OWNER: Message = element(Element::Owner, &[(1, Number)]);

static SUBSCRIPTION: Message = element(
    Element::Subscription,
    &[(1, Bytes), (2, Bytes), (3, Texts(Element::Destination))],
);

static QUERY: Message = element(Element::ContinuousQuery, &[(1, Bytes), (2, Bytes)]);

static USER: Message = element(
    Element::User,
    &[
        (1, Bytes),
        (2, Bytes),
        (3, Number),
        (4, Kind::Message(&PRIVILEGE)),
    ],
);

static PRIVILEGE: Message = element(Element::Privilege, &[(1, Bytes), (2, Number)]);
