//! Policies as producers write them.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Only the cells of rows for which this SQL predicate is not false are masked; every row's when absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<String>,
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
    /// Columns whose whole name this regular expression matches, in upper or lower case.
    NameRegex(String),
    /// Columns without any tag.
    Untagged,
    /// Every column.
    All,
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
    /// The value of an SQL expression over the row, cast to the column's type.
    Custom {
        /// The expression.
        expression: String,
    },
    /// What a regular expression matches is replaced.
    Regex {
        /// The pattern.
        pattern: String,
        /// What stands in for a match; `\1` to `\9` are what groups matched, `\\` is a backslash.
        replace_with: String,
        /// Upper and lower case count as the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ignore_case: bool,
        /// Only the first match is replaced.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        first_only: bool,
        /// Who evaluates it.
        #[serde(default, skip_serializing_if = "RegexEngine::is_default")]
        engine: RegexEngine,
    },
    /// Deterministic authenticated encryption; those allowed can undo it.
    Reversible {
        /// Who may undo it; nobody when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unmask: Option<Condition>,
    },
    /// Encryption that keeps length and punctuation; numbers keep their sign and their count of digits.
    FormatPreserving {
        /// The characters that are encrypted, in text; letters and digits of ASCII when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alphabet: Option<Alphabet>,
    },
    /// A value that may or may not be the true one, the same whenever it is asked for.
    RandomizedResponse {
        /// For text: the values of which one stands in where the truth is not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        values: Option<Vec<String>>,
        /// For text: how often the truth is told, in percent, above 0 and below 100, with at most two decimals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        truth_percent: Option<f64>,
        /// For numbers: at most so much is added or taken away, every amount as likely as any other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<u64>,
        /// For dates and times: at most so many days are added or taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise_days: Option<u32>,
    },
}

/// Who evaluates a regular expression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RegexEngine {
    /// The `mask` function: linear time, the same result everywhere.
    #[default]
    Lambda,
    /// The warehouse's own `REGEXP_REPLACE`, for patterns that mean the same there.
    Redshift,
}

impl RegexEngine {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Characters that a format-preserving mask encrypts; all others stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// The digits `0` to `9`.
    Digits,
    /// The digits and the letters of ASCII, upper and lower case apart.
    Alphanumerics,
    /// These characters, each once.
    Characters(String),
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
    /// Rows for which this SQL predicate is true. It may test the user with `@` functions.
    Where(String),
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
