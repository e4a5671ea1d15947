//! Policy views, and the rows that the warehouse keeps of data sources and policies.

use super::{Judge, MAX_REVISION, Row, cell, number, same};
use crate::{
    drift::{Definition, Kind, Page, Question, Remedy, Target, View},
    record,
};

impl Judge<'_> {
    /// Views against the digests that were taken of their texts when they were put in force.
    pub(super) fn views(&mut self, page: &Page) {
        if page.views.is_empty() {
            return;
        }
        let (views, rows) = (self.rows(Question::Views), self.rows(Question::SourceRows));
        for view in &page.views {
            let recorded: Vec<&Row> =
                rows.unwrap_or_default().iter().filter(|row| cell(row, 0) == view.source.as_str()).collect();
            if rows.is_some() {
                self.source_row(view, &recorded);
            }
            let Some(views) = views else { continue };
            let object = format!("`{}.{}`", self.integration.view_schema.as_str(), view.name.as_str());
            let target = || target(record::Kind::DataSource, view.source.as_str());
            let Some(there) = views.iter().find(|row| same(cell(row, 0), view.name.as_str())) else {
                let expected = format!("the view of data source `{}`", view.source);
                self.note(Kind::ViewDropped, object, "nothing", expected, Remedy::Render(target()));
                continue;
            };
            let owner = self.integration.system_user.as_str();
            if !same(cell(there, 1), owner) {
                let (found, expected) = (format!("owner `{}`", cell(there, 1)), format!("owner `{owner}`"));
                self.note(Kind::ViewReowned, object.clone(), found, expected, Remedy::Remake(target()));
            }
            if let [row] = recorded.as_slice()
                && cell(row, 4) != cell(there, 2)
            {
                let expected = format!("the text of revision {}", view.revision);
                self.note(Kind::ViewEdited, object, "another text", expected, Remedy::Remake(target()));
            }
        }
    }

    fn source_row(&mut self, view: &View, recorded: &[&Row]) {
        let target = target(record::Kind::DataSource, view.source.as_str());
        let object = format!("row of data source `{}`", view.source);
        let expected = format!("one of revision {}, applied as `{}`", view.revision, view.name.as_str());
        let [row] = recorded else {
            let found = format!("{} rows", recorded.len());
            return self.note(Kind::SourceRowChanged, object, found, expected, Remedy::Render(target));
        };
        let revision = number(row, 1);
        let right =
            revision == Some(view.revision) && cell(row, 2) == "applied" && same(cell(row, 3), view.name.as_str());
        if !right {
            let found = format!("revision {}, {} as `{}`", cell(row, 1), cell(row, 2), cell(row, 3));
            let remedy =
                above(target, revision, view.revision, || Remedy::Report { source: Some(view.source.clone()) });
            self.note(Kind::SourceRowChanged, object, found, expected, remedy);
        }
    }

    pub(super) fn definitions(&mut self, page: &Page) {
        if page.definitions.is_empty() {
            return;
        }
        let Some(rows) = self.rows(Question::PolicyRows) else { return };
        for definition in &page.definitions {
            let there: Vec<&Row> = rows.iter().filter(|row| cell(row, 0) == definition.policy.as_str()).collect();
            self.definition(definition, &there);
        }
    }

    fn definition(&mut self, definition: &Definition, there: &[&Row]) {
        let target = target(record::Kind::Policy, definition.policy.as_str());
        let object = format!("row of policy `{}`", definition.policy);
        let expected = format!("its definition at revision {}", definition.revision);
        let [row] = there else {
            let found = format!("{} rows", there.len());
            return self.note(Kind::PolicyRowChanged, object, found, expected, Remedy::Render(target));
        };
        let revision = number(row, 1);
        let right = revision == Some(definition.revision)
            && cell(row, 2) == definition.status.as_deref().unwrap_or_default()
            && cell(row, 3) == definition.digest.as_deref().unwrap_or_default();
        if !right {
            let same = revision == Some(definition.revision);
            let found = if same { "another text or status".to_owned() } else { format!("revision {}", cell(row, 1)) };
            let remedy = above(target, revision, definition.revision, Remedy::report);
            self.note(Kind::PolicyRowChanged, object, found, expected, remedy);
        }
    }
}

/// What can be rendered anew.
pub(super) fn target(kind: record::Kind, id: &str) -> Target {
    Target { kind, id: id.to_owned() }
}

/// To be rendered anew, above what the warehouse has, or it would take that for newer.
fn above(target: Target, found: Option<u64>, given: u64, otherwise: impl FnOnce() -> Remedy) -> Remedy {
    match found {
        Some(found) if found >= MAX_REVISION => otherwise(),
        Some(found) if found > given => Remedy::RenderAbove(target, found),
        _ => Remedy::Render(target),
    }
}
