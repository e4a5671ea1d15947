//! Policies, as checked.

use std::collections::BTreeSet;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    collect::Collector,
    condition::{Condition, check_values},
    mask::expression,
    name::{self, Id, NamePattern, Tag, found},
};
use crate::{
    event::{Fault, Faults, wire},
    expression::{Expression, Kind},
    sql::{Ident, Text},
};

pub use super::mask::{Constant, Mask, Randomized, RegexMask};
pub use wire::{PolicyStatus, RegexEngine, TimeUnit};

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
    /// Which rows' cells: those for which this is not false; all when absent.
    pub only_where: Option<Expression>,
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
    /// Those whose whole name the pattern matches.
    NameRegex(NamePattern),
    /// Those without any tag.
    Untagged,
    /// Every one.
    All,
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
    /// Those for which the predicate is true.
    Where(Expression),
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

/// In words, as messages say it after «a column».
impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "tagged `{tag}`"),
            Self::Name(name) => write!(f, "named `{}`", name.as_str()),
            Self::NameRegex(pattern) => write!(f, "whose name matches `{}`", pattern.as_str()),
            Self::Untagged => f.write_str("without a tag"),
            Self::All => f.write_str("of any kind"),
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
            wire::ColumnSelector::NameRegex(pattern) => {
                faults.take(NamePattern::check(&format!("{path}.name_regex"), pattern)).map(Self::NameRegex)
            }
            wire::ColumnSelector::Untagged => Some(Self::Untagged),
            wire::ColumnSelector::All => Some(Self::All),
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
        let only_where = match &wire.only_where {
            None => Some(None),
            Some(text) => expression(faults, &format!("{path}.where"), text, Kind::CellPredicate).map(Some),
        };
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
        Some(Self { columns: columns?, only_where: only_where?, cases, otherwise })
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
            wire::RowFilter::Where(text) => {
                expression(faults, &format!("{path}.where"), text, Kind::RowPredicate).map(Self::Where)
            }
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
                faults.take(hundredths(&format!("{path}.sample.percent"), sample.percent)).map(Self::Sample)
            }
            wire::RowFilter::Purposes(purposes) => {
                let values = check_values(faults, &format!("{path}.purposes"), purposes)?;
                let kind = super::condition::EntitlementKind::Purpose;
                Some(Self::While(Condition::Has(super::condition::Entitlement { kind, name: None, values })))
            }
        }
    }
}

/// A share in percent as hundredths of a percent, 1 to 9,999.
pub(super) fn hundredths(path: &str, percent: f64) -> Result<u32, Fault> {
    let hundredths = percent * 100.0;
    if (hundredths - hundredths.round()).abs() < 1e-6 && (1.0..10_000.0).contains(&hundredths.round()) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 1 to 9,999")]
        Ok(hundredths.round() as u32)
    } else {
        Err(Fault::new(path, format!("`{percent}`"), "more than 0 and less than 100, with at most two decimals"))
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
