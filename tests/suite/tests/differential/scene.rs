//! A scene: documents, rows and people, first as they are written, then checked and planned as the use cases do.

use std::collections::BTreeMap;

use redoubt_core::{
    event::wire,
    interpret::Value as Cell,
    model::{DataSource, Id, Policy, Project, Standing, User, user},
    plan::{self, PlanError, ViewPlan},
    render::profile::{Profile, ProfileState},
    resolve::{PolicySet, ProjectSet},
    sql::Text,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Stands in identities and names for the run, so that a scene can be run again beside itself.
pub const RUN: &str = "§";

/// What is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scene {
    pub projects: Vec<Value>,
    pub users: Vec<Person>,
    pub sources: Vec<Source>,
    pub policies: Vec<Written>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    pub user: Value,
    /// Whether Redshift is told of them.
    pub registered: bool,
    /// Whether it is told that they are gone.
    #[serde(default)]
    pub gone: bool,
    /// Projects and purposes.
    pub acknowledged: Vec<(String, String)>,
    /// Data sources.
    pub approved: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    pub data_source: Value,
    /// What a literal says of each column; nothing for null.
    pub rows: Vec<Map<String, Value>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Written {
    pub policy: Value,
    pub disabled_for: Vec<String>,
}

/// What is known of a scene before any warehouse is asked.
pub struct Prepared {
    pub people: Vec<Known>,
    pub sources: Vec<Planned>,
    pub projects: Vec<Project>,
    pub policies: PolicySet,
    /// The texts of the policies, by identity.
    pub written: BTreeMap<String, String>,
}

pub struct Known {
    pub user: User,
    /// What Redshift knows; nothing of whoever is not registered, or gone.
    pub profile: Option<ProfileState>,
    gone: bool,
}

impl Known {
    pub fn account(&self) -> &str {
        self.user.database_user.as_str()
    }

    /// What Redshift is told, if anything.
    pub fn profile(&self, revision: u64) -> Option<Profile> {
        let told = self.gone || self.profile.is_some();
        let database_user = self.user.database_user.clone();
        told.then(|| Profile { database_user, revision, state: self.profile.clone() })
    }
}

pub struct Planned {
    pub source: DataSource,
    /// Of each row, each column's literal.
    pub literals: Vec<Vec<Option<String>>>,
    pub rows: Vec<Vec<Cell>>,
    pub plan: Result<ViewPlan, PlanError>,
}

fn read<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
    serde_json::from_value(document.clone()).map_err(|error| format!("{error}: {document}"))
}

fn id(text: &str) -> Result<Id, String> {
    Id::check("id", text).map_err(|fault| fault.to_string())
}

impl Scene {
    /// The same scene for a run of this name.
    pub fn named(&self, run: &str) -> Self {
        let text = serde_json::to_string(self).unwrap().replace(RUN, run);
        serde_json::from_str(&text).unwrap()
    }

    /// Checks all documents and plans all views. An error is one of the scene, not of what is tested.
    pub fn prepare(&self) -> Result<Prepared, String> {
        let mut projects = Vec::new();
        for document in &self.projects {
            let document: wire::ProjectDocument = read(document)?;
            projects.push(Project::check(&document).map_err(|faults| faults.to_string())?);
        }
        let people = self.users.iter().map(|person| person.known(&projects)).collect::<Result<_, _>>()?;
        let mut policies = Vec::new();
        for written in &self.policies {
            let document: wire::PolicyDocument = read(&written.policy)?;
            let mut policy = Policy::check(&document).map_err(|faults| format!("{faults}: {}", written.policy))?;
            for source in &written.disabled_for {
                policy.disabled_for.insert(id(source)?);
            }
            policies.push(policy);
        }
        let written = policies.iter().zip(&self.policies);
        let written =
            written.map(|(policy, written)| (policy.id.as_str().to_owned(), written.policy.to_string())).collect();
        let policies = PolicySet::new(policies);
        let bundles = ProjectSet::new(projects.clone());
        let mut sources = Vec::new();
        for source in &self.sources {
            let document: wire::DataSourceDocument = read(&source.data_source)?;
            let checked = DataSource::check(&document).map_err(|faults| faults.to_string())?;
            let plan = plan::build(&checked, &policies.resolve(&checked), &bundles);
            let mut rows = Vec::new();
            let mut literals = Vec::new();
            for row in &source.rows {
                let mut cells = Vec::new();
                let mut texts = Vec::new();
                for column in &checked.columns {
                    let text = row.get(column.name.as_str()).and_then(Value::as_str);
                    let cell = text.map_or(Some(Cell::Null), |text| Cell::read(text, column.data_type));
                    cells.push(cell.ok_or_else(|| format!("{text:?} is no {}", column.data_type))?);
                    texts.push(text.map(str::to_owned));
                }
                rows.push(cells);
                literals.push(texts);
            }
            sources.push(Planned { source: checked, literals, rows, plan });
        }
        Ok(Prepared { people, sources, projects, policies, written })
    }
}

impl Person {
    fn known(&self, projects: &[Project]) -> Result<Known, String> {
        let document: wire::UserDocument = read(&self.user)?;
        let user = User::check(&document).map_err(|faults| faults.to_string())?;
        let faults = |faults: redoubt_core::event::Faults| faults.to_string();
        let mut standing = Standing {
            groups: user::groups("groups", document.groups.as_deref().unwrap_or_default()).map_err(faults)?,
            attributes: user::attributes("attributes", document.attributes.as_ref().unwrap_or(&BTreeMap::new()))
                .map_err(faults)?,
            project: document.project.as_deref().map(id).transpose()?,
            ..Standing::default()
        };
        for (project, purpose) in &self.acknowledged {
            let purpose = Text::new(purpose.as_str()).map_err(|error| error.to_string())?;
            standing.acknowledged.insert((id(project)?, purpose));
        }
        for source in &self.approved {
            standing.approved.insert(id(source)?);
        }
        let project = projects.iter().find(|project| Some(&project.id) == standing.project.as_ref());
        let is_there = self.registered && !self.gone;
        let profile = is_there.then(|| ProfileState::resolve(&user, &standing, project));
        Ok(Known { user, profile, gone: self.gone })
    }
}
