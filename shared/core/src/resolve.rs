//! Which policies apply to a data source, and which of them wins where several want the same column.
//!
//! Nothing is thrown away: the losers are kept beside the winners, so that a decision can be explained.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use crate::model::{
    Column, DataSource, Id, Policy, Project, Tag,
    policy::{Body, Level, MaskRule, PolicyStatus, RowRule, Rule, Scope, Selector},
};

/// Policies in force, indexed by what they cover, so that resolving a data source costs what applies to it and not the number
/// of policies there are.
#[derive(Debug, Default)]
pub struct PolicySet {
    /// The policies, oldest first, so that an index is also a rank by age.
    policies: Vec<Policy>,
    everywhere: Vec<usize>,
    by_tag: HashMap<String, Vec<usize>>,
    by_source: HashMap<Id, Vec<usize>>,
}

/// What applies to one data source.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution<'a> {
    /// Subscription policies, by age.
    pub subscriptions: Vec<AppliedLevel<'a>>,
    /// The masks that columns get; the others have none. By column index.
    pub masks: BTreeMap<usize, MaskDecision<'a>>,
    /// Row rules, by age of the policy.
    pub rows: Vec<AppliedRows<'a>>,
    /// Mask rules of policies in scope that mean no column of this source. They are reported, not an error.
    pub unmatched: Vec<(&'a Policy, &'a Selector)>,
    /// Policies in scope that are staged, disabled, or disabled for this source.
    pub inactive: Vec<&'a Policy>,
    /// The columns of the source, for the rules that select some of them.
    pub(crate) columns: ColumnIndex<'a>,
}

/// A subscription policy that applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AppliedLevel<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Who.
    pub level: &'a Level,
    /// Whether it must hold on top of all others.
    pub guardrail: bool,
}

/// A row rule that applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AppliedRows<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The rule.
    pub rule: &'a RowRule,
}

/// The mask of one column, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskDecision<'a> {
    /// The rule in force.
    pub winner: Candidate<'a>,
    /// The rules that lost, the closest first.
    pub losers: Vec<Candidate<'a>>,
}

/// A mask rule that wants a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The rule.
    pub rule: &'a MaskRule,
    /// How specific its selector is; see [`specificity`].
    pub depth: usize,
    age: usize,
    position: usize,
}

impl Candidate<'_> {
    /// Source-local beats global, then the deeper tag, then the older policy, then the earlier rule in it.
    fn rank(&self, other: &Self) -> Ordering {
        (other.policy.is_local().cmp(&self.policy.is_local()))
            .then(other.depth.cmp(&self.depth))
            .then(self.age.cmp(&other.age))
            .then(self.position.cmp(&other.position))
    }
}

impl PolicySet {
    /// Indexes policies of any status.
    #[must_use]
    pub fn new(mut policies: Vec<Policy>) -> Self {
        policies.sort_by(|a, b| a.created_at.cmp(&b.created_at).then_with(|| a.id.cmp(&b.id)));
        let mut set = Self::default();
        for (index, policy) in policies.iter().enumerate() {
            match &policy.scope {
                Scope::All => set.everywhere.push(index),
                Scope::Tags(tags) => {
                    for tag in tags {
                        set.by_tag.entry(tag.as_str().to_owned()).or_default().push(index);
                    }
                }
                Scope::DataSources(sources) => {
                    for source in sources {
                        set.by_source.entry(source.clone()).or_default().push(index);
                    }
                }
            }
        }
        set.policies = policies;
        set
    }

    /// Every policy, oldest first.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Finds what applies to a data source and settles conflicts.
    #[must_use]
    pub fn resolve<'a>(&'a self, source: &'a DataSource) -> Resolution<'a> {
        let columns = ColumnIndex::new(source);
        let mut in_scope = self.everywhere.clone();
        in_scope.extend(self.by_source.get(&source.id).into_iter().flatten());
        for tag in source.tags.iter().flat_map(Tag::lineage).chain(columns.by_tag.keys().copied()) {
            in_scope.extend(self.by_tag.get(tag).into_iter().flatten());
        }
        in_scope.sort_unstable();
        in_scope.dedup();

        let mut resolution = Resolution {
            subscriptions: Vec::new(),
            masks: BTreeMap::new(),
            rows: Vec::new(),
            unmatched: Vec::new(),
            inactive: Vec::new(),
            columns,
        };
        let mut candidates: BTreeMap<usize, Vec<Candidate<'_>>> = BTreeMap::new();
        for (age, policy) in in_scope.into_iter().filter_map(|age| self.policies.get(age).map(|policy| (age, policy))) {
            if policy.status != PolicyStatus::Active || policy.disabled_for.contains(&source.id) {
                resolution.inactive.push(policy);
                continue;
            }
            match &policy.body {
                Body::Subscription { level, guardrail } => {
                    resolution.subscriptions.push(AppliedLevel { policy, level, guardrail: *guardrail });
                }
                Body::Data(rules) => {
                    for (position, rule) in rules.iter().enumerate() {
                        match rule {
                            Rule::Rows(rule) => resolution.rows.push(AppliedRows { policy, rule }),
                            Rule::Mask(rule) => {
                                let matched = resolution.columns.select(&rule.columns);
                                if matched.is_empty() {
                                    resolution.unmatched.push((policy, &rule.columns));
                                }
                                let depth = specificity(&rule.columns);
                                for column in matched {
                                    let candidate = Candidate { policy, rule, depth, age, position };
                                    candidates.entry(column).or_default().push(candidate);
                                }
                            }
                        }
                    }
                }
            }
        }
        for (column, mut list) in candidates {
            list.sort_by(Candidate::rank);
            let mut list = list.into_iter();
            if let Some(winner) = list.next() {
                resolution.masks.insert(column, MaskDecision { winner, losers: list.collect() });
            }
        }
        resolution
    }
}

/// How specific a selector is: every column, those without a tag, a pattern of names, a tag by its segments, a name.
#[must_use]
pub fn specificity(selector: &Selector) -> usize {
    match selector {
        Selector::All => 0,
        Selector::Untagged => 1,
        Selector::NameRegex(_) => 2,
        Selector::Tag(tag) => tag.depth() + 2,
        Selector::Name(_) => usize::MAX,
    }
}

/// Projects, indexed by the data sources they bundle.
#[derive(Debug, Default)]
pub struct ProjectSet {
    projects: Vec<Project>,
    by_source: HashMap<Id, Vec<usize>>,
}

impl ProjectSet {
    /// Indexes projects.
    #[must_use]
    pub fn new(mut projects: Vec<Project>) -> Self {
        projects.sort_by(|a, b| a.id.cmp(&b.id));
        let mut by_source: HashMap<Id, Vec<usize>> = HashMap::new();
        for (index, project) in projects.iter().enumerate() {
            for source in &project.data_sources {
                by_source.entry(source.clone()).or_default().push(index);
            }
        }
        Self { projects, by_source }
    }

    /// The project of an identity.
    #[must_use]
    pub fn get(&self, id: &Id) -> Option<&Project> {
        let place = self.projects.binary_search_by(|project| project.id.cmp(id)).ok()?;
        self.projects.get(place)
    }

    /// The projects that bundle a data source, by identity.
    #[must_use]
    pub fn of(&self, source: &Id) -> Vec<&Project> {
        let indexes = self.by_source.get(source).into_iter().flatten();
        indexes.filter_map(|index| self.projects.get(*index)).collect()
    }
}

/// Whether a scope covers a data source. The same question [`PolicySet::resolve`] answers by index, for one scope alone: a
/// fan-out asks it of a definition that is in force no more.
#[must_use]
pub fn covers(scope: &Scope, source: &DataSource) -> bool {
    match scope {
        Scope::All => true,
        Scope::DataSources(ids) => ids.contains(&source.id),
        Scope::Tags(tags) => {
            source.all_tags().flat_map(Tag::lineage).any(|tag| tags.iter().any(|wanted| wanted.as_str() == tag))
        }
    }
}

/// The columns of a source by tag; there are too few for an index by name to pay.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnIndex<'a> {
    by_tag: HashMap<&'a str, Vec<usize>>,
    columns: &'a [Column],
}

impl<'a> ColumnIndex<'a> {
    pub(crate) fn new(source: &'a DataSource) -> Self {
        let mut by_tag: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, column) in source.columns.iter().enumerate() {
            for tag in column.tags.iter().flat_map(Tag::lineage) {
                let columns = by_tag.entry(tag).or_default();
                // A column with two tags below the same one is still one column.
                if columns.last() != Some(&index) {
                    columns.push(index);
                }
            }
        }
        Self { by_tag, columns: &source.columns }
    }

    /// Indexes of the columns a selector means, ascending. Names are compared as Redshift does.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<usize> {
        match selector {
            Selector::Tag(tag) => self.by_tag.get(tag.as_str()).cloned().unwrap_or_default(),
            Selector::Name(name) => {
                self.columns.iter().position(|column| column.name.is_same(name)).into_iter().collect()
            }
            Selector::NameRegex(pattern) => self.those(|column| pattern.matches(column.name.as_str())),
            Selector::Untagged => self.those(|column| column.tags.is_empty()),
            Selector::All => (0..self.columns.len()).collect(),
        }
    }
}

impl ColumnIndex<'_> {
    fn those(&self, wanted: impl Fn(&Column) -> bool) -> Vec<usize> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| wanted(column));
        columns.map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests;
