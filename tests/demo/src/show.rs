//! Queries as three people and as somebody who isn't registered: what they see, why, and whether it is what they must see.
//!
//! What they must see is said in [`crate::viewers`].

use std::io;

use redoubt_core::explain::NoSuchColumn;

use crate::{
    data,
    explain::{self, decisions},
    screen::{Screen, short},
    settings::Settings,
    viewers::{Rows, SCIENTIST, UNPRINTED, VIEWERS, Viewer},
    warehouse::{Row, Session, WarehouseError, quoted},
    world::{Person, World, WorldError},
};

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The warehouse didn't answer.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// The documents make no whole.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A column isn't there.
    #[error(transparent)]
    Column(#[from] NoSuchColumn),
    /// Standard output is closed.
    #[error("can't print")]
    Print(#[from] io::Error),
}

/// Somebody saw something else than they must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Who, and of what.
    pub what: String,
    /// What they must see.
    pub expected: String,
    /// What they saw.
    pub found: String,
}

/// Customers from whom each viewer sees others: two for cars in Brazil, one for something else there, one for cars in Canada,
/// one in Germany.
const CHOSEN: &str = "
(SELECT c_custkey FROM public.customer WHERE c_nationkey = 2 AND c_mktsegment = 'AUTOMOBILE' ORDER BY 1 LIMIT 2)
UNION ALL (SELECT c_custkey FROM public.customer WHERE c_nationkey = 2 AND c_mktsegment <> 'AUTOMOBILE' ORDER BY 1 LIMIT 1)
UNION ALL (SELECT c_custkey FROM public.customer WHERE c_nationkey = 3 AND c_mktsegment = 'AUTOMOBILE' ORDER BY 1 LIMIT 1)
UNION ALL (SELECT c_custkey FROM public.customer WHERE c_nationkey = 7 ORDER BY 1 LIMIT 1)
ORDER BY 1";

const COLUMNS: [&str; 8] = ["custkey", "name", "address", "nation", "phone", "acctbal", "mktsegment", "comment"];
const ORDER_BY_KEY: &str = "ORDER BY c_custkey";

/// Prints what each sees of `customer` and how many rows of every view. Gives what isn't as it must be.
///
/// # Errors
/// When a query fails.
pub async fn everybody(settings: &Settings, world: &World, screen: &mut Screen) -> Result<Vec<Mismatch>, ShowError> {
    let (mut mismatches, mut open) = (Vec::new(), Vec::new());
    let raw = Session::open(settings, settings.administrator(), data::DATABASE).await?;
    let chosen = raw.rows("choose customers", CHOSEN).await?;
    let chosen: Vec<String> = chosen.into_iter().flatten().flatten().collect();
    let (policies, projects) = (world.policies()?, world.projects()?);
    let source = world.source("customer")?;

    screen.heading("The raw table tpch.public.customer: five of its rows, as its owner sees them")?;
    let rows = raw.rows("read the raw table", &format!("SELECT * FROM public.customer {ORDER_BY_KEY}")).await?;
    screen.table(&COLUMNS, &printed(&rows, &chosen))?;

    for viewer in &VIEWERS {
        let person = world.person(viewer.account)?;
        screen.heading(&format!("{} {}", viewer.account, viewer.title))?;
        screen.line(&format!("  {}", standing(person.as_ref())))?;
        let session = governed(settings, world, viewer.account).await?;
        let found = session.rows("read a view", &select(world, "*", "customer", ORDER_BY_KEY)?).await?;
        screen.line(&format!(
            "  SELECT * FROM governed.customer  ({} rows, of the five above: {})",
            found.len(),
            of_chosen(&found, &chosen)
        ))?;
        if !found.is_empty() {
            screen.table(&COLUMNS, &printed(&found, &chosen))?;
        }
        screen.line("")?;
        screen.table(&explain::HEADERS, &decisions(&policies, &projects, &source, person.as_ref())?)?;
        let wanted = (viewer.customer, customers_of(viewer));
        mismatches.extend(compare(&raw, viewer.account, "customer", wanted, found).await?);
        open.extend(refusal(settings, viewer.account).await?);
    }
    if open.is_empty() {
        screen.line("")?;
        screen.line("  None of the four may read the raw table itself: permission denied.")?;
    }
    mismatches.extend(open);
    for (account, view, columns, condition) in UNPRINTED {
        let session = governed(settings, world, account).await?;
        let found = session.rows("read a view", &select(world, "*", view, "ORDER BY 1")?).await?;
        mismatches.extend(compare(&raw, account, view, (columns, condition), found).await?);
    }
    screen.heading("Where several policies want a column")?;
    screen.table(&explain::CONFLICT_HEADERS, &explain::conflicts(&policies, &projects, &world.sources()?)?)?;
    mismatches.extend(counts(settings, world, &raw, screen).await?);
    Ok(mismatches)
}

/// A session of an account where the policy views are.
///
/// # Errors
/// When the account or the database isn't there.
pub async fn governed(settings: &Settings, world: &World, account: &str) -> Result<Session, ShowError> {
    Ok(Session::open(settings, account, world.integration()?.database.as_str()).await?)
}

/// A query on a policy view.
///
/// # Errors
/// When no integration is known.
pub fn select(world: &World, what: &str, view: &str, rest: &str) -> Result<String, WorldError> {
    Ok(format!("SELECT {what} FROM {} {rest}", view_name(world, view)?))
}

/// The full name of a policy view.
///
/// # Errors
/// When no integration is known.
pub fn view_name(world: &World, view: &str) -> Result<String, WorldError> {
    Ok(format!("{}.{view}", quoted(world.integration()?.view_schema.as_str())))
}

fn standing(person: Option<&Person>) -> String {
    let Some(person) = person else {
        return "no user document, so no profile".to_owned();
    };
    let join = |values: Vec<&str>| {
        if values.is_empty() { "none".to_owned() } else { values.join(", ") }
    };
    let mut parts =
        vec![format!("groups: {}", join(person.standing.groups.iter().map(|group| group.as_str()).collect()))];
    for (attribute, values) in &person.standing.attributes {
        parts.push(format!("{}: {}", attribute.as_str(), join(values.iter().map(|value| value.as_str()).collect())));
    }
    let purposes = person.profile.entitlements.iter().filter(|(kind, _, _)| kind.as_str() == "purpose");
    parts.push(format!("purpose: {}", join(purposes.map(|(_, _, value)| value.as_str()).collect())));
    parts.join("   ")
}

/// The rows with a chosen key, shortened for the eye.
fn printed(rows: &[Row], chosen: &[String]) -> Vec<Vec<String>> {
    rows.iter().filter(|row| is_chosen(row, chosen)).map(|row| row.iter().map(short).collect()).collect()
}

fn is_chosen(row: &Row, chosen: &[String]) -> bool {
    row.first().and_then(Option::as_ref).is_some_and(|key| chosen.contains(key))
}

fn of_chosen(rows: &[Row], chosen: &[String]) -> usize {
    rows.iter().filter(|row| is_chosen(row, chosen)).count()
}

/// Compares every row of a view with what somebody must see: columns and rows of the raw table.
async fn compare(
    raw: &Session,
    account: &str,
    view: &str,
    (columns, condition): (&str, &str),
    found: Vec<Row>,
) -> Result<Option<Mismatch>, WarehouseError> {
    let query = format!("SELECT {columns} FROM public.{view} WHERE {condition} ORDER BY 1");
    let expected = raw.rows("work out what must be seen", &query).await?;
    let found: Vec<Row> = found.into_iter().map(|row| row.into_iter().map(without_hash).collect()).collect();
    let difference = expected.iter().zip(&found).find(|(expected, found)| expected != found);
    let (expected, found) = match difference {
        Some((expected, found)) => (format!("{expected:?}"), format!("{found:?}")),
        None if expected.len() != found.len() => (format!("{} rows", expected.len()), format!("{} rows", found.len())),
        None => return Ok(None),
    };
    Ok(Some(Mismatch { what: format!("{view}, as {account}"), expected, found }))
}

/// The rows of `customer` that a viewer must see.
fn customers_of(viewer: &Viewer) -> &'static str {
    match viewer.rows.first() {
        Some((_, Rows::Where(condition) | Rows::TenthOf(condition))) => condition,
        None => "FALSE",
    }
}

/// A salted SHA-256 can't be foretold; that it is one can be seen.
fn without_hash(value: Option<String>) -> Option<String> {
    let is_hash = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.map(|text| if is_hash(&text) { "hashed".to_owned() } else { text })
}

/// The raw table must be closed to everybody.
async fn refusal(settings: &Settings, account: &str) -> Result<Option<Mismatch>, WarehouseError> {
    let session = Session::open(settings, account, data::DATABASE).await?;
    let found = match session.value("read the raw table", "SELECT COUNT(*) FROM public.customer").await {
        Err(error) if error.is_refusal() => return Ok(None),
        Err(error) => return Err(error),
        Ok(count) => format!("{} rows", count.unwrap_or_default()),
    };
    let what = format!("the raw table customer, as {account}");
    Ok(Some(Mismatch { what, expected: "permission denied".to_owned(), found }))
}

/// Counts the rows of every view for everybody who asks.
async fn counts(
    settings: &Settings,
    world: &World,
    raw: &Session,
    screen: &mut Screen,
) -> Result<Vec<Mismatch>, ShowError> {
    let mut mismatches = Vec::new();
    let askers: Vec<(&str, &[(&str, Rows); 8])> = VIEWERS
        .iter()
        .take(3)
        .map(|viewer| (viewer.account, &viewer.rows))
        .chain([(SCIENTIST.0, &SCIENTIST.1)])
        .chain(VIEWERS.iter().skip(3).map(|viewer| (viewer.account, &viewer.rows)))
        .collect();
    let mut sessions = Vec::new();
    for (account, rows) in &askers {
        sessions.push((*account, *rows, governed(settings, world, account).await?));
    }
    let mut lines = Vec::new();
    for index in 0..SCIENTIST.1.len() {
        let Some((view, _)) = SCIENTIST.1.get(index) else {
            continue;
        };
        let all = count(raw, &format!("SELECT COUNT(*) FROM public.{view}")).await?;
        let mut line = vec![(*view).to_owned(), thousands(all)];
        for (account, rows, session) in &sessions {
            let query = select(world, "COUNT(*)", view, "")?;
            let found = count(session, &query).await?;
            line.push(thousands(found));
            let Some((_, wanted)) = rows.get(index) else { continue };
            let (Rows::Where(condition) | Rows::TenthOf(condition)) = wanted;
            let most = count(raw, &format!("SELECT COUNT(*) FROM public.{view} WHERE {condition}")).await?;
            let (right, expected) = match wanted {
                Rows::Where(_) => (found == most, thousands(most)),
                // Five standard deviations of the smallest sample here fit in.
                Rows::TenthOf(_) => {
                    (found * 20 > most && found * 20 < most * 3, format!("about a tenth of {}", thousands(most)))
                }
            };
            let again = if matches!(wanted, Rows::TenthOf(_)) { count(session, &query).await? } else { found };
            if !right || again != found {
                let found = if again == found { thousands(found) } else { format!("{found}, then {again}") };
                mismatches.push(Mismatch { what: format!("rows of {view}, as {account}"), expected, found });
            }
        }
        lines.push(line);
    }
    screen.heading(
        "Rows that each of them sees; IAM:dmitri.volkov, data science, gets a stable tenth of orders and line items",
    )?;
    let mut headers = vec!["view", "raw"];
    headers.extend(askers.iter().map(|(account, _)| *account));
    screen.table(&headers, &lines)?;
    Ok(mismatches)
}

async fn count(session: &Session, sql: &str) -> Result<u64, WarehouseError> {
    let count = session.value("count rows", sql).await?;
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
