//! What the functions wrote, as the stack keeps it. They are processes of the emulator, which writes down the lines of each
//! invocation once that has ended.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Stack, StackError};

/// Every line that any server or function of the stack wrote, with the file it stands in.
///
/// # Errors
/// When the logs can't be read, or there are none.
pub fn texts(stack: &Stack) -> Result<Vec<(String, String)>, StackError> {
    let folder = Path::new(stack.settings.get("REDOUBT_LOGS"));
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| StackError::File { path, source }
    };
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let name = path.display().to_string();
        lines.extend(String::from_utf8_lossy(&bytes).lines().map(|line| (name.clone(), line.to_owned())));
    }
    if lines.is_empty() {
        return Err(StackError::Unusable(format!("there are no logs in `{}`", folder.display())));
    }
    Ok(lines)
}

/// The lines that hold one of these texts, with where they stand.
///
/// # Errors
/// When the logs can't be read.
pub fn lines_with(stack: &Stack, sought: &[String]) -> Result<Vec<String>, StackError> {
    let lines = texts(stack)?.into_iter();
    let found = lines.filter(|(_, line)| sought.iter().any(|sought| line.contains(sought)));
    Ok(found.map(|(file, line)| format!("{file}: {line}")).collect())
}

/// The objects that the functions wrote, oldest first: log lines and metrics.
///
/// # Errors
/// When the logs can't be read.
pub fn objects(stack: &Stack) -> Result<Vec<Value>, StackError> {
    let texts = texts(stack)?;
    let mut objects: Vec<Value> =
        texts.iter().filter_map(|(_, line)| serde_json::from_str(line).ok()).filter(Value::is_object).collect();
    objects.sort_by(|a, b| time(a).cmp(time(b)));
    Ok(objects)
}

/// The log lines about an event, oldest first.
///
/// # Errors
/// When the logs can't be read.
pub fn about(stack: &Stack, correlation_id: &str) -> Result<Vec<Value>, StackError> {
    let mut lines = objects(stack)?;
    lines.retain(|line| line.get("correlation_id").and_then(Value::as_str) == Some(correlation_id));
    Ok(lines)
}

/// All have the same form, so they sort as texts.
fn time(line: &Value) -> &str {
    line.get("timestamp").and_then(Value::as_str).unwrap_or_default()
}
