//! What the events add up to: the state that must stand in the warehouse once all have been dealt with.
//!
//! Computed by the core from the same events, so that convergence is compared with something instead of being guessed from
//! quiet queues.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    event::{Event, Faults},
    model::{Command, DataSource, Id, Integration, Policy, Project, Standing, User, stored},
    plan::{self, PlanError},
    record::{Kind, Record, VersionConflict},
    render::{profile::ProfileState, view},
    resolve::{PolicySet, ProjectSet},
};

/// Why the demo's documents make no consistent whole: each a defect of the documents.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A document fails the checks of the model.
    #[error("a document has faults: {0}")]
    Faults(Faults),
    /// Two events contradict each other.
    #[error(transparent)]
    Conflict(#[from] VersionConflict),
    /// A policy doesn't fit a data source.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is no such document.
    #[error("there is no {kind} `{id}` among the documents")]
    Missing {
        /// What was looked for.
        kind: Kind,
        /// Its identity.
        id: String,
    },
}

impl From<Faults> for WorldError {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

/// Kind, name (empty where the kind has none) and value of everything an account has.
pub type Entitlements = BTreeSet<(String, String, String)>;

/// The documents as the events so far left them.
#[derive(Debug, Clone, Default)]
pub struct World {
    records: BTreeMap<(Kind, String), Record>,
}

/// A user with what they have.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub user: User,
    /// Groups, attributes and so on.
    pub standing: Standing,
    /// The same, resolved to what the warehouse is told.
    pub profile: ProfileState,
}

impl World {
    /// Takes an event in, and tells which kind of document it was about.
    ///
    /// # Errors
    /// When the event's document fails a check or contradicts an earlier one.
    pub fn apply(&mut self, event: &Event) -> Result<Kind, WorldError> {
        match Command::check(event)? {
            Command::Merge { kind, id, writes } => {
                let id = id.as_str().to_owned();
                let record = self.records.entry((kind, id.clone())).or_insert_with(|| Record::new(kind, id));
                record.merge(&writes)?;
                Ok(kind)
            }
            Command::Refresh { kind, .. } => Ok(kind),
        }
    }

    fn records(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |((of, _), _)| *of == kind).map(|(_, record)| record)
    }

    /// The warehouse.
    ///
    /// # Errors
    /// When no event told of one.
    pub fn integration(&self) -> Result<Integration, WorldError> {
        let missing = || WorldError::Missing { kind: Kind::Integration, id: "any".to_owned() };
        let record = self.records(Kind::Integration).next().ok_or_else(missing)?;
        stored::integration(record)?.ok_or_else(missing)
    }

    /// The policies, indexed.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn policies(&self) -> Result<PolicySet, WorldError> {
        let policies: Vec<Option<Policy>> = self.records(Kind::Policy).map(stored::policy).collect::<Result<_, _>>()?;
        Ok(PolicySet::new(policies.into_iter().flatten().collect()))
    }

    /// The projects, indexed.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn projects(&self) -> Result<ProjectSet, WorldError> {
        let projects: Vec<Option<Project>> =
            self.records(Kind::Project).map(stored::project).collect::<Result<_, _>>()?;
        Ok(ProjectSet::new(projects.into_iter().flatten().collect()))
    }

    /// The data sources that are switched on.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn sources(&self) -> Result<Vec<DataSource>, WorldError> {
        let sources: Vec<_> = self.records(Kind::DataSource).map(stored::data_source).collect::<Result<_, _>>()?;
        Ok(sources.into_iter().flatten().filter_map(|(source, enabled)| enabled.then_some(source)).collect())
    }

    /// A data source by identity.
    ///
    /// # Errors
    /// When there is none.
    pub fn source(&self, id: &str) -> Result<DataSource, WorldError> {
        let missing = || WorldError::Missing { kind: Kind::DataSource, id: id.to_owned() };
        self.sources()?.into_iter().find(|source| source.id.as_str() == id).ok_or_else(missing)
    }

    /// Everybody, with what they have.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn people(&self) -> Result<Vec<Person>, WorldError> {
        let projects: BTreeMap<Id, Project> = self
            .records(Kind::Project)
            .map(stored::project)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .map(|project| (project.id.clone(), project))
            .collect();
        let mut people = Vec::new();
        for record in self.records(Kind::User) {
            if let Some((user, standing)) = stored::user(record)? {
                let project = standing.project.as_ref().and_then(|id| projects.get(id));
                let profile = ProfileState::resolve(&user, &standing, project);
                people.push(Person { user, standing, profile });
            }
        }
        Ok(people)
    }

    /// The person with a database account, if somebody registered has it.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn person(&self, account: &str) -> Result<Option<Person>, WorldError> {
        Ok(self.people()?.into_iter().find(|person| person.user.database_user.as_str() == account))
    }

    /// Fingerprints of the policy views that must stand in the warehouse, by data source.
    ///
    /// # Errors
    /// When a policy doesn't fit a data source.
    pub fn fingerprints(&self) -> Result<BTreeMap<String, String>, WorldError> {
        let integration = self.integration()?;
        let (policies, projects) = (self.policies()?, self.projects()?);
        let mut fingerprints = BTreeMap::new();
        for source in self.sources()? {
            let plan = plan::build(&source, &policies.resolve(&source), &projects)?;
            let place = view::Place {
                names: &integration.names,
                database: &integration.database,
                schema: &integration.view_schema,
                view: &source.view,
            };
            fingerprints.insert(source.id.as_str().to_owned(), view::view(&plan, &place).fingerprint);
        }
        Ok(fingerprints)
    }

    /// What the warehouse must know of each database account: kind, name and value of everything they have.
    ///
    /// # Errors
    /// Never for events that were taken in: they passed the same checks.
    pub fn entitlements(&self) -> Result<BTreeMap<String, Entitlements>, WorldError> {
        let entitlements = |person: &Person| {
            person
                .profile
                .entitlements
                .iter()
                .map(|(kind, name, value)| {
                    let name = name.as_ref().map_or("", |name| name.as_str());
                    (kind.as_str().to_owned(), name.to_owned(), value.as_str().to_owned())
                })
                .collect()
        };
        let people = self.people()?;
        Ok(people.iter().map(|person| (person.user.database_user.as_str().to_owned(), entitlements(person))).collect())
    }

    /// Identities of the policies.
    pub fn policy_ids(&self) -> BTreeSet<String> {
        self.records(Kind::Policy).map(|record| record.id.clone()).collect()
    }
}
