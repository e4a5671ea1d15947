//! `redoubt doctor`: examines a warehouse with the caller's own AWS credentials.

use std::{io::Write, process::ExitCode};

use redoubt_aws::{
    port::{SystemClock, SystemEntropy, Warehouse},
    runtime, work,
};
use redoubt_core::{doctor::Report, model::Integration};
use serde_json::{Value, json};

use crate::{
    arguments::{Form, Given},
    document::integration,
    failure::Failure,
};

const FORM: Form = Form {
    usage: "`doctor FILE [--reader-secret ARN] [--json]`",
    switch: Some("--json"),
    value: Some("--reader-secret"),
};

/// Runs the command.
pub async fn run(arguments: &[&str], out: &mut Vec<u8>) -> Result<ExitCode, Failure> {
    let Given { files: [file], switch: as_json, value: reader_secret } = FORM.read(arguments)?;
    let integration = integration(file)?;
    let fine = examine(&runtime::connect_warehouse().await, &integration, reader_secret, as_json, out).await?;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Examines and reports; tells whether nothing blocks.
async fn examine<W: Warehouse>(
    warehouse: &W,
    integration: &Integration,
    reader_secret: Option<&str>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let reader = work::second_account(integration, reader_secret);
    let report = work::examine_with(warehouse, &SystemClock, &SystemEntropy, integration, reader).await?;
    let blocks: Vec<&str> =
        report.blocks(&integration.accepted_risks).iter().map(|finding| finding.id.as_str()).collect();
    if as_json {
        writeln!(out, "{}", in_json(&report, &blocks))?;
    } else {
        writeln!(out, "{report}\n\n{}", summary(&blocks))?;
    }
    Ok(blocks.is_empty())
}

fn in_json(report: &Report, blocks: &[&str]) -> Value {
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
    use crate::document::tests::{DOCUMENT, document};

    async fn examined(integration: &Integration, reader_secret: Option<&str>, as_json: bool) -> (bool, String) {
        let warehouse = MemoryWarehouse::new(|_: &Call| Script::Finish).answering(work::sound);
        let mut out = Vec::new();
        let fine = examine(&warehouse, integration, reader_secret, as_json, &mut out).await.unwrap();
        (fine, String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn the_report_says_what_blocks() {
        let mut integration = document(DOCUMENT).unwrap();
        let (fine, text) = examined(&integration, Some("reader"), false).await;
        assert!(fine, "{text}");
        assert_eq!(text.lines().count(), 15);
        assert!(text.ends_with("\n\nNothing keeps policies from being enforced here.\n"), "{text}");
        let (fine, text) = examined(&integration, None, false).await;
        assert!(!fine);
        assert!(text.contains("\n\nNo policy is enforced here because of: view_reader, result_cache. "), "{text}");
        let (fine, text) = examined(&integration, None, true).await;
        assert!(!fine);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["blocks"], json!(["view_reader", "result_cache"]));
        assert_eq!(report["findings"].as_array().unwrap().len(), 13);
        integration.accepted_risks =
            [redoubt_core::model::Risk::ViewReader, redoubt_core::model::Risk::ResultCache].into();
        assert!(examined(&integration, None, false).await.0);
    }

    #[tokio::test]
    async fn a_service_out_of_reach_is_no_report() {
        let refuse = |_: &Call| Script::Refuse(redoubt_aws::error::ErrorKind::Retry, "ThrottlingException");
        let integration = document(DOCUMENT).unwrap();
        let mut out = Vec::new();
        let error = examine(&MemoryWarehouse::new(refuse), &integration, None, false, &mut out).await.unwrap_err();
        assert_eq!((error.status(), out.len()), (1, 0));
        let error = error.to_string();
        assert!(error.starts_with("error: the warehouse can't be examined: "), "{error}");
        assert!(error.contains("ThrottlingException"), "{error}");
    }
}
