//! Runs the statements submitted to one warehouse: each call in a session of its own, its statements strictly one after
//! another.

use crate::auth::{AuthError, Secrets, check_password};
use crate::cache::ResultCache;
use crate::cell;
use crate::event::{Ended, EventQueue};
use crate::faults::{Fault, Faults};
use crate::postgres::link::Link;
use crate::postgres::server::{INTERNAL_DATABASE, INTERNAL_USER};
use crate::postgres::session::{FATAL, REFUSED, connect, describe};
use crate::registry::Registry;
use crate::sql::rewrite::{Rewritten, rewrite};
use crate::statement::{Identity, Mode, ResultSet, Status, Submission};
use std::sync::Arc;
use std::time::Instant;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// What every running statement needs.
pub struct Runner {
    /// The warehouse's name.
    pub warehouse: String,
    /// Where statements are kept.
    pub registry: Arc<Registry>,
    /// Where credentials come from.
    pub secrets: Arc<Secrets>,
    /// The internal superuser's session, for password checks; closed while the warehouse is stopped.
    pub link: Arc<Link>,
    /// PostgreSQL's port.
    pub port: u16,
    /// As many places as statements may run at once.
    pub places: Semaphore,
    /// Where events go.
    pub events: Option<EventQueue>,
    /// What is wrong with the warehouse.
    pub faults: Arc<Faults>,
    /// Results that are given again, where the warehouse has that fault.
    pub cache: ResultCache,
}

/// How one SQL statement ended.
struct Outcome {
    rows: i64,
    result: Option<ResultSet>,
}

/// How a call ended before or while its statements ran.
enum Interrupt {
    Failed(String),
    Cancelled,
}

impl Runner {
    /// Runs the statement of that id to its end.
    pub async fn run(self: Arc<Self>, id: String) {
        let known =
            self.registry.read(&id, |statement| (Arc::clone(&statement.submission), Arc::clone(&statement.cancel)));
        let Some((submission, cancel)) = known else { return };
        let mut began = Instant::now();
        let place = tokio::select! {
            place = self.places.acquire() => place.ok(),
            () = cancel.notified() => None,
        };
        let mut cancelled = place.is_none();
        let mut error = None;
        if place.is_some() {
            self.registry.change(&id, |statement| statement.status.send_replace(Status::Picked));
            began = Instant::now();
            let session = tokio::select! {
                session = self.open(&submission) => session,
                () = cancel.notified() => Err(Interrupt::Cancelled),
            };
            let done = match session {
                Ok((client, user, pid)) => {
                    self.registry.change(&id, |statement| {
                        statement.pid = i64::from(pid);
                        statement.user = Some(user);
                        statement.status.send_replace(Status::Started)
                    });
                    let token = client.cancel_token();
                    let work = self.statements(&id, &submission, &client);
                    tokio::pin!(work);
                    tokio::select! {
                        done = &mut work => done,
                        () = cancel.notified() => {
                            if let Err(error) = token.cancel_query(NoTls).await {
                                tracing::warn!(statement = id, %error, "query not cancelled");
                            }
                            // Dropping the session afterwards rolls back what it began.
                            Err(Interrupt::Cancelled)
                        }
                    }
                }
                Err(interrupt) => Err(interrupt),
            };
            match done {
                Ok(()) => {}
                Err(Interrupt::Cancelled) => cancelled = true,
                Err(Interrupt::Failed(text)) => error = Some(text),
            }
        }
        drop(place);
        self.end(&id, &submission, error, cancelled, began);
    }

    fn end(&self, id: &str, submission: &Submission, error: Option<String>, cancelled: bool, began: Instant) {
        let status = match (&error, cancelled) {
            (_, true) => Status::Aborted,
            (Some(_), false) => Status::Failed,
            (None, false) => Status::Finished,
        };
        let now = OffsetDateTime::now_utc();
        let ended = self.registry.change(id, |statement| {
            for part in statement.parts.iter_mut().filter(|part| !part.status.is_terminal()) {
                part.status = if submission.mode == Mode::Single { status } else { Status::Aborted };
                part.updated = now;
            }
            statement.error = error.clone();
            statement.duration = began.elapsed();
            statement.status.send_replace(status);
            Ended {
                statement_id: statement.id.clone(),
                statement_name: submission.name.clone().unwrap_or_default(),
                state: status.as_str(),
                query_id: statement.query_id(),
                rows: statement.rows(),
                time: now,
            }
        });
        tracing::info!(
            statement = id,
            name = submission.name,
            status = status.as_str(),
            error,
            milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "statement ended"
        );
        if let (Some(ended), Some(events), true) = (ended, self.events.clone(), submission.with_event) {
            tokio::spawn(async move { events.send(ended).await });
        }
    }

    /// Opens the session, unless the warehouse is stopped or is being stopped meanwhile.
    async fn open(&self, submission: &Submission) -> Result<(Client, String, i32), Interrupt> {
        let refused = || Interrupt::Failed(REFUSED.to_owned());
        let internal = self.link.session().ok_or_else(refused)?;
        let session = self.enter(submission, &internal).await;
        session.map_err(|interrupt| if self.link.session().is_some() { interrupt } else { refused() })
    }

    /// Checks who it is and opens the session.
    async fn enter(&self, submission: &Submission, internal: &Client) -> Result<(Client, String, i32), Interrupt> {
        let user = match &submission.identity {
            Identity::User(user) => user.clone(),
            Identity::Secret(name) => self.authenticate(name, internal).await.map_err(|error| {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                Interrupt::Failed(format!("FATAL: {error}{source}"))
            })?,
        };
        let failed = |error: tokio_postgres::Error| Interrupt::Failed(describe(&error).replace("ERROR:", FATAL));
        let client = connect(self.port, &user, &submission.database).await.map_err(failed)?;
        let pid = client.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await.map_err(failed)?.get(0);
        Ok((client, user, pid))
    }

    async fn authenticate(&self, secret: &str, internal: &Client) -> Result<String, AuthError> {
        let credentials = self.secrets.resolve(secret).await?;
        check_password(internal, &credentials).await?;
        Ok(credentials.username)
    }

    async fn statements(&self, id: &str, submission: &Submission, client: &Client) -> Result<(), Interrupt> {
        let transaction = submission.mode == Mode::Transaction
            || (submission.mode == Mode::AutoCommit && self.faults.has(Fault::AutoCommit));
        let mut failure = None;
        if transaction {
            client
                .batch_execute("BEGIN; SET LOCAL redshift.transaction = 'on'")
                .await
                .map_err(|error| Interrupt::Failed(describe(&error)))?;
        }
        for (place, sql) in submission.bound.iter().enumerate() {
            let query_id = self.registry.next_query();
            self.part(id, place, |part| {
                part.status = Status::Started;
                part.query_id = query_id;
            });
            let began = Instant::now();
            let outcome = self.execute(sql, &submission.database, client, transaction).await;
            let failed = outcome.as_ref().err().cloned();
            self.part(id, place, |part| {
                part.duration = began.elapsed();
                match outcome {
                    Ok(outcome) => {
                        part.status = Status::Finished;
                        part.rows = outcome.rows;
                        part.result = outcome.result.map(Arc::new);
                    }
                    Err(error) => {
                        part.status = Status::Failed;
                        part.error = Some(error);
                    }
                }
            });
            if let Some(error) = failed {
                let lost = error.starts_with(FATAL);
                let error = match submission.mode {
                    Mode::Single => error,
                    _ => format!("Query #{} failed with {error}", place + 1),
                };
                failure.get_or_insert(error);
                if lost || transaction || submission.mode == Mode::Single {
                    break;
                }
            }
        }
        match (failure, transaction) {
            (Some(error), true) => {
                // The session ends right after, which rolls back as well.
                let _ = client.batch_execute("ROLLBACK").await;
                Err(Interrupt::Failed(error))
            }
            (Some(error), false) => Err(Interrupt::Failed(error)),
            (None, true) => client.batch_execute("COMMIT").await.map_err(|error| Interrupt::Failed(describe(&error))),
            (None, false) => Ok(()),
        }
    }

    fn part(&self, id: &str, place: usize, change: impl FnOnce(&mut crate::statement::Part)) {
        self.registry.change(id, |statement| {
            if let Some(part) = statement.parts.get_mut(place) {
                change(part);
                part.updated = OffsetDateTime::now_utc();
            }
        });
    }

    async fn execute(&self, sql: &str, database: &str, client: &Client, transaction: bool) -> Result<Outcome, String> {
        let mut rewritten = rewrite(sql).map_err(|refusal| format!("ERROR: {refusal}"))?;
        if transaction && rewritten.transaction_control {
            return Err("ERROR: a batch in one transaction can't begin or end one itself (redshift-standin)".to_owned());
        }
        let failed = |error: tokio_postgres::Error| describe(&error);
        if rewritten.translate {
            let row = client.query_one("SELECT redshift_internal.translate($1)", &[&rewritten.text]).await;
            rewritten.text = row.map_err(failed)?.get(0);
        }
        if rewritten.batch {
            let row = client.query_one("SELECT redshift_internal.batched($1)", &[&rewritten.text]).await;
            rewritten.text = row.map_err(failed)?.get(0);
        }
        if !rewritten.dropped_users.is_empty() {
            self.forget_users(&rewritten.dropped_users, client).await.map_err(failed)?;
        }
        if !rewritten.reads.is_empty() {
            let (schemas, names): (Vec<&str>, Vec<&str>) =
                rewritten.reads.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
            let check =
                "SELECT redshift_internal.check_reader(current_user::text, current_schemas(true)::text[], $1, $2)";
            client.execute(check, &[&schemas, &names]).await.map_err(failed)?;
        }
        if !self.faults.has(Fault::ResultCache) {
            return run_rewritten(&rewritten, client).await.map_err(failed);
        }
        let key = self.cache.key(sql, &rewritten.text, database, client).await.map_err(failed)?;
        if let Some(result) = key.as_ref().and_then(|key| self.cache.get(key)) {
            return Ok(Outcome { rows: result.records.len().try_into().unwrap_or(i64::MAX), result: Some(result) });
        }
        let outcome = run_rewritten(&rewritten, client).await.map_err(failed)?;
        self.cache.put(sql, key, outcome.result.as_ref());
        Ok(outcome)
    }

    /// Takes back what names of three parts made the stand-in grant, which would keep a role from being dropped. Roles
    /// that own something, and so can't be dropped, keep it.
    async fn forget_users(&self, users: &[String], client: &Client) -> Result<(), tokio_postgres::Error> {
        let allowed = "SELECT rolsuper OR pg_catalog.pg_has_role('redshift:drop user', 'USAGE') \
                       FROM pg_catalog.pg_roles WHERE rolname = current_user";
        if !client.query_one(allowed, &[]).await?.get::<_, bool>(0) {
            return Ok(());
        }
        let Some(internal) = self.link.session() else {
            // The warehouse is being stopped, so that the statement itself fails as well.
            return Ok(());
        };
        let droppable = "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND NOT EXISTS (SELECT FROM pg_shdepend \
                         WHERE refclassid = 'pg_authid'::regclass AND refobjid = pg_roles.oid AND deptype = 'o' \
                         AND classid <> 'pg_user_mapping'::regclass)";
        let users = internal.query(droppable, &[&users]).await?;
        if users.is_empty() {
            return Ok(());
        }
        let databases = "SELECT datname FROM pg_database WHERE datallowconn AND datname NOT IN ('template1', $1)";
        for database in internal.query(databases, &[&INTERNAL_DATABASE]).await? {
            let session = connect(self.port, INTERNAL_USER, database.get(0)).await?;
            for user in &users {
                let user: &str = user.get(0);
                session.execute("SELECT redshift_internal.forget_reader($1)", &[&user]).await?;
            }
        }
        Ok(())
    }
}

async fn run_rewritten(rewritten: &Rewritten, client: &Client) -> Result<Outcome, tokio_postgres::Error> {
    // Parsing alone tells the types of the columns; the values come as text, the form they have on the wire.
    let described = if rewritten.rows { Some(client.prepare(&rewritten.text).await?) } else { None };
    let columns = described.as_ref().map(|described| described.columns()).unwrap_or_default();
    let mut affected = 0;
    let mut result = ResultSet { columns: columns.iter().map(cell::column).collect(), ..ResultSet::default() };
    for message in client.simple_query(&rewritten.text).await? {
        match message {
            SimpleQueryMessage::Row(row) if !columns.is_empty() => {
                let texts = (0..row.len()).map(|place| row.get(place));
                let fields = columns.iter().zip(texts).map(|(column, text)| {
                    result.bytes += i64::try_from(text.map_or(0, str::len)).unwrap_or(i64::MAX);
                    cell::field(column.type_(), text)
                });
                result.records.push(serde_json::Value::Array(fields.collect()));
            }
            SimpleQueryMessage::CommandComplete(rows) => affected = i64::try_from(rows).unwrap_or(i64::MAX),
            _ => {}
        }
    }
    let rows = if columns.is_empty() { affected } else { i64::try_from(result.records.len()).unwrap_or(i64::MAX) };
    Ok(Outcome { rows, result: (!columns.is_empty()).then_some(result) })
}
