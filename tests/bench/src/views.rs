//! What a policy view costs: its reader's query against the one that a person would write by hand for that reader, with the
//! same predicate and the same expressions over the raw table, and constants where the view asks who reads.
//!
//! Both run in one session of the reader, on a PostgreSQL of this benchmark's own behind the stand-in for Redshift, in turn,
//! after their results were found equal over all rows. What counts is the median of the ratios of pairs. Times are those that
//! the server's process of that session spent on a processor, so that whatever else the machine does falls on neither.

mod cases;
mod table;
mod warehouse;

use std::{env, error::Error, fs, time::Duration};

use cases::Case;
use tokio_postgres::{Client, SimpleQueryMessage};
use warehouse::Warehouse;

use crate::report::{Report, grouped, median};

/// Rows of the table, unless [`ROWS_VARIABLE`] says otherwise.
const ROWS: usize = 3_000_000;
const ROWS_VARIABLE: &str = "REDOUBT_BENCH_ROWS";
/// What a view may cost, against the query written by hand.
const TARGET_RATIO: f64 = 1.3;
const PAIRS: usize = 7;
/// One process, no compilation at run time, and room for every sort and hash: what is compared is the work of the query.
const SESSION: &str = "SET max_parallel_workers_per_gather = 0; SET jit = off; SET work_mem = '256MB'";

/// Measures policy views.
///
/// # Errors
/// When PostgreSQL can't be started or set up, a document has a fault, a view and its query by hand differ, or the output
/// can't be written.
pub fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    report
        .heading("Policy views: as the reader, against the query written by hand over the raw table, on PostgreSQL")?;
    let rows = match env::var(ROWS_VARIABLE) {
        Ok(rows) => rows.parse().map_err(|error| format!("{ROWS_VARIABLE}: found `{rows}`: {error}"))?,
        Err(_) => ROWS,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let warehouse = Warehouse::start().await?;
        let measured = tokio::select! {
            measured = measure(report, &warehouse, rows) => measured,
            // PostgreSQL would outlive this process.
            interrupt = tokio::signal::ctrl_c() => Err(interrupt.err().map_or_else(|| "interrupted".into(), Into::into)),
        };
        let stopped = warehouse.stop().await;
        measured.and(stopped)
    })
}

async fn measure(report: &mut Report, warehouse: &Warehouse, rows: usize) -> Result<(), Box<dyn Error>> {
    warehouse.load(&table::definition(rows)).await?;
    warehouse.add_users().await?;
    let cases = cases::all();
    for case in &cases {
        warehouse.put_in_force(case).await?;
    }
    warehouse.settle().await?;
    report.line(&format!(
        "  {} rows of {} columns, {} bytes on average; a warehouse of {} users; {PAIRS} pairs after one to warm up\n",
        grouped(rows),
        table::COLUMNS.len(),
        warehouse.row_bytes().await?,
        grouped(warehouse::USERS),
    ))?;
    let reader = warehouse.reader().await?;
    reader.batch_execute(SESSION).await?;
    let mut measured = Vec::new();
    for case in &cases {
        let by_hand = format!("({})", (case.by_hand)(&warehouse.salts(case).await?));
        let view = warehouse.view(case);
        let rows = same_rows(&reader, &view, &by_hand).await.map_err(|error| format!("`{}`: {error}", case.name))?;
        let pairs = pairs(&reader, &consumed(&view), &consumed(&by_hand)).await?;
        measured.push(Measured { case, rows, pairs });
    }
    print(report, &measured)
}

/// One view.
struct Measured<'a> {
    case: &'a Case,
    /// How many rows the reader sees.
    rows: usize,
    pairs: Pairs,
}

/// Times of the view and of the query by hand, each pair one after the other.
#[derive(Debug, Default)]
struct Pairs {
    view: Vec<Duration>,
    by_hand: Vec<Duration>,
}

impl Pairs {
    fn ratios(&self) -> Vec<f64> {
        let pairs = self.view.iter().zip(&self.by_hand);
        pairs.map(|(view, by_hand)| view.as_secs_f64() / by_hand.as_secs_f64()).collect()
    }

    fn ratio(&self) -> f64 {
        median(&self.ratios()).unwrap_or(f64::NAN)
    }
}

/// A query that computes every column of a relation once and looks at each value, and hands over one row.
fn consumed(relation: &str) -> String {
    let most: Vec<_> = table::COLUMNS.iter().map(|(name, _)| format!("max({name})")).collect();
    format!("SELECT {} FROM {relation} AS v", most.join(", "))
}

/// How many rows the view has, after a checksum over every value, whatever their order, was the same for both. Values are
/// compared as text: that a hash widens its column makes no difference. It is one statement, so that both have the same time.
async fn same_rows(reader: &Client, view: &str, by_hand: &str) -> Result<usize, Box<dyn Error>> {
    let names: Vec<_> = table::COLUMNS.iter().map(|(name, _)| format!("v.{name}")).collect();
    let sums = |relation: &str| {
        let row = names.join(", ");
        format!("(SELECT count(*), sum(hashtextextended(CAST(ROW({row}) AS TEXT), 0)) FROM {relation} AS v)")
    };
    let sql = format!(
        "SELECT a.rows, b.rows, a.sum, b.sum FROM {} AS a (rows, sum) CROSS JOIN {} AS b (rows, sum)",
        sums(view),
        sums(by_hand)
    );
    let messages = reader.simple_query(&sql).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.ok_or("a query of aggregates gave no row")?;
    if row.get(0) != row.get(1) || row.get(2) != row.get(3) {
        return Err("the view and the query by hand differ".into());
    }
    let rows = row.get(0).ok_or("a count is null")?.parse()?;
    if rows == 0 { Err("the reader sees no row".into()) } else { Ok(rows) }
}

/// Times both queries in turn. Which goes first changes from pair to pair.
async fn pairs(reader: &Client, view: &str, by_hand: &str) -> Result<Pairs, Box<dyn Error>> {
    let server: i32 = reader.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
    let time = async |sql: &str| -> Result<Duration, Box<dyn Error>> {
        let before = spent(server)?;
        reader.simple_query(sql).await?;
        Ok(spent(server)?.saturating_sub(before))
    };
    let mut pairs = Pairs::default();
    for round in 0..=PAIRS {
        let (of_view, of_hand);
        if round % 2 == 0 {
            of_view = time(view).await?;
            of_hand = time(by_hand).await?;
        } else {
            of_hand = time(by_hand).await?;
            of_view = time(view).await?;
        }
        // The first pair warms up.
        if round > 0 {
            pairs.view.push(of_view);
            pairs.by_hand.push(of_hand);
        }
    }
    Ok(pairs)
}

/// How long a process of a single thread was on a processor: <https://docs.kernel.org/scheduler/sched-stats.html>.
fn spent(process: i32) -> Result<Duration, Box<dyn Error>> {
    let path = format!("/proc/{process}/schedstat");
    let text = fs::read_to_string(&path).map_err(|error| format!("`{path}`: {error}"))?;
    let nanos = text.split_ascii_whitespace().next().ok_or_else(|| format!("`{path}` is empty"))?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn print(report: &mut Report, measured: &[Measured<'_>]) -> Result<(), Box<dyn Error>> {
    let rows: Vec<_> = measured.iter().map(row).collect();
    report.table(
        &["view", "rows seen", "view, ms of CPU", "by hand, ms of CPU", "median ratio", "least", "most"],
        &rows,
    )?;
    for measured in measured {
        let ratio = measured.pairs.ratio();
        report.target(
            ratio <= TARGET_RATIO,
            &format!("policy view against the query by hand ({})", measured.case.name),
            &format!("{ratio:.2} times"),
            &format!("at most {TARGET_RATIO} times"),
        )?;
    }
    Ok(())
}

fn row(measured: &Measured<'_>) -> Vec<String> {
    let pairs = &measured.pairs;
    let millis = |times: &[Duration]| format!("{:.0}", median(times).unwrap_or_default().as_secs_f64() * 1e3);
    let ratios = pairs.ratios();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    vec![
        measured.case.name.to_owned(),
        grouped(measured.rows),
        millis(&pairs.view),
        millis(&pairs.by_hand),
        format!("{:.2}", pairs.ratio()),
        format!("{least:.2}"),
        format!("{most:.2}"),
    ]
}
