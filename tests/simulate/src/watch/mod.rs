//! The exposure bound, at every step: whatever is in force, nobody sees more than what one of the documents since the warehouse
//! last had the newest ones allows.
//!
//! For each *target*, a data source or an account, there is a set of allowed states: what the newest documents ask for, what
//! they asked for at each moment since the target was last *settled*, and that. It is settled when the warehouse has what the newest
//! documents ask for, at the newest revision: from then on nothing older can be put in force. (That both are the same for another
//! reason, a source that was deleted before its first view ran, is no such moment: the first view may yet run.)
//! What a user sees through a view is allowed if each value of it is in what some allowed view shows to some allowed profile.
//!
//! What a view in force means is known from its text: every text that documents ask for is rendered here, and one that mixes
//! documents of several moments is rendered from what its maker had read. A text that can't be explained fails the run.

pub mod facts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use facts::{Facts, excess, facts};
use redoubt_core::{
    plan::ViewPlan,
    record::{Kind, Record},
    render::profile::profile_revision,
};

use crate::{
    documents::{Documents, Rules, Source, render},
    kernel::{Micros, Sim},
    services::Reads,
    warehouse::{Committed, Entitlement, literal},
};

/// A view as it is compared: its name and text.
type ViewState = Option<(String, Arc<str>)>;
type ProfileState = Option<Arc<BTreeSet<Entitlement>>>;

/// A view's text and a profile.
type Sight = (Arc<str>, Arc<BTreeSet<Entitlement>>);

/// One target's states.
#[derive(Debug, Clone)]
struct Target<T> {
    in_force: T,
    wanted: T,
    /// What may be in force, newest last.
    allowed: Vec<T>,
    /// The revision in the warehouse, and the newest.
    revision: u64,
    newest: u64,
    /// Since when more is seen of it than the newest documents allow.
    loose_since: Option<Micros>,
}

impl<T: Clone + PartialEq> Target<T> {
    fn new(nothing: T) -> Self {
        Self {
            in_force: nothing.clone(),
            wanted: nothing.clone(),
            allowed: vec![nothing],
            revision: 0,
            newest: 0,
            loose_since: None,
        }
    }

    fn want(&mut self, wanted: T) {
        if self.wanted != wanted {
            self.wanted = wanted.clone();
            self.allowed.push(wanted);
        }
    }

    fn settle(&mut self) {
        if self.in_force == self.wanted && self.revision >= self.newest {
            self.allowed = vec![self.wanted.clone()];
        }
    }

    fn is_allowed(&self) -> bool {
        self.allowed.contains(&self.in_force)
    }
}

/// What the watch saw.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// What should never be, the first of it.
    pub failure: Option<String>,
    /// How often a user's sight of a source was judged.
    pub judged: u64,
    /// How often something else than one allowed view and one allowed profile was in force.
    pub mixed: u64,
    /// How many views were submitted that no documents of one moment ask for.
    pub torn: u64,
    /// How often somebody saw more than the newest documents allow, until they were in force.
    pub loose: u64,
    /// The longest of these times, and of what.
    pub loosest: (Micros, String),
}

#[derive(Default)]
struct State {
    documents: Documents,
    plans: HashMap<Arc<str>, Arc<ViewPlan>>,
    sources: BTreeMap<String, Target<ViewState>>,
    profiles: BTreeMap<String, Target<ProfileState>>,
    /// Which source's view has a name in the warehouse.
    views: BTreeMap<String, String>,
    /// Newest revisions of records.
    revisions: BTreeMap<(Kind, String), u64>,
    seen: HashMap<Sight, Arc<Facts>>,
    sightings: Sightings,
}

/// Watches a run.
#[derive(Clone)]
pub struct Watch {
    sim: Sim,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Watch {
    /// Watches from the beginning, when nothing is there.
    #[must_use]
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), state: Arc::default() }
    }

    /// A record was stored.
    pub fn stored(&self, record: &Record) {
        let mut guard = self.state.lock().unwrap();
        let state = &mut *guard;
        let of_interest = matches!(
            record.kind,
            Kind::Policy | Kind::DataSource | Kind::User | Kind::Project | Kind::Integration | Kind::Claim
        );
        if !of_interest {
            return;
        }
        state.revisions.insert((record.kind, record.id.clone()), record.revision);
        if !state.documents.note(record) {
            state.settle();
            return;
        }
        for (id, wanted) in state.documents.sources() {
            let wanted = wanted.view().map(|view| {
                let text: Arc<str> = view.text.as_str().into();
                state.plans.insert(text.clone(), view.plan.clone());
                (view.name.clone(), text)
            });
            state.sources.entry(id).or_insert_with(|| Target::new(None)).want(wanted);
        }
        for (account, wanted) in state.documents.profiles() {
            state.profiles.entry(account).or_insert_with(|| Target::new(None)).want(wanted.map(Arc::new));
        }
        state.settle();
        state.judge(&self.sim);
    }

    /// The warehouse took a call whose submitter had read this: what its views mean is noted.
    pub fn submitted(&self, texts: &[String], reads: &Reads) {
        let mut state = self.state.lock().unwrap();
        for text in texts {
            let Some(definition) = definition(text) else { continue };
            if state.plans.contains_key(&*definition) {
                continue;
            }
            match state.explain(&definition, reads) {
                Some(plan) => {
                    let source = plan.source.as_str();
                    self.sim.note(format_args!("a view of {source} mixes documents of several moments"));
                    state.plans.insert(definition, plan);
                    state.sightings.torn += 1;
                }
                None => state.fail(&self.sim, format!("nothing that was read explains the view {definition}")),
            }
        }
    }

    /// Something was committed.
    pub fn committed(&self, committed: &Committed) {
        let mut guard = self.state.lock().unwrap();
        let state = &mut *guard;
        for (name, text) in &committed.views {
            if let Some(before) = state.views.remove(name)
                && let Some(target) = state.sources.get_mut(&before)
                // It may have a view of another name by now.
                && target.in_force.as_ref().is_some_and(|(in_force, _)| in_force == name)
            {
                target.in_force = None;
            }
            if let Some(text) = text {
                let (source, text): (String, Arc<str>) = (source_of(text), text.as_str().into());
                if !state.plans.contains_key(&text) {
                    state.fail(&self.sim, format!("nobody knows the view in force {text}"));
                }
                state.views.insert(name.clone(), source.clone());
                let in_force = Some((name.clone(), text));
                state.sources.entry(source).or_insert_with(|| Target::new(None)).in_force = in_force;
            }
        }
        for (account, known) in &committed.profiles {
            let target = state.profiles.entry(account.clone()).or_insert_with(|| Target::new(None));
            target.in_force = known.clone().map(Arc::new);
        }
        for ((kind, id), revision) in &committed.revisions {
            if *kind == Kind::User {
                state.profiles.entry(id.clone()).or_insert_with(|| Target::new(None)).revision = *revision;
            } else {
                state.sources.entry(id.clone()).or_insert_with(|| Target::new(None)).revision = *revision;
            }
        }
        state.settle();
        state.judge(&self.sim);
    }

    /// What was seen so far.
    #[must_use]
    pub fn sightings(&self) -> Sightings {
        self.state.lock().unwrap().sightings.clone()
    }

    /// Whether something was seen that should never be.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state.lock().unwrap().sightings.failure.is_some()
    }
}

/// The definition of a view that a statement carries.
fn definition(statement: &str) -> Option<Arc<str>> {
    if statement.starts_with("CREATE OR REPLACE VIEW ") {
        return Some(statement.into());
    }
    let (_, arguments) = statement.split_once("\"apply_view\"")?;
    Some(literal::tuples(arguments).pop()?.pop()?.text().into())
}

/// The source that a view's comment names.
fn source_of(text: &str) -> String {
    text.split_once("\"source\":\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default().to_owned()
}

impl State {
    fn fail(&mut self, sim: &Sim, failure: String) {
        if self.sightings.failure.is_none() {
            sim.note(format_args!("EXPOSED: {failure}"));
            self.sightings.failure = Some(failure);
        }
    }

    /// Looks which targets are settled now.
    fn settle(&mut self) {
        let newest = |kind: Kind, id: &str| self.revisions.get(&(kind, id.to_owned())).copied().unwrap_or(0);
        for (id, target) in &mut self.sources {
            target.newest = newest(Kind::DataSource, id);
            target.settle();
        }
        for (account, target) in &mut self.profiles {
            target.newest = match self.documents.claim(&format!("database_user/{account}")) {
                Some((holder, count)) => profile_revision(count, newest(Kind::User, holder)),
                None => 0,
            };
            target.settle();
        }
    }

    /// The plan behind a text, if one of what was read gives it.
    fn explain(&self, text: &str, reads: &Reads) -> Option<Arc<ViewPlan>> {
        let integration = self.documents.integration()?;
        let source = source_of(text);
        for policies in reads.policies.iter().rev() {
            for projects in reads.projects.iter().rev() {
                let rules = Rules::of(policies.iter(), projects.iter());
                for record in reads.sources.iter().rev().filter(|record| record.id == source) {
                    if let Source::View(wanted) = render(record, &rules, &integration)
                        && wanted.text == text
                    {
                        return Some(wanted.plan);
                    }
                }
            }
        }
        None
    }

    fn facts(&mut self, view: &ViewState, profile: &ProfileState) -> Arc<Facts> {
        let (Some((_, text)), Some(rows)) = (view, profile) else { return Arc::default() };
        let Some(plan) = self.plans.get(text) else { return Arc::default() };
        let key = (text.clone(), rows.clone());
        self.seen.entry(key).or_insert_with(|| Arc::new(facts(plan, rows))).clone()
    }

    /// Judges what each account sees of each source.
    fn judge(&mut self, sim: &Sim) {
        let now = sim.now();
        let sources: Vec<_> = self.sources.iter().map(|(id, target)| (id.clone(), target.clone())).collect();
        let profiles: Vec<_> = self.profiles.iter().map(|(id, target)| (id.clone(), target.clone())).collect();
        for (source, view) in &sources {
            let mut loose = false;
            for (account, profile) in &profiles {
                self.sightings.judged += 1;
                let nothing = view.in_force.is_none() || profile.in_force.is_none();
                if nothing || view.in_force == view.wanted && profile.in_force == profile.wanted {
                    continue;
                }
                let seen = self.facts(&view.in_force, &profile.in_force);
                let wanted = self.facts(&view.wanted, &profile.wanted);
                loose |= excess(&seen, &[&wanted]).is_some();
                if view.is_allowed() && profile.is_allowed() {
                    continue;
                }
                self.sightings.mixed += 1;
                self.compare((source, view), (account, profile), &seen, sim);
            }
            self.note_loose(source, loose, now);
        }
    }

    fn compare(
        &mut self,
        (source, view): (&str, &Target<ViewState>),
        (account, profile): (&str, &Target<ProfileState>),
        seen: &Facts,
        sim: &Sim,
    ) {
        let pairs = view.allowed.iter().flat_map(|one| profile.allowed.iter().map(move |other| (one, other)));
        let allowed: Vec<Arc<Facts>> = pairs.map(|(one, other)| self.facts(one, other)).collect();
        let allowed: Vec<&Facts> = allowed.iter().map(|facts| &**facts).collect();
        if let Some(((row, column), value)) = excess(seen, &allowed) {
            let which = match (view.is_allowed(), profile.is_allowed()) {
                (false, true) => "its view is",
                (true, false) => "the profile is",
                _ => "view and profile are",
            };
            let failure = format!(
                "`{account}` sees {value} in column `{column}` of row {row} of `{source}`, which no documents since the \
                 warehouse last had the newest ones allow; {which} of none of them"
            );
            self.fail(sim, failure);
        }
    }

    fn note_loose(&mut self, source: &str, loose: bool, now: Micros) {
        let Some(target) = self.sources.get_mut(source) else { return };
        match (loose, target.loose_since) {
            (true, None) => {
                target.loose_since = Some(now);
                self.sightings.loose += 1;
            }
            (false, Some(since)) => {
                target.loose_since = None;
                if now - since > self.sightings.loosest.0 {
                    self.sightings.loosest = (now - since, source.to_owned());
                }
            }
            _ => {}
        }
    }
}
