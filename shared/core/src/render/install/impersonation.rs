//! Impersonation, where an integration wants it: an account that may do so reads the policy views as another user, in its own
//! session.
//!
//! The secure views of a warehouse without it know of none of this. With it, they ask the view `reader` whose rights count: one
//! row with the account itself, or the one that it impersonates, never both. All the rest follows, since policy views learn of
//! their reader from the secure views alone.
//!
//! A session is known by a session context variable, which [CURRENT_SETTING] reads within queries over tables, as the
//! policies of [row-level security] do, and gives as null where it is not defined. `PG_BACKEND_PID` would need no variable, but
//! [it can be reused], and nothing says that it can be asked for where tables are read. Users can set the variable, so what is
//! in it only tells sessions of one account apart: it counts when it is the token of a row in `impersonation` that the procedure
//! wrote for the very account that reads, and while that account is in `impersonator`. Whatever else it may be, the account
//! reads as itself.
//!
//! A result must not be kept for another session of the account that asks the same. The end of an impersonation is therefore
//! compared with `GETDATE`, and a query with that [is never answered from the cache].
//!
//! The procedures run with the rights of the system account, so they name everything with its schema, search no schema that
//! users write to, and go by the account of the session, which only a superuser can change.
//!
//! [CURRENT_SETTING]: https://docs.aws.amazon.com/redshift/latest/dg/r_CURRENT_SETTING.html
//! [row-level security]: https://docs.aws.amazon.com/redshift/latest/dg/t_rls_usage.html
//! [it can be reused]: https://docs.aws.amazon.com/redshift/latest/dg/PG_BACKEND_PID.html
//! [is never answered from the cache]: https://docs.aws.amazon.com/redshift/latest/dg/c_challenges_achieving_high_performance_queries.html

/// The text of the part. It comes after that of the secure views, which gives them back their own form where impersonation is
/// switched off; what else it made can then be dropped.
pub(super) const TEMPLATE: &str = include_str!("../bootstrap/impersonation.sql");

#[cfg(test)]
mod tests {
    use crate::{
        event::wire,
        model::Integration,
        render::install::{Step, setup},
    };

    fn made(impersonation: bool) -> Vec<Step> {
        let wire: wire::IntegrationDocument = serde_json::from_value(serde_json::json!({
            "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "single_database", "database": "dev",
            "view_schema": "governed", "system_user": "system", "secret": "s", "impersonation": impersonation,
        }))
        .unwrap();
        setup(&Integration::check(&wire).unwrap()).unwrap()
    }

    fn texts(steps: &[Step]) -> Vec<String> {
        steps.iter().flat_map(|step| &step.statements).map(|statement| statement.execute().to_owned()).collect()
    }

    /// What stands between `start` and `end` in each text that begins so.
    fn between<'a>(texts: &'a [String], start: &str, end: &str) -> Vec<&'a str> {
        texts.iter().filter_map(|text| text.strip_prefix(start)?.split(end).next()).collect()
    }

    #[test]
    fn without_it_nothing_mentions_it() {
        let (with, without) = (made(true), made(false));
        let rest: Vec<_> = with.iter().filter(|step| step.name != "impersonation").cloned().collect();
        assert_eq!(without, rest);
        for text in texts(&without) {
            assert!(!text.to_ascii_lowercase().contains("imperson") && !text.contains("CURRENT_SETTING"), "{text}");
        }
    }

    #[test]
    fn the_secure_views_keep_their_columns() {
        let columns = |texts: &[String], view: &str| -> Vec<String> {
            let start = format!(r#"CREATE OR REPLACE VIEW "immuta_system"."{view}" AS"#);
            between(texts, &start, "FROM").into_iter().map(str::to_owned).collect()
        };
        let texts = texts(&made(true));
        for view in ["user_profile", "user_entitlement"] {
            let [before, after] = <[String; 2]>::try_from(columns(&texts, view)).unwrap();
            assert_eq!(before, after, "a view can only be replaced by one with the same columns");
        }
    }

    /// <https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-security-and-privileges.html>
    #[test]
    fn procedures_with_the_rights_of_their_owner_search_no_schema_of_users() {
        for step in made(true) {
            for statement in step.statements {
                let sql = statement.execute();
                let has_rights = sql.contains("SECURITY DEFINER");
                assert_eq!(has_rights, sql.ends_with("SECURITY DEFINER SET search_path TO pg_catalog"), "{sql}");
                assert_eq!(has_rights, step.name == "impersonation" && sql.contains(" PROCEDURE "), "{sql}");
                if has_rights {
                    let relations = sql.split(['\n', ' ']).skip_while(|word| *word != "BEGIN").collect::<Vec<_>>();
                    for pair in
                        relations.windows(2).filter(|pair| matches!(pair[0], "FROM" | "INTO" | "JOIN" | "UPDATE"))
                    {
                        let variable = pair[0] == "INTO" && pair[1].starts_with("v_");
                        let qualified = pair[1].starts_with("\"immuta_system\".") || pair[1].starts_with("pg_catalog.");
                        assert!(variable || qualified || pair[1] == "'", "{pair:?}: {sql}");
                    }
                }
            }
        }
    }
}
