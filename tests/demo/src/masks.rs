//! Each kind of mask on a real column, and that a value is masked the same way whoever asks, and however.
//!
//! What must be seen is said in [`crate::columns`].

use redoubt_core::{
    event::wire::ColumnSelector,
    explain::{MaskExplanation, explain},
};

use crate::{
    columns::{ANALYST_SEES, COLUMNS, Must, PRINTED},
    data,
    forms::text,
    screen::{Screen, short},
    settings::Settings,
    show::{Mismatch, ShowError, governed, select, view_name},
    warehouse::{Row, Session},
    world::World,
};

/// The data source.
pub const SOURCE: &str = "masks";
/// The analyst who looks.
pub const ANALYST: &str = "ana.silva";
/// Another one, who sees all of the analyst's rows among her own.
const COLLEAGUE: &str = "chloe.martin";

/// Rows by their key, one that is there twice too; the values are in the order of [`COLUMNS`].
type Rows = Vec<(u64, Row)>;

/// Prints three rows as they are and as the analyst sees them, and asks again in other ways. Gives what isn't as it must be.
///
/// # Errors
/// When a query fails.
pub async fn show(settings: &Settings, world: &World, screen: &mut Screen) -> Result<Vec<Mismatch>, ShowError> {
    screen.heading(&format!(
        "Each kind of mask, on real columns: three rows of governed.{SOURCE}, as {ANALYST} sees them"
    ))?;
    let raw = Session::open(settings, settings.administrator(), data::DATABASE).await?;
    let session = governed(settings, world, ANALYST).await?;
    let wanted = keyed(raw.rows("read the raw table", &raw_query()).await?);
    let seen = read(&session, world, "").await?;
    let chosen = raw.rows("choose rows", PRINTED).await?;
    let chosen = chosen.iter().filter_map(|row| row.first()?.as_ref()?.parse().ok()).collect::<Vec<u64>>();
    print(world, screen, &chosen, (&wanted, &seen))?;

    let mut mismatches = check(&wanted, &seen);
    screen.line("")?;
    if mismatches.is_empty() {
        let columns = COLUMNS.iter().filter(|column| matches!(column.must, Must::Have(form) if form.follows_value()));
        let names: Vec<&str> = columns.map(|column| column.name).collect();
        let orders = seen.len();
        screen.line(&format!("  Equal values stay equal, others differ, over {orders} rows: {}", names.join(", ")))?;
    }
    for way in ways(&view_name(world, "nation")?, &seen, chosen.first()) {
        let again = read(&governed(settings, world, way.account).await?, world, &way.rest).await?;
        let expected = format!("SELECT COUNT(*) FROM public.{SOURCE} WHERE {ANALYST_SEES} AND {}", way.raw);
        let expected = raw.value("work out what must be seen", &expected).await?;
        let different = differences(&seen, &again, (way.account, &text(&expected)));
        if different.is_empty() {
            let (rows, values) = (again.len(), again.len() * COLUMNS.len());
            let line = format!("  The same in another session, {}: {rows} rows, {values} values compared", way.how);
            screen.line(&line)?;
        }
        mismatches.extend(different);
    }
    Ok(mismatches)
}

/// Another way to ask for some of the rows.
struct Way {
    account: &'static str,
    how: &'static str,
    /// What follows the view's name.
    rest: String,
    /// Which of the analyst's rows these must be, over the raw table.
    raw: String,
}

fn ways(nation: &str, seen: &Rows, first: Option<&u64>) -> [Way; 3] {
    let place = COLUMNS.iter().position(|column| column.name == "phone_reversible");
    let phone = first.and_then(|key| find(seen, *key)?.get(place?)?.clone()).unwrap_or_default();
    let key = first.copied().unwrap_or_default();
    [
        Way {
            account: ANALYST,
            how: "from last to first, through a join with nation and a WHERE",
            rest: format!(
                "JOIN {nation} AS n ON n.n_nationkey = m.nation \
                 WHERE n.n_name = 'BRAZIL' AND m.balance_round >= 1000 ORDER BY m.order_key DESC"
            ),
            raw: "balance_round >= 1000".to_owned(),
        },
        Way {
            account: ANALYST,
            how: "found by a masked phone",
            rest: format!("WHERE m.phone_reversible = '{phone}'"),
            raw: format!("phone_reversible = (SELECT phone_reversible FROM public.{SOURCE} WHERE order_key = {key})"),
        },
        Way {
            account: COLLEAGUE,
            how: "as chloe.martin, who sees them among others",
            rest: "WHERE m.nation = 2 ORDER BY m.date_random".to_owned(),
            raw: "TRUE".to_owned(),
        },
    ]
}

/// Raw values, then those that can be foretold.
fn raw_query() -> String {
    let raw = COLUMNS.iter().map(|column| column.name);
    let expected = COLUMNS.iter().map(|column| match column.must {
        Must::Be(sql) => sql,
        Must::Have(_) => "NULL",
    });
    let items: Vec<&str> = raw.chain(expected).collect();
    format!("SELECT {} FROM public.{SOURCE} WHERE {ANALYST_SEES}", items.join(", "))
}

async fn read(session: &Session, world: &World, rest: &str) -> Result<Rows, ShowError> {
    let names: Vec<String> = COLUMNS.iter().map(|column| format!("m.{}", column.name)).collect();
    let query = select(world, &names.join(", "), SOURCE, &format!("AS m {rest}"))?;
    Ok(keyed(session.rows("read the masked columns", &query).await?))
}

fn keyed(rows: Vec<Row>) -> Rows {
    let rows = rows.into_iter().filter_map(|row| Some((row.first()?.as_ref()?.parse().ok()?, row)));
    let mut rows: Rows = rows.collect();
    rows.sort_unstable();
    rows
}

fn find(rows: &Rows, wanted: u64) -> Option<&Row> {
    rows.iter().find(|(key, _)| *key == wanted).map(|(_, row)| row)
}

fn print(world: &World, screen: &mut Screen, chosen: &[u64], (raw, seen): (&Rows, &Rows)) -> Result<(), ShowError> {
    let person = world.person(ANALYST)?;
    let profile = person.as_ref().map(|person| &person.profile);
    let explanation = explain(&world.source(SOURCE)?, None, profile, &world.policies()?, &world.projects()?)?;
    let mut headers = vec!["column", "mask", "by"];
    headers.extend(chosen.iter().flat_map(|_| ["raw", "seen"]));
    let mut lines = Vec::with_capacity(COLUMNS.len());
    for (index, column) in COLUMNS.iter().enumerate() {
        let mask = explanation.columns.iter().find(|one| one.column == column.name).and_then(|one| one.mask.as_ref());
        let mut line =
            vec![column.name.to_owned(), mask.map_or("none", kind).to_owned(), mask.map(selector).unwrap_or_default()];
        for key in chosen {
            let value = |rows: &Rows| find(rows, *key).and_then(|row| row.get(index)).map(short).unwrap_or_default();
            line.extend([value(raw), value(seen)]);
        }
        lines.push(line);
    }
    Ok(screen.table(&headers, &lines)?)
}

fn kind(mask: &MaskExplanation) -> &'static str {
    match (&mask.only_where, mask.cases.effect().mask) {
        (Some(_), "null") => "null, in some cells",
        (_, kind) => kind,
    }
}

fn selector(mask: &MaskExplanation) -> String {
    match &mask.columns {
        ColumnSelector::Tag(tag) => format!("tag {tag}"),
        ColumnSelector::Name(_) => "name".to_owned(),
        ColumnSelector::NameRegex(pattern) => format!("name_regex {pattern}"),
        ColumnSelector::Untagged => "untagged".to_owned(),
        ColumnSelector::All => "all".to_owned(),
    }
}

/// What of the rows isn't as it must be: the first fault of each column.
fn check(wanted: &Rows, seen: &Rows) -> Vec<Mismatch> {
    if wanted.iter().map(|(key, _)| key).ne(seen.iter().map(|(key, _)| key)) {
        let count = |rows: &Rows| format!("{} rows", rows.len());
        let what = format!("rows of {SOURCE}, as {ANALYST}");
        return vec![Mismatch { what, expected: count(wanted), found: count(seen) }];
    }
    let faults = COLUMNS.iter().enumerate().filter_map(|(index, column)| {
        let pairs = || wanted.iter().zip(seen).map(|((_, wanted), (_, seen))| (wanted, seen));
        let fault = match column.must {
            Must::Be(_) => pairs().find_map(|(wanted, seen)| {
                let (wanted, seen) = (wanted.get(COLUMNS.len() + index)?, seen.get(index)?);
                (wanted != seen).then(|| (text(wanted), text(seen)))
            }),
            Must::Have(form) => {
                form.fault(pairs().filter_map(|(wanted, seen)| Some((wanted.get(index)?, seen.get(index)?))))
            }
        };
        let (expected, found) = fault?;
        Some(Mismatch { what: format!("{SOURCE}.{}, as {ANALYST}", column.name), expected, found })
    });
    faults.collect()
}

/// What differs where the same was asked in another way.
fn differences(first: &Rows, again: &Rows, (account, expected): (&str, &str)) -> Vec<Mismatch> {
    if again.len().to_string() != expected || again.iter().any(|(key, _)| find(first, *key).is_none()) {
        let what = format!("rows of {SOURCE}, asked again as {account}");
        let expected = format!("{expected} of the same rows");
        return vec![Mismatch { what, expected, found: format!("{} rows", again.len()) }];
    }
    let faults = COLUMNS.iter().enumerate().filter_map(|(index, column)| {
        again.iter().find_map(|(key, row)| {
            let (before, now) = (find(first, *key)?.get(index)?, row.get(index)?);
            (before != now).then(|| Mismatch {
                what: format!("{SOURCE}.{} of order {key}, asked again as {account}", column.name),
                expected: text(before),
                found: text(now),
            })
        })
    });
    faults.collect()
}
