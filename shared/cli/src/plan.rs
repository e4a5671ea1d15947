//! `redoubt plan`: what a changed integration brings about, in words.

use redoubt_core::render::install;

use crate::{
    arguments::{Form, Given},
    document::integration,
    failure::Failure,
};

const FORM: Form = Form::plain("`plan OLD NEW`");

/// Runs the command.
pub fn run(arguments: &[&str], out: &mut Vec<u8>) -> Result<(), Failure> {
    let Given { files: [old, new], .. } = FORM.read(arguments)?;
    let (before, after) = (integration(old)?, integration(new)?);
    let change = install::change(&before, &after);
    if change.is_none() {
        out.extend_from_slice(b"Nothing differs.\n");
    }
    for line in change.words().iter().filter(|_| !change.is_none()) {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    change.refused.map_or(Ok(()), |why| Err(Failure::Refused(why)))
}
