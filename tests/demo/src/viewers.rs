//! Who looks at the data, and what they must see: in SQL over the raw tables, written by hand.
//!
//! Nothing of Redoubt's takes part here, so that it can't confirm its own mistakes.

/// How many rows somebody must see of a view.
#[derive(Debug, Clone, Copy)]
pub enum Rows {
    /// As many as this condition finds in the raw table.
    Where(&'static str),
    /// About a tenth of those, the same each time.
    TenthOf(&'static str),
}

/// Somebody who asks.
pub struct Viewer {
    /// Their account.
    pub account: &'static str,
    /// What they do.
    pub title: &'static str,
    /// The columns of `customer` they must see, over the raw table; a hash as `hashed`.
    pub customer: &'static str,
    /// The rows they must see, by view.
    pub rows: [(&'static str, Rows); 8],
}

/// The account that has no user document.
pub const STRANGER: &str = "dora.stone";

const ALL: Rows = Rows::Where("TRUE");
const NONE: Rows = Rows::Where("FALSE");
const YEAR: Rows = Rows::Where("o_orderdate > now() AT TIME ZONE 'UTC' - interval '365 days'");

/// The people, the stranger last.
pub const VIEWERS: [Viewer; 4] = [
    Viewer {
        account: "ana.silva",
        title: "answers calls from Brazil (nation 2)",
        customer: "c_custkey, 'hashed', NULL, c_nationkey, c_phone, (TRUNC(c_acctbal / 1000) * 1000)::numeric(12,2), \
                   c_mktsegment, '[withheld]'",
        rows: [
            ("customer", Rows::Where("c_nationkey = 2")),
            ("orders", YEAR),
            ("lineitem", NONE),
            ("supplier", NONE),
            ("part", NONE),
            ("nation", ALL),
            ("region", ALL),
            ("masks", Rows::Where("nation = 2 AND order_status <> 'F'")),
        ],
    },
    Viewer {
        account: "IAM:ben.okafor",
        title: "keeps the books",
        customer: "c_custkey, c_name, NULL, c_nationkey, NULL, c_acctbal, c_mktsegment, '[withheld]'",
        rows: [
            ("customer", ALL),
            ("orders", Rows::Where("o_orderdate > now() AT TIME ZONE 'UTC' - interval '1826 days'")),
            ("lineitem", ALL),
            ("supplier", ALL),
            ("part", NONE),
            ("nation", ALL),
            ("region", ALL),
            ("masks", ALL),
        ],
    },
    Viewer {
        account: "chloe.martin",
        title: "plans a campaign for cars in Brazil and Canada (nations 2, 3)",
        customer: "c_custkey, 'hashed', NULL, c_nationkey, REPEAT('*', LENGTH(c_phone) - 4) || RIGHT(c_phone, 4), \
                   (TRUNC(c_acctbal / 1000) * 1000)::numeric(12,2), c_mktsegment, '[withheld]'",
        rows: [
            ("customer", Rows::Where("c_nationkey IN (2, 3) AND c_mktsegment = 'AUTOMOBILE'")),
            ("orders", YEAR),
            ("lineitem", ALL),
            ("supplier", NONE),
            ("part", NONE),
            ("nation", ALL),
            ("region", ALL),
            ("masks", Rows::Where("nation IN (2, 3) AND order_status <> 'F'")),
        ],
    },
    Viewer {
        account: STRANGER,
        title: "has an account in the warehouse, but nobody registered her",
        customer: "c_custkey, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        rows: [
            ("customer", NONE),
            ("orders", NONE),
            ("lineitem", NONE),
            ("supplier", NONE),
            ("part", NONE),
            ("nation", NONE),
            ("region", NONE),
            ("masks", NONE),
        ],
    },
];

/// Asked for their numbers only, to show a sample.
pub const SCIENTIST: (&str, [(&str, Rows); 8]) = (
    "IAM:dmitri.volkov",
    [
        ("customer", ALL),
        (
            "orders",
            Rows::TenthOf(
                "o_orderdate > now() AT TIME ZONE 'UTC' - interval '1095 days' AND o_orderdate < now() AT TIME ZONE 'UTC' - interval '30 days'",
            ),
        ),
        ("lineitem", Rows::TenthOf("TRUE")),
        ("supplier", NONE),
        ("part", NONE),
        ("nation", ALL),
        ("region", ALL),
        ("masks", NONE),
    ],
);

/// Views that are compared but not printed: who asks, of what, which columns and which rows of the raw table they must see.
pub const UNPRINTED: [(&str, &str, &str, &str); 2] = [
    (
        "ana.silva",
        "orders",
        "o_orderkey, o_custkey, o_orderstatus, o_totalprice, DATE_TRUNC('month', o_orderdate)::date, o_orderpriority, NULL, \
         o_shippriority, '[withheld]'",
        "o_orderdate > now() AT TIME ZONE 'UTC' - interval '365 days'",
    ),
    (
        "IAM:ben.okafor",
        "supplier",
        "s_suppkey, s_name, NULL, s_nationkey, LEFT(s_phone, 2) || REPEAT('#', LENGTH(s_phone) - 2), s_acctbal, '[withheld]'",
        "TRUE",
    ),
];
