//! What each column of `masks` must show: by hand, over the raw table, for the same reason as [`crate::viewers`].

use crate::forms::Form;

/// A column of `masks`.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What must be seen of it.
    pub must: Must,
}

/// What must be seen of a value.
#[derive(Debug, Clone, Copy)]
pub enum Must {
    /// Exactly this, in SQL over the raw row.
    Be(&'static str),
    /// Something of this form.
    Have(Form),
}

/// The table is made of these: a copy of a customer's or an order's column for each kind of mask.
pub const FILL: &str = "
INSERT INTO public.masks (order_key, order_status, nation, name_hash, balance_round, date_round, name_constant, name_custom,
    phone_show, phone_regex, phone_redshift, phone_format, price_format, phone_reversible, segment_random, balance_random,
    date_random, balance_cells, address_null)
SELECT o_orderkey, o_orderstatus, c_nationkey, c_name, c_acctbal, o_orderdate, c_name, c_name,
    c_phone, c_phone, c_phone, c_phone, o_totalprice, c_phone, c_mktsegment, c_acctbal,
    o_orderdate, c_acctbal, c_address
FROM public.customer JOIN public.orders ON o_custkey = c_custkey WHERE c_custkey <= 300";

/// The rows that `ana.silva` must see.
pub const ANALYST_SEES: &str = "nation = 2 AND order_status <> 'F'";

/// Three of them: two orders of one customer, and one of a customer in debt.
pub const PRINTED: &str = "
(SELECT order_key FROM public.masks WHERE nation = 2 AND order_status <> 'F' AND balance_cells >= 0 ORDER BY name_custom, 1 LIMIT 2)
UNION ALL
(SELECT order_key FROM public.masks WHERE nation = 2 AND order_status <> 'F' AND balance_cells < 0 ORDER BY name_custom, 1 LIMIT 1)";

const SEGMENTS: &[&str] = &["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"];

/// The columns, as `ana.silva` must see them.
pub const COLUMNS: [Column; 19] = [
    is("order_key", "order_key"),
    is("order_status", "order_status"),
    is("nation", "nation"),
    has("name_hash", Form::Hash),
    is("balance_round", "(TRUNC(balance_round / 1000) * 1000)::numeric(12,2)"),
    is("date_round", "DATE_TRUNC('month', date_round)::date"),
    is("name_constant", "'a customer'"),
    is("name_custom", "'customer ' || RIGHT(name_custom, 4)"),
    is("phone_show", "LEFT(phone_show, 2) || REPEAT('*', LENGTH(phone_show) - 6) || RIGHT(phone_show, 4)"),
    is("phone_regex", "LEFT(phone_regex, 2) || ' ' || SUBSTRING(phone_regex, 4, 3) || ' *** ****'"),
    is("phone_redshift", "LEFT(phone_redshift, 2) || '-###-###-###' || RIGHT(phone_redshift, 1)"),
    has("phone_format", Form::Digits),
    has("price_format", Form::Number),
    has("phone_reversible", Form::Reversible),
    has("segment_random", Form::OneOf(SEGMENTS)),
    has("balance_random", Form::Within(50_000)),
    has("date_random", Form::WithinDays(14)),
    is("balance_cells", "CASE WHEN balance_cells >= 0 THEN balance_cells END"),
    is("address_null", "NULL"),
];

const fn is(name: &'static str, sql: &'static str) -> Column {
    Column { name, must: Must::Be(sql) }
}

const fn has(name: &'static str, form: Form) -> Column {
    Column { name, must: Must::Have(form) }
}
