//! What a policy names that nobody knows: tags and columns of no data source it covers.
//!
//! This can't be refused at the door, since the data source that has them may only arrive later and the order of events must
//! not matter. It is told instead, with the name that was probably meant.

use std::collections::BTreeSet;

use crate::{
    event::{Fault, Faults, suggest::suggest},
    model::{
        DataSource, Policy, Tag,
        policy::{Body, Filter, Mask, Match, Rule, Scope, Selector},
    },
    resolve::{ColumnIndex, covers},
    sql::Ident,
};

/// The tags and columns of a policy that no data source has which it covers. Without any that it covers, only its scope is
/// looked at, against all of them.
#[must_use]
pub fn unknown_names(policy: &Policy, sources: &[DataSource]) -> Faults {
    let mut names = Names { covered: Vec::new(), faults: Faults::new() };
    names.scope(&policy.scope, sources);
    names.covered = sources.iter().filter(|source| covers(&policy.scope, source)).collect();
    if let (Body::Data(rules), false) = (&policy.body, names.covered.is_empty()) {
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("policy.rules[{index}]");
            match rule {
                Rule::Mask(rule) => {
                    let path = format!("{path}.mask");
                    names.selector(&format!("{path}.columns"), &rule.columns);
                    if let Some(predicate) = &rule.only_where {
                        names.expression(&format!("{path}.where"), predicate);
                    }
                    for mask in rule.cases.iter().map(|(_, mask)| mask).chain([&rule.otherwise]) {
                        if let Mask::Custom(expression) = mask {
                            names.expression(&path, expression);
                        }
                    }
                }
                Rule::Rows(rule) => {
                    for filter in rule.cases.iter().map(|(_, filter)| filter).chain([&rule.otherwise]) {
                        names.filter(&format!("{path}.rows"), filter);
                    }
                }
            }
        }
    }
    names.faults
}

struct Names<'a> {
    covered: Vec<&'a DataSource>,
    faults: Faults,
}

impl Names<'_> {
    fn scope(&mut self, scope: &Scope, sources: &[DataSource]) {
        match scope {
            Scope::All => {}
            Scope::Tags(tags) => {
                let known: BTreeSet<&str> =
                    sources.iter().flat_map(DataSource::all_tags).flat_map(Tag::lineage).collect();
                for tag in tags.iter().filter(|tag| !known.contains(tag.as_str())) {
                    let hint = suggest(tag.as_str(), known.iter().copied());
                    let fault =
                        Fault::new("policy.scope.tags", format!("`{tag}`"), "a tag of a registered data source");
                    self.faults.push(fault.hint(hint));
                }
            }
            Scope::DataSources(ids) => {
                for id in ids.iter().filter(|id| sources.iter().all(|source| source.id != **id)) {
                    let hint = suggest(id.as_str(), sources.iter().map(|source| source.id.as_str()));
                    let fault = Fault::new("policy.scope.data_sources", format!("`{id}`"), "a registered data source");
                    self.faults.push(fault.hint(hint));
                }
            }
        }
    }

    fn selector(&mut self, path: &str, selector: &Selector) {
        if self.covered.iter().any(|source| !ColumnIndex::new(source).select(selector).is_empty()) {
            return;
        }
        match selector {
            Selector::Tag(tag) => self.no_tag(path, tag),
            Selector::Name(name) => self.no_column(path, name),
            Selector::NameRegex(pattern) => {
                let expected = "a pattern that a column of a data source in scope matches";
                self.faults.push(Fault::new(path, format!("`{}`", pattern.as_str()), expected));
            }
            Selector::Untagged | Selector::All => {}
        }
    }

    fn expression(&mut self, path: &str, expression: &crate::expression::Expression) {
        let has = |name: &Ident| self.columns().any(|column| column.is_same(name));
        let columns: Vec<Ident> =
            expression.columns().map(|(name, _)| name.clone()).filter(|name| !has(name)).collect();
        for column in columns {
            self.no_column(path, &column);
        }
        let has = |tag: &Tag| self.tags().any(|known| known == tag.as_str());
        let tags: Vec<Tag> = expression.tags().map(|(tag, _)| tag.clone()).filter(|tag| !has(tag)).collect();
        for tag in tags {
            self.no_tag(path, &tag);
        }
    }

    fn filter(&mut self, path: &str, filter: &Filter) {
        match filter {
            Filter::Match(wanted) => self.matched(path, wanted),
            Filter::Where(expression) => self.expression(path, expression),
            Filter::All | Filter::None | Filter::TimeWindow { .. } | Filter::Sample(_) | Filter::While(_) => {}
        }
    }

    fn matched(&mut self, path: &str, wanted: &Match) {
        match wanted {
            Match::Any(list) | Match::All(list) => list.iter().for_each(|one| self.matched(path, one)),
            Match::Attribute(_, selector) | Match::Group(selector) => self.selector(path, selector),
        }
    }

    fn columns(&self) -> impl Iterator<Item = &Ident> {
        self.covered.iter().flat_map(|source| &source.columns).map(|column| &column.name)
    }

    fn tags(&self) -> impl Iterator<Item = &str> {
        self.covered.iter().flat_map(|source| &source.columns).flat_map(|column| &column.tags).flat_map(Tag::lineage)
    }

    fn no_column(&mut self, path: &str, name: &Ident) {
        let hint = suggest(name.as_str(), self.columns().map(Ident::as_str));
        let fault = Fault::new(path, format!("column `{}`", name.as_str()), "a column of a data source in scope");
        self.faults.push(fault.hint(hint));
    }

    fn no_tag(&mut self, path: &str, tag: &Tag) {
        let hint = suggest(tag.as_str(), self.tags());
        let fault = Fault::new(path, format!("tag `{tag}`"), "a tag of a column in scope");
        self.faults.push(fault.hint(hint));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{document, wire};

    fn source() -> DataSource {
        let wire: wire::DataSourceDocument = document(json!({
            "id": "customer", "version": 1, "host": "wh", "database": "db", "schema": "s", "table": "t", "tags": ["sales"],
            "columns": [{"name": "c_phone", "type": "varchar(15)", "tags": ["pii.phone"]}, {"name": "c_bal", "type": "integer"}],
        }))
        .unwrap();
        DataSource::check(&wire).unwrap()
    }

    fn advice(scope: Value, rules: Value) -> Vec<String> {
        let wire: wire::PolicyDocument = document(json!({
            "id": "p", "version": 1, "name": "p", "created_at": "2026-01-01T00:00:00Z", "scope": scope, "rules": rules,
        }))
        .unwrap();
        unknown_names(&Policy::check(&wire).unwrap(), &[source()]).iter().map(ToString::to_string).collect()
    }

    fn mask(columns: Value) -> Value {
        json!([{"mask": {"columns": columns, "using": {"kind": "null"}}}])
    }

    #[test]
    fn a_scope_is_looked_at_first() {
        assert_eq!(
            advice(json!({"tags": ["sale", "pii", "sales"]}), mask(json!("all"))),
            ["`policy.scope.tags`: found `sale`, expected a tag of a registered data source (did you mean `sales`?)"]
        );
        assert_eq!(
            advice(json!({"data_sources": ["custmer"]}), mask(json!({"name": "nothing"}))),
            [
                "`policy.scope.data_sources`: found `custmer`, expected a registered data source (did you mean `customer`?)"
            ],
            "a rule is not looked at where nothing is covered"
        );
    }

    #[test]
    fn columns_and_tags_of_rules_and_expressions_are_known() {
        for (columns, expected) in [
            (json!({"tag": "pii"}), None),
            (json!({"name": "C_PHONE"}), None),
            (json!({"name_regex": "c_.*"}), None),
            (json!("all"), None),
            (
                json!({"tag": "pii.fone"}),
                Some("found tag `pii.fone`, expected a tag of a column in scope (did you mean `pii.phone`?)"),
            ),
            (
                json!({"name": "c_fone"}),
                Some("found column `c_fone`, expected a column of a data source in scope (did you mean `c_phone`?)"),
            ),
            (
                json!({"name_regex": "x.*"}),
                Some("found `x.*`, expected a pattern that a column of a data source in scope matches"),
            ),
        ] {
            let expected: Vec<String> =
                expected.iter().map(|words| format!("`policy.rules[0].mask.columns`: {words}")).collect();
            assert_eq!(advice(json!("all"), mask(columns)), expected);
        }
        let rows = json!([
            {"rows": {"only": {"where": "c_bl > 0 AND @columnTagged('pii.phon') IS NULL AND c_phone = 'x'"}}},
            {"rows": {"only": {"match": {"any": [{"group": {"column": {"name": "c_ball"}}}, {"group": {"column": {"name": "c_bal"}}}]}}}},
        ]);
        assert_eq!(
            advice(json!("all"), rows),
            [
                "`policy.rules[0].rows`: found column `c_bl`, expected a column of a data source in scope (did you mean `c_bal`?)",
                "`policy.rules[0].rows`: found tag `pii.phon`, expected a tag of a column in scope (did you mean `pii.phone`?)",
                "`policy.rules[1].rows`: found column `c_ball`, expected a column of a data source in scope (did you mean `c_bal`?)",
            ]
        );
        let masks = json!([{"mask": {"columns": "all", "where": "c_ba = 1", "using": {"kind": "custom", "expression": "c_bol"}}}]);
        assert_eq!(
            advice(json!("all"), masks),
            [
                "`policy.rules[0].mask.where`: found column `c_ba`, expected a column of a data source in scope (did you mean `c_bal`?)",
                "`policy.rules[0].mask`: found column `c_bol`, expected a column of a data source in scope (did you mean `c_bal`?)",
            ]
        );
    }
}
