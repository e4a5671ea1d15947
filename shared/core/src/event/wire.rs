//! The documents and events as producers write them: what may be said, before anything is known to be right.
//!
//! These types decide the JSON Schemas in `events/`. Turning them into checked values is the business of [`crate::model`].

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One governance event, as it stands in an SQS message or in the `detail` of an EventBridge event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Event {
    /// A policy was written for the first time.
    #[serde(rename = "policy.created")]
    PolicyCreated {
        /// The whole policy.
        policy: PolicyDocument,
    },
    /// A policy was changed.
    #[serde(rename = "policy.updated")]
    PolicyUpdated {
        /// The whole policy.
        policy: PolicyDocument,
    },
    /// A policy was put aside for review; it enforces nothing until it is enabled.
    #[serde(rename = "policy.staged")]
    PolicyStaged(Versioned),
    /// A policy was switched off everywhere.
    #[serde(rename = "policy.disabled")]
    PolicyDisabled(Versioned),
    /// A staged or disabled policy was switched on.
    #[serde(rename = "policy.enabled")]
    PolicyEnabled(Versioned),
    /// A policy was removed for good.
    #[serde(rename = "policy.deleted")]
    PolicyDeleted(Versioned),
    /// A policy was switched off for one data source.
    #[serde(rename = "policy.disabled_for_data_source")]
    PolicyDisabledForDataSource(PolicyOnDataSource),
    /// A policy was switched on again for one data source.
    #[serde(rename = "policy.enabled_for_data_source")]
    PolicyEnabledForDataSource(PolicyOnDataSource),
    /// Definitions of policies are to be written to the warehouses again, though none of them changed.
    #[serde(rename = "policy.refresh")]
    PolicyRefresh(Refresh),
    /// A table, view or external table was registered.
    #[serde(rename = "data_source.created")]
    DataSourceCreated {
        /// The whole data source.
        data_source: DataSourceDocument,
    },
    /// A registered data source changed: its columns, types, tags or place.
    #[serde(rename = "data_source.updated")]
    DataSourceUpdated {
        /// The whole data source.
        data_source: DataSourceDocument,
    },
    /// A data source was switched off; its view is withdrawn.
    #[serde(rename = "data_source.disabled")]
    DataSourceDisabled(Versioned),
    /// A data source was switched on again.
    #[serde(rename = "data_source.enabled")]
    DataSourceEnabled(Versioned),
    /// A data source was removed for good.
    #[serde(rename = "data_source.deleted")]
    DataSourceDeleted(Versioned),
    /// Data sources are to be rendered again, though no document of theirs changed.
    #[serde(rename = "data_source.refresh")]
    DataSourceRefresh(Refresh),
    /// A user was added.
    #[serde(rename = "user.created")]
    UserCreated {
        /// The whole user.
        user: UserDocument,
    },
    /// A user changed.
    #[serde(rename = "user.updated")]
    UserUpdated {
        /// The whole user.
        user: UserDocument,
    },
    /// A user was removed for good.
    #[serde(rename = "user.deleted")]
    UserDeleted(Versioned),
    /// The groups of a user changed.
    #[serde(rename = "user.groups_changed")]
    UserGroupsChanged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// All groups the user is in now.
        groups: Vec<String>,
    },
    /// The attributes of a user changed.
    #[serde(rename = "user.attributes_changed")]
    UserAttributesChanged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// All attributes of the user now, each with all of its values.
        attributes: BTreeMap<String, Vec<String>>,
    },
    /// A user switched to another project, or to none.
    #[serde(rename = "user.project_switched")]
    UserProjectSwitched {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// The project the user works in now; absent or null for none.
        #[serde(default)]
        project: Option<String>,
    },
    /// A user acknowledged a purpose of a project.
    #[serde(rename = "user.purpose_acknowledged")]
    UserPurposeAcknowledged {
        /// Which user.
        id: String,
        /// The producer's counter.
        version: u64,
        /// The project that has the purpose.
        project: String,
        /// The purpose acknowledged.
        purpose: String,
    },
    /// A user's request to see a data source was approved.
    #[serde(rename = "user.subscription_approved")]
    UserSubscriptionApproved(Subscription),
    /// A user's approval to see a data source was taken back.
    #[serde(rename = "user.subscription_revoked")]
    UserSubscriptionRevoked(Subscription),
    /// Profiles are to be written again, though no document of theirs changed.
    #[serde(rename = "user.refresh")]
    UserRefresh(Refresh),
    /// A project was added.
    #[serde(rename = "project.created")]
    ProjectCreated {
        /// The whole project.
        project: ProjectDocument,
    },
    /// A project changed.
    #[serde(rename = "project.updated")]
    ProjectUpdated {
        /// The whole project.
        project: ProjectDocument,
    },
    /// A project was removed for good.
    #[serde(rename = "project.deleted")]
    ProjectDeleted(Versioned),
    /// A warehouse was connected.
    #[serde(rename = "integration.created")]
    IntegrationCreated {
        /// The whole integration.
        integration: IntegrationDocument,
    },
    /// How a warehouse is connected changed.
    #[serde(rename = "integration.updated")]
    IntegrationUpdated {
        /// The whole integration.
        integration: IntegrationDocument,
    },
}

/// Which document changed, and the producer's counter of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    /// Which document.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
}

/// A policy and one data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyOnDataSource {
    /// Which policy.
    pub id: String,
    /// The producer's counter.
    pub version: u64,
    /// On which data source.
    pub data_source: String,
}

/// A user and one data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Which user.
    pub id: String,
    /// The producer's counter.
    pub version: u64,
    /// The data source approved or revoked.
    pub data_source: String,
}

/// Targets to render again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Which documents, at most 100.
    pub ids: Vec<String>,
    /// How often a failed statement was tried before this refresh.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A subscription policy (who may see a data source) or a data policy (what a subscriber sees of it).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The policy's lasting identity.
    pub id: String,
    /// The producer's counter; the highest wins.
    pub version: u64,
    /// What people call the policy.
    pub name: String,
    /// When the policy was first written (RFC 3339); of two that want the same column the older one wins.
    pub created_at: String,
    /// Whether it is enforced.
    #[serde(default)]
    pub status: PolicyStatus,
    /// The data sources it covers.
    pub scope: Scope,
    /// Who may see the data sources. Either this or `rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionLevel>,
    /// The subscription must hold on top of all others, instead of being one way in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guardrail: bool,
    /// What a subscriber sees. Either this or `subscription`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
}

/// Whether a policy is enforced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    /// Enforced.
    #[default]
    Active,
    /// Written, waiting to be enabled.
    Staged,
    /// Switched off.
    Disabled,
}

/// The data sources a policy covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every data source.
    All,
    /// Data sources that carry one of these tags, on themselves or on a column; a tag stands for those below it too.
    Tags(Vec<String>),
    /// These data sources by identity; such a policy is local and beats global ones.
    DataSources(Vec<String>),
}

/// Who may see a data source at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "level", rename_all = "snake_case", deny_unknown_fields)]
pub enum SubscriptionLevel {
    /// Every registered user.
    Anyone,
    /// Whoever asked and was approved.
    Approval,
    /// Whoever meets a condition.
    Entitlement {
        /// What a user must have.
        condition: Condition,
    },
    /// The users listed.
    Individuals {
        /// Identities of users.
        users: Vec<String>,
    },
}

/// What a user must have. There is no negation: what is not known can then never open anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
    /// The user is in this group.
    Group(String),
    /// One of the values of this attribute is one of those listed.
    Attribute(AttributeTest),
    /// The user acts under this purpose.
    Purpose(String),
}

/// A test of a user's attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AttributeTest {
    /// The attribute's name.
    pub name: String,
    /// The values, one of which the user must have.
    pub values: Vec<String>,
}

/// One rule of a data policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Hides values of columns.
    Mask(MaskRule),
    /// Hides rows.
    Rows(RowRule),
}

/// Masks columns: either `using` (with `except`), or `cases` with `otherwise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaskRule {
    /// Which columns.
    pub columns: ColumnSelector,
    /// The mask everyone gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<Mask>,
    /// Who sees the clear value all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Condition>,
    /// Masks for those who meet a condition, the first that is met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<MaskCase>>,
    /// The mask for everyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Mask>,
}

/// A mask for those who meet a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaskCase {
    /// Who.
    #[serde(rename = "for")]
    pub whom: Condition,
    /// What they get.
    pub using: Mask,
}

/// Which columns a rule means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ColumnSelector {
    /// Columns with this tag or one below it.
    Tag(String),
    /// The column of this name.
    Name(String),
}

/// How a value is masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mask {
    /// Not at all; only for those who meet a condition.
    Clear,
    /// A null.
    Null,
    /// Always the same value.
    Constant {
        /// The value; must fit the column's type. Dates and times are written as text.
        value: serde_json::Value,
    },
    /// A salted SHA-256; equal values stay equal inside a data source.
    Hash,
    /// Numbers to a multiple of a bucket, towards zero; dates and times down to a unit.
    Round {
        /// The bucket, for numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bucket: Option<u64>,
        /// The unit, for dates and times.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<TimeUnit>,
    },
    /// The first or last characters; the rest is replaced.
    Show {
        /// How many characters to show at the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<u32>,
        /// How many characters to show at the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
        /// The character that stands for each hidden one; `*` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replace_with: Option<String>,
    },
}

/// A unit to which dates and times are rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// To the hour.
    Hour,
    /// To the day.
    Day,
    /// To the Monday of the week.
    Week,
    /// To the first of the month.
    Month,
    /// To the first day of the quarter.
    Quarter,
    /// To the first of January.
    Year,
}

impl TimeUnit {
    /// The unit's name, as `DATE_TRUNC` takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

/// Hides rows: either `only` (with `except`), or `cases` with `otherwise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowRule {
    /// The rows everyone is held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<RowFilter>,
    /// Who sees all rows all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Condition>,
    /// Rows for those who meet a condition, the first that is met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<RowCase>>,
    /// The rows for everyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<RowFilter>,
}

/// Rows for those who meet a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowCase {
    /// Who.
    #[serde(rename = "for")]
    pub whom: Condition,
    /// The rows they see.
    pub only: RowFilter,
}

/// Which rows may be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowFilter {
    /// All rows; only for those who meet a condition.
    All,
    /// No rows.
    None,
    /// Rows in which a column equals something the user has.
    Match(Match),
    /// Rows by age of the source's event-time column.
    TimeWindow(TimeWindow),
    /// A stable share of the rows, chosen by the source's key column.
    Sample(Sample),
    /// All rows while acting under one of these purposes, else none.
    Purposes(Vec<String>),
}

/// A column equals something the user has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// At least one of these holds.
    Any(Vec<Match>),
    /// All of these hold.
    All(Vec<Match>),
    /// A value of the user's attribute equals the column.
    Attribute(AttributeMatch),
    /// One of the user's groups equals the column.
    Group(GroupMatch),
}

/// A value of the user's attribute equals the column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AttributeMatch {
    /// The attribute's name.
    pub name: String,
    /// The column; where a tag finds several, each must match.
    pub column: ColumnSelector,
}

/// One of the user's groups equals the column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupMatch {
    /// The column; where a tag finds several, each must match.
    pub column: ColumnSelector,
}

/// Rows by age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeWindow {
    /// Only rows younger than so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_than_days: Option<u32>,
    /// Only rows older than so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_days: Option<u32>,
}

/// A stable share of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The share in percent, above 0 and below 100, with at most two decimals.
    pub percent: f64,
}

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
