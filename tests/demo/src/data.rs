//! TPC-H data in the warehouse, and the accounts of the demo's people.
//!
//! Both are there before Redoubt: it governs tables and accounts that others made.

use std::fmt::{Display, Write};

use bytes::Bytes;
use futures_util::SinkExt;
use redoubt_core::model::DataSource;
use tpchgen::{
    distribution::Distributions,
    generators::{
        CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, RegionGenerator,
        SupplierGenerator,
    },
    text::TextPool,
};

use crate::{
    columns, masks,
    settings::Settings,
    warehouse::{Session, WarehouseError, quoted},
};

/// The database of the raw tables.
pub const DATABASE: &str = "tpch";

/// Size of the data: 1,500 customers and some 60,000 line items.
const SCALE: f64 = 0.01;
/// Bytes of text that comments are cut from. The generator's own 300 MB take longer to make than all the rest.
const TEXT_BYTES: i32 = 1 << 20;
/// Bytes sent to the server at a time.
const CHUNK: usize = 1 << 16;

/// Creates the database and fills the tables of the data sources, but for those that an earlier run made. Says whether there was
/// anything to do.
///
/// # Errors
/// The database's own.
pub async fn load(settings: &Settings, sources: &[DataSource]) -> Result<bool, WarehouseError> {
    create_database(settings).await?;
    let session = Session::open(settings, settings.administrator(), DATABASE).await?;
    let present =
        session.rows("look for the tables", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").await?;
    let is_missing = |table: &str| !present.iter().flatten().flatten().any(|name| name == table);
    let missing: Vec<_> = sources.iter().filter(|source| is_missing(source.table.as_str())).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    session.run("begin loading", "BEGIN").await?;
    for source in missing {
        let columns: Vec<String> = source
            .columns
            .iter()
            .map(|column| format!("{} {}", quoted(column.name.as_str()), column.data_type))
            .collect();
        let table = quoted(source.table.as_str());
        session.run("create a table", &format!("CREATE TABLE public.{table} ({})", columns.join(", "))).await?;
    }
    if is_missing("lineitem") {
        fill(&session).await?;
        session.run("bring the dates up to today", TO_TODAY).await?;
    }
    if is_missing(masks::SOURCE) {
        session.run("fill the table of masks", columns::FILL).await?;
    }
    session.run("end loading", "COMMIT; ANALYZE").await?;
    Ok(true)
}

/// TPC-H's orders end in August 1998. All dates move by the same number of days, so that the newest order is of today and
/// «the last 365 days» means something.
const TO_TODAY: &str = "
CREATE TEMPORARY TABLE shift AS SELECT CURRENT_DATE - MAX(o_orderdate) AS days FROM public.orders;
UPDATE public.orders SET o_orderdate = o_orderdate + days FROM shift;
UPDATE public.lineitem SET l_shipdate = l_shipdate + days, l_commitdate = l_commitdate + days,
    l_receiptdate = l_receiptdate + days FROM shift;
DROP TABLE shift";

async fn create_database(settings: &Settings) -> Result<(), WarehouseError> {
    let session = Session::open(settings, settings.administrator(), settings.first_database()).await?;
    let present = format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'");
    if session.value("look for the database", &present).await?.is_none() {
        session.run("create the database", &format!("CREATE DATABASE {DATABASE}")).await?;
    }
    Ok(())
}

async fn fill(session: &Session) -> Result<(), WarehouseError> {
    let words = Distributions::static_default();
    let text = &TextPool::new(TEXT_BYTES, words);
    copy(session, "region", RegionGenerator::new_with_distributions_and_text_pool(words, text).iter()).await?;
    copy(session, "nation", NationGenerator::new_with_distributions_and_text_pool(words, text).iter()).await?;
    let parts = PartGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, words, text);
    copy(session, "part", parts.iter()).await?;
    let suppliers = SupplierGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, words, text);
    copy(session, "supplier", suppliers.iter()).await?;
    let customers = CustomerGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, words, text);
    copy(session, "customer", customers.iter()).await?;
    let orders = OrderGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, words, text);
    copy(session, "orders", orders.iter()).await?;
    let line_items = LineItemGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, words, text);
    copy(session, "lineitem", line_items.iter()).await
}

/// Sends rows in the form of TPC-H's `.tbl` files, which is that of COPY but for the bar at the end of each line.
async fn copy(session: &Session, table: &str, rows: impl Iterator<Item: Display>) -> Result<(), WarehouseError> {
    let what = format!("load `{table}`");
    let statement = format!("COPY public.{table} FROM STDIN (FORMAT text, DELIMITER '|')");
    let sink = session.client.copy_in(&statement).await.map_err(session.failed(&what))?;
    let mut sink = std::pin::pin!(sink);
    let mut chunk = String::with_capacity(2 * CHUNK);
    for row in rows {
        // Writing to a string doesn't fail.
        let _ = write!(chunk, "{row}");
        chunk.truncate(chunk.trim_end_matches('|').len());
        chunk.push('\n');
        if chunk.len() >= CHUNK {
            sink.send(Bytes::from(std::mem::take(&mut chunk))).await.map_err(session.failed(&what))?;
        }
    }
    sink.send(Bytes::from(chunk)).await.map_err(session.failed(&what))?;
    sink.as_mut().finish().await.map_err(session.failed(&what))?;
    Ok(())
}

/// Creates the accounts that aren't there yet.
///
/// # Errors
/// The database's own.
pub async fn create_accounts(settings: &Settings, accounts: &[String]) -> Result<(), WarehouseError> {
    let session = Session::open(settings, settings.administrator(), settings.first_database()).await?;
    let present = session.rows("list accounts", "SELECT rolname FROM pg_roles").await?;
    for account in accounts {
        if !present.iter().any(|row| row.first().and_then(Option::as_ref) == Some(account)) {
            session.run("create an account", &format!("CREATE USER {}", quoted(account))).await?;
        }
    }
    Ok(())
}

/// Lets the account that owns the policy views read the raw tables: what a warehouse's administrator does once.
///
/// # Errors
/// The database's own.
pub async fn grant_to_owner(settings: &Settings, owner: &str) -> Result<(), WarehouseError> {
    let session = Session::open(settings, settings.administrator(), DATABASE).await?;
    let owner = quoted(owner);
    let grant =
        format!("GRANT USAGE ON SCHEMA public TO {owner}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {owner}");
    session.run("grant the tables", &grant).await
}
