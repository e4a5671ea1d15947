//! Whether a database account may undo the mask of a column. Everything is read anew each time: a right that was taken away is
//! gone with the event that took it.

use redoubt_core::{model::stored, record::Kind, render::profile::ProfileState, resolve::PolicySet, sql::Ident};

use super::{
    claim::{self, Name},
    error::WorkError,
    world,
};
use crate::{port::Store, runtime::App};

/// Whether the account may. An account that nobody registered has, and a data source that is unknown or switched off, means no.
///
/// # Errors
/// When the store fails, or what is stored can't be read.
pub async fn may_unmask<S: Store, W, Q>(
    app: &App<S, W, Q>,
    account: &str,
    source: &str,
    column: &str,
) -> Result<bool, WorkError> {
    let Ok(account) = Ident::new(account) else { return Ok(false) };
    let Some(claim) = claim::holder(app, Name::DatabaseUser(&account)).await? else { return Ok(false) };
    let Some(record) = app.store.get(Kind::User, &claim.holder).await? else { return Ok(false) };
    let user = stored::user(&record).map_err(|source| world::unreadable(&record, source))?;
    let Some((user, standing)) = user.filter(|(user, _)| user.database_user == account) else { return Ok(false) };
    let Some(record) = app.store.get(Kind::DataSource, source).await? else { return Ok(false) };
    let source = stored::data_source(&record).map_err(|source| world::unreadable(&record, source))?;
    let Some((source, true)) = source else { return Ok(false) };
    let project = match &standing.project {
        None => None,
        Some(id) => match app.store.get(Kind::Project, id.as_str()).await? {
            None => None,
            Some(record) => stored::project(&record).map_err(|source| world::unreadable(&record, source))?,
        },
    };
    let profile = ProfileState::resolve(&user, &standing, project.as_ref());
    let (policies, projects) = world::rules(app).await?;
    let policies = PolicySet::new(policies);
    Ok(redoubt_core::unmask::may_unmask(&source, column, &policies, &projects.set, &profile))
}
