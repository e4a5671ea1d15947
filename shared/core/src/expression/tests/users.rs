//! Unknown means no: random trees, in which tests of the user stand where they may and where they may not.

use proptest::{collection::vec, prelude::*};

use super::*;

/// A tree in which tests of the user stand anywhere.
#[derive(Debug, Clone)]
enum Tree {
    Test(usize),
    Column(usize),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Case(Box<[Tree; 3]>),
    Equal(Box<[Tree; 2]>),
    IsNull(Box<Tree>),
    Coalesce(Box<[Tree; 2]>),
}

const TESTS: [&str; 4] =
    ["@isInGroups('g')", "@hasAttribute('a', 'v')", "@username = c_name", "@purposesContains(c_city)"];

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![(0..4_usize).prop_map(Tree::Test), (0..4_usize).prop_map(Tree::Column)];
    leaf.prop_recursive(4, 20, 3, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        prop_oneof![
            3 => vec(inner.clone(), 2..4).prop_map(Tree::And),
            3 => vec(inner.clone(), 2..4).prop_map(Tree::Or),
            1 => one().prop_map(Tree::Not),
            1 => [inner.clone(), inner.clone(), inner.clone()].prop_map(|parts| Tree::Case(Box::new(parts))),
            1 => [inner.clone(), inner.clone()].prop_map(|parts| Tree::Equal(Box::new(parts))),
            1 => one().prop_map(Tree::IsNull),
            1 => [inner.clone(), inner.clone()].prop_map(|parts| Tree::Coalesce(Box::new(parts))),
        ]
    })
}

impl Tree {
    fn text(&self) -> String {
        let join = |list: &[Self], word: &str| list.iter().map(Self::text).collect::<Vec<_>>().join(word);
        match self {
            Self::Test(index) => format!("({})", TESTS[*index]),
            Self::Column(index) => format!("(c_rank = {index})"),
            Self::And(list) => format!("({})", join(list, " AND ")),
            Self::Or(list) => format!("({})", join(list, " OR ")),
            Self::Not(inner) => format!("(NOT {})", inner.text()),
            Self::Case(parts) => {
                let [when, then, otherwise] = &**parts;
                format!("CASE WHEN {} THEN {} ELSE {} END", when.text(), then.text(), otherwise.text())
            }
            Self::Equal(parts) => format!("({})", join(&**parts, " = ")),
            Self::IsNull(inner) => format!("({} IS NULL)", inner.text()),
            Self::Coalesce(parts) => format!("COALESCE({})", join(&**parts, ", ")),
        }
    }

    /// What it is when the tests in `holding` hold and columns are true, false or null as `columns` says.
    fn value(&self, holding: u8, columns: u8) -> Option<bool> {
        let value = |tree: &Self| tree.value(holding, columns);
        let any = |list: &[Self], wanted: bool| {
            let values: Vec<_> = list.iter().map(value).collect();
            if values.contains(&Some(wanted)) {
                Some(wanted)
            } else if values.contains(&None) {
                None
            } else {
                Some(!wanted)
            }
        };
        match self {
            Self::Test(index) => Some(holding >> index & 1 == 1),
            Self::Column(index) => match columns >> (2 * index) & 3 {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
            Self::And(list) => any(list, false),
            Self::Or(list) => any(list, true),
            Self::Not(inner) => value(inner).map(|value| !value),
            Self::Case(parts) => value(if value(&parts[0]) == Some(true) { &parts[1] } else { &parts[2] }),
            Self::Equal(parts) => Some(value(&parts[0])? == value(&parts[1])?),
            Self::IsNull(inner) => Some(value(inner).is_none()),
            Self::Coalesce(parts) => value(&parts[0]).or_else(|| value(&parts[1])),
        }
    }

    fn has_test(&self) -> bool {
        match self {
            Self::Test(_) => true,
            Self::Column(_) => false,
            Self::And(list) | Self::Or(list) => list.iter().any(Self::has_test),
            Self::Not(inner) | Self::IsNull(inner) => inner.has_test(),
            Self::Case(parts) => parts.iter().any(Self::has_test),
            Self::Equal(parts) | Self::Coalesce(parts) => parts.iter().any(Self::has_test),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    /// A test of the user passes where, and only where, it can't be turned around.
    #[test]
    fn what_a_user_lacks_opens_nothing(tree in tree(), columns in any::<u8>()) {
        let Ok(parsed) = Expression::parse(&tree.text(), Kind::RowPredicate) else {
            prop_assert!(tree.has_test());
            return Ok(());
        };
        prop_assert!(bind(&parsed, &source()).is_ok());
        for holding in 0..16_u8 {
            if tree.value(holding, columns) == Some(true) {
                for more in 0..16_u8 {
                    prop_assert_eq!(tree.value(holding | more, columns), Some(true));
                }
            }
        }
        if tree.has_test() {
            prop_assert!(Expression::parse(&tree.text(), Kind::CellPredicate).is_err());
            prop_assert!(Expression::parse(&tree.text(), Kind::MaskValue).is_err());
        }
    }

    /// And the rule refuses no tree of AND and OR alone.
    #[test]
    fn tests_of_the_user_stand_freely_under_and_and_or(tree in tree()) {
        fn open(tree: &Tree) -> bool {
            match tree {
                Tree::And(list) | Tree::Or(list) => list.iter().all(open),
                Tree::Test(_) => true,
                tree => !tree.has_test(),
            }
        }
        prop_assert_eq!(Expression::parse(&tree.text(), Kind::RowPredicate).is_ok(), open(&tree));
    }
}
