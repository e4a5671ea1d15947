//! What those may who have a purpose: join on masked names, and undo a mask.

use redoubt_core::explain::explain;

use crate::{
    columns::PRINTED,
    data,
    forms::text,
    masks::{ANALYST, SOURCE},
    screen::Screen,
    settings::Settings,
    show::{Mismatch, ShowError, governed, select, view_name},
    warehouse::Session,
    world::World,
};

/// Works in the project that allows masked joins.
const SCIENTIST: &str = "aisha.khan";
/// Acts under the purpose that allows unmasking.
const INVESTIGATOR: &str = "fiona.o'brien";
/// The column whose mask can be undone.
const COLUMN: &str = "phone_reversible";
/// How the function refuses.
const REFUSAL: &str = "this user may not unmask this column";

/// Joins two tables on hashed names, inside the project and outside.
///
/// # Errors
/// When a query fails.
pub async fn joins(settings: &Settings, world: &World, screen: &mut Screen) -> Result<Vec<Mismatch>, ShowError> {
    screen.heading(&format!(
        "Masked joins: SELECT COUNT(*) FROM governed.{SOURCE} JOIN governed.customer ON c_name = name_hash"
    ))?;
    let raw = Session::open(settings, settings.administrator(), data::DATABASE).await?;
    let (mut mismatches, mut lines) = (Vec::new(), Vec::new());
    let all = format!("SELECT COUNT(*) FROM public.{SOURCE} JOIN public.customer ON c_name = name_hash");
    for (account, expected) in [(SCIENTIST, all.as_str()), (ANALYST, "SELECT 0")] {
        let join = format!("JOIN {} ON c_name = name_hash", view_name(world, "customer")?);
        let query = select(world, "COUNT(*)", SOURCE, &join)?;
        let found = governed(settings, world, account).await?.value("join on hashes", &query).await?;
        let expected = raw.value("work out what must be seen", expected).await?;
        let person = world.person(account)?;
        let works_in = person.as_ref().and_then(|person| person.standing.project.as_ref());
        let works_in = works_in.map_or("no project", |project| project.as_str());
        let purposes = person.iter().flat_map(|person| &person.profile.entitlements);
        let purposes: Vec<&str> = purposes
            .filter(|(kind, _, _)| kind.as_str() == "purpose")
            .map(|(_, _, purpose)| purpose.as_str())
            .collect();
        lines.push(vec![account.to_owned(), works_in.to_owned(), purposes.join(", "), text(&found)]);
        if found != expected {
            let what = format!("a join on hashes, as {account}");
            mismatches.push(Mismatch { what, expected: text(&expected), found: text(&found) });
        }
    }
    screen.table(&["who", "works in", "acts under", "rows"], &lines)?;
    Ok(mismatches)
}

/// Undoes a mask as the one who may, and as one who may not.
///
/// # Errors
/// When a query fails for another reason than that.
pub async fn show(settings: &Settings, world: &World, screen: &mut Screen) -> Result<Vec<Mismatch>, ShowError> {
    let raw = Session::open(settings, settings.administrator(), data::DATABASE).await?;
    let order = format!("WHERE order_key = {}", text(&raw.value("choose a row", PRINTED).await?));
    let clear = format!("SELECT {COLUMN} FROM public.{SOURCE} {order}");
    let clear = raw.value("read the raw table", &clear).await?;
    let analyst = governed(settings, world, ANALYST).await?;
    let masked = analyst.value("read a masked value", &select(world, COLUMN, SOURCE, &order)?).await?;
    let masked = text(&masked);
    let names = world.integration()?.names;
    let query = format!(
        "SELECT {}.unmask('{masked}', k.handle, '{SOURCE}', '{COLUMN}') FROM {}.unmask_key AS k WHERE k.source = '{SOURCE}'",
        names.functions.as_str(),
        names.system.as_str()
    );
    screen.heading("Unmasking")?;
    screen.line(&format!("  {query}"))?;
    let mut mismatches = Vec::new();
    for (account, may) in [(INVESTIGATOR, true), (ANALYST, false)] {
        let session = governed(settings, world, account).await?;
        let (found, refused) = match session.value("unmask a value", &query).await {
            Ok(value) => (text(&value), false),
            Err(error) => {
                let Some(message) = error.message().filter(|message| message.contains(REFUSAL)) else {
                    return Err(error.into());
                };
                (message.to_owned(), true)
            }
        };
        if refused == may || (may && Some(&found) != clear.as_ref()) {
            let expected = if may { text(&clear) } else { REFUSAL.to_owned() };
            mismatches.push(Mismatch { what: format!("unmasking, as {account}"), expected, found: found.clone() });
        }
        screen.line(&format!("  {account}: {found}"))?;
        screen.line(&format!("    the condition for it is {}", reason(world, account)?))?;
    }
    Ok(mismatches)
}

/// Why somebody may undo the mask or not, in the words of the core.
fn reason(world: &World, account: &str) -> Result<String, ShowError> {
    let person = world.person(account)?;
    let profile = person.as_ref().map(|person| &person.profile);
    let explanation = explain(&world.source(SOURCE)?, Some(COLUMN), profile, &world.policies()?, &world.projects()?)?;
    let mask = explanation.columns.first().and_then(|column| column.mask.as_ref());
    Ok(mask.and_then(|mask| mask.unmask.as_ref()).map_or_else(String::new, ToString::to_string))
}
