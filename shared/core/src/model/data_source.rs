//! Data sources, as checked.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    collect::Collector,
    name::{Id, Tag, found},
    view_name::ViewName,
};
use crate::{
    event::{Fault, Faults, suggest::suggest, wire},
    sql::{DataType, Ident, QualifiedName},
};

pub use wire::Binding;

/// Most columns a view may have: <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html>.
const MAX_COLUMNS: usize = 1_600;

/// A registered table whose document passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSource {
    /// Its identity.
    pub id: Id,
    /// The warehouse it lives in.
    pub host: String,
    /// Where in the warehouse.
    pub database: Ident,
    /// The schema there.
    pub schema: Ident,
    /// The table there.
    pub table: Ident,
    /// The policy view's name where the integration has no other rule: the document's, or else the table's.
    pub view: Ident,
    /// Whether the document gives the view's name.
    pub names_view: bool,
    /// Tags of the whole.
    pub tags: BTreeSet<Tag>,
    /// The columns, in order; at least one.
    pub columns: Vec<Column>,
    /// Index of the column that says when a row happened.
    pub event_time_column: Option<usize>,
    /// Index of the column that tells rows apart.
    pub key_column: Option<usize>,
    /// It is an external table.
    pub external: bool,
    /// How the policy view is bound to the table.
    pub binding: Binding,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub data_type: DataType,
    /// Its tags.
    pub tags: BTreeSet<Tag>,
}

impl DataSource {
    /// Checks a data source document.
    ///
    /// # Errors
    /// Every fault it has.
    pub fn check(wire: &wire::DataSourceDocument) -> Result<Self, Faults> {
        let mut faults = Collector::default();
        let source = Self::collect(&mut faults, wire);
        faults.finish(source)
    }

    fn collect(faults: &mut Collector, wire: &wire::DataSourceDocument) -> Option<Self> {
        let id = faults.take(Id::check("data_source.id", &wire.id));
        let host = faults.take(super::host("data_source.host", &wire.host));
        let database = faults.take(super::ident("data_source.database", &wire.database));
        let schema = faults.take(super::ident("data_source.schema", &wire.schema));
        let table = faults.take(super::ident("data_source.table", &wire.table));
        let view = match &wire.view {
            Some(view) => faults.take(super::view_name("data_source.view", view)),
            None => table.clone().and_then(|table| faults.take(super::view_name("data_source.table", table.as_str()))),
        };
        let check_tag = |faults: &mut Collector, path: &str, tag: &String| faults.take(Tag::check(path, tag));
        let tags = faults.each("data_source.tags", &wire.tags, check_tag).into_iter().collect();
        if wire.columns.is_empty() || wire.columns.len() > MAX_COLUMNS {
            let found = format!("{} columns", wire.columns.len());
            faults.push(Fault::new("data_source.columns", found, format!("1 to {MAX_COLUMNS} columns")));
        }
        let mut seen = BTreeMap::new();
        let columns = faults.each("data_source.columns", &wire.columns, |faults, path, column| {
            let name = faults.take(super::ident(&format!("{path}.name"), &column.name));
            if let Some(name) = &name {
                if name.is_system_column() {
                    let expected = "a name that Redshift does not keep for itself";
                    faults.push(Fault::new(format!("{path}.name"), found(name.as_str()), expected));
                }
                // Redshift folds quoted names and would show the first of the two for both:
                // https://docs.aws.amazon.com/redshift/latest/dg/r_enable_case_sensitive_identifier.html
                if let Some(other) = seen.insert(name.folded(), name.as_str().to_owned()) {
                    let expected = format!("a name that differs from `{other}` in more than case");
                    faults.push(Fault::new(format!("{path}.name"), found(name.as_str()), expected));
                }
            }
            let data_type = faults.take(column.data_type.parse::<DataType>().map_err(|_| {
                if is_nested(&column.data_type) {
                    let expected = "a column that is no structure: masks and rules see single values; leave it out, or register \
                        a view that takes it apart";
                    return Fault::new(format!("{path}.type"), found(&column.data_type), expected);
                }
                let expected = "a Redshift column type, such as `varchar(25)` or `decimal(12,2)`";
                Fault::new(format!("{path}.type"), found(&column.data_type), expected)
            }));
            let tags = faults.each(&format!("{path}.tags"), &column.tags, check_tag).into_iter().collect();
            Some(Column { name: name?, data_type: data_type?, tags })
        });
        if wire.external && wire.binding == Binding::Bound {
            let expected = "`late`: Redshift binds no view to an external table";
            faults.push(Fault::new("data_source.binding", "`bound`", expected));
        }
        let mut column_index = |field: &str, name: &Option<String>| {
            let name = name.as_ref()?;
            let index = wire.columns.iter().position(|column| column.name == *name);
            if index.is_none() {
                let fault = Fault::new(format!("data_source.{field}"), found(name), "the name of one of its columns");
                faults.push(fault.hint(suggest(name, wire.columns.iter().map(|column| column.name.as_str()))));
            }
            index
        };
        let event_time_column = column_index("event_time_column", &wire.event_time_column);
        let key_column = column_index("key_column", &wire.key_column);
        if let Some(column) = event_time_column.and_then(|index| columns.get(index))
            && !matches!(column.data_type, DataType::Date | DataType::Timestamp | DataType::TimestampTz)
        {
            let found = format!("a column of type `{}`", column.data_type);
            faults.push(Fault::new("data_source.event_time_column", found, "a date or timestamp column"));
        }
        Some(Self {
            id: id?,
            host: host?,
            database: database?,
            schema: schema?,
            table: table?,
            view: view?,
            tags,
            columns,
            event_time_column,
            key_column,
            names_view: wire.view.is_some(),
            external: wire.external,
            binding: wire.binding,
        })
    }

    /// The policy view's name under an integration's rule.
    ///
    /// # Errors
    /// A fault when the rule gives no name of 1 to 127 bytes.
    pub fn view_named(&self, rule: &ViewName) -> Result<Ident, Fault> {
        if self.names_view { Ok(self.view.clone()) } else { rule.of(self) }
    }

    /// The raw table, as another database names it.
    #[must_use]
    pub fn location(&self) -> QualifiedName {
        QualifiedName::in_database(self.database.clone(), self.schema.clone(), self.table.clone())
    }

    /// Every tag it carries, on itself or on a column.
    pub fn all_tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().chain(self.columns.iter().flat_map(|column| &column.tags))
    }
}

/// Whether a type is one of the nested ones that external tables may have:
/// <https://docs.aws.amazon.com/redshift/latest/dg/tutorial-query-nested-data.html>.
fn is_nested(data_type: &str) -> bool {
    let word = data_type.trim_start().to_ascii_lowercase();
    ["struct", "array", "map", "row", "super"].iter().any(|nested| {
        word.strip_prefix(nested).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}
