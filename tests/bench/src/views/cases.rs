//! The policies that are measured, each set with the query that a person would write for the reader. The queries are not
//! derived from what Redoubt prints: they are this file's own, and say in the shortest way what the policies mean.

use serde_json::{Value, json};

/// The reader's account.
pub const READER: &str = "reader";
/// The reader's groups.
pub const GROUPS: [&str; 4] = ["staff", "analysts", "support", "night-shift"];
/// Values of the reader's attribute `country`.
pub const COUNTRIES: [&str; 3] = ["DE", "FR", "ES"];
/// A data source that everyone is approved for, of which no policy speaks.
pub const APPROVED: &str = "reports";

/// What masks are made with that depends on the source.
pub struct Salts {
    /// Of hashes and samples.
    pub salt: String,
    /// Of randomized responses.
    pub token: String,
}

/// One view.
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// Its name, and the identity of its data source.
    pub view: &'static str,
    rules: fn() -> Value,
    /// What a person would write.
    pub by_hand: fn(&Salts) -> String,
}

impl Case {
    /// Its policies, without what is the same for all.
    pub fn policies(&self) -> Vec<Value> {
        let readers = json!({"any": [{"group": "analysts"}, {"group": "auditors"}]});
        vec![json!({"subscription": {"level": "entitlement", "condition": readers}}), json!({"rules": (self.rules)()})]
    }
}

/// The project in which the reader works.
pub fn projects() -> Vec<Value> {
    vec![json!({
        "id": "churn", "version": 1, "name": "Churn", "members": [READER], "purposes": ["research.churn"],
        "data_sources": ["by_purpose"],
    })]
}

/// Every case.
pub fn all() -> Vec<Case> {
    vec![
        Case { name: "masks, hashes among them", view: "by_mask", rules: masks, by_hand: masks_by_hand },
        Case {
            name: "masks that cost little",
            view: "by_cheap_mask",
            rules: cheap_masks,
            by_hand: cheap_masks_by_hand,
        },
        Case { name: "rows by attribute, masks", view: "by_country", rules: match_only, by_hand: match_by_hand },
        Case {
            name: "rows by attribute except for some, masks",
            view: "by_country_except",
            rules: match_except,
            by_hand: match_by_hand,
        },
        Case { name: "rows by cases", view: "by_case", rules: row_cases, by_hand: row_cases_by_hand },
        Case { name: "purpose and sample, masks", view: "by_purpose", rules: purpose, by_hand: purpose_by_hand },
        Case { name: "expressions of the author's", view: "by_expression", rules: written, by_hand: written_by_hand },
        Case { name: "randomized response", view: "by_chance", rules: randomized, by_hand: randomized_by_hand },
    ]
}

fn mask(column: &str, using: Value) -> Value {
    json!({"mask": {"columns": {"name": column}, "using": using}})
}

fn mask_except(column: &str, using: Value, except: &Value) -> Value {
    json!({"mask": {"columns": {"name": column}, "using": using, "except": except}})
}

/// The reader is exempt from one of the masks.
fn masks() -> Value {
    let auditors = json!({"group": "auditors"});
    json!([
        mask_except("name", json!({"kind": "hash"}), &auditors),
        mask_except("email", json!({"kind": "show", "first": 2}), &json!({"any": [auditors, {"group": "marketing"}]})),
        mask_except("phone", json!({"kind": "show", "last": 4}), &json!({"group": "support"})),
        mask_except("segment", json!({"kind": "constant", "value": "withheld"}), &auditors),
        mask("balance", json!({"kind": "round", "bucket": 1000})),
        mask_except("birthday", json!({"kind": "round", "unit": "year"}), &auditors),
        {"mask": {
            "columns": {"name": "seen_at"},
            "cases": [
                {"for": {"group": "finance"}, "using": {"kind": "clear"}},
                {"for": {"group": "staff"}, "using": {"kind": "round", "unit": "month"}},
            ],
            "otherwise": {"kind": "null"},
        }},
        mask_except("remark", json!({"kind": "null"}), &auditors),
    ])
}

fn masks_by_hand(salts: &Salts) -> String {
    let salt = &salts.salt;
    format!(
        "SELECT id,
          SHA2('{salt}' || name, 256) AS name,
          CASE WHEN LENGTH(email) > 2 THEN LEFT(email, 2) || REPEAT('*', LENGTH(email) - 2)
            ELSE REPEAT('*', LENGTH(email)) END AS email,
          phone, country,
          'withheld' AS segment,
          balance - MOD(balance, 1000) AS balance,
          visits,
          CAST(DATE_TRUNC('year', birthday) AS DATE) AS birthday,
          DATE_TRUNC('month', seen_at) AS seen_at,
          CAST(NULL AS VARCHAR(120)) AS remark
        FROM raw.customer"
    )
}

/// Nothing in it takes long, so that what the view adds weighs most.
fn cheap_masks() -> Value {
    let auditors = json!({"group": "auditors"});
    json!([
        mask_except("name", json!({"kind": "null"}), &auditors),
        mask_except("email", json!({"kind": "constant", "value": "withheld"}), &auditors),
        mask_except("phone", json!({"kind": "null"}), &json!({"group": "support"})),
        mask_except("visits", json!({"kind": "round", "bucket": 10}), &auditors),
        mask_except(
            "remark",
            json!({"kind": "null"}),
            &json!({"attribute": {"name": "clearance", "values": ["secret"]}})
        ),
    ])
}

fn cheap_masks_by_hand(_: &Salts) -> String {
    "SELECT id, CAST(NULL AS VARCHAR(40)) AS name, 'withheld' AS email, phone, country, segment, balance,
      visits - MOD(visits, 10) AS visits, birthday, seen_at, CAST(NULL AS VARCHAR(120)) AS remark
    FROM raw.customer"
        .to_owned()
}

fn matched() -> Value {
    json!({"match": {"attribute": {"name": "country", "column": {"name": "country"}}}})
}

fn with_row_masks(rows: Value) -> Value {
    let auditors = json!({"group": "auditors"});
    json!([
        {"rows": rows},
        mask_except("name", json!({"kind": "hash"}), &auditors),
        mask_except("phone", json!({"kind": "show", "last": 4}), &auditors),
        mask_except("balance", json!({"kind": "round", "bucket": 1000}), &auditors),
    ])
}

fn match_only() -> Value {
    with_row_masks(json!({"only": matched()}))
}

fn match_except() -> Value {
    with_row_masks(json!({"only": matched(), "except": {"any": [{"group": "auditors"}, {"group": "marketing"}]}}))
}

fn match_by_hand(salts: &Salts) -> String {
    format!("{} WHERE country IN ('DE', 'FR', 'ES')", with_row_masks_by_hand(salts))
}

fn with_row_masks_by_hand(salts: &Salts) -> String {
    let salt = &salts.salt;
    format!(
        "SELECT id,
          SHA2('{salt}' || name, 256) AS name,
          email,
          CASE WHEN LENGTH(phone) > 4 THEN REPEAT('*', LENGTH(phone) - 4) || RIGHT(phone, 4)
            ELSE REPEAT('*', LENGTH(phone)) END AS phone,
          country, segment,
          balance - MOD(balance, 1000) AS balance,
          visits, birthday, seen_at, remark
        FROM raw.customer"
    )
}

/// The second case holds for the reader; the first and the third decide for others.
fn row_cases() -> Value {
    let auditors = json!({"group": "auditors"});
    json!([
        {"rows": {
            "cases": [
                {"for": {"group": "auditors"}, "only": "all"},
                {"for": {"group": "support"}, "only": {"time_window": {"newer_than_days": 365}}},
                {"for": {"group": "marketing"}, "only": matched()},
            ],
            "otherwise": "none",
        }},
        mask_except("name", json!({"kind": "show", "first": 1}), &auditors),
        mask_except("email", json!({"kind": "null"}), &auditors),
    ])
}

fn row_cases_by_hand(_: &Salts) -> String {
    "SELECT id,
      CASE WHEN LENGTH(name) > 1 THEN LEFT(name, 1) || REPEAT('*', LENGTH(name) - 1)
        ELSE REPEAT('*', LENGTH(name)) END AS name,
      CAST(NULL AS VARCHAR(64)) AS email,
      phone, country, segment, balance, visits, birthday, seen_at, remark
    FROM raw.customer
    WHERE seen_at > GETDATE() - INTERVAL '365 days'"
        .to_owned()
}

fn purpose() -> Value {
    let auditors = json!({"group": "auditors"});
    json!([
        {"rows": {"only": {"purposes": ["research"]}, "except": auditors}},
        {"rows": {"only": {"sample": {"percent": 25}}, "except": auditors}},
        mask_except("id", json!({"kind": "hash"}), &auditors),
        mask_except("birthday", json!({"kind": "round", "unit": "quarter"}), &auditors),
        mask_except("remark", json!({"kind": "null"}), &auditors),
    ])
}

fn purpose_by_hand(salts: &Salts) -> String {
    let salt = &salts.salt;
    format!(
        "SELECT STRTOL(SUBSTRING(SHA2('{salt}' || CAST(id AS VARCHAR(40)), 256), 1, 15), 16) AS id,
          name, email, phone, country, segment, balance, visits,
          CAST(DATE_TRUNC('quarter', birthday) AS DATE) AS birthday,
          seen_at,
          CAST(NULL AS VARCHAR(120)) AS remark
        FROM raw.customer
        WHERE MOD(STRTOL(SUBSTRING(SHA2('{salt}' || CAST(id AS VARCHAR(40)), 256), 1, 15), 16), 10000) < 2500"
    )
}

/// A cell mask, a custom mask, and a predicate that asks who reads.
fn written() -> Value {
    let auditors = json!({"group": "auditors"});
    let predicate = "visits >= 100 AND (country = 'IT' OR @attributeValuesContains('country', country))";
    json!([
        {"rows": {"only": {"where": predicate}, "except": auditors}},
        {"mask": {
            "columns": {"name": "phone"},
            "where": "country = 'DE' AND balance > 0",
            "using": {"kind": "show", "last": 4},
            "except": auditors,
        }},
        mask_except("segment", json!({"kind": "custom", "expression": "LEFT(segment, 3)"}), &auditors),
        mask_except("name", json!({"kind": "hash"}), &auditors),
    ])
}

fn written_by_hand(salts: &Salts) -> String {
    let salt = &salts.salt;
    format!(
        "SELECT id,
          SHA2('{salt}' || name, 256) AS name,
          email,
          CASE WHEN NOT (country = 'DE' AND balance > 0) THEN phone
            WHEN LENGTH(phone) > 4 THEN REPEAT('*', LENGTH(phone) - 4) || RIGHT(phone, 4)
            ELSE REPEAT('*', LENGTH(phone)) END AS phone,
          country,
          LEFT(segment, 3) AS segment,
          balance, visits, birthday, seen_at, remark
        FROM raw.customer
        WHERE visits >= 100 AND country IN ('IT', 'DE', 'FR', 'ES')"
    )
}

fn randomized() -> Value {
    let auditors = json!({"group": "auditors"});
    let random = |mut how: Value| {
        if let Some(fields) = how.as_object_mut() {
            fields.insert("kind".to_owned(), json!("randomized_response"));
        }
        how
    };
    let segments = json!(["industry", "partner", "public", "retail", "wholesale"]);
    json!([
        mask_except("segment", random(json!({"values": segments, "truth_percent": 75})), &auditors),
        mask_except("birthday", random(json!({"noise_days": 30})), &auditors),
    ])
}

fn randomized_by_hand(salts: &Salts) -> String {
    let digits = |column: &str, from: usize| {
        let token = &salts.token;
        format!("STRTOL(SUBSTRING(SHA2('{token}random:{column}:' || CAST(id AS VARCHAR(40)), 256), {from}, 15), 16)")
    };
    let (truth, other, birthday) = (digits("segment", 1), digits("segment", 16), digits("birthday", 1));
    format!(
        "SELECT id, name, email, phone, country,
          CASE WHEN segment IS NULL THEN NULL WHEN MOD({truth}, 10000) < 7500 THEN segment
            ELSE SPLIT_PART('industry|partner|public|retail|wholesale', '|', CAST(MOD({other}, 5) + 1 AS INTEGER))
          END AS segment,
          balance, visits,
          birthday + CAST(MOD({birthday}, 61) - 30 AS INTEGER) AS birthday,
          seen_at, remark
        FROM raw.customer"
    )
}
