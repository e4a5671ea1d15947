//! Weighs a condition against what a user has.
//!
//! A condition has no negation, so what meets it is closed upwards: a set that is enough stays enough. That is why one
//! smallest set can be named as what decided, and truthfully so.

use std::collections::HashMap;

use super::verdict::{Held, Lack, Need, Through, Verdict};
use crate::{
    model::{Condition, Entitlement, EntitlementKind, Project},
    plan::condition_on,
    render::profile::ProfileState,
    sql::Text,
};

/// One row of what Redshift knows of a user.
type Entry = (EntitlementKind, Option<Text>, Text);

/// Weighs a condition of a policy, as it was written, for a user on a data source in these projects.
pub(super) fn decide(wanted: &Condition, user: &ProfileState, projects: &[&Project]) -> Verdict {
    let mut scale = Scale { user, projects, found: Vec::new(), places: HashMap::new() };
    let root = scale.weigh(wanted);
    match scale.need(wanted, &root) {
        Some(missing) => Verdict::Unmet { missing },
        None => {
            let decisive = scale.smallest(&root);
            let mut relevant = Vec::new();
            root.relevant(&mut relevant);
            relevant.sort_unstable();
            relevant.dedup();
            relevant.retain(|place| !decisive.contains(place));
            Verdict::Met { decided_by: scale.held(&decisive), also: scale.held(&relevant) }
        }
    }
}

/// What the user has of a kind and name, in order.
pub(super) fn values_of<'a>(
    user: &'a ProfileState,
    kind: EntitlementKind,
    name: Option<&Text>,
) -> impl Iterator<Item = &'a Entry> {
    let first = (kind, name.cloned(), Text::fixed(""));
    let name = name.cloned();
    user.entitlements.range(first..).take_while(move |(own, named, _)| *own == kind && *named == name)
}

/// A condition with what the user has in place of what is wanted, by places in [`Scale::found`].
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    /// One is enough.
    Has(Vec<usize>),
}

impl Node {
    fn holds(&self, present: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Any(any) => any.iter().any(|one| one.holds(present)),
            Self::All(all) => all.iter().all(|one| one.holds(present)),
            Self::Has(places) => places.iter().any(|place| present(*place)),
        }
    }

    /// Enough for it, with few in it; `None` where nothing is.
    fn witness(&self) -> Option<Vec<usize>> {
        match self {
            Self::Any(any) => any.iter().filter_map(Self::witness).min_by_key(Vec::len),
            Self::All(all) => {
                let mut every = Vec::new();
                for one in all {
                    every.extend(one.witness()?);
                }
                every.sort_unstable();
                every.dedup();
                Some(every)
            }
            Self::Has(places) => places.first().map(|place| vec![*place]),
        }
    }

    /// Everything in the parts that are met: without it none of them is.
    fn relevant(&self, places: &mut Vec<usize>) {
        if self.holds(&|_| true) {
            match self {
                Self::Any(list) | Self::All(list) => list.iter().for_each(|one| one.relevant(places)),
                Self::Has(own) => places.extend(own),
            }
        }
    }
}

struct Scale<'a> {
    user: &'a ProfileState,
    projects: &'a [&'a Project],
    /// What the user has of what is wanted, each with the value below it that is wanted where it is not wanted itself.
    found: Vec<(&'a Entry, Option<Text>)>,
    places: HashMap<&'a Entry, usize>,
}

impl<'a> Scale<'a> {
    fn weigh(&mut self, wanted: &Condition) -> Node {
        match wanted {
            Condition::Any(any) => Node::Any(any.iter().map(|one| self.weigh(one)).collect()),
            Condition::All(all) => Node::All(all.iter().map(|one| self.weigh(one)).collect()),
            Condition::Has(entitlement) => {
                let mut entries = Vec::new();
                self.matching(&condition_on(wanted, self.projects), &mut entries);
                // What is wanted itself says more than what stands above it.
                entries.sort_by_key(|(_, _, value)| !entitlement.values.contains(value));
                Node::Has(entries.into_iter().map(|entry| self.place(entry, entitlement)).collect())
            }
        }
    }

    /// What the user has of the ways in which one thing can be had here.
    fn matching(&self, here: &Condition, entries: &mut Vec<&'a Entry>) {
        match here {
            Condition::Any(list) | Condition::All(list) => list.iter().for_each(|one| self.matching(one, entries)),
            Condition::Has(one) => entries.extend(
                values_of(self.user, one.kind, one.name.as_ref()).filter(|(_, _, value)| one.values.contains(value)),
            ),
        }
    }

    fn place(&mut self, entry: &'a Entry, wanted: &Entitlement) -> usize {
        *self.places.entry(entry).or_insert_with(|| {
            let value = &entry.2;
            let below = wanted.values.iter().find(|below| below.lineage().any(|above| above == *value));
            let covers = if wanted.values.contains(value) { None } else { below.cloned() };
            self.found.push((entry, covers));
            self.found.len() - 1
        })
    }

    /// Enough for the condition, with nothing in it that can be spared.
    fn smallest(&self, root: &Node) -> Vec<usize> {
        let witness = root.witness().unwrap_or_default();
        let mut present = vec![false; self.found.len()];
        let mut set = |place: usize, value: bool| {
            if let Some(slot) = present.get_mut(place) {
                *slot = value;
            }
            root.holds(&|place| present.get(place).copied().unwrap_or(false))
        };
        for place in &witness {
            set(*place, true);
        }
        // Two parts may each have named something of which one meets both.
        let mut needed = Vec::with_capacity(witness.len());
        for place in witness {
            if !set(place, false) {
                set(place, true);
                needed.push(place);
            }
        }
        needed
    }

    fn held(&self, places: &[usize]) -> Vec<Held> {
        places.iter().filter_map(|place| self.found.get(*place)).map(|(entry, covers)| held(entry, covers)).collect()
    }

    /// What is missing for a condition; `None` where nothing is.
    fn need(&self, wanted: &Condition, node: &Node) -> Option<Need> {
        let each = |wanted: &[Condition], nodes: &[Node]| -> Vec<Option<Need>> {
            wanted.iter().zip(nodes).map(|(wanted, node)| self.need(wanted, node)).collect()
        };
        let one_or = |mut needs: Vec<Need>, several: fn(Vec<Need>) -> Need| {
            if needs.len() == 1 { needs.pop() } else { Some(several(needs)) }
        };
        match (wanted, node) {
            (Condition::Any(wanted), Node::Any(nodes)) => {
                one_or(each(wanted, nodes).into_iter().collect::<Option<_>>()?, Need::Any)
            }
            (Condition::All(wanted), Node::All(nodes)) => {
                let needs: Vec<Need> = each(wanted, nodes).into_iter().flatten().collect();
                if needs.is_empty() { None } else { one_or(needs, Need::All) }
            }
            (Condition::Has(wanted), Node::Has(places)) if places.is_empty() => Some(self.missing(wanted)),
            _ => None,
        }
    }

    fn missing(&self, wanted: &Entitlement) -> Need {
        let values = texts(&wanted.values);
        match wanted.kind {
            EntitlementKind::User => Need::Listed(values.len()),
            EntitlementKind::Group => Need::Group(values),
            EntitlementKind::Project => Need::Project(values),
            EntitlementKind::Approval => Need::Approval(values),
            EntitlementKind::Attribute => {
                let has = values_of(self.user, wanted.kind, wanted.name.as_ref());
                let has = has.map(|(_, _, value)| value.as_str().to_owned()).collect();
                Need::Attribute { name: text(wanted.name.as_ref()), values, has }
            }
            EntitlementKind::Purpose => {
                let offers = |project: &&&Project| {
                    project.purposes.iter().flat_map(Text::lineage).any(|purpose| wanted.values.contains(&purpose))
                };
                let through = self.projects.iter().filter(offers).map(|project| Through {
                    project: project.id.as_str().to_owned(),
                    lacks: if self.user.project.as_ref() == Some(project.id.text()) {
                        Lack::Acknowledgement
                    } else {
                        Lack::Project
                    },
                });
                Need::Purpose { purposes: values, through: through.collect() }
            }
        }
    }
}

fn held((kind, name, value): &Entry, covers: &Option<Text>) -> Held {
    let value = value.as_str().to_owned();
    match kind {
        EntitlementKind::User => Held::User(value),
        EntitlementKind::Group => Held::Group(value),
        EntitlementKind::Project => Held::Project(value),
        EntitlementKind::Approval => Held::Approval(value),
        EntitlementKind::Purpose => Held::Purpose { purpose: value, project: text(name.as_ref()) },
        EntitlementKind::Attribute => Held::Attribute {
            name: text(name.as_ref()),
            value,
            covers: covers.as_ref().map(|below| below.as_str().to_owned()),
        },
    }
}

fn text(name: Option<&Text>) -> String {
    name.map_or_else(String::new, |name| name.as_str().to_owned())
}

pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a Text>) -> Vec<String> {
    values.into_iter().map(|value| value.as_str().to_owned()).collect()
}
