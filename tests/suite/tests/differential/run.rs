//! Running scenes: into the warehouse, asked as each person, and held against what their plans mean.

use std::{collections::BTreeMap, sync::Arc};

use redoubt_core::interpret::Keys;
use tokio::task::JoinSet;

use crate::{
    judge::Judge,
    scene::{Prepared, Scene},
    warehouse::{Answer, Warehouse},
};

/// A scene and what was seen of it.
pub struct Run {
    pub prepared: Arc<Prepared>,
    pub keys: BTreeMap<String, Keys>,
    /// By place of the person and of the source.
    pub answers: BTreeMap<(usize, usize), Answer>,
    /// Views that the database refused, by identity of the source.
    pub refused: BTreeMap<String, String>,
}

/// A case in which SQL and meaning differ.
#[derive(Debug, Clone)]
pub struct Mismatch {
    pub person: usize,
    pub source: usize,
    pub what: String,
}

/// Scenes that the warehouse has, not yet asked about.
pub struct Put {
    scenes: Vec<Arc<Prepared>>,
    refused: BTreeMap<String, String>,
}

/// Puts scenes that have names of their own in force.
pub async fn put(warehouse: Arc<Warehouse>, scenes: Vec<Prepared>) -> Put {
    let scenes: Vec<Arc<Prepared>> = scenes.into_iter().map(Arc::new).collect();
    let refused = warehouse.put(&scenes.iter().map(|scene| &**scene).collect::<Vec<_>>()).await;
    Put { scenes, refused }
}

/// Asks as each person of the scenes.
pub async fn ask(warehouse: Arc<Warehouse>, Put { scenes, refused }: Put) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut asking = JoinSet::new();
    for (number, scene) in scenes.iter().enumerate() {
        let keys = warehouse.keys(scene).await;
        runs.push(Run { prepared: Arc::clone(scene), keys, answers: BTreeMap::new(), refused: refused.clone() });
        for person in 0..scene.people.len() {
            let (warehouse, scene) = (Arc::clone(&warehouse), Arc::clone(scene));
            let refused: Vec<String> = refused.keys().cloned().collect();
            asking.spawn(async move {
                let there = scene.sources.iter().enumerate().filter(|(_, planned)| {
                    planned.plan.is_ok() && !refused.iter().any(|id| id == planned.source.id.as_str())
                });
                let (places, sources): (Vec<_>, Vec<_>) = there.unzip();
                let answers = warehouse.ask(scene.people[person].account(), &sources).await;
                (number, person, places, answers)
            });
            // As many at once as the machine has use for.
            if asking.len() >= 4 {
                collect(&mut asking, &mut runs).await;
            }
        }
    }
    while !asking.is_empty() {
        collect(&mut asking, &mut runs).await;
    }
    runs
}

type Asked = (usize, usize, Vec<usize>, Vec<Answer>);

async fn collect(asking: &mut JoinSet<Asked>, runs: &mut [Run]) {
    let (number, person, places, answers) = asking.join_next().await.unwrap().unwrap();
    let run = &mut runs[number];
    run.answers.extend(places.into_iter().map(|place| (person, place)).zip(answers));
}

impl Run {
    /// The cases in which SQL and meaning differ.
    pub fn mismatches(&self, judge: &Judge) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (source, planned) in self.prepared.sources.iter().enumerate() {
            if let Some(message) = self.refused.get(planned.source.id.as_str()) {
                mismatches.push(Mismatch { person: 0, source, what: format!("the view is refused: {message}") });
            }
        }
        for ((person, source), answer) in &self.answers {
            let planned = &self.prepared.sources[*source];
            let Ok(plan) = &planned.plan else { continue };
            let keys = &self.keys[planned.source.id.as_str()];
            if let Err(what) = judge.judge(plan, &planned.rows, keys, &self.prepared.people[*person], answer) {
                mismatches.push(Mismatch { person: *person, source: *source, what });
            }
        }
        mismatches
    }
}

/// Runs one scene under a name and gives the first mismatch; nothing where it is no scene.
pub async fn mismatch(warehouse: &Arc<Warehouse>, judge: &Judge, scene: &Scene, name: &str) -> Option<Mismatch> {
    let prepared = scene.named(name).prepare().ok()?;
    let put = put(Arc::clone(warehouse), vec![prepared]).await;
    let runs = ask(Arc::clone(warehouse), put).await;
    runs.first()?.mismatches(judge).into_iter().next()
}
