//! Random scenes. Each follows from its seed alone.

mod expression;
mod mask;
mod policy;
mod pool;
mod source;
mod user;

use serde_json::{Value, json};

use crate::{
    chance::Chance,
    scene::{RUN, Scene, Source},
};
pub use mask::KINDS;
pub use source::FAMILIES;
use source::Table;

/// People in a scene.
const PEOPLE: usize = 5;

/// A scene of one to three sources, a few people and projects, and policies about them.
pub fn scene(chance: &mut Chance) -> Scene {
    let count = *chance.of(&[1, 1, 1, 2, 2, 3]);
    let tables: Vec<Table> = (0..count).map(|number| source::table(chance, number)).collect();
    let sources: Vec<String> = tables.iter().map(|table| table.id.clone()).collect();
    let people: Vec<String> = (0..PEOPLE).map(|number| format!("{RUN}u{number}")).collect();
    let projects: Vec<(String, Value)> = (0..*chance.of(&[0, 1, 1, 2, 2]))
        .map(|number| {
            let id = format!("{RUN}p{number}");
            let [some_purpose, some_source] = [(); 2].map(|()| usize::from(chance.percent(85)));
            let document = json!({
                "id": id, "version": 1, "name": "a project", "members": chance.some(&people, 2, PEOPLE),
                "purposes": owned(&chance.some(&pool::PURPOSES, some_purpose, 3)), "data_sources": chance.some(&sources, some_source, 3),
                "masked_joins": chance.percent(50),
            });
            (id, document)
        })
        .collect();
    Scene {
        users: people
            .iter()
            .enumerate()
            .map(|(number, id)| user::person(chance, number, id, &projects, &sources))
            .collect(),
        projects: projects.into_iter().map(|(_, document)| document).collect(),
        policies: policy::policies(chance, &tables, &people),
        sources: tables.into_iter().map(|table| Source { data_source: table.document(), rows: table.rows }).collect(),
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}
