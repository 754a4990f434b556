mod column;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use self::column::{COLUMNS, Cell, cells};
use crate::page::Position;
use crate::time::day_start;
use crate::{Day, StoreError, UsageStore};

/// Every attempt of some days, one after the other, as text. Needs as much memory as a few hundred rows do.
///
/// Columns that the `FinOps` FOCUS specification has (1.4 of June 2026, dataset Cost and Usage) are named as
/// there and come first; the others begin with `x_`, as it asks for. Costs are what prices say: the
/// provider's invoice may differ. In CSV a text that a spreadsheet would take for a formula begins with an
/// apostrophe: clients and tokens name what they like. Times are those of attempts. Requests without any attempt are left out.
#[derive(Debug)]
pub struct Export {
    store: Arc<dyn UsageStore>,
    format: Format,
    position: Option<Position>,
    until: SystemTime,
    has_begun: bool,
}

/// How an [`Export`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values after RFC 4180, with a line of names first.
    Csv,
    /// An object of JSON on each line.
    JsonLines,
}

impl Format {
    /// What it is in HTTP.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl",
        }
    }
}

impl Export {
    /// Begins with one day and ends with another, both of them included.
    pub fn new(store: Arc<dyn UsageStore>, format: Format, from: Day, to: Day) -> Self {
        let position = Some(Position::at(day_start(from)));
        Self { store, format, position, until: day_start(to.plus(1)), has_begun: false }
    }

    /// The next piece of the text, whole lines; none at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut text = Vec::new();
        if !self.has_begun && self.format == Format::Csv {
            write_csv(&mut text, COLUMNS.iter().copied().map(Cow::Borrowed))?;
        }
        self.has_begun = true;
        while let Some(position) = self.position
            && text.len() < ENOUGH
        {
            let page = self.store.page(position, self.until, AT_ONCE).await?;
            self.position = page.next;
            for request in &page.requests {
                for (number, attempt) in request.attempts.iter().enumerate() {
                    let cells = cells(request, number, attempt);
                    match self.format {
                        Format::Csv => write_csv(&mut text, cells.iter().map(Cell::as_field))?,
                        Format::JsonLines => write_json(&mut text, &cells)?,
                    }
                }
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

fn write_csv<'c>(text: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'c, str>>) -> Result<(), StoreError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(text);
    cells
        .into_iter()
        .try_for_each(|cell| writer.write_field(&*cell))
        .and_then(|()| writer.write_record(None::<&[u8]>))
        .and_then(|()| writer.flush().map_err(csv::Error::from))
        .map_err(unwritable)
}

fn write_json(text: &mut Vec<u8>, cells: &[Cell]) -> Result<(), StoreError> {
    for (at, (name, cell)) in COLUMNS.iter().zip(cells).enumerate() {
        text.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        match cell {
            Cell::None => text.extend_from_slice(b"null"),
            Cell::Text(word) => serde_json::to_writer(&mut *text, word).map_err(unwritable)?,
            // Numbers as exact as they are, and what is JSON already.
            Cell::Raw(raw) => text.extend_from_slice(raw.as_bytes()),
        }
    }
    text.extend_from_slice(b"}\n");
    Ok(())
}

fn unwritable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// How many requests are read at once.
const AT_ONCE: u32 = 256;
/// How long a piece of text is, about.
const ENOUGH: usize = 64 * 1024;
