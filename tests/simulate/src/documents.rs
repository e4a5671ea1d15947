//! What the documents ask for: views, profiles and definitions, worked out from records with the pure half of Redoubt and none
//! of its use cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use redoubt_core::{
    event,
    model::{Command, EntitlementKind, Integration, stored},
    plan::{self, ViewPlan},
    record::{Kind, Record},
    render::{profile::ProfileState, view},
    resolve::{PolicySet, ProjectSet},
    sql::Text,
};
use serde_json::Value;

use crate::warehouse::{Entitlement, REFUSED};

/// Records by kind and id.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    records: BTreeMap<(Kind, String), Arc<Record>>,
}

/// A view that is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The statement that makes it.
    pub text: String,
    /// What it means.
    pub plan: Arc<ViewPlan>,
}

/// What is wanted for a data source.
#[derive(Debug, Clone)]
pub enum Source {
    /// Nothing: it was deleted, or there is no warehouse.
    Gone,
    /// Nothing, while it is switched off.
    Disabled,
    /// Nothing, for a reason.
    Unhealthy(String),
    /// A view.
    View(Wanted),
}

impl Source {
    /// The view, if one is wanted.
    #[must_use]
    pub fn view(&self) -> Option<&Wanted> {
        match self {
            Self::View(wanted) => Some(wanted),
            _ => None,
        }
    }
}

/// Policies and projects, read and indexed.
#[derive(Debug)]
pub struct Rules {
    policies: PolicySet,
    projects: ProjectSet,
}

impl Rules {
    /// The rules in records.
    #[must_use]
    pub fn of<'a>(policies: impl Iterator<Item = &'a Record>, projects: impl Iterator<Item = &'a Record>) -> Self {
        Self {
            policies: PolicySet::new(policies.filter_map(|record| stored::policy(record).unwrap()).collect()),
            projects: ProjectSet::new(projects.filter_map(|record| stored::project(record).unwrap()).collect()),
        }
    }
}

/// What a source's record asks for under rules, but for who holds the view's name.
#[must_use]
pub fn render(record: &Record, rules: &Rules, integration: &Integration) -> Source {
    let Some((source, enabled)) = stored::data_source(record).unwrap() else { return Source::Gone };
    if source.host != integration.host {
        return Source::Unhealthy("data_source.host".to_owned());
    }
    if !enabled {
        return Source::Disabled;
    }
    let name = match source.view_named(&integration.view_name) {
        Ok(name) => name,
        Err(fault) => return Source::Unhealthy(fault.to_string()),
    };
    match plan::build(&source, &rules.policies.resolve(&source), &rules.projects) {
        Err(error) => Source::Unhealthy(error.to_string()),
        Ok(plan) => {
            let place = view::Place {
                names: &integration.names,
                database: &integration.database,
                schema: &integration.view_schema,
                view: &name,
            };
            let text = view::view(&plan, &place).definition.execute().to_owned();
            Source::View(Wanted { name: name.as_str().to_owned(), text, plan: Arc::new(plan) })
        }
    }
}

impl Documents {
    /// Documents merged from events, one after the other.
    ///
    /// # Panics
    /// When an event is wrong: the workload makes none.
    #[must_use]
    pub fn merged<'a>(events: impl Iterator<Item = &'a Value>) -> Self {
        let mut records: BTreeMap<(Kind, String), Record> = BTreeMap::new();
        for value in events {
            let event = event::parse(&value.to_string()).unwrap().event;
            let Command::Merge { kind, id, writes } = Command::check(&event).unwrap() else { continue };
            let record = records.entry((kind, id.to_string())).or_insert_with(|| Record::new(kind, id.as_str()));
            record.merge(&writes).unwrap();
        }
        Self { records: records.into_iter().map(|(key, record)| (key, Arc::new(record))).collect() }
    }

    /// Notes a record; tells whether what it says is new.
    pub fn note(&mut self, record: &Record) -> bool {
        let key = (record.kind, record.id.clone());
        let same = self
            .records
            .get(&key)
            .is_some_and(|known| known.fields == record.fields && known.deleted == record.deleted);
        if !same {
            self.records.insert(key, Arc::new(record.clone()));
        }
        !same
    }

    /// The records of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records
            .range((kind, String::new())..)
            .take_while(move |((of, _), _)| *of == kind)
            .map(|(_, record)| &**record)
    }

    /// One record.
    #[must_use]
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.records.get(&(kind, id.to_owned())).map(|record| &**record)
    }

    /// The only integration.
    #[must_use]
    pub fn integration(&self) -> Option<Integration> {
        self.of(Kind::Integration).find_map(|record| stored::integration(record).unwrap())
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules::of(self.of(Kind::Policy), self.of(Kind::Project))
    }

    /// Who holds a name, and how often it changed hands.
    #[must_use]
    pub fn claim(&self, key: &str) -> Option<(&str, u64)> {
        let claim = self.get(Kind::Claim, key)?.document()?;
        Some((claim.get("holder")?.as_str()?, claim.get("count")?.as_u64()?))
    }

    fn holder(&self, key: &str) -> Option<&str> {
        Some(self.claim(key)?.0)
    }

    /// What is wanted for each data source there ever was.
    #[must_use]
    pub fn sources(&self) -> BTreeMap<String, Source> {
        let integration = self.integration();
        let rules = self.rules();
        let wanted = self.of(Kind::DataSource).map(|record| {
            let Some(integration) = &integration else { return (record.id.clone(), Source::Gone) };
            let mut wanted = render(record, &rules, integration);
            if let Some(view) = wanted.view() {
                let claim = format!("view/{}/{}", integration.host, view.name.to_lowercase());
                if self.holder(&claim).is_some_and(|holder| holder != record.id) {
                    wanted = Source::Unhealthy("data_source.view".to_owned());
                } else if view.name.contains(REFUSED) {
                    wanted = Source::Unhealthy("permission denied".to_owned());
                }
            }
            (record.id.clone(), wanted)
        });
        wanted.collect()
    }

    /// What is wanted for each account that anybody ever claimed: what its holder has; nothing where nobody holds it.
    #[must_use]
    pub fn profiles(&self) -> BTreeMap<String, Option<BTreeSet<Entitlement>>> {
        let accounts = self.of(Kind::Claim).filter_map(|record| record.id.strip_prefix("database_user/"));
        accounts.map(|account| (account.to_owned(), self.profile(account))).collect()
    }

    fn profile(&self, account: &str) -> Option<BTreeSet<Entitlement>> {
        self.integration()?;
        let record = self.get(Kind::User, self.holder(&format!("database_user/{account}"))?)?;
        let (user, standing) =
            stored::user(record).unwrap().filter(|(user, _)| user.database_user.as_str() == account)?;
        let project = standing.project.as_ref().and_then(|id| self.get(Kind::Project, id.as_str()));
        let project = project.and_then(|record| stored::project(record).unwrap());
        let state = ProfileState::resolve(&user, &standing, project.as_ref());
        let rows = triples(&state);
        (!rows.iter().any(|(_, _, value)| value.contains(REFUSED))).then_some(rows)
    }

    /// The definitions that are to be readable.
    #[must_use]
    pub fn definitions(&self) -> BTreeMap<String, String> {
        self.of(Kind::Policy).filter_map(|record| Some((record.id.clone(), record.document()?.to_string()))).collect()
    }
}

/// A profile as the warehouse has it.
fn triples(state: &ProfileState) -> BTreeSet<Entitlement> {
    let row = |(kind, name, value): &(EntitlementKind, Option<Text>, Text)| {
        (kind.as_str().to_owned(), name.as_ref().map(|name| name.as_str().to_owned()), value.as_str().to_owned())
    };
    state.entitlements.iter().map(row).collect()
}

/// A profile as the interpreter takes it.
///
/// # Panics
/// When the warehouse has a kind that there is not.
#[must_use]
pub fn state(rows: &BTreeSet<Entitlement>) -> ProfileState {
    const KINDS: [EntitlementKind; 6] = [
        EntitlementKind::User,
        EntitlementKind::Group,
        EntitlementKind::Attribute,
        EntitlementKind::Approval,
        EntitlementKind::Project,
        EntitlementKind::Purpose,
    ];
    let text = |text: &String| Text::new(text.as_str()).unwrap();
    let entitlements = rows.iter().map(|(kind, name, value)| {
        let kind = KINDS.into_iter().find(|one| one.as_str() == kind).unwrap();
        (kind, name.as_ref().map(text), text(value))
    });
    ProfileState { project: None, entitlements: entitlements.collect() }
}
