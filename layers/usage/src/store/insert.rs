use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

/// A statement that inserts many rows at once, which is several times as fast as one after the other.
///
/// It is made for powers of two of rows, so that few texts have to be prepared.
#[derive(Debug)]
pub(super) struct Insert {
    before: String,
    columns: usize,
    after: String,
    placeholder: Placeholder,
    texts: [OnceLock<Arc<str>>; SIZES],
}

/// How a database writes its parameters.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(any(test, all(feature = "sqlite", feature = "postgres"))),
    expect(dead_code, reason = "one each")
)]
pub(super) enum Placeholder {
    /// `?`: of those that are numbered, SQLite searches a list for each.
    Question,
    /// `$1`, as PostgreSQL wants them.
    Dollar,
}

impl Insert {
    /// Inserts these columns into a table; `after` says what becomes of rows that are there already.
    pub(super) fn new(placeholder: Placeholder, table: &str, columns: &[&str], after: &str) -> Self {
        Self {
            before: format!("INSERT INTO {table} ({}) VALUES ", columns.join(", ")),
            columns: columns.len(),
            after: format!(" {after}"),
            placeholder,
            texts: Default::default(),
        }
    }

    /// How many of so many rows are inserted by the next statement, and that statement.
    pub(super) fn next(&self, rows: usize) -> (usize, Arc<str>) {
        let power = rows.max(1).ilog2().min(LARGEST);
        let rows = 1_usize << power;
        let slot = self.texts.get(usize::try_from(power).unwrap_or_default());
        let text = slot.map_or_else(|| self.text(rows), |slot| slot.get_or_init(|| self.text(rows)).clone());
        (rows, text)
    }

    fn text(&self, rows: usize) -> Arc<str> {
        let mut text = self.before.clone();
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { "), (" });
            for column in 0..self.columns {
                let comma = if column == 0 { "" } else { "," };
                // Writing to a string cannot fail.
                let _ = match self.placeholder {
                    Placeholder::Question => write!(text, "{comma}?"),
                    Placeholder::Dollar => write!(text, "{comma}${}", row * self.columns + column + 1),
                };
            }
        }
        text.push(')');
        text.push_str(&self.after);
        text.into()
    }
}

/// The largest power of two of rows: with 32 columns a third of what PostgreSQL takes as parameters, and a
/// quarter of what SQLite takes.
const LARGEST: u32 = 7;
const SIZES: usize = LARGEST as usize + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_inserted_by_powers_of_two() {
        let insert = Insert::new(Placeholder::Dollar, "t", &["a", "b"], "ON CONFLICT DO NOTHING");
        let text = "INSERT INTO t (a, b) VALUES ($1,$2), ($3,$4) ON CONFLICT DO NOTHING";
        assert_eq!(insert.next(3), (2, text.into()));
        assert_eq!(insert.next(1000).0, 128);
        let insert = Insert::new(Placeholder::Question, "t", &["a"], "");
        assert_eq!(insert.next(1), (1, "INSERT INTO t (a) VALUES (?) ".into()));
    }
}
