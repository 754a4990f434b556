//! What SQLite and PostgreSQL have in common: all but how they are opened and how they write parameters.
//! The statements are the same, the types of rows and connections are not, and stating over both what they
//! can do would take more lines than this macro.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;
use super::insert::{Insert, Placeholder};
use super::parts::{MONTHLY, Part};
use crate::rollup::{DIMENSIONS, Series};
use crate::row::{AttemptRow, RequestRow, TOKENS};
use crate::sums::COUNTS;
use crate::{Day, Dimension, Filter, Order, QueryError, Sums, UsageQuery, UsageRow};
use tollway_core::Money;

/// Implements [`UsageStore`](super::UsageStore) for a type with a `pool`, a `writer`, a `migrator` and
/// known `series`.
macro_rules! usage_store {
    ($store:ident, $connection:ty, $row:ty, begin: $begin:expr, statements: $statements:expr) => {
        impl $store {
            async fn put(&self, batch: &Batch) -> Result<Written, StoreError> {
                let mut rollup = Rollup::of(batch);
                let room = self.series.room(Day::of(SystemTime::now()));
                rollup.limit(room, |series| self.series.find(series).is_some());
                // Whoever drops this future in the middle drops the connection too: its server may never
                // answer again. Nobody else waits for it meanwhile.
                let mut held = self.writer.lock().await;
                let mut connection = match held.take() {
                    Some(connection) => connection,
                    None => self.connect().await?,
                };
                let written = write(&mut connection, &self.series, batch, rollup).await?;
                *held = Some(connection);
                Ok(written)
            }

            async fn ask(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
                let (level, _) = query.level()?;
                let state = sqlx::query(sql::STATE).fetch_one(&self.pool).await?;
                let parts = parts::parts(query, level, state.try_get("folded")?);
                if let [part] = parts[..] {
                    return self.ask_part(query, part).await;
                }
                let every = UsageQuery { top: None, ..query.clone() };
                let mut rows = Vec::new();
                for part in parts {
                    rows.extend(self.ask_part(&every, part).await?);
                }
                Ok(sql::merged(rows, query))
            }

            async fn ask_part(&self, query: &UsageQuery, part: Part) -> Result<Vec<UsageRow>, StoreError> {
                let (text, values) = sql::report(query, part)?;
                let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
                for value in values {
                    statement = match value {
                        sql::Value::Number(number) => statement.bind(number),
                        sql::Value::Text(text) => statement.bind(text),
                    };
                }
                let rows = statement.fetch_all(&self.pool).await?;
                rows.iter().map(|row| usage_row(query, row)).collect()
            }

            /// Adds up the days of months that are over.
            async fn fold(&self, now: SystemTime) -> Result<(), StoreError> {
                let current = Day::of(now).month();
                let state = sqlx::query(sql::UNFOLDED).fetch_one(&self.pool).await?;
                let oldest: Option<i64> = state.try_get("oldest")?;
                let mut next = oldest.unwrap_or(current).max(state.try_get("folded")?);
                while next < current {
                    let mut transaction = self.pool.begin_with($begin).await?;
                    let state = sqlx::query(sql::LOCK).bind(0_i64).fetch_one(&mut *transaction).await?;
                    // Another process may have done it meanwhile.
                    if state.try_get::<i64, _>("folded")? <= next {
                        let day = |month| i64::from(Day::of_month(month).number());
                        let fold = sqlx::query(sqlx::AssertSqlSafe(STATEMENTS.fold.clone()))
                            .bind(day(next))
                            .bind(day(next + 1));
                        fold.execute(&mut *transaction).await?;
                        sqlx::query(sql::FOLDED).bind(next + 1).execute(&mut *transaction).await?;
                        transaction.commit().await?;
                    }
                    next += 1;
                }
                Ok(())
            }

            async fn delete(&self, retention: Retention, now: SystemTime) -> Result<Swept, StoreError> {
                self.fold(now).await?;
                let mut swept = Swept::default();
                let now = millis(now);
                let before = |days: u32| now.saturating_sub(i64::from(days).saturating_mul(MILLIS_A_DAY));
                if let Some(days) = retention.records {
                    let mut transaction = self.pool.begin_with($begin).await?;
                    // Sweepers and writers that delete and add the same rows follow one another.
                    sqlx::query(sql::LOCK).bind(0_i64).execute(&mut *transaction).await?;
                    for text in [sql::DELETE_ATTEMPTS, sql::DELETE_REQUESTS] {
                        let delete = sqlx::query(text).bind(before(days)).bind(sql::SWEPT_AT_ONCE);
                        swept.requests = delete.execute(&mut *transaction).await?.rows_affected();
                    }
                    swept.more = swept.requests == sql::SWEPT_AT_ONCE.unsigned_abs();
                    let known = before(days.max(sql::BATCHES_KNOWN));
                    sqlx::query(sql::DELETE_BATCHES).bind(known).execute(&mut *transaction).await?;
                    transaction.commit().await?;
                }
                for (days, text) in
                    [(retention.sums, sql::DELETE_DAILY), (retention.hours, sql::DELETE_SPENT)]
                {
                    let Some(days) = days else { continue };
                    // Months go as a whole: what is left of one would be less than its sums say.
                    let day = Day::of_month(Day::of_millis(before(days)).month());
                    let day = i64::from(day.number());
                    let mut transaction = self.pool.begin_with($begin).await?;
                    sqlx::query(sql::LOCK).bind(0_i64).execute(&mut *transaction).await?;
                    let delete = sqlx::query(text).bind(day);
                    swept.sums += delete.execute(&mut *transaction).await?.rows_affected();
                    transaction.commit().await?;
                }
                Ok(swept)
            }
        }

        impl UsageStore for $store {
            fn prepare(&self) -> Pending<'_, ()> {
                Box::pin(async move {
                    self.begin_anew().await?;
                    let ran = self.migrator.run(&self.pool).await;
                    ran.map_err(|error| StoreError::Failed(error.into()))
                })
            }

            fn write<'s>(&'s self, batch: &'s Batch) -> Pending<'s, Written> {
                Box::pin(self.put(batch))
            }

            fn query<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
                Box::pin(self.ask(query))
            }

            fn daily_costs<'s>(
                &'s self,
                filters: &'s [Filter],
                from: Day,
                to: Day,
            ) -> Pending<'s, Vec<(Day, Money)>> {
                Box::pin(async move {
                    let rows = self.ask(&sql::by_day(filters, from, to)).await?;
                    Ok(sql::filled(&rows, from, to))
                })
            }

            fn spent_since<'s>(
                &'s self,
                kind: &'s str,
                since: SystemTime,
            ) -> Pending<'s, Vec<(String, Money)>> {
                Box::pin(async move {
                    let hour = millis(since).div_euclid(MILLIS_AN_HOUR);
                    let rows = sqlx::query(sql::SPENT).bind(kind).bind(hour).fetch_all(&self.pool).await?;
                    let spent = rows
                        .iter()
                        .map(|row| Ok((row.try_get("subject")?, Money::from_nanos(row.try_get("cost")?))));
                    spent.collect()
                })
            }

            fn facts(&self, from: SystemTime, to: SystemTime) -> Pending<'_, Facts> {
                Box::pin(self.gather(from, to))
            }

            fn last_use(&self, since: Day) -> Pending<'_, Vec<(String, Day)>> {
                Box::pin(async move {
                    let since = i64::from(since.number());
                    let rows = sqlx::query(sql::LAST_USE).bind(since).fetch_all(&self.pool).await?;
                    let last = rows.iter().map(|row| {
                        let day: i64 = row.try_get("day")?;
                        let day = Day::from_number(u32::try_from(day).unwrap_or_default());
                        Ok((row.try_get("key_id")?, day))
                    });
                    last.collect()
                })
            }

            fn page(&self, after: Position, before: SystemTime, limit: u32) -> Pending<'_, Page> {
                Box::pin(async move {
                    let page = sqlx::query(sqlx::AssertSqlSafe(STATEMENTS.page.clone()));
                    let page =
                        page.bind(after.time).bind(after.id).bind(millis(before)).bind(i64::from(limit));
                    let mut requests: Vec<RequestRow> = Vec::new();
                    let mut last = None;
                    for row in page.fetch_all(&self.pool).await? {
                        let position = Position { time: row.try_get(1)?, id: row.try_get(0)? };
                        if last.replace(position) != Some(position) {
                            requests.push(request(&row)?);
                        }
                        if let Some(request) = requests.last_mut() {
                            request.attempts.extend(attempt(&row)?);
                        }
                    }
                    let is_full = requests.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
                    Ok(Page { requests, next: last.filter(|_| is_full) })
                })
            }

            fn sweep(&self, retention: Retention, now: SystemTime) -> Pending<'_, Swept> {
                Box::pin(self.delete(retention, now))
            }
        }

        static STATEMENTS: LazyLock<sql::Statements> = LazyLock::new(|| sql::Statements::new($statements));

        async fn write(
            connection: &mut $connection,
            known: &sql::KnownSeries,
            batch: &Batch,
            rollup: Rollup,
        ) -> Result<Written, StoreError> {
            let mut transaction = connection.begin_with($begin).await?;
            let count = i64::try_from(batch.requests.len()).unwrap_or(i64::MAX);
            let state = sqlx::query(sql::LOCK).bind(count).fetch_one(&mut *transaction).await?;
            let last: i64 = state.try_get("last_request")?;
            let claim = sqlx::query(sql::CLAIM).bind(&batch.id.0[..]).bind(millis(SystemTime::now()));
            if claim.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok(Written::Before);
            }
            let first = last.saturating_sub(count).saturating_add(1);
            put_requests(&mut transaction, first, &batch.requests).await?;
            put_attempts(&mut transaction, first, &batch.requests).await?;
            let folded: i64 = state.try_get("folded")?;
            let new = put_daily(&mut transaction, known, folded, rollup.daily).await?;
            put_spent(&mut transaction, rollup.hourly).await?;
            transaction.commit().await?;
            // Before, they might have been taken back.
            known.learn(new);
            Ok(Written::New)
        }

        async fn put_requests(
            connection: &mut $connection,
            first: i64,
            rows: &[RequestRow],
        ) -> Result<(), StoreError> {
            let mut left = rows.len();
            let mut rows = (first..).zip(rows);
            while left > 0 {
                let (size, text) = STATEMENTS.request.next(left);
                left -= size;
                let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
                for (id, row) in rows.by_ref().take(size) {
                    let tags = (!row.tags.is_empty()).then(|| serde_json::to_string(&row.tags));
                    statement = statement
                        .bind(id)
                        .bind(row.time)
                        .bind(row.request_id.clone())
                        .bind(row.key.clone())
                        .bind(row.user.clone())
                        .bind(row.team.clone())
                        .bind(tags.transpose().map_err(sql::unreadable)?)
                        .bind(row.route.clone())
                        .bind(row.dialect.clone())
                        .bind(row.operation.clone())
                        .bind(row.model.clone())
                        .bind(i64::from(row.stream))
                        .bind(row.status)
                        .bind(row.outcome.clone())
                        .bind(row.cache.clone())
                        .bind(row.saved)
                        .bind(row.latency)
                        .bind(row.first_token)
                        .bind(row.max_output)
                        .bind(row.prompt)
                        .bind(row.prefix)
                        .bind(row.prefix_tokens);
                }
                statement.execute(&mut *connection).await?;
            }
            Ok(())
        }

        async fn put_attempts(
            connection: &mut $connection,
            first: i64,
            rows: &[RequestRow],
        ) -> Result<(), StoreError> {
            let mut attempts = sql::numbered(first, rows).into_iter();
            while attempts.len() > 0 {
                let (size, text) = STATEMENTS.attempt.next(attempts.len());
                let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
                for (id, number, row) in attempts.by_ref().take(size) {
                    statement = statement
                        .bind(id)
                        .bind(number)
                        .bind(row.time)
                        .bind(row.provider.clone())
                        .bind(row.dialect.clone())
                        .bind(row.model.clone())
                        .bind(row.served.clone())
                        .bind(row.tier.clone())
                        .bind(row.region.clone())
                        .bind(row.speed.clone())
                        .bind(row.finish.clone())
                        .bind(row.status)
                        .bind(row.outcome.clone())
                        .bind(row.cost)
                        .bind(i64::from(row.estimated))
                        .bind(row.unpriced.clone())
                        .bind(row.latency)
                        .bind(row.first_token);
                    for count in row.usage {
                        statement = statement.bind(count);
                    }
                }
                statement.execute(&mut *connection).await?;
            }
            Ok(())
        }

        /// Adds to the sums of days, and says which series were not known before.
        async fn put_daily(
            connection: &mut $connection,
            known: &sql::KnownSeries,
            folded: i64,
            sums: HashMap<(Day, Series), [i64; WIDTH]>,
        ) -> Result<Vec<(Series, i64)>, StoreError> {
            let mut new = Vec::new();
            let mut rows = Vec::with_capacity(sums.len());
            let mut months = HashMap::new();
            for ((day, series), sums) in sums {
                let id = match known.find(&series) {
                    Some(id) => id,
                    None => {
                        let id = find_series(&mut *connection, &series).await?;
                        new.push((series.clone(), id));
                        id
                    }
                };
                let level = series.level as i64;
                rows.push((level, day, id, sums));
                // What comes late belongs to the sums of its month as well.
                if day.month() < folded {
                    let key = (level + MONTHLY, Day::of_month(day.month()), id);
                    rollup::add(months.entry(key).or_insert([0; WIDTH]), 0, &sums);
                }
            }
            rows.extend(months.into_iter().map(|((level, day, id), sums)| (level, day, id, sums)));
            // Neighbours in the table one after the other.
            rows.sort_unstable_by_key(|(level, day, id, _)| (*level, *day, *id));
            let mut rows = rows.into_iter();
            while rows.len() > 0 {
                let (size, text) = STATEMENTS.daily.next(rows.len());
                let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
                for (level, day, id, sums) in rows.by_ref().take(size) {
                    statement =
                        statement.bind(level).bind(i64::from(day.number())).bind(id).bind(day.month());
                    for sum in sums {
                        statement = statement.bind(sum);
                    }
                }
                statement.execute(&mut *connection).await?;
            }
            Ok(new)
        }

        async fn find_series(connection: &mut $connection, series: &Series) -> Result<i64, StoreError> {
            let (_, text) = STATEMENTS.series.next(1);
            let digest = series.digest();
            let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
            statement = statement.bind(digest.to_vec()).bind(series.level as i64);
            for name in &series.names {
                statement = statement.bind(name.clone());
            }
            Ok(statement.fetch_one(connection).await?.try_get("id")?)
        }

        async fn put_spent(
            connection: &mut $connection,
            spent: HashMap<(i64, Arc<str>, Arc<str>), i64>,
        ) -> Result<(), StoreError> {
            let mut rows: Vec<_> = spent.into_iter().collect();
            rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            let mut rows = rows.into_iter();
            while rows.len() > 0 {
                let (size, text) = STATEMENTS.spent.next(rows.len());
                let mut statement = sqlx::query(sqlx::AssertSqlSafe(text));
                for ((hour, kind, subject), cost) in rows.by_ref().take(size) {
                    statement = statement.bind(hour).bind(kind).bind(subject).bind(cost);
                }
                statement.execute(&mut *connection).await?;
            }
            Ok(())
        }

        /// The request in the first columns of a row of a page.
        fn request(row: &$row) -> Result<RequestRow, StoreError> {
            let name = |at: usize| row.try_get::<Option<String>, _>(at).map(|name| name.map(Arc::from));
            let tags: Option<String> = row.try_get(6)?;
            let tags = tags.map(|tags| serde_json::from_str(&tags)).transpose().map_err(sql::unreadable)?;
            Ok(RequestRow {
                time: row.try_get(1)?,
                request_id: row.try_get::<String, _>(2)?.into(),
                key: name(3)?,
                user: name(4)?,
                team: name(5)?,
                tags: tags.unwrap_or_default(),
                route: row.try_get::<String, _>(7)?.into(),
                dialect: row.try_get::<String, _>(8)?.into(),
                operation: name(9)?,
                model: name(10)?,
                stream: row.try_get::<i64, _>(11)? != 0,
                status: row.try_get(12)?,
                outcome: row.try_get::<String, _>(13)?.into(),
                cache: row.try_get::<String, _>(14)?.into(),
                saved: row.try_get(15)?,
                latency: row.try_get(16)?,
                first_token: row.try_get(17)?,
                max_output: row.try_get(18)?,
                prompt: row.try_get(19)?,
                prefix: row.try_get(20)?,
                prefix_tokens: row.try_get(21)?,
                attempts: Vec::new(),
            })
        }

        /// The attempt after it; none where the request has none.
        fn attempt(row: &$row) -> Result<Option<AttemptRow>, StoreError> {
            const FIRST: usize = sql::REQUEST.len();
            if row.try_get::<Option<i64>, _>(FIRST)?.is_none() {
                return Ok(None);
            }
            let name = |at: usize| {
                let name: Option<String> = row.try_get(FIRST + at)?;
                Ok::<_, StoreError>(name.map(Arc::from))
            };
            let word = |at: usize| Ok::<Arc<str>, StoreError>(row.try_get::<String, _>(FIRST + at)?.into());
            let mut usage = [0; TOKENS.len()];
            for (at, count) in (FIRST + sql::ATTEMPT.len()..).zip(&mut usage) {
                *count = row.try_get(at)?;
            }
            Ok(Some(AttemptRow {
                time: row.try_get(FIRST + 2)?,
                provider: word(3)?,
                dialect: word(4)?,
                model: word(5)?,
                served: name(6)?,
                tier: name(7)?,
                region: name(8)?,
                speed: name(9)?,
                finish: name(10)?,
                status: row.try_get(FIRST + 11)?,
                outcome: word(12)?,
                cost: row.try_get(FIRST + 13)?,
                estimated: row.try_get::<i64, _>(FIRST + 14)? != 0,
                unpriced: name(15)?,
                latency: row.try_get(FIRST + 16)?,
                first_token: row.try_get(FIRST + 17)?,
                usage,
            }))
        }

        fn usage_row(query: &UsageQuery, row: &$row) -> Result<UsageRow, StoreError> {
            let dimensions = query.by.iter().enumerate().map(|(at, dimension)| {
                let shown = if dimension.is_time() {
                    Some(sql::shown(dimension, row.try_get(at)?))
                } else {
                    Some(row.try_get::<String, _>(at)?).filter(|name| !name.is_empty())
                };
                Ok(shown)
            });
            let dimensions: Result<_, StoreError> = dimensions.collect();
            let mut numbers = [0; WIDTH];
            for (at, number) in (query.by.len()..).zip(&mut numbers) {
                *number = row.try_get::<Option<i64>, _>(at)?.unwrap_or_default();
            }
            Ok(UsageRow { dimensions: dimensions?, sums: Sums::from_numbers(numbers) })
        }
    };
}
pub(super) use usage_store;

/// The schema's history, in a table of its own: others may keep theirs in the same database.
pub(super) fn migrator(first: &'static str) -> Migrator {
    let sql = first.into_sql_str();
    let usage = Migration::new(1, Cow::Borrowed("usage"), MigrationType::Simple, sql, false);
    let mut migrator = Migrator::with_migrations(vec![usage]);
    migrator.dangerous_set_table_name("_tollway_usage_migrations");
    // A replica of an older version goes on while newer ones come.
    migrator.set_ignore_missing(true);
    migrator
}

/// The statements that insert many rows.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) request: Insert,
    pub(super) attempt: Insert,
    pub(super) series: Insert,
    pub(super) daily: Insert,
    pub(super) spent: Insert,
    /// Adds up the days from one to before another, those of a month.
    pub(super) fold: Arc<str>,
    /// Reads requests with their attempts, in the order of time.
    pub(super) page: Arc<str>,
}

impl Statements {
    pub(super) fn new(placeholder: Placeholder) -> Self {
        let insert = |table: &str, columns: &[&str], after: &str| {
            Insert::new(placeholder, &format!("tollway_usage_{table}"), columns, after)
        };
        let attempt: Vec<_> = ATTEMPT.iter().chain(&TOKENS).copied().collect();
        let series: Vec<_> = ["digest", "level"].iter().chain(&DIMENSIONS).copied().collect();
        let sums = || COUNTS.iter().chain(&TOKENS);
        let daily: Vec<_> = ["level", "day", "series", "month"].iter().chain(sums()).copied().collect();
        let added: Vec<_> = sums().map(|name| format!("{name} = d.{name} + excluded.{name}")).collect();
        let added = format!("ON CONFLICT (level, day, series) DO UPDATE SET {}", added.join(", "));
        let names: Vec<_> = sums().copied().collect();
        let totals: Vec<_> = names.iter().map(|name| format!("CAST(SUM({name}) AS BIGINT)")).collect();
        let fold = format!(
            "INSERT INTO tollway_usage_daily (level, day, series, month, {}) \
             SELECT level + {MONTHLY}, $1, series, MIN(month), {} FROM tollway_usage_daily \
             WHERE level BETWEEN 0 AND 4 AND day >= $1 AND day < $2 GROUP BY level, series",
            names.join(", "),
            totals.join(", ")
        );
        let request: Vec<_> = REQUEST.iter().map(|name| format!("r.{name}")).collect();
        let columns: Vec<_> = attempt.iter().map(|name| format!("a.{name}")).collect();
        let page = format!(
            "SELECT {}, {} FROM (SELECT * FROM tollway_usage_request \
             WHERE time >= $1 AND (time > $1 OR id > $2) AND time < $3 ORDER BY time, id LIMIT $4) AS r \
             LEFT JOIN tollway_usage_attempt a ON a.request = r.id ORDER BY r.time, r.id, a.number",
            request.join(", "),
            columns.join(", ")
        );
        Self {
            fold: fold.into(),
            page: page.into(),
            request: insert("request", &REQUEST, ""),
            attempt: insert("attempt", &attempt, ""),
            // An update that changes nothing, so that the id of what is there comes back too.
            series: insert(
                "series",
                &series,
                "ON CONFLICT (digest) DO UPDATE SET level = excluded.level RETURNING id",
            ),
            daily: insert("daily AS d", &daily, &added),
            spent: insert(
                "spent AS s",
                &["hour", "kind", "subject", "cost"],
                "ON CONFLICT (kind, hour, subject) DO UPDATE SET cost = s.cost + excluded.cost",
            ),
        }
    }
}

/// The ids of series that this process has met, so that it need not ask for them again.
#[derive(Debug, Default)]
pub(super) struct KnownSeries(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<Series, i64>,
    /// How many were met first on this day.
    met: usize,
    day: Option<Day>,
}

impl KnownSeries {
    pub(super) fn find(&self, series: &Series) -> Option<i64> {
        self.lock().ids.get(series).copied()
    }

    /// How many series may still be met for the first time on a day.
    pub(super) fn room(&self, today: Day) -> usize {
        let mut known = self.lock();
        if known.day != Some(today) {
            (known.day, known.met) = (Some(today), 0);
        }
        MOST_SERIES.saturating_sub(known.met)
    }

    pub(super) fn learn(&self, new: Vec<(Series, i64)>) {
        let mut known = self.lock();
        if known.ids.len() + new.len() > MOST_SERIES {
            known.ids.clear();
        }
        known.met = known.met.saturating_add(new.len());
        known.ids.extend(new);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many series are remembered, some 300 bytes each, and met on a day before names are left out.
const MOST_SERIES: usize = 100_000;

/// The attempts of requests that are numbered from the first on, with the numbers of both.
pub(super) fn numbered(first: i64, rows: &[RequestRow]) -> Vec<(i64, i64, &AttemptRow)> {
    let mut numbered = Vec::with_capacity(rows.len());
    for (id, row) in (first..).zip(rows) {
        numbered.extend((0..).zip(&row.attempts).map(|(number, attempt)| (id, number, attempt)));
    }
    numbered
}

/// A value of a statement.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Number(i64),
    Text(Arc<str>),
}

/// The statement that answers a piece of a report, and its values.
pub(super) fn report(query: &UsageQuery, part: Part) -> Result<(String, Vec<Value>), QueryError> {
    let (_, tag) = query.level()?;
    let mut values = vec![
        Value::Number(part.level),
        Value::Number(part.from.number().into()),
        Value::Number(part.to.number().into()),
    ];
    let mut text = String::from("SELECT ");
    for dimension in &query.by {
        text.push_str(dimension.term());
        text.push_str(", ");
    }
    let sums = COUNTS.iter().chain(&TOKENS).map(|name| {
        // A sum of PostgreSQL is a decimal number. One column is ordered by.
        format!("CAST(SUM(d.{name}) AS BIGINT) AS sum_{name}")
    });
    text.push_str(&sums.collect::<Vec<_>>().join(", "));
    text.push_str(
        " FROM tollway_usage_daily d JOIN tollway_usage_series s ON s.id = d.series \
         WHERE d.level = $1 AND d.day BETWEEN $2 AND $3",
    );
    if let Some(tag) = tag {
        values.push(Value::Text(tag.clone()));
        let _ = write!(text, " AND s.tag = ${}", values.len());
    }
    for filter in &query.filters {
        let mut places = Vec::with_capacity(filter.values.len());
        for value in &filter.values {
            values.push(Value::Text(value.clone()));
            places.push(format!("${}", values.len()));
        }
        // Neither database knows an empty list.
        let places = if places.is_empty() { "NULL".to_owned() } else { places.join(", ") };
        let _ = write!(text, " AND {} IN ({places})", filter.dimension.term());
    }
    let groups: Vec<_> = (1..=query.by.len()).map(|number| number.to_string()).collect();
    let groups = groups.join(", ");
    if !groups.is_empty() {
        let first = if query.order == Order::Cost { "sum_cost DESC, " } else { "" };
        let _ = write!(text, " GROUP BY {groups} ORDER BY {first}{groups}");
    }
    if let Some(top) = query.top {
        let _ = write!(text, " LIMIT {top}");
    }
    Ok((text, values))
}

/// The rows of all pieces, added up, in the order that was asked for.
pub(super) fn merged(rows: Vec<UsageRow>, query: &UsageQuery) -> Vec<UsageRow> {
    let mut sums: BTreeMap<Vec<Option<String>>, Sums> = BTreeMap::new();
    for row in rows {
        *sums.entry(row.dimensions).or_default() += row.sums;
    }
    let rows = sums.into_iter().map(|(dimensions, sums)| UsageRow { dimensions, sums });
    let mut rows: Vec<_> = rows.collect();
    if query.order == Order::Cost {
        rows.sort_by_key(|row| Reverse(row.sums.cost));
    }
    rows.truncate(query.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
    rows
}

/// How a piece of time is shown.
pub(super) fn shown(dimension: &Dimension, number: i64) -> String {
    if *dimension == Dimension::Month {
        return format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1);
    }
    Day::from_number(u32::try_from(number).unwrap_or_default()).to_string()
}

/// What days came to.
pub(super) fn by_day(filters: &[Filter], from: Day, to: Day) -> UsageQuery {
    let by = vec![Dimension::Day];
    UsageQuery { by, filters: filters.to_vec(), order: Order::Dimensions, ..UsageQuery::new(from, to) }
}

/// All days, those without any cost as well.
pub(super) fn filled(rows: &[UsageRow], from: Day, to: Day) -> Vec<(Day, Money)> {
    let mut rows = rows.iter().filter_map(|row| {
        let day: Day = row.dimensions.first()?.as_deref()?.parse().ok()?;
        Some((day, row.sums.cost))
    });
    let mut next = rows.next();
    let days = (from.number()..=to.number()).map(Day::from_number);
    let cost = |day| match next {
        Some((at, cost)) if at == day => {
            next = rows.next();
            (day, cost)
        }
        _ => (day, Money::ZERO),
    };
    days.map(cost).collect()
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) const REQUEST: [&str; 22] = [
    "id",
    "time",
    "request_id",
    "key_id",
    "user_id",
    "team",
    "tags",
    "route",
    "dialect",
    "operation",
    "model",
    "stream",
    "status",
    "outcome",
    "cache",
    "saved",
    "latency_us",
    "first_token_us",
    "max_output",
    "prompt",
    "prefix",
    "prefix_tokens",
];

/// The columns before the tokens.
pub(super) const ATTEMPT: [&str; 18] = [
    "request",
    "number",
    "time",
    "provider",
    "dialect",
    "model",
    "served",
    "tier",
    "region",
    "speed",
    "finish",
    "status",
    "outcome",
    "cost",
    "estimated",
    "unpriced",
    "latency_us",
    "first_token_us",
];

pub(super) const LOCK: &str =
    "UPDATE tollway_usage_state SET last_request = last_request + $1 RETURNING last_request, folded";
pub(super) const STATE: &str = "SELECT folded FROM tollway_usage_state";
pub(super) const UNFOLDED: &str = "SELECT folded, (SELECT MIN(month) FROM tollway_usage_daily WHERE level = 1) AS oldest \
     FROM tollway_usage_state";
pub(super) const FOLDED: &str = "UPDATE tollway_usage_state SET folded = $1";
pub(super) const CLAIM: &str =
    "INSERT INTO tollway_usage_batch (id, written) VALUES ($1, $2) ON CONFLICT DO NOTHING";
pub(super) const SPENT: &str = "SELECT subject, CAST(SUM(cost) AS BIGINT) AS cost FROM tollway_usage_spent \
     WHERE kind = $1 AND hour >= $2 GROUP BY subject ORDER BY subject";
pub(super) const LAST_USE: &str = "SELECT s.key_id AS key_id, MAX(d.day) AS day FROM tollway_usage_daily d \
     JOIN tollway_usage_series s ON s.id = d.series \
     WHERE d.level = 4 AND d.day >= $1 AND s.key_id <> '' GROUP BY s.key_id ORDER BY s.key_id";
pub(super) const DELETE_ATTEMPTS: &str = "DELETE FROM tollway_usage_attempt WHERE request IN \
     (SELECT id FROM tollway_usage_request WHERE time < $1 ORDER BY time, id LIMIT $2)";
pub(super) const DELETE_REQUESTS: &str = "DELETE FROM tollway_usage_request WHERE id IN \
     (SELECT id FROM tollway_usage_request WHERE time < $1 ORDER BY time, id LIMIT $2)";
pub(super) const DELETE_BATCHES: &str = "DELETE FROM tollway_usage_batch WHERE written < $1";
pub(super) const DELETE_DAILY: &str =
    "DELETE FROM tollway_usage_daily WHERE level BETWEEN 0 AND 9 AND day < $1";
pub(super) const DELETE_SPENT: &str = "DELETE FROM tollway_usage_spent WHERE hour < $1 * 24";

/// How many requests a sweep deletes at once: writers wait for some milliseconds only.
pub(super) const SWEPT_AT_ONCE: i64 = 1000;
/// For how many days a batch is known at least.
pub(super) const BATCHES_KNOWN: u32 = 7;
