//! Random events, for property tests.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::wire::*;

/// Text as hostile producers send it, but for NUL, which is refused.
fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![3 => "[a-z_.]{0,12}", 1 => "[^\0]{0,8}", 1 => Just("'\\\"`;--/*".to_owned())]
}

fn texts() -> impl Strategy<Value = Vec<String>> + Clone {
    vec(text(), 0..4)
}

fn condition() -> impl Strategy<Value = Condition> + Clone {
    let leaf = prop_oneof![
        text().prop_map(Condition::Group),
        text().prop_map(Condition::Purpose),
        (text(), texts()).prop_map(|(name, values)| Condition::Attribute(AttributeTest { name, values })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Condition::Any), vec(inner, 0..3).prop_map(Condition::All)]
    })
}

fn columns() -> impl Strategy<Value = ColumnSelector> + Clone {
    prop_oneof![
        text().prop_map(ColumnSelector::Tag),
        text().prop_map(ColumnSelector::Name),
        text().prop_map(ColumnSelector::NameRegex),
        Just(ColumnSelector::Untagged),
        Just(ColumnSelector::All),
    ]
}

fn constant() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!([1.5, {"a": null}])),
    ]
}

fn unit() -> impl Strategy<Value = TimeUnit> + Clone {
    use TimeUnit::{Day, Hour, Month, Quarter, Week, Year};
    prop::sample::select(vec![Hour, Day, Week, Month, Quarter, Year])
}

fn mask() -> impl Strategy<Value = Mask> + Clone {
    prop_oneof![
        Just(Mask::Clear),
        Just(Mask::Null),
        Just(Mask::Hash),
        constant().prop_map(|value| Mask::Constant { value }),
        (of(any::<u64>()), of(unit())).prop_map(|(bucket, unit)| Mask::Round { bucket, unit }),
        (of(any::<u32>()), of(any::<u32>()), of(text())).prop_map(|(first, last, replace_with)| Mask::Show {
            first,
            last,
            replace_with
        }),
        text().prop_map(|expression| Mask::Custom { expression }),
        (text(), text(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(pattern, replace_with, ignore_case, first_only, redshift)| Mask::Regex {
                pattern,
                replace_with,
                ignore_case,
                first_only,
                engine: if redshift { RegexEngine::Redshift } else { RegexEngine::Lambda },
            }
        ),
        of(condition()).prop_map(|unmask| Mask::Reversible { unmask }),
        of(prop_oneof![Just(Alphabet::Digits), Just(Alphabet::Alphanumerics), text().prop_map(Alphabet::Characters)])
            .prop_map(|alphabet| Mask::FormatPreserving { alphabet }),
        // Binary fractions, so that reading what was written gives the same number.
        (of(texts()), of((0u32..400).prop_map(|n| f64::from(n) / 4.0)), of(any::<u64>()), of(any::<u32>())).prop_map(
            |(values, truth_percent, noise, noise_days)| Mask::RandomizedResponse {
                values,
                truth_percent,
                noise,
                noise_days,
            }
        ),
    ]
}

fn filter() -> impl Strategy<Value = RowFilter> + Clone {
    let matched = prop_oneof![
        (text(), columns()).prop_map(|(name, column)| Match::Attribute(AttributeMatch { name, column })),
        columns().prop_map(|column| Match::Group(GroupMatch { column })),
    ]
    .prop_recursive(2, 6, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Match::Any), vec(inner, 0..3).prop_map(Match::All)]
    });
    prop_oneof![
        Just(RowFilter::All),
        Just(RowFilter::None),
        matched.prop_map(RowFilter::Match),
        (of(any::<u32>()), of(any::<u32>())).prop_map(|(newer_than_days, older_than_days)| RowFilter::TimeWindow(
            TimeWindow { newer_than_days, older_than_days }
        )),
        // Binary fractions, so that reading what was written gives the same number.
        (0u32..400).prop_map(|n| RowFilter::Sample(Sample { percent: f64::from(n) / 4.0 })),
        texts().prop_map(RowFilter::Purposes),
        text().prop_map(RowFilter::Where),
    ]
}

fn rule() -> impl Strategy<Value = Rule> + Clone {
    let mask_case = (condition(), mask()).prop_map(|(whom, using)| MaskCase { whom, using });
    let row_case = (condition(), filter()).prop_map(|(whom, only)| RowCase { whom, only });
    prop_oneof![
        (columns(), of(text()), of(mask()), of(condition()), of(vec(mask_case, 0..3)), of(mask())).prop_map(
            |(columns, only_where, using, except, cases, otherwise)| Rule::Mask(MaskRule {
                columns,
                only_where,
                using,
                except,
                cases,
                otherwise
            })
        ),
        (of(filter()), of(condition()), of(vec(row_case, 0..3)), of(filter()))
            .prop_map(|(only, except, cases, otherwise)| Rule::Rows(RowRule { only, except, cases, otherwise })),
    ]
}

fn policy() -> impl Strategy<Value = PolicyDocument> + Clone {
    let status = prop::sample::select(vec![PolicyStatus::Active, PolicyStatus::Staged, PolicyStatus::Disabled]);
    let scope = prop_oneof![Just(Scope::All), texts().prop_map(Scope::Tags), texts().prop_map(Scope::DataSources)];
    let level = prop_oneof![
        Just(SubscriptionLevel::Anyone),
        Just(SubscriptionLevel::Approval),
        condition().prop_map(|condition| SubscriptionLevel::Entitlement { condition }),
        texts().prop_map(|users| SubscriptionLevel::Individuals { users }),
    ];
    let names = (text(), text(), text());
    (names, any::<u64>(), status, scope, of(level), any::<bool>(), of(vec(rule(), 0..4))).prop_map(
        |((id, name, created_at), version, status, scope, subscription, guardrail, rules)| PolicyDocument {
            id,
            version,
            name,
            created_at,
            status,
            scope,
            subscription,
            guardrail,
            rules,
        },
    )
}

fn user() -> impl Strategy<Value = UserDocument> + Clone {
    let attributes = of(btree_map(text(), texts(), 0..3));
    (text(), any::<u64>(), text(), of(texts()), attributes, of(text())).prop_map(
        |(id, version, database_user, groups, attributes, project)| UserDocument {
            id,
            version,
            database_user,
            groups,
            attributes,
            project,
        },
    )
}

fn data_source() -> impl Strategy<Value = DataSourceDocument> + Clone {
    let column = (text(), text(), texts()).prop_map(|(name, data_type, tags)| ColumnDocument { name, data_type, tags });
    let place = (text(), text(), text(), text(), of(text()));
    let binding = prop::sample::select(vec![Binding::Late, Binding::Bound]);
    let reading = (of(text()), of(text()), any::<bool>(), binding);
    (text(), any::<u64>(), place, texts(), vec(column, 0..4), reading).prop_map(
        |(id, version, (host, database, schema, table, view), tags, columns, reading)| {
            let (event_time_column, key_column, external, binding) = reading;
            DataSourceDocument {
                id,
                version,
                host,
                database,
                schema,
                table,
                view,
                tags,
                columns,
                event_time_column,
                key_column,
                external,
                binding,
            }
        },
    )
}

/// Events of most types, well formed whether or not they make sense.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let versioned = (text(), any::<u64>()).prop_map(|(id, version)| Versioned { id, version });
    let refresh = (texts(), any::<u32>(), of(any::<u64>())).prop_map(|(ids, attempt, received_at)| Refresh {
        ids,
        attempt,
        received_at,
    });
    prop_oneof![
        4 => policy().prop_map(|policy| Event::PolicyCreated { policy }),
        1 => policy().prop_map(|policy| Event::PolicyUpdated { policy }),
        1 => versioned.clone().prop_map(Event::PolicyDeleted),
        1 => (text(), any::<u64>(), text()).prop_map(|(id, version, data_source)| {
            Event::PolicyDisabledForDataSource(PolicyOnDataSource { id, version, data_source })
        }),
        2 => data_source().prop_map(|data_source| Event::DataSourceUpdated { data_source }),
        1 => refresh.prop_map(Event::DataSourceRefresh),
        2 => user().prop_map(|user| Event::UserCreated { user }),
        1 => (text(), any::<u64>(), btree_map(text(), texts(), 0..3))
            .prop_map(|(id, version, attributes)| Event::UserAttributesChanged { id, version, attributes }),
        1 => (text(), any::<u64>(), of(text()))
            .prop_map(|(id, version, project)| Event::UserProjectSwitched { id, version, project }),
        1 => (text(), any::<u64>(), text()).prop_map(|(id, version, data_source)| {
            Event::UserSubscriptionApproved(Subscription { id, version, data_source })
        }),
        1 => versioned.prop_map(Event::ProjectDeleted),
    ]
}
