//! The masking functions, which everyone may call: what they give away to somebody who has no token, and what they say when
//! something is wrong.

use redoubt_tests::stack::{Scene, Session, StackError, literal, logs};
use serde_json::json;

/// Texts that stand in a table whose columns are masked by functions. Each is a canary: it must be seen nowhere else.
struct Vault {
    scene: Scene,
    /// Registered, may see the view, may not unmask.
    mallory: Session,
    /// May unmask the column `phone`.
    fiona: Session,
    view: String,
    secret: String,
}

const FUNCTIONS: [(&str, usize); 4] =
    [("mask_reversible", 4), ("mask_format_preserving", 5), ("mask_format_preserving_number", 5), ("unmask", 4)];

impl Vault {
    async fn begin(name: &str) -> Result<Self, StackError> {
        let scene = Scene::begin(name).await?;
        let secret = format!("canary-{}", scene.prefix);
        let rows = format!("(1, '{secret}', '0301-555-0101', 4929123456789012), (2, '{secret}', '0301-555-0102', 1)");
        scene.create("vault", "id integer, note varchar(60), phone varchar(20), card bigint", &rows).await?;
        let mallory = scene.account("mallory").await?;
        let fiona = scene.account("fiona").await?;
        let columns = json!([
            {"name": "id", "type": "integer"}, {"name": "note", "type": "varchar(60)"},
            {"name": "phone", "type": "varchar(20)"}, {"name": "card", "type": "bigint"},
        ]);
        scene
            .send(&[
                scene.source("vault", 1, columns),
                scene.user("mallory", 1, &["staff"], json!({})),
                scene.user("fiona", 1, &["staff", "fraud"], json!({})),
                scene.subscription("readers", 1, json!({"level": "entitlement", "condition": {"group": "staff"}})),
                scene.rules(
                    "masks",
                    1,
                    json!([
                        {"mask": {"columns": {"name": "note"}, "using": {"kind": "reversible"}}},
                        {"mask": {"columns": {"name": "phone"}, "using": {"kind": "reversible", "unmask": {"group": "fraud"}}}},
                        {"mask": {"columns": {"name": "card"}, "using": {"kind": "format_preserving"}}},
                    ]),
                ),
            ])
            .await?;
        let view = scene.view("vault");
        let query = format!("SELECT count(note) FROM {view}");
        for reader in [&mallory, &fiona] {
            reader.until(&query, "2").await?;
        }
        Ok(Self { scene, mallory, fiona, view, secret })
    }

    /// A column of the first row, as everyone sees it.
    async fn masked(&self, column: &str) -> String {
        self.mallory.see(&format!("SELECT {column} FROM {} WHERE id = 1", self.view)).await
    }

    /// What only the owner of the views can read.
    async fn token(&self) -> Result<String, StackError> {
        let source = literal(&self.scene.name("vault"));
        let query = format!("SELECT token FROM immuta_system.masking_key WHERE source = {source}");
        let token = self.scene.administrator().await?.see(&query).await;
        assert_eq!(token.len(), 64, "{token}");
        Ok(token)
    }

    async fn handle(&self) -> String {
        let source = literal(&self.scene.name("vault"));
        let handle =
            self.mallory.see(&format!("SELECT handle FROM immuta_system.unmask_key WHERE source = {source}")).await;
        assert_eq!(handle.len(), 64, "{handle}");
        handle
    }
}

fn call(function: &str, arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|argument| literal(argument)).collect();
    format!("SELECT immuta_functions.{function}({})", arguments.join(", "))
}

#[tokio::test]
async fn without_the_token_there_is_no_dictionary() -> Result<(), StackError> {
    let vault = Vault::begin("dictionary").await?;
    let (source, token, handle) = (vault.scene.name("vault"), vault.token().await?, vault.handle().await);
    assert_ne!(token, handle);
    let masked = vault.masked("phone").await;
    let card = vault.masked("card").await;
    assert_eq!((masked.len(), card.len()), (40, 16), "{masked} {card}");
    // With the token the view's own result comes out, so what follows fails for want of it and for nothing else.
    let with_token = call("mask_reversible", &["0301-555-0101", &token, &source, "phone"]);
    assert_eq!(vault.mallory.see(&with_token).await, masked);
    // All that mallory can get hold of, and what she might make of it.
    let zeros = "0".repeat(64);
    let digest = vault.mallory.see(&format!("SELECT sha2({}, 256)", literal(&handle))).await;
    for guess in [handle.as_str(), zeros.as_str(), digest.as_str(), &token.to_uppercase(), ""] {
        let guessed = vault.mallory.see(&call("mask_reversible", &["0301-555-0101", guess, &source, "phone"])).await;
        assert_ne!(guessed, masked, "{guess}");
        let alphabet = "0123456789";
        let guessed = vault
            .mallory
            .see(&call("mask_format_preserving", &["4929123456789012", guess, &source, "card", alphabet]))
            .await;
        assert_ne!(guessed, card, "{guess}");
        let most = "9223372036854775807";
        let guessed = vault
            .mallory
            .see(&call("mask_format_preserving_number", &["4929123456789012", guess, &source, "card", most]))
            .await;
        assert_ne!(guessed, card, "{guess}");
    }
    // Another column's key is another key, and a null is no key.
    let other = vault.mallory.see(&call("mask_reversible", &["0301-555-0101", &token, &source, "note"])).await;
    assert_ne!(other, masked);
    let null = vault.mallory.see("SELECT immuta_functions.mask_reversible('x', NULL, 's', 'c')").await;
    assert!(null.starts_with("ERROR"), "{null}");
    Ok(())
}

#[tokio::test]
async fn nobody_reads_a_token() -> Result<(), StackError> {
    let vault = Vault::begin("tokens").await?;
    let token = vault.token().await?;
    let denied = "ERROR 42501: permission denied for table masking_key";
    assert_eq!(vault.mallory.see("SELECT * FROM immuta_system.masking_key").await, denied);
    for query in [
        "SELECT coalesce(pg_get_viewdef(c.oid), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'v' AND n.nspname NOT LIKE 'pg_%' AND n.nspname <> 'information_schema'",
        "SELECT prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT LIKE 'pg_%'",
        "SELECT coalesce(query, '') FROM pg_stat_activity",
        "SELECT * FROM immuta_system.unmask_key",
    ] {
        let seen = vault.mallory.see(query).await;
        assert!(!seen.starts_with("ERROR") && !seen.contains(&token), "{query}: {seen}");
    }
    let plan = vault.mallory.see(&format!("EXPLAIN (VERBOSE) SELECT * FROM {}", vault.view)).await;
    assert!(!plan.contains(&token), "{plan}");
    // Somebody nobody registered sees no handle either.
    let stranger = vault.scene.account("stranger").await?;
    assert_eq!(stranger.see("SELECT count(*) FROM immuta_system.unmask_key").await, "0");
    Ok(())
}

#[tokio::test]
async fn only_those_a_policy_names_unmask() -> Result<(), StackError> {
    let vault = Vault::begin("unmask").await?;
    let (source, handle) = (vault.scene.name("vault"), vault.handle().await);
    let (phone, note) = (vault.masked("phone").await, vault.masked("note").await);
    let unmask = |masked: &str, column: &str| call("unmask", &[masked, &handle, &source, column]);
    assert_eq!(vault.fiona.see(&unmask(&phone, "phone")).await, "0301-555-0101");
    let refused = |seen: &str| seen.starts_with("ERROR") && seen.contains("this user may not unmask this column");
    let stranger = vault.scene.account("stranger").await?;
    for session in [&vault.mallory, &stranger] {
        let seen = session.see(&unmask(&phone, "phone")).await;
        assert!(refused(&seen), "{seen}");
    }
    // The mask of `note` names nobody, and neither column's text is any good under the other's name.
    let seen = vault.fiona.see(&unmask(&note, "note")).await;
    assert!(refused(&seen), "{seen}");
    let seen = vault.fiona.see(&unmask(&note, "phone")).await;
    assert!(seen.starts_with("ERROR") && !seen.contains(&vault.secret), "{seen}");
    // A name that is not one's own can't be put on.
    let prefix = &vault.scene.prefix;
    let posing = format!("SET SESSION AUTHORIZATION \"{prefix}_fiona\"; {}", unmask(&phone, "phone"));
    let seen = vault.mallory.see(&posing).await;
    assert!(seen.starts_with("ERROR 42501"), "{seen}");
    // The right goes with the group.
    let mut left = vault.scene.event("user.groups_changed", "fiona", 2);
    left["groups"] = json!(["staff"]);
    vault.scene.send(&[left]).await?;
    vault.fiona.until_that(&unmask(&phone, "phone"), "a refusal", refused).await?;
    Ok(())
}

#[tokio::test]
async fn an_error_holds_no_value() -> Result<(), StackError> {
    let vault = Vault::begin("errors").await?;
    let (source, handle) = (vault.scene.name("vault"), vault.handle().await);
    let secret = vault.secret.as_str();
    for (function, count) in FUNCTIONS {
        // Each argument in turn holds the canary, the others what is right or nearly.
        for place in 0..count {
            let mut arguments = vec!["0301", handle.as_str(), source.as_str(), "phone", "0123456789"];
            arguments.truncate(count);
            arguments[place] = secret;
            let seen = vault.fiona.see(&call(function, &arguments)).await;
            assert!(!seen.contains(secret), "{function}, argument {place}: {seen}");
        }
    }
    for pattern in ["(", "[z-a]", "(?P<x>", "a{9999999}"] {
        let seen = vault.mallory.see(&call("mask_regex", &[secret, pattern, "x", "g"])).await;
        assert!(seen.starts_with("ERROR") && !seen.contains(secret), "{seen}");
    }
    let seen = vault.mallory.see(&call("mask_regex", &["x", secret, secret, secret])).await;
    assert!(seen.starts_with("ERROR") && !seen.contains(secret), "{seen}");
    Ok(())
}

#[tokio::test]
async fn logs_hold_no_argument_no_token_and_no_master_secret() -> Result<(), StackError> {
    let vault = Vault::begin("funclogs").await?;
    let token = vault.token().await?;
    let master = vault.scene.stack.secret(vault.scene.stack.settings.get("REDOUBT_MASTER_SECRET")).await?;
    let master = master["secret"].as_str().unwrap_or_default().to_owned();
    assert!(master.len() >= 32, "what is looked for is there");
    vault.mallory.see(&call("mask_reversible", &[&vault.secret, "wrong", "s", "c"])).await;
    let sought = [vault.secret.clone(), token, master];
    assert_eq!(logs::lines_with(&vault.scene.stack, &sought)?, Vec::<String>::new());
    Ok(())
}
