//! `redoubt doctor`: examines a warehouse with the caller's own AWS credentials.

use std::{error::Error, fs, io, io::Write, path::PathBuf, process::ExitCode};

use redoubt_aws::{
    error::chain,
    port::{SystemClock, SystemEntropy, Warehouse},
    runtime,
    work::{self, WorkError},
};
use redoubt_core::{
    doctor::Report,
    event::{self, Faults, wire::IntegrationDocument},
    model::Integration,
};
use serde_json::{Value, json};

/// How to call it.
pub(crate) const USAGE: &str = "\
usage: redoubt doctor FILE [--reader-secret ARN] [--json]

  FILE                  the integration document, in YAML or JSON; ${NAME} is taken from the environment
  --reader-secret ARN   secret (name or ARN) of a second, ordinary account; without it, the one of `setup`
  --json                the report as JSON

Exits with 0 if nothing blocks, 1 if something does or the warehouse can't be examined, 2 if it is called wrongly.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    file: PathBuf,
    reader_secret: Option<String>,
    json: bool,
}

/// Why nothing was examined.
#[derive(Debug, thiserror::Error)]
enum DoctorError {
    #[error("{0}")]
    Usage(String),
    #[error("`{path}` can't be read")]
    Read { path: String, source: io::Error },
    #[error("`{path}` is neither YAML nor JSON")]
    Form { path: String, source: Box<serde_saphyr::Error> },
    #[error("`{path}` names the variable `{name}`, which is not set")]
    Variable { path: String, name: String },
    #[error("`{path}`: {faults}")]
    Document { path: String, faults: Faults },
    #[error("the warehouse can't be examined")]
    Examine(#[from] WorkError),
    #[error("the report can't be written")]
    Write(#[from] io::Error),
}

impl DoctorError {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Read { .. } | Self::Form { .. } | Self::Variable { .. } | Self::Document { .. } => 2,
            Self::Examine(_) | Self::Write(_) => 1,
        }
    }
}

/// Runs the command with the arguments behind its name.
pub(crate) async fn run(
    arguments: impl IntoIterator<Item = String>,
    out: &mut impl Write,
    complaints: &mut impl Write,
) -> ExitCode {
    let done = async {
        let options = Options::parse(arguments)?;
        let integration = read(&options.file, &|name| std::env::var(name).ok())?;
        examine(&runtime::connect_warehouse().await, &integration, &options, out).await
    };
    match done.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(complaints, "redoubt doctor: {}", chain(&error as &(dyn Error + 'static)));
            if matches!(error, DoctorError::Usage(_)) {
                let _ = write!(complaints, "\n{USAGE}");
            }
            ExitCode::from(error.code())
        }
    }
}

impl Options {
    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, DoctorError> {
        let usage = |text: String| Err(DoctorError::Usage(text));
        let (mut file, mut reader_secret, mut json) = (None, None, false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => json = true,
                "--reader-secret" => match arguments.next().filter(|value| !value.is_empty()) {
                    Some(value) => reader_secret = Some(value),
                    None => return usage("option `--reader-secret` needs a value".to_owned()),
                },
                option if option.starts_with('-') => return usage(format!("unknown option `{option}`")),
                _ if file.is_some() => return usage(format!("one file is examined: found `{argument}` besides")),
                _ => file = Some(PathBuf::from(argument)),
            }
        }
        match file {
            Some(file) => Ok(Self { file, reader_secret, json }),
            None => usage("the integration document is missing".to_owned()),
        }
    }
}

/// Reads an integration document, or the event that carries one.
fn read(file: &std::path::Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Integration, DoctorError> {
    let path = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|source| DoctorError::Read { path: path.clone(), source })?;
    let mut value: Value = serde_saphyr::from_str(&text)
        .map_err(|source| DoctorError::Form { path: path.clone(), source: Box::new(source) })?;
    fill(&mut value, variable).map_err(|name| DoctorError::Variable { path: path.clone(), name })?;
    if let Some(document) = value.get_mut("integration").map(Value::take) {
        value = document;
    }
    if let Some(fields) = value.as_object_mut() {
        // Nothing here depends on it.
        fields.entry("version").or_insert(json!(1));
    }
    let document: Result<IntegrationDocument, Faults> = event::document(value);
    document.and_then(|document| Integration::check(&document)).map_err(|faults| DoctorError::Document { path, faults })
}

/// Replaces `${NAME}`, which must be the whole text.
fn fill(value: &mut Value, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                *text = variable(name).ok_or_else(|| name.to_owned())?;
            }
            Ok(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(|one| fill(one, variable)),
        Value::Object(fields) => fields.values_mut().try_for_each(|one| fill(one, variable)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Examines and reports; tells whether nothing blocks.
async fn examine<W: Warehouse>(
    warehouse: &W,
    integration: &Integration,
    options: &Options,
    out: &mut impl Write,
) -> Result<bool, DoctorError> {
    let reader = work::second_account(integration, options.reader_secret.as_deref());
    let report = work::examine_with(warehouse, &SystemClock, &SystemEntropy, integration, reader).await?;
    let blocks: Vec<&str> =
        report.blocks(&integration.accepted_risks).iter().map(|finding| finding.id.as_str()).collect();
    if options.json {
        writeln!(out, "{}", as_json(&report, &blocks))?;
    } else {
        writeln!(out, "{report}\n\n{}", summary(&blocks))?;
    }
    Ok(blocks.is_empty())
}

fn as_json(report: &Report, blocks: &[&str]) -> Value {
    json!({"findings": report.findings, "blocks": blocks})
}

fn summary(blocks: &[&str]) -> String {
    if blocks.is_empty() {
        return "Nothing keeps policies from being enforced here.".to_owned();
    }
    format!(
        "No policy is enforced here because of: {}. What is unknown may need a second account (--reader-secret); \
         docs/doctor.md says what to do, or how to accept the risk.",
        blocks.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use redoubt_aws::{
        port::Call,
        warehouse::{MemoryWarehouse, Script},
    };

    use super::*;

    const DOCUMENT: &str = "\
id: wh
host: wh
workgroup: ${WORKGROUP}
mode: single_database
database: immuta
view_schema: governed
system_user: redoubt
secret: system
";

    fn parse(line: &str) -> Result<Options, DoctorError> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    fn options(reader_secret: Option<&str>, json: bool) -> Options {
        Options { file: PathBuf::from("f"), reader_secret: reader_secret.map(str::to_owned), json }
    }

    fn document(text: &str) -> Result<Integration, DoctorError> {
        static FILES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = FILES.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let file = std::env::temp_dir().join(format!("redoubt-doctor-{}-{number}", std::process::id()));
        fs::write(&file, text).unwrap();
        let read = read(&file, &|name| (name == "WORKGROUP").then(|| "wg".to_owned()));
        fs::remove_file(file).unwrap();
        read
    }

    #[test]
    fn arguments_come_in_any_order() {
        assert_eq!(parse("f").unwrap(), options(None, false));
        assert_eq!(parse("--json f --reader-secret s").unwrap(), options(Some("s"), true));
        for (line, complaint) in [
            ("", "the integration document is missing"),
            ("f g", "one file is examined: found `g` besides"),
            ("f --reader-secret", "option `--reader-secret` needs a value"),
            ("f --quick", "unknown option `--quick`"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.code()), (complaint, 2));
        }
    }

    #[test]
    fn a_document_is_read_bare_or_in_its_event() {
        let bare = document(DOCUMENT).unwrap();
        assert_eq!(bare.warehouse, redoubt_core::model::WarehouseName::Workgroup("wg".to_owned()));
        let event = format!("type: integration.created\nintegration:\n  {}", DOCUMENT.trim_end().replace('\n', "\n  "));
        assert_eq!(document(&event).unwrap(), bare);
        for (text, complaint) in [
            (DOCUMENT.replace("WORKGROUP", "NOBODY"), "names the variable `NOBODY`, which is not set"),
            (DOCUMENT.replace("single_database", "no_database"), "integration.mode"),
            ("[".to_owned(), "is neither YAML nor JSON"),
            ("a text".to_owned(), "found"),
        ] {
            let error = document(&text).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
            assert_eq!(error.code(), 2);
        }
        assert_eq!(read(std::path::Path::new("/no/such/file"), &|_| None).unwrap_err().code(), 2);
    }

    async fn examined(integration: &Integration, options: &Options) -> (bool, String) {
        let warehouse = MemoryWarehouse::new(|_: &Call| Script::Finish).answering(work::sound);
        let mut out = Vec::new();
        let fine = examine(&warehouse, integration, options, &mut out).await.unwrap();
        (fine, String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn the_report_says_what_blocks() {
        let mut integration = document(DOCUMENT).unwrap();
        let (fine, text) = examined(&integration, &options(Some("reader"), false)).await;
        assert!(fine, "{text}");
        assert_eq!(text.lines().count(), 15);
        assert!(text.ends_with("\n\nNothing keeps policies from being enforced here.\n"), "{text}");
        let (fine, text) = examined(&integration, &options(None, false)).await;
        assert!(!fine);
        assert!(text.contains("\n\nNo policy is enforced here because of: view_reader, result_cache. "), "{text}");
        let (fine, text) = examined(&integration, &options(None, true)).await;
        assert!(!fine);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["blocks"], json!(["view_reader", "result_cache"]));
        assert_eq!(report["findings"].as_array().unwrap().len(), 13);
        integration.accepted_risks =
            [redoubt_core::model::Risk::ViewReader, redoubt_core::model::Risk::ResultCache].into();
        assert!(examined(&integration, &options(None, false)).await.0);
    }

    #[tokio::test]
    async fn a_service_out_of_reach_is_no_report() {
        let refuse = |_: &Call| Script::Refuse(redoubt_aws::error::ErrorKind::Retry, "ThrottlingException");
        let integration = document(DOCUMENT).unwrap();
        let mut out = Vec::new();
        let error =
            examine(&MemoryWarehouse::new(refuse), &integration, &options(None, false), &mut out).await.unwrap_err();
        assert_eq!((error.code(), out.len()), (1, 0));
        assert!(chain(&error).contains("ThrottlingException"), "{}", chain(&error));
    }
}
