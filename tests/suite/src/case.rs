//! Golden cases: documents in, the SQL of policy views out.
//!
//! A case is a folder with `input.yaml`: data sources, policies, and, where it matters, the integration and what policies are
//! switched off for. Documents are written in the wire form and pass the same checks as those in events; what does not matter
//! to a case may be left out and is filled in from [`INTEGRATION`], [`DATA_SOURCE`] and [`POLICY`].

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use redoubt_core::{
    event::{self, wire},
    model::{DataSource, Id, Integration, Policy, Project, policy::Selector},
    plan::{self, PlanError, ViewPlan},
    render::view::{self, Place},
    resolve::{Candidate, PolicySet, ProjectSet, Resolution},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What an integration says where a case does not.
pub const INTEGRATION: &str = r#"{
    "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
    "view_schema": "governed", "system_user": "immuta_system_account", "secret": "system"
}"#;

/// What a data source says where a case does not.
pub const DATA_SOURCE: &str = r#"{"version": 1, "host": "wh", "database": "tpch", "schema": "public"}"#;

/// What a policy says where a case does not; its name is its identity.
pub const POLICY: &str = r#"{"version": 1, "created_at": "2026-01-01T00:00:00Z", "scope": "all"}"#;

/// The documents of a case, checked.
#[derive(Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The warehouse.
    pub integration: Integration,
    /// The data sources, in order.
    pub sources: Vec<DataSource>,
    /// The policies.
    pub policies: PolicySet,
    /// The projects.
    pub projects: ProjectSet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    integration: Map<String, Value>,
    data_sources: Vec<Map<String, Value>>,
    #[serde(default)]
    policies: Vec<Map<String, Value>>,
    #[serde(default)]
    projects: Vec<wire::ProjectDocument>,
    #[serde(default)]
    disabled_for: BTreeMap<String, Vec<String>>,
}

/// The folder of golden cases.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden"))
}

/// Reads every case, in the order of their names.
///
/// # Errors
/// What is wrong with the first that can't be read.
pub fn read_all() -> Result<Vec<Case>, String> {
    let folder = folder();
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut cases: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("input.yaml").is_file())
        .collect();
    cases.sort();
    cases.iter().map(|path| Case::read(path)).collect()
}

/// An object of JSON with the fields of `defaults` that it lacks.
fn filled(mut fields: Map<String, Value>, defaults: &str) -> Result<Value, String> {
    let defaults: Map<String, Value> = serde_json::from_str(defaults).map_err(|error| error.to_string())?;
    for (name, value) in defaults {
        fields.entry(name).or_insert(value);
    }
    Ok(Value::Object(fields))
}

impl Case {
    /// Reads and checks the case in a folder.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(folder.join("input.yaml")).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&name, &text).map_err(|error| format!("{name}: {error}"))
    }

    /// Checks a case's documents.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(name: &str, yaml: &str) -> Result<Self, String> {
        let input: Input = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        let integration: wire::IntegrationDocument =
            event::document(filled(input.integration, INTEGRATION)?).map_err(|faults| faults.to_string())?;
        let mut sources = Vec::new();
        for fields in input.data_sources {
            let source: wire::DataSourceDocument =
                event::document(filled(fields, DATA_SOURCE)?).map_err(|faults| faults.to_string())?;
            sources.push(DataSource::check(&source).map_err(|faults| format!("{}: {faults}", source.id))?);
        }
        let mut policies = Vec::new();
        for mut fields in input.policies {
            let id = fields.get("id").cloned().unwrap_or_default();
            fields.entry("name").or_insert(id);
            let document: wire::PolicyDocument =
                event::document(filled(fields, POLICY)?).map_err(|faults| faults.to_string())?;
            let mut policy = Policy::check(&document).map_err(|faults| format!("{}: {faults}", document.id))?;
            for source in input.disabled_for.get(&document.id).into_iter().flatten() {
                let source = Id::check("disabled_for", source).map_err(|fault| fault.to_string())?;
                policy.disabled_for.insert(source);
            }
            policies.push(policy);
        }
        let projects = input.projects.iter().map(Project::check).collect::<Result<_, _>>();
        let projects = projects.map_err(|faults| faults.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            integration: Integration::check(&integration).map_err(|faults| faults.to_string())?,
            sources,
            policies: PolicySet::new(policies),
            projects: ProjectSet::new(projects),
        })
    }

    /// Where the policy view of a source goes.
    #[must_use]
    pub fn place<'a>(&'a self, source: &'a DataSource) -> Place<'a> {
        Place {
            names: &self.integration.names,
            database: &self.integration.database,
            schema: &self.integration.view_schema,
            view: &source.view,
        }
    }

    /// What applies to each source and the plan of its view.
    #[must_use]
    pub fn plans(&self) -> Vec<(&DataSource, Resolution<'_>, Result<ViewPlan, PlanError>)> {
        self.sources
            .iter()
            .map(|source| {
                let resolution = self.policies.resolve(source);
                let plan = plan::build(source, &resolution, &self.projects);
                (source, resolution, plan)
            })
            .collect()
    }

    /// The views of the sources that get one, with the statement that makes each.
    #[must_use]
    pub fn views(&self) -> Vec<(&DataSource, view::View)> {
        let plans = self.plans().into_iter();
        plans.filter_map(|(source, _, plan)| Some((source, view::view(&plan.ok()?, &self.place(source))))).collect()
    }

    /// What stands in `expected.sql`: for each source the statement that makes its view, and what people are told besides.
    #[must_use]
    pub fn expected(&self) -> String {
        let mut out = String::new();
        for (source, resolution, plan) in self.plans() {
            if !out.is_empty() {
                out.push('\n');
            }
            line(&mut out, format_args!("-- data source {}", shown(source.id.as_str())));
            match plan {
                Ok(plan) => {
                    let sql = view::view_indented(&plan, &self.place(source));
                    line(&mut out, format_args!("{};", sql.execute()));
                }
                Err(error) => line(&mut out, format_args!("-- withdrawn: {error}")),
            }
            for (column, decision) in &resolution.masks {
                let column = source.columns.get(*column).map_or("?", |column| column.name.as_str());
                for loser in &decision.losers {
                    let (loser, winner) = (candidate(loser), candidate(&decision.winner));
                    line(&mut out, format_args!("-- column {}: {loser} lost to {winner}", shown(column)));
                }
            }
            for (policy, selector) in &resolution.unmatched {
                let (policy, selector) = (shown(policy.id.as_str()), selected(selector));
                line(&mut out, format_args!("-- policy {policy}: no column has {selector}"));
            }
            for policy in &resolution.inactive {
                line(&mut out, format_args!("-- policy {}: not in force", shown(policy.id.as_str())));
            }
        }
        out
    }
}

/// Writing to a `String` can't fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

/// A name on one line, whatever it holds.
fn shown(name: &str) -> String {
    format!("`{}`", name.escape_debug())
}

fn candidate(candidate: &Candidate<'_>) -> String {
    let policy = shown(candidate.policy.id.as_str());
    format!("{policy} by {}", selected(&candidate.rule.columns))
}

fn selected(selector: &Selector) -> String {
    match selector {
        Selector::Tag(tag) => format!("tag {}", shown(tag.as_str())),
        Selector::Name(name) => format!("name {}", shown(name.as_str())),
        Selector::NameRegex(pattern) => format!("a name like {}", shown(pattern.as_str())),
        Selector::Untagged => "no tag".to_owned(),
        Selector::All => "no condition".to_owned(),
    }
}
