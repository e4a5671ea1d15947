//! The documents: what they link to is there, and every alarm has its section in the runbook.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't read its files must fail")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Not ours, or not there on every machine.
const LEFT_OUT: [&str; 2] = ["target", "node_modules"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn documents(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink() || name.starts_with('.') || LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text outside of blocks and spans of code.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// What the links of a document lead to, those to other places left out.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).map(str::to_owned).collect()
}

/// The anchors of a document, as GitHub makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block && line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    anchors
}

/// What is wrong with a link, if anything.
fn fault(document: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { document.to_path_buf() } else { document.parent()?.join(file) };
    if !path.exists() {
        return Some(format!("{}: `{target}` leads to no file", document.display()));
    }
    let anchor = anchor.filter(|_| path.extension().is_some_and(|extension| extension == "md"))?;
    let missing = !anchors(&read(&path)).contains(anchor);
    missing.then(|| format!("{}: `{target}` leads to no heading", document.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut found = Vec::new();
    documents(&root(), &mut found);
    let links: Vec<(PathBuf, String)> = found
        .iter()
        .flat_map(|document| targets(&read(document)).into_iter().map(|target| (document.clone(), target)))
        .collect();
    assert!(links.len() > 50, "only {} links in {} documents", links.len(), found.len());
    let faults: Vec<String> = links.iter().filter_map(|(document, target)| fault(document, target)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_leads_nowhere_is_noticed() {
    let document = root().join("README.md");
    let at = |target: &str| fault(&document, target);
    assert_eq!(at("docs/runbook.md#alarms"), None);
    assert!(at("docs/nothing.md").is_some_and(|fault| fault.ends_with("leads to no file")));
    assert!(at("docs/runbook.md#nothing").is_some_and(|fault| fault.ends_with("leads to no heading")));
    assert_eq!(targets("[a](b.md) `[c](d)` [e](https://f)\n```\n[g](h)\n```\n"), ["b.md"]);
}

#[test]
fn every_alarm_has_its_section_in_the_runbook() {
    const PLACE: &str = "docs/runbook.md#";
    let anchors = anchors(&read(&root().join("docs/runbook.md")));
    let template = read(&root().join("infra/template.yaml"));
    let alarms = template.matches("Type: AWS::CloudWatch::Alarm").count();
    assert!(alarms > 10, "only {alarms} alarms");
    let named: Vec<&str> = template
        .split(PLACE)
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next())
        .collect();
    assert_eq!(named.len(), alarms, "each alarm names one section");
    let missing: Vec<_> = named.into_iter().filter(|anchor| !anchors.contains(*anchor)).collect();
    assert!(missing.is_empty(), "no section for {missing:?}");
}
