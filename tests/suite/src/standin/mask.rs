//! The program of the `mask` function behind the external functions of a stand-in.

use std::path::{Path, PathBuf};

use redoubt_local::Config;

use super::secrets;
use crate::stack::StackError;

/// Name of the Lambda function.
pub const FUNCTION: &str = "redoubt-mask";
const SECRET: &str = "redoubt-master";
/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What answers for the `mask` function.
#[derive(Debug, Clone, Copy)]
pub enum Mask<'a> {
    /// Nothing does.
    None,
    /// The program, which can be asked nothing that needs a key.
    Keyless,
    /// The program, with this master secret.
    Keyed(&'a str),
}

impl Mask<'_> {
    pub(super) fn answer_in(self, config: Config) -> Result<Config, StackError> {
        let (url, secret) = match self {
            Self::None => return Ok(config),
            Self::Keyless => (NOWHERE.to_owned(), "none"),
            Self::Keyed(content) => {
                let url = secrets::serve(SECRET, content).map_err(StackError::service("Secrets Manager", "start"))?;
                (url, SECRET)
            }
        };
        let environment = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("REDOUBT_MASTER_SECRET", secret),
            ("REDOUBT_TABLE", "none"),
        ];
        Ok(config.lambda(FUNCTION, binary()?, environment))
    }
}

/// The binary of the function, which is built beside the test.
fn binary() -> Result<PathBuf, StackError> {
    let test = std::env::current_exe().unwrap_or_default();
    let binary = test.parent().and_then(Path::parent).unwrap_or(Path::new("")).join("mask");
    if binary.exists() {
        return Ok(binary);
    }
    Err(StackError::Unusable(format!("`{}` is not there: run `make build`", binary.display())))
}
