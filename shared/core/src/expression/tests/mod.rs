mod properties;
mod tables;
mod users;

use serde_json::json;

use super::*;
use crate::{
    event::{document, wire},
    model::{Condition, DataSource, EntitlementKind},
    render::expression::{Surroundings, expression},
    sql::{
        Text,
        name::QualifiedName,
        print,
        tree::{Alias, Expr, Statement},
    },
};

/// A data source with a column of every type.
pub(super) fn source() -> DataSource {
    let column = |name: &str, data_type: &str, tags: &[&str]| json!({"name": name, "type": data_type, "tags": tags});
    let fields = json!({
        "id": "customer", "version": 1, "host": "wh", "database": "tpch", "schema": "public", "table": "customer",
        "columns": [
            column("c_custkey", "bigint", &[]),
            column("c_name", "varchar(25)", &["pii.name"]),
            column("c_phone", "char(15)", &["pii.phone.mobile"]),
            column("c_country", "varchar(2)", &["geo.country"]),
            column("c_city", "varchar(30)", &["geo.city"]),
            column("c_balance", "decimal(12,2)", &["finance"]),
            column("c_rank", "smallint", &[]),
            column("c_qty", "integer", &[]),
            column("c_score", "real", &[]),
            column("c_weight", "double precision", &[]),
            column("c_active", "boolean", &[]),
            column("c_born", "date", &[]),
            column("c_seen", "timestamp", &[]),
            column("c_at", "timestamptz", &[]),
            column("c_doc", "super", &[]),
            column("c_big", "decimal(38,10)", &[]),
            column("odd \"name\"", "varchar(10)", &[]),
            column("c_long", "varchar(65535)", &[]),
            column("c_scan", "varbyte(10)", &[]),
            column("c_noon", "time", &[]),
        ],
    });
    DataSource::check(&document::<wire::DataSourceDocument>(fields).unwrap()).unwrap()
}

/// What stands around an expression here: columns of `s`, flags and sets by their words.
struct Here<'a>(&'a DataSource);

impl Surroundings for Here<'_> {
    fn column(&self, index: usize) -> Expr {
        Expr::Column(Alias::fixed("s"), self.0.columns[index].name.clone())
    }

    fn condition(&mut self, condition: &Condition) -> Expr {
        let Condition::Has(entitlement) = condition else {
            panic!("{condition:?}");
        };
        let name = entitlement.name.as_ref().map_or("", Text::as_str);
        let values: Vec<&str> = entitlement.values.iter().map(Text::as_str).collect();
        internal(format!("has_{}_{name}_{}", entitlement.kind.as_str(), values.join("_")))
    }

    fn contains(&mut self, kind: EntitlementKind, attribute: Option<&Text>, column: usize) -> Expr {
        internal(format!("contains_{}_{}_{column}", kind.as_str(), attribute.map_or("", Text::as_str)))
    }

    fn username(&mut self) -> Expr {
        internal("username".to_owned())
    }
}

fn internal(name: String) -> Expr {
    Expr::Internal(Alias::fixed("p"), name.into())
}

/// The SQL of an expression over the data source.
pub(super) fn sql(bound: &Bound, source: &DataSource) -> crate::sql::SqlText {
    let procedure = QualifiedName::temporary(Ident::fixed("x"));
    print(&Statement::Call { procedure, arguments: vec![expression(bound, &mut Here(source))] })
}

pub(super) fn sql_text(bound: &Bound, source: &DataSource) -> String {
    let text = sql(bound, source);
    text.execute().strip_prefix("CALL \"x\"(").and_then(|text| text.strip_suffix(')')).unwrap().to_owned()
}
