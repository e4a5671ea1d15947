//! The raw table.

use super::warehouse::RAW;

/// Its name.
pub const TABLE: &str = "customer";
/// The column that tells rows apart.
pub const KEY: &str = "id";
/// The column that says when a row happened.
pub const EVENT_TIME: &str = "seen_at";

/// Its columns, with their types.
pub const COLUMNS: [(&str, &str); 11] = [
    (KEY, "bigint"),
    ("name", "varchar(40)"),
    ("email", "varchar(64)"),
    ("phone", "varchar(20)"),
    ("country", "varchar(2)"),
    ("segment", "varchar(16)"),
    ("balance", "decimal(12,2)"),
    ("visits", "integer"),
    ("birthday", "date"),
    (EVENT_TIME, "timestamp"),
    ("remark", "varchar(120)"),
];

/// Statements that make it, with so many rows that are the same in every run; only [`EVENT_TIME`] moves with the clock. Each of
/// ten countries has a tenth of the rows, and every column but the key has nulls.
pub fn definition(rows: usize) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|(name, data_type)| format!("{name} {data_type}")).collect();
    format!(
        "CREATE TABLE {RAW}.{TABLE} ({}) WITH (autovacuum_enabled = false);
        INSERT INTO {RAW}.{TABLE}
        SELECT i,
          CASE WHEN i % 97 > 0 THEN initcap(translate(left(m, 6), '0123456789', 'ghijklmnop')) || ' '
            || initcap(translate(substring(m, 7, 9), '0123456789', 'qrstuvwxyz')) END,
          CASE WHEN i % 31 > 0 THEN substring(m, 3, 10) || '@' || substring(m, 20, 6) || '.example.com' END,
          CASE WHEN i % 43 > 0 THEN '+49 ' || lpad(CAST(h % 10000 AS TEXT), 4, '0') || ' '
            || lpad(CAST(h / 10000 % 1000000 AS TEXT), 6, '0') END,
          CASE WHEN i % 101 > 0 THEN substring('DEFRESITPLNLSEPTATGR', CAST(1 + 2 * (h % 10) AS INTEGER), 2) END,
          CASE WHEN i % 89 > 0 THEN split_part('retail|wholesale|public|industry|partner', '|', CAST(1 + h / 7 % 5 AS INTEGER)) END,
          CASE WHEN i % 23 > 0 THEN CAST(h % 200000000 - 50000000 AS DECIMAL(14,2)) / 100 END,
          CASE WHEN i % 61 > 0 THEN CAST(h % 500 AS INTEGER) END,
          CASE WHEN i % 37 > 0 THEN DATE '1940-01-01' + CAST(h % 25000 AS INTEGER) END,
          CASE WHEN i % 53 > 0 THEN getdate() - (h % 63072000) * INTERVAL '1 second' END,
          CASE WHEN i % 3 > 0 THEN 'Called about order ' || h % 1000000 || ', ' || m END
        FROM (SELECT i, md5(CAST(i AS TEXT)) AS m, abs(hashint8extended(i, 42)) % 1000000007 AS h
          FROM generate_series(1, {rows}) AS i) AS g",
        columns.join(", ")
    )
}
