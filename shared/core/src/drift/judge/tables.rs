//! The tables below policy views: what columns they have, and who reads them directly.

use std::collections::BTreeMap;

use super::{Judge, Row, cell, same};
use crate::{
    drift::{Kind, Page, Question, Remedy, Table, query::COLUMNS},
    sql::DataType,
};

/// A table's name as it is compared.
type Name = (String, String);

fn name(schema: &str, table: &str) -> Name {
    (schema.to_ascii_lowercase(), table.to_ascii_lowercase())
}

impl Judge<'_> {
    pub(super) fn tables(&mut self, page: &Page) {
        let owners: Option<BTreeMap<Name, String>> = self
            .rows(Question::Tables)
            .map(|rows| rows.iter().map(|row| (name(cell(row, 0), cell(row, 1)), cell(row, 2).to_owned())).collect());
        let columns = self.rows(Question::Columns).filter(|rows| {
            // Cut off, it says nothing of the rest, and nobody knows which that is.
            rows.len() < COLUMNS
        });
        let superusers: Vec<&str> =
            self.rows(Question::Superusers).unwrap_or_default().iter().map(|row| cell(row, 0)).collect();
        let mut by_table: BTreeMap<Name, Vec<&Row>> = BTreeMap::new();
        for row in columns.unwrap_or_default() {
            by_table.entry(name(cell(row, 0), cell(row, 1))).or_default().push(row);
        }
        if let (Some(owners), true) = (&owners, columns.is_some()) {
            for table in &page.tables {
                let key = name(table.source.schema.as_str(), table.source.table.as_str());
                match by_table.get(&key) {
                    Some(rows) => self.columns(table, rows),
                    // One whose columns are not shown, such as a late-binding view.
                    None if owners.contains_key(&key) => {}
                    None => {
                        let source = Remedy::Report { source: Some(table.source.id.clone()) };
                        self.note(Kind::TableVanished, object(table), "nothing", "a table that can be read", source);
                    }
                }
            }
        }
        let sources: BTreeMap<Name, &Table> = page
            .tables
            .iter()
            .map(|table| (name(table.source.schema.as_str(), table.source.table.as_str()), table))
            .collect();
        let owners = owners.unwrap_or_default();
        self.readers(&superusers, |schema, table| {
            let key = name(schema, table);
            let source = sources.get(&key)?.source.id.clone();
            let owner = owners.get(&key).cloned().unwrap_or_default();
            Some((owner, Remedy::Report { source: Some(source) }))
        });
    }

    fn columns(&mut self, table: &Table, rows: &[&Row]) {
        let remedy = || Remedy::Report { source: Some(table.source.id.clone()) };
        for column in &table.source.columns {
            let object = || format!("column `{}` of {}", column.name.as_str(), object(table));
            match rows.iter().find(|row| same(cell(row, 2), column.name.as_str())) {
                None => {
                    let expected = format!("type `{}`", column.data_type);
                    self.note(Kind::ColumnVanished, object(), "nothing", expected, remedy());
                }
                Some(row) => {
                    if let Err(found) = has_type(row, column.data_type) {
                        let (found, expected) = (format!("type `{found}`"), format!("type `{}`", column.data_type));
                        self.note(Kind::ColumnRetyped, object(), found, expected, remedy());
                    }
                }
            }
        }
        for row in rows {
            if !table.source.columns.iter().any(|column| same(column.name.as_str(), cell(row, 2))) {
                let object = format!("column `{}` of {}", cell(row, 2), object(table));
                self.note(Kind::ColumnAppeared, object, "a column", "none, by the data source", remedy());
            }
        }
    }
}

fn object(table: &Table) -> String {
    let source = &table.source;
    format!("table `{}.{}.{}`", source.database.as_str(), source.schema.as_str(), source.table.as_str())
}

/// Whether a column has a type; if not, the one it has. Catalogs give lengths apart, and not always.
fn has_type(row: &Row, expected: DataType) -> Result<(), String> {
    let plain = cell(row, 3);
    let lengths = [4, 5, 6].map(|index| cell(row, index));
    let [text, precision, scale] = lengths;
    let full = match plain.to_ascii_lowercase().as_str() {
        "character varying" | "varchar" | "character" | "char" | "bpchar" if !text.is_empty() => {
            format!("{plain}({text})")
        }
        "numeric" | "decimal" if !precision.is_empty() => {
            format!("{plain}({precision},{})", if scale.is_empty() { "0" } else { scale })
        }
        _ => plain.to_owned(),
    };
    let Ok(found) = full.parse::<DataType>() else { return Err(full) };
    let known = full != plain || plain.contains('(');
    let right = match (found, expected) {
        (DataType::VarChar(_), DataType::VarChar(_)) | (DataType::Char(_), DataType::Char(_)) if !known => true,
        (DataType::Decimal { .. }, DataType::Decimal { .. }) | (DataType::VarByte(_), DataType::VarByte(_))
            if !known =>
        {
            true
        }
        (found, expected) => found == expected,
    };
    if right { Ok(()) } else { Err(found.to_string()) }
}
