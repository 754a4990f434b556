//! Where events go, and items when they are done.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::frame::{Frame, ItemOut, write};
use super::ids::Ids;

/// Numbers events and items, and keeps the items for the whole answer at the end.
#[derive(Debug)]
pub(super) struct Events {
    ids: Ids,
    next: u64,
    /// Whether only the whole answer is wanted.
    silent: bool,
    /// The items by their place; those not done yet are missing.
    items: Vec<Option<Box<RawValue>>>,
}

impl Events {
    /// No event is written yet.
    pub(super) fn new(ids: Ids, silent: bool) -> Self {
        Self { ids, next: 0, silent, items: Vec::new() }
    }

    /// Whether only the whole answer is wanted.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// The number of the next event.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Writes an event of a type.
    pub(super) fn write(&mut self, kind: &'static str, frame: Frame<'_>, out: &mut Vec<u8>) {
        if !self.silent {
            let sequence_number = self.number();
            write(kind, &Frame { kind, sequence_number, ..frame }, out);
        }
    }

    /// The place of an item that begins, and its id.
    pub(super) fn begin(&mut self, prefix: &str) -> (usize, String) {
        let place = self.items.len();
        self.items.push(None);
        (place, self.ids.item(prefix, place))
    }

    /// Tells that an item begins.
    pub(super) fn added(&mut self, place: usize, item: ItemOut<'_>, out: &mut Vec<u8>) {
        let frame = Frame { output_index: Some(place), item: Some(item), ..Frame::default() };
        self.write("response.output_item.added", frame, out);
    }

    /// Tells that an item is done, and keeps it.
    pub(super) fn done(&mut self, place: usize, item: &impl Serialize, out: &mut Vec<u8>) {
        let Ok(item) = to_raw_value(item) else { return };
        let done = Some(ItemOut::Done(&item));
        let frame = Frame { output_index: Some(place), item: done, ..Frame::default() };
        self.write("response.output_item.done", frame, out);
        if let Some(slot) = self.items.get_mut(place) {
            *slot = Some(item);
        }
    }

    /// How many bytes the items take that are done.
    pub(super) fn size(&self) -> usize {
        self.items.iter().flatten().map(|item| item.get().len() + 1).sum()
    }

    /// The items that are done, in order.
    pub(super) fn items(&self) -> Vec<&RawValue> {
        self.items.iter().filter_map(Option::as_deref).collect()
    }
}
