//! What policy needs of a request, read in one pass over its bytes.
//!
//! The body is validated as JSON in UTF-8 on the way, so that what is relayed is at least that.
//! Nothing is built or copied but the list of top-level members. Where a key stands more than once
//! the last one wins, as in the parsers of Python, JavaScript and serde.

mod fault;
mod fields;
mod foreign;
mod read;

use std::{borrow::Cow, ops::Range, sync::Arc};

use bytes::Bytes;
use tollway_core::{Dialect, Endpoint, Operation};

use crate::{
    Refusal,
    scan::{Member, Scanner},
};

/// The most top-level members of a request. No API has a hundred; more would only cost memory.
pub const MAX_MEMBERS: usize = 4096;

/// A request body and what was read of it.
#[derive(Clone, Debug)]
pub struct Peek {
    body: Bytes,
    /// Where the object's opening brace stands.
    open: usize,
    members: Vec<Member>,
    dialect: Dialect,
    endpoint: Endpoint,
    model: Model,
    stream: bool,
    include_usage: Option<bool>,
    n: Option<u64>,
}

/// Where the model is named.
#[derive(Clone, Debug)]
enum Model {
    /// In the body, by the place among the members.
    Member(usize),
    Path(Arc<str>),
}

impl Peek {
    /// Reads the body of a request for an operation. Keeps a reference to the bytes, no copy.
    pub fn new(operation: &Operation, body: Bytes) -> Result<Self, Refusal> {
        let (open, members) = outline(&body)?;
        let fields = fields::Fields::read(operation, &body, &members)?;
        let model = match (&operation.model, fields.model) {
            (Some(model), None) => Model::Path(model.clone()),
            (_, place) => Model::Member(place.unwrap_or(usize::MAX)),
        };
        Ok(Self {
            open,
            members,
            dialect: operation.dialect,
            endpoint: operation.endpoint,
            model,
            stream: fields.stream,
            include_usage: fields.include_usage,
            n: fields.n,
            body,
        })
    }

    /// Reads a body for its members alone.
    pub(crate) fn of_members(body: Bytes) -> Result<Self, Refusal> {
        let (open, members) = outline(&body)?;
        Ok(Self {
            open,
            members,
            dialect: Dialect::Anthropic,
            endpoint: Endpoint::Chat,
            model: Model::Member(usize::MAX),
            stream: false,
            include_usage: None,
            n: None,
            body,
        })
    }

    /// The format the client speaks.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What is asked for.
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// The model as the client named it, in the body or in the path.
    pub fn model(&self) -> Cow<'_, str> {
        let place = match &self.model {
            Model::Path(model) => return Cow::Borrowed(model),
            Model::Member(place) => *place,
        };
        let raw = self.members.get(place).and_then(|member| self.body.get(member.value.clone()));
        raw.and_then(crate::scan::unquote).unwrap_or_default()
    }

    /// Whether the client asked for a stream.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// `stream_options.include_usage`, if the client sent it.
    pub const fn include_usage(&self) -> Option<bool> {
        self.include_usage
    }

    /// How many answers the client asked for, if it said so.
    pub const fn n(&self) -> Option<u64> {
        self.n
    }

    /// The body as it came.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The top-level members in order, duplicates too: the bounds in the body of each key (quotes
    /// included) and value.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (Range<usize>, Range<usize>)> + '_ {
        self.members.iter().map(|member| (member.key.clone(), member.value.clone()))
    }

    /// The raw value of a top-level member; the last one's where there are several.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        let member = self.members.iter().rfind(|member| member.is(&self.body, name))?;
        self.body.get(member.value.clone())
    }

    /// The places among [`members`](Self::members) of the members of a name, in order.
    pub fn places<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let members = self.members.iter().enumerate();
        members.filter(move |(_, member)| member.is(&self.body, name)).map(|(place, _)| place)
    }

    pub(crate) fn parts(&self) -> &[Member] {
        &self.members
    }

    /// Where the first member would begin in an object that has none.
    pub(crate) const fn inside(&self) -> usize {
        self.open + 1
    }
}

/// The place of the opening brace, and the members.
fn outline(body: &[u8]) -> Result<(usize, Vec<Member>), Refusal> {
    let mut scanner = Scanner::new(body, 0);
    scanner.space();
    let open = scanner.at();
    match body.get(open) {
        None => return Err(fault::empty()),
        Some(b'{') => {}
        Some(_) => return Err(fault::not_an_object(body, open)),
    }
    if let Err(error) = std::str::from_utf8(body) {
        return Err(fault::not_utf8(body, error.valid_up_to()));
    }
    let mut members = Vec::with_capacity(16);
    let mut over = false;
    let read = scanner.object(|member| {
        if members.len() < MAX_MEMBERS {
            members.push(member);
        } else {
            over = true;
        }
    });
    if let Err(fault) = read.and_then(|()| scanner.end()) {
        return Err(fault::not_json(body, fault));
    }
    if over { Err(fault::too_many_members()) } else { Ok((open, members)) }
}

#[cfg(test)]
mod tests;
