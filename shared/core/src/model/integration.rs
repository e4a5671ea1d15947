//! Integrations, as checked: one warehouse each.

use std::{collections::BTreeSet, fmt};

use super::{
    collect::Collector,
    name::{Id, found},
    view_name::ViewName,
};
use crate::{
    event::{Fault, Faults, wire},
    sql::{Ident, Text},
};

pub use wire::{Mode, Risk};

/// Prefix of the names of Redoubt's own objects where the document gives none.
pub const DEFAULT_PREFIX: &str = "immuta";

/// A warehouse whose document passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its identity.
    pub id: Id,
    /// The host that data sources name.
    pub host: String,
    /// How the Data API finds it.
    pub warehouse: WarehouseName,
    /// Where the policy views live.
    pub mode: Mode,
    /// The database of Redoubt's objects and of the policy views.
    pub database: Ident,
    /// Whether the setup makes that database. One that is there already is never taken for a new one.
    pub new_database: bool,
    /// The schema of the policy views.
    pub view_schema: Ident,
    /// How views are named.
    pub view_name: ViewName,
    /// Names of Redoubt's own objects.
    pub names: Names,
    /// The account Redoubt works as.
    pub system_user: Ident,
    /// Secret with that account's password.
    pub secret: String,
    /// How to set the warehouse up, where Redoubt may.
    pub setup: Option<Setup>,
    /// The Lambda function behind masks that SQL can't compute, where there is one.
    pub mask: Option<MaskFunction>,
    /// External schemas that the setup makes.
    pub external_schemas: Vec<ExternalSchema>,
    /// Whether accounts may be allowed to impersonate users.
    pub impersonation: bool,
    /// What the administrator knows of and accepts.
    pub accepted_risks: BTreeSet<Risk>,
}

/// A database of a data catalog, as the warehouse sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalSchema {
    /// The schema's name.
    pub name: Ident,
    /// The database in the data catalog.
    pub catalog_database: Text,
    /// The catalog's Region; the warehouse's when absent.
    pub region: Option<Text>,
    /// The IAM role that reads; the warehouse's default role when absent.
    pub role: Option<Text>,
}

/// What an integration's removal shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Profiles and entitlements stay.
    pub keep_profiles: bool,
    /// The account that drops what the setup account made, and a database that stays.
    pub setup: Option<(String, Ident)>,
}

/// The Lambda function that serves masks, as the warehouse calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskFunction {
    /// Its name or ARN.
    pub function: Text,
    /// The IAM role that may call it; the warehouse's default role when absent.
    pub role: Option<Text>,
}

/// How the Data API finds a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarehouseName {
    /// A serverless workgroup.
    Workgroup(String),
    /// A provisioned cluster.
    Cluster(String),
}

/// For people.
impl fmt::Display for WarehouseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workgroup(name) => write!(f, "workgroup {name}"),
            Self::Cluster(name) => write!(f, "cluster {name}"),
        }
    }
}

/// Names that follow from the prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The prefix: a lower-case letter, then letters, digits and underscores.
    pub prefix: String,
    /// Schema of tables and secure views.
    pub system: Ident,
    /// Schema of masking functions.
    pub functions: Ident,
    /// Schema of procedures.
    pub procedures: Ident,
    /// The column of profiles with the database account.
    pub userid: Ident,
    /// Schema of what the doctor makes for its probes and drops again.
    pub doctor: Ident,
    /// The schema below its views.
    pub doctor_below: Ident,
}

/// How Redoubt may set up the warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Secret of an account that may create databases and users.
    pub secret: String,
    /// A database that exists already.
    pub database: Ident,
    /// Digest of the system account's password: `sha256|digest|salt`.
    pub system_user_password_digest: Text,
}

impl Integration {
    /// Checks an integration document.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::IntegrationDocument) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let integration = Self::collect(&mut faults, wire);
        faults.finish(integration)
    }

    fn collect(faults: &mut Collector, wire: &wire::IntegrationDocument) -> Option<Self> {
        let id = faults.take(Id::check("integration.id", &wire.id));
        let host = faults.take(super::host("integration.host", &wire.host));
        let warehouse = match (&wire.workgroup, &wire.cluster) {
            (Some(name), None) => {
                faults.take(Id::check("integration.workgroup", name)).map(|_| WarehouseName::Workgroup(name.clone()))
            }
            (None, Some(name)) => {
                faults.take(Id::check("integration.cluster", name)).map(|_| WarehouseName::Cluster(name.clone()))
            }
            (Some(_), Some(_)) => {
                faults.push(Fault::new("integration", "both `workgroup` and `cluster`", "one of them"));
                None
            }
            (None, None) => {
                faults.push(Fault::new("integration", "neither `workgroup` nor `cluster`", "one of them"));
                None
            }
        };
        let database = faults.take(super::ident("integration.database", &wire.database));
        let view_schema = faults.take(super::view_name("integration.view_schema", &wire.view_schema));
        let view_name = match &wire.view_name {
            None => Some(ViewName::default()),
            Some(text) => faults.take(ViewName::check(text)),
        };
        let names = faults.take(Names::check(wire.prefix.as_deref().unwrap_or(DEFAULT_PREFIX)));
        if let (Some(schema), Some(names)) = (&view_schema, &names)
            && names.reserved().any(|own| own.folded() == schema.folded())
        {
            let expected = "a schema that is not one of Redoubt's own";
            faults.push(Fault::new("integration.view_schema", found(schema.as_str()), expected));
        }
        let system_user = faults.take(super::ident("integration.system_user", &wire.system_user));
        if wire.secret.is_empty() {
            faults.push(Fault::new("integration.secret", "an empty text", "the name or ARN of a secret"));
        }
        let setup = match &wire.setup {
            None => None,
            Some(setup) => {
                let database = faults.take(super::ident("integration.setup.database", &setup.database));
                let digest = faults.take(digest(&setup.system_user_password_digest));
                Some(Setup { secret: setup.secret.clone(), database: database?, system_user_password_digest: digest? })
            }
        };
        let mask = match &wire.mask {
            None => None,
            Some(mask) => Some(MaskFunction::collect(faults, mask)?),
        };
        let external_schemas =
            faults.each("integration.external_schemas", &wire.external_schemas, |faults, path, schema| {
                let external = ExternalSchema::collect(faults, path, schema)?;
                let own = names.iter().flat_map(Names::reserved).chain(&view_schema);
                if own.into_iter().any(|own| own.folded() == external.name.folded()) {
                    let expected = "a schema that holds nothing of Redoubt's";
                    faults.push(Fault::new(format!("{path}.name"), found(external.name.as_str()), expected));
                }
                Some(external)
            });
        let new_database = wire.new_database.unwrap_or(wire.mode == Mode::MultiDatabase);
        Some(Self {
            id: id?,
            host: host?,
            warehouse: warehouse?,
            mode: wire.mode,
            database: database?,
            new_database,
            view_schema: view_schema?,
            view_name: view_name?,
            names: names?,
            system_user: system_user?,
            secret: wire.secret.clone(),
            setup,
            mask,
            external_schemas,
            impersonation: wire.impersonation,
            accepted_risks: wire.accepted_risks.iter().copied().collect(),
        })
    }

    /// Whether the administrator accepts a risk.
    #[must_use]
    pub fn accepts(&self, risk: Risk) -> bool {
        self.accepted_risks.contains(&risk)
    }
}

impl Removal {
    /// Checks a removal.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::IntegrationRemoval) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let setup = wire.setup.as_ref().map(|setup| {
            if setup.secret.is_empty() {
                faults.push(Fault::new("setup.secret", "an empty text", "the name or ARN of a secret"));
            }
            faults
                .take(super::ident("setup.database", &setup.database))
                .map(|database| (setup.secret.clone(), database))
        });
        faults.finish(Some(Self { keep_profiles: wire.keep_profiles, setup: setup.flatten() }))
    }
}

impl ExternalSchema {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::ExternalSchemaDocument) -> Option<Self> {
        let name = faults.take(super::view_name(&format!("{path}.name"), &wire.name));
        let mut text = |field: &str, value: &str, expected: &str, plain: fn(u8) -> bool| {
            let fits = !value.is_empty() && value.len() <= 255 && value.bytes().all(plain);
            let text = if fits { Text::new(value).ok() } else { None };
            faults.take(text.ok_or_else(|| Fault::new(format!("{path}.{field}"), "another text", expected)))
        };
        // The catalog's own alphabet: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
        let database =
            text("catalog_database", &wire.catalog_database, "the name of a database in the data catalog", |b| {
                b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
            });
        let region = match &wire.region {
            None => None,
            Some(region) => Some(text("region", region, "a Region such as `eu-west-1`", |b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
            })?),
        };
        let role = match &wire.role {
            None => None,
            Some(role) => Some(text("role", role, "the ARN of an IAM role", |b| {
                b.is_ascii_alphanumeric() || b"-_:/.+=,@".contains(&b)
            })?),
        };
        Some(Self { name: name?, catalog_database: database?, region, role })
    }
}

impl MaskFunction {
    fn collect(faults: &mut Collector, wire: &wire::MaskFunctionDocument) -> Option<Self> {
        // Lambda's own alphabet: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 170
                && text.bytes().all(|b| {
                    b.is_ascii_alphanumeric()
                        || matches!(b, b'-' | b'_' | b':' | b'/' | b'.' | b'+' | b'=' | b',' | b'@')
                })
        };
        let mut check = |path: &str, text: &str, expected: &str| {
            let text = if plain(text) { Text::new(text).ok() } else { None };
            faults.take(text.ok_or_else(|| Fault::new(path, "another text", expected)))
        };
        let function = check("integration.mask.function", &wire.function, "the name or ARN of a Lambda function");
        let role = match &wire.role {
            None => None,
            Some(role) => Some(check("integration.mask.role", role, "the ARN of an IAM role")?),
        };
        Some(Self { function: function?, role })
    }
}

impl Names {
    /// The schemas of Redoubt's own objects.
    #[must_use]
    pub fn schemas(&self) -> [&Ident; 3] {
        [&self.system, &self.functions, &self.procedures]
    }

    /// The names that no other schema may have.
    pub fn reserved(&self) -> impl Iterator<Item = &Ident> {
        self.schemas().into_iter().chain([&self.doctor, &self.doctor_below])
    }

    /// Names that follow from a prefix.
    ///
    /// # Errors
    /// A fault when the prefix is not a lower-case letter followed by at most 31 letters, digits and underscores.
    pub fn check(prefix: &str) -> Result<Self, Fault> {
        let path = "integration.prefix";
        let expected = "a lower-case letter, then at most 31 lower-case letters, digits or underscores";
        let starts_well = prefix.starts_with(|c: char| c.is_ascii_lowercase());
        let goes_on_well = prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !starts_well || !goes_on_well || prefix.len() > 32 {
            return Err(Fault::new(path, found(prefix), expected));
        }
        let ident = |suffix: &str| super::ident(path, &format!("{prefix}_{suffix}"));
        Ok(Self {
            prefix: prefix.to_owned(),
            system: ident("system")?,
            functions: ident("functions")?,
            procedures: ident("procedures")?,
            userid: ident("_userid")?,
            doctor: ident("doctor")?,
            doctor_below: ident("doctor_below")?,
        })
    }
}

/// The form `CREATE USER` takes instead of a password in clear:
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html>.
fn digest(text: &str) -> Result<Text, Fault> {
    let path = "integration.setup.system_user_password_digest";
    let expected = "`sha256|digest|salt` with a digest of 64 hexadecimal digits";
    let mut parts = text.split('|');
    let well_formed = parts.next() == Some("sha256")
        && parts.next().is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()))
        && parts.next().is_some_and(|salt| !salt.is_empty() && salt.bytes().all(|b| b.is_ascii_alphanumeric()))
        && parts.next().is_none();
    if !well_formed {
        return Err(Fault::new(path, "another text", expected));
    }
    Text::new(text).map_err(|error| Fault::new(path, error.to_string(), expected))
}
