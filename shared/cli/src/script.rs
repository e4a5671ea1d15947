//! `redoubt script`: the steps of a setup, a change or a removal as SQL for an administrator.

use redoubt_core::render::install::{self, script};

use crate::{
    arguments::{Form, Given},
    document::integration,
    failure::Failure,
};

const SETUP: Form = Form::plain("`script setup FILE`");
const CHANGE: Form = Form::plain("`script change OLD NEW`");
const REMOVE: Form = Form { switch: Some("--keep-profiles"), ..Form::plain("`script remove FILE [--keep-profiles]`") };

/// Runs the command.
pub fn run(arguments: &[&str], out: &mut Vec<u8>) -> Result<(), Failure> {
    let script = match arguments {
        ["setup", rest @ ..] => {
            let Given { files: [file], .. } = SETUP.read(rest)?;
            script::setup(&integration(file)?)?
        }
        ["change", rest @ ..] => {
            let Given { files: [old, new], .. } = CHANGE.read(rest)?;
            let (before, after) = (integration(old)?, integration(new)?);
            if let Some(why) = install::change(&before, &after).refused {
                return Err(Failure::Refused(why));
            }
            script::change(&before, &after)?
        }
        ["remove", rest @ ..] => {
            let Given { files: [file], switch: keep_profiles, .. } = REMOVE.read(rest)?;
            script::remove(&integration(file)?, keep_profiles)?
        }
        _ => return Err(Failure::usage("`script setup`, `script change` or `script remove`", arguments)),
    };
    out.extend_from_slice(script.as_bytes());
    Ok(())
}
