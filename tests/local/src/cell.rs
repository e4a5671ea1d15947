//! Values and columns of a result, as `GetStatementResult` has them.

use serde_json::{Value, json};
use tokio_postgres::Column;
use tokio_postgres::types::Type;

/// One field from PostgreSQL's text form.
pub fn field(kind: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else {
        return json!({ "isNull": true });
    };
    match *kind {
        Type::BOOL => json!({ "booleanValue": text == "t" }),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => match text.parse::<i64>() {
            Ok(number) => json!({ "longValue": number }),
            Err(_) => json!({ "stringValue": text }),
        },
        Type::FLOAT4 | Type::FLOAT8 => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => json!({ "doubleValue": number }),
            // The SDKs read these names as the values.
            _ => json!({ "doubleValue": text }),
        },
        _ => json!({ "stringValue": text }),
    }
}

/// The description of one column.
pub fn column(column: &Column) -> Value {
    let kind = column.type_();
    let (precision, scale) = size(kind, column.type_modifier());
    json!({
        "name": column.name(),
        "label": column.name(),
        "typeName": type_name(kind),
        "length": 0,
        "precision": precision,
        "scale": scale,
        "nullable": 1,
        "isSigned": matches!(*kind, Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC),
        "isCurrency": false,
        "isCaseSensitive": matches!(*kind, Type::VARCHAR | Type::TEXT | Type::BPCHAR | Type::NAME),
        "schemaName": "",
        "tableName": "",
    })
}

/// Redshift's name of a type; TEXT is VARCHAR there.
fn type_name(kind: &Type) -> &str {
    match *kind {
        Type::TEXT | Type::UNKNOWN => "varchar",
        _ => kind.name(),
    }
}

/// Precision and scale from the type modifier.
fn size(kind: &Type, modifier: i32) -> (i32, i32) {
    const HEADER: i32 = 4;
    match *kind {
        Type::NUMERIC if modifier >= HEADER => ((modifier - HEADER) >> 16, (modifier - HEADER) & 0x7ff),
        Type::VARCHAR | Type::BPCHAR if modifier >= HEADER => (modifier - HEADER, 0),
        Type::BOOL => (1, 0),
        Type::INT2 => (5, 0),
        Type::INT4 => (10, 0),
        Type::INT8 => (19, 0),
        Type::FLOAT4 => (8, 8),
        Type::FLOAT8 => (17, 17),
        Type::DATE => (13, 0),
        Type::TIMESTAMP => (29, 6),
        Type::TIMESTAMPTZ => (35, 6),
        _ => (i32::MAX, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_kind_of_field() {
        for (kind, text, expected) in [
            (Type::BOOL, "t", json!({ "booleanValue": true })),
            (Type::INT8, "-9", json!({ "longValue": -9 })),
            (Type::FLOAT8, "1.5", json!({ "doubleValue": 1.5 })),
            (Type::FLOAT8, "NaN", json!({ "doubleValue": "NaN" })),
            (Type::NUMERIC, "1.50", json!({ "stringValue": "1.50" })),
            (Type::DATE, "2024-02-29", json!({ "stringValue": "2024-02-29" })),
        ] {
            assert_eq!(field(&kind, Some(text)), expected);
        }
        assert_eq!(field(&Type::INT4, None), json!({ "isNull": true }));
    }

    #[test]
    fn modifiers_give_precision_and_scale() {
        assert_eq!(size(&Type::NUMERIC, (12 << 16 | 2) + 4), (12, 2));
        assert_eq!(size(&Type::VARCHAR, 29), (25, 0));
    }
}
