//! What Redshift expects: a JSON text, which the Lambda runtime then puts into a JSON string.
//!
//! All or nothing: a reply has one result for each row, or none at all.

use crate::error::Fault;

/// The most bytes of a reply once it is a JSON string. Lambda carries 6,291,556
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); some are left for the runtime's own.
pub const MAX_BYTES: usize = 6_000_000;
/// The most bytes of a result: what fits VARCHAR(65535).
pub const MAX_RESULT_BYTES: usize = 65_535;

/// A reply in the making.
#[derive(Debug)]
pub(crate) struct Reply {
    text: String,
    /// How many characters the runtime puts a backslash before.
    escaped: usize,
    results: usize,
}

impl Reply {
    /// A reply for a number of rows, with room for as many bytes.
    pub(crate) fn new(rows: usize, bytes: usize) -> Self {
        let mut reply = Self { text: String::with_capacity(bytes.min(MAX_BYTES)), escaped: 0, results: 0 };
        reply.text.push_str(r#"{"success":true,"num_records":"#);
        reply.text.push_str(&rows.to_string());
        reply.text.push_str(r#","results":["#);
        reply.escaped = reply.text.bytes().filter(|byte| *byte == b'"').count();
        reply
    }

    /// Adds the next row's result; null for `None`.
    pub(crate) fn push(&mut self, result: Option<&str>) -> Result<(), Fault> {
        if self.results > 0 {
            self.text.push(',');
        }
        self.results += 1;
        match result {
            Some(result) => {
                self.escaped += push_text(&mut self.text, result);
            }
            None => self.text.push_str("null"),
        }
        if self.text.len() + self.escaped > MAX_BYTES { Err(Fault::TooLarge) } else { Ok(()) }
    }

    /// The reply.
    pub(crate) fn finish(mut self, rows: usize) -> Result<String, Fault> {
        if self.results != rows {
            return Err(Fault::Results { rows, results: self.results });
        }
        self.text.push_str("]}");
        Ok(self.text)
    }
}

/// The reply that tells what is wrong.
#[must_use]
pub fn failure(fault: &Fault) -> String {
    let mut text = String::from(r#"{"success":false,"error_msg":"#);
    push_text(&mut text, &fault.to_string());
    text.push('}');
    text
}

/// Adds a JSON string and returns how many of its bytes need a backslash in another one.
fn push_text(out: &mut String, text: &str) -> usize {
    // Written so that the compiler looks at many bytes at once.
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let special = text.bytes().fold(false, |any, byte| any | is_special(byte));
    out.push('"');
    if !special {
        out.push_str(text);
        out.push('"');
        return 2;
    }
    let start = out.len();
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => {
                out.push_str("\\u00");
                for half in [character as u32 >> 4, character as u32 & 15] {
                    out.push(char::from_digit(half, 16).unwrap_or('0'));
                }
            }
            _ => out.push(character),
        }
    }
    let escaped = out.bytes().skip(start).filter(|byte| matches!(byte, b'"' | b'\\')).count();
    out.push('"');
    escaped + 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_reply_has_a_result_for_each_row_or_none_at_all() {
        let reply = |rows: usize| {
            let mut reply = Reply::new(rows, 0);
            reply.push(Some("a\"b")).unwrap();
            reply.push(None).unwrap();
            reply.finish(rows)
        };
        let value: Value = serde_json::from_str(&reply(2).unwrap()).unwrap();
        assert_eq!(value, json!({"success": true, "num_records": 2, "results": ["a\"b", null]}));
        assert_eq!(reply(1), Err(Fault::Results { rows: 1, results: 2 }));
        assert_eq!(reply(3), Err(Fault::Results { rows: 3, results: 2 }));
        assert_eq!(Reply::new(0, 0).finish(0).unwrap(), r#"{"success":true,"num_records":0,"results":[]}"#);
    }

    #[test]
    fn a_failure_says_why() {
        assert_eq!(
            failure(&Fault::Missing("user")),
            r#"{"success":false,"error_msg":"`user` is missing from the request"}"#
        );
    }

    #[test]
    fn a_reply_that_lambda_would_not_carry_is_refused() {
        for text in ["x", "\"\\\n\u{1}é"] {
            let text = text.repeat(1_000);
            let mut reply = Reply::new(10_000, 0);
            let mut last = 0;
            while reply.push(Some(&text)).is_ok() {
                last = reply.text.len() + reply.escaped;
            }
            assert!(last <= MAX_BYTES && last > MAX_BYTES - 20_000, "{last}");
            assert_eq!(serde_json::to_string(&reply.text).unwrap().len(), reply.text.len() + reply.escaped + 2);
        }
    }

    proptest! {
        #[test]
        fn texts_are_read_back(texts in prop::collection::vec(prop::option::of("\\PC{0,9}|[\\x00-\\x22\\\\]{0,9}"), 0..9)) {
            let mut reply = Reply::new(texts.len(), 0);
            for text in &texts {
                reply.push(text.as_deref()).unwrap();
            }
            let size = reply.text.len() + reply.escaped;
            prop_assert_eq!(serde_json::to_string(&reply.text).unwrap().len(), size + 2);
            let value: Value = serde_json::from_str(&reply.finish(texts.len()).unwrap()).unwrap();
            prop_assert_eq!(&value["results"], &json!(texts));
        }
    }
}
