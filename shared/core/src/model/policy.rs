//! Policies, as checked.

use std::collections::BTreeSet;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    collect::Collector,
    condition::{Condition, check_values},
    name::{self, Id, Tag, found},
};
use crate::{
    event::{Fault, Faults, wire},
    sql::{Ident, Text},
};

pub use wire::{PolicyStatus, TimeUnit};

/// A policy whose document passed every check that needs no data source.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its identity.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// When it was first written.
    pub created_at: OffsetDateTime,
    /// Whether it is enforced.
    pub status: PolicyStatus,
    /// The data sources it covers.
    pub scope: Scope,
    /// What it says.
    pub body: Body,
    /// Data sources it is switched off for.
    pub disabled_for: BTreeSet<Id>,
}

/// The data sources a policy covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// Those that carry one of the tags, on themselves or on a column.
    Tags(BTreeSet<Tag>),
    /// Those listed; the policy is local.
    DataSources(BTreeSet<Id>),
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Who may see the data sources.
    Subscription {
        /// Who.
        level: Level,
        /// Whether it must hold on top of all others.
        guardrail: bool,
    },
    /// What subscribers see.
    Data(Vec<Rule>),
}

/// Who may see a data source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// Every registered user.
    Anyone,
    /// Whoever was approved.
    Approval,
    /// Whoever meets the condition.
    Entitlement(Condition),
    /// The users listed.
    Individuals(BTreeSet<Text>),
}

/// One rule of a data policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Masks columns.
    Mask(MaskRule),
    /// Hides rows.
    Rows(RowRule),
}

/// Masks columns: for the first case that is met, else `otherwise`, which is never [`Mask::Clear`].
#[derive(Debug, Clone, PartialEq)]
pub struct MaskRule {
    /// Which columns.
    pub columns: Selector,
    /// What those who meet a condition get.
    pub cases: Vec<(Condition, Mask)>,
    /// What everyone else gets.
    pub otherwise: Mask,
}

/// Hides rows: by the first case that is met, else by `otherwise`, which is never [`Filter::All`].
#[derive(Debug, Clone, PartialEq)]
pub struct RowRule {
    /// The rows of those who meet a condition.
    pub cases: Vec<(Condition, Filter)>,
    /// The rows of everyone else.
    pub otherwise: Filter,
}

/// Which columns are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Those with this tag or one below it.
    Tag(Tag),
    /// The one of this name.
    Name(Ident),
}

/// How a value is masked.
#[derive(Debug, Clone, PartialEq)]
pub enum Mask {
    /// Not at all.
    Clear,
    /// A null.
    Null,
    /// Always this value, as text; whether it fits is known once the column is.
    Constant(Constant),
    /// A salted digest.
    Hash,
    /// Rounded down.
    Round {
        /// To multiples of this, for numbers; above 0.
        bucket: Option<i64>,
        /// To this unit, for dates and times.
        unit: Option<TimeUnit>,
    },
    /// Partly shown.
    Show {
        /// Characters shown at the start.
        first: u32,
        /// Characters shown at the end.
        last: u32,
        /// One ASCII character that stands for each hidden one.
        replace_with: Text,
    },
}

/// A constant as the policy wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// Text, also for dates and times.
    Text(Text),
    /// A number without exponent.
    Number(Text),
    /// A truth value.
    Bool(bool),
}

/// Which rows may be seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All.
    All,
    /// None.
    None,
    /// Those in which columns equal what the user has.
    Match(Match),
    /// Those of an age, in days.
    TimeWindow {
        /// Younger than this.
        newer_than: Option<u32>,
        /// Older than this.
        older_than: Option<u32>,
    },
    /// A stable share, in hundredths of a percent (1 to 9,999).
    Sample(u32),
    /// All while the condition holds, else none.
    While(Condition),
}

/// Columns equal what the user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// At least one holds.
    Any(Vec<Match>),
    /// All hold.
    All(Vec<Match>),
    /// A value of this attribute equals the columns.
    Attribute(Text, Selector),
    /// A group equals the columns.
    Group(Selector),
}

/// How deep matches may nest.
const MAX_DEPTH: usize = 8;

impl Policy {
    /// Checks a policy document.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::PolicyDocument) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let policy = Self::collect(&mut faults, wire);
        faults.finish(policy)
    }

    fn collect(faults: &mut Collector, wire: &wire::PolicyDocument) -> Option<Self> {
        let id = faults.take(Id::check("policy.id", &wire.id));
        let created_at = faults.take(OffsetDateTime::parse(&wire.created_at, &Rfc3339).map_err(|_| {
            Fault::new("policy.created_at", found(&wire.created_at), "a time such as `2026-03-01T09:00:00Z` (RFC 3339)")
        }));
        faults.take(name::value("policy.name", &wire.name));
        let scope = Scope::collect(faults, &wire.scope);
        let body = match (&wire.subscription, &wire.rules) {
            (Some(level), None) => {
                Level::collect(faults, level).map(|level| Body::Subscription { level, guardrail: wire.guardrail })
            }
            (None, Some(rules)) => {
                if wire.guardrail {
                    faults.push(Fault::new("policy.guardrail", "`true`", "no guardrail on a data policy"));
                }
                if rules.is_empty() {
                    faults.push(Fault::new("policy.rules", "an empty list", "at least one rule"));
                }
                let checked = faults.each("policy.rules", rules, |faults, path, rule| match rule {
                    wire::Rule::Mask(rule) => MaskRule::collect(faults, &format!("{path}.mask"), rule).map(Rule::Mask),
                    wire::Rule::Rows(rule) => RowRule::collect(faults, &format!("{path}.rows"), rule).map(Rule::Rows),
                });
                Some(Body::Data(checked))
            }
            (Some(_), Some(_)) => {
                faults.push(Fault::new("policy", "both `subscription` and `rules`", "one of them"));
                None
            }
            (None, None) => {
                faults.push(Fault::new("policy", "neither `subscription` nor `rules`", "one of them"));
                None
            }
        };
        Some(Self {
            id: id?,
            name: wire.name.clone(),
            created_at: created_at?,
            status: wire.status,
            scope: scope?,
            body: body?,
            disabled_for: BTreeSet::new(),
        })
    }

    /// Whether the policy names its data sources one by one.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.scope, Scope::DataSources(_))
    }
}

impl Scope {
    /// Checks a scope by itself, as a fan-out needs it of a definition that was replaced.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::Scope) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let scope = Self::collect(&mut faults, wire);
        faults.finish(scope)
    }

    fn collect(faults: &mut Collector, wire: &wire::Scope) -> Option<Self> {
        match wire {
            wire::Scope::All => Some(Self::All),
            wire::Scope::Tags(tags) => {
                let path = "policy.scope.tags";
                if tags.is_empty() {
                    faults.push(Fault::new(path, "an empty list", "at least one tag"));
                }
                Some(Self::Tags(
                    faults.each(path, tags, |f, path, tag| f.take(Tag::check(path, tag))).into_iter().collect(),
                ))
            }
            wire::Scope::DataSources(ids) => {
                let path = "policy.scope.data_sources";
                if ids.is_empty() {
                    faults.push(Fault::new(path, "an empty list", "at least one data source"));
                }
                let ids = faults.each(path, ids, |faults, path, id| faults.take(Id::check(path, id)));
                Some(Self::DataSources(ids.into_iter().collect()))
            }
        }
    }
}

impl Level {
    fn collect(faults: &mut Collector, wire: &wire::SubscriptionLevel) -> Option<Self> {
        match wire {
            wire::SubscriptionLevel::Anyone => Some(Self::Anyone),
            wire::SubscriptionLevel::Approval => Some(Self::Approval),
            wire::SubscriptionLevel::Entitlement { condition } => {
                Condition::check(faults, "policy.subscription.condition", condition).map(Self::Entitlement)
            }
            wire::SubscriptionLevel::Individuals { users } => {
                let path = "policy.subscription.users";
                if users.is_empty() {
                    faults.push(Fault::new(path, "an empty list", "at least one user"));
                }
                let users = faults.each(path, users, |faults, path, id| faults.take(Id::check(path, id)));
                Some(Self::Individuals(users.into_iter().map(|id| id.text().clone()).collect()))
            }
        }
    }
}

impl Selector {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::ColumnSelector) -> Option<Self> {
        match wire {
            wire::ColumnSelector::Tag(tag) => faults.take(Tag::check(&format!("{path}.tag"), tag)).map(Self::Tag),
            wire::ColumnSelector::Name(name) => {
                faults.take(super::ident(&format!("{path}.name"), name)).map(Self::Name)
            }
        }
    }
}

/// The two forms a rule may have: one thing with exceptions, or cases and the rest.
struct Forms<'a, W, C> {
    /// What the short form's field, and each case's, is called.
    name: &'static str,
    short: Option<&'a W>,
    except: Option<&'a wire::Condition>,
    cases: Option<&'a [C]>,
    otherwise: Option<&'a W>,
    parts: fn(&C) -> (&wire::Condition, &W),
}

impl<W, C> Forms<'_, W, C> {
    /// The cases and the rest, whichever form was used; `open` is what an exception gives.
    fn collect<R>(
        &self,
        faults: &mut Collector,
        path: &str,
        open: R,
        check: impl Fn(&mut Collector, &str, &W) -> Option<R>,
    ) -> Option<(Vec<(Condition, R)>, R)> {
        let name = self.name;
        match (self.short, self.cases, self.otherwise) {
            (Some(short), None, None) => {
                let all = check(faults, &format!("{path}.{name}"), short);
                let except = match self.except {
                    Some(condition) => vec![(Condition::check(faults, &format!("{path}.except"), condition)?, open)],
                    None => Vec::new(),
                };
                Some((except, all?))
            }
            (None, Some(cases), Some(otherwise)) => {
                if self.except.is_some() {
                    faults.push(Fault::new(format!("{path}.except"), "`except` beside `cases`", "a case instead"));
                }
                if cases.is_empty() {
                    faults.push(Fault::new(format!("{path}.cases"), "an empty list", "at least one case"));
                }
                let checked = faults.each(&format!("{path}.cases"), cases, |faults, path, case| {
                    let (whom, what) = (self.parts)(case);
                    let whom = Condition::check(faults, &format!("{path}.for"), whom);
                    let what = check(faults, &format!("{path}.{name}"), what);
                    Some((whom?, what?))
                });
                Some((checked, check(faults, &format!("{path}.otherwise"), otherwise)?))
            }
            (None, Some(_), None) => {
                faults.push(Fault::new(path, "`cases` without `otherwise`", "what everyone else gets"));
                None
            }
            _ => {
                let expected = format!("either `{name}`, or `cases` with `otherwise`");
                faults.push(Fault::new(path, "another combination of fields", expected));
                None
            }
        }
    }
}

impl MaskRule {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::MaskRule) -> Option<Self> {
        let columns = Selector::collect(faults, &format!("{path}.columns"), &wire.columns);
        let forms = Forms {
            name: "using",
            short: wire.using.as_ref(),
            except: wire.except.as_ref(),
            cases: wire.cases.as_deref(),
            otherwise: wire.otherwise.as_ref(),
            parts: |case| (&case.whom, &case.using),
        };
        let (cases, otherwise) = forms.collect(faults, path, Mask::Clear, Mask::collect)?;
        if otherwise == Mask::Clear {
            let at = if wire.using.is_some() { "using" } else { "otherwise" };
            faults.push(Fault::new(
                format!("{path}.{at}.kind"),
                "`clear`",
                "a mask: clear values need a condition that is met",
            ));
        }
        Some(Self { columns: columns?, cases, otherwise })
    }
}

impl Mask {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::Mask) -> Option<Self> {
        match wire {
            wire::Mask::Clear => Some(Self::Clear),
            wire::Mask::Null => Some(Self::Null),
            wire::Mask::Hash => Some(Self::Hash),
            wire::Mask::Constant { value } => {
                faults.take(constant(&format!("{path}.value"), value)).map(Self::Constant)
            }
            wire::Mask::Round { bucket, unit } => {
                if bucket.is_none() && unit.is_none() {
                    faults.push(Fault::new(path, "neither `bucket` nor `unit`", "at least one of them"));
                }
                let bucket = match bucket.map(|bucket| i64::try_from(bucket).ok().filter(|bucket| *bucket > 0)) {
                    None => None,
                    Some(Some(bucket)) => Some(bucket),
                    Some(None) => {
                        let found = format!("`{}`", bucket.unwrap_or_default());
                        faults.push(Fault::new(
                            format!("{path}.bucket"),
                            found,
                            "a whole number from 1 to 9223372036854775807",
                        ));
                        None
                    }
                };
                Some(Self::Round { bucket, unit: *unit })
            }
            wire::Mask::Show { first, last, replace_with } => {
                let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
                if first == 0 && last == 0 {
                    faults.push(Fault::new(path, "neither `first` nor `last`", "at least one of them, above 0"));
                }
                for (name, count) in [("first", first), ("last", last)] {
                    if count > crate::sql::data_type::MAX_VARCHAR {
                        faults.push(Fault::new(
                            format!("{path}.{name}"),
                            format!("`{count}`"),
                            "at most 65535 characters",
                        ));
                    }
                }
                let replace_with = match replace_with.as_deref() {
                    None => Text::fixed("*"),
                    Some(text) if text.len() == 1 && text.bytes().all(|b| b.is_ascii_graphic()) => {
                        faults.take(Text::new(text).map_err(|e| Fault::new(path, e.to_string(), "text")))?
                    }
                    Some(text) => {
                        let expected = "one printable ASCII character, so that the value never gets longer";
                        faults.push(Fault::new(format!("{path}.replace_with"), found(text), expected));
                        return None;
                    }
                };
                Some(Self::Show { first, last, replace_with })
            }
        }
    }
}

fn constant(path: &str, value: &serde_json::Value) -> Result<Constant, Fault> {
    let expected = "a text, a number without exponent, or a truth value";
    match value {
        serde_json::Value::String(text) => {
            Text::new(text.as_str()).map(Constant::Text).map_err(|error| Fault::new(path, error.to_string(), expected))
        }
        serde_json::Value::Bool(value) => Ok(Constant::Bool(*value)),
        serde_json::Value::Number(number) => {
            let text = number.to_string();
            if text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') {
                Text::new(text).map(Constant::Number).map_err(|error| Fault::new(path, error.to_string(), expected))
            } else {
                Err(Fault::new(path, format!("`{text}`"), expected))
            }
        }
        serde_json::Value::Null => Err(Fault::new(path, "a null", format!("{expected}; the mask `null` gives nulls"))),
        serde_json::Value::Array(_) => Err(Fault::new(path, "a list", expected)),
        serde_json::Value::Object(_) => Err(Fault::new(path, "an object", expected)),
    }
}

impl RowRule {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::RowRule) -> Option<Self> {
        let forms = Forms {
            name: "only",
            short: wire.only.as_ref(),
            except: wire.except.as_ref(),
            cases: wire.cases.as_deref(),
            otherwise: wire.otherwise.as_ref(),
            parts: |case| (&case.whom, &case.only),
        };
        let (cases, otherwise) = forms.collect(faults, path, Filter::All, Filter::collect)?;
        if otherwise == Filter::All {
            let at = if wire.only.is_some() { "only" } else { "otherwise" };
            faults.push(Fault::new(format!("{path}.{at}"), "`all`", "a filter: all rows need a condition that is met"));
        }
        Some(Self { cases, otherwise })
    }
}

impl Filter {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::RowFilter) -> Option<Self> {
        match wire {
            wire::RowFilter::All => Some(Self::All),
            wire::RowFilter::None => Some(Self::None),
            wire::RowFilter::Match(wire) => Match::collect(faults, &format!("{path}.match"), wire, 0).map(Self::Match),
            wire::RowFilter::TimeWindow(window) => {
                let path = format!("{path}.time_window");
                if window.newer_than_days.is_none() && window.older_than_days.is_none() {
                    let expected = "at least one of them";
                    faults.push(Fault::new(&path, "neither `newer_than_days` nor `older_than_days`", expected));
                }
                for (name, days) in
                    [("newer_than_days", window.newer_than_days), ("older_than_days", window.older_than_days)]
                {
                    if let Some(days) = days.filter(|days| !(1..=36_500).contains(days)) {
                        faults.push(Fault::new(format!("{path}.{name}"), format!("`{days}`"), "1 to 36500 days"));
                    }
                }
                Some(Self::TimeWindow { newer_than: window.newer_than_days, older_than: window.older_than_days })
            }
            wire::RowFilter::Sample(sample) => {
                let hundredths = sample.percent * 100.0;
                if (hundredths - hundredths.round()).abs() < 1e-6 && (1.0..10_000.0).contains(&hundredths.round()) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "checked to be 1 to 9,999"
                    )]
                    Some(Self::Sample(hundredths.round() as u32))
                } else {
                    let found = format!("`{}`", sample.percent);
                    let expected = "more than 0 and less than 100, with at most two decimals";
                    faults.push(Fault::new(format!("{path}.sample.percent"), found, expected));
                    None
                }
            }
            wire::RowFilter::Purposes(purposes) => {
                let values = check_values(faults, &format!("{path}.purposes"), purposes)?;
                let kind = super::condition::EntitlementKind::Purpose;
                Some(Self::While(Condition::Has(super::condition::Entitlement { kind, name: None, values })))
            }
        }
    }
}

impl Match {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::Match, depth: usize) -> Option<Self> {
        if depth >= MAX_DEPTH {
            faults.push(Fault::new(path, "deeper nesting", format!("matches nested at most {MAX_DEPTH} deep")));
            return None;
        }
        match wire {
            wire::Match::Any(list) | wire::Match::All(list) => {
                let is_any = matches!(wire, wire::Match::Any(_));
                let path = format!("{path}.{}", if is_any { "any" } else { "all" });
                if list.is_empty() {
                    faults.push(Fault::new(&path, "an empty list", "at least one match"));
                    return None;
                }
                let checked = faults.each(&path, list, |faults, path, one| Self::collect(faults, path, one, depth + 1));
                (checked.len() == list.len()).then_some(if is_any { Self::Any(checked) } else { Self::All(checked) })
            }
            wire::Match::Attribute(one) => {
                let path = format!("{path}.attribute");
                let attribute = faults.take(name::value(&format!("{path}.name"), &one.name));
                let column = Selector::collect(faults, &format!("{path}.column"), &one.column);
                Some(Self::Attribute(attribute?, column?))
            }
            wire::Match::Group(one) => {
                Selector::collect(faults, &format!("{path}.group.column"), &one.column).map(Self::Group)
            }
        }
    }
}
