//! What is wrong with data sources, users, projects and integrations is said in these words. Producers see them, so a change
//! here is a change for them.

use serde_json::{Value, json};

use super::{data_source, integration, project, refused, user};

fn columns(columns: &[(&str, &str)]) -> Value {
    let columns: Vec<Value> =
        columns.iter().map(|(name, data_type)| json!({"name": name, "type": data_type})).collect();
    json!({ "columns": columns })
}

#[test]
fn column_types_that_are_not_known() {
    refused(
        data_source(columns(&[("a", "money"), ("b", "bigint"), ("c", "")])),
        &[
            "`data_source.columns[0].type`: found `money`, expected a Redshift column type, such as `varchar(25)` or \
             `decimal(12,2)`",
            "`data_source.columns[2].type`: found an empty text, expected a Redshift column type, such as `varchar(25)` or \
             `decimal(12,2)`",
        ],
    );
}

#[test]
fn names_that_redshift_cannot_carry() {
    refused(
        data_source(columns(&[
            (&"n".repeat(128), "bigint"),
            (&"é".repeat(64), "bigint"),
            ("a\0", "bigint"),
            ("", "bigint"),
        ])),
        &[
            "`data_source.columns[0].name`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL",
            "`data_source.columns[1].name`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL",
            "`data_source.columns[2].name`: found a name with a NUL character, expected a name of 1 to 127 bytes without NUL",
            "`data_source.columns[3].name`: found an empty name, expected a name of 1 to 127 bytes without NUL",
        ],
    );
    assert!(data_source(columns(&[(&"n".repeat(127), "bigint")])).is_ok());
    refused(
        data_source(json!({"database": "", "schema": "s\0", "table": "t".repeat(128), "view": ""})),
        &[
            "`data_source.database`: found an empty name, expected a name of 1 to 127 bytes without NUL",
            "`data_source.schema`: found a name with a NUL character, expected a name of 1 to 127 bytes without NUL",
            "`data_source.table`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL",
            "`data_source.view`: found an empty name, expected a name of 1 to 127 bytes without NUL",
        ],
    );
}

#[test]
fn columns_that_redshift_takes_for_one() {
    refused(
        data_source(columns(&[("Name", "bigint"), ("other", "bigint"), ("nAME", "bigint"), ("NAME", "bigint")])),
        &[
            "`data_source.columns[2].name`: found `nAME`, expected a name that differs from `Name` in more than case",
            "`data_source.columns[3].name`: found `NAME`, expected a name that differs from `nAME` in more than case",
        ],
    );
    // Redshift folds ASCII letters only.
    assert!(data_source(columns(&[("é", "bigint"), ("É", "bigint")])).is_ok());
}

#[test]
fn columns_that_redshift_keeps_for_itself() {
    refused(
        data_source(columns(&[("oid", "bigint"), ("XMIN", "bigint")])),
        &[
            "`data_source.columns[0].name`: found `oid`, expected a name that Redshift does not keep for itself",
            "`data_source.columns[1].name`: found `XMIN`, expected a name that Redshift does not keep for itself",
        ],
    );
}

#[test]
fn a_data_source_without_columns_or_with_too_many() {
    refused(
        data_source(json!({"columns": []})),
        &["`data_source.columns`: found 0 columns, expected 1 to 1600 columns"],
    );
    let names: Vec<String> = (0..1601).map(|n| format!("c{n}")).collect();
    let list: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "bigint")).collect();
    refused(data_source(columns(&list)), &["`data_source.columns`: found 1601 columns, expected 1 to 1600 columns"]);
}

#[test]
fn columns_that_are_named_and_not_there() {
    let with = |fields: Value| {
        let mut base = columns(&[("placed_at", "timestamp"), ("order_id", "bigint")]);
        for (name, value) in fields.as_object().unwrap() {
            base[name] = value.clone();
        }
        data_source(base)
    };
    refused(
        with(json!({"event_time_column": "placd_at", "key_column": "nothing_like_it"})),
        &[
            "`data_source.event_time_column`: found `placd_at`, expected the name of one of its columns (did you mean \
             `placed_at`?)",
            "`data_source.key_column`: found `nothing_like_it`, expected the name of one of its columns",
        ],
    );
    refused(
        with(json!({"event_time_column": "order_id"})),
        &["`data_source.event_time_column`: found a column of type `BIGINT`, expected a date or timestamp column"],
    );
    assert!(with(json!({"event_time_column": "placed_at", "key_column": "order_id"})).is_ok());
}

#[test]
fn tags_that_are_no_tags() {
    let source = |tags: Value| data_source(json!({ "tags": tags }));
    refused(
        source(json!(["pii..phone", "", " pii", "pii\n", "t".repeat(257)])),
        &[
            "`data_source.tags[0]`: found `pii..phone`, expected segments joined by single dots, such as `pii.phone`",
            "`data_source.tags[1]`: found an empty text, expected a tag of 1 to 256 bytes without control characters or blanks \
             at the ends",
            "`data_source.tags[2]`: found ` pii`, expected a tag of 1 to 256 bytes without control characters or blanks at the \
             ends",
            "`data_source.tags[3]`: found a text with control characters, expected a tag of 1 to 256 bytes without control \
             characters or blanks at the ends",
            "`data_source.tags[4]`: found 257 bytes, expected a tag of 1 to 256 bytes without control characters or blanks at \
             the ends",
        ],
    );
}

#[test]
fn hosts_and_identities() {
    refused(
        data_source(json!({"id": "d".repeat(129), "host": "https://wh:5439/dev"})),
        &[
            "`data_source.id`: found 129 bytes, expected an identity of 1 to 128 bytes without control characters or blanks at \
             the ends",
            "`data_source.host`: found `https://wh:5439/dev`, expected a host name without port, such as \
             `wh.123456789012.eu-west-1.redshift-serverless.amazonaws.com`",
        ],
    );
    assert_eq!(data_source(json!({"host": "WH.Example.com"})).unwrap().host, "wh.example.com");
}

#[test]
fn users_and_projects() {
    refused(
        user(json!({"database_user": "ada "})),
        &["`user.database_user`: found blanks at the ends, expected an account without them"],
    );
    refused(
        user(json!({"database_user": "a".repeat(128)})),
        &["`user.database_user`: found a name of 128 bytes, expected a name of 1 to 127 bytes without NUL"],
    );
    let value = "expected a value of 1 to 512 bytes without control characters or blanks at the ends";
    refused(
        user(json!({"groups": ["a", "  "], "attributes": {"country": ["DE", "x".repeat(513)]}, "project": ""})),
        &[
            &format!("`user.groups[1]`: found an empty text, {value}"),
            &format!("`user.attributes.country[1]`: found 513 bytes, {value}"),
            "`user.project`: found an empty text, expected an identity of 1 to 128 bytes without control characters or blanks \
             at the ends",
        ],
    );
    refused(
        project(json!({"members": ["ada", ""], "purposes": ["\t"], "data_sources": [" d"]})),
        &[
            "`project.members[1]`: found an empty text, expected an identity of 1 to 128 bytes without control characters or \
             blanks at the ends",
            "`project.data_sources[0]`: found ` d`, expected an identity of 1 to 128 bytes without control characters or blanks \
             at the ends",
            &format!("`project.purposes[0]`: found an empty text, {value}"),
        ],
    );
}

#[test]
fn integrations() {
    let expected = "a lower-case letter, then at most 31 lower-case letters, digits or underscores";
    for (prefix, found) in
        [("Immuta", "`Immuta`"), ("1a", "`1a`"), ("", "an empty text"), ("a-b", "`a-b`"), ("a\"b", "`a\"b`")]
    {
        let message = format!("`integration.prefix`: found {found}, expected {expected}");
        refused(integration(json!({"prefix": prefix})), &[&message]);
    }
    assert!(integration(json!({"prefix": "p".repeat(32)})).is_ok());
    assert!(integration(json!({"prefix": "p".repeat(33)})).is_err());
    refused(
        integration(json!({"workgroup": null})),
        &["`integration`: found neither `workgroup` nor `cluster`, expected one of them"],
    );
    refused(
        integration(json!({"cluster": "c"})),
        &["`integration`: found both `workgroup` and `cluster`, expected one of them"],
    );
    // The doctor drops its schemas with everything in them.
    for schema in ["immuta_doctor", "Immuta_Doctor_Below"] {
        refused(
            integration(json!({"view_schema": schema})),
            &[&format!(
                "`integration.view_schema`: found `{schema}`, expected a schema that is not one of Redoubt's own"
            )],
        );
    }
    refused(
        integration(json!({"view_schema": "IMMUTA_System", "secret": ""})),
        &[
            "`integration.view_schema`: found `IMMUTA_System`, expected a schema that is not one of Redoubt's own",
            "`integration.secret`: found an empty text, expected the name or ARN of a secret",
        ],
    );
}

#[test]
fn external_schemas_and_names_of_views() {
    refused(
        integration(json!({
            "view_name": "{tabel}",
            "external_schemas": [
                {"name": "Governed", "catalog_database": "lake"},
                {"name": "immuta_system", "catalog_database": "la'ke", "region": "EU", "role": ""},
            ],
        })),
        &[
            "`integration.view_name`: found another place, or a brace, expected a text with `{table}` in it, and perhaps \
             `{schema}` and `{database}`",
            "`integration.external_schemas[0].name`: found `Governed`, expected a schema that holds nothing of Redoubt's",
            "`integration.external_schemas[1].catalog_database`: found another text, expected the name of a database in the \
             data catalog",
            "`integration.external_schemas[1].region`: found another text, expected a Region such as `eu-west-1`",
        ],
    );
    assert!(integration(json!({"external_schemas": [{"name": "lake", "catalog_database": "lake_1"}]})).is_ok());
}

#[test]
fn a_new_database_is_what_the_mode_suggests() {
    for (mode, new, expected) in [
        ("multi_database", json!(null), true),
        ("single_database", json!(null), false),
        ("multi_database", json!(false), false),
        ("single_database", json!(true), true),
    ] {
        assert_eq!(integration(json!({"mode": mode, "new_database": new})).unwrap().new_database, expected, "{mode}");
    }
}

#[test]
fn nested_columns_and_bound_views_of_external_tables() {
    let columns = |data_type: &str| json!([{"name": "id", "type": data_type}]);
    for nested in ["struct<a:int>", "array<int>", "MAP<varchar(1),int>", " struct <a:int>"] {
        refused(
            data_source(json!({"external": true, "columns": columns(nested)})),
            &[&format!(
                "`data_source.columns[0].type`: found `{nested}`, expected a column that is no structure: masks and rules see \
                 single values; leave it out, or register a view that takes it apart"
            )],
        );
    }
    assert!(data_source(json!({"columns": columns("structure")})).unwrap_err().to_string().contains("column type"));
    refused(
        data_source(json!({"external": true, "binding": "bound"})),
        &["`data_source.binding`: found `bound`, expected `late`: Redshift binds no view to an external table"],
    );
}

#[test]
fn what_another_database_cannot_hold_a_view_of() {
    let ident = |name: &str| crate::sql::Ident::new(name).unwrap();
    let source = |fields: Value| {
        let mut all = json!({"database": "Raw"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        data_source(all).unwrap()
    };
    for fields in [json!({}), json!({"binding": "bound"}), json!({"external": true})] {
        assert_eq!(source(fields).reachable_from(&ident("rAW")), Ok(()));
    }
    assert_eq!(source(json!({})).reachable_from(&ident("other")), Ok(()));
    for (fields, expected) in [
        (
            json!({"binding": "bound"}),
            "`data_source.binding`: found `bound`, a table in database `Raw` and its view in `other`, expected `late`, which \
             other databases need",
        ),
        (
            json!({"external": true}),
            "`data_source.external`: found an external table in database `Raw` and its view in `other`, expected an external \
             schema in the database of the view",
        ),
    ] {
        assert_eq!(source(fields).reachable_from(&ident("other")).unwrap_err().to_string(), expected);
    }
}

#[test]
fn digests_of_passwords_are_refused_unrepeated() {
    let digest = "0".repeat(64);
    for text in [
        "hunter2".to_owned(),
        digest.clone(),
        format!("md5|{digest}|a1"),
        format!("sha256|{}|a1", "0".repeat(63)),
        format!("sha256|{}|a1", "g".repeat(64)),
        format!("sha256|{digest}|"),
        format!("sha256|{digest}|a'1"),
        format!("sha256|{digest}|a1|x"),
    ] {
        let setup = json!({"secret": "t", "database": "dev", "system_user_password_digest": text});
        refused(
            integration(json!({ "setup": setup })),
            &[
                "`integration.setup.system_user_password_digest`: found another text, expected `sha256|digest|salt` with a \
               digest of 64 hexadecimal digits",
            ],
        );
    }
}

#[test]
fn every_fault_of_a_setup_is_named() {
    let setup = json!({"secret": "t", "database": "", "system_user_password_digest": ""});
    refused(
        integration(json!({ "setup": setup })),
        &[
            "`integration.setup.database`: found an empty name, expected a name of 1 to 127 bytes without NUL",
            "`integration.setup.system_user_password_digest`: found another text, expected `sha256|digest|salt` with a \
             digest of 64 hexadecimal digits",
        ],
    );
}
