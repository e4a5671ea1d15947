//! Data sources, users, projects and integrations as producers write them.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One registered table, view or external table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSourceDocument {
    /// The data source's lasting identity.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// The warehouse it lives in; must be the host of an integration.
    pub host: String,
    /// The database it lives in.
    pub database: String,
    /// The schema it lives in.
    pub schema: String,
    /// The table's or view's name.
    pub table: String,
    /// Name of the policy view; the table's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Tags of the data source as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The columns that the view shows, in order.
    pub columns: Vec<ColumnDocument>,
    /// The column that says when a row happened, for time windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time_column: Option<String>,
    /// The column that tells rows apart, for samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_column: Option<String>,
    /// It is an external (Spectrum) table, in an external schema of the integration's own database.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// How the policy view is bound to the table; late when absent.
    #[serde(default, skip_serializing_if = "Binding::is_late")]
    pub binding: Binding,
}

/// How a policy view is bound to what it reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// When it is queried: the table can be dropped and made again.
    #[default]
    Late,
    /// When it is made: readers need no `USAGE` on the table's schema, and the table can't be dropped. Only in a
    /// single-database integration, and not for external tables.
    Bound,
}

impl Binding {
    fn is_late(&self) -> bool {
        *self == Self::Late
    }
}

/// One column of a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ColumnDocument {
    /// The column's name.
    pub name: String,
    /// Its type as Redshift writes it, such as `character varying(25)` or `decimal(12,2)`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UserDocument {
    /// The user's lasting identity.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// The name of the database account, exactly as Redshift has it.
    pub database_user: String,
    /// All groups; absent where groups are only told by `user.groups_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// All attributes with all values; absent where they are only told by `user.attributes_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// The project the user works in; absent where it is only told by `user.project_switched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A bundle of data sources, members and purposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectDocument {
    /// The project's lasting identity.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// What people call the project.
    pub name: String,
    /// Identities of the users who may switch to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The purposes its members act under, each once acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Identities of the data sources it bundles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<String>,
    /// Equal values have equal hashes in all data sources of the project, for those who work in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked_joins: bool,
}

/// One Redshift warehouse under Redoubt's control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationDocument {
    /// The integration's lasting identity.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// The warehouse's host, as data sources name it.
    pub host: String,
    /// The serverless workgroup. Either this or `cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workgroup: Option<String>,
    /// The provisioned cluster. Either this or `workgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Where the policy views live.
    pub mode: Mode,
    /// The database that holds Redoubt's objects and the policy views.
    pub database: String,
    /// Whether `database` is made by the setup. It is when absent in a multi-database integration, and is not in a
    /// single-database one. A database that is there already is never taken for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_database: Option<bool>,
    /// The schema of the policy views.
    pub view_schema: String,
    /// How policy views are named where their data source does not say: a text with the places `{database}`, `{schema}` and
    /// `{table}`; `{table}` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_name: Option<String>,
    /// Prefix of the names of Redoubt's own objects; `immuta` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The database account Redoubt works as.
    pub system_user: String,
    /// Secret (name or ARN) with that account's user name and password.
    pub secret: String,
    /// How the warehouse is set up; absent where its administrator ran the setup by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupDocument>,
    /// The Lambda function behind masks that SQL can't compute; absent where no policy needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<MaskFunctionDocument>,
    /// External schemas that the setup makes in `database`, so that external tables of a data catalog can be read there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_schemas: Vec<ExternalSchemaDocument>,
    /// Whether accounts that were granted it may impersonate users to test policies; they may not when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub impersonation: bool,
    /// Risks that the administrator knows of and accepts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_risks: Vec<Risk>,
}

/// An external schema: a database of a data catalog, as the warehouse sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExternalSchemaDocument {
    /// The schema's name in the integration's database.
    pub name: String,
    /// The database in the AWS Glue Data Catalog.
    pub catalog_database: String,
    /// The Region of the catalog; that of the warehouse when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ARN of the IAM role that reads catalog and files; the warehouse's default role when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Something that would let a user see more than policies allow, and that Redoubt refuses unless it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Readers of a view over an external table need `USAGE` on its schema, which opens the tables in it unless Lake Formation
    /// governs them.
    ExternalSchemaUsage,
    /// The database isolates transactions in another way than Redshift documents.
    Isolation,
    /// Names keep their case, so that another column than the one masked may be read.
    CaseSensitiveIdentifiers,
    /// `CURRENT_USER` in a view is not its reader.
    ViewReader,
    /// Results of one user's query may be given to another.
    ResultCache,
    /// Literals are read in another way than they are written.
    Backslash,
}

impl Risk {
    /// The name it has in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternalSchemaUsage => "external_schema_usage",
            Self::Isolation => "isolation",
            Self::CaseSensitiveIdentifiers => "case_sensitive_identifiers",
            Self::ViewReader => "view_reader",
            Self::ResultCache => "result_cache",
            Self::Backslash => "backslash",
        }
    }
}

/// Takes an integration away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntegrationRemoval {
    /// Which integration.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// Whether the tables with profiles and entitlements stay in the warehouse, for another system to read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_profiles: bool,
    /// The account that takes away what the setup account made: the database and the system account. They stay when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<RemovalSetup>,
}

/// The account that a removal needs for what the system account can't do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RemovalSetup {
    /// Secret (name or ARN) of the account.
    pub secret: String,
    /// A database that stays, to connect to.
    pub database: String,
}

/// The Lambda function that serves masks, as the warehouse calls it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaskFunctionDocument {
    /// Its name or ARN.
    pub function: String,
    /// ARN of the IAM role, attached to the warehouse, that may call it; the warehouse's default role when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// How Redoubt may set up the warehouse by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetupDocument {
    /// Secret (name or ARN) of an account that may create databases and users; used for the setup only.
    pub secret: String,
    /// A database that exists already, to connect to first.
    pub database: String,
    /// Digest of the system account's password, as `CREATE USER` takes it: `sha256|digest|salt`.
    pub system_user_password_digest: String,
}

/// Where the policy views live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In a database of their own; sources are named with three parts.
    MultiDatabase,
    /// Beside the raw tables, in the same database.
    SingleDatabase,
}
