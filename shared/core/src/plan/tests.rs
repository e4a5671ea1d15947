use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;
use crate::{
    model::strategies,
    resolve::{PolicySet, ProjectSet},
    sql::data_type::{MAX_CHAR, MAX_VARCHAR},
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// What holds of every plan, whatever the policies: nobody is let in by default, and nothing is shown by default.
    #[test]
    fn what_is_not_granted_is_hidden(policies in strategies::policies(), source in strategies::data_source()) {
        let set = PolicySet::new(policies);
        let resolution = set.resolve(&source);
        let Ok(plan) = build(&source, &resolution, &ProjectSet::default()) else {
            return Ok(());
        };
        prop_assert!(!plan.subscription.grants.is_empty());
        let anyone = resolution.subscriptions.iter().any(|applied| {
            !applied.guardrail && *applied.level == crate::model::policy::Level::Anyone
        });
        prop_assert_eq!(plan.subscription.grants.contains(&Grant::Anyone), anyone);
        prop_assert_eq!(plan.columns.len(), source.columns.len());
        for (index, (column, own)) in plan.columns.iter().zip(&source.columns).enumerate() {
            prop_assert_eq!(&column.name, &own.name);
            prop_assert_eq!(column.declared, own.data_type);
            prop_assert_eq!(matches!(column.treatment, Treatment::Masked { .. }), resolution.masks.contains_key(&index));
            if let Treatment::Masked { otherwise, .. } = &column.treatment {
                prop_assert_ne!(otherwise, &Transform::Clear);
            }
            prop_assert!(
                column.shown == column.declared
                    || matches!((column.shown, column.declared.text_bytes()), (DataType::VarChar(shown), Some(own)) if shown >= own),
                "a column of type {} is shown as {}", column.declared, column.shown
            );
        }
        prop_assert_eq!(plan.rows.len(), resolution.rows.len());
        for rows in &plan.rows {
            prop_assert_ne!(&rows.otherwise, &RowTest::All);
        }
    }

    #[test]
    fn a_transform_fits_the_type_it_is_planned_for(policies in strategies::policies(), source in strategies::data_source()) {
        let set = PolicySet::new(policies);
        let Ok(plan) = build(&source, &set.resolve(&source), &ProjectSet::default()) else {
            return Ok(());
        };
        for column in &plan.columns {
            let Treatment::Masked { cases, otherwise, .. } = &column.treatment else {
                continue;
            };
            for transform in cases.iter().map(|(_, transform)| transform).chain([otherwise]) {
                let is_text = column.declared.text_bytes().is_some();
                match transform {
                    Transform::Clear | Transform::Null => {}
                    Transform::Constant(text) => {
                        let room = column.declared.text_bytes().map_or(usize::MAX, |bytes| bytes as usize);
                        prop_assert!(text.as_str().len() <= room);
                    }
                    Transform::HashText => {
                        prop_assert!(is_text && matches!(column.shown, DataType::VarChar(64..=MAX_VARCHAR)));
                    }
                    Transform::HashInteger { modulus } => prop_assert!(!is_text && *modulus >= 1_000_000_000),
                    Transform::RoundNumber { bucket, .. } => prop_assert!(!is_text && *bucket > 0),
                    Transform::RoundTime(unit) => {
                        prop_assert!(matches!(column.declared, DataType::Timestamp | DataType::TimestampTz | DataType::Date));
                        prop_assert!(column.declared != DataType::Date || !matches!(unit, TimeUnit::Hour | TimeUnit::Day));
                    }
                    Transform::Show { first, last, .. } => {
                        prop_assert!(matches!(column.declared, DataType::Char(1..=MAX_CHAR) | DataType::VarChar(_)));
                        prop_assert!(first + last > 0);
                    }
                    Transform::Custom(_) => {}
                    Transform::Regex(_) => prop_assert!(is_text),
                    Transform::Reversible => {
                        let sealed = column.declared.text_bytes().map(|bytes| (bytes + 17).div_ceil(3) * 4);
                        prop_assert!(column.shown.text_bytes() >= sealed && sealed.is_some());
                    }
                    Transform::FormatPreserving { .. } => prop_assert!(is_text),
                    Transform::FormatPreservingNumber { most } => {
                        prop_assert!(!is_text && most.as_str().bytes().all(|b| b.is_ascii_digit()) && most.as_str().len() > 6);
                    }
                    Transform::RandomCategory { values, truth, key } => {
                        prop_assert!(is_text && !values.is_empty() && (1..10_000).contains(truth));
                        prop_assert_eq!(Some(*key), source.key_column);
                    }
                    Transform::RandomNumber { noise, key } => {
                        prop_assert!(!is_text && *noise > 0);
                        prop_assert_eq!(Some(*key), source.key_column);
                    }
                    Transform::RandomDate { days, key } => {
                        prop_assert!(matches!(column.declared, DataType::Date | DataType::Timestamp) && *days > 0);
                        prop_assert_eq!(Some(*key), source.key_column);
                    }
                }
            }
        }
    }
}

/// The properties are worth little if hardly any plan can be made, or if nothing is masked in those that can.
#[test]
fn random_policies_and_sources_meet() {
    let mut runner = TestRunner::deterministic();
    let strategy = (strategies::policies(), strategies::data_source());
    let (mut planned, mut masked, mut with_rows) = (0, 0, 0);
    for _ in 0..200 {
        let (policies, source) = strategy.new_tree(&mut runner).unwrap().current();
        let set = PolicySet::new(policies);
        if let Ok(plan) = build(&source, &set.resolve(&source), &ProjectSet::default()) {
            planned += 1;
            let is_masked = |column: &PlannedColumn| matches!(column.treatment, Treatment::Masked { .. });
            masked += usize::from(plan.columns.iter().any(is_masked));
            with_rows += usize::from(!plan.rows.is_empty());
        }
    }
    assert!(planned >= 80 && masked >= 40 && with_rows >= 10, "{planned} {masked} {with_rows}");
}
