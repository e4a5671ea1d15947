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
    /// The schema of the policy views.
    pub view_schema: String,
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
